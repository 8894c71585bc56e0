"""What to try in the sandbox, as the first message in its channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.image_models import MODELS
from sandbox import past
from sandbox.fake_rivya.model_control import PATH

if TYPE_CHECKING:
    from sandbox.environment import SandboxEnvironment

_GUIDANCE: Final = """\
**Welcome to the studio.** This is the real Kuas; {note} Choose who you are under *Viewing as*.
- **Mira** and **Tomo** are members. Type `/imagine`, with a `prompt` such as *a giraffe riding a bicycle at \
sunset*, and a `reference` if you like. `pictures` makes up to four.{models} `/history` finds one's own, \
`/credits` says what is left, `/help` what else there is.
- **Sari** manages this server. `/report` shows who spent what, `/limits show` what is set; `/setup` and \
`/limits guild` change it.
- **Rani** runs the bot. *{server}* wants in: *Allow 50* or *Refuse* on the card above. `/operator guilds` \
says what each server spends.{control}"""
_FAKE_NOTE: Final = "only Discord and Rivya are fake, so nothing costs anything."
_LIVE_NOTE: Final = "only Discord is fake, and every picture costs real credits."
_MODELS_NOTE: Final = (
    " `model` has others, from *{cheapest.name}* ({cheapest.cost_credits}) to"
    " *{dearest.name}* ({dearest.cost_credits}); `models` compares them."
)
_CONTROL_NOTE: Final = " [Be Rivya]({url}): change a price or take a model away; `/operator models` shows it."


def guidance_of(environment: SandboxEnvironment) -> str:
    """Return the guidance for what this sandbox has."""
    by_price = sorted(
        (MODELS[model_id] for model_id in environment.models), key=lambda each: each.cost_credits
    )
    rivya = environment.rivya
    return _GUIDANCE.format(
        note=_LIVE_NOTE if rivya is None else _FAKE_NOTE,
        models=_MODELS_NOTE.format(cheapest=by_price[0], dearest=by_price[-1]) if by_price[1:] else "",
        server=past.WAITING_SERVER,
        control="" if rivya is None else _CONTROL_NOTE.format(url=rivya.url + PATH),
    )
