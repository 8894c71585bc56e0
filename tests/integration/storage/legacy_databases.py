"""What databases of earlier versions hold, in the SQL of their day: nothing here may use today's code."""

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
    """One job and its reservation, as any version has them."""

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
"""The pictures that were kept in the database, by job; two are the same."""
OPEN_ASK, TAKEN_ASK, OLD_ASK = 10**16 + 100, 10**16 + 11, 10**16 + 101
"""Requests that wait for a yes to their price; of the second LINES[10] came."""


def insert(connection: sqlite3.Connection, table: str, **values: object) -> None:
    marks = ", ".join("?" * len(values))
    connection.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", tuple(values.values()))


def insert_job(connection: sqlite3.Connection, line: LegacyJob) -> None:
    is_failed = line.stage == "failed"
    insert(
        connection,
        "jobs",
        job_id=line.job_id,
        interaction_id=10**16 + line.number,
        interaction_token="token" if line.stage in UNFINISHED else "",
        application_id=30,
        guild_id=line.guild_id,
        channel_id=20,
        user_id=7,
        upload_limit_bytes=10 * 1024 * 1024,
        locale="en-US",
        private=0,
        spoiler=line.number % 2,
        prompt="ein roter Fuchs 🦊",
        model="qwen-image",
        size="square",
        format="png",
        stage=line.stage,
        quote_credits=4,
        accepted_at=line.at_ms,
        task_id=f"task_{line.number}" if line.stage in HAS_TASK else None,
        failure_who="rivya" if is_failed else None,
        failure_code="generation_failed" if is_failed else None,
        failure_message="" if is_failed else None,
        failure_charged=0 if is_failed else None,
        failure_in_doubt=int(line.state == "held") if is_failed else None,
        finished_at=None if line.stage in UNFINISHED else line.at_ms + 9000,
    )


def fill_version_1(connection: sqlite3.Connection) -> None:
    for line in LEGACY_JOBS:
        insert_job(connection, line)
        insert_reservation(connection, line)
    fill_the_rest(connection)


def insert_reservation(connection: sqlite3.Connection, line: LegacyJob, **more: int) -> None:
    insert(
        connection,
        "reservations",
        job_id=line.job_id,
        guild_id=line.guild_id,
        user_id=7,
        state=line.state,
        reserved_credits=line.reserved,
        final_credits=line.final,
        counted_credits=line.counted,
        note="never answered" if line.number == 6 else None,
        created_at=line.at_ms,
        closed_at=None if line.state == "held" else line.at_ms + 8000,
        **more,
    )


def fill_the_rest(connection: sqlite3.Connection, *, pictures: str = "kept_pictures") -> None:
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
    fill_the_rest(connection)


def fill_version_5(connection: sqlite3.Connection) -> None:
    """As version 5 leaves it while its pictures are not moved out of the database yet."""
    fill_credits(connection)
    fill_drafts(connection, "drafts", key="draft_id", at="drafted_at")
    fill_the_rest(connection, pictures="kept_inside")


def fill_credits(connection: sqlite3.Connection) -> None:
    for line in LEGACY_JOBS:
        insert_job(connection, line)
        # A gift to the member has paid for number 10.
        insert_reservation(
            connection,
            line,
            guild_credits=line.counted,
            member_credits=0 if line.number == 10 else line.counted,
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
    for ask_id, job_id, asked_at in (
        (OPEN_ASK, None, LEGACY_JOBS[11].at_ms),
        (TAKEN_ASK, LEGACY_JOBS[10].job_id, LEGACY_JOBS[10].at_ms),
        (OLD_ASK, None, LEGACY_JOBS[0].at_ms),
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
            reference_url="https://cdn/fox.png" if ask_id == OPEN_ASK else None,
            reference_filename="fox.png" if ask_id == OPEN_ASK else None,
            reference_type="image/png" if ask_id == OPEN_ASK else None,
            reference_bytes=9 if ask_id == OPEN_ASK else None,
            job_id=job_id,
            **{key: ask_id, at: asked_at},
        )


def sums_of_jobs() -> Counter[tuple[int, str, int]]:
    """Credits by guild (0: all), span and slot."""
    sums: Counter[tuple[int, str, int]] = Counter()
    for line in LEGACY_JOBS:
        for guild_id in (0, line.guild_id):
            sums[guild_id, "day", line.at_ms // DAY_MS] += line.counted
            sums[guild_id, "quarter", line.at_ms // QUARTER_MS] += line.counted
    return sums


FILLERS: dict[int, Callable[[sqlite3.Connection], None]] = {
    1: fill_version_1,
    2: fill_version_2,
    5: fill_version_5,
}
"""By the first version that they fill; those up to the next filler still take the same."""
