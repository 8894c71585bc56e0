"""What an admin reads after a grant or a refund, and what the menu of paid pictures offers.

Owns the words about grants and refunds. Never imports anything of ours but grants, ground.cards,
limits.cards, pictures, text, treasury, wording.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from cogs.ground.cards import card, small
from cogs.ground.text import harmless, plain
from cogs.ground.wording import credits_text, mention, moment
from cogs.limits.cards import CHOICE_UNITS, REASON_UNITS, whom

if TYPE_CHECKING:
    from discord import ui

    from bot.money.grants import Grant
    from bot.money.pictures import PaidPicture
    from bot.money.treasury import Refund

NO_REASON: Final = "Give a reason in words; it stands in the log."
NOT_CLEAR_WHICH: Final = (
    "More than one picture begins like that. Type more of its id, or choose from the list."
)
_JOB_ID: Final = re.compile(r"(?P<id>[0-9a-f][0-9a-f-]{0,35})(\.(png|jpg|webp))?")


def job_beginning(typed: str) -> str | None:
    """The id, or the beginning of one, in what was typed; a file's name will do. None if there is none."""
    found = _JOB_ID.fullmatch(typed.strip().casefold())
    return found["id"] if found else None


def grant_card(grant: Grant, *, needed: bool) -> ui.LayoutView:
    """What was given. `needed` is False where no limit binds the member for whom it would pay."""
    until = "It does not expire." if grant.expires_at is None else f"It expires {moment(grant.expires_at)}."
    if not grant.user_id:
        hint = "It pays what this server's limit has no room for."
    elif needed:
        hint = "It pays what their limit has no room for. This server's limit binds them all the same."
    else:
        hint = (
            "No limit for members binds them now: it waits until one does. This server's limit still binds."
        )
    return card(
        "### Credits were given",
        f"**{credits_text(grant.credits)}** beyond the limit for {whom(grant.user_id)}. {until}",
        f"Why: {harmless(grant.reason, REASON_UNITS)}",
        small(hint),
    )


def refund_card(refund: Refund, reason: str) -> ui.LayoutView:
    """What no longer counts."""
    return card(
        "### The picture was refunded",
        f"**{credits_text(refund.credits)}** of {mention(refund.user_id)} no longer count against their limit"
        " and this server's.",
        f"Why: {harmless(reason, REASON_UNITS)}",
        small(f"`{refund.job_id}`. What Rivya charged is still paid by the people who run this bot."),
    )


def picture_label(picture: PaidPicture) -> str:
    """One choice; a private prompt is not shown."""
    prompt = plain(picture.prompt, CHOICE_UNITS) or f"{picture.job_id[:8]}, prompt not shown"
    words = f"{picture.asked:%Y-%m-%d %H:%M} · {credits_text(picture.credits)} · {prompt}"
    return plain(words, CHOICE_UNITS)
