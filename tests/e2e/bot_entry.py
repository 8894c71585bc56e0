"""Run the bot against the fake Discord.

`python -m tests.e2e.bot_entry API_URL GATEWAY_URL [ARGUMENT ...]`, with arguments as for `python -m bot`.

This sets discord.py's two URL constants and then calls the bot's own `main`. With KUAS_E2E_REPORT_LEAKS=1
every asyncio task that is still pending when `main` has ended is written to standard error.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Any

import discord.gateway
import discord.http
import yarl

from bot.__main__ import main

MAX_SECONDS = 600


def set_urls(api_url: str, gateway_url: str) -> None:
    discord.http.Route.BASE = api_url
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway_url)


def report_leaks() -> None:
    """Report the tasks that `asyncio.run` cancels at its end: nobody awaited or closed them."""
    runners: Any = asyncio.runners  # it has no public hook
    cancel_all = runners._cancel_all_tasks

    def report_and_cancel(loop: asyncio.AbstractEventLoop) -> None:
        pending = {task: getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks(loop)}
        # For two seconds after READY discord.py itself waits for more servers, closed or not.
        waiting = {name for name in pending.values() if name.startswith("AutoShardedConnectionState._delay_")}
        for task, name in pending.items():
            if name not in waiting and not (waiting and name == "Queue.get"):
                print(f"LEAKED TASK: {task!r}", file=sys.stderr)
        cancel_all(loop)

    runners._cancel_all_tasks = report_and_cancel


if __name__ == "__main__":
    signal.alarm(MAX_SECONDS)  # ends the process even if the test was killed
    set_urls(sys.argv[1], sys.argv[2])
    if os.environ.get("KUAS_E2E_REPORT_LEAKS"):
        report_leaks()
    sys.exit(main(sys.argv[3:]))
