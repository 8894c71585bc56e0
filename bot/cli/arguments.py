"""The arguments of the command line, in a module that loads nothing of what the commands need."""

from __future__ import annotations

import argparse
from pathlib import Path

from bot import __version__
from bot.cli.argument_types import file_path
from bot.cli.operator import arguments as operator_arguments
from bot.config.program_name import program_name


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line; `command` is None where none is given."""
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
    _add_init(
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
    operator_arguments.add_subcommands(operator_parser, config)
    return parser


def _add_init(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--env",
        type=Path,
        metavar="FILE",
        help="write an env file, for Docker or systemd, and no config.toml",
    )
    parser.add_argument(
        "--secrets",
        type=Path,
        metavar="FOLDER",
        help="write the token and the key into files of their own in this folder",
    )
