"""A member's default model, size, format and privacy for new pictures, the same in every server.

Owns the table member_defaults.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.clock import now_ms
from bot.storage.read_cache import cached

if TYPE_CHECKING:
    import sqlite3

    from bot.storage.database import Database


@dataclass(frozen=True, slots=True)
class MemberDefaults:
    """A member's defaults; None leaves it to the server's defaults, then to the bot's own."""

    size: str | None = None
    format: str | None = None
    private: bool | None = None
    model: str | None = None
    """The id of a model, which may be gone by now."""


@cached
def load(transaction: sqlite3.Connection, user_id: int) -> MemberDefaults:
    """Return a member's defaults."""
    row = transaction.execute("SELECT * FROM member_defaults WHERE user_id = ?", (user_id,)).fetchone()
    if row is None:
        return MemberDefaults()
    private = None if row["private"] is None else bool(row["private"])
    return MemberDefaults(row["size"], row["format"], private, row["model"])


class MemberDefaultsStore:
    """The defaults of every member."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, user_id: int) -> MemberDefaults:
        """Return a member's defaults."""
        return await self._database.run(lambda tx: load(tx, user_id))

    async def set(self, user_id: int, defaults: MemberDefaults) -> None:
        """Set the defaults of a member; defaults that set nothing delete the row."""
        at = now_ms()

        def unit(tx: sqlite3.Connection) -> None:
            tx.execute("DELETE FROM member_defaults WHERE user_id = ?", (user_id,))
            if defaults != MemberDefaults():
                private = None if defaults.private is None else int(defaults.private)
                tx.execute(
                    "INSERT INTO member_defaults (user_id, model, size, format, private, set_at)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    (user_id, defaults.model, defaults.size, defaults.format, private, at),
                )

        await self._database.run(unit)
