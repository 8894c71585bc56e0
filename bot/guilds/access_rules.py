"""The access rules of guilds. Rows are appended: the newest row of a subject counts, older ones are history.

Owns the table access_rules.
"""

from __future__ import annotations

from dataclasses import replace
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
from bot.domain.model_settings import to_json
from bot.guilds import presets, settings
from bot.guilds.settings import GuildSetting
from bot.storage.read_cache import cached

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from bot.domain.jobs import Job, Request, RequestContext
    from bot.storage.database import Database

DOUBLE_CLICK_MS: Final = 5000
"""Two equal requests by a button within this time are a double click."""
MAX_RULES: Final = 500
"""Of one guild; every request is checked against all of them."""


def load_policy(transaction: sqlite3.Connection, guild_id: int, at: int) -> AccessPolicy:
    """Return the access rules of a guild that are in force at `at`, and its settings about access."""
    policy = _policy(transaction, guild_id)
    in_force = _unexpired(policy.rules, at)
    return policy if in_force is policy.rules else replace(policy, rules=in_force)


@cached
def _policy(transaction: sqlite3.Connection, guild_id: int) -> AccessPolicy:
    guild_settings = settings.load(transaction, guild_id)
    return AccessPolicy(
        rules=_not_removed(transaction, guild_id),
        cooldown_seconds=guild_settings.number(GuildSetting.COOLDOWN_SECONDS),
        running_limit=guild_settings.number(GuildSetting.RUNNING_LIMIT),
        picture_limit=guild_settings.picture_limit(),
        age_restricted_only=guild_settings[GuildSetting.AGE_RESTRICTED_ONLY] is not None,
        owner_only=guild_settings[GuildSetting.OWNER_ONLY] is not None,
        loose_safety=guild_settings[GuildSetting.LOOSE_SAFETY] is not None,
    )


def active(transaction: sqlite3.Connection, guild_id: int, at: int) -> tuple[AccessRule, ...]:
    """Return the rules that are neither removed nor expired, by kind, the oldest first."""
    return _unexpired(_not_removed(transaction, guild_id), at)


def _unexpired(rules: tuple[AccessRule, ...], at: int) -> tuple[AccessRule, ...]:
    """Return the rules that are in force at `at`; the same tuple if all are."""
    if all(rule.expires_at is None for rule in rules):
        return rules
    return tuple(rule for rule in rules if rule.expires_at is None or rule.expires_at > at)


@cached
def _not_removed(transaction: sqlite3.Connection, guild_id: int) -> tuple[AccessRule, ...]:
    rows = transaction.execute(
        "SELECT * FROM access_rules WHERE rule_id IN ("
        " SELECT max(rule_id) FROM access_rules WHERE guild_id = ? GROUP BY kind, subject, model"
        ") AND effect <> ? ORDER BY kind, rule_id",
        (guild_id, REMOVED),
    )
    return tuple(rule_from(row) for row in rows)


def enforce(
    transaction: sqlite3.Connection,
    request: Request,
    context: RequestContext,
    policy: AccessPolicy,
    at: int,
    *,
    pictures: int = 1,
) -> None:
    """Check a request for so many pictures against the access rules of its guild.

    Raises:
        MemberError: as `check_access`.
    """
    if request.preset is not None:
        known = presets.known_blocked_words(transaction, request.destination.guild_id)
        policy = replace(policy, preset_words=known)
    needs_recent = policy.cooldown_seconds or policy.running_limit
    recent = _recent_activity(transaction, request) if needs_recent else RecentActivity()
    check_access(request, context, policy, recent, at, pictures=pictures)


def reject_duplicate_click(transaction: sqlite3.Connection, job: Job, at: int) -> None:
    """Refuse the second of two equal requests within `DOUBLE_CLICK_MS`: a double click is two interactions.

    `job` is the first of the request. Only requests that repeat another job, or are derived from its picture,
    are checked.

    Raises:
        MemberError: ALREADY_ASKED.
    """
    request = job.request
    if request.parent_job_id is None and request.repeats is None:
        return
    destination = request.destination
    row = transaction.execute(
        "SELECT 1 FROM jobs WHERE guild_id = ? AND user_id = ? AND accepted_at > ? AND interaction_id <> ?"
        " AND number = 1 AND group_size = ?"
        " AND parent_job_id IS ? AND prompt = ? AND model = ? AND size = ? AND format = ? AND settings IS ?"
        " AND (SELECT coalesce(group_concat(address, ' '), '') FROM"
        "      (SELECT substr(url, 1, instr(url || '?', '?') - 1) AS address FROM job_references r"
        "       WHERE r.job_id = jobs.job_id ORDER BY number)) = ?"
        " AND stage NOT IN ('cancelled', 'failed') AND job_id IS NOT ?",
        (
            destination.guild_id,
            destination.user_id,
            at - DOUBLE_CLICK_MS,
            destination.interaction_id,
            job.group_size,
            request.parent_job_id,
            request.prompt,
            request.model,
            request.size,
            request.format,
            to_json(request.settings),
            " ".join(reference.address for reference in request.references),
            request.repeats,
        ),
    ).fetchone()
    if row is not None:
        raise MemberError(MemberReason.ALREADY_ASKED)


def _recent_activity(transaction: sqlite3.Connection, request: Request) -> RecentActivity:
    """Return the member's other requests; the job of the checked request may be in the table already."""
    destination = request.destination
    row = transaction.execute(
        "SELECT (SELECT count(*) FROM jobs INDEXED BY jobs_unfinished"
        "        WHERE guild_id = :guild AND user_id = :user AND finished_at IS NULL"
        "        AND late_at IS NULL AND interaction_id <> :own) AS running,"
        " (SELECT accepted_at FROM jobs WHERE guild_id = :guild AND user_id = :user AND stage <> 'cancelled'"
        "  AND interaction_id <> :own ORDER BY accepted_at DESC LIMIT 1) AS asked_at",
        {
            "guild": destination.guild_id,
            "user": destination.user_id,
            "own": destination.interaction_id,
        },
    ).fetchone()
    return RecentActivity(row["running"], row["asked_at"])


def set_rules(
    transaction: sqlite3.Connection,
    guild_id: int,
    rules: Sequence[AccessRule],
    *,
    at: int,
    interaction_id: int,
) -> bool:
    """Set rules, which replace older ones about the same subjects.

    Returns False, and writes nothing, if the guild would have more than `MAX_RULES`. An interaction that
    Discord delivers twice changes nothing the second time.
    """
    keys = {_key(rule) for rule in rules}
    others = [each for each in active(transaction, guild_id, at) if _key(each) not in keys]
    if len(others) + len(keys) > MAX_RULES:
        return False
    for rule in rules:
        _append(transaction, guild_id, rule, rule.effect, at, interaction_id)
    return True


def remove_rule(
    transaction: sqlite3.Connection,
    guild_id: int,
    kind: RuleTarget,
    subject: str,
    *,
    model: str = "",
    removed_by: int,
    at: int,
    interaction_id: int,
) -> AccessRule | None:
    """Remove a rule, of a model if one is named; returns it, or None if there was none."""
    rules = active(transaction, guild_id, at)
    rule = next((rule for rule in rules if _key(rule) == (kind, subject, model)), None)
    if rule is not None:
        removal = AccessRule(kind, subject, rule.effect, words=rule.words, model=model, set_by=removed_by)
        _append(transaction, guild_id, removal, REMOVED, at, interaction_id)
    return rule


class AccessRuleStore:
    """Shows and changes the access rules of guilds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def policy(self, guild_id: int) -> AccessPolicy:
        """Return the access rules of a guild that are in force now, and its settings about access."""
        at = now_ms()
        return await self._database.run(lambda tx: load_policy(tx, guild_id, at))

    async def set(self, guild_id: int, rules: Sequence[AccessRule], *, interaction_id: int) -> bool:
        """Set rules now, as `set_rules` does."""
        at = now_ms()
        return await self._database.run(
            lambda tx: set_rules(tx, guild_id, rules, at=at, interaction_id=interaction_id)
        )

    async def remove(
        self,
        guild_id: int,
        kind: RuleTarget,
        subject: str,
        *,
        model: str = "",
        removed_by: int,
        interaction_id: int,
    ) -> AccessRule | None:
        """Remove a rule now, as `remove_rule` does."""
        at = now_ms()
        return await self._database.run(
            lambda tx: remove_rule(
                tx,
                guild_id,
                kind,
                subject,
                model=model,
                removed_by=removed_by,
                at=at,
                interaction_id=interaction_id,
            )
        )


def _key(rule: AccessRule) -> tuple[RuleTarget, str, str]:
    return rule.kind, rule.subject, rule.model


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
        " (guild_id, kind, subject, model, effect, words, reason, expires_at, set_by, set_at, interaction_id)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (interaction_id, kind, subject, model) DO NOTHING",
        (
            guild_id,
            rule.kind,
            rule.subject,
            rule.model,
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
    """Convert a row. A removal becomes a rule that denies, whatever the removed rule did."""
    return AccessRule(
        kind=RuleTarget(row["kind"]),
        subject=row["subject"],
        effect=Effect.DENY if row["effect"] == REMOVED else Effect(row["effect"]),
        words=row["words"],
        model=row["model"],
        reason=row["reason"],
        expires_at=row["expires_at"],
        set_by=row["set_by"],
        set_at=row["set_at"],
    )
