"""Votes, private groups, direct messages, references and erased members: what else groups can do."""

from __future__ import annotations

import discord
import pytest

from bot.engine import failure_policy
from sandbox.fake_rivya import FakeRivya
from tests.scenarios.bot_server import BotServer, OpenServer
from tests.scenarios.interactions import StaleMessage, field, fill_modal, labels, modal_of, response_of
from tests.scenarios.test_delivery import REPLY, direct_messages
from tests.scenarios.test_group_actions import (
    THREE,
    choose,
    job_ids,
    last_words,
    menu_of,
    paint,
    pick,
    shown_in,
)

SHARE = "Show to everybody"


@pytest.mark.parametrize("restarted", [False, True], ids=["before a restart", "after a restart"])
async def test_everybody_has_one_vote_for_a_compared_picture(
    open_server: OpenServer, restarted: bool
) -> None:
    server = await open_server(models=THREE)
    await server.alice.slash(server.channel, "imagine", prompt="a fox", models=", ".join(THREE))
    (message,) = server.channel.history()
    assert labels(server, message)[-3:] == ["1: 0 votes", "2: 0 votes", "3: 0 votes"]
    if restarted:
        await server.restart()
    await server.alice.click(message, label="2: 0 votes")
    await server.bob.click(message, label="2: 1 vote")
    assert labels(server, message)[-3:] == ["1: 0 votes", "2: 2 votes", "3: 0 votes"]
    await server.bob.click(message, label="2: 2 votes")
    assert "voted for picture 2 already" in last_words(server, server.bob)
    await server.bob.click(message, label="3: 0 votes")
    assert labels(server, message)[-3:] == ["1: 0 votes", "2: 1 vote", "3: 1 vote"]
    assert len(shown_in(server, message)) == 3
    options = menu_of(server, response_of(await server.bob.click(message, label="Pick one")).message)[
        "options"
    ]
    assert options[2]["label"] == "Picture 3 · Nano Banana"


async def test_a_blocked_member_has_no_vote_and_others_need_no_right_to_paint(
    open_server: OpenServer,
) -> None:
    server = await open_server(models=THREE)
    await server.alice.slash(server.channel, "imagine", prompt="a fox", models=", ".join(THREE[:2]))
    (message,) = server.channel.history()
    await server.sari.slash(server.channel, "access block", member=server.bob, reason="too loud")
    result = await server.bob.click(message, label="1: 0 votes")
    assert "too loud" in server.private_text(result)
    assert labels(server, message)[-2:] == ["1: 0 votes", "2: 0 votes"]
    await server.sari.slash(server.channel, "access cooldown", seconds=600)
    await server.alice.click(message, label="1: 0 votes")
    assert labels(server, message)[-2:] == ["1: 1 vote", "2: 0 votes"]


async def test_a_deleted_picture_gets_no_votes(open_server: OpenServer) -> None:
    server = await open_server(models=THREE)
    await server.alice.slash(server.channel, "imagine", prompt="a fox", models=", ".join(THREE[:2]))
    (message,) = server.channel.history()
    stale = StaleMessage(server, message)
    question = response_of(await server.alice.click(message, label="Delete")).message
    await choose(server, server.alice, question, 1)
    result = await stale.click(server.bob, "1: 0 votes")
    assert "was deleted" in server.private_text(result)
    assert labels(server, message)[-1] == "2: 0 votes"


async def test_a_private_picture_is_picked_and_shared_alone(server: BotServer) -> None:
    message = await paint(server, server.alice, 3, private=True)
    card = await pick(server, server.alice, message, 2)
    assert [name[:36] for name in shown_in(server, card)] == [job_ids(server)[1]]
    assert SHARE in labels(server, card)
    await server.alice.click(card, label=SHARE)
    (shared,) = server.visible_to(server.bob)
    assert [name[:36] for name in shown_in(server, shared)] == [job_ids(server)[1]]
    # The private message is as it was, and so is the card of another one.
    assert len(shown_in(server, message)) == 3
    another = await pick(server, server.alice, message, 3)
    assert SHARE in labels(server, another)
    # The shared one goes alone, and what is left of the group stays.
    question = response_of(await server.alice.click(shared, label="Delete")).message
    await server.alice.click(question, label="Delete it")
    assert server.visible_to(server.bob) == []
    assert server.query("SELECT number FROM jobs WHERE deleted_at IS NULL") == [(1,), (3,)]
    card = response_of(await server.alice.click(message, label="Pick one")).message
    assert [option["value"] for option in menu_of(server, card)["options"]] == ["1", "3"]


@pytest.mark.parametrize("shared", [[1], [1, 2]], ids=["one", "all"])
async def test_all_of_a_private_group_are_deleted_with_what_was_shared(
    server: BotServer, shared: list[int]
) -> None:
    message = await paint(server, server.alice, 2, private=True)
    for number in shared:
        await server.alice.click(await pick(server, server.alice, message, number), label=SHARE)
    assert len(server.visible_to(server.bob)) == len(shared)
    question = response_of(await server.alice.click(message, label="Delete")).message
    await server.alice.click(question, label="Delete all")
    assert "dismiss that yourself" in server.text_of(question)
    assert server.visible_to(server.bob) == []
    assert server.query("SELECT count(*) FROM kept_pictures") == [(0,)]


async def test_a_private_group_is_repeated_privately(server: BotServer, rivya: FakeRivya) -> None:
    message = await paint(server, server.alice, 2, private=True)
    await server.alice.click(message, label="Again: 2 \N{MULTIPLICATION SIGN} 4 = 8")
    assert len(rivya.tasks) == 4
    assert server.visible_to(server.bob) == []


@pytest.mark.parametrize("restarted", [False, True], ids=["before a restart", "after a restart"])
async def test_a_direct_message_offers_what_needs_no_server(server: BotServer, restarted: bool) -> None:
    server.env.inject_error("PATCH", REPLY, status=403, code=50001, times=None)
    await server.alice.slash(server.channel, "imagine", prompt="a fox", pictures=2, private=True)
    server.env.backend.faults.clear()
    person = server.alice.user
    (message,) = direct_messages(server, server.alice)
    assert labels(server, message) == ["Pick one", "Delete"]
    assert len(shown_in(server, message)) == 2
    if restarted:
        await server.restart()
    card = await pick(server, person, message, 2)
    assert labels(server, card) == ["Details", "Delete", "Back to the choice"]
    question = response_of(await person.click(card, label="Delete")).message
    await person.click(question, label="Delete it")
    assert [name[:36] for name in shown_in(server, message)] == [job_ids(server)[0]]
    question = response_of(await person.click(message, label="Delete")).message
    await person.click(question, label="Delete all")
    assert "Deleted." in server.text_of(question)
    assert message.id not in [each.id for each in direct_messages(server, server.alice)]


@pytest.mark.parametrize("restarted", [False, True], ids=["before a restart", "after a restart"])
async def test_a_shared_picture_stays_in_the_direct_message(server: BotServer, restarted: bool) -> None:
    server.env.inject_error("PATCH", REPLY, status=403, code=50001, times=None)
    await server.alice.slash(server.channel, "imagine", prompt="a fox", pictures=3, private=True)
    server.env.backend.faults.clear()
    (message,) = direct_messages(server, server.alice)
    history = response_of(await server.alice.slash(server.channel, "history")).message
    ids = job_ids(server)
    for value in (menu_of(server, history)["options"][0]["value"], ids[0]):  # the group, then one of it
        await server.alice.select(history, [value], custom_id=menu_of(server, history)["custom_id"])
    await server.alice.click(history, label=SHARE)
    assert [name[:36] for name in shown_in(server, server.visible_to(server.bob)[-1])] == [ids[0]]
    if restarted:
        await server.restart()
    question = response_of(await server.alice.user.click(message, label="Delete")).message
    await choose(server, server.alice.user, question, 2)
    assert "Deleted." in server.text_of(question)
    assert [name[:36] for name in shown_in(server, message)] == [ids[0], ids[2]]
    assert len(shown_in(server, server.visible_to(server.bob)[-1])) == 1


async def test_the_menu_of_a_message_asks_which_pictures_become_references(
    open_server: OpenServer, rivya: FakeRivya
) -> None:
    server = await open_server(models=("nano-banana", "qwen-image"))
    message = await paint(server, server.alice, 3, model="qwen-image")
    for member in (server.alice, server.bob):
        result = await member.context_menu(server.channel, "Use as reference", message)
        assert "Which picture becomes the reference?" in server.response_text(result)
        menu = menu_of(server, response_of(result).message)
        assert len(menu["options"]) == 3
        shown = await choose(server, member, response_of(result).message, 1, 3)
        await member.submit_modal(shown, fill_modal(shown, prompt="together"))
    ids = job_ids(server)
    sources = server.query("SELECT source_job_id FROM job_references ORDER BY job_id, number")
    assert sorted(sources) == sorted([(ids[0],), (ids[2],)] * 2)
    assert len(list(rivya.tasks.values())[-1].reference_ids) == 2


async def test_a_message_with_one_picture_of_a_group_is_used_at_once(
    server: BotServer, rivya: FakeRivya
) -> None:
    rivya.fail_next()
    message = await paint(server, server.alice, 2)
    shown = await server.alice.context_menu(server.channel, "Use as reference", message)
    assert modal_of(shown)
    assert field(shown, "prompt") is not None


async def test_a_picture_that_was_given_up_is_fetched_into_the_message(
    server: BotServer, rivya: FakeRivya, monkeypatch: pytest.MonkeyPatch
) -> None:
    rivya.faults.add("status", "result", times=None, code=404)
    monkeypatch.setattr(failure_policy, "MAX_RESULT_ATTEMPTS", 1)
    with server.without_settling():
        await server.alice.slash(server.channel, "imagine", prompt="a fox", pictures=2)
    await server.until(lambda: server.query("SELECT count(late_at) FROM jobs") == [(2,)])
    server.query("UPDATE jobs SET late_at = late_at - 8 * 24 * 3600 * 1000")
    await server.restart()
    (message,) = server.channel.history()
    assert "Try the missing 2" not in labels(server, message)  # all are, so *Again* is that
    rivya.faults.clear()
    card = await pick(server, server.alice, message, 2)
    assert labels(server, card)[0] == "Fetch it now"
    await server.alice.click(card, label="Fetch it now")
    assert [name[:36] for name in shown_in(server, message)] == [job_ids(server)[1]]
    assert "Try the missing 1" in labels(server, message)
    assert server.states() == ["settled", "settled"]


async def test_a_moderator_deletes_the_group_of_an_erased_member(server: BotServer, rivya: FakeRivya) -> None:
    message = await paint(server, server.alice, 2)
    question = await server.alice.slash(server.channel, "privacy erase")
    await server.alice.click(response_of(question), custom_id=f"kuas:privacy:erase:{server.alice.id}")
    result = await server.bob.click(message, label="Again: 2 \N{MULTIPLICATION SIGN} 4 = 8")
    assert "erased" in server.response_text(result)
    assert len(rivya.tasks) == 2
    result = await server.alice.click(message, label="Delete")
    assert "Manage Messages" in server.response_text(result)
    role = server.guild.create_role("Moderators", permissions=discord.Permissions(manage_messages=True))
    moderator = server.guild.add_member(server.env.create_user("mod"), roles=[role])
    asked = response_of(await moderator.click(message, label="Delete")).message
    await moderator.click(asked, label="Delete all")
    assert "Deleted." in server.text_of(asked)
    assert server.channel.history() == []


async def test_only_the_member_uses_the_buttons_where_the_server_says_so(
    server: BotServer, rivya: FakeRivya
) -> None:
    message = await paint(server, server.alice, 2)
    await server.sari.slash(server.channel, "access buttons", who="owner")
    result = await server.bob.click(message, label="Again: 2 \N{MULTIPLICATION SIGN} 4 = 8")
    assert "only for the member who asked" in server.response_text(result)
    card = await pick(server, server.bob, message, 1)
    assert len(shown_in(server, card)) == 1
    result = await server.bob.click(card, label="Again")
    assert "only for the member who asked" in server.response_text(result)
    await server.alice.click(message, label="Again: 2 \N{MULTIPLICATION SIGN} 4 = 8")
    assert len(rivya.tasks) == 4
