"""Choices of `/limits remove`: the limits and grants that an admin can remove, and which one was meant."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from bot.credits.grants import WHOLE_GUILD, Grant
from bot.domain.limits import Limit, LimitScope
from cogs.text.terms import credits_text, limit_text, mention
from cogs.text.translation import gettext, number
from cogs.ui.discord_limits import autocomplete_choices

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from discord import app_commands

    from bot.credits.admin import ActiveLimits

_MENTION: Final = re.compile(r"<@(?P<role>&)?!?(?P<id>\d+)>")


def _value(rule: Limit | Grant) -> str:
    """Return the value of a choice, such as `guild`, `everyone`, `role:5` or `grant:3`."""
    if isinstance(rule, Grant):
        return f"grant:{rule.grant_id}"
    return f"{rule.scope}:{rule.subject_id}" if rule.subject_id else str(rule.scope)


def find(in_force: ActiveLimits, typed: str) -> Limit | Grant | None:
    """Return the rule that was chosen, or whose member or role was mentioned; None if none is in force."""
    if mentioned := _MENTION.fullmatch(typed.strip()):
        typed = f"{LimitScope.ROLE if mentioned['role'] else LimitScope.MEMBER}:{mentioned['id']}"
    return next((rule for rule in _removable(in_force) if _value(rule) == typed), None)


def choices(
    in_force: ActiveLimits, typed: str, role_names: Mapping[int, str]
) -> list[app_commands.Choice[str]]:
    """Return the choices whose label or value contains what was typed, or the id of what was mentioned."""
    mentioned = _MENTION.search(typed)
    sought = mentioned["id"] if mentioned else typed.strip().casefold()
    offered = ((_label(rule, role_names), _value(rule)) for rule in _removable(in_force))
    return autocomplete_choices(
        (label, value) for label, value in offered if sought in f"{label} {value}".casefold()
    )


def _label(rule: Limit | Grant, role_names: Mapping[int, str]) -> str:
    """Return one choice. Menus show no mentions, and members' names are not known: it has their ids."""
    if isinstance(rule, Grant):
        label = gettext(
            "Grant to {whom}: {left} of {credits} left",
            whom=gettext("this server") if rule.user_id == WHOLE_GUILD else _member(rule.user_id),
            left=number(rule.left_credits),
            credits=credits_text(rule.credits),
        )
    else:
        label = f"{_limit_name(rule, role_names)}: {limit_text(rule)}"
    return f"{label} · {rule.reason}" if rule.reason else label


def _member(user_id: int) -> str:
    return gettext("member {id}", id=user_id) if user_id > 0 else mention(user_id)


def _limit_name(limit: Limit, role_names: Mapping[int, str]) -> str:
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
