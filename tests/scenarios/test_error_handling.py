"""Every interaction is answered, whatever fails: nobody sees "the application did not respond"."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import discord
import pytest
from structlog.testing import capture_logs

from bot.domain.errors import TransientError
from sandbox.fake_rivya import FakeRivya
from tests.scenarios.bot_server import BotServer


async def test_a_database_error_is_reported_privately_with_a_reference(
    server: BotServer, rivya: FakeRivya
) -> None:
    holder = sqlite3.connect(server.database, isolation_level=None)
    await server.app.ledger._database.run(lambda tx: tx.execute("PRAGMA busy_timeout = 20"))
    holder.execute("BEGIN IMMEDIATE")
    try:
        with capture_logs() as lines:
            result = await server.alice.slash(server.channel, "imagine", prompt="a fox")
    finally:
        holder.close()
    text = server.response_text(result).lower()
    assert "not your fault" in text
    (notice,) = [line for line in lines if line["event"] == "operator must act" and "ref" in line]
    assert notice["ref"] in text
    assert "locked" in notice["error"]
    assert rivya.tasks == {}


async def test_a_prompt_is_given_back_if_the_members_defaults_cannot_be_read(
    server: BotServer,
) -> None:
    with closing(sqlite3.connect(server.database)) as other:
        other.execute("DROP TABLE member_defaults")
    result = await server.alice.slash(server.channel, "imagine", prompt="a fox, typed at great length")
    assert "a fox, typed at great length" in server.response_text(result)
    assert server.ledger_entries() == []


async def test_a_bug_in_a_command_is_answered_and_logged_under_the_same_reference(
    server: BotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("cogs.credits.balance.balance_view", broken)
    with capture_logs() as lines:
        result = await server.alice.slash(server.channel, "credits")
    (line,) = [line for line in lines if line["event"] == "command broke"]
    assert line["ref"] in server.response_text(result)
    assert "ZeroDivisionError" not in server.response_text(result)


async def test_a_button_of_an_earlier_version_is_answered(server: BotServer) -> None:
    class OldView(discord.ui.View):
        @discord.ui.button(label="Again", custom_id="kuas:again:1999")
        async def again(self, interaction: discord.Interaction, _: discord.ui.Button[Any]) -> None:
            raise AssertionError("the view does not exist after the restart")

    channel = server.bot_channel(server.channel.id)
    message = await channel.send("an old card", view=OldView(timeout=None))
    await server.restart()
    result = await server.alice.click(message, custom_id="kuas:again:1999")
    assert "no longer" in server.response_text(result)


async def test_the_log_has_no_secrets_and_no_prompts(
    server: BotServer, rivya: FakeRivya, capfd: pytest.CaptureFixture[str]
) -> None:
    rivya.faults.add("status", "create", times=1, code=500)
    await server.alice.slash(server.channel, "imagine", prompt="a very private fox")
    output = "".join(capfd.readouterr())
    assert "delivered" in output
    for secret in (rivya.api_key, "a very private fox", "no-token"):
        assert secret not in output


async def test_an_outage_of_discord_and_an_outdated_command_have_sentences_of_their_own(
    server: BotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unreachable(*_: Any) -> None:
        raise TransientError("Discord answers 503")

    monkeypatch.setattr(server.app.ledger, "member_limits", unreachable)
    result = await server.alice.slash(server.channel, "credits")
    assert "try again in a moment" in server.response_text(result)
    server.app.client.tree.remove_command("credits")
    result = await server.alice.slash(server.channel, "credits")
    assert "was just updated" in server.response_text(result)


async def test_what_a_listener_raises_is_logged(server: BotServer) -> None:
    async def on_kuas_test() -> None:
        raise LookupError("broken")

    server.app.client.add_listener(on_kuas_test)
    with capture_logs() as lines:
        server.app.client.dispatch("kuas_test")
        await server.until(lambda: any(line["event"] == "event broke" for line in lines))
    (line,) = [line for line in lines if line["event"] == "event broke"]
    assert (line["event_name"], str(line["exc_info"])) == ("on_kuas_test", "broken")
    server.env._errors.clear()  # SimCord would raise it at the end of the test
