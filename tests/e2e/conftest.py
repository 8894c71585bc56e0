"""Fixtures of the end-to-end tests.

`environment` has one bot for a whole file, `fresh` one for each test. A file that uses `environment` sets
`pytestmark` to run all its tests on one event loop, since a running bot needs answers between tests, too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.environment import E2EEnvironment, assert_no_errors, open_environment
from tests.support.waiting import PATIENCE_SECONDS


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_environment(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[E2EEnvironment]:
    async with open_environment(tmp_path_factory.mktemp("environment")) as environment:
        environment.discord.answer_seconds = PATIENCE_SECONDS  # a slow machine must not fail a test
        await environment.bot.start_connected()
        yield environment


@pytest.fixture
async def environment(shared_environment: E2EEnvironment) -> AsyncIterator[E2EEnvironment]:
    """The running bot of this file, with a new channel and a new member."""
    shared_environment.channel = shared_environment.discord.add_channel(
        shared_environment.channel.guild_id or 0
    )
    shared_environment.alice = shared_environment.discord.add_person("alice")
    yield shared_environment
    shared_environment.discord.faults.clear()
    shared_environment.rivya.faults.clear()
    shared_environment.rivya.release()
    assert_no_errors(shared_environment)


@pytest.fixture(params=["uvloop", "asyncio"])
def event_loop_name(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run the test twice; the bot runs on this event loop, and by default on uvloop where it is installed."""
    if request.param == "uvloop" and find_spec("uvloop") is None:
        pytest.skip("uvloop is not installed")
    monkeypatch.setenv("KUAS_E2E_LOOP", request.param)
    return str(request.param)


@pytest.fixture
async def fresh(tmp_path: Path) -> AsyncIterator[E2EEnvironment]:
    """An environment for this test only; the bot is not started."""
    async with open_environment(tmp_path) as environment:
        environment.discord.answer_seconds = PATIENCE_SECONDS
        yield environment
        assert_no_errors(environment)
