"""The unmodified bot in a process of its own: what goes over the wire, and what a failing wire leads to."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import pytest
from PIL import Image

from tests.e2e.environment import E2EEnvironment, paint
from tests.e2e.fake_discord.server import alt_texts, said
from tests.support.images import make_picture

pytestmark = pytest.mark.asyncio(loop_scope="module")

DELIVERED = ("delivered", "reply", "settled", 4)
CANCELLED = ("cancelled", None, "released", 0)


async def test_a_picture_with_a_reference_travels_as_multipart_both_ways(environment: E2EEnvironment) -> None:
    interaction = await environment.ask("a red fox", reference=make_picture(size=(60, 40)), size="square")
    assert await environment.outcome(interaction) == DELIVERED
    (task,) = environment.tasks("a red fox")
    upload = environment.rivya.uploads[task.reference_id]
    with Image.open(io.BytesIO(upload.data)) as sent:
        assert (sent.size, sent.getpixel((0, 0))) == ((60, 40), (255, 165, 0))
    reply = environment.picture("a red fox")
    assert environment.seen() == [reply]
    assert reply.id == interaction.message_id
    assert alt_texts(reply) == ["a red fox"]
    assert [item.filename for item in reply.attachments] == [f"{task.client_request_id}.png"]
    assert "4 credits" in said(reply)
    assert (interaction.answer_type, reply.ephemeral, reply.loading) == (5, False, False)


@pytest.mark.parametrize("letter", ["x", "é", "🦊", "*", "<@1>", "\n"])
async def test_the_longest_prompt_fits_in_a_message(environment: E2EEnvironment, letter: str) -> None:
    prompt = ("a fox " + letter * 5000)[:5000]
    interaction = await environment.ask(prompt)
    assert await environment.outcome(interaction) == DELIVERED
    (reply,) = environment.seen()
    assert [item.data for item in reply.attachments] == [paint(prompt)]
    assert alt_texts(reply)[0].startswith("a fox")
    assert reply.pinged == []


async def test_an_event_that_comes_twice_is_one_job(environment: E2EEnvironment) -> None:
    environment.rivya.hold()
    interaction = await environment.ask("a twin")
    await environment.discord.deliver(interaction)
    await environment.painting("a twin")
    await environment.discord.deliver(interaction)
    environment.rivya.release()
    assert await environment.outcome(interaction) == DELIVERED
    await environment.discord.deliver(interaction)
    await environment.ask("the next one")
    await environment.discord.until(lambda: bool(environment.discord.pictures("the next one")))
    assert len(environment.tasks("a twin")) == 1
    assert environment.seen()[0] == environment.picture("a twin")
    assert len([row for row in environment.bot.jobs() if row["prompt"] == "a twin"]) == 1


async def test_what_the_channel_does_not_take_is_made_smaller_once(environment: E2EEnvironment) -> None:
    environment.discord.upload_limit_bytes = 30_000
    try:
        interaction = await environment.ask("much noise")
        assert await environment.outcome(interaction) == DELIVERED
    finally:
        environment.discord.upload_limit_bytes = environment.discord.told_limit_bytes
    (reply,) = environment.seen()
    assert len(reply.attachments[0].data) <= 30_000 < len(paint("much noise"))
    assert reply.attachments[0].filename.endswith(".jpg")
    assert environment.discord.rest.count("reply_edit", 413) == 1


# The first answer.


async def test_a_defer_whose_answer_was_lost_goes_on(environment: E2EEnvironment) -> None:
    fault = environment.discord.faults.add("cut_after", "callback")
    interaction = await environment.ask("a lost answer")
    assert await environment.outcome(interaction) == DELIVERED
    assert fault.hits == 1
    assert environment.seen() == [environment.picture("a lost answer")]
    assert len(environment.tasks("a lost answer")) == 1


async def test_a_defer_that_never_arrived_costs_nothing(environment: E2EEnvironment) -> None:
    fault = environment.discord.faults.add("cut_before", "callback")
    interaction = await environment.ask("a lost defer")
    assert await environment.outcome(interaction) == CANCELLED
    assert (fault.hits, interaction.answer_type, environment.tasks("a lost defer")) == (1, None, [])


async def test_an_interaction_that_is_gone_costs_nothing(environment: E2EEnvironment) -> None:
    environment.discord.faults.add("status", "callback", status=404, code=10062)
    interaction = await environment.ask("too late")
    assert await environment.outcome(interaction) == CANCELLED
    assert (environment.seen(), environment.tasks("too late")) == ([], [])


async def test_a_defer_that_discord_takes_and_denies_is_known_by_its_repeat(
    environment: E2EEnvironment,
) -> None:
    environment.discord.faults.add("status", "callback", status=500, processed=True)
    interaction = await environment.ask("taken and denied")
    assert await environment.outcome(interaction) == DELIVERED
    assert environment.discord.rest.count("callback", 400) == 1  # 40060, of the library's own repeat
    assert environment.seen() == [environment.picture("taken and denied")]


async def test_a_defer_that_is_answered_with_nothing_is_asked_after(environment: E2EEnvironment) -> None:
    environment.discord.faults.add("status", "callback", status=204, processed=True)
    interaction = await environment.ask("nothing said")
    assert await environment.outcome(interaction) == DELIVERED
    assert environment.discord.rest.count("callback", 204) == 1


async def test_a_slow_defer_is_asked_after_once_discord_has_decided(environment: E2EEnvironment) -> None:
    environment.discord.faults.add("lag", "callback", seconds=2.6)  # the bot itself gives up after 2.5
    in_time = await environment.ask("slow, but in time")
    await environment.discord.until(lambda: not environment.discord.faults.waiting)
    too_late = environment.discord.typed(environment.channel, environment.alice, "slow, and too late")
    too_late.created_at -= environment.discord.answer_seconds
    environment.discord.faults.add("lag", "callback", seconds=2.6)
    await environment.discord.deliver(too_late)
    assert await environment.outcome(in_time) == DELIVERED
    assert await environment.outcome(too_late) == CANCELLED
    assert environment.tasks("slow, and too late") == []


# The picture.

PASSING: dict[str, tuple[Any, dict[str, Any]]] = {
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


async def test_an_edit_that_fails_is_made_again_and_shows_one_picture(environment: E2EEnvironment) -> None:
    async def ask(case: str) -> tuple[object, ...]:
        name, details = PASSING[case]
        interaction = environment.discord.typed(environment.channel, environment.alice, f"edited, {case}")
        token = interaction.token
        fault = environment.discord.faults.add(
            name, "reply_edit", only=lambda call: call.has_files and call.parts["token"] == token, **details
        )
        await environment.discord.deliver(interaction)
        outcome = await environment.outcome(interaction)
        return fault.hits, outcome, environment.picture(f"edited, {case}").id == interaction.message_id

    ended = await asyncio.gather(*map(ask, PASSING))
    assert dict(zip(PASSING, ended, strict=True)) == dict.fromkeys(PASSING, (1, DELIVERED, True))
    assert len(environment.seen()) == len(PASSING)


async def test_a_progress_line_that_is_in_trouble_never_holds_up_the_picture_for_good(
    environment: E2EEnvironment,
) -> None:
    troubles: dict[str, tuple[Any, dict[str, Any]]] = {
        "limited": ("rate_limited", {"retry_after": 0.8}),
        "the last one for now": ("exhausted", {"retry_after": 0.8}),
        "banned by the edge": ("html", {"status": 429}),
        "slow": ("lag", {"seconds": 0.8}),
        "a lost answer": ("cut_after", {}),
    }

    async def ask(case: str) -> tuple[object, ...]:
        name, details = troubles[case]
        interaction = environment.discord.typed(
            environment.channel, environment.alice, f"in progress, {case}"
        )
        token = interaction.token
        fault = environment.discord.faults.add(
            name,
            "reply_edit",
            only=lambda call: not call.has_files and call.parts["token"] == token,
            **details,
        )
        await environment.discord.deliver(interaction)
        outcome = await environment.outcome(interaction)
        return fault.hits, outcome, environment.picture(f"in progress, {case}").id == interaction.message_id

    ended = await asyncio.gather(*map(ask, troubles))
    assert dict(zip(troubles, ended, strict=True)) == dict.fromkeys(troubles, (1, DELIVERED, True))


async def test_a_message_that_fails_is_posted_again_and_stands_there_once(
    environment: E2EEnvironment,
) -> None:
    environment.rivya.hold()

    async def ask(case: str) -> tuple[object, ...]:
        name, details = PASSING[case]
        channel = environment.discord.add_channel(environment.channel.guild_id or 0)
        interaction = await environment.discord.imagine(channel, environment.alice, f"posted, {case}")
        await environment.painting(f"posted, {case}")
        environment.discord.reply(interaction).deleted = True
        here = str(channel.id)
        fault = environment.discord.faults.add(
            name, "post", only=lambda call: call.parts["channel"] == here, **details
        )
        environment.rivya.release()
        outcome = await environment.outcome(interaction)
        return (
            fault.hits,
            outcome,
            environment.discord.visible_messages(channel) == [environment.picture(f"posted, {case}")],
        )

    ended = await asyncio.gather(*map(ask, PASSING))
    wanted = (1, ("delivered", "channel", "settled", 4), True)
    assert dict(zip(PASSING, ended, strict=True)) == dict.fromkeys(PASSING, wanted)
