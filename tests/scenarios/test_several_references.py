"""Several references in one request: by options, in the form, one after another, and one of them wrong."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
import simcord
from PIL import Image

from bot.storage.picture_store import picture_folder
from sandbox.fake_rivya import FakeRivya
from tests.scenarios.bot_server import BotServer, OpenServer
from tests.scenarios.interactions import compose, edit, field, fill_modal, modal_of
from tests.support.images import make_picture

MODELS = ("nano-banana", "qwen-image", "flux-2-pro")
"""They take 10, 1 and 8 references."""


@pytest.fixture
async def server(open_server: OpenServer) -> BotServer:
    return await open_server(models=MODELS)


def picture(number: int) -> bytes:
    """A picture that is told from others by its width, also after the bot has prepared it."""
    return make_picture(size=(30 + number, 20))


def attached(*numbers: int) -> dict[str, Any]:
    """Options of `/imagine` with so many references."""
    return {
        "reference" if place == 1 else f"reference{place}": (f"{number}.png", picture(number))
        for place, number in enumerate(numbers, start=1)
    }


async def imagine(server: BotServer, *numbers: int, **options: Any) -> simcord.InteractionResult:
    options = {"prompt": "a red fox", **attached(*numbers), **options}
    return await server.alice.slash(server.channel, "imagine", **options)


async def open_form(server: BotServer, *numbers: int, **options: Any) -> simcord.InteractionResult:
    """Open the form, by way of the card where there is one."""
    if server.options.get("models"):
        return await compose(server, **attached(*numbers), **options)
    return await server.alice.slash(server.channel, "imagine", **attached(*numbers), **options)


def sent(rivya: FakeRivya, place: int = -1) -> list[int]:
    """The numbers of the references that a task was given, in their order."""
    task = list(rivya.tasks.values())[place]
    data = [rivya.uploads[upload_id].data for upload_id in task.reference_ids]
    return [Image.open(io.BytesIO(each)).width - 30 for each in data]


def kept(shown: simcord.InteractionResult) -> list[str]:
    """The labels of the boxes that keep a reference."""
    return [
        option["label"] for option in field(shown, "options")["options"] if option["value"].startswith("keep")
    ]


async def use(server: BotServer, number: int) -> simcord.InteractionResult:
    """Choose *Use as reference* on a message that has a picture."""
    name = f"{number}.png"
    message = await server.bob.send(server.channel, "look", attachments=[(name, picture(number))])
    return await server.alice.context_menu(server.channel, "Use as reference", message)


def erase_files(server: BotServer, name: str) -> None:
    """Delete an attachment from Discord's servers."""
    (url,) = [url for url, (filename, _) in server.cdn.attachments.items() if filename == name]
    server.cdn.delete(url)


async def test_four_options_are_sent_in_their_order(server: BotServer, rivya: FakeRivya) -> None:
    await imagine(server, 4, 2, 3, 1)
    assert sent(rivya) == [4, 2, 3, 1]
    assert len(server.pictures()) == 1
    (message,) = server.channel.history()
    details = server.response_text(await server.alice.click(message, label="Details"))
    assert "4 references: 4.png, 2.png, 3.png, 1.png" in details


async def test_a_gap_between_the_options_is_closed(server: BotServer, rivya: FakeRivya) -> None:
    third = {"reference3": ("3.png", picture(3))}
    await imagine(server, 1, **third)
    assert sent(rivya) == [1, 3]


async def test_the_same_picture_given_twice_is_sent_twice(server: BotServer, rivya: FakeRivya) -> None:
    await imagine(server, 1, 1)
    assert sent(rivya) == [1, 1]
    assert server.states() == ["settled"]
    assert len(list(picture_folder(server.database).iterdir())) == 1


@pytest.mark.parametrize(
    ("name", "data", "hint"),
    [
        ("clip.jpg", b"\0\0\0\x18ftypmp42" + bytes(40), "is a video"),
        ("notes.png", b"only words, renamed", "is not a picture"),
        ("half.png", make_picture(size=(400, 400))[:300], "cannot be read"),
    ],
)
async def test_the_one_that_is_wrong_is_named_and_nothing_is_charged(
    server: BotServer, rivya: FakeRivya, name: str, data: bytes, hint: str
) -> None:
    words = server.private_text(await imagine(server, 1, 2, 3, reference2=(name, data)))
    assert f"Reference 2, {name}:" in words
    assert hint in words
    assert "a red fox" in words
    assert set(server.states()) <= {"released"}
    assert rivya.tasks == {}
    assert len(rivya.uploads) <= 1


async def test_one_that_discord_has_deleted_meanwhile_is_named(server: BotServer, rivya: FakeRivya) -> None:
    shown = await open_form(server, 1, 2, 3)
    erase_files(server, "3.png")
    answer = await server.alice.submit_modal(shown, fill_modal(shown, prompt="a fox"))
    words = server.private_text(answer)
    assert "Reference 3, 3.png: The reference is not there any more" in words
    assert (server.states(), rivya.tasks) == (["released"], {})


async def test_more_than_the_model_takes_are_refused_and_models_that_take_them_are_named(
    server: BotServer, rivya: FakeRivya
) -> None:
    answer = await imagine(server, 1, 2, 3, model="qwen-image")
    words = server.response_text(answer)
    assert "Qwen Image takes 1 reference, and this request has 3." in words
    assert "choose a model that takes as many: Nano Banana, Flux 2 Pro." in words
    assert (server.states(), rivya.uploads) == ([], {})
    form = await server.alice.click(answer.response.message, label="Edit and try again")  # type: ignore[union-attr]
    assert kept(form) == [f"Keep reference {number}: {number}.png" for number in (1, 2, 3)]
    await server.alice.submit_modal(form, fill_modal(form, options=["keep3"]))
    assert sent(rivya) == [3]


async def test_the_options_are_hidden_as_far_as_no_model_takes_as_many(open_server: OpenServer) -> None:
    alone = await open_server()
    assert references_of(alone) == ["reference"]


async def test_the_options_are_there_where_a_model_takes_as_many(server: BotServer) -> None:
    assert references_of(server) == ["reference", "reference2", "reference3", "reference4"]


def references_of(server: BotServer) -> list[str]:
    command = server.app.client.tree.get_command("imagine")
    assert command is not None
    options = command.to_dict(server.app.client.tree)["options"]
    return [option["name"] for option in options if option["name"].startswith("reference")]


async def test_the_form_takes_as_many_as_the_model_and_adds_to_those_that_are_kept(
    server: BotServer, rivya: FakeRivya
) -> None:
    shown = await open_form(server, 1, 2)
    assert field(shown, "reference")["max_values"] == 10
    await server.restart()
    files = [("7.png", picture(7)), ("8.png", picture(8))]
    await server.alice.submit_modal(
        shown, fill_modal(shown, prompt="a fox", reference=files, options=["keep2"])
    )
    assert sent(rivya) == [2, 7, 8]


async def test_a_form_for_one_reference_is_as_it_was(open_server: OpenServer, rivya: FakeRivya) -> None:
    server = await open_server()
    shown = await server.alice.slash(server.channel, "imagine", **attached(1))
    assert field(shown, "reference")["max_values"] == 1
    assert kept(shown) == ["Keep the reference"]
    await server.alice.submit_modal(
        shown, fill_modal(shown, prompt="a fox", reference=[("2.png", picture(2))])
    )
    assert sent(rivya) == [2]


async def test_use_as_reference_adds_to_the_form_that_was_begun(server: BotServer, rivya: FakeRivya) -> None:
    await use(server, 5)
    await server.restart()
    await use(server, 6)
    shown = await use(server, 7)
    assert kept(shown) == [f"Keep reference {place}: {place + 4}.png" for place in (1, 2, 3)]
    await server.alice.submit_modal(shown, fill_modal(shown, prompt="together"))
    assert sent(rivya) == [5, 6, 7]
    # What was sent in is finished: the next one begins anew.
    assert kept(await use(server, 8)) == ["Keep the reference"]


async def test_the_same_message_chosen_twice_is_there_once(server: BotServer, rivya: FakeRivya) -> None:
    message = await server.bob.send(server.channel, "look", attachments=[("1.png", picture(1))])
    await server.alice.context_menu(server.channel, "Use as reference", message)
    shown = await server.alice.context_menu(server.channel, "Use as reference", message)
    await server.alice.submit_modal(shown, fill_modal(shown, prompt="a fox"))
    assert sent(rivya) == [1]


async def test_a_form_of_somebody_else_is_not_added_to(server: BotServer) -> None:
    await use(server, 1)
    message = await server.alice.send(server.channel, "look", attachments=[("2.png", picture(2))])
    shown = await server.bob.context_menu(server.channel, "Use as reference", message)
    assert kept(shown) == ["Keep the reference"]


async def test_a_form_whose_model_takes_no_more_is_left_and_another_is_begun(server: BotServer) -> None:
    await open_form(server, 1, model="qwen-image")
    shown = await use(server, 2)
    assert kept(shown) == ["Keep the reference"]
    (label,) = [
        part for part in modal_of(shown)["components"] if part["component"]["custom_id"] == "reference"
    ]
    assert label["description"] == "Qwen Image takes 1 reference, so this one begins a new request."


async def test_with_one_model_for_one_reference_each_use_begins_a_form(open_server: OpenServer) -> None:
    server = await open_server()
    await use(server, 1)
    shown = await use(server, 2)
    assert kept(shown) == ["Keep the reference"]
    (label,) = [
        part for part in modal_of(shown)["components"] if part["component"]["custom_id"] == "reference"
    ]
    assert label["description"] == "Now: 2.png. Attach another to swap it."


@pytest.mark.parametrize("restarted", [False, True])
async def test_again_and_edit_have_all_references_also_when_discord_has_lost_them(
    server: BotServer, rivya: FakeRivya, restarted: bool
) -> None:
    await imagine(server, 3, 1, 2)
    (message,) = server.channel.history()
    for number in (1, 2, 3):
        erase_files(server, f"{number}.png")
    if restarted:
        await server.restart()
    await server.alice.click(message, label="Again")
    assert sent(rivya) == [3, 1, 2]
    form = await edit(server, message)
    values = fill_modal(form, prompt="a blue fox", options=["keep1", "keep3"])
    await server.alice.submit_modal(form, values)
    assert sent(rivya) == [3, 2]
    refused = await server.bob.click(message, label="Again")
    assert "it is theirs" in server.response_text(refused)


async def test_pictures_made_from_several_pictures_know_all_of_them(server: BotServer) -> None:
    for prompt in ("a cat", "a dog"):
        await server.alice.slash(server.channel, "imagine", prompt=prompt)
    cat, dog = server.channel.history()
    await server.bob.click(cat, label="Use as reference")
    form = await server.bob.click(dog, label="Use as reference")
    assert kept(form) == [f"Keep reference {number}: a picture of this bot" for number in (1, 2)]
    await server.bob.submit_modal(form, fill_modal(form, prompt="friends"))
    friends = server.channel.history()[-1]
    details = server.response_text(await server.alice.click(friends, label="Details"))
    assert "It was made from 2 pictures; together they cost 9 credits" in details
    assert "2 references: a picture of this bot, a picture of this bot" in details
    assert details.index("a cat") < details.index("a dog")


async def test_a_price_is_asked_for_with_the_names_of_all(open_server: OpenServer, rivya: FakeRivya) -> None:
    server = await open_server(models=MODELS)
    await server.sari.slash(server.channel, "limits confirm", above=0)
    asked = await imagine(server, 1, 2)
    assert "With 2 references: 1.png, 2.png." in server.response_text(asked)
    # The question is about what was sent in: a reference chosen now is for another request.
    assert kept(await use(server, 3)) == ["Keep the reference"]
    await server.alice.click(asked.response.message, label="Paint it")  # type: ignore[union-attr]
    assert sent(rivya) == [1, 2]


async def test_a_form_whose_model_is_gone_is_left_without_a_word_about_its_references(
    server: BotServer, rivya: FakeRivya
) -> None:
    await open_form(server, 1, model="flux-2-pro")
    rivya.models["flux-2-pro"] = replace(rivya.models["flux-2-pro"], api_status="coming_soon")
    await server.restart()
    await server.wait_idle()
    shown = await use(server, 2)
    assert kept(shown) == ["Keep the reference"]
    (label,) = [
        part for part in modal_of(shown)["components"] if part["component"]["custom_id"] == "reference"
    ]
    assert "takes 8 references" not in label["description"]
