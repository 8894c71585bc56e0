"""Grants of credits beyond a limit, and refunds of pictures.

A grant pays only what its limit has no room for. Of several grants the one that expires first pays first;
what a job does not need in the end is returned in the reverse order.

Owns the tables grants, draws and refunds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.credits.sums import NOW

if TYPE_CHECKING:
    import sqlite3

    from bot.credits.sums import Sum

WHOLE_GUILD: Final = 0
"""The `user_id` of a grant to the guild."""

_OPEN: Final = "left_credits > 0 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)"
_OPEN_TO: Final = f"guild_id = ? AND user_id = ? AND {_OPEN}"
_AVAILABLE: Final = f"sum(left_credits) AS credits FROM grants WHERE {_OPEN_TO}"
_COLUMNS: Final = (
    "grant_id, guild_id, user_id, credits, left_credits, reason, granted_by, granted_at, expires_at"
)


@dataclass(frozen=True, slots=True)
class Grant:
    """One grant. Times are epoch milliseconds, UTC."""

    grant_id: int
    guild_id: int
    user_id: int
    """The member, or `WHOLE_GUILD`."""
    credits: int
    left_credits: int
    reason: str
    granted_by: int
    granted_at: int
    expires_at: int | None


def available(guild_id: int, user_id: int) -> Sum:
    """Return the sum of what the open grants to a member, or to `WHOLE_GUILD`, still hold now."""
    return ((_AVAILABLE, (guild_id, user_id, NOW)),)


def active(transaction: sqlite3.Connection, guild_id: int, at: int) -> list[Grant]:
    """Return the open grants of a guild and its members, the oldest first."""
    rows = transaction.execute(
        f"SELECT {_COLUMNS} FROM grants WHERE guild_id = ? AND {_OPEN} ORDER BY grant_id",  # noqa: S608  # our own text
        (guild_id, at),
    )
    return [Grant(**row) for row in rows]


def issue(
    transaction: sqlite3.Connection,
    *,
    guild_id: int,
    user_id: int,
    credits: int,
    reason: str,
    granted_by: int,
    expires_at: int | None,
    interaction_id: int | None,
    at: int,
) -> Grant | None:
    """Insert a grant; return None, and write nothing, if the interaction has issued one before."""
    row = transaction.execute(
        "INSERT INTO grants (guild_id, user_id, credits, left_credits, reason, granted_by, granted_at,"  # noqa: S608  # our own text
        " expires_at, interaction_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        f" ON CONFLICT (interaction_id) DO NOTHING RETURNING {_COLUMNS}",
        (guild_id, user_id, credits, credits, reason, granted_by, at, expires_at, interaction_id),
    ).fetchone()
    return None if row is None else Grant(**row)


def revoke(
    transaction: sqlite3.Connection, *, guild_id: int, grant_id: int, revoked_by: int, reason: str, at: int
) -> Grant | None:
    """Revoke what is left of a grant; what it has paid stays paid. Return None if nothing was revoked."""
    row = transaction.execute(
        "UPDATE grants SET revoked_by = ?, revoked_at = ?, revoke_reason = ?, revoked_credits = left_credits"  # noqa: S608  # our own text
        " WHERE grant_id = ? AND guild_id = ? AND left_credits > 0 AND revoked_at IS NULL"
        f" RETURNING {_COLUMNS}",
        (revoked_by, at, reason, grant_id, guild_id),
    ).fetchone()
    return None if row is None else Grant(**row)


def spend(
    transaction: sqlite3.Connection, *, job_id: str, guild_id: int, user_id: int, credits: int, at: int
) -> None:
    """Let the open grants to a member, or to `WHOLE_GUILD`, pay `credits` of a job.

    The caller has checked in the same transaction that they hold as much.
    """
    rows = transaction.execute(
        f"SELECT grant_id, left_credits FROM grants WHERE {_OPEN_TO}"  # noqa: S608  # our own text
        " ORDER BY expires_at IS NULL, expires_at, grant_id",
        (guild_id, user_id, at),
    ).fetchall()
    unpaid = credits
    for row in rows:
        if not (part := min(unpaid, row["left_credits"])):
            break
        _pay(transaction, job_id, row["grant_id"], part)
        unpaid -= part
    assert not unpaid, "the grants hold less than the caller has checked"


def restore(transaction: sqlite3.Connection, *, job_id: str, personal: bool, credits: int) -> None:
    """Return `credits` that grants paid for a job to them: those that paid last first, expired or not."""
    rows = transaction.execute(
        "SELECT d.grant_id, d.credits FROM draws d JOIN grants g USING (grant_id)"
        " WHERE d.job_id = ? AND (g.user_id <> 0) = ?"
        " ORDER BY g.expires_at IS NOT NULL, g.expires_at DESC, g.grant_id DESC",
        (job_id, personal),
    ).fetchall()
    left = credits
    for row in rows:
        if not (part := min(left, row["credits"])):
            break
        _pay(transaction, job_id, row["grant_id"], -part)
        left -= part


def refund(
    transaction: sqlite3.Connection,
    *,
    job_id: str,
    guild_id: int,
    user_id: int,
    credits: int,
    reason: str,
    refunded_by: int,
    interaction_id: int | None,
    at: int,
) -> bool:
    """Insert the refund of a picture; return False if it was refunded before."""
    row = transaction.execute(
        "INSERT INTO refunds (job_id, guild_id, user_id, credits, reason, refunded_by, refunded_at,"
        " interaction_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING job_id",
        (job_id, guild_id, user_id, credits, reason, refunded_by, at, interaction_id),
    ).fetchone()
    return row is not None


def _pay(transaction: sqlite3.Connection, job_id: str, grant_id: int, credits: int) -> None:
    """Let a grant pay `credits` more of a job; negative credits are returned to it."""
    transaction.execute(
        "UPDATE grants SET left_credits = left_credits - ? WHERE grant_id = ?", (credits, grant_id)
    )
    changed = transaction.execute(
        "UPDATE draws SET credits = credits + ? WHERE job_id = ? AND grant_id = ? AND credits + ? > 0"
        " RETURNING credits",
        (credits, job_id, grant_id, credits),
    ).fetchone()
    if changed is not None:
        return
    if credits > 0:
        transaction.execute(
            "INSERT INTO draws (job_id, grant_id, credits) VALUES (?, ?, ?)", (job_id, grant_id, credits)
        )
    else:
        transaction.execute("DELETE FROM draws WHERE job_id = ? AND grant_id = ?", (job_id, grant_id))
