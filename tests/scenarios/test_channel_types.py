"""Pictures in every kind of place that Discord has for words, and in places that go away meanwhile."""

from __future__ import annotations

from typing import Any

import discord
import pytest

from sandbox.fake_rivya import FakeRivya
from tests.scenarios.bot_server import BotServer
from tests.scenarios.interactions import labels

REPLY = "/webhooks/*/messages/@original"


async def thread_of(server: BotServer, channel: Any, name: str = "sketches") -> Any:
    """A thread that everybody has been told of."""
    made = await server.bot_channel(channel.id).create_thread(
        name=name, type=discord.ChannelType.public_thread
    )
    (thread,) = [each for each in channel.threads if each.id == made.id]
    return thread


async def post_of(server: BotServer) -> Any:
    """A post in a forum."""
    forum = server.guild.create_forum_channel("ideas")
    made = await server.bot_channel(forum.id).create_thread(name="a post", content="look")
    (thread,) = [each for each in forum.threads if each.id == made.thread.id]
    return thread


async def place(server: BotServer, kind: str) -> Any:
    match kind:
        case "thread":
            return await thread_of(server, server.channel)
        case "forum post":
            return await post_of(server)
        case "voice chat":
            return server.guild.create_voice_channel("lounge")
        case "stage chat":
            return server.guild.create_stage_channel("stage")
        case _:
            return server.guild.create_news_channel("news")


KINDS = ["thread", "forum post", "voice chat", "stage chat", "announcements"]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_picture_arrives_in_every_kind_of_place(server: BotServer, kind: str) -> None:
    where = await place(server, kind)
    await server.alice.slash(where, "imagine", prompt="a fox")
    message = where.history()[-1]
    assert server.alt_texts(message) == ["a fox"]
    await server.alice.click(message, label="Again")
    assert server.states() == ["settled", "settled"]
    history = await server.alice.slash(where, "history")
    assert server.answer(history).count("a fox") == 2


@pytest.mark.parametrize("kind", KINDS)
async def test_a_late_picture_finds_its_message_in_every_kind_of_place(
    server: BotServer, rivya: FakeRivya, kind: str
) -> None:
    where = await place(server, kind)
    rivya.hold()
    await server.start_imagine(server.alice, "a fox", where=where)
    server.env.inject_error("PATCH", REPLY, status=401, code=50027, times=None)
    rivya.release()
    await server.wait_idle()
    message = where.history()[-1]
    assert server.alt_texts(message) == ["a fox"]
    assert server.states() == ["settled"]


async def test_a_thread_that_fell_asleep_is_woken_for_its_picture(
    server: BotServer, rivya: FakeRivya
) -> None:
    thread = await thread_of(server, server.channel)
    rivya.hold()
    await server.start_imagine(server.alice, "a fox", where=thread)
    asleep = server.env.backend.get_channel(thread.id).thread_metadata
    assert asleep is not None
    asleep.archived = True
    # SimCord lets archived threads be written to: https://discord.com/developers/docs/topics/threads
    server.env.inject_error("PATCH", REPLY, status=400, code=50083, times=1)
    server.env.inject_error("PATCH", f"/channels/{thread.id}/messages/*", status=400, code=50083, times=1)
    rivya.release()
    await server.wait_idle()
    assert not asleep.archived
    (message,) = [seen for seen in thread.history() if seen.components]
    assert server.alt_texts(message) == ["a fox"]


async def test_a_thread_that_is_locked_means_a_new_message_or_a_direct_one(
    server: BotServer, rivya: FakeRivya
) -> None:
    thread = await thread_of(server, server.channel)
    rivya.hold()
    await server.start_imagine(server.alice, "a fox", where=thread)
    server.env.inject_error("PATCH", REPLY, status=400, code=50083, times=None)
    server.env.inject_error("*", f"/channels/{thread.id}*", status=403, code=50083, times=None)
    rivya.release()
    await server.wait_idle()
    (message,) = server.alice.user.dm_channel.history()
    assert server.alt_texts(message) == ["a fox"]


async def test_a_channel_deleted_meanwhile_means_a_direct_message(
    server: BotServer, rivya: FakeRivya
) -> None:
    doomed = server.guild.create_text_channel("doomed")
    rivya.hold()
    await server.start_imagine(server.alice, "a fox", where=doomed)
    await server.bot_channel(doomed.id).delete()
    rivya.release()
    await server.wait_idle()
    (message,) = server.alice.user.dm_channel.history()
    assert len(message.attachments) == 1
    assert labels(server, message) == ["Details", "Delete"]
    details = await server.alice.user.click(message, label="Details")
    assert "> a fox" in server.answer(details)
    history = await server.alice.slash(server.channel, "history")
    assert "a fox" in server.answer(history)


async def test_the_bot_removed_meanwhile_keeps_the_picture_for_later(
    server: BotServer, rivya: FakeRivya
) -> None:
    rivya.hold()
    await server.start_imagine(server.alice, "a fox")
    server.env.inject_error("PATCH", REPLY, status=404, code=10015, times=1)
    server.env.inject_error("*", "/channels/*", status=403, code=50001, times=4)
    server.env.inject_error("POST", "/users/@me/channels", status=400, code=50278, times=1)
    rivya.release()
    await server.wait_idle()
    assert server.states() == ["settled"]
    history = await server.alice.slash(server.channel, "history")
    assert "could not be posted" in server.answer(history)
