"""The health check and the metrics, over real sockets."""

from __future__ import annotations

import asyncio
import errno
import json
import math
import os
import re
import socket
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from bot.domain.errors import OperatorError, TransientError
from bot.domain.jobs import Stage
from bot.observability.http_server import MonitoringServer, listen
from bot.observability.metrics import Metrics
from bot.observability.probes import answers_as_kuas, probe_health
from bot.rivya.calls import Attempt
from bot.rivya.responses import Operation
from tests.support.factories import make_job
from tests.support.paths import ROOT

HOST = "127.0.0.1"


@dataclass
class FakeBot:
    """A bot as the monitoring server sees it."""

    connected: bool = True
    not_connected_because: str = "no connection to the gateway"
    gateway_latency_seconds: float = 0.05
    rivya_down: bool = False
    stages: Mapping[str, int] = field(default_factory=dict)
    error: Exception | None = None

    async def running(self) -> Mapping[str, int]:
        return self.stages

    async def held_credits(self) -> int:
        if self.error is not None:
            raise self.error
        return 12


@pytest.fixture
def bot() -> FakeBot:
    return FakeBot()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
async def port(bot: FakeBot, metrics: Metrics) -> AsyncIterator[int]:
    async with MonitoringServer(bot, metrics).serve(HOST, 0) as chosen:
        yield chosen


async def read_metrics(port: int) -> dict[str, float]:
    """Every sample by its name and labels, read as Prometheus reads them."""
    async with aiohttp.ClientSession() as session, session.get(f"http://{HOST}:{port}/metrics") as response:
        assert response.status == 200
        text = await response.text()
    return {
        f"{sample.name}{sorted(sample.labels.values()) or ''}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_a_bot_that_works_is_healthy(port: int) -> None:
    assert await asyncio.to_thread(probe_health, HOST, port) == (True, "ok")
    assert await asyncio.to_thread(probe_health, "0.0.0.0", port) == (True, "ok")


async def test_a_bot_without_a_gateway_or_a_database_is_unhealthy(port: int, bot: FakeBot) -> None:
    bot.connected = False
    bot.error = OperatorError("database", "database bot.sqlite3: cannot be written: the disk is full")
    healthy, detail = await asyncio.to_thread(probe_health, HOST, port)
    assert not healthy
    assert "gateway" in detail
    assert "the disk is full" in detail


async def test_an_outage_of_rivya_is_a_metric_and_leaves_the_bot_healthy(port: int, bot: FakeBot) -> None:
    bot.rivya_down = True
    assert (await asyncio.to_thread(probe_health, HOST, port))[0]
    assert (await read_metrics(port))["kuas_rivya_down"] == 1


async def test_a_health_check_without_a_bot_is_an_operator_error() -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        with pytest.raises(OperatorError, match="no bot answers on port"):
            await asyncio.to_thread(probe_health, HOST, taken.getsockname()[1])


async def test_an_answer_that_is_no_text_is_unhealthy() -> None:
    async def answer_garbage(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\n\xff\xfe")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer_garbage, HOST, 0) as other:
        healthy, _ = await asyncio.to_thread(probe_health, HOST, other.sockets[0].getsockname()[1])
    assert not healthy


async def test_a_port_in_use_is_an_operator_error(port: int, bot: FakeBot) -> None:
    with pytest.raises(OperatorError, match=f"monitor.port {port}"):
        async with MonitoringServer(bot, Metrics()).serve(HOST, port):
            pass


@pytest.mark.parametrize(
    ("host", "number", "problem"),
    [
        ("192.0.2.1", errno.EADDRNOTAVAIL, "set monitor.host to one that it has"),
        ("127.0.0.1", errno.EACCES, "choose a port from 1024 on"),
        ("::1", errno.EAFNOSUPPORT, "set monitor.host to an IPv4 address"),
        ("127.0.0.1", errno.ENOBUFS, "No buffer space available"),
    ],
)
def test_an_address_that_cannot_be_used_is_named_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, host: str, number: int, problem: str
) -> None:
    if number != errno.EADDRNOTAVAIL:  # the others depend on the machine

        def refuse(*_: object, **__: object) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(socket, "create_server", refuse)
    with pytest.raises(OperatorError, match=f"^monitor.port 9464 on {host}: .*{problem}"):
        listen(host, 9464)


needs_ipv6 = pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="IPv4 and IPv6 are kept apart here")


@needs_ipv6
async def test_the_address_of_every_interface_takes_ipv4_as_well(bot: FakeBot, metrics: Metrics) -> None:
    async with MonitoringServer(bot, metrics).serve("::", 0) as port:
        assert await asyncio.to_thread(probe_health, "::", port) == (True, "ok")
        assert await asyncio.to_thread(probe_health, HOST, port) == (True, "ok")


async def test_where_ipv6_is_kept_apart_the_log_says_so(
    bot: FakeBot, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda: False)
    with capture_logs() as lines:
        async with MonitoringServer(bot, metrics).serve("::", 0) as port:
            with pytest.raises(OperatorError):
                await asyncio.to_thread(probe_health, HOST, port)
    assert any("takes no IPv4 connections" in line["event"] for line in lines)


async def test_only_a_kuas_answers_as_one(port: int) -> None:
    assert await asyncio.to_thread(answers_as_kuas, HOST, port)

    async def answer_other(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nother 1\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer_other, HOST, 0) as other:
        assert not await asyncio.to_thread(answers_as_kuas, HOST, other.sockets[0].getsockname()[1])
    with socket.socket() as silent:
        silent.bind((HOST, 0))
        assert not await asyncio.to_thread(answers_as_kuas, HOST, silent.getsockname()[1])


async def test_metrics_count_what_was_recorded(port: int, bot: FakeBot, metrics: Metrics) -> None:
    bot.stages = {"created": 3}
    job = make_job()
    metrics.record_attempt(Attempt(Operation.CREATE, 0.2, None, 200))
    metrics.record_attempt(Attempt(Operation.CREATE, 0.2, TransientError("no"), None))
    metrics.record_error(Stage.ACCEPTED, TransientError("no"))
    metrics.record_task(job)
    metrics.record_charge(4, "qwen-image")
    metrics.record_job(job)
    samples = await read_metrics(port)
    assert samples["kuas_jobs_running['created']"] == 3
    assert samples["kuas_credits_held"] == 12
    assert samples["kuas_rivya_attempts_total['create', 'ok']"] == 1
    assert samples["kuas_rivya_attempts_total['TryLater', 'create']"] == 1
    assert samples["kuas_setbacks_total['TryLater', 'accepted']"] == 1
    assert samples["kuas_credits_charged_total"] == 4
    assert samples["kuas_jobs_total['accepted']"] == 1
    assert samples["kuas_gateway_latency_seconds"] == 0.05
    bot.stages = {}
    assert "kuas_jobs_running['created']" not in await read_metrics(port)


async def test_a_database_error_hides_no_other_metric(port: int, bot: FakeBot, metrics: Metrics) -> None:
    bot.stages, bot.rivya_down = {"created": 3}, True
    bot.error = OperatorError("database", "database bot.sqlite3: cannot be written: the disk is full")
    samples = await read_metrics(port)
    assert samples["kuas_rivya_down"] == 1
    assert math.isnan(samples["kuas_credits_held"])
    assert "kuas_jobs_running['created']" not in samples


async def test_nothing_else_is_served(port: int) -> None:
    async with aiohttp.ClientSession() as session:
        for path in ("/", "/config.toml", "/metrics/.."):
            async with session.get(f"http://{HOST}:{port}{path}") as response:
                assert response.status == 404
        async with session.post(f"http://{HOST}:{port}/healthz") as response:
            assert response.status == 405


def test_the_dashboard_uses_only_metrics_that_exist(metrics: Metrics) -> None:
    board = json.loads((ROOT / "docs" / "grafana.json").read_text("utf-8"))
    used = {
        name
        for panel in board["panels"]
        for target in panel["targets"]
        for name in re.findall(r"(?:kuas|process)_\w+", target["expr"])
    }
    assert len(used) > 10
    existing = {family.name for family in metrics.registry.collect()}
    endings = ("", "_total", "_bucket")
    assert {name for name in used if not any(name.removesuffix(end) in existing for end in endings)} == set()
