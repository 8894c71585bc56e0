"""Delete stored pictures that no row needs any more, as a reference or as a kept result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.jobs import stored_sha256
from bot.jobs.job_pictures import expire_files
from bot.storage.database import BATCH

if TYPE_CHECKING:
    import sqlite3

    from bot.storage.database import Database
    from bot.storage.picture_store import PictureStore


class PictureRetention:
    """Keep the picture store and the tables consistent."""

    def __init__(self, database: Database, picture_store: PictureStore) -> None:
        self._database = database
        self._picture_store = picture_store

    async def migrate_inline_pictures(self) -> int:
        """Move the pictures that an earlier version kept in the database to the picture store.

        Each is durable as a file before its row is deleted. Returns how many were moved.

        Raises:
            OperatorError: `disk` or `database`; the pictures that are not moved yet stay in the database.
        """
        moved = 0
        while (found := await self._database.run(_inline_pictures)) is not None:
            job_id, data = found
            sha256 = await self._picture_store.save(data)
            await self._database.run(lambda tx, found=(job_id, sha256): _migrate_inline_picture(tx, *found))  # type: ignore[misc]  # bound now
            moved += 1
        return moved

    async def expire(self, before: int) -> int:
        """Forget the references and kept results of jobs that finished before `before` (epoch milliseconds).

        Returns how many; `collect_garbage` deletes their files.
        """
        return await self._database.run_in_batches(lambda tx: _expire_some(tx, before))

    async def collect_garbage(self) -> int:
        """Delete every stored picture that no row needs any more; returns how many.

        Raises:
            OperatorError: `disk` or `database`.
        """
        names, deleted = await self._picture_store.list_expired(), 0
        for first in range(0, len(names), BATCH):
            batch = names[first : first + BATCH]
            needed = await self._database.run(lambda tx, batch=batch: _needed(tx, batch))  # type: ignore[misc]
            for name in batch:
                if name not in needed and await self._picture_store.delete(name):
                    deleted += 1
        return deleted


def _inline_pictures(transaction: sqlite3.Connection) -> tuple[str, bytes] | None:
    row = transaction.execute("SELECT job_id, data FROM kept_inside LIMIT 1").fetchone()
    return None if row is None else (row["job_id"], row["data"])


def _migrate_inline_picture(transaction: sqlite3.Connection, job_id: str, sha256: str) -> None:
    transaction.execute(
        "INSERT INTO kept_pictures (job_id, format, width, height, sha256, kept_at)"
        " SELECT job_id, format, width, height, ?, kept_at FROM kept_inside WHERE job_id = ?"
        " ON CONFLICT (job_id) DO NOTHING",
        (sha256, job_id),
    )
    transaction.execute("DELETE FROM kept_inside WHERE job_id = ?", (job_id,))


def _needed(transaction: sqlite3.Connection, names: list[str]) -> set[str]:
    """Return the names that a job, a draft, a kept or an unreadable result refers to."""
    marks = ", ".join("?" * len(names))
    rows = transaction.execute(
        f"SELECT sha256 AS name FROM job_references WHERE sha256 IN ({marks})"  # noqa: S608  # marks alone
        f" UNION SELECT sha256 FROM draft_references WHERE sha256 IN ({marks})"
        f" UNION SELECT sha256 FROM kept_pictures WHERE sha256 IN ({marks})"
        f" UNION SELECT sha256 FROM more_pictures WHERE sha256 IN ({marks})"
        f" UNION SELECT sha256 FROM unreadable_results WHERE sha256 IN ({marks})",
        names * 5,
    )
    return {row["name"] for row in rows} | _sources(transaction)


def _sources(transaction: sqlite3.Connection) -> set[str]:
    """Return the stored pictures from which references of unfinished jobs and drafts are still to be made."""
    rows = transaction.execute(
        "SELECT url FROM jobs CROSS JOIN job_references USING (job_id) WHERE finished_at IS NULL"
        " UNION SELECT url FROM draft_references"
    )
    return {name for row in rows if (name := stored_sha256(row["url"])) is not None}


def _expire_some(transaction: sqlite3.Connection, before: int) -> int:
    references = transaction.execute(
        "UPDATE job_references SET sha256 = NULL WHERE (job_id, number) IN ("
        " SELECT r.job_id, r.number FROM job_references r INDEXED BY job_references_by_file"
        " CROSS JOIN jobs USING (job_id)"
        " WHERE r.sha256 IS NOT NULL AND finished_at < ? LIMIT ?) RETURNING job_id",
        (before, BATCH),
    ).fetchall()
    results = transaction.execute(
        "DELETE FROM kept_pictures WHERE job_id IN ("
        " SELECT job_id FROM kept_pictures WHERE kept_at < ? LIMIT ?) RETURNING job_id",
        (before, BATCH),
    ).fetchall()
    more = expire_files(transaction, before, BATCH)
    unreadable = transaction.execute(
        "DELETE FROM unreadable_results WHERE job_id IN ("
        " SELECT job_id FROM unreadable_results WHERE kept_at < ? LIMIT ?) RETURNING job_id",
        (before, BATCH),
    ).fetchall()
    return len(references) + len(results) + more + len(unreadable)
