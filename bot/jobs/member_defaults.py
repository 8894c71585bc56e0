"""What members like their pictures to be, where they say nothing else: in every server the same.

Owns the table member_defaults. Never imports anything of ours but clock, database.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.clock import now_ms

if TYPE_CHECKING:
    import sqlite3

    from bot.storage.database import Database


@dataclass(frozen=True, slots=True)
class Habit:
    """A member's defaults; None leaves it to the bot's own."""

    size: str | None = None
    format: str | None = None
    private: bool | None = None


class Habits:
    """The defaults of every member."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, user_id: int) -> Habit:
        """A member's own."""

        def unit(tx: sqlite3.Connection) -> Habit:
            row = tx.execute("SELECT * FROM member_defaults WHERE user_id = ?", (user_id,)).fetchone()
            if row is None:
                return Habit()
            private = None if row["private"] is None else bool(row["private"])
            return Habit(row["size"], row["format"], private)

        return await self._database.run(unit)

    async def change(self, user_id: int, habit: Habit) -> None:
        """Set a member's own; a habit that says nothing is forgotten."""
        at = now_ms()

        def unit(tx: sqlite3.Connection) -> None:
            tx.execute("DELETE FROM member_defaults WHERE user_id = ?", (user_id,))
            if habit != Habit():
                private = None if habit.private is None else int(habit.private)
                tx.execute(
                    "INSERT INTO member_defaults (user_id, size, format, private, set_at)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (user_id, habit.size, habit.format, private, at),
                )

        await self._database.run(unit)
