"""`python -m bot operator` while a bot has the database open: as a process, or in a thread.

A process takes a second to import everything, so most commands run in a thread, where `main` opens its own
connection and event loop, too.
"""

from __future__ import annotations

import asyncio
import io
import os
import re
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bot.__main__ import main
from bot.cli.operator import command as operator_cli
from bot.credits.guild_ceilings import apply_default_ceiling
from bot.credits.ledger_export import export_ledger
from bot.credits.reconciliation.reconciler import ReconcileRun
from bot.domain.admission import AdmissionMode, AdmissionPolicy
from bot.domain.errors import LimitExceeded, MemberError, MemberReason
from bot.domain.jobs import DeliveredMessage, DeliveryMethod, Failure, FailureCause
from bot.domain.limits import Limit, LimitScope
from bot.domain.periods import Period
from bot.guilds.admission import AdmissionStore, SeenGuild
from bot.jobs.late_jobs import LateJobStore
from bot.jobs.store import JobStore
from bot.storage.database import Database
from sandbox.fake_rivya import FakeRivya
from sandbox.fake_rivya.models import Task
from tests.support.factories import NO_CONTEXT, accept, make_job, make_request
from tests.support.paths import ROOT
from tests.support.waiting import soon


@dataclass(frozen=True)
class CommandResult:
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str


class OperatorCommand:
    """Runs operator commands on the database that a bot in this process has open."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._folder = folder
        self._capsys = capsys

    async def __call__(self, *arguments: str) -> CommandResult:
        """Run it in a thread."""
        self._capsys.readouterr()
        code = await asyncio.to_thread(main, ["operator", *arguments])
        return CommandResult(code, *self._capsys.readouterr())

    async def process(self, *arguments: str, **environ: str) -> CommandResult:
        """Run it as a process, as an operator does."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "operator", *arguments),
            cwd=self._folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | environ,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            out, err = await soon(process.communicate())
        except BaseException:
            process.kill()
            await process.wait()
            raise
        return CommandResult(process.returncode or 0, out.decode(), err.decode())


@pytest.fixture
async def rivya() -> AsyncIterator[FakeRivya]:
    async with FakeRivya(painting_seconds=0.01) as fake_rivya:
        yield fake_rivya


@pytest.fixture
def run_operator(
    tmp_path: Path,
    database: Database,
    database_path: Path,
    rivya: FakeRivya,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> OperatorCommand:
    del database  # open in this process, as a running bot has it
    for name in [name for name in os.environ if name.startswith("BOT_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BOT_DATABASE__PATH", str(database_path))
    monkeypatch.setenv("BOT_RIVYA__API_KEY", rivya.api_key)
    monkeypatch.setenv("BOT_RIVYA__BASE_URL", rivya.url)
    return OperatorCommand(tmp_path, capsys)


async def add_paid_job(store: JobStore, rivya: FakeRivya, *, booked: int, charged: int) -> str:
    """Deliver a picture that we settled at `booked` and Rivya at `charged` credits; return the job's id."""
    job = make_job()
    task_id = f"task_{job.job_id}"
    rivya.tasks[task_id] = Task(
        id=task_id,
        model="qwen-image",
        key=None,
        client_request_id=None,
        prompt="a fox",
        size="square",
        output_format="png",
        reference_ids=(),
        reserved_credits=booked,
        created_at=0.0,
        status="succeeded",
        final_credits=charged,
    )
    await accept(store, job, NO_CONTEXT)
    await store.created(job.job_id, task_id, booked)
    await store.succeeded(job.job_id, None, booked)
    await store.delivered(job.job_id, DeliveredMessage(1, 2, DeliveryMethod.REPLY))
    return job.job_id


async def test_a_pause_takes_effect_in_a_running_bot(run_operator: OperatorCommand, store: JobStore) -> None:
    result = await run_operator.process("pause", "--sentence", "Back soon.")
    assert result == CommandResult(0, "all servers: no new pictures\n", "")
    with pytest.raises(MemberError) as refused:
        await accept(store, make_job(), NO_CONTEXT)
    assert (refused.value.reason, refused.value.data) == (MemberReason.PAUSED, {"sentence": "Back soon."})
    assert (await run_operator("resume")).code == 0
    assert await accept(store, make_job(), NO_CONTEXT)


async def test_a_pause_of_one_server_does_not_pause_the_others(
    run_operator: OperatorCommand, store: JobStore
) -> None:
    assert (await run_operator("pause", "--guild", "7")).code == 0
    assert await accept(store, make_job(), NO_CONTEXT)
    with pytest.raises(MemberError):
        await accept(store, make_job(make_request(guild_id=7)), NO_CONTEXT)


async def test_resume_names_the_pauses_that_remain(run_operator: OperatorCommand, store: JobStore) -> None:
    await run_operator("pause")
    result = await run_operator("resume", "--guild", "1")
    assert result.out == "server 1: not paused on its own, but all servers are paused\n"
    with pytest.raises(MemberError):
        await accept(store, make_job(), NO_CONTEXT)
    await run_operator("pause", "--guild", "1")
    result = await run_operator("resume")
    assert result.out == "all servers: new pictures are accepted again, but not in 1 paused on its own\n"


async def test_a_pause_needs_a_database_but_neither_token_nor_key(
    run_operator: OperatorCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("BOT_RIVYA__API_KEY", "BOT_RIVYA__BASE_URL"):
        monkeypatch.delenv(name)
    assert (await run_operator("pause")).code == 0
    monkeypatch.setenv("BOT_DATABASE__PATH", str(tmp_path / "none.sqlite3"))
    result = await run_operator("pause")
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert "no such file" in result.err


async def test_a_ceiling_takes_effect_in_a_running_bot_and_can_be_removed(
    run_operator: OperatorCommand, store: JobStore
) -> None:
    result = await run_operator(
        "ceiling", "--all", "--credits", "3", "--period", "day", "--reason", "a bad month"
    )
    assert result == CommandResult(0, "all servers together: from none to 3 credits a day\n", "")
    with pytest.raises(LimitExceeded) as refused:
        await accept(store, make_job(), NO_CONTEXT)
    assert refused.value.usage.scope == LimitScope.CEILING_ALL
    result = await run_operator("ceiling", "--all", "--remove")
    assert result.out == "all servers together: from 3 credits a day to none\n"
    assert await accept(store, make_job(), NO_CONTEXT)
    assert (await run_operator("ceiling", "--guild", "1", "--credits", "0", "--period", "total")).code == 0
    with pytest.raises(LimitExceeded):
        await accept(store, make_job(), NO_CONTEXT)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("pause", "--guild", "Painters"),
        ("pause", "--guild", "99999999999999999999"),
        ("pause", "--sentence", "x" * 201),
        ("ceiling", "--all"),
        ("ceiling", "--credits", "4"),
        ("ceiling", "--all", "--each", "--credits", "4"),
        ("ceiling", "--all", "--credits", "-4"),
        ("ceiling", "--all", "--credits", "4", "--period", "year"),
        ("ceiling", "--all", "--credits", "99999999999"),
        ("reconcile", "--days", "-1"),
        ("reconcile", "--apply", "../../etc"),
        ("reconcile", "--since", "yesterday"),
        ("close", "some-job", "none", "because"),
        ("close", "some-job", "4", " "),
        ("close", "some-job\udcff", "4", "because"),
        ("pause", "--sentence", "b\udcffck soon"),
        ("allow", "1"),
        ("allow", "Painters", "50"),
        ("allow", "1", "-50"),
        ("refuse",),
        ("admissions", "--state", "happy"),
        ("dance",),
    ],
)
def test_invalid_arguments_print_the_usage_and_exit_with_2(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["operator", *arguments])
    assert refused.value.code == 2
    assert "usage: " in capsys.readouterr().err


async def test_reconcile_prints_differences_and_apply_corrects_them_once(
    run_operator: OperatorCommand, store: JobStore, rivya: FakeRivya, database_path: Path
) -> None:
    await add_paid_job(store, rivya, booked=4, charged=4)
    job_id = await add_paid_job(store, rivya, booked=4, charged=7)
    result = await run_operator.process("reconcile")
    assert (result.code, result.err) == (1, "")
    first, summary, hint = result.out.splitlines()
    assert first == f"{job_id} server 1 charged_other: booked 4, Rivya charged 7"
    assert "2 looked at, 1 differences" in summary
    (run_id,) = re.findall(r"--apply ([0-9a-f]{12})$", hint)
    assert sorted(entry["final_credits"] or 0 for entry in export_ledger(database_path)) == [4, 4]
    assert (await run_operator("reconcile", "--show", run_id)).out == f"{first}\n"
    booked = await run_operator("reconcile", "--apply", run_id)
    assert (booked.code, "1 booked (+3 credits)" in booked.out) == (0, True)
    unknown = await run_operator("reconcile", "--show", "0123456789ab")
    assert (unknown.code, unknown.out) == (0, "run 0123456789ab: no differences, or no such run\n")
    assert "0 booked" in (await run_operator("reconcile", "--apply", run_id)).out
    assert sorted(entry["final_credits"] or 0 for entry in export_ledger(database_path)) == [4, 7]
    agreed = await run_operator.process("reconcile", "--since", "2020-01-01T00:00:00Z")
    assert (agreed.code, agreed.out.count("\n")) == (0, 1)
    recent = await run_operator("reconcile", "--days", "1")
    assert (recent.code, "2 looked at" in recent.out) == (0, True)


async def test_reconcile_with_a_refused_key_fails_and_does_not_print_the_key(
    run_operator: OperatorCommand, store: JobStore, rivya: FakeRivya
) -> None:
    await add_paid_job(store, rivya, booked=4, charged=4)
    result = await run_operator.process("reconcile", BOT_RIVYA__API_KEY="rvya_sk_another")
    assert result.code == 1
    assert "refuses the API key" in result.err
    assert "rvya_sk_another" not in result.out + result.err


def test_an_interrupted_comparison_prints_the_command_that_continues_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stopped = ReconcileRun("0123456789ab", 0, total=9, looked_at=3, reached_at=1_790_000_000_000)
    assert operator_cli._print_summary(replace(stopped, stopped="Rivya refuses the API key")) == 1
    assert capsys.readouterr().err.splitlines() == [
        "stopped before its end: Rivya refuses the API key",
        "go on with: operator reconcile --since 2026-09-21T14:13:20.000Z",
    ]


@pytest.mark.parametrize("terminal", [True, False])
async def test_progress_is_shown_only_on_a_terminal(
    terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    await operator_cli._show_progress(ReconcileRun("0123456789ab", 0, total=9, looked_at=3, found=1))
    assert capsys.readouterr().err == ("3 of 9, 1 differences\n" if terminal else "")


async def test_a_reservation_in_doubt_is_closed_by_hand_once(
    run_operator: OperatorCommand, store: JobStore, database_path: Path
) -> None:
    job = make_job()
    await accept(store, job, NO_CONTEXT)
    unfinished = await run_operator("close", job.job_id, "0", "Rivya said so")
    assert (unfinished.code, "still under way" in unfinished.out) == (1, True)
    await store.failed(job.job_id, Failure(FailureCause.DEVELOPER, "task_vanished", in_doubt=True))
    await store.failure_notified(job.job_id)
    assert (await run_operator("close", job.job_id, "3", "Rivya said so")).code == 0
    assert (await run_operator("close", job.job_id, "0", "again")).code == 1
    assert [(entry["state"], entry["final_credits"]) for entry in export_ledger(database_path)] == [
        ("settled", 3)
    ]


async def test_wallet_and_guilds_print_one_line_for_each_fact(
    run_operator: OperatorCommand, store: JobStore, rivya: FakeRivya
) -> None:
    rivya.wallet_credits = 321
    await accept(store, make_job(), NO_CONTEXT)
    await run_operator("pause", "--guild", "1")
    wallet = await run_operator.process("wallet")
    assert "321 credits in Rivya's wallet" in wallet.out
    assert "4 credits held by 1 jobs" in wallet.out
    guilds = await run_operator("guilds", "--period", "day", "--page", "9")
    assert guilds.out.splitlines() == [
        "server 1: 4 credits, limit 200 credits a month, ceiling none, paused",
        "1 servers, 4 credits; page 1 of 1",
    ]


async def test_reconcile_counts_differences_by_model_where_there_are_several(
    run_operator: OperatorCommand, store: JobStore, rivya: FakeRivya, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = await add_paid_job(store, rivya, booked=4, charged=6)
    one_model = await run_operator("reconcile")
    assert "qwen-image" not in one_model.out
    monkeypatch.setenv("BOT_RIVYA__MODELS", "qwen-image, z-image")
    for task in rivya.tasks.values():
        task.model = "z-image"
    first, second, *_ = (await run_operator("reconcile")).out.splitlines()
    difference = "booked 4, Rivya charged 6; Rivya names the model z-image"
    assert first == f"{job_id} server 1 charged_other: {difference} [qwen-image]"
    assert second == "by model: qwen-image 1"


async def test_wallet_says_of_which_model_it_pays_how_many_at_the_price_of_now(
    run_operator: OperatorCommand, rivya: FakeRivya, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOT_RIVYA__MODELS", "flux-2-pro, qwen-image")
    rivya.wallet_credits = 21
    assert "\n21 left: enough for 4 of Flux 2 Pro\n" in "\n" + (await run_operator("wallet")).out
    rivya.models["flux-2-pro"] = replace(rivya.models["flux-2-pro"], base_credits=7)
    assert "\n21 left: enough for 3 of Flux 2 Pro\n" in "\n" + (await run_operator("wallet")).out
    rivya.models.clear()
    assert "\n21 left: enough for 4 of Flux 2 Pro\n" in "\n" + (await run_operator("wallet")).out


async def start_asking(database: Database, mode: AdmissionMode = AdmissionMode.APPROVE) -> AdmissionStore:
    """Let the bot ask about servers from now on; server 1 joins."""
    admissions = AdmissionStore(database)
    await admissions.set_policy(AdmissionPolicy(mode))
    await admissions.present([])
    await admissions.seen(SeenGuild(1, "Strangers\n\x1b[2J 'friends'", 12))
    return admissions


async def test_a_server_is_allowed_and_refused_beside_a_running_bot(
    run_operator: OperatorCommand, store: JobStore, database: Database
) -> None:
    admissions = await start_asking(database)
    listed = await run_operator("admissions", "--state", "waiting")
    assert re.fullmatch(
        r"server 1 \(Strangers \[2J 'friends'\): waiting, 12 members, since \S+\n1 servers waiting\n",
        listed.out,
    )
    with pytest.raises(MemberError):
        await accept(store, make_job(), NO_CONTEXT)
    result = await run_operator.process("allow", "1", "50")
    assert result == CommandResult(0, "server 1: allowed, at most 50 credits a month\n", "")
    assert await accept(store, make_job(), NO_CONTEXT)
    result = await run_operator("allow", "1", "8", "--period", "total")
    assert result.out == "server 1: allowed, at most 8 credits in total\n"
    assert (await run_operator("guilds")).out.startswith(
        "server 1: 4 credits, limit 200 credits a month, ceiling 8 credits in total\n"
    )
    assert (await run_operator("refuse", "1", "--yes")).code == 0
    assert [each.guild_id for each in await admissions.to_explain()] == [1]
    with pytest.raises(MemberError):
        await accept(store, make_job(), NO_CONTEXT)
    assert "refused" in (await run_operator("admissions")).out
    assert (await run_operator("admissions", "--state", "allowed")).out == "0 servers allowed\n"
    await run_operator("allow", "1", "8")
    assert ": allowed, 12 members" in (await run_operator("admissions", "--state", "allowed")).out
    assert "decided on the command line at" in (await run_operator("admissions")).out


@pytest.mark.parametrize(("answer", "refused"), [("y\n", True), ("Yes\n", True), ("n\n", False), ("", False)])
async def test_refuse_asks_once(
    run_operator: OperatorCommand,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    refused: bool,
) -> None:
    admissions = await start_asking(database)
    terminal = io.StringIO(answer)
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stdin", terminal)
    result = await run_operator("refuse", "1")
    assert "Refuse server 1 (Strangers [2J 'friends'), and leave it in a day?" in result.err
    assert result.code == (0 if refused else 1)
    found = await admissions.get(1)
    assert found is not None
    assert (found.state == "refused") is refused


async def test_without_a_terminal_refuse_needs_a_yes(
    run_operator: OperatorCommand, database: Database
) -> None:
    await start_asking(database)
    result = await run_operator.process("refuse", "1")
    assert (result.code, result.out) == (1, "")
    assert result.err == "without a terminal to ask on, confirm with --yes\nnothing was changed\n"


async def test_a_server_can_be_allowed_before_it_invites_the_bot_and_a_list_is_pointed_out(
    run_operator: OperatorCommand, database: Database
) -> None:
    admissions = await start_asking(database, AdmissionMode.LIST)
    result = await run_operator("allow", "123456789012345678", "50")
    assert (result.code, "guilds.allowed decides" in result.err) == (0, True)
    await admissions.set_policy(AdmissionPolicy(AdmissionMode.APPROVE))
    await admissions.seen(SeenGuild(123456789012345678, "Friends"))
    assert [each.guild_id for each in await admissions.to_ask()] == []


async def test_removing_a_ceiling_says_what_counts_now(
    run_operator: OperatorCommand, database: Database
) -> None:
    ceiling = Limit(90, Period.WEEK, scope=LimitScope.CEILING)
    await apply_default_ceiling(database, ceiling, Limit(200, Period.MONTH), 1)
    result = await run_operator("ceiling", "--each", "--credits", "9")
    assert result.out == "each server: from 90 credits a week to 9 credits a month\n"
    result = await run_operator("ceiling", "--each", "--remove")
    assert result.out == "each server: from 9 credits a month to 90 credits a week\n"
    await run_operator("ceiling", "--guild", "1", "--credits", "500")
    result = await run_operator("ceiling", "--guild", "1", "--remove")
    assert result.out.splitlines() == [
        "server 1: from 500 credits a month to none",
        "it has the ceiling of each server now: 90 credits a week",
    ]


async def make_late(store: JobStore, *, stage: str = "created") -> str:
    """Accept a job and make it late; return its id."""
    job = make_job()
    await accept(store, job, NO_CONTEXT)
    await store.acknowledged(job.job_id, 77)
    await store.creating(job.job_id, "{}")
    await store.created(job.job_id, "task_1", 4)
    if stage == "succeeded":
        await store.succeeded(job.job_id, "https://pictures.example/1.png", 4)
        await store.record_unreadable_result(job.job_id, "ab" * 32, 512)
    await store.late(job.job_id, "paused\nby\x1b[2J the provider")
    return job.job_id


async def test_late_jobs_are_listed_with_what_they_wait_for(
    run_operator: OperatorCommand, store: JobStore
) -> None:
    job_id = await make_late(store, stage="succeeded")
    listed = await run_operator("late")
    line, total = listed.out.splitlines()
    assert line.startswith(f"{job_id} server 1 accepted ")
    assert "waits for its picture, to be downloaded, task task_1" in line
    assert "last answer: paused by [2J the provider, downloaded instead: 512 bytes in" in line
    assert line.endswith("pictures/" + "ab" * 32)
    assert total == "1 late jobs; page 1 of 1"


async def test_a_late_job_is_tried_abandoned_and_released_once(
    run_operator: OperatorCommand, store: JobStore, database_path: Path
) -> None:
    job_id = await make_late(store)
    late_jobs = LateJobStore(store._database)
    assert (await run_operator("retry", job_id)).code == 0
    assert [wakeup.job_id for wakeup in await late_jobs.wakeups()] == [job_id]
    unconfirmed = await run_operator("release", job_id, "stuck")
    assert (unconfirmed.code, "--yes" in unconfirmed.err) == (1, True)
    assert [entry["state"] for entry in export_ledger(database_path)] == ["held"]
    assert (await run_operator("release", job_id, "stuck", "--yes")).code == 0
    again = await run_operator("release", job_id, "stuck", "--yes")
    assert (again.code, "has ended" in again.out) == (1, True)
    assert [entry["state"] for entry in export_ledger(database_path)] == ["released"]
    assert "0 late jobs" in (await run_operator("late")).out


async def test_an_abandoned_job_keeps_its_credits_until_it_is_closed(
    run_operator: OperatorCommand, store: JobStore, database_path: Path
) -> None:
    job_id = await make_late(store)
    assert (await run_operator("abandon", job_id.upper(), "stuck")).code == 0
    assert [entry["state"] for entry in export_ledger(database_path)] == ["held"]
    await store.failure_notified(job_id)
    assert (await run_operator("close", job_id, "4", "Rivya charged it")).code == 0
    assert [entry["state"] for entry in export_ledger(database_path)] == ["settled"]


@pytest.mark.parametrize("command", [("retry",), ("abandon", "why"), ("release", "why", "--yes")])
async def test_a_job_that_is_not_late_or_unknown_is_left_alone(
    run_operator: OperatorCommand, store: JobStore, command: tuple[str, ...]
) -> None:
    job = make_job()
    await accept(store, job, NO_CONTEXT)
    name, *rest = command
    usual = await run_operator(name, job.job_id, *rest)
    assert (usual.code, "under way as usual" in usual.out) == (1, True)
    unknown = await run_operator(name, "nonsense", *rest)
    assert (unknown.code, "is no job" in unknown.out) == (1, True)
