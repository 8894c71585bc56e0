"""Everything that rules in a server, and what of it binds one member, for admins to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.limits import LimitScope
from cogs.limits.settings_views import setting_name, setting_words
from cogs.limits.views import whom
from cogs.text.escaping import escape
from cogs.text.terms import (
    credits_text,
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
from cogs.text.translation import gettext, gettext_noop, ngettext
from cogs.ui.layout import build_view, fit_lines, subtext, titled_view

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from discord import ui

    from bot.credits.admin import ActiveLimits
    from bot.credits.grants import Grant
    from bot.domain.limits import Limit, MemberLimits, Usage
    from bot.guilds.settings import GuildSetting

LIST_UNITS: Final = 900
"""How much of a card one list may take: three of them, and the rest, fit a message."""
PASSED_OVER_UNITS: Final = 2000
"""How much of an explanation goes to the rules that do not count: a member may have hundreds of roles."""
REASON_EXCERPT_UNITS: Final = 60
_EXEMPT_BY: Final = {
    LimitScope.EVERYONE: gettext_noop(
        "- Exempt, by the exemption of every member: no limit for members binds them."
    ),
    LimitScope.ROLE: gettext_noop("- Exempt, by the exemption of {role}: no limit for members binds them."),
    LimitScope.MEMBER: gettext_noop(
        "- Exempt, by the exemption of their own: no limit for members binds them."
    ),
}
_EXEMPTIONS: Final = {
    LimitScope.EVERYONE: gettext_noop("The exemption of every member"),
    LimitScope.ROLE: gettext_noop("The exemption of {role}"),
    LimitScope.MEMBER: gettext_noop("The exemption of their own"),
}


def limits_view(
    in_force: ActiveLimits,
    member_limits: MemberLimits,
    settings: Mapping[GuildSetting, str | None],
    role_ids: Collection[int],
) -> ui.LayoutView:
    """All that admins have set. `role_ids` are the roles that exist; none if that is not known."""
    groups = {
        gettext("Members"): [
            limit for limit in in_force.limits if limit.scope in {LimitScope.EVERYONE, LimitScope.MEMBER}
        ],
        gettext("Roles"): [limit for limit in in_force.limits if limit.scope is LimitScope.ROLE],
    }
    lists = [
        titled_view(title, [_rule_line(limit, role_ids) for limit in limits], LIST_UNITS)
        for title, limits in groups.items()
    ]
    chosen = " · ".join(
        f"{setting_name(name)}: {setting_words(name, value)}" for name, value in settings.items()
    )
    return build_view(
        gettext("### Limits of this server"),
        _guild_lines(in_force.guild, member_limits.guild),
        *(_ceiling_line(usage) for usage in member_limits.ceilings if usage.scope == LimitScope.CEILING),
        *lists,
        titled_view(gettext("Grants"), [_grant_line(grant) for grant in in_force.grants], LIST_UNITS),
        subtext(chosen),
    )


def explain_view(
    user_id: int,
    member_limits: MemberLimits,
    exemptions: Iterable[Limit],
    *,
    cost_credits: int,
    is_member: bool,
) -> ui.LayoutView:
    """Every rule that speaks of one member, how far it is used, which binds, which do not count and why.

    `exemptions` are all that speak of the member.
    """
    visible = [
        usage for usage in member_limits.binding if shows_numbers(usage) or usage.left_credits < cost_credits
    ]
    # Of equals the one closest to the member, as a refusal says it.
    tightest = min(reversed(visible), key=lambda usage: usage.left_credits)
    stranger = gettext("Not a member of this server (any more), so their roles are not known.")
    return build_view(
        gettext("### What binds {member}", member=mention(user_id)),
        "" if is_member else stranger,
        "\n".join(
            [
                *(_binding_line(usage, binds=usage is tightest) for usage in visible),
                *_counting_lines(member_limits),
                *fit_lines(
                    list(_passed_over_lines(member_limits, exemptions)), PASSED_OVER_UNITS, _more_passed_over
                ),
            ]
        ),
        subtext(_enough_for(tightest.left_credits // cost_credits, credits_text(cost_credits))),
    )


def _enough_for(pictures: int, price: str) -> str:
    if not pictures:
        return gettext("A picture costs {price}: enough for no more.", price=price)
    return ngettext(
        "A picture costs {price}: enough for {n} more.",
        "A picture costs {price}: enough for {n} more.",
        pictures,
        price=price,
    )


def _guild_lines(limit: Limit, usage: Usage) -> str:
    words = gettext("**{limit}** for the whole server", limit=limit_text(limit))
    return f"{words}\n{_origin(limit)}\n{usage_text(usage)}. {reset_text(usage)}"


def _origin(limit: Limit) -> str:
    if limit.set_by is None:
        return gettext("The default of this bot; nobody has changed it here.")
    # Whoever set it did so at some moment: only the default has neither.
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


def _rule_line(limit: Limit, role_ids: Collection[int]) -> str:
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
        "whose": whom(grant.user_id),
        "left": grant.left_credits,
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


def _more_passed_over(left_out: int) -> str:
    return ngettext("- and {n} more that does not count", "- and {n} more that do not count", left_out)


def _binding_line(usage: Usage, *, binds: bool) -> str:
    if shows_numbers(usage):
        words = f"{_name(usage)}: {usage_text(usage)}. {reset_text(usage)}"
    else:
        words = gettext("{rule} is used up.", rule=_name(usage)) + f" {reset_text(usage)}"
    return f"- **➜ {words}** " + gettext("This one binds.") if binds else f"- {words}"


def _counting_lines(member_limits: MemberLimits) -> Iterator[str]:
    if member_limits.exempt is not None:
        yield _exemption(_EXEMPT_BY, member_limits.exempt)
    elif member_limits.personal is None:
        yield gettext("- No limit for members binds them.")


def _passed_over_lines(member_limits: MemberLimits, exemptions: Iterable[Limit]) -> Iterator[str]:
    exempt = member_limits.exempt is not None
    if member_limits.exempt is not None:
        counting: LimitScope | None = member_limits.exempt.scope
    else:
        counting = None if member_limits.personal is None else LimitScope(member_limits.personal.scope)
    for usage in member_limits.superseded:
        words = _passed_over(_name(usage), LimitScope(usage.scope), counting, exempt=exempt)
        yield f"{words}: {usage_text(usage)}."
    for limit in exemptions:
        if limit != member_limits.exempt:
            words = _passed_over(_exemption(_EXEMPTIONS, limit), limit.scope, counting, exempt=exempt)
            yield f"{words}."


def _name(usage: Usage) -> str:
    return scope_name(LimitScope(usage.scope), usage.subject_id)


def _exemption(messages: Mapping[LimitScope, str], limit: Limit) -> str:
    return gettext(messages[limit.scope], role=role_mention(limit.subject_id))


def _passed_over(name: str, scope: LimitScope, counting: LimitScope | None, *, exempt: bool) -> str:
    """A line without its full stop."""
    if counting is scope and exempt:
        return gettext("- {rule} is passed over, since another role exempts them", rule=name)
    if counting is scope:
        return gettext("- {rule} is passed over, since another role leaves more", rule=name)
    if counting is LimitScope.MEMBER:
        return gettext("- {rule} is passed over, since what is set for them by name counts", rule=name)
    return gettext("- {rule} is passed over, since one of their roles counts", rule=name)
