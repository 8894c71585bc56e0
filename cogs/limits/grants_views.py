"""What an admin reads after a grant or a refund, and what the menu of paid pictures offers.

Owns the words about grants and refunds. Never imports anything of ours but grants, ground.cards,
limits.cards, pictures, text, tongues, treasury, wording.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from cogs.limits.views import CHOICE_UNITS, REASON_UNITS, whom
from cogs.text.escaping import harmless, plain
from cogs.text.terms import credits_text, mention, moment
from cogs.text.translation import count, noted, say
from cogs.ui.layout import card, small

if TYPE_CHECKING:
    from discord import ui

    from bot.credits.admin import Refund
    from bot.credits.grants import Grant
    from bot.credits.refundable import PaidPicture

NO_REASON: Final = noted("Give a reason in words; it stands in the log.")
NOT_CLEAR_WHICH: Final = noted(
    "More than one picture begins like that. Type more of its id, or choose from the list."
)
_JOB_ID: Final = re.compile(r"(?P<id>[0-9a-f][0-9a-f-]{0,35})(\.(png|jpg|webp))?")


def job_beginning(typed: str) -> str | None:
    """The id, or the beginning of one, in what was typed; a file's name will do. None if there is none."""
    found = _JOB_ID.fullmatch(typed.strip().casefold())
    return found["id"] if found else None


def grant_card(grant: Grant, *, needed: bool) -> ui.LayoutView:
    """What was given. `needed` is False where no limit binds the member for whom it would pay."""
    given = say(
        "**{credits}** beyond the limit for {whom}.",
        credits=credits_text(grant.credits),
        whom=whom(grant.user_id),
    )
    if grant.expires_at is None:
        until = say("It does not expire.")
    else:
        until = say("It expires {when}.", when=moment(grant.expires_at))
    if not grant.user_id:
        hint = say("It pays what this server's limit has no room for.")
    elif needed:
        hint = say("It pays what their limit has no room for. This server's limit binds them all the same.")
    else:
        hint = say(
            "No limit for members binds them now: it waits until one does. This server's limit still binds."
        )
    return card(
        say("### Credits were given"),
        f"{given} {until}",
        say("Why: {reason}", reason=harmless(grant.reason, REASON_UNITS)),
        small(hint),
    )


def refund_card(refund: Refund, reason: str) -> ui.LayoutView:
    """What no longer counts."""
    return card(
        say("### The picture was refunded"),
        count(
            "**{n} credit** of {member} no longer counts against their limit and this server's.",
            "**{n} credits** of {member} no longer count against their limit and this server's.",
            refund.credits,
            member=mention(refund.user_id),
        ),
        say("Why: {reason}", reason=harmless(reason, REASON_UNITS)),
        small(
            say(
                "`{job}`. What Rivya charged is still paid by the people who run this bot.", job=refund.job_id
            )
        ),
    )


def picture_label(picture: PaidPicture) -> str:
    """One choice; a private prompt is not shown."""
    prompt = plain(picture.prompt, CHOICE_UNITS) or say("{job}, prompt not shown", job=picture.job_id[:8])
    words = f"{picture.asked:%Y-%m-%d %H:%M} · {credits_text(picture.credits)} · {prompt}"
    return plain(words, CHOICE_UNITS)
