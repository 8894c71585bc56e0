"""What a member reads about credits: every rule that binds them, how far it is used, and what is left.

Owns the words of `/credits`. Never imports anything of ours but cards, grants, jobs, rules, text, wording.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.money.grants import WHOLE_GUILD
from bot.money.rules import Rule
from cogs.ground.cards import card, small
from cogs.ground.text import harmless
from cogs.ground.wording import (
    credits_text,
    moment,
    period_word,
    reset_words,
    rule_words,
    shows_numbers,
    usage_words,
)

if TYPE_CHECKING:
    from discord import ui

    from bot.jobs import Usage
    from bot.money.grants import Grant
    from bot.money.rules import Limit, Standing

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
    mine = f"{credits_text(account.mine_credits)}** spent or set aside"
    rules = [standing.guild, *([standing.personal] if standing.personal else []), *standing.ceilings]
    return card(
        "### Credits",
        f"You: **{mine} {period_word(standing.guild.period)}",
        "\n".join(_rule_line(usage, account.cost_credits) for usage in rules),
        _exempt_line(standing.exempt),
        _grant_lines(account.grants),
        _pictures_line(standing, account.cost_credits),
    )


def _rule_line(usage: Usage, cost_credits: int) -> str:
    words = rule_words(usage)
    name = f"**{words[0].upper()}{words[1:]}**"
    if shows_numbers(usage):
        return f"{name}: {usage_words(usage)}, **{usage.left_credits} left**. {reset_words(usage)}"
    if usage.left_credits >= cost_credits:
        return f"{name}: there is room."
    return f"{name}: used up. {reset_words(usage)}"


def _exempt_line(exempt: Limit | None) -> str:
    if exempt is None:
        return ""
    role = f"Your role <@&{exempt.subject_id}> is exempt" if exempt.rule is Rule.ROLE else "You are exempt"
    return f"{role} from limits for members. This server's limit binds you all the same."


def _grant_lines(grants: tuple[Grant, ...]) -> str:
    shown = [_grant_line(grant) for grant in grants[:GRANTS_SHOWN]]
    more = len(grants) - len(shown)
    return "\n".join([*shown, *([f"- and {more} more {'grant' if more == 1 else 'grants'}"] if more else [])])


def _grant_line(grant: Grant) -> str:
    whom = "this server" if grant.user_id == WHOLE_GUILD else "you"
    until = "" if grant.expires_at is None else f", until {moment(grant.expires_at, 'f')}"
    why = harmless(grant.reason, REASON_UNITS)
    reason = f" ({why})" if why else ""
    return f"- Granted to {whom}: {grant.left_credits} of {credits_text(grant.credits)} left{until}{reason}"


def _pictures_line(standing: Standing, cost_credits: int) -> str:
    """How many pictures the tightest rule has room for; over all servers only whether it has any."""
    price = f"A picture costs {credits_text(cost_credits)}"
    binding = list(reversed(standing.binding))
    tightest = min(filter(shows_numbers, binding), key=lambda usage: usage.left_credits)
    closed = any(usage.left_credits < cost_credits for usage in binding if not shows_numbers(usage))
    pictures = 0 if closed else tightest.left_credits // cost_credits
    more = {0: "no more", 1: "one more"}.get(pictures, f"{pictures} more")
    counts = "" if closed else f" The rule that counts is {rule_words(tightest)}."
    return "\n".join([f"{price}: enough for {more}.", *([small(counts.strip())] if counts else [])])
