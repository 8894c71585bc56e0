"""State of the fake Discord: servers, channels, people, interactions, messages."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.fake_discord.errors import RefusedError
from tests.support.waiting import PATIENCE_SECONDS

DISCORD_EPOCH_MS = 1_420_070_400_000
TOKEN_LIFE_SECONDS = 15 * 60
ANSWER_SECONDS = 3.0
NONCE_LIFE_SECONDS = 300.0
"""The documentation says "the past few minutes"."""
SUPPRESS_EMBEDS, EPHEMERAL, LOADING, SUPPRESS_NOTIFICATIONS, COMPONENTS_V2 = (
    1 << 2,
    1 << 6,
    1 << 7,
    1 << 12,
    1 << 15,
)
"""https://discord.com/developers/docs/resources/message#message-object-message-flags"""

PERMISSIONS = {
    "view_channel": 1 << 10,
    "send_messages": 1 << 11,
    "embed_links": 1 << 14,
    "attach_files": 1 << 15,
    "read_message_history": 1 << 16,
    "send_messages_in_threads": 1 << 38,
}


@dataclass
class Channel:
    """A text channel or thread of a server, or, with a `user_id` and no server, a direct message channel."""

    id: int
    guild_id: int | None = None
    user_id: int | None = None
    parent_id: int | None = None
    """The channel of a thread."""
    denied: set[str] = field(default_factory=set)
    """Permissions that the bot lacks here."""
    events_show_denied: bool = True
    """Whether events say so. False is a permission that was removed after the event was sent."""
    deleted: bool = False

    def permissions(self, *, in_events: bool) -> int:
        """Return the bot's permissions as a bit set, as they are or as events show them."""
        denied = set() if in_events and not self.events_show_denied else self.denied
        return sum(bit for name, bit in PERMISSIONS.items() if name not in denied)


@dataclass
class Attachment:
    id: int
    filename: str
    data: bytes = field(repr=False)
    description: str | None = None


@dataclass
class Message:
    id: int
    channel_id: int
    flags: int = 0
    content: str = ""
    components: list[dict[str, Any]] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    nonce: str | None = None
    notified: list[int] = field(default_factory=list)
    """Users that were notified: mentioned, and not left out by `allowed_mentions`."""
    interaction_id: int | None = None
    deleted: bool = False
    edits: int = 0

    @property
    def ephemeral(self) -> bool:
        return bool(self.flags & EPHEMERAL)

    @property
    def loading(self) -> bool:
        return bool(self.flags & LOADING)


@dataclass
class Interaction:
    """A command or a pressed button; `payload` is its INTERACTION_CREATE."""

    id: int
    token: str
    channel_id: int
    prompt: str
    payload: dict[str, Any] = field(repr=False)
    created_at: float = field(default_factory=time.monotonic)
    answer_type: int | None = None
    """Type of the accepted callback; None while there is none."""
    message_id: int | None = None
    expired: bool = False
    """Set by tests: the token is no longer valid."""

    def age_seconds(self) -> float:
        return time.monotonic() - self.created_at


@dataclass
class Person:
    id: int
    name: str
    accepts_dms: bool = True


class State:
    """All objects, and a way to wait for changes of them.

    Attributes:
        violations: requests that Discord does not know: unknown routes, unknown fields. A test fails if
            there are any at its end.
        upload_limit_bytes: the largest file that a message takes; events say `announced_limit_bytes`.
        commands: the synced commands by server; key 0 has the global ones.
        answer_seconds: how long after an interaction the first answer is accepted.
        late_repeats: nonces that were used again after they had expired, which posted a second message.
    """

    def __init__(self) -> None:
        self._last_id = 0
        self.application_id = self.new_id()
        self.bot_token = f"{secrets.token_urlsafe(18)}.{secrets.token_urlsafe(4)}.{secrets.token_urlsafe(28)}"
        self.channels: dict[int, Channel] = {}
        self.people: dict[int, Person] = {}
        self.guild_ids: list[int] = []
        self.interactions_endpoint_url: str | None = None
        self.bot_public = True
        self.messages: dict[int, Message] = {}
        self.interactions: dict[int, Interaction] = {}
        self.commands: dict[int, list[dict[str, Any]]] = {}
        self.upload_limit_bytes = self.announced_limit_bytes = 10 * 1024 * 1024
        self.answer_seconds = ANSWER_SECONDS
        self.late_repeats: list[str] = []
        self.violations: list[str] = []
        self._nonces: dict[tuple[int, str], tuple[float, int]] = {}
        self._changed = asyncio.Condition()

    # Waiting.

    async def announce(self) -> None:
        """Make every waiting `until` evaluate its condition."""
        async with self._changed:
            self._changed.notify_all()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until `condition` is true; it is evaluated after every call and every gateway message."""
        async with asyncio.timeout(PATIENCE_SECONDS), self._changed:
            await self._changed.wait_for(condition)

    # Objects as Discord sends them.

    def bot_user(self) -> dict[str, Any]:
        bot_id = str(self.application_id)
        return {"id": bot_id, "username": "Kuas", "discriminator": "0001", "avatar": None, "bot": True}

    @staticmethod
    def everyone_role(guild_id: int) -> dict[str, Any]:
        return {
            "id": str(guild_id),
            "name": "@everyone",
            "permissions": str(sum(PERMISSIONS.values())),
            "position": 0,
            "color": 0,
            "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
            "hoist": False,
            "managed": False,
            "mentionable": False,
            "flags": 0,
        }

    # Creating.

    def new_id(self) -> int:
        """Return a snowflake of the current time, larger than all before."""
        self._last_id = max(self._last_id + 1, int(time.time() * 1000) - DISCORD_EPOCH_MS << 22)
        return self._last_id

    def add_guild(self, channels: int = 1) -> list[Channel]:
        guild_id = self.new_id()
        self.guild_ids.append(guild_id)
        return [self.add_channel(guild_id) for _ in range(channels)]

    def add_channel(self, guild_id: int, parent_id: int | None = None) -> Channel:
        """Add a text channel, or a thread of the channel `parent_id`."""
        channel = Channel(self.new_id(), guild_id, parent_id=parent_id)
        self.channels[channel.id] = channel
        return channel

    def add_person(self, name: str) -> Person:
        person = Person(self.new_id(), name)
        self.people[person.id] = person
        return person

    def add_message(self, channel_id: int, **details: Any) -> Message:
        message = Message(self.new_id(), channel_id, **details)
        self.messages[message.id] = message
        return message

    def direct_channel(self, user_id: int) -> Channel:
        """Return the direct message channel of a user; created once."""
        if user_id not in self.people:
            raise RefusedError(10013)
        for channel in self.channels.values():
            if channel.user_id == user_id:
                return channel
        channel = Channel(self.new_id(), user_id=user_id)
        self.channels[channel.id] = channel
        return channel

    # Finding. Raises RefusedError as Discord does.

    def channel_for(self, channel_id: int, *needed: str) -> Channel:
        """Return a channel where the bot has the `needed` permissions."""
        channel = self.channels.get(channel_id)
        if channel is None or channel.deleted:
            raise RefusedError(10003)
        if "view_channel" in channel.denied:
            raise RefusedError(50001)
        if channel.denied & set(needed):
            raise RefusedError(50013)
        if channel.user_id is not None and needed and not self.people[channel.user_id].accepts_dms:
            raise RefusedError(50007)
        return channel

    def message_for(self, message_id: int | None) -> Message:
        """Return a message that is not deleted."""
        message = None if message_id is None else self.messages.get(message_id)
        if message is None or message.deleted:
            raise RefusedError(10008)
        return message

    def interaction_by_token(self, token: str) -> Interaction:
        """Return the interaction of a token that is valid and was used for a first answer."""
        for interaction in self.interactions.values():
            if interaction.token == token:
                if interaction.expired or interaction.age_seconds() > TOKEN_LIFE_SECONDS:
                    raise RefusedError(50027)
                if interaction.answer_type is None:
                    raise RefusedError(10015)
                return interaction
        raise RefusedError(10015)

    def message_with_nonce(self, channel_id: int, nonce: str) -> Message | None:
        """Return the message that was posted with the nonce, None if it has expired or is new."""
        posted_at, message_id = self._nonces.get((channel_id, nonce), (0.0, 0))
        if not message_id:
            return None
        if time.monotonic() - posted_at > NONCE_LIFE_SECONDS:
            self.late_repeats.append(nonce)
            return None
        return self.message_for(message_id)

    def forget_nonces(self) -> None:
        """Let all nonces expire."""
        self._nonces = {
            key: (-NONCE_LIFE_SECONDS, message_id) for key, (_, message_id) in self._nonces.items()
        }

    def remember_nonce(self, channel_id: int, nonce: str, message_id: int) -> None:
        self._nonces[channel_id, nonce] = (time.monotonic(), message_id)
