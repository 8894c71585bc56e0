"""Finished pictures: a member's history page by page, the ancestry of a picture, sharing and deleting."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from bot.domain.clock import now_ms
from bot.domain.ids import MAX_ID
from bot.domain.jobs import Stage
from bot.domain.limits import ReservationState
from bot.domain.pictures import picture_filename
from bot.domain.text_folding import fold_with_signs, search_terms
from bot.guilds.access_rules import load_policy
from bot.jobs.job_pictures import forget_files, record_posted
from bot.jobs.outcomes import LANDING, landing_values
from bot.jobs.rows import job_from, rows_of_jobs

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from bot.domain.access import AccessPolicy
    from bot.domain.jobs import DeliveredMessage, Job
    from bot.domain.pictures import PostedPicture
    from bot.storage.database import Database

PAGE_SIZE: Final = 6
"""Requests of one page; one for several pictures is one entry."""
SEARCH_LIMIT: Final = 20_000
"""How many of a member's newest pictures a search reads."""
_SCAN_BATCH: Final = 200
"""How many prompts a search reads in one transaction; it compares them outside, so that others need not
wait."""
MAX_ANCESTORS: Final = 100
"""How many ancestors of a picture are read."""

_COLUMNS: Final = (
    f"j.*, {rows_of_jobs('j')}, r.counted_credits, r.state, k.sha256 AS kept_sha256, k.format AS kept_format"
)
_JOINS: Final = "JOIN reservations r USING (job_id) LEFT JOIN kept_pictures k USING (job_id)"
_TABLES: Final = f"jobs j {_JOINS}"
# A picture that is finished and not deleted, whether it is delivered, or could be downloaded, yet or not.
_PAINTED: Final = (
    "j.stage IN ('succeeded', 'delivered', 'undeliverable') AND j.deleted_at IS NULL AND +j.user_id > 0"
)


def _entries_statement(side: str, order: str) -> str:
    """Return the statement that reads all jobs of the requests with a finished picture, in no order."""
    return f"""
        SELECT {_COLUMNS}, {_PAINTED} AS shown FROM (
            SELECT DISTINCT j.interaction_id FROM jobs j INDEXED BY jobs_of_member
            WHERE j.guild_id = :guild AND j.user_id = :user AND j.interaction_id {side} :cursor AND {_PAINTED}
            AND (j.private = 0 OR :with_private) ORDER BY j.interaction_id {order} LIMIT :most
        ) CROSS JOIN jobs j USING (interaction_id) {_JOINS}
        WHERE j.private = 0 OR :with_private
    """  # noqa: S608  # our own text


_OLDER: Final = _entries_statement("<", "DESC")
_NEWER: Final = _entries_statement(">", "ASC")
_GROUP: Final = f"SELECT {_COLUMNS}, {_PAINTED} AS shown FROM {_TABLES} WHERE j.interaction_id = :interaction"  # noqa: S608  # our own text


@dataclass(frozen=True, slots=True)
class HistoryItem:
    """A job with what it cost and where its picture is stored."""

    job: Job
    charged_credits: int
    """0 until it is settled."""
    kept_sha256: str | None
    """The SHA-256 of its file in the picture store; None if it is not stored."""
    kept_format: str = ""

    @property
    def filename(self) -> str:
        """The file name under which it is posted from the picture store."""
        return picture_filename(self.job.job_id, self.kept_format or self.job.request.format)

    @property
    def stored_files(self) -> Mapping[str, str]:
        """The SHA-256 of the stored pictures, by their file names, in their order."""
        first = {} if self.kept_sha256 is None else {self.filename: self.kept_sha256}
        return first | {
            picture_filename(self.job.job_id, each.format, each.number): each.sha256
            for each in self.job.more_pictures
            if each.sha256 is not None
        }


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """The finished pictures of one request, one or more, in the order of their numbers."""

    items: tuple[HistoryItem, ...]
    charged_credits: int
    """Of all its pictures, those that failed or were deleted included."""

    @property
    def interaction_id(self) -> int:
        """The interaction of the request; the id of a group."""
        return self.items[0].job.request.destination.interaction_id

    @property
    def size(self) -> int:
        """How many pictures were asked for."""
        return self.items[0].job.group_size

    @property
    def cover(self) -> HistoryItem:
        """The first picture that is there; the first one if none is."""
        return next((item for item in self.items if not item.job.is_missing), self.items[0])

    def visible_to(self, user_id: int) -> HistoryEntry | None:
        """Return the entry without private pictures of others; None if nothing is left."""
        destination = self.items[0].job.request.destination
        if destination.user_id == user_id:
            return self
        public = tuple(item for item in self.items if not item.job.request.destination.private)
        return HistoryEntry(public, sum(item.charged_credits for item in public)) if public else None


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """A page, the newest first. `newer` and `older` are cursors (interaction ids); None at an end."""

    entries: tuple[HistoryEntry, ...]
    newer: int | None
    older: int | None


@dataclass(frozen=True, slots=True)
class Ancestry:
    """The pictures that a picture was made from, its parent first, and what all of them cost with itself."""

    ancestors: tuple[HistoryItem, ...]
    charged_credits: int


@dataclass(frozen=True, slots=True)
class _HistoryQuery:
    """A search in the pictures of a member; without words it finds all."""

    guild_id: int
    user_id: int
    search: str
    with_private: bool

    @property
    def batch_size(self) -> int:
        """How many entries are read in one transaction."""
        return _SCAN_BATCH if self.search else PAGE_SIZE + 1

    def matching(self, entries: list[HistoryEntry]) -> list[HistoryEntry]:
        """Return the entries whose prompt has all words and signs; none if nothing visible is searched."""
        terms = search_terms(self.search)
        if not terms:
            return []
        folded = ((entry, fold_with_signs(entry.items[0].job.request.prompt)) for entry in entries)
        return [entry for entry, prompt in folded if all(term in prompt for term in terms)]


class HistoryStore:
    """The finished pictures of every guild."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, job_id: str) -> HistoryItem | None:
        """Return a job in any stage; None if there is none."""
        return await self._database.run(lambda tx: _find(tx, job_id))

    async def find_group(self, interaction_id: int) -> HistoryEntry | None:
        """Return the finished pictures of a request; None if it has none, or is unknown."""
        return await self._database.run(
            lambda tx: next(iter(_entries(tx, _GROUP, {"interaction": interaction_id})), None)
        )

    async def policy(self, guild_id: int) -> AccessPolicy:
        """Return the access policy of a guild now."""
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
        """Return the newest page of a member's pictures in a guild, or the page before the cursor `than`.

        Without `with_private` a search leaves private pictures out, since a hit would reveal their words.
        """
        query = _HistoryQuery(guild_id, user_id, search, with_private=with_private)
        found = await self._matching(query, older_than=than)
        shown = found[:PAGE_SIZE]
        newer = shown[0].interaction_id if than is not None and shown else than
        older = shown[-1].interaction_id if len(found) > PAGE_SIZE else None
        return HistoryPage(tuple(shown), newer, older)

    async def newer(
        self, guild_id: int, user_id: int, than: int, search: str = "", *, with_private: bool = True
    ) -> HistoryPage:
        """Return the page after the cursor `than`; the newest page if fewer follow than fill one."""
        query = _HistoryQuery(guild_id, user_id, search, with_private=with_private)
        found = await self._matching(query, newer_than=than)
        if len(found) <= PAGE_SIZE:
            return await self.older(guild_id, user_id, search, with_private=with_private)
        shown = found[PAGE_SIZE - 1 :: -1]
        return HistoryPage(tuple(shown), shown[0].interaction_id, shown[-1].interaction_id)

    async def _matching(
        self, query: _HistoryQuery, *, older_than: int | None = None, newer_than: int | None = None
    ) -> list[HistoryEntry]:
        """Return up to one more than fits a page, the nearest to the cursor first."""
        forward = newer_than is not None
        cursor = newer_than if newer_than is not None else older_than or MAX_ID
        found: list[HistoryEntry] = []
        for _ in range(SEARCH_LIMIT // _SCAN_BATCH):
            read = await self._database.run(partial(_read, query=query, cursor=cursor, forward=forward))
            found += await asyncio.to_thread(query.matching, read) if query.search else read
            if len(found) > PAGE_SIZE or len(read) < query.batch_size:
                break
            cursor = read[-1].interaction_id
        return found[: PAGE_SIZE + 1]

    async def ancestry(self, job_id: str) -> Ancestry:
        """Return what a picture was made from."""

        def unit(tx: sqlite3.Connection) -> Ancestry:
            found: list[HistoryItem] = []
            job_ids = [job_id]  # grows while it is read, each generation behind the one before
            for each in job_ids:
                if len(found) <= MAX_ANCESTORS and (item := _find(tx, each)) is not None:
                    found.append(item)
                    job_ids += [parent for parent in item.job.request.parents if parent not in job_ids]
            return Ancestry(tuple(found[1:]), sum(item.charged_credits for item in found))

        return await self._database.run(unit)

    async def mark_deleted(self, *job_ids: str, deleted_by: int) -> None:
        """Record that the messages of pictures were deleted; the stored pictures go, too."""
        at = now_ms()

        def unit(tx: sqlite3.Connection) -> None:
            tx.executemany(
                "UPDATE jobs SET deleted_at = coalesce(deleted_at, ?), deleted_by = coalesce(deleted_by, ?),"
                " landed_url = NULL WHERE job_id = ?",
                [(at, deleted_by, job_id) for job_id in job_ids],
            )
            for job_id in job_ids:
                tx.execute("DELETE FROM kept_pictures WHERE job_id = ?", (job_id,))
                forget_files(tx, job_id)

        await self._database.run(unit)

    async def begin_share(self, job: Job, delivered: DeliveredMessage | None) -> bool:
        """Make a private picture public, before it is posted; `delivered` is its message if known already.

        False, and nothing written, if it was deleted or erased meanwhile.
        """
        at = now_ms()
        return await self._update(
            job,
            f"stage = ?, {LANDING}, shared_at = ?, private = 0",
            (Stage.DELIVERED, *landing_values(delivered), at),
        )

    async def undo_share(self, job: Job) -> bool:
        """Restore the columns of `job` after the post failed. False if it was erased meanwhile."""
        location = landing_values(job.delivered_message)
        private = int(job.request.destination.private)
        return await self._update(
            job, f"stage = ?, {LANDING}, shared_at = NULL, private = ?", (job.stage, *location, private)
        )

    async def finish_share(self, job: Job, delivered: DeliveredMessage) -> bool:
        """Record where it was posted. False if it was deleted or erased meanwhile."""
        return await self._update(job, LANDING, landing_values(delivered), delivered.more)

    async def _update(
        self,
        job: Job,
        change: str,
        values: tuple[object, ...],
        posted: Sequence[PostedPicture] = (),
    ) -> bool:
        key = (job.job_id, job.request.destination.user_id, Stage.DELIVERED, Stage.UNDELIVERABLE)

        def unit(tx: sqlite3.Connection) -> bool:
            rows = tx.execute(
                f"UPDATE jobs SET {change}"  # noqa: S608  # texts of this module
                " WHERE job_id = ? AND user_id = ? AND stage IN (?, ?) AND deleted_at IS NULL"
                " RETURNING job_id",
                (*values, *key),
            ).fetchall()
            if rows and posted:
                record_posted(tx, job.job_id, posted)
            return bool(rows)

        return await self._database.run(unit)


def _find(transaction: sqlite3.Connection, job_id: str) -> HistoryItem | None:
    row = transaction.execute(
        f"SELECT {_COLUMNS} FROM {_TABLES} WHERE j.job_id = ?",  # noqa: S608  # our own text
        (job_id,),
    ).fetchone()
    return None if row is None else _item(row)


def _read(
    transaction: sqlite3.Connection, *, query: _HistoryQuery, cursor: int, forward: bool
) -> list[HistoryEntry]:
    values = {
        "guild": query.guild_id,
        "user": query.user_id,
        "cursor": cursor,
        "with_private": query.with_private or not query.search,
        "most": query.batch_size,
    }
    found = _entries(transaction, _NEWER if forward else _OLDER, values)
    return sorted(found, key=lambda entry: entry.interaction_id, reverse=not forward)


def _entries(
    transaction: sqlite3.Connection, statement: str, values: Mapping[str, object]
) -> list[HistoryEntry]:
    requests: dict[int, list[sqlite3.Row]] = {}
    for row in transaction.execute(statement, values):
        requests.setdefault(row["interaction_id"], []).append(row)
    entries = []
    for rows in requests.values():
        items = [(row["shown"], _item(row)) for row in sorted(rows, key=lambda row: row["number"])]
        if shown := tuple(item for is_shown, item in items if is_shown):
            entries.append(HistoryEntry(shown, sum(item.charged_credits for _, item in items)))
    return entries


def _item(row: sqlite3.Row) -> HistoryItem:
    return HistoryItem(
        job=job_from(row),
        charged_credits=row["counted_credits"] if row["state"] == ReservationState.SETTLED else 0,
        kept_sha256=row["kept_sha256"],
        kept_format=row["kept_format"] or "",
    )
