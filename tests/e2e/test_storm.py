"""A short storm; `python -m tests.e2e.storm` runs longer ones, with other seeds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.storm import storm
from tests.e2e.storm_plan import PlannedRequest, draw

JOBS, SEED = 64, 215


async def test_a_storm_leaves_one_task_one_close_and_one_picture_for_each_job(tmp_path: Path) -> None:
    report = await storm(JOBS, SEED, tmp_path)
    print(report)
    assert report.wrongs == [], f"{report}\n{report.log}"
    assert report.counts.total() == JOBS
    assert report.hits.total() > 20, "no storm"
    ways = {name for name, count in report.counts.items() if count}
    assert ways >= {"delivered reply", "delivered edit", "delivered channel", "delivered dm", "failed"}


def test_a_seed_is_a_plan() -> None:
    assert draw(SEED, JOBS) == draw(SEED, JOBS)
    assert draw(SEED, JOBS) != draw(SEED + 1, JOBS)


@pytest.mark.parametrize("jobs", [1, 8, 9, 64, 500])
def test_a_plan_has_every_request_once_and_a_last_life_that_sees_it_through(jobs: int) -> None:
    plan = draw(SEED, jobs)
    deeds = [step.number for life in plan.runs for step in life.steps if isinstance(step, PlannedRequest)]
    assert deeds == list(range(jobs))
    assert [life.end is None for life in plan.runs] == [False] * (len(plan.runs) - 1) + [True]
