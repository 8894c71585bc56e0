"""The card of `/imagine` without a prompt where several models are offered, and the form behind it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from simcord.components import walk_components

from sandbox.fake_rivya import FakeRivya
from sandbox.locales import Locales
from tests.scenarios.bot_server import BotServer, OpenServer
from tests.scenarios.interactions import (
    BUTTON,
    COMPONENT,
    SELECT,
    StaleMessage,
    fill_modal,
    labels,
    modal_of,
    response_of,
)
from tests.support.images import make_picture

MODELS = ("qwen-image", "ideogram-v3", "nano-banana-2", "z-image")


@pytest.fixture
async def server(open_server: OpenServer) -> BotServer:
    return await open_server(models=MODELS)


async def open_card(server: BotServer, **options: Any) -> Any:
    return response_of(await server.alice.slash(server.channel, "imagine", **options)).message


def lists(server: BotServer, card: Any) -> dict[str, str]:
    """Return what is chosen in each list of a card."""
    raw = server.env.backend.get_message(card.channel.id, card.id).components
    return {
        item["custom_id"].split(":")[2]: next(
            each["value"] for each in item["options"] if each.get("default")
        )
        for item in walk_components(raw)
        if item["type"] == SELECT
    }


async def choose(server: BotServer, card: Any, what: str, value: str) -> Any:
    return await server.alice.select(card, [value], custom_id=id_of(server, card, what))


def id_of(server: BotServer, card: Any, what: str) -> str:
    raw = server.env.backend.get_message(card.channel.id, card.id).components
    (found,) = [
        each["custom_id"] for each in walk_components(raw) if f":{what}:" in each.get("custom_id", "")
    ]
    return str(found)


async def test_what_is_chosen_on_the_card_is_painted_also_after_a_restart(
    server: BotServer, rivya: FakeRivya
) -> None:
    card = await open_card(server)
    assert lists(server, card) == {
        "model": "qwen-image",
        "size": "square_hd",
        "pictures": "1",
        "format": "png",
    }
    assert "4 credits with Qwen Image" in server.text_of(card)
    await choose(server, card, "model", "ideogram-v3")
    assert lists(server, card) == {
        "model": "ideogram-v3",
        "size": "square_hd",
        "pictures": "1",
        "setting0": "rendering_speed=BALANCED",
        "setting1": "style=AUTO",
        "setting2": "expand_prompt=true",
    }
    assert price(server, card) == "7 credits with Ideogram V3"
    await choose(server, card, "size", "landscape_16_9")
    await choose(server, card, "setting1", "style=DESIGN")
    await server.restart()
    await choose(server, card, "setting0", "rendering_speed=TURBO")
    assert "With the settings `rendering_speed=TURBO, style=DESIGN`." in server.text_of(card)
    shown = await server.alice.click(card, label="Words and references")
    assert fill_modal(shown) == {
        "size": ["landscape_16_9"],
        "settings": "rendering_speed=TURBO, style=DESIGN",
    }
    filled = fill_modal(shown, prompt="a red fox", settings="style=DESIGN, seed=3")
    await server.alice.submit_modal(shown, filled)
    (task,) = rivya.tasks.values()
    assert (task.model, task.size, task.params["style"]) == ("ideogram-v3", "landscape_16_9", "DESIGN")
    assert (task.params["seed"], task.params["rendering_speed"]) == (3, "BALANCED")
    assert server.states() == ["settled"]


async def test_options_of_the_command_stand_on_the_card(server: BotServer, rivya: FakeRivya) -> None:
    await server.sari.slash(server.channel, "presets save", name="Oil", before="oil painting of")
    card = await open_card(
        server,
        model="nano-banana-2",
        size="landscape_3_2",
        format="png",
        settings="resolution=4k",
        preset="Oil",
        private=True,
        reference=("r.png", make_picture()),
    )
    assert lists(server, card) == {
        "model": "nano-banana-2",
        "size": "landscape_3_2",
        "pictures": "1",
        "format": "png",
        "setting0": "resolution=4K",
        "setting1": "google_search=false",
    }
    words = server.text_of(card)
    assert "With the reference you attached: r.png." in words
    assert "With the preset Oil." in words
    shown = await server.alice.click(card, label="Words and references")
    assert len(modal_of(shown)["components"]) == 5
    await server.alice.submit_modal(shown, fill_modal(shown, prompt="a red fox"))
    (task,) = rivya.tasks.values()
    assert (task.prompt, task.params["resolution"]) == ("oil painting of a red fox", "4K")
    assert task.params["output_format"] == "png"
    assert task.reference_id is not None


async def test_another_model_keeps_what_it_takes_and_the_card_names_the_rest(
    server: BotServer, rivya: FakeRivya
) -> None:
    card = await open_card(server, model="ideogram-v3", settings="seed=4, style=DESIGN", size="portrait_16_9")
    await choose(server, card, "model", "nano-banana-2")
    assert "This model does not take `style=DESIGN, seed=4`." in server.text_of(card)
    assert lists(server, card)["size"] == "portrait_16_9"
    await choose(server, card, "model", "z-image")
    assert lists(server, card) == {"model": "z-image", "size": "portrait_16_9", "pictures": "1"}
    assert "does not take" not in server.text_of(card)


async def test_a_refusal_that_names_another_model_leads_to_the_card_where_it_is_chosen(
    server: BotServer, rivya: FakeRivya
) -> None:
    refused = response_of(
        await server.alice.slash(
            server.channel,
            "imagine",
            model="z-image",
            prompt="a red fox",
            reference=("r.png", make_picture()),
        )
    ).message
    assert "choose a model that takes one" in server.text_of(refused)
    await server.restart()
    card = response_of(await server.alice.click(refused, label="Another model")).message
    assert lists(server, card)["model"] == "z-image"
    await choose(server, card, "model", "qwen-image")
    shown = await server.alice.click(card, label="Words and references")
    assert fill_modal(shown)["prompt"] == "a red fox"
    await server.alice.submit_modal(shown, fill_modal(shown))
    (task,) = rivya.tasks.values()
    assert (task.model, task.prompt) == ("qwen-image", "a red fox")
    assert task.reference_id is not None
    again = await server.alice.click(refused, label="Another model")
    assert "This was sent in before" in server.private_text(again)


async def test_a_refusal_for_which_no_other_model_would_do_has_no_button_for_it(server: BotServer) -> None:
    answer = await server.alice.slash(server.channel, "imagine", prompt="x", settings="seed=1")
    assert labels(server, response_of(answer).message) == ["Edit and try again"]


async def test_a_card_whose_draft_was_sent_in_changes_nothing_more(
    server: BotServer, rivya: FakeRivya
) -> None:
    card = await open_card(server)
    shown = await server.alice.click(card, label="Words and references")
    await server.alice.submit_modal(shown, fill_modal(shown, prompt="a red fox"))
    for answer in (
        await choose(server, card, "model", "z-image"),
        await server.alice.click(card, label="Words and references"),
    ):
        assert "This was sent in before" in server.private_text(answer)
    assert server.query("SELECT model FROM drafts") == [("qwen-image",)]
    assert len(rivya.tasks) == 1


@pytest.mark.parametrize(
    ("what", "value"),
    [("size", "circle"), ("format", "gif"), ("model", "no-model"), ("setting0", "seed=1")],
)
async def test_a_forged_choice_changes_nothing(server: BotServer, what: str, value: str) -> None:
    card = await open_card(server, settings="resolution=2K", model="nano-banana-2", size="square_hd")
    before = server.query("SELECT model, size, format, settings FROM drafts")
    data = {"custom_id": id_of(server, card, what), "component_type": SELECT, "values": [value]}
    await StaleMessage(server, card).send(server.alice, COMPONENT, data)
    assert server.query("SELECT model, size, format, settings FROM drafts") == before


def models(server: BotServer, card: Any) -> list[tuple[str, str]]:
    """Return the models of a card's list with what is said of each."""
    raw = server.env.backend.get_message(card.channel.id, card.id).components
    (found,) = [each for each in walk_components(raw) if ":model:" in each.get("custom_id", "")]
    return [(each["label"], each["description"]) for each in found["options"]]


def price(server: BotServer, card: Any) -> str:
    """Return the line of a card below its title."""
    return server.text_of(card).strip().splitlines()[1]


async def deny(server: BotServer, model: str, **where: Any) -> None:
    await server.sari.slash(server.channel, "access model", model=model, mode="deny", **where)


async def test_models_that_cannot_be_used_are_last_with_the_reason(server: BotServer) -> None:
    await deny(server, "qwen-image", channel=server.channel)
    await server.sari.slash(server.channel, "limits guild", credits=6, period="month")
    card = await open_card(server, model="z-image")
    assert models(server, card) == [
        ("Nano Banana 2", "from 5 credits · 14 references"),
        ("Z Image", "1 credit"),
        ("Qwen Image", "not allowed for you here"),
        ("Ideogram V3", "7 credits · only 6 left"),
    ]


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_model_that_was_denied_since_the_card_came_is_refused_and_nothing_changes(
    server: BotServer, restarted: bool
) -> None:
    card = await open_card(server, reference=("r.png", make_picture()))
    await deny(server, "nano-banana-2")
    if restarted:
        await server.restart()
    answer = await choose(server, card, "model", "nano-banana-2")
    words = server.private_text(answer)
    assert "do not let you use Nano Banana 2 here. You may use: Qwen Image." in words
    assert server.query("SELECT model FROM drafts") == [("qwen-image",)]
    await choose(server, card, "size", "landscape_16_9")
    assert models(server, card)[-1] == ("Nano Banana 2", "not allowed for you here")


async def test_the_model_of_a_card_that_was_denied_meanwhile_stands_there_with_the_reason(
    server: BotServer, rivya: FakeRivya
) -> None:
    card = await open_card(server, model="z-image")
    await deny(server, "z-image")
    await choose(server, card, "size", "portrait_16_9")
    assert lists(server, card)["model"] == "z-image"
    assert models(server, card)[-1] == ("Z Image", "not allowed for you here")
    await choose(server, card, "model", "qwen-image")
    shown = await server.alice.click(card, label="Words and references")
    await server.alice.submit_modal(shown, fill_modal(shown, prompt="a red fox"))
    assert [(task.model, task.size) for task in rivya.tasks.values()] == [("qwen-image", "portrait_16_9")]


async def test_a_model_that_is_gone_names_no_model_that_is_denied(
    server: BotServer, rivya: FakeRivya
) -> None:
    card = await open_card(server)
    await deny(server, "qwen-image")
    rivya.models["z-image"] = replace(rivya.models["z-image"], api_status="coming_soon")
    await server.restart()
    await server.wait_idle()
    words = server.private_text(await choose(server, card, "model", "z-image"))
    assert "Z Image is not available. The closest to it is Nano Banana 2" in words


async def test_the_price_of_the_card_is_that_of_what_is_chosen(server: BotServer, rivya: FakeRivya) -> None:
    server.query(
        "INSERT INTO reserved_prices VALUES (?, ?, ?, ?, 1)",
        "ideogram-v3",
        '[["rendering_speed","QUALITY"]]',
        12,
        6,
    )
    card = await open_card(server, model="ideogram-v3")
    assert price(server, card) == "7 credits with Ideogram V3"
    await choose(server, card, "setting0", "rendering_speed=TURBO")
    assert price(server, card) == "from 7 credits with Ideogram V3"
    await choose(server, card, "setting0", "rendering_speed=QUALITY")
    assert price(server, card) == "13 credits with Ideogram V3"
    await choose(server, card, "setting1", "style=DESIGN")
    assert price(server, card) == "13 credits with Ideogram V3"
    await choose(server, card, "model", "z-image")
    assert price(server, card) == "1 credit with Z Image"


async def test_a_model_that_rivya_lost_is_refused_and_the_card_stays(
    server: BotServer, rivya: FakeRivya
) -> None:
    card = await open_card(server)
    rivya.models["z-image"] = replace(rivya.models["z-image"], api_status="coming_soon")
    await server.restart()
    await server.wait_idle()
    answer = await choose(server, card, "model", "z-image")
    assert "Z Image is not available" in server.private_text(answer)
    assert lists(server, card)["model"] == "qwen-image"


async def test_the_card_is_in_the_language_of_its_member(server: BotServer) -> None:
    await deny(server, "z-image")
    locales = Locales(server.env, "id")
    card = await open_card(server)
    assert "4 kredit dengan Qwen Image" in server.text_of(card)
    assert models(server, card)[-1] == ("Z Image", "tidak diizinkan untukmu di sini")
    locales.of_members[server.alice.id] = "es-419"
    card = await open_card(server)
    assert "4 créditos con Qwen Image" in server.text_of(card)
    assert models(server, card)[-1] == ("Z Image", "no permitido para ti aquí")


async def test_with_one_model_the_form_opens_at_once(open_server: OpenServer) -> None:
    server = await open_server(models=("ideogram-v3",))
    shown = await server.alice.slash(server.channel, "imagine")
    names = [part["component"]["custom_id"] for part in modal_of(shown)["components"]]
    assert names == ["prompt", "size", "settings", "pictures", "options"]


# Another model for a picture that is there already, and after a refusal.


async def paint(server: BotServer, **options: Any) -> Any:
    """Have a picture made; return its message."""
    await server.alice.slash(server.channel, "imagine", **({"prompt": "a red fox"} | options))
    return server.channel.history()[-1]


async def test_edit_lets_another_model_paint_the_same_words(server: BotServer, rivya: FakeRivya) -> None:
    message = await paint(server, model="ideogram-v3", settings="style=DESIGN", size="portrait_16_9")
    card = response_of(await server.alice.click(message, label="Edit")).message
    assert "Change the picture" in server.text_of(card)
    assert lists(server, card)["model"] == "ideogram-v3"
    assert lists(server, card)["setting1"] == "style=DESIGN"
    await server.restart()
    await choose(server, card, "model", "z-image")
    shown = await server.alice.click(card, label="Words and references")
    await server.alice.submit_modal(shown, fill_modal(shown))
    task = list(rivya.tasks.values())[-1]
    assert (task.model, task.prompt, task.size) == ("z-image", "a red fox", "9:16")
    assert server.query("SELECT count(*) FROM jobs WHERE parent_job_id IS NOT NULL") == [(1,)]


async def test_edit_to_a_model_with_a_shorter_limit_gives_the_words_back(
    server: BotServer, rivya: FakeRivya
) -> None:
    words = "fox " * 299 + "fox"
    message = await paint(server, prompt=words)
    card = response_of(await server.alice.click(message, label="Edit")).message
    await choose(server, card, "model", "z-image")
    shown = await server.alice.click(card, label="Words and references")
    refusal = await server.alice.submit_modal(shown, fill_modal(shown))
    text = server.response_text(refusal)
    assert "The prompt is too long for Z Image" in text
    assert words in text
    card = response_of(await server.alice.click(response_of(refusal).message, label="Another model")).message
    assert lists(server, card)["model"] == "z-image"
    await choose(server, card, "model", "nano-banana-2")
    shown = await server.alice.click(card, label="Words and references")
    await server.alice.submit_modal(shown, fill_modal(shown))
    assert [task.model for task in rivya.tasks.values()] == ["qwen-image", "nano-banana-2"]
    assert [task.prompt for task in rivya.tasks.values()] == [words] * 2


@pytest.mark.parametrize("gone", [False, True])
async def test_edit_of_a_picture_whose_model_cannot_be_used_gives_the_words_and_another_model(
    server: BotServer, rivya: FakeRivya, gone: bool
) -> None:
    message = await paint(server, model="z-image")
    if gone:
        rivya.models["z-image"] = replace(rivya.models["z-image"], api_status="coming_soon")
        await server.restart()
        await server.wait_idle()
    else:
        await deny(server, "z-image")
    refusal = await server.alice.click(message, label="Edit")
    text = server.response_text(refusal)
    assert ("Z Image is not available" if gone else "do not let you use Z Image here") in text
    assert "a red fox" in text
    card = response_of(await server.alice.click(response_of(refusal).message, label="Another model")).message
    assert lists(server, card)["model"] == "qwen-image"
    shown = await server.alice.click(card, label="Words and references")
    await server.alice.submit_modal(shown, fill_modal(shown))
    assert [task.model for task in rivya.tasks.values()] == ["z-image", "qwen-image"]


async def test_after_a_refusal_for_want_of_credits_a_cheaper_model_can_be_chosen(
    server: BotServer, rivya: FakeRivya
) -> None:
    await server.sari.slash(server.channel, "limits guild", credits=3, period="month")
    refusal = await server.alice.slash(server.channel, "imagine", prompt="a red fox")
    assert "3 left: enough for 3 of Z Image." in server.response_text(refusal)
    await server.restart()
    message = response_of(refusal).message
    card = response_of(await server.alice.click(message, label="Another model")).message
    assert models(server, card)[0] == ("Z Image", "1 credit")
    await choose(server, card, "model", "z-image")
    shown = await server.alice.click(card, label="Words and references")
    await server.alice.submit_modal(shown, fill_modal(shown))
    assert [(task.model, task.prompt) for task in rivya.tasks.values()] == [("z-image", "a red fox")]
    second = await server.alice.click(message, label="Another model")
    assert "This was sent in before" in server.private_text(second)


async def test_another_member_and_a_forged_draft_get_no_card(server: BotServer) -> None:
    await server.sari.slash(server.channel, "limits guild", credits=3, period="month")
    refusal = await server.alice.slash(server.channel, "imagine", prompt="a red fox")
    message = response_of(refusal).message
    stale = StaleMessage(server, message)
    ((own,),) = server.query("SELECT draft_id FROM drafts")
    for member, draft_id, words in (
        (server.bob, own, "This was sent in before"),
        (server.alice, 2**63, "no longer available"),
    ):
        data = {"custom_id": f"kuas:card:{draft_id}", "component_type": BUTTON}
        assert words in server.private_text(await stale.send(member, COMPONENT, data))


async def test_with_one_model_edit_is_the_form_and_a_refusal_has_one_button(open_server: OpenServer) -> None:
    server = await open_server()
    message = await paint(server)
    assert modal_of(await server.alice.click(message, label="Edit"))
    await server.sari.slash(server.channel, "limits guild", credits=3, period="month")
    refusal = await server.alice.slash(server.channel, "imagine", prompt="a red fox")
    assert labels(server, response_of(refusal).message) == ["Edit and try again"]
