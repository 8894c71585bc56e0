"""A start in 2500 servers, beside a bare client of discord.py's that is in the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.benchmarks.guild_start import Start
from tests.benchmarks.harness import open_beside
from tests.benchmarks.memory import MIB
from tests.benchmarks.results_table import Row

GUILDS = 2500
CHANNELS = 10
ROLES = 5
TARGET_TIMES = 1.2
TARGET_MORE_SECONDS = 2.0


async def measure(folder: Path) -> list[Row]:
    async with open_beside(
        "tests.benchmarks.stub_gateway", guilds=GUILDS, channels=CHANNELS, roles=ROLES
    ) as discord:
        ours = await _start("kuas", folder, discord)
        bare = await _start("bare", folder, discord)
    return [_memory(ours, bare), _time(ours, bare)]


async def _start(who: str, folder: Path, discord: dict[str, Any]) -> Start:
    async with open_beside("tests.benchmarks.guild_start", who=who, folder=str(folder), **discord) as found:
        start = Start(**found)
    assert start.guilds == GUILDS
    return start


def _memory(ours: Start, bare: Start) -> Row:
    times = ours.added_bytes / bare.added_bytes
    return Row(
        what=f"memory added by {GUILDS} servers at start",
        measured=f"{ours.added_bytes / MIB:.1f} of {bare.added_bytes / MIB:.1f} MiB: {times:.2f} times",
        target=f"< {TARGET_TIMES} times bare",
        met=times < TARGET_TIMES,
        note=f"{CHANNELS} channels and {ROLES} roles each, through discord.py's own login, gateway and"
        " decompression, from a Discord of our own in another process. Bare: discord.Client with the same"
        f" intent. In all, ours then takes {ours.most_bytes / MIB:.0f} MiB and bare"
        f" {bare.most_bytes / MIB:.0f}. {ours.way}.",
        reason="ours also loads its commands, opens the database and notes every server in it",
    )


def _time(ours: Start, bare: Start) -> Row:
    more = ours.seconds - bare.seconds
    return Row(
        what="from the login until every server is known",
        measured=f"{ours.seconds:.1f} s, bare {bare.seconds:.1f} s",
        target=f"< {TARGET_MORE_SECONDS:.0f} s more than bare",
        met=more < TARGET_MORE_SECONDS,
        note=f"In the same start; {ours.cpu_seconds:.2f} s of CPU, bare {bare.cpu_seconds:.2f} s. Of either,"
        " discord.py spends 2 s waiting for a server after the last.",
        reason="ours also sends its commands and goes on with unfinished jobs before it connects",
    )
