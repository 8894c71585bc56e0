"""The sandbox opens with a server that lives: its pictures, its limits, and a server that wants in."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import simcord
from simcord.components import walk_components

from bot.config.settings import LimitsSettings
from sandbox import past
from sandbox.environment import SandboxEnvironment, Timings, open_environment
from sandbox.wallclock import WallClock

TEXT_DISPLAY = 10
PAST_MEMBERS = [picture.member for picture in past.PICTURES]
MOMENT = timedelta(minutes=5)


def text_of(environment: SandboxEnvironment, message: Any) -> str:
    raw = environment.env.backend.get_message(environment.channel.id, message.id)
    return "\n".join(
        part["content"] for part in walk_components(raw.components) if part["type"] == TEXT_DISPLAY
    )


async def ask(
    environment: SandboxEnvironment, member: simcord.MemberActor, command: str, **options: object
) -> str:
    """Send a command; return the text of the answer."""
    await past._slash(environment, member, command, **options)
    return text_of(environment, environment.channel.history(viewer=member)[-1])


def private_answers(environment: SandboxEnvironment) -> list[int]:
    messages = environment.env.backend.messages[environment.channel.id].values()
    return [message.id for message in messages if message.is_ephemeral]


async def test_the_past_was_made_by_the_bot_and_each_role_finds_it() -> None:
    before = datetime.now(UTC)
    async with open_environment(Timings(painting_seconds=0), ago=past.BEGIN) as environment:
        assert environment.rivya is not None
        assert before - datetime.now(UTC) > timedelta(days=5), "the bot is in the past, too"
        await past.live_through(environment, environment.rivya)
        await past.invite(environment)

        # The present again, for the bot and for Discord.
        assert timedelta() <= datetime.now(UTC) - before < MOMENT
        assert abs(environment.clock.now() - datetime.now(UTC)) < timedelta(seconds=1)

        greeting, *pictures, card = environment.channel.history()
        assert "This server may spend" in text_of(environment, greeting)
        assert [len(message.attachments) for message in pictures] == [1] * len(past.PICTURES)
        for message, picture in zip(pictures, past.PICTURES, strict=True):
            assert abs(before - message.created_at - picture.ago) < MOMENT
            text = text_of(environment, message)
            assert picture.prompt in text
            assert "4 credits" in text
        assert private_answers(environment) == []
        assert [task.final_credits for task in environment.rivya.tasks.values()] == [4] * len(pictures)

        assert past.WAITING_SERVER in text_of(environment, card)
        await environment.sari.click(card, label="Allow 50")
        assert past.WAITING_SERVER in text_of(environment, card), "an admin decides nothing"
        await environment.rani.click(card, label="Allow 50")
        assert "Allowed" in text_of(environment, environment.channel.history()[-1])

        own = await ask(environment, environment.mira, "history")
        assert own.count("\n") == PAST_MEMBERS.count("mira")
        report = await ask(environment, environment.sari, "report", period="total")
        assert f"{4 * len(pictures)} credits" in report
        for name in ("mira", "tomo"):
            count = PAST_MEMBERS.count(name)
            assert f"{4 * count} credits, {count} pictures" in report
        limits = await ask(environment, environment.sari, "limits show")
        for part in ("80 credits a month", "Everybody gets a turn", "20 of 20 credits", "Asia/Jakarta"):
            assert part in limits
        assert "watercolour" in await ask(environment, environment.tomo, "presets show")
        assert "Kuas sandbox" in await ask(environment, environment.rani, "operator guilds")


async def test_what_comes_after_the_past_is_painted_in_real_time() -> None:
    async with open_environment(
        Timings(painting_seconds=0.5, first_poll_seconds=0.2, poll_seconds=0.2), ago=past.BEGIN
    ) as environment:
        assert environment.rivya is not None
        environment.clock.go_to_present()
        began = time.perf_counter()
        await past._slash(environment, environment.mira, "imagine", prompt="a blue owl")
        while not environment.channel.history()[-1].attachments:
            await past._settle(environment)
        assert time.perf_counter() - began >= 0.5
        ceiling = LimitsSettings().ceiling.credits
        assert f"{ceiling - 4} of {ceiling} left" in text_of(environment, environment.channel.history()[-1])


def test_the_clock_of_the_process_is_right_again_at_the_end_of_the_past() -> None:
    before, clock = datetime.now(UTC), WallClock()
    with clock.in_the_past(timedelta(days=2)):
        assert datetime.now(UTC) < before - timedelta(days=1, hours=23)
        clock.go_to(clock.now() + timedelta(days=1))
        assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=1)
        assert abs(time.time() - datetime.now(UTC).timestamp()) < 1
        clock.go_to_present()
        assert datetime.now(UTC) >= before
        assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=1)


def test_the_clock_is_right_again_though_the_past_broke_off() -> None:
    before, clock = time.time(), WallClock()
    with pytest.raises(ValueError, match="broke"), clock.in_the_past(timedelta(days=2)):
        raise ValueError("broke")
    assert time.time() >= before


def test_the_clock_does_not_go_back() -> None:
    clock = WallClock()
    with clock.in_the_past(timedelta(days=2)):
        now = clock.now()
        clock.go_to(now - timedelta(days=1))
        assert clock.now() >= now
