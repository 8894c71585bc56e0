"""What commands and buttons can do with jobs that run, and with the messages of groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.domain.jobs import Job
    from bot.engine.engine import JobEngine

    RefreshGroup = Callable[[int], Awaitable[None]]
    """Shows a group in its message as its rows say now, by the id of its interaction."""


@dataclass(frozen=True, slots=True)
class RunningJobs:
    """The engine, and what shows its jobs."""

    engine: JobEngine
    wake: Callable[[], None]
    """Has the jobs looked at that the operator ends, or that are to be tried."""
    refresh_group: RefreshGroup

    async def refresh_group_of(self, job: Job) -> None:
        """Show the group of a job in its message as its rows say now, if it has one."""
        if job.place is not None:
            await self.refresh_group(job.request.destination.interaction_id)
