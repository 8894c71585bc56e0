"""The composition root: build everything in order, close it in reverse order."""

from __future__ import annotations

import asyncio
import gc
import math
import signal
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

import structlog

from bot.background.admission_notifier import AdmissionNotifier
from bot.background.alert_notifier import AlertNotifier
from bot.background.balance_monitor import BalanceMonitor
from bot.background.greeter import Greeter
from bot.background.maintenance import INTERVAL_SECONDS, maintenance_tasks, run_chores
from bot.background.model_monitor import ModelMonitor
from bot.background.periodic import PeriodicTask
from bot.credits.balance_warning import BalanceWarningStore
from bot.credits.guild_ceilings import apply_default_ceiling
from bot.credits.model_prices import ModelPriceStore
from bot.discord_client.client import KuasClient
from bot.discord_client.command_syncs import CommandSyncStore
from bot.domain.admission import AdmissionPolicy
from bot.domain.clock import now_ms
from bot.engine.circuit_breaker import CircuitBreaker
from bot.engine.engine import JobEngine
from bot.engine.job_files import JobFiles
from bot.engine.polling.duration_store import TaskDurationStore
from bot.engine.timings import Timings
from bot.images.downloads import Downloader
from bot.images.workers import ImageWorkers
from bot.jobs.picture_retention import PictureRetention
from bot.network.connections import Network
from bot.observability.cleanup import CleanupStack
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
from cogs.operator.admission_messenger import DiscordAdmissionMessenger
from cogs.pictures.running_jobs import RunningJobs
from cogs.registry import register
from cogs.ui.error_reporter import DiscordErrorReporter
from cogs.welcome.greeting_messenger import DiscordGreetingMessenger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping
    from pathlib import Path

    from bot.config.settings import NetworkSettings, Settings
    from bot.credits.ledger import Ledger
    from bot.rivya.calls import Attempt

    PeriodicWork = AlertNotifier | BalanceMonitor | AdmissionNotifier | Greeter | ModelMonitor | PeriodicTask

log = structlog.get_logger(__name__)

WAKEUP_SECONDS: Final = 15.0
"""How often the bot looks for jobs that another process has ended, or wants to be tried."""
PROBE_POLLS: Final = 6
"""Poll intervals between two probes while the circuit breaker is open: 30 s by default."""


@dataclass(frozen=True, slots=True)
class App:
    """The bot, built but not connected."""

    client: KuasClient
    engine: JobEngine
    ledger: Ledger
    model_monitor: ModelMonitor


@asynccontextmanager
async def open_app(settings: Settings) -> AsyncIterator[App]:
    """Build the bot; at the end of the block jobs are interrupted first and the database is closed last.

    Raises:
        OperatorError: `database` or `backup`; the file cannot be used. `monitor`; the port cannot.
            `settings`; the proxy or the file of certificate authorities cannot.
    """
    async with CleanupStack() as stack:
        network = Network.open(settings.network.ca_file)
        operator_log, metrics = OperatorLog(), Metrics(settings.rivya.catalog.known)
        stores = await _stores(stack, settings, metrics)
        rivya, circuit_breaker = await _rivya(stack, settings, network, operator_log, metrics)
        maintenance, departures = _maintenance(stack, stores, operator_log, settings)
        downloader = await _downloader(stack, settings.network, network)
        image_workers = stack.enter_context(closing(ImageWorkers(_scratch_folder(settings.database.path))))
        error_reporter = DiscordErrorReporter(operator_log)
        syncs = CommandSyncStore(stores.database)
        client = KuasClient(command_syncs=syncs, error_reporter=error_reporter, network=network)
        await stack.enter_async_context(client)
        files = JobFiles(stores.jobs, rivya, downloader, image_workers, stores.pictures, stores.catalog)
        delivery = await stack.enter_async_context(DiscordDelivery(client, stores, files, image_workers))
        engine = _engine(stores, delivery, rivya, files, operator_log, circuit_breaker, metrics, settings)
        notifiers = _notifiers(stack, client, stores, rivya, operator_log, settings)
        wakeups = _wakeups(stack, stores, engine, operator_log)
        stack.push_async_callback(engine.close)
        client.on_setup = partial(
            register,
            jobs=RunningJobs(engine, wakeups.trigger, delivery.groups.refresh),
            alert_notifier=notifiers.alerts,
            admission_notifier=notifiers.admissions,
            greeter=notifiers.greeter,
            stores=stores,
            circuit_breaker=circuit_breaker,
            downloader=downloader,
            image_workers=image_workers,
            departures=departures,
            rivya=rivya,
            error_reporter=error_reporter,
            operator_guild=settings.discord.operator_guild,
            about=settings.about,
        )
        client.on_synced = partial(_resume, engine, (*notifiers, maintenance, wakeups))
        await _listen(stack, settings, AppHealth(client, circuit_breaker, stores), metrics)
        yield App(client, engine, stores.ledger, notifiers.models)


async def _downloader(stack: CleanupStack, settings: NetworkSettings, network: Network) -> Downloader:
    return await stack.enter_async_context(
        Downloader(network, allow_loopback=settings.allow_loopback, allow_fake_ip=settings.allow_fake_ip)
    )


async def _stores(stack: CleanupStack, settings: Settings, metrics: Metrics) -> Stores:
    """Open the database; move what an old version kept otherwise, and store what transactions check."""
    database = await Database.open(settings.database.path, backup_folder=settings.backup_folder)
    stack.push_async_callback(database.close)
    stores = Stores.open(database, settings, metrics)
    stack.callback(stores.reports.close)
    await PictureRetention(stores.database, stores.pictures).migrate_inline_pictures()
    kept = await apply_default_ceiling(
        stores.database, settings.limits.ceiling, settings.limits.default, now_ms()
    )
    if kept:
        log.info("servers keep more than limits.guild_ceiling: operator guilds lists them", servers=kept)
    guilds, own = settings.guilds, settings.discord.operator_guild
    contact = settings.about.contact or ""
    await stores.admissions.set_policy(
        AdmissionPolicy(guilds.admission, frozenset(guilds.allowed), own, contact)
    )
    return stores


class Notifiers(NamedTuple):
    """The periodic tasks that tell admins, the operator and servers something."""

    alerts: AlertNotifier
    balance: BalanceMonitor
    admissions: AdmissionNotifier
    greeter: Greeter
    models: ModelMonitor


async def _resume(engine: JobEngine, tasks: Iterable[PeriodicWork], _: KuasClient) -> None:
    """Resume the jobs of the last run, and start the periodic tasks."""
    await engine.resume()
    for task in tasks:
        task.start()


def _scratch_folder(database_path: Path) -> Path:
    """Return the folder for temporary files: the lock of the database says that no other process uses it."""
    return database_path.with_name(database_path.name + ".scratch")


def _engine(
    stores: Stores,
    delivery: DiscordDelivery,
    rivya: RivyaClient,
    files: JobFiles,
    operator_log: OperatorLog,
    circuit_breaker: CircuitBreaker,
    metrics: Metrics,
    settings: Settings,
) -> JobEngine:
    """Build the engine; it runs no job before `resume`."""
    return JobEngine(
        catalog=stores.catalog,
        store=stores.jobs,
        ledger=stores.ledger,
        rivya=rivya,
        files=files,
        delivery=delivery,
        operator_log=operator_log,
        circuit_breaker=circuit_breaker,
        metrics=metrics,
        durations=TaskDurationStore(stores.database),
        timings=Timings(
            settings.rivya.first_poll_seconds, settings.rivya.poll_seconds, settings.rivya.adaptive_polling
        ),
        max_running=settings.rivya.max_running,
    )


def _wakeups(
    stack: CleanupStack, stores: Stores, engine: JobEngine, operator_log: OperatorLog
) -> PeriodicTask:
    """Build the task that wakes the jobs which the operator, or an erasure, has changed; not started yet."""

    async def wake() -> None:
        for wakeup in await stores.late_jobs.wakeups():
            await engine.wake(wakeup.job_id)
            await stores.late_jobs.forget_wakeup(wakeup)  # not before: an error must not lose it

    task = PeriodicTask("wakeups", wake, WAKEUP_SECONDS, operator_log)
    stack.push_async_callback(task.close)
    return task


async def _listen(stack: CleanupStack, settings: Settings, health: AppHealth, metrics: Metrics) -> None:
    """Open the monitoring port, if one is set."""
    if settings.monitor.port is not None:
        monitor = MonitoringServer(health, metrics)
        await stack.enter_async_context(monitor.serve(settings.monitor.host, settings.monitor.port))


def _maintenance(
    stack: CleanupStack, stores: Stores, operator_log: OperatorLog, settings: Settings
) -> tuple[PeriodicTask, GuildDepartures]:
    """Build the hourly task, which is not started yet, and the records of left servers."""
    database = stores.database
    departures = GuildDepartures(database, settings.privacy.leave_grace_days)
    every_hour = maintenance_tasks(
        database,
        erasures=ErasureRequests(database),
        departures=departures,
        backups=Backups(settings.database.path, settings.backup_folder, settings.backup.keep),
        picture_retention=PictureRetention(database, stores.pictures),
        privacy=settings.privacy,
    )
    task = PeriodicTask(
        "upkeep", partial(run_chores, every_hour, operator_log), INTERVAL_SECONDS, operator_log
    )
    stack.push_async_callback(task.close)
    return task, departures


def _notifiers(
    stack: CleanupStack,
    client: KuasClient,
    stores: Stores,
    rivya: RivyaClient,
    operator_log: OperatorLog,
    settings: Settings,
) -> Notifiers:
    """Build the periodic tasks, which are not started yet, that alert admins and the operator."""
    notifier = DiscordNotifier(client, settings.discord.operator_channel, stores.catalog)
    alert_notifier = AlertNotifier(stores.alerts, notifier, operator_log)
    balance_monitor = BalanceMonitor(
        rivya.credits,
        notifier,
        BalanceWarningStore(stores.database),
        settings.rivya.wallet_alert_credits,
        stores.catalog,
        operator_log,
    )
    admission_notifier = AdmissionNotifier(
        stores.admissions,
        stores.approvals,
        DiscordAdmissionMessenger(client, settings.discord.operator_channel, settings.about.contact or ""),
        operator_log,
    )
    messenger = DiscordGreetingMessenger(client, settings.about, stores.catalog)
    greeter = Greeter(stores.greetings, stores.approvals, messenger, operator_log)
    model_monitor = ModelMonitor(
        rivya.models,
        stores.catalog,
        notifier.tell_price_changes,
        ModelPriceStore(stores.database),
        operator_log,
    )
    for task in (greeter, admission_notifier, alert_notifier, balance_monitor, model_monitor):
        stack.push_async_callback(task.close)
    return Notifiers(alert_notifier, balance_monitor, admission_notifier, greeter, model_monitor)


async def _rivya(
    stack: CleanupStack,
    settings: Settings,
    network: Network,
    operator_log: OperatorLog,
    metrics: Metrics,
) -> tuple[RivyaClient, CircuitBreaker]:
    """Build the client of Rivya's API and its circuit breaker."""

    def watch(attempt: Attempt) -> None:
        metrics.record_attempt(attempt)
        circuit_breaker.record(answered=attempt.answered)

    rivya = RivyaClient(
        await stack.enter_async_context(open_session(network)),
        base_url=settings.rivya.base_url,
        api_key=settings.rivya.api_key.get_secret_value(),
        watch=watch,
    )
    circuit_breaker = CircuitBreaker(
        rivya.credits, operator_log, probe_seconds=PROBE_POLLS * settings.rivya.poll_seconds
    )
    stack.push_async_callback(circuit_breaker.stop_probing)
    return rivya, circuit_breaker


@dataclass(frozen=True, slots=True)
class AppHealth:
    """The state of the bot for `/healthz` and the metrics."""

    client: KuasClient
    circuit_breaker: CircuitBreaker
    stores: Stores

    @property
    def connected(self) -> bool:
        """Whether every shard is connected."""
        shards = self.client.shards.values()
        return bool(shards) and not any(shard.is_closed() for shard in shards)

    @property
    def not_connected_because(self) -> str:
        """What `/healthz` says while not every shard is connected."""
        if self.client.shards:
            return "no connection to the gateway"
        return f"not connected yet: {self.client.problem or 'logging in'}"

    @property
    def gateway_latency_seconds(self) -> float:
        """The latency of the slowest shard; infinite without one."""
        return max((shard for _, shard in self.client.latencies), default=math.inf)

    @property
    def rivya_down(self) -> bool:
        """Whether the circuit breaker is open."""
        return self.circuit_breaker.is_open

    async def running(self) -> Mapping[str, int]:
        """Return the number of unfinished jobs by stage."""
        return await self.stores.jobs.count_by_stage()

    async def held_credits(self) -> int:
        """Return the credits of all held reservations."""
        return await self.stores.ledger.held_credits()


def tune_gc() -> None:
    """Collect garbage less often: with ten thousand jobs a collection blocks the event loop noticeably.

    The program makes few reference cycles: https://docs.python.org/3/library/gc.html
    """
    gc.set_threshold(50_000, 20, 100)


async def run(settings: Settings) -> None:
    """Run until Discord ends the connection for good, or until SIGTERM or SIGINT.

    Raises:
        OperatorError: the database, the bot's token or a setting in Discord's portal has to be mended.
        TransientError: the connection to Discord broke in a way that only a new process can mend.
    """
    tune_gc()
    async with open_app(settings) as app:
        stop_requested = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop_requested.set)
        serving = asyncio.create_task(
            app.client.start(settings.discord.token.get_secret_value()), name="discord"
        )
        stopping = asyncio.create_task(stop_requested.wait(), name="signals")
        await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not serving.done():
            log.info("closing: no new requests, running steps end, the rest waits for the next start")
            # The gateway stays open while steps end, so that new requests are refused with a sentence.
            await app.engine.close()
            await app.client.close()
            # Else discord.py would go on connecting. That a login is cut short does not matter now.
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
            return
        await serving
