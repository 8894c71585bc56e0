"""The operator's part of the command line, for a host without Discord at hand.

It works beside a running bot, which reads pauses, ceilings and reservations anew with every request.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from bot.config import settings
from bot.credits.admin import CreditAdmin
from bot.credits.overview import GuildOverview
from bot.credits.reconciliation.models import CloseResult, Discrepancy, describe
from bot.credits.reconciliation.reconciler import Reconciler, ReconcileRun
from bot.credits.reconciliation.store import DiscrepancyStore
from bot.domain.clock import DAY_MS, iso, now_ms
from bot.domain.ids import ALL_GUILDS, parse_id
from bot.domain.limits import MAX_CREDITS, Limit, LimitScope
from bot.domain.periods import PERIODS
from bot.guilds.pauses import PauseStore
from bot.observability import log_setup
from bot.rivya.client import RivyaClient, open_session
from bot.storage.database import Database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

THE_COMMAND_LINE: Final = 0
"""Stands for whoever has a shell on the host, where a Discord user's id would stand."""
DEFAULT_DAYS: Final = 30
FAILED: Final = 1
_SENTENCE_CHARACTERS: Final = 200
_CLOSED: Final = {
    CloseResult.CLOSED: "is closed, on the record with your reason",
    CloseResult.UNKNOWN: "is no job in this database",
    CloseResult.IN_PROGRESS: "is still under way; the bot settles it by itself",
    CloseResult.NOT_HELD: "is closed already; only what is held in doubt can be decided by hand",
}


def add_subcommands(operator: argparse.ArgumentParser, config: argparse.ArgumentParser) -> None:
    """Add the steps of `operator`; `config` holds the arguments that every command takes."""
    steps = operator.add_subparsers(dest="step", metavar="STEP", required=True)
    pause = steps.add_parser("pause", parents=[config], help="let no new pictures in")
    resume = steps.add_parser("resume", parents=[config], help="let new pictures in again")
    for step in (pause, resume):
        step.add_argument("--guild", type=_guild_id, default=ALL_GUILDS, help="one server (default: all)")
    pause.add_argument("--sentence", type=_sentence, default="", help="what members read")
    _add_ceiling(steps.add_parser("ceiling", parents=[config], help="cap what servers may spend"))
    _add_reconcile(steps.add_parser("reconcile", parents=[config], help="compare the books with Rivya"))
    close = steps.add_parser("close", parents=[config], help="decide by hand what a job in doubt has cost")
    close.add_argument("job", type=_sentence, help="the job's id")
    close.add_argument("credits", type=_credits, help="what Rivya charged; 0 gives the credits back")
    close.add_argument("reason", type=_reason, help="how you know; it stands on the record")
    steps.add_parser("wallet", parents=[config], help="Rivya's wallet, and what is held")
    guilds = steps.add_parser("guilds", parents=[config], help="what each server spends")
    guilds.add_argument("--period", choices=PERIODS, default="month", help="which time, in UTC")
    guilds.add_argument("--page", type=int, default=1)


def _add_ceiling(step: argparse.ArgumentParser) -> None:
    whose = step.add_mutually_exclusive_group(required=True)
    whose.add_argument("--guild", type=_guild_id, help="one server")
    whose.add_argument("--each", action="store_true", help="each server that has none of its own")
    whose.add_argument("--all", action="store_true", help="all servers together")
    what = step.add_mutually_exclusive_group(required=True)
    what.add_argument("--credits", type=_credits, help="how many they may spend; 0 stops new pictures")
    what.add_argument("--remove", action="store_true", help="take the ceiling away")
    step.add_argument("--period", choices=PERIODS, default="month", help="how long they last, in UTC")
    step.add_argument("--reason", type=_sentence, default="", help="why; it stands in the log")


def _add_reconcile(step: argparse.ArgumentParser) -> None:
    step.add_argument("--days", type=_days, default=DEFAULT_DAYS, help="how far back")
    step.add_argument("--since", type=_moment, help="from this moment on, instead of --days")
    second = step.add_mutually_exclusive_group()
    second.add_argument("--show", type=_run_id, metavar="RUN", help="show what a run has found")
    second.add_argument("--apply", type=_run_id, metavar="RUN", help="book what a run has proven")


def run(args: argparse.Namespace) -> int:
    """Do one step; returns the exit code.

    Raises:
        SettingsError: the settings that the step needs are wrong.
        KuasError: whatever keeps it from being done.
    """
    return asyncio.run(_HANDLERS[args.step](args))


async def _pause(args: argparse.Namespace) -> int:
    return await _switch(args, paused=True, sentence=args.sentence)


async def _resume(args: argparse.Namespace) -> int:
    return await _switch(args, paused=False)


async def _switch(args: argparse.Namespace, *, paused: bool, sentence: str = "") -> int:
    async with _shared_database(args) as database:
        pauses = PauseStore(database)
        await pauses.set(args.guild, paused=paused, sentence=sentence, set_by=THE_COMMAND_LINE)
        still = {pause.guild_id for pause in await pauses.active()}
    scope = f"server {args.guild}" if args.guild else "all servers"
    _print(f"{scope}: {'no new pictures' if paused else _let_in(args.guild, still)}")
    return 0


def _let_in(guild_id: int, still: set[int]) -> str:
    if guild_id and ALL_GUILDS in still:
        return "not paused on its own, but all servers are paused"
    others = f", but not in {len(still)} paused on its own" if still and not guild_id else ""
    return f"new pictures are let in{others}"


async def _ceiling(args: argparse.Namespace) -> int:
    rule, guild_id = LimitScope.CEILING_ALL if args.all else LimitScope.CEILING, args.guild or ALL_GUILDS
    async with _shared_database(args) as database:
        # The default limit is no ceiling's business.
        credit_admin = CreditAdmin(database, Limit(0, "total"))
        if args.remove:
            change = await credit_admin.remove_limit(
                guild_id, rule, set_by=THE_COMMAND_LINE, reason=args.reason
            )
        else:
            limit = Limit(args.credits, args.period, scope=rule, reason=args.reason)
            change = await credit_admin.set_limit(guild_id, limit, set_by=THE_COMMAND_LINE)
    scope = "all servers together" if args.all else f"server {guild_id}" if guild_id else "each server"
    _print(f"{scope}: from {_limit(change.before)} to {_limit(change.after)}")
    return 0


async def _reconcile(args: argparse.Namespace) -> int:
    if args.apply is not None:
        async with _shared_database(args) as database:
            done = await DiscrepancyStore(database).apply(args.apply, by=THE_COMMAND_LINE)
        _print(
            f"run {args.apply}: {done.booked} booked ({done.difference_credits:+} credits),"
            f" {done.before} stood so already, {done.changed} changed since,"
            f" {done.in_progress} still under way"
        )
        return 0
    if args.show is not None:
        async with _shared_database(args) as database:
            if await _print_findings(DiscrepancyStore(database), args.show):
                return FAILED
        _print(f"run {args.show}: no differences, or no such run")
        return 0
    since = now_ms() - args.days * DAY_MS if args.since is None else args.since
    async with _with_rivya(args) as (database, rivya, _):
        findings = DiscrepancyStore(database)
        compared = await Reconciler(findings, rivya).compare(since, progress=_show_progress)
        await _print_findings(findings, compared.run_id)
    return _summarize(compared)


def _summarize(compared: ReconcileRun) -> int:
    _print(
        f"run {compared.run_id}: {compared.looked_at} looked at, {compared.found} differences,"
        f" {compared.unpriced} without a price"
    )
    if compared.found:
        _print(f"nothing was changed; book what Rivya proves: operator reconcile --apply {compared.run_id}")
    if compared.stopped:
        _print_error(f"stopped before its end: {compared.stopped}")
        if compared.reached_at is not None:
            _print_error(f"go on with: operator reconcile --since {iso(compared.reached_at)}")
    return FAILED if compared.found or compared.stopped else 0


async def _show_progress(compared: ReconcileRun) -> None:
    if sys.stderr.isatty():
        _print_error(f"{compared.looked_at} of {compared.total}, {compared.found} differences")


async def _print_findings(findings: DiscrepancyStore, run_id: str) -> int:
    """Print a line for each, page by page; returns how many."""
    count, after = 0, ""
    while page := await findings.list_run(run_id, after):
        for found in page:
            _print(_line(found))
        count, after = count + len(page), page[-1].booked.job_id
    return count


def _line(found: Discrepancy) -> str:
    booked = found.booked
    note = f" ({' '.join(booked.note.split())})" if booked.note else ""
    return f"{booked.job_id} server {booked.guild_id} {found.kind}: {describe(found)}{note}"


async def _close(args: argparse.Namespace) -> int:
    async with _shared_database(args) as database:
        closing = await DiscrepancyStore(database).close(
            args.job.strip().lower(), args.credits, reason=args.reason, by=THE_COMMAND_LINE
        )
    _print(f"{args.job} {_CLOSED[closing]}")
    return 0 if closing is CloseResult.CLOSED else FAILED


async def _wallet(args: argparse.Namespace) -> int:
    async with _with_rivya(args) as (database, rivya, default):
        held = await GuildOverview(database, default).held()
        _print(f"{await rivya.credits()} credits in Rivya's wallet")
    oldest = "" if held.oldest_at is None else f", the oldest since {iso(held.oldest_at)}"
    _print(f"{held.credits} credits held by {held.reservations} jobs{oldest}")
    _print(f"{held.doubtful_credits} credits of these in doubt, by {held.doubtful} jobs")
    return 0


async def _guilds(args: argparse.Namespace) -> int:
    loaded = settings.load(args.config)
    default = Limit(loaded.limits.guild_credits, loaded.limits.period)
    async with _shared_database(args) as database:
        page = await GuildOverview(database, default).guilds(args.period, args.page)
    for row in page.rows:
        paused = ", paused" if row.paused else ""
        _print(
            f"server {row.guild_id}: {row.used_credits} credits, limit {_limit(row.limit)},"
            f" ceiling {_limit(row.ceiling)}{paused}"
        )
    _print(f"{page.guilds} servers, {page.used_credits} credits; page {page.page} of {page.pages}")
    return 0


_HANDLERS: Final[dict[str, Callable[[argparse.Namespace], Coroutine[None, None, int]]]] = {
    "pause": _pause,
    "resume": _resume,
    "ceiling": _ceiling,
    "reconcile": _reconcile,
    "close": _close,
    "wallet": _wallet,
    "guilds": _guilds,
}


@asynccontextmanager
async def _shared_database(args: argparse.Namespace) -> AsyncIterator[Database]:
    database = await Database.open_shared(settings.load_database(args.config).path)
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def _with_rivya(args: argparse.Namespace) -> AsyncIterator[tuple[Database, RivyaClient, Limit]]:
    loaded = settings.load(args.config)
    log_setup.configure("error", loaded.log.format)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(_shared_database(args))
        session = await stack.enter_async_context(open_session())
        key = loaded.rivya.api_key.get_secret_value()
        rivya = RivyaClient(session, base_url=loaded.rivya.base_url, api_key=key)
        yield database, rivya, Limit(loaded.limits.guild_credits, loaded.limits.period)


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _print_error(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _limit(limit: Limit | None) -> str:
    if limit is None:
        return "none"
    return f"{limit.credits} credits {'in total' if limit.period == 'total' else f'a {limit.period}'}"


def _guild_id(text: str) -> int:
    if (number := parse_id(text)) is None:
        raise argparse.ArgumentTypeError("the id of a server is a number of 17 to 19 digits")
    return number


def _credits(text: str) -> int:
    if not re.fullmatch("[0-9]{1,10}", text) or (number := int(text)) > MAX_CREDITS:
        raise argparse.ArgumentTypeError(f"credits are a whole number from 0 to {MAX_CREDITS}")
    return number


def _days(text: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", text):
        raise argparse.ArgumentTypeError("days are a whole number, such as 30")
    return int(text)


def _sentence(text: str) -> str:
    if len(text) > _SENTENCE_CHARACTERS:
        raise argparse.ArgumentTypeError(f"at most {_SENTENCE_CHARACTERS} characters")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise argparse.ArgumentTypeError("characters that are no UTF-8") from error
    return text


def _reason(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("say why")
    return _sentence(text)


def _run_id(text: str) -> str:
    if not re.fullmatch("[0-9a-f]{12}", text):
        raise argparse.ArgumentTypeError("a run has 12 characters, as a comparison prints them")
    return text


def _moment(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError("a moment looks like 2026-05-31T12:00:00Z") from error
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(zoned.timestamp() * 1000)
