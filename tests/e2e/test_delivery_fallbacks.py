"""Every delivery method after the interaction token has expired."""

from __future__ import annotations

import pytest

from tests.e2e.environment import E2EEnvironment, paint
from tests.e2e.fake_discord.server import message_text

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def deliver_late(
    environment: E2EEnvironment, prompt: str, *, reply_stays: bool = True
) -> tuple[object, ...]:
    """Run a job whose token expires, and whose reply may be deleted, before the picture is ready."""
    environment.rivya.hold()
    interaction = await environment.imagine(prompt)
    await environment.wait_for_task(prompt)
    interaction.expired = True
    environment.discord.reply(interaction).deleted = not reply_stays
    environment.rivya.release()
    return await environment.outcome(interaction)


async def test_the_reply_is_edited_as_the_bot(environment: E2EEnvironment) -> None:
    environment.channel.denied = {"send_messages", "attach_files"}  # an edit needs neither
    environment.channel.events_show_denied = False
    assert await deliver_late(environment, "an edited fox") == ("delivered", "edit", "settled", 4)
    assert environment.visible_messages() == [environment.picture_message("an edited fox")]


async def test_without_the_reply_a_new_message_notifies_the_member_alone(environment: E2EEnvironment) -> None:
    assert await deliver_late(environment, "a new fox", reply_stays=False) == (
        "delivered",
        "channel",
        "settled",
        4,
    )
    message = environment.picture_message("a new fox")
    assert environment.visible_messages() == [message]
    assert message.notified == [environment.alice.id]
    assert message.nonce
    assert message.nonce in environment.bot.jobs()[-1]["job_id"].replace("-", "")


async def test_a_reply_whose_token_discord_refuses_says_that_the_reason_is_a_direct_message(
    environment: E2EEnvironment,
) -> None:
    discord = environment.discord
    discord.faults.add("status", "reply_edit", None, status=401, code=50027)
    # Only its member is told that the reference is no picture.
    interaction = await environment.imagine("a fox after it", reference=b"<html>")
    assert await environment.outcome(interaction) == ("failed", None, "released", 0)
    assert "direct message" in message_text(discord.reply(interaction))


@pytest.mark.parametrize("missing", ["send_messages", "attach_files", "view_channel"])
async def test_where_nothing_may_be_posted_the_picture_is_sent_as_a_direct_message(
    environment: E2EEnvironment, missing: str
) -> None:
    environment.channel.denied, environment.channel.events_show_denied = {missing}, False
    prompt = f"a fox without {missing}"
    assert await deliver_late(environment, prompt, reply_stays=False) == ("delivered", "dm", "settled", 4)
    message = environment.picture_message(prompt)
    assert environment.discord.channels[message.channel_id].user_id == environment.alice.id
    assert f"<#{environment.channel.id}>" in message_text(message)
    assert environment.visible_messages() == []


async def test_after_the_channel_was_deleted_the_picture_is_sent_as_a_direct_message(
    environment: E2EEnvironment,
) -> None:
    environment.rivya.hold()
    interaction = await environment.imagine("a homeless fox")
    await environment.wait_for_task("a homeless fox")
    interaction.expired = environment.channel.deleted = True
    environment.rivya.release()
    assert await environment.outcome(interaction) == ("delivered", "dm", "settled", 4)
    assert (
        environment.discord.channels[environment.picture_message("a homeless fox").channel_id].user_id
        == environment.alice.id
    )


async def test_where_no_delivery_is_possible_the_picture_is_stored(environment: E2EEnvironment) -> None:
    environment.channel.denied, environment.channel.events_show_denied = {"send_messages"}, False
    environment.alice.accepts_dms = False
    outcome = await deliver_late(environment, "a kept fox", reply_stays=False)
    assert outcome == ("undeliverable", None, "settled", 4)
    assert environment.discord.pictures("a kept fox") == []
    assert environment.bot.kept_pictures()[environment.bot.jobs()[-1]["job_id"]] == paint("a kept fox")


async def test_a_channel_where_the_bot_may_not_post_is_refused_before_anything_is_spent(
    environment: E2EEnvironment,
) -> None:
    environment.channel.denied = {"attach_files"}
    interaction = await environment.imagine("a refused fox")
    await environment.discord.until(lambda: interaction.message_id is not None)
    reply = environment.discord.reply(interaction)
    assert reply.ephemeral
    assert "Attach Files" in message_text(reply)
    assert environment.bot.job(interaction.id) is None


async def test_answers_that_cannot_be_read_stop_neither_progress_nor_picture(
    environment: E2EEnvironment,
) -> None:
    faults = environment.discord.faults
    unreadable = faults.add("html", "reply_edit", None, status=200, only=lambda call: not call.has_files)
    faults.add("status", "reply_edit", None, status=403, code=50013, only=lambda call: call.has_files)
    faults.add("status", "edit", None, status=403, code=50013, only=lambda call: call.has_files)
    interaction = await environment.imagine("an unreadable fox")
    assert await environment.outcome(interaction) == ("delivered", "channel", "settled", 4)
    assert unreadable.hits >= 2
