"""The composition root: builds everything in order, closes it in reverse."""

from __future__ import annotations

import asyncio
import gc
import math
import signal
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog

from bot.background.alert_notifier import AlertNotifier
from bot.background.balance_monitor import BalanceMonitor
from bot.background.maintenance import INTERVAL_SECONDS, maintenance_tasks, run_chores
from bot.background.periodic import PeriodicTask
from bot.discord_client.client import KuasClient
from bot.discord_client.command_syncs import CommandSyncStore
from bot.engine.circuit_breaker import CircuitBreaker
from bot.engine.engine import JobEngine
from bot.engine.polling.duration_store import TaskDurationStore
from bot.engine.timings import Timings
from bot.images.downloads import Downloader
from bot.jobs.picture_retention import PictureRetention
from bot.observability.http_server import MonitoringServer
from bot.observability.metrics import Metrics
from bot.observability.operator_log import OperatorLog
from bot.privacy.erasure import ErasureRequests
from bot.privacy.guild_departures import GuildDepartures
from bot.rivya.client import RivyaClient, open_session
from bot.storage.backups import Backups
from bot.storage.database import Database
from bot.stores import Stores
from cogs.delivery.discord_delivery import DiscordDelivery
from cogs.notifications.notifier import DiscordNotifier
from cogs.registry import register
from cogs.ui.error_reporter import DiscordErrorReporter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from bot.config.settings import Settings
    from bot.credits.ledger import Ledger
    from bot.rivya.calls import Attempt

log = structlog.get_logger(__name__)

PROBE_POLLS: Final = 6
"""How often an outage is looked into, in polls: every 30 s as things come."""


@dataclass(frozen=True, slots=True)
class App:
    """The built bot, not connected yet."""

    client: KuasClient
    engine: JobEngine
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
        operator_log, metrics = OperatorLog(), Metrics()
        stores = Stores.open(database, settings, metrics)
        stack.callback(stores.reports.close)
        await PictureRetention(database, stores.pictures).migrate_inline_pictures()
        rivya, circuit_breaker = await _rivya(stack, settings, operator_log, metrics)
        maintenance, departures = _maintenance(stack, stores, operator_log, settings)
        downloader = await stack.enter_async_context(
            Downloader(allow_loopback=settings.network.allow_loopback)
        )
        error_reporter = DiscordErrorReporter(operator_log)
        client = KuasClient(command_syncs=CommandSyncStore(database), error_reporter=error_reporter)
        stack.push_async_callback(client.close)
        delivery = DiscordDelivery(client)
        engine = _engine(
            stores, delivery, rivya, downloader, operator_log, circuit_breaker, metrics, settings
        )
        alert_notifier, balance_monitor = _notifiers(stack, client, stores, rivya, operator_log, settings)
        stack.push_async_callback(engine.close)
        client.on_setup = partial(
            register,
            engine=engine,
            alert_notifier=alert_notifier,
            stores=stores,
            circuit_breaker=circuit_breaker,
            downloader=downloader,
            departures=departures,
            rivya=rivya,
            error_reporter=error_reporter,
            operator_guild=settings.discord.operator_guild,
        )
        client.on_synced = partial(_resume, engine, (alert_notifier, balance_monitor, maintenance))
        await _listen(stack, settings, AppHealth(client, circuit_breaker, stores), metrics)
        yield App(client, engine, stores.ledger)


async def _resume(
    engine: JobEngine, tasks: tuple[AlertNotifier, BalanceMonitor, PeriodicTask], _: KuasClient
) -> None:
    """Go on with the jobs of the last run, and start what runs beside them."""
    await engine.resume()
    for task in tasks:
        task.start()


def _engine(
    stores: Stores,
    delivery: DiscordDelivery,
    rivya: RivyaClient,
    downloader: Downloader,
    operator_log: OperatorLog,
    circuit_breaker: CircuitBreaker,
    metrics: Metrics,
    settings: Settings,
) -> JobEngine:
    """Build the engine; it runs no job before `resume`."""
    return JobEngine(
        store=stores.jobs,
        ledger=stores.ledger,
        rivya=rivya,
        downloader=downloader,
        delivery=delivery,
        operator_log=operator_log,
        circuit_breaker=circuit_breaker,
        metrics=metrics,
        durations=TaskDurationStore(stores.database),
        timings=Timings(
            settings.rivya.first_poll_seconds, settings.rivya.poll_seconds, settings.rivya.adaptive_polling
        ),
        max_running=settings.rivya.max_running,
        scratch=_temp_folder(settings.database.path),
        picture_store=stores.pictures,
    )


def _temp_folder(database: Path) -> Path:
    """Beside the database, whose lock says that no other process is using it."""
    return database.with_name(database.name + ".scratch")


async def _listen(stack: AsyncExitStack, settings: Settings, seen: AppHealth, metrics: Metrics) -> None:
    """Open the monitoring port, if there is to be one."""
    if settings.monitor.port is not None:
        monitor = MonitoringServer(seen, metrics)
        await stack.enter_async_context(monitor.serve(settings.monitor.host, settings.monitor.port))


def _maintenance(
    stack: AsyncExitStack, stores: Stores, operator_log: OperatorLog, settings: Settings
) -> tuple[PeriodicTask, GuildDepartures]:
    """What is done every hour, not begun yet, and who remembers which servers are gone."""
    database = stores.database
    departures = GuildDepartures(database, settings.privacy.leave_grace_days)
    folder = settings.backup.folder or settings.database.path.with_name("backups")
    every_hour = maintenance_tasks(
        database,
        erasures=ErasureRequests(database),
        departures=departures,
        backups=Backups(settings.database.path, folder, settings.backup.keep),
        picture_retention=PictureRetention(database, stores.pictures),
        privacy=settings.privacy,
    )
    task = PeriodicTask(
        "upkeep", partial(run_chores, every_hour, operator_log), INTERVAL_SECONDS, operator_log
    )
    stack.push_async_callback(task.close)
    return task, departures


def _notifiers(
    stack: AsyncExitStack,
    client: KuasClient,
    stores: Stores,
    rivya: RivyaClient,
    operator_log: OperatorLog,
    settings: Settings,
) -> tuple[AlertNotifier, BalanceMonitor]:
    """Who speaks up unasked, not begun yet: to a server's admins, and to the operator."""
    notifier = DiscordNotifier(client, settings.discord.operator_channel)
    alert_notifier = AlertNotifier(stores.alerts, notifier, operator_log)
    balance_monitor = BalanceMonitor(
        rivya.credits, notifier, settings.rivya.wallet_alert_credits, operator_log
    )
    stack.push_async_callback(alert_notifier.close)
    stack.push_async_callback(balance_monitor.close)
    return alert_notifier, balance_monitor


async def _rivya(
    stack: AsyncExitStack, settings: Settings, operator_log: OperatorLog, metrics: Metrics
) -> tuple[RivyaClient, CircuitBreaker]:
    """The way to Rivya, and who notices that it is closed."""

    def watch(attempt: Attempt) -> None:
        metrics.record_attempt(attempt)
        circuit_breaker.record(answered=attempt.answered)

    rivya = RivyaClient(
        await stack.enter_async_context(open_session()),
        base_url=settings.rivya.base_url,
        api_key=settings.rivya.api_key.get_secret_value(),
        watch=watch,
    )
    circuit_breaker = CircuitBreaker(
        rivya.credits, operator_log, probe_seconds=PROBE_POLLS * settings.rivya.poll_seconds
    )
    stack.push_async_callback(circuit_breaker.close)
    return rivya, circuit_breaker


@dataclass(frozen=True, slots=True)
class AppHealth:
    """What the monitor sees of the bot."""

    client: KuasClient
    circuit_breaker: CircuitBreaker
    stores: Stores

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
        return self.circuit_breaker.is_open

    async def running(self) -> Mapping[str, int]:
        """Jobs by stage."""
        return await self.stores.jobs.count_by_stage()

    async def held_credits(self) -> int:
        """Credits set aside."""
        return await self.stores.ledger.held_credits()


def tune_gc() -> None:
    """Let Python look for cycles less often: among ten thousand jobs a look stops the loop for a while.

    Little here makes cycles, so little is gained by looking: https://docs.python.org/3/library/gc.html
    """
    gc.set_threshold(50_000, 20, 100)


async def run(settings: Settings) -> None:
    """Run until Discord ends the connection for good, or until SIGTERM or SIGINT.

    Raises:
        OperatorError: somebody must act first: the database, the token, the portal.
        TransientError: Discord is out of reach.
    """
    tune_gc()
    async with open_app(settings) as app:
        told = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, told.set)
        serving = asyncio.create_task(
            app.client.start(settings.discord.token.get_secret_value()), name="discord"
        )
        stopping = asyncio.create_task(told.wait(), name="signals")
        await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
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
