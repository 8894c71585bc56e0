"""The command line: `python -m bot`, and `kuas` where the wheel is installed."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from bot import __version__, app, event_loop
from bot.cli import checks, init, operator, output
from bot.cli.argument_types import file_path
from bot.cli.output import FAILED
from bot.config import loader
from bot.config.program_name import program_name
from bot.credits import ledger_export
from bot.domain.errors import KuasError, OperatorError
from bot.observability import http_server, log_setup
from bot.storage import backups, copies
from bot.storage.file_lock import is_missing

if TYPE_CHECKING:
    from collections.abc import Sequence

log = structlog.get_logger(__name__)

WRONG_SETTINGS = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. A failure is one line on standard error."""
    output.prepare_streams()
    try:
        args = _parser().parse_args(arguments)
        code = _COMMANDS[args.command or "run"](args)
    except loader.SettingsError as error:
        output.print_error(*error.lines)
        code = WRONG_SETTINGS
    except KuasError as error:
        output.print_error(str(error))
        code = FAILED
    except (KeyboardInterrupt, output.OutputError):
        code = FAILED
    except SystemExit:  # argparse has printed its help, or what is wrong with the arguments
        output.flush_streams()
        raise
    return code if output.flush_streams() else code or FAILED


def _run(args: argparse.Namespace) -> int:
    loaded = loader.load(args.config)
    log_setup.configure(loaded.log.level, loaded.log.format)
    log.info("settings file", file=loader.describe_file(args.config, loaded.database))
    for hint in loader.hints():
        log.warning("settings", hint=hint)
    if is_missing(path := loaded.database.path.absolute()):
        # A warning, since a path that is spelled wrong makes one, too.
        log.warning("no database at this path yet; a start makes one", path=str(path))
    with event_loop.open_runner() as runner:
        runner.run(app.run(loaded))
    return 0


def _check(args: argparse.Namespace) -> int:
    loaded = loader.load(args.config)
    log_setup.configure("error", loaded.log.format)
    output.report("ok    settings: every key is understood")
    output.report(f"ok    settings file: {loader.describe_file(args.config, loaded.database)}")
    for hint in loader.hints():
        output.report(f"note  settings: {hint}")

    async def run_checks() -> bool:
        all_ok = True
        async for result in checks.run_checks(loaded, args.channel):
            output.report(f"{result.status:<5} {result.name}: {result.detail}")
            all_ok = all_ok and result.ok
        return all_ok

    return 0 if asyncio.run(run_checks()) else FAILED


def _ledger(args: argparse.Namespace) -> int:
    log_setup.configure("warning", "console")  # to standard error
    for entry in ledger_export.export_ledger(loader.load_database(args.config).path):
        output.print_line(json.dumps(entry))
    return 0


def _backup(args: argparse.Namespace) -> int:
    log_setup.configure("warning", "console")  # to standard error
    copies.backup(loader.load_database(args.config).path, args.path)
    output.report(f"the whole database is in {args.path}")
    return 0


def _restore(args: argparse.Namespace) -> int:
    log_setup.configure("warning", "console")  # or structlog would print to standard output
    database = loader.load_database(args.config).path.absolute()
    output.print_error(*loader.hints())  # `BOT_DATABASE_PATH` would mean another file
    aside = backups.restore(args.path, database)
    output.report(f"{database} is now what {args.path} holds")
    if aside is not None:
        output.report(f"what it was before is in {aside}")
    return 0


def _health(args: argparse.Namespace) -> int:
    monitor = loader.load_monitor(args.config)
    if monitor.port is None:
        if args.port_optional:
            output.report("monitor.port is not set: nothing to ask")
            return 0
        raise OperatorError("settings", "monitor.port: not set, so the bot answers no health checks")
    ok, text = asyncio.run(http_server.probe_health(monitor.host, monitor.port))
    output.report(text)
    return 0 if ok else FAILED


_COMMANDS = {
    "run": _run,
    "init": init.run,
    "check": _check,
    "ledger": _ledger,
    "backup": _backup,
    "restore": _restore,
    "operator": operator.run,
    "health": _health,
}


def _parser() -> argparse.ArgumentParser:
    # --config may stand before or after the command. SUPPRESS: its default after the command must not replace
    # a path before it.
    config = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    where = "settings (default: config.toml here, else kuas/config.toml in the user's configuration folder)"
    config.add_argument("--config", type=Path, metavar="PATH", help=where)
    parser = argparse.ArgumentParser(prog=program_name(), description="Kuas, a Discord bot that paints.")
    parser.add_argument("--version", action="version", version=f"Kuas {__version__}")
    parser.add_argument("--config", type=Path, metavar="PATH", help=where)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser("run", parents=[config], help="run the bot (the default)")
    init.add_arguments(
        commands.add_parser("init", parents=[config], help="ask for the settings and write them to a file")
    )
    check = commands.add_parser("check", parents=[config], help="check settings, database, Discord and Rivya")
    check.add_argument(
        "--channel", type=int, action="append", default=[], metavar="ID", help="check this channel, too"
    )
    commands.add_parser("ledger", parents=[config], help="print the ledger as JSON lines")
    backup = commands.add_parser("backup", parents=[config], help="copy the database while the bot runs")
    backup.add_argument("path", type=file_path, help="the copy; must not exist yet")
    restore = commands.add_parser("restore", parents=[config], help="replace the database by a copy")
    restore.add_argument("path", type=file_path, help="the copy; the bot must be stopped")
    health = commands.add_parser("health", parents=[config], help="ask the running bot whether it works")
    health.add_argument("--port-optional", action="store_true", help="without monitor.port, exit with 0")
    operator_parser = commands.add_parser(
        "operator",
        parents=[config],
        help="allow servers, set ceilings, pause, end late jobs, compare the ledger",
    )
    operator.add_subcommands(operator_parser, config)
    return parser


if __name__ == "__main__":
    sys.exit(main())
