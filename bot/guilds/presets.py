"""Presets of a guild: named words around a member's own, and optionally a model, a size and settings.

Rows are appended: the newest row of a name counts.

Owns the table presets.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from bot.domain.clock import now_ms
from bot.domain.jobs import Preset
from bot.domain.text_folding import fold_text, without_emoji
from bot.storage.read_cache import cached

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

    from bot.storage.database import Database

NAME_LIMIT: Final = 40
TEXT_LIMIT: Final = 1000
"""Of the words before and of those after, in characters, so that most of the prompt is left to members."""
MAX_PRESETS: Final = 100
_NEWEST: Final = (
    "preset_id IN (SELECT max(preset_id) FROM presets WHERE guild_id = ? GROUP BY folded) AND NOT removed"
)


@dataclass(frozen=True, slots=True)
class GuildPreset:
    """A preset in force. `set_at` is in epoch milliseconds, UTC."""

    preset: Preset
    size: str | None
    set_by: int
    set_at: int
    settings: str = ""
    """Of the model, as they were typed; whether a model takes them is checked with each request."""
    model: str | None = None
    """The id of a model, which may be gone by now; None leaves it to defaults."""


class PresetStore:
    """Shows and changes the presets of guilds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def active(self, guild_id: int) -> list[GuildPreset]:
        """Return the presets of a guild by their folded names."""
        return await self._database.run(lambda tx: list(_active(tx, guild_id)))

    async def find(self, guild_id: int, name: str) -> GuildPreset | None:
        """Return the preset of this name, as the function `find` does."""
        return await self._database.run(lambda tx: find(tx, guild_id, name))

    async def save(
        self,
        guild_id: int,
        preset: Preset,
        size: str | None,
        *,
        set_by: int,
        interaction_id: int,
        settings: str = "",
        model: str | None = None,
    ) -> bool:
        """Save a preset in place of one whose name folds to the same.

        Returns False, and writes nothing, if the guild would have more than `MAX_PRESETS`. The name must not
        fold to nothing. An interaction that Discord delivers twice changes nothing the second
        time.
        """
        at, folded = now_ms(), fold_text(preset.name)

        def unit(tx: sqlite3.Connection) -> bool:
            others = [each for each in _active(tx, guild_id) if fold_text(each.preset.name) != folded]
            if len(others) >= MAX_PRESETS:
                return False
            saved = GuildPreset(preset, size, set_by, at, settings, model)
            _append(tx, guild_id, saved, removed=False, interaction_id=interaction_id)
            return True

        return await self._database.run(unit)

    async def record_known_words(self, interaction_id: int, words: Iterable[str]) -> None:
        """Record the blocked words in a preset of which the admin who saved it has been told."""
        known = json.dumps(list(words), ensure_ascii=False)
        await self._database.run(
            lambda tx: tx.execute(
                "UPDATE presets SET known_blocked = ? WHERE interaction_id = ?", (known, interaction_id)
            )
        )

    async def remove(
        self, guild_id: int, name: str, *, set_by: int, interaction_id: int
    ) -> GuildPreset | None:
        """Remove a preset; returns it, or None if there was none."""
        at = now_ms()

        def unit(tx: sqlite3.Connection) -> GuildPreset | None:
            found = find(tx, guild_id, name)
            if found is not None:
                removal = replace(found, set_by=set_by, set_at=at)
                _append(tx, guild_id, removal, removed=True, interaction_id=interaction_id)
            return found

        return await self._database.run(unit)


@cached
def _active(transaction: sqlite3.Connection, guild_id: int) -> tuple[GuildPreset, ...]:
    rows = transaction.execute(
        f"SELECT * FROM presets WHERE {_NEWEST} ORDER BY folded",  # noqa: S608  # our own text
        (guild_id,),
    )
    return tuple(
        GuildPreset(
            preset=Preset(row["name"], row["before_words"], row["after_words"]),
            size=row["size"],
            set_by=row["set_by"],
            set_at=row["set_at"],
            settings=row["settings"],
            model=row["model"],
        )
        for row in rows
    )


def find(transaction: sqlite3.Connection, guild_id: int, name: str) -> GuildPreset | None:
    """Return the preset whose folded name is that of `name`; None if there is none.

    Emoji, which are hard to type, may be left out of a name if only one preset has it then.
    """
    presets, folded = _active(transaction, guild_id), fold_text(name)
    exact = [each for each in presets if fold_text(each.preset.name) == folded]
    bare = [each for each in presets if folded and without_emoji(fold_text(each.preset.name)) == folded]
    found = exact or bare
    return found[0] if len(found) == 1 else None


@cached
def known_blocked_words(
    transaction: sqlite3.Connection, guild_id: int
) -> Mapping[tuple[str, str], frozenset[str]]:
    """Return the blocked words, folded, that an admin was told are in a preset, by its words around a prompt.

    The words are stored as they were typed, and folded here: how texts are folded may change.
    """
    rows = transaction.execute(
        f"SELECT before_words, after_words, known_blocked FROM presets WHERE {_NEWEST}"  # noqa: S608  # our own text
        " AND known_blocked <> '[]'",
        (guild_id,),
    )
    known: dict[tuple[str, str], frozenset[str]] = {}
    for before, after, words in rows:
        others = known.get((before, after), frozenset())
        known[before, after] = others | {fold_text(word) for word in json.loads(words)}
    return known


def _append(
    transaction: sqlite3.Connection,
    guild_id: int,
    guild_preset: GuildPreset,
    *,
    removed: bool,
    interaction_id: int,
) -> None:
    preset = guild_preset.preset
    transaction.execute(
        "INSERT INTO presets (guild_id, folded, name, before_words, after_words, size, removed,"
        " set_by, set_at, interaction_id, settings, model) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (interaction_id) DO NOTHING",
        (
            guild_id,
            fold_text(preset.name),
            preset.name,
            preset.before,
            preset.after,
            guild_preset.size,
            removed,
            guild_preset.set_by,
            guild_preset.set_at,
            interaction_id,
            guild_preset.settings,
            guild_preset.model,
        ),
    )
