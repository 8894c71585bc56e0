"""What the operator has decided about a guild: whether it may ask for pictures at all, and whether now.

Every submission reads both here, in one statement. Owns no table; the rows are those of
`bot/guilds/admission.py` and `bot/guilds/pauses.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.admission import AdmissionMode, AdmissionState
from bot.domain.errors import MemberError, MemberReason
from bot.domain.ids import ALL_GUILDS
from bot.storage.read_cache import cached

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class OperatorDecisions:
    """The decisions in force about one guild; see `load`."""

    refusal: Mapping[str, object] | None
    """The values of a `GUILD_NOT_ADMITTED`; None if the guild may ask for pictures."""
    pause_sentence: str | None
    """The operator's words; None if neither the guild nor all guilds are paused."""


def require_admitted(transaction: sqlite3.Connection, guild_id: int) -> None:
    """Check that a guild may ask for pictures.

    Raises:
        MemberError: GUILD_NOT_ADMITTED.
    """
    if (refusal := load(transaction, guild_id).refusal) is not None:
        raise MemberError(MemberReason.GUILD_NOT_ADMITTED, **refusal)


def require_not_paused(transaction: sqlite3.Connection, guild_id: int) -> None:
    """Check that neither the guild nor all guilds are paused.

    Raises:
        MemberError: PAUSED, with the operator's sentence.
    """
    if (sentence := load(transaction, guild_id).pause_sentence) is not None:
        raise MemberError(MemberReason.PAUSED, sentence=sentence)


@cached
def load(transaction: sqlite3.Connection, guild_id: int) -> OperatorDecisions:
    """Return the decisions in force about a guild."""
    # Without a policy, before the first start, every guild is admitted.
    row = transaction.execute(
        "SELECT mode, contact, contact_ids, counted_at, state, leave_at,"
        " EXISTS (SELECT 1 FROM allowed_guilds WHERE guild_id = :guild) AS allowed,"
        " (SELECT sentence FROM pauses WHERE paused AND pause_id IN ("
        "  (SELECT max(pause_id) FROM pauses WHERE guild_id = :all),"
        "  (SELECT max(pause_id) FROM pauses WHERE guild_id = :guild)"
        " ) ORDER BY guild_id LIMIT 1) AS pause_sentence"
        " FROM (SELECT 1) LEFT JOIN admission_policy ON id = 1"
        " LEFT JOIN admissions ON admissions.guild_id = :guild",
        {"guild": guild_id, "all": ALL_GUILDS},
    ).fetchone()
    return OperatorDecisions(None if _is_admitted(row) else _refusal(row), row["pause_sentence"])


def _is_admitted(row: sqlite3.Row) -> bool:
    if row["mode"] is None or row["allowed"]:
        return True
    match AdmissionMode(row["mode"]):
        case AdmissionMode.OPEN:
            return bool(row["state"] != AdmissionState.REFUSED)
        case AdmissionMode.APPROVE if row["state"] is None:
            # Until the servers that were there before have been recorded, nobody is shut out.
            return row["counted_at"] is None
        case AdmissionMode.APPROVE:
            return bool(row["state"] == AdmissionState.ADMITTED)
        case AdmissionMode.LIST:
            return False


def _refusal(row: sqlite3.Row) -> Mapping[str, object]:
    return {
        "state": "unlisted" if row["mode"] == AdmissionMode.LIST else row["state"] or AdmissionState.WAITING,
        "contacts": [int(user_id) for user_id in row["contact_ids"].split()],
        "contact": row["contact"],
        "leave_at": row["leave_at"],
    }
