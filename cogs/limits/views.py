"""What an admin reads after changing or removing a limit, and what the menu of removable rules offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.credits.grants import WHOLE_GUILD, Grant
from bot.domain.limits import Limit, LimitScope
from cogs.text.escaping import escape
from cogs.text.terms import limit_text, mention, reset_text, scope_name, usage_text
from cogs.text.translation import gettext, gettext_noop, ngettext
from cogs.ui.layout import build_view, subtext

if TYPE_CHECKING:
    from discord import ui

    from bot.domain.limits import LimitChange

REASON_UNITS: Final = 200
"""How long a reason may be."""

_AFTERWARDS: Final = {
    LimitScope.GUILD: gettext_noop("It binds everybody here, the exempt as well."),
    LimitScope.EVERYONE: gettext_noop(
        "Each member may spend as much, but for those with a limit of their own or of a role."
    ),
    LimitScope.ROLE: gettext_noop("Of several roles of a member, the one that leaves the most counts."),
    LimitScope.MEMBER: gettext_noop(
        "It counts instead of the limits of their roles and of the one for each member."
    ),
}
_EXEMPT: Final = gettext_noop("No limit for members binds them now. This server's limit still does.")
_OVERDRAWN: Final = {
    (True, True): gettext_noop(
        "More than that is used already: only grants pay until it resets or is raised."
    ),
    (True, False): gettext_noop("More than that is used already: only grants pay until it is raised."),
    (False, True): gettext_noop(
        "More than that is used already: no new pictures until it resets or is raised."
    ),
    (False, False): gettext_noop("More than that is used already: no new pictures until it is raised."),
}
"""By whether grants hold credits, and whether the period ends."""
WHOM_TO_EXEMPT: Final = gettext_noop(
    "Say whom to exempt: choose a member, or use `/limits role`. To have no limit for every member at all,"
    " take theirs away with `/limits remove`."
)
NO_ROLE_FOR_ALL: Final = gettext_noop(
    "Everybody has that role. For every member, use `/limits member` without a member."
)
NOTHING_THERE: Final = gettext_noop(
    "Nothing like that is in force here. Choose from the list, or look at `/limits show`."
)


def validate_terms(credits: int | None, period: str | None, *, exempt: bool) -> str:
    """What is wrong with the terms of a limit for members; empty if nothing is."""
    if exempt and (credits is not None or period is not None):
        return gettext("Give either credits and a period, or `exempt`, not both.")
    if not exempt and (credits is None or period is None):
        return gettext("Give both credits and a period, or `exempt: True` for no limit.")
    return ""


def limit_changed_view(limit: Limit, change: LimitChange) -> ui.LayoutView:
    """From what to what, how far it is used, and a warning where more is used already."""
    hint = _EXEMPT if limit.exempt else _AFTERWARDS[limit.scope]
    return build_view(
        gettext("### The limit was changed"),
        f"{_from_to(limit.scope, limit.subject_id, change)}{_why(limit.reason)}",
        _used(change),
        subtext(gettext(hint)),
    )


def limit_removed_view(limit: Limit, change: LimitChange, reason: str) -> ui.LayoutView:
    """What no longer rules, and what does instead."""
    default = subtext(gettext("That is the default of this bot.")) if change.after is not None else ""
    return build_view(
        gettext("### The limit was removed"),
        f"{_from_to(limit.scope, limit.subject_id, change)}{_why(reason)}",
        _used(change),
        default,
    )


def revoked_view(grant: Grant, reason: str) -> ui.LayoutView:
    """What was left of a grant is taken back."""
    left = ngettext(
        "{n} credit of {given} for {whom} was left. What it has paid stays paid.",
        "{n} credits of {given} for {whom} were left. What it has paid stays paid.",
        grant.left_credits,
        given=grant.credits,
        whom=whom(grant.user_id),
    )
    return build_view(gettext("### The grant was taken back"), f"{left}{_why(reason)}")


def whom(user_id: int) -> str:
    """To whom a grant was given."""
    return gettext("the whole server") if user_id == WHOLE_GUILD else mention(user_id)


def _from_to(scope: LimitScope, subject_id: int, change: LimitChange) -> str:
    return gettext(
        "{what}: from **{before}** to **{after}**.",
        what=scope_name(scope, subject_id),
        before=limit_text(change.before),
        after=limit_text(change.after),
    )


def _why(reason: str) -> str:
    return "\n" + gettext("Why: {reason}", reason=escape(reason, REASON_UNITS)) if reason else ""


def _used(change: LimitChange) -> str:
    if change.usage is None:
        return ""
    words = f"{usage_text(change.usage)}. {reset_text(change.usage)}"
    if change.usage.used_credits > change.usage.limit_credits:
        helped, ends = change.usage.granted_credits > 0, change.usage.resets_at is not None
        words += "\n" + gettext(_OVERDRAWN[helped, ends])
    return words
