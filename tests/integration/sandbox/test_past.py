"""The sandbox opens with a server that lives: its pictures, its limits, and a server that wants in."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import simcord
from simcord.components import walk_components

from bot.config.settings import LimitsSettings
from sandbox import past
from sandbox.environment import SandboxEnvironment, Timings, open_environment
from sandbox.painter import paint
from sandbox.wallclock import WallClock
from tests.support.waiting import PATIENCE_SECONDS

TEXT_DISPLAY = 10
PAST_MEMBERS = [picture.member for picture in past.PICTURES for _ in picture.models]
COSTS = {"qwen-image": 4, "z-image": 1, "nano-banana": 3, "flux-2-pro": 5, "ideogram-v3": 7}
MOMENT = timedelta(minutes=5)


def text_of(environment: SandboxEnvironment, message: Any) -> str:
    raw = environment.env.backend.get_message(environment.channel.id, message.id)
    return "\n".join(
        part["content"] for part in walk_components(raw.components) if part["type"] == TEXT_DISPLAY
    )


def spent(*members: str) -> int:
    return sum(price_of(picture) for picture in past.PICTURES if picture.member in members)


def price_of(picture: past.PastPicture) -> int:
    return sum(COSTS[model] for model in picture.models)


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
        assert [len(message.attachments) for message in pictures] == [
            len(picture.models) for picture in past.PICTURES
        ]
        assert any(len(message.attachments) > 1 for message in pictures), "models were compared"
        for message, picture in zip(pictures, past.PICTURES, strict=True):
            assert abs(before - message.created_at - picture.ago) < MOMENT
            text = text_of(environment, message)
            assert picture.prompt in text
            assert f"{price_of(picture)} credit" in text
        assert private_answers(environment) == []
        tasks = environment.rivya.tasks.values()
        # The tasks of compared models are created at the same time, in any order.
        assert sorted((task.model, task.final_credits) for task in tasks) == sorted(
            (model, COSTS[model]) for picture in past.PICTURES for model in picture.models
        )

        assert past.WAITING_SERVER in text_of(environment, card)
        await environment.sari.click(card, label="Allow 50")
        assert past.WAITING_SERVER in text_of(environment, card), "an admin decides nothing"
        await environment.rani.click(card, label="Allow 50")
        assert "Allowed" in text_of(environment, environment.channel.history()[-1])

        own = await ask(environment, environment.mira, "history")
        assert own.count("\n") == PAST_MEMBERS.count("mira")
        report = await ask(environment, environment.sari, "report", period="total")
        assert f"{spent(*PAST_MEMBERS)} credits" in report
        for name in ("mira", "tomo"):
            assert f"{spent(name)} credits, {PAST_MEMBERS.count(name)} pictures" in report
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


@pytest.mark.parametrize("models", [("qwen-image",), ("gpt-image-1-5", "z-image"), ("wan-2-7-image",)])
async def test_the_past_is_painted_once_with_what_is_on_offer(models: tuple[str, ...]) -> None:
    paint.cache_clear()
    async with open_environment(Timings(painting_seconds=0), models=models, ago=past.BEGIN) as environment:
        assert environment.rivya is not None
        await past.live_through(environment, environment.rivya)
        assert [task.model for task in environment.rivya.tasks.values()] == [
            next((model for model in picture.models if model in models), models[0])
            for picture in past.PICTURES
        ]
    assert paint.cache_info().misses == len(past.PICTURES)


async def test_a_price_that_is_changed_at_the_fake_rivya_holds_for_the_next_picture() -> None:
    async with open_environment(
        Timings(painting_seconds=0.1, first_poll_seconds=0.1, poll_seconds=0.1)
    ) as environment:
        assert environment.rivya is not None
        control = environment.rivya.model_control
        control.change("z-image", credits=2, surcharge=1)
        assert "(z-image): 2 credits" in await until_listed(environment, "(z-image): 2 credits")
        control.change("flux-2-pro", status="removed")
        listed = await until_listed(environment, "not available now")
        assert "(flux-2-pro): 5 credits · not available now" in listed
        refused = await ask(environment, environment.mira, "imagine", prompt="a fox", model="flux-2-pro")
        assert "Flux 2 Pro is not available" in refused
        await past._slash(environment, environment.mira, "imagine", prompt="a fox", model="z-image")
        while not environment.channel.history()[-1].attachments:
            await past._settle(environment)
        assert "3 credits" in text_of(environment, environment.channel.history()[-1])


async def until_listed(environment: SandboxEnvironment, words: str) -> str:
    """Return what `/operator models` says as soon as it has the words."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while words not in (listed := await ask(environment, environment.rani, "operator models")):
            await asyncio.sleep(0.05)  # the bot reads the list in a task of its own
    return listed


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
