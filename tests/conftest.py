"""What every ring of tests shares: a database of its own, a request to start from."""

from __future__ import annotations

import itertools
import random
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bot.clock import now_ms
from bot.database import Database
from bot.jobs import Destination, Job, Presence, Reference, Request, Stage
from bot.money.ledger import Ledger
from bot.money.rules import Limit
from bot.money.treasury import Treasury
from bot.store import Store

ANYWHERE = Presence()
"""A member without roles, in a channel that nobody has a rule about."""
_interactions = itertools.count(10**17)


def pytest_configure() -> None:
    """Let no example of Hypothesis be too slow, and none be drawn by chance: a red test is red again."""
    from hypothesis import HealthCheck, settings  # noqa: PLC0415  # processes of ours import this file, too

    settings.register_profile(
        "kuas", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("kuas")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Give each test dice of its own: the bot shakes the pauses between its tries."""
    random.seed(item.nodeid)


def a_request(
    *,
    guild_id: int = 1,
    user_id: int = 7,
    prompt: str = "a red fox",
    reference: Reference | None = None,
    interaction_id: int | None = None,
) -> Request:
    """A plain request, with an interaction of its own."""
    return Request(
        destination=Destination(
            guild_id=guild_id,
            channel_id=20,
            user_id=user_id,
            application_id=30,
            interaction_id=interaction_id or next(_interactions),
            interaction_token="interaction-token",
            upload_limit_bytes=10 * 1024 * 1024,
            locale="en-US",
        ),
        prompt=prompt,
        model="qwen-image",
        size="square",
        format="png",
        reference=reference,
    )


def a_job(request: Request | None = None, *, accepted_at: int | None = None) -> Job:
    """A job as `Engine.submit` makes it."""
    return Job(
        job_id=str(uuid.uuid4()),
        request=request or a_request(),
        stage=Stage.ACCEPTED,
        quote_credits=4,
        accepted_at=accepted_at or now_ms(),
    )


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
