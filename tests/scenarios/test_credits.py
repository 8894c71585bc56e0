"""`/credits` and `/limits`: what members and admins see of credits, and who may change limits."""

from __future__ import annotations

import pytest
import simcord

from sandbox.fake_rivya import FakeRivya
from tests.scenarios.bot_server import BotServer


async def test_credits_shows_what_was_spent_and_what_is_left(server: BotServer) -> None:
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    await server.bob.slash(server.channel, "imagine", prompt="a cat")
    words = server.response_text(await server.alice.slash(server.channel, "credits"))
    for part in ("4 credits", "8 of 200", "192", "<t:"):
        assert part in words


async def test_a_limit_set_by_an_admin_applies_to_the_next_request(
    server: BotServer, rivya: FakeRivya
) -> None:
    text = server.response_text(
        await server.sari.slash(server.channel, "limits guild", credits=4, period="day")
    )
    for part in ("200", "4 credits"):
        assert part in text
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    refused = server.response_text(await server.alice.slash(server.channel, "imagine", prompt="a cat"))
    assert "4 of 4" in refused
    assert len(rivya.tasks) == 1


async def test_a_limit_below_its_usage_is_set_with_a_warning(server: BotServer) -> None:
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    text = server.response_text(
        await server.sari.slash(server.channel, "limits guild", credits=3, period="month")
    )
    assert "4 of 3" in text
    assert "already" in text.lower()


async def test_limits_survive_a_restart_and_show_who_set_them(server: BotServer) -> None:
    await server.sari.slash(server.channel, "limits guild", credits=12, period="total")
    await server.restart()
    text = server.response_text(await server.sari.slash(server.channel, "limits show"))
    assert "12" in text
    assert server.sari.mention in text


async def test_a_member_allowed_by_a_permission_override_is_still_refused(server: BotServer) -> None:
    command = server.find_command("limits", server.guild.id)
    server.guild.set_command_permissions(int(command["id"]), {server.alice: True})
    result = await server.alice.slash(server.channel, "limits guild", credits=1000, period="month")
    assert "Manage Server" in server.response_text(result)
    shown = server.response_text(await server.sari.slash(server.channel, "limits show"))
    assert "200" in shown


@pytest.mark.parametrize("amount", [-1, 10_000_000])
async def test_discord_refuses_numbers_out_of_range(server: BotServer, amount: int) -> None:
    with pytest.raises(simcord.OptionError):
        await server.sari.slash(server.channel, "limits guild", credits=amount, period="day")
