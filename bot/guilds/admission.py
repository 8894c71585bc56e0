"""Which servers may ask for pictures, and what the operator has decided about each.

The policy is a row, which the bot writes at each start, so that the check of a submission
(`bot/guilds/operator_decisions.py`) needs nothing but its transaction and the command line sees the same.

Owns the tables admission_policy, allowed_guilds and admissions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.domain.admission import Admission, AdmissionMode, AdmissionState
from bot.domain.clock import DAY_MS, now_ms
from bot.domain.errors import MemberError, MemberReason
from bot.guilds import operator_decisions

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from bot.domain.admission import AdmissionPolicy
    from bot.storage.database import Database

GRACE_MS: Final = DAY_MS
"""From a refusal until the bot leaves the server."""


@dataclass(frozen=True, slots=True)
class SeenGuild:
    """A server that the bot is in; without a name during an outage."""

    guild_id: int
    name: str = ""
    members: int | None = None


def get(transaction: sqlite3.Connection, guild_id: int) -> Admission | None:
    """Return how a server stands; None if the bot has never seen it, or has erased it."""
    row = transaction.execute("SELECT * FROM admissions WHERE guild_id = ?", (guild_id,)).fetchone()
    return None if row is None else _admission(row)


def decide(
    transaction: sqlite3.Connection, guild_id: int, *, admitted: bool, decided_by: int, at: int
) -> Admission:
    """Record the operator's decision, also about a server that the bot is not in (yet).

    A server that is refused is left `GRACE_MS` later.
    """
    state = AdmissionState.ADMITTED if admitted else AdmissionState.REFUSED
    row = transaction.execute(
        "INSERT INTO admissions (guild_id, state, joined_at, decided_by, decided_at, leave_at)"
        " VALUES (:guild_id, :state, :at, :by, :at, :leave_at)"
        " ON CONFLICT DO UPDATE SET state = excluded.state, decided_by = excluded.decided_by,"
        " decided_at = excluded.decided_at, leave_at = excluded.leave_at, explained_at = NULL RETURNING *",
        {
            "guild_id": guild_id,
            "state": state,
            "at": at,
            "by": decided_by,
            "leave_at": None if admitted else at + GRACE_MS,
        },
    ).fetchone()
    return _admission(row)


class AdmissionStore:
    """Records which servers the bot is in, and lists what is to be done about them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def set_policy(self, policy: AdmissionPolicy) -> None:
        """Store the settings of this start.

        Raises:
            OperatorError: `database`.
        """
        listed = policy.allowed if policy.mode is AdmissionMode.LIST else frozenset()
        own = {policy.operator_guild} if policy.operator_guild is not None else set()

        def unit(tx: sqlite3.Connection) -> None:
            tx.execute(
                "INSERT INTO admission_policy (id, mode, contact) VALUES (1, ?, ?)"
                " ON CONFLICT DO UPDATE SET mode = excluded.mode, contact = excluded.contact",
                (policy.mode, policy.contact),
            )
            tx.execute("DELETE FROM allowed_guilds")
            tx.executemany(
                "INSERT INTO allowed_guilds VALUES (?)", [(guild_id,) for guild_id in listed | own]
            )

        await self._database.run(unit)

    async def set_contacts(self, user_ids: Iterable[int]) -> None:
        """Store whom a server that is not admitted has to ask: the owners of the application."""
        contact_ids = " ".join(str(user_id) for user_id in user_ids)
        await self._database.run(
            lambda tx: tx.execute("UPDATE admission_policy SET contact_ids = ?", (contact_ids,))
        )

    async def mode(self) -> AdmissionMode | None:
        """Return the mode of the bot's last start; None before the first one."""

        def unit(tx: sqlite3.Connection) -> AdmissionMode | None:
            row = tx.execute("SELECT mode FROM admission_policy").fetchone()
            return None if row is None else AdmissionMode(row["mode"])

        return await self._database.run(unit)

    async def present(self, guilds: Iterable[SeenGuild]) -> None:
        """Record all servers that the bot is in, at a start and after a time without connection.

        The first call admits them all, unless a list decides: they were there before anybody was asked.
        """
        seen, at = tuple(guilds), now_ms()
        ids = {guild.guild_id for guild in seen}

        def unit(tx: sqlite3.Connection) -> None:
            for guild in seen:
                _record(tx, guild, at)
            rows = tx.execute("SELECT guild_id FROM admissions WHERE leave_at IS NOT NULL").fetchall()
            for row in rows:
                if row["guild_id"] not in ids:
                    _left(tx, row["guild_id"])
            tx.execute("UPDATE admission_policy SET counted_at = coalesce(counted_at, ?)", (at,))

        await self._database.run(unit)

    async def seen(self, guild: SeenGuild) -> None:
        """Record a server that the bot has joined, or that was renamed."""
        at = now_ms()
        await self._database.run(lambda tx: _record(tx, guild, at))

    async def left(self, guild_id: int) -> None:
        """Record that the bot is not in a server any more, so that there is nothing to leave."""
        await self._database.run(lambda tx: _left(tx, guild_id))

    async def refusal(self, guild_id: int) -> MemberError | None:
        """Return what every request of a server is refused with now; None if it may ask for pictures."""
        refusal = await self._database.run(lambda tx: operator_decisions.load(tx, guild_id).refusal)
        return None if refusal is None else MemberError(MemberReason.GUILD_NOT_ADMITTED, **refusal)

    async def get(self, guild_id: int) -> Admission | None:
        """Return how a server stands; None if the bot has never seen it, or has erased it."""
        return await self._database.run(lambda tx: get(tx, guild_id))

    async def by_state(self, state: AdmissionState | None = None) -> list[Admission]:
        """Return the servers in one state, or all of them; the oldest first."""
        return await self._select("state = coalesce(?, state)", state)

    async def to_ask(self) -> list[Admission]:
        """Return the servers about which the operator has to be asked."""
        return await self._select(
            "state = 'waiting' AND asked_at IS NULL"
            " AND EXISTS (SELECT 1 FROM admission_policy WHERE mode = ?)",
            AdmissionMode.APPROVE,
        )

    async def mark_asked(self, guild_id: int) -> None:
        """Record that the operator was asked."""
        await self._mark("asked_at", guild_id)

    async def to_explain(self) -> list[Admission]:
        """Return the servers that have to be told that they were refused."""
        return await self._select(f"{_LEAVING} AND explained_at IS NULL")

    async def mark_explained(self, guild_id: int) -> None:
        """Record that the refusal was explained, or cannot be."""
        await self._mark("explained_at", guild_id)

    async def to_leave(self) -> list[Admission]:
        """Return the servers that the bot has to leave now."""
        return await self._select(f"{_LEAVING} AND leave_at <= ?", now_ms())

    async def _select(self, condition: str, *values: object) -> list[Admission]:
        statement = f"SELECT * FROM admissions WHERE {condition} ORDER BY joined_at, guild_id"  # noqa: S608  # texts of this module
        return await self._database.run(lambda tx: [_admission(row) for row in tx.execute(statement, values)])

    async def _mark(self, column: str, guild_id: int) -> None:
        at = now_ms()
        statement = f"UPDATE admissions SET {column} = ? WHERE guild_id = ?"  # noqa: S608  # our own names
        await self._database.run(lambda tx: tx.execute(statement, (at, guild_id)))


_LEAVING: Final = (
    "state = 'refused' AND leave_at IS NOT NULL AND guild_id NOT IN (SELECT guild_id FROM allowed_guilds)"
)


def _record(transaction: sqlite3.Connection, guild: SeenGuild, at: int) -> None:
    """Update the row of a server that the bot is in, or insert one."""
    policy = transaction.execute("SELECT mode, counted_at FROM admission_policy").fetchone()
    allowed = transaction.execute(
        "SELECT 1 FROM allowed_guilds WHERE guild_id = ?", (guild.guild_id,)
    ).fetchone()
    listed_only = policy["mode"] == AdmissionMode.LIST
    before_all = policy["counted_at"] is None and not listed_only
    admitted = allowed is not None or before_all or policy["mode"] == AdmissionMode.OPEN
    known = get(transaction, guild.guild_id)
    if known is None and listed_only and not admitted:
        return  # should the mode change, it is a new one
    transaction.execute(
        "INSERT INTO admissions (guild_id, state, name, members, joined_at)"
        " VALUES (:guild_id, :state, :name, :members, :at) ON CONFLICT DO UPDATE SET"
        " name = CASE excluded.name WHEN '' THEN name ELSE excluded.name END,"
        " members = coalesce(excluded.members, members),"
        # A server that was admitted without being asked about stays so if the mode changes.
        " state = CASE WHEN state = 'waiting' THEN excluded.state ELSE state END,"
        # One that was refused and came back is told again, and left again.
        " explained_at = CASE WHEN leave_at IS NULL THEN NULL ELSE explained_at END,"
        " leave_at = CASE WHEN state = 'refused' THEN coalesce(leave_at, :leave_at) END",
        {
            "guild_id": guild.guild_id,
            "state": AdmissionState.ADMITTED if admitted else AdmissionState.WAITING,
            "name": guild.name,
            "members": guild.members,
            "at": at,
            "leave_at": at + GRACE_MS,
        },
    )


def _left(transaction: sqlite3.Connection, guild_id: int) -> None:
    transaction.execute("UPDATE admissions SET leave_at = NULL WHERE guild_id = ?", (guild_id,))


def _admission(row: sqlite3.Row) -> Admission:
    return Admission(**{**dict(row), "state": AdmissionState(row["state"])})
