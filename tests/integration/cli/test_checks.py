"""`python -m bot check`: what is well is said to be well, and each trouble is named, one at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bot.cli import checks
from bot.domain.image_models import QWEN_IMAGE
from bot.rivya.calls import Attempt
from bot.rivya.client import RivyaClient, open_session
from bot.storage.database import Database
from bot.storage.file_lock import DatabaseInUse
from sandbox.fake_rivya import FakeRivya


@asynccontextmanager
async def reaching(fake_rivya: FakeRivya, *, api_key: str | None = None) -> AsyncIterator[RivyaClient]:
    async with open_session() as session:
        yield RivyaClient(
            session,
            base_url=fake_rivya.url,
            api_key=api_key or fake_rivya.api_key,
            attempts=1,
        )


@pytest.fixture
async def rivya() -> AsyncIterator[FakeRivya]:
    async with FakeRivya() as fake_rivya:
        yield fake_rivya


async def test_a_database_that_can_be_opened_is_well_and_made_if_missing(tmp_path: Path) -> None:
    path = tmp_path / "new" / "bot.sqlite3"
    finding = await checks._database(path)
    assert finding.ok
    assert path.exists()


async def test_a_database_in_use_by_the_running_bot_is_well(database: Database, database_path: Path) -> None:
    with pytest.raises(DatabaseInUse):
        await Database.open(database_path)
    finding = await checks._database(database_path)
    assert finding.ok
    assert "in use by the running bot" in finding.detail
    await database.run(lambda tx: tx.execute("SELECT 1").fetchone())


async def test_a_file_that_is_no_database_is_a_trouble(tmp_path: Path) -> None:
    (tmp_path / "bot.sqlite3").write_bytes(b"not a database at all" * 100)
    finding = await checks._database(tmp_path / "bot.sqlite3")
    assert not finding.ok
    assert "is not a SQLite database" in finding.detail


async def test_a_good_key_shows_its_wallet_its_scope_and_the_model(rivya: FakeRivya) -> None:
    async with reaching(rivya) as client:
        wallet = await checks._wallet(client, QWEN_IMAGE)
        scopes = await checks._scopes(client)
        model = await checks._model(client, QWEN_IMAGE)
    assert [finding.ok for finding in (wallet, scopes, model)] == [True, True, True]
    assert str(rivya.wallet_credits) in wallet.detail
    assert rivya.tasks == {}


async def test_a_wallet_without_room_for_a_picture_is_a_trouble(rivya: FakeRivya) -> None:
    rivya.wallet_credits = QWEN_IMAGE.cost_credits - 1
    async with reaching(rivya) as client:
        finding = await checks._wallet(client, QWEN_IMAGE)
    assert not finding.ok
    assert "enough for 0 pictures" in finding.detail


async def test_a_key_that_is_refused_is_a_trouble(rivya: FakeRivya) -> None:
    async with reaching(rivya, api_key="rvya_sk_another") as client:
        discrepancies = [await checks._wallet(client, QWEN_IMAGE), await checks._scopes(client)]
    assert not any(finding.ok for finding in discrepancies)
    assert all("refuses the API key" in finding.detail for finding in discrepancies)


async def test_a_price_that_changed_and_a_model_that_went_are_troubles(rivya: FakeRivya) -> None:
    dearer, gone = replace(QWEN_IMAGE, cost_credits=3), replace(QWEN_IMAGE, model_id="no-such-model")
    async with reaching(rivya) as client:
        price, listed = await checks._model(client, dearer), await checks._model(client, gone)
    assert (price.ok, listed.ok) == (False, False)
    assert "costs 4 credits, Kuas reserves 3" in price.detail
    assert "not in Rivya's catalogue" in listed.detail


async def test_a_key_that_may_not_read_tasks_is_a_trouble(rivya: FakeRivya) -> None:
    rivya.scopes.discard("generations:read")
    async with reaching(rivya) as client:
        finding = await checks._scopes(client)
    assert not finding.ok
    assert "lacks a scope" in finding.detail


def test_room_on_the_disk_is_told_and_too_little_is_a_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "MB are free" in checks._disk(tmp_path / "bot.sqlite3").detail
    assert checks._disk(tmp_path / "bot.sqlite3").ok
    monkeypatch.setattr(checks, "MIN_FREE_BYTES", 10**18)
    assert not checks._disk(tmp_path / "bot.sqlite3").ok
    assert not checks._disk(tmp_path / "nowhere" / "bot.sqlite3").ok


async def test_a_clock_that_is_wrong_is_a_trouble(rivya: FakeRivya) -> None:
    seen: list[Attempt] = []
    async with open_session() as session:
        client = RivyaClient(session, base_url=rivya.url, api_key=rivya.api_key, watch=seen.append)
        await client.credits()
        assert checks._clock(seen).ok
    for ahead, words in ((300, "300 s behind Rivya's"), (-300, "300 s ahead of Rivya's")):
        wrong = checks._clock([replace(seen[0], clock_ahead_seconds=ahead)])
        assert not wrong.ok
        assert wrong.detail == words
    assert checks._clock([]).ok
