"""The unmodified bot as a process: requests, deliveries, and faults of Discord's REST API."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import pytest
from PIL import Image

from tests.e2e.environment import E2EEnvironment, paint
from tests.e2e.fake_discord.server import alt_texts, message_text
from tests.support.images import make_picture

pytestmark = pytest.mark.asyncio(loop_scope="module")

DELIVERED = ("delivered", "reply", "settled", 4)
CANCELLED = ("cancelled", None, "released", 0)


async def test_a_reference_is_uploaded_and_the_picture_delivered_as_multipart(
    environment: E2EEnvironment,
) -> None:
    interaction = await environment.imagine("a red fox", reference=make_picture(size=(60, 40)), size="square")
    assert await environment.outcome(interaction) == DELIVERED
    (task,) = environment.tasks("a red fox")
    upload = environment.rivya.uploads[task.reference_id]
    with Image.open(io.BytesIO(upload.data)) as sent:
        assert (sent.size, sent.getpixel((0, 0))) == ((60, 40), (255, 165, 0))
    reply = environment.picture_message("a red fox")
    assert environment.visible_messages() == [reply]
    assert reply.id == interaction.message_id
    assert alt_texts(reply) == ["a red fox"]
    assert [item.filename for item in reply.attachments] == [f"{task.client_request_id}.png"]
    assert "4 credits" in message_text(reply)
    assert (interaction.answer_type, reply.ephemeral, reply.loading) == (5, False, False)


@pytest.mark.parametrize("letter", ["x", "é", "🦊", "*", "<@1>", "\n"])
async def test_the_longest_prompt_fits_in_a_message(environment: E2EEnvironment, letter: str) -> None:
    prompt = ("a fox " + letter * 5000)[:5000]
    interaction = await environment.imagine(prompt)
    assert await environment.outcome(interaction) == DELIVERED
    (reply,) = environment.visible_messages()
    assert [item.data for item in reply.attachments] == [paint(prompt)]
    assert alt_texts(reply)[0].startswith("a fox")
    assert reply.notified == []


async def test_an_event_that_comes_twice_is_one_job(environment: E2EEnvironment) -> None:
    environment.rivya.hold()
    interaction = await environment.imagine("a twin")
    await environment.discord.deliver(interaction)
    await environment.wait_for_task("a twin")
    await environment.discord.deliver(interaction)
    environment.rivya.release()
    assert await environment.outcome(interaction) == DELIVERED
    await environment.discord.deliver(interaction)
    await environment.imagine("the next one")
    await environment.discord.until(lambda: bool(environment.discord.pictures("the next one")))
    assert len(environment.tasks("a twin")) == 1
    assert environment.visible_messages()[0] == environment.picture_message("a twin")
    assert len([row for row in environment.bot.jobs() if row["prompt"] == "a twin"]) == 1


async def test_a_picture_that_is_too_large_for_the_channel_is_shrunk_once(
    environment: E2EEnvironment,
) -> None:
    environment.discord.upload_limit_bytes = 30_000
    try:
        interaction = await environment.imagine("much noise")
        assert await environment.outcome(interaction) == DELIVERED
    finally:
        environment.discord.upload_limit_bytes = environment.discord.announced_limit_bytes
    (reply,) = environment.visible_messages()
    assert len(reply.attachments[0].data) <= 30_000 < len(paint("much noise"))
    assert reply.attachments[0].filename.endswith(".jpg")
    assert environment.discord.rest.count("reply_edit", 413) == 1


# The first answer.


async def test_a_job_goes_on_if_the_response_to_its_defer_was_lost(environment: E2EEnvironment) -> None:
    fault = environment.discord.faults.add("cut_after", "callback")
    interaction = await environment.imagine("a lost answer")
    assert await environment.outcome(interaction) == DELIVERED
    assert fault.hits == 1
    assert environment.visible_messages() == [environment.picture_message("a lost answer")]
    assert len(environment.tasks("a lost answer")) == 1


async def test_a_defer_that_never_arrived_costs_nothing(environment: E2EEnvironment) -> None:
    fault = environment.discord.faults.add("cut_before", "callback")
    interaction = await environment.imagine("a lost defer")
    assert await environment.outcome(interaction) == CANCELLED
    assert (fault.hits, interaction.answer_type, environment.tasks("a lost defer")) == (1, None, [])


async def test_an_interaction_that_is_gone_costs_nothing(environment: E2EEnvironment) -> None:
    environment.discord.faults.add("status", "callback", status=404, code=10062)
    interaction = await environment.imagine("too late")
    assert await environment.outcome(interaction) == CANCELLED
    assert (environment.visible_messages(), environment.tasks("too late")) == ([], [])


async def test_a_defer_that_discord_accepts_with_a_5xx_is_recognised_by_its_repeat(
    environment: E2EEnvironment,
) -> None:
    environment.discord.faults.add("status", "callback", status=500, processed=True)
    interaction = await environment.imagine("taken and denied")
    assert await environment.outcome(interaction) == DELIVERED
    assert environment.discord.rest.count("callback", 400) == 1  # 40060, of the library's own repeat
    assert environment.visible_messages() == [environment.picture_message("taken and denied")]


async def test_after_a_defer_with_an_empty_response_the_reply_is_looked_up(
    environment: E2EEnvironment,
) -> None:
    environment.discord.faults.add("status", "callback", status=204, processed=True)
    interaction = await environment.imagine("an empty response")
    assert await environment.outcome(interaction) == DELIVERED
    assert environment.discord.rest.count("callback", 204) == 1


async def test_after_a_defer_that_timed_out_the_reply_is_looked_up(environment: E2EEnvironment) -> None:
    environment.discord.faults.add("lag", "callback", seconds=2.6)  # the bot's own time-out is 2.5
    in_time = await environment.imagine("slow, but in time")
    await environment.discord.until(lambda: not environment.discord.faults.waiting)
    too_late = environment.discord.prepare_imagine(
        environment.channel, environment.alice, "slow, and too late"
    )
    too_late.created_at -= environment.discord.answer_seconds
    environment.discord.faults.add("lag", "callback", seconds=2.6)
    await environment.discord.deliver(too_late)
    assert await environment.outcome(in_time) == DELIVERED
    assert await environment.outcome(too_late) == CANCELLED
    assert environment.tasks("slow, and too late") == []


# The picture.

TRANSIENT_FAULTS: dict[str, tuple[Any, dict[str, Any]]] = {
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
"""Faults that are injected once, with their details."""


async def test_an_edit_that_fails_is_repeated_and_shows_one_picture(environment: E2EEnvironment) -> None:
    async def run_case(case: str) -> tuple[object, ...]:
        name, details = TRANSIENT_FAULTS[case]
        interaction = environment.discord.prepare_imagine(
            environment.channel, environment.alice, f"edited, {case}"
        )
        token = interaction.token
        fault = environment.discord.faults.add(
            name, "reply_edit", only=lambda call: call.has_files and call.parts["token"] == token, **details
        )
        await environment.discord.deliver(interaction)
        outcome = await environment.outcome(interaction)
        return (
            fault.hits,
            outcome,
            environment.picture_message(f"edited, {case}").id == interaction.message_id,
        )

    results = await asyncio.gather(*map(run_case, TRANSIENT_FAULTS))
    assert dict(zip(TRANSIENT_FAULTS, results, strict=True)) == dict.fromkeys(
        TRANSIENT_FAULTS, (1, DELIVERED, True)
    )
    assert len(environment.visible_messages()) == len(TRANSIENT_FAULTS)


async def test_a_progress_update_that_fails_does_not_block_the_picture(
    environment: E2EEnvironment,
) -> None:
    faults: dict[str, tuple[Any, dict[str, Any]]] = {
        "limited": ("rate_limited", {"retry_after": 0.8}),
        "the last one for now": ("exhausted", {"retry_after": 0.8}),
        "banned by the edge": ("html", {"status": 429}),
        "slow": ("lag", {"seconds": 0.8}),
        "a lost answer": ("cut_after", {}),
    }

    async def run_case(case: str) -> tuple[object, ...]:
        name, details = faults[case]
        interaction = environment.discord.prepare_imagine(
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
        return (
            fault.hits,
            outcome,
            environment.picture_message(f"in progress, {case}").id == interaction.message_id,
        )

    results = await asyncio.gather(*map(run_case, faults))
    assert dict(zip(faults, results, strict=True)) == dict.fromkeys(faults, (1, DELIVERED, True))


async def test_a_message_that_fails_is_posted_again_and_exists_once(
    environment: E2EEnvironment,
) -> None:
    environment.rivya.hold()

    async def run_case(case: str) -> tuple[object, ...]:
        name, details = TRANSIENT_FAULTS[case]
        channel = environment.discord.add_channel(environment.channel.guild_id or 0)
        interaction = await environment.discord.imagine(channel, environment.alice, f"posted, {case}")
        await environment.wait_for_task(f"posted, {case}")
        environment.discord.reply(interaction).deleted = True
        channel_id = str(channel.id)
        fault = environment.discord.faults.add(
            name, "post", only=lambda call: call.parts["channel"] == channel_id, **details
        )
        environment.rivya.release()
        outcome = await environment.outcome(interaction)
        return (
            fault.hits,
            outcome,
            environment.discord.visible_messages(channel) == [environment.picture_message(f"posted, {case}")],
        )

    results = await asyncio.gather(*map(run_case, TRANSIENT_FAULTS))
    expected = (1, ("delivered", "channel", "settled", 4), True)
    assert dict(zip(TRANSIENT_FAULTS, results, strict=True)) == dict.fromkeys(TRANSIENT_FAULTS, expected)
