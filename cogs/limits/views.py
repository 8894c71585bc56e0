"""What an admin reads after changing or removing a limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.credits.grants import WHOLE_GUILD, Grant
from bot.domain.limits import Limit, LimitScope
from cogs.text.escaping import escape
from cogs.text.terms import ceiling_text, limit_text, mention, reset_text, scope_name, usage_text
from cogs.text.translation import gettext, gettext_noop, ngettext, number
from cogs.ui.layout import build_view, subtext

if TYPE_CHECKING:
    from discord import ui

    from bot.domain.limits import LimitChange

REASON_UNITS: Final = 200
"""The longest reason that can be typed."""

_AFTERWARDS: Final = {
    LimitScope.GUILD: gettext_noop("It applies to everybody here, to exempt members as well."),
    LimitScope.EVERYONE: gettext_noop(
        "Each member may spend this much, except those with a limit of their own or of a role."
    ),
    LimitScope.ROLE: gettext_noop("If a member has several roles, the one that leaves the most counts."),
    LimitScope.MEMBER: gettext_noop(
        "It counts instead of the limits of their roles and the one for each member."
    ),
}
_EXEMPT: Final = gettext_noop("No limit for members applies to them now. This server's limit still does.")
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
"""By whether grants hold credits, and whether the limit's period ends."""
WHOM_TO_EXEMPT: Final = gettext_noop(
    "Say whom to exempt: choose a member, or use `/limits role`. To have no limit for members at all, remove"
    " the one for every member with `/limits remove`."
)
NO_ROLE_FOR_ALL: Final = gettext_noop(
    "Everybody has that role. For every member, use `/limits member` without a member."
)
NOTHING_THERE: Final = gettext_noop(
    "Nothing like that is in force here. Choose from the list, or look at `/limits show`."
)


def validate_terms(credits: int | None, period: str | None, *, exempt: bool) -> str:
    """Return what is wrong with a limit for members as it was typed; empty if nothing is."""
    if exempt and (credits is not None or period is not None):
        return gettext("Give either credits and a period, or `exempt`, not both.")
    if not exempt and (credits is None or period is None):
        return gettext("Give both credits and a period, or `exempt: True` for no limit.")
    return ""


def limit_changed_view(limit: Limit, change: LimitChange) -> ui.LayoutView:
    """Show the limit before and after, how far it is used, and a warning if more is used already."""
    hint = _EXEMPT if limit.exempt else _AFTERWARDS[limit.scope]
    return build_view(
        gettext("### The limit was changed"),
        changed_limit_text(limit, change, limit.reason),
        used_text(change),
        subtext(gettext(hint)),
    )


def limit_removed_view(limit: Limit, change: LimitChange, reason: str) -> ui.LayoutView:
    """Show the removed limit, what applies instead, and how far that is used."""
    default = subtext(gettext("That is the default of this bot.")) if change.after is not None else ""
    return build_view(
        gettext("### The limit was removed"),
        changed_limit_text(limit, change, reason),
        used_text(change),
        default,
    )


def revoked_view(grant: Grant, reason: str) -> ui.LayoutView:
    """Show how many credits of a grant were taken back."""
    left = ngettext(
        "{n} credit of {given} for {whom} was left. What the grant has paid stays paid.",
        "{n} credits of {given} for {whom} were left. What the grant has paid stays paid.",
        grant.left_credits,
        given=number(grant.credits),
        whom=recipient(grant.user_id),
    )
    return build_view(gettext("### The grant was taken back"), f"{left}{_reason_line(reason)}")


def recipient(user_id: int) -> str:
    """Return for whom a grant is: a member, or the whole server."""
    return gettext("the whole server") if user_id == WHOLE_GUILD else mention(user_id)


def changed_text(what: str, before: str, after: str) -> str:
    """Return what was changed, from what to what."""
    return gettext("{what}: from **{before}** to **{after}**.", what=what, before=before, after=after)


def changed_limit_text(limit: Limit, change: LimitChange, reason: str = "") -> str:
    """Return whose limit was changed or removed, from what to what, and why if a reason was given."""
    name = scope_name(limit.scope, limit.subject_id)
    changed = changed_text(name, limit_text(change.before), limit_text(change.after))
    return f"{changed}{_reason_line(reason)}"


def _reason_line(reason: str) -> str:
    return "\n" + gettext("Why: {reason}", reason=escape(reason, REASON_UNITS)) if reason else ""


def used_text(change: LimitChange) -> str:
    """Return how far the new limit is used, and what that means if it is more than it or a ceiling allows."""
    if change.usage is None:
        return ""
    used = f"{usage_text(change.usage)}. {reset_text(change.usage)}"
    if change.usage.used_credits > change.usage.limit_credits:
        has_grants, resets = change.usage.granted_credits > 0, change.usage.resets_at is not None
        used += "\n" + gettext(_OVERDRAWN[has_grants, resets])
    if change.lower_ceiling is not None:
        used += "\n" + ceiling_text(change.lower_ceiling)
    return used
