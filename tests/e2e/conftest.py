"""What the tests over the wire share.

`town` is one bot for a whole file, `fresh` one for each test. A file that uses `town` runs all its tests on
one loop (`pytestmark`), since a bot that lives must be answered.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.environment import Town, a_town, assert_calm
from tests.support.waiting import PATIENCE_SECONDS


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lasting_town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with a_town(tmp_path_factory.mktemp("town")) as town:
        town.discord.answer_seconds = PATIENCE_SECONDS  # a test says who is too late
        await town.kuas.live()
        yield town


@pytest.fixture
async def town(lasting_town: Town) -> AsyncIterator[Town]:
    """A bot that lives since the file's first test, and a channel where nothing happened yet."""
    lasting_town.channel = lasting_town.discord.add_channel(lasting_town.channel.guild_id or 0)
    lasting_town.alice = lasting_town.discord.add_person("alice")
    yield lasting_town
    lasting_town.discord.faults.clear()
    lasting_town.rivya.faults.clear()
    lasting_town.rivya.release()
    assert_calm(lasting_town)


@pytest.fixture
async def fresh(tmp_path: Path) -> AsyncIterator[Town]:
    """A town of its own for one test, with the bot not alive yet."""
    async with a_town(tmp_path) as town:
        town.discord.answer_seconds = PATIENCE_SECONDS
        yield town
        assert_calm(town)
