"""The buttons under several pictures of one request, clicked by member, other, moderator and admin."""

from __future__ import annotations

import sqlite3
from typing import Any

import discord
import pytest
from simcord.components import walk_components

from cogs.delivery import edit_budget
from sandbox.fake_rivya import FakeRivya
from tests.scenarios.bot_server import BotServer, OpenServer
from tests.scenarios.interactions import (
    SELECT,
    StaleMessage,
    field,
    fill_modal,
    labels,
    response_of,
)

AGAIN = "Again: 4 \N{MULTIPLICATION SIGN} 4 = 16"
GROUP_BUTTONS = [AGAIN, "Pick one", "Delete"]
PICTURE_BUTTONS = ["Again", "Edit", "Use as reference", "Vary", "Details", "Delete", "Back to the choice"]
THREE = ("qwen-image", "z-image", "nano-banana")


@pytest.fixture
async def moderator(server: BotServer) -> Any:
    role = server.guild.create_role("Moderators", permissions=discord.Permissions(manage_messages=True))
    return server.guild.add_member(server.env.create_user("mod"), roles=[role])


@pytest.fixture(params=[False, True], ids=["before a restart", "after a restart"])
async def group_message(request: pytest.FixtureRequest, server: BotServer) -> Any:
    """Four pictures of Alice's in the channel."""
    message = await paint(server, server.alice, 4)
    if request.param:
        await server.restart()
    return message


async def paint(server: BotServer, member: Any, pictures: int, **options: Any) -> Any:
    await member.slash(server.channel, "imagine", prompt="a fox", pictures=pictures, **options)
    return server.visible_to(member)[-1]


def menu_of(server: BotServer, message: Any) -> dict[str, Any]:
    raw = server.env.backend.get_message(message.channel.id, message.id)
    (menu,) = [part for part in walk_components(raw.components) if part["type"] == SELECT]
    return dict(menu)


def shown_in(server: BotServer, message: Any) -> list[str]:
    """Return the filenames of the pictures that a message shows."""
    raw = server.env.backend.get_message(message.channel.id, message.id)
    urls = [
        item["media"]["url"] for part in walk_components(raw.components) for item in part.get("items", ())
    ]
    return [url.partition("?")[0].rpartition("/")[2] for url in urls]


def last_words(server: BotServer, member: Any) -> str:
    return server.text_of(server.visible_to(member)[-1])


async def choose(server: BotServer, member: Any, card: Any, *numbers: int) -> Any:
    menu = menu_of(server, card)
    return await member.select(card, [str(number) for number in numbers], custom_id=menu["custom_id"])


async def pick(server: BotServer, member: Any, message: Any, number: int) -> Any:
    """Open the private card with one picture; return its message."""
    card = response_of(await member.click(message, label="Pick one")).message
    await choose(server, member, card, number)
    return card


def job_ids(server: BotServer) -> list[str]:
    return [row[0] for row in server.query("SELECT job_id FROM jobs ORDER BY accepted_at, number")]


async def test_a_group_has_these_buttons(server: BotServer, group_message: Any) -> None:
    assert labels(server, group_message) == GROUP_BUTTONS
    assert len(shown_in(server, group_message)) == 4


async def test_again_paints_all_once_more_for_whoever_clicks(
    server: BotServer, rivya: FakeRivya, group_message: Any
) -> None:
    await server.bob.click(group_message, label=AGAIN)
    assert len(rivya.tasks) == 8
    bobs = [entry for entry in server.ledger_entries() if entry["user_id"] == str(server.bob.id)]
    assert [entry["state"] for entry in bobs] == ["settled"] * 4
    result = await server.bob.click(group_message, label=AGAIN)
    assert "a moment ago" in server.response_text(result)
    assert len(rivya.tasks) == 8


async def test_again_asks_about_the_price_of_all(server: BotServer, rivya: FakeRivya) -> None:
    message = await paint(server, server.alice, 4)
    await server.sari.slash(server.channel, "limits confirm", above=15)
    result = await server.alice.click(message, label=AGAIN)
    assert "16 credits" in server.response_text(result)
    assert len(rivya.tasks) == 4
    await server.alice.click(response_of(result).message, label="Paint them")
    assert len(rivya.tasks) == 8


async def test_again_without_room_for_all_paints_none(open_server: OpenServer, rivya: FakeRivya) -> None:
    server = await open_server(guild_credits=28)
    message = await paint(server, server.alice, 4)
    words = server.response_text(await server.alice.click(message, label=AGAIN))
    assert "room for 3 of them" in words
    assert len(rivya.tasks) == 4


@pytest.mark.parametrize("restarted", [False, True], ids=["before a restart", "after a restart"])
async def test_what_is_missing_is_tried_again(server: BotServer, rivya: FakeRivya, restarted: bool) -> None:
    rivya.fail_next()
    message = await paint(server, server.alice, 3)
    assert labels(server, message)[:2] == ["Again: 3 \N{MULTIPLICATION SIGN} 4 = 12", "Try the missing 1"]
    if restarted:
        await server.restart()
    await server.alice.click(message, label="Try the missing 1")
    assert len(rivya.tasks) == 4
    assert server.states().count("settled") == 3
    result = await server.alice.click(message, label="Try the missing 1")
    assert "a moment ago" in server.response_text(result)
    assert len(rivya.tasks) == 4


async def test_nothing_is_tried_that_is_missing_no_more(server: BotServer, rivya: FakeRivya) -> None:
    rivya.fail_next()
    message = await paint(server, server.alice, 2)
    stale = StaleMessage(server, message)
    change(server, "jobs SET stage = 'delivered', task_id = coalesce(task_id, 't'), failure_who = NULL")
    result = await stale.click(server.alice, "Try the missing 1")
    assert "No picture is missing" in server.response_text(result)


async def test_the_models_that_failed_are_compared_again(open_server: OpenServer, rivya: FakeRivya) -> None:
    server = await open_server(models=THREE)
    rivya.fail_next()
    await server.alice.slash(server.channel, "imagine", prompt="a fox", models=", ".join(THREE))
    message = server.channel.history()[-1]
    await server.alice.click(message, label="Try the missing 1")
    failed, *_, last = rivya.tasks.values()
    assert (last.model, last.prompt) == (failed.model, failed.prompt)


async def test_cancel_ends_what_can_be_cancelled_and_says_which(
    open_server: OpenServer, rivya: FakeRivya, monkeypatch: pytest.MonkeyPatch
) -> None:
    # SimCord's clock stands while tasks are held.
    for name in ("GATHER_SECONDS", "MESSAGE_SECONDS", "PROGRESS_SECONDS"):
        monkeypatch.setattr(edit_budget, name, 0.0)
    server = await open_server(max_running=2)
    rivya.hold()
    with server.without_settling():
        await server.alice.slash(server.channel, "imagine", prompt="a fox", pictures=4)
    await server.until(lambda: server.channel.history() and len(rivya.tasks) > 0)
    (message,) = server.channel.history()
    await server.until(lambda: labels(server, message) == ["Cancel"])
    with server.without_settling():
        await server.bob.click(message, label="Cancel")
    await server.until(lambda: "Manage Messages" in last_words(server, server.bob))
    running = len(rivya.tasks)
    with server.without_settling():
        await server.alice.click(message, label="Cancel")
    await server.until(lambda: "already being painted" in last_words(server, server.alice))
    assert f"{4 - running} cancelled, not charged:" in last_words(server, server.alice)
    rivya.release()
    await server.wait_idle()
    assert sorted(server.states()) == sorted(["settled"] * running + ["released"] * (4 - running))
    assert f"Try the missing {4 - running}" in labels(server, message)
    stale = StaleMessage.from_before(server, message, "Cancel")
    assert "nothing left to cancel" in server.private_text(await stale.click(server.alice, "Cancel"))


async def test_one_picture_is_picked_and_spends_nothing(
    server: BotServer, rivya: FakeRivya, group_message: Any
) -> None:
    for member in (server.alice, server.bob):
        result = await member.click(group_message, label="Pick one")
        assert "Which picture?" in server.response_text(result)
        card = response_of(result).message
        options = menu_of(server, card)["options"]
        assert [(each["label"], each["description"]) for each in options] == [
            (f"Picture {number}", "done") for number in (1, 2, 3, 4)
        ]
        await choose(server, member, card, 3)
        assert [name[:36] for name in shown_in(server, card)] == [job_ids(server)[2]]
        assert labels(server, card) == PICTURE_BUTTONS
        await member.click(card, label="Back to the choice")
        assert shown_in(server, card) == []
        await choose(server, member, card, 1)
        assert [name[:36] for name in shown_in(server, card)] == [job_ids(server)[0]]
    assert len(rivya.tasks) == 4


async def test_the_buttons_of_a_picked_picture_are_about_that_one(
    server: BotServer, rivya: FakeRivya, group_message: Any
) -> None:
    card = await pick(server, server.alice, group_message, 2)
    details = server.response_text(await server.alice.click(card, label="Details"))
    assert "Picture 2 of 4" in details
    assert job_ids(server)[1] in details
    form = await server.alice.click(card, label="Use as reference")
    await server.alice.submit_modal(form, fill_modal(form, prompt="in winter"))
    *_, winter = rivya.tasks.values()
    assert winter.reference_id in rivya.uploads
    assert server.query("SELECT source_job_id FROM job_references") == [(job_ids(server)[1],)]
    await server.alice.click(card, label="Again")
    assert len(rivya.tasks) == 6
    parents = server.query("SELECT parent_job_id FROM jobs WHERE group_size = 1")
    assert parents == [(job_ids(server)[1],)] * 2
    edit = await server.alice.click(card, label="Edit")
    assert field(edit, "prompt")["value"] == "a fox"


async def test_the_reason_of_a_failure_is_picked(server: BotServer, rivya: FakeRivya) -> None:
    rivya.fail_next()
    message = await paint(server, server.alice, 2)
    failed = server.query("SELECT number FROM jobs WHERE stage = 'failed'")[0][0]
    card = await pick(server, server.alice, message, failed)
    assert f"### Picture {failed}\n" in server.text_of(card)
    assert "Rivya could not paint this" in server.text_of(card)
    assert labels(server, card) == ["Again", "Edit", "Back to the choice"]
    await server.alice.click(card, label="Again")
    assert len(rivya.tasks) == 3


async def test_deleting_one_leaves_the_others(server: BotServer, group_message: Any) -> None:
    ids = job_ids(server)
    question = response_of(await server.alice.click(group_message, label="Delete")).message
    await choose(server, server.alice, question, 2)
    assert "Deleted." in server.text_of(question)
    assert [name[:36] for name in shown_in(server, group_message)] == [ids[0], ids[2], ids[3]]
    assert "deleted" in server.text_of(group_message)
    # Under a picked picture *Delete* is about that one, too.
    card = await pick(server, server.alice, group_message, 4)
    asked = response_of(await server.alice.click(card, label="Delete")).message
    stale = StaleMessage(server, asked)
    for _ in range(2):
        await stale.click(server.alice, "Delete it")
        assert "Deleted." in server.text_of(asked)
        assert [name[:36] for name in shown_in(server, group_message)] == [ids[0], ids[2]]
    card = response_of(await server.alice.click(group_message, label="Pick one")).message
    assert [option["value"] for option in menu_of(server, card)["options"]] == ["1", "3"]


@pytest.mark.parametrize("restarted", [False, True], ids=["before a restart", "after a restart"])
async def test_a_picture_that_could_not_be_taken_out_is_not_called_deleted(
    server: BotServer, restarted: bool
) -> None:
    message = await paint(server, server.alice, 2)
    if restarted:
        await server.restart()
    question = response_of(await server.alice.click(message, label="Delete")).message
    route = "/channels/*/messages/*" if restarted else "/webhooks/*/*/messages/*"
    server.env.inject_error("PATCH", route, status=403, code=50013, times=1)
    await choose(server, server.alice, question, 1)
    assert "I cannot reach that message" in last_words(server, server.alice)
    assert len(shown_in(server, message)) == 2
    await choose(server, server.alice, question, 1)
    assert "Deleted." in server.text_of(question)
    assert len(shown_in(server, message)) == 1


async def test_with_the_last_picture_the_message_goes(server: BotServer, rivya: FakeRivya) -> None:
    rivya.fail_next()
    message = await paint(server, server.alice, 2)
    question = response_of(await server.alice.click(message, label="Delete")).message
    (option,) = menu_of(server, question)["options"]
    await choose(server, server.alice, question, int(option["value"]))
    assert server.channel.history() == []
    assert server.query("SELECT count(*) FROM jobs WHERE deleted_at IS NULL") == [(0,)]


async def test_all_are_deleted_with_their_message(server: BotServer, group_message: Any) -> None:
    stale = StaleMessage(server, group_message)
    question = response_of(await server.alice.click(group_message, label="Delete")).message
    asked = StaleMessage(server, question)
    for _ in range(2):
        await asked.click(server.alice, "Delete all")
        assert "Deleted." in server.text_of(question)
        assert server.channel.history() == []
    for label in ("Pick one", AGAIN):
        assert "was deleted" in server.response_text(await stale.click(server.alice, label))


async def test_who_may_delete(server: BotServer, group_message: Any, moderator: Any) -> None:
    result = await server.bob.click(group_message, label="Delete")
    assert "Manage Messages" in server.response_text(result)
    card = await pick(server, server.bob, group_message, 1)
    result = await server.bob.click(card, label="Delete")
    assert "Manage Messages" in server.response_text(result)
    question = response_of(await moderator.click(group_message, label="Delete")).message
    await choose(server, moderator, question, 1)
    assert len(shown_in(server, group_message)) == 3
    question = response_of(await moderator.click(group_message, label="Delete")).message
    await moderator.click(question, label="Delete all")
    assert server.channel.history() == []


def change(server: BotServer, what: str) -> None:
    """Do to the rows what an erasure, a deletion or another process does."""
    with sqlite3.connect(server.database) as connection:
        connection.execute(f"UPDATE {what}")
    connection.close()
