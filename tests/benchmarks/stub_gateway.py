"""Serve the part of Discord that a bot needs to start, in a process beside the one that is measured.

`python -m tests.benchmarks.stub_gateway '{"guilds": 2500, "channels": 10, "roles": 5}'`
prints its URLs in one line of JSON, then serves until its standard input ends. Servers are sent as Discord
sends them, compressed:
https://discord.com/developers/docs/events/gateway-events#guild-create
"""

from __future__ import annotations

import asyncio
import json
import sys

from aiohttp import WSMsgType, web

from tests.support.gateway_socket import GatewaySocket
from tests.support.loopback import serving

BOT = {"id": "30", "username": "Kuas", "discriminator": "0", "avatar": None, "bot": True, "flags": 0}
APPLICATION: dict[str, object] = {
    "id": "30",
    "name": "Kuas",
    "description": "",
    "icon": None,
    "owner": BOT,
    "team": None,
    "flags": 0,
    "verify_key": "",
    "bot_public": True,
    "bot_require_code_grant": False,
    "rpc_origins": [],
}
DEFAULT_PERMISSIONS = "1071698660929"
"""Those of @everyone in a new server."""
JOINED_AT = "2026-05-01T12:00:00.000000+00:00"
DISPATCH, HEARTBEAT, IDENTIFY, HELLO, HEARTBEAT_ACK = 0, 1, 2, 10, 11


def guild(number: int, channels: int, roles: int) -> dict[str, object]:
    """Return a GUILD_CREATE payload with ids of its own; the bot is its only member."""
    first = (number + 1) * 1_000_000 << 22
    me = {
        "user": BOT,
        "roles": [str(first + 1)],
        "joined_at": JOINED_AT,
        "deaf": False,
        "mute": False,
        "flags": 0,
    }
    return {
        "id": str(first),
        "name": f"The guild of painters number {number}",
        "owner_id": str(first + 999),
        "icon": f"{number:032x}",
        **dict.fromkeys(("description", "banner", "splash", "discovery_splash", "vanity_url_code")),
        **dict.fromkeys(
            ("afk_channel_id", "rules_channel_id", "public_updates_channel_id", "application_id")
        ),
        **dict.fromkeys(("verification_level", "mfa_level", "nsfw_level", "premium_tier", "afk_timeout"), 1),
        **dict.fromkeys(("default_message_notifications", "explicit_content_filter"), 1),
        "premium_subscription_count": 2,
        "premium_progress_bar_enabled": False,
        "system_channel_id": str(first + 100),
        "system_channel_flags": 0,
        "preferred_locale": "en-US",
        "features": ["COMMUNITY", "NEWS", "SOUNDBOARD"],
        "max_members": 500_000,
        "max_video_channel_users": 25,
        "joined_at": JOINED_AT,
        "large": True,
        "member_count": 400,
        "unavailable": False,
        "roles": [_role(first + index, index) for index in range(roles)],
        "channels": [_channel(first + 100 + index, first, index) for index in range(channels)],
        "members": [me],
        **{name: [] for name in ("emojis", "stickers", "voice_states", "threads", "presences")},
        **{name: [] for name in ("stage_instances", "guild_scheduled_events", "soundboard_sounds")},
    }


def _role(role_id: int, index: int) -> dict[str, object]:
    return {
        "id": str(role_id),
        "name": f"role {index}" if index else "@everyone",
        "color": 0x00_99_CC,
        "colors": {"primary_color": 0x00_99_CC, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "icon": None,
        "unicode_emoji": None,
        "position": index,
        "permissions": DEFAULT_PERMISSIONS,
        "managed": False,
        "mentionable": False,
        "flags": 0,
    }


def _channel(channel_id: int, guild_id: int, index: int) -> dict[str, object]:
    everybody = {"id": str(guild_id), "type": 0, "allow": "0", "deny": "2048"}
    return {
        "id": str(channel_id),
        "type": 0,
        "name": f"channel-{index}",
        "position": index,
        "topic": "What this channel is for, in a sentence or two.",
        "nsfw": False,
        "parent_id": None,
        "rate_limit_per_user": 0,
        "last_message_id": str(channel_id + 500),
        "permission_overwrites": [everybody],
        "flags": 0,
    }


class Gateway:
    """The HTTP routes, and a gateway for one connection at a time."""

    def __init__(self, guilds: int, channels: int, roles: int) -> None:
        self._ids = [str(guild(number, 0, 0)["id"]) for number in range(guilds)]
        self._sent = [json.dumps(guild(number, channels, roles)) for number in range(guilds)]
        self._url = ""

    async def serve(self) -> None:
        app = web.Application()
        app.router.add_get("/users/@me", self._me)
        app.router.add_get("/oauth2/applications/@me", self._application)
        app.router.add_get("/gateway/bot", self._gateway_bot)
        app.router.add_put("/applications/{id}/commands", self._commands)
        app.router.add_get("/", self._socket)
        async with serving(app, shutdown_timeout=1.0) as url:
            self._url = url.removeprefix("http://")
            print(json.dumps({"http": url, "socket": f"ws://{self._url}/"}), flush=True)
            await asyncio.to_thread(sys.stdin.buffer.read)

    async def _me(self, _: web.Request) -> web.Response:
        return _json(BOT)

    async def _application(self, _: web.Request) -> web.Response:
        return _json(APPLICATION)

    async def _gateway_bot(self, _: web.Request) -> web.Response:
        limits = {"total": 1000, "remaining": 1000, "reset_after": 0, "max_concurrency": 1}
        return _json({"url": f"ws://{self._url}/", "shards": 1, "session_start_limit": limits})

    async def _commands(self, request: web.Request) -> web.Response:
        """Accept the commands and return them, as Discord does."""
        commands = enumerate(await request.json())
        return _json(
            [
                {"description": "", **command, "id": str(index + 1), "application_id": "30", "version": "1"}
                for index, command in commands
            ]
        )

    async def _socket(self, request: web.Request) -> GatewaySocket:
        socket = await GatewaySocket.accept(request)
        connection = _Connection(socket)
        await connection.send(HELLO, {"heartbeat_interval": 41_250})
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            op = json.loads(message.data)["op"]
            if op == HEARTBEAT:
                await connection.send(HEARTBEAT_ACK, None)
            elif op == IDENTIFY:
                await self._ready(connection)
        return socket

    async def _ready(self, connection: _Connection) -> None:
        ready = {
            "v": 10,
            "user": BOT,
            "session_id": "1",
            "resume_gateway_url": f"ws://{self._url}/",
            "application": {"id": "30", "flags": 0},
            "shard": [0, 1],
            "guilds": [{"id": guild_id, "unavailable": True} for guild_id in self._ids],
        }
        await connection.send(DISPATCH, ready, "READY")
        for text in self._sent:
            await connection.socket.send_event(
                f'{{"op":0,"t":"GUILD_CREATE","s":{connection.next()},"d":{text}}}'
            )


def _json(value: object) -> web.Response:
    # Discord names no charset, and discord.py does not take a type with one for JSON.
    return web.Response(body=json.dumps(value).encode(), content_type="application/json")


class _Connection:
    """Numbers what it sends: https://discord.com/developers/docs/events/gateway-events#payload-structure."""

    def __init__(self, socket: GatewaySocket) -> None:
        self.socket = socket
        self._sequence = 0

    def next(self) -> int:
        self._sequence += 1
        return self._sequence

    async def send(self, code: int, data: object, event: str | None = None) -> None:
        sequence = self.next() if event else None
        await self.socket.send_event(json.dumps({"op": code, "t": event, "s": sequence, "d": data}))


if __name__ == "__main__":
    asyncio.run(Gateway(**json.loads(sys.argv[1])).serve())
