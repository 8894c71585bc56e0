"""Print to terminals, pipes and files: encodings without emoji, readers that have ended, full disks.

Owns the standard streams of the command line.
"""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, Final

from bot.domain.periods import Period

if TYPE_CHECKING:
    from bot.domain.limits import Limit
    from bot.domain.prices import PriceList

FAILED: Final = 1
"""The exit code of a command that could not do, or has not found, what it was asked for."""
_LAST_STANDARD_STREAM: Final = 2


class OutputError(Exception):
    """Standard output does not take what is printed; unless its reader has ended, the cause was printed."""


def prepare_streams() -> None:
    """Make standard output and standard error usable, whatever the process was started with.

    A character that the encoding lacks is printed as its escape. A full pipe that another program has set to
    non-blocking is waited for. A closed stream becomes the null device, and so does its number, or the next
    file that is opened, such as the database, would get it; a library may have taken it at its import.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _LAST_STANDARD_STREAM:
        pass
    os.close(descriptor)
    for name, number in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
            os.set_blocking(number, True)


def limit_text(limit: Limit | None) -> str:
    """Return a limit in words."""
    if limit is None:
        return "none"
    return f"{limit.credits} credits {'in total' if limit.period is Period.TOTAL else f'a {limit.period}'}"


def enough_text(left_credits: int, prices: PriceList) -> str:
    """Return for how many pictures the credits are enough, where several models are offered."""
    best, default = prices.best_for(left_credits), one_line(prices.default.model_name or "")
    if best is None:
        cheapest = prices.cheapest
        return (
            f"{left_credits} left: not enough for a picture; {cheapest.model_name} costs {cheapest.credits}"
        )
    enough = f"{left_credits // best.credits} of {one_line(best.model_name or '')}"
    if best is prices.default:
        return f"{left_credits} left: enough for {enough}"
    return f"{left_credits} left: not enough for {default}, but for {enough}"


def one_line(text: str) -> str:
    """Return a text that others have written as one line: what a terminal might obey becomes a space."""
    visible = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(visible.split())


def print_line(line: str) -> None:
    """Print a line that the command is called for, such as an entry of the ledger.

    Raises:
        OutputError: it cannot be printed.
    """
    try:
        sys.stdout.write(f"{line}\n")
    except OSError as error:
        _discard_output(error)
        raise OutputError from error


def report(line: str) -> None:
    """Print what a command did or found; that it cannot be printed does not change the exit code."""
    try:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    except OSError as error:
        _discard_output(error)


def print_error(*lines: str) -> None:
    """Print lines to standard error; if that is impossible, there is nobody left to tell."""
    try:
        sys.stderr.write("".join(f"{line}\n" for line in lines))
        sys.stderr.flush()
    except OSError:
        _discard(sys.stderr.fileno())


def confirm(question: str) -> bool:
    """Ask whether to go on; without a terminal the answer is no."""
    if not sys.stdin.isatty():
        print_error("without a terminal to ask on, confirm with --yes")
        return False
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def flush_streams() -> bool:
    """Write what is buffered, which else fails at Python's exit; returns whether standard output took it."""
    print_error()
    try:
        sys.stdout.flush()
    except OSError as error:
        _discard_output(error)
        return False
    return True


def _discard_output(error: OSError) -> None:
    _discard(sys.stdout.fileno())
    if not isinstance(error, BrokenPipeError):
        print_error(f"standard output: {error.strerror}")


def _discard(descriptor: int) -> None:
    """Send all further output of a stream, and what is buffered, to the null device."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, descriptor)
    os.close(null)
