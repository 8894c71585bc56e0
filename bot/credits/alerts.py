"""Alerts that a guild's limit is used to 50, 80 or 100 percent: each threshold once per period.

They are about the guild's own limit, or about the operator's ceiling for it: see `concerned`.

They are stored in the transaction of the reservation that raised them, so that a crash loses none, and are
pending until they are marked as sent. A pending alert that is outdated is never sent: one older than
`STALE_MS`, of a limit that was changed since or no longer leaves the least, of a threshold that is no longer
reached, or of a guild that has no channel for alerts any more.

A threshold that was sent is sent again in the same period only if a change by an admin left it: if the usage
is below it at the moment of the change, by the limit and the grants before it or after it. Credits that are
released and spent again under one limit repeat nothing.

Owns the table alerts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Final, TypeAlias

from bot.credits import limits
from bot.credits.usage import LimitUsage, first_reserved_at
from bot.domain import forecast, periods
from bot.domain.clock import DAY_MS, now_ms
from bot.domain.limits import Limit, LimitScope
from bot.guilds import settings
from bot.guilds.settings import GuildSetting, timezone_of
from bot.storage.database import BATCH

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from bot.domain.limits import Usage
    from bot.domain.model_catalog import ModelCatalog
    from bot.storage.database import Database

USED_UP: Final = 100
THRESHOLDS: Final = (50, 80, USED_UP)
"""Percent of a limit."""
STALE_MS: Final = DAY_MS
"""An alert that is pending for longer is not sent."""
MAX_PENDING: Final = 100
"""Alerts that `AlertStore.pending` reads at once; the others follow with its next call."""

_RAISE: Final = f"""
    INSERT INTO alerts
        (guild_id, rule, limit_id, limit_credits, period_start, percent, used_credits, raised_at)
    SELECT :guild, :rule, :limit, :credits, :start, column1, :used, :at
    FROM (VALUES {", ".join(f"({percent})" for percent in THRESHOLDS)})
    WHERE column1 <= :highest AND NOT EXISTS (
        SELECT 1 FROM alerts WHERE guild_id = :guild AND rule = :rule AND percent = column1
        AND raised_at >= :start
        AND (told_at IS NOT NULL OR (limit_id, limit_credits) = (:limit, :credits))
    )
    -- The default always has limit_id 0: with other credits it is another limit.
    ON CONFLICT (guild_id, rule, limit_id, period_start, percent) DO UPDATE
    SET used_credits = excluded.used_credits, limit_credits = excluded.limit_credits,
        raised_at = excluded.raised_at, told_at = NULL WHERE limit_credits <> excluded.limit_credits
"""  # noqa: S608  # our own numbers

Key: TypeAlias = tuple[int, LimitScope, int, int, int]
"""The primary key of an alert: guild, scope of the limit, limit, start of the period, percent."""
_BY_KEY: Final = "guild_id = ? AND rule = ? AND limit_id = ? AND period_start = ? AND percent = ?"


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert for a guild's admins, with the numbers of now. Times are epoch milliseconds, UTC."""

    guild_id: int
    limit_id: int
    period_start: int
    percent: int
    """The threshold, one of `THRESHOLDS`; 100 if no further picture can be paid."""
    raised_at: int
    channel_id: int
    """The channel that the admins chose for alerts."""
    usage: Usage
    exhausted_at: int | None
    """When nothing is left at the rate so far; None as for `forecast.exhausted_at`."""
    ceiling: Limit | None = None
    """The operator's ceiling for the guild, if no more is left of it than of the guild's limit; else None."""

    @property
    def key(self) -> Key:
        """The alert's primary key."""
        return self.guild_id, self.usage.scope, self.limit_id, self.period_start, self.percent

    @property
    def used_percent(self) -> int:
        """What part of the limit `usage` says is used, rounded down; more than 100 if the limit was lowered.

        The limit must not be 0.
        """
        return self.usage.used_credits * 100 // self.usage.limit_credits


def concerned(guild: Usage, ceilings: Iterable[Usage], cost_credits: int) -> Usage:
    """Return which usage alerts are about: that of the guild's own limit, or of its ceiling.

    It is the ceiling if less is left of that, and it is lower than the limit, or has no room for the next
    picture, which costs `cost_credits`. It is never the ceiling of all guilds, which says what others spend.
    """
    limit = Limit(guild.limit_credits, guild.period)
    for usage in ceilings:
        if usage.scope is LimitScope.CEILING and usage.left_credits < guild.left_credits:
            ceiling = Limit(usage.limit_credits, usage.period)
            if usage.left_credits < cost_credits or limit.allows_more_than(ceiling):
                return usage
    return guild


def raise_reached(
    transaction: sqlite3.Connection,
    guild_id: int,
    before: Usage,
    usage: Usage,
    cost_credits: int,
    at: int,
) -> None:
    """Store an alert for every threshold that is reached, if the guild has a channel for alerts.

    `usage` is as of `concerned`, `before` that of the same limit without what has just been reserved, and
    `cost_credits` the price of the next picture: with less than that left, the limit is used up. `at` is in
    epoch milliseconds.
    """
    reached = _reached(usage, cost_credits)
    if not reached or _channel(transaction, guild_id) is None:
        return
    start = _period_start(transaction, guild_id, usage, at)
    _rearm_changed(transaction, guild_id, before, cost_credits, start)
    _raise(transaction, guild_id, start, reached, usage, at)


def rearm(
    transaction: sqlite3.Connection, guild_id: int, before: Usage, after: Usage, cost_credits: int, at: int
) -> None:
    """Let the thresholds that a change of the guild's limit or grants leaves be sent again.

    `before` and `after` are the usage of the guild's own limit around the change at `at` (epoch
    milliseconds). What was sent for the others counts as sent for the new limit; what is pending for an old
    limit is raised anew by the next request.
    """
    old_start = _period_start(transaction, guild_id, before, at)
    changed = (before.limit_id, before.limit_credits) != (after.limit_id, after.limit_credits)
    kept = set(_reached(before, cost_credits)) & set(_reached(after, cost_credits))
    for percent in THRESHOLDS:
        if percent not in kept:
            pending_only = ""
        elif changed:
            pending_only = " AND told_at IS NULL"
        else:
            continue
        transaction.execute(
            "DELETE FROM alerts WHERE guild_id = ? AND rule = 'guild' AND percent = ? AND raised_at >= ?"  # noqa: S608  # our own text
            f"{pending_only}",
            (guild_id, percent, old_start),
        )
    if changed:
        # `raised_at` too, since the period of the new limit may have begun later.
        transaction.execute(
            "UPDATE OR REPLACE alerts SET limit_id = ?, limit_credits = ?, period_start = ?, raised_at = ?"
            " WHERE guild_id = ? AND rule = 'guild' AND raised_at >= ?",
            (
                *(after.limit_id, after.limit_credits, _period_start(transaction, guild_id, after, at), at),
                *(guild_id, old_start),
            ),
        )


def _channel(transaction: sqlite3.Connection, guild_id: int) -> str | None:
    """Return the id of the channel that a guild's admins chose for alerts."""
    return settings.load(transaction, guild_id)[GuildSetting.ALERT_CHANNEL]


def _period_start(transaction: sqlite3.Connection, guild_id: int, usage: Usage, at: int) -> int:
    zone = UTC if usage.scope.is_ceiling else timezone_of(transaction, guild_id)
    return periods.period_bounds(usage.period, at, zone)[0]


def _rearm_changed(
    transaction: sqlite3.Connection, guild_id: int, before: Usage, cost_credits: int, start: int
) -> None:
    """Do as `rearm` for limits whose changes are seen only afterwards: that of the settings, and ceilings."""
    is_ceiling = before.scope is LimitScope.CEILING
    if before.limit_id and not is_ceiling:
        return
    transaction.execute(
        "DELETE FROM alerts WHERE guild_id = :guild AND rule = :rule AND percent > :reached"
        " AND raised_at >= :start AND (limit_id, limit_credits) <> (:limit, :credits)"
        " AND (:is_ceiling OR limit_id = 0)",
        {
            "guild": guild_id,
            "rule": before.scope,
            "reached": max(_reached(before, cost_credits), default=0),
            "start": start,
            "limit": before.limit_id,
            "credits": before.limit_credits,
            "is_ceiling": is_ceiling,
        },
    )


def _reached(usage: Usage, cost_credits: int) -> tuple[int, ...]:
    """Return the thresholds that are reached: with one all below it."""
    if usage.left_credits < cost_credits:
        return THRESHOLDS
    if not usage.limit_credits:  # 50 and 80 percent of nothing say nothing
        return ()
    return tuple(
        percent for percent in THRESHOLDS[:-1] if usage.used_credits * 100 >= usage.limit_credits * percent
    )


def _raise(
    transaction: sqlite3.Connection,
    guild_id: int,
    start: int,
    reached: tuple[int, ...],
    usage: Usage,
    at: int,
) -> None:
    """Store an alert for each threshold, unless it was sent in this period, or is pending for this limit."""
    transaction.execute(
        _RAISE,
        {
            "guild": guild_id,
            "rule": usage.scope,
            "limit": usage.limit_id,
            "credits": usage.limit_credits,
            "start": start,
            "highest": max(reached),
            "used": usage.used_credits,
            "at": at,
        },
    )


def _mark_sent(transaction: sqlite3.Connection, key: Key, raised_at: int, at: int) -> None:
    """Mark an alert as sent, unless it was raised again since `raised_at`."""
    transaction.execute(
        f"UPDATE alerts SET told_at = ? WHERE {_BY_KEY} AND raised_at = ? AND told_at IS NULL",  # noqa: S608  # our own text
        (at, *key, raised_at),
    )


def prune(transaction: sqlite3.Connection, before: int) -> int:
    """Delete one batch of the alerts raised before `before` (epoch milliseconds); return how many."""
    return transaction.execute(
        "DELETE FROM alerts WHERE (guild_id, rule, limit_id, period_start, percent) IN"
        " (SELECT guild_id, rule, limit_id, period_start, percent FROM alerts WHERE raised_at < ? LIMIT ?)",
        (before, BATCH),
    ).rowcount


class AlertStore:
    """Raises alerts, and keeps those that were not sent yet.

    `default` is the limit of guilds without one of their own; `catalog` has the price of the cheapest
    picture.
    """

    def __init__(self, database: Database, default: Limit, catalog: ModelCatalog) -> None:
        self._database = database
        self._default = default
        self._catalog = catalog

    async def check_guild(self, guild_id: int) -> None:
        """Raise alerts that need no reservation: Rivya charged more than quoted, or the limit was lowered."""
        at = now_ms()

        def unit(tx: sqlite3.Connection) -> None:
            if _channel(tx, guild_id) is None:
                return
            limit_usage = LimitUsage.at_time(tx, guild_id, self._default, at, split_held=False)
            usage = concerned(limit_usage.guild(), limit_usage.ceilings(), self._catalog.cheapest_credits)
            # A limit of 0 stops all pictures on purpose.
            if usage.used_credits and usage.limit_credits:
                raise_reached(tx, guild_id, usage, usage, self._catalog.cheapest_credits, at)

        await self._database.run(unit)

    async def pending(self) -> list[Alert]:
        """Return one alert to send for each guild, that of the highest percentage; drop what is outdated."""
        at = now_ms()

        def unit(tx: sqlite3.Connection) -> list[Alert]:
            rows = tx.execute(
                "SELECT * FROM alerts WHERE told_at IS NULL ORDER BY raised_at LIMIT ?", (MAX_PENDING,)
            ).fetchall()
            alerts = [alert for row in rows if (alert := self._current(tx, row, at)) is not None]
            highest = {alert.guild_id: alert for alert in sorted(alerts, key=lambda alert: alert.percent)}
            for alert in alerts:
                if alert is not highest[alert.guild_id]:
                    _mark_sent(tx, alert.key, alert.raised_at, at)
            return list(highest.values())

        return await self._database.run(unit)

    async def mark_sent(self, alert: Alert) -> None:
        """Let an alert no longer be pending: it was posted, or never can be."""
        at = now_ms()
        await self._database.run(lambda tx: _mark_sent(tx, alert.key, alert.raised_at, at))

    def _current(self, tx: sqlite3.Connection, row: sqlite3.Row, at: int) -> Alert | None:
        """Return the alert with the numbers of now; None if it is outdated, and is no longer pending."""
        guild_id, percent = row["guild_id"], row["percent"]
        key = (guild_id, LimitScope(row["rule"]), row["limit_id"], row["period_start"], percent)
        channel = _channel(tx, guild_id)
        limit_usage = LimitUsage.at_time(tx, guild_id, self._default, at)
        guild, ceilings = limit_usage.guild(), limit_usage.ceilings()
        usage = concerned(guild, ceilings, self._catalog.cheapest_credits)
        raised_for = (row["rule"], row["limit_id"], row["limit_credits"])
        changed = (usage.scope, usage.limit_id, usage.limit_credits) != raised_for
        if channel is None or row["raised_at"] < at - STALE_MS:
            _mark_sent(tx, key, row["raised_at"], at)
            return None
        if changed or percent not in _reached(usage, self._catalog.cheapest_credits):
            # Credits were released or granted since, or a new period began. It may be reached again.
            _delete(tx, key)
            return None
        start = _period_start(tx, guild_id, usage, at)
        # The time before the guild's first request says nothing about its rate.
        began_at = max(start, first_reserved_at(tx, guild_id, at))
        exhausted_at = forecast.exhausted_at(usage, began_at, at)
        binds = any(
            ceiling.scope is LimitScope.CEILING and ceiling.left_credits <= guild.left_credits
            for ceiling in ceilings
        )
        return Alert(
            guild_id=guild_id,
            limit_id=usage.limit_id,
            period_start=row["period_start"],
            percent=percent,
            raised_at=row["raised_at"],
            channel_id=int(channel),
            usage=usage,
            exhausted_at=exhausted_at,
            ceiling=limits.guild_ceiling(tx, guild_id) if binds else None,
        )


def _delete(transaction: sqlite3.Connection, key: Key) -> None:
    transaction.execute(f"DELETE FROM alerts WHERE {_BY_KEY}", key)  # noqa: S608  # our own text
