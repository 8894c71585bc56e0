"""The process on each event loop that it can run on, and which one it takes."""

from __future__ import annotations

import json
import signal
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.environment import E2EEnvironment
from tests.e2e.fake_discord.faults import Call
from tests.support.images import make_picture
from tests.support.paths import ROOT

DELIVERED = ("delivered", "reply", "settled", 4)


def loop_lines(environment: E2EEnvironment) -> list[dict[str, Any]]:
    records = [json.loads(line) for line in environment.bot.log().splitlines() if line.startswith("{")]
    return [record for record in records if record["logger"] == "bot.event_loop"]


def with_files(call: Call) -> bool:
    return call.has_files


async def test_the_log_says_which_loop_runs_and_nothing_of_it_is_left_open(
    fresh: E2EEnvironment, event_loop_name: str
) -> None:
    await fresh.bot.start_connected(strict=True)
    # A private picture is stored, and AVIF is decoded in a child process.
    interaction = await fresh.imagine("a fox", reference=make_picture("AVIF"), private=True)
    assert await fresh.outcome(interaction) == DELIVERED
    assert (await fresh.bot.terminate())[0] == 0
    (line,) = loop_lines(fresh)
    assert line["level"] == "info"
    assert (line["event"], line["loop"]) == ("event loop", event_loop_name)
    assert line.get("version") == (version("uvloop") if event_loop_name == "uvloop" else None)
    assert "nclosed" not in fresh.bot.log()
    assert "LEAKED TASK" not in fresh.bot.log()


@pytest.mark.usefixtures("event_loop_name")
async def test_a_second_ctrl_c_does_not_cut_off_a_picture_that_is_being_delivered(
    fresh: E2EEnvironment,
) -> None:
    await fresh.bot.start_connected()
    slow = fresh.discord.faults.add("lag", "reply_edit", seconds=1.0, only=with_files)
    interaction = await fresh.imagine("a slow fox")
    await fresh.discord.until(lambda: slow.hits == 1)
    for _ in range(2):
        fresh.bot.process.send_signal(signal.SIGINT)
    assert (await fresh.bot.terminate())[0] == 0
    assert await fresh.outcome(interaction) == DELIVERED


async def test_a_uvloop_that_cannot_be_loaded_is_a_warning(fresh: E2EEnvironment, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "uvloop.py").write_text("raise ImportError('GLIBC_9.99 not found')", "utf-8")
    await fresh.bot.start_connected(PYTHONPATH=f"{broken}:{ROOT}", KUAS_E2E_LOOP="")
    assert await fresh.outcome(await fresh.imagine("a fox")) == DELIVERED
    assert (await fresh.bot.terminate())[0] == 0
    (line,) = loop_lines(fresh)
    assert (line["level"], line["error"]) == ("warning", "GLIBC_9.99 not found")
    assert line["event"].endswith("the event loop is that of asyncio")
