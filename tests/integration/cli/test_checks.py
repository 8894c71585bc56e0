"""`python -m bot check`: what is well is said to be well, and each trouble is named, one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bot.cli import checks
from bot.cli.checks import CheckResult, run_check
from bot.domain.image_models import QWEN_IMAGE
from bot.rivya.calls import Attempt
from bot.rivya.client import RivyaClient, open_session
from bot.storage.database import Database
from bot.storage.file_lock import DatabaseInUse
from sandbox.fake_rivya import FakeRivya
from sandbox.fake_rivya.model_catalog import MODELS, ModelSpec


@asynccontextmanager
async def open_client(fake_rivya: FakeRivya, *, api_key: str | None = None) -> AsyncIterator[RivyaClient]:
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


async def result(check: Awaitable[str]) -> CheckResult:
    return await run_check("a check", check)


async def test_a_database_that_can_be_opened_is_well_and_made_if_missing(tmp_path: Path) -> None:
    path = tmp_path / "new" / "bot.sqlite3"
    finding = await result(checks._database(path))
    assert finding.ok
    assert path.exists()


async def test_a_database_in_use_by_the_running_bot_is_well(database: Database, database_path: Path) -> None:
    with pytest.raises(DatabaseInUse):
        await Database.open(database_path)
    finding = await result(checks._database(database_path))
    assert finding.ok
    assert "in use by the running bot" in finding.detail
    await database.run(lambda tx: tx.execute("SELECT 1").fetchone())


async def test_a_file_that_is_no_database_is_a_trouble(tmp_path: Path) -> None:
    (tmp_path / "bot.sqlite3").write_bytes(b"not a database at all" * 100)
    finding = await result(checks._database(tmp_path / "bot.sqlite3"))
    assert not finding.ok
    assert "is not a SQLite database" in finding.detail


async def test_a_good_key_shows_its_wallet_its_scope_and_the_model(rivya: FakeRivya) -> None:
    async with open_client(rivya) as client:
        wallet = await result(checks._wallet(client, QWEN_IMAGE))
        scopes = await result(checks._scopes(client))
        model = await result(checks._model(client, QWEN_IMAGE))
    assert [finding.ok for finding in (wallet, scopes, model)] == [True, True, True]
    assert str(rivya.wallet_credits) in wallet.detail
    assert rivya.tasks == {}


async def test_a_wallet_without_room_for_a_picture_is_a_trouble(rivya: FakeRivya) -> None:
    rivya.wallet_credits = QWEN_IMAGE.cost_credits - 1
    async with open_client(rivya) as client:
        finding = await result(checks._wallet(client, QWEN_IMAGE))
    assert not finding.ok
    assert "enough for 0 pictures" in finding.detail


async def test_a_key_that_is_refused_is_a_trouble(rivya: FakeRivya) -> None:
    async with open_client(rivya, api_key="rvya_sk_another") as client:
        discrepancies = [
            await result(checks._wallet(client, QWEN_IMAGE)),
            await result(checks._scopes(client)),
        ]
    assert not any(finding.ok for finding in discrepancies)
    assert all("refuses the API key" in finding.detail for finding in discrepancies)


async def test_a_price_that_changed_and_a_model_that_went_are_troubles(rivya: FakeRivya) -> None:
    dearer, gone = replace(QWEN_IMAGE, cost_credits=3), replace(QWEN_IMAGE, model_id="no-such-model")
    async with open_client(rivya) as client:
        price, listed = await result(checks._model(client, dearer)), await result(checks._model(client, gone))
    assert (price.ok, listed.ok) == (False, False)
    assert "costs 4 credits, Kuas reserves 3" in price.detail
    assert "not in Rivya's catalogue" in listed.detail


async def test_a_model_that_is_not_available_is_a_trouble(
    rivya: FakeRivya, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer = MODELS[QWEN_IMAGE.model_id].public() | {"api_status": "coming_soon"}
    monkeypatch.setattr(ModelSpec, "public", lambda _: offer)
    async with open_client(rivya) as client:
        finding = await result(checks._model(client, QWEN_IMAGE))
    assert not finding.ok
    assert finding.detail == "qwen-image is coming_soon"


async def test_an_error_that_is_not_about_the_task_is_a_trouble(rivya: FakeRivya) -> None:
    rivya.faults.add("status", "status", code=400, error_code="something_else")
    async with open_client(rivya) as client:
        finding = await result(checks._scopes(client))
    assert not finding.ok
    assert "something_else" in finding.detail


async def test_a_key_that_may_not_read_tasks_is_a_trouble(rivya: FakeRivya) -> None:
    rivya.scopes.discard("generations:read")
    async with open_client(rivya) as client:
        finding = await result(checks._scopes(client))
    assert not finding.ok
    assert "lacks a scope" in finding.detail


async def test_room_on_the_disk_is_told_and_too_little_is_a_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def disk(path: Path) -> CheckResult:
        return await result(asyncio.to_thread(checks._disk, path))

    room = await disk(tmp_path / "bot.sqlite3")
    assert room.ok
    assert "MB are free" in room.detail
    monkeypatch.setattr(checks, "MIN_FREE_BYTES", 10**18)
    full = await disk(tmp_path / "bot.sqlite3")
    assert not full.ok
    assert full.detail.startswith("only ")
    nowhere = await disk(tmp_path / "nowhere" / "bot.sqlite3")
    assert not nowhere.ok
    assert "nowhere: No such file" in nowhere.detail


async def test_a_clock_that_is_wrong_is_a_trouble(rivya: FakeRivya) -> None:
    seen: list[Attempt] = []
    async with open_session() as session:
        client = RivyaClient(session, base_url=rivya.url, api_key=rivya.api_key, watch=seen.append)
        await client.credits()
        assert (await result(checks._clock(seen))).ok
    for ahead, words in ((300, "300 s behind Rivya's"), (-300, "300 s ahead of Rivya's")):
        wrong = await result(checks._clock([replace(seen[0], clock_ahead_seconds=ahead)]))
        assert not wrong.ok
        assert wrong.detail == words
    unknown = await result(checks._clock([replace(seen[0], clock_ahead_seconds=None)]))
    assert unknown.ok
    assert "not compared" in unknown.detail
