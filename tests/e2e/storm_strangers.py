"""Servers that join in a storm while the operator is asked about each: one is refused, one waits.

Neither may get a picture, whatever fails meanwhile, and each is spoken of once.
"""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections.abc import Iterator

from tests.e2e.environment import E2EEnvironment
from tests.e2e.fake_discord.server import message_text
from tests.e2e.fake_discord.state import ANSWER_SECONDS, Channel, Message
from tests.e2e.fake_discord.write_routes import DEFERRED_MESSAGE
from tests.e2e.storm_members import LIBRARY_RETRY_SECONDS
from tests.support.waiting import PATIENCE_SECONDS

WAITS_BETWEEN_JOINS = 60
REFUSED = "do not allow pictures in this server"
NOT_YET = "have not allowed pictures in this server yet"


class Strangers:
    """Both servers, and the interactions that they send; the card is posted in the environment's channel."""

    def __init__(self, environment: E2EEnvironment) -> None:
        self._environment = environment
        self._person = environment.discord.add_person("stranger")
        self._channels: list[Channel] = []
        self.interaction_ids: set[int] = set()
        environment.bot.settings |= {
            "BOT_GUILDS__ADMISSION": "approve",
            "BOT_DISCORD__OPERATOR_CHANNEL": str(environment.channel.id),
        }

    async def visit(self) -> None:
        """Join, if the bot asks by now, and ask for pictures; the first server is refused at once."""
        if not self._channels and not self._asks():
            return
        discord, joins = self._environment.discord, not self._channels
        if joins:
            self._channels = [discord.add_guild()[0] for _ in range(2)]
        for channel in self._channels:
            if joins:
                await discord.gateway.join(channel.guild_id or 0)
            interaction = discord.prepare_imagine(channel, self._person, "a stolen fox")
            self.interaction_ids.add(interaction.id)
            await discord.deliver(interaction)
        if joins:
            code, output = await self._environment.bot.run(
                "operator", "refuse", str(self._channels[0].guild_id), "--yes"
            )
            assert code == 0, output

    def _asks(self) -> bool:
        """Whether the servers of the storm were counted, so that others are new."""
        try:
            return bool(
                self._environment.bot.query(
                    "SELECT 1 FROM admission_policy a JOIN greeting_start g USING (id)"
                    " WHERE a.counted_at > 0 AND g.counted_at > 0"
                )
            )
        except sqlite3.OperationalError:  # killed before the first migration
            return False

    async def finish(self) -> None:
        """Wait, without further faults, until the operator was asked and the refused server was told."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not self._asks():
                await asyncio.sleep(0.1)  # a commit of another process cannot be awaited
            await self.visit()
            for waits in itertools.count(1):
                if self._is_settled() and self._is_answered():
                    break
                await asyncio.sleep(0.1)
                # Has the bot look again; more often, and discord.py would wait for more before `on_ready`.
                if waits % WAITS_BETWEEN_JOINS == 0:
                    for channel in self._channels:
                        await self._environment.discord.gateway.join(channel.guild_id or 0)

    def _is_settled(self) -> bool:
        rows = self._environment.bot.query("SELECT * FROM admissions WHERE state <> 'admitted'")
        waiting = self._channels[1].guild_id if self._channels else 0
        if not self._environment.bot.query(
            f"SELECT 1 FROM greetings WHERE guild_id = {waiting} AND state = 'told'"
        ):
            return False
        return len(rows) == len(self._channels) and all(
            row["explained_at" if row["state"] == "refused" else "asked_at"] for row in rows
        )

    def _is_answered(self) -> bool:
        """Whether every interaction was answered, or is too old to be answered."""
        interactions = [self._environment.discord.interactions[one] for one in self.interaction_ids]
        limit_seconds = ANSWER_SECONDS + LIBRARY_RETRY_SECONDS
        return all(one.answer_type is not None or one.age_seconds() > limit_seconds for one in interactions)

    def errors(self) -> Iterator[str]:
        """Yield a line for each error."""
        discord, bot = self._environment.discord, self._environment.bot
        guild_ids = [channel.guild_id for channel in self._channels]
        yield from (
            f"a job of a stranger: {row['stage']}" for row in bot.jobs() if row["guild_id"] in guild_ids
        )
        for interaction_id in self.interaction_ids:
            if discord.interactions[interaction_id].answer_type == DEFERRED_MESSAGE:
                yield "a stranger was promised a picture"
        refused, waiting = self._channels
        told = self._messages(refused, REFUSED)
        asked = [
            message
            for message in discord.visible_messages(self._environment.channel)
            if str(waiting.guild_id) in message_text(message)
        ]
        waits = self._messages(waiting, NOT_YET)
        for what, messages in (("refusal", told), ("card", asked), ("server that waits", waits)):
            # One more only if the bot was killed before it could commit, and the nonce had expired.
            if not 1 <= len(messages) <= 1 + len(discord.late_repeats):
                yield f"{len(messages)} messages of a {what}"
        # Told that it waits before it was refused, or not.
        if len(self._messages(refused, NOT_YET)) > 1 + len(discord.late_repeats):
            yield "a refused server was told twice that it waits"

    def _messages(self, channel: Channel, text: str) -> list[Message]:
        """Return the messages to everybody with this text."""
        found = self._environment.discord.visible_messages(channel)
        return [each for each in found if not each.ephemeral and text in message_text(each)]
