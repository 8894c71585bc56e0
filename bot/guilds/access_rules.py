"""What admins have decided about access: the newest row of a subject rules, the older ones are the record.

Owns the table access_rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.access import (
    REMOVED,
    AccessPolicy,
    AccessRule,
    Effect,
    RecentActivity,
    RuleTarget,
    check_access,
)
from bot.domain.clock import now_ms
from bot.domain.errors import MemberError, MemberReason
from bot.guilds.settings import GuildSetting, setting

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from bot.domain.jobs import Request, RequestContext
    from bot.storage.database import Database

DOUBLE_CLICK_MS: Final = 5000
"""The same picture of the same picture, asked for twice within this, is one click too many."""
MAX_RULES: Final = 500
"""Rules in force in one server: more would be too much to look through with every request."""


def load_policy(transaction: sqlite3.Connection, guild_id: int, at: int) -> AccessPolicy:
    """Everything that rules in a server at that moment."""
    return AccessPolicy(
        rules=tuple(active(transaction, guild_id, at)),
        cooldown_seconds=int(setting(transaction, guild_id, GuildSetting.COOLDOWN_SECONDS) or 0),
        running_limit=int(setting(transaction, guild_id, GuildSetting.RUNNING_LIMIT) or 0),
        age_restricted_only=setting(transaction, guild_id, GuildSetting.AGE_RESTRICTED_ONLY) is not None,
        owner_only=setting(transaction, guild_id, GuildSetting.OWNER_ONLY) is not None,
    )


def active(transaction: sqlite3.Connection, guild_id: int, at: int) -> list[AccessRule]:
    """The rules that are neither lifted nor over, by kind, the oldest first."""
    rows = transaction.execute(
        "SELECT * FROM access_rules WHERE rule_id IN ("
        " SELECT max(rule_id) FROM access_rules WHERE guild_id = ? GROUP BY kind, subject"
        ") AND effect <> ? AND coalesce(expires_at > ?, 1) ORDER BY kind, rule_id",
        (guild_id, REMOVED, at),
    )
    return [rule_from(row) for row in rows]


def enforce(
    transaction: sqlite3.Connection, request: Request, context: RequestContext, policy: AccessPolicy, at: int
) -> None:
    """Refuse what the rules of the server refuse.

    Raises:
        MemberError: as `rules.judge`.
    """
    counts = policy.cooldown_seconds or policy.running_limit
    check_access(
        request, context, policy, _recent_activity(transaction, request) if counts else RecentActivity(), at
    )


def reject_duplicate_click(transaction: sqlite3.Connection, request: Request, at: int) -> None:
    """Two clicks on one button are two interactions, and people mean one picture.

    Raises:
        MemberError: ALREADY_ASKED, by the first.
    """
    if request.parent_job_id is None and request.repeats is None:
        return
    where, reference = request.destination, request.reference
    row = transaction.execute(
        "SELECT 1 FROM jobs WHERE guild_id = ? AND user_id = ? AND accepted_at > ? AND interaction_id <> ?"
        " AND parent_job_id IS ? AND prompt = ? AND size = ? AND format = ? AND reference_url IS ?"
        " AND stage NOT IN ('cancelled', 'failed') AND job_id IS NOT ?",
        (
            where.guild_id,
            where.user_id,
            at - DOUBLE_CLICK_MS,
            where.interaction_id,
            request.parent_job_id,
            request.prompt,
            request.size,
            request.format,
            None if reference is None else reference.url,
            request.repeats,
        ),
    ).fetchone()
    if row is not None:
        raise MemberError(MemberReason.ALREADY_ASKED)


def _recent_activity(transaction: sqlite3.Connection, request: Request) -> RecentActivity:
    """The member's other requests in this server: the one that is being judged may be written already."""
    where = request.destination
    row = transaction.execute(
        "SELECT (SELECT count(*) FROM jobs INDEXED BY jobs_running_of_member"
        "        WHERE guild_id = :guild AND user_id = :user AND finished_at IS NULL"
        "        AND interaction_id <> :own) AS running,"
        " (SELECT accepted_at FROM jobs WHERE guild_id = :guild AND user_id = :user AND stage <> 'cancelled'"
        "  AND interaction_id <> :own ORDER BY accepted_at DESC LIMIT 1) AS asked_at",
        {"guild": where.guild_id, "user": where.user_id, "own": where.interaction_id},
    ).fetchone()
    return RecentActivity(row["running"], row["asked_at"])


class AccessRuleStore:
    """The rules of every server, for the commands that show and change them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def policy(self, guild_id: int) -> AccessPolicy:
        """Everything that rules now."""
        at = now_ms()
        return await self._database.run(lambda tx: load_policy(tx, guild_id, at))

    async def set(self, guild_id: int, rules: Sequence[AccessRule], *, interaction_id: int) -> bool:
        """Put rules in force, in place of older ones about the same subjects.

        False, and nothing written, if there would be too many. An interaction that Discord delivers twice
        changes nothing the second time.
        """
        at, keys = now_ms(), {_key(rule) for rule in rules}

        def unit(tx: sqlite3.Connection) -> bool:
            others = [each for each in active(tx, guild_id, at) if _key(each) not in keys]
            if len(others) + len(keys) > MAX_RULES:
                return False
            for rule in rules:
                _append(tx, guild_id, rule, rule.effect, at, interaction_id)
            return True

        return await self._database.run(unit)

    async def remove(
        self, guild_id: int, kind: RuleTarget, subject: str, *, lifted_by: int, interaction_id: int
    ) -> AccessRule | None:
        """End a rule; returns the one that ended, None if there was none."""
        at = now_ms()

        def unit(tx: sqlite3.Connection) -> AccessRule | None:
            ended = next((rule for rule in active(tx, guild_id, at) if _key(rule) == (kind, subject)), None)
            if ended is not None:
                lifted = AccessRule(kind, subject, ended.effect, words=ended.words, set_by=lifted_by)
                _append(tx, guild_id, lifted, REMOVED, at, interaction_id)
            return ended

        return await self._database.run(unit)


def _key(rule: AccessRule) -> tuple[RuleTarget, str]:
    return rule.kind, rule.subject


def _append(
    transaction: sqlite3.Connection,
    guild_id: int,
    rule: AccessRule,
    effect: str,
    at: int,
    interaction_id: int,
) -> None:
    transaction.execute(
        "INSERT INTO access_rules"
        " (guild_id, kind, subject, effect, words, reason, expires_at, set_by, set_at, interaction_id)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (interaction_id, kind, subject) DO NOTHING",
        (
            guild_id,
            rule.kind,
            rule.subject,
            effect,
            rule.words,
            rule.reason,
            rule.expires_at,
            rule.set_by,
            at,
            interaction_id,
        ),
    )


def rule_from(row: sqlite3.Row) -> AccessRule:
    """A row as the rule that it is, or was when it was lifted."""
    return AccessRule(
        kind=RuleTarget(row["kind"]),
        subject=row["subject"],
        effect=Effect.DENY if row["effect"] == REMOVED else Effect(row["effect"]),
        words=row["words"],
        reason=row["reason"],
        expires_at=row["expires_at"],
        set_by=row["set_by"],
        set_at=row["set_at"],
    )
