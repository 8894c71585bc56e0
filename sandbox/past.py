"""Give the sandbox a past: pictures of the last days, limits of its admin, and a server that wants in.

Everything is done by the real bot through commands, with all clocks set back, while the fake Rivya paints at
once. Discord shows a private answer until its client is restarted; those of the past are removed.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from bot.domain.image_models import MODELS, QWEN_IMAGE, nearest_size
from bot.rivya.models import create_body
from sandbox.fake_rivya.manner import manner_of
from sandbox.fake_rivya.request_validation import parse_create
from sandbox.painter import paint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simcord import MemberActor

    from bot.domain.image_models import ImageModel
    from sandbox.environment import SandboxEnvironment
    from sandbox.fake_rivya import FakeRivya

BEGIN: Final = timedelta(days=6, hours=2)
"""How long ago the past begins."""
WAITING_SERVER: Final = "Night Gallery"
SETTLE_SECONDS: Final = 0.2
"""Shorter than an interval of polls, so that settling does not wait for the next poll."""
_QUEUE_SECONDS, _PAINTING_SECONDS = 3, 9
"""What a task takes in all is near the median of the fake Rivya."""
_MOST_POLLS: Final = 30
_MOST_SETTLES: Final = 300


@dataclass(frozen=True, slots=True)
class PastPicture:
    """A picture of one of the days before."""

    ago: timedelta
    member: str
    prompt: str
    size: str
    models: tuple[str, ...] = (QWEN_IMAGE.model_id,)
    """Several are compared. The default model paints it where none of these is on offer."""


PICTURES: Final = (
    PastPicture(
        timedelta(days=6), "tomo", "a lighthouse on a cliff at sunset", "landscape_16_9", ("flux-2-pro",)
    ),
    PastPicture(timedelta(days=5, hours=3), "mira", "a giraffe riding a bicycle", "square"),
    PastPicture(timedelta(days=3, hours=20), "tomo", "seekor kuda di pantai", "square", ("z-image",)),
    PastPicture(
        timedelta(days=3, hours=1),
        "tomo",
        "a red fox in a snowy forest at night",
        "square",
        ("nano-banana", "z-image"),
    ),
    PastPicture(timedelta(days=1, hours=4), "mira", "seekor kucing di taman bunga", "square"),
    PastPicture(
        timedelta(minutes=50), "tomo", "a sailing boat on a stormy sea", "landscape_16_9", ("ideogram-v3",)
    ),
)
_SETTINGS: Final = (
    ("limits timezone", {"zone": "Asia/Jakarta"}),
    (
        "limits member",
        {"member": "tomo", "credits": 80, "period": "month", "reason": "Everybody gets a turn"},
    ),
    ("limits grant", {"member": "tomo", "credits": 20, "reason": "Won the logo contest"}),
    ("presets save", {"name": "watercolour", "before": "a soft watercolour painting of"}),
)
"""What Sari sets at the beginning, command by command."""


async def live_through(environment: SandboxEnvironment, rivya: FakeRivya) -> None:
    """Let the days pass until the present.

    Raises:
        TimeoutError: the bot did not become idle, or a picture was not delivered.
    """
    now = environment.clock.now() + BEGIN
    # The painter remembers its last pictures, so that the bot waits for none.
    models = [_models(environment, picture) for picture in PICTURES]
    ahead = [(picture, model) for picture, each in zip(PICTURES, models, strict=True) for model in each]
    await asyncio.gather(*(_paint_ahead(rivya, *each) for each in ahead))
    people = {member.name: member for member in environment.people}
    for command, options in _SETTINGS:
        named = {name: people.get(str(value), value) for name, value in options.items()}
        await _slash(environment, environment.sari, command, **named)
    for picture, each in zip(PICTURES, models, strict=True):
        environment.clock.go_to(now - picture.ago)
        await _imagine(environment, rivya, people[picture.member], picture, each)
    environment.clock.go_to_present()
    await _settle(environment)
    _remove_private_answers(environment)


async def invite(environment: SandboxEnvironment) -> None:
    """Let a second server invite the bot, and wait until the operator is asked about it."""
    environment.env.create_guild(WAITING_SERVER).create_text_channel("general")
    await _settle(environment)


def _models(environment: SandboxEnvironment, picture: PastPicture) -> list[ImageModel]:
    """Return the models that paint it: its own that the sandbox offers, else the default."""
    offered = environment.models
    own = [model_id for model_id in picture.models if model_id in offered]
    return [MODELS[model_id] for model_id in own or offered[:1]]


async def _paint_ahead(rivya: FakeRivya, picture: PastPicture, model: ImageModel) -> None:
    """Paint the picture that the fake Rivya will be asked for."""
    body = create_body(
        model,
        prompt=picture.prompt,
        size=nearest_size(picture.size, model.sizes),
        format=model.file_formats[0],
        references=(),
        client_request_id="ahead",
    )
    asked = parse_create(body.encode(), rivya.models)
    manner = manner_of(asked.model.model_id, asked.params)
    await asyncio.to_thread(paint, asked.prompt, asked.size, asked.output_format, None, manner)


async def _imagine(
    environment: SandboxEnvironment,
    rivya: FakeRivya,
    member: MemberActor,
    picture: PastPicture,
    models: Sequence[ImageModel],
) -> None:
    """Ask for a picture of each model, and let them take as long as they usually do."""
    shown = len(environment.channel.history())
    rivya.hold()
    options = {"prompt": picture.prompt, "size": nearest_size(picture.size, models[0].sizes)}
    if len(environment.models) > 1:
        name = "model" if len(models) == 1 else "models"
        options[name] = ", ".join(model.model_id for model in models)
    await _slash(environment, member, "imagine", **options)
    await _let_pass(environment, _QUEUE_SECONDS)
    rivya.release()
    for _ in range(_MOST_POLLS):
        await _let_pass(environment, _PAINTING_SECONDS)
        if any(len(message.attachments) == len(models) for message in environment.channel.history()[shown:]):
            return
    raise TimeoutError(f"no picture of {picture.prompt}")


async def _slash(
    environment: SandboxEnvironment, person: MemberActor, command: str, /, **options: object
) -> None:
    with suppress(TimeoutError):  # of SimCord, while the bot is busy
        await person.slash(environment.channel, command, **options)
    await _settle(environment)


async def _let_pass(environment: SandboxEnvironment, seconds: float) -> None:
    environment.clock.go_to(environment.clock.now() + timedelta(seconds=seconds))
    await _settle(environment)


async def _settle(environment: SandboxEnvironment) -> None:
    """Wait until the bot is idle, but for its timers."""
    for _ in range(_MOST_SETTLES):
        with suppress(TimeoutError):
            await environment.env.settle(timeout=SETTLE_SECONDS)
            return
    raise TimeoutError("the bot does not become idle")


def _remove_private_answers(environment: SandboxEnvironment) -> None:
    backend, channel_id = environment.env.backend, environment.channel.id
    for message in list(backend.messages[channel_id].values()):
        if message.is_ephemeral:
            backend.delete_message(channel_id, message.id)
