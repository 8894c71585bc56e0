"""Which servers the bot has greeted, and which it still has to greet.

A server is greeted once for each time that it joins, and not again if it comes back before its data is
deleted. Servers in which the bot was before this table existed are never greeted.

Owns the tables greetings and greeting_start.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from bot.domain.admission import AdmissionState
from bot.domain.clock import DAY_MS, now_ms
from bot.guilds import operator_decisions

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

    from bot.storage.database import Database

FIRST_START_MS: Final = 7 * DAY_MS
"""At the first start with a new database, servers that the bot joined within this time are greeted: the host
has invited it while it was set up. For older ones the database was probably replaced."""


class GreetingState(StrEnum):
    """What a server has been told; the values stand in the column `greetings.state`."""

    KNOWN = "known"
    """Nothing, and it will not be: the bot was there before it began to greet."""
    NEW = "new"
    """Nothing yet."""
    TOLD = "told"
    """That it is not admitted, if a channel took it; it is greeted once it is admitted."""
    GREETED = "greeted"
    NOWHERE = "nowhere"
    """Nothing: no channel took the greeting."""


@dataclass(frozen=True, slots=True)
class JoinedGuild:
    """A server that the bot is in. `joined_at` is when, in epoch milliseconds by Discord; None if unknown."""

    guild_id: int
    joined_at: int | None = None


@dataclass(frozen=True, slots=True)
class DueGreeting:
    """A server that is to be told something."""

    guild_id: int
    seen_at: int
    """Epoch milliseconds."""
    refusal: Mapping[str, object] | None
    """The data of GUILD_NOT_ADMITTED, if it is not admitted; None if it is to be greeted."""


class GreetingStore:
    """Records the servers that the bot is in, and lists those that are to be told something."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def present(self, guilds: Iterable[JoinedGuild]) -> None:
        """Record all servers that the bot is in, at a start and after a time without connection.

        Those of the first call are known, if a bot has run with this database before, or if the bot joined
        them longer ago than `FIRST_START_MS`. In later calls an unknown server is a new one.

        Raises:
            OperatorError: `database`.
        """
        present, at = tuple(guilds), now_ms()
        ids = {guild.guild_id for guild in present}

        def unit(tx: sqlite3.Connection) -> None:
            start = tx.execute("SELECT upgraded, counted_at FROM greeting_start").fetchone()
            for guild in present:
                recent = guild.joined_at is not None and guild.joined_at > at - FIRST_START_MS
                is_new = start["counted_at"] is not None or (recent and not start["upgraded"])
                _insert(tx, guild.guild_id, GreetingState.NEW if is_new else GreetingState.KNOWN, at)
            rows = tx.execute("SELECT guild_id FROM greetings")
            for guild_id in [row["guild_id"] for row in rows if row["guild_id"] not in ids]:
                _left(tx, guild_id)
            tx.execute("UPDATE greeting_start SET counted_at = coalesce(counted_at, ?)", (at,))

        await self._database.run(unit)

    async def joined(self, guild_id: int) -> None:
        """Record a server that the bot has joined. Before the first `present` it does nothing: that decides.

        Raises:
            OperatorError: `database`.
        """
        at = now_ms()

        def unit(tx: sqlite3.Connection) -> None:
            if tx.execute("SELECT 1 FROM greeting_start WHERE counted_at IS NOT NULL").fetchone():
                _insert(tx, guild_id, GreetingState.NEW, at)

        await self._database.run(unit)

    async def left(self, guild_id: int) -> None:
        """Record that the bot is not in a server any more; one that was told nothing is new if it comes back.

        Raises:
            OperatorError: `database`.
        """
        await self._database.run(lambda tx: _left(tx, guild_id))

    async def due(self) -> list[DueGreeting]:
        """Return the servers that are to be told something, the oldest first.

        One that the operator has refused is left out: it is told so, and the bot leaves it.

        Raises:
            OperatorError: `database`.
        """
        return await self._database.run(_due)

    async def record(self, guild_id: int, state: GreetingState) -> None:
        """Record what a server was told.

        Raises:
            OperatorError: `database`.
        """
        at = now_ms()
        await self._database.run(
            lambda tx: tx.execute(
                "UPDATE greetings SET state = ?, changed_at = ? WHERE guild_id = ?", (state, at, guild_id)
            )
        )


def _insert(transaction: sqlite3.Connection, guild_id: int, state: GreetingState, at: int) -> None:
    transaction.execute(
        "INSERT INTO greetings (guild_id, state, seen_at, changed_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (guild_id, state, at, at),
    )


def _left(transaction: sqlite3.Connection, guild_id: int) -> None:
    transaction.execute(
        "DELETE FROM greetings WHERE guild_id = ? AND state NOT IN ('greeted', 'told')", (guild_id,)
    )


def _due(transaction: sqlite3.Connection) -> list[DueGreeting]:
    found = []
    rows = transaction.execute(
        "SELECT guild_id, state, seen_at FROM greetings WHERE state IN ('new', 'told')"
        " ORDER BY seen_at, guild_id"
    )
    for row in rows.fetchall():
        refusal = operator_decisions.load(transaction, row["guild_id"]).refusal
        if refusal is None or (row["state"] == GreetingState.NEW and not _is_refused(refusal)):
            found.append(DueGreeting(row["guild_id"], row["seen_at"], refusal))
    return found


def _is_refused(refusal: Mapping[str, object]) -> bool:
    return refusal["state"] == AdmissionState.REFUSED or refusal["leave_at"] is not None
