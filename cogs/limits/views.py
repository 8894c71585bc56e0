"""What an admin reads after changing or removing a limit, and what the menu of removable rules offers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from bot.credits.grants import WHOLE_GUILD, Grant
from bot.domain.limits import Limit, LimitScope
from cogs.text.escaping import escape, single_line
from cogs.text.terms import credits_text, limit_text, mention, reset_text, scope_name, usage_text
from cogs.text.translation import gettext, gettext_noop, ngettext
from cogs.ui.layout import build_view, subtext

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from discord import ui

    from bot.credits.admin import ActiveLimits
    from bot.domain.limits import LimitChange

REASON_UNITS: Final = 200
"""How long a reason may be."""
CHOICE_UNITS: Final = 100
"""https://discord.com/developers/docs/interactions/application-commands#application-command-object-application-command-option-choice-structure"""
CHOICES: Final = 25
_TYPED_MENTION: Final = re.compile(r"<@(?P<role>&)?!?(?P<id>\d+)>")

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


def changed_view(limit: Limit, change: LimitChange) -> ui.LayoutView:
    """From what to what, how far it is used, and a warning where more is used already."""
    hint = _EXEMPT if limit.exempt else _AFTERWARDS[limit.scope]
    return build_view(
        gettext("### The limit was changed"),
        f"{_from_to(limit.scope, limit.subject_id, change)}{_why(limit.reason)}",
        _used(change),
        subtext(gettext(hint)),
    )


def removed_view(limit: Limit, change: LimitChange, reason: str) -> ui.LayoutView:
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


def _from_to(rule: LimitScope, subject_id: int, change: LimitChange) -> str:
    return gettext(
        "{what}: from **{before}** to **{after}**.",
        what=scope_name(rule, subject_id),
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


def key_of(rule: Limit | Grant) -> str:
    """The value behind a choice."""
    if isinstance(rule, Grant):
        return f"grant:{rule.grant_id}"
    return f"{rule.scope}:{rule.subject_id}" if rule.subject_id else str(rule.scope)


def find(in_force: ActiveLimits, typed: str) -> Limit | Grant | None:
    """What was chosen, or typed as a mention; None if nothing like that is in force."""
    if named := _TYPED_MENTION.fullmatch(typed.strip()):
        typed = f"{LimitScope.ROLE if named['role'] else LimitScope.MEMBER}:{named['id']}"
    return next((rule for rule in _removable(in_force) if key_of(rule) == typed), None)


def choices(in_force: ActiveLimits, typed: str, role_names: Mapping[int, str]) -> list[tuple[str, str]]:
    """The labels and values of what can be removed and fits what was typed so far."""
    named = _TYPED_MENTION.search(typed)
    sought = named["id"] if named else typed.strip().casefold()
    offered = ((label(rule, role_names), key_of(rule)) for rule in _removable(in_force))
    return [(name, key) for name, key in offered if sought in f"{name} {key}".casefold()][:CHOICES]


def label(rule: Limit | Grant, role_names: Mapping[int, str]) -> str:
    """One choice. Menus show no mentions, and the bot knows no members' names: their ids stand there."""
    if isinstance(rule, Grant):
        words = gettext(
            "Grant to {whom}: {left} of {credits} left",
            whom=gettext("this server") if rule.user_id == WHOLE_GUILD else _member(rule.user_id),
            left=rule.left_credits,
            credits=credits_text(rule.credits),
        )
    else:
        words = f"{_plain_name(rule, role_names)}: {limit_text(rule)}"
    return single_line(f"{words} · {rule.reason}" if rule.reason else words, CHOICE_UNITS)


def _member(user_id: int) -> str:
    return gettext("member {id}", id=user_id) if user_id > 0 else mention(user_id)


def _plain_name(limit: Limit, role_names: Mapping[int, str]) -> str:
    match limit.scope:
        case LimitScope.ROLE if limit.subject_id in role_names:
            return gettext("Role {name}", name=role_names[limit.subject_id])
        case LimitScope.ROLE:
            return gettext("Role {id} (deleted)", id=limit.subject_id)
        case LimitScope.MEMBER:
            return gettext("Member {id}", id=limit.subject_id)
        case LimitScope.EVERYONE:
            return gettext("Every member")
        case _:
            return gettext("This server")


def _removable(in_force: ActiveLimits) -> Iterator[Limit | Grant]:
    if in_force.guild.limit_id:
        yield in_force.guild
    yield from in_force.limits
    yield from in_force.grants
