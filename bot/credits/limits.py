"""The limits that admins and the operator have set, and the ceiling of the settings.

Rows of `limits` are appended: the newest row of a guild, scope and subject counts, older ones are history.

Owns the tables limits and default_ceiling.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final

from bot.domain.ids import ALL_GUILDS
from bot.domain.limits import MAX_CREDITS, Limit, LimitScope
from bot.domain.periods import Period
from bot.storage.read_cache import cached

if TYPE_CHECKING:
    import sqlite3

_COLUMNS: Final = "limit_id, guild_id, rule, subject_id, effect, credits, period, reason, set_by, set_at"
_CONCERNED: Final = f"""
    SELECT 0 AS limit_id, NULL AS guild_id, 'ceiling' AS rule, 0 AS subject_id, 'limit' AS effect,
        credits, period, '' AS reason, NULL AS set_by, NULL AS set_at
    FROM default_ceiling WHERE id = 1
    UNION ALL
    SELECT {_COLUMNS} FROM limits WHERE limit_id IN (
        SELECT max(limit_id) FROM limits
            WHERE guild_id = :all AND rule IN ('ceiling', 'ceiling_all') GROUP BY rule
        UNION ALL
        SELECT max(limit_id) FROM limits
            WHERE guild_id = :guild AND rule IN ('ceiling', 'everyone', 'guild', 'role')
            GROUP BY rule, subject_id
        UNION ALL
        SELECT max(limit_id) FROM limits WHERE guild_id = :guild AND rule = 'member' AND subject_id = :user
    )
"""  # noqa: S608  # our own names
"""With the limits of all roles, which are few; a statement for some of them would depend on their number."""


def current(
    transaction: sqlite3.Connection, guild_id: int, scope: LimitScope, subject_id: int = 0
) -> Limit | None:
    """Return the limit of exactly this scope and subject; None if there is none, or it was removed."""
    row = transaction.execute(
        "SELECT * FROM limits WHERE guild_id = ? AND rule = ? AND subject_id = ?"
        " ORDER BY limit_id DESC LIMIT 1",
        (guild_id, scope, subject_id),
    ).fetchone()
    return None if row is None else _limit(row)


@dataclass(frozen=True, slots=True)
class GuildLimits:
    """The limits in force that concern a guild and one of its members; see `load`."""

    guild: Limit | None
    """The guild's own; None if the default counts."""
    ceilings: tuple[Limit, ...]
    """The operator's: that of all guilds together, and that of the guild.

    The latter is its own, else the one for each guild, else that of the settings.
    """
    personal: tuple[Limit, ...]
    """Those on the member of the closest scope.

    A limit of the member's own is closer than those of their roles, which are closer than that for everyone.
    Only roles can be several in one scope; the caller chooses the most generous.
    """
    superseded: tuple[Limit, ...]
    """Those on the member that a closer one supersedes."""


@cached
def load(
    transaction: sqlite3.Connection, guild_id: int, user_id: int = 0, role_ids: tuple[int, ...] = ()
) -> GuildLimits:
    """Return the limits that concern a guild and a member with these roles."""
    rows = transaction.execute(_CONCERNED, {"all": ALL_GUILDS, "guild": guild_id, "user": user_id})
    found = {
        (row["guild_id"], row["rule"], row["subject_id"]): limit
        for row in rows
        if (limit := _limit(row)) is not None
    }
    own = found.get((guild_id, LimitScope.MEMBER, user_id))
    roles = (found.get((guild_id, LimitScope.ROLE, role_id)) for role_id in sorted(set(role_ids)))
    everyone = found.get((guild_id, LimitScope.EVERYONE, 0))
    layers = [tuple(filter(None, layer)) for layer in ((own,), roles, (everyone,))]
    personal, *superseded = [layer for layer in layers if layer] or [()]
    ceiling_guilds = (guild_id, ALL_GUILDS, None)  # None: that of the settings
    ceilings = (
        found.get((ALL_GUILDS, LimitScope.CEILING_ALL, 0)),
        next(filter(None, (found.get((each, LimitScope.CEILING, 0)) for each in ceiling_guilds)), None),
    )
    return GuildLimits(
        guild=found.get((guild_id, LimitScope.GUILD, 0)),
        ceilings=tuple(filter(None, ceilings)),
        personal=personal,
        superseded=tuple(chain.from_iterable(superseded)),
    )


def guild_ceiling(transaction: sqlite3.Connection, guild_id: int) -> Limit | None:
    """Return the ceiling that binds a guild alone; for `ALL_GUILDS`, that of each guild without its own."""
    found = load(transaction, guild_id).ceilings
    return next((limit for limit in found if limit.scope is LimitScope.CEILING), None)


def default_ceiling(transaction: sqlite3.Connection) -> Limit | None:
    """Return the ceiling of the settings; None in a database with which no bot has started yet."""
    row = transaction.execute("SELECT credits, period FROM default_ceiling WHERE id = 1").fetchone()
    return None if row is None else Limit(row["credits"], Period(row["period"]), scope=LimitScope.CEILING)


def set_default_ceiling(transaction: sqlite3.Connection, ceiling: Limit) -> bool:
    """Store the ceiling of the settings; return whether there was none before."""
    first = default_ceiling(transaction) is None
    transaction.execute(
        "INSERT INTO default_ceiling VALUES (1, ?, ?)"
        " ON CONFLICT DO UPDATE SET credits = excluded.credits, period = excluded.period",
        (ceiling.credits, ceiling.period),
    )
    return first


def by_id(transaction: sqlite3.Connection, limit_id: int) -> Limit | None:
    """Return the limit of one row, in force or not; None for the default, and for a removal."""
    row = transaction.execute("SELECT * FROM limits WHERE limit_id = ?", (limit_id,)).fetchone()
    return None if row is None else _limit(row)


def active(transaction: sqlite3.Connection, guild_id: int) -> list[Limit]:
    """Return the limits of a guild that are in force, by scope, then by subject."""
    rows = transaction.execute(
        "SELECT * FROM limits WHERE limit_id IN ("
        " SELECT max(limit_id) FROM limits WHERE guild_id = ? GROUP BY rule, subject_id"
        ") ORDER BY rule, subject_id",
        (guild_id,),
    )
    return [limit for row in rows if (limit := _limit(row)) is not None]


def append(
    transaction: sqlite3.Connection,
    guild_id: int,
    limit: Limit,
    *,
    removed: bool = False,
    interaction_id: int | None = None,
) -> bool:
    """Insert a limit or its removal; return False, and write nothing, if the interaction has done so before.

    Raises:
        ValueError: credits below 0 or above `MAX_CREDITS`; an exemption of neither a member nor a role.
    """
    if not 0 <= limit.credits <= MAX_CREDITS:
        raise ValueError(f"a limit of {limit.credits} credits")
    if limit.exempt and limit.scope not in {LimitScope.MEMBER, LimitScope.ROLE}:
        raise ValueError(f"an exemption for the scope {limit.scope}")
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
        period=Period.TOTAL if exempt else Period(row["period"]),
        set_by=row["set_by"],
        set_at=row["set_at"],
        scope=LimitScope(row["rule"]),
        subject_id=row["subject_id"],
        exempt=exempt,
        reason=row["reason"],
        limit_id=row["limit_id"],
    )
