"""`/help`: the commands of members, of admins and of the operator, with what a picture costs."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import discord
import pytest
import simcord
from discord import app_commands

from bot.config.settings import AboutSettings
from bot.domain.admission import AdmissionMode
from cogs.text.escaping import utf16_length
from cogs.ui import command_mentions
from cogs.ui.discord_limits import VIEW_TEXT_UNITS
from tests.scenarios.bot_server import OPERATOR_GUILD, BotServer, OpenServer
from tests.scenarios.interactions import response_of
from tests.support.waiting import PATIENCE_SECONDS, soon

MENTION = re.compile(r"</([^:>]+):(\d+)>")
MEMBER_LINES = 12
ADMIN_HEADING, OPERATOR_LINE = "**With Manage Server**", "\nFor the people who run this bot: </operator "


@pytest.fixture
async def server(open_server: OpenServer) -> BotServer:
    return await open_server(
        operator_guild=OPERATOR_GUILD,
        about=AboutSettings(contact="mira@example.org", privacy_url="https://example.org/privacy"),
    )


async def ask(server: BotServer, member: Any, channel: Any = None) -> str:
    """Send `/help`; return the text of all its messages, which are private."""
    result: simcord.InteractionResult = await member.slash(channel or server.channel, "help")
    response_of(result)
    replies = [reply for reply in (result.response, *result.followups) if reply is not None]
    assert result.ephemeral
    assert all(reply.ephemeral for reply in replies[1:])
    texts = [server.text_of(reply.message).strip() for reply in replies]
    assert all(utf16_length(text) <= VIEW_TEXT_UNITS for text in texts)
    return "\n".join(texts)


def mentioned(text: str) -> set[str]:
    return {name for name, _ in MENTION.findall(text)}


def tree_names(server: BotServer, guild_id: int | None = None) -> set[str]:
    """Every slash command that can be used, as it is typed."""
    tree = server.app.client.tree
    guild = None if guild_id is None else discord.Object(guild_id)
    return {
        command.qualified_name
        for command in tree.walk_commands(guild=guild, type=discord.AppCommandType.chat_input)
        if not isinstance(command, app_commands.Group)
    }


async def test_a_member_reads_their_commands_on_a_phones_screen(server: BotServer) -> None:
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    text = await ask(server, server.alice)
    assert len(text.splitlines()) <= MEMBER_LINES
    assert text.splitlines()[3].endswith(
        "Paint a picture from your words, and from a reference if you attach one"
    )
    assert "A picture costs 4 credits: enough for 49 more." in text
    assert "*Use as reference*, *Use avatar as reference*" in text
    assert "Who runs this bot: mira@" in text
    assert "<https://example.org/privacy>" in text
    names = mentioned(text)
    assert {"imagine", "history", "credits", "presets show", "privacy erase"} <= names
    assert not any(name.startswith(("limits", "access", "report", "doctor", "operator")) for name in names)
    assert "presets save" not in names


async def test_a_mention_has_the_id_of_its_command(server: BotServer) -> None:
    text = await ask(server, server.sari)
    ids = dict(MENTION.findall(text))
    assert ids["imagine"] == server.find_command("imagine")["id"]
    assert ids["limits show"] == ids["limits log"] == server.find_command("limits")["id"]


async def test_an_admin_also_reads_the_commands_for_admins(server: BotServer) -> None:
    members, admins = (await ask(server, server.sari)).split(ADMIN_HEADING)
    assert "imagine" in mentioned(members)
    assert {"limits show", "access role", "report", "doctor", "presets save"} <= mentioned(admins)
    assert OPERATOR_LINE not in admins


async def test_every_command_is_in_the_help_of_some_role(server: BotServer) -> None:
    text = await ask(server, server.operator, server.staff_channel)
    assert mentioned(text) == (tree_names(server) | tree_names(server, OPERATOR_GUILD)) - {"help"}
    menus = [
        command.name
        for kind in (discord.AppCommandType.message, discord.AppCommandType.user)
        for command in server.app.client.tree.get_commands(type=kind)
    ]
    assert menus
    assert all(f"*{name}*" in text for name in menus)


async def test_a_command_that_is_new_is_in_the_help(server: BotServer) -> None:
    @app_commands.command(description="Sing about a picture")
    async def sing(_: discord.Interaction) -> None: ...

    server.app.client.tree.add_command(sing)
    await server.app.client.tree.sync()
    assert re.search(r"</sing:\d+> Sing about a picture$", await ask(server, server.alice), re.MULTILINE)


async def test_the_operators_commands_are_for_the_operator_in_their_server_alone(server: BotServer) -> None:
    assert OPERATOR_LINE in await ask(server, server.operator, server.staff_channel)
    assert OPERATOR_LINE not in await ask(server, server.other_admin, server.staff_channel)
    elsewhere = server.guild.add_member(server.operator.user)
    assert OPERATOR_LINE not in await ask(server, elsewhere)


async def test_without_settings_nobody_is_named(open_server: OpenServer) -> None:
    server = await open_server()
    text = await ask(server, server.alice)
    assert "Who runs this bot" not in text
    assert "privacy policy" not in text


async def test_a_server_that_is_not_admitted_reads_why_and_the_commands(server: BotServer) -> None:
    server.options |= {"admission": AdmissionMode.LIST}
    await server.restart()
    text = await ask(server, server.alice)
    assert "allow pictures in some servers only" in text
    assert "ask mira@" in text
    assert "Nothing was charged" not in text
    assert "A picture costs" not in text
    assert "imagine" in mentioned(text)


async def test_a_paused_server_reads_what_the_operator_says(server: BotServer) -> None:
    await server.operator.slash(server.staff_channel, "operator pause", sentence="Back on Monday.")
    text = await ask(server, server.alice)
    assert "They say: Back on Monday." in text
    assert "Nothing was charged" not in text
    assert "imagine" in mentioned(text)


async def test_a_member_without_credits_left_reads_so(server: BotServer) -> None:
    await server.sari.slash(server.channel, "limits guild", credits=3, period="month")
    assert "not enough is left for one" in await ask(server, server.alice)


async def test_after_a_restart_without_a_sync_the_commands_can_be_clicked(server: BotServer) -> None:
    before = await ask(server, server.sari)
    await server.restart()
    synced = sum(entry.method == "PUT" for entry in server.env.http_requests)
    assert await ask(server, server.sari) == before
    assert sum(entry.method == "PUT" for entry in server.env.http_requests) == synced


async def test_commands_whose_ids_are_not_known_are_named_and_asked_for_again(server: BotServer) -> None:
    server.env.inject_error("GET", "/applications/*/commands", status=500, times=1)
    text = await ask(server, server.alice)
    assert mentioned(text) == set()
    assert "`/imagine` Paint a picture" in text
    assert "`/privacy show`" in text
    assert "imagine" in mentioned(await ask(server, server.alice))


async def test_the_ids_of_all_commands_are_asked_for_at_once(
    server: BotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree, asked = server.app.client.tree, asyncio.Event()
    fetch = tree.fetch_commands

    async def fetch_once_both_are_asked_for(*, guild: discord.abc.Snowflake | None = None) -> Any:
        if guild is None:
            await asked.wait()
        asked.set()
        return await fetch(guild=guild)

    monkeypatch.setattr(tree, "fetch_commands", fetch_once_both_are_asked_for)
    monkeypatch.setattr(command_mentions, "FETCH_SECONDS", PATIENCE_SECONDS)
    assert {"imagine", "operator pause"} <= mentioned(
        await soon(ask(server, server.operator, server.staff_channel))
    )


async def test_in_indonesian_it_is_as_short(server: BotServer, monkeypatch: pytest.MonkeyPatch) -> None:
    emit = server.env.backend.emit

    def emit_in_indonesian(name: str, payload: Any) -> Any:
        return emit(name, payload | {"locale": "id"} if name == "INTERACTION_CREATE" else payload)

    monkeypatch.setattr(server.env.backend, "emit", emit_in_indonesian)
    text = await ask(server, server.alice)
    assert len(text.splitlines()) <= MEMBER_LINES
    assert "Lukis gambar dari kata-katamu" in text
    assert "*Jadikan acuan*, *Jadikan avatar acuan*" in text
    assert "imagine" in mentioned(text), "a mention has the name that every language has"
    server.env.inject_error("GET", "/applications/*/guilds/*/commands", status=500, times=1)
    assert "`/operator dompet`" in await ask(server, server.operator, server.staff_channel)
