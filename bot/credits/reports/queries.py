"""Counts a report from the database file, beside the running bot.

The connection can only read, and is used in whatever thread asks: a year of pictures holds up neither the
event loop nor the one writer.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from bot.credits.reports.models import COLOURED, ERASED, LISTED, Bucket, Report, Spender
from bot.domain import periods
from bot.domain.clock import HOUR_MS
from bot.domain.errors import OperatorError
from bot.domain.limits import Limit, LimitScope
from bot.guilds.settings import timezone_of
from bot.storage.database import open_read_only

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo
    from pathlib import Path

Snapshot = sqlite3.Connection
"""The file as it was at one moment; nothing outside of the SQL modules looks inside."""

MAX_BUCKETS: Final = 31

_UNITS: Final = {"day": "hour", "week": "day", "month": "day"}
_PAINTED: Final = ("succeeded", "delivered", "undeliverable")
_WITHIN: Final = "guild_id = :guild_id AND created_at >= :start AND created_at < :end"


@contextmanager
def open_snapshot(path: Path) -> Iterator[Snapshot]:
    """The file as it is now, however long the reading takes; the writer goes on meanwhile.

    Raises:
        OperatorError: `database`; the file cannot be read.
    """
    connection = open_read_only(path)
    try:
        connection.execute("BEGIN")
        yield connection
    except sqlite3.Error as error:
        raise OperatorError("database", f"database {path}: {error}") from error
    finally:
        connection.close()


def build_report(
    connection: Snapshot, guild_id: int, *, period: str, periods_ago: int, default: Limit, at: int
) -> Report:
    """Count the period `periods_ago` periods before the one that holds the moment `at` (epoch milliseconds).

    `default` is the limit of a guild whose admins have set nothing.
    """
    zone = timezone_of(connection, guild_id)
    start, end = _period(period, periods_ago, at, zone)
    if end is None:
        unit, cuts = _whole(_first(connection, guild_id, at), at, zone)
        before = None
    else:
        unit, cuts = _UNITS[period], _bucket_edges(start, end, _UNITS[period], zone)
        earlier = _Span(guild_id, _period(period, periods_ago + 1, at, zone)[0], start)
        before = _credits(connection, earlier).total()
    spans = [_Span(guild_id, *edges) for edges in pairwise(cuts)]
    whole = _Span(guild_id, cuts[0], cuts[-1])
    counts = [_credits(connection, span) for span in spans]
    spenders, erased, failures = _spenders(connection, whole, counts)
    top = [spender.user_id for spender in spenders[:COLOURED]]
    everybody, totals = (*spenders, erased), _totals(connection, whole)
    refunded = sum(spender.refunded_credits for spender in everybody)
    return Report(
        guild_id=guild_id,
        period=period,
        periods_ago=periods_ago,
        end=whole.end,
        zone=zone,
        unit=unit,
        buckets=tuple(_bucket(span, count, top) for span, count in zip(spans, counts, strict=True)),
        spenders=tuple(spenders[:LISTED]),
        members=len(spenders),
        erased=erased,
        reservations=totals["reservations"],
        spent_credits=totals["counted"] - totals["held"],
        held_credits=totals["held"],
        refunded_credits=refunded,
        granted_credits=totals["counted"] - totals["guild"] - refunded,
        pictures=sum(spender.pictures for spender in everybody),
        failures=failures,
        before_credits=before,
        limit=_limit_at(connection, whole, default),
    )


@dataclass(frozen=True, slots=True)
class _Span:
    """From `start` on, before `end`; epoch milliseconds."""

    guild_id: int
    start: int
    end: int

    @property
    def values(self) -> dict[str, int]:
        return {"guild_id": self.guild_id, "start": self.start, "end": self.end}


def _period(period: str, ago: int, at: int, zone: tzinfo) -> tuple[int, int | None]:
    for _ in range(ago):
        at = periods.period_bounds(period, at, zone)[0] - 1
    return periods.period_bounds(period, at, zone)


def _bucket_edges(start: int, end: int, unit: str, zone: tzinfo) -> list[int]:
    """Where each bar begins, and where the last one ends. The hours of a day are 23 or 25 now and then."""
    cuts = [start]
    while cuts[-1] < end:
        _, until = (0, cuts[-1] + HOUR_MS) if unit == "hour" else periods.period_bounds(unit, cuts[-1], zone)
        assert until is not None  # only `total` never ends, which is no unit
        cuts.append(min(until, end) if unit == "hour" else until)
    return cuts


def _whole(first: int, at: int, zone: tzinfo) -> tuple[str, list[int]]:
    """The finest unit in which all time since `first` has few enough bars, and where they begin and end."""
    cuts: list[int] = []
    for unit in periods.RESETTING:
        start, _ = periods.period_bounds(unit, first, zone)
        cuts = _bucket_edges(start, at + 1, unit, zone)
        if len(cuts) <= MAX_BUCKETS + 1:
            return unit, cuts
    months = -(-(len(cuts) - 1) // MAX_BUCKETS)
    return "months", [*cuts[:-1:months], cuts[-1]]


def _first(connection: sqlite3.Connection, guild_id: int, at: int) -> int:
    row = connection.execute(
        "SELECT min(created_at) FROM reservations WHERE guild_id = ?", (guild_id,)
    ).fetchone()
    return at if row[0] is None else min(at, row[0])


def _credits(connection: sqlite3.Connection, span: _Span) -> Counter[int]:
    """What each member spent and held. Answered from an index alone, so that each bar may ask for itself."""
    rows = connection.execute(
        f"SELECT user_id, sum(counted_credits) FROM reservations WHERE {_WITHIN} GROUP BY user_id",  # noqa: S608  # our own text
        span.values,
    )
    return Counter(dict(map(tuple, rows)))


def _spenders(
    connection: sqlite3.Connection, span: _Span, counts: list[Counter[int]]
) -> tuple[list[Spender], Spender, int]:
    """Everybody with a name, the highest first; those without, together; and how many jobs failed."""
    credits = Counter[int]()
    for count in counts:
        credits.update(count)
    refunded, (pictures, failures) = _refunded(connection, span), _outcomes(connection, span)
    everybody = [
        Spender(user_id, credits[user_id], refunded[user_id], pictures[user_id])
        for user_id in sorted(credits.keys() | {ERASED}, key=lambda user_id: (-credits[user_id], user_id))
    ]
    named = [spender for spender in everybody if spender.user_id != ERASED]
    (erased,) = (spender for spender in everybody if spender.user_id == ERASED)
    return named, erased, failures


def _bucket(span: _Span, credits: Counter[int], top: list[int]) -> Bucket:
    coloured = tuple(credits[user_id] for user_id in top)
    return Bucket(span.start, coloured, credits.total() - sum(coloured) - credits[ERASED], credits[ERASED])


def _totals(connection: sqlite3.Connection, span: _Span) -> sqlite3.Row:
    row: sqlite3.Row = connection.execute(
        "SELECT count(*) AS reservations, coalesce(sum(counted_credits), 0) AS counted,"  # noqa: S608  # as above
        " coalesce(sum(guild_credits), 0) AS guild,"
        " coalesce(sum(CASE state WHEN 'held' THEN counted_credits END), 0) AS held"
        f" FROM reservations WHERE {_WITHIN}",
        span.values,
    ).fetchone()
    return row


def _refunded(connection: sqlite3.Connection, span: _Span) -> Counter[int]:
    """By member. A refund comes after its picture, so those from before the span are not looked at."""
    rows = connection.execute(
        "SELECT r.user_id, sum(r.counted_credits) FROM refunds f JOIN reservations r ON r.job_id = f.job_id"
        " WHERE f.guild_id = :guild_id AND f.refunded_at >= :start"
        " AND r.created_at >= :start AND r.created_at < :end GROUP BY r.user_id",
        span.values,
    )
    return Counter(dict(map(tuple, rows)))


def _outcomes(connection: sqlite3.Connection, span: _Span) -> tuple[Counter[int], int]:
    """The pictures of each member, and how many jobs failed.

    Whose they are is asked of the reservations: a job forgets its member sooner.
    """
    pictures, failures = Counter[int](), 0
    for user_id, stage, jobs in connection.execute(
        "SELECT r.user_id, j.stage, count(*) FROM reservations r JOIN jobs j ON j.job_id = r.job_id"
        " WHERE r.guild_id = :guild_id AND r.created_at >= :start AND r.created_at < :end"
        " GROUP BY r.user_id, j.stage",
        span.values,
    ):
        pictures[user_id] += jobs if stage in _PAINTED else 0
        failures += jobs if stage == "failed" else 0
    return pictures, failures


def _limit_at(connection: sqlite3.Connection, span: _Span, default: Limit) -> Limit:
    """The guild's limit as it was when the span ended."""
    row = connection.execute(
        "SELECT effect, credits, period FROM limits WHERE guild_id = ? AND rule = ? AND set_at < ?"
        " ORDER BY limit_id DESC LIMIT 1",
        (span.guild_id, LimitScope.GUILD, span.end),
    ).fetchone()
    return default if row is None or row["effect"] != "limit" else Limit(row["credits"], row["period"])
