"""A process on a pseudo-terminal, which a test types into as a person does."""

from __future__ import annotations

import asyncio
import codecs
import os
import pty
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Self

from tests.support.waiting import soon


class Terminal:
    """`async with Terminal([...], cwd=..., env=...) as terminal: await terminal.answer("Name: ", "Mira")`."""

    def __init__(self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> None:
        self._command, self._cwd, self._env = command, cwd, env
        self._shown = ""
        self._read_to = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._master, slave = pty.openpty()
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, cwd=self._cwd, env=self._env, preexec_fn=partial(os.login_tty, slave)
            )
        finally:
            os.close(slave)
        os.set_blocking(self._master, False)
        asyncio.get_running_loop().add_reader(self._master, self._read)
        self._exit = asyncio.create_task(self._watch_exit())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._exit
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self._master)

    @property
    def shown(self) -> str:
        """Everything that stood on the screen."""
        return self._shown

    def _read(self) -> None:
        data = b""
        with suppress(OSError):  # Linux says EIO once no process has the terminal any more
            data = os.read(self._master, 65536)
        if not data:
            asyncio.get_running_loop().remove_reader(self._master)
        self._shown = (self._shown + self._decoder.decode(data)).replace("\r\n", "\n")
        self._changed.set()

    async def _watch_exit(self) -> int:
        """Wait for the end of the process, and read its last words."""
        code = await self._process.wait()
        self._read()
        return code

    async def wait_for(self, text: str) -> str:
        """Wait until a text is shown after the last one; returns what came before it."""

        async def wait() -> int:
            while (at := self._shown.find(text, self._read_to)) < 0:
                if self._exit.done():
                    raise AssertionError(f"ended with {self._exit.result()} before {text!r}: {self._shown}")
                self._changed.clear()
                await self._changed.wait()
            return at

        try:
            at = await soon(wait())
        except TimeoutError:
            raise AssertionError(f"{text!r} is not in {self._shown[self._read_to :]!r}") from None
        before, self._read_to = self._shown[self._read_to : at], at + len(text)
        return before

    def type(self, text: str) -> None:
        """Type keys; `\\x03` is Ctrl-C, `\\x04` Ctrl-D."""
        os.write(self._master, text.encode())

    async def answer(self, prompt: str, text: str) -> str:
        """Wait for a prompt and type a line; returns what was shown before the prompt."""
        before = await self.wait_for(prompt)
        self.type(f"{text}\n")
        return before

    async def end(self) -> int:
        """Wait for the end of the process; returns its exit code."""
        return await soon(asyncio.shield(self._exit))
