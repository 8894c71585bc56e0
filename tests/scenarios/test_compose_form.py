"""The form for a request: its fields and defaults, and that nothing typed is ever lost."""

from __future__ import annotations

from typing import Any

import discord
import pytest
import simcord

from bot.guilds import presets as store
from cogs.imagine import presets
from sandbox.fake_rivya import FakeRivya
from tests.scenarios.bot_server import BotServer, OpenServer
from tests.scenarios.interactions import field, fill_modal, response_of
from tests.support.images import make_picture

LONG = " ".join(f"word{number:04}" for number in range(540))
"""Longer than one text field allows, and within what the model allows."""


async def open_form(server: BotServer, **options: Any) -> simcord.InteractionResult:
    result: simcord.InteractionResult = await server.alice.slash(server.channel, "imagine", **options)
    assert result.modal is not None
    return result


async def test_without_a_prompt_a_form_opens_and_makes_a_picture(server: BotServer, rivya: FakeRivya) -> None:
    shown = await open_form(server)
    assert server.ledger_entries() == []
    await server.alice.submit_modal(
        shown,
        fill_modal(
            shown,
            prompt="a red fox",
            size="landscape_16_9",
            options=["jpeg"],
            reference=("r.png", make_picture()),
        ),
    )
    (task,) = rivya.tasks.values()
    assert (task.prompt, task.size, task.output_format) == ("a red fox", "landscape_16_9", "jpeg")
    assert task.reference_id in rivya.uploads
    assert len(server.pictures()) == 1
    assert server.states() == ["settled"]


async def test_the_form_has_the_options_of_the_command(server: BotServer) -> None:
    shown = await open_form(
        server,
        size="portrait_4_3",
        format="jpeg",
        private=True,
        spoiler=True,
        reference=("r.png", make_picture()),
    )
    assert fill_modal(shown) == {
        "size": ["portrait_4_3"],
        "pictures": ["1"],
        "options": ["private", "spoiler", "jpeg", "keep"],
    }
    assert shown.modal is not None
    (label,) = [part for part in shown.modal["components"] if part["component"]["custom_id"] == "reference"]
    assert "r.png" in label["description"]


async def test_the_reference_of_the_command_is_used_unless_it_is_removed(
    server: BotServer, rivya: FakeRivya
) -> None:
    shown = await open_form(server, reference=("first.png", make_picture()))
    await server.alice.submit_modal(shown, fill_modal(shown, prompt="a fox"))
    shown = await open_form(server, reference=("first.png", make_picture()))
    await server.alice.submit_modal(shown, fill_modal(shown, prompt="a cat", options=[]))
    with_reference, without = rivya.tasks.values()
    assert with_reference.reference_id is not None
    assert without.reference_id is None


async def test_a_form_can_be_submitted_after_a_restart(server: BotServer, rivya: FakeRivya) -> None:
    shown = await open_form(server, size="portrait_16_9", reference=("r.png", make_picture()))
    await server.restart()
    await server.alice.submit_modal(shown, fill_modal(shown, prompt="a fox"))
    (task,) = rivya.tasks.values()
    assert (task.prompt, task.size) == ("a fox", "portrait_16_9")
    assert task.reference_id is not None
    assert len(server.pictures()) == 1


async def test_a_prompt_longer_than_a_field_is_split_and_joined_unchanged(
    server: BotServer, rivya: FakeRivya
) -> None:
    assert 4000 < len(LONG) <= 5000
    await server.alice.slash(server.channel, "imagine", prompt=LONG)
    (message,) = server.channel.history()
    shown = await server.alice.click(message, label="Edit")
    assert len(field(shown, "prompt")["value"]) <= 4000
    assert field(shown, "more")["value"]
    await server.alice.submit_modal(shown, fill_modal(shown))
    first, second = rivya.tasks.values()
    assert first.prompt == second.prompt == LONG


@pytest.mark.parametrize("separator", ["\n", " ", ""])
async def test_the_separator_between_the_halves_of_a_prompt_is_kept(
    server: BotServer, rivya: FakeRivya, separator: str
) -> None:
    prompt = "é" * 3900 + separator + "ü" * 900
    await server.alice.slash(server.channel, "imagine", prompt=prompt)
    (message,) = server.channel.history()
    shown = await server.alice.click(message, label="Edit")
    await server.alice.submit_modal(shown, fill_modal(shown))
    first, second = rivya.tasks.values()
    assert first.prompt == second.prompt == prompt


async def test_a_refused_form_can_be_edited_and_tried_again(
    open_server: OpenServer, rivya: FakeRivya
) -> None:
    server = await open_server(guild_credits=4, guild_ceiling=1000)
    shown = await open_form(server, size="portrait_4_3", reference=("r.png", make_picture()))
    await server.bob.slash(server.channel, "imagine", prompt="the last one")
    result = await server.alice.submit_modal(shown, fill_modal(shown, prompt="a *starry* fox"))
    words = server.response_text(result)
    assert "4 of 4 credits used" in words
    assert r"a \*starry\* fox" in words
    assert len(rivya.tasks) == 1

    await server.sari.slash(server.channel, "limits guild", credits=100, period="month")
    again = await server.alice.click(response_of(result).message, label="Edit and try again")
    assert field(again, "prompt")["value"] == "a *starry* fox"
    assert fill_modal(again)["size"] == ["portrait_4_3"]
    await server.alice.submit_modal(again, fill_modal(again))
    task = list(rivya.tasks.values())[-1]
    assert (task.prompt, task.size) == ("a *starry* fox", "portrait_4_3")
    assert task.reference_id is not None


async def test_no_form_is_shown_to_a_member_who_would_be_refused(open_server: OpenServer) -> None:
    server = await open_server(guild_credits=3, guild_ceiling=1000)
    result = await server.alice.slash(server.channel, "imagine")
    assert result.modal is None
    assert "0 of 3 credits used" in server.response_text(result)


async def test_a_refused_command_gives_its_prompt_back_also_after_a_restart(open_server: OpenServer) -> None:
    server = await open_server(guild_credits=3, guild_ceiling=1000)
    result = await server.alice.slash(server.channel, "imagine", prompt="a fox")
    assert "> a fox" in server.response_text(result)
    await server.restart()
    again = await server.alice.click(response_of(result).message, label="Edit and try again")
    assert field(again, "prompt")["value"] == "a fox"


async def test_a_prompt_too_long_for_a_message_is_given_back_as_a_file(open_server: OpenServer) -> None:
    server = await open_server(guild_credits=3, guild_ceiling=1000)
    result = await server.alice.slash(server.channel, "imagine", prompt=LONG)
    (attachment,) = server.env.backend.get_message(
        server.channel.id, response_of(result).message.id
    ).attachments
    assert (server.cdn.get(attachment["url"]) or b"").decode() == LONG


async def test_a_form_whose_draft_was_erased_gives_its_prompt_back_and_makes_no_picture(
    server: BotServer, rivya: FakeRivya
) -> None:
    shown = await open_form(server, size="portrait_4_3", reference=("r.png", make_picture()))
    result = await server.alice.slash(server.channel, "privacy erase")
    await server.alice.click(response_of(result).message, label="Erase it")
    result = await server.alice.submit_modal(shown, fill_modal(shown, prompt="a fox"))
    assert "a fox" in server.response_text(result)
    assert rivya.tasks == {}
    again = await server.alice.click(response_of(result).message, label="Edit and try again")
    await server.alice.submit_modal(again, fill_modal(again))
    (task,) = rivya.tasks.values()
    assert (task.prompt, task.size, task.reference_id) == ("a fox", "portrait_4_3", None)


async def test_a_form_submitted_from_two_devices_makes_one_picture(
    open_server: OpenServer, rivya: FakeRivya
) -> None:
    server = await open_server(guild_credits=3, guild_ceiling=1000)
    refused = await server.alice.slash(server.channel, "imagine", prompt="a fox")
    await server.sari.slash(server.channel, "limits guild", credits=100, period="month")
    message = response_of(refused).message
    phone, desktop = [await server.alice.click(message, label="Edit and try again") for _ in range(2)]
    await server.alice.submit_modal(phone, fill_modal(phone, prompt="a red fox"))
    result = await server.alice.submit_modal(desktop, fill_modal(desktop, prompt="a blue fox"))
    assert "sent in before" in server.response_text(result)
    assert "a blue fox" in server.response_text(result)
    assert len(rivya.tasks) == 1


async def test_a_blocked_word_can_be_removed_from_an_old_prompt(server: BotServer, rivya: FakeRivya) -> None:
    await server.alice.slash(server.channel, "imagine", prompt="a red fox")
    (message,) = server.channel.history()
    await server.sari.slash(server.channel, "access forbid", words="fox")
    shown = await server.alice.click(message, label="Edit")
    await server.alice.submit_modal(shown, fill_modal(shown, prompt="a red owl"))
    assert [task.prompt for task in rivya.tasks.values()] == ["a red fox", "a red owl"]


async def test_a_prompt_with_a_lone_surrogate_is_refused(server: BotServer) -> None:
    result = await server.alice.slash(server.channel, "imagine", prompt="a \ud83d fox")
    assert "our side" not in server.response_text(result)
    assert server.ledger_entries() == []


async def test_a_member_cannot_open_the_draft_of_another(open_server: OpenServer) -> None:
    server = await open_server(guild_credits=3, guild_ceiling=1000)
    result = await server.alice.slash(server.channel, "imagine", prompt="a secret")
    (custom_id,) = [
        part["custom_id"]
        for part in simcord.components.walk_components(response_of(result).components)
        if "custom_id" in part
    ]
    public = await server.bob.slash(server.channel, "imagine", prompt="a fox")
    raw = server.env.backend.get_message(server.channel.id, response_of(public).message.id)
    for part in simcord.components.walk_components(raw.components):
        if part.get("custom_id", "").startswith("kuas:draft:"):
            part["custom_id"] = custom_id
    stolen = await server.bob.click(response_of(public).message, custom_id=custom_id)
    assert stolen.modal is None
    assert "secret" not in server.response_text(stolen)


async def test_the_price_of_a_form_is_confirmed_too(server: BotServer, rivya: FakeRivya) -> None:
    await server.sari.slash(server.channel, "limits confirm", above=0)
    shown = await open_form(server, size="portrait_4_3")
    result = await server.alice.submit_modal(shown, fill_modal(shown, prompt="a fox", options=["private"]))
    assert "This picture costs 4 credits" in server.response_text(result)
    assert rivya.tasks == {}
    await server.alice.click(response_of(result).message, label="Paint it")
    (task,) = rivya.tasks.values()
    assert task.size == "portrait_4_3"
    assert server.visible_to(server.bob) == []


async def test_defaults_apply_where_nothing_is_chosen(server: BotServer, rivya: FakeRivya) -> None:
    result = await server.alice.slash(
        server.channel, "defaults set", size="portrait_4_3", format="jpeg", private=True
    )
    assert "Portrait 3:4" in server.response_text(result)
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    await server.alice.slash(server.channel, "imagine", prompt="a cat", size="square", private=False)
    await server.bob.slash(server.channel, "imagine", prompt="a dog")
    assert [(task.size, task.output_format) for task in rivya.tasks.values()] == [
        ("portrait_4_3", "jpeg"),
        ("square", "jpeg"),
        ("square_hd", "png"),
    ]
    seen = [server.text_of(message) for message in server.visible_to(server.bob)]
    assert len(seen) == 2
    assert "> a cat" in seen[0]
    assert "> a dog" in seen[1]
    await server.alice.slash(server.channel, "defaults clear")
    shown = await open_form(server)
    assert fill_modal(shown) == {"size": ["square_hd"], "pictures": ["1"]}


async def test_the_words_of_a_preset_are_put_around_the_prompt(server: BotServer, rivya: FakeRivya) -> None:
    saved = await server.sari.slash(
        server.channel, "presets save", name="Oil", before="oil painting of", after="on canvas", size="square"
    )
    assert "oil painting of *your words* on canvas" in server.response_text(saved)
    choices = await server.alice.autocomplete(server.channel, "imagine", "preset", "oi")
    assert [choice["value"] for choice in choices] == ["Oil"]
    await server.alice.slash(server.channel, "imagine", prompt="a fox", preset="ÓIL")
    (task,) = rivya.tasks.values()
    assert (task.prompt, task.size) == ("oil painting of a fox on canvas", "square")
    (message,) = server.channel.history()
    assert "oil painting" not in server.text_of(message)
    shown = await server.alice.click(message, label="Edit")
    assert field(shown, "prompt")["value"] == "a fox"
    await server.alice.submit_modal(shown, fill_modal(shown, prompt="a cat"))
    assert list(rivya.tasks.values())[-1].prompt == "oil painting of a cat on canvas"


async def test_an_unknown_preset_is_refused_and_the_prompt_is_given_back(
    server: BotServer, rivya: FakeRivya
) -> None:
    result = await server.alice.slash(server.channel, "imagine", prompt="a fox", preset="Oil")
    words = server.response_text(result)
    assert "no preset “Oil”" in words
    assert "> a fox" in words
    assert rivya.tasks == {}


async def test_only_admins_change_presets(server: BotServer) -> None:
    refused = await server.alice.slash(server.channel, "presets save", name="Oil", after="in oil")
    assert "Manage Server" in server.response_text(refused)
    await server.sari.slash(server.channel, "presets save", name="Oil", after="in oil")
    refused = await server.alice.slash(server.channel, "presets remove", name="Oil")
    assert "Manage Server" in server.response_text(refused)
    shown = await server.alice.slash(server.channel, "presets show")
    assert "**Oil**" in server.response_text(shown)
    removed = await server.sari.slash(server.channel, "presets remove", name="oil")
    assert "is removed" in server.response_text(removed)
    assert "none" in server.response_text(await server.alice.slash(server.channel, "presets show"))


async def test_a_picture_in_a_message_becomes_the_reference(server: BotServer, rivya: FakeRivya) -> None:
    photo = await server.bob.send(
        server.channel, "look", attachments=[("two.png", make_picture()), ("x.png", make_picture())]
    )
    shown = await server.alice.context_menu(server.channel, "Use as reference", photo)
    assert shown.modal is not None
    (label,) = [part for part in shown.modal["components"] if part["component"]["custom_id"] == "reference"]
    assert label["description"] == "The first of 2 pictures there: two.png"
    await server.alice.submit_modal(shown, fill_modal(shown, prompt="like this"))
    (task,) = rivya.tasks.values()
    assert task.reference_id in rivya.uploads


async def test_a_message_without_a_picture_is_refused_as_a_reference(server: BotServer) -> None:
    words = await server.bob.send(server.channel, "only words")
    result = await server.alice.context_menu(server.channel, "Use as reference", words)
    assert "no picture in this message" in server.response_text(result)


async def test_a_picture_of_the_bot_in_a_message_becomes_the_reference(
    server: BotServer, rivya: FakeRivya
) -> None:
    await server.bob.slash(server.channel, "imagine", prompt="a fox")
    (message,) = server.channel.history()
    shown = await server.alice.context_menu(server.channel, "Use as reference", message)
    await server.alice.submit_modal(shown, fill_modal(shown, prompt="in winter"))
    assert list(rivya.tasks.values())[-1].reference_id in rivya.uploads
    winter = server.channel.history()[-1]
    details = await server.alice.click(winter, label="Details")
    assert "It was made from 1 picture; together they cost 8 credits" in server.response_text(details)


async def test_an_avatar_becomes_the_reference(server: BotServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discord.Asset, "BASE", server.cdn.url)
    shown = await server.alice.context_menu(server.channel, "Use avatar as reference", server.bob)
    assert shown.modal is not None
    (label,) = [part for part in shown.modal["components"] if part["component"]["custom_id"] == "reference"]
    assert f"{server.bob.id}.png" in label["description"]


async def test_a_preset_needs_a_name_something_to_add_and_room(
    server: BotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (store, presets):
        monkeypatch.setattr(module, "MAX_PRESETS", 2)

    async def answer(command: str, **options: Any) -> str:
        return server.response_text(await server.sari.slash(server.channel, f"presets {command}", **options))

    assert "with letters, numbers or emoji" in await answer("save", name="!?", before="in oil")
    assert "words before or after" in await answer("save", name="Oil")
    assert "no such preset" in await answer("remove", name="Oil")
    for number in range(2):
        assert "is saved" in await answer("save", name=f"Oil {number}", before="in oil")
    assert "has 2 presets" in await answer("save", name="Ink", before="in ink")
    assert "is saved" in await answer("save", name="oil 0", before="in oils")
