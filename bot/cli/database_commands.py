"""The commands `ledger`, `backup` and `restore`, which need the file of the database alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bot.cli.output import print_error, print_line, report
from bot.config import loader
from bot.credits import ledger_export
from bot.observability import log_setup
from bot.storage import backups, copies

if TYPE_CHECKING:
    import argparse


def ledger(args: argparse.Namespace) -> int:
    """Print the ledger as JSON lines; returns the exit code.

    Raises:
        SettingsError: the settings are wrong.
        OperatorError: `database` or `backup`; a file cannot be used.
    """
    log_setup.configure("warning", "console")  # to standard error
    for entry in ledger_export.export_ledger(loader.load_database(args.config).path):
        print_line(json.dumps(entry))
    return 0


def backup(args: argparse.Namespace) -> int:
    """Copy the database; returns the exit code.

    Raises:
        SettingsError: the settings are wrong.
        OperatorError: `database` or `backup`; a file cannot be used.
    """
    log_setup.configure("warning", "console")  # to standard error
    copies.backup(loader.load_database(args.config).path, args.path)
    report(f"the whole database is in {args.path}")
    return 0


def restore(args: argparse.Namespace) -> int:
    """Replace the database by a copy; returns the exit code.

    Raises:
        SettingsError: the settings are wrong.
        OperatorError: `database` or `backup`; a file cannot be used.
    """
    log_setup.configure("warning", "console")  # or structlog would print to standard output
    database = loader.load_database(args.config).path.absolute()
    print_error(*loader.hints())  # `BOT_DATABASE_PATH` would mean another file
    aside = backups.restore(args.path, database)
    report(f"{database} is now what {args.path} holds")
    if aside is not None:
        report(f"what it was before is in {aside}")
    return 0
