"""`python -m tests.benchmarks [NAME ...]`: run benchmarks, each in a process of its own, and print a table.

Each whose figures vary is run three times, and the medians count. The exit code is 1 if a target was missed.
`--quick` runs those that are ratios to something in the same run, once, on few rounds and with a margin.
`--record` writes the figures to `figures.json`, beside which later runs are shown.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor

from tests.benchmarks import figures
from tests.benchmarks.results_table import Row, median_row, table
from tests.benchmarks.run_one import measure

NAMES = (
    "submit",
    "transactions",
    "reserve",
    "references",
    "slot_queue",
    "job",
    "delivery",
    "polling",
    "report",
    "load",
    "in_flight",
    "resume",
    "many_guilds",
)
QUICK = ("submit", "transactions", "reserve", "job", "polling")
DETERMINISTIC = ("polling",)
"""Every run of these has the same figures."""
RUNS = 3


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="The benchmarks.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these: {', '.join(NAMES)}")
    parser.add_argument("--quick", action="store_true", help="the stable ratios, in less than a minute")
    parser.add_argument("--record", action="store_true", help="write the figures to figures.json")
    args = parser.parse_args()
    names = args.names or (QUICK if args.quick else NAMES)
    if unknown := set(names) - set(QUICK if args.quick else NAMES):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    rows = [row for name in names for row in run(name, quick=args.quick)]
    recorded = figures.load()
    print(f"{figures.version()} on {figures.machine()}")
    print(f"last: {recorded['version']} on {recorded['machine']}")
    print(table(figures.compared(rows, recorded)))
    if args.record:
        figures.record(rows)
    sys.exit(0 if all(row.met for row in rows) else 1)


def run(name: str, *, quick: bool) -> list[Row]:
    """Return the medians of a benchmark's runs."""
    runs = []
    # One task a process: the peak memory of one benchmark would hide that of the next.
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=fresh, max_tasks_per_child=1) as processes:
        for number in range(1 if quick or name in DETERMINISTIC else RUNS):
            print(f"{name}, {number + 1} ...", file=sys.stderr, flush=True)
            runs.append(processes.submit(measure, name, quick=quick).result())
    return [median_row(rows) for rows in zip(*runs, strict=True)]


if __name__ == "__main__":
    main()
