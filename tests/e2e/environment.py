"""A loopback Discord, a stand-in of Rivya, and the bot between them."""

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
    """Quick to paint, another picture for each prompt; a big one for a prompt that asks for noise."""
    digest = hashlib.sha256(prompt.encode()).digest()
    picture = Image.frombytes("RGB", (8, 4), digest * 3)
    if "noise" in prompt:
        picture = Image.effect_noise((200, 200), 90)
    kept = io.BytesIO()
    picture.save(kept, "PNG")
    return kept.getvalue()


@dataclass
class E2EEnvironment:
    """Both stand-ins and the bot between them; `channel` and `alice` are new for each test."""

    discord: FakeDiscord
    rivya: FakeRivya
    bot: BotProcess
    channel: Channel
    alice: Person

    async def ask(self, prompt: str, **options: Any) -> Interaction:
        return await self.discord.imagine(self.channel, self.alice, prompt, **options)

    async def painting(self, prompt: str) -> None:
        """Wait until Rivya has been asked for it."""
        await self.rivya.until(lambda: bool(self.tasks(prompt)))

    def tasks(self, prompt: str) -> list[Any]:
        return [task for task in self.rivya.tasks.values() if task.prompt == prompt]

    async def outcome(self, interaction: Interaction) -> tuple[str, str | None, object, object]:
        """How its job ended: the stage, the way it landed, the state of its reservation, the charge."""
        (row,) = await self.bot.finished(interaction.id)
        return row["stage"], row["landed_way"], *self.bot.state_of(row["job_id"])

    def seen(self) -> list[Message]:
        """What stands in the channel."""
        return self.discord.visible_messages(self.channel)

    def picture(self, prompt: str) -> Message:
        """The one message, wherever it is, that shows the picture."""
        (message,) = self.discord.pictures(prompt)
        assert [item.data for item in message.attachments] == [paint(prompt)]
        return message


@asynccontextmanager
async def open_environment(folder: Path) -> AsyncIterator[E2EEnvironment]:
    """With the bot not alive yet; whatever happens, it is dead afterwards."""
    async with FakeDiscord() as discord, FakeRivya(painting_seconds=0.05, painter=paint) as rivya:
        (channel,) = discord.add_guild()
        bot = BotProcess(folder, discord, rivya)
        try:
            yield E2EEnvironment(discord, rivya, bot, channel, discord.add_person("alice"))
        finally:
            await bot.kill_and_wait()


def assert_no_errors(environment: E2EEnvironment) -> None:
    """The bot sent nothing that Discord does not know, and met no bug of its own."""
    assert environment.discord.surprises == []
    assert environment.bot.unexpected_log_lines() == []
