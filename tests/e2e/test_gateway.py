"""A gateway that comes and goes: no event is lost that Discord kept, and none counts twice."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.environment import E2EEnvironment

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def leave(environment: E2EEnvironment, how: str) -> None:
    match how:
        case "op 7":
            await environment.discord.gateway.reconnect()
        case "op 9, resumable":
            await environment.discord.gateway.invalidate(resumable=True)
        case _:
            environment.discord.gateway.drop()


@pytest.mark.parametrize("how", ["op 7", "op 9, resumable", "a cut"])
async def test_what_happened_while_the_bot_was_away_is_replayed_once(
    environment: E2EEnvironment, how: str
) -> None:
    gateway = environment.discord.gateway
    environment.rivya.hold()
    before = await environment.ask(f"before {how}")
    await environment.painting(f"before {how}")
    resumes, identifies = gateway.resumes, gateway.identifies
    await leave(environment, how)
    assert not gateway.connected
    meanwhile = await environment.ask(f"during {how}")
    await environment.discord.until(lambda: gateway.connected)
    after = await environment.ask(f"after {how}")
    environment.rivya.release()
    for interaction in (before, meanwhile, after):
        assert await environment.outcome(interaction) == ("delivered", "reply", "settled", 4)
    assert (gateway.resumes, gateway.identifies) == (resumes + 1, identifies)
    assert [len(environment.tasks(f"{when} {how}")) for when in ("before", "during", "after")] == [1, 1, 1]
    assert len(environment.seen()) == 3


async def test_an_invalid_session_is_begun_anew_while_jobs_go_on(environment: E2EEnvironment) -> None:
    gateway = environment.discord.gateway
    environment.rivya.hold()
    running = await environment.ask("a running job")
    await environment.painting("a running job")
    identifies = gateway.identifies
    await gateway.invalidate(resumable=False)
    assert not await environment.discord.deliver(running)  # nobody listens: the event is lost
    environment.rivya.release()
    assert await environment.outcome(running) == ("delivered", "reply", "settled", 4)
    await environment.bot.connected()
    assert gateway.identifies == identifies + 1
    assert await environment.outcome(await environment.ask("a new session")) == (
        "delivered",
        "reply",
        "settled",
        4,
    )


async def test_the_bot_keeps_its_heart_beating(environment: E2EEnvironment) -> None:
    session: Any = environment.discord.gateway.session
    beats = session.heartbeats
    await environment.discord.until(lambda: session.heartbeats >= beats + 2)
    assert environment.discord.gateway.connected
