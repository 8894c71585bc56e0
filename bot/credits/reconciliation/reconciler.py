"""Compares the books with Rivya: every task that was settled or released, and whatever is held for long.

It only asks and writes down what it found; booking it is a step of its own, see `findings`.

Owns the comparison. Never imports anything of ours but client, differences, errors, findings.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import structlog

from bot.credits.reconciliation.models import NOT_FOUND, Finding, Heard, judge
from bot.domain.errors import ContractBroken, OperatorError, TryLater

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.credits.reconciliation.models import Booked
    from bot.credits.reconciliation.store import Findings
    from bot.rivya.client import Rivya

log = structlog.get_logger(__name__)

AT_ONCE: Final = 4
"""Calls under way at one moment: members who wait for their picture come first."""
PATIENT_SETBACKS: Final = 6
"""Times in a row that Rivya may want us to wait for one task before the comparison stops."""
LONGEST_REST_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """How far a comparison has come. `since` and `reached_at` are epoch milliseconds, UTC."""

    run_id: str
    since: int
    total: int
    """How many reservations there are to look at, at most."""
    looked_at: int = 0
    found: int = 0
    unsaid: int = 0
    """Tasks that are over, but of which Rivya does not say what they cost."""
    reached_at: int | None = None
    """When the last one looked at was reserved: where a comparison that stopped may begin again."""
    stopped: str = ""
    """Why it ended before its end, for the operator; what was found so far is kept."""


class Reconciler:
    """Asks Rivya about every task in the books. `rest_seconds` is the first wait after a setback."""

    def __init__(self, findings: Findings, rivya: Rivya, *, rest_seconds: float = 5.0) -> None:
        self._findings = findings
        self._rivya = rivya
        self._rest_seconds = rest_seconds

    async def compare(
        self, since: int, *, progress: Callable[[Comparison], Awaitable[None]] | None = None
    ) -> Comparison:
        """Compare what was reserved from `since` on, and all that is held for longer than a day.

        `progress` is told after every page. Memory is bounded by one page, however many rows there are.

        Raises:
            OperatorError: `database`. What keeps us from asking Rivya only stops the comparison.
        """
        run = Comparison(secrets.token_hex(6), since, await self._findings.count(since))
        async for page in self._findings.pages(since):
            try:
                heard = await self._hear(page)
            except (OperatorError, TryLater) as error:
                log.warning("comparison stopped", run_id=run.run_id, error=str(error))
                return replace(run, stopped=str(error))
            found = [
                Finding(booked, kind, answer.status if answer else None, answer.credits if answer else None)
                for booked, answer in zip(page, heard, strict=True)
                if (kind := judge(booked, answer)) is not None
            ]
            closed = page[-1].state != "held"
            run = replace(
                run,
                looked_at=run.looked_at + len(page),
                found=run.found + (await self._findings.keep(run.run_id, found) if found else 0),
                unsaid=run.unsaid + sum(map(_is_unsaid, page, heard)),
                reached_at=page[-1].created_at if closed else run.reached_at,
            )
            if progress is not None:
                await progress(run)
        return run

    async def _hear(self, page: list[Booked]) -> list[Heard | None]:
        """Ask about a whole page, a few tasks at once."""
        answers: list[Heard | None] = []
        for first in range(0, len(page), AT_ONCE):
            group = page[first : first + AT_ONCE]
            heard = await asyncio.gather(*map(self._ask, group), return_exceptions=True)
            for answer in heard:
                if isinstance(answer, BaseException):
                    raise answer
                answers.append(answer)
        return answers

    async def _ask(self, booked: Booked) -> Heard | None:
        if booked.task_id is None:
            return None
        for setback in range(PATIENT_SETBACKS):
            try:
                task = await self._rivya.task(booked.task_id)
            except TryLater as error:
                if setback == PATIENT_SETBACKS - 1:
                    raise
                rest = error.retry_after_seconds or self._rest_seconds * 2.0**setback
                await asyncio.sleep(min(rest, LONGEST_REST_SECONDS))
            except ContractBroken as error:
                return Heard(NOT_FOUND if error.code == "not_found" else None)
            else:
                heard = Heard(task.status, task.final_credits)
                return heard if heard.is_over else Heard(task.status)
        raise AssertionError("unreachable: the last setback is raised")


def _is_unsaid(booked: Booked, heard: Heard | None) -> bool:
    return booked.state != "held" and heard is not None and heard.is_over and heard.credits is None
