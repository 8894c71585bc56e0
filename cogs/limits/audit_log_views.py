"""What was decided about this server's credits and access, as lines of a page."""

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
from cogs.access.views import added_words_view, removed_words_view
from cogs.limits.settings_views import setting_name, setting_words
from cogs.limits.views import whom
from cogs.text.escaping import escape
from cogs.text.terms import credits_text, limit_text, mention, scope_name, timestamp
from cogs.text.translation import gettext, gettext_noop
from cogs.ui.layout import build_view, row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from discord import ui

    from bot.credits.audit_log import AuditEntry, AuditPage
    from bot.domain.limits import Limit
    from cogs.ui.layout import Button

REASON_EXCERPT_UNITS: Final = 120
"""Escaped it may be twice as long: eight of them, and the rest, fit a message."""
THE_OPERATOR: Final = gettext_noop("the people who run this bot")
_NONE_SET: Final = {
    LimitScope.GUILD: gettext_noop("the default"),
    LimitScope.CEILING: gettext_noop("no limit of its own"),
}
"""A limit that is none. Without a ceiling of its own, the one for each server may bind a server."""


def audit_log_view(page: AuditPage, turns: Sequence[Button]) -> ui.LayoutView:
    """One page of the log, with its buttons."""
    if not page.entries:
        return build_view(
            gettext("### Log"), gettext("Nothing was changed here so far: the defaults of this bot rule.")
        )
    buttons = [row(*turns)] if turns else []
    return build_view(
        gettext("### Log, the newest first"), *(_entry_lines(entry) for entry in page.entries), *buttons
    )


def _entry_lines(entry: AuditEntry) -> str:
    opening = gettext("{when}, by {whom}", when=timestamp(entry.cursor.at, "f"), whom=_who(entry))
    return f"{opening}\n{_event_words(entry)}"


def _who(entry: AuditEntry) -> str:
    match entry.event:
        case PauseChanged():
            return gettext(THE_OPERATOR)
        case LimitChanged(scope=rule) if rule.is_ceiling:
            return gettext(THE_OPERATOR)
        case _:
            return mention(entry.by)


def _event_words(entry: AuditEntry) -> str:  # noqa: PLR0911  # a table whose rows need data
    match entry.event:
        case LimitChanged() as event:
            before, after = (_limit_words(event.scope, limit) for limit in (event.before, event.after))
            return _from_to(scope_name(event.scope, event.subject_id), before, after) + _why(event.reason)
        case GrantIssued() as event:
            return _given(event) + _why(event.reason)
        case GrantRevoked() as event:
            words = gettext(
                "Took back **{left} of {credits}** given to {whom}.",
                left=event.left_credits,
                credits=credits_text(event.credits),
                whom=whom(event.user_id),
            )
            return words + _why(event.reason)
        case RefundIssued() as event:
            words = gettext(
                "Refunded **{credits}** of {member}, `{job}`.",
                credits=credits_text(event.credits),
                member=mention(event.user_id),
                job=event.job_id,
            )
            return words + _why(event.reason)
        case SettingChanged() as event:
            before, after = (setting_words(event.name, value) for value in (event.before, event.after))
            return _from_to(setting_name(event.name), before, after)
        case AccessRuleChanged() as event:
            words = removed_words_view(event.rule) if event.removed else added_words_view(event.rule)
            return words + _why(event.rule.reason)
        case PauseChanged() as event:
            paused = gettext("New pictures were paused.")
            return (paused if event.paused else gettext("New pictures were let in again.")) + _why(
                event.sentence
            )


def _from_to(what: str, before: str, after: str) -> str:
    return gettext("{what}: from **{before}** to **{after}**.", what=what, before=before, after=after)


def _given(event: GrantIssued) -> str:
    credits, to = credits_text(event.credits), whom(event.user_id)
    if event.expires_at is None:
        return gettext("Gave **{credits}** to {whom}.", credits=credits, whom=to)
    until = timestamp(event.expires_at, "f")
    return gettext("Gave **{credits}** to {whom}, until {when}.", credits=credits, whom=to, when=until)


def _limit_words(scope: LimitScope, limit: Limit | None) -> str:
    return gettext(_NONE_SET[scope]) if limit is None and scope in _NONE_SET else limit_text(limit)


def _why(reason: str) -> str:
    return " " + gettext("Why: {reason}", reason=escape(reason, REASON_EXCERPT_UNITS)) if reason else ""
