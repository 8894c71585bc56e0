"""Run the bot as a child process, which can be killed and started again on the same database."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from bot.credits.ledger_export import LedgerEntry, export_ledger
from sandbox.fake_rivya import FakeRivya
from tests.e2e.fake_discord.server import FakeDiscord
from tests.support.paths import ROOT
from tests.support.waiting import PATIENCE_SECONDS, soon

_EXPECTED_MESSAGES = (
    *("Discord refuses", "Discord answers", "Discord is out of reach"),
    "Discord ended the connection for good",
)
_EXPECTED_WARNINGS = ("audioop", "asyncio.iscoroutinefunction")
"""What development mode warns about in discord.py, as `filterwarnings` in pyproject.toml does."""
_EXPECTED_ERRORS = ("Attempting a reconnect for shard", "Failed to connect for shard_id")  # of discord.py


@dataclass
class BotProcess:
    """The processes that run one after another on one database.

    Attributes:
        folder: the database, the log files, and the working directory of the processes.
        settings: settings of the bot, as environment variables.
        program: what is run, before the arguments.
        runs: how many processes were started.
    """

    folder: Path
    discord: FakeDiscord
    rivya: FakeRivya
    settings: dict[str, str] = field(default_factory=dict)
    program: Sequence[str] = (sys.executable, "-m", "tests.e2e.bot_entry")
    runs: int = 0
    _process: asyncio.subprocess.Process | None = None
    _strict: bool = False
    _killed: bool = False
    _end_watcher: asyncio.Task[None] | None = None

    @property
    def database(self) -> Path:
        return self.folder / "bot.sqlite3"

    @property
    def process(self) -> asyncio.subprocess.Process:
        assert self._process is not None, "it was never started"
        return self._process

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None and not self._killed

    async def start(self, *arguments: str, strict: bool = False, **settings: str) -> None:
        """Start a process.

        Args:
            *arguments: those of the command line; none run the bot.
            strict: let Python report what is not closed or not awaited at the end.
            **settings: further settings for this process.
        """
        self.runs += 1
        self._killed = False
        self.folder.mkdir(exist_ok=True)
        self._strict = self._strict or strict
        strict_environ = {"PYTHONDEVMODE": "1", "KUAS_E2E_REPORT_LEAKS": "1"} if strict else {}
        with self.log_file(self.runs).open("wb") as log:
            self._process = await self._spawn(arguments, strict_environ | settings, log)
        self._end_watcher = asyncio.create_task(self._announce_end(self._process), name="the bot's end")

    async def run(self, *arguments: str, **settings: str) -> tuple[int, str]:
        """Run a command of the bot to its end; returns its exit code and output."""
        process = await self._spawn(arguments, settings, asyncio.subprocess.PIPE)
        try:
            output, _ = await soon(process.communicate())
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return process.returncode or 0, output.decode()

    async def _spawn(
        self, arguments: Sequence[str], settings: Mapping[str, str], output: int | IO[bytes]
    ) -> asyncio.subprocess.Process:
        # coverage measures the process only with its own variables.
        measuring = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
        environ = {
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
            "XDG_CONFIG_HOME": str(self.folder / "no settings"),
            "KUAS_E2E_DISCORD": f"{self.discord.api_url} {self.discord.gateway.url}",
            "KUAS_E2E_FIRST_WAIT_SECONDS": "0.01",
            "KUAS_E2E_LOOP": os.environ.get("KUAS_E2E_LOOP", ""),
        }
        return await asyncio.create_subprocess_exec(
            *self.program,
            *arguments,
            cwd=self.folder,
            env=measuring | environ | self.settings | dict(settings),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
        )

    async def _announce_end(self, process: asyncio.subprocess.Process) -> None:
        """Wake the waiters of the fake Discord, whose conditions may include the end of the bot."""
        await process.wait()
        await self.discord.announce()

    async def wait_connected(self) -> None:
        """Wait until the bot is connected to the gateway."""
        await self.discord.until(lambda: self.discord.gateway.connected or not self.alive)
        assert self.alive, self.log()

    async def start_connected(self, *arguments: str, **settings: Any) -> None:
        await self.start(*arguments, **settings)
        await self.wait_connected()

    async def wait_ended(self) -> int:
        """Wait for the end of the process, end its gateway session, and return the exit code."""
        code = await soon(self.process.wait())
        if self._end_watcher is not None:
            await self._end_watcher
        self.discord.gateway.end_session()
        return code

    def kill(self) -> None:
        """Send SIGKILL."""
        if self.alive:
            self._killed = True  # a second signal could reap the child before asyncio does
            self.process.kill()

    async def kill_and_wait(self) -> None:
        self.kill()
        if self._process is not None:
            await self.wait_ended()

    async def terminate(self) -> tuple[int, float]:
        """Send SIGTERM; returns the exit code and how many seconds the end took."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return await self.wait_ended(), time.monotonic() - started

    # Its database and files.

    def ledger_entries(self) -> list[LedgerEntry]:
        return list(export_ledger(self.database))

    def job(self, interaction_id: int) -> sqlite3.Row | None:
        """Return the row of an interaction's job, None if there is none."""
        rows = [row for row in self.jobs() if row["interaction_id"] == interaction_id]
        return rows[0] if rows else None

    def query(self, sql: str) -> list[sqlite3.Row]:
        """Run a query on a read-only connection of its own."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            return connection.execute(sql).fetchall()

    def jobs(self) -> list[sqlite3.Row]:
        return self.query("SELECT * FROM jobs ORDER BY accepted_at, job_id")

    def kept_pictures(self) -> dict[str, bytes]:
        """Return the stored pictures by job id."""
        folder = self.database.with_name(f"{self.database.name}.pictures")
        rows = self.query("SELECT job_id, sha256 FROM kept_pictures")
        return {row["job_id"]: (folder / row["sha256"]).read_bytes() for row in rows}

    async def wait_finished(self, *interaction_ids: int) -> list[sqlite3.Row]:
        """Wait until the jobs of these interactions are finished; returns their rows."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                rows = [self.job(interaction_id) for interaction_id in interaction_ids]
                done = [row for row in rows if row is not None and row["finished_at"] is not None]
                if len(done) == len(rows):
                    return done
                await asyncio.sleep(0.02)  # a commit of another process cannot be awaited

    def reservation_outcome(self, job_id: str) -> tuple[object, object]:
        """Return state and final credits of the job's reservation."""
        (entry,) = [entry for entry in self.ledger_entries() if entry["job_id"] == job_id]
        return entry["state"], entry["final_credits"]

    def log_file(self, run: int) -> Path:
        return self.folder / f"run-{run}.log"

    def log(self) -> str:
        """Return the output of all processes."""
        files = [self.log_file(run) for run in range(1, self.runs + 1)]
        return "".join(file.read_text("utf-8", "replace") for file in files if file.exists())

    def unexpected_log_lines(self) -> list[str]:
        """Return the errors, the unstructured lines and the secrets in the log."""
        log = self.log()
        secrets = [self.discord.bot_token, self.rivya.api_key]
        secrets += [interaction.token for interaction in self.discord.interactions.values()]
        found = [f"a secret in the log: {secret[:6]}..." for secret in secrets if secret in log]
        expected = _EXPECTED_WARNINGS if self._strict else ()
        lines = [line for line in log.splitlines() if not any(name in line for name in expected)]
        return found + [line for line in lines if _is_unexpected(line)]


def _is_unexpected(line: str) -> bool:
    if not line.startswith("{"):
        return not line.startswith(_EXPECTED_MESSAGES)
    try:
        record = json.loads(line)
    except ValueError:
        return False  # a kill interrupted the write
    return record["level"] in {"error", "critical"} and not record["event"].startswith(_EXPECTED_ERRORS)
