"""The limits that admins and the operator have set: the newest row of a subject rules.

Owns the table limits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.ids import ALL_GUILDS
from bot.domain.limits import Limit, LimitScope

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

_COLUMNS = "limit_id, rule, subject_id, effect, credits, period, reason, set_by, set_at"


def current(
    transaction: sqlite3.Connection, guild_id: int, scope: LimitScope, subject_id: int = 0
) -> Limit | None:
    """The limit that rules now for exactly this subject; None if there is none, or it was removed."""
    # The names of the columns are this module's own.
    row = transaction.execute(
        f"SELECT {_COLUMNS} FROM limits WHERE guild_id = ? AND rule = ? AND subject_id = ?"  # noqa: S608  # see above
        " ORDER BY limit_id DESC LIMIT 1",
        (guild_id, scope, subject_id),
    ).fetchone()
    return None if row is None else _limit(row)


def ceilings(transaction: sqlite3.Connection, guild_id: int) -> list[Limit]:
    """The operator's caps that bind a guild: the one over all, and its own or else the one for each."""
    rows = transaction.execute(
        f"SELECT {_COLUMNS} FROM limits WHERE limit_id IN ("  # noqa: S608  # as above
        " (SELECT max(limit_id) FROM limits WHERE guild_id = :all AND rule = 'ceiling_all'),"
        " (SELECT max(limit_id) FROM limits WHERE guild_id = :all AND rule = 'ceiling'),"
        " (SELECT max(limit_id) FROM limits WHERE guild_id = :guild AND rule = 'ceiling')"
        ") ORDER BY rule DESC, guild_id",
        {"all": ALL_GUILDS, "guild": guild_id},
    )
    # Later ones take the place of earlier ones: a guild's own that of the one for each.
    return list({limit.scope: limit for row in rows if (limit := _limit(row)) is not None}.values())


def by_id(transaction: sqlite3.Connection, limit_id: int) -> Limit | None:
    """One row, whether it still rules or not; None for the default, which has none."""
    row = transaction.execute(
        f"SELECT {_COLUMNS} FROM limits WHERE limit_id = ?",  # noqa: S608  # as above
        (limit_id,),
    ).fetchone()
    return None if row is None else _limit(row)


def active(transaction: sqlite3.Connection, guild_id: int) -> list[Limit]:
    """Everything that rules in a guild now, by rule, then by subject."""
    rows = transaction.execute(
        f"SELECT {_COLUMNS} FROM limits WHERE limit_id IN ("  # noqa: S608  # as above
        " SELECT max(limit_id) FROM limits WHERE guild_id = ? GROUP BY rule, subject_id"
        ") ORDER BY rule, subject_id",
        (guild_id,),
    )
    return [limit for row in rows if (limit := _limit(row)) is not None]


def member_limits(
    transaction: sqlite3.Connection, guild_id: int, user_id: int, role_ids: Iterable[int]
) -> tuple[list[Limit], list[Limit]]:
    """The limits that speak of one member: those that count, and those passed over for closer ones.

    An override of the member's own beats their roles, and any role beats the limit for every member. Several
    that count are several roles: the most generous wins.
    """
    layers = [
        [current(transaction, guild_id, LimitScope.MEMBER, user_id)],
        [current(transaction, guild_id, LimitScope.ROLE, role_id) for role_id in sorted(set(role_ids))],
        [current(transaction, guild_id, LimitScope.EVERYONE)],
    ]
    found = [[limit for limit in layer if limit is not None] for layer in layers]
    first = next((number for number, layer in enumerate(found) if layer), len(found))
    counting = found[first] if first < len(found) else []
    return counting, [limit for layer in found[first + 1 :] for limit in layer]


def append(
    transaction: sqlite3.Connection,
    guild_id: int,
    limit: Limit,
    *,
    removed: bool = False,
    interaction_id: int | None = None,
) -> bool:
    """Write a new row; False, and nothing written, if this interaction has written one before.

    Raises:
        ValueError: an exemption for other than a member or a role; without a number, a guild has no limit.
    """
    if limit.exempt and limit.scope not in {LimitScope.MEMBER, LimitScope.ROLE}:
        raise ValueError(f"nobody to exempt: {limit.scope}")
    effect = "removed" if removed else "exempt" if limit.exempt else "limit"
    numbers = (limit.credits, limit.period) if effect == "limit" else (None, None)
    row = transaction.execute(
        "INSERT INTO limits"
        " (guild_id, rule, subject_id, effect, credits, period, reason, set_by, set_at, interaction_id)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (interaction_id) DO NOTHING RETURNING limit_id",
        (
            guild_id,
            limit.scope,
            limit.subject_id,
            effect,
            *numbers,
            limit.reason,
            limit.set_by,
            limit.set_at,
            interaction_id,
        ),
    ).fetchone()
    return row is not None


def _limit(row: sqlite3.Row) -> Limit | None:
    if row["effect"] == "removed":
        return None
    exempt = row["effect"] == "exempt"
    return Limit(
        credits=0 if exempt else row["credits"],
        period="total" if exempt else row["period"],
        set_by=row["set_by"],
        set_at=row["set_at"],
        scope=LimitScope(row["rule"]),
        subject_id=row["subject_id"],
        exempt=exempt,
        reason=row["reason"],
        limit_id=row["limit_id"],
    )
