"""What was decided about this server's credits and access, as lines of a page.

Owns the words of the log. Never imports anything of ours but access.cards, chronicle, ground.cards,
limits.cards, rules, settings_cards, text, tongues, wording.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.credits.audit_log import Given, GivenBack, LimitSet, Paused, Revoked, RuleSet, SettingSet
from bot.domain.limits import Rule
from cogs.access.views import lifted_words, ruled_words
from cogs.limits.settings_views import setting_name, setting_words
from cogs.limits.views import whom
from cogs.text.escaping import harmless
from cogs.text.terms import credits_text, limit_words, mention, moment, rule_name
from cogs.text.translation import noted, say
from cogs.ui.layout import card, row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from discord import ui

    from bot.credits.audit_log import Entry, Page
    from bot.domain.limits import Limit

REASON_EXCERPT_UNITS: Final = 120
"""Escaped it may be twice as long: eight of them, and the rest, fit a message."""
THE_OPERATOR: Final = noted("the people who run this bot")
_NONE_SET: Final = {Rule.GUILD: noted("the default"), Rule.CEILING: noted("no limit of its own")}
"""A limit that is none. Without a ceiling of its own, the one for each server may bind a server."""


def log_card(page: Page, turns: Sequence[ui.DynamicItem[ui.Button[ui.LayoutView]]]) -> ui.LayoutView:
    """One page of the log, with its buttons."""
    if not page.entries:
        return card(say("### Log"), say("Nothing was changed here so far: the defaults of this bot rule."))
    buttons = [row(*turns)] if turns else []
    return card(say("### Log, the newest first"), *(_entry_lines(entry) for entry in page.entries), *buttons)


def _entry_lines(entry: Entry) -> str:
    opening = say("{when}, by {whom}", when=moment(entry.mark.at, "f"), whom=_who(entry))
    return f"{opening}\n{_event_words(entry)}"


def _who(entry: Entry) -> str:
    match entry.event:
        case Paused():
            return say(THE_OPERATOR)
        case LimitSet(rule=rule) if rule.is_ceiling:
            return say(THE_OPERATOR)
        case _:
            return mention(entry.by)


def _event_words(entry: Entry) -> str:  # noqa: PLR0911  # a table whose rows need data
    match entry.event:
        case LimitSet() as event:
            before, after = (_limit_words(event.rule, limit) for limit in (event.before, event.after))
            return _from_to(rule_name(event.rule, event.subject_id), before, after) + _why(event.reason)
        case Given() as event:
            return _given(event) + _why(event.reason)
        case Revoked() as event:
            words = say(
                "Took back **{left} of {credits}** given to {whom}.",
                left=event.left_credits,
                credits=credits_text(event.credits),
                whom=whom(event.user_id),
            )
            return words + _why(event.reason)
        case GivenBack() as event:
            words = say(
                "Refunded **{credits}** of {member}, `{job}`.",
                credits=credits_text(event.credits),
                member=mention(event.user_id),
                job=event.job_id,
            )
            return words + _why(event.reason)
        case SettingSet() as event:
            before, after = (setting_words(event.name, value) for value in (event.before, event.after))
            return _from_to(setting_name(event.name), before, after)
        case RuleSet() as event:
            words = lifted_words(event.rule) if event.lifted else ruled_words(event.rule)
            return words + _why(event.rule.reason)
        case Paused() as event:
            paused = say("New pictures were paused.")
            return (paused if event.paused else say("New pictures were let in again.")) + _why(event.sentence)


def _from_to(what: str, before: str, after: str) -> str:
    return say("{what}: from **{before}** to **{after}**.", what=what, before=before, after=after)


def _given(event: Given) -> str:
    credits, to = credits_text(event.credits), whom(event.user_id)
    if event.expires_at is None:
        return say("Gave **{credits}** to {whom}.", credits=credits, whom=to)
    until = moment(event.expires_at, "f")
    return say("Gave **{credits}** to {whom}, until {when}.", credits=credits, whom=to, when=until)


def _limit_words(rule: Rule, limit: Limit | None) -> str:
    return say(_NONE_SET[rule]) if limit is None and rule in _NONE_SET else limit_words(limit)


def _why(reason: str) -> str:
    return " " + say("Why: {reason}", reason=harmless(reason, REASON_EXCERPT_UNITS)) if reason else ""
