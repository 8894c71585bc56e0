"""One benchmark, in the process it has for itself."""

from __future__ import annotations

import asyncio
import importlib
import tempfile
from pathlib import Path

from bot import app
from bot.observability import log_setup
from tests.benchmarks.results_table import Row
from tests.support.paths import ROOT

# Where the bot keeps its own database, and not /tmp, which may be memory and would make every COMMIT free.
DATA = ROOT / "data"


def measure(name: str) -> list[Row]:
    """Run one benchmark, in this process."""
    log_setup.configure("warning", "console")
    app.tune_gc()
    DATA.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=DATA) as folder:
        rows: list[Row] = asyncio.run(
            importlib.import_module(f"tests.benchmarks.bench_{name}").measure(Path(folder))
        )
    return rows
