"""What machines that watch are told, over real sockets."""

from __future__ import annotations

import asyncio
import json
import math
import re
import socket
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.domain.errors import OperatorError, TransientError
from bot.domain.jobs import Stage
from bot.observability.http_server import MonitoringServer, probe_health
from bot.observability.metrics import Metrics
from bot.rivya.calls import Attempt
from bot.rivya.responses import Operation
from tests.support.factories import make_job
from tests.support.paths import ROOT

HOST = "127.0.0.1"


@dataclass
class Bot:
    """A bot as the monitor sees one."""

    connected: bool = True
    gateway_latency_seconds: float = 0.05
    rivya_down: bool = False
    stages: Mapping[str, int] = field(default_factory=dict)
    trouble: Exception | None = None

    async def running(self) -> Mapping[str, int]:
        return self.stages

    async def held_credits(self) -> int:
        if self.trouble is not None:
            raise self.trouble
        return 12


@pytest.fixture
def bot() -> Bot:
    return Bot()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
async def port(bot: Bot, metrics: Metrics) -> AsyncIterator[int]:
    async with MonitoringServer(bot, metrics).serve(HOST, 0) as chosen:
        yield chosen


async def numbers(port: int) -> dict[str, float]:
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
    assert await probe_health(HOST, port) == (True, "ok")
    assert await probe_health("0.0.0.0", port) == (True, "ok")


async def test_a_bot_without_a_gateway_or_a_database_is_not(port: int, bot: Bot) -> None:
    bot.connected = False
    bot.trouble = OperatorError("database", "database bot.sqlite3: cannot be written: the disk is full")
    well, words = await probe_health(HOST, port)
    assert not well
    assert "gateway" in words
    assert "the disk is full" in words


async def test_rivya_being_down_is_a_number_and_no_reason_to_restart_the_bot(port: int, bot: Bot) -> None:
    bot.rivya_down = True
    assert (await probe_health(HOST, port))[0]
    assert (await numbers(port))["kuas_rivya_down"] == 1


async def test_nobody_there_is_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        with pytest.raises(OperatorError, match="no bot answers on port"):
            await probe_health(HOST, taken.getsockname()[1])


async def test_a_stranger_who_talks_no_text_there_is_no_crash() -> None:
    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\n\xff\xfe")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(babble, HOST, 0) as stranger:
        well, _ = await probe_health(HOST, stranger.sockets[0].getsockname()[1])
    assert not well


async def test_a_port_that_is_taken_is_one_sentence(port: int, bot: Bot) -> None:
    with pytest.raises(OperatorError, match=f"monitor.port {port}"):
        async with MonitoringServer(bot, Metrics()).serve(HOST, port):
            pass


async def test_the_numbers_are_what_happened(port: int, bot: Bot, metrics: Metrics) -> None:
    bot.stages = {"created": 3}
    job = make_job()
    metrics.record_attempt(Attempt(Operation.CREATE, 0.2, None, 200))
    metrics.record_attempt(Attempt(Operation.CREATE, 0.2, TransientError("no"), None))
    metrics.record_error(Stage.ACCEPTED, TransientError("no"))
    metrics.record_task(job)
    metrics.record_charge(4)
    metrics.record_job(job)
    told = await numbers(port)
    assert told["kuas_jobs_running['created']"] == 3
    assert told["kuas_credits_held"] == 12
    assert told["kuas_rivya_attempts_total['create', 'ok']"] == 1
    assert told["kuas_rivya_attempts_total['TryLater', 'create']"] == 1
    assert told["kuas_setbacks_total['TryLater', 'accepted']"] == 1
    assert told["kuas_credits_charged_total"] == 4
    assert told["kuas_jobs_total['accepted']"] == 1
    assert told["kuas_gateway_latency_seconds"] == 0.05
    bot.stages = {}
    assert "kuas_jobs_running['created']" not in await numbers(port)


async def test_a_database_in_trouble_hides_no_other_number(port: int, bot: Bot, metrics: Metrics) -> None:
    bot.stages, bot.rivya_down = {"created": 3}, True
    bot.trouble = OperatorError("database", "database bot.sqlite3: cannot be written: the disk is full")
    told = await numbers(port)
    assert told["kuas_rivya_down"] == 1
    assert math.isnan(told["kuas_credits_held"])
    assert "kuas_jobs_running['created']" not in told


async def test_nothing_else_is_served(port: int) -> None:
    async with aiohttp.ClientSession() as session:
        for path in ("/", "/config.toml", "/metrics/.."):
            async with session.get(f"http://{HOST}:{port}{path}") as response:
                assert response.status == 404
        async with session.post(f"http://{HOST}:{port}/healthz") as response:
            assert response.status == 405


def test_the_dashboard_asks_only_for_numbers_that_exist(metrics: Metrics) -> None:
    board = json.loads((ROOT / "docs" / "grafana.json").read_text("utf-8"))
    asked = {
        name
        for panel in board["panels"]
        for target in panel["targets"]
        for name in re.findall(r"(?:kuas|process)_\w+", target["expr"])
    }
    assert len(asked) > 10
    kept = {family.name for family in metrics.registry.collect()}
    endings = ("", "_total", "_bucket")
    assert {name for name in asked if not any(name.removesuffix(end) in kept for end in endings)} == set()
