"""What a member reads about credits: every rule that binds them, how far it is used, and what is left.

Owns the words of `/credits`. Never imports anything of ours but cards, grants, jobs, rules, text, tongues,
wording.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.credits.grants import WHOLE_GUILD
from bot.domain.limits import Rule
from cogs.text.escaping import harmless
from cogs.text.terms import (
    credits_text,
    moment,
    period_word,
    reset_words,
    rule_words,
    shows_numbers,
    usage_words,
)
from cogs.text.translation import count, say
from cogs.ui.layout import card, small

if TYPE_CHECKING:
    from discord import ui

    from bot.credits.grants import Grant
    from bot.domain.jobs import Usage
    from bot.domain.limits import Limit, Standing

GRANTS_SHOWN: Final = 5
REASON_UNITS: Final = 100


@dataclass(frozen=True, slots=True)
class Account:
    """All that one member is told about credits in one server."""

    standing: Standing
    mine_credits: int
    """Spent or held by this member in the current period of the server's limit."""
    grants: tuple[Grant, ...]
    """Those that can still pay for this member: their own, and the server's."""
    cost_credits: int
    """What a picture costs."""


def credits_card(account: Account) -> ui.LayoutView:
    """Mine, the rules from the server's to mine, grants, and how many pictures that makes."""
    standing = account.standing
    rules = [standing.guild, *([standing.personal] if standing.personal else []), *standing.ceilings]
    return card(
        say("### Credits"),
        say(
            "You: **{credits}** spent or set aside {period}",
            credits=credits_text(account.mine_credits),
            period=period_word(standing.guild.period),
        ),
        "\n".join(_rule_line(usage, account.cost_credits) for usage in rules),
        _exempt_line(standing.exempt),
        _grant_lines(account.grants),
        _pictures_line(standing, account.cost_credits),
    )


def _rule_line(usage: Usage, cost_credits: int) -> str:
    words = rule_words(usage)
    rule = f"{words[0].upper()}{words[1:]}"
    if shows_numbers(usage):
        return say(
            "**{rule}**: {used}, **{left} left**. {reset}",
            rule=rule,
            used=usage_words(usage),
            left=usage.left_credits,
            reset=reset_words(usage),
        )
    if usage.left_credits >= cost_credits:
        return say("**{rule}**: there is room.", rule=rule)
    return say("**{rule}**: used up. {reset}", rule=rule, reset=reset_words(usage))


def _exempt_line(exempt: Limit | None) -> str:
    if exempt is None:
        return ""
    if exempt.rule is Rule.ROLE:
        return say(
            "Your role <@&{role_id}> is exempt from limits for members."
            " This server's limit binds you all the same.",
            role_id=exempt.subject_id,
        )
    return say("You are exempt from limits for members. This server's limit binds you all the same.")


def _grant_lines(grants: tuple[Grant, ...]) -> str:
    shown = [_grant_line(grant) for grant in grants[:GRANTS_SHOWN]]
    more = len(grants) - len(shown)
    return "\n".join(
        [*shown, *([count("- and {n} more grant", "- and {n} more grants", more)] if more else [])]
    )


def _grant_line(grant: Grant) -> str:
    why = harmless(grant.reason, REASON_UNITS)
    return f"{_granted(grant)} ({why})" if why else _granted(grant)


def _granted(grant: Grant) -> str:
    facts = {"left": grant.left_credits, "credits": credits_text(grant.credits)}
    mine = grant.user_id != WHOLE_GUILD
    if grant.expires_at is None:
        if mine:
            return say("- Granted to you: {left} of {credits} left", **facts)
        return say("- Granted to this server: {left} of {credits} left", **facts)
    until = moment(grant.expires_at, "f")
    if mine:
        return say("- Granted to you: {left} of {credits} left, until {until}", **facts, until=until)
    return say("- Granted to this server: {left} of {credits} left, until {until}", **facts, until=until)


def _pictures_line(standing: Standing, cost_credits: int) -> str:
    """How many pictures the tightest rule has room for; over all servers only whether it has any."""
    price = credits_text(cost_credits)
    binding = list(reversed(standing.binding))
    tightest = min(filter(shows_numbers, binding), key=lambda usage: usage.left_credits)
    closed = any(usage.left_credits < cost_credits for usage in binding if not shows_numbers(usage))
    pictures = 0 if closed else tightest.left_credits // cost_credits
    if pictures:
        enough = count(
            "A picture costs {price}: enough for one more.",
            "A picture costs {price}: enough for {n} more.",
            pictures,
            price=price,
        )
    else:
        enough = say("A picture costs {price}: enough for no more.", price=price)
    if closed:
        return enough
    counts = say("The rule that counts is {rule}.", rule=rule_words(tightest))
    return f"{enough}\n{small(counts)}"
