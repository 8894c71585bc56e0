"""Several pictures of one request in the form and on the card, and what a refused request goes on with."""

from __future__ import annotations

from typing import Any

import pytest
from simcord.components import walk_components

from bot.credits.admin import CreditAdmin
from bot.domain.limits import Limit, LimitScope
from bot.domain.model_catalog import default_catalog
from bot.domain.periods import Period
from sandbox.fake_rivya import FakeRivya
from tests.scenarios.bot_server import BotServer, OpenServer
from tests.scenarios.interactions import (
    COMPONENT,
    SELECT,
    StaleMessage,
    field,
    fill_modal,
    labels,
    response_of,
)
from tests.support.images import make_picture

MODELS = ("qwen-image", "flux-2-pro", "z-image", "nano-banana", "ideogram-v3")


@pytest.fixture
async def gallery(open_server: OpenServer) -> BotServer:
    """A server with several models, from 1 to 7 credits."""
    return await open_server(models=MODELS)


async def imagine(server: BotServer, **options: Any) -> Any:
    return await server.alice.slash(server.channel, "imagine", **options)


def menus(server: BotServer, card: Any) -> dict[str, dict[str, Any]]:
    """Return the lists of a card by what is chosen in them."""
    raw = server.env.backend.get_message(card.channel.id, card.id).components
    return {item["custom_id"].split(":")[2]: item for item in walk_components(raw) if item["type"] == SELECT}


def chosen(menu: dict[str, Any]) -> list[str]:
    return [option["value"] for option in menu["options"] if option.get("default")]


async def choose(server: BotServer, card: Any, what: str, *values: str) -> Any:
    return await server.alice.select(card, list(values), custom_id=menus(server, card)[what]["custom_id"])


def tasks(rivya: FakeRivya) -> list[str]:
    return sorted(task.model for task in rivya.tasks.values())


async def test_the_form_asks_how_many_pictures(server: BotServer, rivya: FakeRivya) -> None:
    shown = await imagine(server)
    number = field(shown, "pictures")
    assert [option["label"] for option in number["options"]] == [
        "1 picture",
        "2 pictures",
        "3 pictures",
        "4 pictures",
    ]
    filled = fill_modal(shown, prompt="a red fox", pictures="3", options=["jpeg"])
    await server.alice.submit_modal(shown, filled)
    assert tasks(rivya) == ["qwen-image"] * 3
    assert {task.output_format for task in rivya.tasks.values()} == {"jpeg"}


async def test_where_one_picture_is_allowed_the_form_has_nothing_of_it(
    server: BotServer, rivya: FakeRivya
) -> None:
    await server.sari.slash(server.channel, "access pictures", most=1)
    shown = await imagine(server)
    assert fill_modal(shown) == {"size": ["square_hd"], "format": "png"}
    await server.alice.submit_modal(shown, fill_modal(shown, prompt="a red fox"))
    assert tasks(rivya) == ["qwen-image"]


async def test_the_number_of_the_command_stands_in_the_form_also_after_a_restart(
    server: BotServer, rivya: FakeRivya
) -> None:
    shown = await imagine(server, pictures=4, reference=("r.png", make_picture()))
    assert chosen(field(shown, "pictures")) == ["4"]
    blank = await server.alice.submit_modal(shown, fill_modal(shown, prompt=" "))
    assert "prompt is empty" in server.response_text(blank)
    await server.restart()
    again = await server.alice.click(response_of(blank).message, label="Edit and try again")
    assert chosen(field(again, "pictures")) == ["4"]
    await server.alice.submit_modal(again, fill_modal(again, prompt="a red fox"))
    assert len(rivya.tasks) == 4
    assert all(task.reference_id for task in rivya.tasks.values())


async def test_the_card_asks_how_many_and_says_what_they_cost(gallery: BotServer, rivya: FakeRivya) -> None:
    card = response_of(await imagine(gallery)).message
    numbers = menus(gallery, card)["pictures"]
    assert [option["description"] for option in numbers["options"]] == [
        "4 credits",
        "2 × 4 = 8 credits",  # noqa: RUF001  # the sign for products
        "3 × 4 = 12 credits",  # noqa: RUF001  # same
        "4 × 4 = 16 credits",  # noqa: RUF001  # same
    ]
    assert chosen(numbers) == ["1"]
    await choose(gallery, card, "pictures", "3")
    await gallery.restart()
    await choose(gallery, card, "model", "flux-2-pro")
    assert "3 pictures: 3 × 5 = 15 credits with Flux 2 Pro" in gallery.text_of(card)  # noqa: RUF001  # same
    assert chosen(menus(gallery, card)["pictures"]) == ["3"]
    shown = await gallery.alice.click(card, label="Words and references")
    assert fill_modal(shown)["pictures"] == ["3"]
    await gallery.alice.submit_modal(shown, fill_modal(shown, prompt="a red fox", pictures="2"))
    assert tasks(rivya) == ["flux-2-pro"] * 2


async def test_models_that_are_too_dear_for_so_many_say_so_on_the_card(gallery: BotServer) -> None:
    await gallery.sari.slash(gallery.channel, "limits guild", credits=13, period="day")
    card = response_of(await imagine(gallery, pictures=2)).message

    def last() -> tuple[str, str]:
        option = menus(gallery, card)["model"]["options"][-1]
        return option["value"], option["description"]

    assert last() == ("ideogram-v3", "14 credits · only 13 left")
    await choose(gallery, card, "pictures", "1")
    assert last() == ("ideogram-v3", "from 7 credits")


async def test_where_one_picture_is_allowed_the_card_has_nothing_of_it(gallery: BotServer) -> None:
    await gallery.sari.slash(gallery.channel, "access pictures", most=1)
    card = response_of(await imagine(gallery)).message
    assert "pictures" not in menus(gallery, card)
    assert "picture" not in gallery.text_of(card).replace("A new picture", "")


@pytest.mark.parametrize("values", [["5"], ["0"], ["-1"], ["many"], [], None])
async def test_a_forged_number_changes_nothing(gallery: BotServer, values: list[str] | None) -> None:
    card = response_of(await imagine(gallery, pictures=2)).message
    custom_id = menus(gallery, card)["pictures"]["custom_id"]
    data = {"custom_id": custom_id, "component_type": SELECT, "values": values}
    answer = await StaleMessage(gallery, card).send(gallery.alice, COMPONENT, data)
    assert "Something is wrong on our side" not in gallery.private_text(answer)
    assert gallery.query("SELECT pictures FROM drafts") == [(2,)]


async def test_compared_models_are_chosen_on_the_card(gallery: BotServer, rivya: FakeRivya) -> None:
    card = response_of(await imagine(gallery, models="qwen-image, z-image")).message
    words = gallery.text_of(card)
    assert "2 pictures: 4 + 1 = 5 credits\n- 4 credits with Qwen Image\n- 1 credit with Z Image" in words
    lists = menus(gallery, card)
    assert chosen(lists["model"]) == ["qwen-image", "z-image"]
    assert (lists["model"]["max_values"], "pictures" in lists) == (4, False)
    await choose(gallery, card, "model", "z-image", "flux-2-pro", "nano-banana")
    await gallery.restart()
    shown = await gallery.alice.click(card, label="Words and references")
    assert shown.modal is not None
    assert "Compared: Z Image, Flux 2 Pro, Nano Banana" in str(shown.modal)
    await gallery.alice.submit_modal(shown, fill_modal(shown, prompt="a red fox"))
    assert tasks(rivya) == ["flux-2-pro", "nano-banana", "z-image"]
    assert gallery.query("SELECT kind FROM job_groups") == [("compare",)]


async def test_one_model_that_is_left_is_not_compared(gallery: BotServer, rivya: FakeRivya) -> None:
    card = response_of(await imagine(gallery, models="qwen-image, z-image")).message
    await choose(gallery, card, "model", "z-image")
    assert "1 credit with Z Image" in gallery.text_of(card)
    await choose(gallery, card, "pictures", "2")
    shown = await gallery.alice.click(card, label="Words and references")
    await gallery.alice.submit_modal(shown, fill_modal(shown, prompt="a red fox"))
    assert tasks(rivya) == ["z-image"] * 2


async def test_more_models_than_a_request_may_have_are_not_taken(gallery: BotServer) -> None:
    card = response_of(await imagine(gallery, models="qwen-image, z-image")).message
    custom_id = menus(gallery, card)["model"]["custom_id"]
    data = {"custom_id": custom_id, "component_type": SELECT, "values": list(MODELS)}
    answer = await StaleMessage(gallery, card).send(gallery.alice, COMPONENT, data)
    assert "compare fewer models" in gallery.private_text(answer)
    assert gallery.query("SELECT models FROM drafts") == [('["qwen-image", "z-image"]',)]


async def test_a_setting_that_all_compared_models_have_is_on_the_card(open_server: OpenServer) -> None:
    server = await open_server(models=("flux-2-pro", "flux-2-flex", "nano-banana"))
    card = response_of(await imagine(server, models="flux-2-pro, flux-2-flex")).message
    assert "setting0" in menus(server, card)
    await choose(server, card, "model", "flux-2-pro", "nano-banana")
    assert "setting0" not in menus(server, card)


async def test_fewer_pictures_are_one_click_away_where_the_limit_has_room_for_them(
    server: BotServer, rivya: FakeRivya
) -> None:
    await server.sari.slash(server.channel, "limits guild", credits=13, period="day")
    refused = response_of(await imagine(server, prompt="a red fox", pictures=4, spoiler=True)).message
    words = server.text_of(refused)
    assert "4 pictures cost 16 credits, but this server's limit has 13 left" in words
    assert "There is room for 3 of them." in words
    assert labels(server, refused) == ["Edit and try again", "Ask for 3 instead"]
    form = await server.alice.click(refused, label="Edit and try again")
    assert chosen(field(form, "pictures")) == ["3"]
    await server.restart()
    stale = StaleMessage(server, refused)
    await stale.click(server.alice, "Ask for 3 instead")
    assert len(rivya.tasks) == 3
    assert server.query("SELECT DISTINCT spoiler, group_size FROM jobs") == [(1, 3)]
    second = await stale.click(server.alice, "Ask for 3 instead")
    assert "This was sent in before" in server.private_text(second)
    assert len(rivya.tasks) == 3


async def test_nobody_else_can_ask_for_fewer(server: BotServer, rivya: FakeRivya) -> None:
    await server.sari.slash(server.channel, "limits guild", credits=13, period="day")
    refused = response_of(await imagine(server, prompt="a red fox", pictures=4)).message
    answer = await StaleMessage(server, refused).click(server.bob, "Ask for 3 instead")
    assert "This was sent in before, or it is more than a day old" in server.private_text(answer)
    assert rivya.tasks == {}


async def test_fewer_pictures_are_asked_about_where_their_price_has_to_be_confirmed(
    server: BotServer, rivya: FakeRivya
) -> None:
    await server.sari.slash(server.channel, "access pictures", most=2)
    await server.sari.slash(server.channel, "limits confirm", above=0)
    refused = response_of(await imagine(server, prompt="a red fox", pictures=4)).message
    question = response_of(await server.alice.click(refused, label="Ask for 2 instead")).message
    assert "These 2 pictures cost" in server.text_of(question)
    await server.alice.click(question, label="Paint them")
    assert len(rivya.tasks) == 2


@pytest.mark.parametrize(
    ("limit", "words", "buttons"),
    [
        (3, "allows a member 3 pictures at once, and you asked for 4.", ["Ask for 2 instead"]),
        (4, "1 picture under way, and this server allows 4 at once: no room for 4", ["Ask for 3 instead"]),
    ],
)
async def test_as_many_as_may_be_under_way_at_once_are_offered(
    server: BotServer, rivya: FakeRivya, limit: int, words: str, buttons: list[str]
) -> None:
    await server.sari.slash(server.channel, "access running", pictures=limit)
    rivya.hold()
    await server.start_imagine(server.alice, "a slow fox")
    with server.without_settling():
        await imagine(server, prompt="a red fox", pictures=4)
    await server.until(lambda: any(words in server.text_of(seen) for seen in server.visible_to(server.alice)))
    refused = server.visible_to(server.alice)[-1]
    assert labels(server, refused) == ["Edit and try again", *buttons]
    rivya.release()
    await server.wait_idle()


async def test_the_budget_over_all_servers_tells_no_numbers(server: BotServer, rivya: FakeRivya) -> None:
    await set_budget(server, 9)
    refused = response_of(await imagine(server, prompt="a red fox", pictures=4)).message
    words = server.text_of(refused)
    assert "no room for so many pictures. Please ask for fewer." in words
    assert labels(server, refused) == ["Edit and try again"]
    await imagine(server, prompt="a red fox", pictures=2)
    assert len(rivya.tasks) == 2
    assert "used up" in server.response_text(await imagine(server, prompt="a red fox", pictures=2))


async def set_budget(server: BotServer, credits: int) -> None:
    """Set what the operator allows all servers together, in a month."""
    limit = Limit(credits, Period.MONTH, scope=LimitScope.CEILING_ALL)
    ledger = server.app.ledger
    admin = CreditAdmin(ledger._database, ledger.default, default_catalog())
    await admin.set_limit(0, limit, set_by=1)


async def test_models_that_are_too_dear_together_are_chosen_anew(
    gallery: BotServer, rivya: FakeRivya
) -> None:
    await gallery.sari.slash(gallery.channel, "limits guild", credits=9, period="day")
    refused = response_of(
        await imagine(gallery, prompt="a red fox", models="ideogram-v3, flux-2-pro, z-image")
    ).message
    words = gallery.text_of(refused)
    assert "3 pictures cost 13 credits, but this server's limit has 9 left" in words
    assert "There is room for 2 of them." in words
    assert labels(gallery, refused) == ["Edit and try again", "Choose the models"]
    card = response_of(await gallery.alice.click(refused, label="Choose the models")).message
    await choose(gallery, card, "model", "ideogram-v3", "z-image")
    shown = await gallery.alice.click(card, label="Words and references")
    assert fill_modal(shown)["prompt"] == "a red fox"
    await gallery.alice.submit_modal(shown, fill_modal(shown))
    assert tasks(rivya) == ["ideogram-v3", "z-image"]


async def test_of_a_comparison_that_was_refused_only_the_refused_model_is_swapped(
    gallery: BotServer, rivya: FakeRivya
) -> None:
    await gallery.sari.slash(gallery.channel, "access model", model="z-image", mode="deny")
    refused = await imagine(gallery, prompt="a red fox", models="flux-2-pro, z-image")
    assert "do not let you use Z Image here" in gallery.response_text(refused)
    shown = await gallery.alice.click(response_of(refused).message, label="Edit and try again")
    await gallery.alice.submit_modal(shown, fill_modal(shown))
    assert tasks(rivya) == ["flux-2-pro", "nano-banana"]


async def test_too_many_models_or_pictures_of_several_leave_what_can_be_asked_for(
    gallery: BotServer, rivya: FakeRivya
) -> None:
    refused = await imagine(gallery, prompt="a red fox", models=",".join(MODELS))
    card = response_of(
        await gallery.alice.click(response_of(refused).message, label="Choose the models")
    ).message
    assert chosen(menus(gallery, card)["model"]) == list(MODELS[:4])
    refused = await imagine(gallery, prompt="a blue fox", models="qwen-image, z-image", pictures=3)
    shown = await gallery.alice.click(response_of(refused).message, label="Edit and try again")
    await gallery.alice.submit_modal(shown, fill_modal(shown))
    assert tasks(rivya) == ["qwen-image", "z-image"]
