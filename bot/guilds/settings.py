"""Settings of a guild with one value each, such as its time zone.

Rows are appended: the newest row of a setting counts.

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
from bot.domain.jobs import MOST_PICTURES
from bot.storage.read_cache import cached

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping
    from datetime import tzinfo

    from bot.storage.database import Database

log = structlog.get_logger(__name__)


class GuildSetting(StrEnum):
    """The settings; a value is a text, or None for the default."""

    TIMEZONE = "timezone"
    """The IANA name of a time zone; UTC by default."""
    ALERT_CHANNEL = "alert_channel"
    """The id of a channel; no alerts by default."""
    CONFIRM_ABOVE = "confirm_above"
    """Requests that cost more credits than this need a confirmation; none by default."""
    COOLDOWN_SECONDS = "cooldown_seconds"
    """Seconds between two requests of a member; 0 by default."""
    RUNNING_LIMIT = "running_limit"
    """Pictures of one member in progress at once; no limit by default."""
    PICTURE_LIMIT = "picture_limit"
    """Pictures of one request; `MOST_PICTURES` by default."""
    AGE_RESTRICTED_ONLY = "age_restricted_only"
    """With any value, pictures can be asked for in age-restricted channels only."""
    OWNER_ONLY = "owner_only"
    """With any value, only the member of a picture may press the buttons below it."""
    LOOSE_SAFETY = "loose_safety"
    """With any value, models check less strictly in age-restricted channels."""
    DEFAULT_MODEL = "default_model"
    """The id of the model of members who choose none and have no default; the bot's by default."""
    DEFAULT_SIZE = "default_size"
    """The same of the size."""
    DEFAULT_FORMAT = "default_format"
    """The same of the format."""
    DEFAULT_PRIVATE = "default_private"
    """`on` or `off`: whether only the member sees the picture, unless they say otherwise."""


@dataclass(frozen=True, slots=True)
class SettingChange:
    """A setting before and after an admin's change; None is the default."""

    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class GuildSettings:
    """All settings of one guild at one moment; see `load`."""

    guild_id: int
    values: Mapping[str, str | None]
    """By the name of a `GuildSetting`; one that was never set is missing."""

    def __getitem__(self, name: GuildSetting) -> str | None:
        """Return the value of a setting; None for the default."""
        return self.values.get(name)

    def number(self, name: GuildSetting) -> int:
        """Return the value of a setting that is a number; 0 for the default."""
        return int(self[name] or 0)

    def picture_limit(self) -> int:
        """Return how many pictures a request may be for at most."""
        return min(self.number(GuildSetting.PICTURE_LIMIT) or MOST_PICTURES, MOST_PICTURES)

    def timezone(self) -> tzinfo:
        """Return the time zone in which the guild's periods begin; UTC if the host does not know it."""
        name = self[GuildSetting.TIMEZONE]
        if name is None:
            return UTC
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            # The name was valid when it was set: the host's time zone data has lost it or cannot be read.
            log.exception("time zone unknown", guild_id=self.guild_id, zone=name)
            return UTC


@cached
def load(transaction: sqlite3.Connection, guild_id: int) -> GuildSettings:
    """Return the settings of a guild."""
    rows = transaction.execute(
        "SELECT name, value FROM guild_settings WHERE setting_id IN ("
        " SELECT max(setting_id) FROM guild_settings WHERE guild_id = ? GROUP BY name)",
        (guild_id,),
    )
    return GuildSettings(guild_id, {row["name"]: row["value"] for row in rows})


def timezone_of(transaction: sqlite3.Connection, guild_id: int) -> tzinfo:
    """Return the time zone in which the guild's periods begin; UTC if the host does not know it."""
    return load(transaction, guild_id).timezone()


def change_setting(
    transaction: sqlite3.Connection,
    guild_id: int,
    name: GuildSetting,
    value: str | None,
    *,
    set_by: int,
    at: int,
    interaction_id: int | None = None,
) -> SettingChange:
    """Set a new value at `at`. An interaction that Discord delivers twice changes nothing the second time."""
    before = load(transaction, guild_id)[name]
    transaction.execute(
        "INSERT INTO guild_settings (guild_id, name, value, set_by, set_at, interaction_id)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (interaction_id, name) DO NOTHING",
        (guild_id, name, value, set_by, at, interaction_id),
    )
    return SettingChange(before, load(transaction, guild_id)[name])


class GuildSettingsStore:
    """Shows and changes the settings of guilds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, guild_id: int, name: GuildSetting) -> str | None:
        """Return the value of a setting; None for the default."""
        return await self._database.run(lambda tx: load(tx, guild_id)[name])

    async def change(
        self,
        guild_id: int,
        name: GuildSetting,
        value: str | None,
        *,
        set_by: int,
        interaction_id: int | None = None,
    ) -> SettingChange:
        """Set a new value. An interaction that Discord delivers twice changes nothing the second time."""
        at = now_ms()
        return await self._database.run(
            lambda tx: change_setting(
                tx, guild_id, name, value, set_by=set_by, at=at, interaction_id=interaction_id
            )
        )
