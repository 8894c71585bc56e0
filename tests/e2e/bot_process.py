"""The bot as a child process, which can be killed and born again on the same database."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.credits.ledger_export import LedgerEntry, export_ledger
from sandbox.fake_rivya import FakeRivya
from tests.e2e.fake_discord.server import FakeDiscord
from tests.support.paths import ROOT
from tests.support.waiting import PATIENCE_SECONDS, soon

_LAST_WORDS = (
    *("Discord refuses the token", "Discord answers", "Discord is out of reach"),
    "Discord ended the connection for good",
)
_EXPECTED_ERRORS = ("Attempting a reconnect for shard",)  # the library's own, about a gateway that is gone


@dataclass
class BotProcess:
    """One database, and the lives that are led on it one after another.

    Attributes:
        settings: more of the bot's settings, as environment variables.
    """

    folder: Path
    discord: FakeDiscord
    rivya: FakeRivya
    settings: dict[str, str] = field(default_factory=dict)
    runs: int = 0
    _process: asyncio.subprocess.Process | None = None
    _killed: bool = False
    _watch: asyncio.Task[None] | None = None

    @property
    def database(self) -> Path:
        return self.folder / "bot.sqlite3"

    @property
    def process(self) -> asyncio.subprocess.Process:
        assert self._process is not None, "it never lived"
        return self._process

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None and not self._killed

    async def start(self, *, strict: bool = False, **settings: str) -> None:
        """Start a process. `strict` lets Python tell of everything that was left open or not awaited."""
        self.runs += 1
        self._killed = False
        self.folder.mkdir(exist_ok=True)
        with self.log_file(self.runs).open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *(["-X", "dev"] if strict else []),
                "-m",
                "tests.e2e.bot_entry",
                self.discord.api_url,
                self.discord.gateway.url,
                cwd=self.folder,
                env=self._environ(strict=strict) | self.settings | settings,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
            )
        self._watch = asyncio.create_task(self._tell_end(self._process), name="the bot's end")

    async def run(self, *arguments: str, **settings: str) -> tuple[int, str]:
        """Run another command of the bot's to its end; returns its exit code and all that it said."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.e2e.bot_entry",
            self.discord.api_url,
            self.discord.gateway.url,
            *arguments,
            cwd=self.folder,
            env=self._environ(strict=False) | self.settings | settings,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            said, _ = await soon(process.communicate())
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return process.returncode or 0, said.decode()

    async def _tell_end(self, process: asyncio.subprocess.Process) -> None:
        """Wake who waits for what a dead bot will never do."""
        await process.wait()
        await self.discord.announce()

    def _environ(self, *, strict: bool) -> dict[str, str]:
        # Without coverage's own variables these processes, and all that only they run, would not be measured.
        measuring = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
        return (
            measuring
            | {
                "PATH": os.environ.get("PATH", ""),
                "PYTHONPATH": str(ROOT),
                "BOT_DISCORD__TOKEN": self.discord.bot_token,
                "BOT_RIVYA__API_KEY": self.rivya.api_key,
                "BOT_RIVYA__BASE_URL": self.rivya.url,
                "BOT_RIVYA__FIRST_POLL_SECONDS": "0.05",
                "BOT_RIVYA__POLL_SECONDS": "0.1",
                "BOT_DATABASE__PATH": str(self.database),
                "BOT_LIMITS__GUILD_CREDITS": "100000",
                "BOT_NETWORK__ALLOW_LOOPBACK": "true",
                "BOT_LOG__FORMAT": "json",
            }
            | ({"KUAS_WIRE_LEFTOVERS": "1"} if strict else {})
        )

    async def connected(self) -> None:
        """Wait until the bot is at the gateway."""
        await self.discord.until(lambda: self.discord.gateway.connected or not self.alive)
        assert self.alive, self.log()

    async def start_connected(self, **settings: Any) -> None:
        await self.start(**settings)
        await self.connected()

    async def ended(self) -> int:
        """Wait for its end; Discord notices it, too."""
        code = await soon(self.process.wait())
        if self._watch is not None:
            await self._watch
        self.discord.gateway.forget()
        return code

    def kill(self) -> None:
        """`kill -9`."""
        if self.alive:
            self._killed = True  # a second one could reap the child before asyncio does
            self.process.kill()

    async def kill_and_wait(self) -> None:
        self.kill()
        if self._process is not None:
            await self.ended()

    async def close(self) -> tuple[int, float]:
        """SIGTERM; returns the exit code and how many seconds it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return await self.ended(), time.monotonic() - began

    # What it leaves behind.

    def books(self) -> list[LedgerEntry]:
        return list(export_ledger(self.database))

    def job(self, interaction_id: int) -> sqlite3.Row | None:
        """The row of the job that an interaction became, if it did."""
        rows = [row for row in self.jobs() if row["interaction_id"] == interaction_id]
        return rows[0] if rows else None

    def jobs(self) -> list[sqlite3.Row]:
        connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)
        connection.row_factory = sqlite3.Row
        try:
            return connection.execute("SELECT * FROM jobs ORDER BY accepted_at, job_id").fetchall()
        finally:
            connection.close()

    def kept_pictures(self) -> dict[str, bytes]:
        """By job."""
        connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)
        try:
            kept = connection.execute("SELECT job_id, sha256 FROM kept_pictures").fetchall()
        finally:
            connection.close()
        folder = self.database.with_name(f"{self.database.name}.pictures")
        return {job_id: (folder / sha256).read_bytes() for job_id, sha256 in kept}

    async def finished(self, *interaction_ids: int) -> list[sqlite3.Row]:
        """Wait until these jobs have nothing left to do."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                rows = [self.job(interaction_id) for interaction_id in interaction_ids]
                done = [row for row in rows if row is not None and row["finished_at"] is not None]
                if len(done) == len(rows):
                    return done
                await asyncio.sleep(0.02)  # a commit in another process is no event that could be awaited

    def state_of(self, job_id: str) -> tuple[object, object]:
        """Of its reservation: the state, and what was charged."""
        (entry,) = [entry for entry in self.books() if entry["job_id"] == job_id]
        return entry["state"], entry["final_credits"]

    def log_file(self, life: int) -> Path:
        return self.folder / f"life-{life}.log"

    def log(self) -> str:
        """Everything all lives said."""
        files = [self.log_file(life) for life in range(1, self.runs + 1)]
        return "".join(file.read_text("utf-8", "replace") for file in files if file.exists())

    def unexpected_log_lines(self) -> list[str]:
        """Every line of the log that tells of a bug, or a secret, or that nobody meant to write."""
        log = self.log()
        secrets = [self.discord.bot_token, self.rivya.api_key]
        secrets += [interaction.token for interaction in self.discord.interactions.values()]
        told = [f"a secret in the log: {secret[:6]}..." for secret in secrets if secret in log]
        return told + [line for line in log.splitlines() if _is_trouble(line)]


def _is_trouble(line: str) -> bool:
    if not line.startswith("{"):
        # In development mode Python warns of an import of discord.py's.
        return not line.startswith(_LAST_WORDS) and "audioop" not in line
    try:
        told = json.loads(line)
    except ValueError:
        return False  # cut in two by a kill
    return told["level"] in {"error", "critical"} and not told["event"].startswith(_EXPECTED_ERRORS)
