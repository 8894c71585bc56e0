"""A storm: hundreds of jobs while everything around the bot fails, and the bot is killed again and again.

`python -m tests.e2e.storm --jobs 600 --seed 7` runs one and says how it ended; the same seed is the same
plan.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import logging
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.fake_rivya import FakeRivya
from sandbox.fake_rivya import Fault as RivyaFault
from tests.e2e.bot_process import BotProcess
from tests.e2e.environment import E2EEnvironment, paint
from tests.e2e.fake_discord.faults import Fault
from tests.e2e.fake_discord.server import FakeDiscord
from tests.e2e.storm_checks import Verification
from tests.e2e.storm_members import Crowd
from tests.e2e.storm_plan import End, Plan, PlannedFault, PlannedRequest, ProcessRun, Step, draw
from tests.support.waiting import PATIENCE_SECONDS

PROMPT_SECONDS = 25.0
"""A call that Rivya never answers is given its grace of 20 s."""
WALLET_CREDITS = 1_000_000
MISSED_STEPS = 3
"""What happens before anybody notices that the bot is dead; the rest waits for its next life."""
_RIVYA_PATHS = {
    "files": ("POST", "/files"),
    "create": ("POST", "/generations"),
    "status": ("GET", "/generations/"),
    "result": ("GET", "/results/"),
}


@dataclass
class Report:
    """How a storm ended."""

    seed: int
    wrongs: list[str]
    counts: Counter[str]
    hits: Counter[str]
    lives: int
    seconds: float
    log: str = field(default="", repr=False)

    def __str__(self) -> str:
        lines = [
            f"seed {self.seed}: {self.counts.total()} requests, {self.lives} lives, {self.seconds:.1f} s",
            "jobs:   " + ", ".join(f"{count} {name}" for name, count in sorted(self.counts.items())),
            "faults: " + ", ".join(f"{count} {name}" for name, count in sorted(self.hits.items())),
        ]
        return "\n".join([*lines, *(f"WRONG: {wrong}" for wrong in self.wrongs)])


class Storm:
    """One plan, carried out."""

    def __init__(self, plan: Plan, environment: E2EEnvironment) -> None:
        self._plan = plan
        self._town = environment
        self._crowd = Crowd(environment)
        self._faults: list[Fault | RivyaFault] = []
        self._wrongs: list[str] = []
        self._upheavals: Counter[str] = Counter()
        self._taken = 0

    async def run(self) -> Report:
        began = time.monotonic()
        try:
            steps: list[Step] = []
            for life in self._plan.runs:
                steps = await self._live(life, steps)
        except (TimeoutError, AssertionError) as error:
            self._wrongs.append(f"not seen through: {error!r}; unfinished: {self._unfinished()}")
        finally:
            await self._crowd.close()
            await self._town.bot.kill_and_wait()
        self._upheavals["nonce forgotten"] = len(self._town.discord.late_repeats)
        reckoning = Verification(self._town, self._crowd.deeds)
        hits = Counter(_label(fault) for fault in self._faults if fault.hits)
        return Report(
            seed=self._plan.seed,
            wrongs=[*self._wrongs, *reckoning.wrongs()],
            counts=reckoning.counts(),
            hits=hits + self._upheavals,
            lives=self._town.bot.runs,
            seconds=time.monotonic() - began,
            log=self._town.bot.log(),
        )

    async def _live(self, life: ProcessRun, carried: list[Step]) -> list[Step]:
        """Lead one life; returns the requests that it did not live to see."""
        bot, gateway = self._town.bot, self._town.discord.gateway
        self._taken = 0
        # Before it begins, so that no call is missed that it could end at.
        doom = None if life.end is None else asyncio.create_task(self._doom(life.end), name="doom")
        try:
            await bot.start(strict=life.end is None)
            await self._town.discord.until(lambda: gateway.connected or not bot.alive)
            left = await self._steps([*carried, *life.steps], life.pauses_seconds)
            if life.end is None or doom is None:
                await self._see_through()
            else:
                await self._end(life.end, doom)
                self._clear()
                await asyncio.sleep(life.dead_seconds)
                if life.minutes_dead:
                    self._town.discord.forget_nonces()
        finally:
            if doom is not None:
                doom.cancel()
        return [step for step in left if isinstance(step, PlannedRequest)]

    async def _steps(self, steps: list[Step], pauses_seconds: list[float]) -> list[Step]:
        """Take them one after another; returns those that came too late for this life."""
        pauses = itertools.chain(pauses_seconds, itertools.repeat(0.02))
        into_the_void = MISSED_STEPS
        while steps and into_the_void:
            await self._step(steps.pop(0))
            self._taken += 1
            await asyncio.sleep(next(pauses))  # people do not all press enter at once
            into_the_void -= not self._town.bot.alive
        return steps

    async def _step(self, step: Step) -> None:
        gateway = self._town.discord.gateway
        match step:
            case PlannedRequest():
                await self._crowd.ask(step)
            case PlannedFault():
                self._add(step)
            case "op 7":
                await gateway.reconnect()
            case "cut":
                gateway.drop()
            case _:
                await gateway.invalidate(resumable=step == "op 9")
        if isinstance(step, str):
            self._upheavals[step] += 1

    def _add(self, mishap: PlannedFault) -> None:
        if mishap.where == "rivya":
            self._faults.append(self._town.rivya.faults.add(mishap.name, mishap.route, **mishap.details))
            return
        only: dict[str, Any] = {"only": lambda call: call.has_files} if mishap.pictures_only else {}
        self._faults.append(
            self._town.discord.faults.add(mishap.name, mishap.route, **mishap.details, **only)
        )

    def _clear(self) -> None:
        self._town.discord.faults.clear()
        self._town.rivya.faults.clear()

    # Ends.

    async def _doom(self, end: End) -> None:
        """Comes with the planned call; at Discord that may be before or after it is acted on."""
        await self._town.discord.until(lambda: self._taken >= end.steps_before)
        if end.where == "rivya":
            already = self._count(end.route)
            await self._town.rivya.until(lambda: self._count(end.route) >= already + end.nth)
            if end.how == "kill":
                self._town.bot.kill()
            return
        struck = asyncio.Event()
        left = itertools.count(end.nth - 1, -1)

        def strike() -> None:
            struck.set()
            if end.how == "kill":
                self._town.bot.kill()

        self._faults.append(
            self._town.discord.faults.add(
                "strike", end.route, only=lambda _: next(left) == 0, act=strike, processed=end.processed
            )
        )
        await struck.wait()

    def _count(self, route: str) -> int:
        """How many calls Rivya had there."""
        method, part = _RIVYA_PATHS[route]
        return sum(verb == method and part in path for verb, path, _ in self._town.rivya.calls)

    async def _end(self, end: End, doom: asyncio.Task[None]) -> None:
        try:
            await asyncio.wait_for(doom, end.patience_seconds)
        except TimeoutError:
            self._upheavals["ended by the clock"] += 1
        self._upheavals[end.how] += 1
        if end.how == "SIGTERM" and self._town.bot.alive:
            await self._terminate()
            return
        self._town.bot.kill()
        code = await self._town.bot.ended()
        if code != -signal.SIGKILL:
            self._wrongs.append(f"it ended by itself, with {code}")

    async def _terminate(self) -> None:
        code, seconds = await self._town.bot.close()
        if code != 0 or seconds > PROMPT_SECONDS:
            self._wrongs.append(f"SIGTERM: exit {code} after {seconds:.1f} s")

    async def _see_through(self) -> None:
        """No more faults: everything that was begun ends."""
        self._clear()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._town.bot.connected()
            await self._crowd.answered()
            while self._unfinished():
                await asyncio.sleep(0.1)  # a commit in another process is no event that could be awaited
        await self._terminate()

    def _unfinished(self) -> list[str]:
        return [
            f"{row['job_id']} {row['stage']}" for row in self._town.bot.jobs() if row["finished_at"] is None
        ]


def _label(fault: Fault | RivyaFault) -> str:
    code = fault.code if isinstance(fault, RivyaFault) else fault.status
    return f"{code if fault.name == 'status' else fault.name} {fault.route}"


async def storm(jobs: int, seed: int, folder: Path) -> Report:
    """Run one."""
    plan = draw(seed, jobs)
    dice = random.Random(seed)
    async with (
        FakeDiscord() as discord,
        FakeRivya(
            painting_seconds=lambda: dice.uniform(0.02, plan.painting_seconds),
            painter=paint,
            wallet_credits=WALLET_CREDITS,
            seed=seed,
        ) as rivya,
    ):
        rivya.spelling, rivya.create_status = plan.spelling, plan.create_status
        (channel,) = discord.add_guild()
        bot = BotProcess(folder, discord, rivya, settings={"BOT_RIVYA__MAX_RUNNING": "12"})
        environment = E2EEnvironment(discord, rivya, bot, channel, discord.add_person("alice"))
        return await Storm(plan, environment).run()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.storm", description="A storm over the bot.")
    parser.add_argument("--jobs", type=int, default=300, help="how many requests (default 300)")
    parser.add_argument("--seed", type=int, help="of the plan (default: a new one, which is printed)")
    parser.add_argument("--log", type=Path, help="where to write the bot's log")
    told = parser.parse_args()
    # A client that is killed in the middle of an answer is what this is about.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    seed = random.SystemRandom().randrange(1_000_000) if told.seed is None else told.seed
    print(f"--seed {seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="storm-") as folder:
        report = asyncio.run(storm(told.jobs, seed, Path(folder)))
    if told.log is not None:
        told.log.write_text(report.log)
    print(report)
    sys.exit(bool(report.wrongs))


if __name__ == "__main__":
    main()
