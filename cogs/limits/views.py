"""What an admin reads after changing or removing a limit, and what the menu of removable rules offers.

Owns the words about changes of limits. Never imports anything of ours but cards, grants, rules, text,
tongues, treasury, wording.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from bot.credits.grants import WHOLE_GUILD, Grant
from bot.domain.limits import Limit, Rule
from cogs.text.escaping import harmless, plain
from cogs.text.terms import credits_text, limit_words, mention, reset_words, rule_name, usage_words
from cogs.text.translation import count, noted, say
from cogs.ui.layout import card, small

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from discord import ui

    from bot.credits.admin import InForce
    from bot.domain.limits import LimitChange

REASON_UNITS: Final = 200
"""How long a reason may be."""
CHOICE_UNITS: Final = 100
"""https://discord.com/developers/docs/interactions/application-commands#application-command-object-application-command-option-choice-structure"""
CHOICES: Final = 25
_TYPED_MENTION: Final = re.compile(r"<@(?P<role>&)?!?(?P<id>\d+)>")

_AFTERWARDS: Final = {
    Rule.GUILD: noted("It binds everybody here, the exempt as well."),
    Rule.EVERYONE: noted(
        "Each member may spend as much, but for those with a limit of their own or of a role."
    ),
    Rule.ROLE: noted("Of several roles of a member, the one that leaves the most counts."),
    Rule.MEMBER: noted("It counts instead of the limits of their roles and of the one for each member."),
}
_EXEMPT: Final = noted("No limit for members binds them now. This server's limit still does.")
_OVERDRAWN: Final = {
    (True, True): noted("More than that is used already: only grants pay until it resets or is raised."),
    (True, False): noted("More than that is used already: only grants pay until it is raised."),
    (False, True): noted("More than that is used already: no new pictures until it resets or is raised."),
    (False, False): noted("More than that is used already: no new pictures until it is raised."),
}
"""By whether grants hold credits, and whether the period ends."""
WHOM_TO_EXEMPT: Final = noted(
    "Say whom to exempt: choose a member, or use `/limits role`. To have no limit for every member at all,"
    " take theirs away with `/limits remove`."
)
NO_ROLE_FOR_ALL: Final = noted(
    "Everybody has that role. For every member, use `/limits member` without a member."
)
NOTHING_THERE: Final = noted(
    "Nothing like that is in force here. Choose from the list, or look at `/limits show`."
)


def terms_problem(credits: int | None, period: str | None, *, exempt: bool) -> str:
    """What is wrong with the terms of a limit for members; empty if nothing is."""
    if exempt and (credits is not None or period is not None):
        return say("Give either credits and a period, or `exempt`, not both.")
    if not exempt and (credits is None or period is None):
        return say("Give both credits and a period, or `exempt: True` for no limit.")
    return ""


def changed_card(limit: Limit, change: LimitChange) -> ui.LayoutView:
    """From what to what, how far it is used, and a warning where more is used already."""
    hint = _EXEMPT if limit.exempt else _AFTERWARDS[limit.rule]
    return card(
        say("### The limit was changed"),
        f"{_from_to(limit.rule, limit.subject_id, change)}{_why(limit.reason)}",
        _used(change),
        small(say(hint)),
    )


def removed_card(limit: Limit, change: LimitChange, reason: str) -> ui.LayoutView:
    """What no longer rules, and what does instead."""
    default = small(say("That is the default of this bot.")) if change.after is not None else ""
    return card(
        say("### The limit was removed"),
        f"{_from_to(limit.rule, limit.subject_id, change)}{_why(reason)}",
        _used(change),
        default,
    )


def revoked_card(grant: Grant, reason: str) -> ui.LayoutView:
    """What was left of a grant is taken back."""
    left = count(
        "{n} credit of {given} for {whom} was left. What it has paid stays paid.",
        "{n} credits of {given} for {whom} were left. What it has paid stays paid.",
        grant.left_credits,
        given=grant.credits,
        whom=whom(grant.user_id),
    )
    return card(say("### The grant was taken back"), f"{left}{_why(reason)}")


def whom(user_id: int) -> str:
    """To whom a grant was given."""
    return say("the whole server") if user_id == WHOLE_GUILD else mention(user_id)


def _from_to(rule: Rule, subject_id: int, change: LimitChange) -> str:
    return say(
        "{what}: from **{before}** to **{after}**.",
        what=rule_name(rule, subject_id),
        before=limit_words(change.before),
        after=limit_words(change.after),
    )


def _why(reason: str) -> str:
    return "\n" + say("Why: {reason}", reason=harmless(reason, REASON_UNITS)) if reason else ""


def _used(change: LimitChange) -> str:
    if change.usage is None:
        return ""
    words = f"{usage_words(change.usage)}. {reset_words(change.usage)}"
    if change.usage.used_credits > change.usage.limit_credits:
        helped, ends = change.usage.granted_credits > 0, change.usage.resets_at is not None
        words += "\n" + say(_OVERDRAWN[helped, ends])
    return words


def key_of(rule: Limit | Grant) -> str:
    """The value behind a choice."""
    if isinstance(rule, Grant):
        return f"grant:{rule.grant_id}"
    return f"{rule.rule}:{rule.subject_id}" if rule.subject_id else str(rule.rule)


def find(in_force: InForce, typed: str) -> Limit | Grant | None:
    """What was chosen, or typed as a mention; None if nothing like that is in force."""
    if named := _TYPED_MENTION.fullmatch(typed.strip()):
        typed = f"{Rule.ROLE if named['role'] else Rule.MEMBER}:{named['id']}"
    return next((rule for rule in _removable(in_force) if key_of(rule) == typed), None)


def choices(in_force: InForce, typed: str, role_names: Mapping[int, str]) -> list[tuple[str, str]]:
    """The labels and values of what can be removed and fits what was typed so far."""
    named = _TYPED_MENTION.search(typed)
    sought = named["id"] if named else typed.strip().casefold()
    offered = ((label(rule, role_names), key_of(rule)) for rule in _removable(in_force))
    return [(name, key) for name, key in offered if sought in f"{name} {key}".casefold()][:CHOICES]


def label(rule: Limit | Grant, role_names: Mapping[int, str]) -> str:
    """One choice. Menus show no mentions, and the bot knows no members' names: their ids stand there."""
    if isinstance(rule, Grant):
        words = say(
            "Grant to {whom}: {left} of {credits} left",
            whom=say("this server") if rule.user_id == WHOLE_GUILD else _member(rule.user_id),
            left=rule.left_credits,
            credits=credits_text(rule.credits),
        )
    else:
        words = f"{_plain_name(rule, role_names)}: {limit_words(rule)}"
    return plain(f"{words} · {rule.reason}" if rule.reason else words, CHOICE_UNITS)


def _member(user_id: int) -> str:
    return say("member {id}", id=user_id) if user_id > 0 else mention(user_id)


def _plain_name(limit: Limit, role_names: Mapping[int, str]) -> str:
    match limit.rule:
        case Rule.ROLE if limit.subject_id in role_names:
            return say("Role {name}", name=role_names[limit.subject_id])
        case Rule.ROLE:
            return say("Role {id} (deleted)", id=limit.subject_id)
        case Rule.MEMBER:
            return say("Member {id}", id=limit.subject_id)
        case Rule.EVERYONE:
            return say("Every member")
        case _:
            return say("This server")


def _removable(in_force: InForce) -> Iterator[Limit | Grant]:
    if in_force.guild.limit_id:
        yield in_force.guild
    yield from in_force.limits
    yield from in_force.grants
