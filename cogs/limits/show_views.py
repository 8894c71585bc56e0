"""Everything that rules in a server, and what of it binds one member, for admins to read.

Owns the words about limits in force. Never imports anything of ours but grants, ground.cards, guilds, jobs,
limits.cards, rules, settings_cards, text, tongues, treasury, wording.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.limits import Rule
from cogs.limits.settings_views import setting_name, setting_words
from cogs.limits.views import whom
from cogs.text.escaping import harmless
from cogs.text.terms import (
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
from cogs.text.translation import count, noted, say
from cogs.ui.layout import as_many, card, small, titled

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from discord import ui

    from bot.credits.admin import InForce
    from bot.credits.grants import Grant
    from bot.domain.jobs import Usage
    from bot.domain.limits import Limit, Standing
    from bot.guilds.settings import Setting

LIST_UNITS: Final = 900
"""How much of a card one list may take: three of them, and the rest, fit a message."""
PASSED_OVER_UNITS: Final = 2000
"""How much of an explanation goes to the rules that do not count: a member may have hundreds of roles."""
REASON_EXCERPT_UNITS: Final = 60
_EXEMPT_BY: Final = {
    Rule.EVERYONE: noted("- Exempt, by the exemption of every member: no limit for members binds them."),
    Rule.ROLE: noted("- Exempt, by the exemption of {role}: no limit for members binds them."),
    Rule.MEMBER: noted("- Exempt, by the exemption of their own: no limit for members binds them."),
}
_EXEMPTIONS: Final = {
    Rule.EVERYONE: noted("The exemption of every member"),
    Rule.ROLE: noted("The exemption of {role}"),
    Rule.MEMBER: noted("The exemption of their own"),
}


def show_card(
    in_force: InForce,
    standing: Standing,
    settings: Mapping[Setting, str | None],
    role_ids: Collection[int],
) -> ui.LayoutView:
    """All that admins have set. `role_ids` are the roles that exist; none if that is not known."""
    groups = {
        say("Members"): [limit for limit in in_force.limits if limit.rule in {Rule.EVERYONE, Rule.MEMBER}],
        say("Roles"): [limit for limit in in_force.limits if limit.rule is Rule.ROLE],
    }
    lists = [
        titled(title, [_rule_line(limit, role_ids) for limit in limits], LIST_UNITS)
        for title, limits in groups.items()
    ]
    chosen = " · ".join(
        f"{setting_name(name)}: {setting_words(name, value)}" for name, value in settings.items()
    )
    return card(
        say("### Limits of this server"),
        _guild_lines(in_force.guild, standing.guild),
        *(_ceiling_line(usage) for usage in standing.ceilings if usage.rule == Rule.CEILING),
        *lists,
        titled(say("Grants"), [_grant_line(grant) for grant in in_force.grants], LIST_UNITS),
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
    stranger = say("Not a member of this server (any more), so their roles are not known.")
    return card(
        say("### What binds {member}", member=mention(user_id)),
        "" if is_member else stranger,
        "\n".join(
            [
                *(_binding_line(usage, binds=usage is tightest) for usage in visible),
                *_counting_lines(standing),
                *as_many(
                    list(_passed_over_lines(standing, exemptions)), PASSED_OVER_UNITS, _more_passed_over
                ),
            ]
        ),
        small(_enough_for(tightest.left_credits // cost_credits, credits_text(cost_credits))),
    )


def _enough_for(pictures: int, price: str) -> str:
    if not pictures:
        return say("A picture costs {price}: enough for no more.", price=price)
    return count(
        "A picture costs {price}: enough for {n} more.",
        "A picture costs {price}: enough for {n} more.",
        pictures,
        price=price,
    )


def _guild_lines(limit: Limit, usage: Usage) -> str:
    words = say("**{limit}** for the whole server", limit=limit_words(limit))
    return f"{words}\n{_origin(limit)}\n{usage_words(usage)}. {reset_words(usage)}"


def _origin(limit: Limit) -> str:
    if limit.set_by is None:
        return say("The default of this bot; nobody has changed it here.")
    # Whoever set it did so at some moment: only the default has neither.
    by, when = mention(limit.set_by), moment(limit.set_at or 0, "d")
    if not limit.reason:
        return say("Set by {whom}, {when}.", whom=by, when=when)
    return say("Set by {whom}, {when}: {reason}.", whom=by, when=when, reason=_excerpt(limit.reason))


def _ceiling_line(usage: Usage) -> str:
    return say(
        "The people who run this bot allow this server **{credits} {period}** at most: {usage}.",
        credits=credits_text(usage.limit_credits),
        period=period_name(usage.period),
        usage=usage_words(usage),
    )


def _rule_line(limit: Limit, role_ids: Collection[int]) -> str:
    match limit.rule:
        case Rule.EVERYONE:
            who = say("Every member")
        case Rule.ROLE if role_ids and limit.subject_id not in role_ids:
            who = say("A deleted role ({id})", id=limit.subject_id)
        case Rule.ROLE:
            who = role_mention(limit.subject_id)
        case _:
            who = mention(limit.subject_id)
    line = say(
        "- {whose}: **{limit}**, set by {whom}, {when}",
        whose=who,
        limit=limit_words(limit),
        whom=mention(limit.set_by or 0),
        when=moment(limit.set_at or 0, "d"),
    )
    return _with_reason(line, limit.reason)


def _grant_line(grant: Grant) -> str:
    facts = {
        "whose": whom(grant.user_id),
        "left": grant.left_credits,
        "credits": credits_text(grant.credits),
        "whom": mention(grant.granted_by),
        "when": moment(grant.granted_at, "d"),
    }
    if grant.expires_at is None:
        line = say("- {whose}: **{left} of {credits}** left, given by {whom}, {when}", **facts)
    else:
        line = say(
            "- {whose}: **{left} of {credits}** left, until {end}, given by {whom}, {when}",
            end=moment(grant.expires_at, "f"),
            **facts,
        )
    return _with_reason(line, grant.reason)


def _with_reason(line: str, reason: str) -> str:
    return f"{line}: {_excerpt(reason)}" if reason else line


def _excerpt(reason: str) -> str:
    return harmless(reason, REASON_EXCERPT_UNITS)


def _more_passed_over(left_out: int) -> str:
    return count("- and {n} more that does not count", "- and {n} more that do not count", left_out)


def _binding_line(usage: Usage, *, binds: bool) -> str:
    if shows_numbers(usage):
        words = f"{_name(usage)}: {usage_words(usage)}. {reset_words(usage)}"
    else:
        words = say("{rule} is used up.", rule=_name(usage)) + f" {reset_words(usage)}"
    return f"- **➜ {words}** " + say("This one binds.") if binds else f"- {words}"


def _counting_lines(standing: Standing) -> Iterator[str]:
    if standing.exempt is not None:
        yield _exemption(_EXEMPT_BY, standing.exempt)
    elif standing.personal is None:
        yield say("- No limit for members binds them.")


def _passed_over_lines(standing: Standing, exemptions: Iterable[Limit]) -> Iterator[str]:
    exempt = standing.exempt is not None
    if standing.exempt is not None:
        counting: Rule | None = standing.exempt.rule
    else:
        counting = None if standing.personal is None else Rule(standing.personal.rule)
    for usage in standing.passed_over:
        words = _passed_over(_name(usage), Rule(usage.rule), counting, exempt=exempt)
        yield f"{words}: {usage_words(usage)}."
    for limit in exemptions:
        if limit != standing.exempt:
            words = _passed_over(_exemption(_EXEMPTIONS, limit), limit.rule, counting, exempt=exempt)
            yield f"{words}."


def _name(usage: Usage) -> str:
    return rule_name(Rule(usage.rule), usage.subject_id)


def _exemption(messages: Mapping[Rule, str], limit: Limit) -> str:
    return say(messages[limit.rule], role=role_mention(limit.subject_id))


def _passed_over(name: str, rule: Rule, counting: Rule | None, *, exempt: bool) -> str:
    """A line without its full stop."""
    if counting is rule and exempt:
        return say("- {rule} is passed over, since another role exempts them", rule=name)
    if counting is rule:
        return say("- {rule} is passed over, since another role leaves more", rule=name)
    if counting is Rule.MEMBER:
        return say("- {rule} is passed over, since what is set for them by name counts", rule=name)
    return say("- {rule} is passed over, since one of their roles counts", rule=name)
