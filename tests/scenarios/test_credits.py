"""`/credits` and `/limits`: what members and admins are told about money, and who may change it."""

from __future__ import annotations

import pytest
import simcord

from sandbox.fake_rivya import FakeRivya
from tests.scenarios.bot_server import BotServer


async def test_credits_tell_what_i_spent_and_what_is_left(server: BotServer) -> None:
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    await server.bob.slash(server.channel, "imagine", prompt="a cat")
    words = server.answer(await server.alice.slash(server.channel, "credits"))
    for part in ("4 credits", "8 of 200", "192", "<t:"):
        assert part in words


async def test_an_admin_sets_a_limit_and_it_bites_at_once(server: BotServer, rivya: FakeRivya) -> None:
    said = server.answer(await server.sari.slash(server.channel, "limits guild", credits=4, period="day"))
    for part in ("200", "4 credits"):
        assert part in said
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    refused = server.answer(await server.alice.slash(server.channel, "imagine", prompt="a cat"))
    assert "4 of 4" in refused
    assert len(rivya.tasks) == 1


async def test_a_limit_below_what_is_spent_is_allowed_and_said(server: BotServer) -> None:
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    said = server.answer(await server.sari.slash(server.channel, "limits guild", credits=3, period="month"))
    assert "4 of 3" in said
    assert "already" in said.lower()


async def test_limits_survive_a_restart_and_show_who_set_them(server: BotServer) -> None:
    await server.sari.slash(server.channel, "limits guild", credits=12, period="total")
    await server.restart()
    said = server.answer(await server.sari.slash(server.channel, "limits show"))
    assert "12" in said
    assert server.sari.mention in said


async def test_a_member_let_in_by_an_override_is_still_refused(server: BotServer) -> None:
    command = server.find_command("limits", server.guild.id)
    server.guild.set_command_permissions(int(command["id"]), {server.alice: True})
    result = await server.alice.slash(server.channel, "limits guild", credits=1000, period="month")
    assert "Manage Server" in server.answer(result)
    shown = server.answer(await server.sari.slash(server.channel, "limits show"))
    assert "200" in shown


@pytest.mark.parametrize("amount", [-1, 10_000_000])
async def test_discord_itself_refuses_absurd_numbers(server: BotServer, amount: int) -> None:
    with pytest.raises(simcord.OptionError):
        await server.sari.slash(server.channel, "limits guild", credits=amount, period="day")
