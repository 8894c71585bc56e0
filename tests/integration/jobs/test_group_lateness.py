"""Late pictures of one request: each is listed with its place, tried and ended by itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from discord import ui

from bot.cli.operator.late_jobs import _line
from bot.domain.jobs import GroupPlace, Stage
from bot.jobs.late_jobs import LateJobResult, LateJobStore
from cogs.operator.late_job_views import late_jobs_view
from cogs.ui.layout import row
from tests.support.jobs import accept_group, create_task
from tests.support.sql import rows
from tests.support.views import view_text

if TYPE_CHECKING:
    from bot.jobs.store import JobStore
    from bot.storage.database import Database


async def test_late_pictures_of_a_request_say_which_they_are_and_end_alone(
    store: JobStore, database: Database
) -> None:
    jobs = await accept_group(store)
    for job in jobs[1:3]:
        await store.created(job.job_id, f"task-{job.job_id}", 4)
        await store.late(job.job_id, "")
    alone = await create_task(store)
    await store.late(alone.job_id, "")
    late_jobs = LateJobStore(database)
    page = await late_jobs.page()
    places = {each.job.job_id: each.job.place for each in page.rows}
    assert places == {
        jobs[1].job_id: GroupPlace(2, 4),
        jobs[2].job_id: GroupPlace(3, 4),
        alone.job_id: None,
    }
    lines = {each.job.job_id: _line(each, Path()) for each in page.rows}
    assert "picture 2 of 4" in lines[jobs[1].job_id]
    assert "picture" not in lines[alone.job_id]
    buttons = [row(ui.Button(label="-", custom_id=f"kuas:x:{place}")) for place in range(4)]
    text = view_text(late_jobs_view(page, lambda _: None, buttons[:3], buttons[3], ""))
    assert "picture 2 of 4" in text
    assert "picture 3 of 4" in text
    assert text.count(" of 4") == 2

    assert await late_jobs.release(jobs[1].job_id, reason="", by=1) is LateJobResult.DONE
    states = await rows(
        database,
        "SELECT j.number, j.stage, r.state FROM jobs j JOIN reservations r USING (job_id)"
        " WHERE group_size > 1 ORDER BY number",
    )
    assert states == [
        (1, Stage.ACCEPTED, "held"),
        (2, Stage.FAILED, "released"),
        (3, Stage.CREATED, "held"),
        (4, Stage.ACCEPTED, "held"),
    ]
