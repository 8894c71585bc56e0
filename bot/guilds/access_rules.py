"""What admins have decided about access: the newest row of a subject rules, the older ones are the record.

Owns the table access_rules. Never imports anything of ours but clock, database, errors, guilds, jobs, rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.access import LIFTED, Effect, Kind, Lately, Rule, Terms, judge
from bot.domain.clock import now_ms
from bot.domain.errors import MemberError, MemberReason
from bot.guilds.settings import Setting, setting

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from bot.domain.jobs import Presence, Request
    from bot.storage.database import Database

DOUBLE_CLICK_MS: Final = 5000
"""The same picture of the same picture, asked for twice within this, is one click too many."""
MOST_RULES: Final = 500
"""Rules in force in one server: more would be too much to look through with every request."""


def terms_of(transaction: sqlite3.Connection, guild_id: int, at: int) -> Terms:
    """Everything that rules in a server at that moment."""
    return Terms(
        rules=tuple(in_force(transaction, guild_id, at)),
        cooldown_seconds=int(setting(transaction, guild_id, Setting.COOLDOWN_SECONDS) or 0),
        running_limit=int(setting(transaction, guild_id, Setting.RUNNING_LIMIT) or 0),
        age_restricted_only=setting(transaction, guild_id, Setting.AGE_RESTRICTED_ONLY) is not None,
        owner_only=setting(transaction, guild_id, Setting.OWNER_ONLY) is not None,
    )


def in_force(transaction: sqlite3.Connection, guild_id: int, at: int) -> list[Rule]:
    """The rules that are neither lifted nor over, by kind, the oldest first."""
    rows = transaction.execute(
        "SELECT * FROM access_rules WHERE rule_id IN ("
        " SELECT max(rule_id) FROM access_rules WHERE guild_id = ? GROUP BY kind, subject"
        ") AND effect <> ? AND coalesce(expires_at > ?, 1) ORDER BY kind, rule_id",
        (guild_id, LIFTED, at),
    )
    return [rule_from(row) for row in rows]


def admit(
    transaction: sqlite3.Connection, request: Request, presence: Presence, terms: Terms, at: int
) -> None:
    """Refuse what the rules of the server refuse.

    Raises:
        MemberError: as `rules.judge`.
    """
    counts = terms.cooldown_seconds or terms.running_limit
    judge(request, presence, terms, _lately(transaction, request) if counts else Lately(), at)


def require_first_click(transaction: sqlite3.Connection, request: Request, at: int) -> None:
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


def _lately(transaction: sqlite3.Connection, request: Request) -> Lately:
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
    return Lately(row["running"], row["asked_at"])


class Register:
    """The rules of every server, for the commands that show and change them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def terms(self, guild_id: int) -> Terms:
        """Everything that rules now."""
        at = now_ms()
        return await self._database.run(lambda tx: terms_of(tx, guild_id, at))

    async def set(self, guild_id: int, rules: Sequence[Rule], *, interaction_id: int) -> bool:
        """Put rules in force, in place of older ones about the same subjects.

        False, and nothing written, if there would be too many. An interaction that Discord delivers twice
        changes nothing the second time.
        """
        at, keys = now_ms(), {_key(rule) for rule in rules}

        def unit(tx: sqlite3.Connection) -> bool:
            others = [each for each in in_force(tx, guild_id, at) if _key(each) not in keys]
            if len(others) + len(keys) > MOST_RULES:
                return False
            for rule in rules:
                _append(tx, guild_id, rule, rule.effect, at, interaction_id)
            return True

        return await self._database.run(unit)

    async def lift(
        self, guild_id: int, kind: Kind, subject: str, *, lifted_by: int, interaction_id: int
    ) -> Rule | None:
        """End a rule; returns the one that ended, None if there was none."""
        at = now_ms()

        def unit(tx: sqlite3.Connection) -> Rule | None:
            ended = next((rule for rule in in_force(tx, guild_id, at) if _key(rule) == (kind, subject)), None)
            if ended is not None:
                lifted = Rule(kind, subject, ended.effect, words=ended.words, set_by=lifted_by)
                _append(tx, guild_id, lifted, LIFTED, at, interaction_id)
            return ended

        return await self._database.run(unit)


def _key(rule: Rule) -> tuple[Kind, str]:
    return rule.kind, rule.subject


def _append(
    transaction: sqlite3.Connection, guild_id: int, rule: Rule, effect: str, at: int, interaction_id: int
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


def rule_from(row: sqlite3.Row) -> Rule:
    """A row as the rule that it is, or was when it was lifted."""
    return Rule(
        kind=Kind(row["kind"]),
        subject=row["subject"],
        effect=Effect.DENY if row["effect"] == LIFTED else Effect(row["effect"]),
        words=row["words"],
        reason=row["reason"],
        expires_at=row["expires_at"],
        set_by=row["set_by"],
        set_at=row["set_at"],
    )
