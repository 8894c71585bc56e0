"""Run the bot against the fake Discord.

`python -m tests.e2e.bot_entry [ARGUMENT ...]`, with arguments as for `python -m bot`.

This sets discord.py's three URL constants to the API's and the gateway's URL in KUAS_E2E_DISCORD, and the
first wait for Discord and for Rivya to KUAS_E2E_FIRST_WAIT_SECONDS, and then calls the bot's own `main`. No
name is looked up: KUAS_E2E_HOSTS has those that are known, as `name=address,...`. With KUAS_E2E_LOOP=asyncio
uvloop cannot be imported, as where it is not installed. With KUAS_E2E_REPORT_LEAKS=1 every asyncio task that
is still pending when `main` has ended is written to standard error.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from typing import Any

import discord.gateway
import discord.http
import yarl

from bot.__main__ import main
from bot.discord_client import retries
from bot.network.addresses import is_ip_address
from bot.rivya.client import RivyaClient

MAX_SECONDS = 600


def set_urls(api_url: str, gateway_url: str) -> None:
    discord.http.Route.BASE = api_url
    discord.Asset.BASE = str(yarl.URL(api_url).origin())
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway_url)


def replace_resolver(hosts: str) -> None:
    """Answer like a resolver that knows these names alone; addresses and localhost stay as they are."""
    known = dict(pair.split("=") for pair in hosts.split(",") if pair)
    look_up = socket.getaddrinfo

    def address(host: Any) -> Any:
        if host in known or host is None or host == "localhost" or is_ip_address(str(host)):
            return known.get(host, host)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    def getaddrinfo(host: Any, *arguments: Any, **options: Any) -> Any:
        return look_up(address(host), *arguments, **options)

    socket.getaddrinfo = getaddrinfo
    try:
        import uvloop  # noqa: PLC0415  # it may not be installed, or be hidden
    except ImportError:
        return
    loop_look_up = uvloop.Loop.getaddrinfo  # does not call that of `socket`

    async def loop_getaddrinfo(loop: Any, host: Any, *arguments: Any, **options: Any) -> Any:
        return await loop_look_up(loop, address(host), *arguments, **options)

    uvloop.Loop.getaddrinfo = loop_getaddrinfo  # type: ignore[assignment,method-assign]


def hide_uvloop() -> None:
    """Let an import of uvloop raise ModuleNotFoundError."""
    sys.modules["uvloop"] = None  # type: ignore[assignment]


def set_first_wait_for_rivya(seconds: float) -> None:
    defaults = RivyaClient.__init__.__kwdefaults__
    assert defaults is not None
    assert "first_wait_seconds" in defaults
    defaults["first_wait_seconds"] = seconds


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


def prepare() -> None:
    """Do all this in the process that is going to be the bot."""
    signal.alarm(MAX_SECONDS)  # ends the process even if the test was killed
    set_urls(*os.environ["KUAS_E2E_DISCORD"].split())
    if os.environ.get("KUAS_E2E_LOOP") == "asyncio":
        hide_uvloop()
    replace_resolver(os.environ.get("KUAS_E2E_HOSTS", ""))
    if seconds := os.environ.get("KUAS_E2E_FIRST_WAIT_SECONDS"):
        retries.FIRST_WAIT_SECONDS = float(seconds)
        set_first_wait_for_rivya(float(seconds))
    if os.environ.get("KUAS_E2E_REPORT_LEAKS"):
        report_leaks()


if __name__ == "__main__":
    prepare()
    sys.exit(main())
