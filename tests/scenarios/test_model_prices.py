"""What pictures cost with several models, wherever a price or a number of pictures is said."""

from __future__ import annotations

from typing import Any

import pytest

from bot.background.balance_monitor import INTERVAL_SECONDS
from sandbox.fake_rivya import FakeRivya
from sandbox.locales import Locales
from tests.scenarios.bot_server import OPERATOR_GUILD, BotServer, OpenServer
from tests.support.prices import OFFERED

PHRASE = "12 left: enough for 3 of Qwen Image."


@pytest.fixture
async def server(open_server: OpenServer) -> BotServer:
    """A server with twelve credits, three models and an operator."""
    server = await open_server(
        models=OFFERED, operator_guild=OPERATOR_GUILD, guild_credits=12, guild_ceiling=100
    )
    await server.wait_idle()  # so that Rivya's list is read
    return server


async def ask(server: BotServer, who: Any, command: str, **options: Any) -> str:
    return server.response_text(await who.slash(server.channel, command, **options))


async def spend(server: BotServer, model: str, times: int = 1) -> None:
    for number in range(times):
        await server.bob.slash(server.channel, "imagine", prompt=f"fox {number}", model=model)


async def test_credits_lists_every_price_and_how_many_pictures_are_left(server: BotServer) -> None:
    lines = (await ask(server, server.alice, "credits")).splitlines()
    assert PHRASE in lines
    assert lines[lines.index("**What a picture costs**") :] == [
        "**What a picture costs**",
        "1 credit: Z Image",
        "4 credits: Qwen Image",
        "from 5 credits: Flux 2 Pro",
    ]


async def test_admins_and_help_read_the_same_phrase(server: BotServer) -> None:
    assert PHRASE in await ask(server, server.sari, "limits show")
    assert PHRASE in await ask(server, server.sari, "limits explain", member=server.alice)
    assert PHRASE in await ask(server, server.alice, "help")


async def test_the_phrase_is_in_the_members_language(server: BotServer) -> None:
    locales = Locales(server.env)
    for locale, words in (
        ("id", "Sisa 12: cukup untuk 3 dari Qwen Image."),
        ("es-419", "Quedan 12: alcanza para 3 de Qwen Image."),
    ):
        locales.of_members[server.alice.id] = locale
        text = await ask(server, server.alice, "credits")
        assert words in text
        assert {"id": "mulai 5 kredit: Flux 2 Pro", "es-419": "desde 5 créditos: Flux 2 Pro"}[locale] in text


async def test_a_refusal_names_a_cheaper_model_that_fits(server: BotServer, rivya: FakeRivya) -> None:
    await spend(server, "flux-2-pro", 2)
    text = await ask(server, server.alice, "imagine", prompt="a red fox", model="flux-2-pro")
    assert "A picture costs 5 credits with Flux 2 Pro, but this server's limit has 2 left" in text
    assert "2 left: enough for 2 of Z Image." in text
    assert len(rivya.tasks) == 2
    await server.alice.slash(server.channel, "imagine", prompt="a red fox", model="z-image")
    assert len(rivya.tasks) == 3
    assert "1 left: not enough for Qwen Image, but for 1 of Z Image." in await ask(
        server, server.alice, "credits"
    )


async def test_a_refusal_names_no_model_that_does_not_take_the_request(server: BotServer) -> None:
    await spend(server, "flux-2-pro", 2)
    text = await ask(server, server.alice, "imagine", prompt="x" * 1001, model="flux-2-pro")
    assert "this server's limit has 2 left" in text
    assert "Z Image" not in text


async def test_a_refusal_before_the_form_names_the_cheaper_model_too(server: BotServer) -> None:
    await spend(server, "flux-2-pro", 2)
    text = await ask(server, server.alice, "imagine", model="flux-2-pro")
    assert "2 left: enough for 2 of Z Image." in text


async def test_the_question_about_the_price_names_the_model(server: BotServer) -> None:
    await server.sari.slash(server.channel, "limits confirm", above=4)
    text = await ask(server, server.alice, "imagine", prompt="a red fox", model="flux-2-pro")
    assert "This picture costs 5 credits with Flux 2 Pro" in text


async def test_an_alert_says_how_many_pictures_are_left_and_of_which_model(server: BotServer) -> None:
    staff = server.guild.create_text_channel("staff")
    await server.sari.slash(server.channel, "limits alerts", channel=staff)
    await spend(server, "qwen-image", 2)
    (half,) = staff.history()
    assert "4 left: enough for 1 of Qwen Image." in server.text_of(half)
    await spend(server, "z-image", 1)
    assert "not enough for Qwen Image" not in server.text_of(staff.history()[-1])
    await spend(server, "z-image", 1)
    texts = [server.text_of(message) for message in staff.history()]
    assert any("2 left: not enough for Qwen Image, but for 2 of Z Image." in text for text in texts)


async def test_the_operator_reads_of_which_model_the_wallet_pays_how_many(
    server: BotServer, rivya: FakeRivya
) -> None:
    rivya.wallet_credits = 123
    answer = await server.operator.slash(server.staff_channel, "operator wallet")
    assert "At Rivya: **123 credits**. 123 left: enough for 30 of Qwen Image." in server.response_text(answer)


async def test_a_low_balance_is_said_in_pictures(server: BotServer, rivya: FakeRivya) -> None:
    server.options["operator_channel"] = server.staff_channel.id
    await server.restart()
    await server.wait_idle()
    rivya.wallet_credits = 3
    await server.env.advance_time(INTERVAL_SECONDS + 1)
    await server.wait_idle()
    (message,) = server.staff_channel.history()
    assert "3 left: not enough for Qwen Image, but for 3 of Z Image." in server.text_of(message)


async def test_with_one_model_everything_reads_as_before(open_server: OpenServer, rivya: FakeRivya) -> None:
    server = await open_server(operator_guild=OPERATOR_GUILD, guild_credits=12)
    rivya.wallet_credits = 123
    texts = [
        await ask(server, server.alice, "credits"),
        await ask(server, server.alice, "help"),
        await ask(server, server.sari, "limits explain", member=server.alice),
    ]
    for text in texts:
        assert "A picture costs 4 credits: enough for 3 more." in text
        assert "Qwen" not in text
    assert "enough" not in await ask(server, server.sari, "limits show")
    wallet = await server.operator.slash(server.staff_channel, "operator wallet")
    assert "At Rivya: **123 credits**, enough for 30 pictures." in server.response_text(wallet)
