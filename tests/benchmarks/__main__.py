"""`python -m tests.benchmarks [NAME ...]`: run benchmarks, each in a process of its own, and print a table.

A missed target is shown in the table and is no error; an exception in a benchmark is one.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor

from tests.benchmarks.results_table import table
from tests.benchmarks.run_one import measure

NAMES = (
    "submit",
    "transactions",
    "references",
    "slot_queue",
    "delivery",
    "polling",
    "report",
    "load",
    "in_flight",
    "resume",
    "many_guilds",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="The benchmarks.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these: {', '.join(NAMES)}")
    names = parser.parse_args().names or NAMES
    if unknown := set(names) - set(NAMES):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    rows = []
    # One task a process: the peak memory of one benchmark would hide that of the next.
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=fresh, max_tasks_per_child=1) as processes:
        for name in names:
            print(f"{name} ...", file=sys.stderr, flush=True)
            rows += processes.submit(measure, name).result()
    print(table(rows))


if __name__ == "__main__":
    main()
