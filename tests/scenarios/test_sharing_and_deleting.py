"""Sharing, deleting and reusing a picture when something is in the way."""

from __future__ import annotations

import asyncio
import sqlite3
from functools import partial
from typing import Any

import discord
import pytest
from simcord.components import walk_components

from cogs.pictures import result_messages
from cogs.pictures.result_messages import ResultMessages
from cogs.ui.responses import DeferResult, defer
from sandbox.fake_rivya import FakeRivya
from tests.scenarios.bot_server import BotServer
from tests.scenarios.interactions import open_in_history, painted, response_of

SHARE = "Show to everybody"


def update_jobs(server: BotServer, change: str) -> None:
    """What an erasure, a deletion or an older version did to the rows."""
    with sqlite3.connect(server.database) as connection:
        connection.execute(f"UPDATE jobs SET {change}")
    connection.close()


async def test_a_share_that_is_answered_too_late_changes_nothing(server: BotServer) -> None:
    message = await painted(server, server.alice, private=True)
    server.env.inject_error("POST", "/interactions/*", status=404, code=10062, times=1)
    await server.alice.click(message, label=SHARE)
    assert server.visible_to(server.bob) == []
    await server.alice.click(message, label=SHARE)
    assert len(server.visible_to(server.bob)[-1].attachments) == 1


async def test_a_share_whose_answer_discord_refuses_can_be_repeated(server: BotServer) -> None:
    message = await painted(server, server.alice, private=True)
    server.env.inject_error("POST", "/interactions/*", status=400, code=50035, times=1)
    await server.alice.click(message, label=SHARE)
    assert server.visible_to(server.bob) == []
    await server.alice.click(message, label=SHARE)
    assert len(server.visible_to(server.bob)[-1].attachments) == 1


async def test_two_clicks_on_share_post_one_picture(
    server: BotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = await painted(server, server.alice, private=True)
    first_defers, second_clicked = asyncio.Event(), asyncio.Event()

    async def defer_late(interaction: discord.Interaction, *, private: bool) -> DeferResult:
        first_defers.set()
        await second_clicked.wait()
        return await defer(interaction, private=private)

    monkeypatch.setattr(result_messages, "defer", defer_late)
    with server.without_settling():
        await server.alice.click(message, label=SHARE)
        await server.until(first_defers.is_set)
        await server.alice.click(message, label=SHARE)
    await server.until(lambda: "done already" in server.text_of(server.visible_to(server.alice)[-1]))
    second_clicked.set()
    await server.wait_idle()
    assert len([shown for shown in server.visible_to(server.bob) if shown.attachments]) == 1


@pytest.mark.parametrize("step", ["before the row is written", "while it is posted"])
async def test_a_picture_that_is_deleted_during_its_share_is_not_shown(
    server: BotServer, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    message = await painted(server, server.alice, private=True)
    edit_reply = ResultMessages._edit_reply

    async def defer_after_deletion(interaction: discord.Interaction, *, private: bool) -> DeferResult:
        update_jobs(server, "deleted_at = 1")
        return await defer(interaction, private=private)

    async def edit_before_deletion(*args: Any, **options: Any) -> discord.InteractionMessage:
        posted = await edit_reply(*args, **options)
        update_jobs(server, "deleted_at = 1")
        return posted

    if step == "while it is posted":
        monkeypatch.setattr(ResultMessages, "_edit_reply", edit_before_deletion)
    else:
        monkeypatch.setattr(result_messages, "defer", defer_after_deletion)
    result = await server.alice.click(message, label=SHARE)
    assert "was deleted" in server.private_text(result)
    assert server.visible_to(server.bob) == []


async def test_a_share_that_was_interrupted_is_finished_by_the_next_click(server: BotServer) -> None:
    message = await painted(server, server.alice, private=True)
    # The row was written, and the process ended before the picture was posted.
    update_jobs(server, f"shared_at = 1, private = 0, channel_id = {server.channel.id}, landed_url = NULL")
    await server.alice.click(message, label=SHARE)
    assert len(server.visible_to(server.bob)[-1].attachments) == 1


async def test_only_its_member_shares_what_could_not_be_posted(server: BotServer) -> None:
    await painted(server, server.alice, private=True)
    update_jobs(server, "private = 0, stage = 'undeliverable'")
    message = await open_in_history(server, server.sari, member=server.alice)
    assert "only for the member who asked" in server.response_text(
        await server.sari.click(message, label=SHARE)
    )


async def test_a_message_that_the_bot_may_not_delete_is_not_called_deleted(server: BotServer) -> None:
    message = await painted(server, server.alice)
    question = response_of(await server.alice.click(message, label="Delete")).message
    server.env.inject_error("DELETE", "/channels/*/messages/*", status=403, code=50013, times=1)
    await server.alice.click(question, label="Delete it")
    assert "I cannot reach that message" in server.text_of(server.visible_to(server.alice)[-1])
    await server.alice.click(question, label="Delete it")
    assert "Deleted." in server.text_of(question)
    assert server.pictures() == []


async def test_a_moderator_deletes_a_picture_from_another_channel(server: BotServer) -> None:
    await painted(server, server.alice)
    office = server.guild.create_text_channel("office")
    rights = discord.Permissions(manage_guild=True, manage_messages=True)
    role = server.guild.create_role("Moderators", permissions=rights)
    moderator = server.guild.add_member(server.env.create_user("mod"), roles=[role])
    for member, allowed in ((server.sari, False), (moderator, True)):
        message = await open_in_history(server, member, office, member=server.alice)
        answer = server.response_text(await member.click(message, label="Delete"))
        assert ("Delete this picture for everybody?" in answer) is allowed
        assert ("Manage Messages" in answer) is not allowed


async def test_a_picture_whose_message_is_gone_is_no_reference(server: BotServer) -> None:
    posted = await painted(server, server.alice)
    message = await open_in_history(server, server.alice)
    server.env.backend.delete_message(server.channel.id, posted.id)
    result = await server.alice.click(message, label="Use as reference")
    assert "its message is gone" in server.response_text(result)


@pytest.mark.parametrize("there", [True, False])
async def test_a_picture_whose_url_is_not_known_is_looked_up_in_its_message(
    server: BotServer, there: bool
) -> None:
    posted = await painted(server, server.alice)
    update_jobs(server, "landed_url = NULL")
    if not there:
        server.env.backend.delete_message(server.channel.id, posted.id)
    message = await open_in_history(server, server.alice)
    assert (server.alt_texts(message) == ["a fox"]) is there
    assert ("cannot be shown here any more" in server.text_of(message)) is not there


async def test_a_picture_is_nothing_to_work_with_while_it_is_painted(
    server: BotServer, rivya: FakeRivya
) -> None:
    message = await painted(server, server.alice)
    raw = server.env.backend.get_message(server.channel.id, message.id)
    rivya.hold()
    await server.start_imagine(server.alice, "a slow fox")
    (job,) = await server.app.engine._store.unfinished()

    def refused(times: int) -> bool:
        said = map(server.text_of, server.visible_to(server.alice))
        return sum("not finished" in words for words in said) == times

    for number, action in enumerate(("use", "vary", "share", "delete", "delete_now"), start=1):
        custom_id = f"kuas:picture:{action}:{job.job_id}"
        [part for part in walk_components(raw.components) if "custom_id" in part][-1]["custom_id"] = custom_id
        with server.without_settling():
            await server.alice.click(message, custom_id=custom_id)

        await server.until(partial(refused, number))
    rivya.release()
    await server.wait_idle()
    assert len(server.pictures()) == 2
