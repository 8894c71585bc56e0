"""The engine with a real database and a fake Rivya over HTTP; only the delivery to Discord is a fake."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
import structlog
from structlog.testing import capture_logs

from bot.domain.errors import LimitExceeded, MemberError, MemberReason
from bot.domain.jobs import Job, Reference, Request, RequestContext, Stage, stored_url
from bot.domain.limits import Limit
from bot.domain.periods import Period
from bot.domain.progress import Phase
from bot.engine import engine as engine_module
from bot.engine.polling.duration_store import TaskDurationStore
from bot.engine.polling.schedule import DurationBounds
from bot.engine.polling.task_kind import TaskKind
from bot.engine.runner import JobRunner
from bot.engine.timings import Timings
from bot.images import processing
from bot.jobs.history import HistoryStore
from bot.jobs.requests.submission import Accepted, Duplicate
from bot.rivya.calls import ApiTimeouts
from bot.rivya.models import Task
from bot.storage.database import Database
from bot.storage.picture_store import picture_folder
from sandbox.fake_rivya.faults import FaultName
from tests.support.engine_harness import (
    TIMINGS,
    EngineHarness,
    MakeHarness,
    stored_picture,
    wait_logged,
    write_protect,
)
from tests.support.factories import NO_CONTEXT, make_request, submit
from tests.support.images import make_picture
from tests.support.waiting import PATIENCE_SECONDS, soon, until

SHORT_TIMEOUTS = ApiTimeouts(create_seconds=0.5)
"""For tests in which a call has to time out."""


async def test_a_picture_is_generated_charged_and_delivered(harness: EngineHarness) -> None:
    job = await harness.submit_and_wait()
    assert job.stage is Stage.DELIVERED
    picture, receipt = harness.delivery.delivered[job.job_id]
    assert (picture.width, picture.format) == (64, "png")
    assert (receipt.charged_credits, receipt.usage.spent_credits, receipt.usage.left_credits) == (4, 4, 196)
    task = next(iter(harness.rivya.tasks.values()))
    assert (task.key, task.client_request_id) == (job.job_id, job.job_id)
    assert harness.rivya.charged_credits == 4
    assert harness.delivery.progress[job.job_id], "the member saw no progress"


async def test_a_reference_is_uploaded_for_the_task(harness: EngineHarness) -> None:
    request = make_request(reference=Reference(f"{harness.files}/fox.png", "fox.png", "image/png", 200))
    job = await harness.submit_and_wait(request)
    assert job.stage is Stage.DELIVERED
    task = next(iter(harness.rivya.tasks.values()))
    assert task.reference_id is not None


async def test_the_duration_token_of_an_upload_goes_into_every_create_call(
    make_harness: MakeHarness,
) -> None:
    first = make_harness()
    first.rivya.gives_duration_tokens = True
    # The task is made and the response lost, so the same body is sent again.
    first.rivya.faults.add("cut_after", "create", times=2)
    request = make_request(reference=Reference(f"{first.files}/fox.png", "fox.png", "image/png", 200))
    job = await first.submit_and_wait(request)
    assert job.stage is Stage.DELIVERED
    (upload,) = first.rivya.uploads.values()
    assert [each.duration_token for each in job.uploads] == [upload.duration_token]
    assert job.create_body is not None
    (item,) = json.loads(job.create_body)["params"]["referenceMediaItems"]
    assert (item["durationToken"], item["durationSeconds"], item["name"]) == (
        upload.duration_token,
        1.5,
        "reference.png",
    )
    assert len(first.rivya.tasks) == 1


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("notes.png", MemberReason.REFERENCE_TYPE),
        ("half.png", MemberReason.REFERENCE_UNREADABLE),
        ("gone.png", MemberReason.REFERENCE_GONE),
    ],
)
async def test_an_unusable_reference_costs_nothing_and_the_member_is_told(
    harness: EngineHarness, name: str, reason: MemberReason
) -> None:
    request = make_request(reference=Reference(f"{harness.files}/{name}", name, "image/png", 200))
    job = await harness.submit_and_wait(request)
    assert job.stage is Stage.FAILED
    assert harness.delivery.failures[job.job_id].code == reason
    assert await harness.state(job) == "released"
    assert harness.rivya.tasks == {}
    assert harness.rivya.uploads == {}


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (make_request(prompt=" \n\t "), MemberReason.PROMPT_EMPTY),
        (make_request(prompt="\u200b\u2800\u3164\ufe0f\u0301"), MemberReason.PROMPT_EMPTY),
        (make_request(prompt="x" * 5001), MemberReason.PROMPT_TOO_LONG),
        (
            make_request(reference=Reference("https://x", "big.png", "image/png", 11_000_000)),
            MemberReason.REFERENCE_TOO_BIG,
        ),
        (
            make_request(reference=Reference("https://x", "notes.txt", "text/plain", 10)),
            MemberReason.REFERENCE_TYPE,
        ),
    ],
)
async def test_an_invalid_request_is_refused_and_not_stored(
    harness: EngineHarness, request_: Request, reason: MemberReason
) -> None:
    with pytest.raises(MemberError) as refused:
        await harness.engine.submit(request_, NO_CONTEXT)
    assert refused.value.reason is reason
    assert await harness.store.unfinished() == []


@pytest.mark.parametrize("prompt", ["🦊", "狐", "x", "\u200b👨\u200d👩\u200d👧", "?"])
async def test_any_visible_character_is_a_prompt(harness: EngineHarness, prompt: str) -> None:
    assert (await harness.submit_and_wait(make_request(prompt=prompt))).stage is Stage.DELIVERED


async def test_temporary_files_of_a_killed_process_are_removed(
    make_harness: MakeHarness, database_path: Path
) -> None:
    leftover = database_path.with_name("scratch") / "old"
    leftover.mkdir(parents=True)
    (leftover / "original").write_bytes(make_picture())
    harness = make_harness()
    assert not leftover.exists()
    await harness.submit_and_wait(
        make_request(reference=Reference(f"{harness.files}/fox.png", "fox.png", None, 9))
    )
    assert list(leftover.parent.iterdir()) == []


async def test_a_channel_where_the_bot_may_not_post_is_refused(harness: EngineHarness) -> None:
    with pytest.raises(MemberError) as refused:
        await harness.engine.submit(make_request(), RequestContext(missing_permissions=("attach_files",)))
    assert refused.value.data == {"missing": ("attach_files",)}


async def test_the_same_interaction_twice_is_one_job(harness: EngineHarness) -> None:
    first = await harness.submit(make_request(interaction_id=5))
    assert await harness.engine.submit(make_request(interaction_id=5), NO_CONTEXT) == Duplicate()
    await harness.wait(first)
    assert len(harness.rivya.tasks) == 1


async def test_a_guild_over_its_limit_is_refused_with_its_usage(harness: EngineHarness) -> None:
    await harness.credit_admin.set_limit(1, Limit(7, Period.DAY), set_by=9)
    await harness.submit_and_wait()
    with pytest.raises(LimitExceeded) as refused:
        await harness.engine.submit(make_request(), NO_CONTEXT)
    usage = refused.value.usage
    assert (usage.spent_credits, usage.limit_credits, usage.period) == (4, 7, "day")
    assert usage.resets_at is not None


async def test_credits_of_a_refused_prompt_are_released_and_the_member_is_told(
    harness: EngineHarness,
) -> None:
    job = await harness.submit_and_wait(make_request(prompt="something forbidden"))
    assert job.stage is Stage.FAILED
    assert (harness.delivery.failures[job.job_id].cause, await harness.state(job)) == ("rivya", "released")
    assert harness.rivya.charged_credits == 0


@pytest.mark.parametrize("mode", ["error", "failed_task"])
async def test_an_empty_balance_is_a_failure_of_the_operator(
    harness: EngineHarness, mode: Literal["error", "failed_task"]
) -> None:
    harness.rivya.wallet_credits = 3
    harness.rivya.wallet_mode = mode
    job = await harness.submit_and_wait()
    failure = harness.delivery.failures[job.job_id]
    assert (failure.cause, failure.charged_credits, await harness.state(job)) == ("operator", 0, "released")


async def test_a_refused_key_is_logged_once_for_several_jobs(harness: EngineHarness) -> None:
    harness.rivya.api_key = "rvya_sk_another"
    with structlog.testing.capture_logs() as lines:
        jobs = [await harness.submit() for _ in range(4)]
        ended = [await harness.wait(job) for job in jobs]
    assert {job.stage for job in ended} == {Stage.FAILED}
    assert {harness.delivery.failures[job.job_id].cause for job in ended} == {"operator"}
    loud = [line for line in lines if line["event"] == "operator must act" and line["log_level"] == "error"]
    assert len(loud) == 1
    assert (await harness.ledger.usage(1)).used_credits == 0


@pytest.mark.parametrize("fault", ["cut_after", "cut_before", "half_json", "stall"])
async def test_a_create_call_with_an_unclear_outcome_makes_one_task(
    make_harness: MakeHarness, fault: FaultName
) -> None:
    harness = make_harness(time_outs=SHORT_TIMEOUTS)
    harness.rivya.faults.add(fault, "create", times=3)
    job = await harness.submit_and_wait()
    assert job.stage is Stage.DELIVERED
    assert len(harness.rivya.tasks) == 1
    assert harness.rivya.charged_credits == 4


async def test_a_create_call_that_times_out_is_repeated_and_makes_one_task(
    make_harness: MakeHarness,
) -> None:
    harness = make_harness(time_outs=SHORT_TIMEOUTS)
    harness.rivya.faults.add("lag", "create", seconds=0.8)
    job = await harness.submit_and_wait()
    assert job.stage is Stage.DELIVERED
    assert len(harness.rivya.tasks) == 1


async def test_a_key_refused_after_an_unanswered_create_keeps_the_credits_held(
    harness: EngineHarness,
) -> None:
    key = harness.rivya.api_key
    harness.rivya.faults.add("cut_after", "create", times=2)
    job = await harness.submit()
    await harness.rivya.created(1)
    harness.rivya.api_key = "rvya_sk_another"
    await harness.rivya.until(lambda: any(call[2] == 401 for call in harness.rivya.calls))
    assert await harness.state(job) == "held"
    harness.rivya.api_key = key
    assert (await harness.wait(job)).stage is Stage.DELIVERED
    assert len(harness.rivya.tasks) == 1


def phases_shown(harness: EngineHarness, job: Job) -> list[Phase]:
    """Return the phases that were shown of a job, in order."""
    return [progress.phase for progress in harness.delivery.progress[job.job_id]]


async def test_a_late_task_is_shown_as_late_and_still_delivered(make_harness: MakeHarness) -> None:
    timings = Timings(0.01, 0.02, late_after_seconds=3600, progress_seconds=0.04)
    harness = make_harness(timings=timings)
    harness.rivya.hold()
    job = await harness.submit()
    await until(lambda: Phase.PAINTING in phases_shown(harness, job))
    # Only from now on, so that the task was shown as being generated first.
    object.__setattr__(timings, "late_after_seconds", 0.0)
    await until(lambda: Phase.LATE in phases_shown(harness, job))
    harness.rivya.release()
    ended = await harness.wait(job)
    assert ended.stage is Stage.DELIVERED
    shown = phases_shown(harness, job)
    assert shown.index(Phase.PAINTING) < shown.index(Phase.LATE)
    assert Phase.PAINTING not in shown[shown.index(Phase.LATE) :]
    assert ended.delay_notified_at is not None


async def test_a_picture_that_cannot_be_posted_is_stored(harness: EngineHarness) -> None:
    harness.delivery.undeliverable = True
    job = await harness.submit_and_wait()
    assert job.stage is Stage.UNDELIVERABLE
    assert job.finished_at is not None
    assert await harness.state(job) == "settled"
    assert await stored_picture(harness, job) == make_picture()


async def test_a_private_picture_is_stored_before_it_is_delivered(harness: EngineHarness) -> None:
    request = make_request()
    seen: list[bytes | None] = []

    async def look() -> None:
        (job_id,) = harness.delivery.delivered
        job = await harness.store.find(job_id)
        assert job is not None
        seen.append(await stored_picture(harness, job))

    harness.delivery.on_delivery = look
    private = replace(request, destination=replace(request.destination, private=True))
    job = await harness.submit_and_wait(private)
    assert job.stage is Stage.DELIVERED
    assert seen == [harness.delivery.delivered[job.job_id][0].data] == [await stored_picture(harness, job)]


async def test_a_public_picture_is_not_stored(harness: EngineHarness, database: Database) -> None:
    job = await harness.submit_and_wait()
    item = await HistoryStore(database).find(job.job_id)
    assert item is not None
    assert item.kept_sha256 is None
    assert not picture_folder(harness.store._database._path).exists()


async def test_a_repeated_request_sends_the_stored_reference_even_if_its_url_is_gone(
    harness: EngineHarness,
) -> None:
    first = await harness.submit_and_wait(
        make_request(reference=Reference(f"{harness.files}/fox.png", "fox.png", "image/png", 200))
    )
    (reference,) = first.request.references
    sha256 = reference.sha256
    assert sha256 is not None
    dead = replace(reference, url=f"{harness.files}/gone.png")
    again = await harness.submit_and_wait(make_request(reference=dead))
    assert again.stage is Stage.DELIVERED
    assert [each.sha256 for each in again.request.references] == [sha256]
    sent = [upload.data for upload in harness.rivya.uploads.values()]
    assert sent == [await harness.picture_store.read(sha256)] * 2


async def test_a_stored_picture_can_be_the_reference_and_a_missing_one_costs_nothing(
    harness: EngineHarness,
) -> None:
    result = await harness.picture_store.save(make_picture())
    reference = Reference(stored_url(result), "fox.png", "image/png", 0)
    job = await harness.submit_and_wait(make_request(reference=reference))
    assert job.stage is Stage.DELIVERED
    assert len(harness.rivya.uploads) == 1
    harness.picture_store.path(result).unlink()
    lost = await harness.submit_and_wait(make_request(reference=reference))
    assert (lost.stage, harness.delivery.failures[lost.job_id].code) == (
        Stage.FAILED,
        MemberReason.REFERENCE_GONE,
    )
    assert await harness.state(lost) == "released"
    assert (len(harness.rivya.uploads), len(harness.rivya.tasks)) == (1, 1)


async def test_a_private_picture_is_delivered_even_if_it_cannot_be_stored(harness: EngineHarness) -> None:
    folder = picture_folder(harness.store._database._path)
    folder.write_text("in the way")
    request = make_request()
    with structlog.testing.capture_logs() as lines:
        job = await harness.submit(replace(request, destination=replace(request.destination, private=True)))
        assert (await harness.wait(job)).stage is Stage.DELIVERED
        await wait_logged(lines, event="operator must act", code="disk")
        await wait_logged(lines, event="a private picture was brought and is not kept")
    assert await harness.state(job) == "settled"
    assert len(harness.delivery.delivered) == 1


async def test_an_undeliverable_picture_waits_until_it_can_be_stored(harness: EngineHarness) -> None:
    folder = picture_folder(harness.store._database._path)
    folder.write_text("in the way")
    harness.delivery.undeliverable = True
    with structlog.testing.capture_logs() as lines:
        job = await harness.submit(make_request())
        await wait_logged(lines, event="operator must act", code="disk")
    folder.unlink()
    assert (await harness.wait(job)).stage is Stage.UNDELIVERABLE
    assert await stored_picture(harness, job) == make_picture()


async def test_no_progress_is_shown_during_the_delivery(make_harness: MakeHarness) -> None:
    async def linger() -> None:
        for _ in range(30):
            await asyncio.sleep(0.001)

    harness = make_harness(timings=Timings(0.02, 0.02, progress_seconds=0.001))
    harness.delivery.on_delivery = linger
    harness.rivya.hold()
    job = await harness.submit()
    # Progress is shown so often that it could meet the delivery.
    await until(lambda: len(phases_shown(harness, job)) > 2)
    harness.rivya.release()
    assert (await harness.wait(job)).stage is Stage.DELIVERED
    assert harness.delivery.overlaps == []


async def test_delivery_waits_while_discord_is_unreachable(harness: EngineHarness) -> None:
    harness.delivery.transient_errors = 3
    job = await harness.submit_and_wait()
    assert job.stage is Stage.DELIVERED


async def test_a_failed_download_of_the_result_is_repeated(harness: EngineHarness) -> None:
    harness.rivya.faults.add("status", "result", times=2, code=500)
    harness.rivya.faults.add("lying_length", "result", times=1)
    assert (await harness.submit_and_wait()).stage is Stage.DELIVERED


async def test_every_job_is_delivered_after_a_rate_limit(harness: EngineHarness) -> None:
    harness.rivya.faults.add("status", "create", times=2, code=429, error_code="rate_limited", retry_after=0)
    jobs = [await harness.submit() for _ in range(3)]
    assert {(await harness.wait(job)).stage for job in jobs} == {Stage.DELIVERED}
    assert len(harness.rivya.tasks) == 3


async def test_a_job_without_a_reply_is_cancelled_and_costs_nothing(harness: EngineHarness) -> None:
    harness.delivery.has_reply = False
    harness.delivery.transient_errors = 1
    job = await harness.wait(await harness.submit(answered=False))
    assert job.stage is Stage.CANCELLED
    assert await harness.state(job) == "released"
    assert harness.rivya.tasks == {}


async def test_a_reply_that_discord_has_is_found_again(harness: EngineHarness) -> None:
    job = await harness.wait(await harness.submit(answered=False))
    assert (job.stage, job.message_id) == (Stage.DELIVERED, 77)


async def test_an_unacknowledged_job_is_cancelled_and_released(harness: EngineHarness) -> None:
    job = await submit(harness.engine)
    await harness.engine.cancel_unacknowledged(job)
    assert (await harness.wait(job)).stage is Stage.CANCELLED
    assert (await harness.ledger.usage(1)).used_credits == 0


async def submit_three(harness: EngineHarness) -> tuple[Job, ...]:
    """Submit a request for three pictures; none has started."""
    result = await harness.engine.submit(replace(make_request(), pictures=3), NO_CONTEXT)
    assert isinstance(result, Accepted)
    return result.jobs


async def test_all_pictures_of_an_unacknowledged_request_are_cancelled(harness: EngineHarness) -> None:
    jobs = await submit_three(harness)
    await harness.engine.cancel_unacknowledged(*jobs)
    assert [(await harness.wait(job)).stage for job in jobs] == [Stage.CANCELLED] * 3
    assert [await harness.state(job) for job in jobs] == ["released"] * 3


@pytest.mark.parametrize("cancelled", [0, 1, 2])
async def test_after_a_crash_while_pictures_are_cancelled_the_next_start_cancels_the_others(
    make_harness: MakeHarness, cancelled: int
) -> None:
    first: EngineHarness = make_harness()
    jobs = await submit_three(first)
    await first.engine.cancel_unacknowledged(*jobs[:cancelled])
    await soon(first.engine.close())
    second = make_harness()
    second.delivery.has_reply = False
    assert await second.engine.resume() == 3 - cancelled
    assert [(await second.wait(job)).stage for job in jobs] == [Stage.CANCELLED] * 3
    assert [await second.state(job) for job in jobs] == ["released"] * 3
    assert second.rivya.tasks == {}


async def test_an_answer_that_one_picture_was_acknowledged_by_counts_for_the_others_after_a_crash(
    make_harness: MakeHarness,
) -> None:
    first: EngineHarness = make_harness()
    jobs = await submit_three(first)
    await first.store.acknowledged(jobs[1].job_id, 77)
    await soon(first.engine.close())
    second = make_harness()
    second.delivery.has_reply = False  # deleted meanwhile
    assert await second.engine.resume() == 3
    assert [(await second.wait(job)).stage for job in jobs] == [Stage.DELIVERED] * 3
    assert [await second.state(job) for job in jobs] == ["settled"] * 3


async def test_jobs_interrupted_by_close_are_finished_by_the_next_start(make_harness: MakeHarness) -> None:
    first: EngineHarness = make_harness(max_running=2)
    first.rivya.hold()
    jobs = [await first.submit() for _ in range(5)]
    await first.rivya.created(2)
    await soon(first.engine.close())
    with pytest.raises(MemberError) as refused:
        await first.engine.submit(make_request(), NO_CONTEXT)
    assert refused.value.reason is MemberReason.CLOSING
    assert len(await first.store.unfinished()) == 5
    first.rivya.release()
    second: EngineHarness = make_harness(max_running=2)
    assert await second.engine.resume() == 5
    assert {(await second.wait(job)).stage for job in jobs} == {Stage.DELIVERED}
    assert len(first.rivya.tasks) == 5
    assert first.rivya.charged_credits == 20


async def test_queued_jobs_show_their_position(make_harness: MakeHarness) -> None:
    harness = make_harness(max_running=1)
    harness.rivya.hold()
    jobs = [await harness.submit() for _ in range(3)]
    await harness.rivya.until(
        lambda: all(harness.delivery.progress[job.job_id] for job in jobs) and len(harness.rivya.tasks) == 1
    )
    assert [harness.delivery.progress[job.job_id][-1].position for job in jobs[1:]] == [1, 2]
    harness.rivya.release()
    assert {(await harness.wait(job)).stage for job in jobs} == {Stage.DELIVERED}
    assert harness.rivya.peak_concurrent == 1


async def test_a_task_that_could_not_be_recorded_is_not_released_by_a_later_refusal(
    harness: EngineHarness,
) -> None:
    key = harness.rivya.api_key
    lag = harness.rivya.faults.add("lag", "create", seconds=PATIENCE_SECONDS)
    job = await harness.submit()
    with structlog.testing.capture_logs() as lines:
        await harness.rivya.until(lambda: bool(harness.rivya.keys_in_flight))
        await write_protect(harness, on=True)
        lag.over.set()
        await wait_logged(lines, event="operator must act", code="database")
        harness.rivya.api_key = "rvya_sk_another"
        await write_protect(harness, on=False)
        await wait_logged(lines, event="operator must act", code="key_refused")
    assert (len(harness.rivya.tasks), await harness.state(job)) == (1, "held")
    harness.rivya.api_key = key
    assert (await harness.wait(job)).stage is Stage.DELIVERED
    assert await harness.state(job) == "settled"


async def test_a_database_error_after_the_delivery_leads_to_no_second_one(
    harness: EngineHarness,
) -> None:
    harness.delivery.on_delivery = lambda: write_protect(harness, on=True)
    with structlog.testing.capture_logs() as lines:
        job = await harness.submit()
        await wait_logged(lines, event="setback", stage=Stage.SUCCEEDED, setbacks=2)
    await write_protect(harness, on=False)
    assert (await harness.wait(job)).stage is Stage.DELIVERED


async def test_a_database_error_after_a_failure_message_leads_to_no_second_one(
    harness: EngineHarness,
) -> None:
    harness.delivery.on_delivery = lambda: write_protect(harness, on=True)
    with structlog.testing.capture_logs() as lines:
        job = await harness.submit(make_request(prompt="something forbidden"))
        await wait_logged(lines, event="setback", stage=Stage.FAILED, setbacks=2)
    await write_protect(harness, on=False)
    assert (await harness.wait(job)).finished_at is not None


async def test_a_task_of_another_job_is_never_accepted(harness: EngineHarness) -> None:
    first = await harness.submit_and_wait()
    assert first.task_id is not None
    taken = first.task_id
    harness.rivya.new_id = lambda _: taken  # type: ignore[method-assign,assignment]  # every task gets the id of the first
    second = await harness.submit_and_wait()
    assert (second.stage, second.task_id) == (Stage.FAILED, None)
    assert (await harness.state(first), await harness.state(second)) == ("settled", "held")
    assert harness.delivery.failures[second.job_id].in_doubt


async def test_an_error_in_the_progress_message_stops_no_job(make_harness: MakeHarness) -> None:
    harness = make_harness(timings=Timings(0.01, 0.02, late_after_seconds=0.05, progress_seconds=0.02))
    harness.delivery.broken.add("show_progress")
    harness.rivya.hold()
    with structlog.testing.capture_logs() as lines:
        job = await harness.submit()
        await wait_logged(lines, event="progress line broke", phase=Phase.LATE)
        harness.rivya.release()
        assert (await harness.wait(job)).stage is Stage.DELIVERED
    assert not any(line["event"] == "walk broke" for line in lines)


async def test_a_job_that_met_a_bug_is_restarted_from_its_row(harness: EngineHarness) -> None:
    harness.delivery.broken.add("deliver")
    with structlog.testing.capture_logs() as lines:
        job = await harness.submit_and_wait()
    assert job.stage is Stage.DELIVERED
    assert [line["event"] for line in lines].count("walk broke") == 1
    assert (len(harness.rivya.tasks), await harness.state(job)) == (1, "settled")


async def test_a_job_that_meets_a_bug_every_time_is_released_and_the_member_is_told(
    harness: EngineHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "RESTART_DELAYS_POLLS", (1, 1))
    monkeypatch.setattr(processing, "normalise_reference", lambda *_, **__: 1 / 0)
    request = make_request(reference=Reference(f"{harness.files}/fox.png", "fox.png", "image/png", 200))
    with structlog.testing.capture_logs() as lines:
        job = await harness.submit_and_wait(request)
    assert [line["event"] for line in lines].count("walk broke") == 3
    failure = harness.delivery.failures[job.job_id]
    assert (failure.cause, failure.code, await harness.state(job)) == ("developer", "bug", "released")
    assert job.finished_at is not None


async def test_a_job_requested_from_rivya_is_never_released_for_a_bug(
    harness: EngineHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "RESTART_DELAYS_POLLS", (1, 1))
    monkeypatch.setattr(Task, "from_json", lambda _: 1 / 0)
    job = await harness.submit_and_wait()
    assert (job.stage, await harness.state(job), len(harness.rivya.tasks)) == (Stage.ACCEPTED, "held", 1)
    monkeypatch.undo()
    await harness.engine.resume()
    assert (await harness.wait(job)).stage is Stage.DELIVERED
    assert (len(harness.rivya.tasks), await harness.state(job)) == (1, "settled")


async def test_an_unwritable_temporary_folder_is_a_failure_of_the_operator(
    make_harness: MakeHarness, database_path: Path
) -> None:
    database_path.with_name("scratch").write_text("a file in the way of the folder")
    harness = make_harness()
    request = make_request(reference=Reference(f"{harness.files}/fox.png", "fox.png", "image/png", 200))
    job = await harness.submit_and_wait(request)
    failure = harness.delivery.failures[job.job_id]
    assert (failure.cause, failure.code, await harness.state(job)) == ("operator", "disk", "released")


async def test_a_clock_set_back_delays_no_poll(
    harness: EngineHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.rivya.hold()
    job = await harness.submit()
    await harness.rivya.created(1)
    await soon(harness.engine.close())
    await harness.store._database.run(
        lambda tx: tx.execute("UPDATE jobs SET task_created_at = task_created_at + 3600000").close()
    )
    harness.rivya.release()
    runner = JobRunner(await harness.wait(job), harness.engine._dependencies)
    assert 0 <= runner._poller.seconds_until_next(runner._age_seconds()) <= TIMINGS.first_poll_seconds


async def test_a_lone_surrogate_is_refused_and_not_stored(harness: EngineHarness) -> None:
    with pytest.raises(MemberError) as refused:
        await harness.engine.submit(make_request(prompt="a red \ud83e fox"), NO_CONTEXT)
    assert refused.value.reason is MemberReason.PROMPT_REFUSED
    assert await harness.store.unfinished() == []


async def test_any_other_character_is_sent_unchanged(harness: EngineHarness) -> None:
    prompt = "a red \0 fox \u202e\x7f \U0010ffff 🦊'; DROP TABLE jobs; --"
    job = await harness.submit_and_wait(make_request(prompt=prompt))
    assert (job.stage, job.request.prompt) == (Stage.DELIVERED, prompt)
    assert next(iter(harness.rivya.tasks.values())).prompt == prompt


async def test_while_rivya_is_down_jobs_wait_and_only_the_probe_calls_it(make_harness: MakeHarness) -> None:
    harness = make_harness(with_circuit_breaker=True, timings=replace(TIMINGS, progress_seconds=0.01))
    down = [
        harness.rivya.faults.add("status", route, times=None, code=503) for route in ("create", "credits")
    ]
    with structlog.testing.capture_logs() as logs:
        jobs = [await harness.submit() for _ in range(4)]
        probe = down[1]
        await until(lambda: all(Phase.OUTAGE in phases_shown(harness, job) for job in jobs))
        created, probed = down[0].hits, probe.hits
        await until(lambda: probe.hits >= probed + 6)
        assert down[0].hits == created
        assert [line["log_level"] for line in logs if line.get("code") == "rivya_down"] == ["error"]
        assert all(
            Phase.OUTAGE in {line.phase for line in harness.delivery.progress[job.job_id]} for job in jobs
        )
        assert {await harness.state(job) for job in jobs} == {"held"}
        harness.rivya.faults.clear()
        ended = [await harness.wait(job) for job in jobs]
    assert {job.stage for job in ended} == {Stage.DELIVERED}
    assert len(harness.rivya.tasks) == len(jobs)


async def test_recorded_durations_delay_the_first_poll(make_harness: MakeHarness, database: Database) -> None:
    kind = TaskKind("qwen-image", with_reference=False)
    for _ in range(20):
        await TaskDurationStore(database).record(kind, DurationBounds(0.28, 0.3))
    harness = make_harness(timings=Timings(0.02, 0.1))
    await harness.engine.resume()
    harness.rivya.hold()
    started = asyncio.get_running_loop().time()
    job = await harness.submit()
    await harness.rivya.until(lambda: any(task.polls for task in harness.rivya.tasks.values()))
    # Without the recorded durations the first poll is after 0.02 s; a slow machine only makes it later.
    assert asyncio.get_running_loop().time() - started > 0.1
    harness.rivya.release()
    assert (await harness.wait(job)).stage is Stage.DELIVERED


async def test_durations_of_tasks_polled_from_start_to_end_are_recorded(
    make_harness: MakeHarness, database: Database
) -> None:
    harness = make_harness()
    await harness.submit_and_wait()
    await harness.submit_and_wait(
        make_request(reference=Reference(f"{harness.files}/fox.png", "fox.png", "image/png", 200))
    )
    harness.rivya.hold()
    interrupted = await harness.submit()
    await harness.rivya.created(3)
    await soon(harness.engine.close())
    harness.rivya.release()
    again: EngineHarness = make_harness()
    await again.engine.resume()
    assert (await again.wait(interrupted)).stage is Stage.DELIVERED
    history = await TaskDurationStore(database).recent()
    assert {kind.with_reference: len(endings) for kind, endings in history.items()} == {False: 1, True: 1}
    for (ending,) in history.values():
        assert 0 <= ending.after_seconds <= ending.by_seconds < PATIENCE_SECONDS


@pytest.mark.parametrize(
    ("status", "code", "reason", "reported"),
    [
        (422, "content_policy_violation", MemberReason.CONTENT_REFUSED, False),
        (422, "invented_yesterday", MemberReason.REQUEST_REFUSED, True),
    ],
)
async def test_an_unknown_refusal_is_told_and_reported_and_costs_nothing(
    harness: EngineHarness, status: int, code: str, reason: MemberReason, reported: bool
) -> None:
    harness.rivya.faults.add("status", "create", times=2, code=status, error_code=code)
    with capture_logs() as lines:
        jobs = [await harness.submit_and_wait() for _ in range(2)]
    for job in jobs:
        assert job.failure is not None
        assert (job.stage, job.failure.cause, job.failure.code) == (Stage.FAILED, "member", reason)
        assert await harness.state(job) == "released"
    errors = [line for line in lines if line["event"] == "operator must act" and line["log_level"] == "error"]
    assert [line["code"] for line in errors] == (["request_refused"] if reported else [])
    assert harness.rivya.tasks == {}
