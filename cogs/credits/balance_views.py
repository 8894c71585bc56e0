"""What a member reads about credits: each limit that applies to them, how far it is used, what is left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.credits.grants import WHOLE_GUILD
from bot.domain.limits import LimitScope
from cogs.credits.price_lines import price_lines
from cogs.text.escaping import escape
from cogs.text.terms import (
    credits_text,
    enough_text,
    period_noun,
    reset_text,
    role_mention,
    scope_text,
    shows_numbers,
    timestamp,
    usage_text,
)
from cogs.text.translation import gettext, ngettext, number
from cogs.ui.layout import build_view, subtext

if TYPE_CHECKING:
    from collections.abc import Sequence

    from discord import ui

    from bot.credits.grants import Grant
    from bot.domain.limits import Limit, MemberLimits, Usage
    from bot.domain.prices import PriceList

GRANTS_SHOWN: Final = 5
REASON_UNITS: Final = 100


def balance_view(
    member_limits: MemberLimits, used_credits: int, grants: Sequence[Grant], prices: PriceList
) -> ui.LayoutView:
    """Show what the member used, their limits, their grants, and for how many pictures that is enough.

    Args:
        member_limits: every limit that concerns the member.
        used_credits: what they spent, or have set aside, in the current period of the server's limit.
        grants: those that can still pay for them: their own, and the server's.
        prices: what a picture costs with each model.
    """
    usages = [
        member_limits.guild,
        *([member_limits.personal] if member_limits.personal else []),
        *(usage for usage in member_limits.ceilings if not _repeats(usage, member_limits.guild)),
    ]
    return build_view(
        gettext("### Credits"),
        gettext(
            "You: **{credits}** spent or set aside {period}",
            credits=credits_text(used_credits),
            period=period_noun(member_limits.guild.period),
        ),
        "\n".join(_limit_line(usage, prices) for usage in usages),
        _exempt_line(member_limits.exempt),
        _grant_lines(grants),
        pictures_left_text(member_limits, prices),
        price_lines(prices) if prices.has_choice else "",
    )


def _repeats(ceiling: Usage, guild: Usage) -> bool:
    """Whether a ceiling has the numbers of the server's own limit, as it has by default."""
    return _numbers(ceiling) == _numbers(guild)


def _numbers(usage: Usage) -> tuple[object, ...]:
    return usage.limit_credits, usage.period, usage.used_credits, usage.left_credits


def _limit_line(usage: Usage, prices: PriceList) -> str:
    name = scope_text(usage)
    name = f"{name[0].upper()}{name[1:]}"
    if shows_numbers(usage):
        return gettext(
            "**{rule}**: {used}, **{left} left**. {reset}",
            rule=name,
            used=usage_text(usage),
            left=number(usage.left_credits),
            reset=reset_text(usage),
        )
    if usage.left_credits >= prices.cheapest.credits:
        return gettext("**{rule}**: credits are left.", rule=name)
    return gettext("**{rule}**: used up. {reset}", rule=name, reset=reset_text(usage))


def _exempt_line(exempt: Limit | None) -> str:
    if exempt is None:
        return ""
    if exempt.scope is LimitScope.ROLE:
        return gettext(
            "Your role {role} is exempt from limits for members. This server's limit still applies to you.",
            role=role_mention(exempt.subject_id),
        )
    return gettext("You are exempt from limits for members. This server's limit still applies to you.")


def _grant_lines(grants: Sequence[Grant]) -> str:
    shown = [_grant_line(grant) for grant in grants[:GRANTS_SHOWN]]
    more = len(grants) - len(shown)
    return "\n".join(
        [*shown, *([ngettext("- and {n} more grant", "- and {n} more grants", more)] if more else [])]
    )


def _grant_line(grant: Grant) -> str:
    reason = escape(grant.reason, REASON_UNITS)
    return f"{_granted(grant)} ({reason})" if reason else _granted(grant)


def _granted(grant: Grant) -> str:
    facts = {"left": number(grant.left_credits), "credits": credits_text(grant.credits)}
    personal = grant.user_id != WHOLE_GUILD
    if grant.expires_at is None:
        if personal:
            return gettext("- Granted to you: {left} of {credits} left", **facts)
        return gettext("- Granted to this server: {left} of {credits} left", **facts)
    until = timestamp(grant.expires_at, "f")
    if personal:
        return gettext("- Granted to you: {left} of {credits} left, until {until}", **facts, until=until)
    return gettext("- Granted to this server: {left} of {credits} left, until {until}", **facts, until=until)


def pictures_left_text(member_limits: MemberLimits, prices: PriceList) -> str:
    """Return for how many pictures the tightest limit has room, and which limit that is.

    A limit over all servers shows no number: it is only told for which models it has room.
    """
    binding = list(reversed(member_limits.binding))
    tightest = min(filter(shows_numbers, binding), key=lambda usage: usage.left_credits)
    hidden = min((usage.left_credits for usage in binding if not shows_numbers(usage)), default=None)
    payable = prices if hidden is None else prices.within(hidden)
    if payable is None:
        return enough_text(0, prices)
    enough = enough_text(tightest.left_credits, payable)
    deciding = gettext("The limit that decides is {rule}.", rule=scope_text(tightest))
    return f"{enough}\n{subtext(deciding)}"
