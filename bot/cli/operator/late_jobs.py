"""`operator late`, `retry`, `abandon` and `release`: the late jobs on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.cli.output import FAILED, confirm, one_line, print_error, print_line, report
from bot.domain.clock import iso
from bot.domain.ids import THE_COMMAND_LINE
from bot.domain.jobs import Stage
from bot.jobs.late_jobs import LateJobResult
from bot.storage.picture_store import picture_folder

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from bot.jobs.late_jobs import LateJob, LateJobStore

_PAGE_SIZE: Final = 50
_RESULTS: Final = {
    "retry": "is tried within a quarter of a minute, if the bot is running",
    "abandon": "is no longer waited for; what Rivya may charge for it stays held",
    "release": "is no longer waited for; its credits are released, on the record with your reason",
}
SUBCOMMANDS: Final = ("late", *_RESULTS)
_REFUSALS: Final = {
    LateJobResult.UNKNOWN: "is no job in this database",
    LateJobResult.NOT_LATE: "is under way as usual; only late jobs can be tried or ended by hand",
    LateJobResult.OVER: "has ended; there is nothing to try or to end",
    LateJobResult.CHARGED: "was charged by Rivya; `operator abandon` ends the wait, `/limits refund` refunds",
}
_WAITS_FOR: Final = {
    Stage.ACCEPTED: "its reference, to be uploaded",
    Stage.UPLOADED: "Rivya, to accept it",
    Stage.CREATED: "Rivya, to paint it",
    Stage.SUCCEEDED: "its picture, to be downloaded",
    Stage.UNDELIVERABLE: "nothing; its picture was given up",
    Stage.FAILED: "nothing; its task was given up, its credits are held",
}


async def run(args: argparse.Namespace, late_jobs: LateJobStore, database: Path) -> int:
    """Run one of `SUBCOMMANDS` and return its exit code. `database` is the path of the database.

    Raises:
        OperatorError: `database`.
    """
    if args.subcommand == "late":
        return await _list(late_jobs, args.page, database)
    job_id = args.job.strip().lower()
    if args.subcommand == "retry":
        result = await late_jobs.retry(job_id)
    elif args.subcommand == "abandon":
        result = await late_jobs.abandon(job_id, reason=args.reason)
    elif args.yes or confirm(f"Release the credits of {job_id}, although Rivya may still charge them?"):
        result = await late_jobs.release(job_id, reason=args.reason, by=THE_COMMAND_LINE)
    else:
        print_error("nothing was changed")
        return FAILED
    if result is LateJobResult.DONE:
        report(f"{job_id} {_RESULTS[args.subcommand]}")
        return 0
    report(f"{job_id} {_REFUSALS[result]}")
    return FAILED


async def _list(late_jobs: LateJobStore, number: int, database: Path) -> int:
    page = await late_jobs.page(number, size=_PAGE_SIZE)
    for late_job in page.rows:
        print_line(_line(late_job, picture_folder(database)))
    print_line(f"{page.total} late jobs; page {page.page} of {page.pages}")
    return 0


def _line(late_job: LateJob, pictures: Path) -> str:
    job = late_job.job
    facts = [
        f"{job.job_id} server {job.request.destination.guild_id} accepted {iso(job.accepted_at)}",
        f"picture {job.place.number} of {job.place.size}" if job.place is not None else "",
        f"late since {iso(job.late_at or job.accepted_at)}",
        f"waits for {_WAITS_FOR.get(job.stage, job.stage)}",
        f"task {job.task_id}" if job.task_id else "no task",
        f"{late_job.held_credits} credits held" if late_job.held_credits else "",
        f"last answer: {one_line(job.late_note)}" if job.late_note else "",
    ]
    if late_job.unreadable_sha256 is not None:
        file = pictures / late_job.unreadable_sha256
        facts.append(f"downloaded instead: {late_job.unreadable_bytes} bytes in {file}")
    return ", ".join(filter(None, facts))
