"""The engine on real rows, a real wire and a strict stand-in; only the courier is made by hand."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
import structlog

from bot.domain.errors import LimitReached, MemberError, MemberReason
from bot.domain.jobs import Job, Phase, Presence, Reference, Request, Stage, kept_url
from bot.domain.limits import Limit
from bot.engine import engine as engine_module
from bot.engine.polling.duration_store import Durations
from bot.engine.polling.schedule import Ending
from bot.engine.polling.scheduler import Kind
from bot.engine.runner import Walk
from bot.engine.timings import Beat
from bot.images import workers as easel_module
from bot.jobs.history import Gallery
from bot.rivya.calls import TimeOuts
from bot.rivya.models import Task
from bot.storage.database import Database
from bot.storage.picture_store import vault_beside
from tests.support.engine_harness import BEAT, Shop, a_png, kept, logged, write_protect
from tests.support.factories import ANYWHERE, a_request
from tests.support.waiting import PATIENCE_SECONDS, soon, until

HASTY = TimeOuts(create_seconds=0.5)
"""For a test that means a call to time out; elsewhere none does, however busy the machine is."""


async def test_a_picture_is_painted_booked_and_brought(shop: Shop) -> None:
    job = await shop.paint_to_the_end()
    assert job.stage is Stage.DELIVERED
    picture, receipt = shop.courier.delivered[job.job_id]
    assert (picture.width, picture.format) == (64, "png")
    assert (receipt.charged_credits, receipt.usage.spent_credits, receipt.usage.left_credits) == (4, 4, 196)
    task = next(iter(shop.rivya.tasks.values()))
    assert (task.key, task.client_request_id) == (job.job_id, job.job_id)
    assert shop.rivya.charged_credits == 4
    assert shop.courier.shown[job.job_id], "the member saw no progress"


async def test_a_reference_travels_with_the_job(shop: Shop) -> None:
    request = a_request(reference=Reference(f"{shop.files}/fox.png", "fox.png", "image/png", 200))
    job = await shop.paint_to_the_end(request)
    assert job.stage is Stage.DELIVERED
    task = next(iter(shop.rivya.tasks.values()))
    assert task.reference_id is not None


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("notes.png", MemberReason.REFERENCE_TYPE),
        ("half.png", MemberReason.REFERENCE_UNREADABLE),
        ("gone.png", MemberReason.REFERENCE_GONE),
    ],
)
async def test_a_bad_reference_costs_nothing_and_is_told(shop: Shop, name: str, reason: MemberReason) -> None:
    request = a_request(reference=Reference(f"{shop.files}/{name}", name, "image/png", 200))
    job = await shop.paint_to_the_end(request)
    assert job.stage is Stage.FAILED
    assert shop.courier.told[job.job_id].code == reason
    assert await shop.state(job) == "released"
    assert shop.rivya.tasks == {}
    assert shop.rivya.uploads == {}


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (a_request(prompt=" \n\t "), MemberReason.PROMPT_EMPTY),
        (a_request(prompt="\u200b\u2800\u3164\ufe0f\u0301"), MemberReason.PROMPT_EMPTY),
        (a_request(prompt="x" * 5001), MemberReason.PROMPT_TOO_LONG),
        (
            a_request(reference=Reference("https://x", "big.png", "image/png", 11_000_000)),
            MemberReason.REFERENCE_TOO_BIG,
        ),
        (
            a_request(reference=Reference("https://x", "notes.txt", "text/plain", 10)),
            MemberReason.REFERENCE_TYPE,
        ),
    ],
)
async def test_what_is_plainly_wrong_is_refused_before_a_row(
    shop: Shop, request_: Request, reason: MemberReason
) -> None:
    with pytest.raises(MemberError) as refused:
        await shop.engine.submit(request_, ANYWHERE)
    assert refused.value.reason is reason
    assert await shop.store.due() == []


@pytest.mark.parametrize("prompt", ["🦊", "狐", "x", "\u200b👨\u200d👩\u200d👧", "?"])
async def test_anything_to_see_is_a_prompt(shop: Shop, prompt: str) -> None:
    assert (await shop.paint_to_the_end(a_request(prompt=prompt))).stage is Stage.DELIVERED


async def test_what_a_killed_process_left_of_a_reference_is_removed(
    shops: object, database_path: Path
) -> None:
    left = database_path.with_name("scratch") / "old"
    left.mkdir(parents=True)
    (left / "original").write_bytes(a_png())
    shop: Shop = shops()
    assert not left.exists()
    await shop.paint_to_the_end(a_request(reference=Reference(f"{shop.files}/fox.png", "fox.png", None, 9)))
    assert list(left.parent.iterdir()) == []


async def test_a_channel_where_the_bot_may_not_post_is_refused(shop: Shop) -> None:
    with pytest.raises(MemberError) as refused:
        await shop.engine.submit(a_request(), Presence(missing_permissions=("attach_files",)))
    assert refused.value.data == {"missing": ("attach_files",)}


async def test_the_same_interaction_twice_is_one_job(shop: Shop) -> None:
    first = await shop.paint(a_request(interaction_id=5))
    assert await shop.engine.submit(a_request(interaction_id=5), ANYWHERE) is None
    await shop.end(first)
    assert len(shop.rivya.tasks) == 1


async def test_over_its_limit_a_guild_is_refused_with_the_numbers(shop: Shop) -> None:
    await shop.treasury.set_limit(1, Limit(7, "day"), set_by=9)
    await shop.paint_to_the_end()
    with pytest.raises(LimitReached) as refused:
        await shop.engine.submit(a_request(), ANYWHERE)
    usage = refused.value.usage
    assert (usage.spent_credits, usage.limit_credits, usage.period) == (4, 7, "day")
    assert usage.resets_at is not None


async def test_a_refused_picture_is_released_and_told(shop: Shop) -> None:
    job = await shop.paint_to_the_end(a_request(prompt="something forbidden"))
    assert job.stage is Stage.FAILED
    assert (shop.courier.told[job.job_id].who, await shop.state(job)) == ("rivya", "released")
    assert shop.rivya.charged_credits == 0


@pytest.mark.parametrize("mode", ["error", "failed_task"])
async def test_an_empty_wallet_is_not_the_members_fault(shop: Shop, mode: str) -> None:
    shop.rivya.wallet_credits = 3
    shop.rivya.wallet_mode = mode
    job = await shop.paint_to_the_end()
    failure = shop.courier.told[job.job_id]
    assert (failure.who, failure.charged_credits, await shop.state(job)) == ("operator", 0, "released")


async def test_a_refused_key_is_logged_once_however_many_jobs_meet_it(shop: Shop) -> None:
    shop.rivya.api_key = "rvya_sk_another"
    with structlog.testing.capture_logs() as lines:
        jobs = [await shop.paint() for _ in range(4)]
        ended = [await shop.end(job) for job in jobs]
    assert {job.stage for job in ended} == {Stage.FAILED}
    assert {shop.courier.told[job.job_id].who for job in ended} == {"operator"}
    loud = [line for line in lines if line["event"] == "operator must act" and line["log_level"] == "error"]
    assert len(loud) == 1
    assert (await shop.ledger.usage(1)).used_credits == 0


@pytest.mark.parametrize("fault", ["cut_after", "cut_before", "half_json", "stall"])
async def test_a_create_call_that_goes_wrong_still_makes_one_task(shops: object, fault: str) -> None:
    shop: Shop = shops(time_outs=HASTY)
    shop.rivya.faults.add(fault, "create", times=3)
    job = await shop.paint_to_the_end()
    assert job.stage is Stage.DELIVERED
    assert len(shop.rivya.tasks) == 1
    assert shop.rivya.charged_credits == 4


async def test_a_create_answered_while_still_in_flight_is_repeated_with_its_key(shops: object) -> None:
    shop: Shop = shops(time_outs=HASTY)
    shop.rivya.faults.add("lag", "create", seconds=0.8)
    job = await shop.paint_to_the_end()
    assert job.stage is Stage.DELIVERED
    assert len(shop.rivya.tasks) == 1


async def test_a_key_refused_after_an_unanswered_create_holds_until_it_is_known(shop: Shop) -> None:
    key = shop.rivya.api_key
    shop.rivya.faults.add("cut_after", "create", times=2)
    job = await shop.paint()
    await shop.rivya.created(1)
    shop.rivya.api_key = "rvya_sk_another"
    await shop.rivya.until(lambda: any(call[2] == 401 for call in shop.rivya.calls))
    assert await shop.state(job) == "held"
    shop.rivya.api_key = key
    assert (await shop.end(job)).stage is Stage.DELIVERED
    assert len(shop.rivya.tasks) == 1


async def test_a_task_that_vanished_keeps_its_credits_held_and_says_why(shop: Shop) -> None:
    shop.rivya.hold()
    job = await shop.paint()
    await shop.rivya.created(1)
    shop.rivya.tasks.clear()
    ended = await shop.end(job)
    assert ended.stage is Stage.FAILED
    assert shop.courier.told[job.job_id].in_doubt
    assert await shop.state(job) == "held"


def said(shop: Shop, job: Job) -> list[Phase]:
    """The phases that were told of a job, in order."""
    return [progress.phase for progress in shop.courier.shown[job.job_id]]


async def test_a_late_task_is_told_once_and_still_delivered(shops: object) -> None:
    beat = Beat(0.01, 0.02, late_after_seconds=3600, progress_seconds=0.04)
    shop: Shop = shops(beat=beat)
    shop.rivya.hold()
    job = await shop.paint()
    await until(lambda: Phase.PAINTING in said(shop, job))
    object.__setattr__(beat, "late_after_seconds", 0.0)  # from now on: not before it was told to be painted
    await until(lambda: Phase.LATE in said(shop, job))
    shop.rivya.release()
    ended = await shop.end(job)
    assert ended.stage is Stage.DELIVERED
    phases = said(shop, job)
    assert phases.index(Phase.PAINTING) < phases.index(Phase.LATE)
    assert Phase.PAINTING not in phases[phases.index(Phase.LATE) :]
    assert ended.late_told_at is not None


async def test_a_picture_that_cannot_be_posted_is_kept(shop: Shop) -> None:
    shop.courier.closed = True
    job = await shop.paint_to_the_end()
    assert job.stage is Stage.UNDELIVERABLE
    assert job.finished_at is not None
    assert await shop.state(job) == "settled"
    assert await kept(shop, job) == a_png()


async def test_a_private_picture_is_kept_before_it_is_brought(shop: Shop) -> None:
    request = a_request()
    seen: list[bytes | None] = []

    async def look() -> None:
        (job_id,) = shop.courier.delivered
        job = await shop.store.find(job_id)
        assert job is not None
        seen.append(await kept(shop, job))

    shop.courier.on_delivery = look
    private = replace(request, destination=replace(request.destination, private=True))
    job = await shop.paint_to_the_end(private)
    assert job.stage is Stage.DELIVERED
    assert seen == [shop.courier.delivered[job.job_id][0].data] == [await kept(shop, job)]


async def test_a_picture_that_everybody_sees_is_not_kept(shop: Shop, database: Database) -> None:
    job = await shop.paint_to_the_end()
    piece = await Gallery(database).find(job.job_id)
    assert piece is not None
    assert piece.kept_sha256 is None
    assert not vault_beside(shop.store._database._path).exists()


async def test_a_picture_painted_again_has_the_very_same_reference_whatever_became_of_its_address(
    shop: Shop,
) -> None:
    first = await shop.paint_to_the_end(
        a_request(reference=Reference(f"{shop.files}/fox.png", "fox.png", "image/png", 200))
    )
    assert first.request.reference is not None
    sha256 = first.request.reference.sha256
    assert sha256 is not None
    dead = replace(first.request.reference, url=f"{shop.files}/gone.png")
    again = await shop.paint_to_the_end(a_request(reference=dead))
    assert again.stage is Stage.DELIVERED
    assert again.request.reference is not None
    assert again.request.reference.sha256 == sha256
    sent = [upload.data for upload in shop.rivya.uploads.values()]
    assert sent == [await shop.vault.read(sha256)] * 2


async def test_a_kept_picture_is_worked_from_and_one_that_is_gone_costs_nothing(shop: Shop) -> None:
    result = await shop.vault.keep(a_png())
    reference = Reference(kept_url(result), "fox.png", "image/png", 0)
    job = await shop.paint_to_the_end(a_request(reference=reference))
    assert job.stage is Stage.DELIVERED
    assert len(shop.rivya.uploads) == 1
    shop.vault.path(result).unlink()
    lost = await shop.paint_to_the_end(a_request(reference=reference))
    assert (lost.stage, shop.courier.told[lost.job_id].code) == (Stage.FAILED, MemberReason.REFERENCE_GONE)
    assert await shop.state(lost) == "released"
    assert (len(shop.rivya.uploads), len(shop.rivya.tasks)) == (1, 1)


async def test_a_vault_that_takes_nothing_holds_no_private_picture_up(shop: Shop) -> None:
    folder = vault_beside(shop.store._database._path)
    folder.write_text("in the way")
    request = a_request()
    with structlog.testing.capture_logs() as lines:
        job = await shop.paint(replace(request, destination=replace(request.destination, private=True)))
        assert (await shop.end(job)).stage is Stage.DELIVERED
        await logged(lines, event="operator must act", code="disk")
        await logged(lines, event="a private picture was brought and is not kept")
    assert await shop.state(job) == "settled"
    assert len(shop.courier.delivered) == 1


async def test_a_vault_that_takes_nothing_holds_up_what_can_be_posted_nowhere(shop: Shop) -> None:
    folder = vault_beside(shop.store._database._path)
    folder.write_text("in the way")
    shop.courier.closed = True
    with structlog.testing.capture_logs() as lines:
        job = await shop.paint(a_request())
        await logged(lines, event="operator must act", code="disk")
    folder.unlink()
    assert (await shop.end(job)).stage is Stage.UNDELIVERABLE
    assert await kept(shop, job) == a_png()


async def test_nothing_is_said_of_a_job_while_its_picture_is_brought(shops: object) -> None:
    async def linger() -> None:
        for _ in range(30):
            await asyncio.sleep(0.001)

    shop: Shop = shops(beat=Beat(0.02, 0.02, progress_seconds=0.001))
    shop.courier.on_delivery = linger
    shop.rivya.hold()
    job = await shop.paint()
    await until(lambda: len(said(shop, job)) > 2)  # the line is so busy that this could fail
    shop.rivya.release()
    assert (await shop.end(job)).stage is Stage.DELIVERED
    assert shop.courier.clashes == []


async def test_a_discord_that_is_away_is_waited_for(shop: Shop) -> None:
    shop.courier.away = 3
    job = await shop.paint_to_the_end()
    assert job.stage is Stage.DELIVERED


async def test_a_result_that_is_no_picture_is_told_with_its_cost(shop: Shop) -> None:
    shop.rivya.faults.add("not_a_picture", "result", times=None)
    job = await shop.paint_to_the_end()
    assert job.stage is Stage.UNDELIVERABLE
    assert shop.courier.told[job.job_id].charged_credits == 4
    assert await shop.state(job) == "settled"


async def test_a_result_that_stumbles_is_fetched_again(shop: Shop) -> None:
    shop.rivya.faults.add("status", "result", times=2, code=500)
    shop.rivya.faults.add("lying_length", "result", times=1)
    assert (await shop.paint_to_the_end()).stage is Stage.DELIVERED


async def test_a_rate_limited_rivya_is_obeyed_and_nothing_is_lost(shop: Shop) -> None:
    shop.rivya.faults.add("status", "create", times=2, code=429, error_code="rate_limited", retry_after=0)
    jobs = [await shop.paint() for _ in range(3)]
    assert {(await shop.end(job)).stage for job in jobs} == {Stage.DELIVERED}
    assert len(shop.rivya.tasks) == 3


async def test_a_member_who_never_saw_an_answer_pays_nothing(shop: Shop) -> None:
    shop.courier.has_reply = False
    shop.courier.away = 1
    job = await shop.end(await shop.paint(answered=False))
    assert job.stage is Stage.CANCELLED
    assert await shop.state(job) == "released"
    assert shop.rivya.tasks == {}


async def test_an_answer_that_discord_has_is_found_again(shop: Shop) -> None:
    job = await shop.end(await shop.paint(answered=False))
    assert (job.stage, job.message_id) == (Stage.DELIVERED, 77)


async def test_an_abandoned_job_is_released(shop: Shop) -> None:
    job = await shop.engine.submit(a_request(), ANYWHERE)
    assert job is not None
    await shop.engine.abandon(job)
    assert (await shop.end(job)).stage is Stage.CANCELLED
    assert (await shop.ledger.usage(1)).used_credits == 0


async def test_closing_parks_what_waits_and_the_next_start_finishes_it(shops: object) -> None:
    first: Shop = shops(max_running=2)
    first.rivya.hold()
    jobs = [await first.paint() for _ in range(5)]
    await first.rivya.created(2)
    await soon(first.engine.close())
    with pytest.raises(MemberError) as refused:
        await first.engine.submit(a_request(), ANYWHERE)
    assert refused.value.reason is MemberReason.CLOSING
    assert len(await first.store.due()) == 5
    first.rivya.release()
    second: Shop = shops(max_running=2)
    assert await second.engine.resume() == 5
    assert {(await second.end(job)).stage for job in jobs} == {Stage.DELIVERED}
    assert len(first.rivya.tasks) == 5
    assert first.rivya.charged_credits == 20


async def test_waiting_jobs_show_their_place_in_the_line(shops: object) -> None:
    shop: Shop = shops(max_running=1)
    shop.rivya.hold()
    jobs = [await shop.paint() for _ in range(3)]
    await shop.rivya.until(
        lambda: all(shop.courier.shown[job.job_id] for job in jobs) and len(shop.rivya.tasks) == 1
    )
    assert [shop.courier.shown[job.job_id][-1].position for job in jobs[1:]] == [1, 2]
    shop.rivya.release()
    assert {(await shop.end(job)).stage for job in jobs} == {Stage.DELIVERED}
    assert shop.rivya.peak_concurrent <= 1


async def test_a_task_that_could_not_be_written_down_is_not_released_by_a_later_refusal(shop: Shop) -> None:
    key = shop.rivya.api_key
    lag = shop.rivya.faults.add("lag", "create", seconds=PATIENCE_SECONDS)
    job = await shop.paint()
    with structlog.testing.capture_logs() as lines:
        await shop.rivya.until(lambda: bool(shop.rivya.keys_in_flight))
        await write_protect(shop, on=True)
        lag.over.set()
        await logged(lines, event="operator must act", code="database")
        shop.rivya.api_key = "rvya_sk_another"
        await write_protect(shop, on=False)
        await logged(lines, event="operator must act", code="key_refused")
    assert (len(shop.rivya.tasks), await shop.state(job)) == (1, "held")
    shop.rivya.api_key = key
    assert (await shop.end(job)).stage is Stage.DELIVERED
    assert await shop.state(job) == "settled"


async def test_a_picture_that_landed_is_not_brought_again_by_a_database_that_fails_then(shop: Shop) -> None:
    shop.courier.on_delivery = lambda: write_protect(shop, on=True)
    with structlog.testing.capture_logs() as lines:
        job = await shop.paint()
        await logged(lines, event="setback", stage=Stage.SUCCEEDED, setbacks=2)
    await write_protect(shop, on=False)
    assert (await shop.end(job)).stage is Stage.DELIVERED


async def test_a_failure_that_was_told_is_not_told_again_by_a_database_that_fails_then(shop: Shop) -> None:
    shop.courier.on_delivery = lambda: write_protect(shop, on=True)
    with structlog.testing.capture_logs() as lines:
        job = await shop.paint(a_request(prompt="something forbidden"))
        await logged(lines, event="setback", stage=Stage.FAILED, setbacks=2)
    await write_protect(shop, on=False)
    assert (await shop.end(job)).finished_at is not None


async def test_a_task_of_another_job_is_never_taken_for_ours(shop: Shop) -> None:
    first = await shop.paint_to_the_end()
    shop.rivya.new_id = lambda _: first.task_id
    second = await shop.paint_to_the_end()
    assert (second.stage, second.task_id) == (Stage.FAILED, None)
    assert (await shop.state(first), await shop.state(second)) == ("settled", "held")
    assert shop.courier.told[second.job_id].in_doubt


async def test_a_broken_progress_line_costs_no_picture(shops: object) -> None:
    shop: Shop = shops(beat=Beat(0.01, 0.02, late_after_seconds=0.05, progress_seconds=0.02))
    shop.courier.broken.add("show_progress")
    shop.rivya.hold()
    with structlog.testing.capture_logs() as lines:
        job = await shop.paint()
        await logged(lines, event="progress line broke", phase=Phase.LATE)
        shop.rivya.release()
        assert (await shop.end(job)).stage is Stage.DELIVERED
    assert [line["phase"] for line in lines if line["event"] == "progress line broke"].count(Phase.LATE) > 0
    assert not any(line["event"] == "walk broke" for line in lines)


async def test_a_walk_that_met_a_bug_begins_again_from_its_row(shop: Shop) -> None:
    shop.courier.broken.add("deliver")
    with structlog.testing.capture_logs() as lines:
        job = await shop.paint_to_the_end()
    assert job.stage is Stage.DELIVERED
    assert [line["event"] for line in lines].count("walk broke") == 1
    assert (len(shop.rivya.tasks), await shop.state(job)) == (1, "settled")


async def test_a_reference_that_breaks_the_bot_each_time_is_released_and_told(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "AGAIN_AFTER_BEATS", (1, 1))
    monkeypatch.setattr(easel_module.processing, "normalise_reference", lambda *_, **__: 1 / 0)
    request = a_request(reference=Reference(f"{shop.files}/fox.png", "fox.png", "image/png", 200))
    with structlog.testing.capture_logs() as lines:
        job = await shop.paint_to_the_end(request)
    assert [line["event"] for line in lines].count("walk broke") == 3
    failure = shop.courier.told[job.job_id]
    assert (failure.who, failure.code, await shop.state(job)) == ("developer", "bug", "released")
    assert job.finished_at is not None


async def test_what_was_asked_for_at_rivya_is_never_released_for_a_bug(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "AGAIN_AFTER_BEATS", (1, 1))
    monkeypatch.setattr(Task, "from_json", lambda _: 1 / 0)
    job = await shop.paint_to_the_end()
    assert (job.stage, await shop.state(job), len(shop.rivya.tasks)) == (Stage.ACCEPTED, "held", 1)
    monkeypatch.undo()
    await shop.engine.resume()
    assert (await shop.end(job)).stage is Stage.DELIVERED
    assert (len(shop.rivya.tasks), await shop.state(job)) == (1, "settled")


async def test_a_disk_without_room_for_a_reference_is_the_operators(
    shops: object, database_path: Path
) -> None:
    database_path.with_name("scratch").write_text("a file in the way of the folder")
    shop: Shop = shops()
    request = a_request(reference=Reference(f"{shop.files}/fox.png", "fox.png", "image/png", 200))
    job = await shop.paint_to_the_end(request)
    failure = shop.courier.told[job.job_id]
    assert (failure.who, failure.code, await shop.state(job)) == ("operator", "disk", "released")


async def test_a_clock_set_back_delays_no_poll(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.rivya.hold()
    job = await shop.paint()
    await shop.rivya.created(1)
    await soon(shop.engine.close())
    await shop.store._database.run(
        lambda tx: tx.execute("UPDATE jobs SET task_created_at = task_created_at + 3600000").close()
    )
    shop.rivya.release()
    walk = Walk(await shop.end(job), shop.engine._tools)
    assert 0 <= walk._until_next_poll() <= BEAT.first_poll_seconds


async def test_half_a_character_is_refused_before_a_row(shop: Shop) -> None:
    with pytest.raises(MemberError) as refused:
        await shop.engine.submit(a_request(prompt="a red \ud83e fox"), ANYWHERE)
    assert refused.value.reason is MemberReason.PROMPT_REFUSED


async def test_whatever_else_json_can_carry_is_painted(shop: Shop) -> None:
    prompt = "a red \0 fox \u202e\x7f \U0010ffff 🦊'; DROP TABLE jobs; --"
    job = await shop.paint_to_the_end(a_request(prompt=prompt))
    assert (job.stage, job.request.prompt) == (Stage.DELIVERED, prompt)
    assert next(iter(shop.rivya.tasks.values())).prompt == prompt


async def test_while_rivya_is_down_jobs_wait_and_only_the_probe_asks(shops: object) -> None:
    shop = shops(outages=True, beat=replace(BEAT, progress_seconds=0.01))
    down = [shop.rivya.faults.add("status", route, times=None, code=503) for route in ("create", "credits")]
    with structlog.testing.capture_logs() as logs:
        jobs = [await shop.paint() for _ in range(4)]
        probe = down[1]
        await until(lambda: all(Phase.OUTAGE in said(shop, job) for job in jobs))
        asked, probed = down[0].hits, probe.hits
        await until(lambda: probe.hits >= probed + 6)
        assert down[0].hits == asked
        assert [line["log_level"] for line in logs if line.get("code") == "rivya_down"] == ["error"]
        assert all(Phase.OUTAGE in {line.phase for line in shop.courier.shown[job.job_id]} for job in jobs)
        assert {await shop.state(job) for job in jobs} == {"held"}
        shop.rivya.faults.clear()
        ended = [await shop.end(job) for job in jobs]
    assert {job.stage for job in ended} == {Stage.DELIVERED}
    assert len(shop.rivya.tasks) == len(jobs)


async def test_what_was_learned_of_earlier_tasks_moves_the_polls_of_the_next(
    shops: object, database: Database
) -> None:
    kind = Kind("qwen-image", with_reference=False)
    for _ in range(20):
        await Durations(database).record(kind, Ending(0.28, 0.3))
    shop: Shop = shops(beat=Beat(0.02, 0.1))
    await shop.engine.resume()
    shop.rivya.hold()
    began = asyncio.get_running_loop().time()
    job = await shop.paint()
    await shop.rivya.until(lambda: any(task.polls for task in shop.rivya.tasks.values()))
    # By the fixed beat it would be 0.02 s; being slow only makes it later.
    assert asyncio.get_running_loop().time() - began > 0.1
    shop.rivya.release()
    assert (await shop.end(job)).stage is Stage.DELIVERED


async def test_tasks_that_were_watched_all_their_life_are_remembered(
    shops: object, database: Database
) -> None:
    shop: Shop = shops()
    await shop.paint_to_the_end()
    await shop.paint_to_the_end(
        a_request(reference=Reference(f"{shop.files}/fox.png", "fox.png", "image/png", 200))
    )
    shop.rivya.hold()
    parked = await shop.paint()
    await shop.rivya.created(3)
    await soon(shop.engine.close())
    shop.rivya.release()
    again: Shop = shops()
    await again.engine.resume()
    assert (await again.end(parked)).stage is Stage.DELIVERED
    history = await Durations(database).recent()
    assert {kind.with_reference: len(endings) for kind, endings in history.items()} == {False: 1, True: 1}
    for (ending,) in history.values():
        assert 0 <= ending.after_seconds <= ending.by_seconds < PATIENCE_SECONDS
