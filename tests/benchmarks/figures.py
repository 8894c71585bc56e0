"""The figures of the last tag, in `figures.json`, and the machine that they were measured on."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.results_table import Row
from tests.support.paths import ROOT

FILE: Final = Path(__file__).with_name("figures.json")


def machine() -> str:
    """Describe what the figures depend on, in one line."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{platform.system()} {platform.machine()}, {cores} cores, Python {platform.python_version()},"
        f" SQLite {sqlite3.sqlite_version}"
    )


def version() -> str:
    """Return the tag or commit of the program; `unknown` outside of a repository."""
    command = ["git", "describe", "--tags", "--always", "--dirty"]
    try:
        return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def load() -> dict[str, Any]:
    """Return what the file has; an empty `figures` without one."""
    if not FILE.is_file():
        return {"version": "none", "machine": "", "figures": {}}
    found: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
    return found


def compared(rows: Sequence[Row], recorded: dict[str, Any]) -> list[Row]:
    """Return the rows with the recorded figure of each."""
    return [replace(row, last=recorded["figures"].get(row.what, "")) for row in rows]


def record(rows: Sequence[Row]) -> None:
    """Write the figures of these rows; those of other benchmarks stay."""
    figures = {**load()["figures"], **{row.what: row.measured for row in rows}}
    content = {"version": version(), "machine": machine(), "figures": dict(sorted(figures.items()))}
    FILE.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
