"""Servers that the bot joins: the greeting, where it stands, and who is not greeted."""

from __future__ import annotations

from typing import Any

import discord
import pytest
import simcord

from bot.background.greeter import INTERVAL_SECONDS
from bot.config.settings import AboutSettings
from bot.domain.admission import AdmissionMode
from tests.scenarios.bot_server import BotServer, OpenServer, open_asking_server
from tests.scenarios.interactions import fill_modal, labels, modal_of

HELLO = "### Hello! I make pictures"
NOT_YET = "have not allowed pictures in this server yet"
HIDDEN = discord.PermissionOverwrite(view_channel=False)
SEEN = discord.PermissionOverwrite(view_channel=True)
READ_ONLY = discord.PermissionOverwrite(send_messages=False)


def state_of(server: BotServer, guild: simcord.GuildHandle) -> str | None:
    rows = server.query("SELECT state FROM greetings WHERE guild_id = ?", guild.id)
    return rows[0][0] if rows else None


def texts_in(server: BotServer, channel: simcord.ChannelHandle) -> list[str]:
    return [server.text_of(message) for message in channel.history()]


def posted_in(server: BotServer, channel: simcord.ChannelHandle) -> list[dict[str, Any]]:
    """Return the messages as they were sent to Discord."""
    path = f"/channels/{channel.id}/messages"
    found: Any = [entry.json for entry in server.env.http_requests if entry.path == path]
    return list(found)


async def invite(
    server: BotServer, name: str = "Friends", **options: Any
) -> tuple[simcord.GuildHandle, simcord.ChannelHandle]:
    """Let the bot join a server with one channel, and wait for what it does."""
    guild = server.env.create_guild(name, **options)
    channel = guild.create_text_channel("general")
    await server.wait_idle()
    return guild, channel


def come_back(server: BotServer, guild: simcord.GuildHandle) -> simcord.ChannelHandle:
    server.env.backend._reserved_ids.discard(guild.id)
    return server.env.create_guild("Friends", id=guild.id).create_text_channel("general")


async def test_a_server_is_greeted_once_with_everything_it_needs(open_server: OpenServer) -> None:
    about = AboutSettings.model_validate(
        {"contact": "mira@example.org", "privacy_url": "https://example.org/privacy"}
    )
    server = await open_server(about=about)
    guild, channel = await invite(server)
    (greeting,) = channel.history()
    text = server.text_of(greeting)
    assert HELLO in text
    for name in ("imagine", "credits", "limits show", "access show", "doctor"):
        command_id = server.find_command(name.partition(" ")[0])["id"]
        assert f"</{name}:{command_id}>" in text
    assert (
        "A picture costs **4 credits**. This server may spend **200 credits a month**: 50 pictures." in text
    )
    assert "Who runs this bot: mira@" in text
    assert "<https://example.org/privacy>" in text
    assert labels(server, greeting) == ["Set up"]
    assert len(text.splitlines()) <= 8
    assert greeting.mentions == []
    await server.restart()
    await server.env.advance_time(2 * INTERVAL_SECONDS)
    assert len(channel.history()) == 1
    assert state_of(server, guild) == "greeted"


async def test_without_a_contact_the_owner_is_named_and_not_pinged(server: BotServer) -> None:
    _, channel = await invite(server)
    (greeting,) = channel.history()
    assert "Who runs this bot: <@" in server.text_of(greeting)
    (sent,) = posted_in(server, channel)
    assert sent["allowed_mentions"]["parse"] == []
    assert sent["enforce_nonce"]


async def test_a_server_that_the_bot_was_in_before_is_not_greeted(server: BotServer) -> None:
    await server.restart()
    await server.env.advance_time(2 * INTERVAL_SECONDS)
    assert server.channel.history() == []
    assert state_of(server, server.guild) == "known"


async def test_a_server_that_was_joined_before_the_first_start_is_greeted(open_server: OpenServer) -> None:
    server = await open_server(just_invited=True)
    await server.wait_idle()
    assert [HELLO in text for text in texts_in(server, server.channel)] == [True]


async def test_a_server_that_was_joined_while_the_bot_was_down_is_greeted(server: BotServer) -> None:
    await server.app.client.close()
    channel = server.env.create_guild("Friends").create_text_channel("general")
    await server.restart(idle=False)
    await server.wait_idle()
    assert [HELLO in text for text in texts_in(server, channel)] == [True]


# Where.


async def test_the_channel_of_system_messages_comes_first(server: BotServer) -> None:
    guild = server.env.create_guild("Friends")
    general, system = guild.create_text_channel("general"), guild.create_text_channel("system")
    server.env.backend.edit_guild(guild.id, {"system_channel_id": system.id})
    await server.wait_idle()
    assert len(system.history()) == 1
    assert general.history() == []


async def test_the_first_channel_that_all_see_and_the_bot_may_write_in_is_taken(server: BotServer) -> None:
    guild = server.env.create_guild("Friends")
    bot: Any = server.app.client.user
    staff = guild.create_text_channel("staff", overwrites={guild.default_role: HIDDEN, bot: SEEN})
    rules = guild.create_text_channel("rules", overwrites={guild.default_role: READ_ONLY})
    general, other = (guild.create_text_channel(name) for name in ("general", "other"))
    server.env.backend.edit_guild(guild.id, {"system_channel_id": rules.id})
    await server.wait_idle()
    assert len(general.history()) == 1
    assert staff.history() == rules.history() == other.history() == []


async def test_a_channel_that_refuses_is_followed_by_the_next(server: BotServer) -> None:
    guild = server.env.create_guild("Friends")
    first, second = (guild.create_text_channel(name) for name in ("first", "second"))
    server.env.inject_error("POST", f"/channels/{first.id}/messages", status=403, code=50013, times=None)
    await server.wait_idle()
    assert len(second.history()) == 1


async def test_without_a_channel_nobody_is_greeted_until_the_bot_is_invited_again(server: BotServer) -> None:
    guild = server.env.create_guild("Friends")
    closed = guild.create_text_channel("closed", overwrites={guild.default_role: READ_ONLY})
    await server.wait_idle()
    assert state_of(server, guild) == "nowhere"
    opened = guild.create_text_channel("opened later")
    await server.env.advance_time(3 * INTERVAL_SECONDS)
    await server.restart()
    assert closed.history() == opened.history() == guild.owner.dm_channel.history() == []
    server.env.backend.remove_guild(guild.id)
    await server.wait_idle()
    channel = come_back(server, guild)
    await server.wait_idle()
    assert len(channel.history()) == 1


async def test_the_greeting_is_in_the_servers_language(server: BotServer) -> None:
    _, channel = await invite(server, "Teman", preferred_locale="id")
    (text,) = texts_in(server, channel)
    assert "### Halo! Saya membuat gambar" in text
    assert "**200 kredit per bulan**" in text
    assert labels(server, channel.history()[0]) == ["Atur"]


async def test_ids_of_commands_that_discord_does_not_tell_are_left_out(server: BotServer) -> None:
    server.env.inject_error(
        "GET", f"/applications/{server.app.client.application_id}/commands", status=503, times=20
    )
    _, channel = await invite(server)
    await server.env.advance_time(INTERVAL_SECONDS)
    (text,) = texts_in(server, channel)
    assert "Use `/imagine` and say" in text
    assert "`/limits show`" in text


# Once.


async def test_a_greeting_that_discord_does_not_take_is_posted_later(server: BotServer) -> None:
    guild = server.env.create_guild("Friends")
    channel = guild.create_text_channel("general")
    server.env.inject_error("POST", f"/channels/{channel.id}/messages", status=503, times=20)
    await server.env.advance_time(30)
    assert channel.history() == []
    assert state_of(server, guild) == "new"
    await server.env.advance_time(20 * INTERVAL_SECONDS)
    assert len(channel.history()) == 1


async def test_a_bot_that_died_before_it_recorded_the_greeting_greets_once(
    server: BotServer,
) -> None:
    guild, channel = await invite(server)
    server.query("UPDATE greetings SET state = 'new' WHERE guild_id = ?", guild.id)
    await server.restart()
    await server.wait_idle()
    assert len(channel.history()) == 1
    assert server.query("SELECT count(*) FROM greetings WHERE state = 'new'") == [(0,)]


async def test_a_server_that_comes_back_is_greeted_again_only_if_its_data_was_deleted(
    server: BotServer,
) -> None:
    guild, _ = await invite(server)
    server.env.backend.remove_guild(guild.id)
    await server.wait_idle()
    channel = come_back(server, guild)
    await server.env.advance_time(2 * INTERVAL_SECONDS)
    assert channel.history() == []
    server.env.backend.remove_guild(guild.id)
    await server.wait_idle()
    server.query("UPDATE departures SET left_at = 1 WHERE guild_id = ?", guild.id)
    await server.restart()
    assert state_of(server, guild) is None
    channel = come_back(server, guild)
    await server.wait_idle()
    assert len(channel.history()) == 1


async def test_an_outage_of_a_server_is_no_joining(server: BotServer) -> None:
    guild, channel = await invite(server)
    backend: Any = server.env.backend
    for known in (guild, server.guild):
        backend.emit("GUILD_DELETE", {"id": str(known.id), "unavailable": True})
    await server.wait_idle()
    for known in (guild, server.guild):
        backend.edit_guild(known.id, {})
        payload = simcord.backend.serializers.guild_create_payload(backend, backend.get_guild(known.id))
        backend.emit("GUILD_CREATE", payload)
    await server.env.advance_time(2 * INTERVAL_SECONDS)
    assert len(channel.history()) == 1
    assert server.channel.history() == []


# Servers that are not admitted.


@pytest.fixture
async def asking(open_server: OpenServer) -> BotServer:
    """A bot whose operator is asked about each server."""
    return await open_asking_server(open_server)


async def test_a_server_that_waits_is_told_whom_to_ask_and_greeted_once_it_is_allowed(
    asking: BotServer,
) -> None:
    _, channel = await invite(asking)
    (message,) = channel.history()
    assert NOT_YET in asking.text_of(message)
    assert "ask <@" in asking.text_of(message)
    assert labels(asking, message) == []
    await asking.restart()
    assert len(channel.history()) == 1
    await asking.operator.click(asking.staff_channel.history()[0], label="Allow 50")
    await asking.env.advance_time(INTERVAL_SECONDS + 1)
    _, greeting = texts_in(asking, channel)
    assert "This server may spend **50 credits a month**: 12 pictures." in greeting
    await asking.env.advance_time(2 * INTERVAL_SECONDS)
    assert len(channel.history()) == 2


async def test_a_server_that_is_refused_reads_that_alone(asking: BotServer) -> None:
    await asking.app.client.close()
    guild = asking.env.create_guild("Strangers")
    channel = guild.create_text_channel("general")
    asking.query(
        "INSERT INTO admissions (guild_id, state, joined_at, decided_by, decided_at, leave_at)"
        " VALUES (?, 'refused', 1, 0, 1, 9999999999999)",
        guild.id,
    )
    await asking.restart(idle=False)
    await asking.env.advance_time(2 * INTERVAL_SECONDS)
    (text,) = texts_in(asking, channel)
    assert "do not allow pictures in this server" in text
    assert "The bot leaves this server" in text


async def test_a_server_that_is_not_on_the_list_is_told_so_and_greeted_once_it_is(
    asking: BotServer,
) -> None:
    asking.options["admission"] = AdmissionMode.LIST
    await asking.restart()
    guild, channel = await invite(asking)
    assert ["allow pictures in some servers only" in text for text in texts_in(asking, channel)] == [True]
    asking.options["allowed"] = (guild.id,)
    await asking.restart()
    await asking.wait_idle()
    assert [HELLO in text for text in texts_in(asking, channel)] == [False, True]


# The button.


async def test_the_button_opens_the_form_for_admins_only_also_after_a_restart(server: BotServer) -> None:
    guild, channel = await invite(server)
    managers = guild.create_role("Managers", permissions=discord.Permissions(manage_guild=True))
    admin = guild.add_member(server.env.create_user("admin"), roles=[managers])
    member = guild.add_member(server.env.create_user("member"))
    await server.restart()
    (greeting,) = channel.history()
    refused = await member.click(greeting, label="Set up")
    assert refused.modal is None
    assert "Manage Server" in server.response_text(refused)
    await admin.click(greeting, label="Set up")
    shown = await admin.click(greeting, label="Set up")
    assert modal_of(shown)["title"] == "Set up this server"
    result = await admin.submit_modal(shown, fill_modal(shown, credits="100"))
    assert "to **100 credits a month**" in server.response_text(result)
