"""GET routes for a bot that is logged in and not connected: commands, servers, channels, its membership."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tests.e2e.fake_discord.errors import RefusedError
from tests.e2e.fake_discord.payloads import json_response
from tests.e2e.fake_discord.state import PERMISSIONS, State

THREAD_METADATA = {
    "archived": False,
    "auto_archive_duration": 60,
    "archive_timestamp": "2026-01-01T00:00:00+00:00",
    "locked": False,
}


class ReadRoutes:
    """Handlers of GET routes; permissions in their answers are those that `State` enforces."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def commands(self, _: web.Request) -> web.Response:
        return json_response(self._state.commands.get(0, []))

    async def guild(self, request: web.Request) -> web.Response:
        guild_id = self._guild_id(request)
        return json_response(
            {
                "id": str(guild_id),
                "name": f"Server {guild_id}",
                "owner_id": "1",
                "roles": [self._state.everyone_role(guild_id)],
                "emojis": [],
                "features": [],
                "verification_level": 0,
                "nsfw_level": 0,
                "mfa_level": 0,
                "premium_tier": 0,
                "preferred_locale": "en-US",
                "default_message_notifications": 0,
                "explicit_content_filter": 0,
                "afk_timeout": 60,
                "system_channel_flags": 0,
                "stickers": [],
                "icon": None,
            }
        )

    async def channel(self, request: web.Request) -> web.Response:
        channel = self._state.channel_for(int(request.match_info["channel"]))
        if channel.user_id is not None:
            recipient = {
                "id": str(channel.user_id),
                "username": "member",
                "discriminator": "0",
                "avatar": None,
            }
            return json_response({"id": str(channel.id), "type": 1, "recipients": [recipient]})
        denied = sum(PERMISSIONS[name] for name in channel.denied)
        payload: dict[str, Any] = {
            "id": str(channel.id),
            "type": 0,
            "guild_id": str(channel.guild_id),
            "name": "studio",
            "position": 0,
            "permission_overwrites": [
                {"id": str(channel.guild_id), "type": 0, "allow": "0", "deny": str(denied)}
            ],
        }
        if channel.parent_id is not None:
            del payload["permission_overwrites"]
            payload |= {"type": 11, "parent_id": str(channel.parent_id), "owner_id": "1"}
            payload |= {"message_count": 0, "member_count": 1, "thread_metadata": THREAD_METADATA}
        return json_response(payload)

    async def member(self, request: web.Request) -> web.Response:
        self._guild_id(request)
        if int(request.match_info["user"]) != self._state.application_id:
            raise RefusedError(10007)
        return json_response(
            {
                "user": self._state.bot_user(),
                "roles": [],
                "joined_at": "2026-01-01T00:00:00+00:00",
                "flags": 0,
                "deaf": False,
                "mute": False,
            }
        )

    def _guild_id(self, request: web.Request) -> int:
        guild_id = int(request.match_info["guild"])
        if guild_id not in self._state.guild_ids:
            raise RefusedError(10004)
        return guild_id
