"""Pictures in every type of channel, and in channels that are archived, locked or deleted meanwhile."""

from __future__ import annotations

from typing import Any

import discord
import pytest

from sandbox.fake_rivya import FakeRivya
from tests.scenarios.bot_server import BotServer
from tests.scenarios.interactions import labels

REPLY = "/webhooks/*/messages/@original"


async def create_thread(server: BotServer, channel: Any, name: str = "sketches") -> Any:
    """Create a public thread that the bot knows."""
    created = await server.bot_channel(channel.id).create_thread(
        name=name, type=discord.ChannelType.public_thread
    )
    (thread,) = [each for each in channel.threads if each.id == created.id]
    return thread


async def create_post(server: BotServer) -> Any:
    """Create a post in a forum."""
    forum = server.guild.create_forum_channel("ideas")
    created = await server.bot_channel(forum.id).create_thread(name="a post", content="look")
    (thread,) = [each for each in forum.threads if each.id == created.thread.id]
    return thread


async def create_channel(server: BotServer, kind: str) -> Any:
    match kind:
        case "thread":
            return await create_thread(server, server.channel)
        case "forum post":
            return await create_post(server)
        case "voice chat":
            return server.guild.create_voice_channel("lounge")
        case "stage chat":
            return server.guild.create_stage_channel("stage")
        case _:
            return server.guild.create_news_channel("news")


KINDS = ["thread", "forum post", "voice chat", "stage chat", "announcements"]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_picture_is_delivered_in_every_type_of_channel(server: BotServer, kind: str) -> None:
    where = await create_channel(server, kind)
    await server.alice.slash(where, "imagine", prompt="a fox")
    message = where.history()[-1]
    assert server.alt_texts(message) == ["a fox"]
    await server.alice.click(message, label="Again")
    assert server.states() == ["settled", "settled"]
    history = await server.alice.slash(where, "history")
    assert server.response_text(history).count("a fox") == 2


@pytest.mark.parametrize("kind", KINDS)
async def test_a_late_picture_edits_its_message_in_every_type_of_channel(
    server: BotServer, rivya: FakeRivya, kind: str
) -> None:
    where = await create_channel(server, kind)
    rivya.hold()
    await server.start_imagine(server.alice, "a fox", where=where)
    server.env.inject_error("PATCH", REPLY, status=401, code=50027, times=None)
    rivya.release()
    await server.wait_idle()
    message = where.history()[-1]
    assert server.alt_texts(message) == ["a fox"]
    assert server.states() == ["settled"]


async def test_an_archived_thread_is_unarchived_for_its_picture(server: BotServer, rivya: FakeRivya) -> None:
    thread = await create_thread(server, server.channel)
    rivya.hold()
    await server.start_imagine(server.alice, "a fox", where=thread)
    metadata = server.env.backend.get_channel(thread.id).thread_metadata
    assert metadata is not None
    metadata.archived = True
    # SimCord lets archived threads be written to: https://discord.com/developers/docs/topics/threads
    server.env.inject_error("PATCH", REPLY, status=400, code=50083, times=1)
    server.env.inject_error("PATCH", f"/channels/{thread.id}/messages/*", status=400, code=50083, times=1)
    rivya.release()
    await server.wait_idle()
    assert not metadata.archived
    (message,) = [seen for seen in thread.history() if seen.components]
    assert server.alt_texts(message) == ["a fox"]


async def test_the_picture_of_a_locked_thread_is_sent_as_a_direct_message(
    server: BotServer, rivya: FakeRivya
) -> None:
    thread = await create_thread(server, server.channel)
    rivya.hold()
    await server.start_imagine(server.alice, "a fox", where=thread)
    server.env.inject_error("PATCH", REPLY, status=400, code=50083, times=None)
    server.env.inject_error("*", f"/channels/{thread.id}*", status=403, code=50083, times=None)
    rivya.release()
    await server.wait_idle()
    (message,) = server.alice.user.dm_channel.history()
    assert server.alt_texts(message) == ["a fox"]


async def test_the_picture_of_a_deleted_channel_is_sent_as_a_direct_message(
    server: BotServer, rivya: FakeRivya
) -> None:
    deleted = server.guild.create_text_channel("deleted")
    rivya.hold()
    await server.start_imagine(server.alice, "a fox", where=deleted)
    await server.bot_channel(deleted.id).delete()
    rivya.release()
    await server.wait_idle()
    (message,) = server.alice.user.dm_channel.history()
    assert len(message.attachments) == 1
    assert labels(server, message) == ["Details", "Delete"]
    details = await server.alice.user.click(message, label="Details")
    assert "> a fox" in server.response_text(details)
    history = await server.alice.slash(server.channel, "history")
    assert "a fox" in server.response_text(history)


async def test_the_picture_of_a_server_without_the_bot_is_stored(server: BotServer, rivya: FakeRivya) -> None:
    rivya.hold()
    await server.start_imagine(server.alice, "a fox")
    server.env.inject_error("PATCH", REPLY, status=404, code=10015, times=1)
    server.env.inject_error("*", "/channels/*", status=403, code=50001, times=4)
    server.env.inject_error("POST", "/users/@me/channels", status=400, code=50278, times=1)
    rivya.release()
    await server.wait_idle()
    assert server.states() == ["settled"]
    history = await server.alice.slash(server.channel, "history")
    assert "could not be posted" in server.response_text(history)
