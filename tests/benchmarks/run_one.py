"""Run one benchmark; `__main__` calls this in a process for each."""

from __future__ import annotations

import asyncio
import importlib
import tempfile
from pathlib import Path

from bot import app
from bot.observability import log_setup
from tests.benchmarks.results_table import Row
from tests.support.paths import ROOT

# Not /tmp, which may be in memory, where a COMMIT costs nothing.
DATA = ROOT / "data"


def measure(name: str, *, quick: bool = False) -> list[Row]:
    """Run the benchmark `name` in this process; `quick` takes the constants of its `QUICK`."""
    module = importlib.import_module(f"tests.benchmarks.bench_{name}")
    if quick:
        for constant, value in module.QUICK.items():
            setattr(module, constant, value)
    log_setup.configure("warning", "console")
    app.tune_gc()
    DATA.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=DATA) as folder:
        rows: list[Row] = asyncio.run(module.measure(Path(folder)))
    return rows
