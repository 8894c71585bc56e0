"""What is done every hour beside the jobs: what is due to be forgotten goes, the file is tidied and copied.

Every chore works in small transactions, so that no member waits for it, and fails alone.

Owns the hourly chores. Never imports anything of ours but backups, clock, database, departures, drafts,
erasures, errors, forgetting, keepings, notices, settings, tallies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog

from bot import drafts
from bot.clock import DAY_MS, now_ms
from bot.errors import OperatorError
from bot.money import tallies
from bot.privacy.forgetting import BATCH, expire

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Awaitable, Callable, Mapping

    from bot.backups import Backups
    from bot.database import Database
    from bot.keepings import Keepings
    from bot.privacy.departures import Departures
    from bot.privacy.erasures import Erasures
    from bot.settings import PrivacySettings
    from bot.watching.notices import Notices

    Chore = Callable[[int], Awaitable[int]]
    """Does what is due at a moment (epoch milliseconds) and returns how many rows that were."""

log = structlog.get_logger(__name__)

EVERY_SECONDS: Final = 3600.0
RECORDS_KEPT_DAYS: Final = 400
"""Alerts and findings: a year and a month, for who looks back at the same month."""


class Upkeep:
    """Runs its chores, in their order."""

    def __init__(self, chores: Mapping[str, Chore], notices: Notices) -> None:
        self._chores = chores
        self._notices = notices

    async def once(self) -> dict[str, int]:
        """Do every chore; returns what was done. What breaks is logged, and tried again next time."""
        done = {}
        for name, chore in self._chores.items():
            try:
                count = await chore(now_ms())
            except OperatorError as error:
                self._notices.give(error, chore=name)
            except Exception:
                log.exception("upkeep broke", chore=name)
            else:
                if count:
                    done[name] = count
        if done:
            log.info("upkeep", **done)
        return done


def chores(
    database: Database,
    *,
    erasures: Erasures,
    departures: Departures,
    backups: Backups,
    keepings: Keepings,
    privacy: PrivacySettings,
) -> dict[str, Chore]:
    """The chores of one database. `privacy` says how long words and pictures are kept; 0 days is for ever."""

    async def vault(_: int) -> int:
        return await keepings.sweep()

    async def records(at: int) -> int:
        before = at - RECORDS_KEPT_DAYS * DAY_MS
        return await database.run_in_batches(lambda tx: _drop_records(tx, before))

    async def leftovers(at: int) -> int:
        return await database.run(lambda tx: _prune(tx, at))

    async def file(_: int) -> int:
        await database.run(_optimise)
        # Counted as nothing done, or every hour would leave a line in the log.
        if not await database.checkpoint():
            log.info("checkpoint left to the next upkeep", why="somebody reads the database")
        return 0

    async def copies(_: int) -> int:
        return 0 if await backups.keep_fresh() is None else 1

    return {
        **_retention(database, keepings, privacy),
        "erasures": erasures.go_on,
        "departures": departures.go_on,
        "vault": vault,
        "records": records,
        "leftovers": leftovers,
        "file": file,
        "backups": copies,
    }


def _retention(database: Database, keepings: Keepings, privacy: PrivacySettings) -> dict[str, Chore]:
    """What is kept for so many days only."""

    async def prompts(at: int) -> int:
        before = at - privacy.prompt_days * DAY_MS
        return await database.run_in_batches(lambda tx: expire(tx, before)) if privacy.prompt_days else 0

    async def pictures(at: int) -> int:
        before = at - privacy.picture_days * DAY_MS
        return await keepings.expire(before) if privacy.picture_days else 0

    return {"prompts": prompts, "pictures": pictures}


def _drop_records(transaction: sqlite3.Connection, before: int) -> int:
    """Drop one batch of old alerts, and then of old findings."""
    rows = transaction.execute(
        "DELETE FROM alerts WHERE (guild_id, limit_id, period_start, percent) IN"
        " (SELECT guild_id, limit_id, period_start, percent FROM alerts WHERE raised_at < ? LIMIT ?)"
        " RETURNING percent",
        (before, BATCH),
    ).fetchall()
    rows = (
        rows
        or transaction.execute(
            "DELETE FROM findings WHERE (run_id, job_id) IN"
            " (SELECT run_id, job_id FROM findings WHERE found_at < ? LIMIT ?) RETURNING run_id",
            (before, BATCH),
        ).fetchall()
    )
    return len(rows)


def _prune(transaction: sqlite3.Connection, at: int) -> int:
    """What an hour leaves behind is little, so this is one unit."""
    before = transaction.total_changes
    drafts.prune(transaction, at)
    tallies.prune(transaction, at)
    return transaction.total_changes - before


def _optimise(transaction: sqlite3.Connection) -> None:
    """Let SQLite look at its indexes: https://sqlite.org/pragma.html#pragma_optimize.

    Some builds keep samples of what they saw, names among them: those are dropped.
    """
    transaction.execute("PRAGMA analysis_limit = 400")
    transaction.execute("PRAGMA optimize")
    samples = transaction.execute("SELECT name FROM sqlite_master WHERE name = 'sqlite_stat4'").fetchone()
    if samples is not None:
        transaction.execute("DELETE FROM sqlite_stat4")
