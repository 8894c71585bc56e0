"""`/doctor`: which permissions the bot lacks in a channel, and what does not work without them."""

from __future__ import annotations

import discord

from tests.scenarios.bot_server import BotServer


async def test_with_all_permissions_every_check_is_a_yes(server: BotServer) -> None:
    text = server.response_text(await server.sari.slash(server.channel, "doctor"))
    assert text.count("Yes: ") == 3
    assert "No:" not in text
    assert "Alerts about the limit are off" in text
    assert "answers" in text


async def test_missing_permissions_are_named_with_their_consequences(server: BotServer) -> None:
    quiet = server.guild.create_text_channel(
        "quiet",
        overwrites={
            server.guild.default_role: discord.PermissionOverwrite(attach_files=False, send_messages=False)
        },
    )
    text = server.response_text(await server.sari.slash(quiet, "doctor"))
    assert "No: attach pictures" in text
    assert "No: write messages" in text
    for part in ("Attach Files", "`/imagine` is refused", "cannot attach a reference"):
        assert part in text
    refused = server.response_text(await server.alice.slash(quiet, "imagine", prompt="a fox"))
    assert "Attach Files" in refused


async def test_only_admins_see_the_command(server: BotServer) -> None:
    assert "doctor" in server.sari.available_commands(server.channel)
    assert "doctor" not in server.alice.available_commands(server.channel)
