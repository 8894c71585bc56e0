"""What pictures cost with several models, wherever a price or a number of pictures is said."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from bot.background.balance_monitor import INTERVAL_SECONDS
from sandbox.fake_rivya import FakeRivya
from sandbox.locales import Locales
from tests.scenarios.bot_server import OPERATOR_GUILD, BotServer, OpenServer
from tests.scenarios.interactions import response_of
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


async def test_a_denied_model_is_in_no_price_list_and_the_members_own_default_comes_first(
    server: BotServer,
) -> None:
    await server.sari.slash(server.channel, "access model", model="qwen-image", mode="deny")
    for text in (
        await ask(server, server.alice, "credits"),
        await ask(server, server.alice, "help"),
        await ask(server, server.sari, "limits explain", member=server.alice),
    ):
        assert "Qwen Image" not in text
        assert "12 left: enough for 2 of Flux 2 Pro." in text
    await server.alice.slash(server.channel, "defaults set", model="z-image")
    assert "12 left: enough for 12 of Z Image." in await ask(server, server.alice, "credits")
    assert "12 left: enough for 12 of Z Image." in await ask(
        server, server.sari, "limits explain", member=server.alice
    )
    boosters = server.guild.create_role("Boosters")
    await server.sari.slash(server.channel, "access model", model="z-image", mode="allow", role=boosters)
    assert "Z Image" not in await ask(server, server.alice, "credits")


async def test_where_no_model_may_be_used_every_price_is_told(server: BotServer) -> None:
    for model in OFFERED:
        await server.sari.slash(server.channel, "access model", model=model, mode="deny")
    assert PHRASE in await ask(server, server.alice, "credits")


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


@pytest.mark.parametrize(("locale", "words"), [("en-US", "By model: "), ("id", "Per model: ")])
async def test_a_report_by_model_has_names_in_text_and_chart_and_ids_in_the_file(
    server: BotServer, locale: str, words: str
) -> None:
    await spend(server, "flux-2-pro")
    await spend(server, "z-image", 2)
    server.options["models"] = ("qwen-image", "z-image")
    await server.restart()
    Locales(server.env).of_members[server.sari.id] = locale
    result = await server.sari.slash(server.channel, "report", by="model")
    lines = server.response_text(result).splitlines()
    assert [line.partition(":")[0] for line in lines if line[:1].isdigit() and "\\." in line] == [
        "1\\. Flux 2 Pro",
        "2\\. Z Image",
    ]
    message = response_of(result).message
    (alt,) = server.alt_texts(message)
    assert f"{words}Flux 2 Pro: 5, Z Image: 2." in alt
    sheet = server.file(message.attachments[1].url).decode()
    rows = list(csv.DictReader(io.StringIO(sheet, newline="")))
    assert [row["model"] for row in rows] == ["z-image", "z-image", "flux-2-pro"]


async def test_a_report_is_by_member_unless_another_is_chosen_and_with_one_model_there_is_no_choice(
    open_server: OpenServer,
) -> None:
    server = await open_server(models=OFFERED)
    await server.alice.slash(server.channel, "imagine", prompt="a fox", model="z-image")
    assert server.alice.mention in await ask(server, server.sari, "report")
    assert "by" in [option["name"] for option in server.find_command("report")["options"]]
    server.options["models"] = ("qwen-image",)
    await server.restart()
    assert [option["name"] for option in server.find_command("report")["options"]] == ["period", "ago"]


async def test_a_ceiling_below_the_limit_is_what_alerts_and_reports_speak_of(open_server: OpenServer) -> None:
    server = await open_server(guild_ceiling=12, models=OFFERED)
    staff = server.guild.create_text_channel("staff")
    await server.sari.slash(server.channel, "limits alerts", channel=staff)
    await spend(server, "qwen-image", 2)
    await spend(server, "z-image", 4)
    texts = [server.text_of(message) for message in sorted(staff.history(), key=lambda each: each.id)]
    assert "66 percent of what this bot allows this server is used" in texts[0]
    assert "8 of 12 credits used this month" in texts[0]
    assert "4 left: enough for 1 of Qwen Image." in texts[0]
    assert "This server's credits are used up" in texts[-1]
    assert "Only they can raise it" in texts[-1]
    report = await ask(server, server.sari, "report")
    assert "The limit: 12 of 200 credits a month used." in report
    assert "allow less than the limit: 12 credits a month" in report


async def test_the_operator_reads_differences_by_model_in_both_languages(
    server: BotServer, rivya: FakeRivya
) -> None:
    await spend(server, "flux-2-pro")
    await spend(server, "z-image", 2)
    dear, *cheap = rivya.tasks.values()
    dear.final_credits, cheap[0].model = 6, "flux-2-pro"
    texts, locales = {}, Locales(server.env)
    for locale in ("en-US", "id"):
        locales.of_members[server.operator.id] = locale
        answer = await server.operator.slash(server.staff_channel, "operator reconcile")
        texts[locale] = server.private_text(answer)
    assert "By model: " in texts["en-US"]
    assert "(Flux 2 Pro): booked 5, Rivya charged 6" in texts["en-US"]
    assert "(Z Image): settled with 1 as at Rivya, which names the model flux-2-pro" in texts["en-US"]
    assert "yang menyebut model flux-2-pro" in texts["id"]
