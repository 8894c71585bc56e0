"""Results of benchmarks, and the table that shows them."""

from __future__ import annotations

import statistics
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from tests.benchmarks.memory import MIB

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
    value: float | None = None
    """The number that the target is about, by which runs are compared; None if it is about several."""
    last: str = ""
    """What the file of figures has."""


@dataclass(frozen=True)
class Ratio:
    """A ratio to something that was measured in the same run, and its bound."""

    value: float
    at_least: float | None = None
    at_most: float | None = None

    @property
    def target(self) -> str:
        return f">= {self.at_least}" if self.at_least is not None else f"<= {self.at_most}"

    def met(self, margin: float) -> bool:
        """Return whether the bound is kept; with a margin of 2 by a value that is twice as bad, too."""
        if self.at_least is not None:
            return self.value * margin >= self.at_least
        assert self.at_most is not None
        return self.value <= self.at_most * margin


def ratio_row(what: str, ratio: Ratio, measured: str, note: str, reason: str, *, margin: float = 1.0) -> Row:
    """Return the row of a ratio; `measured` is what it is made of."""
    target = ratio.target if margin == 1 else f"{ratio.target}, within {margin:g} times"
    shown = f"{ratio.value:.2f} ({measured})"
    return Row(what, shown, target, ratio.met(margin), note, reason, value=ratio.value)


def memory_row(what: str, used_bytes: int, at_most_mib: int, measured: str, note: str, reason: str) -> Row:
    """Return the row of a bound on memory, which does not depend on what else the machine does."""
    return Row(
        what=what,
        measured=measured,
        target=f"< {at_most_mib} MiB",
        met=used_bytes < at_most_mib * MIB,
        note=note,
        reason=reason,
        value=used_bytes / MIB,
    )


def median_row(rows: Sequence[Row]) -> Row:
    """Return the median of one measurement in several runs; without values, one whose verdict most have."""
    if all(row.value is not None for row in rows):
        return sorted(rows, key=lambda row: row.value or 0.0)[len(rows) // 2]
    return sorted(rows, key=lambda row: row.met)[len(rows) // 2]


def percentile(values: Sequence[float], percent: int) -> float:
    """Return a percentile, 1 to 99."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def milliseconds(seconds: Sequence[float]) -> str:
    """Format median and 99th percentile in milliseconds."""
    return f"p50 {percentile(seconds, 50) * 1000:.1f} ms, p99 {percentile(seconds, 99) * 1000:.1f} ms"


def table(rows: Sequence[Row]) -> str:
    """Return the rows as plain text, each with its note below."""
    cells = [("what", "measured", "target", "met", "last"), *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    for index in reversed(range(len(rows))):
        lines[index + 3 : index + 3] = _remarks(rows[index])
    return "\n".join(lines)


def _cells(row: Row) -> tuple[str, ...]:
    return row.what, row.measured, row.target, "yes" if row.met else "NO", row.last


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
