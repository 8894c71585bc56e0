"""The command `check`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bot.cli.check import checks
from bot.cli.output import FAILED, report
from bot.config import loader
from bot.observability import log_setup

if TYPE_CHECKING:
    import argparse


def run(args: argparse.Namespace) -> int:
    """Check everything that a start needs, and print it; returns the exit code.

    Raises:
        SettingsError: the settings are wrong.
    """
    loaded = loader.load(args.config)
    log_setup.configure("error", loaded.log.format)
    report("ok    settings: every key is understood")
    report(f"ok    settings file: {loader.describe_file(args.config, loaded.database)}")
    for hint in loader.hints():
        report(f"note  settings: {hint}")

    async def run_checks() -> bool:
        all_ok = True
        async for result in checks.run_checks(loaded, args.channel):
            report(f"{result.status:<5} {result.name}: {result.detail}")
            all_ok = all_ok and result.ok
        return all_ok

    return 0 if asyncio.run(run_checks()) else FAILED
