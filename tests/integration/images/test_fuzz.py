"""A short run of `make fuzz`, and that a run finds what it looks for."""

from __future__ import annotations

import os
import signal
import struct
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from tests.support.picture_files.png import PLAIN, before, chunk
from tests.tools import fuzz_pictures
from tests.tools.fuzz_pictures import CPU_LIMIT_SECONDS, MEMORY_LIMIT_BYTES, Answer, Tally, decode, fuzz
from tests.tools.picture_mutations import mutated, with_right_checksums

SEED, FILES = 7, 1200


def test_damaged_pictures_end_nothing_and_take_neither_long_nor_much_memory() -> None:
    *_, tally = fuzz(SEED, 0, FILES, 2)
    assert tally.failures == []
    assert tally.files == FILES
    assert {
        "taken",
        "reference_unreadable",
        "reference_animated",
        "reference_too_large",
    } <= tally.answers.keys()


def test_a_number_gives_the_same_file_in_every_run() -> None:
    assert mutated(1, 4711) == mutated(1, 4711) != mutated(2, 4711)


def test_checksums_are_made_right_as_far_as_there_are_chunks() -> None:
    wrong = before(chunk(b"tEXt", b"a\0b", checksum=1))
    assert bytes(with_right_checksums(bytearray(wrong))) == before(chunk(b"tEXt", b"a\0b"))
    assert bytes(with_right_checksums(bytearray(PLAIN[:50]))) == PLAIN[:50]


def end_the_process(seed: int, numbers: range, answers: Connection) -> None:
    """Answer the first of the numbers 0, 1, 2 ..., crash at 1, and wait for ever at 3."""
    for number in numbers:
        if number == 1:
            os.kill(os.getpid(), signal.SIGSEGV)
        if number == 3:
            signal.setitimer(signal.ITIMER_PROF, 0.05)
            while True:
                struct.pack("I", number)
        answers.send(Answer(number, "", "taken", 0.0, 0))


def test_a_file_that_ends_the_process_or_hangs_is_named_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fuzz_pictures, "work", end_the_process)
    *_, tally = fuzz(SEED, 0, 6, 1)
    assert tally.answers == {"taken": 4, "ended the process": 2}
    first, second = tally.failures
    assert first.startswith("1 (")
    assert first.endswith(f"exit code {-signal.SIGSEGV}")
    assert second.startswith("3 (")
    assert second.endswith(f"exit code {-signal.SIGPROF}")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(5, "a PNG", "raised ValueError()", 0.0, 0), "5 (a PNG) raised ValueError()"),
        (Answer(5, "a PNG", "taken", CPU_LIMIT_SECONDS + 1, 0), "5 (a PNG) took 3.0 s"),
        (Answer(5, "a PNG", "taken", 0.0, MEMORY_LIMIT_BYTES + 1), "5 (a PNG) took 1024 MiB"),
    ],
)
def test_a_bug_and_a_limit_passed_are_failures(answer: Answer, words: str) -> None:
    tally = Tally()
    tally.add(answer)
    tally.add(answer._replace(answer="taken", cpu_seconds=0.0))
    assert tally.failures == [words]
    assert words in str(tally)


def test_an_error_that_is_not_ours_is_a_bug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    assert decode(PLAIN, tmp_path) == "taken"
    assert decode(PLAIN[:40], tmp_path) == "reference_unreadable"
    monkeypatch.setattr(fuzz_pictures, "normalise_reference", fails)
    assert decode(PLAIN, tmp_path) == "raised ZeroDivisionError()"
