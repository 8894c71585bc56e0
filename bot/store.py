"""The jobs table: one row a job, moved one stage at a time, together with its credits.

Each method is one whole transaction and is durable when it returns. A move that does not find its job in the
stage it comes from changes nothing and raises, since two walkers of one job would spend twice.

Owns the tables jobs and kept_pictures. Never imports anything of ours but asks, clock, database, errors,
jobs, ledger, pauses, rows, rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot import asks, pauses
from bot.clock import now_ms
from bot.errors import ContractBroken, MemberError, MemberReason
from bot.jobs import BEFORE_TASK, Stage
from bot.money import ledger
from bot.rows import columns_of, job_from

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bot.database import Database
    from bot.jobs import Failure, Job, Landing, Picture
    from bot.money.ledger import Transaction
    from bot.money.rules import Limit


class Store:
    """Every job that was ever accepted. `default_limit` binds guilds whose admins have set nothing."""

    def __init__(self, database: Database, default_limit: Limit) -> None:
        self._database = database
        self._default_limit = default_limit

    async def accept(self, job: Job, *, role_ids: Iterable[int] = (), ask_id: int | None = None) -> bool:
        """Insert the job and reserve its quote, both or neither. False if its interaction was taken before.

        `role_ids` are the member's, for the limits of roles. `ask_id` is the question about the price that
        this job is the yes to.

        Raises:
            LimitReached: a rule has no room; nothing was written.
            MemberError: PAUSED by the operator; ASK_TAKEN, another job was the yes already.
        """
        roles = tuple(role_ids)

        def unit(tx: Transaction) -> bool:
            if not _insert(tx, job):
                return False
            pauses.require_open(tx, job.request.destination.guild_id)
            if ask_id is not None and not asks.take(tx, ask_id, job.job_id):
                raise MemberError(MemberReason.ASK_TAKEN)
            ledger.reserve(
                tx,
                job_id=job.job_id,
                guild_id=job.request.destination.guild_id,
                user_id=job.request.destination.user_id,
                cost_credits=job.quote_credits,
                default=self._default_limit,
                at=job.accepted_at,
                role_ids=roles,
            )
            return True

        return await self._database.run(unit)

    async def acknowledged(self, job_id: str, message_id: int | None) -> Job:
        """Discord has our first answer. Asking again keeps the first time and a message id once known."""
        at = now_ms()
        return await self._move(
            job_id,
            "acknowledged_at = coalesce(acknowledged_at, ?), message_id = coalesce(?, message_id)",
            (at, message_id),
            tuple(Stage),
        )

    async def uploaded(self, job_id: str, url: str, mime: str) -> Job:
        """Rivya has the reference."""
        return await self._move(
            job_id,
            "stage = ?, upload_url = ?, upload_mime = ?",
            (Stage.UPLOADED, url, mime),
            (Stage.ACCEPTED,),
        )

    async def creating(self, job_id: str, body: str) -> Job:
        """From here on a task may exist: this body, and no other, is sent until an answer is had."""
        return await self._move(job_id, "create_body = coalesce(create_body, ?)", (body,), BEFORE_TASK)

    async def created(self, job_id: str, task_id: str, reserved_credits: int | None) -> Job:
        """Rivya has the task; the reservation is corrected to what it reserved.

        Raises:
            ContractBroken: `task_taken`; the task is another job's, and whether ours exists is not known.
        """

        def money(tx: Transaction) -> None:
            # Before the row moves: the schema would only say that some row breaks a rule.
            other = tx.execute("SELECT 1 FROM jobs WHERE task_id = ? AND job_id <> ?", (task_id, job_id))
            if other.fetchone() is not None:
                raise ContractBroken("task_taken", "Rivya names a task that is another job's")
            if reserved_credits is not None:
                ledger.correct(tx, job_id=job_id, reserved_credits=reserved_credits)

        return await self._move(
            job_id,
            "stage = ?, task_id = ?, task_created_at = ?",
            (Stage.CREATED, task_id, now_ms()),
            BEFORE_TASK,
            money,
        )

    async def late_told(self, job_id: str) -> Job:
        """The member was told that it takes longer; once is enough."""
        return await self._move(job_id, "late_told_at = ?", (now_ms(),), (Stage.CREATED,))

    async def succeeded(self, job_id: str, result_url: str | None, final_credits: int | None) -> Job:
        """The task has succeeded: settle. None books what was reserved."""
        at = now_ms()
        return await self._move(
            job_id,
            "stage = ?, result_url = ?",
            (Stage.SUCCEEDED, result_url),
            (Stage.CREATED,),
            lambda tx: ledger.settle(tx, job_id=job_id, final_credits=final_credits, at=at),
        )

    async def failed(self, job_id: str, failure: Failure) -> Job:
        """No picture will come. Settles what was charged, keeps held what is in doubt, releases the rest."""
        at = now_ms()

        def money(tx: Transaction) -> None:
            if failure.in_doubt:
                ledger.keep_held(tx, job_id=job_id, note=f"{failure.who}: {failure.code} {failure.message}")
            elif failure.charged_credits:
                ledger.settle(tx, job_id=job_id, final_credits=failure.charged_credits, at=at)
            else:
                ledger.release(tx, job_id=job_id, at=at)

        stages = (*BEFORE_TASK, Stage.CREATED)
        return await self._move(job_id, _FAILURE, _failure_values(Stage.FAILED, failure), stages, money)

    async def lost(self, job_id: str, failure: Failure) -> Job:
        """The picture was painted and paid for, but cannot be had; its member is still to be told."""
        return await self._move(
            job_id, _FAILURE, _failure_values(Stage.UNDELIVERABLE, failure), (Stage.SUCCEEDED,)
        )

    async def delivered(self, job_id: str, landing: Landing) -> Job:
        """The picture is where its people see it."""
        return await self._move(
            job_id,
            "stage = ?, landed_channel_id = ?, landed_message_id = ?, landed_way = ?, " + _FINISH,
            (Stage.DELIVERED, landing.channel_id, landing.message_id, landing.way, now_ms()),
            (Stage.SUCCEEDED,),
        )

    async def undeliverable(self, job_id: str, picture: Picture) -> Job:
        """Nowhere to post it: the picture itself is kept."""
        at = now_ms()

        def keep(tx: Transaction) -> None:
            tx.execute(
                "INSERT INTO kept_pictures (job_id, format, width, height, data, kept_at)"
                " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (job_id) DO NOTHING",
                (job_id, picture.format, picture.width, picture.height, picture.data, at),
            )

        return await self._move(
            job_id, "stage = ?, " + _FINISH, (Stage.UNDELIVERABLE, at), (Stage.SUCCEEDED,), keep
        )

    async def told(self, job_id: str) -> Job:
        """The member knows that no picture comes, or cannot be reached."""
        return await self._move(job_id, _FINISH, (now_ms(),), (Stage.FAILED, Stage.UNDELIVERABLE))

    async def cancelled(self, job_id: str) -> Job:
        """Nothing was sent and nothing will be: release."""
        at = now_ms()
        return await self._move(
            job_id,
            "stage = ?, " + _FINISH,
            (Stage.CANCELLED, at),
            BEFORE_TASK,
            lambda tx: ledger.release(tx, job_id=job_id, at=at),
        )

    async def due(self) -> list[Job]:
        """Every job with something left to do, the oldest first."""
        return await self._database.run(
            lambda tx: [
                job_from(row)
                for row in tx.execute(
                    "SELECT * FROM jobs WHERE finished_at IS NULL ORDER BY accepted_at, job_id"
                )
            ]
        )

    async def running(self) -> dict[str, int]:
        """How many jobs have something left to do, by stage."""
        return await self._database.run(
            lambda tx: {
                row["stage"]: row["jobs"]
                for row in tx.execute(
                    "SELECT stage, count(*) AS jobs FROM jobs WHERE finished_at IS NULL GROUP BY stage"
                )
            }
        )

    async def find(self, job_id: str) -> Job | None:
        """The job as it stands."""

        def unit(tx: Transaction) -> Job | None:
            row = tx.execute("SELECT * FROM jobs WHERE job_id = ?", (job_id,)).fetchone()
            return None if row is None else job_from(row)

        return await self._database.run(unit)

    async def _move(
        self,
        job_id: str,
        changes: str,
        values: tuple[object, ...],
        stages: tuple[Stage, ...],
        money: Callable[[Transaction], object] | None = None,
    ) -> Job:
        """Change a job that is in one of `stages`, and its credits with it.

        Raises:
            ContractBroken: `bug`; the job is in none of them, nothing was changed.
        """
        marks = ", ".join("?" * len(stages))

        def unit(tx: Transaction) -> Job:
            # What is refused below takes this back too.
            if money is not None:
                money(tx)
            # `changes` and `marks` are texts of this module; every value is bound.
            row = tx.execute(
                f"UPDATE jobs SET {changes} WHERE job_id = ? AND stage IN ({marks}) RETURNING *",  # noqa: S608  # see above
                (*values, job_id, *stages),
            ).fetchone()
            if row is None:
                raise ContractBroken("bug", f"job {job_id} is in none of the stages {', '.join(stages)}")
            return job_from(row)

        return await self._database.run(unit)


# A finished job needs its interaction no more, and a token that is not stored cannot leak.
_FINISH: Final = "finished_at = ?, interaction_token = ''"

_FAILURE: Final = (
    "stage = ?, failure_who = ?, failure_code = ?, failure_message = ?,"
    " failure_charged = ?, failure_in_doubt = ?"
)


def _failure_values(stage: Stage, failure: Failure) -> tuple[object, ...]:
    return (stage, failure.who, failure.code, failure.message, failure.charged_credits, int(failure.in_doubt))


def _insert(tx: Transaction, job: Job) -> bool:
    columns = columns_of(job)
    # The names are the dict's own keys; every value is bound.
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    row = tx.execute(
        f"INSERT INTO jobs ({names}) VALUES ({marks})"  # noqa: S608  # see above
        " ON CONFLICT (interaction_id) DO NOTHING RETURNING job_id",
        tuple(columns.values()),
    ).fetchone()
    return row is not None
