"""What the tests over the wire share.

`town` is one bot for a whole file, `fresh` one for each test. A file that uses `town` runs all its tests on
one loop (`pytestmark`), since a bot that lives must be answered.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.environment import E2EEnvironment, assert_no_errors, open_environment
from tests.support.waiting import PATIENCE_SECONDS


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_environment(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[E2EEnvironment]:
    async with open_environment(tmp_path_factory.mktemp("town")) as environment:
        environment.discord.answer_seconds = PATIENCE_SECONDS  # a test says who is too late
        await environment.bot.start_connected()
        yield environment


@pytest.fixture
async def environment(shared_environment: E2EEnvironment) -> AsyncIterator[E2EEnvironment]:
    """A bot that lives since the file's first test, and a channel where nothing happened yet."""
    shared_environment.channel = shared_environment.discord.add_channel(
        shared_environment.channel.guild_id or 0
    )
    shared_environment.alice = shared_environment.discord.add_person("alice")
    yield shared_environment
    shared_environment.discord.faults.clear()
    shared_environment.rivya.faults.clear()
    shared_environment.rivya.release()
    assert_no_errors(shared_environment)


@pytest.fixture
async def fresh(tmp_path: Path) -> AsyncIterator[E2EEnvironment]:
    """A town of its own for one test, with the bot not alive yet."""
    async with open_environment(tmp_path) as environment:
        environment.discord.answer_seconds = PATIENCE_SECONDS
        yield environment
        assert_no_errors(environment)
