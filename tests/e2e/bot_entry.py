"""The bot's process, pointed at the loopback Discord.

`python -m tests.e2e.bot_entry API_URL GATEWAY_URL [ARGUMENT ...]`, with arguments as for `python -m bot`.

discord.py's addresses are constants. They are changed here, and then the bot's own `main` runs; nothing else
is touched. With KUAS_WIRE_LEFTOVERS=1 asyncio says which tasks were still there when the bot had ended.
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

LIFE_SECONDS = 600


def point_at(api_url: str, gateway_url: str) -> None:
    discord.http.Route.BASE = api_url
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway_url)


def report_leaks() -> None:
    """What `asyncio.run` cancels at its end is work that nobody closed."""
    runners: Any = asyncio.runners  # its private function is what cancels
    cancel_all = runners._cancel_all_tasks

    def tell_and_cancel(loop: asyncio.AbstractEventLoop) -> None:
        left = {task: getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks(loop)}
        # For two seconds after a READY discord.py itself waits for more servers, closed or not.
        waiting = {name for name in left.values() if name.startswith("AutoShardedConnectionState._delay_")}
        for task, name in left.items():
            if name not in waiting and not (waiting and name == "Queue.get"):
                print(f"LEFT OVER: {task!r}", file=sys.stderr)
        cancel_all(loop)

    runners._cancel_all_tasks = tell_and_cancel


if __name__ == "__main__":
    signal.alarm(LIFE_SECONDS)  # whatever becomes of the test, this process does not outlive it for long
    point_at(sys.argv[1], sys.argv[2])
    if os.environ.get("KUAS_WIRE_LEFTOVERS"):
        report_leaks()
    sys.exit(main(sys.argv[3:]))
