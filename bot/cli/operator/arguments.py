"""The arguments of `operator`, in a module that loads nothing of what its subcommands need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.cli import argument_types
from bot.domain.ids import ALL_GUILDS

if TYPE_CHECKING:
    import argparse

DEFAULT_DAYS: Final = 30
ADMISSION_STATES: Final = ("waiting", "allowed", "refused")


def add_subcommands(operator: argparse.ArgumentParser, config: argparse.ArgumentParser) -> None:
    """Add the subcommands of `operator`; `config` holds the arguments that every command takes."""
    subcommands = operator.add_subparsers(dest="subcommand", metavar="SUBCOMMAND", required=True)
    pause = subcommands.add_parser(
        "pause", parents=[config], help="accept no new pictures, in one server or all"
    )
    resume = subcommands.add_parser("resume", parents=[config], help="end a pause")
    for parser in (pause, resume):
        parser.add_argument(
            "--guild", type=argument_types.guild_id, default=ALL_GUILDS, help="one server (default: all)"
        )
    pause.add_argument("--sentence", type=argument_types.sentence, default="", help="what members read")
    resume.set_defaults(sentence="")
    _add_ceiling(subcommands.add_parser("ceiling", parents=[config], help="cap what servers may spend"))
    _add_reconcile(
        subcommands.add_parser("reconcile", parents=[config], help="compare the ledger with Rivya")
    )
    close = subcommands.add_parser("close", parents=[config], help="set by hand what a job in doubt has cost")
    close.add_argument("job", type=argument_types.sentence, help="the job's id")
    close.add_argument(
        "credits", type=argument_types.credits, help="what Rivya charged; 0 gives the credits back"
    )
    close.add_argument("reason", type=argument_types.reason, help="how you know; it is recorded")
    _add_admission(subcommands, config)
    _add_late_jobs(subcommands, config)
    subcommands.add_parser("wallet", parents=[config], help="show Rivya's wallet and the held credits")
    subcommands.add_parser(
        "models", parents=[config], help="list the models, which are offered, and what each costs now"
    )
    guilds = subcommands.add_parser("guilds", parents=[config], help="show what each server spends")
    guilds.add_argument(
        "--period", choices=argument_types.PERIODS, default="month", help="the period, in UTC"
    )
    argument_types.add_page(guilds)


def _add_ceiling(parser: argparse.ArgumentParser) -> None:
    scope = parser.add_mutually_exclusive_group(required=True)
    scope.add_argument("--guild", type=argument_types.guild_id, help="one server")
    scope.add_argument("--each", action="store_true", help="each server that has no ceiling of its own")
    scope.add_argument("--all", action="store_true", help="all servers together")
    change = parser.add_mutually_exclusive_group(required=True)
    change.add_argument(
        "--credits", type=argument_types.credits, help="what they may spend; 0 stops new pictures"
    )
    change.add_argument("--remove", action="store_true", help="remove the ceiling")
    parser.add_argument(
        "--period", choices=argument_types.PERIODS, default="month", help="the period, in UTC"
    )
    parser.add_argument("--reason", type=argument_types.sentence, default="", help="why; it is recorded")


def _add_reconcile(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--days", type=argument_types.days, default=DEFAULT_DAYS, help="how far back")
    parser.add_argument("--since", type=argument_types.timestamp, help="from this time on, instead of --days")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--show", type=argument_types.run_id, metavar="RUN", help="show what a run has found")
    mode.add_argument("--apply", type=argument_types.run_id, metavar="RUN", help="book what a run has proven")


def _add_admission(
    subcommands: argparse._SubParsersAction[argparse.ArgumentParser], config: argparse.ArgumentParser
) -> None:
    listing = subcommands.add_parser(
        "admissions", parents=[config], help="list which servers wait, are allowed or refused"
    )
    listing.add_argument("--state", choices=ADMISSION_STATES, help="only these (default: all)")
    allow = subcommands.add_parser("allow", parents=[config], help="let a server have pictures")
    refuse = subcommands.add_parser("refuse", parents=[config], help="refuse a server, and leave it in a day")
    for parser in (allow, refuse):
        parser.add_argument("guild", type=argument_types.guild_id, help="the server's id")
    allow.add_argument("credits", type=argument_types.credits, help="its ceiling, which no admin can pass")
    allow.add_argument(
        "--period",
        choices=argument_types.PERIODS,
        help="the period, in UTC (default: that of its ceiling now)",
    )
    refuse.add_argument("--yes", action="store_true", help="do not ask")


def _add_late_jobs(
    subcommands: argparse._SubParsersAction[argparse.ArgumentParser], config: argparse.ArgumentParser
) -> None:
    late = subcommands.add_parser("late", parents=[config], help="list the jobs that take too long")
    argument_types.add_page(late)
    retry = subcommands.add_parser("retry", parents=[config], help="have a late job tried now")
    abandon = subcommands.add_parser(
        "abandon", parents=[config], help="end the wait for a late job; what Rivya may charge stays held"
    )
    release = subcommands.add_parser(
        "release", parents=[config], help="end the wait for a late job and release its credits"
    )
    for parser in (retry, abandon, release):
        parser.add_argument("job", type=argument_types.sentence, help="the job's id")
    for parser in (abandon, release):
        parser.add_argument("reason", type=argument_types.reason, help="why; it is recorded")
    release.add_argument("--yes", action="store_true", help="do not ask")
