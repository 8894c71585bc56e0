"""What an admin may remove: the choices that autocomplete offers, and which of them was meant."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from bot.credits.grants import WHOLE_GUILD, Grant
from bot.domain.limits import Limit, LimitScope
from cogs.text.escaping import single_line
from cogs.text.terms import credits_text, limit_text, mention
from cogs.text.translation import gettext
from cogs.ui.discord_limits import CHOICE_UNITS, CHOICES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bot.credits.admin import ActiveLimits

_TYPED_MENTION: Final = re.compile(r"<@(?P<role>&)?!?(?P<id>\d+)>")


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
