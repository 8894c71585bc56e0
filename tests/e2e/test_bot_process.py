"""The unmodified bot in a process of its own: what goes over the wire, and what a failing wire leads to."""

from __future__ import annotations

import asyncio
import io

import pytest
from PIL import Image

from tests.e2e.environment import Town, paint
from tests.e2e.fake_discord.server import alt_texts, said

pytestmark = pytest.mark.asyncio(loop_scope="module")

DELIVERED = ("delivered", "reply", "settled", 4)
CANCELLED = ("cancelled", None, "released", 0)


def a_reference() -> bytes:
    kept = io.BytesIO()
    Image.new("RGB", (60, 40), "orange").save(kept, "PNG")
    return kept.getvalue()


async def test_a_picture_with_a_reference_travels_as_multipart_both_ways(town: Town) -> None:
    interaction = await town.ask("a red fox", reference=a_reference(), size="square")
    assert await town.outcome(interaction) == DELIVERED
    (task,) = town.tasks("a red fox")
    upload = town.rivya.uploads[task.reference_id]
    with Image.open(io.BytesIO(upload.data)) as sent:
        assert (sent.size, sent.getpixel((0, 0))) == ((60, 40), (255, 165, 0))
    reply = town.picture("a red fox")
    assert town.seen() == [reply]
    assert reply.id == interaction.message_id
    assert alt_texts(reply) == ["a red fox"]
    assert [item.filename for item in reply.attachments] == [f"{task.client_request_id}.png"]
    assert "4 credits" in said(reply)
    assert (interaction.answer_type, reply.ephemeral, reply.loading) == (5, False, False)


@pytest.mark.parametrize("letter", ["x", "é", "🦊", "*", "<@1>", "\n"])
async def test_the_longest_prompt_fits_in_a_message(town: Town, letter: str) -> None:
    prompt = ("a fox " + letter * 5000)[:5000]
    interaction = await town.ask(prompt)
    assert await town.outcome(interaction) == DELIVERED
    (reply,) = town.seen()
    assert [item.data for item in reply.attachments] == [paint(prompt)]
    assert alt_texts(reply)[0].startswith("a fox")
    assert reply.pinged == []


async def test_an_event_that_comes_twice_is_one_job(town: Town) -> None:
    town.rivya.hold()
    interaction = await town.ask("a twin")
    await town.discord.deliver(interaction)
    await town.painting("a twin")
    await town.discord.deliver(interaction)
    town.rivya.release()
    assert await town.outcome(interaction) == DELIVERED
    await town.discord.deliver(interaction)
    await town.ask("the next one")
    await town.discord.until(lambda: bool(town.discord.pictures("the next one")))
    assert len(town.tasks("a twin")) == 1
    assert town.seen()[0] == town.picture("a twin")
    assert len([row for row in town.kuas.jobs() if row["prompt"] == "a twin"]) == 1


async def test_what_the_channel_does_not_take_is_made_smaller_once(town: Town) -> None:
    town.discord.upload_limit_bytes = 30_000
    try:
        interaction = await town.ask("much noise")
        assert await town.outcome(interaction) == DELIVERED
    finally:
        town.discord.upload_limit_bytes = town.discord.told_limit_bytes
    (reply,) = town.seen()
    assert len(reply.attachments[0].data) <= 30_000 < len(paint("much noise"))
    assert reply.attachments[0].filename.endswith(".jpg")
    assert town.discord.rest.count("reply_edit", 413) == 1


# The first answer.


async def test_a_defer_whose_answer_was_lost_goes_on(town: Town) -> None:
    fault = town.discord.faults.add("cut_after", "callback")
    interaction = await town.ask("a lost answer")
    assert await town.outcome(interaction) == DELIVERED
    assert fault.hits == 1
    assert town.seen() == [town.picture("a lost answer")]
    assert len(town.tasks("a lost answer")) == 1


async def test_a_defer_that_never_arrived_costs_nothing(town: Town) -> None:
    fault = town.discord.faults.add("cut_before", "callback")
    interaction = await town.ask("a lost defer")
    assert await town.outcome(interaction) == CANCELLED
    assert (fault.hits, interaction.answer_type, town.tasks("a lost defer")) == (1, None, [])


async def test_an_interaction_that_is_gone_costs_nothing(town: Town) -> None:
    town.discord.faults.add("status", "callback", status=404, code=10062)
    interaction = await town.ask("too late")
    assert await town.outcome(interaction) == CANCELLED
    assert (town.seen(), town.tasks("too late")) == ([], [])


async def test_a_defer_that_discord_takes_and_denies_is_known_by_its_repeat(town: Town) -> None:
    town.discord.faults.add("status", "callback", status=500, processed=True)
    interaction = await town.ask("taken and denied")
    assert await town.outcome(interaction) == DELIVERED
    assert town.discord.rest.count("callback", 400) == 1  # 40060, of the library's own repeat
    assert town.seen() == [town.picture("taken and denied")]


async def test_a_defer_that_is_answered_with_nothing_is_asked_after(town: Town) -> None:
    town.discord.faults.add("status", "callback", status=204, processed=True)
    interaction = await town.ask("nothing said")
    assert await town.outcome(interaction) == DELIVERED
    assert town.discord.rest.count("callback", 204) == 1


async def test_a_slow_defer_is_asked_after_once_discord_has_decided(town: Town) -> None:
    town.discord.faults.add("lag", "callback", seconds=2.6)  # the bot itself gives up after 2.5
    in_time = await town.ask("slow, but in time")
    await town.discord.until(lambda: not town.discord.faults.waiting)
    too_late = town.discord.typed(town.channel, town.alice, "slow, and too late")
    too_late.created_at -= town.discord.answer_seconds
    town.discord.faults.add("lag", "callback", seconds=2.6)
    await town.discord.deliver(too_late)
    assert await town.outcome(in_time) == DELIVERED
    assert await town.outcome(too_late) == CANCELLED
    assert town.tasks("slow, and too late") == []


# The picture.

PASSING = {
    "limited": ("rate_limited", {"retry_after": 0.3}),
    "banned by the edge": ("html", {"status": 429}),
    "limited without Via": ("status", {"status": 429}),
    "broken": ("status", {"status": 500}),
    "broken, but done": ("status", {"status": 500, "processed": True}),
    "unavailable": ("status", {"status": 503}),
    "unavailable, but done": ("status", {"status": 503, "processed": True}),
    "a bad gateway": ("html", {"status": 502}),
    "a cut": ("cut_before", {}),
    "a cut upload": ("cut_body", {}),
    "a lost answer": ("cut_after", {}),
}
"""What goes wrong once: a fault and its details."""


async def test_an_edit_that_fails_is_made_again_and_shows_one_picture(town: Town) -> None:
    async def ask(case: str) -> tuple[object, ...]:
        name, details = PASSING[case]
        interaction = town.discord.typed(town.channel, town.alice, f"edited, {case}")
        token = interaction.token
        fault = town.discord.faults.add(
            name, "reply_edit", only=lambda call: call.has_files and call.parts["token"] == token, **details
        )
        await town.discord.deliver(interaction)
        outcome = await town.outcome(interaction)
        return fault.hits, outcome, town.picture(f"edited, {case}").id == interaction.message_id

    ended = await asyncio.gather(*map(ask, PASSING))
    assert dict(zip(PASSING, ended, strict=True)) == dict.fromkeys(PASSING, (1, DELIVERED, True))
    assert len(town.seen()) == len(PASSING)


async def test_a_progress_line_that_is_in_trouble_never_holds_up_the_picture_for_good(town: Town) -> None:
    troubles = {
        "limited": ("rate_limited", {"retry_after": 0.8}),
        "the last one for now": ("exhausted", {"retry_after": 0.8}),
        "banned by the edge": ("html", {"status": 429}),
        "slow": ("lag", {"seconds": 0.8}),
        "a lost answer": ("cut_after", {}),
    }

    async def ask(case: str) -> tuple[object, ...]:
        name, details = troubles[case]
        interaction = town.discord.typed(town.channel, town.alice, f"in progress, {case}")
        token = interaction.token
        fault = town.discord.faults.add(
            name,
            "reply_edit",
            only=lambda call: not call.has_files and call.parts["token"] == token,
            **details,
        )
        await town.discord.deliver(interaction)
        outcome = await town.outcome(interaction)
        return fault.hits, outcome, town.picture(f"in progress, {case}").id == interaction.message_id

    ended = await asyncio.gather(*map(ask, troubles))
    assert dict(zip(troubles, ended, strict=True)) == dict.fromkeys(troubles, (1, DELIVERED, True))


async def test_a_message_that_fails_is_posted_again_and_stands_there_once(town: Town) -> None:
    town.rivya.hold()

    async def ask(case: str) -> tuple[object, ...]:
        name, details = PASSING[case]
        channel = town.discord.add_channel(town.channel.guild_id or 0)
        interaction = await town.discord.imagine(channel, town.alice, f"posted, {case}")
        await town.painting(f"posted, {case}")
        town.discord.reply(interaction).deleted = True
        here = str(channel.id)
        fault = town.discord.faults.add(
            name, "post", only=lambda call: call.parts["channel"] == here, **details
        )
        town.rivya.release()
        outcome = await town.outcome(interaction)
        return fault.hits, outcome, town.discord.standing(channel) == [town.picture(f"posted, {case}")]

    ended = await asyncio.gather(*map(ask, PASSING))
    wanted = (1, ("delivered", "channel", "settled", 4), True)
    assert dict(zip(PASSING, ended, strict=True)) == dict.fromkeys(PASSING, wanted)
