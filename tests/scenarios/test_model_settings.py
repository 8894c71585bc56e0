"""The settings of a model: typed, completed, refused with every mistake, and kept wherever a request goes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from bot.config.settings import SettingsPrice
from bot.domain.image_models import MODELS as TABLE
from bot.domain.image_models import Parameter
from sandbox.fake_rivya import FakeRivya
from sandbox.locales import Locales
from tests.scenarios.bot_server import BotServer, OpenServer
from tests.scenarios.interactions import compose, edit, field, fill_modal, modal_of, response_of

MODELS = ("qwen-image", "ideogram-v3", "nano-banana-2", "gpt-image-1-5")
FOG = 'seed=42, negative_prompt="fog, rain"'
SENT = {"seed": 42, "negative_prompt": "fog, rain"}
KEPT = [["seed", 42], ["negative_prompt", "fog, rain"]]


@pytest.fixture
async def server(open_server: OpenServer) -> BotServer:
    return await open_server(models=MODELS)


async def imagine(server: BotServer, **options: Any) -> Any:
    given = {"prompt": "a red fox", "model": "ideogram-v3", "settings": FOG} | options
    return await server.alice.slash(server.channel, "imagine", **given)


async def completed(server: BotServer, typed: str, **others: Any) -> list[str]:
    found = await server.alice.autocomplete(server.channel, "imagine", "settings", typed, **others)
    assert all(choice["name"] == choice["value"] for choice in found)
    return [choice["value"] for choice in found]


def message(server: BotServer) -> Any:
    """The newest message in the channel."""
    return server.visible_to(server.bob)[-1]


def kept(server: BotServer, table: str = "jobs") -> list[Any]:
    found = server.query(f"SELECT settings FROM {table} ORDER BY rowid")
    return [None if text is None else json.loads(text) for (text,) in found]


async def test_settings_are_sent_kept_and_shown_in_details(server: BotServer, rivya: FakeRivya) -> None:
    await imagine(server)
    (task,) = rivya.tasks.values()
    assert SENT.items() <= task.params.items()
    assert kept(server) == [KEPT]
    details = await server.alice.click(message(server), label="Details")
    assert 'Settings: `seed=42, negative_prompt="fog, rain"`' in server.private_text(details)


async def test_without_settings_the_model_takes_its_defaults(server: BotServer, rivya: FakeRivya) -> None:
    await imagine(server, settings=" , ")
    assert kept(server) == [None]
    details = await server.alice.click(message(server), label="Details")
    assert "Settings" not in server.private_text(details)


async def test_every_mistake_is_named_with_what_is_allowed_and_nothing_is_charged(
    server: BotServer, rivya: FakeRivya
) -> None:
    wrong = "colour=red, seed=-1, style=manga, SEED=2, high, expand_prompt="
    words = server.response_text(await imagine(server, settings=wrong))
    assert "Ideogram V3 does not take the settings as they are. Please change them" in words
    # Clients may draw what follows a list as a part of its last line.
    assert words.index("Ideogram V3 has these settings") < words.index("- There is no setting")
    for line in (
        "- There is no setting `colour`.",
        "- `seed` has to be a whole number from 0 to 9007199254740991, not `-1`.",
        "- `style` has to be one of `AUTO`, `GENERAL`, `REALISTIC`, `DESIGN`, not `manga`.",
        "- `high`: a name and a value are needed, such as `seed=42`.",
        "- `expand_prompt` needs a value: one of `true`, `false`.",
        "Ideogram V3 has these settings: `rendering_speed`, `style`, `expand_prompt`, `seed`,",
        "a red fox",
    ):
        assert line in words
    assert (server.states(), rivya.tasks) == ([], {})


async def test_a_model_without_settings_says_so(server: BotServer, rivya: FakeRivya) -> None:
    words = server.response_text(await imagine(server, model="qwen-image", settings="seed=1"))
    assert "Qwen Image has no settings.\n- There is no setting `seed`." in words
    assert rivya.tasks == {}


@pytest.mark.parametrize("name", ["safetyTolerance=6", "watermark=x", "nsfw_checker=false"])
async def test_what_is_about_safety_is_no_members(
    open_server: OpenServer, rivya: FakeRivya, name: str
) -> None:
    server = await open_server(models=("flux-kontext-pro", "seedream-4-0", "qwen2-image"))
    for model in ("flux-kontext-pro", "seedream-4-0", "qwen2-image"):
        words = server.response_text(await imagine(server, model=model, settings=name))
        assert "There is no setting" in words
    assert rivya.tasks == {}


async def test_mistakes_are_mended_in_the_form_after_a_restart(server: BotServer, rivya: FakeRivya) -> None:
    refused = await imagine(server, settings='seed=abc, negative_prompt="fog, rain"')
    await server.restart()
    shown = await server.alice.click(response_of(refused).message, label="Edit and try again")
    assert field(shown, "settings")["value"] == 'seed=abc, negative_prompt="fog, rain"'
    again = await server.alice.submit_modal(shown, fill_modal(shown, settings="seed=1.5"))
    assert "`seed` has to be a whole number from 0 to 9007199254740991, not `1.5`" in server.response_text(
        again
    )
    shown = await server.alice.click(response_of(again).message, label="Edit and try again")
    await server.alice.submit_modal(shown, fill_modal(shown, settings=FOG))
    assert [task.params["negative_prompt"] for task in rivya.tasks.values()] == ["fog, rain"]
    assert server.states() == ["settled"]


async def test_again_repeats_the_settings_also_after_a_restart(server: BotServer, rivya: FakeRivya) -> None:
    await imagine(server)
    await server.restart()
    await server.alice.click(message(server), label="Again")
    assert kept(server) == [KEPT, KEPT]
    assert all(SENT.items() <= task.params.items() for task in rivya.tasks.values())


async def test_edit_shows_the_settings_and_takes_other_ones(server: BotServer, rivya: FakeRivya) -> None:
    await imagine(server)
    shown = await edit(server, message(server))
    assert fill_modal(shown)["settings"] == FOG
    await server.alice.submit_modal(shown, fill_modal(shown, settings="style=design"))
    assert kept(server) == [KEPT, [["style", "DESIGN"]]]
    shown = await edit(server, message(server))
    await server.alice.submit_modal(shown, fill_modal(shown, settings=""))
    assert kept(server)[2] is None


async def test_two_pictures_that_differ_in_settings_alone_are_no_double_click(
    server: BotServer, rivya: FakeRivya
) -> None:
    await imagine(server, settings="seed=1")
    picture = message(server)
    for settings in ("seed=2", "seed=3"):
        shown = await edit(server, picture)
        await server.alice.submit_modal(shown, fill_modal(shown, settings=settings))
    assert kept(server) == [[["seed", 1]], [["seed", 2]], [["seed", 3]]]
    shown = await edit(server, picture)
    refused = await server.alice.submit_modal(shown, fill_modal(shown, settings="seed=3"))
    assert "You asked for that a moment ago" in server.response_text(refused)
    assert len(rivya.tasks) == 3


async def test_a_form_without_room_for_the_format_has_it_among_the_options(
    server: BotServer, rivya: FakeRivya
) -> None:
    shown = await compose(server, model="nano-banana-2", settings="resolution=2k")
    names = [part["component"]["custom_id"] for part in modal_of(shown)["components"]]
    assert names == ["prompt", "size", "settings", "reference", "options"]
    filled = fill_modal(shown, prompt="a red fox")
    assert (filled["settings"], filled["options"]) == ("resolution=2K", ["jpeg"])
    await server.alice.submit_modal(shown, filled)
    shown = await edit(server, message(server))
    await server.alice.submit_modal(shown, fill_modal(shown, options=[]))
    formats = [(task.params["output_format"], task.params["resolution"]) for task in rivya.tasks.values()]
    assert formats == [("jpg", "2K"), ("png", "2K")]


async def test_a_long_prompt_leaves_no_room_and_the_settings_stay(
    server: BotServer, rivya: FakeRivya
) -> None:
    shown = await compose(server, model="nano-banana-2", settings="resolution=2K")
    await server.alice.submit_modal(shown, fill_modal(shown, prompt="a red fox " * 399))
    shown = await edit(server, message(server))
    await server.alice.submit_modal(shown, fill_modal(shown))
    long = await imagine(server, model="nano-banana-2", prompt="word " * 999, settings="resolution=4K")
    assert server.states() == ["settled"] * 3, server.response_text(long)
    shown = await edit(server, message(server))
    assert "settings" not in fill_modal(shown)
    await server.alice.submit_modal(shown, fill_modal(shown, prompt="another word"))
    assert [task.params["resolution"] for task in rivya.tasks.values()] == ["2K", "2K", "4K", "4K"]


async def test_a_preset_has_settings_which_those_of_the_member_replace(
    server: BotServer, rivya: FakeRivya
) -> None:
    saved = await server.sari.slash(
        server.channel, "presets save", name="Poster", settings='style=design, negative_prompt="fog, rain"'
    )
    assert '`style=design, negative_prompt="fog, rain"`' in server.response_text(saved)
    shown = await server.alice.slash(server.channel, "presets show")
    assert '`style=design, negative_prompt="fog, rain"`' in server.response_text(shown)
    await imagine(server, preset="Poster", settings="Style=general, seed=7")
    (task,) = rivya.tasks.values()
    sent = {"style": "GENERAL", "seed": 7, "negative_prompt": "fog, rain"}
    assert sent.items() <= task.params.items()
    words = server.response_text(await imagine(server, preset="Poster", model="qwen-image", settings=","))
    assert "- There is no setting `style`." in words
    assert "The preset Poster has settings, too." in words
    assert len(rivya.tasks) == 1


async def test_a_preset_is_not_saved_with_settings_that_no_model_takes(server: BotServer) -> None:
    refused = await server.sari.slash(
        server.channel, "presets save", name="Odd", settings="quality=high, seed=1"
    )
    assert "There is no setting" in server.private_text(refused)
    assert server.query("SELECT * FROM presets") == []
    completion = await server.sari.autocomplete(server.channel, "presets save", "settings", "quality")
    values = [choice["value"] for choice in completion]
    assert values == ["rendering_speed=QUALITY", "quality=medium", "quality=high"]


async def test_a_setting_that_the_model_has_no_more_is_said_by_again_and_kept_for_edit(
    open_server: OpenServer, rivya: FakeRivya
) -> None:
    own = replace(TABLE["ideogram-v3"], parameters={"seed": Parameter(minimum=0, maximum=9)})
    server = await open_server(models=MODELS)
    await imagine(server)
    server.options["extra_models"] = (own,)
    await server.restart()
    words = server.private_text(await server.alice.click(message(server), label="Again"))
    assert "- `seed` has to be a whole number from 0 to 9, not `42`." in words
    assert "- There is no setting `negative_prompt`." in words
    shown = await edit(server, message(server))
    assert fill_modal(shown)["settings"] == FOG
    await server.alice.submit_modal(shown, fill_modal(shown, settings="seed=4"))
    assert kept(server) == [KEPT, [["seed", 4]]]


async def test_settings_are_kept_from_the_accept_to_the_create_call_over_a_restart(
    open_server: OpenServer, rivya: FakeRivya
) -> None:
    server = await open_server(models=MODELS, max_running=1)
    rivya.hold()
    await server.start_imagine(server.alice)
    await server.start_imagine(server.alice, model="gpt-image-1-5", settings="quality=high")
    assert server.query("SELECT stage, create_body FROM jobs WHERE settings IS NOT NULL") == [
        ("accepted", None)
    ]
    rivya.release()
    await server.restart(idle=False)
    await server.wait_idle()
    assert [task.params.get("quality") for task in rivya.tasks.values()] == [None, "high"]
    assert server.states() == ["settled", "settled"]


async def test_the_price_question_names_the_settings_and_yes_keeps_them_over_a_restart(
    server: BotServer, rivya: FakeRivya
) -> None:
    await server.sari.slash(server.channel, "limits confirm", above=0)
    question = await imagine(server)
    assert 'With the settings `seed=42, negative_prompt="fog, rain"`.' in server.response_text(question)
    await server.restart()
    await server.alice.click(response_of(question).message, label="Paint it")
    assert [SENT.items() <= task.params.items() for task in rivya.tasks.values()] == [True]


async def test_a_blocked_word_is_found_in_settings(server: BotServer, rivya: FakeRivya) -> None:
    await server.sari.slash(server.channel, "access forbid", words="walrus")
    words = server.response_text(await imagine(server, settings="negative_prompt=a walrus"))
    assert "walrus" in words
    assert rivya.tasks == {}


async def test_names_and_values_of_the_chosen_model_are_completed(server: BotServer) -> None:
    assert await completed(server, "", model="gpt-image-1-5") == ["quality=medium", "quality=high"]
    typed = 'negative_prompt="fog, rain", see'
    assert await completed(server, typed, model="Ideogram V3") == [f"{typed}d="]
    assert await completed(server, "", model="qwen-image") == []
    assert await completed(server, "") == []  # the default has none
    assert await completed(server, "", model="nothing like it") == []
    assert await completed(server, f"negative_prompt={'x' * 90}, ", model="ideogram-v3") == []


async def test_what_is_too_long_to_complete_is_checked(server: BotServer, rivya: FakeRivya) -> None:
    long = f"negative_prompt={'fog ' * 100}, seed="
    assert "`seed` needs a value" in server.response_text(await imagine(server, settings=long))
    await imagine(server, settings=f"{long}5")
    assert [task.params["negative_prompt"] for task in rivya.tasks.values()] == [("fog " * 100).strip()]


async def test_settings_are_exported(server: BotServer, rivya: FakeRivya) -> None:
    await imagine(server)
    exported = await server.alice.slash(server.channel, "privacy export")
    (attachment,) = response_of(exported).message.attachments
    (request,) = json.loads(server.file(attachment.url))["requests"]
    assert request["settings"] == SENT


@pytest.mark.parametrize(
    ("models", "offered"),
    [(("qwen-image",), False), (("z-image", "4o-image"), False), (("z-image", "gpt-image-2"), True)],
)
async def test_the_option_is_hidden_where_no_model_has_settings(
    open_server: OpenServer, models: tuple[str, ...], offered: bool
) -> None:
    server = await open_server(models=models)
    for name, group in (("imagine", None), ("save", "presets")):
        command = server.app.client.tree.get_command(group or name)
        assert command is not None
        payload = command.to_dict(server.app.client.tree)
        options = (
            payload["options"]
            if group is None
            else next(each["options"] for each in payload["options"] if each["name"] == name)
        )
        assert ("settings" in [each["name"] for each in options]) is offered


async def test_the_mistakes_are_said_in_spanish(server: BotServer) -> None:
    Locales(server.env, "es-ES")
    words = server.response_text(await imagine(server, settings="style=manga"))
    assert "`style` tiene que ser uno de `AUTO`, `GENERAL`, `REALISTIC`, `DESIGN`, no `manga`." in words


async def test_a_price_is_said_as_from_until_it_is_known_and_what_it_rose_by_is_on_the_picture(
    server: BotServer, rivya: FakeRivya
) -> None:
    await server.sari.slash(server.channel, "limits confirm", above=0)
    high = {"model": "gpt-image-1-5", "settings": "quality=high"}
    question = await imagine(server, **high)
    words = server.response_text(question)
    assert "This picture costs from 4 credits with GPT Image 1.5" in words
    assert "These settings can cost more: how much is known once it is painted." in words
    await server.alice.click(response_of(question).message, label="Paint it")
    assert "8 credits · 192 of 200 left this month · 4 credits more than was known before" in server.text_of(
        message(server)
    )
    await server.restart()
    question = await imagine(server, **high)
    words = server.response_text(question)
    assert "This picture costs 8 credits with GPT Image 1.5" in words
    assert "can cost more" not in words
    await server.alice.click(response_of(question).message, label="Paint it")
    assert "more than was known before" not in server.text_of(message(server))
    assert [entry["quoted_credits"] for entry in server.ledger_entries()] == [4, 8]


async def test_a_price_beyond_the_limit_is_said_on_the_picture_and_refused_the_next_time(
    server: BotServer, rivya: FakeRivya
) -> None:
    await server.sari.slash(server.channel, "limits guild", credits=17, period="month")
    high = {"model": "gpt-image-1-5", "settings": "quality=high"}
    await imagine(server, **high)
    await imagine(server, settings="rendering_speed=quality")  # reserved at 7, and 11 in the end
    assert "4 credits more than was known before · 2 credits beyond the limit" in server.text_of(
        message(server)
    )
    refused = server.response_text(await imagine(server, **high))
    assert "8 credits with GPT Image 1.5" in refused
    assert [entry["over_limit_credits"] for entry in server.ledger_entries()] == [None, 2]


async def test_a_price_of_the_operator_is_asked_about_at_once(open_server: OpenServer) -> None:
    price = SettingsPrice(model="gpt-image-1-5", settings="quality=high", credits=9)
    server = await open_server(models=MODELS, prices=(price,))
    await server.sari.slash(server.channel, "limits confirm", above=8)
    question = await imagine(server, model="gpt-image-1-5", settings="quality=high")
    assert "This picture costs 9 credits with GPT Image 1.5" in server.response_text(question)
