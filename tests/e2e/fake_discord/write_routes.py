"""Routes for answers to interactions and for messages.

https://discord.com/developers/docs/interactions/receiving-and-responding and /resources/message
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tests.e2e.fake_discord.errors import RefusedError, malformed
from tests.e2e.fake_discord.message_rules import Body, apply_body, message_payload
from tests.e2e.fake_discord.payloads import json_response, read_body
from tests.e2e.fake_discord.state import EPHEMERAL, LOADING, Interaction, State

MESSAGE, DEFERRED_MESSAGE = 4, 5
"""Types of callbacks."""
_CALLBACKS = {2: {4, 5, 9}, 3: {4, 5, 6, 7, 9}, 5: {4, 5, 6, 7}}
"""The types of callbacks that each type of interaction accepts."""


class WriteRoutes:
    """Handlers of the routes that create, edit and delete messages."""

    def __init__(self, state: State) -> None:
        self._state = state

    # Answers to an interaction.

    async def callback(self, request: web.Request) -> web.Response:
        interaction = self._state.interactions.get(int(request.match_info["interaction"]))
        if interaction is None or interaction.token != request.match_info["token"]:
            raise RefusedError(10062)
        if interaction.answer_type is not None:
            raise RefusedError(40060)
        if interaction.age_seconds() > self._state.answer_seconds:
            raise RefusedError(10062)
        body = await read_body(request)
        kind, data = body.payload["type"], body.payload.get("data") or {}
        if kind not in _CALLBACKS[interaction.payload["type"]]:
            raise malformed(f"type: {kind} is no answer to this interaction")
        flags = data.get("flags", 0) & EPHEMERAL
        if kind == MESSAGE:
            message = self._state.add_message(interaction.channel_id, flags=flags)
            try:
                apply_body(self._state, message, Body(data, body.files))
            except RefusedError:
                del self._state.messages[message.id]
                raise
            interaction.message_id = message.id
        elif kind == DEFERRED_MESSAGE:
            if set(data) - {"flags"} or data.get("flags", 0) & ~EPHEMERAL:
                raise malformed("data: a deferred message has no data but the ephemeral flag")
            message = self._state.add_message(interaction.channel_id, flags=flags | LOADING)
            interaction.message_id = message.id
        interaction.answer_type = kind
        return json_response(self._callback_response(interaction))

    def _callback_response(self, interaction: Interaction) -> dict[str, Any]:
        details: dict[str, Any] = {"id": str(interaction.id), "type": interaction.payload["type"]}
        response: dict[str, Any] = {"interaction": details}
        if interaction.message_id is not None:
            message = self._state.messages[interaction.message_id]
            message.interaction_id = interaction.id
            details |= {
                "response_message_id": str(message.id),
                "response_message_loading": message.loading,
                "response_message_ephemeral": message.ephemeral,
            }
            payload = message_payload(self._state, message)
            response["resource"] = {"type": interaction.answer_type, "message": payload}
        return response

    async def reply_get(self, request: web.Request) -> web.Response:
        return self._message_response(self._reply(request).message_id)

    async def reply_edit(self, request: web.Request) -> web.Response:
        return await self._edit(request, self._reply(request).message_id)

    async def reply_delete(self, request: web.Request) -> web.Response:
        self._state.message_for(self._reply(request).message_id).deleted = True
        return web.Response(status=204)

    async def followup(self, request: web.Request) -> web.Response:
        interaction = self._reply(request)
        original = self._state.messages.get(interaction.message_id or 0)
        if original is not None and original.loading and not original.deleted:
            return await self._edit(request, original.id)  # the first follow-up fills the deferred message
        body = await read_body(request)
        flags = body.payload.get("flags", 0) & EPHEMERAL
        message = self._state.add_message(interaction.channel_id, flags=flags, interaction_id=interaction.id)
        return self._write_new(message.id, body)

    def _reply(self, request: web.Request) -> Interaction:
        return self._state.interaction_by_token(request.match_info["token"])

    # Messages of the bot.

    async def edit(self, request: web.Request) -> web.Response:
        channel = self._state.channel_for(int(request.match_info["channel"]))
        message = self._state.message_for(int(request.match_info["message"]))
        if message.ephemeral or message.channel_id != channel.id:
            raise RefusedError(10008)  # this route does not find ephemeral messages
        return await self._edit(request, message.id)

    async def post(self, request: web.Request) -> web.Response:
        body = await read_body(request)
        needed = ["send_messages", *(["attach_files"] if body.files else [])]
        channel = self._state.channel_for(int(request.match_info["channel"]), *needed)
        nonce = body.payload.get("nonce")
        if nonce is not None and body.payload.get("enforce_nonce"):
            earlier = self._state.message_with_nonce(channel.id, nonce)
            if earlier is not None:
                return self._message_response(earlier.id)
        message = self._state.add_message(channel.id, nonce=nonce)
        answer = self._write_new(message.id, body)
        if nonce is not None:
            self._state.remember_nonce(channel.id, nonce, message.id)
        return answer

    async def open_dm(self, request: web.Request) -> web.Response:
        user_id = int((await request.json())["recipient_id"])
        channel = self._state.direct_channel(user_id)
        person = {"id": str(user_id), "username": "member", "discriminator": "0", "avatar": None}
        return json_response(
            {"id": str(channel.id), "type": 1, "last_message_id": None, "recipients": [person]}
        )

    def _message_response(self, message_id: int | None) -> web.Response:
        return json_response(message_payload(self._state, self._state.message_for(message_id)))

    def _write_new(self, message_id: int, body: Body) -> web.Response:
        try:
            apply_body(self._state, self._state.messages[message_id], body)
        except RefusedError:
            del self._state.messages[message_id]
            raise
        return self._message_response(message_id)

    async def _edit(self, request: web.Request, message_id: int | None) -> web.Response:
        message = self._state.message_for(message_id)
        apply_body(self._state, message, await read_body(request))
        message.edits += 1
        return self._message_response(message.id)
