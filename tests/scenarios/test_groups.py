"""Several pictures of one request arrive in one message, whatever happens to some of them."""

from __future__ import annotations

from typing import Any

from sandbox.fake_rivya import FakeRivya
from tests.scenarios.bot_server import BotServer


def landings(server: BotServer) -> list[tuple[Any, ...]]:
    return server.query("SELECT number, stage, landed_way FROM jobs ORDER BY number")


async def test_four_pictures_arrive_in_one_message(server: BotServer, rivya: FakeRivya) -> None:
    await server.alice.slash(server.channel, "imagine", prompt="a red fox", pictures=4)
    (message,) = server.channel.history()
    assert len(message.attachments) == 4
    assert "1 done · 2 done · 3 done · 4 done" in server.text_of(message)
    assert landings(server) == [(number, "delivered", "reply") for number in (1, 2, 3, 4)]
    assert server.states() == ["settled"] * 4
