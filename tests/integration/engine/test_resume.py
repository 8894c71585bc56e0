"""Jobs that were just started are kept out of garbage collections, until all are."""

from __future__ import annotations

import asyncio
import gc

import pytest

from bot.engine import engine as engine_module
from bot.jobs.store import JobStore
from tests.support.engine_harness import EngineHarness
from tests.support.factories import accept, make_job, make_request
from tests.support.waiting import soon

JOBS = 30


@pytest.fixture(autouse=True)
async def jobs(store: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "RESUME_BATCH", 1)
    for number in range(JOBS):
        assert await accept(store, make_job(make_request(interaction_id=number + 1)))


async def wait_frozen() -> None:
    while gc.get_freeze_count() == 0:
        await asyncio.sleep(0)  # `until` could miss it


@pytest.mark.parametrize("cut_short", [False, True])
async def test_while_jobs_are_started_no_collection_visits_them(
    harness: EngineHarness, cut_short: bool
) -> None:
    harness.rivya.hold()
    resuming = asyncio.create_task(harness.engine.resume())
    await soon(wait_frozen())
    if cut_short:
        resuming.cancel()
        with pytest.raises(asyncio.CancelledError):
            await soon(resuming)
    else:
        assert await soon(resuming) == JOBS
    assert gc.get_freeze_count() == 0
