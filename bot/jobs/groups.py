"""Groups: the jobs of one request for several pictures, and the message that shows them.

Each job has its own task, credits and end. The group knows only where its pictures are posted, and who voted
for which of them.

Owns the tables job_groups and group_votes.
"""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.domain.clock import now_ms
from bot.domain.jobs import DeliveredMessage, DeliveryMethod, GroupKind
from bot.jobs.job_pictures import record_posted
from bot.jobs.outcomes import LANDING, landing_values
from bot.jobs.rows import SELECT_JOBS, insert_job, job_from, plain

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from bot.domain.jobs import Job
    from bot.storage.database import Database


@dataclass(frozen=True, slots=True)
class JobGroup:
    """The jobs of one request for several pictures."""

    interaction_id: int
    """Of the request; it is the group's id."""
    kind: GroupKind
    jobs: tuple[Job, ...]
    """In the order of their numbers."""
    charged_credits: Mapping[str, int]
    """By the ids of the jobs that are settled."""
    message: DeliveredMessage | None = None
    """Where the pictures are posted; None while nothing but the reply is known."""
    votes: Mapping[int, int] = field(default_factory=dict)
    """How many members voted for each number."""

    @property
    def is_private(self) -> bool:
        """Whether the message is for its member alone: also if they have shared pictures of it since."""
        return any(job.request.destination.private or job.shared_at is not None for job in self.jobs)


def job_id_of(first_id: str, number: int) -> str:
    """Return the id of a job of a group by that of its first one; a UUID, the same at every call."""
    return first_id if number == 1 else str(uuid.uuid5(uuid.UUID(first_id), str(number)))


def insert_jobs(transaction: sqlite3.Connection, jobs: Sequence[Job]) -> bool:
    """Insert the accepted jobs of a request, as a group if they are several; False if it has some already."""
    if not insert_job(transaction, jobs[0]):
        return False
    if len(jobs) > 1:
        models = {job.request.model for job in jobs}
        transaction.execute(
            "INSERT INTO job_groups (interaction_id, kind) VALUES (?, ?)",
            (
                jobs[0].request.destination.interaction_id,
                (GroupKind.COMPARE if len(models) > 1 else GroupKind.PICTURES).value,
            ),
        )
        for job in jobs[1:]:
            insert_job(transaction, job)
    return True


def is_answered(transaction: sqlite3.Connection, interaction_id: int) -> bool:
    """Return whether Discord has our first answer to a request, by what is recorded of any of its jobs."""
    found = transaction.execute(
        "SELECT 1 FROM jobs WHERE interaction_id = ? AND acknowledged_at IS NOT NULL", (interaction_id,)
    )
    return found.fetchone() is not None


class GroupStore:
    """The groups of every guild."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, interaction_id: int) -> JobGroup | None:
        """Return a group with its jobs as they are now; None if there is none."""
        return await self._database.run(lambda tx: _find(tx, interaction_id))

    async def posted(
        self, interaction_id: int, message: DeliveredMessage, pictures: Mapping[str, DeliveredMessage]
    ) -> None:
        """Record where the group's pictures are posted now: `message`, and in it each by its job's id.

        The stages of the jobs stay as they are, and so does where a picture is that was shared or deleted.
        """

        def unit(tx: sqlite3.Connection) -> None:
            tx.execute(
                "UPDATE job_groups SET channel_id = ?, message_id = ?, way = ? WHERE interaction_id = ?",
                (message.channel_id, message.message_id, message.method.value, interaction_id),
            )
            for job_id, each in pictures.items():
                changed = tx.execute(
                    f"UPDATE jobs SET {LANDING}"  # noqa: S608  # our own text
                    " WHERE job_id = ? AND deleted_at IS NULL AND shared_at IS NULL",
                    (*map(plain, landing_values(each)), job_id),
                )
                if changed.rowcount and each.more:
                    record_posted(tx, job_id, each.more)

        await self._database.run(unit)

    async def vote(self, interaction_id: int, user_id: int, number: int) -> bool:
        """Count a member's vote, one a member: another number takes the place of the one before.

        False if they had voted for this number already, or if the group is erased.
        """
        at = now_ms()
        return await self._database.run(
            lambda tx: (
                tx.execute(
                    "INSERT INTO group_votes SELECT ?1, ?2, ?3, ?4"
                    " WHERE EXISTS (SELECT 1 FROM jobs WHERE interaction_id = ?1 AND prompt <> '')"
                    " ON CONFLICT (interaction_id, user_id)"
                    " DO UPDATE SET number = excluded.number, voted_at = excluded.voted_at"
                    " WHERE group_votes.number <> excluded.number",
                    (interaction_id, user_id, number, at),
                ).rowcount
                == 1
            )
        )


def _find(transaction: sqlite3.Connection, interaction_id: int) -> JobGroup | None:
    row = transaction.execute(
        "SELECT * FROM job_groups WHERE interaction_id = ?", (interaction_id,)
    ).fetchone()
    if row is None:
        return None
    jobs = transaction.execute(f"{SELECT_JOBS} WHERE interaction_id = ? ORDER BY number", (interaction_id,))
    charged = transaction.execute(
        "SELECT job_id, counted_credits FROM reservations JOIN jobs USING (job_id)"
        " WHERE interaction_id = ? AND state = 'settled'",
        (interaction_id,),
    )
    votes = transaction.execute("SELECT number FROM group_votes WHERE interaction_id = ?", (interaction_id,))
    message = None
    if row["message_id"] is not None:
        message = DeliveredMessage(row["channel_id"], row["message_id"], DeliveryMethod(row["way"]))
    return JobGroup(
        interaction_id=interaction_id,
        kind=GroupKind(row["kind"]),
        jobs=tuple(map(job_from, jobs)),
        charged_credits={row["job_id"]: row["counted_credits"] for row in charged},
        message=message,
        votes=Counter(row["number"] for row in votes),
    )
