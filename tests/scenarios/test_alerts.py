"""Alerts to admins and warnings to the operator: in their channel, once, with what can be done."""

from __future__ import annotations

import sqlite3
from typing import Any

import discord
import pytest
from structlog.testing import capture_logs

from bot.background.balance_monitor import INTERVAL_SECONDS
from sandbox.fake_rivya import FakeRivya
from tests.scenarios.bot_server import BotServer, OpenServer


@pytest.fixture
async def alerting_server(server: BotServer) -> Any:
    """A server with a channel for alerts and a limit of ten pictures."""
    server.staff_channel = server.guild.create_text_channel("staff")
    await server.sari.slash(server.channel, "limits guild", credits=40, period="month")
    await server.sari.slash(server.channel, "limits alerts", channel=server.staff_channel)
    return server


async def imagine(server: BotServer, times: int = 1) -> None:
    for number in range(times):
        await server.alice.slash(server.channel, "imagine", prompt=f"fox number {number}")


def office_texts(server: BotServer) -> list[str]:
    """Return the texts of the messages in the office, the oldest first."""
    messages = sorted(server.staff_channel.history(), key=lambda message: message.id)
    return [server.text_of(message) for message in messages]


async def test_alerts_at_half_four_fifths_and_all_are_sent_once_each(alerting_server: BotServer) -> None:
    await imagine(alerting_server, 4)
    assert office_texts(alerting_server) == []
    await imagine(alerting_server, 8)
    half, most, everything = office_texts(alerting_server)
    assert "Half of this server's credits are used" in half
    assert "20 of 40 credits used this month" in half
    assert "80 percent" in most
    assert "32 of 40 credits used this month" in most
    assert "used up" in everything
    assert "No further picture is painted until <t:" in everything
    for words in (half, most, everything):
        assert "<t:" in words
        assert "/limits guild" in words
        assert "/limits alerts" in words


async def test_an_alert_sends_nobody_to_a_limit_that_the_operator_does_not_let_them_raise(
    open_server: OpenServer,
) -> None:
    server = await open_server(guild_credits=16)  # is the ceiling, too, as long as nothing else is set
    server.staff_channel = server.guild.create_text_channel("staff")
    await server.sari.slash(server.channel, "limits alerts", channel=server.staff_channel)
    await imagine(server, 2)
    (half,) = office_texts(server)
    assert "allow this server 16 credits a month" in half
    assert "Only they can raise it" in half
    assert "/limits guild" not in half
    assert "/limits grant" not in half
    await server.sari.slash(server.channel, "limits guild", credits=12, period="month")
    await imagine(server)
    assert "/limits guild" in office_texts(server)[-1], "4 credits are left below the ceiling"


async def test_one_picture_that_passes_several_thresholds_sends_one_alert(alerting_server: BotServer) -> None:
    await alerting_server.sari.slash(alerting_server.channel, "limits guild", credits=4, period="total")
    await imagine(alerting_server)
    (words,) = office_texts(alerting_server)
    assert "used up" in words
    assert "until somebody allows more" in words


async def test_a_limit_set_below_its_usage_sends_an_alert_at_the_next_refusal(
    alerting_server: BotServer,
) -> None:
    await imagine(alerting_server)
    await alerting_server.sari.slash(alerting_server.channel, "limits guild", credits=3, period="month")
    assert office_texts(alerting_server) == []
    await imagine(alerting_server)
    (words,) = office_texts(alerting_server)
    assert "4 of 3 credits used this month" in words


async def test_the_percent_of_an_alert_is_that_of_its_sentence_also_with_a_grant(
    alerting_server: BotServer,
) -> None:
    await alerting_server.sari.slash(alerting_server.channel, "limits guild", credits=4, period="month")
    await alerting_server.sari.slash(alerting_server.channel, "limits grant", credits=8, reason="a party")
    await imagine(alerting_server)
    (full,) = office_texts(alerting_server)
    assert "### 100 percent of this server's limit is used\n" in full
    assert "4 of 4 credits used this month; grants hold 8 more" in full
    assert "80 percent" not in full
    await imagine(alerting_server, 2)
    assert "### This server's credits are used up\n" in office_texts(alerting_server)[-1]


async def test_an_alert_that_waited_tells_the_percent_of_now(alerting_server: BotServer) -> None:
    path = f"/channels/{alerting_server.staff_channel.id}/messages"
    alerting_server.env.inject_error("POST", path, status=503, code=0, times=None)
    await imagine(alerting_server, 7)
    alerting_server.env.backend.faults.clear()
    await alerting_server.restart()
    await alerting_server.env.settle()
    (words,) = office_texts(alerting_server)
    assert "### 70 percent of this server's limit is used\n" in words
    assert "28 of 40 credits used this month" in words


async def test_a_rest_that_pays_no_picture_is_not_called_used_up(alerting_server: BotServer) -> None:
    await alerting_server.sari.slash(alerting_server.channel, "limits guild", credits=7, period="month")
    await imagine(alerting_server)
    (words,) = office_texts(alerting_server)
    assert "### This server's credits are not enough for another picture\n" in words
    assert "4 of 7 credits used this month" in words


async def test_an_alert_mentions_nobody_and_stays_in_its_channel(alerting_server: BotServer) -> None:
    await imagine(alerting_server, 5)
    (message,) = alerting_server.staff_channel.history()
    assert not message.mentions
    assert not message.mention_everyone
    pictures = alerting_server.channel.history()
    assert len(pictures) == 5
    assert not [picture for picture in pictures if "Half" in alerting_server.text_of(picture)]


async def test_without_a_channel_no_alert_is_sent(server: BotServer) -> None:
    await server.sari.slash(server.channel, "limits guild", credits=4, period="month")
    await imagine(server)
    assert len(server.channel.history()) == 1


async def test_a_deleted_channel_is_logged_once_and_not_retried(alerting_server: BotServer) -> None:
    await imagine(alerting_server, 4)
    alerting_server.env.backend.delete_channel(alerting_server.staff_channel.id)
    with capture_logs() as lines:
        await imagine(alerting_server, 3)
    assert len([line for line in lines if line["event"] == "alert unheard"]) == 1
    assert len(alerting_server.pictures()) == 7


async def test_a_channel_closed_to_the_bot_is_logged_once_and_not_retried(
    alerting_server: BotServer,
) -> None:
    alerting_server.env.inject_error(
        "POST", f"/channels/{alerting_server.staff_channel.id}/messages", status=403, code=50001, times=None
    )
    with capture_logs() as lines:
        await imagine(alerting_server, 6)
    assert len([line for line in lines if line["event"] == "alert unheard"]) == 1


async def test_a_restart_repeats_no_alert(alerting_server: BotServer) -> None:
    await imagine(alerting_server, 5)
    await alerting_server.restart()
    await imagine(alerting_server)
    assert len(office_texts(alerting_server)) == 1


async def test_an_alert_that_discord_refused_is_sent_after_a_restart(alerting_server: BotServer) -> None:
    alerting_server.env.inject_error(
        "POST", f"/channels/{alerting_server.staff_channel.id}/messages", status=503, code=0, times=None
    )
    await imagine(alerting_server, 5)
    assert office_texts(alerting_server) == []
    alerting_server.env.backend.faults.clear()
    await alerting_server.restart()
    await alerting_server.env.settle()
    (words,) = office_texts(alerting_server)
    assert "Half" in words


async def test_every_attempt_carries_the_same_nonce(alerting_server: BotServer) -> None:
    path = f"/channels/{alerting_server.staff_channel.id}/messages"
    alerting_server.env.inject_error("POST", path, status=503, code=0, times=1)
    await imagine(alerting_server, 5)
    await alerting_server.restart()
    await alerting_server.env.settle()
    bodies = [entry.json or {} for entry in alerting_server.env.http_requests if entry.path.endswith(path)]
    assert len(bodies) == 2
    assert len({body["nonce"] for body in bodies}) == 1
    assert all(body["enforce_nonce"] for body in bodies)


async def test_an_alert_has_a_forecast_of_the_date(alerting_server: BotServer) -> None:
    await imagine(alerting_server)
    connection = sqlite3.connect(alerting_server.database)
    with connection:
        # As if the first picture were two days old.
        connection.execute("UPDATE reservations SET created_at = created_at - 172800000")
    connection.close()
    await alerting_server.sari.slash(alerting_server.channel, "limits guild", credits=40, period="total")
    await imagine(alerting_server, 4)
    (words,) = office_texts(alerting_server)
    assert "At this pace it is used up on <t:" in words
    assert ":D>" in words


@pytest.fixture
async def guild_elsewhere(server: BotServer) -> Any:
    """A server whose language is Indonesian, with members whose language is English."""
    guild = server.guild = server.env.create_guild("Pelukis", preferred_locale="id")
    server.channel, server.staff_channel = (guild.create_text_channel(name) for name in ("studio", "kantor"))
    managers = guild.create_role("Managers", permissions=discord.Permissions(manage_guild=True))
    server.alice = guild.add_member(server.env.create_user("ayu"))
    server.sari = guild.add_member(server.env.create_user("siti"), roles=[managers])
    await server.sari.slash(server.channel, "limits guild", credits=4, period="month")
    await server.sari.slash(server.channel, "limits alerts", channel=server.staff_channel)
    return server


async def test_an_alert_is_in_the_language_of_the_server(guild_elsewhere: BotServer) -> None:
    await imagine(guild_elsewhere)
    (words,) = office_texts(guild_elsewhere)
    assert "### Kredit server ini sudah habis" in words
    assert "Tidak ada gambar lagi yang dilukis sampai <t:" in words
    assert "`/batas server`" in words


async def test_the_language_of_the_member_does_not_change_that_of_the_alert(
    alerting_server: BotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await alerting_server.sari.slash(alerting_server.channel, "limits guild", credits=4, period="month")
    read: Any = discord.Interaction._from_data
    # The language of every SimCord member is English.
    monkeypatch.setattr(
        discord.Interaction, "_from_data", lambda self, data: read(self, {**data, "locale": "id"})
    )
    await imagine(alerting_server)
    (words,) = office_texts(alerting_server)
    assert "### This server's credits are used up" in words
    assert "No further picture" in words


async def test_an_alert_of_a_server_missing_in_the_cache_is_in_english(
    guild_elsewhere: BotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guild_elsewhere.app.client, "get_guild", lambda _: None)
    await imagine(guild_elsewhere)
    (words,) = office_texts(guild_elsewhere)
    assert "### This server's credits are used up" in words


# The operator.


async def check_balance(server: BotServer) -> None:
    """Advance the clock to the next check of the balance."""
    await server.env.advance_time(INTERVAL_SECONDS + 1)
    await server.wait_idle()


async def test_a_low_balance_is_reported_once_in_the_operators_channel(
    server: BotServer, rivya: FakeRivya
) -> None:
    operator_channel = server.guild.create_text_channel("machine-room")
    server.options["operator_channel"] = operator_channel.id
    rivya.wallet_credits = 99
    olga = server.env.create_user("olga")
    await server.restart()
    await server.wait_idle()
    server.set_application_owner(olga.id)
    await check_balance(server)
    (message,) = operator_channel.history()
    assert "It holds 99 credits, which is less than 100" in server.text_of(message)
    rivya.wallet_credits = 500
    await check_balance(server)
    rivya.wallet_credits = 98
    await check_balance(server)
    assert len(operator_channel.history()) == 2
    assert olga.dm_channel.history() == []


async def test_a_low_balance_is_reported_in_the_language_of_the_operators_server(
    guild_elsewhere: BotServer, rivya: FakeRivya
) -> None:
    guild_elsewhere.options["operator_channel"] = guild_elsewhere.staff_channel.id
    rivya.wallet_credits = 99
    await guild_elsewhere.restart()
    await guild_elsewhere.env.settle()
    await check_balance(guild_elsewhere)
    (message,) = guild_elsewhere.staff_channel.history()
    words = guild_elsewhere.text_of(message)
    assert "### Saldo dompet Rivya menipis" in words
    assert "kurang dari 100." in words


async def test_without_a_channel_the_owner_gets_a_direct_message(server: BotServer, rivya: FakeRivya) -> None:
    olga = server.env.create_user("olga")
    server.set_application_owner(olga.id)
    rivya.wallet_credits = 3
    await check_balance(server)
    (message,) = olga.dm_channel.history()
    assert "It holds 3 credits" in server.text_of(message)


async def test_a_low_balance_is_sent_to_admins_and_developers_of_a_team(
    server: BotServer, rivya: FakeRivya
) -> None:
    people = {role: server.env.create_user(role) for role in ("admin", "developer", "read_only")}
    server.set_application_team(people)
    rivya.wallet_credits = 3
    await check_balance(server)
    assert [role for role, person in people.items() if person.dm_channel.history()] == ["admin", "developer"]


async def test_an_owner_who_was_told_is_not_told_again_while_another_cannot_be_reached(
    server: BotServer, rivya: FakeRivya
) -> None:
    people = {role: server.env.create_user(role) for role in ("admin", "developer")}
    server.set_application_team(people)
    rivya.wallet_credits = 3
    path = f"/channels/{people['developer'].dm_channel.id}/messages"
    server.env.inject_error("POST", path, status=503, code=0, times=None)
    await check_balance(server)
    await check_balance(server)
    assert [len(person.dm_channel.history()) for person in people.values()] == [1, 0]


async def test_with_an_unknown_channel_the_owner_gets_a_direct_message(
    server: BotServer, rivya: FakeRivya
) -> None:
    server.options["operator_channel"] = 123456789012345679
    rivya.wallet_credits = 500
    await server.restart()
    olga = server.env.create_user("olga")
    server.set_application_owner(olga.id)
    rivya.wallet_credits = 3
    await check_balance(server)
    assert len(olga.dm_channel.history()) == 1


async def test_a_low_balance_that_cannot_be_reported_is_logged_as_an_error(
    open_server: OpenServer, rivya: FakeRivya
) -> None:
    rivya.wallet_credits = 3
    with capture_logs() as lines:
        server = await open_server()
        server.env.inject_error("*", "*", status=403, code=50007, times=None)
        await server.wait_idle()
    (line,) = [line for line in lines if line.get("code") == "wallet_low"]
    assert line["log_level"] == "error"
