"""What was decided about this server's credits, as lines of a page.

Owns the words of the log. Never imports anything of ours but chronicle, ground.cards, limits.cards, rules,
settings_cards, text, wording.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.money.chronicle import Given, GivenBack, LimitSet, Paused, Revoked, SettingSet
from bot.money.rules import Rule
from cogs.ground.cards import card, row
from cogs.ground.text import harmless
from cogs.ground.wording import credits_text, limit_words, mention, moment, rule_name
from cogs.limits.cards import whom
from cogs.limits.settings_cards import setting_name, setting_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from discord import ui

    from bot.money.chronicle import Entry, Page
    from bot.money.rules import Limit

REASON_EXCERPT_UNITS: Final = 120
"""Escaped it may be twice as long: eight of them, and the rest, fit a message."""
THE_OPERATOR: Final = "the people who run this bot"


def log_card(page: Page, turns: Sequence[ui.DynamicItem[ui.Button[ui.LayoutView]]]) -> ui.LayoutView:
    """One page of the log, with its buttons."""
    if not page.entries:
        return card("### Log", "Nothing was changed here so far: the defaults of this bot rule.")
    buttons = [row(*turns)] if turns else []
    return card("### Log, the newest first", *(_entry_lines(entry) for entry in page.entries), *buttons)


def _entry_lines(entry: Entry) -> str:
    return f"{moment(entry.mark.at, 'f')}, by {_who(entry)}\n{_event_words(entry)}"


def _who(entry: Entry) -> str:
    match entry.event:
        case Paused():
            return THE_OPERATOR
        case LimitSet(rule=rule) if rule.is_ceiling:
            return THE_OPERATOR
        case _:
            return mention(entry.by)


def _event_words(entry: Entry) -> str:
    match entry.event:
        case LimitSet() as event:
            before, after = (_limit_words(event.rule, limit) for limit in (event.before, event.after))
            name = rule_name(event.rule, event.subject_id)
            return f"{name}: from **{before}** to **{after}**.{_why(event.reason)}"
        case Given() as event:
            until = "" if event.expires_at is None else f", until {moment(event.expires_at, 'f')}"
            words = f"Gave **{credits_text(event.credits)}** to {whom(event.user_id)}{until}."
            return f"{words}{_why(event.reason)}"
        case Revoked() as event:
            left = f"**{event.left_credits} of {credits_text(event.credits)}**"
            return f"Took back {left} given to {whom(event.user_id)}.{_why(event.reason)}"
        case GivenBack() as event:
            words = f"Refunded **{credits_text(event.credits)}** of {mention(event.user_id)}"
            return f"{words}, `{event.job_id}`.{_why(event.reason)}"
        case SettingSet() as event:
            before, after = (setting_words(event.name, value) for value in (event.before, event.after))
            return f"{setting_name(event.name)}: from **{before}** to **{after}**."
        case Paused() as event:
            words = "New pictures were paused." if event.paused else "New pictures were let in again."
            return f"{words}{_why(event.sentence)}"


def _limit_words(rule: Rule, limit: Limit | None) -> str:
    if limit is not None:
        return limit_words(limit)
    # Without a ceiling of its own, the one for each server may bind it.
    return {Rule.GUILD: "the default", Rule.CEILING: "no limit of its own"}.get(rule, limit_words(None))


def _why(reason: str) -> str:
    return f" Why: {harmless(reason, REASON_EXCERPT_UNITS)}" if reason else ""
