"""A gateway that comes and goes: no event is lost that Discord kept, and none counts twice."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.environment import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def leave(town: Town, how: str) -> None:
    match how:
        case "op 7":
            await town.discord.gateway.reconnect()
        case "op 9, resumable":
            await town.discord.gateway.invalidate(resumable=True)
        case _:
            town.discord.gateway.drop()


@pytest.mark.parametrize("how", ["op 7", "op 9, resumable", "a cut"])
async def test_what_happened_while_the_bot_was_away_is_replayed_once(town: Town, how: str) -> None:
    gateway = town.discord.gateway
    town.rivya.hold()
    before = await town.ask(f"before {how}")
    await town.painting(f"before {how}")
    resumes, identifies = gateway.resumes, gateway.identifies
    await leave(town, how)
    assert not gateway.connected
    meanwhile = await town.ask(f"during {how}")
    await town.discord.until(lambda: gateway.connected)
    after = await town.ask(f"after {how}")
    town.rivya.release()
    for interaction in (before, meanwhile, after):
        assert await town.outcome(interaction) == ("delivered", "reply", "settled", 4)
    assert (gateway.resumes, gateway.identifies) == (resumes + 1, identifies)
    assert [len(town.tasks(f"{when} {how}")) for when in ("before", "during", "after")] == [1, 1, 1]
    assert len(town.seen()) == 3


async def test_an_invalid_session_is_begun_anew_while_jobs_go_on(town: Town) -> None:
    gateway = town.discord.gateway
    town.rivya.hold()
    running = await town.ask("a running job")
    await town.painting("a running job")
    identifies = gateway.identifies
    await gateway.invalidate(resumable=False)
    assert not await town.discord.deliver(running)  # nobody listens: the event is lost
    town.rivya.release()
    assert await town.outcome(running) == ("delivered", "reply", "settled", 4)
    await town.kuas.connected()
    assert gateway.identifies == identifies + 1
    assert await town.outcome(await town.ask("a new session")) == ("delivered", "reply", "settled", 4)


async def test_the_bot_keeps_its_heart_beating(town: Town) -> None:
    session: Any = town.discord.gateway.session
    beats = session.heartbeats
    await town.discord.until(lambda: session.heartbeats >= beats + 2)
    assert town.discord.gateway.connected
