"""Alerts that a guild's limit is used to 50, 80 or 100 percent: each once per limit and period.

They are stored in the transaction of the reservation that raised them, so that a crash loses none, and are
pending until they are marked as sent. A pending alert that is outdated is never sent: one older than
`STALE_MS`, of a limit that was changed since, of a percentage that is no longer reached, or of a guild that
has no channel for alerts any more.

Owns the table alerts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from bot.credits.usage import LimitUsage, first_reserved_at
from bot.domain import forecast, periods
from bot.domain.clock import DAY_MS, now_ms
from bot.guilds.settings import GuildSetting, setting, timezone_of
from bot.storage.database import BATCH

if TYPE_CHECKING:
    import sqlite3

    from bot.domain.limits import Limit, Usage
    from bot.storage.database import Database

USED_UP: Final = 100
THRESHOLDS: Final = (50, 80, USED_UP)
"""Percent of a limit."""
STALE_MS: Final = DAY_MS
"""An alert that is pending for longer is not sent."""
MAX_PENDING: Final = 100
"""Alerts that `AlertStore.pending` reads at once; the others follow with its next call."""

Key: TypeAlias = tuple[int, int, int, int]
"""The primary key of an alert: guild, limit, start of the period, percent."""


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert for a guild's admins, with the numbers of now. Times are epoch milliseconds, UTC."""

    guild_id: int
    limit_id: int
    period_start: int
    percent: int
    """One of `THRESHOLDS`; 100 if no further picture can be paid."""
    channel_id: int
    """The channel that the admins chose for alerts."""
    usage: Usage
    exhausted_at: int | None
    """When nothing is left at the rate so far; None as for `forecast.exhausted_at`."""

    @property
    def key(self) -> Key:
        """The alert's primary key."""
        return self.guild_id, self.limit_id, self.period_start, self.percent


def raise_reached(
    transaction: sqlite3.Connection,
    guild_id: int,
    usage: Usage,
    cost_credits: int,
    at: int,
) -> None:
    """Store an alert for every threshold that is reached, if the guild has a channel for alerts.

    `usage` is that of the guild's own limit, `cost_credits` the price of the next picture: with less than
    that left, the limit is used up. `at` is in epoch milliseconds.
    """
    reached = _reached(usage, cost_credits)
    if not reached or setting(transaction, guild_id, GuildSetting.ALERT_CHANNEL) is None:
        return
    start, _ = periods.period_bounds(usage.period, at, timezone_of(transaction, guild_id))
    for percent in reached:
        _raise(transaction, guild_id, start, percent, usage, at)


def _reached(usage: Usage, cost_credits: int) -> tuple[int, ...]:
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
    percent: int,
    usage: Usage,
    at: int,
) -> None:
    """Store an alert, unless the period has one, possibly of an older row of an equal limit."""
    transaction.execute(
        "INSERT INTO alerts (guild_id, limit_id, period_start, percent, used_credits, limit_credits,"
        " raised_at) SELECT ?, ?, ?, ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM alerts"
        " WHERE guild_id = ? AND percent = ? AND limit_credits = ? AND raised_at >= ?)"
        # The default always has limit_id 0: with other credits it is another limit.
        " ON CONFLICT (guild_id, limit_id, period_start, percent) DO UPDATE"
        " SET used_credits = excluded.used_credits, limit_credits = excluded.limit_credits,"
        " raised_at = excluded.raised_at, told_at = NULL WHERE limit_credits <> excluded.limit_credits",
        (
            *(guild_id, usage.limit_id, start, percent, usage.used_credits, usage.limit_credits, at),
            *(guild_id, percent, usage.limit_credits, start),
        ),
    )


def _mark_sent(transaction: sqlite3.Connection, key: Key, at: int) -> None:
    transaction.execute(
        "UPDATE alerts SET told_at = ? WHERE guild_id = ? AND limit_id = ? AND period_start = ?"
        " AND percent = ? AND told_at IS NULL",
        (at, *key),
    )


def prune(transaction: sqlite3.Connection, before: int) -> int:
    """Delete one batch of the alerts raised before `before` (epoch milliseconds); return how many."""
    return transaction.execute(
        "DELETE FROM alerts WHERE (guild_id, limit_id, period_start, percent) IN"
        " (SELECT guild_id, limit_id, period_start, percent FROM alerts WHERE raised_at < ? LIMIT ?)",
        (before, BATCH),
    ).rowcount


class AlertStore:
    """Raises alerts, and keeps those that were not sent yet.

    `default` is the limit of guilds without one of their own, `cost_credits` the price of the cheapest
    picture.
    """

    def __init__(self, database: Database, default: Limit, cost_credits: int) -> None:
        self._database = database
        self._default = default
        self._cost_credits = cost_credits

    async def check_guild(self, guild_id: int) -> None:
        """Raise alerts that need no reservation: Rivya charged more than quoted, or the limit was lowered."""
        at = now_ms()

        def unit(tx: sqlite3.Connection) -> None:
            if setting(tx, guild_id, GuildSetting.ALERT_CHANNEL) is None:
                return
            limit_usage = LimitUsage.at_time(tx, guild_id, self._default, at)
            usage = limit_usage.guild()
            # A limit of 0 stops all pictures on purpose.
            if usage.used_credits and usage.limit_credits:
                raise_reached(tx, guild_id, usage, self._cost_credits, at)

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
                    _mark_sent(tx, alert.key, at)
            return list(highest.values())

        return await self._database.run(unit)

    async def mark_sent(self, alert: Alert) -> None:
        """Let an alert no longer be pending: it was posted, or never can be."""
        at = now_ms()
        await self._database.run(lambda tx: _mark_sent(tx, alert.key, at))

    def _current(self, tx: sqlite3.Connection, row: sqlite3.Row, at: int) -> Alert | None:
        """Return the alert with the numbers of now; None if it is outdated, and is no longer pending."""
        guild_id, percent = row["guild_id"], row["percent"]
        key = (guild_id, row["limit_id"], row["period_start"], percent)
        channel = setting(tx, guild_id, GuildSetting.ALERT_CHANNEL)
        limit_usage = LimitUsage.at_time(tx, guild_id, self._default, at)
        limit, usage = limit_usage.guild_limit(), limit_usage.guild()
        changed = (limit.limit_id, limit.credits) != (row["limit_id"], row["limit_credits"])
        if channel is None or changed or row["raised_at"] < at - STALE_MS:
            _mark_sent(tx, key, at)
            return None
        if percent not in _reached(usage, self._cost_credits):
            # Credits were released or granted since, or a new period began. It may be reached again.
            _delete(tx, key)
            return None
        start, _ = periods.period_bounds(limit.period, at, limit_usage.zone)
        # The time before the guild's first request says nothing about its rate.
        began_at = max(start, first_reserved_at(tx, guild_id, at))
        return Alert(*key, int(channel), usage, forecast.exhausted_at(usage, began_at, at))


def _delete(transaction: sqlite3.Connection, key: Key) -> None:
    transaction.execute(
        "DELETE FROM alerts WHERE guild_id = ? AND limit_id = ? AND period_start = ? AND percent = ?", key
    )
