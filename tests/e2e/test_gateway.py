"""Reconnects of the gateway: no event that can be replayed is lost, and none is handled twice."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.environment import E2EEnvironment

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def interrupt(environment: E2EEnvironment, how: str) -> None:
    match how:
        case "op 7":
            await environment.discord.gateway.reconnect()
        case "op 9, resumable":
            await environment.discord.gateway.invalidate(resumable=True)
        case _:
            environment.discord.gateway.drop_connection()


@pytest.mark.parametrize("how", ["op 7", "op 9, resumable", "a cut"])
async def test_events_during_a_disconnect_are_replayed_once(environment: E2EEnvironment, how: str) -> None:
    gateway = environment.discord.gateway
    environment.rivya.hold()
    before = await environment.imagine(f"before {how}")
    await environment.wait_for_task(f"before {how}")
    resumes, identifies = gateway.resumes, gateway.identifies
    await interrupt(environment, how)
    assert not gateway.connected
    meanwhile = await environment.imagine(f"during {how}")
    await environment.discord.until(lambda: gateway.connected)
    after = await environment.imagine(f"after {how}")
    environment.rivya.release()
    for interaction in (before, meanwhile, after):
        assert await environment.outcome(interaction) == ("delivered", "reply", "settled", 4)
    assert (gateway.resumes, gateway.identifies) == (resumes + 1, identifies)
    assert [len(environment.tasks(f"{when} {how}")) for when in ("before", "during", "after")] == [1, 1, 1]
    assert len(environment.visible_messages()) == 3


async def test_after_an_invalid_session_the_bot_identifies_again_while_jobs_go_on(
    environment: E2EEnvironment,
) -> None:
    gateway = environment.discord.gateway
    environment.rivya.hold()
    running = await environment.imagine("a running job")
    await environment.wait_for_task("a running job")
    identifies = gateway.identifies
    await gateway.invalidate(resumable=False)
    assert not await environment.discord.deliver(running)  # without a session the event is lost
    environment.rivya.release()
    assert await environment.outcome(running) == ("delivered", "reply", "settled", 4)
    await environment.bot.wait_connected()
    assert gateway.identifies == identifies + 1
    assert await environment.outcome(await environment.imagine("a new session")) == (
        "delivered",
        "reply",
        "settled",
        4,
    )


async def test_the_bot_sends_heartbeats(environment: E2EEnvironment) -> None:
    session: Any = environment.discord.gateway.session
    beats = session.heartbeats
    await environment.discord.until(lambda: session.heartbeats >= beats + 2)
    assert environment.discord.gateway.connected
