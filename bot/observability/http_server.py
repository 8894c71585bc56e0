"""Serve `/healthz` for health checks and `/metrics` for Prometheus.

`/healthz` answers 200 with `ok`, or 503 with one line for each problem. Neither page holds personal data, and
nothing can be changed here.

Owns the monitoring port.
"""

from __future__ import annotations

import asyncio
import errno
import math
import socket
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, Protocol

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
"""For an answer of the database."""
_PROBLEMS: Final = {
    errno.EADDRINUSE: "another program listens there; stop it, or choose another port",
    errno.EACCES: "this user may not listen there; choose a port from 1024 on",
    errno.EADDRNOTAVAIL: "this machine does not have that address; set monitor.host to one that it has",
    errno.EAFNOSUPPORT: "this machine has no IPv6; set monitor.host to an IPv4 address",
}


class HealthSource(Protocol):
    """The state of the bot that the monitoring server shows."""

    @property
    def connected(self) -> bool:
        """Whether the bot is connected to Discord's gateway."""

    @property
    def not_connected_because(self) -> str:
        """Why it is not, in words."""

    @property
    def gateway_latency_seconds(self) -> float:
        """The latency of the gateway's heartbeat; not finite before the first."""

    @property
    def rivya_down(self) -> bool:
        """Whether the circuit breaker of Rivya is open."""

    async def running(self) -> Mapping[str, int]:
        """Count the unfinished jobs by stage.

        Raises:
            OperatorError: `database`; it cannot be read.
        """

    async def held_credits(self) -> int:
        """Sum the held credits of all guilds.

        Raises:
            OperatorError: `database`; it cannot be read.
        """


class MonitoringServer:
    """The HTTP server of one bot; it also measures the lag of the event loop while it runs."""

    def __init__(self, source: HealthSource, metrics: Metrics) -> None:
        self._source = source
        self._metrics = metrics
        self._collect = make_aiohttp_handler(metrics.registry)

    @asynccontextmanager
    async def serve(self, host: str, port: int) -> AsyncIterator[int]:
        """Serve until the block ends; yields the port, which the system chooses for 0.

        Raises:
            OperatorError: `monitor`; the address cannot be used, such as a port that is taken.
        """
        app = web.Application()
        app.add_routes([web.get("/healthz", self._health), web.get("/metrics", self._show_metrics)])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        lag_task = asyncio.create_task(self._measure_lag(), name="loop lag")
        try:
            await web.SockSite(runner, listen(host, port)).start()
            bound_port: int = runner.addresses[0][1]
            log.info("monitor listens", host=host, port=bound_port)
            yield bound_port
        finally:
            lag_task.cancel()
            await asyncio.gather(lag_task, return_exceptions=True)
            await runner.cleanup()

    async def _health(self, _: web.Request) -> web.Response:
        problems = [problem async for problem in self._problems()]
        return web.Response(text="\n".join(problems or ["ok"]) + "\n", status=503 if problems else 200)

    async def _problems(self) -> AsyncIterator[str]:
        if not self._source.connected:
            yield f"discord: {self._source.not_connected_because}"
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await self._source.held_credits()
        except KuasError as error:
            yield str(error)
        except TimeoutError:
            yield "database: no answer"
        # An outage of Rivya is only in the metrics: a restart of the bot would not help.

    async def _show_metrics(self, request: web.Request) -> web.StreamResponse:
        metrics = self._metrics
        metrics.latency.set(self._source.gateway_latency_seconds)
        metrics.circuit_breaker.set(self._source.rivya_down)
        running, held_credits = await self._read_database()
        metrics.running.clear()
        for stage, count in running.items():
            metrics.running.labels(stage).set(count)
        metrics.held.set(held_credits)
        return await self._collect(request)

    async def _read_database(self) -> tuple[Mapping[str, int], float]:
        """Return the jobs by stage and the held credits; an empty mapping and NaN if the database fails."""
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                return await self._source.running(), await self._source.held_credits()
        except (KuasError, TimeoutError) as error:
            log.info("numbers without the database", error=str(error) or "no answer")
            return {}, math.nan

    async def _measure_lag(self) -> None:
        # Not by the loop's own clock: that of uvloop stands still while callbacks run.
        while True:
            due = time.monotonic() + LAG_INTERVAL_SECONDS
            await asyncio.sleep(LAG_INTERVAL_SECONDS)
            self._metrics.record_lag(max(0.0, time.monotonic() - due))


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket. "::" takes connections over IPv4, too, as the log says if it cannot.

    Raises:
        OperatorError: `monitor`; the address cannot be used, such as a port that is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio alone would restrict "::" to IPv6: https://docs.python.org/3/library/socket.html#socket.create_server
    dual_stack = host == "::" and socket.has_dualstack_ipv6()
    try:
        listener = socket.create_server((host, port), family=family, dualstack_ipv6=dual_stack)
    except OSError as error:
        problem = _PROBLEMS.get(error.errno or 0, error.strerror)
        raise OperatorError("monitor", f"monitor.port {port} on {host}: {problem}") from error
    if host == "::" and not dual_stack:
        log.warning("the monitor takes no IPv4 connections: this system keeps IPv6 apart", host=host)
    return listener
