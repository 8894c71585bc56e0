"""The delivery ladder over the wire: every rung, below a token that has died."""

from __future__ import annotations

import pytest

from tests.e2e.environment import Town, paint
from tests.e2e.fake_discord.server import said

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def deliver_late(town: Town, prompt: str, *, reply_stays: bool = True) -> tuple[object, ...]:
    """Paint, let the token die, and perhaps have the reply deleted, before the picture is there."""
    town.rivya.hold()
    interaction = await town.ask(prompt)
    await town.painting(prompt)
    interaction.expired = True
    town.discord.reply(interaction).deleted = not reply_stays
    town.rivya.release()
    return await town.outcome(interaction)


async def test_the_reply_is_edited_as_the_bot(town: Town) -> None:
    town.channel.denied = {"send_messages", "attach_files"}  # which an edit of one's own does not need
    town.channel.tells = False
    assert await deliver_late(town, "an edited fox") == ("delivered", "edit", "settled", 4)
    assert town.seen() == [town.picture("an edited fox")]


async def test_without_the_reply_a_new_message_calls_the_member_alone(town: Town) -> None:
    assert await deliver_late(town, "a new fox", reply_stays=False) == ("delivered", "channel", "settled", 4)
    message = town.picture("a new fox")
    assert town.seen() == [message]
    assert message.pinged == [town.alice.id]
    assert message.nonce
    assert message.nonce in town.kuas.jobs()[-1]["job_id"].replace("-", "")


@pytest.mark.parametrize("missing", ["send_messages", "attach_files", "view_channel"])
async def test_where_nothing_may_be_posted_it_comes_as_a_direct_message(town: Town, missing: str) -> None:
    town.channel.denied, town.channel.tells = {missing}, False
    prompt = f"a fox without {missing}"
    assert await deliver_late(town, prompt, reply_stays=False) == ("delivered", "dm", "settled", 4)
    message = town.picture(prompt)
    assert town.discord.channels[message.channel_id].user_id == town.alice.id
    assert f"<#{town.channel.id}>" in said(message)
    assert town.seen() == []


async def test_with_the_channel_gone_it_comes_as_a_direct_message(town: Town) -> None:
    town.rivya.hold()
    interaction = await town.ask("a homeless fox")
    await town.painting("a homeless fox")
    interaction.expired = town.channel.deleted = True
    town.rivya.release()
    assert await town.outcome(interaction) == ("delivered", "dm", "settled", 4)
    assert town.discord.channels[town.picture("a homeless fox").channel_id].user_id == town.alice.id


async def test_where_every_way_is_closed_the_picture_is_kept(town: Town) -> None:
    town.channel.denied, town.channel.tells = {"send_messages"}, False
    town.alice.takes_dms = False
    outcome = await deliver_late(town, "a kept fox", reply_stays=False)
    assert outcome == ("undeliverable", None, "settled", 4)
    assert town.discord.pictures("a kept fox") == []
    assert town.kuas.kept_pictures()[town.kuas.jobs()[-1]["job_id"]] == paint("a kept fox")


async def test_a_channel_where_the_bot_may_not_post_is_refused_before_anything_is_spent(town: Town) -> None:
    town.channel.denied = {"attach_files"}
    interaction = await town.ask("a refused fox")
    await town.discord.until(lambda: interaction.message_id is not None)
    reply = town.discord.reply(interaction)
    assert reply.ephemeral
    assert "Attach Files" in said(reply)
    assert town.kuas.job(interaction.id) is None
