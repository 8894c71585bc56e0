"""Alerts that a guild's limit is half used, nearly used, used up: each once a limit and period.

They are written down with the reservation that led to them, so that a crash loses none; who posts them asks
for those that nobody was told yet. What is no longer news by then is not told at all: an alert of yesterday,
of a limit that was changed since, of a period that is over.

Owns the table alerts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from bot.credits.usage import LimitUsage
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
STALE_MS: Final = DAY_MS
"""What could not be told for a day is not told any more."""
AT_ONCE: Final = 100
"""How many are looked at in one transaction; the rest has its turn with the next beat."""

Key: TypeAlias = tuple[int, int, int, int]
"""What an alert is told once for: guild, limit, start of the period, percent."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing to tell a guild's admins, as it stands when it is told. Times are epoch milliseconds, UTC."""

    guild_id: int
    limit_id: int
    period_start: int
    percent: int
    """50, 80 or 100; 100 where no further picture can be paid."""
    channel_id: int
    """Where the admins want it."""
    usage: Usage
    exhausted_at: int | None
    """When nothing is left at the pace so far; None if it lasts, or nobody can say."""

    @property
    def key(self) -> Key:
        """What it is told once for."""
        return self.guild_id, self.limit_id, self.period_start, self.percent


def raise_reached(
    transaction: sqlite3.Connection,
    guild_id: int,
    usage: Usage,
    cost_credits: int,
    at: int,
) -> None:
    """Raise what the limit has come to, if the guild has a channel for it.

    `cost_credits` is what the next picture costs: with less than that left the limit is used up.
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
    if not usage.limit_credits:  # it has no half; it is used up with the last of its grants
        return ()
    share = usage.used_credits * 100
    return tuple(percent for percent in THRESHOLDS[:-1] if share >= usage.limit_credits * percent)


def _raise(
    transaction: sqlite3.Connection,
    guild_id: int,
    start: int,
    percent: int,
    usage: Usage,
    at: int,
) -> None:
    """Write it down, unless this period has it already, be it under an older limit's row or another zone."""
    transaction.execute(
        "INSERT INTO alerts (guild_id, limit_id, period_start, percent, used_credits, limit_credits,"
        " raised_at) SELECT ?, ?, ?, ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM alerts"
        " WHERE guild_id = ? AND percent = ? AND limit_credits = ? AND raised_at >= ?)"
        # The default has no row of its own: a host who changes it has set another limit.
        " ON CONFLICT (guild_id, limit_id, period_start, percent) DO UPDATE"
        " SET used_credits = excluded.used_credits, limit_credits = excluded.limit_credits,"
        " raised_at = excluded.raised_at, told_at = NULL WHERE limit_credits <> excluded.limit_credits",
        (
            *(guild_id, usage.limit_id, start, percent, usage.used_credits, usage.limit_credits, at),
            *(guild_id, percent, usage.limit_credits, start),
        ),
    )


def _tell(transaction: sqlite3.Connection, key: Key, at: int) -> None:
    transaction.execute(
        "UPDATE alerts SET told_at = ? WHERE guild_id = ? AND limit_id = ? AND period_start = ?"
        " AND percent = ? AND told_at IS NULL",
        (at, *key),
    )


def prune(transaction: sqlite3.Connection, before: int) -> int:
    """Delete one batch of the alerts raised before `before` (epoch milliseconds); returns how many."""
    rows = transaction.execute(
        "DELETE FROM alerts WHERE (guild_id, limit_id, period_start, percent) IN"
        " (SELECT guild_id, limit_id, period_start, percent FROM alerts WHERE raised_at < ? LIMIT ?)"
        " RETURNING percent",
        (before, BATCH),
    ).fetchall()
    return len(rows)


class AlertStore:
    """The alerts that are still to be told.

    `default` is the limit of guilds whose admins have set nothing, `cost_credits` what the cheapest picture
    costs.
    """

    def __init__(self, database: Database, default: Limit, cost_credits: int) -> None:
        self._database = database
        self._default = default
        self._cost_credits = cost_credits

    async def check_guild(self, guild_id: int) -> None:
        """Raise what came without a reservation: Rivya took more than quoted, or a limit was set below."""
        at = now_ms()

        def unit(tx: sqlite3.Connection) -> None:
            if setting(tx, guild_id, GuildSetting.ALERT_CHANNEL) is None:
                return
            limit_usage = LimitUsage.at_time(tx, guild_id, self._default, at)
            usage = limit_usage.guild()
            # A limit of 0 was set to stop all pictures: that it does is no news.
            if usage.used_credits and usage.limit_credits:
                raise_reached(tx, guild_id, usage, self._cost_credits, at)

        await self._database.run(unit)

    async def pending(self) -> list[Alert]:
        """What is still to be told, one for each guild; what is no news any more is settled on the way."""
        at = now_ms()

        def unit(tx: sqlite3.Connection) -> list[Alert]:
            rows = tx.execute(
                "SELECT * FROM alerts WHERE told_at IS NULL ORDER BY raised_at LIMIT ?", (AT_ONCE,)
            ).fetchall()
            news = [alert for row in rows if (alert := self._news(tx, row, at)) is not None]
            highest = {alert.guild_id: alert for alert in sorted(news, key=lambda alert: alert.percent)}
            for alert in news:
                # One picture can pass several marks at once, and some wait for long: the highest says it all.
                if alert is not highest[alert.guild_id]:
                    _tell(tx, alert.key, at)
            return list(highest.values())

        return await self._database.run(unit)

    async def mark_sent(self, alert: Alert) -> None:
        """The channel has it, or never will."""
        at = now_ms()
        await self._database.run(lambda tx: _tell(tx, alert.key, at))

    def _news(self, tx: sqlite3.Connection, row: sqlite3.Row, at: int) -> Alert | None:
        """The alert with the numbers of now; None if it is no news any more, which is then settled."""
        guild_id, percent = row["guild_id"], row["percent"]
        key = (guild_id, row["limit_id"], row["period_start"], percent)
        channel = setting(tx, guild_id, GuildSetting.ALERT_CHANNEL)
        limit_usage = LimitUsage.at_time(tx, guild_id, self._default, at)
        limit, usage = limit_usage.guild_limit(), limit_usage.guild()
        changed = (limit.limit_id, limit.credits) != (row["limit_id"], row["limit_credits"])
        if channel is None or changed or row["raised_at"] < at - STALE_MS:
            _tell(tx, key, at)
            return None
        if percent not in _reached(usage, self._cost_credits):
            # Released, granted or begun anew since: it comes again if it comes to that again.
            _forget(tx, key)
            return None
        start, _ = periods.period_bounds(limit.period, at, limit_usage.zone)
        began = max(start, _first(tx, guild_id, at))
        return Alert(*key, int(channel), usage, forecast.exhausted_at(usage, began, at))


def _forget(transaction: sqlite3.Connection, key: Key) -> None:
    transaction.execute(
        "DELETE FROM alerts WHERE guild_id = ? AND limit_id = ? AND period_start = ? AND percent = ?", key
    )


def _first(transaction: sqlite3.Connection, guild_id: int, at: int) -> int:
    """When the guild first asked for a picture: what came before says nothing about its pace."""
    row = transaction.execute(
        "SELECT min(created_at) FROM reservations WHERE guild_id = ?", (guild_id,)
    ).fetchone()
    return at if row[0] is None else int(row[0])
