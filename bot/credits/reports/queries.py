"""Count a report from the database file, beside the running bot.

The connection is read-only and used in the calling thread, so that neither the event loop nor the one
writer waits for a report.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from bot.credits import limits, running_totals
from bot.credits.reports.models import COLOURED, ERASED, LISTED, BarUnit, Bucket, Grouping, Report, Spender
from bot.credits.sums import add_up
from bot.credits.usage import first_reserved_at
from bot.domain import periods
from bot.domain.clock import HOUR_MS
from bot.domain.errors import OperatorError
from bot.domain.ids import ALL_GUILDS
from bot.domain.jobs import Stage
from bot.domain.limits import Limit, LimitScope
from bot.domain.periods import Period
from bot.guilds.settings import timezone_of
from bot.storage.read_only import open_read_only

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo
    from pathlib import Path

Subject = int | str
"""The id of a member or of a model."""
Snapshot = sqlite3.Connection
"""A read-only connection that sees the database as it was at one moment."""

MAX_BUCKETS: Final = 31

_UNITS: Final = {Period.DAY: BarUnit.HOUR, Period.WEEK: BarUnit.DAY, Period.MONTH: BarUnit.DAY}
_SUBJECTS: Final = {Grouping.MEMBER: "user_id", Grouping.MODEL: "model"}
"""The column of reservations by which they are told apart."""
_WITHIN: Final = "guild_id = :guild_id AND created_at >= :start AND created_at < :end"
_ACCEPTED_WITHIN: Final = "guild_id = :guild_id AND accepted_at >= :start AND accepted_at < :end"
"""The jobs of these reservations: a job is accepted in the transaction that reserves, at the same moment."""


@contextmanager
def open_snapshot(path: Path) -> Iterator[Snapshot]:
    """Open the database as it is now, however long it is read; the writer goes on meanwhile.

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
    connection: Snapshot,
    guild_id: int,
    *,
    period: Period,
    periods_ago: int,
    default: Limit,
    at: int,
    grouping: Grouping = Grouping.MEMBER,
) -> Report:
    """Count the period `periods_ago` periods before the one that contains `at` (epoch milliseconds).

    `default` is the limit of guilds without one of their own.
    """
    time = _report_time(connection, guild_id, period, periods_ago, at)
    spans, whole = time.spans, time.whole
    sums = [_sums(connection, span, grouping) for span in spans]
    spenders, erased, failures = _spenders(connection, whole, sums, grouping)
    limit, ceiling = _limits_at(connection, whole, default)
    everybody = (*spenders, erased)
    counted, held = sum(each.credits for each in everybody), sum(each.held_credits for each in sums)
    refunded = sum(spender.refunded_credits for spender in everybody)
    return Report(
        guild_id=guild_id,
        period=period,
        periods_ago=periods_ago,
        end=whole.end,
        zone=time.zone,
        unit=time.unit,
        buckets=_buckets(spans, sums, spenders[:COLOURED]),
        spenders=tuple(spenders[:LISTED]),
        members=len(spenders),
        erased=erased,
        reservations=sum(each.reservations.total() for each in sums),
        spent_credits=counted - held,
        held_credits=held,
        refunded_credits=refunded,
        granted_credits=counted - _guild_credits(connection, whole) - refunded,
        pictures=sum(spender.pictures for spender in everybody),
        failures=failures,
        before_credits=time.before_credits,
        limit=limit,
        ceiling=ceiling,
        grouping=grouping,
    )


class _Span(NamedTuple):
    """The reservations of a guild from `start` until before `end`; epoch milliseconds."""

    guild_id: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _ReportTime:
    """The bars of a report, and what was spent in the period before."""

    zone: tzinfo
    unit: BarUnit
    spans: list[_Span]
    before_credits: int | None

    @property
    def whole(self) -> _Span:
        return self.spans[0]._replace(end=self.spans[-1].end)


def _report_time(
    connection: Snapshot, guild_id: int, period: Period, periods_ago: int, at: int
) -> _ReportTime:
    zone = timezone_of(connection, guild_id)
    start, end = _period(period, periods_ago, at, zone)
    if end is None:
        unit, edges = _total_edges(first_reserved_at(connection, guild_id, at), at, zone)
        before = None
    else:
        unit, edges = _UNITS[period], _bucket_edges(start, end, _UNITS[period], zone)
        before = _credits_before(connection, guild_id, _period(period, periods_ago + 1, at, zone)[0], start)
    return _ReportTime(zone, unit, [_Span(guild_id, *bounds) for bounds in pairwise(edges)], before)


def _period(period: Period, ago: int, at: int, zone: tzinfo) -> tuple[int, int | None]:
    for _ in range(ago):
        at = periods.period_bounds(period, at, zone)[0] - 1
    return periods.period_bounds(period, at, zone)


def _bucket_edges(start: int, end: int, unit: BarUnit, zone: tzinfo) -> list[int]:
    """Return when each bar begins, and when the last one ends. A day has 23 or 25 hours now and then."""
    edges = [start]
    while edges[-1] < end:
        if unit is BarUnit.HOUR:
            edges.append(min(edges[-1] + HOUR_MS, end))
        else:
            _, next_edge = periods.period_bounds(Period(unit), edges[-1], zone)
            assert next_edge is not None  # no unit is TOTAL
            edges.append(next_edge)
    return edges


def _total_edges(first: int, at: int, zone: tzinfo) -> tuple[BarUnit, list[int]]:
    """Return the finest unit by which `first` to `at` are at most `MAX_BUCKETS` bars, and their edges."""
    edges: list[int] = []
    for unit in (BarUnit.DAY, BarUnit.WEEK, BarUnit.MONTH):
        start, _ = periods.period_bounds(Period(unit), first, zone)
        edges = _bucket_edges(start, at + 1, unit, zone)
        if len(edges) <= MAX_BUCKETS + 1:
            return unit, edges
    months = -(-(len(edges) - 1) // MAX_BUCKETS)
    return BarUnit.MONTHS, [*edges[:-1:months], edges[-1]]


@dataclass(frozen=True, slots=True)
class _Sums:
    """The reservations of one bar by spender, and the credits of those that are held."""

    credits: Counter[Subject]
    """Spent and held."""
    reservations: Counter[Subject]
    held_credits: int


def _sums(connection: sqlite3.Connection, span: _Span, grouping: Grouping) -> _Sums:
    """Add up one bar. One index has all of it, so this is fast for each bar."""
    subject = _SUBJECTS[grouping]
    rows = connection.execute(
        f"SELECT {subject} AS subject, sum(counted_credits) AS credits, count(*) AS reservations,"  # noqa: S608  # our own text
        " sum(CASE state WHEN 'held' THEN counted_credits ELSE 0 END) AS held"
        f" FROM reservations WHERE {_WITHIN} GROUP BY {subject}",
        span._asdict(),
    ).fetchall()
    return _Sums(
        Counter({row["subject"]: row["credits"] for row in rows}),
        Counter({row["subject"]: row["reservations"] for row in rows}),
        sum(row["held"] for row in rows),
    )


def _spenders(
    connection: sqlite3.Connection, span: _Span, sums: list[_Sums], grouping: Grouping
) -> tuple[list[Spender], Spender, int]:
    """Return the spenders, the highest first; those with erased names as one; and how many jobs failed."""
    subject = _SUBJECTS[grouping]
    credits, pictures = Counter[Subject](), Counter[Subject]()
    for each in sums:
        credits.update(each.credits)
        pictures.update(each.reservations)
    refunded = _refunded(connection, span, subject)
    without_picture, failures = _without_picture(connection, span, subject)
    pictures.subtract(without_picture)
    spenders = {
        each: Spender(each, credits[each], refunded[each], pictures[each]) for each in (*credits, ERASED)
    }
    erased = spenders.pop(ERASED)
    return sorted(spenders.values(), key=_rank), erased, failures


def _rank(spender: Spender) -> tuple[int, int, str]:
    """Return the place in the order: by credits, then by the id of the member or the model."""
    subject = spender.subject
    return (-spender.credits, *((0, subject) if isinstance(subject, str) else (subject, "")))


def _buckets(spans: list[_Span], sums: list[_Sums], top: list[Spender]) -> tuple[Bucket, ...]:
    return tuple(_bucket(span, each.credits, top) for span, each in zip(spans, sums, strict=True))


def _bucket(span: _Span, credits: Counter[Subject], top: list[Spender]) -> Bucket:
    coloured = tuple(credits[spender.subject] for spender in top)
    return Bucket(span.start, coloured, credits.total() - sum(coloured) - credits[ERASED], credits[ERASED])


def _credits_before(connection: sqlite3.Connection, guild_id: int, start: int, end: int) -> int:
    """Return what was spent and held in the whole period before."""
    if running_totals.covers(connection, start, end):
        counted = running_totals.between("counted_credits", guild_id, start, end)
        return add_up(connection, [counted])[0]
    return _sum(connection, "counted_credits", _Span(guild_id, start, end))


def _guild_credits(connection: sqlite3.Connection, span: _Span) -> int:
    """Return what counts against the limit of the guild."""
    if running_totals.covers(connection, span.start, span.end):
        return add_up(connection, [running_totals.between("guild_credits", *span)])[0]
    return _sum(connection, "guild_credits", span)


def _sum(connection: sqlite3.Connection, column: str, span: _Span) -> int:
    (total,) = connection.execute(
        f"SELECT coalesce(sum({column}), 0) FROM reservations WHERE {_WITHIN}",  # noqa: S608  # our own text
        span._asdict(),
    ).fetchone()
    return int(total)


def _refunded(connection: sqlite3.Connection, span: _Span, subject: str) -> Counter[Subject]:
    """Return the refunded credits by spender; when they were refunded does not matter."""
    rows = connection.execute(
        f"SELECT r.{subject} AS subject, sum(r.counted_credits) AS credits"  # noqa: S608  # our own text
        " FROM refunds f JOIN reservations r ON r.job_id = f.job_id"
        " WHERE f.guild_id = :guild_id AND r.created_at >= :start AND r.created_at < :end GROUP BY subject",
        span._asdict(),
    )
    return Counter({row["subject"]: row["credits"] for row in rows})


def _without_picture(
    connection: sqlite3.Connection, span: _Span, subject: str
) -> tuple[Counter[Subject], int]:
    """Return how many jobs of each spender have no picture, and how many of all failed.

    The others are not read: they are most of the jobs, and each would be looked for by itself. The member is
    read from the reservation, since that of a job is erased sooner.
    """
    jobs, failures = Counter[Subject](), 0
    for row in connection.execute(
        f"""
        WITH without (job_id, stage) AS (
            SELECT job_id, stage FROM jobs WHERE {_ACCEPTED_WITHIN} AND stage IN ('failed', 'cancelled')
            UNION ALL
            SELECT job_id, stage FROM jobs INDEXED BY jobs_unfinished
            WHERE {_ACCEPTED_WITHIN} AND finished_at IS NULL AND stage IN ('accepted', 'uploaded', 'created')
        )
        SELECT r.{subject} AS subject, without.stage, count(*) AS jobs
        FROM without CROSS JOIN reservations r ON r.job_id = without.job_id
        GROUP BY subject, without.stage
        """,  # noqa: S608  # our own text
        span._asdict(),
    ):
        jobs[row["subject"]] += row["jobs"]
        failures += row["jobs"] if row["stage"] == Stage.FAILED else 0
    return jobs, failures


def _limits_at(connection: sqlite3.Connection, span: _Span, default: Limit) -> tuple[Limit, Limit | None]:
    """Return the guild's limit at the end of the span, and the operator's ceiling if that is lower."""
    limit = _limit_at(connection, span.guild_id, LimitScope.GUILD, span.end) or default
    ceiling = (
        _limit_at(connection, span.guild_id, LimitScope.CEILING, span.end)
        or _limit_at(connection, ALL_GUILDS, LimitScope.CEILING, span.end)
        or limits.default_ceiling(connection)  # whose history is not known
    )
    return limit, ceiling if ceiling is not None and limit.allows_more_than(ceiling) else None


def _limit_at(connection: sqlite3.Connection, guild_id: int, scope: LimitScope, end: int) -> Limit | None:
    row = connection.execute(
        "SELECT effect, credits, period FROM limits WHERE guild_id = ? AND rule = ? AND set_at < ?"
        " ORDER BY limit_id DESC LIMIT 1",
        (guild_id, scope, end),
    ).fetchone()
    if row is None or row["effect"] != "limit":
        return None
    return Limit(row["credits"], Period(row["period"]), scope=scope)
