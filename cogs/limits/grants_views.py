"""What an admin reads after a grant or a refund, and the labels of the pictures to refund."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from bot.credits.grants import WHOLE_GUILD
from cogs.limits.views import REASON_UNITS, recipient
from cogs.text.escaping import escape
from cogs.text.terms import credits_text, mention, pictures_text, place_text, timestamp
from cogs.text.translation import gettext, gettext_noop, ngettext
from cogs.ui.layout import build_view, subtext

if TYPE_CHECKING:
    from discord import ui

    from bot.credits.admin import Refund
    from bot.credits.grants import Grant
    from bot.credits.refundable import RefundablePicture

NO_REASON: Final = gettext_noop("Give a reason in words; it is kept in the log.")
NOT_CLEAR_WHICH: Final = gettext_noop(
    "More than one picture has an id that begins like that. Type more of it, or choose from the list."
)
_ALL: Final = "all:"
"""Stands before the id of a picture where all of its request are meant."""
_JOB_ID: Final = re.compile(rf"({_ALL})?(?P<id>[0-9a-f][0-9a-f-]{{0,35}})((-[0-9]{{1,2}})?\.(png|jpg|webp))?")


def job_beginning(typed: str) -> str | None:
    """Return the job id, or its beginning, from what was typed; None if it is neither, nor a file's name."""
    found = _JOB_ID.fullmatch(typed.strip().casefold())
    return found["id"] if found else None


def means_all(typed: str) -> bool:
    """Return whether what was typed, or chosen, means all pictures of the request."""
    return typed.strip().casefold().startswith(_ALL)


def picture_value(picture: RefundablePicture) -> str:
    """Return the value of a choice, which `job_beginning` and `means_all` read."""
    return picture.job_id if picture.pictures == 1 else f"{_ALL}{picture.job_id}"


def grant_view(grant: Grant, *, needed: bool) -> ui.LayoutView:
    """Show a grant. `needed` is False if no limit applies to the member, so that it pays nothing yet."""
    given = gettext(
        "**{credits}** beyond the limit for {whom}.",
        credits=credits_text(grant.credits),
        whom=recipient(grant.user_id),
    )
    if grant.expires_at is None:
        expiry = gettext("It does not expire.")
    else:
        expiry = gettext("It expires {when}.", when=timestamp(grant.expires_at))
    if grant.user_id == WHOLE_GUILD:
        hint = gettext(
            "It pays for pictures that this server's limit has no room for, but not beyond what the people"
            " who run this bot allow this server."
        )
    elif needed:
        hint = gettext(
            "It pays for pictures that their limit has no room for. This server's limit still applies."
        )
    else:
        hint = gettext(
            "No limit for members applies to them now, so it waits until one does. This server's limit still"
            " applies."
        )
    return build_view(
        gettext("### Credits were given"),
        f"{given} {expiry}",
        gettext("Why: {reason}", reason=escape(grant.reason, REASON_UNITS)),
        subtext(hint),
    )


def refund_view(refund: Refund, reason: str) -> ui.LayoutView:
    """Show what was refunded, whose credits no longer count."""
    several = refund.pictures > 1
    return build_view(
        (
            ngettext("### {n} picture was refunded", "### {n} pictures were refunded", refund.pictures)
            if several
            else gettext("### The picture was refunded")
        ),
        ngettext(
            "**{n} credit** of {member} no longer counts against their limit and this server's.",
            "**{n} credits** of {member} no longer count against their limit and this server's.",
            refund.credits,
            member=mention(refund.user_id),
        ),
        _left_out(refund.left_out),
        gettext("Why: {reason}", reason=escape(reason, REASON_UNITS)),
        subtext(
            gettext(
                "`{job}` and others of its request. What Rivya charged is still paid by the people who run"
                " this bot.",
                job=refund.job_id,
            )
            if several
            else gettext(
                "`{job}`. What Rivya charged is still paid by the people who run this bot.", job=refund.job_id
            )
        ),
    )


def picture_label(picture: RefundablePicture) -> str:
    """Return one choice: when, how much, how many or which of several, the prompt unless it is private."""
    prompt = picture.prompt or gettext("{job}, prompt not shown", job=picture.job_id[:8])
    several = picture.pictures > 1
    which = pictures_text(picture.pictures) if several else place_text(picture.number, picture.group_size)
    facts = (f"{picture.asked:%Y-%m-%d %H:%M}", credits_text(picture.credits), which, prompt)
    return " · ".join(filter(None, facts))


def _left_out(pictures: int) -> str:
    """Say how many other pictures of the request were not refunded."""
    if not pictures:
        return ""
    return ngettext(
        "{n} other picture of the request was left out: it was not charged, not yet, or was refunded before.",
        "{n} other pictures of the request were left out: they were not charged, not yet, or were refunded"
        " before.",
        pictures,
    )
