"""Contents of databases of earlier versions, in their own SQL: nothing here may use today's code."""

from __future__ import annotations

import sqlite3
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

DAY_MS = 86_400_000
QUARTER_MS = 900_000


@dataclass(frozen=True)
class LegacyJob:
    """A job and its reservation, as every version has them."""

    number: int
    guild_id: int
    at: str
    stage: str
    state: str
    reserved: int
    final: int | None

    @property
    def job_id(self) -> str:
        return str(uuid.UUID(int=self.number))

    @property
    def model(self) -> str:
        return "z-image" if self.number % 5 == 0 else "qwen-image"

    @property
    def at_ms(self) -> int:
        return int(datetime.fromisoformat(self.at).replace(tzinfo=UTC).timestamp() * 1000)

    @property
    def counted(self) -> int:
        return self.reserved if self.final is None else self.final


LEGACY_JOBS = (
    LegacyJob(1, 1, "2025-12-31T23:59:59.999", "delivered", "settled", 4, 4),
    LegacyJob(2, 1, "2026-10-31T23:50:00", "delivered", "settled", 4, 3),
    LegacyJob(3, 1, "2026-11-01T00:00:00", "delivered", "settled", 4, 6),
    LegacyJob(4, 1, "2026-11-01T00:14:59.999", "failed", "released", 4, 0),
    LegacyJob(5, 1, "2026-11-16T00:00:00", "undeliverable", "settled", 4, 4),
    LegacyJob(6, 1, "2026-11-16T07:00:00", "failed", "held", 5, None),  # in doubt
    LegacyJob(7, 1, "2026-11-22T11:00:00", "succeeded", "settled", 4, 4),
    LegacyJob(8, 1, "2026-11-22T11:01:00", "created", "held", 4, None),
    LegacyJob(9, 2, "2026-10-02T08:00:00", "cancelled", "released", 4, 0),
    LegacyJob(10, 2, "2026-11-22T11:02:00", "uploaded", "held", 4, None),
    LegacyJob(11, 2, "2026-11-22T11:03:00", "accepted", "held", 4, None),
    LegacyJob(12, 2, "2026-11-22T11:04:00", "delivered", "settled", 0, 0),  # a picture that cost nothing
)
UNFINISHED = {"accepted", "uploaded", "created", "succeeded"}
HAS_TASK = {"created", "succeeded", "delivered", "undeliverable"}
PICTURE = bytes(range(256)) * 4
KEPT = {LEGACY_JOBS[4].job_id: PICTURE, LEGACY_JOBS[0].job_id: PICTURE[::-1], LEGACY_JOBS[2].job_id: PICTURE}
"""Pictures that were stored in the database, by job; two are the same."""
OPEN_DRAFT, TAKEN_DRAFT, EXPIRED_DRAFT = 10**16 + 100, 10**16 + 11, 10**16 + 101
"""Requests that wait for a confirmation of their price; the second one became LEGACY_JOBS[10]."""


def insert(connection: sqlite3.Connection, table: str, **values: object) -> None:
    marks = ", ".join("?" * len(values))
    connection.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", tuple(values.values()))


def insert_job(connection: sqlite3.Connection, legacy: LegacyJob) -> None:
    is_failed = legacy.stage == "failed"
    insert(
        connection,
        "jobs",
        job_id=legacy.job_id,
        interaction_id=10**16 + legacy.number,
        interaction_token="token" if legacy.stage in UNFINISHED else "",
        application_id=30,
        guild_id=legacy.guild_id,
        channel_id=20,
        user_id=7,
        upload_limit_bytes=10 * 1024 * 1024,
        locale="en-US",
        private=0,
        spoiler=legacy.number % 2,
        prompt="ein roter Fuchs 🦊",
        model=legacy.model,
        size="square",
        format="png",
        stage=legacy.stage,
        quote_credits=4,
        accepted_at=legacy.at_ms,
        task_id=f"task_{legacy.number}" if legacy.stage in HAS_TASK else None,
        failure_who="rivya" if is_failed else None,
        failure_code="generation_failed" if is_failed else None,
        failure_message="" if is_failed else None,
        failure_charged=0 if is_failed else None,
        failure_in_doubt=int(legacy.state == "held") if is_failed else None,
        finished_at=None if legacy.stage in UNFINISHED else legacy.at_ms + 9000,
    )


def fill_version_1(connection: sqlite3.Connection) -> None:
    for legacy in LEGACY_JOBS:
        insert_job(connection, legacy)
        insert_reservation(connection, legacy)
    fill_other_tables(connection)


def insert_reservation(connection: sqlite3.Connection, legacy: LegacyJob, **more: int) -> None:
    insert(
        connection,
        "reservations",
        job_id=legacy.job_id,
        guild_id=legacy.guild_id,
        user_id=7,
        state=legacy.state,
        reserved_credits=legacy.reserved,
        final_credits=legacy.final,
        counted_credits=legacy.counted,
        note="never answered" if legacy.number == 6 else None,
        created_at=legacy.at_ms,
        closed_at=None if legacy.state == "held" else legacy.at_ms + 8000,
        **more,
    )


def fill_other_tables(connection: sqlite3.Connection, *, pictures: str = "kept_pictures") -> None:
    for credits, period, set_at in ((100, "month", 1), (0, "total", 2), (60, "week", 3)):
        insert(
            connection,
            "limits",
            guild_id=1,
            rule="guild",
            credits=credits,
            period=period,
            set_by=99,
            set_at=set_at,
        )
    for job_id, data in KEPT.items():
        insert(
            connection,
            pictures,
            job_id=job_id,
            format="png",
            width=16,
            height=16,
            data=data,
            kept_at=LEGACY_JOBS[4].at_ms,
        )
    insert(connection, "command_syncs", application_id=30, payload_sha256="ab" * 32, synced_at=1)


def fill_version_2(connection: sqlite3.Connection) -> None:
    fill_credits(connection)
    fill_drafts(connection, "asks", key="ask_id", at="asked_at")
    fill_other_tables(connection)


def fill_version_5(connection: sqlite3.Connection) -> None:
    """Fill a database of version 5 whose pictures are not moved to files yet."""
    fill_credits(connection)
    fill_drafts(connection, "drafts", key="draft_id", at="drafted_at")
    fill_other_tables(connection, pictures="kept_inside")


def fill_version_17(connection: sqlite3.Connection) -> None:
    """Fill a database of version 17, whose reservations have the model of their job."""
    fill_version_5(connection)
    connection.executemany(
        "UPDATE reservations SET model = ? WHERE job_id = ?",
        [(legacy.model, legacy.job_id) for legacy in LEGACY_JOBS],
    )


def fill_credits(connection: sqlite3.Connection) -> None:
    for legacy in LEGACY_JOBS:
        insert_job(connection, legacy)
        # A grant to the member has paid for number 10.
        insert_reservation(
            connection,
            legacy,
            guild_credits=legacy.counted,
            member_credits=0 if legacy.number == 10 else legacy.counted,
        )
    for (guild_id, span, slot), credits in sums_of_jobs().items():
        insert(
            connection,
            "tallies",
            guild_id=guild_id,
            span=span,
            slot=slot,
            counted_credits=credits,
            guild_credits=credits,
        )
    insert(
        connection,
        "grants",
        grant_id=1,
        guild_id=2,
        user_id=7,
        credits=9,
        left_credits=5,
        reason="a prize",
        granted_by=99,
        granted_at=1,
    )
    insert(connection, "draws", job_id=LEGACY_JOBS[9].job_id, grant_id=1, credits=4)
    insert(
        connection, "guild_settings", guild_id=1, name="timezone", value="Asia/Kathmandu", set_by=99, set_at=1
    )
    insert(connection, "guild_settings", guild_id=1, name="timezone", value=None, set_by=99, set_at=2)
    insert(connection, "pauses", guild_id=1, paused=1, set_by=9, set_at=1)
    insert(connection, "pauses", guild_id=1, paused=0, set_by=9, set_at=2)


def fill_drafts(connection: sqlite3.Connection, table: str, *, key: str, at: str) -> None:
    columns = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
    for ask_id, job_id, asked_at in (
        (OPEN_DRAFT, None, LEGACY_JOBS[11].at_ms),
        (TAKEN_DRAFT, LEGACY_JOBS[10].job_id, LEGACY_JOBS[10].at_ms),
        (EXPIRED_DRAFT, None, LEGACY_JOBS[0].at_ms),
    ):
        insert(
            connection,
            table,
            guild_id=2,
            user_id=7,
            prompt="ein teurer Fuchs 🦊",
            model="qwen-image",
            size="square",
            format="png",
            private=1,
            spoiler=0,
            job_id=job_id,
            **{key: ask_id, at: asked_at},
        )
    reference = {"url": "https://cdn/fox.png", "filename": "fox.png", "type": "image/png", "bytes": 9}
    if "reference_url" in columns:
        changes = ", ".join(f"reference_{name} = ?" for name in reference)
        connection.execute(f"UPDATE {table} SET {changes} WHERE {key} = ?", (*reference.values(), OPEN_DRAFT))
    else:  # later versions have a row for each reference
        insert(connection, "draft_references", draft_id=OPEN_DRAFT, number=1, **reference)


def sums_of_jobs() -> Counter[tuple[int, str, int]]:
    """Sum the credits by guild (0: all), span and slot."""
    sums: Counter[tuple[int, str, int]] = Counter()
    for legacy in LEGACY_JOBS:
        for guild_id in (0, legacy.guild_id):
            sums[guild_id, "day", legacy.at_ms // DAY_MS] += legacy.counted
            sums[guild_id, "quarter", legacy.at_ms // QUARTER_MS] += legacy.counted
    return sums


FILLERS: dict[int, Callable[[sqlite3.Connection], None]] = {
    1: fill_version_1,
    2: fill_version_2,
    5: fill_version_5,
    17: fill_version_17,
}
"""By the first version that each can fill; it fills the versions up to the next one, too."""
