"""The rows under a group: what can be done with it now, with the price in words."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from discord import ui

from bot.domain.clock import now_ms
from bot.domain.jobs import Failure, FailureCause, FailureCode, GroupKind, GroupPlace, Stage
from bot.jobs.groups import JobGroup
from cogs.pictures.group_buttons import GROUP_ID, group_rows
from tests.support.factories import make_job, make_request

if TYPE_CHECKING:
    from bot.domain.jobs import Job

REFUSED = Failure(FailureCause.RIVYA, "content_refused")
LOST = Failure(FailureCause.RIVYA, FailureCode.RESULT_LOST, charged_credits=4)
DONE: dict[str, Any] = {"stage": Stage.DELIVERED}
FAILED: dict[str, Any] = {"stage": Stage.FAILED, "failure": REFUSED}
PAINTING: dict[str, Any] = {"stage": Stage.CREATED, "create_body": "{}"}


def group_of(*changes: dict[str, Any], kind: GroupKind = GroupKind.PICTURES, **more: Any) -> JobGroup:
    request = make_request()
    jobs = [
        replace(make_job(request), place=GroupPlace(number, len(changes)), **change)
        for number, change in enumerate(changes, start=1)
    ]
    charged = {job.job_id: 4 for job in jobs if job.stage is Stage.DELIVERED}
    return JobGroup(
        request.destination.interaction_id, kind, tuple(jobs), **{"charged_credits": charged, **more}
    )


def labels(group: JobGroup, *, in_guild: bool = True) -> list[list[str | None]]:
    rows = group_rows(group, in_guild=in_guild)
    buttons = [[button for button in row.children if isinstance(button, ui.Button)] for row in rows]
    for button in (button for row in buttons for button in row):
        assert re.fullmatch(GROUP_ID, button.custom_id or "")
    return [[button.label for button in row] for row in buttons]


def with_job(group: JobGroup, number: int, **changes: Any) -> JobGroup:
    jobs: list[Job] = list(group.jobs)
    jobs[number - 1] = replace(jobs[number - 1], **changes)
    return replace(group, jobs=tuple(jobs))


def test_the_rows_follow_the_jobs() -> None:
    assert labels(group_of({}, {}, {}, {})) == [["Cancel"]]
    assert labels(group_of(PAINTING, PAINTING, {}, {})) == [["Cancel"]]
    assert labels(group_of(PAINTING, {"create_body": "{}"}, PAINTING, PAINTING)) == []
    assert labels(group_of(DONE, PAINTING, {}, {})) == [["Cancel", "Pick one"]]
    assert labels(group_of(DONE, PAINTING, FAILED, PAINTING)) == [["Pick one"]]
    again = "Again: 4 \N{MULTIPLICATION SIGN} 4 = 16"
    assert labels(group_of(DONE, DONE, DONE, DONE)) == [[again, "Pick one", "Delete"]]
    # Posted, and not recorded yet: the last edit has the last buttons.
    assert labels(group_of(DONE, DONE, DONE, {"stage": Stage.SUCCEEDED})) == [[again, "Pick one", "Delete"]]


def test_what_failed_was_cancelled_or_is_lost_is_missing() -> None:
    group = group_of(
        DONE, FAILED, {"stage": Stage.CANCELLED}, {"stage": Stage.UNDELIVERABLE, "failure": LOST}
    )
    assert labels(group) == [
        ["Again: 4 \N{MULTIPLICATION SIGN} 4 = 16", "Try the missing 3", "Pick one", "Delete"]
    ]
    kept = group_of(DONE, {"stage": Stage.UNDELIVERABLE})
    assert labels(kept) == [["Again: 2 \N{MULTIPLICATION SIGN} 4 = 8", "Pick one", "Delete"]]


def test_a_picture_that_cost_more_than_was_known_says_so_in_the_price_of_all() -> None:
    group = group_of(DONE, DONE)
    charged = {group.jobs[0].job_id: 8, group.jobs[1].job_id: 4}
    assert labels(replace(group, charged_credits=charged))[0][0] == "Again: 12 credits"


def test_a_direct_message_offers_what_needs_no_server() -> None:
    assert labels(group_of(DONE, FAILED, kind=GroupKind.COMPARE), in_guild=False) == [["Pick one", "Delete"]]
    assert labels(group_of({}, {}), in_guild=False) == []


def test_compared_pictures_have_votes_once_all_have_ended() -> None:
    group = group_of(DONE, DONE, FAILED, kind=GroupKind.COMPARE, votes={1: 1, 2: 2})
    assert labels(group)[1] == ["1: 1 vote", "2: 2 votes"]
    assert labels(with_job(group, 1, deleted_at=now_ms()))[1] == ["2: 2 votes"]
    assert len(labels(with_job(group, 3, **PAINTING, failure=None))) == 1
    destination = replace(group.jobs[0].request.destination, private=True)
    private = replace(group.jobs[0].request, destination=destination)
    assert len(labels(with_job(group, 1, request=private))) == 1


def test_nothing_is_offered_for_what_was_deleted_or_erased() -> None:
    deleted = group_of({**DONE, "deleted_at": now_ms()}, {**DONE, "deleted_at": now_ms()})
    assert labels(deleted) == []
    request = make_request(prompt="")
    erased = group_of({**DONE, "request": request}, {**FAILED, "request": request})
    assert labels(erased) == [["Pick one", "Delete"]]
