"""What is done with the rows of benchmarks: medians, verdicts, and the figures of the last tag."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.benchmarks import __main__ as program
from tests.benchmarks import bench_transactions, figures, yardstick
from tests.benchmarks.bench_load import work_until
from tests.benchmarks.memory import MIB
from tests.benchmarks.results_table import Ratio, Row, median_row, memory_row, ratio_row, table

if TYPE_CHECKING:
    from collections.abc import Sequence


def make_row(value: float | None, *, met: bool = True, what: str = "an accept") -> Row:
    return Row(what, f"{value}", ">= 1", met, "how", "why", value=value)


@pytest.mark.parametrize(
    ("ratio", "margin", "met"),
    [
        (Ratio(0.9, at_least=0.9), 1, True),
        (Ratio(0.89, at_least=0.9), 1, False),
        (Ratio(0.45, at_least=0.9), 2, True),
        (Ratio(0.44, at_least=0.9), 2, False),
        (Ratio(2.0, at_most=2.0), 1, True),
        (Ratio(2.01, at_most=2.0), 1, False),
        (Ratio(3.0, at_most=2.0), 1.5, True),
        (Ratio(3.1, at_most=2.0), 1.5, False),
    ],
)
def test_a_ratio_is_met_within_its_margin(ratio: Ratio, margin: float, met: bool) -> None:
    row = ratio_row("an accept", ratio, "4 and 2 us", "how", "why", margin=margin)
    assert (row.met, row.value) == (met, ratio.value)
    assert ("within" in row.target) == (margin != 1)


def test_the_median_of_three_runs_counts() -> None:
    assert median_row([make_row(3.0), make_row(1.0), make_row(2.0, met=False)]).value == 2.0
    assert not median_row([make_row(None), make_row(None, met=False), make_row(None, met=False)]).met
    assert median_row([make_row(None), make_row(None, met=False), make_row(None)]).met


def test_figures_are_kept_and_shown_beside_later_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "FILE", tmp_path / "figures.json")
    assert figures.compared([make_row(1.0)], figures.load())[0].last == ""
    figures.record([make_row(1.0), make_row(5.0, what="a settle")])
    figures.record([make_row(2.0)])
    content = json.loads((tmp_path / "figures.json").read_text())
    assert content["figures"] == {"a settle": "5.0", "an accept": "2.0"}
    assert "SQLite" in content["machine"]
    later = figures.compared([make_row(3.0), make_row(1.0, what="new")], figures.load())
    assert [row.last for row in later] == ["2.0", ""]
    assert "2.0" in table(later)


@pytest.mark.parametrize(("met", "code"), [(True, 0), (False, 1)])
def test_a_missed_target_is_the_exit_code(
    met: bool, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(name: str, *, quick: bool) -> Sequence[Row]:
        assert quick
        return [make_row(1.0), make_row(1.0, met=met, what=name)]

    monkeypatch.setattr(program, "run", run)
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--quick", "reserve"])
    with pytest.raises(SystemExit) as ended:
        program.main()
    assert ended.value.code == code
    assert ("missed: why" in capsys.readouterr().out) == (not met)


def test_the_yardstick_has_the_statements_of_its_commit() -> None:
    assert {name: len(statements) for name, statements in yardstick.STATEMENTS.items()} == {
        "accept": 20,
        "settle": 6,
    }
    for statements in yardstick.STATEMENTS.values():
        for text, names in statements:
            assert text.count("?") == len(names)


async def test_without_its_history_the_earlier_version_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(yardstick, "COMMIT", "0" * 40)
    monkeypatch.setattr(bench_transactions, "CHUNK", 2)
    monkeypatch.setattr(bench_transactions, "ROUNDS", 1)
    rows = await bench_transactions.measure(tmp_path)
    assert len(rows) == 4
    assert "is not in this repository's history" in capsys.readouterr().out


def test_a_bound_on_memory_is_met_below_it_alone() -> None:
    rows = [memory_row("x", used * MIB, 64, f"{used} MiB", "how", "why") for used in (63, 64, 70)]
    assert [row.met for row in rows] == [True, False, False]
    assert median_row(rows).value == 64.0


def test_work_between_two_records_counts_as_even() -> None:
    work = [(0.0, 5.0), (1.0, 5.0), (2.0, 5.4)]
    assert [work_until(work, moment) for moment in (-1.0, 0.5, 1.5, 2.0, 9.0)] == pytest.approx(
        [5.0, 5.0, 5.2, 5.4, 5.4]
    )
