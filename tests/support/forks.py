"""Programs in processes of their own, for tests that kill dozens of them.

An interpreter that imports the bot takes half a second of a processor to start. So one process imports it,
and each program runs in a fork of that one: a process like any other, with its own memory, files and end.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile

from tests.support.waiting import soon

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.integration.engine.crash_worker"])


class Fork:
    """A running function; it must stand in a module, since the fork looks it up by its name."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self._output = NamedTemporaryFile()  # noqa: SIM115 - `end` closes it
        self._process = _CONTEXT.Process(target=_run, args=(self._output.name, function, *arguments))
        self._process.start()

    def terminate(self) -> None:
        self._process.terminate()

    async def end(self) -> tuple[int, str]:
        """Wait for its end; returns its exit code, -9 after `kill -9`, and what it wrote.

        Raises:
            AssertionError: it hangs. It was killed.
        """
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._process.sentinel, ended.set)
        hangs = False
        try:
            await soon(ended.wait())
        except TimeoutError:
            hangs = True
            self._process.kill()
        finally:
            loop.remove_reader(self._process.sentinel)
        self._process.join()
        code = self._process.exitcode
        self._process.close()
        with self._output:
            output = self._output.read().decode()
        assert not hangs, f"it hangs: {output}"
        assert code is not None
        return code, output


async def run_program(text: str, *arguments: str) -> tuple[int, str]:
    """Run a program as `python -c` does; returns its exit code and what it wrote."""
    return await Fork(_run_text, text, *arguments).end()


def _run(output: str, function: Callable[..., object], *arguments: object) -> None:
    with Path(output).open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    function(*arguments)


def _run_text(text: str, *arguments: str) -> None:
    sys.argv = ["-c", *arguments]
    exec(compile(text, "<program>", "exec"), {"__name__": "__main__"})
