"""A start while Discord cannot be reached: the process stays up, says so, and connects once it can."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest

from tests.e2e.environment import E2EEnvironment
from tests.support.waiting import until

WAITING = "not connected to Discord yet"


def attempts(environment: E2EEnvironment) -> list[dict[str, Any]]:
    """The lines about failed attempts."""
    complete = environment.bot.log().rpartition("\n")[0]
    lines = [json.loads(line) for line in complete.splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == WAITING]


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@pytest.mark.parametrize("route", ["me", "application", "gateway"])
@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        ("html", 503, "Discord answers 503"),
        ("html", 429, "Discord answers 429"),  # as Cloudflare's 1015
        ("cut_before", 0, "Discord is out of reach"),
    ],
)
async def test_the_bot_stays_up_and_connects_when_discord_is_back(
    fresh: E2EEnvironment, route: Any, fault: Any, status: int, words: str
) -> None:
    broken = fresh.discord.faults.add(fault, route, 6, status=status)
    await fresh.bot.start_connected(strict=True)
    assert broken.hits == 6
    # aiohttp itself repeats a request once whose connection was cut.
    assert len(attempts(fresh)) == (3 if fault == "cut_before" else 6)
    assert all(words in line["error"] for line in attempts(fresh))
    interaction = await fresh.imagine("a fox")
    assert await fresh.outcome(interaction) == ("delivered", "reply", "settled", 4)
    assert fresh.discord.rest.count("sync") == 1
    assert (await fresh.bot.terminate())[0] == 0
    assert "Unclosed" not in fresh.bot.log()


async def test_the_waits_grow(fresh: E2EEnvironment) -> None:
    fresh.discord.faults.add("html", "me", None, status=503)
    await fresh.bot.start(KUAS_E2E_FIRST_WAIT_SECONDS="0.6")
    await until(lambda: len(attempts(fresh)) >= 3)
    assert [line["again_in_seconds"] for line in attempts(fresh)][:3] == [1, 1, 2]
    assert (await fresh.bot.terminate())[0] == 0


async def test_a_pause_that_discord_asks_for_is_kept(fresh: E2EEnvironment) -> None:
    fresh.discord.faults.add("html", "me", None, status=429, headers={"Retry-After": "1234"})
    await fresh.bot.start()
    await until(lambda: attempts(fresh))
    assert [line["again_in_seconds"] for line in attempts(fresh)] == [1234]
    assert (await fresh.bot.terminate())[0] == 0
    assert fresh.discord.rest.count("me") == 1


async def test_an_outage_between_the_login_and_the_commands_is_waited_for(fresh: E2EEnvironment) -> None:
    cut = fresh.discord.faults.add("cut_before", "sync", 4)
    await fresh.bot.start_connected()
    assert cut.hits == 4
    failed = len(attempts(fresh))
    assert failed >= 2
    assert fresh.discord.rest.count("me") == failed + 1
    assert "imagine" in {command["name"] for command in fresh.discord.commands[0]}


async def test_an_answer_that_is_not_discord_s_is_waited_for(fresh: E2EEnvironment) -> None:
    fresh.discord.faults.add("html", "me", 2, status=200)  # as a proxy's page that refuses
    await fresh.bot.start_connected()
    assert ["in its answer" in line["error"] for line in attempts(fresh)] == [True] * 2


async def test_a_gateway_out_of_reach_is_waited_for(fresh: E2EEnvironment) -> None:
    fresh.discord.gateway.refusals = 1
    await fresh.bot.start_connected()
    assert fresh.discord.gateway.refusals == 0
    (line,) = attempts(fresh)
    assert "Discord's gateway is out of reach" in line["error"]
    interaction = await fresh.imagine("a fox")
    assert await fresh.outcome(interaction) == ("delivered", "reply", "settled", 4)


async def test_a_wrong_token_ends_the_start_in_one_line(fresh: E2EEnvironment) -> None:
    await fresh.bot.start(BOT_DISCORD__TOKEN="a.wrong.one")
    assert await fresh.bot.wait_ended() == 1
    printed = [line for line in fresh.bot.log().splitlines() if not line.startswith("{")]
    assert printed == ["Discord refuses the token"]
    assert attempts(fresh) == []


async def test_a_wrong_token_behind_an_outage_ends_the_start_when_it_is_over(fresh: E2EEnvironment) -> None:
    fresh.discord.faults.add("html", "me", 2, status=503)
    await fresh.bot.start(BOT_DISCORD__TOKEN="a.wrong.one")
    assert await fresh.bot.wait_ended() == 1
    assert fresh.bot.log().splitlines()[-1] == "Discord refuses the token"
    assert len(attempts(fresh)) == 2


async def test_health_says_why_the_bot_is_not_connected_yet(fresh: E2EEnvironment) -> None:
    fresh.bot.settings["BOT_MONITOR__PORT"] = str(free_port())
    fresh.discord.faults.add("html", "me", None, status=503)
    await fresh.bot.start(KUAS_E2E_FIRST_WAIT_SECONDS="600")
    await until(lambda: attempts(fresh))
    assert await fresh.bot.run("health") == (1, "discord: not connected yet: Discord answers 503\n")
    code, _ = await fresh.bot.terminate()  # in the middle of the wait
    assert code == 0
