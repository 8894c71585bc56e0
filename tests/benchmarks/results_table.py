"""Results of benchmarks, and the table that shows them."""

from __future__ import annotations

import statistics
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

NOTE_WIDTH = 100


@dataclass(frozen=True)
class Row:
    """One measurement. `note` says how it was taken; `reason` is shown where the target was missed."""

    what: str
    measured: str
    target: str
    met: bool
    note: str
    reason: str = ""


def percentile(values: Sequence[float], percent: int) -> float:
    """Return a percentile, 1 to 99."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def milliseconds(seconds: Sequence[float]) -> str:
    """Format median and 99th percentile in milliseconds."""
    return f"p50 {percentile(seconds, 50) * 1000:.1f} ms, p99 {percentile(seconds, 99) * 1000:.1f} ms"


def table(rows: Sequence[Row]) -> str:
    """Return the rows as plain text, each with its note below."""
    cells = [("what", "measured", "target", "met"), *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    for index in reversed(range(len(rows))):
        lines[index + 3 : index + 3] = _remarks(rows[index])
    return "\n".join(lines)


def _cells(row: Row) -> tuple[str, str, str, str]:
    return row.what, row.measured, row.target, "yes" if row.met else "NO"


def _remarks(row: Row) -> list[str]:
    remarks = [row.note]
    if not row.met:
        remarks.append(f"missed: {row.reason}")
    indent = " " * 4
    return [
        line
        for remark in remarks
        for line in textwrap.wrap(remark, NOTE_WIDTH, initial_indent=indent, subsequent_indent=indent)
    ]
