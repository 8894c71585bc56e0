"""What admins read about limits: all that are set in a server, and how they apply to one member."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.limits import Limit, LimitScope
from cogs.limits.settings_views import setting_name, setting_value
from cogs.limits.views import recipient
from cogs.text.escaping import escape
from cogs.text.terms import (
    credits_text,
    enough_text,
    limit_text,
    mention,
    period_name,
    reset_text,
    role_mention,
    scope_name,
    shows_numbers,
    timestamp,
    usage_text,
)
from cogs.text.translation import gettext, gettext_noop, ngettext, number
from cogs.ui.layout import build_view, fit_lines, subtext, titled_view

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from discord import ui

    from bot.credits.admin import ActiveLimits
    from bot.credits.grants import Grant
    from bot.domain.limits import MemberLimits, Usage
    from bot.domain.prices import PriceList
    from bot.guilds.settings import GuildSetting

LIST_UNITS: Final = 900
"""The length of one list: three of them and the rest fit into one message."""
NOT_COUNTING_UNITS: Final = 2000
"""The length of the list of limits that do not count: a member may have hundreds of roles."""
REASON_EXCERPT_UNITS: Final = 60
_EXEMPT_BY: Final = {
    LimitScope.EVERYONE: gettext_noop("- Exempt, like every member: no limit for members applies to them."),
    LimitScope.ROLE: gettext_noop("- Exempt through {role}: no limit for members applies to them."),
    LimitScope.MEMBER: gettext_noop("- Exempt by name: no limit for members applies to them."),
}
_EXEMPTIONS: Final = {
    LimitScope.EVERYONE: gettext_noop("The exemption of every member"),
    LimitScope.ROLE: gettext_noop("The exemption of {role}"),
    LimitScope.MEMBER: gettext_noop("Their own exemption"),
}


def limits_view(
    in_force: ActiveLimits,
    member_limits: MemberLimits,
    settings: Mapping[GuildSetting, str | None],
    role_ids: Collection[int],
    prices: PriceList,
) -> ui.LayoutView:
    """Show all that admins have set. `role_ids` are the roles that exist; none if they are not known."""
    ceilings = [usage for usage in member_limits.ceilings if usage.scope == LimitScope.CEILING]
    left_credits = min(usage.left_credits for usage in (member_limits.guild, *ceilings))
    groups = {
        gettext("Members"): [
            limit for limit in in_force.limits if limit.scope in {LimitScope.EVERYONE, LimitScope.MEMBER}
        ],
        gettext("Roles"): [limit for limit in in_force.limits if limit.scope is LimitScope.ROLE],
    }
    lists = [
        titled_view(title, [_limit_line(limit, role_ids) for limit in limits], LIST_UNITS)
        for title, limits in groups.items()
    ]
    values = " · ".join(
        f"{setting_name(name)}: {setting_value(name, value)}" for name, value in settings.items()
    )
    return build_view(
        gettext("### Limits of this server"),
        _guild_lines(in_force.guild, member_limits.guild),
        *map(_ceiling_line, ceilings),
        enough_text(left_credits, prices) if prices.has_choice else "",
        *lists,
        titled_view(gettext("Grants"), [_grant_line(grant) for grant in in_force.grants], LIST_UNITS),
        subtext(values),
    )


def explain_view(
    user_id: int,
    member_limits: MemberLimits,
    exemptions: Iterable[Limit],
    *,
    prices: PriceList,
    is_member: bool,
) -> ui.LayoutView:
    """Show how far each limit of a member is used, which one decides, and which do not count and why.

    `exemptions` are all of this member, also those that do not count.
    """
    visible = [
        usage
        for usage in member_limits.binding
        if shows_numbers(usage) or usage.left_credits < prices.cheapest.credits
    ]
    # Of equals the one closest to the member, as in the sentence of a refusal.
    tightest = min(reversed(visible), key=lambda usage: usage.left_credits)
    not_a_member = gettext("Not a member of this server (any more), so their roles are not known.")
    return build_view(
        gettext("### Limits that apply to {member}", member=mention(user_id)),
        "" if is_member else not_a_member,
        "\n".join(
            [
                *(_usage_line(usage, decides=usage is tightest) for usage in visible),
                *_no_personal_limit(member_limits),
                *fit_lines(
                    list(_not_counting_lines(member_limits, exemptions)),
                    NOT_COUNTING_UNITS,
                    _more_not_counting,
                ),
            ]
        ),
        subtext(enough_text(tightest.left_credits if shows_numbers(tightest) else 0, prices)),
    )


def _guild_lines(limit: Limit, usage: Usage) -> str:
    title = gettext("**{limit}** for the whole server", limit=limit_text(limit))
    return f"{title}\n{_origin(limit)}\n{usage_text(usage)}. {reset_text(usage)}"


def _origin(limit: Limit) -> str:
    if limit.set_by is None:
        return gettext("The default of this bot; nobody has changed it here.")
    # A limit that somebody set has a time, too; only the default has neither.
    by, when = mention(limit.set_by), timestamp(limit.set_at or 0, "d")
    if not limit.reason:
        return gettext("Set by {whom}, {when}.", whom=by, when=when)
    return gettext("Set by {whom}, {when}: {reason}.", whom=by, when=when, reason=_excerpt(limit.reason))


def _ceiling_line(usage: Usage) -> str:
    return gettext(
        "The people who run this bot allow this server **{credits} {period}** at most: {usage}.",
        credits=credits_text(usage.limit_credits),
        period=period_name(usage.period),
        usage=usage_text(usage),
    )


def _limit_line(limit: Limit, role_ids: Collection[int]) -> str:
    match limit.scope:
        case LimitScope.EVERYONE:
            who = gettext("Every member")
        case LimitScope.ROLE if role_ids and limit.subject_id not in role_ids:
            who = gettext("A deleted role ({id})", id=limit.subject_id)
        case LimitScope.ROLE:
            who = role_mention(limit.subject_id)
        case _:
            who = mention(limit.subject_id)
    line = gettext(
        "- {whose}: **{limit}**, set by {whom}, {when}",
        whose=who,
        limit=limit_text(limit),
        whom=mention(limit.set_by or 0),
        when=timestamp(limit.set_at or 0, "d"),
    )
    return _with_reason(line, limit.reason)


def _grant_line(grant: Grant) -> str:
    facts = {
        "whose": recipient(grant.user_id),
        "left": number(grant.left_credits),
        "credits": credits_text(grant.credits),
        "whom": mention(grant.granted_by),
        "when": timestamp(grant.granted_at, "d"),
    }
    if grant.expires_at is None:
        line = gettext("- {whose}: **{left} of {credits}** left, given by {whom}, {when}", **facts)
    else:
        line = gettext(
            "- {whose}: **{left} of {credits}** left, until {end}, given by {whom}, {when}",
            end=timestamp(grant.expires_at, "f"),
            **facts,
        )
    return _with_reason(line, grant.reason)


def _with_reason(line: str, reason: str) -> str:
    return f"{line}: {_excerpt(reason)}" if reason else line


def _excerpt(reason: str) -> str:
    return escape(reason, REASON_EXCERPT_UNITS)


def _usage_line(usage: Usage, *, decides: bool) -> str:
    if shows_numbers(usage):
        line = f"{_name(usage)}: {usage_text(usage)}. {reset_text(usage)}"
    else:
        line = gettext("{rule} is used up.", rule=_name(usage)) + f" {reset_text(usage)}"
    return f"- **➜ {line}** " + gettext("This one decides.") if decides else f"- {line}"


def _no_personal_limit(member_limits: MemberLimits) -> Iterator[str]:
    if member_limits.exempt is not None:
        yield _exemption(_EXEMPT_BY, member_limits.exempt)
    elif member_limits.personal is None:
        yield gettext("- No limit for members applies to them.")


def _not_counting_lines(member_limits: MemberLimits, exemptions: Iterable[Limit]) -> Iterator[str]:
    counting = member_limits.exempt or member_limits.personal
    if counting is None:
        return
    for usage in member_limits.superseded:
        line = _not_counting(_name(usage), LimitScope(usage.scope), counting)
        yield f"{line}: {usage_text(usage)}."
    for limit in exemptions:
        if limit != member_limits.exempt:
            yield f"{_not_counting(_exemption(_EXEMPTIONS, limit), limit.scope, counting)}."


def _not_counting(name: str, scope: LimitScope, counting: Limit | Usage) -> str:
    """Return a line, without its full stop, on why one limit does not count and another does."""
    if counting.scope == LimitScope.MEMBER:
        return gettext("- {rule} does not count, since what is set for them by name does", rule=name)
    if counting.scope != scope:
        return gettext("- {rule} does not count, since one of their roles does", rule=name)
    if isinstance(counting, Limit):
        return gettext("- {rule} does not count, since another role exempts them", rule=name)
    return gettext("- {rule} does not count, since another role leaves more", rule=name)


def _more_not_counting(left_out: int) -> str:
    return ngettext("- and {n} more that does not count", "- and {n} more that do not count", left_out)


def _name(usage: Usage) -> str:
    return scope_name(LimitScope(usage.scope), usage.subject_id)


def _exemption(messages: Mapping[LimitScope, str], limit: Limit) -> str:
    return gettext(messages[limit.scope], role=role_mention(limit.subject_id))
