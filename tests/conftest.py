"""Fixtures of all tests: a database for each test, and the stores on it."""

from __future__ import annotations

import logging
import random
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

from bot.credits.admin import CreditAdmin
from bot.credits.ledger import Ledger
from bot.domain.limits import Limit
from bot.domain.model_catalog import default_catalog
from bot.domain.periods import Period
from bot.jobs.store import JobStore
from bot.storage.database import Database
from tests.support import repeated_units
from tests.support.paths import ROOT
from tests.support.repeated_units import take_differences, units_run_once
from tests.support.small_disk import SmallDisk, bounded_files, small_file_system
from tests.support.temporary_files import use_memory

# No deadline, since the machine may be busy, and the same examples in every run.
# `--hypothesis-profile=explore` looks for new examples.
profile = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("explore", profile)
settings.register_profile("kuas", profile, derandomize=True)
settings.load_profile("kuas")


SLOWEST_FIRST = ("browser", "e2e", "integration", "scenarios")
"""Folders by how long their files take, the longest first; those of all others take shorter."""


def pytest_configure(config: pytest.Config) -> None:
    use_memory()
    repeated_units.install()
    # pytest-xdist would start with the files of the most tests, and end with a file of a few slow ones, on
    # which one worker works alone.
    config.option.loadscopereorder = False
    # A shell's background jobs ignore SIGINT, and children inherit that.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let several workers start with the files that take the longest; without them the order stays."""
    if hasattr(config, "workerinput"):
        items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    folder = item.path.relative_to(ROOT / "tests").parts[0]
    return SLOWEST_FIRST.index(folder) if folder in SLOWEST_FIRST else len(SLOWEST_FIRST)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Seed the random module by the test's name, since the bot draws its back-off from it."""
    random.seed(item.nodeid)


@pytest.fixture(autouse=True)
def default_logging() -> Iterator[None]:
    """Undo what a test has configured: logging belongs to the process, and to the tests after it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    noisy = {name: logging.getLogger(name).level for name in ("aiosqlite", "PIL")}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in noisy.items():
        logging.getLogger(name).setLevel(before)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture(autouse=True)
def repeatable_units(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail if a unit, run twice, differs; the mark `units_run_once` lets each run once."""
    with units_run_once() if request.node.get_closest_marker("units_run_once") else nullcontext():
        yield
    assert not (differences := take_differences()), "\n".join(differences)


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


@pytest.fixture(params=[small_file_system, bounded_files], ids=["small file system", "bounded files"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SmallDisk]:
    with request.param(tmp_path / "disk") as opened:
        yield opened


@pytest.fixture
def default_limit() -> Limit:
    return Limit(credits=200, period=Period.MONTH)


@pytest.fixture
def ledger(database: Database, default_limit: Limit) -> Ledger:
    return Ledger(database, default_limit)


@pytest.fixture
def credit_admin(database: Database, default_limit: Limit) -> CreditAdmin:
    return CreditAdmin(database, default_limit, default_catalog())


@pytest.fixture
def store(database: Database, default_limit: Limit) -> JobStore:
    return JobStore(database, default_limit)
