"""What admins have set for their guild beside limits and rules: one value each, such as its time zone.

Owns the table guild_settings.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from enum import StrEnum
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog

from bot.domain.clock import now_ms

if TYPE_CHECKING:
    import sqlite3
    from datetime import tzinfo

    from bot.storage.database import Database

log = structlog.get_logger(__name__)


class GuildSetting(StrEnum):
    """What can be set; a value is a text, None stands for the default."""

    TIMEZONE = "timezone"
    """An IANA name; UTC by default."""
    ALERT_CHANNEL = "alert_channel"
    """The id of a channel; no alerts by default."""
    CONFIRM_ABOVE = "confirm_above"
    """A request that costs more credits than this asks first; never by default."""
    COOLDOWN_SECONDS = "cooldown_seconds"
    """Between two requests of a member; none by default."""
    RUNNING_LIMIT = "running_limit"
    """Pictures of one member under way at once; as many as they like by default."""
    AGE_RESTRICTED_ONLY = "age_restricted_only"
    """If set at all, pictures are painted in age-restricted channels only."""
    OWNER_ONLY = "owner_only"
    """If set at all, the buttons under a picture work for its member alone."""


@dataclass(frozen=True, slots=True)
class SettingChange:
    """A setting before and after an admin's change."""

    before: str | None
    after: str | None


def setting(transaction: sqlite3.Connection, guild_id: int, name: GuildSetting) -> str | None:
    """The value that rules now; None for the default."""
    row = transaction.execute(
        "SELECT value FROM guild_settings WHERE guild_id = ? AND name = ? ORDER BY setting_id DESC LIMIT 1",
        (guild_id, name),
    ).fetchone()
    return None if row is None else row["value"]


def timezone_of(transaction: sqlite3.Connection, guild_id: int) -> tzinfo:
    """The guild's time zone, in which its periods begin."""
    name = setting(transaction, guild_id, GuildSetting.TIMEZONE)
    if name is None:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        # It was known when it was set: the host's time zone data has lost it, or cannot be read.
        log.exception("time zone unknown", guild_id=guild_id, zone=name)
        return UTC


class GuildSettingsStore:
    """The settings of every guild."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, guild_id: int, name: GuildSetting) -> str | None:
        """The value that rules now; None for the default."""
        return await self._database.run(lambda tx: setting(tx, guild_id, name))

    async def change(
        self,
        guild_id: int,
        name: GuildSetting,
        value: str | None,
        *,
        set_by: int,
        interaction_id: int | None = None,
    ) -> SettingChange:
        """Append a new value; an interaction delivered twice changes nothing the second time."""
        at = now_ms()

        def unit(tx: sqlite3.Connection) -> SettingChange:
            before = setting(tx, guild_id, name)
            tx.execute(
                "INSERT INTO guild_settings (guild_id, name, value, set_by, set_at, interaction_id)"
                " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (interaction_id) DO NOTHING",
                (guild_id, name, value, set_by, at, interaction_id),
            )
            return SettingChange(before, setting(tx, guild_id, name))

        return await self._database.run(unit)
