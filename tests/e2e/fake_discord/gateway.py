"""The gateway half of the loopback Discord: https://discord.com/developers/docs/events/gateway."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from tests.e2e.fake_discord.state import PERMISSIONS, Channel, State

DISPATCH, HEARTBEAT, IDENTIFY, RESUME, RECONNECT, INVALID_SESSION, HELLO, ACK = 0, 1, 2, 6, 7, 9, 10, 11
HEARTBEAT_INTERVAL_MS = 500
AUTHENTICATION_FAILED, DISALLOWED_INTENTS = 4004, 4014
GUILDS_INTENT = 1

Event = dict[str, Any]


@dataclass
class Session:
    """What the bot may come back to: every event it was sent, or should have been."""

    id: str
    shard: list[int]
    events: list[Event] = field(default_factory=list)
    socket: web.WebSocketResponse | None = None
    heartbeats: int = 0

    def remember(self, name: str, data: object) -> Event:
        event = {"op": DISPATCH, "t": name, "s": len(self.events) + 1, "d": data}
        self.events.append(event)
        return event


class Gateway:
    """One bot, one shard. A session outlives its sockets until it is invalidated or a new one begins.

    Attributes:
        identifies, resumes: how often either was done.
    """

    def __init__(self, state: State, user: dict[str, Any]) -> None:
        self._state = state
        self._user = user
        self._sockets: set[web.WebSocketResponse] = set()
        self.session: Session | None = None
        self.url = ""
        self.identifies = 0
        self.resumes = 0

    @property
    def connected(self) -> bool:
        return self.session is not None and self.session.socket is not None

    async def dispatch(self, name: str, data: object) -> bool:
        """Send an event, or keep it for the bot's return. False if it is lost: there is no session."""
        if self.session is None:
            return False
        event = self.session.remember(name, data)
        if self.session.socket is not None:
            await self._send(self.session.socket, event)
        return True

    async def reconnect(self) -> None:
        """Op 7: the bot is asked to come back."""
        await self._leave(RECONNECT, None)

    async def invalidate(self, *, resumable: bool) -> None:
        """Op 9; what is not resumable is forgotten, with every event the bot has not seen."""
        await self._leave(INVALID_SESSION, resumable)
        if not resumable:
            self.session = None

    def drop(self) -> None:
        """Cut the connection without a word."""
        if self.session is not None and self.session.socket is not None:
            socket, self.session.socket = self.session.socket, None
            _abort(socket)

    def forget(self) -> None:
        """The bot's process is gone: Discord notices, and what happens meanwhile happens without it."""
        self.drop()
        self.session = None

    async def close(self) -> None:
        for socket in tuple(self._sockets):
            _abort(socket)

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """One connection, from HELLO to its end."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets.add(socket)
        await self._send(socket, {"op": HELLO, "d": {"heartbeat_interval": HEARTBEAT_INTERVAL_MS}})
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    break
                await self._take(socket, json.loads(message.data))
                await self._state.announce()
        finally:
            self._sockets.discard(socket)
            if self.session is not None and self.session.socket is socket:
                self.session.socket = None
            await self._state.announce()
        return socket

    async def _take(self, socket: web.WebSocketResponse, told: Event) -> None:
        match told["op"]:
            case 1:
                if self.session is not None and self.session.socket is socket:
                    self.session.heartbeats += 1
                await self._send(socket, {"op": ACK})
            case 2:
                await self._identify(socket, told["d"])
            case 6:
                await self._resume(socket, told["d"])
            case other:
                self._state.surprises.append(f"gateway op {other}")

    async def _identify(self, socket: web.WebSocketResponse, told: Event) -> None:
        self.identifies += 1
        if told["token"] != self._state.bot_token:
            await socket.close(code=AUTHENTICATION_FAILED)
            return
        if told["intents"] != GUILDS_INTENT:
            self._state.surprises.append(f"intents {told['intents']}")
            await socket.close(code=DISALLOWED_INTENTS)
            return
        self.session = session = Session(secrets.token_hex(16), told.get("shard", [0, 1]))
        session.remember("READY", self._ready(session))
        for guild_id in self._state.guild_ids:
            session.remember("GUILD_CREATE", self._guild(guild_id))
        await self._replay(session, socket, 0)

    async def _resume(self, socket: web.WebSocketResponse, told: Event) -> None:
        session = self.session
        if told["token"] != self._state.bot_token:
            await socket.close(code=AUTHENTICATION_FAILED)
            return
        if session is None or session.id != told["session_id"]:
            await self._send(socket, {"op": INVALID_SESSION, "d": False})
            return
        self.resumes += 1
        await self._replay(session, socket, told["seq"])
        await self._send(socket, session.remember("RESUMED", {}))

    async def _replay(self, session: Session, socket: web.WebSocketResponse, seen: int) -> None:
        """Send what was not seen; what happens meanwhile is appended and so sent too."""
        while seen < len(session.events):
            await self._send(socket, session.events[seen])
            seen += 1
        session.socket = socket

    async def _leave(self, op: int, data: object) -> None:
        if self.session is not None and self.session.socket is not None:
            socket, self.session.socket = self.session.socket, None
            await self._send(socket, {"op": op, "d": data})

    async def _send(self, socket: web.WebSocketResponse, event: Event) -> None:
        try:
            await socket.send_str(json.dumps(event))
        except ConnectionError:  # it has just gone; what was not seen waits in the session
            _abort(socket)

    def _ready(self, session: Session) -> Event:
        return {
            "v": 10,
            "user": self._user,
            "guilds": [{"id": str(guild_id), "unavailable": True} for guild_id in self._state.guild_ids],
            "session_id": session.id,
            "resume_gateway_url": self.url,
            "shard": session.shard,
            "application": {"id": str(self._state.application_id), "flags": 0},
        }

    def _guild(self, guild_id: int) -> Event:
        everyone = {"id": str(guild_id), "name": "@everyone", "permissions": str(sum(PERMISSIONS.values()))}
        return {
            "id": str(guild_id),
            "name": f"server {guild_id}",
            "owner_id": "1",
            "roles": [everyone | {"color": 0, "hoist": False, "position": 0, "managed": False}],
            "channels": [
                channel_event(channel)
                for channel in self._state.channels.values()
                if channel.guild_id == guild_id
            ],
            "members": [
                {"user": self._user, "roles": [], "flags": 0, "joined_at": "2026-01-01T00:00:00+00:00"}
            ],
            "member_count": 2,
        }


def channel_event(channel: Channel) -> Event:
    """A channel as events tell it."""
    return {
        "id": str(channel.id),
        "guild_id": str(channel.guild_id),
        "type": 0,
        "name": f"channel-{channel.id}",
        "position": 0,
        "permission_overwrites": [],
    }


def _abort(socket: web.WebSocketResponse) -> None:
    transport = socket._req.transport if socket._req is not None else None
    if transport is not None:
        transport.abort()
