"""The composition root: builds everything in order, closes it in reverse.

Owns the wiring. Never imports anything of ours but assembly, backups, bot.client, calls, commands, courier,
crier, database, departures, durations, engine, erasures, fetch, herald, keepings, ledger, metrics, monitor,
notices, outage, rivya.client, rounds, settings, shelf, spokesman, syncs, tools, upkeep, wallet.
"""

from __future__ import annotations

import asyncio
import gc
import math
import signal
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

from bot.background.alert_notifier import Herald
from bot.background.balance_monitor import Wallet
from bot.background.maintenance import EVERY_SECONDS, Upkeep, chores
from bot.background.periodic import Rounds
from bot.discord_client.client import KuasClient
from bot.discord_client.command_syncs import Syncs
from bot.engine.circuit_breaker import Outage
from bot.engine.engine import Engine
from bot.engine.polling.duration_store import Durations
from bot.engine.timings import Beat
from bot.images.downloads import Fetcher
from bot.jobs.picture_retention import Keepings
from bot.observability.http_server import Monitor
from bot.observability.metrics import Metrics
from bot.observability.operator_log import Notices
from bot.privacy.erasure import Erasures
from bot.privacy.guild_departures import Departures
from bot.rivya.client import Rivya, open_session
from bot.storage.backups import Backups
from bot.storage.database import Database
from bot.stores import Shelf
from cogs.delivery.discord_delivery import DiscordCourier
from cogs.notifications.notifier import DiscordCrier
from cogs.operator.commands import add_operator
from cogs.registry import Parts, add_commands
from cogs.ui.error_reporter import Spokesman

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from bot.config.settings import Settings
    from bot.credits.ledger import Ledger
    from bot.discord_client.client import Hook
    from bot.rivya.calls import Attempt

log = structlog.get_logger(__name__)

PROBE_BEATS: Final = 6
"""How often an outage is looked into, in polls: every 30 s as things come."""


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
        OperatorError: `database`; the file cannot be used. `monitor`; the port cannot.
    """
    async with AsyncExitStack() as stack:
        database = await Database.open(settings.database.path)
        stack.push_async_callback(database.close)
        shelf, notices, metrics = Shelf.of(database, settings), Notices(), Metrics()
        await Keepings(database, shelf.vault).move_out()
        rivya, outage = await _rivya(stack, settings, notices, metrics)
        upkeep, departures = _upkeep(stack, shelf, notices, settings)
        fetcher = await stack.enter_async_context(Fetcher(allow_loopback=settings.network.allow_loopback))

        # The hooks name the engine, which needs the courier, which needs the client.
        async def add_cogs(client: KuasClient) -> None:
            await add_commands(client, Parts(engine, herald, shelf, outage, fetcher))
            await add_operator(client, settings.discord.operator_guild, database, shelf.ledger.default, rivya)

        async def resume(_: KuasClient) -> None:
            await engine.resume()
            herald.start()
            wallet.start()
            upkeep.start()

        client = _client(database, notices, departures, add_cogs, resume)
        stack.push_async_callback(client.close)
        engine = _engine(shelf, DiscordCourier(client), rivya, fetcher, (notices, outage, metrics), settings)
        herald, wallet = _criers(stack, client, shelf, rivya, notices, settings)
        stack.push_async_callback(engine.close)
        await _listen(stack, settings, Seen(client, outage, shelf), metrics)
        yield App(client, engine, shelf.ledger)


def _engine(
    shelf: Shelf,
    courier: DiscordCourier,
    rivya: Rivya,
    fetcher: Fetcher,
    watching: tuple[Notices, Outage, Metrics],
    settings: Settings,
) -> Engine:
    """Who walks the jobs; it walks none before it is told to resume."""
    notices, outage, metrics = watching
    return Engine(
        store=shelf.store,
        ledger=shelf.ledger,
        rivya=rivya,
        fetcher=fetcher,
        courier=courier,
        notices=notices,
        outage=outage,
        metrics=metrics,
        durations=Durations(shelf.database),
        beat=Beat(settings.rivya.first_poll_seconds, settings.rivya.poll_seconds),
        max_running=settings.rivya.max_running,
        scratch=_scratch(settings.database.path),
        vault=shelf.vault,
    )


def _scratch(database: Path) -> Path:
    """Beside the database, whose lock says that no other process is using it."""
    return database.with_name(database.name + ".scratch")


def _client(
    database: Database, notices: Notices, departures: Departures, on_setup: Hook, on_synced: Hook
) -> KuasClient:
    """The way to Discord."""
    return KuasClient(
        record=Syncs(database),
        guild_record=departures,
        spokesman=Spokesman(notices),
        on_setup=on_setup,
        on_synced=on_synced,
    )


async def _listen(stack: AsyncExitStack, settings: Settings, seen: Seen, metrics: Metrics) -> None:
    """Open the monitoring port, if there is to be one."""
    if settings.monitor.port is not None:
        monitor = Monitor(seen, metrics)
        await stack.enter_async_context(monitor.listening(settings.monitor.host, settings.monitor.port))


def _upkeep(
    stack: AsyncExitStack, shelf: Shelf, notices: Notices, settings: Settings
) -> tuple[Rounds, Departures]:
    """What is done every hour, not begun yet, and who remembers which servers are gone."""
    database = shelf.database
    departures = Departures(database, settings.privacy.leave_grace_days)
    folder = settings.backup.folder or settings.database.path.with_name("backups")
    every_hour = chores(
        database,
        erasures=Erasures(database),
        departures=departures,
        backups=Backups(settings.database.path, folder, settings.backup.keep),
        keepings=Keepings(database, shelf.vault),
        privacy=settings.privacy,
    )
    rounds = Rounds("upkeep", Upkeep(every_hour, notices).once, EVERY_SECONDS, notices)
    stack.push_async_callback(rounds.close)
    return rounds, departures


def _criers(
    stack: AsyncExitStack,
    client: KuasClient,
    shelf: Shelf,
    rivya: Rivya,
    notices: Notices,
    settings: Settings,
) -> tuple[Herald, Wallet]:
    """Who speaks up unasked, not begun yet: to a server's admins, and to the operator."""
    crier = DiscordCrier(client, settings.discord.operator_channel)
    herald = Herald(shelf.alerts, crier, notices)
    wallet = Wallet(rivya, crier, settings.rivya.wallet_alert_credits, notices)
    stack.push_async_callback(herald.close)
    stack.push_async_callback(wallet.close)
    return herald, wallet


async def _rivya(
    stack: AsyncExitStack, settings: Settings, notices: Notices, metrics: Metrics
) -> tuple[Rivya, Outage]:
    """The way to Rivya, and who notices that it is closed."""

    def watch(attempt: Attempt) -> None:
        metrics.attempted(attempt)
        outage.heard(answered=attempt.answered)

    rivya = Rivya(
        await stack.enter_async_context(open_session()),
        base_url=settings.rivya.base_url,
        api_key=settings.rivya.api_key.get_secret_value(),
        watch=watch,
    )
    outage = Outage(rivya.credits, notices, probe_seconds=PROBE_BEATS * settings.rivya.poll_seconds)
    stack.push_async_callback(outage.close)
    return rivya, outage


@dataclass(frozen=True, slots=True)
class Seen:
    """What the monitor sees of the bot."""

    client: KuasClient
    outage: Outage
    shelf: Shelf

    @property
    def connected(self) -> bool:
        """Whether every shard is."""
        shards = self.client.shards.values()
        return bool(shards) and not any(shard.is_closed() for shard in shards)

    @property
    def gateway_latency_seconds(self) -> float:
        """The slowest shard's."""
        return max((shard for _, shard in self.client.latencies), default=math.inf)

    @property
    def rivya_down(self) -> bool:
        """Whether there is an outage."""
        return self.outage.lasts

    async def running(self) -> Mapping[str, int]:
        """Jobs by stage."""
        return await self.shelf.store.running()

    async def held_credits(self) -> int:
        """Credits set aside."""
        return await self.shelf.ledger.held_credits()


def ease_collection() -> None:
    """Let Python look for cycles less often: among ten thousand jobs a look stops the loop for a while.

    Little here makes cycles, so little is gained by looking: https://docs.python.org/3/library/gc.html
    """
    gc.set_threshold(50_000, 20, 100)


async def run(settings: Settings) -> None:
    """Run until Discord ends the connection for good, or until SIGTERM or SIGINT.

    Raises:
        OperatorError: somebody must act first: the database, the token, the portal.
        TryLater: Discord is out of reach.
    """
    ease_collection()
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
