"""The locales of members and servers in interactions, which SimCord leaves at `en-US`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simcord import Env

AMERICAN_ENGLISH: Final = "en-US"


class Locales:
    """Sets the locales of every interaction from now on: the member's, and the server's preferred one.

    https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-object
    """

    def __init__(self, env: Env, default: str = AMERICAN_ENGLISH) -> None:
        """`default` is the locale of members who are not in `of_members`."""
        self.of_members: dict[int, str] = {}
        """Locales by the id of the user."""
        self._default = default
        self._backend = env.backend
        self._emit = env.backend.emit
        env.backend.emit = self._emit_with_locales  # type: ignore[method-assign]  # SimCord has no setting

    def _emit_with_locales(self, event: str, payload: Mapping[str, Any]) -> None:
        if event == "INTERACTION_CREATE":
            user_id = int(payload.get("member", payload)["user"]["id"])
            payload = {**payload, "locale": self.of_members.get(user_id, self._default)}
            if "guild_id" in payload:
                guild = self._backend.get_guild(int(payload["guild_id"]))
                payload["guild_locale"] = guild.preferred_locale
        self._emit(event, payload)
