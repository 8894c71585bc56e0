"""Run the test suite repeatedly beside programs that keep the processors and the disk busy.

`make shake`, or `python -m tests.tools.shake [--rounds N] [--one-processor] [arguments of pytest]`. A test
that fails only here depends on the speed of the machine, which no test should.
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

from tests.support.paths import ROOT

ROUND_LIMIT_SECONDS = 3600.0
"""A round that takes longer hangs."""
BLOCK = bytes(1 << 20)
BLOCKS_PER_FILE = 16
FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+(?:\[.*?\](?= - |$))?)", re.MULTILINE)


def spin(parent: int, until: float) -> None:
    """Keep one processor busy until the parent process ends or `until` is reached."""
    while os.getppid() == parent and time.monotonic() < until:
        pass


def write(parent: int, until: float) -> None:
    """Keep the disk busy, without filling it, until the parent process ends or `until` is reached."""
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
    """Run one loop per processor and one for the disk until the block ends, for at most `seconds`."""
    options = ["--parent", str(os.getpid()), "--seconds", str(seconds)]
    loops = []
    try:
        for kind in [*["spin"] * processors, "write"]:
            command = [sys.executable, "-m", "tests.tools.shake", "--loop", kind, *options]
            loops.append(subprocess.Popen(command, cwd=ROOT))
        yield
    finally:
        for loop in loops:
            loop.kill()
        for loop in loops:
            loop.wait()


def run(arguments: list[str]) -> tuple[int, str]:
    """Run the test suite once; returns its exit code and output."""
    options = ["--numprocesses", "auto", "--dist", "loadscope", "-rfE", *arguments]
    command = [sys.executable, "-m", "pytest", *options]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={"TMPDIR": tempfile.gettempdir()} | os.environ,  # on the busy disk, not in memory
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as tests:
        try:
            output, _ = tests.communicate(timeout=ROUND_LIMIT_SECONDS)
        except BaseException:
            tests.terminate()
            raise
    return tests.returncode, output


def shake(rounds: int, processors: int, arguments: list[str]) -> bool:
    """Print a line per round with the tests that failed; returns whether all rounds were green."""
    red_rounds = 0
    with beside_loops(processors, rounds * ROUND_LIMIT_SECONDS):
        for number in range(1, rounds + 1):
            started = time.monotonic()
            code, output = run(arguments)
            names = sorted(set(FAILED.findall(output)))
            verdict = "green" if code == 0 else f"red: {' '.join(names) or f'pytest ended with {code}'}"
            seconds = time.monotonic() - started
            print(f"round {number} of {rounds}, {seconds:.0f} s, {_tally(output)}: {verdict}", flush=True)
            if code != 0:
                red_rounds += 1
                with tempfile.NamedTemporaryFile(
                    "w", prefix="kuas-shake-", suffix=".txt", delete=False
                ) as file:
                    file.write(output)
                print(f"  its output: {file.name}", flush=True)
    print(f"{rounds - red_rounds} of {rounds} rounds green")
    return red_rounds == 0


def _tally(output: str) -> str:
    """Return the counts of pytest's last line."""
    last_line = output.rpartition("\n=")[2] or output[-200:]
    counts = re.findall(r"\d+ (?:passed|failed|errors?|skipped)", last_line)
    return ", ".join(counts) or "no tests"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.shake", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--one-processor", action="store_true", help="tests and loops share one (Linux)")
    parser.add_argument("--loop", choices=LOOPS, help=argparse.SUPPRESS)
    parser.add_argument("--parent", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, help=argparse.SUPPRESS)
    options, arguments = parser.parse_known_args()
    if options.loop is not None:
        LOOPS[options.loop](options.parent, time.monotonic() + options.seconds)
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # runs every `finally`, as Ctrl-C does
    processors = os.cpu_count() or 1
    if options.one_processor:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # child processes inherit it
        processors = 1
    return 0 if shake(options.rounds, processors, arguments) else 1


if __name__ == "__main__":
    sys.exit(main())
