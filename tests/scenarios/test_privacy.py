"""`/privacy`: what a member is shown, handed out and rid of, and what happens to servers that are gone."""

from __future__ import annotations

import io
import json
import sqlite3
import zipfile
from typing import Any

import pytest
import simcord

from cogs.privacy.commands import erase_button
from cogs.ui.layout import build_view, row
from tests.scenarios.bot_server import BotServer
from tests.scenarios.interactions import response_of

PROMPT = "a walrus in a wet coat"


def query(server: BotServer, statement: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(server.database)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


def button(actor: Any) -> str:
    return f"kuas:privacy:erase:{actor.id}"


def file_of(server: BotServer, result: simcord.InteractionResult) -> tuple[str, bytes]:
    assert result.response is not None
    (attachment,) = result.response.message.attachments
    return attachment.filename, server.file(attachment.url)


async def test_a_member_sees_what_is_kept_and_gets_it_as_a_file(server: BotServer) -> None:
    await server.alice.slash(server.channel, "imagine", prompt=PROMPT)
    await server.bob.slash(server.channel, "imagine", prompt="bob's own business")
    shown = server.answer(await server.alice.slash(server.channel, "privacy show"))
    for part in ("1 request", "in 1 server", "1 prompt", "/privacy export"):
        assert part in shown
    result = await server.alice.slash(server.channel, "privacy export")
    assert "1 request" in server.answer(result)
    name, data = file_of(server, result)
    assert name == "kuas-your-data.json"
    told = json.loads(data)
    assert told["user_id"] == str(server.alice.id)
    (request,) = told["requests"]
    assert (request["prompt"], request["guild_id"]) == (PROMPT, str(server.guild.id))
    assert (request["private"], request["final_credits"]) == (False, 4)
    assert request["accepted_at"].endswith("+00:00")
    assert b"bob's own business" not in data


async def test_a_file_too_big_for_the_channel_is_zipped(
    server: BotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cogs.privacy.commands.UPLOAD_LIMIT_BYTES", 3000)
    await server.alice.slash(server.channel, "imagine", prompt=PROMPT + " again" * 500)
    name, data = file_of(server, await server.alice.slash(server.channel, "privacy export"))
    assert name == "kuas-your-data.zip"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        told = json.loads(archive.read("kuas-your-data.json"))
    assert told["requests"][0]["prompt"].startswith(PROMPT)


async def test_erasing_asks_first_and_then_forgets(server: BotServer) -> None:
    await server.alice.slash(server.channel, "imagine", prompt=PROMPT)
    asked = await server.alice.slash(server.channel, "privacy erase")
    words = server.answer(asked)
    for part in ("cannot be undone", "1 request", "does not reset the limit", "Delete the message", "<t:"):
        assert part in words
    assert query(server, "SELECT prompt FROM jobs") == [(PROMPT,)]

    await server.alice.click(response_of(asked), custom_id=button(server.alice))
    words = server.text_of(response_of(asked).message)
    assert "1 request erased" in words
    assert "until <t:" in words
    assert query(server, "SELECT prompt, user_id FROM jobs") == [("", 0)]
    assert len(server.pictures()) == 1
    assert server.ledger_entries()[0]["final_credits"] == 4
    shown = server.answer(await server.alice.slash(server.channel, "privacy show"))
    assert "No requests" in shown
    assert "You asked for erasure" in shown
    again = server.answer(await server.alice.slash(server.channel, "privacy erase"))
    assert "Nothing to erase" in again


async def test_a_second_click_and_one_after_a_restart_do_no_harm(server: BotServer) -> None:
    await server.alice.slash(server.channel, "imagine", prompt=PROMPT)
    asked = await server.alice.slash(server.channel, "privacy erase")
    twin = await server.alice.slash(server.channel, "privacy erase")
    await server.restart()
    await server.alice.click(response_of(asked), custom_id=button(server.alice))
    assert "1 request erased" in server.text_of(response_of(asked).message)
    await server.alice.click(response_of(twin), custom_id=button(server.alice))
    assert "Everything that can be erased now is erased" in server.text_of(response_of(twin).message)


async def test_what_others_wrote_about_a_member_is_erased_though_they_asked_for_nothing(
    server: BotServer,
) -> None:
    options = {"member": server.bob, "credits": 2, "period": "day", "reason": "too fond of foxes"}
    await server.sari.slash(server.channel, "limits member", **options)
    await server.sari.slash(server.channel, "limits remove", rule=f"<@{server.bob.id}>")
    asked = await server.bob.slash(server.channel, "privacy erase")
    assert "limits, grants and refunds" in server.answer(asked)
    await server.bob.click(response_of(asked), custom_id=button(server.bob))
    assert query(server, "SELECT DISTINCT reason FROM limits") == [("",)]
    assert query(server, f"SELECT * FROM limits WHERE subject_id = {server.bob.id}") == []
    shown = server.answer(await server.bob.slash(server.channel, "privacy show"))
    assert "limits, grants" not in shown


async def test_nobody_erases_for_another(server: BotServer) -> None:
    await server.alice.slash(server.channel, "imagine", prompt=PROMPT)
    asked = await server.bob.slash(server.channel, "privacy erase")
    assert "Nothing to erase" in server.answer(asked)
    channel = server.bot_channel(server.channel.id)
    message = await channel.send(view=build_view("a forged card", row(erase_button(server.alice.id))))
    result = await server.bob.click(message, custom_id=button(server.alice))
    assert "somebody else" in server.answer(result)
    assert query(server, "SELECT prompt FROM jobs") == [(PROMPT,)]


async def test_a_server_that_is_left_is_remembered_and_one_that_is_joined_is_not(server: BotServer) -> None:
    await server.alice.slash(server.channel, "imagine", prompt=PROMPT)
    guild = server.bot_guild
    await guild.leave()
    await server.wait_idle()
    assert query(server, "SELECT guild_id FROM departures") == [(server.guild.id,)]
    await server.restart()
    assert query(server, "SELECT guild_id FROM departures") == [(server.guild.id,)]
    assert query(server, "SELECT prompt FROM jobs") == [(PROMPT,)]


async def test_a_server_left_while_the_bot_was_down_is_noticed_at_the_next_start(server: BotServer) -> None:
    await server.alice.slash(server.channel, "imagine", prompt=PROMPT)
    connection = sqlite3.connect(server.database)
    with connection:
        connection.execute("INSERT INTO guild_settings VALUES (1, 999, 'timezone', 'UTC', 7, 1, NULL)")
        connection.execute("INSERT INTO departures VALUES (?, 1)", (server.guild.id,))
    connection.close()
    await server.restart()
    assert query(server, "SELECT guild_id FROM departures") == [(999,)]
