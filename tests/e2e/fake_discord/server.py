"""A Discord on 127.0.0.1: REST, gateway and files, and what its members do.

An independent stand-in: it shares no code with the bot, and knows only what Discord's documentation says.
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

STRING, INTEGER, ATTACHMENT = 3, 4, 11
BUTTON = 2
MANAGE_GUILD = 1 << 5


class FakeDiscord(State):
    """`async with Discord() as discord: ... discord.url`; `State` holds what can be looked at and waited for.

    Attributes:
        rest, gateway, faults: the halves, and how they misbehave.
    """

    def __init__(self) -> None:
        super().__init__()
        self.faults = Faults()
        self.rest = Rest(self, self.faults)
        self.gateway = Gateway(self, self.rest.user())
        self.url = ""
        self._references: dict[str, Attachment] = {}
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        self.rest.add_routes(app)
        app.router.add_get("/gateway", self.gateway.serve)
        app.router.add_get("/gateway/", self.gateway.serve)
        app.router.add_get("/ephemeral-attachments/{id}/{name}", self._reference)
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

    # What members do.

    async def imagine(self, channel: Channel, person: Person, prompt: str, **more: Any) -> Interaction:
        """Type `/imagine`, as Discord's client would."""
        interaction = self.typed(channel, person, prompt, **more)
        await self.deliver(interaction)
        return interaction

    def typed(
        self, channel: Channel, person: Person, prompt: str, *, reference: bytes | None = None, **options: str
    ) -> Interaction:
        """`/imagine`, entered but not told the bot yet."""
        files = [] if reference is None else [("reference", "reference.png", reference)]
        event = self.command_event(channel, person, "imagine", {"prompt": prompt} | options, files)
        interaction = Interaction(
            int(event["id"]), event["token"], channel.id, person.id, prompt, payload=event
        )
        self.interactions[interaction.id] = interaction
        return interaction

    async def click(self, channel: Channel, person: Person, custom_id: str) -> Interaction:
        """Press a button under a message of the bot's, with whatever custom_id a client may send."""
        data = {"custom_id": custom_id, "component_type": BUTTON}
        event = self._event(channel, person, 3, data) | {"message": self._message_event(channel)}
        interaction = Interaction(int(event["id"]), event["token"], channel.id, person.id, "", payload=event)
        self.interactions[interaction.id] = interaction
        await self.deliver(interaction)
        return interaction

    def _message_event(self, channel: Channel) -> dict[str, Any]:
        lists = ("attachments", "embeds", "mentions", "mention_roles", "components")
        return {
            "id": str(self.add_message(channel.id).id),
            "channel_id": str(channel.id),
            "author": self.rest.user(),
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
        """Tell the bot, perhaps once more; False if nobody listens."""
        told = await self.gateway.dispatch("INTERACTION_CREATE", interaction.payload)
        await self.announce()
        return told

    def command_event(
        self,
        channel: Channel,
        person: Person,
        name: str,
        options: dict[str, str],
        files: list[tuple[str, str, bytes]],
    ) -> dict[str, Any]:
        """INTERACTION_CREATE of a slash command that was synced, with options it has."""
        offered = [*self.commands.get(0, ()), *self.commands.get(channel.guild_id or 0, ())]
        command = next(command for command in offered if command["name"] == name)
        known = {option["name"] for option in command["options"]}
        attachments = {option: self._attach(filename, data) for option, filename, data in files}
        assert known >= {*options, *attachments}, f"/{name} has only {', '.join(sorted(known))}"
        given = [{"name": option, "type": STRING, "value": value} for option, value in options.items()]
        given += [
            {"name": option, "type": ATTACHMENT, "value": told["id"]} for option, told in attachments.items()
        ]
        resolved = {"attachments": {told["id"]: told for told in attachments.values()}} if attachments else {}
        data = {"id": command["id"], "name": name, "type": 1, "options": given, "resolved": resolved}
        return self._event(channel, person, 2, data)

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
            "app_permissions": str(channel.permissions(told=True)),
            "locale": "en-US",
            "guild_locale": "en-US",
            "entitlements": [],
            "authorizing_integration_owners": {"0": str(channel.guild_id)},
            "context": 0,
            "attachment_size_limit": self.told_limit_bytes,
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

    # What members see.

    def reply(self, interaction: Interaction) -> Message:
        """The message that answers it, deleted or not."""
        assert interaction.message_id is not None, "the application did not respond"
        return self.messages[interaction.message_id]

    def visible_messages(self, channel: Channel | None = None) -> list[Message]:
        """Every message that was not deleted, the oldest first; in one channel, or anywhere."""
        where = None if channel is None else channel.id
        return [
            message
            for message in self.messages.values()
            if not message.deleted and where in {None, message.channel_id}
        ]

    def pictures(self, prompt: str) -> list[Message]:
        """The messages that show a picture under these words."""
        return [
            message
            for message in self.visible_messages()
            if message.attachments and prompt in alt_texts(message)
        ]


def said(message: Message) -> str:
    """All its words, wherever they stand."""
    texts = [part["content"] for part in components.walk(message.components) if part["type"] == 10]
    return "\n".join([message.content, *texts])


def alt_texts(message: Message) -> list[str]:
    return [
        item.get("description") or ""
        for part in components.walk(message.components)
        if part["type"] == components.MEDIA_GALLERY
        for item in part["items"]
    ]
