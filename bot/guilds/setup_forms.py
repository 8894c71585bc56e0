"""The forms of `/setup` that were shown: what each was filled with, and what was typed if it was refused.

So only what an admin has changed is changed, and nothing that another admin has set while the form was open
is undone. A form holds no id of a person.

Owns the table setup_forms.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from bot.domain.clock import DAY_MS, now_ms
from bot.domain.ids import MAX_ID

if TYPE_CHECKING:
    import sqlite3

    from bot.storage.database import Database

TTL_MS: Final = DAY_MS


@dataclass(frozen=True, slots=True)
class SetupFields:
    """The five fields, as they are shown or come back."""

    credits: str
    period: str
    role_ids: tuple[int, ...]
    channel_id: int | None
    timezone: str


@dataclass(frozen=True, slots=True)
class SetupForm:
    """A form that was shown."""

    form_id: int
    """The id of the interaction that showed it."""
    opened: SetupFields
    typed: SetupFields | None
    """What was refused; None if nothing was."""


def prune(transaction: sqlite3.Connection, at: int) -> int:
    """Delete the forms that expired before `at` (epoch milliseconds); returns how many."""
    return transaction.execute("DELETE FROM setup_forms WHERE shown_at < ?", (at - TTL_MS,)).rowcount


class SetupFormStore:
    """The forms of the last day."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, form_id: int, guild_id: int, opened: SetupFields) -> bool:
        """Save what a form is filled with; False if this interaction has shown it before.

        Raises:
            OperatorError: `database`.
        """
        at = now_ms()

        def unit(tx: sqlite3.Connection) -> bool:
            row = tx.execute(
                "INSERT INTO setup_forms (form_id, guild_id, opened, shown_at) VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING RETURNING form_id",
                (form_id, guild_id, _text(opened), at),
            ).fetchone()
            return row is not None

        return await self._database.run(unit)

    async def save_typed(self, form_id: int, typed: SetupFields) -> None:
        """Save what came back and was refused.

        Raises:
            OperatorError: `database`.
        """
        await self._database.run(
            lambda tx: tx.execute(
                "UPDATE setup_forms SET typed = ? WHERE form_id = ?", (_text(typed), form_id)
            )
        )

    async def find(self, form_id: int, guild_id: int) -> SetupForm | None:
        """Return a form of this server; None if it has expired.

        Raises:
            OperatorError: `database`.
        """
        if form_id > MAX_ID:  # forged, and larger than SQLite's integers
            return None
        since = now_ms() - TTL_MS

        def unit(tx: sqlite3.Connection) -> SetupForm | None:
            row = tx.execute(
                "SELECT * FROM setup_forms WHERE form_id = ? AND guild_id = ? AND shown_at >= ?",
                (form_id, guild_id, since),
            ).fetchone()
            return None if row is None else _form(row)

        return await self._database.run(unit)


def _form(row: sqlite3.Row) -> SetupForm:
    return SetupForm(
        row["form_id"], _fields(row["opened"]), None if row["typed"] is None else _fields(row["typed"])
    )


def _text(fields: SetupFields) -> str:
    # ASCII only: what was typed may hold a lone surrogate, which SQLite does not take.
    return json.dumps(asdict(fields))


def _fields(text: str) -> SetupFields:
    values: dict[str, Any] = json.loads(text)
    return SetupFields(**{**values, "role_ids": tuple(values["role_ids"])})
