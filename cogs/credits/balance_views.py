"""What a member reads about credits: every rule that binds them, how far it is used, and what is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.credits.grants import WHOLE_GUILD
from bot.domain.limits import LimitScope
from cogs.text.escaping import escape
from cogs.text.terms import (
    credits_text,
    period_noun,
    reset_text,
    scope_text,
    shows_numbers,
    timestamp,
    usage_text,
)
from cogs.text.translation import gettext, ngettext
from cogs.ui.layout import build_view, subtext

if TYPE_CHECKING:
    from discord import ui

    from bot.credits.grants import Grant
    from bot.domain.limits import Limit, MemberLimits, Usage

GRANTS_SHOWN: Final = 5
REASON_UNITS: Final = 100


@dataclass(frozen=True, slots=True)
class Balance:
    """All that one member is told about credits in one server."""

    member_limits: MemberLimits
    mine_credits: int
    """Spent or held by this member in the current period of the server's limit."""
    grants: tuple[Grant, ...]
    """Those that can still pay for this member: their own, and the server's."""
    cost_credits: int
    """What a picture costs."""


def balance_view(account: Balance) -> ui.LayoutView:
    """Mine, the rules from the server's to mine, grants, and how many pictures that makes."""
    member_limits = account.member_limits
    rules = [
        member_limits.guild,
        *([member_limits.personal] if member_limits.personal else []),
        *member_limits.ceilings,
    ]
    return build_view(
        gettext("### Credits"),
        gettext(
            "You: **{credits}** spent or set aside {period}",
            credits=credits_text(account.mine_credits),
            period=period_noun(member_limits.guild.period),
        ),
        "\n".join(_rule_line(usage, account.cost_credits) for usage in rules),
        _exempt_line(member_limits.exempt),
        _grant_lines(account.grants),
        _pictures_line(member_limits, account.cost_credits),
    )


def _rule_line(usage: Usage, cost_credits: int) -> str:
    words = scope_text(usage)
    rule = f"{words[0].upper()}{words[1:]}"
    if shows_numbers(usage):
        return gettext(
            "**{rule}**: {used}, **{left} left**. {reset}",
            rule=rule,
            used=usage_text(usage),
            left=usage.left_credits,
            reset=reset_text(usage),
        )
    if usage.left_credits >= cost_credits:
        return gettext("**{rule}**: there is room.", rule=rule)
    return gettext("**{rule}**: used up. {reset}", rule=rule, reset=reset_text(usage))


def _exempt_line(exempt: Limit | None) -> str:
    if exempt is None:
        return ""
    if exempt.scope is LimitScope.ROLE:
        return gettext(
            "Your role <@&{role_id}> is exempt from limits for members."
            " This server's limit binds you all the same.",
            role_id=exempt.subject_id,
        )
    return gettext("You are exempt from limits for members. This server's limit binds you all the same.")


def _grant_lines(grants: tuple[Grant, ...]) -> str:
    shown = [_grant_line(grant) for grant in grants[:GRANTS_SHOWN]]
    more = len(grants) - len(shown)
    return "\n".join(
        [*shown, *([ngettext("- and {n} more grant", "- and {n} more grants", more)] if more else [])]
    )


def _grant_line(grant: Grant) -> str:
    why = escape(grant.reason, REASON_UNITS)
    return f"{_granted(grant)} ({why})" if why else _granted(grant)


def _granted(grant: Grant) -> str:
    facts = {"left": grant.left_credits, "credits": credits_text(grant.credits)}
    mine = grant.user_id != WHOLE_GUILD
    if grant.expires_at is None:
        if mine:
            return gettext("- Granted to you: {left} of {credits} left", **facts)
        return gettext("- Granted to this server: {left} of {credits} left", **facts)
    until = timestamp(grant.expires_at, "f")
    if mine:
        return gettext("- Granted to you: {left} of {credits} left, until {until}", **facts, until=until)
    return gettext("- Granted to this server: {left} of {credits} left, until {until}", **facts, until=until)


def _pictures_line(member_limits: MemberLimits, cost_credits: int) -> str:
    """How many pictures the tightest rule has room for; over all servers only whether it has any."""
    price = credits_text(cost_credits)
    binding = list(reversed(member_limits.binding))
    tightest = min(filter(shows_numbers, binding), key=lambda usage: usage.left_credits)
    closed = any(usage.left_credits < cost_credits for usage in binding if not shows_numbers(usage))
    pictures = 0 if closed else tightest.left_credits // cost_credits
    if pictures:
        enough = ngettext(
            "A picture costs {price}: enough for one more.",
            "A picture costs {price}: enough for {n} more.",
            pictures,
            price=price,
        )
    else:
        enough = gettext("A picture costs {price}: enough for no more.", price=price)
    if closed:
        return enough
    counts = gettext("The rule that counts is {rule}.", rule=scope_text(tightest))
    return f"{enough}\n{subtext(counts)}"
