"""What an admin reads after a grant or a refund, and what the menu of paid pictures offers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from cogs.limits.views import REASON_UNITS, whom
from cogs.text.escaping import escape, single_line
from cogs.text.terms import credits_text, mention, timestamp
from cogs.text.translation import gettext, gettext_noop, ngettext
from cogs.ui.discord_limits import CHOICE_UNITS
from cogs.ui.layout import build_view, subtext

if TYPE_CHECKING:
    from discord import ui

    from bot.credits.admin import Refund
    from bot.credits.grants import Grant
    from bot.credits.refundable import RefundablePicture

NO_REASON: Final = gettext_noop("Give a reason in words; it stands in the log.")
NOT_CLEAR_WHICH: Final = gettext_noop(
    "More than one picture begins like that. Type more of its id, or choose from the list."
)
_JOB_ID: Final = re.compile(r"(?P<id>[0-9a-f][0-9a-f-]{0,35})(\.(png|jpg|webp))?")


def job_beginning(typed: str) -> str | None:
    """The id, or the beginning of one, in what was typed; a file's name will do. None if there is none."""
    found = _JOB_ID.fullmatch(typed.strip().casefold())
    return found["id"] if found else None


def grant_view(grant: Grant, *, needed: bool) -> ui.LayoutView:
    """What was given. `needed` is False where no limit binds the member for whom it would pay."""
    given = gettext(
        "**{credits}** beyond the limit for {whom}.",
        credits=credits_text(grant.credits),
        whom=whom(grant.user_id),
    )
    if grant.expires_at is None:
        until = gettext("It does not expire.")
    else:
        until = gettext("It expires {when}.", when=timestamp(grant.expires_at))
    if not grant.user_id:
        hint = gettext("It pays what this server's limit has no room for.")
    elif needed:
        hint = gettext(
            "It pays what their limit has no room for. This server's limit binds them all the same."
        )
    else:
        hint = gettext(
            "No limit for members binds them now: it waits until one does. This server's limit still binds."
        )
    return build_view(
        gettext("### Credits were given"),
        f"{given} {until}",
        gettext("Why: {reason}", reason=escape(grant.reason, REASON_UNITS)),
        subtext(hint),
    )


def refund_view(refund: Refund, reason: str) -> ui.LayoutView:
    """What no longer counts."""
    return build_view(
        gettext("### The picture was refunded"),
        ngettext(
            "**{n} credit** of {member} no longer counts against their limit and this server's.",
            "**{n} credits** of {member} no longer count against their limit and this server's.",
            refund.credits,
            member=mention(refund.user_id),
        ),
        gettext("Why: {reason}", reason=escape(reason, REASON_UNITS)),
        subtext(
            gettext(
                "`{job}`. What Rivya charged is still paid by the people who run this bot.", job=refund.job_id
            )
        ),
    )


def picture_label(picture: RefundablePicture) -> str:
    """One choice; a private prompt is not shown."""
    prompt = single_line(picture.prompt, CHOICE_UNITS) or gettext(
        "{job}, prompt not shown", job=picture.job_id[:8]
    )
    words = f"{picture.asked:%Y-%m-%d %H:%M} · {credits_text(picture.credits)} · {prompt}"
    return single_line(words, CHOICE_UNITS)
