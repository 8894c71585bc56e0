"""What became of pictures after they were painted: a member's history, what a picture grew from, its end.

Owns the questions about finished pictures, and what is done to them afterwards. Never imports anything of
ours but clock, database, folding, ids, jobs, register, rows, rules, store.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.domain.clock import now_ms
from bot.domain.ids import HIGHEST_ID
from bot.domain.jobs import Stage
from bot.domain.text_folding import fold
from bot.guilds.access_rules import terms_of
from bot.jobs.rows import job_from
from bot.jobs.store import LANDING, landing_values

if TYPE_CHECKING:
    import sqlite3

    from bot.domain.access import Terms
    from bot.domain.jobs import Job, Landing
    from bot.storage.database import Database

PAGE_PIECES: Final = 6
SEARCHED: Final = 20_000
"""How many of a member's newest pictures are looked through for words."""
_LOOKED_AT_ONCE: Final = 200
"""How many prompts are read in one unit. They are compared outside of it: others wait for the database."""
LONGEST_CHAIN: Final = 100
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
class Piece:
    """A request and what came of it, as people look back at it."""

    job: Job
    charged_credits: int
    """0 while that is not settled."""
    kept_sha256: str | None
    """Which file of the vault it is, if it is kept there."""
    kept_format: str = ""

    @property
    def is_painted(self) -> bool:
        """Whether there is a picture, or should be one."""
        painted = self.job.stage in {Stage.SUCCEEDED, Stage.DELIVERED, Stage.UNDELIVERABLE}
        return painted and self.job.failure is None

    @property
    def filename(self) -> str:
        """What its file is called where it is posted from the vault."""
        extension = "jpg" if self.kept_format == "jpeg" else self.kept_format or self.job.request.format
        return f"{self.job.job_id}.{extension}"


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of a history, the newest first, with the ways on: an interaction's id, None at an end."""

    pieces: tuple[Piece, ...]
    newer: int | None
    older: int | None


@dataclass(frozen=True, slots=True)
class Chain:
    """What a picture grew from, its parent first, and what it cost to get to it, its own price included."""

    ancestors: tuple[Piece, ...]
    charged_credits: int


@dataclass(frozen=True, slots=True)
class _Look:
    """What somebody looks for in the pictures of a member."""

    guild_id: int
    user_id: int
    search: str
    with_private: bool

    @property
    def at_once(self) -> int:
        """How many are read in one unit."""
        return _LOOKED_AT_ONCE if self.search else PAGE_PIECES + 1

    def picked(self, pieces: list[Piece]) -> list[Piece]:
        """Those with all the words in their prompt."""
        words = fold(self.search).split()
        folded = ((piece, fold(piece.job.request.prompt)) for piece in pieces)
        return [piece for piece, prompt in folded if all(word in prompt for word in words)]


class Gallery:
    """The finished pictures of every server."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, job_id: str) -> Piece | None:
        """One request, whatever came of it."""
        return await self._database.run(lambda tx: _find(tx, job_id))

    async def terms(self, guild_id: int) -> Terms:
        """What rules in a server now."""
        at = now_ms()
        return await self._database.run(lambda tx: terms_of(tx, guild_id, at))

    async def older(
        self,
        guild_id: int,
        user_id: int,
        search: str = "",
        than: int | None = None,
        *,
        with_private: bool = True,
    ) -> Page:
        """The newest pictures of a member in a server, or those asked for before an interaction.

        Without `with_private` a search leaves private ones out: that it finds one would tell their words.
        """
        looked = _Look(guild_id, user_id, search, with_private=with_private)
        found = await self._matching(looked, older_than=than)
        shown = found[:PAGE_PIECES]
        newer = _mark(shown[0]) if than is not None and shown else than
        return Page(tuple(shown), newer, _mark(shown[-1]) if len(found) > PAGE_PIECES else None)

    async def newer(
        self, guild_id: int, user_id: int, than: int, search: str = "", *, with_private: bool = True
    ) -> Page:
        """The pictures asked for next after an interaction; the newest page, if they no longer fill one."""
        looked = _Look(guild_id, user_id, search, with_private=with_private)
        found = await self._matching(looked, newer_than=than)
        if len(found) <= PAGE_PIECES:
            return await self.older(guild_id, user_id, search, with_private=with_private)
        shown = found[PAGE_PIECES - 1 :: -1]
        return Page(tuple(shown), _mark(shown[0]), _mark(shown[-1]))

    async def _matching(
        self, look: _Look, *, older_than: int | None = None, newer_than: int | None = None
    ) -> list[Piece]:
        """One more than fit a page, if there are as many; the nearest to the mark first."""
        forward = newer_than is not None
        mark = newer_than if newer_than is not None else older_than or HIGHEST_ID
        found: list[Piece] = []
        for _ in range(SEARCHED // _LOOKED_AT_ONCE):
            read = await self._database.run(lambda tx, mark=mark: _read(tx, look, mark, forward=forward))  # type: ignore[misc]  # bound now
            found += await asyncio.to_thread(look.picked, read) if look.search else read
            if len(found) > PAGE_PIECES or len(read) < look.at_once:
                break
            mark = _mark(read[-1])
        return found[: PAGE_PIECES + 1]

    async def chain(self, job_id: str) -> Chain:
        """What a picture grew from."""

        def unit(tx: sqlite3.Connection) -> Chain:
            found: list[Piece] = []
            seen, current = set(), _find(tx, job_id)
            while current is not None and current.job.job_id not in seen and len(found) <= LONGEST_CHAIN:
                found.append(current)
                seen.add(current.job.job_id)
                parent = current.job.request.parent_job_id
                current = None if parent is None else _find(tx, parent)
            return Chain(tuple(found[1:]), sum(piece.charged_credits for piece in found))

        return await self._database.run(unit)

    async def deleted(self, job_id: str, deleted_by: int) -> None:
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

    async def share(self, job: Job, landing: Landing | None) -> bool:
        """Its member is about to show it to everybody, in that message if it is known already.

        False, and nothing written, if it was deleted or erased meanwhile.
        """
        at = now_ms()
        placed = (None, None, None, None) if landing is None else landing_values(landing)
        return await self._move(
            job, f"stage = ?, {LANDING}, shared_at = ?, private = 0", (Stage.DELIVERED, *placed, at)
        )

    async def unshare(self, job: Job) -> bool:
        """It could not be shown: all is as it was, as `job` says. False if it was erased meanwhile."""
        placed = (None, None, None, None) if job.landing is None else landing_values(job.landing)
        private = int(job.request.destination.private)
        return await self._move(
            job, f"stage = ?, {LANDING}, shared_at = NULL, private = ?", (job.stage, *placed, private)
        )

    async def shared(self, job: Job, landing: Landing) -> bool:
        """It hangs there, for everybody to see. False if it was deleted or erased meanwhile."""
        return await self._move(job, LANDING, landing_values(landing))

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


def _find(transaction: sqlite3.Connection, job_id: str) -> Piece | None:
    row = transaction.execute(
        f"SELECT {_COLUMNS} FROM {_TABLES} WHERE j.job_id = ?",  # noqa: S608  # our own text
        (job_id,),
    ).fetchone()
    return None if row is None else _piece(row)


def _read(transaction: sqlite3.Connection, look: _Look, mark: int, *, forward: bool) -> list[Piece]:
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


def _mark(piece: Piece) -> int:
    return piece.job.request.destination.interaction_id


def _piece(row: sqlite3.Row) -> Piece:
    return Piece(
        job=job_from(row),
        charged_credits=row["counted_credits"] if row["state"] == "settled" else 0,
        kept_sha256=row["kept_sha256"],
        kept_format=row["kept_format"] or "",
    )
