"""A short storm; `python -m tests.e2e.storm` runs longer ones, with other seeds."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.e2e.storm import storm
from tests.e2e.storm_plan import PlannedRequest, draw

JOBS, SEED = 64, 215


@pytest.mark.usefixtures("event_loop_name")
async def test_after_a_storm_each_job_has_one_task_one_reservation_and_one_picture(tmp_path: Path) -> None:
    report = await storm(JOBS, SEED, tmp_path)
    print(report)
    assert report.errors == [], f"{report}\n{report.log}"
    planned = [
        step for run in draw(SEED, JOBS).runs for step in run.steps if isinstance(step, PlannedRequest)
    ]
    assert report.counts.total() == sum(len(request.models) for request in planned)
    shapes = Counter(request.shape for request in planned)
    assert min(shapes["several"], shapes["compared"], shapes["task of several"]) > 2, shapes
    assert report.events.total() > 20, "too few faults"
    assert report.events["abandoned"], "no endless task was abandoned"
    assert report.events["price changed"] > 10
    outcomes = {name for name, count in report.counts.items() if count}
    assert outcomes >= {"delivered reply", "delivered edit", "delivered channel", "delivered dm", "failed"}


def test_the_same_seed_gives_the_same_plan() -> None:
    assert draw(SEED, JOBS) == draw(SEED, JOBS)
    assert draw(SEED, JOBS) != draw(SEED + 1, JOBS)


@pytest.mark.parametrize("jobs", [1, 8, 9, 64, 500])
def test_a_plan_has_every_request_once_and_its_last_run_has_no_end(jobs: int) -> None:
    plan = draw(SEED, jobs)
    requests = [step.number for run in plan.runs for step in run.steps if isinstance(step, PlannedRequest)]
    assert requests == list(range(jobs))
    assert [run.end is None for run in plan.runs] == [False] * (len(plan.runs) - 1) + [True]
