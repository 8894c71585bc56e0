"""Presets of a server: a name for words around a member's own, and perhaps a size.

Appended, never changed: the newest row of a name rules.

Owns the table presets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.domain.clock import now_ms
from bot.domain.jobs import Preset
from bot.domain.text_folding import fold_text

if TYPE_CHECKING:
    import sqlite3

    from bot.storage.database import Database

NAME_LIMIT: Final = 40
TEXT_LIMIT: Final = 1000
"""Of each side, in characters: enough for a style, and members keep most of the prompt."""
MAX_PRESETS: Final = 100


@dataclass(frozen=True, slots=True)
class GuildPreset:
    """A preset in force."""

    preset: Preset
    size: str | None
    set_by: int
    set_at: int


class PresetStore:
    """The presets of every server."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def active(self, guild_id: int) -> list[GuildPreset]:
        """All of a server's, by name."""
        return await self._database.run(lambda tx: _active(tx, guild_id))

    async def find(self, guild_id: int, name: str) -> GuildPreset | None:
        """The preset of that name, however it was typed; None if there is none."""
        return await self._database.run(lambda tx: find(tx, guild_id, name))

    async def save(
        self, guild_id: int, preset: Preset, size: str | None, *, set_by: int, interaction_id: int
    ) -> bool:
        """Put a preset in force, in place of one of the same name; False if there are too many.

        The name has at least one letter or number. An interaction that Discord delivers twice changes nothing
        the second time.
        """
        at, folded = now_ms(), fold_text(preset.name)

        def unit(tx: sqlite3.Connection) -> bool:
            others = [each for each in _active(tx, guild_id) if fold_text(each.preset.name) != folded]
            if len(others) >= MAX_PRESETS:
                return False
            _append(tx, guild_id, preset, size, removed=False, by=(set_by, at, interaction_id))
            return True

        return await self._database.run(unit)

    async def remove(
        self, guild_id: int, name: str, *, set_by: int, interaction_id: int
    ) -> GuildPreset | None:
        """End a preset; returns the one that ended, None if there was none."""
        at = now_ms()

        def unit(tx: sqlite3.Connection) -> GuildPreset | None:
            ended = find(tx, guild_id, name)
            if ended is not None:
                by = (set_by, at, interaction_id)
                _append(tx, guild_id, ended.preset, ended.size, removed=True, by=by)
            return ended

        return await self._database.run(unit)


def find(transaction: sqlite3.Connection, guild_id: int, name: str) -> GuildPreset | None:
    """The preset of that name, however it was typed; None if there is none."""
    folded = fold_text(name)
    return next(
        (each for each in _active(transaction, guild_id) if fold_text(each.preset.name) == folded), None
    )


def _active(transaction: sqlite3.Connection, guild_id: int) -> list[GuildPreset]:
    rows = transaction.execute(
        "SELECT * FROM presets WHERE preset_id IN ("
        " SELECT max(preset_id) FROM presets WHERE guild_id = ? GROUP BY folded"
        ") AND NOT removed ORDER BY folded",
        (guild_id,),
    )
    return [
        GuildPreset(
            preset=Preset(row["name"], row["before_words"], row["after_words"]),
            size=row["size"],
            set_by=row["set_by"],
            set_at=row["set_at"],
        )
        for row in rows
    ]


def _append(
    transaction: sqlite3.Connection,
    guild_id: int,
    preset: Preset,
    size: str | None,
    *,
    removed: bool,
    by: tuple[int, int, int],
) -> None:
    """`by` is who, when, and the interaction."""
    transaction.execute(
        "INSERT INTO presets (guild_id, folded, name, before_words, after_words, size, removed,"
        " set_by, set_at, interaction_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (interaction_id) DO NOTHING",
        (guild_id, fold_text(preset.name), preset.name, preset.before, preset.after, size, int(removed), *by),
    )
