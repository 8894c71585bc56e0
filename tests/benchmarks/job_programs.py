"""Programs that run jobs, each in a process of its own with a fake Discord, and one Rivya for all of them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.child_process import run_python
from tests.benchmarks.counted_rivya import API_KEY, CountedRivya
from tests.benchmarks.harness import PATIENCE_SECONDS, PROMPT_CHARACTERS
from tests.e2e.fake_discord.server import FakeDiscord
from tests.e2e.fake_discord.state import Channel, Interaction, Person

COMMAND = {"id": "1", "name": "imagine", "options": [{"name": "prompt", "type": 3}]}
SETTLING_SECONDS = 0.3
"""After the last picture is posted, for what a program does then."""


@dataclass
class Program:
    """A program that is running; `kind` is one of `job_process`."""

    kind: str
    discord: FakeDiscord
    rivya: CountedRivya
    stdin: asyncio.StreamWriter
    stdout: asyncio.StreamReader
    channel: Channel
    member: Person
    jobs: int = 0

    async def measure(self, jobs: int, *, at_once: int) -> float:
        """Run jobs; returns how many seconds of the processor's time the program took for each."""
        free = asyncio.Semaphore(at_once)

        async def run() -> None:
            async with free:
                await self.run_job()

        before = await self._cpu_seconds()
        await asyncio.gather(*(run() for _ in range(jobs)))
        await asyncio.sleep(SETTLING_SECONDS)
        took = await self._cpu_seconds() - before
        self._forget()
        return took / jobs

    async def deliver(self) -> float:
        """Run one job; returns the seconds from the answer that its task has succeeded to its picture."""
        self.rivya.answered_at.clear()
        posted_at = await self.run_job()
        (answered_at,) = self.rivya.answered_at.values()
        await asyncio.sleep(SETTLING_SECONDS)
        self._forget()
        return posted_at - answered_at

    async def run_job(self) -> float:
        """Send the command, and return when its picture is posted, by `time.perf_counter`."""
        self.jobs += 1
        prompt = f"a red fox, {self.jobs} ".ljust(PROMPT_CHARACTERS, ".")
        interaction = self.discord.prepare_imagine(self.channel, self.member, prompt)
        if self.kind == "aiohttp":  # it has no gateway
            fields = {"id": interaction.id, "token": interaction.token, "prompt": prompt}
            self._write(json.dumps(fields))
        else:
            await self.discord.deliver(interaction)
        await self.discord.until(lambda: self._has_picture(interaction))
        return time.perf_counter()

    def _has_picture(self, interaction: Interaction) -> bool:
        message = self.discord.messages.get(interaction.message_id or 0)
        return message is not None and bool(message.attachments)

    async def _cpu_seconds(self) -> float:
        self._write("cpu")
        return float(await self.stdout.readline())

    def _write(self, line: str) -> None:
        self.stdin.write(f"{line}\n".encode())

    def _forget(self) -> None:
        """Forget the pictures, of which each is a megabyte; no job is under way."""
        assert not self.discord.violations
        self.discord.messages.clear()
        self.discord.interactions.clear()


@asynccontextmanager
async def open_program(
    kind: str, folder: Path, rivya: CountedRivya, *, poll_seconds: float, decode: bool = True
) -> AsyncIterator[Program]:
    """Start a program, and wait until it takes jobs; its files are in `folder`."""
    async with FakeDiscord() as discord:
        discord.answer_seconds = PATIENCE_SECONDS  # how late an answer may be is measured elsewhere
        (channel,) = discord.add_guild()
        if kind == "aiohttp":
            discord.commands[0] = [COMMAND]  # the others send their own
        work = {
            "kind": kind,
            "folder": str(folder),
            "discord_api": discord.api_url,
            "gateway": discord.gateway.url,
            "token": discord.bot_token,
            "application_id": discord.application_id,
            "rivya_url": rivya.url,
            "api_key": API_KEY,
            "poll_seconds": poll_seconds,
            "decode": decode,
        }
        arguments = ("-m", "tests.benchmarks.job_process", json.dumps(work))
        async with run_python(*arguments, stderr=asyncio.subprocess.DEVNULL) as (stdin, stdout):
            async with asyncio.timeout(PATIENCE_SECONDS):
                assert await stdout.readline() == b"{}\n", f"{kind} did not start"
            yield Program(kind, discord, rivya, stdin, stdout, channel, discord.add_person("alice"))
