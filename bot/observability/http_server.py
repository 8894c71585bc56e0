"""A small web server for machines that watch: `/healthz` says whether the bot works, `/metrics` how.

It listens where the settings say, on this machine only unless told otherwise, shows no names and takes no
orders. `/healthz` answers 200 with `ok`, or 503 with one line for each thing that is wrong.

Owns the monitoring port.
"""

from __future__ import annotations

import asyncio
import math
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, Protocol

import aiohttp
import structlog
from aiohttp import web
from prometheus_client.aiohttp import make_aiohttp_handler

from bot.domain.errors import KuasError, OperatorError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from bot.observability.metrics import Metrics

log = structlog.get_logger(__name__)

LAG_INTERVAL_SECONDS: Final = 0.5
TIMEOUT_SECONDS: Final = 5.0


class HealthSource(Protocol):
    """What the monitor asks of the bot."""

    @property
    def connected(self) -> bool:
        """Whether Discord's events arrive."""

    @property
    def gateway_latency_seconds(self) -> float:
        """Discord's heartbeat; not finite before the first."""

    @property
    def rivya_down(self) -> bool:
        """Whether Rivya is known not to answer."""

    async def running(self) -> Mapping[str, int]:
        """How many jobs are in each stage that is not the last.

        Raises:
            OperatorError: `database`; it cannot be read.
        """

    async def held_credits(self) -> int:
        """Credits set aside over all guilds.

        Raises:
            OperatorError: `database`.
        """


class MonitoringServer:
    """Answers about one bot."""

    def __init__(self, watched: HealthSource, metrics: Metrics) -> None:
        self._watched = watched
        self._metrics = metrics
        self._collect = make_aiohttp_handler(metrics.registry)

    @asynccontextmanager
    async def serve(self, host: str, port: int) -> AsyncIterator[int]:
        """Serve until the block ends; yields the port, which the system chooses for 0.

        Raises:
            OperatorError: `monitor`; the port is taken.
        """
        app = web.Application()
        app.add_routes([web.get("/healthz", self._health), web.get("/metrics", self._numbers)])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        measuring = asyncio.create_task(self._measure_lag(), name="loop lag")
        try:
            site = web.TCPSite(runner, host, port)
            try:
                await site.start()
            except OSError as error:
                raise OperatorError("monitor", f"monitor.port {port}: {error.strerror or error}") from error
            chosen: int = runner.addresses[0][1]
            log.info("monitor listens", host=host, port=chosen)
            yield chosen
        finally:
            measuring.cancel()
            await asyncio.gather(measuring, return_exceptions=True)
            await runner.cleanup()

    async def _health(self, _: web.Request) -> web.Response:
        wrong = [line async for line in self._wrong()]
        return web.Response(text="\n".join(wrong or ["ok"]) + "\n", status=503 if wrong else 200)

    async def _wrong(self) -> AsyncIterator[str]:
        if not self._watched.connected:
            yield "discord: no connection to the gateway"
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await self._watched.held_credits()
        except KuasError as error:
            yield str(error)
        except TimeoutError:
            yield "database: no answer"
        # A host cannot mend Rivya by a restart, and the jobs are safe: that is in the metrics alone.

    async def _numbers(self, request: web.Request) -> web.StreamResponse:
        metrics = self._metrics
        metrics.latency.set(self._watched.gateway_latency_seconds)
        metrics.circuit_breaker.set(self._watched.rivya_down)
        running, held_credits = await self._from_database()
        metrics.running.clear()
        for stage, count in running.items():
            metrics.running.labels(stage).set(count)
        metrics.held.set(held_credits)
        return await self._collect(request)

    async def _from_database(self) -> tuple[Mapping[str, int], float]:
        """Jobs by stage and credits held; none, and not a number, while it is in trouble."""
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                return await self._watched.running(), await self._watched.held_credits()
        except (KuasError, TimeoutError) as error:
            log.info("numbers without the database", error=str(error) or "no answer")
            return {}, math.nan

    async def _measure_lag(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LAG_INTERVAL_SECONDS
            await asyncio.sleep(LAG_INTERVAL_SECONDS)
            self._metrics.record_lag(max(0.0, loop.time() - due))


async def probe_health(host: str, port: int) -> tuple[bool, str]:
    """Ask a running bot's `/healthz`: whether all is well, and its words. For the container's health check.

    Raises:
        OperatorError: `monitor`; nobody answers there.
    """
    # To an address that means every interface, this machine is reached by its own.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # compared, not listened on
    url = f"http://[{host}]:{port}/healthz" if ":" in host else f"http://{host}:{port}/healthz"
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS + 1)) as session,
            session.get(url) as response,
        ):
            return response.status == web.HTTPOk.status_code, (await response.text(errors="replace")).strip()
    except (aiohttp.ClientError, OSError) as error:
        raise OperatorError("monitor", f"no bot answers on port {port}: {error}") from error
