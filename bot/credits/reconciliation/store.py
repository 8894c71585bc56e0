"""Discrepancies that a comparison with Rivya found, and their corrections.

A comparison changes no reservation. The operator applies it as a second step, which corrects what Rivya
proves, and records each correction, only if the reservation is still as it was found and its job is over. So
a step that is taken twice, or too late, changes nothing. `close_reservation` books the operator's own
decision, without a comparison.

Owns the tables findings and corrections.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.credits import ledger
from bot.credits.reconciliation.models import (
    ApplyResult,
    BookedReservation,
    CloseResult,
    Discrepancy,
    DiscrepancyKind,
)
from bot.domain.clock import DAY_MS, now_ms
from bot.domain.limits import ReservationState
from bot.storage.database import BATCH

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import AsyncIterator, Iterable

    from bot.storage.database import Database

HELD_AFTER_MS: Final = DAY_MS
"""Held reservations older than this are compared; closed ones at any age."""
PAGE: Final = 200
"""Rows that are read or corrected in one transaction, which others wait for."""

_BOOKED: Final = (
    "SELECT r.job_id, r.guild_id, r.state, r.counted_credits, r.note, r.created_at, r.model,"
    " j.task_id, j.finished_at IS NOT NULL AS over FROM reservations r JOIN jobs j USING (job_id)"
)
# Held reservations are few and have an index of their own. Because of `+ 0`, SQLite cannot use an index on
# created_at instead.
_HELD: Final = (
    f"{_BOOKED} WHERE r.state = 'held' AND r.created_at + 0 < ? AND (r.created_at + 0, r.job_id) > (?, ?)"
    " ORDER BY r.created_at + 0, r.job_id LIMIT ?"
)
_CLOSED: Final = (
    f"{_BOOKED} WHERE r.state <> 'held' AND j.task_id IS NOT NULL"
    " AND (r.created_at, r.job_id) > (?, ?) ORDER BY r.created_at, r.job_id LIMIT ?"
)
_FOUND: Final = (
    "SELECT r.job_id, r.guild_id, f.booked_state AS state, f.booked_credits AS counted_credits, r.note,"
    " r.created_at, r.model, j.task_id, j.finished_at IS NOT NULL AS over, f.kind, f.rivya_status,"
    " f.rivya_credits, f.rivya_model"
    " FROM findings f JOIN reservations r USING (job_id) JOIN jobs j USING (job_id)"
    " WHERE f.run_id = ? AND f.job_id > ? ORDER BY f.job_id LIMIT ?"
)


def prune(transaction: sqlite3.Connection, before: int) -> int:
    """Delete one batch of discrepancies found before `before` (epoch milliseconds); return how many."""
    return transaction.execute(
        "DELETE FROM findings WHERE (run_id, job_id) IN"
        " (SELECT run_id, job_id FROM findings WHERE found_at < ? LIMIT ?)",
        (before, BATCH),
    ).rowcount


class DiscrepancyStore:
    """Reads reservations to compare, stores discrepancies and applies corrections."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def pages(self, since: int) -> AsyncIterator[list[BookedReservation]]:
        """Yield reservations held for over a day, then closed ones created since `since` that have a task.

        Both are sorted by age, the oldest first, in pages of `PAGE`. Others may write between two pages.
        """
        queries = ((_HELD, (now_ms() - HELD_AFTER_MS,), 0), (_CLOSED, (), since))
        for query, bounds, start in queries:
            last = (start, "")
            while page := await self._page(query, (*bounds, *last, PAGE)):
                yield page
                last = (page[-1].created_at, page[-1].job_id)

    async def count(self, since: int) -> int:
        """Return how many reservations `pages` will yield, at most."""
        held_until = now_ms() - HELD_AFTER_MS

        def unit(tx: sqlite3.Connection) -> int:
            row = tx.execute(
                "SELECT (SELECT count(*) FROM reservations WHERE state = 'held' AND created_at + 0 < ?)"
                " + (SELECT count(*) FROM reservations WHERE created_at >= ?) AS reservations",
                (held_until, since),
            ).fetchone()
            return int(row["reservations"])

        return await self._database.run(unit)

    async def save(self, run_id: str, found: Iterable[Discrepancy]) -> int:
        """Store discrepancies of reservations that have not changed since they were read; return how many."""
        at, discrepancies = now_ms(), tuple(found)
        return await self._database.run(
            lambda tx: sum(_save(tx, run_id, discrepancy, at) for discrepancy in discrepancies)
        )

    async def list_run(self, run_id: str, after: str = "") -> list[Discrepancy]:
        """Return a page of a run's discrepancies by job id; `after` is the last id of the page before."""
        return await self._database.run(
            lambda tx: [_discrepancy(row) for row in tx.execute(_FOUND, (run_id, after, PAGE))]
        )

    async def apply(self, run_id: str, *, by: int) -> ApplyResult:
        """Book the corrections that Rivya's answers in this run prove, if nothing has changed since."""
        done, after = ApplyResult(), ""
        while page := await self.list_run(run_id, after):
            done += await self._apply_page(run_id, page, by)
            after = page[-1].booked.job_id
        return done

    async def close_reservation(
        self, job_id: str, final_credits: int, *, reason: str, by: int
    ) -> CloseResult:
        """Close the held reservation of a finished job with what the operator decides; 0 releases it.

        Raises:
            ValueError: negative credits.
        """
        if final_credits < 0:
            raise ValueError(f"a charge of {final_credits} credits")
        at = now_ms()

        def unit(tx: sqlite3.Connection) -> CloseResult:
            booked = find_booked(tx, job_id)
            if booked is None:
                return CloseResult.UNKNOWN
            if booked.state is not ReservationState.HELD:
                return CloseResult.NOT_HELD
            if not booked.over:
                return CloseResult.IN_PROGRESS
            state = ReservationState.SETTLED if final_credits else ReservationState.RELEASED
            correct(tx, booked, (state, final_credits), reason=reason, by=by, at=at)
            return CloseResult.CLOSED

        return await self._database.run(unit)

    async def _page(self, query: str, values: tuple[int | str, ...]) -> list[BookedReservation]:
        return await self._database.run(lambda tx: [_as_booked(row) for row in tx.execute(query, values)])

    async def _apply_page(self, run_id: str, page: list[Discrepancy], by: int) -> ApplyResult:
        at = now_ms()

        def unit(tx: sqlite3.Connection) -> ApplyResult:
            outcomes = (_apply(tx, run_id, found, by=by, at=at) for found in page if found.kind.is_proof)
            return sum(outcomes, ApplyResult())

        return await self._database.run(unit)


def _apply(
    transaction: sqlite3.Connection, run_id: str, found: Discrepancy, *, by: int, at: int
) -> ApplyResult:
    now = find_booked(transaction, found.booked.job_id)
    assert now is not None  # reservations are never deleted
    if (now.state, now.credits) == found.target:
        return ApplyResult(before=1)
    if (now.state, now.credits) != (found.booked.state, found.booked.credits):
        return ApplyResult(changed=1)
    if not now.over:
        return ApplyResult(in_progress=1)
    correct(transaction, now, found.target, reason=f"reconcile {run_id}: {found.kind}", by=by, at=at)
    return ApplyResult(booked=1, difference_credits=found.target[1] - now.credits)


def correct(
    transaction: sqlite3.Connection,
    booked: BookedReservation,
    target: tuple[ReservationState, int],
    *,
    reason: str,
    by: int,
    at: int,
) -> None:
    """Change a reservation to the state and the credits of `target`, and record the correction."""
    state, credits = target
    ledger.override(transaction, job_id=booked.job_id, state=state, final_credits=credits, at=at)
    transaction.execute(
        "INSERT INTO corrections (job_id, from_state, from_credits, to_state, to_credits, reason, made_by,"
        " made_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (booked.job_id, booked.state, booked.credits, state, credits, reason, by, at),
    )


def _save(transaction: sqlite3.Connection, run_id: str, found: Discrepancy, at: int) -> bool:
    booked = found.booked
    now = find_booked(transaction, booked.job_id)
    if now is None or (now.state, now.credits) != (booked.state, booked.credits):
        return False
    # A reservation that is closed during a run is compared twice: the first discrepancy is kept.
    row = transaction.execute(
        "INSERT INTO findings (run_id, job_id, kind, booked_state, booked_credits, rivya_status,"
        " rivya_credits, rivya_model, found_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING RETURNING job_id",
        (
            run_id,
            booked.job_id,
            found.kind,
            booked.state,
            booked.credits,
            found.rivya_status,
            found.rivya_credits,
            found.rivya_model,
            at,
        ),
    ).fetchone()
    return row is not None


def find_booked(transaction: sqlite3.Connection, job_id: str) -> BookedReservation | None:
    """Return the reservation of a job; None if there is none."""
    row = transaction.execute(f"{_BOOKED} WHERE r.job_id = ?", (job_id,)).fetchone()
    return None if row is None else _as_booked(row)


def _as_booked(row: sqlite3.Row) -> BookedReservation:
    return BookedReservation(
        job_id=row["job_id"],
        guild_id=row["guild_id"],
        state=ReservationState(row["state"]),
        credits=row["counted_credits"],
        model=row["model"],
        task_id=row["task_id"],
        over=bool(row["over"]),
        note=row["note"] or "",
        created_at=row["created_at"],
    )


def _discrepancy(row: sqlite3.Row) -> Discrepancy:
    return Discrepancy(
        booked=_as_booked(row),
        kind=DiscrepancyKind(row["kind"]),
        rivya_status=row["rivya_status"],
        rivya_credits=row["rivya_credits"],
        rivya_model=row["rivya_model"],
    )
