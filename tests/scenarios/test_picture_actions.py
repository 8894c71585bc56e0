"""The buttons of a picture, clicked by its owner, another member and a moderator."""

from __future__ import annotations

from typing import Any

import discord
import pytest
from simcord.components import walk_components

from sandbox.fake_rivya import FakeRivya
from tests.scenarios.bot_server import BotServer, OpenServer
from tests.scenarios.interactions import (
    REFUSALS,
    StaleMessage,
    field,
    fill_modal,
    labels,
    painted,
    response_of,
)
from tests.support.images import make_picture

PUBLIC_BUTTONS = ["Again", "Edit", "Use as reference", "Vary", "Details", "Delete"]


@pytest.fixture(params=[False, True], ids=["before a restart", "after a restart"])
async def picture_message(request: pytest.FixtureRequest, server: BotServer) -> Any:
    """A picture of Alice's in the channel, made from a reference."""
    await server.alice.slash(
        server.channel,
        "imagine",
        prompt="a red fox",
        size="portrait_4_3",
        reference=("r.png", make_picture()),
    )
    (message,) = server.channel.history()
    if request.param:
        await server.restart()
    return message


@pytest.fixture
async def moderator(server: BotServer) -> Any:
    role = server.guild.create_role("Moderators", permissions=discord.Permissions(manage_messages=True))
    return server.guild.add_member(server.env.create_user("mod"), roles=[role])


async def test_a_public_picture_has_these_buttons(server: BotServer, picture_message: Any) -> None:
    assert labels(server, picture_message) == PUBLIC_BUTTONS


async def test_again_repeats_the_request_with_the_same_reference(
    server: BotServer, rivya: FakeRivya, picture_message: Any
) -> None:
    await server.alice.click(picture_message, label="Again")
    first, second = rivya.tasks.values()
    assert (second.prompt, second.size) == (first.prompt, first.size) == ("a red fox", "portrait_4_3")
    sent = [rivya.uploads[task.reference_id or ""] for task in (first, second)]
    assert first.reference_id != second.reference_id
    assert sent[0].data == sent[1].data
    assert len(server.pictures()) == 2
    assert server.states() == ["settled", "settled"]


async def test_a_second_click_on_again_makes_no_second_picture(
    server: BotServer, rivya: FakeRivya, picture_message: Any
) -> None:
    await server.alice.click(picture_message, label="Again")
    result = await server.alice.click(picture_message, label="Again")
    assert "a moment ago" in server.response_text(result)
    assert len(rivya.tasks) == 2


async def test_edit_changes_the_prompt_and_the_reference(
    server: BotServer, rivya: FakeRivya, picture_message: Any
) -> None:
    form = await server.alice.click(picture_message, label="Edit")
    assert field(form, "prompt")["value"] == "a red fox"
    assert fill_modal(form)["size"] == ["portrait_4_3"]
    another = make_picture(size=(32, 32))
    await server.alice.submit_modal(
        form, fill_modal(form, prompt="a blue fox", reference=("new.png", another))
    )
    first, second = rivya.tasks.values()
    assert second.prompt == "a blue fox"
    assert rivya.uploads[second.reference_id or ""].data != rivya.uploads[first.reference_id or ""].data


async def test_use_as_reference_makes_the_picture_the_reference(
    server: BotServer, rivya: FakeRivya, picture_message: Any
) -> None:
    form = await server.bob.click(picture_message, label="Use as reference")
    assert "value" not in field(form, "prompt")
    await server.bob.submit_modal(form, fill_modal(form, prompt="in winter"))
    _, winter = rivya.tasks.values()
    assert winter.reference_id in rivya.uploads
    details = await server.alice.click(server.channel.history()[-1], label="Details")
    words = server.response_text(details)
    assert "It was made from 1 picture; together they cost 8 credits:" in words
    assert f"https://discord.com/channels/{server.guild.id}/{server.channel.id}/{picture_message.id}" in words


async def test_details_are_shown_to_every_member(server: BotServer, picture_message: Any) -> None:
    words = server.response_text(await server.bob.click(picture_message, label="Details"))
    for part in ("> a red fox", "Portrait 3:4", "PNG", "4 credits", "r.png", server.alice.mention, "Id: `"):
        assert part in words


async def test_again_of_another_member_is_charged_to_them(server: BotServer, rivya: FakeRivya) -> None:
    message = await painted(server, server.alice)
    await server.bob.click(message, label="Again")
    assert [entry["user_id"] for entry in server.ledger_entries()] == [
        str(server.alice.id),
        str(server.bob.id),
    ]
    assert len(rivya.tasks) == 2


async def test_a_reference_of_another_member_cannot_be_reused(
    server: BotServer, rivya: FakeRivya, picture_message: Any
) -> None:
    for label in ("Again", "Edit"):
        result = await server.bob.click(picture_message, label=label)
        assert result.modal is None
        assert "it is theirs" in server.response_text(result)
    assert len(rivya.tasks) == 1


async def test_buttons_can_be_limited_to_the_owner(server: BotServer, rivya: FakeRivya) -> None:
    message = await painted(server, server.alice)
    await server.sari.slash(server.channel, "access buttons", who="owner")
    for label in ("Again", "Edit", "Use as reference"):
        result = await server.bob.click(message, label=label)
        assert "only for the member who asked" in server.response_text(result)
    await server.alice.click(message, label="Again")
    assert len(rivya.tasks) == 2


@REFUSALS
async def test_a_button_is_refused_for_the_same_reasons_as_the_command(
    server: BotServer, rivya: FakeRivya, command: str, options: dict[str, Any], words: str
) -> None:
    message = await painted(server, server.alice)
    more = {"member": server.alice} if command == "access block" else {}
    await server.sari.slash(server.channel, command, **options, **more)
    typed = await server.alice.slash(server.channel, "imagine", prompt="a fox")
    clicked = await server.alice.click(message, label="Again")
    assert words in server.response_text(typed)
    assert words in server.response_text(clicked)
    assert len(rivya.tasks) == 1


async def test_only_its_owner_and_moderators_can_delete_a_picture(server: BotServer, moderator: Any) -> None:
    message = await painted(server, server.alice)
    refused = await server.bob.click(message, label="Delete")
    assert "Manage Messages" in server.response_text(refused)
    question = await moderator.click(message, label="Delete")
    assert "Delete this picture for everybody?" in server.response_text(question)
    assert message.id in {seen.id for seen in server.visible_to(server.bob)}
    await moderator.click(question.response.message, label="Delete it")
    assert message.id not in {seen.id for seen in server.visible_to(server.bob)}
    assert "Deleted." in server.text_of(question.response.message)


async def test_no_request_can_start_from_a_deleted_picture(server: BotServer, rivya: FakeRivya) -> None:
    message = await painted(server, server.alice)
    stale_picture = StaleMessage(server, message)
    question = await server.alice.click(message, label="Delete")
    stale_question = StaleMessage(server, response_of(question).message)
    await server.alice.click(response_of(question).message, label="Delete it")
    for label in ("Again", "Edit", "Use as reference"):
        assert "was deleted" in server.response_text(await stale_picture.click(server.alice, label))
    await stale_question.click(server.alice, "Delete it")
    assert len(rivya.tasks) == 1
    assert server.states() == ["settled"]


async def test_deleting_a_picture_whose_message_is_gone_succeeds(server: BotServer) -> None:
    message = await painted(server, server.alice)
    question = await server.alice.click(message, label="Delete")
    server.env.backend.delete_message(server.channel.id, message.id)
    await server.alice.click(response_of(question).message, label="Delete it")
    assert "Deleted." in server.text_of(response_of(question).message)


async def test_a_private_picture_is_visible_to_its_member_until_they_share_it(
    server: BotServer, rivya: FakeRivya
) -> None:
    message = await painted(server, server.alice, "a secret fox", private=True)
    assert server.visible_to(server.bob) == []
    assert labels(server, message) == [
        "Again", "Edit", "Use as reference", "Vary", "Details", "Show to everybody", "Delete",
    ]  # fmt: skip
    await server.alice.click(message, label="Show to everybody")
    (public,) = server.visible_to(server.bob)
    assert "> a secret fox" in server.text_of(public)
    assert server.alt_texts(public) == ["a secret fox"]
    assert labels(server, public) == PUBLIC_BUTTONS
    again = await server.alice.click(message, label="Show to everybody")
    assert "already" in server.response_text(again)
    assert len(server.visible_to(server.bob)) == 1
    assert len(rivya.tasks) == 1


async def test_again_of_a_private_picture_is_private(server: BotServer) -> None:
    message = await painted(server, server.alice, private=True)
    await server.alice.click(message, label="Again")
    assert server.visible_to(server.bob) == []
    assert server.states() == ["settled", "settled"]


async def test_a_private_picture_can_be_used_as_a_reference(server: BotServer, rivya: FakeRivya) -> None:
    message = await painted(server, server.alice, private=True)
    await server.restart()
    form = await server.alice.click(message, label="Use as reference")
    await server.alice.submit_modal(form, fill_modal(form, prompt="in winter"))
    assert list(rivya.tasks.values())[-1].reference_id in rivya.uploads


async def test_a_forged_button_gives_no_access_to_a_private_picture(server: BotServer) -> None:
    secret = await painted(server, server.alice, "a secret fox", private=True)
    loud = await painted(server, server.bob, "a loud dog")
    raw, own = (server.env.backend.get_message(server.channel.id, each.id) for each in (loud, secret))
    (job_id,) = {name.rpartition(":")[2] for name in custom_ids(own) if name.startswith("kuas:picture:")}
    for action in ("again", "edit", "use", "vary", "details", "share", "delete", "delete_now", "cancel"):
        set_last_custom_id(raw, f"kuas:picture:{action}:{job_id}")
        result = await server.bob.click(loud, custom_id=f"kuas:picture:{action}:{job_id}")
        assert result.modal is None
        assert "no such picture" in server.response_text(result)
    assert server.states() == ["settled", "settled"]


def custom_ids(raw: Any) -> list[str]:
    return [part["custom_id"] for part in walk_components(raw.components) if "custom_id" in part]


def set_last_custom_id(raw: Any, custom_id: str) -> None:
    """Give the last button of a message a forged id."""
    [part for part in walk_components(raw.components) if "custom_id" in part][-1]["custom_id"] = custom_id


async def test_a_spoiler_and_its_repetition_are_spoilers(server: BotServer) -> None:
    message = await painted(server, server.alice, spoiler=True)
    raw = server.env.backend.get_message(server.channel.id, message.id)
    assert spoilers(raw) == [True]
    await server.alice.click(message, label="Again")
    raw = server.env.backend.get_message(server.channel.id, server.channel.history()[-1].id)
    assert spoilers(raw) == [True]


def spoilers(raw: Any) -> list[bool]:
    return [
        bool(item.get("spoiler"))
        for part in walk_components(raw.components)
        if part["type"] == 12
        for item in part["items"]
    ]


async def test_cancelling_a_queued_picture_releases_its_credits(
    open_server: OpenServer, rivya: FakeRivya
) -> None:
    server = await open_server(max_running=1)
    rivya.hold()
    await server.start_imagine(server.alice, "a slow fox")
    await server.start_imagine(server.bob, "a waiting dog")
    waiting = server.channel.history()[-1]
    await server.until(lambda: labels(server, waiting) == ["Cancel"])
    with server.without_settling():
        await server.alice.click(waiting, label="Cancel")
    await server.until(lambda: "Manage Messages" in server.text_of(server.visible_to(server.alice)[-1]))
    with server.without_settling():
        await server.bob.click(waiting, label="Cancel")
    await server.until(lambda: "Cancelled. Nothing was charged." in server.text_of(waiting))
    assert labels(server, waiting) == ["Again", "Edit"]
    assert server.states() == ["held", "released"]
    rivya.release()
    await server.wait_idle()
    assert [task.prompt for task in rivya.tasks.values()] == ["a slow fox"]
    await server.bob.click(waiting, label="Again")
    assert [task.prompt for task in rivya.tasks.values()] == ["a slow fox", "a waiting dog"]


async def test_cancelling_too_late_is_refused(server: BotServer, rivya: FakeRivya) -> None:
    rivya.hold()
    await server.start_imagine(server.alice, reference=("r.png", make_picture()))
    (message,) = server.channel.history()
    stale = StaleMessage.from_before(server, message, "Cancel")
    with server.without_settling():
        await stale.click(server.alice, "Cancel")
    await server.until(lambda: "too late to cancel" in server.text_of(server.visible_to(server.alice)[-1]))
    rivya.release()
    await server.wait_idle()
    assert server.states() == ["settled"]
    assert len(server.pictures()) == 1


async def test_a_failed_picture_can_be_repeated_and_edited(server: BotServer, rivya: FakeRivya) -> None:
    message = await painted(server, server.alice, "something forbidden")
    assert labels(server, message) == ["Again", "Edit"]
    form = await server.alice.click(message, label="Edit")
    await server.alice.submit_modal(form, fill_modal(form, prompt="a fox"))
    assert server.states() == ["released", "settled"]


async def test_a_second_click_on_again_under_a_failure_makes_no_second_picture(
    server: BotServer, rivya: FakeRivya
) -> None:
    rivya.fail_next()
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    (message,) = server.channel.history()
    await server.alice.click(message, label="Again")
    result = await server.alice.click(message, label="Again")
    assert "a moment ago" in server.response_text(result)
    assert server.states() == ["released", "settled"]


async def test_details_hide_the_prompt_of_a_private_parent_from_others(server: BotServer) -> None:
    message = await painted(server, server.alice, "my secret", private=True)
    picture_message = await server.alice.click(message, label="Edit")
    await server.alice.submit_modal(
        picture_message, fill_modal(picture_message, prompt="a public fox", options=["spoiler"])
    )
    public = server.channel.history()[-1]
    assert "public fox" in server.text_of(public)
    theirs = server.response_text(await server.bob.click(public, label="Details"))
    assert "a private picture" in theirs
    assert "my secret" not in theirs
    assert "my secret" in server.response_text(await server.alice.click(public, label="Details"))


async def test_again_of_a_shared_private_picture_is_private(server: BotServer) -> None:
    message = await painted(server, server.alice, private=True)
    await server.alice.click(message, label="Show to everybody")
    seen = len(server.visible_to(server.bob))
    await server.alice.click(message, label="Again")
    assert len(server.visible_to(server.bob)) == seen
    assert server.states() == ["settled", "settled"]


async def test_a_picture_of_an_erased_member_can_be_deleted_by_a_moderator(
    server: BotServer, moderator: Any
) -> None:
    message = await painted(server, server.alice)
    result = await server.alice.slash(server.channel, "privacy erase")
    await server.alice.click(response_of(result).message, label="Erase it")
    question = await moderator.click(message, label="Delete")
    await moderator.click(question.response.message, label="Delete it")
    assert server.pictures() == []


async def test_a_prompt_that_automod_blocks_is_left_out_of_a_shared_picture(server: BotServer) -> None:
    message = await painted(server, server.alice, "a rude fox", private=True)
    server.env.inject_error("PATCH", "/webhooks/*/*/messages/@original", status=400, code=200000, times=1)
    await server.alice.click(message, label="Show to everybody")
    public = server.visible_to(server.bob)[-1]
    assert len(public.attachments) == 1
    assert "rude" not in server.text_of(public)


async def test_a_refused_share_is_explained_and_the_picture_stays_private(server: BotServer) -> None:
    message = await painted(server, server.alice, private=True)
    server.env.inject_error("PATCH", "/webhooks/*/*/messages/@original", status=403, code=50013, times=1)
    result = await server.alice.click(message, label="Show to everybody")
    assert server.private_text(result)
    assert server.visible_to(server.bob) == []
    await server.alice.click(message, label="Show to everybody")
    assert len(server.visible_to(server.bob)[-1].attachments) == 1


async def test_a_private_picture_in_a_direct_message_is_deleted_there(
    server: BotServer, rivya: FakeRivya
) -> None:
    rivya.hold()
    await server.start_imagine(server.alice, private=True)
    server.env.inject_error("PATCH", "/webhooks/*/*/messages/@original", status=401, code=50027, times=None)
    rivya.release()
    await server.wait_idle()
    (message,) = server.alice.user.dm_channel.history()
    question = await server.alice.user.click(message, label="Delete")
    await server.alice.user.click(question.response.message, label="Delete it")
    assert [left for left in server.alice.user.dm_channel.history() if left.attachments] == []
