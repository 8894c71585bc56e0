"""Everything that rules in a server, and what of it binds one member, for admins to read.

Owns the words about limits in force. Never imports anything of ours but grants, ground.cards, guilds, jobs,
limits.cards, rules, settings_cards, text, treasury, wording.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.money.rules import Rule
from cogs.ground.cards import card, small
from cogs.ground.text import harmless, units
from cogs.ground.wording import (
    credits_text,
    limit_words,
    mention,
    moment,
    period_name,
    reset_words,
    role_mention,
    rule_name,
    shows_numbers,
    usage_words,
)
from cogs.limits.cards import whom
from cogs.limits.settings_cards import setting_name, setting_words

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from discord import ui

    from bot.guilds import Setting
    from bot.jobs import Usage
    from bot.money.grants import Grant
    from bot.money.rules import Limit, Standing
    from bot.money.treasury import InForce

LIST_UNITS: Final = 900
"""How much of a card one list may take: three of them, and the rest, fit a message."""
PASSED_OVER_UNITS: Final = 2000
"""How much of an explanation goes to the rules that do not count: a member may have hundreds of roles."""
REASON_EXCERPT_UNITS: Final = 60
_NOT_COUNTING: Final = " that do not count"


def show_card(
    in_force: InForce,
    standing: Standing,
    settings: Mapping[Setting, str | None],
    role_ids: Collection[int],
) -> ui.LayoutView:
    """All that admins have set. `role_ids` are the roles that exist; none if that is not known."""
    groups = {
        "Members": [limit for limit in in_force.limits if limit.rule in {Rule.EVERYONE, Rule.MEMBER}],
        "Roles": [limit for limit in in_force.limits if limit.rule is Rule.ROLE],
    }
    lists = [
        _list(title, [_rule_line(limit, role_ids) for limit in limits]) for title, limits in groups.items()
    ]
    chosen = " · ".join(
        f"{setting_name(name)}: {setting_words(name, value)}" for name, value in settings.items()
    )
    return card(
        "### Limits of this server",
        _guild_lines(in_force.guild, standing.guild),
        *(_ceiling_line(usage) for usage in standing.ceilings if usage.rule == Rule.CEILING),
        *lists,
        _list("Grants", [_grant_line(grant) for grant in in_force.grants]),
        small(chosen),
    )


def explain_card(
    user_id: int,
    standing: Standing,
    exemptions: Iterable[Limit],
    *,
    cost_credits: int,
    is_member: bool,
) -> ui.LayoutView:
    """Every rule that speaks of one member, how far it is used, which binds, which do not count and why.

    `exemptions` are all that speak of the member.
    """
    visible = [
        usage for usage in standing.binding if shows_numbers(usage) or usage.left_credits < cost_credits
    ]
    # Of equals the one closest to the member, as a refusal says it.
    tightest = min(reversed(visible), key=lambda usage: usage.left_credits)
    pictures = tightest.left_credits // cost_credits
    return card(
        f"### What binds {mention(user_id)}",
        "" if is_member else "Not a member of this server (any more), so their roles are not known.",
        "\n".join(
            [
                *(_binding_line(usage, binds=usage is tightest) for usage in visible),
                *_counting_lines(standing),
                *_as_many(list(_passed_over_lines(standing, exemptions)), PASSED_OVER_UNITS, _NOT_COUNTING),
            ]
        ),
        small(f"A picture costs {credits_text(cost_credits)}: enough for {pictures or 'no'} more."),
    )


def _guild_lines(limit: Limit, usage: Usage) -> str:
    origin = (
        "The default of this bot; nobody has changed it here."
        if limit.set_by is None
        else f"Set {_by(limit.set_by, limit.set_at, limit.reason)}."
    )
    words = f"**{limit_words(limit)}** for the whole server\n{origin}"
    return f"{words}\n{usage_words(usage)}. {reset_words(usage)}"


def _ceiling_line(usage: Usage) -> str:
    most = f"{credits_text(usage.limit_credits)} {period_name(usage.period)}"
    return f"The people who run this bot allow this server **{most}** at most: {usage_words(usage)}."


def _rule_line(limit: Limit, role_ids: Collection[int]) -> str:
    match limit.rule:
        case Rule.EVERYONE:
            who = "Every member"
        case Rule.ROLE if role_ids and limit.subject_id not in role_ids:
            who = f"A deleted role ({limit.subject_id})"
        case Rule.ROLE:
            who = role_mention(limit.subject_id)
        case _:
            who = mention(limit.subject_id)
    return f"- {who}: **{limit_words(limit)}**, set {_by(limit.set_by or 0, limit.set_at, limit.reason)}"


def _grant_line(grant: Grant) -> str:
    until = "" if grant.expires_at is None else f", until {moment(grant.expires_at, 'f')}"
    left = f"**{grant.left_credits} of {credits_text(grant.credits)}** left{until}"
    return f"- {whom(grant.user_id)}: {left}, given {_by(grant.granted_by, grant.granted_at, grant.reason)}"


def _by(user_id: int, at: int | None, reason: str) -> str:
    when = "" if at is None else f", {moment(at, 'd')}"
    why = f": {harmless(reason, REASON_EXCERPT_UNITS)}" if reason else ""
    return f"by {mention(user_id)}{when}{why}"


def _list(title: str, lines: Sequence[str]) -> str:
    """As many lines as there is room for; nothing without any."""
    if not lines:
        return ""
    return "\n".join([f"**{title}**", *_as_many(lines, LIST_UNITS)])


def _as_many(lines: Sequence[str], room: int, which: str = "") -> list[str]:
    """The first lines that fit, and how many more there are; `which` says of what kind those are."""
    shown: list[str] = []
    for line in lines:
        room -= units(line) + 1
        if room < 0:
            return [*shown, f"- and {len(lines) - len(shown)} more{which}"]
        shown.append(line)
    return shown


def _binding_line(usage: Usage, *, binds: bool) -> str:
    if shows_numbers(usage):
        words = f"{_name(usage)}: {usage_words(usage)}. {reset_words(usage)}"
    else:
        words = f"{_name(usage)} is used up. {reset_words(usage)}"
    return f"- **➜ {words}** This one binds." if binds else f"- {words}"


def _counting_lines(standing: Standing) -> Iterator[str]:
    if standing.exempt is not None:
        yield f"- Exempt, by {_exemption(standing.exempt)}: no limit for members binds them."
    elif standing.personal is None:
        yield "- No limit for members binds them."


def _passed_over_lines(standing: Standing, exemptions: Iterable[Limit]) -> Iterator[str]:
    if standing.exempt is not None:
        counting: Rule | None = standing.exempt.rule
    else:
        counting = None if standing.personal is None else Rule(standing.personal.rule)
    for usage in standing.passed_over:
        why = _why_passed_over(Rule(usage.rule), counting, exempt=standing.exempt is not None)
        yield f"- {_name(usage)} is passed over, since {why}: {usage_words(usage)}."
    for limit in exemptions:
        if limit != standing.exempt:
            why = _why_passed_over(limit.rule, counting, exempt=standing.exempt is not None)
            words = _exemption(limit)
            yield f"- {words[0].upper()}{words[1:]} is passed over, since {why}."


def _name(usage: Usage) -> str:
    return rule_name(Rule(usage.rule), usage.subject_id)


def _exemption(limit: Limit) -> str:
    match limit.rule:
        case Rule.ROLE:
            return f"the exemption of {role_mention(limit.subject_id)}"
        case Rule.MEMBER:
            return "the exemption of their own"
        case _:
            return "the exemption of every member"


def _why_passed_over(rule: Rule, counting: Rule | None, *, exempt: bool) -> str:
    if counting is rule:
        return "another role exempts them" if exempt else "another role leaves more"
    return "what is set for them by name counts" if counting is Rule.MEMBER else "one of their roles counts"
