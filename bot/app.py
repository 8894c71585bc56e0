"""The composition root: builds everything in order, closes it in reverse.

Owns the wiring. Never imports anything of ours but bot.client, cogs.courier, cogs.credits, cogs.errors,
cogs.imagine, cogs.limits, database, engine, fetch, ledger, notices, rivya.client, settings, store, tools.
"""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from bot.client import KuasClient
from bot.database import Database
from bot.engine import Engine
from bot.fetch import Fetcher
from bot.ledger import Ledger, Limit
from bot.notices import Notices
from bot.rivya.client import Rivya, open_session
from bot.store import Store
from bot.tools import Beat
from cogs.courier import DiscordCourier
from cogs.credits import Credits
from cogs.errors import Spokesman
from cogs.imagine import Imagine
from cogs.limits import Limits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.settings import Settings

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class App:
    """The built bot, not connected yet."""

    client: KuasClient
    engine: Engine
    ledger: Ledger


@asynccontextmanager
async def open_app(settings: Settings) -> AsyncIterator[App]:
    """Build the bot; when the block ends, jobs are parked first and the database is closed last.

    Raises:
        OperatorError: `database`; the file cannot be used.
    """
    async with AsyncExitStack() as stack:
        database = await Database.open(settings.database.path)
        stack.push_async_callback(database.close)
        session = await stack.enter_async_context(open_session())
        fetcher = await stack.enter_async_context(Fetcher(allow_loopback=settings.network.allow_loopback))
        default = Limit(settings.limits.guild_credits, settings.limits.period)
        store, ledger, notices = Store(database, default), Ledger(database, default), Notices()

        # The client's hooks name the engine, which needs the courier, which needs the client.
        async def add_cogs(client: KuasClient) -> None:
            for cog in (Imagine(engine), Credits(ledger), Limits(ledger)):
                await client.add_cog(cog)

        async def resume(_: KuasClient) -> None:
            await engine.resume()

        client = KuasClient(record=store, spokesman=Spokesman(notices), on_setup=add_cogs, on_synced=resume)
        stack.push_async_callback(client.close)
        engine = Engine(
            store=store,
            ledger=ledger,
            rivya=Rivya(
                session,
                base_url=settings.rivya.base_url,
                api_key=settings.rivya.api_key.get_secret_value(),
            ),
            fetcher=fetcher,
            courier=DiscordCourier(client),
            notices=notices,
            beat=Beat(settings.rivya.first_poll_seconds, settings.rivya.poll_seconds),
            max_running=settings.rivya.max_running,
            # Beside the database, whose lock says that no other process is using it.
            scratch=settings.database.path.with_name(settings.database.path.name + ".scratch"),
        )
        stack.push_async_callback(engine.close)
        yield App(client, engine, ledger)


async def run(settings: Settings) -> None:
    """Run until Discord ends the connection for good, or until SIGTERM or SIGINT.

    Raises:
        OperatorError: somebody must act first: the database, the token, the portal.
        TryLater: Discord is out of reach.
    """
    async with open_app(settings) as app:
        told = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, told.set)
        serving = asyncio.create_task(
            app.client.start(settings.discord.token.get_secret_value()), name="discord"
        )
        ending = asyncio.create_task(told.wait(), name="signals")
        await asyncio.wait((serving, ending), return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        if not serving.done():
            log.info("closing: no new requests, running steps end, the rest waits for the next start")
            # While the steps end the gateway stays open, so that a member who asks is told politely.
            await app.engine.close()
            await app.client.close()
            # The library would go on trying to reach a gateway, and a login cut short is no trouble now.
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
            return
        await serving
