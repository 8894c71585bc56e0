"""Compares the books with Rivya: every task that was settled or released, and whatever is held for long.

It only asks and writes down what it found; booking it is a step of its own, see `findings`.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import structlog

from bot.credits.reconciliation.models import NOT_FOUND, Discrepancy, RemoteTask, classify
from bot.domain.errors import ContractViolation, OperatorError, TransientError
from bot.rivya.rate_limit import MAX_BACKOFF_SECONDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.credits.reconciliation.models import BookedReservation
    from bot.credits.reconciliation.store import DiscrepancyStore
    from bot.rivya.client import RivyaClient

log = structlog.get_logger(__name__)

CONCURRENCY: Final = 4
"""Calls under way at one moment: members who wait for their picture come first."""
MAX_FAILED_ATTEMPTS: Final = 6
"""Times in a row that Rivya may want us to wait for one task before the comparison stops."""


@dataclass(frozen=True, slots=True)
class ReconcileRun:
    """How far a comparison has come. `since` and `reached_at` are epoch milliseconds, UTC."""

    run_id: str
    since: int
    total: int
    """How many reservations there are to look at, at most."""
    looked_at: int = 0
    found: int = 0
    unpriced: int = 0
    """Tasks that are over, but of which Rivya does not say what they cost."""
    reached_at: int | None = None
    """When the last one looked at was reserved: where a comparison that stopped may begin again."""
    stopped: str = ""
    """Why it ended before its end, for the operator; what was found so far is kept."""


class Reconciler:
    """Asks Rivya about every task in the books. `rest_seconds` is the first wait after a setback."""

    def __init__(
        self, discrepancies: DiscrepancyStore, rivya: RivyaClient, *, rest_seconds: float = 5.0
    ) -> None:
        self._discrepancies = discrepancies
        self._rivya = rivya
        self._backoff_seconds = rest_seconds

    async def compare(
        self, since: int, *, progress: Callable[[ReconcileRun], Awaitable[None]] | None = None
    ) -> ReconcileRun:
        """Compare what was reserved from `since` on, and all that is held for longer than a day.

        `progress` is told after every page. Memory is bounded by one page, however many rows there are.

        Raises:
            OperatorError: `database`. What keeps us from asking Rivya only stops the comparison.
        """
        run = ReconcileRun(secrets.token_hex(6), since, await self._discrepancies.count(since))
        async for page in self._discrepancies.pages(since):
            try:
                heard = await self._fetch_tasks(page)
            except (OperatorError, TransientError) as error:
                log.warning("comparison stopped", run_id=run.run_id, error=str(error))
                return replace(run, stopped=str(error))
            found = [
                Discrepancy(
                    booked, kind, answer.status if answer else None, answer.credits if answer else None
                )
                for booked, answer in zip(page, heard, strict=True)
                if (kind := classify(booked, answer)) is not None
            ]
            closed = page[-1].state != "held"
            run = replace(
                run,
                looked_at=run.looked_at + len(page),
                found=run.found + (await self._discrepancies.save(run.run_id, found) if found else 0),
                unpriced=run.unpriced + sum(map(_is_unpriced, page, heard)),
                reached_at=page[-1].created_at if closed else run.reached_at,
            )
            if progress is not None:
                await progress(run)
        return run

    async def _fetch_tasks(self, page: list[BookedReservation]) -> list[RemoteTask | None]:
        """Ask about a whole page, a few tasks at once."""
        answers: list[RemoteTask | None] = []
        for first in range(0, len(page), CONCURRENCY):
            group = page[first : first + CONCURRENCY]
            heard = await asyncio.gather(*map(self._ask, group), return_exceptions=True)
            for answer in heard:
                if isinstance(answer, BaseException):
                    raise answer
                answers.append(answer)
        return answers

    async def _ask(self, booked: BookedReservation) -> RemoteTask | None:
        if booked.task_id is None:
            return None
        for setback in range(MAX_FAILED_ATTEMPTS):
            try:
                task = await self._rivya.get_task(booked.task_id)
            except TransientError as error:
                if setback == MAX_FAILED_ATTEMPTS - 1:
                    raise
                rest = error.retry_after_seconds or self._backoff_seconds * 2.0**setback
                await asyncio.sleep(min(rest, MAX_BACKOFF_SECONDS))
            except ContractViolation as error:
                return RemoteTask(NOT_FOUND if error.code == "not_found" else None)
            else:
                heard = RemoteTask(task.status, task.final_credits)
                return heard if heard.is_over else RemoteTask(task.status)
        raise AssertionError("unreachable: the last setback is raised")


def _is_unpriced(booked: BookedReservation, heard: RemoteTask | None) -> bool:
    return booked.state != "held" and heard is not None and heard.is_over and heard.credits is None
