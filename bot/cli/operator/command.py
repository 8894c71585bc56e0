"""`operator`: the operator's actions on the command line, where Discord is not at hand.

They work beside a running bot, for which what they change holds from the next request on.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

from bot.cli.operator import admission, late_jobs, models
from bot.cli.output import FAILED, enough_text, limit_text, one_line, print_error, print_line, report
from bot.config import loader
from bot.credits.admin import CreditAdmin
from bot.credits.approvals import GuildApprovals
from bot.credits.overview import GuildOverview
from bot.credits.reconciliation.models import CloseResult, Discrepancy, describe
from bot.credits.reconciliation.reconciler import Reconciler, ReconcileRun
from bot.credits.reconciliation.store import DiscrepancyStore
from bot.domain.clock import DAY_MS, iso, now_ms
from bot.domain.errors import KuasError
from bot.domain.ids import ALL_GUILDS, THE_COMMAND_LINE
from bot.domain.limits import Limit, LimitScope
from bot.domain.model_catalog import default_catalog
from bot.domain.periods import Period
from bot.guilds.admission import AdmissionStore
from bot.guilds.pauses import PauseStore
from bot.jobs.late_jobs import LateJobStore
from bot.network.connections import Network
from bot.observability import log_setup
from bot.observability.cleanup import CleanupStack
from bot.rivya.client import RivyaClient, open_session
from bot.storage.database import Database

if TYPE_CHECKING:
    import argparse
    from collections.abc import AsyncIterator, Callable, Coroutine

    from bot.domain.model_catalog import ModelCatalog

_CLOSE_MESSAGES: Final = {
    CloseResult.CLOSED: "is closed, on the record with your reason",
    CloseResult.UNKNOWN: "is no job in this database",
    CloseResult.IN_PROGRESS: "is still under way; if it is late, `operator release` ends it",
    CloseResult.NOT_HELD: "is closed already; only what is held in doubt can be decided by hand",
}


def run(args: argparse.Namespace) -> int:
    """Run one subcommand and return its exit code.

    Raises:
        SettingsError: the settings that it needs are wrong.
        KuasError: as the store or the call to Rivya raises.
    """
    return asyncio.run(_HANDLERS[args.subcommand](args))


async def _pause(args: argparse.Namespace) -> int:
    """Set or end a pause: `pause` and `resume`."""
    paused = args.subcommand == "pause"
    async with _shared_database(args) as database:
        pauses = PauseStore(database)
        await pauses.set(args.guild, paused=paused, sentence=args.sentence, set_by=THE_COMMAND_LINE)
        still_paused = {pause.guild_id for pause in await pauses.active()}
    scope = f"server {args.guild}" if args.guild else "all servers"
    report(f"{scope}: {'no new pictures' if paused else _describe_resume(args.guild, still_paused)}")
    return 0


def _describe_resume(guild_id: int, still_paused: set[int]) -> str:
    if guild_id and ALL_GUILDS in still_paused:
        return "not paused on its own, but all servers are paused"
    others = f", but not in {len(still_paused)} paused on its own" if still_paused and not guild_id else ""
    return f"new pictures are accepted again{others}"


async def _ceiling(args: argparse.Namespace) -> int:
    scope = LimitScope.CEILING_ALL if args.all else LimitScope.CEILING
    guild_id = args.guild or ALL_GUILDS
    async with _shared_database(args) as database:
        # Ceilings do not depend on the default limit and on prices, so any value will do.
        credit_admin = CreditAdmin(database, Limit(0, Period.TOTAL), default_catalog())
        if args.remove:
            change = await credit_admin.remove_limit(
                guild_id, scope, set_by=THE_COMMAND_LINE, reason=args.reason
            )
        else:
            limit = Limit(args.credits, Period(args.period), scope=scope, reason=args.reason)
            change = await credit_admin.set_limit(guild_id, limit, set_by=THE_COMMAND_LINE)
    name = "all servers together" if args.all else f"server {guild_id}" if guild_id else "each server"
    report(f"{name}: from {limit_text(change.before)} to {limit_text(change.after)}")
    if guild_id and change.after is None and change.usage is not None:
        counting = Limit(change.usage.limit_credits, change.usage.period)
        report(f"it has the ceiling of each server now: {limit_text(counting)}")
    return 0


async def _reconcile(args: argparse.Namespace) -> int:
    if args.apply is not None:
        async with _shared_database(args) as database:
            applied = await DiscrepancyStore(database).apply(args.apply, by=THE_COMMAND_LINE)
        report(
            f"run {args.apply}: {applied.booked} booked ({applied.difference_credits:+} credits),"
            f" {applied.before} were booked already, {applied.changed} changed since,"
            f" {applied.in_progress} still under way"
        )
        return 0
    if args.show is not None:
        catalog = loader.load_models(args.config).rivya.catalog
        async with _shared_database(args) as database:
            if await _print_discrepancies(DiscrepancyStore(database), args.show, catalog):
                return FAILED
        print_line(f"run {args.show}: no differences, or no such run")
        return 0
    since = now_ms() - args.days * DAY_MS if args.since is None else args.since
    async with _with_rivya(args) as (database, rivya, loaded):
        discrepancies = DiscrepancyStore(database)
        finished = await Reconciler(discrepancies, rivya).compare(since, progress=_show_progress)
        await _print_discrepancies(discrepancies, finished.run_id, loaded.rivya.catalog)
    return _print_summary(finished)


def _print_summary(finished: ReconcileRun) -> int:
    """Print the outcome of a comparison and what to do next; returns the exit code."""
    print_line(
        f"run {finished.run_id}: {finished.looked_at} looked at, {finished.found} differences,"
        f" {finished.unpriced} without a price"
    )
    if finished.found:
        print_line(
            f"nothing was changed; book what Rivya proves: operator reconcile --apply {finished.run_id}"
        )
    if finished.stopped:
        print_error(f"stopped before its end: {finished.stopped}")
        if finished.reached_at is not None:
            print_error(f"go on with: operator reconcile --since {iso(finished.reached_at)}")
    return FAILED if finished.found or finished.stopped else 0


async def _show_progress(unfinished: ReconcileRun) -> None:
    if sys.stderr.isatty():
        print_error(f"{unfinished.looked_at} of {unfinished.total}, {unfinished.found} differences")


async def _print_discrepancies(discrepancies: DiscrepancyStore, run_id: str, catalog: ModelCatalog) -> int:
    """Print the discrepancies of a run, one a line, read page by page; returns how many."""
    counts, after = Counter[str](), ""
    while page := await discrepancies.list_run(run_id, after):
        for discrepancy in page:
            print_line(_line(discrepancy, catalog))
            counts[discrepancy.booked.model] += 1
        after = page[-1].booked.job_id
    if any(map(catalog.name_to_show, counts)):
        by_model = ", ".join(f"{one_line(model)} {count}" for model, count in counts.most_common())
        print_line(f"by model: {by_model}")
    return counts.total()


def _line(discrepancy: Discrepancy, catalog: ModelCatalog) -> str:
    booked = discrepancy.booked
    note = f" ({one_line(booked.note)})" if booked.note else ""
    described = one_line(describe(discrepancy))
    model = f" [{one_line(booked.model)}]" if catalog.name_to_show(booked.model) is not None else ""
    return f"{booked.job_id} server {booked.guild_id} {discrepancy.kind}: {described}{note}{model}"


async def _close(args: argparse.Namespace) -> int:
    async with _shared_database(args) as database:
        result = await DiscrepancyStore(database).close_reservation(
            args.job.strip().lower(), args.credits, reason=args.reason, by=THE_COMMAND_LINE
        )
    report(f"{args.job} {_CLOSE_MESSAGES[result]}")
    return 0 if result is CloseResult.CLOSED else FAILED


async def _late_job(args: argparse.Namespace) -> int:
    path = loader.load_database(args.config).path
    async with _shared_database(args) as database:
        return await late_jobs.run(args, LateJobStore(database), path)


async def _wallet(args: argparse.Namespace) -> int:
    async with _with_rivya(args) as (database, rivya, loaded):
        held = await GuildOverview(database, loaded.limits.default).held()
        left_credits = await rivya.credits()
        print_line(f"{left_credits} credits in Rivya's wallet")
        if (catalog := loaded.rivya.catalog).has_choice:
            with suppress(KuasError):  # the prices of the table hold
                catalog.update(await rivya.models())
            print_line(enough_text(left_credits, catalog.price_list))
    oldest = "" if held.oldest_at is None else f", the oldest since {iso(held.oldest_at)}"
    print_line(f"{held.credits} credits held by {held.reservations} jobs{oldest}")
    print_line(f"{held.doubtful_credits} credits of these in doubt, by {held.doubtful} jobs")
    return 0


async def _guilds(args: argparse.Namespace) -> int:
    default = loader.load_limits(args.config).default
    async with _shared_database(args) as database:
        page = await GuildOverview(database, default).guilds(Period(args.period), args.page)
    for row in page.rows:
        paused = ", paused" if row.paused else ""
        print_line(
            f"server {row.guild_id}: {row.used_credits} credits, limit {limit_text(row.limit)},"
            f" ceiling {limit_text(row.ceiling)}{paused}"
        )
    print_line(f"{page.guilds} servers, {page.used_credits} credits; page {page.page} of {page.pages}")
    return 0


async def _admission(args: argparse.Namespace) -> int:
    async with _shared_database(args) as database:
        # The default limit is in the settings, and is not shown here, so any value will do.
        approvals = GuildApprovals(database, Limit(0, Period.TOTAL))
        return await admission.run(args, AdmissionStore(database), approvals)


_HANDLERS: Final[dict[str, Callable[[argparse.Namespace], Coroutine[None, None, int]]]] = {
    "pause": _pause,
    "resume": _pause,
    "ceiling": _ceiling,
    "reconcile": _reconcile,
    "close": _close,
    **dict.fromkeys(late_jobs.SUBCOMMANDS, _late_job),
    "models": models.run,
    "wallet": _wallet,
    "guilds": _guilds,
    **dict.fromkeys(admission.SUBCOMMANDS, _admission),
}


@asynccontextmanager
async def _shared_database(args: argparse.Namespace) -> AsyncIterator[Database]:
    async with CleanupStack() as stack:
        database = await Database.open_shared(loader.load_database(args.config).path)
        stack.push_async_callback(database.close)
        yield database


@asynccontextmanager
async def _with_rivya(
    args: argparse.Namespace,
) -> AsyncIterator[tuple[Database, RivyaClient, loader.RivyaCommandSettings]]:
    loaded = loader.load_rivya(args.config)
    log_setup.configure("error", loaded.log.format)
    async with CleanupStack() as stack:
        database = await stack.enter_async_context(_shared_database(args))
        session = await stack.enter_async_context(open_session(Network.open(loaded.network.ca_file)))
        key = loaded.rivya.api_key.get_secret_value()
        rivya = RivyaClient(session, base_url=loaded.rivya.base_url, api_key=key)
        yield database, rivya, loaded
