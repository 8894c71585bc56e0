"""Send damaged pictures through the code that decodes members' pictures and results.

`make fuzz`, or `python -m tests.tools.fuzz_pictures [--files N] [--seed N] [--first N] [--keep FOLDER]`. It
fails if a file ends the process, raises anything but our own errors, takes more than `CPU_LIMIT_SECONDS` of
processor time, or brings the memory above `MEMORY_LIMIT_BYTES`. A number names its file: `--first 1234
--files 1` repeats it.
"""

from __future__ import annotations

import argparse
import collections
import multiprocessing
import os
import resource
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from PIL import Image

from bot.domain.errors import ContractViolation, MemberError
from bot.images.processing import normalise_reference, verify_picture
from tests.tools.picture_mutations import mutated

FILES = 100_000
CPU_LIMIT_SECONDS = 2.0
"""For one file. It is processor time, so that a busy machine changes nothing."""
MEMORY_LIMIT_BYTES = 1 << 30
"""The most that a process may ever have had in memory: several pictures of 40 megapixels, of 160 MB."""
SILENCE_LIMIT_SECONDS = 300.0
"""Without processor time nothing happens: after so long, the file counts as one that hangs."""
UPLOAD_BYTES = 10_000_000
SPAWN = multiprocessing.get_context("spawn")


class Answer(NamedTuple):
    """What became of one file."""

    number: int
    name: str
    answer: str
    cpu_seconds: float
    memory_bytes: int


NOTHING = Answer(0, "nothing", "", 0.0, 0)


@dataclass
class Tally:
    answers: collections.Counter[str] = field(default_factory=collections.Counter)
    failures: list[str] = field(default_factory=list)
    slowest: Answer = NOTHING
    memory_bytes: int = 0

    @property
    def files(self) -> int:
        return self.answers.total()

    def add(self, answer: Answer) -> None:
        self.answers[answer.answer] += 1
        self.slowest = max(self.slowest, answer, key=lambda each: each.cpu_seconds)
        if answer.answer.startswith("raised"):
            self.failures.append(f"{answer.number} ({answer.name}) {answer.answer}")
        if answer.cpu_seconds > CPU_LIMIT_SECONDS:
            self.failures.append(f"{answer.number} ({answer.name}) took {answer.cpu_seconds:.1f} s")
        if answer.memory_bytes > MEMORY_LIMIT_BYTES >= self.memory_bytes:
            self.failures.append(f"{answer.number} ({answer.name}) took {answer.memory_bytes >> 20} MiB")
        self.memory_bytes = max(self.memory_bytes, answer.memory_bytes)

    def __str__(self) -> str:
        answers = "\n".join(f"{count:8} {answer}" for answer, count in self.answers.most_common())
        slowest = f"{self.slowest.cpu_seconds:.2f} s for {self.slowest.number} ({self.slowest.name})"
        memory = f"{self.memory_bytes >> 20} MiB"
        failures = "\n".join(("", *self.failures)) or "none"
        return f"{answers}\n{self.files} files, at most {slowest}, {memory}\nfailures: {failures}"


def decode(data: bytes, folder: Path) -> str:
    """Decode a file as a reference and as a result; returns the answers, which say `raised` for a bug."""
    source, target = folder / "source", folder / "target"
    source.write_bytes(data)
    try:
        normalise_reference(source, target, limit_bytes=UPLOAD_BYTES)
        with Image.open(target) as image:
            image.verify()
        answer = "taken"
    except MemberError as error:
        answer = error.reason.value
    except Exception as error:  # noqa: BLE001  # anything else is a bug, and is reported
        return f"raised {error!r}"
    try:
        verify_picture(data)
    except ContractViolation:
        return answer
    except Exception as error:  # noqa: BLE001  # same
        return f"raised {error!r} as a result"
    return answer


def cpu_seconds() -> float:
    """Return the processor time of this process, and of those that it has waited for."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def peak_bytes() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def work(seed: int, numbers: range, answers: Connection) -> None:
    """Decode the files of these numbers, and send an answer for each."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())  # Pillow's warnings
    with TemporaryDirectory() as folder:
        for number in numbers:
            name, data = mutated(seed, number)
            # Its signal ends the process even within a decoder.
            signal.setitimer(signal.ITIMER_PROF, 2 * CPU_LIMIT_SECONDS)
            started = cpu_seconds()
            answer = decode(data, Path(folder))
            answers.send(Answer(number, name, answer, cpu_seconds() - started, peak_bytes()))
    signal.setitimer(signal.ITIMER_PROF, 0)


class Worker:
    """A process that decodes every `step`-th file, and is started anew behind a file that ended it."""

    def __init__(self, seed: int, numbers: range) -> None:
        self.seed, self.numbers = seed, numbers
        self.process, self.answers = self._start()
        self.heard_at = time.monotonic()

    def _start(self) -> tuple[BaseProcess, Connection]:
        ours, theirs = SPAWN.Pipe(duplex=False)
        process = SPAWN.Process(target=work, args=(self.seed, self.numbers, theirs), daemon=True)
        process.start()
        theirs.close()
        return process, ours

    def collect(self, tally: Tally) -> bool:
        """Take one answer, or note which file ended the process; returns whether files are left."""
        self.heard_at = time.monotonic()
        try:
            answer = Answer(*self.answers.recv())
        except EOFError:
            return self._ended(tally)
        self.numbers = self.numbers[1:]
        tally.add(answer)
        return True

    def _ended(self, tally: Tally) -> bool:
        self.process.join()
        self.answers.close()
        if not self.numbers:
            return False
        number = self.numbers[0]
        name, _ = mutated(self.seed, number)
        tally.answers["ended the process"] += 1
        tally.failures.append(f"{number} ({name}) ended the process: exit code {self.process.exitcode}")
        self.numbers = self.numbers[1:]
        if self.numbers:
            self.process, self.answers = self._start()
        return bool(self.numbers)


def fuzz(seed: int, first: int, files: int, processes: int) -> Iterator[Tally]:
    """Yield the tally after each answer; the last one has all of them."""
    tally = Tally()
    count = min(processes, files)
    workers = [Worker(seed, range(first + offset, first + files, count)) for offset in range(count)]
    try:
        while workers:
            ready = wait([worker.answers for worker in workers], timeout=1.0)
            for worker in list(workers):
                if worker.answers in ready and not worker.collect(tally):
                    workers.remove(worker)
                elif time.monotonic() - worker.heard_at > SILENCE_LIMIT_SECONDS:
                    worker.process.kill()  # read as the end of the process
            yield tally
    finally:
        for worker in workers:
            worker.process.kill()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.fuzz_pictures", description=__doc__)
    parser.add_argument("--files", type=int, default=FILES)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--keep", type=Path, help="write the files here that failed")
    options = parser.parse_args()
    tally, shown = Tally(), 0
    for tally in fuzz(options.seed, options.first, options.files, options.processes):
        if tally.files >= shown + 5000:
            shown = tally.files
            print(f"{shown} files, {len(tally.failures)} failures", flush=True)
    print(tally)
    if options.keep is not None:
        options.keep.mkdir(parents=True, exist_ok=True)
        for failure in tally.failures:
            number = int(failure.split()[0])
            (options.keep / str(number)).write_bytes(mutated(options.seed, number)[1])
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
