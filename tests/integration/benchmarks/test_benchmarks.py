"""Every benchmark still runs: here with small numbers, which measure nothing."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks import seed_in_flight
from tests.benchmarks.__main__ import NAMES
from tests.benchmarks.bench_polling import log_normal
from tests.benchmarks.results_table import table

TWELVE = log_normal(12, 0.25)
SMALL: dict[str, dict[str, Any]] = {
    "submit": {"AT_ONCE": 3, "ROUNDS": 2},
    "transactions": {"CHUNK": 2, "ROUNDS": 1},
    "reserve": {"AMOUNT": 20, "CHUNK": 2, "ROUNDS": 1},
    "references": {"AT_ONCE": 1, "SIDE": 64},
    "slot_queue": {"WAITING": 2},
    "job": {"JOBS": 2, "AT_ONCE": 2, "ROUNDS": 1, "SIDE": 64, "POLL_SECONDS": 0.05},
    "delivery": {"PICTURES": 2, "SIDE": 64},
    "polling": {
        "TASKS": 40,
        "SHIFTS": 1,
        "NEW_KINDS": 1,
        "EXACT_TASKS": 100,
        "TRACES": {"12 s": TWELVE},
        "CHANGES": {"none": (TWELVE, TWELVE)},
    },
    "report": {"SMALL": 20, "LARGE": 30, "PROCESSES": 1, "ROUNDS": 2},
    "load": {"JOBS": 10, "MINUTE_SECONDS": 0.1, "PAINTING_SECONDS": 0.1, "SIDE": 64},
    "in_flight": {
        "JOBS": 5,
        "POLL_SECONDS": 0.1,
        "START_SECONDS": 0.1,
        "MEASURED_SECONDS": 1.0,
        "BARE_SECONDS": 1.0,
    },
    "resume": {"JOBS": 5, "FIRST": 1},
    "many_guilds": {"GUILDS": 2},
}
"""The constants that make each benchmark fast."""


@pytest.mark.parametrize("name", NAMES)
async def test_a_benchmark_returns_rows_with_a_target(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module(f"tests.benchmarks.bench_{name}")
    for constant, value in SMALL[name].items():
        monkeypatch.setattr(module, constant, value)
    monkeypatch.setattr(seed_in_flight, "JOBS", 5)
    monkeypatch.setattr(seed_in_flight.CountingClient, "attempts", seed_in_flight.AttemptCounts())
    rows = await module.measure(tmp_path)
    assert rows
    for row in rows:
        assert row.measured
        assert row.target
    assert len(table(rows).splitlines()) >= 2 + 2 * len(rows)
