"""What became of pictures after they were painted: a member's history, what a picture grew from, its end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.domain.clock import now_ms
from bot.domain.ids import MAX_ID
from bot.domain.jobs import Stage
from bot.domain.text_folding import fold_text
from bot.guilds.access_rules import load_policy
from bot.jobs.rows import job_from
from bot.jobs.store import LANDING, landing_values

if TYPE_CHECKING:
    import sqlite3

    from bot.domain.access import AccessPolicy
    from bot.domain.jobs import DeliveredMessage, Job
    from bot.storage.database import Database

PAGE_SIZE: Final = 6
SEARCHED: Final = 20_000
"""How many of a member's newest pictures are looked through for words."""
_SCAN_BATCH: Final = 200
"""How many prompts are read in one unit. They are compared outside of it: others wait for the database."""
MAX_ANCESTORS: Final = 100
"""How far back a picture's descent is followed."""

_COLUMNS: Final = "j.*, r.counted_credits, r.state, k.sha256 AS kept_sha256, k.format AS kept_format"
_BESIDE: Final = "JOIN reservations r USING (job_id) LEFT JOIN kept_pictures k USING (job_id)"
_TABLES: Final = f"jobs j {_BESIDE}"
# A picture that was painted and is not deleted; what is on its way to its people counts, too.
_PAINTED: Final = (
    "j.stage IN ('succeeded', 'delivered', 'undeliverable') AND j.failure_who IS NULL"
    " AND j.deleted_at IS NULL AND +j.user_id > 0"
)


@dataclass(frozen=True, slots=True)
class HistoryItem:
    """A request and what came of it, as people look back at it."""

    job: Job
    charged_credits: int
    """0 while that is not settled."""
    kept_sha256: str | None
    """The SHA-256 of its stored file; None if it is not stored."""
    kept_format: str = ""

    @property
    def is_painted(self) -> bool:
        """Whether there is a picture, or should be one."""
        painted = self.job.stage in {Stage.SUCCEEDED, Stage.DELIVERED, Stage.UNDELIVERABLE}
        return painted and self.job.failure is None

    @property
    def filename(self) -> str:
        """The name of its file when it is posted from the picture store."""
        extension = "jpg" if self.kept_format == "jpeg" else self.kept_format or self.job.request.format
        return f"{self.job.job_id}.{extension}"


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """A stretch of a history, the newest first, with the ways on: an interaction's id, None at an end."""

    items: tuple[HistoryItem, ...]
    newer: int | None
    older: int | None


@dataclass(frozen=True, slots=True)
class Ancestry:
    """What a picture grew from, its parent first, and what it cost to get to it, its own price included."""

    ancestors: tuple[HistoryItem, ...]
    charged_credits: int


@dataclass(frozen=True, slots=True)
class _HistoryQuery:
    """What somebody looks for in the pictures of a member."""

    guild_id: int
    user_id: int
    search: str
    with_private: bool

    @property
    def at_once(self) -> int:
        """How many are read in one unit."""
        return _SCAN_BATCH if self.search else PAGE_SIZE + 1

    def picked(self, items: list[HistoryItem]) -> list[HistoryItem]:
        """Those with all the words in their prompt."""
        words = fold_text(self.search).split()
        folded = ((item, fold_text(item.job.request.prompt)) for item in items)
        return [item for item, prompt in folded if all(word in prompt for word in words)]


class HistoryStore:
    """The finished pictures of every server."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, job_id: str) -> HistoryItem | None:
        """One request, whatever came of it."""
        return await self._database.run(lambda tx: _find(tx, job_id))

    async def policy(self, guild_id: int) -> AccessPolicy:
        """What rules in a server now."""
        at = now_ms()
        return await self._database.run(lambda tx: load_policy(tx, guild_id, at))

    async def older(
        self,
        guild_id: int,
        user_id: int,
        search: str = "",
        than: int | None = None,
        *,
        with_private: bool = True,
    ) -> HistoryPage:
        """The newest pictures of a member in a server, or those asked for before an interaction.

        Without `with_private` a search leaves private ones out: that it finds one would tell their words.
        """
        looked = _HistoryQuery(guild_id, user_id, search, with_private=with_private)
        found = await self._matching(looked, older_than=than)
        shown = found[:PAGE_SIZE]
        newer = _cursor(shown[0]) if than is not None and shown else than
        return HistoryPage(tuple(shown), newer, _cursor(shown[-1]) if len(found) > PAGE_SIZE else None)

    async def newer(
        self, guild_id: int, user_id: int, than: int, search: str = "", *, with_private: bool = True
    ) -> HistoryPage:
        """The pictures asked for next after an interaction; the newest page, if they no longer fill one."""
        looked = _HistoryQuery(guild_id, user_id, search, with_private=with_private)
        found = await self._matching(looked, newer_than=than)
        if len(found) <= PAGE_SIZE:
            return await self.older(guild_id, user_id, search, with_private=with_private)
        shown = found[PAGE_SIZE - 1 :: -1]
        return HistoryPage(tuple(shown), _cursor(shown[0]), _cursor(shown[-1]))

    async def _matching(
        self, look: _HistoryQuery, *, older_than: int | None = None, newer_than: int | None = None
    ) -> list[HistoryItem]:
        """One more than fit a page, if there are as many; the nearest to the mark first."""
        forward = newer_than is not None
        mark = newer_than if newer_than is not None else older_than or MAX_ID
        found: list[HistoryItem] = []
        for _ in range(SEARCHED // _SCAN_BATCH):
            read = await self._database.run(lambda tx, mark=mark: _read(tx, look, mark, forward=forward))  # type: ignore[misc]  # bound now
            found += await asyncio.to_thread(look.picked, read) if look.search else read
            if len(found) > PAGE_SIZE or len(read) < look.at_once:
                break
            mark = _cursor(read[-1])
        return found[: PAGE_SIZE + 1]

    async def ancestry(self, job_id: str) -> Ancestry:
        """What a picture grew from."""

        def unit(tx: sqlite3.Connection) -> Ancestry:
            found: list[HistoryItem] = []
            seen, current = set(), _find(tx, job_id)
            while current is not None and current.job.job_id not in seen and len(found) <= MAX_ANCESTORS:
                found.append(current)
                seen.add(current.job.job_id)
                parent = current.job.request.parent_job_id
                current = None if parent is None else _find(tx, parent)
            return Ancestry(tuple(found[1:]), sum(item.charged_credits for item in found))

        return await self._database.run(unit)

    async def mark_deleted(self, job_id: str, deleted_by: int) -> None:
        """Its message was deleted; what was kept of it goes, too."""
        at = now_ms()

        def unit(tx: sqlite3.Connection) -> None:
            tx.execute(
                "UPDATE jobs SET deleted_at = coalesce(deleted_at, ?), deleted_by = coalesce(deleted_by, ?),"
                " landed_url = NULL WHERE job_id = ?",
                (at, deleted_by, job_id),
            )
            tx.execute("DELETE FROM kept_pictures WHERE job_id = ?", (job_id,))

        await self._database.run(unit)

    async def begin_share(self, job: Job, delivered: DeliveredMessage | None) -> bool:
        """Its member is about to show it to everybody, in that message if it is known already.

        False, and nothing written, if it was deleted or erased meanwhile.
        """
        at = now_ms()
        placed = (None, None, None, None) if delivered is None else landing_values(delivered)
        return await self._move(
            job, f"stage = ?, {LANDING}, shared_at = ?, private = 0", (Stage.DELIVERED, *placed, at)
        )

    async def undo_share(self, job: Job) -> bool:
        """It could not be shown: all is as it was, as `job` says. False if it was erased meanwhile."""
        placed = (
            (None, None, None, None)
            if job.delivered_message is None
            else landing_values(job.delivered_message)
        )
        private = int(job.request.destination.private)
        return await self._move(
            job, f"stage = ?, {LANDING}, shared_at = NULL, private = ?", (job.stage, *placed, private)
        )

    async def finish_share(self, job: Job, delivered: DeliveredMessage) -> bool:
        """It hangs there, for everybody to see. False if it was deleted or erased meanwhile."""
        return await self._move(job, LANDING, landing_values(delivered))

    async def _move(self, job: Job, change: str, values: tuple[object, ...]) -> bool:
        whose = (job.job_id, job.request.destination.user_id, Stage.DELIVERED, Stage.UNDELIVERABLE)
        rows = await self._database.run(
            lambda tx: tx.execute(
                f"UPDATE jobs SET {change}"  # noqa: S608  # texts of this module
                " WHERE job_id = ? AND user_id = ? AND stage IN (?, ?) AND deleted_at IS NULL"
                " RETURNING job_id",
                (*values, *whose),
            ).fetchall()
        )
        return bool(rows)


def _find(transaction: sqlite3.Connection, job_id: str) -> HistoryItem | None:
    row = transaction.execute(
        f"SELECT {_COLUMNS} FROM {_TABLES} WHERE j.job_id = ?",  # noqa: S608  # our own text
        (job_id,),
    ).fetchone()
    return None if row is None else _piece(row)


def _read(
    transaction: sqlite3.Connection, look: _HistoryQuery, mark: int, *, forward: bool
) -> list[HistoryItem]:
    side, order = ("j.interaction_id > :mark", "ASC") if forward else ("j.interaction_id < :mark", "DESC")
    rows = transaction.execute(
        f"SELECT {_COLUMNS} FROM jobs j INDEXED BY jobs_of_member {_BESIDE}"  # noqa: S608  # our own text
        f" WHERE j.guild_id = :guild AND j.user_id = :user AND {side} AND {_PAINTED}"
        f" AND (j.private = 0 OR :with_private) ORDER BY j.interaction_id {order} LIMIT :most",
        {
            "guild": look.guild_id,
            "user": look.user_id,
            "mark": mark,
            "with_private": look.with_private or not look.search,
            "most": look.at_once,
        },
    )
    return [_piece(row) for row in rows]


def _cursor(item: HistoryItem) -> int:
    return item.job.request.destination.interaction_id


def _piece(row: sqlite3.Row) -> HistoryItem:
    return HistoryItem(
        job=job_from(row),
        charged_credits=row["counted_credits"] if row["state"] == "settled" else 0,
        kept_sha256=row["kept_sha256"],
        kept_format=row["kept_format"] or "",
    )
