"""`/privacy`: show, export and erase a member's data, and the data of servers that were left."""

from __future__ import annotations

import io
import json
import sqlite3
import zipfile
from typing import Any

import pytest
import simcord

from bot.config.settings import AboutSettings
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


def erase_button_id(actor: Any) -> str:
    return f"kuas:privacy:erase:{actor.id}"


def attachment_of(server: BotServer, result: simcord.InteractionResult) -> tuple[str, bytes]:
    assert result.response is not None
    (attachment,) = result.response.message.attachments
    return attachment.filename, server.file(attachment.url)


async def test_a_member_sees_a_summary_and_gets_an_export_of_their_data(server: BotServer) -> None:
    await server.alice.slash(server.channel, "imagine", prompt=PROMPT)
    await server.bob.slash(server.channel, "imagine", prompt="bob's own business")
    shown = server.response_text(await server.alice.slash(server.channel, "privacy show"))
    for part in ("1 request", "in 1 server", "1 prompt", "/privacy export"):
        assert part in shown
    result = await server.alice.slash(server.channel, "privacy export")
    assert "1 request" in server.response_text(result)
    name, data = attachment_of(server, result)
    assert name == "kuas-your-data.json"
    export = json.loads(data)
    assert export["user_id"] == str(server.alice.id)
    (request,) = export["requests"]
    assert (request["prompt"], request["guild_id"]) == (PROMPT, str(server.guild.id))
    assert (request["private"], request["final_credits"]) == (False, 4)
    assert request["accepted_at"].endswith("+00:00")
    assert b"bob's own business" not in data


async def test_the_summary_says_who_runs_the_bot_if_the_settings_do(server: BotServer) -> None:
    shown = server.response_text(await server.alice.slash(server.channel, "privacy show"))
    assert "Who runs this bot" not in shown
    url = "https://example.org/privacy_policy"
    server.options["about"] = AboutSettings(contact="*Mira*, https://example.org/a_b_", privacy_url=url)
    await server.restart()
    shown = server.response_text(await server.alice.slash(server.channel, "privacy show"))
    assert r"Who runs this bot: \*Mira\*, https://example.org/a_b_" in shown
    assert f"Their privacy policy: <{url}>" in shown


async def test_a_file_too_big_for_the_channel_is_zipped(
    server: BotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cogs.privacy.commands.UPLOAD_LIMIT_BYTES", 3000)
    await server.alice.slash(server.channel, "imagine", prompt=PROMPT + " again" * 500)
    name, data = attachment_of(server, await server.alice.slash(server.channel, "privacy export"))
    assert name == "kuas-your-data.zip"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        export = json.loads(archive.read("kuas-your-data.json"))
    assert export["requests"][0]["prompt"].startswith(PROMPT)


async def test_erase_asks_for_a_confirmation_and_then_erases(server: BotServer) -> None:
    await server.alice.slash(server.channel, "imagine", prompt=PROMPT)
    question = await server.alice.slash(server.channel, "privacy erase")
    words = server.response_text(question)
    for part in ("cannot be undone", "1 request", "does not reset the limit", "Delete the message", "<t:"):
        assert part in words
    assert query(server, "SELECT prompt FROM jobs") == [(PROMPT,)]

    await server.alice.click(response_of(question), custom_id=erase_button_id(server.alice))
    words = server.text_of(response_of(question).message)
    assert "1 request erased" in words
    assert "until <t:" in words
    assert query(server, "SELECT prompt, user_id FROM jobs") == [("", 0)]
    assert len(server.pictures()) == 1
    assert server.ledger_entries()[0]["final_credits"] == 4
    shown = server.response_text(await server.alice.slash(server.channel, "privacy show"))
    assert "No requests" in shown
    assert "You asked for erasure" in shown
    again = server.response_text(await server.alice.slash(server.channel, "privacy erase"))
    assert "Nothing to erase" in again


async def test_erase_can_be_confirmed_twice_and_after_a_restart(server: BotServer) -> None:
    await server.alice.slash(server.channel, "imagine", prompt=PROMPT)
    question = await server.alice.slash(server.channel, "privacy erase")
    other_question = await server.alice.slash(server.channel, "privacy erase")
    await server.restart()
    await server.alice.click(response_of(question), custom_id=erase_button_id(server.alice))
    assert "1 request erased" in server.text_of(response_of(question).message)
    await server.alice.click(response_of(other_question), custom_id=erase_button_id(server.alice))
    assert "Everything that can be erased now is erased" in server.text_of(
        response_of(other_question).message
    )


async def test_limits_set_for_a_member_without_requests_are_erased(
    server: BotServer,
) -> None:
    options = {"member": server.bob, "credits": 2, "period": "day", "reason": "too fond of foxes"}
    await server.sari.slash(server.channel, "limits member", **options)
    await server.sari.slash(server.channel, "limits remove", rule=f"<@{server.bob.id}>")
    question = await server.bob.slash(server.channel, "privacy erase")
    assert "limits, grants and refunds" in server.response_text(question)
    await server.bob.click(response_of(question), custom_id=erase_button_id(server.bob))
    assert query(server, "SELECT DISTINCT reason FROM limits") == [("",)]
    assert query(server, f"SELECT * FROM limits WHERE subject_id = {server.bob.id}") == []
    shown = server.response_text(await server.bob.slash(server.channel, "privacy show"))
    assert "limits, grants" not in shown


async def test_a_member_cannot_erase_the_data_of_another(server: BotServer) -> None:
    await server.alice.slash(server.channel, "imagine", prompt=PROMPT)
    question = await server.bob.slash(server.channel, "privacy erase")
    assert "Nothing to erase" in server.response_text(question)
    channel = server.bot_channel(server.channel.id)
    message = await channel.send(view=build_view("a forged view", row(erase_button(server.alice.id))))
    result = await server.bob.click(message, custom_id=erase_button_id(server.alice))
    assert "somebody else" in server.response_text(result)
    assert query(server, "SELECT prompt FROM jobs") == [(PROMPT,)]


async def test_leaving_a_server_records_a_departure(server: BotServer) -> None:
    await server.alice.slash(server.channel, "imagine", prompt=PROMPT)
    guild = server.bot_guild
    await guild.leave()
    await server.wait_idle()
    assert query(server, "SELECT guild_id FROM departures") == [(server.guild.id,)]
    await server.restart()
    assert query(server, "SELECT guild_id FROM departures") == [(server.guild.id,)]
    assert query(server, "SELECT prompt FROM jobs") == [(PROMPT,)]


async def test_departures_and_returns_while_the_bot_was_down_are_found_at_the_start(
    server: BotServer,
) -> None:
    await server.alice.slash(server.channel, "imagine", prompt=PROMPT)
    connection = sqlite3.connect(server.database)
    with connection:
        connection.execute("INSERT INTO guild_settings VALUES (1, 999, 'timezone', 'UTC', 7, 1, NULL)")
        connection.execute("INSERT INTO departures VALUES (?, 1)", (server.guild.id,))
    connection.close()
    await server.restart()
    assert query(server, "SELECT guild_id FROM departures") == [(999,)]
