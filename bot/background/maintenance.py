"""Hourly maintenance: retention, erasures, pruning, checkpoints and backups.

Every chore uses small transactions, so that no member waits for it. One that fails does not keep the others
from running.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog

from bot.credits import alerts, running_totals
from bot.credits.reconciliation.store import prune as prune_discrepancies
from bot.domain.clock import DAY_MS, now_ms
from bot.domain.errors import OperatorError
from bot.guilds import setup_forms
from bot.jobs.requests import drafts
from bot.privacy.anonymization import expire

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from bot.config.settings import PrivacySettings
    from bot.jobs.picture_retention import PictureRetention
    from bot.observability.operator_log import OperatorLog
    from bot.privacy.erasure import ErasureRequests
    from bot.privacy.guild_departures import GuildDepartures
    from bot.storage.backups import Backups
    from bot.storage.database import Database

    Chore = Callable[[int], Awaitable[int]]
    """Does what is due at a moment (epoch milliseconds), and returns how many rows or files it changed."""

log = structlog.get_logger(__name__)

INTERVAL_SECONDS: Final = 3600.0
RECORDS_KEPT_DAYS: Final = 400
"""Of alerts and discrepancies: a year and a month."""


async def run_chores(chores: Mapping[str, Chore], operator_log: OperatorLog) -> dict[str, int]:
    """Run every chore; return the counts above 0 by name. An error is logged, and stops no other chore."""
    done = {}
    for name, chore in chores.items():
        try:
            count = await chore(now_ms())
        except OperatorError as error:
            operator_log.report(error, chore=name)
        except Exception:
            log.exception("upkeep broke", chore=name)
        else:
            if count:
                done[name] = count
    if done:
        log.info("upkeep", **done)
    return done


def maintenance_tasks(
    database: Database,
    *,
    erasures: ErasureRequests,
    departures: GuildDepartures,
    backups: Backups,
    picture_retention: PictureRetention,
    privacy: PrivacySettings,
) -> dict[str, Chore]:
    """Return the chores by name, in their order. `privacy` has the retention in days; 0 is for ever."""

    async def unneeded_pictures(_: int) -> int:
        return await picture_retention.collect_garbage()

    async def records(at: int) -> int:
        before = at - RECORDS_KEPT_DAYS * DAY_MS
        dropped = await database.run_in_batches(lambda tx: alerts.prune(tx, before))
        return dropped + await database.run_in_batches(lambda tx: prune_discrepancies(tx, before))

    async def leftovers(at: int) -> int:
        return await database.run(
            lambda tx: drafts.prune(tx, at) + setup_forms.prune(tx, at) + running_totals.prune(tx, at)
        )

    async def file(_: int) -> int:
        await database.optimize()
        # Returns 0 always, or every hour would be logged.
        if not await database.checkpoint():
            log.info("checkpoint postponed", why="the database is being read")
        return 0

    async def copies(_: int) -> int:
        return 0 if await backups.run_daily() is None else 1

    return {
        **_retention(database, picture_retention, privacy),
        "erasures": erasures.process_due,
        "departures": departures.process_due,
        "vault": unneeded_pictures,
        "records": records,
        "leftovers": leftovers,
        "file": file,
        "backups": copies,
    }


def _retention(
    database: Database, picture_retention: PictureRetention, privacy: PrivacySettings
) -> dict[str, Chore]:
    """Return the chores that delete prompts and pictures after `privacy.prompt_days` and `picture_days`."""

    async def prompts(at: int) -> int:
        before = at - privacy.prompt_days * DAY_MS
        return await database.run_in_batches(lambda tx: expire(tx, before)) if privacy.prompt_days else 0

    async def pictures(at: int) -> int:
        before = at - privacy.picture_days * DAY_MS
        return await picture_retention.expire(before) if privacy.picture_days else 0

    return {"prompts": prompts, "pictures": pictures}
