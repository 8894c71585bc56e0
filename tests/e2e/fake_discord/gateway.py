"""The gateway of the fake Discord: https://discord.com/developers/docs/events/gateway."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from aiohttp import WSMsgType, web

from tests.e2e.fake_discord.state import Channel, State
from tests.support.gateway_socket import GatewaySocket


class Op(IntEnum):
    """https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-opcodes"""

    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    RESUME = 6
    RECONNECT = 7
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11


HEARTBEAT_INTERVAL_MS = 500
AUTHENTICATION_FAILED, DISALLOWED_INTENTS = 4004, 4014
GUILDS_INTENT = 1

Event = dict[str, Any]


@dataclass
class Session:
    """A session that can be resumed, with every event that was sent or is still to be sent in it."""

    id: str
    shard: list[int]
    events: list[Event] = field(default_factory=list)
    socket: GatewaySocket | None = None
    heartbeats: int = 0

    def record(self, name: str, data: object) -> Event:
        event = {"op": Op.DISPATCH, "t": name, "s": len(self.events) + 1, "d": data}
        self.events.append(event)
        return event


class Gateway:
    """The gateway of one bot with one shard. A session outlives its sockets until it is replaced or ended.

    Attributes:
        identifies, resumes: numbers of IDENTIFY and of successful RESUME commands.
        refusals: how many of the next connections are refused.
        compressions: the compression that each connection asked for.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._sockets: set[GatewaySocket] = set()
        self.session: Session | None = None
        self.url = ""
        self.identifies = 0
        self.resumes = 0
        self.refusals = 0
        self.compressions: list[str | None] = []

    @property
    def connected(self) -> bool:
        return self.session is not None and self.session.socket is not None

    async def dispatch(self, name: str, data: object) -> bool:
        """Send an event, or keep it until the session is resumed. Returns False if there is no session."""
        if self.session is None:
            return False
        event = self.session.record(name, data)
        if self.session.socket is not None:
            await self._send(self.session.socket, event)
        return True

    async def join(self, guild_id: int) -> None:
        """Tell the bot that it is in a server, which it has just joined."""
        await self.dispatch("GUILD_CREATE", self._guild(guild_id))

    async def reconnect(self) -> None:
        """Send op 7, which asks the bot to reconnect and resume."""
        await self._send_last(Op.RECONNECT, None)

    async def invalidate(self, *, resumable: bool) -> None:
        """Send op 9; a session that is not resumable ends, and its unsent events are lost."""
        await self._send_last(Op.INVALID_SESSION, resumable)
        if not resumable:
            self.session = None

    def drop_connection(self) -> None:
        """Abort the connection without a close frame."""
        if self.session is not None and self.session.socket is not None:
            socket, self.session.socket = self.session.socket, None
            _abort(socket)

    def end_session(self) -> None:
        """End the session after the bot's process ended; events until the next IDENTIFY are lost."""
        self.drop_connection()
        self.session = None

    async def close(self) -> None:
        for socket in tuple(self._sockets):
            _abort(socket)

    async def serve(self, request: web.Request) -> GatewaySocket:
        """Handle one connection, from HELLO to its end."""
        if self.refusals:
            self.refusals -= 1
            raise web.HTTPServiceUnavailable
        socket = await GatewaySocket.accept(request)
        self.compressions.append(socket.stream_name)
        self._sockets.add(socket)
        await self._send(socket, {"op": Op.HELLO, "d": {"heartbeat_interval": HEARTBEAT_INTERVAL_MS}})
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    break
                await self._handle(socket, json.loads(message.data))
                await self._state.announce()
        finally:
            self._sockets.discard(socket)
            if self.session is not None and self.session.socket is socket:
                self.session.socket = None
            await self._state.announce()
        return socket

    async def _handle(self, socket: GatewaySocket, event: Event) -> None:
        match event["op"]:
            case Op.HEARTBEAT:
                if self.session is not None and self.session.socket is socket:
                    self.session.heartbeats += 1
                await self._send(socket, {"op": Op.HEARTBEAT_ACK})
            case Op.IDENTIFY:
                await self._identify(socket, event["d"])
            case Op.RESUME:
                await self._resume(socket, event["d"])
            case other:
                self._state.violations.append(f"gateway op {other}")

    async def _identify(self, socket: GatewaySocket, data: Event) -> None:
        self.identifies += 1
        if data["token"] != self._state.bot_token:
            await socket.close(code=AUTHENTICATION_FAILED)
            return
        if data["intents"] != GUILDS_INTENT:
            self._state.violations.append(f"intents {data['intents']}")
            await socket.close(code=DISALLOWED_INTENTS)
            return
        self.session = session = Session(secrets.token_hex(16), data.get("shard", [0, 1]))
        session.record("READY", self._ready(session))
        for guild_id in self._state.guild_ids:
            session.record("GUILD_CREATE", self._guild(guild_id))
        await self._replay(session, socket, 0)

    async def _resume(self, socket: GatewaySocket, data: Event) -> None:
        session = self.session
        if data["token"] != self._state.bot_token:
            await socket.close(code=AUTHENTICATION_FAILED)
            return
        if session is None or session.id != data["session_id"]:
            await self._send(socket, {"op": Op.INVALID_SESSION, "d": False})
            return
        self.resumes += 1
        await self._replay(session, socket, data["seq"])
        await self._send(socket, session.record("RESUMED", {}))

    async def _replay(self, session: Session, socket: GatewaySocket, sequence: int) -> None:
        """Send the events after `sequence`, with those that are added meanwhile."""
        while sequence < len(session.events):
            await self._send(socket, session.events[sequence])
            sequence += 1
        session.socket = socket

    async def _send_last(self, op: Op, data: object) -> None:
        """Send a command and detach the session from its socket, which the bot then closes."""
        if self.session is not None and self.session.socket is not None:
            socket, self.session.socket = self.session.socket, None
            await self._send(socket, {"op": op, "d": data})

    async def _send(self, socket: GatewaySocket, event: Event) -> None:
        try:
            await socket.send_event(json.dumps(event))
        except ConnectionError:  # the session keeps the event for a resume
            _abort(socket)

    def _ready(self, session: Session) -> Event:
        return {
            "v": 10,
            "user": self._state.bot_user(),
            "guilds": [{"id": str(guild_id), "unavailable": True} for guild_id in self._state.guild_ids],
            "session_id": session.id,
            "resume_gateway_url": self.url,
            "shard": session.shard,
            "application": {"id": str(self._state.application_id), "flags": 0},
        }

    def _guild(self, guild_id: int) -> Event:
        me = {
            "user": self._state.bot_user(),
            "roles": [],
            "flags": 0,
            "joined_at": "2026-01-01T00:00:00+00:00",
        }
        return {
            "id": str(guild_id),
            "name": f"server {guild_id}",
            "owner_id": "1",
            "roles": [self._state.everyone_role(guild_id)],
            "channels": [
                channel_event(channel)
                for channel in self._state.channels.values()
                if channel.guild_id == guild_id
            ],
            "members": [me],
            "member_count": 2,
        }


def channel_event(channel: Channel) -> Event:
    """Return the channel object of events."""
    return {
        "id": str(channel.id),
        "guild_id": str(channel.guild_id),
        "type": 0,
        "name": f"channel-{channel.id}",
        "position": 0,
        "permission_overwrites": [],
    }


def _abort(socket: GatewaySocket) -> None:
    transport = socket._req.transport if socket._req is not None else None
    if transport is not None:
        transport.abort()
