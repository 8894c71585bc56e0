"""Tasks of a storm that do not end: their jobs become late, and the operator abandons one of them."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from tests.e2e.environment import E2EEnvironment
from tests.support.waiting import PATIENCE_SECONDS

TASKS = 4
AGE_SECONDS = 200
"""More than any other task takes, and more than the two minutes before which no job is late."""


class EndlessTasks:
    """The first tasks of a storm.

    Attributes:
        abandoned: the job that the operator has abandoned, None if there was none to abandon.
    """

    def __init__(self, environment: E2EEnvironment) -> None:
        self._environment = environment
        self.abandoned: str | None = None
        environment.rivya.endless_next(TASKS)

    def make_old(self) -> None:
        """Let the jobs of these tasks look old, so that they are late in the next run; the bot is down."""
        bot = self._environment.bot
        if bot.alive or not bot.database.exists():
            return
        created_at = int((time.time() - AGE_SECONDS) * 1000)
        with closing(sqlite3.connect(bot.database)) as connection, connection:
            try:
                connection.executemany(
                    "UPDATE jobs SET task_created_at = ? WHERE job_id = ? AND stage = 'created'"
                    " AND late_at IS NULL",
                    [(created_at, job_id) for job_id in self._job_ids()],
                )
            except sqlite3.OperationalError:  # killed before the first migration
                return

    async def finish(self) -> None:
        """Wait, without further faults, until their jobs are late; abandon one, and let the others end."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not all(row["late_at"] or row["finished_at"] for row in self._rows()):
                await asyncio.sleep(0.1)  # a commit of another process cannot be awaited
        late = [row["job_id"] for row in self._rows() if row["finished_at"] is None]
        allowed = [job_id for job_id in late if "forbidden" not in self._prompt(job_id)]
        if allowed:
            self.abandoned = allowed[0]
            await self._operator("abandon", self.abandoned, "it never ends")
        self._environment.rivya.end_endless()
        await asyncio.gather(
            *(self._operator("retry", job_id) for job_id in late if job_id != self.abandoned)
        )

    def errors(self) -> Iterator[str]:
        """Yield a line for each error."""
        for row in self._rows():
            if row["job_id"] == self.abandoned:
                outcome = (row["stage"], row["failure_code"], row["failure_in_doubt"], row["reservation"])
                if outcome != ("failed", "abandoned", 1, "held"):
                    yield f"{row['job_id']} was abandoned, but is {outcome}"
            elif row["reservation"] == "held":
                yield f"{row['job_id']} has ended, but its credits are held"

    async def _operator(self, *arguments: str) -> None:
        code, output = await self._environment.bot.run("operator", *arguments)
        assert code == 0, output

    def _job_ids(self) -> list[str]:
        tasks = self._environment.rivya.tasks.values()
        return [task.client_request_id or "" for task in tasks if task.endless]

    def _prompt(self, job_id: str) -> str:
        tasks = self._environment.rivya.tasks.values()
        return next(task.prompt for task in tasks if task.client_request_id == job_id)

    def _rows(self) -> list[Any]:
        wanted = set(self._job_ids())
        rows = self._environment.bot.query(
            "SELECT j.*, r.state AS reservation FROM jobs j JOIN reservations r USING (job_id)"
        )
        return [row for row in rows if row["job_id"] in wanted]
