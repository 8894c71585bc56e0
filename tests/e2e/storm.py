"""A storm: hundreds of jobs while Rivya and Discord fail and the bot is killed again and again.

`python -m tests.e2e.storm --jobs 600 --seed 7` runs one and prints a report; the same seed gives the same
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
from tests.e2e.storm_endless import EndlessTasks
from tests.e2e.storm_members import Members
from tests.e2e.storm_plan import (
    MODEL_OF_SEVERAL,
    MODELS,
    Plan,
    PlannedFault,
    PlannedRequest,
    ProcessRun,
    RunEnd,
    Step,
    draw,
)
from tests.e2e.storm_strangers import Strangers
from tests.support.waiting import PATIENCE_SECONDS

MAX_SHUTDOWN_SECONDS = 25.0
"""The bot waits up to 20 s for a call of Rivya that gets no answer."""
WALLET_CREDITS = 1_000_000
STEPS_WHILE_DOWN = 3
"""Steps that still happen after the bot was killed; the rest of them waits for the next run."""
SETTINGS = {"BOT_RIVYA__MAX_RUNNING": "12", "BOT_RIVYA__MODELS": ", ".join((*MODELS, MODEL_OF_SEVERAL))}
_RIVYA_PATHS = {
    "files": ("POST", "/files"),
    "create": ("POST", "/generations"),
    "status": ("GET", "/generations/"),
    "result": ("GET", "/results/"),
}


@dataclass
class Report:
    """How a storm ended. `counts` are jobs by outcome, `events` are injected faults and ends of runs."""

    seed: int
    errors: list[str]
    counts: Counter[str]
    events: Counter[str]
    runs: int
    seconds: float
    log: str = field(default="", repr=False)

    def __str__(self) -> str:
        lines = [
            f"seed {self.seed}: {self.counts.total()} requests, {self.runs} runs, {self.seconds:.1f} s",
            "jobs:   " + ", ".join(f"{count} {name}" for name, count in sorted(self.counts.items())),
            "events: " + ", ".join(f"{count} {name}" for name, count in sorted(self.events.items())),
        ]
        return "\n".join([*lines, *(f"WRONG: {error}" for error in self.errors)])


class Storm:
    """Carries out one plan."""

    def __init__(self, plan: Plan, environment: E2EEnvironment) -> None:
        self._plan = plan
        self._environment = environment
        self._members = Members(environment)
        self._strangers = Strangers(environment)
        self._endless = EndlessTasks(environment)
        self._faults: list[Fault | RivyaFault] = []
        self._errors: list[str] = []
        self._events: Counter[str] = Counter()
        self._steps_taken = 0

    async def run(self) -> Report:
        started = time.monotonic()
        try:
            steps: list[Step] = []
            for run in self._plan.runs:
                steps = await self._run_process(run, steps)
        except (TimeoutError, AssertionError) as error:
            self._errors.append(f"not finished: {error!r}; {self._unfinished()}")
        finally:
            await self._members.close()
            await self._environment.bot.kill_and_wait()
        self._events["abandoned"] = self._endless.abandoned is not None
        self._events["nonce forgotten"] = len(self._environment.discord.late_repeats)
        verification = Verification(self._environment, self._members.requests, self._strangers, self._endless)
        return Report(
            seed=self._plan.seed,
            errors=[*self._errors, *verification.errors()],
            counts=verification.counts(),
            events=Counter(_label(fault) for fault in self._faults if fault.hits) + self._events,
            runs=self._environment.bot.runs,
            seconds=time.monotonic() - started,
            log=self._environment.bot.log(),
        )

    async def _run_process(self, run: ProcessRun, carried: list[Step]) -> list[Step]:
        """Carry out one run; returns its requests that were not sent before the process had ended."""
        bot, gateway = self._environment.bot, self._environment.discord.gateway
        self._steps_taken = 0
        self._endless.make_old()
        # Created before the process, so that it counts every call.
        trigger = (
            None if run.end is None else asyncio.create_task(self._wait_for_end(run.end), name="run's end")
        )
        try:
            await bot.start(strict=run.end is None)
            await self._environment.discord.until(lambda: gateway.connected or not bot.alive)
            left = await self._take_steps([*carried, *run.steps], run.pauses_seconds)
            await self._strangers.visit()
            if run.end is None or trigger is None:
                await self._finish()
            else:
                await self._end(run.end, trigger)
                self._clear_faults()
                await asyncio.sleep(run.down_seconds)
                if run.forget_nonces:
                    self._environment.discord.forget_nonces()
        finally:
            if trigger is not None:
                trigger.cancel()
        return [step for step in left if isinstance(step, PlannedRequest)]

    async def _take_steps(self, steps: list[Step], pauses_seconds: list[float]) -> list[Step]:
        """Take the steps in their order until the bot is down; returns those that are left."""
        pauses = itertools.chain(pauses_seconds, itertools.repeat(0.02))
        steps_while_down = 0
        while steps and steps_while_down < STEPS_WHILE_DOWN:
            await self._take_step(steps.pop(0))
            self._steps_taken += 1
            await asyncio.sleep(next(pauses))
            steps_while_down += not self._environment.bot.alive
        return steps

    async def _take_step(self, step: Step) -> None:
        gateway = self._environment.discord.gateway
        match step:
            case PlannedRequest():
                if step.price_change is not None:
                    model, credits, surcharge = step.price_change
                    control = self._environment.rivya.model_control
                    control.change(model, credits=credits, surcharge=surcharge)
                    self._events["price changed"] += 1
                await self._members.send(step)
            case PlannedFault():
                self._add_fault(step)
            case "op 7":
                await gateway.reconnect()
            case "cut":
                gateway.drop_connection()
            case _:
                await gateway.invalidate(resumable=step == "op 9")
        if isinstance(step, str):
            self._events[step] += 1

    def _add_fault(self, fault: PlannedFault) -> None:
        if fault.where == "rivya":
            rivya_faults = self._environment.rivya.faults
            self._faults.append(rivya_faults.add(fault.name, fault.route, **fault.details))
            return
        only: dict[str, Any] = {"only": lambda call: call.has_files} if fault.pictures_only else {}
        discord_faults = self._environment.discord.faults
        self._faults.append(discord_faults.add(fault.name, fault.route, **fault.details, **only))

    def _clear_faults(self) -> None:
        self._environment.discord.faults.clear()
        self._environment.rivya.faults.clear()

    # The end of a run.

    async def _wait_for_end(self, end: RunEnd) -> None:
        """Wait for the call that the run ends at, and kill the bot at that moment if it is to be killed."""
        await self._environment.discord.until(lambda: self._steps_taken >= end.steps_before)
        if end.where == "rivya":
            calls_before = self._count_calls(end.route)
            await self._environment.rivya.until(
                lambda: self._count_calls(end.route) >= calls_before + end.nth
            )
            if end.how == "kill":
                self._environment.bot.kill()
            return
        called = asyncio.Event()
        calls_left = itertools.count(end.nth - 1, -1)

        def at_call() -> None:
            called.set()
            if end.how == "kill":
                self._environment.bot.kill()

        self._faults.append(
            self._environment.discord.faults.add(
                "hook", end.route, only=lambda _: next(calls_left) == 0, act=at_call, processed=end.processed
            )
        )
        await called.wait()

    def _count_calls(self, route: str) -> int:
        method, part = _RIVYA_PATHS[route]
        return sum(verb == method and part in path for verb, path, _ in self._environment.rivya.calls)

    async def _end(self, end: RunEnd, trigger: asyncio.Task[None]) -> None:
        try:
            await asyncio.wait_for(trigger, end.timeout_seconds)
        except TimeoutError:
            self._events["ended at the time-out"] += 1
        self._events[end.how] += 1
        if end.how == "SIGTERM" and self._environment.bot.alive:
            await self._terminate()
            return
        self._environment.bot.kill()
        code = await self._environment.bot.wait_ended()
        if code != -signal.SIGKILL:
            self._errors.append(f"the bot ended by itself, with exit code {code}")

    async def _terminate(self) -> None:
        code, seconds = await self._environment.bot.terminate()
        if code != 0 or seconds > MAX_SHUTDOWN_SECONDS:
            self._errors.append(f"SIGTERM: exit code {code} after {seconds:.1f} s")

    async def _finish(self) -> None:
        """Wait, without further faults, until every job is finished; then end the bot."""
        self._clear_faults()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._environment.bot.wait_connected()
            await self._members.wait_answered()
            await self._endless.finish()
            while self._unfinished():
                await asyncio.sleep(0.1)  # a commit of another process cannot be awaited
        await self._strangers.finish()
        await self._terminate()

    def _unfinished(self) -> list[str]:
        jobs = self._environment.bot.jobs()
        return [f"{row['job_id']} {row['stage']}" for row in jobs if row["finished_at"] is None]


def _label(fault: Fault | RivyaFault) -> str:
    code = fault.code if isinstance(fault, RivyaFault) else fault.status
    return f"{code if fault.name == 'status' else fault.name} {fault.route}"


async def storm(jobs: int, seed: int, folder: Path) -> Report:
    """Run one storm."""
    plan = draw(seed, jobs)
    rng = random.Random(seed)
    async with (
        FakeDiscord() as discord,
        FakeRivya(
            painting_seconds=lambda: rng.uniform(0.02, plan.painting_seconds),
            painter=paint,
            wallet_credits=WALLET_CREDITS,
            seed=seed,
        ) as rivya,
    ):
        rivya.spelling, rivya.create_status = plan.spelling, plan.create_status
        rivya.status_words, rivya.result_address = dict(plan.status_words), plan.result_address
        (channel,) = discord.add_guild()
        bot = BotProcess(folder, discord, rivya, settings=SETTINGS)
        environment = E2EEnvironment(discord, rivya, bot, channel, discord.add_person("alice"))
        return await Storm(plan, environment).run()


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.e2e.storm", description="Run the bot through faults and kills."
    )
    parser.add_argument("--jobs", type=int, default=300, help="how many requests (default 300)")
    parser.add_argument("--seed", type=int, help="of the plan (default: a new one, which is printed)")
    parser.add_argument("--log", type=Path, help="where to write the bot's log")
    arguments = parser.parse_args()
    # Clients that are killed during a response are expected here.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    seed = random.SystemRandom().randrange(1_000_000) if arguments.seed is None else arguments.seed
    print(f"--seed {seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="storm-") as folder:
        report = asyncio.run(storm(arguments.jobs, seed, Path(folder)))
    if arguments.log is not None:
        arguments.log.write_text(report.log)
    print(report)
    sys.exit(bool(report.errors))


if __name__ == "__main__":
    main()
