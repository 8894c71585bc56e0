"""The command `health`. Docker runs it every 30 seconds, so it loads little: no aiohttp, and not the bot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.cli.output import FAILED, report
from bot.config import loader
from bot.domain.errors import OperatorError
from bot.observability.probes import probe_health

if TYPE_CHECKING:
    import argparse


def run(args: argparse.Namespace) -> int:
    """Ask a running bot whether it works; returns the exit code.

    Raises:
        SettingsError: the settings are wrong.
        OperatorError: `monitor`; nothing answers there. `settings`; no port is set.
    """
    monitor = loader.load_monitor(args.config)
    if monitor.port is None:
        if args.port_optional:
            report("monitor.port is not set: nothing to ask")
            return 0
        raise OperatorError("settings", "monitor.port: not set, so the bot answers no health checks")
    ok, text = probe_health(monitor.host, monitor.port)
    report(text)
    return 0 if ok else FAILED
