"""`/history`: pages and search of a member's pictures, and the actions on them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest
from simcord.components import walk_components

from sandbox.fake_rivya import FakeRivya
from tests.scenarios.bot_server import BotServer
from tests.scenarios.interactions import (
    BUTTON,
    COMPONENT,
    SELECT,
    StaleMessage,
    fill_modal,
    labels,
    response_of,
)

GALLERY = 12
REPLY = "/webhooks/*/messages/@original"


async def open_history(server: BotServer, reader: Any, **options: Any) -> Any:
    """Run /history; return the message of its private response."""
    result = await reader.slash(server.channel, "history", **options)
    server.response_text(result)
    return result.response.message


def components_of(server: BotServer, message: Any, kind: int) -> list[dict[str, Any]]:
    raw = server.env.backend.get_message(message.channel.id, message.id)
    return [part for part in walk_components(raw.components) if part["type"] == kind]


def menu_options(server: BotServer, message: Any) -> dict[str, str]:
    """Return the options of the menu, as values by label."""
    (menu,) = components_of(server, message, SELECT)
    return {option["label"]: option["value"] for option in menu["options"]}


async def open_first(server: BotServer, member: Any, message: Any) -> None:
    (menu,) = components_of(server, message, SELECT)
    await member.select(message, [menu["options"][0]["value"]], custom_id=menu["custom_id"])


def alt_texts(server: BotServer, message: Any) -> list[str]:
    return [item["description"] for part in components_of(server, message, GALLERY) for item in part["items"]]


async def test_a_member_without_pictures_is_told_how_to_get_one(server: BotServer) -> None:
    assert "`/imagine`" in server.text_of(await open_history(server, server.alice))


async def test_a_history_shows_the_members_own_pictures_newest_first(server: BotServer) -> None:
    for prompt in ("a fox", "a cat"):
        await server.alice.slash(server.channel, "imagine", prompt=prompt)
    await server.bob.slash(server.channel, "imagine", prompt="a dog")
    message = await open_history(server, server.alice)
    assert alt_texts(server, message) == ["a cat", "a fox"]
    assert list(menu_options(server, message)) == ["1. a cat", "2. a fox"]
    words = server.text_of(message)
    assert "dog" not in words
    first = server.channel.history()[0]
    assert f"[a fox](https://discord.com/channels/{server.guild.id}/{server.channel.id}/{first.id})" in words


async def test_pages_can_be_turned_in_both_directions_also_after_a_restart(server: BotServer) -> None:
    for number in range(14):
        await server.alice.slash(server.channel, "imagine", prompt=f"picture {number:02}")
    message = await open_history(server, server.alice)
    assert alt_texts(server, message) == [f"picture {number:02}" for number in range(13, 7, -1)]
    assert labels(server, message) == ["Older"]
    await server.restart()
    await server.alice.click(message, label="Older")
    assert alt_texts(server, message) == [f"picture {number:02}" for number in range(7, 1, -1)]
    assert labels(server, message) == ["Newer", "Older"]
    await server.alice.click(message, label="Older")
    assert alt_texts(server, message) == ["picture 01", "picture 00"]
    assert labels(server, message) == ["Newer"]
    await server.alice.click(message, label="Newer")
    assert alt_texts(server, message) == [f"picture {number:02}" for number in range(7, 1, -1)]


async def test_a_search_ignores_accents_and_case(server: BotServer) -> None:
    for prompt in ("Crème brûlée in the snow", "a fox in the snow", "a cat"):
        await server.alice.slash(server.channel, "imagine", prompt=prompt)
    assert alt_texts(server, await open_history(server, server.alice, search="CREME snow")) == [
        "Crème brûlée in the snow"
    ]
    assert len(alt_texts(server, await open_history(server, server.alice, search="snow"))) == 2
    nothing = await open_history(server, server.alice, search="walrus")
    assert "No picture has these words" in server.text_of(nothing)


@pytest.mark.parametrize(
    ("search", "found"),
    [("%", ["50% of a fox"]), ("🦊", ["a 🦊"]), ("_", []), ("*", []), ('"', []), ("\u200b", [])],
    ids=ascii,
)
async def test_signs_and_emoji_are_searched(server: BotServer, search: str, found: list[str]) -> None:
    for prompt in ("50% of a fox", "a 🦊", "a fox"):
        await server.alice.slash(server.channel, "imagine", prompt=prompt)
    message = await open_history(server, server.alice, search=search)
    assert alt_texts(server, message) == found
    words = server.text_of(message)
    assert "with the words: " in words
    assert ("No picture has these words or signs" in words) is (not found)


async def test_a_long_search_of_emoji_is_cut_and_still_finds(server: BotServer) -> None:
    await server.alice.slash(server.channel, "imagine", prompt="🦊" * 40)
    message = await open_history(server, server.alice, search="🦊" * 40)
    assert alt_texts(server, message) == ["🦊" * 40]


async def test_search_results_have_pages(server: BotServer) -> None:
    for number in range(8):
        await server.alice.slash(server.channel, "imagine", prompt=f"fox {number}")
        await server.alice.slash(server.channel, "imagine", prompt=f"cat {number}")
    message = await open_history(server, server.alice, search="fox")
    await server.alice.click(message, label="Older")
    assert alt_texts(server, message) == ["fox 1", "fox 0"]
    assert "fox" in server.text_of(message)


async def test_an_opened_picture_has_its_details_and_actions(server: BotServer, rivya: FakeRivya) -> None:
    await server.alice.slash(server.channel, "imagine", prompt="a red fox", size="portrait_4_3")
    message = await open_history(server, server.alice)
    await open_first(server, server.alice, message)
    words = server.text_of(message)
    assert "> a red fox" in words
    assert "Portrait 3:4 · 4 credits" in words
    assert "To its message" in words
    assert labels(server, message) == [
        "Again", "Edit", "Use as reference", "Vary", "Details", "Delete", "Back to the pictures",
    ]  # fmt: skip
    await server.alice.click(message, label="Again")
    assert len(rivya.tasks) == 2
    await server.alice.click(message, label="Back to the pictures")
    assert alt_texts(server, message) == ["a red fox", "a red fox"]


async def test_a_picture_from_the_history_becomes_a_reference(server: BotServer, rivya: FakeRivya) -> None:
    await server.alice.slash(server.channel, "imagine", prompt="a red fox")
    message = await open_history(server, server.alice)
    await open_first(server, server.alice, message)
    form = await server.alice.click(message, label="Use as reference")
    await server.alice.submit_modal(form, fill_modal(form, prompt="in winter"))
    assert list(rivya.tasks.values())[-1].reference_id in rivya.uploads


async def test_a_deleted_picture_is_gone_from_the_history(server: BotServer) -> None:
    await server.alice.slash(server.channel, "imagine", prompt="a red fox")
    message = await open_history(server, server.alice)
    await open_first(server, server.alice, message)
    question = await server.alice.click(message, label="Delete")
    await server.alice.click(response_of(question).message, label="Delete it")
    await server.alice.click(message, label="Back to the pictures")
    assert "`/imagine`" in server.text_of(message)
    assert server.visible_to(server.bob) == []


async def test_a_private_picture_stays_in_the_history_after_a_restart(server: BotServer) -> None:
    await server.alice.slash(server.channel, "imagine", prompt="a secret fox", private=True)
    await server.restart()
    message = await open_history(server, server.alice)
    assert alt_texts(server, message) == ["a secret fox"]
    assert "only for you" in server.text_of(message)
    assert len(server.env.backend.get_message(server.channel.id, message.id).attachments) == 1
    await open_first(server, server.alice, message)
    await server.alice.click(message, label="Show to everybody")
    (public,) = server.visible_to(server.bob)
    assert "> a secret fox" in server.text_of(public)


async def test_a_picture_that_could_not_be_posted_can_be_shared_later(
    server: BotServer, rivya: FakeRivya
) -> None:
    rivya.hold()
    await server.start_imagine(server.alice)
    server.env.inject_error("PATCH", REPLY, status=401, code=50027, times=1)
    server.env.inject_error("*", "/channels/*", status=403, code=50001, times=3)
    server.env.inject_error("POST", "/users/@me/channels", status=403, code=50007, times=1)
    rivya.release()
    await server.wait_idle()
    message = await open_history(server, server.alice)
    assert "could not be posted" in server.text_of(message)
    await open_first(server, server.alice, message)
    await server.alice.click(message, label="Show to everybody")
    shown = server.visible_to(server.bob)[-1]
    assert server.alt_texts(shown) == ["a red fox"]
    assert server.states() == ["settled"]


async def test_admins_see_other_members_pictures_but_not_private_ones(server: BotServer) -> None:
    await server.alice.slash(server.channel, "imagine", prompt="a red fox")
    await server.alice.slash(server.channel, "imagine", prompt="a secret fox", private=True)
    refused = await server.bob.slash(server.channel, "history", member=server.alice)
    assert "Manage Server" in server.response_text(refused)
    message = await open_history(server, server.sari, member=server.alice)
    words = server.text_of(message)
    assert server.alice.mention in words
    assert "a private picture" in words
    assert "secret" not in words
    assert alt_texts(server, message) == ["a red fox"]
    assert list(menu_options(server, message)) == ["2. a red fox"]


@pytest.mark.parametrize("options", [{}, {"search": "x" * 40}, {"search": "a:b:c"}])
async def test_the_next_page_keeps_the_search(server: BotServer, options: dict[str, str]) -> None:
    for number in range(7):
        await server.alice.slash(server.channel, "imagine", prompt=f"{options.get('search', 'fox')} {number}")
    message = await open_history(server, server.alice, **options)
    await server.alice.click(message, label="Older")
    assert [text[-1] for text in alt_texts(server, message)] == ["0"]


async def test_a_spoiler_is_a_spoiler_in_the_history(server: BotServer) -> None:
    await server.alice.slash(server.channel, "imagine", prompt="a red fox", spoiler=True)
    message = await open_history(server, server.alice)
    assert [
        item["spoiler"] for part in components_of(server, message, GALLERY) for item in part["items"]
    ] == [True]
    await open_first(server, server.alice, message)
    assert [
        item["spoiler"] for part in components_of(server, message, GALLERY) for item in part["items"]
    ] == [True]


async def test_an_admin_cannot_guess_a_private_prompt_by_searching(
    server: BotServer,
) -> None:
    await server.alice.slash(server.channel, "imagine", prompt="a secret affair", private=True)
    await server.alice.slash(server.channel, "imagine", prompt="a public affair")
    found = await server.sari.slash(server.channel, "history", member=server.alice, search="secret")
    assert "a private picture" not in server.response_text(found)
    found = await server.sari.slash(server.channel, "history", member=server.alice, search="affair")
    assert "a public affair" in server.response_text(found)
    assert "private" not in server.response_text(found)


async def test_a_button_with_the_custom_id_of_the_menu_opens_nothing(server: BotServer) -> None:
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    message = await open_history(server, server.alice)
    (menu,) = components_of(server, message, SELECT)
    forged = {"custom_id": menu["custom_id"], "component_type": BUTTON}
    result = await StaleMessage(server, message).send(server.alice, COMPONENT, forged)
    assert "no longer" in server.response_text(result)


# Several pictures of one request.


def make_group(server: BotServer, size: int) -> None:
    """Make the newest pictures those of one request."""
    with closing(sqlite3.connect(server.database)) as connection, connection:
        newest = "WHERE rowid > (SELECT max(rowid) FROM jobs) - ?1"
        connection.execute(
            "UPDATE jobs SET group_size = ?1, number = (SELECT count(*) FROM jobs other WHERE"
            f" other.rowid <= jobs.rowid) - (SELECT count(*) FROM jobs) + ?1 {newest}",
            (size,),
        )
        connection.execute(
            f"UPDATE jobs SET interaction_id = (SELECT max(interaction_id) FROM jobs) {newest}", (size,)
        )


async def add_group(server: BotServer, size: int, **options: Any) -> None:
    for number in range(size):
        await server.alice.slash(server.channel, "imagine", prompt=f"a fox {number}", **options)
    make_group(server, size)


async def test_a_request_for_several_is_one_entry_that_opens(server: BotServer) -> None:
    await server.alice.slash(server.channel, "imagine", prompt="a cat")
    await add_group(server, 3)
    message = await open_history(server, server.alice)
    assert alt_texts(server, message) == ["a fox 0", "a cat"]
    assert "3 pictures · 12 credits" in server.text_of(message)
    assert list(menu_options(server, message)) == ["1. a fox 0", "2. a cat"]
    await server.restart()
    await open_first(server, server.alice, message)
    assert alt_texts(server, message) == ["a fox 0", "a fox 1", "a fox 2"]
    assert "3 pictures · 12 credits" in server.text_of(message)
    assert list(menu_options(server, message)) == [f"picture {number} of 3" for number in (1, 2, 3)]
    assert labels(server, message) == ["Back to the pictures"]
    (menu,) = components_of(server, message, SELECT)
    await server.alice.select(message, [menu["options"][1]["value"]], custom_id=menu["custom_id"])
    assert alt_texts(server, message) == ["a fox 1"]
    assert "picture 2 of 3" in server.text_of(message)
    await server.alice.click(message, label="All of this request")
    assert alt_texts(server, message) == ["a fox 0", "a fox 1", "a fox 2"]
    await server.alice.click(message, label="Back to the pictures")
    assert alt_texts(server, message) == ["a fox 0", "a cat"]


async def test_a_deleted_picture_of_a_request_is_left_out(server: BotServer) -> None:
    await add_group(server, 3)
    message = await open_history(server, server.alice)
    with closing(sqlite3.connect(server.database)) as connection, connection:
        connection.execute("UPDATE jobs SET deleted_at = 5 WHERE number = 1")
    await open_first(server, server.alice, message)
    assert alt_texts(server, message) == ["a fox 1", "a fox 2"]
    assert "2 of 3 pictures · 12 credits" in server.text_of(message)
    with closing(sqlite3.connect(server.database)) as connection, connection:
        connection.execute("UPDATE jobs SET deleted_at = 5")
    stale = await open_history(server, server.alice)
    assert "no pictures yet" in server.text_of(stale)


async def test_a_private_request_for_several_is_shown_to_its_member_alone(server: BotServer) -> None:
    await server.alice.slash(server.channel, "imagine", prompt="a cat")
    await add_group(server, 2, private=True)
    message = await open_history(server, server.alice)
    assert "2 pictures · 8 credits" in server.text_of(message)
    await open_first(server, server.alice, message)
    assert alt_texts(server, message) == ["a fox 0", "a fox 1"]
    theirs = await open_history(server, server.sari, member=server.alice)
    words = server.text_of(theirs)
    assert "private pictures" in words
    assert "fox" not in words
    assert list(menu_options(server, theirs)) == ["2. a cat"]
    with closing(sqlite3.connect(server.database)) as connection:
        (group_id,) = connection.execute("SELECT max(interaction_id) FROM jobs").fetchone()
    (menu,) = components_of(server, theirs, SELECT)
    forged = {"component_type": SELECT, "custom_id": menu["custom_id"], "values": [str(group_id)]}
    result = await StaleMessage(server, theirs).send(server.sari, COMPONENT, forged)
    assert "no such picture" in server.response_text(result)
