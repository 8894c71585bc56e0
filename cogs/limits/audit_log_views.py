"""A page of the audit log: who changed what about a server's credits, settings and access, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.credits.audit_log import (
    AccessRuleChanged,
    GrantIssued,
    GrantRevoked,
    LimitChanged,
    PauseChanged,
    RefundIssued,
    SettingChanged,
)
from bot.domain.limits import LimitScope
from cogs.access.views import added_text, removed_text
from cogs.limits.settings_views import setting_name, setting_value
from cogs.limits.views import changed_text, recipient
from cogs.text.escaping import escape
from cogs.text.terms import credits_text, limit_text, mention, scope_name, timestamp
from cogs.text.translation import gettext, gettext_noop, number
from cogs.ui.layout import build_view, row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from discord import ui

    from bot.credits.audit_log import AuditEntry, AuditPage
    from bot.domain.limits import Limit
    from cogs.ui.layout import Button

REASON_EXCERPT_UNITS: Final = 120
"""Escaped it may be twice as long: eight of them and the rest still fit into one message."""
THE_OPERATOR: Final = gettext_noop("the people who run this bot")
_NONE_SET: Final = {
    LimitScope.GUILD: gettext_noop("the default"),
    LimitScope.CEILING: gettext_noop("no limit of its own"),
}
"""What a removed limit leaves: a server without its own ceiling may still have the one for each server."""


def audit_log_view(page: AuditPage, page_buttons: Sequence[Button]) -> ui.LayoutView:
    """Show one page of the log, with the buttons to other pages."""
    if not page.entries:
        return build_view(
            gettext("### Log"), gettext("Nothing was changed here so far: the defaults of this bot apply.")
        )
    buttons = [row(*page_buttons)] if page_buttons else []
    return build_view(
        gettext("### Log, the newest first"), *(_entry_lines(entry) for entry in page.entries), *buttons
    )


def _entry_lines(entry: AuditEntry) -> str:
    heading = gettext("{when}, by {whom}", when=timestamp(entry.cursor.at, "f"), whom=_actor(entry))
    return f"{heading}\n{_event_text(entry)}"


def _actor(entry: AuditEntry) -> str:
    match entry.event:
        case PauseChanged():
            return gettext(THE_OPERATOR)
        case LimitChanged(scope=scope) if scope.is_ceiling:
            return gettext(THE_OPERATOR)
        case _:
            return mention(entry.by)


def _event_text(entry: AuditEntry) -> str:  # noqa: PLR0911  # a table whose rows need data
    match entry.event:
        case LimitChanged() as event:
            before, after = (_limit_value(event.scope, limit) for limit in (event.before, event.after))
            text = changed_text(scope_name(event.scope, event.subject_id), before, after)
            return text + _reason(event.reason)
        case GrantIssued() as event:
            return _granted(event) + _reason(event.reason)
        case GrantRevoked() as event:
            text = gettext(
                "Took back **{left} of {credits}** given to {whom}.",
                left=number(event.left_credits),
                credits=credits_text(event.credits),
                whom=recipient(event.user_id),
            )
            return text + _reason(event.reason)
        case RefundIssued() as event:
            text = gettext(
                "Refunded **{credits}** of {member}, `{job}`.",
                credits=credits_text(event.credits),
                member=mention(event.user_id),
                job=event.job_id,
            )
            return text + _reason(event.reason)
        case SettingChanged() as event:
            before, after = (setting_value(event.name, value) for value in (event.before, event.after))
            return changed_text(setting_name(event.name), before, after)
        case AccessRuleChanged() as event:
            text = removed_text(event.rule) if event.removed else added_text(event.rule)
            return text + _reason(event.rule.reason)
        case PauseChanged() as event:
            paused = gettext("New pictures were paused.")
            text = paused if event.paused else gettext("New pictures were accepted again.")
            return text + _reason(event.sentence)


def _granted(event: GrantIssued) -> str:
    credits, whom = credits_text(event.credits), recipient(event.user_id)
    if event.expires_at is None:
        return gettext("Gave **{credits}** to {whom}.", credits=credits, whom=whom)
    until = timestamp(event.expires_at, "f")
    return gettext("Gave **{credits}** to {whom}, until {when}.", credits=credits, whom=whom, when=until)


def _limit_value(scope: LimitScope, limit: Limit | None) -> str:
    return gettext(_NONE_SET[scope]) if limit is None and scope in _NONE_SET else limit_text(limit)


def _reason(reason: str) -> str:
    return " " + gettext("Why: {reason}", reason=escape(reason, REASON_EXCERPT_UNITS)) if reason else ""
