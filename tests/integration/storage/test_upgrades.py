"""Databases of every earlier version open with today's code, and their credits do not change."""

from __future__ import annotations

import hashlib
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine

from bot.credits import limits
from bot.credits.admin import CreditAdmin
from bot.credits.guild_ceilings import apply_default_ceiling
from bot.credits.ledger import Ledger, Transaction
from bot.credits.ledger_export import export_ledger
from bot.domain.errors import ContractViolation, MemberError, MemberReason
from bot.domain.jobs import Failure, FailureCause, Reference, Stage
from bot.domain.limits import Limit, LimitScope
from bot.domain.model_catalog import default_catalog
from bot.domain.periods import Period
from bot.engine.polling.duration_store import TaskDurationStore
from bot.engine.polling.schedule import DurationBounds
from bot.engine.polling.task_kind import TaskKind
from bot.guilds.settings import GuildSetting, GuildSettingsStore
from bot.jobs.history import HistoryStore
from bot.jobs.late_jobs import LateJobResult, LateJobStore
from bot.jobs.picture_retention import PictureRetention
from bot.jobs.requests.drafts import DraftStore
from bot.jobs.store import JobStore
from bot.storage.copies import backup
from bot.storage.database import Database
from bot.storage.picture_store import PictureStore, picture_folder
from bot.storage.schema import APPLICATION_ID, add_functions, migrate, migrations
from tests.integration.storage.legacy_databases import (
    EXPIRED_DRAFT,
    FILLERS,
    HAS_TASK,
    KEPT,
    LEGACY_JOBS,
    OPEN_DRAFT,
    TAKEN_DRAFT,
    UNFINISHED,
    insert,
    sums_of_jobs,
)
from tests.support.factories import NO_CONTEXT, accept, make_job, make_request
from tests.support.forks import run_program
from tests.support.sql import dump_file

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DEFAULT = Limit(credits=200, period=Period.MONTH)

# Released migrations never change, since installed databases have run them. A change is a new file.
RELEASED = {
    "0001_jobs_and_reservations": "10128ae0b59715b28cc7235a49fa8399cd2b8bbfd7504b68e4c8a0c4f4640b0b",
    "0002_rules_grants_and_refunds": "64d5e04456fc46a21ae9fa3f89a1ff1ad45506d4452c196e8ecf3be66bf453e2",
    "0003_task_durations": "60216188dea8ad6dab8a39cbc6d884b159b97911c1efa0bbda5bc341efcb3e4f",
    "0004_operator_sync": "dbdca6a956497a5d7b4a42e07f8d50264968aa0ab74444e18143f51499461359",
    "0005_the_life_of_a_picture": "5b62601fd9d6c4c171b0f78ccf6e1a04476cb6703d4718119a52202ff5413e48",
    "0006_uploads_and_balance_warning": "b97003a7b79b124ba00e73554970c73556c66f25d04ccc54fb0f90f083f79d16",
    "0007_late_jobs": "8c56b90cdd181fd2c26edd2c5aedb4eacbf5ee1a467f0f7ec7bf1583395f0367",
    "0008_emoji_in_words_and_names": "ea17348d0b894f07bc39e87545afb677e2021f9124d9cbe9b95114b9e4dee87c",
    "0009_ceilings_and_admission": "faba95a353bf040a67862eb34cdfeb89a9ae18370605f5c82b5c7a3237f60cde",
    "0010_contact": "8ad04260531ecfa172948340523dc482199654b9035f54b45f60cd6d8a084963",
    "0011_greetings_and_setup": "0fb60b6183fe9196042fd2db41c1df5352a1ba3d113f47fe67c1f976f023ca13",
    "0012_jobs_without_a_picture": "fce21b2e67967238b7caf598a529a9893a85cf0f059bf3b894cc61ee83897780",
    "0013_models": "ddae80f4951593b0a1e6d4d713ca77409f41c07b230e59c0527fb745f70c6e71",
    "0014_settings": "1fd53ba1926e61700d471f26b2305b9833064681ffbbe871cc2c624edd8dfafd",
    "0015_durations_by_settings": "8594226a6f142caad4ae554001ebbe50ee6e70b38f84ac38b4f594328151a444",
    "0016_lighter_indexes": "694b962da9108fcc670c22f866a5e47a32931ea3893241a14cda723e4e170553",
    "0017_by_model": "37619d4f02c20793e2cdde3292e61f42227de44fba0a67f134c97ab6f0bd623f",
    "0018_several_references": "9a61bae649db55917b4ecc0eb0fa316da9c8190821aec69856b029b7cb32123f",
    "0019_models_of_servers_and_members": "4b487cc49b26962944add51cb45533e5fe7fb3154e7cbcefe441aaf32a4b227e",
    "0020_several_pictures": "f8e4c95dc1db84204c8d8a3cf1de7c84f99370101960f34543060639c83e43d3",
    "0021_more_pictures": "757b32bc1eabc93ba27843418bca2564f11eb93a60de2b8170d487e01783b8f5",
}


DURATIONS = 3
"""The first version that stores how long tasks took."""
LATE_JOBS = 7
"""The first version that knows late jobs."""
EARLIER_VERSIONS = range(1, len(migrations()))


@pytest.fixture(params=EARLIER_VERSIONS, ids=lambda version: f"version {version}")
def old_database(request: pytest.FixtureRequest, database_path: Path) -> Path:
    """A database as that version left it: made by its own migrations."""
    database_path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(database_path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = OFF")
        add_functions(connection)
        for file in migrations()[: request.param]:
            connection.executescript(file.read_text("utf-8"))
        FILLERS[max(version for version in FILLERS if version <= request.param)](connection)
        connection.execute(f"PRAGMA user_version = {request.param}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    return database_path


@pytest.fixture(autouse=True)
def _stop_clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def iso(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def test_the_ledger_does_not_change(old_database: Path) -> None:
    await (await Database.open(old_database)).close()
    assert list(export_ledger(old_database)) == [
        {
            "job_id": legacy.job_id,
            "guild_id": str(legacy.guild_id),
            "user_id": "7",
            "state": legacy.state,
            "reserved_credits": legacy.reserved,
            "final_credits": legacy.final,
            "task_id": f"task_{legacy.number}" if legacy.stage in HAS_TASK else None,
            "created_at": iso(legacy.at_ms),
            "closed_at": None if legacy.state == "held" else iso(legacy.at_ms + 8000),
            "quoted_credits": 4,
            "over_limit_credits": None,
            "model": legacy.model,
        }
        for legacy in sorted(LEGACY_JOBS, key=lambda legacy: (legacy.at_ms, legacy.job_id))
    ]


async def test_limits_and_sums_do_not_change(old_database: Path) -> None:
    database = await Database.open(old_database)
    try:
        ledger, credit_admin = Ledger(database, DEFAULT), CreditAdmin(database, DEFAULT, default_catalog())
        first, second = await ledger.usage(1), await ledger.usage(2)
        assert (first.limit_credits, first.period, first.spent_credits, first.held_credits) == (
            60,
            "week",
            8,
            9,
        )
        assert (second.limit_credits, second.period) == (200, "month")
        assert (second.spent_credits, second.held_credits) == (0, 8)
        assert await ledger.member_used(1, 7) == 17
        change = await credit_admin.set_limit(1, Limit(100, Period.MONTH), set_by=99)
        assert change.before is not None
        assert (change.before.set_by, change.before.set_at, change.before.limit_id) == (99, 3, 3)
        assert change.usage is not None
        assert change.usage.used_credits == sum(
            legacy.counted
            for legacy in LEGACY_JOBS
            if legacy.guild_id == 1 and legacy.at.startswith("2026-11")
        )
        await credit_admin.set_limit(1, Limit(100, Period.TOTAL), set_by=99)
        assert (await ledger.usage(1)).used_credits == sum(
            legacy.counted for legacy in LEGACY_JOBS if legacy.guild_id == 1
        )
        member_limits = await ledger.member_limits(1, 7, (31,))
        assert (member_limits.personal, member_limits.ceilings, member_limits.exempt) == (None, (), None)
    finally:
        await database.close()


async def test_running_sums_are_filled_for_earlier_reservations(old_database: Path) -> None:
    database = await Database.open(old_database)
    try:

        def unit(tx: Transaction) -> dict[tuple[int, str, int], tuple[int, int]]:
            return {tuple(row)[:3]: tuple(row)[3:] for row in tx.execute("SELECT * FROM tallies")}

        assert await database.run(unit) == {key: (sum_, sum_) for key, sum_ in sums_of_jobs().items()}
    finally:
        await database.close()


async def test_how_long_tasks_took_stays_known_as_of_those_without_settings(old_database: Path) -> None:
    with closing(sqlite3.connect(old_database)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version < DURATIONS:
            pytest.skip("it has no durations")
        insert(connection, "task_durations", model="qwen-image", with_reference=1, after_ms=7500, by_ms=9250)
        connection.commit()
    database = await Database.open(old_database)
    try:
        kind = TaskKind("qwen-image", with_reference=True)
        assert await TaskDurationStore(database).recent() == {kind: [DurationBounds(7.5, 9.25)]}
    finally:
        await database.close()


async def test_every_job_is_found_and_unfinished_ones_are_listed(old_database: Path) -> None:
    database = await Database.open(old_database)
    try:
        store = JobStore(database, DEFAULT)
        assert [job.job_id for job in await store.unfinished()] == [
            legacy.job_id for legacy in LEGACY_JOBS if legacy.stage in UNFINISHED
        ]
        for legacy in LEGACY_JOBS:
            job = await store.find(legacy.job_id)
            assert job is not None
            assert (job.stage, job.accepted_at) == (Stage(legacy.stage), legacy.at_ms)
            assert job.request.prompt == "ein roter Fuchs 🦊"

        def unit(tx: Transaction) -> tuple[object, ...]:
            pictures = "SELECT job_id, data FROM kept_inside"
            (synced,) = tx.execute("SELECT payload_sha256 FROM command_syncs")
            return synced[0], dict(map(tuple, tx.execute(pictures)))

        assert await database.run(unit) == ("ab" * 32, KEPT)
    finally:
        await database.close()


async def test_a_picture_that_an_earlier_version_gave_up_can_be_fetched_again(old_database: Path) -> None:
    lost = next(legacy for legacy in LEGACY_JOBS if legacy.stage == "delivered")
    with closing(sqlite3.connect(old_database)) as connection, connection:
        connection.execute(
            "UPDATE jobs SET stage = 'undeliverable', failure_who = 'developer',"
            " failure_code = 'result_gone', failure_message = '', failure_charged = 4, failure_in_doubt = 0"
            " WHERE job_id = ?",
            (lost.job_id,),
        )
        if connection.execute("PRAGMA user_version").fetchone()[0] >= LATE_JOBS:
            connection.execute("UPDATE jobs SET late_at = 1, late_note = failure_code WHERE failure_charged")
    database = await Database.open(old_database)
    try:
        late_jobs = LateJobStore(database)
        (listed,) = (await late_jobs.page()).rows
        assert (listed.job.job_id, listed.job.late_note) == (lost.job_id, "result_gone")
        assert await late_jobs.retry(lost.job_id) is LateJobResult.DONE
        taken_up = await JobStore(database, DEFAULT).find(lost.job_id)
        assert taken_up is not None
        assert (taken_up.stage, taken_up.finished_at, taken_up.failure) == (Stage.SUCCEEDED, None, None)
    finally:
        await database.close()


async def test_old_jobs_can_be_finished_and_count_like_new_ones(old_database: Path) -> None:
    database = await Database.open(old_database)
    try:
        store, ledger, credit_admin = (
            JobStore(database, DEFAULT),
            Ledger(database, DEFAULT),
            CreditAdmin(database, DEFAULT, default_catalog()),
        )
        await credit_admin.set_limit(1, Limit(100, Period.TOTAL), set_by=99)
        before = (await ledger.usage(1)).used_credits
        running, refunded, accepted = LEGACY_JOBS[7], LEGACY_JOBS[0], LEGACY_JOBS[10]
        await store.succeeded(running.job_id, None, 1)
        await credit_admin.refund(1, refunded.job_id, reason="blurred", refunded_by=99)
        usage = await ledger.usage(1)
        assert usage.used_credits == before - 3 - 4
        assert usage.held_credits == 5
        await store.failed(accepted.job_id, Failure(FailureCause.RIVYA, "generation_failed"))
        assert (await ledger.usage(2)).used_credits == 4
        assert await accept(store, make_job(make_request(guild_id=2)), NO_CONTEXT)
        assert (await ledger.usage(2)).used_credits == 8
        assert await accept(store, make_job(make_request(interaction_id=10**16 + 1)), NO_CONTEXT) is None
    finally:
        await database.close()


async def test_the_file_is_sound_and_its_constraints_are_checked(old_database: Path) -> None:
    database = await Database.open(old_database)
    try:

        def unit(tx: Transaction) -> list[tuple[object, ...]]:
            found = [tuple(row) for row in tx.execute("PRAGMA foreign_key_check")]
            return found + [tuple(row) for row in tx.execute("PRAGMA integrity_check")]

        assert await database.run(unit) == [("ok",)]
        for broken in (
            "UPDATE reservations SET guild_credits = counted_credits + 1",
            "UPDATE reservations SET counted_credits = counted_credits + 1",
            "UPDATE reservations SET job_id = 'nobody' WHERE state = 'held'",
            "UPDATE limits SET rule = 'member'",
            "UPDATE limits SET credits = NULL",
            "UPDATE tallies SET guild_credits = -1",
            "DELETE FROM jobs",
            "INSERT INTO draws VALUES ('nobody', 1, 1)",
        ):
            with pytest.raises(ContractViolation):
                await database.run(lambda tx, broken=broken: tx.execute(broken))  # type: ignore[misc]
    finally:
        await database.close()


async def test_a_second_start_and_a_copy_change_nothing(old_database: Path) -> None:
    await (await Database.open(old_database)).close()
    once = dump_file(old_database)
    await (await Database.open(old_database)).close()
    assert dump_file(old_database) == once
    backup(old_database, copy := old_database.with_name("copy.sqlite3"))
    assert sorted(dump_file(copy)) == sorted(once)


KILL_PROGRAM = """
import os, signal, sys
from pathlib import Path
from bot.storage.database import _connect, _prepare
from bot.storage.picture_store import PictureStore, picture_folder
from bot.storage.schema import migrate

def kill_at(statement):
    if sys.argv[2] in statement:
        os.kill(os.getpid(), signal.SIGKILL)

connection = _connect(Path(sys.argv[1]))
_prepare(connection)
connection.execute("PRAGMA cache_size = 1")  # pages are written to the disk before the commit
connection.set_trace_callback(kill_at)
migrate(connection)
"""


async def test_requests_that_waited_for_a_confirmation_become_drafts(
    old_database: Path, request: pytest.FixtureRequest
) -> None:
    database = await Database.open(old_database)
    try:
        store, drafts = JobStore(database, DEFAULT), DraftStore(database, default_catalog())
        waiting, taken = await drafts.find(OPEN_DRAFT), await drafts.find(TAKEN_DRAFT)
        if request.node.callspec.params["old_database"] == 1:  # that version asked for no confirmation
            assert (waiting, taken) == (None, None)
            return
        assert waiting is not None
        assert (waiting.prompt, waiting.private, waiting.spoiler) == ("ein teurer Fuchs 🦊", True, False)
        assert waiting.references == (Reference("https://cdn/fox.png", "fox.png", "image/png", 9),)
        assert (waiting.preset, waiting.parent_job_id, waiting.taken) == (None, None, False)
        assert taken is not None
        assert taken.taken
        assert await drafts.find(EXPIRED_DRAFT) is None  # expired
        before = (await Ledger(database, DEFAULT).usage(2)).used_credits
        job = make_job(waiting.request(make_request(guild_id=2).destination))
        assert await accept(store, job, NO_CONTEXT, draft_id=OPEN_DRAFT)
        for draft in (waiting, taken):
            again = make_job(draft.request(make_request(guild_id=2).destination))
            with pytest.raises(MemberError) as refused:
                await accept(store, again, NO_CONTEXT, draft_id=draft.draft_id)
            assert refused.value.reason is MemberReason.DRAFT_TAKEN
        assert (await Ledger(database, DEFAULT).usage(2)).used_credits == before + 4
    finally:
        await database.close()


def credit_rows(path: Path) -> list[str]:
    """Return every row that is about credits."""
    tables = ("reservations", "tallies", "limits", "grants", "draws", "refunds", "corrections")
    return [
        line for line in dump_file(path) if line.startswith(tuple(f'INSERT INTO "{name}"' for name in tables))
    ]


async def test_pictures_stored_in_the_database_are_moved_to_files(old_database: Path) -> None:
    database = await Database.open(old_database)
    try:
        before, picture_store = credit_rows(old_database), PictureStore(picture_folder(old_database))
        assert len(before) > len(LEGACY_JOBS)
        assert await PictureRetention(database, picture_store).migrate_inline_pictures() == len(KEPT)
        assert await PictureRetention(database, picture_store).migrate_inline_pictures() == 0
        for job_id, data in KEPT.items():
            item = await HistoryStore(database).find(job_id)
            assert item is not None
            assert item.kept_sha256 is not None
            assert await picture_store.read(item.kept_sha256) == data
        assert sorted(path.name for path in picture_folder(old_database).iterdir()) == sorted(
            {hashlib.sha256(data).hexdigest() for data in KEPT.values()}
        )
        assert credit_rows(old_database) == before
    finally:
        await database.close()
    for data in KEPT.values():
        assert data not in old_database.read_bytes(), "the database still holds a picture"


KILL_MOVING_PROGRAM = """
import asyncio, os, signal, sys
from pathlib import Path
from bot.storage.database import Database
from bot.jobs.picture_retention import PictureRetention
from bot.storage import picture_store

left = int(sys.argv[2])

def reach(*_):
    global left
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1

class KillingStore:
    def __init__(self, inner):
        self.inner = inner
    async def save(self, data):
        reach()
        sha256 = await self.inner.save(data)
        reach()
        return sha256

replace = Path.replace
def killing_replace(path, target):
    reach()
    replace(path, target)
    reach()
Path.replace = killing_replace

async def main():
    path = Path(sys.argv[1])
    database = await Database.open(path)
    store = KillingStore(picture_store.PictureStore(picture_store.picture_folder(path)))
    await PictureRetention(database, store).migrate_inline_pictures()
    await database.close()

asyncio.run(main())
"""


async def test_a_process_killed_while_moving_pictures_loses_none(old_database: Path) -> None:
    await (await Database.open(old_database)).close()
    before, kills = credit_rows(old_database), 0
    for point in range(20):
        # The second argument is the number of kill points that are passed.
        code, output = await run_program(KILL_MOVING_PROGRAM, str(old_database), str(point % 5))
        assert code in {0, -signal.SIGKILL}, output
        kills += code != 0
        assert read_kept_pictures(old_database) == KEPT
        assert credit_rows(old_database) == before
        if code == 0:
            break
    assert kills >= 4
    database = await Database.open(old_database)
    try:
        assert (
            await PictureRetention(
                database, PictureStore(picture_folder(old_database))
            ).migrate_inline_pictures()
            == 0
        )
    finally:
        await database.close()
    assert read_kept_pictures(old_database) == KEPT


def read_kept_pictures(path: Path) -> dict[str, bytes]:
    """Return every stored picture by job, from the database or from its file."""
    with closing(sqlite3.connect(path)) as connection:
        inside = dict(connection.execute("SELECT job_id, data FROM kept_inside"))
        moved = dict(connection.execute("SELECT job_id, sha256 FROM kept_pictures"))
    assert not inside.keys() & moved.keys()
    return inside | {job_id: (picture_folder(path) / sha256).read_bytes() for job_id, sha256 in moved.items()}


@pytest.mark.parametrize("at", ["PRAGMA user_version =", "COMMIT"])
async def test_an_upgrade_killed_in_the_middle_changes_nothing(old_database: Path, at: str) -> None:
    before = dump_file(old_database)
    code, output = await run_program(KILL_PROGRAM, str(old_database), at)
    assert code == -signal.SIGKILL, output
    assert dump_file(old_database) == before
    await (await Database.open(old_database)).close()
    assert len(list(export_ledger(old_database))) == len(LEGACY_JOBS)


def test_a_failed_upgrade_changes_nothing(old_database: Path) -> None:
    before = dump_file(old_database)
    with closing(sqlite3.connect(old_database, isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        # Fail at the last statement of an upgrade.
        connection.set_authorizer(
            lambda _, name, value, *__: (
                sqlite3.SQLITE_DENY
                if (name, value) == ("user_version", str(len(migrations())))
                else sqlite3.SQLITE_OK
            )
        )
        with pytest.raises(sqlite3.DatabaseError, match="not authorized"):
            migrate(connection)
        assert not connection.in_transaction
    assert dump_file(old_database) == before


KILL_FIRST_START_PROGRAM = """
import asyncio, os, signal, sys
from pathlib import Path
from bot.credits.guild_ceilings import apply_default_ceiling
from bot.domain.limits import Limit, LimitScope
from bot.domain.periods import Period
from bot.storage.database import Database

def kill_at(statement):
    if sys.argv[2] in statement:
        os.kill(os.getpid(), signal.SIGKILL)

async def main():
    database = await Database.open(Path(sys.argv[1]))
    await database.run(lambda tx: tx.set_trace_callback(kill_at))
    ceiling = Limit(20, Period.MONTH, scope=LimitScope.CEILING)
    await apply_default_ceiling(database, ceiling, Limit(20, Period.MONTH), 1)

asyncio.run(main())
"""


@pytest.mark.parametrize("at", ["INSERT INTO default_ceiling", "INSERT INTO limits", "COMMIT"])
async def test_a_first_start_that_is_killed_gives_each_server_its_ceiling_once(
    old_database: Path, at: str
) -> None:
    """Server 1 has 60 a week of its own, which is more than the ceiling; server 2 has the default."""
    await (await Database.open(old_database)).close()
    before = dump_file(old_database)
    code, output = await run_program(KILL_FIRST_START_PROGRAM, str(old_database), at)
    assert code == -signal.SIGKILL, output
    assert dump_file(old_database) == before
    database = await Database.open(old_database)
    try:
        ceiling = Limit(20, Period.MONTH, scope=LimitScope.CEILING)
        started = [
            await apply_default_ceiling(database, ceiling, Limit(20, Period.MONTH), 1) for _ in range(2)
        ]
        assert started == [1, 0]
        found = await database.run(lambda tx: [limits.guild_ceiling(tx, guild_id) for guild_id in (1, 2)])
        assert [(limit.credits, limit.period) for limit in found if limit] == [(60, "week"), (20, "month")]
    finally:
        await database.close()


async def test_settings_of_servers_and_who_set_them_stay_and_one_interaction_may_set_several(
    old_database: Path,
) -> None:
    with closing(sqlite3.connect(old_database)) as connection:
        has_settings = connection.execute(
            "SELECT 1 FROM sqlite_schema WHERE name = 'guild_settings'"
        ).fetchone()
        before = connection.execute("SELECT * FROM guild_settings").fetchall() if has_settings else []
    database = await Database.open(old_database)
    try:
        settings = GuildSettingsStore(database)
        for name, value in ((GuildSetting.TIMEZONE, "Asia/Jakarta"), (GuildSetting.ALERT_CHANNEL, "5")):
            for _ in range(2):
                change = await settings.change(3, name, value, set_by=9, interaction_id=77)
                assert change.after == value
    finally:
        await database.close()
    with closing(sqlite3.connect(old_database)) as connection:
        after = connection.execute("SELECT * FROM guild_settings ORDER BY setting_id").fetchall()
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert after[:-2] == before
    assert [row[2:4] for row in after[-2:]] == [("timezone", "Asia/Jakarta"), ("alert_channel", "5")]


async def test_reservations_have_the_model_of_their_job(old_database: Path) -> None:
    await (await Database.open(old_database)).close()
    with closing(sqlite3.connect(old_database)) as connection:
        rows = connection.execute("SELECT job_id, model FROM reservations ORDER BY job_id").fetchall()
    assert rows == [(legacy.job_id, legacy.model) for legacy in LEGACY_JOBS]
    assert {model for _, model in rows} == {"qwen-image", "z-image"}


async def test_an_alert_that_waited_is_one_of_the_servers_limit(old_database: Path) -> None:
    with closing(sqlite3.connect(old_database)) as connection, connection:
        names = {row[1] for row in connection.execute("PRAGMA table_info(alerts)")}
        if not names:
            pytest.skip("there were no alerts")
        if "rule" in names:
            pytest.skip("they know it")
        connection.execute("INSERT INTO alerts VALUES (1, 3, 5, 80, 32, 40, 7, NULL)")
    await (await Database.open(old_database)).close()
    with closing(sqlite3.connect(old_database)) as connection:
        (row,) = connection.execute("SELECT * FROM alerts WHERE limit_id = 3").fetchall()
    assert row == (1, "guild", 3, 5, 80, 32, 40, 7, None)


def test_released_migrations_are_not_changed() -> None:
    found = {file.stem: hashlib.sha256(file.read_bytes()).hexdigest() for file in migrations()}
    assert {name: found[name] for name in RELEASED} == RELEASED
