"""A fake Discord, a fake Rivya, and the bot between them."""

from __future__ import annotations

import hashlib
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from sandbox.fake_rivya import FakeRivya
from tests.e2e.bot_process import BotProcess
from tests.e2e.fake_discord.server import FakeDiscord
from tests.e2e.fake_discord.state import Channel, Interaction, Message, Person


def paint(prompt: str, *_: object) -> bytes:
    """Return a small picture that depends on the prompt alone; a large one if that contains "noise"."""
    digest = hashlib.sha256(prompt.encode()).digest()
    picture = Image.frombytes("RGB", (8, 4), digest * 3)
    if "noise" in prompt:
        picture = Image.effect_noise((200, 200), 90)
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


@dataclass
class E2EEnvironment:
    """Both fakes and the bot; `channel` and `alice` are new for each test."""

    discord: FakeDiscord
    rivya: FakeRivya
    bot: BotProcess
    channel: Channel
    alice: Person

    async def imagine(self, prompt: str, **options: Any) -> Interaction:
        return await self.discord.imagine(self.channel, self.alice, prompt, **options)

    async def wait_for_task(self, prompt: str) -> None:
        """Wait until Rivya has a task with this prompt."""
        await self.rivya.until(lambda: bool(self.tasks(prompt)))

    def tasks(self, prompt: str) -> list[Any]:
        return [task for task in self.rivya.tasks.values() if task.prompt == prompt]

    async def outcome(self, interaction: Interaction) -> tuple[str, str | None, object, object]:
        """Wait for the end of its job; returns stage, delivery method, reservation state, credits."""
        (row,) = await self.bot.wait_finished(interaction.id)
        return row["stage"], row["landed_way"], *self.bot.reservation_outcome(row["job_id"])

    def visible_messages(self) -> list[Message]:
        """Return the messages of the channel that are not deleted."""
        return self.discord.visible_messages(self.channel)

    def picture_message(self, prompt: str) -> Message:
        """Return the message with the picture of this prompt, in any channel; asserts that there is one."""
        (message,) = self.discord.pictures(prompt)
        assert [item.data for item in message.attachments] == [paint(prompt)]
        return message


@asynccontextmanager
async def open_environment(folder: Path) -> AsyncIterator[E2EEnvironment]:
    """Start both fakes; the bot is not started, and it is killed at the end."""
    async with FakeDiscord() as discord, FakeRivya(painting_seconds=0.05, painter=paint) as rivya:
        (channel,) = discord.add_guild()
        bot = BotProcess(folder, discord, rivya)
        try:
            yield E2EEnvironment(discord, rivya, bot, channel, discord.add_person("alice"))
        finally:
            await bot.kill_and_wait()


def assert_no_errors(environment: E2EEnvironment) -> None:
    """Assert that the bot sent nothing unknown to Discord and logged no error."""
    assert environment.discord.violations == []
    assert environment.bot.unexpected_log_lines() == []
