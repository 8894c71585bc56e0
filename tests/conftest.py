"""What every ring of tests shares: a database of its own, a request to start from."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from bot.credits.admin import Treasury
from bot.credits.ledger import Ledger
from bot.domain.jobs import Job, Request
from bot.domain.limits import Limit
from bot.jobs.store import Store
from bot.storage.database import Database
from tests.support.factories import a_job, a_request

# No example is too slow for a busy machine, and none is drawn by chance: what is red is red again.
# `--hypothesis-profile=explore` looks for new examples.
calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("explore", calm)
settings.register_profile("kuas", calm, derandomize=True)
settings.load_profile("kuas")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Seed the random module by the test's name, since the bot draws the pauses between its attempts."""
    random.seed(item.nodeid)


@pytest.fixture
def make_request() -> Callable[..., Request]:
    return a_request


@pytest.fixture
def make_job() -> Callable[..., Job]:
    return a_job


@pytest.fixture
def database_path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "bot.sqlite3"


@pytest.fixture
async def database(database_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(database_path)
    try:
        yield opened
    finally:
        await opened.close()


@pytest.fixture
def default_limit() -> Limit:
    return Limit(credits=200, period="month")


@pytest.fixture
def ledger(database: Database, default_limit: Limit) -> Ledger:
    return Ledger(database, default_limit)


@pytest.fixture
def treasury(database: Database, default_limit: Limit) -> Treasury:
    return Treasury(database, default_limit)


@pytest.fixture
def store(database: Database, default_limit: Limit) -> Store:
    return Store(database, default_limit)
