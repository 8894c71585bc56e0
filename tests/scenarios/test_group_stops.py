"""A bot that stops at any call or commit of a delivery brings each picture once after the next start."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.jobs.groups import GroupStore
from bot.jobs.store import JobStore
from cogs.delivery.message_sender import MessageSender
from cogs.delivery.posted_pictures import PostedPictures
from sandbox.fake_rivya import FakeRivya
from tests.scenarios.bot_server import BotServer, OpenServer
from tests.scenarios.test_group_mishaps import all_but_the_first, numbers
from tests.scenarios.test_groups import messages_of_rows, pictures_of

STEPS = (
    (MessageSender, "_send"),
    (PostedPictures, "fetch"),
    (GroupStore, "find"),
    (GroupStore, "posted"),
    (JobStore, "delivered"),
    (JobStore, "failure_notified"),
)
FEWEST_STEPS, MOST_STEPS = 6, 9
"""It depends on the order in which the pictures come."""


class Stop:
    """Counts the steps of a delivery, and never returns from one of them, nor from any after it.

    Nothing is done between two steps, so a stop after one is a stop before the next.
    """

    def __init__(self, patch: pytest.MonkeyPatch, at: int) -> None:
        self.reached = asyncio.Event()
        self._steps = 0
        self._at = at
        for owner, name in STEPS:
            patch.setattr(owner, name, self._counted(getattr(owner, name)))

    def _counted(self, step: Any) -> Any:
        async def counted(*args: Any, **kwargs: Any) -> Any:
            result = await step(*args, **kwargs)
            self._steps += 1
            if self._steps >= self._at:
                self.reached.set()
                await asyncio.Event().wait()
            return result

        return counted


@pytest.fixture
async def server(open_server: OpenServer) -> BotServer:
    return await open_server(max_running=20)


@pytest.mark.parametrize("at", range(1, MOST_STEPS + 1))
@pytest.mark.parametrize("case", ["plain", "moved"])
async def test_a_stop_anywhere_loses_and_repeats_nothing(
    server: BotServer, rivya: FakeRivya, monkeypatch: pytest.MonkeyPatch, at: int, case: str
) -> None:
    with monkeypatch.context() as patch:
        if case == "plain":
            stop = Stop(patch, at)
            rivya.fail_next()
            with server.without_settling():
                await server.alice.slash(server.channel, "imagine", prompt="a fox", pictures=3)
        else:
            before = await all_but_the_first(server, rivya, 3)
            server.env.backend.delete_message(server.channel.id, before.id)
            stop = Stop(patch, at)
            rivya.end_endless()
        await server.until(
            lambda: (
                stop.reached.is_set()
                or server.query("SELECT count(*) FROM jobs WHERE finished_at IS NOT NULL") == [(3,)]
            )
        )
        assert stop.reached.is_set() or at > FEWEST_STEPS
        await server.app.engine.close(grace_seconds=0.0)
    await server.restart(idle=False)
    await server.wait_idle()
    (message,) = server.channel.history()
    text = server.text_of(message)
    if case == "plain":
        assert len(pictures_of(server, message)) == 2
        assert text.count("refused, not charged") == 1
        assert sorted(server.states()) == ["released", "settled", "settled"]
        assert len(numbers(server, "delivered")) == 2
    else:
        assert pictures_of(server, message) == ["1", "2", "3"]
        assert "1 done · 2 done · 3 done" in text
        assert messages_of_rows(server) == {message.id}
        assert server.states() == ["settled"] * 3
    assert len(rivya.tasks) == 3
    assert server.query("SELECT count(*) FROM jobs WHERE finished_at IS NULL") == [(0,)]
    others = [each for each in server.visible_to(server.alice) if each.id != message.id]
    assert not others
