"""Compare the ledger with Rivya: every task that is settled or released, and reservations held for long.

This only stores discrepancies. Correcting the ledger is a second step: `DiscrepancyStore.apply`.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import structlog

from bot.credits.reconciliation.models import NOT_FOUND, Discrepancy, RemoteTask, classify
from bot.domain.errors import ContractViolation, OperatorError, TransientError
from bot.domain.limits import ReservationState
from bot.rivya.rate_limit import MAX_BACKOFF_SECONDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.credits.reconciliation.models import BookedReservation, DiscrepancyKind
    from bot.credits.reconciliation.store import DiscrepancyStore
    from bot.rivya.client import RivyaClient

log = structlog.get_logger(__name__)

CONCURRENCY: Final = 4
"""Calls to Rivya at once; few, so that jobs of members are not slowed down."""
MAX_FAILED_ATTEMPTS: Final = 6
"""Transient errors in a row about one task that stop the comparison."""


@dataclass(frozen=True, slots=True)
class ReconcileRun:
    """The progress of a comparison. `since` and `reached_at` are epoch milliseconds, UTC."""

    run_id: str
    since: int
    total: int
    """How many reservations will be compared, at most."""
    looked_at: int = 0
    found: int = 0
    unpriced: int = 0
    """Closed reservations whose task is over, but of which Rivya does not say what it cost."""
    reached_at: int | None = None
    """When the last closed reservation that was compared was made: the `since` for going on after a stop."""
    stopped: str = ""
    """Why the comparison stopped early, for the operator; what it has found is stored."""


class Reconciler:
    """Asks Rivya about the tasks in the ledger. `backoff_seconds` is the first wait; it doubles each time."""

    def __init__(
        self, discrepancies: DiscrepancyStore, rivya: RivyaClient, *, backoff_seconds: float = 5.0
    ) -> None:
        self._discrepancies = discrepancies
        self._rivya = rivya
        self._backoff_seconds = backoff_seconds

    async def compare(
        self, since: int, *, progress: Callable[[ReconcileRun], Awaitable[None]] | None = None
    ) -> ReconcileRun:
        """Compare the closed reservations from `since` on, and all that are held for more than a day.

        `progress` is called after every page; only one page is in memory. If Rivya cannot be asked, the
        comparison stops, and the result says why.

        Raises:
            OperatorError: `database`.
        """
        run = ReconcileRun(secrets.token_hex(6), since, await self._discrepancies.count(since))
        async for page in self._discrepancies.pages(since):
            try:
                tasks = await self._fetch_tasks(page)
            except (OperatorError, TransientError) as error:
                log.warning("comparison stopped", run_id=run.run_id, error=str(error))
                return replace(run, stopped=str(error))
            found = [
                _discrepancy(booked, kind, task)
                for booked, task in zip(page, tasks, strict=True)
                if (kind := classify(booked, task)) is not None
            ]
            is_closed = page[-1].state is not ReservationState.HELD
            run = replace(
                run,
                looked_at=run.looked_at + len(page),
                found=run.found + (await self._discrepancies.save(run.run_id, found) if found else 0),
                unpriced=run.unpriced + sum(map(_is_unpriced, page, tasks)),
                reached_at=page[-1].created_at if is_closed else run.reached_at,
            )
            if progress is not None:
                await progress(run)
        return run

    async def _fetch_tasks(self, page: list[BookedReservation]) -> list[RemoteTask | None]:
        """Return the tasks of a page in its order, fetched `CONCURRENCY` at once."""
        tasks: list[RemoteTask | None] = []
        for first in range(0, len(page), CONCURRENCY):
            group = page[first : first + CONCURRENCY]
            # With return_exceptions every call has ended before an error is raised.
            for result in await asyncio.gather(*map(self._fetch_task, group), return_exceptions=True):
                if isinstance(result, BaseException):
                    raise result
                tasks.append(result)
        return tasks

    async def _fetch_task(self, booked: BookedReservation) -> RemoteTask | None:
        if booked.task_id is None:
            return None
        failed_attempts = 0
        while True:
            try:
                task = await self._rivya.get_task(booked.task_id)
            except TransientError as error:
                failed_attempts += 1
                if failed_attempts == MAX_FAILED_ATTEMPTS:
                    raise
                backoff = error.retry_after_seconds or self._backoff_seconds * 2.0 ** (failed_attempts - 1)
                await asyncio.sleep(min(backoff, MAX_BACKOFF_SECONDS))
            except ContractViolation as error:
                return RemoteTask(NOT_FOUND if error.code == "not_found" else None)
            else:
                remote = RemoteTask(task.status, task.final_credits, task.model)
                return remote if remote.is_over else replace(remote, credits=None)


def _discrepancy(booked: BookedReservation, kind: DiscrepancyKind, task: RemoteTask | None) -> Discrepancy:
    if task is None:
        return Discrepancy(booked, kind, None, None)
    return Discrepancy(booked, kind, task.status, task.credits, task.model)


def _is_unpriced(booked: BookedReservation, task: RemoteTask | None) -> bool:
    is_closed = booked.state is not ReservationState.HELD
    return is_closed and task is not None and task.is_over and task.credits is None
