"""A fake Discord on 127.0.0.1: REST, gateway, files, and members that send commands and press buttons.

It shares no code with the bot, and is written from Discord's documentation.
"""

from __future__ import annotations

import secrets
from typing import Any, Self

from aiohttp import web

from tests.e2e.fake_discord import components
from tests.e2e.fake_discord.faults import Faults
from tests.e2e.fake_discord.gateway import Gateway, channel_event
from tests.e2e.fake_discord.rest import API, Rest
from tests.e2e.fake_discord.state import Attachment, Channel, Interaction, Message, Person, State

ATTACHMENT = 11
"""The type of a command's option that takes a file."""
COMMAND, COMPONENT = 2, 3
"""Types of interactions."""
MANAGE_GUILD = 1 << 5
DEFAULT_AVATAR = b"a small picture"


class FakeDiscord(State):
    """`async with FakeDiscord() as discord: ... discord.url`; see `State` for what tests can read and await.

    Attributes:
        rest, gateway, faults: the two servers, and the faults that REST injects.
    """

    def __init__(self) -> None:
        super().__init__()
        self.faults = Faults()
        self.rest = Rest(self, self.faults)
        self.gateway = Gateway(self)
        self.url = ""
        self._references: dict[str, Attachment] = {}
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        self.rest.add_routes(app)
        app.router.add_get("/gateway", self.gateway.serve)
        app.router.add_get("/gateway/", self.gateway.serve)
        app.router.add_get("/ephemeral-attachments/{id}/{name}", self._reference)
        app.router.add_get("/embed/avatars/0.png", self._default_avatar)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host = f"127.0.0.1:{self._runner.addresses[0][1]}"
        self.url = self.rest.url = f"http://{host}"
        self.gateway.url = f"ws://{host}/gateway"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.gateway.close()
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def api_url(self) -> str:
        return self.url + API

    # Actions of members.

    async def imagine(self, channel: Channel, person: Person, prompt: str, **more: Any) -> Interaction:
        """Send `/imagine`."""
        interaction = self.prepare_imagine(channel, person, prompt, **more)
        await self.deliver(interaction)
        return interaction

    def prepare_imagine(
        self,
        channel: Channel,
        person: Person,
        prompt: str,
        *,
        reference: bytes | None = None,
        **options: str | int,
    ) -> Interaction:
        """Create the interaction of `/imagine` without delivering it to the bot."""
        files = [] if reference is None else [("reference", "reference.png", reference)]
        event = self.command_event(channel, person, "imagine", {"prompt": prompt, **options}, files)
        return self._add_interaction(event, prompt)

    async def click(self, channel: Channel, person: Person, custom_id: str) -> Interaction:
        """Press a button under a message of the bot, with any custom_id that a client can send."""
        data = {"custom_id": custom_id, "component_type": components.Type.BUTTON}
        event = self._event(channel, person, COMPONENT, data) | {"message": self._message_event(channel)}
        interaction = self._add_interaction(event)
        await self.deliver(interaction)
        return interaction

    def _add_interaction(self, event: dict[str, Any], prompt: str = "") -> Interaction:
        interaction = Interaction(
            id=int(event["id"]),
            token=event["token"],
            channel_id=int(event["channel_id"]),
            prompt=prompt,
            payload=event,
        )
        self.interactions[interaction.id] = interaction
        return interaction

    def _message_event(self, channel: Channel) -> dict[str, Any]:
        lists = ("attachments", "embeds", "mentions", "mention_roles", "components")
        return {
            "id": str(self.add_message(channel.id).id),
            "channel_id": str(channel.id),
            "author": self.bot_user(),
            "content": "",
            "timestamp": "2026-01-01T00:00:00+00:00",
            "edited_timestamp": None,
            "tts": False,
            "mention_everyone": False,
            "pinned": False,
            "type": 0,
            "flags": 0,
        } | {name: [] for name in lists}

    async def deliver(self, interaction: Interaction) -> bool:
        """Send the interaction to the bot, again if called again. Returns False if there is no session."""
        dispatched = await self.gateway.dispatch("INTERACTION_CREATE", interaction.payload)
        await self.announce()
        return dispatched

    def command_event(
        self,
        channel: Channel,
        person: Person,
        name: str,
        options: dict[str, str | int],
        files: list[tuple[str, str, bytes]],
    ) -> dict[str, Any]:
        """Return the INTERACTION_CREATE of a synced slash command; asserts that it has these options."""
        synced = [*self.commands.get(0, ()), *self.commands.get(channel.guild_id or 0, ())]
        command = next(command for command in synced if command["name"] == name)
        known = {option["name"]: option["type"] for option in command["options"]}
        attachments = {option: self._attach(filename, data) for option, filename, data in files}
        assert known.keys() >= {*options, *attachments}, f"/{name} has only {', '.join(sorted(known))}"
        sent = [{"name": each, "type": known[each], "value": value} for each, value in options.items()]
        sent += [
            {"name": option, "type": ATTACHMENT, "value": file["id"]} for option, file in attachments.items()
        ]
        resolved = {"attachments": {file["id"]: file for file in attachments.values()}} if attachments else {}
        data = {"id": command["id"], "name": name, "type": 1, "options": sent, "resolved": resolved}
        return self._event(channel, person, COMMAND, data)

    def _event(self, channel: Channel, person: Person, kind: int, data: dict[str, Any]) -> dict[str, Any]:
        user = {"id": str(person.id), "username": person.name, "discriminator": "0", "avatar": None}
        return {
            "id": str(self.new_id()),
            "application_id": str(self.application_id),
            "type": kind,
            "data": data,
            "guild_id": str(channel.guild_id),
            "channel_id": str(channel.id),
            "channel": channel_event(channel),
            "member": {
                "user": user,
                "roles": [],
                "flags": 0,
                "joined_at": "2026-01-01T00:00:00+00:00",
                "permissions": str(MANAGE_GUILD),
            },
            "token": secrets.token_urlsafe(48),
            "version": 1,
            "app_permissions": str(channel.permissions(in_events=True)),
            "locale": "en-US",
            "guild_locale": "en-US",
            "entitlements": [],
            "authorizing_integration_owners": {"0": str(channel.guild_id)},
            "context": 0,
            "attachment_size_limit": self.announced_limit_bytes,
        }

    def _attach(self, filename: str, data: bytes) -> dict[str, Any]:
        attachment = Attachment(self.new_id(), filename, data)
        self._references[str(attachment.id)] = attachment
        url = f"{self.url}/ephemeral-attachments/{attachment.id}/{filename}?ex=0&is=0&hm=0"
        return {
            "id": str(attachment.id),
            "filename": filename,
            "size": len(data),
            "url": url,
            "proxy_url": url,
            "content_type": "image/png",
            "ephemeral": True,
        }

    async def _reference(self, request: web.Request) -> web.Response:
        attachment = self._references.get(request.match_info["id"])
        if attachment is None:
            raise web.HTTPNotFound
        return web.Response(body=attachment.data, content_type="image/png")

    async def _default_avatar(self, _: web.Request) -> web.Response:
        return web.Response(body=DEFAULT_AVATAR, content_type="image/png")

    # Messages that members see.

    def reply(self, interaction: Interaction) -> Message:
        """Return the reply to the interaction, deleted or not; asserts that there is one."""
        assert interaction.message_id is not None, "the application did not respond"
        return self.messages[interaction.message_id]

    def visible_messages(self, channel: Channel | None = None) -> list[Message]:
        """Return the messages of one channel or of all that are not deleted, the oldest first."""
        return [
            message
            for message in self.messages.values()
            if not message.deleted and (channel is None or message.channel_id == channel.id)
        ]

    def pictures(self, prompt: str) -> list[Message]:
        """Return the messages with an attachment whose alt text is the prompt."""
        return [
            message
            for message in self.visible_messages()
            if message.attachments and prompt in alt_texts(message)
        ]


def message_text(message: Message) -> str:
    """Return the content and the text displays of a message."""
    return "\n".join([message.content, *components.texts(message.components)])


def alt_texts(message: Message) -> list[str]:
    """Return the descriptions of its media gallery items."""
    return [
        item.get("description") or ""
        for part in components.walk(message.components)
        if part["type"] == components.Type.MEDIA_GALLERY
        for item in part["items"]
    ]
