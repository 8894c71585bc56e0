"""Measure a start in 2500 servers, compared with a bare client of discord.py in the same servers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.benchmarks.guild_start import StartResult
from tests.benchmarks.harness import open_process
from tests.benchmarks.memory import MIB
from tests.benchmarks.results_table import Row

GUILDS = 2500
CHANNELS = 10
ROLES = 5
TARGET_TIMES = 1.2
TARGET_MORE_SECONDS = 2.0


async def measure(folder: Path) -> list[Row]:
    async with open_process(
        "tests.benchmarks.stub_gateway", guilds=GUILDS, channels=CHANNELS, roles=ROLES
    ) as discord:
        ours = await _start("kuas", folder, discord)
        bare = await _start("bare", folder, discord)
    return [_memory(ours, bare), _time(ours, bare)]


async def _start(bot: str, folder: Path, discord: dict[str, Any]) -> StartResult:
    async with open_process("tests.benchmarks.guild_start", bot=bot, folder=str(folder), **discord) as output:
        start = StartResult(**output)
    assert start.guilds == GUILDS
    return start


def _memory(ours: StartResult, bare: StartResult) -> Row:
    times = ours.added_bytes / bare.added_bytes
    return Row(
        what=f"memory added by {GUILDS} servers at start",
        measured=f"{ours.added_bytes / MIB:.1f} of {bare.added_bytes / MIB:.1f} MiB: {times:.2f} times",
        target=f"< {TARGET_TIMES} times bare",
        met=times < TARGET_TIMES,
        note=f"{CHANNELS} channels and {ROLES} roles each, through discord.py's own login, gateway and"
        " decompression, from a fake Discord in another process. Bare: discord.Client with the same"
        f" intent. In all, ours then takes {ours.peak_bytes / MIB:.0f} MiB and bare"
        f" {bare.peak_bytes / MIB:.0f}. {ours.method}.",
        reason="ours also loads its commands, opens the database and records every server in it",
    )


def _time(ours: StartResult, bare: StartResult) -> Row:
    more = ours.seconds - bare.seconds
    return Row(
        what="from the login until every server is known",
        measured=f"{ours.seconds:.1f} s, bare {bare.seconds:.1f} s",
        target=f"< {TARGET_MORE_SECONDS:.0f} s more than bare",
        met=more < TARGET_MORE_SECONDS,
        note=f"In the same start; {ours.cpu_seconds:.2f} s of CPU, bare {bare.cpu_seconds:.2f} s. In both,"
        " discord.py waits 2 s for further servers after the last.",
        reason="ours also syncs its commands and resumes unfinished jobs before it connects",
    )
