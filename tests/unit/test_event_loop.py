"""The runner of the bot, with uvloop and without it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from bot.event_loop import open_runner
from tests.support.event_loops import LOOPS


@pytest.fixture(params=LOOPS)
def loop_name(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "asyncio":
        monkeypatch.setitem(sys.modules, "uvloop", None)  # as where it is not installed
    return str(request.param)


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """SIGINT as a terminal's programs have it, whatever this process was started with."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_the_bot_runs_on_the_loop_that_the_log_names(loop_name: str) -> None:
    with capture_logs() as logs, open_runner() as runner:
        loop = runner.get_loop()
    assert [(line["event"], line["loop"]) for line in logs] == [("event loop", loop_name)]
    assert type(loop).__module__.partition(".")[0] == loop_name


@pytest.mark.usefixtures("ctrl_c", "loop_name")
def test_ctrl_c_before_the_bot_handles_signals_closes_what_is_open() -> None:
    closed = []

    async def start() -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            closed.append("database")

    with open_runner() as runner, pytest.raises(KeyboardInterrupt):
        runner.run(start())
    assert closed == ["database"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
