"""The test suite, again and again, beside other programs that want the processors and the disk.

`make shake`, or `python -m tests.tools.shake [--rounds N] [--one-processor] [what pytest is told]`. A test
that fails only there depends on how fast the machine is, which no test should.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROUND_LIMIT_SECONDS = 3600.0
"""No round takes that long: it hangs."""
BLOCK = bytes(1 << 20)
BLOCKS_PER_FILE = 16
RED = re.compile(r"^(?:FAILED|ERROR) (\S+(?:\[.*?\](?= - |$))?)", re.MULTILINE)


def spin(parent: int, until: float) -> None:
    """Keep one processor busy. Ends with its parent: an orphan has another one."""
    while os.getppid() == parent and time.monotonic() < until:
        pass


def write(parent: int, until: float) -> None:
    """Keep the disk busy, without filling it. Ends with its parent: an orphan has another one."""
    with tempfile.TemporaryFile() as file:
        while os.getppid() == parent and time.monotonic() < until:
            file.seek(0)
            for _ in range(BLOCKS_PER_FILE):
                file.write(BLOCK)
                file.flush()
                os.fsync(file.fileno())


LOOPS = {"spin": spin, "write": write}


@contextmanager
def beside_loops(processors: int, seconds: float) -> Iterator[None]:
    """One loop per processor and one for the disk, while this lasts and no longer than `seconds`."""
    told = ["--parent", str(os.getpid()), "--seconds", str(seconds)]
    loops = []
    try:
        for kind in [*["spin"] * processors, "write"]:
            command = [sys.executable, "-m", "tests.tools.shake", "--loop", kind, *told]
            loops.append(subprocess.Popen(command, cwd=ROOT))
        yield
    finally:
        for loop in loops:
            loop.kill()
        for loop in loops:
            loop.wait()


def run(arguments: list[str]) -> tuple[int, str]:
    """The test suite once: its exit code, 0 for green, and what it said."""
    options = ["--numprocesses", "auto", "--dist", "loadscope", "-rfE", *arguments]
    command = [sys.executable, "-m", "pytest", *options]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as tests:
        try:
            said, _ = tests.communicate(timeout=ROUND_LIMIT_SECONDS)
        except BaseException:
            tests.terminate()
            raise
    return tests.returncode, said


def shake(rounds: int, processors: int, arguments: list[str]) -> bool:
    """Print a line per round, and what was red in it; whether every round was green."""
    red_rounds = 0
    with beside_loops(processors, rounds * ROUND_LIMIT_SECONDS):
        for number in range(1, rounds + 1):
            began = time.monotonic()
            code, said = run(arguments)
            names = sorted(set(RED.findall(said)))
            verdict = "green" if code == 0 else f"red: {' '.join(names) or f'pytest ended with {code}'}"
            seconds = time.monotonic() - began
            print(f"round {number} of {rounds}, {seconds:.0f} s, {_tally(said)}: {verdict}", flush=True)
            if code != 0:
                red_rounds += 1
                with tempfile.NamedTemporaryFile(
                    "w", prefix="kuas-shake-", suffix=".txt", delete=False
                ) as kept:
                    kept.write(said)
                print(f"  all it said: {kept.name}", flush=True)
    print(f"{rounds - red_rounds} of {rounds} rounds green")
    return red_rounds == 0


def _tally(said: str) -> str:
    """Pytest's own last line: so many passed, so many failed."""
    counts = re.findall(r"\d+ (?:passed|failed|errors?|skipped)", said.rpartition("\n=")[2] or said[-200:])
    return ", ".join(counts) or "no tests"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.shake", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--one-processor", action="store_true", help="tests and loops share one (Linux)")
    parser.add_argument("--loop", choices=LOOPS, help=argparse.SUPPRESS)
    parser.add_argument("--parent", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, help=argparse.SUPPRESS)
    told, arguments = parser.parse_known_args()
    if told.loop is not None:
        LOOPS[told.loop](told.parent, time.monotonic() + told.seconds)
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # as Ctrl-C does: through every `finally`
    processors = os.cpu_count() or 1
    if told.one_processor:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # the children inherit it
        processors = 1
    return 0 if shake(told.rounds, processors, arguments) else 1


if __name__ == "__main__":
    sys.exit(main())
