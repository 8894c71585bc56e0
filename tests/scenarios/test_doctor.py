"""`/doctor`: an admin is told what the bot lacks in a channel, and what that costs."""

from __future__ import annotations

import discord

from tests.scenarios.bot_server import BotServer


async def test_where_all_is_well_every_ability_is_a_yes(server: BotServer) -> None:
    said = server.answer(await server.sari.slash(server.channel, "doctor"))
    assert said.count("Yes: ") == 3
    assert "No:" not in said
    assert "Alerts about the limit are off" in said
    assert "answers" in said


async def test_what_the_bot_lacks_is_named_with_what_it_costs(server: BotServer) -> None:
    quiet = server.guild.create_text_channel(
        "quiet",
        overwrites={
            server.guild.default_role: discord.PermissionOverwrite(attach_files=False, send_messages=False)
        },
    )
    said = server.answer(await server.sari.slash(quiet, "doctor"))
    assert "No: attach pictures" in said
    assert "No: write messages" in said
    for part in ("Attach Files", "`/imagine` is refused", "cannot attach a reference"):
        assert part in said
    refused = server.answer(await server.alice.slash(quiet, "imagine", prompt="a fox"))
    assert "Attach Files" in refused


async def test_a_member_is_refused(server: BotServer) -> None:
    assert "doctor" not in server.alice.available_commands(server.channel)
