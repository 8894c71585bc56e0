"""The defaults of a server for its members' new pictures, where a member has none of their own.

Owns no table; they are settings of the server (`bot/guilds/settings.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.clock import now_ms
from bot.guilds import settings
from bot.guilds.settings import GuildSetting, change_setting
from bot.jobs.requests.member_defaults import MemberDefaults

if TYPE_CHECKING:
    import sqlite3

    from bot.storage.database import Database

ON: Final = "on"
OFF: Final = "off"


def load(transaction: sqlite3.Connection, guild_id: int) -> MemberDefaults:
    """Return the defaults of a server."""
    values = settings.load(transaction, guild_id)
    private = values[GuildSetting.DEFAULT_PRIVATE]
    return MemberDefaults(
        size=values[GuildSetting.DEFAULT_SIZE],
        format=values[GuildSetting.DEFAULT_FORMAT],
        private=None if private is None else private == ON,
        model=values[GuildSetting.DEFAULT_MODEL],
    )


class GuildDefaultsStore:
    """The defaults of every server."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, guild_id: int) -> MemberDefaults:
        """Return the defaults of a server."""
        return await self._database.run(lambda tx: load(tx, guild_id))

    async def set(self, guild_id: int, defaults: MemberDefaults, *, set_by: int, interaction_id: int) -> None:
        """Set the defaults of a server; those that stay as they are leave no trace in the audit log."""
        at = now_ms()
        private = {None: None, True: ON, False: OFF}[defaults.private]
        wanted = {
            GuildSetting.DEFAULT_MODEL: defaults.model,
            GuildSetting.DEFAULT_SIZE: defaults.size,
            GuildSetting.DEFAULT_FORMAT: defaults.format,
            GuildSetting.DEFAULT_PRIVATE: private,
        }

        def unit(tx: sqlite3.Connection) -> None:
            now = settings.load(tx, guild_id)
            for name, value in wanted.items():
                if value != now[name]:
                    change_setting(
                        tx, guild_id, name, value, set_by=set_by, at=at, interaction_id=interaction_id
                    )

        await self._database.run(unit)
