"""`python -m bot check`: each check passes on a sound installation and names each fault that is made here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.cli.check import checks
from bot.cli.check.checks import run_check
from bot.cli.check.result import CheckResult
from bot.config.settings import RivyaSettings
from bot.domain.clock import now_ms
from bot.domain.errors import OperatorError
from bot.domain.image_models import MODELS, QWEN_IMAGE
from bot.domain.limits import Limit
from bot.domain.model_catalog import ModelCatalog
from bot.domain.periods import Period
from bot.jobs.store import JobStore
from bot.network.connections import Network
from bot.rivya import models
from bot.rivya.calls import Attempt
from bot.rivya.client import RivyaClient, open_session
from bot.rivya.scopes import Scope
from bot.storage.database import Database
from bot.storage.file_lock import DatabaseInUse
from sandbox.fake_rivya import FakeRivya
from sandbox.fake_rivya.model_catalog import ModelSpec
from tests.support.factories import accept, make_job
from tests.support.jobs import create_task
from tests.support.prices import ONE_MODEL

NO_DATABASE = Path("nowhere") / "bot.sqlite3"


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


async def check_result(check: Awaitable[str]) -> CheckResult:
    return await run_check("a check", check)


async def test_a_missing_database_is_created_and_passes(tmp_path: Path) -> None:
    path = tmp_path / "new" / "bot.sqlite3"
    result = await check_result(checks._database(path))
    assert (result.status, result.detail) == ("ok", f"{path}, new: there was none")
    assert path.exists()
    again = await check_result(checks._database(path))
    assert again.detail == f"{path}, up to date"


async def test_a_database_that_is_too_large_to_look_at_is_not_called_proven(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "quick_check", lambda _: False)
    result = await check_result(checks._database(tmp_path / "bot.sqlite3"))
    assert result.status == "note"
    assert "too large to look at every page" in result.detail


async def test_a_database_whose_name_no_file_system_takes_fails(tmp_path: Path) -> None:
    result = await check_result(checks._database(tmp_path / ("x" * 300)))
    assert result.status == "FAIL"
    assert "cannot be opened" in result.detail


async def test_a_database_in_use_by_the_running_bot_passes(database: Database, database_path: Path) -> None:
    with pytest.raises(DatabaseInUse):
        await Database.open(database_path)
    result = await check_result(checks._database(database_path))
    assert result.ok
    assert "in use by the running bot" in result.detail
    await database.run(lambda tx: tx.execute("SELECT 1").fetchone())


async def test_a_file_that_is_no_database_fails(tmp_path: Path) -> None:
    (tmp_path / "bot.sqlite3").write_bytes(b"not a database at all" * 100)
    result = await check_result(checks._database(tmp_path / "bot.sqlite3"))
    assert not result.ok
    assert "is not a SQLite database" in result.detail


async def test_a_good_key_passes_the_checks_of_balance_scopes_and_model(rivya: FakeRivya) -> None:
    async with open_client(rivya) as client:
        wallet = await check_result(checks._wallet(client, ONE_MODEL))
        scopes = await check_result(checks._scopes(client, NO_DATABASE))
        (model,) = await model_results(client)
    assert [result.status for result in (wallet, scopes, model)] == ["ok", "note", "ok"]
    assert str(rivya.wallet_credits) in wallet.detail
    assert rivya.tasks == {}


async def test_only_a_task_that_rivya_shows_proves_the_scope_to_read_tasks(
    rivya: FakeRivya, database: Database, database_path: Path
) -> None:
    store = JobStore(database, Limit(200, Period.MONTH))
    async with open_client(rivya) as client:
        before = await check_result(checks._scopes(client, database_path))
        await create_task(store)
        foreign = await check_result(checks._scopes(client, database_path))
        body = models.create_body(
            QWEN_IMAGE,
            prompt="a fox",
            size="square",
            format="png",
            references=(),
            client_request_id="a job",
        )
        task = await client.create(body, idempotency_key="a job")
        job = make_job(accepted_at=now_ms() + 1)
        await accept(store, job)
        await store.created(job.job_id, task.task_id, 4)
        proven = await check_result(checks._scopes(client, database_path))
    assert [result.status for result in (before, foreign, proven)] == ["note", "note", "ok"]
    assert "has no task of ours to show" in before.detail
    assert "does not know the newest task" in foreign.detail
    assert "generations:read works" in proven.detail


@pytest.mark.parametrize(
    ("unsaid", "words"), [("base_credits", "what it costs"), ("api_status", "whether it is available")]
)
async def model_results(client: RivyaClient, *offered: str) -> list[CheckResult]:
    catalog = ModelCatalog(MODELS, offered or ("qwen-image",))
    return [result async for result in checks._models(client, catalog)]


@pytest.mark.parametrize(
    ("unsaid", "words"), [("base_credits", "what it costs"), ("api_status", "whether it is available")]
)
async def test_a_model_of_which_rivya_says_less_is_not_called_proven(
    rivya: FakeRivya, monkeypatch: pytest.MonkeyPatch, unsaid: str, words: str
) -> None:
    entry = {key: value for key, value in rivya.models[QWEN_IMAGE.model_id].public().items() if key != unsaid}
    monkeypatch.setattr(ModelSpec, "public", lambda _: entry)
    async with open_client(rivya) as client:
        (result,) = await model_results(client)
    assert (result.status, words in result.detail) == ("note", True)


async def test_a_balance_too_small_for_a_picture_fails(rivya: FakeRivya) -> None:
    rivya.wallet_credits = QWEN_IMAGE.cost_credits - 1
    async with open_client(rivya) as client:
        result = await check_result(checks._wallet(client, ONE_MODEL))
    assert not result.ok
    assert "enough for 0 pictures" in result.detail


async def test_a_refused_key_fails(rivya: FakeRivya) -> None:
    async with open_client(rivya, api_key="rvya_sk_another") as client:
        results = [
            await check_result(checks._wallet(client, ONE_MODEL)),
            await check_result(checks._scopes(client, NO_DATABASE)),
        ]
    assert [result.ok for result in results] == [False, False]
    assert all("refuses the API key" in result.detail for result in results)


async def test_every_offered_model_is_compared_with_the_list_of_rivya(rivya: FakeRivya) -> None:
    rivya.models["flux-2-pro"] = replace(rivya.models["flux-2-pro"], base_credits=6)
    rivya.models["4o-image"] = replace(rivya.models["4o-image"], api_status="coming_soon")
    del rivya.models["z-image"]
    async with open_client(rivya) as client:
        results = await model_results(client, "qwen-image", "flux-2-pro", "4o-image", "z-image")
    assert [(result.status, result.detail) for result in results] == [
        ("ok", "qwen-image at 4 credits a picture"),
        ("note", "flux-2-pro at 6 credits a picture, and not 5; Kuas reserves what Rivya says"),
        ("FAIL", "4o-image is coming_soon"),
        ("FAIL", "z-image is not in Rivya's catalogue"),
    ]


async def test_a_list_of_models_that_cannot_be_read_fails_and_the_table_holds(rivya: FakeRivya) -> None:
    rivya.faults.add("status", "models", code=503, error_code="public_api_disabled")
    async with open_client(rivya) as client:
        (result,) = await model_results(client)
    assert not result.ok
    assert "the prices of the table hold" in result.detail


async def test_an_error_that_is_not_about_the_task_fails(rivya: FakeRivya) -> None:
    rivya.faults.add("status", "status", code=400, error_code="something_else")
    async with open_client(rivya) as client:
        result = await check_result(checks._scopes(client, NO_DATABASE))
    assert not result.ok
    assert "something_else" in result.detail


@pytest.mark.parametrize("scope", [Scope.GENERATIONS_READ, Scope.FILES_CREATE])
async def test_a_scope_that_is_missing_is_named(rivya: FakeRivya, scope: Scope) -> None:
    rivya.scopes.discard(scope)
    async with open_client(rivya) as client:
        result = await check_result(checks._scopes(client, NO_DATABASE))
    assert not result.ok
    assert f"lacks the scope {scope} and must be made anew" in result.detail
    assert rivya.uploads == {}


async def test_an_upload_that_gets_no_usable_answer_proves_nothing_about_the_scope(rivya: FakeRivya) -> None:
    rivya.faults.add("status", "files", code=500)
    async with open_client(rivya) as client:
        result = await check_result(checks._scopes(client, NO_DATABASE))
    assert result.status == "note"
    assert "files:create is not proven (Rivya answered 500" in result.detail


async def test_a_key_is_checked_for_the_scopes_that_can_be_tested_without_a_task(rivya: FakeRivya) -> None:
    settings = RivyaSettings(api_key=SecretStr(rivya.api_key), base_url=rivya.url)
    assert "good for" in await checks.check_key(settings, rivya.api_key, Network())
    for scope in (Scope.FILES_CREATE, Scope.CREDITS_READ):
        rivya.scopes.discard(scope)
        with pytest.raises(OperatorError, match=f"lacks the scope {scope}"):
            await checks.check_key(settings, rivya.api_key, Network())


async def test_free_disk_space_is_shown_and_too_little_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def disk(path: Path) -> CheckResult:
        return await check_result(asyncio.to_thread(checks._disk, path))

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


async def test_a_wrong_clock_fails(rivya: FakeRivya) -> None:
    seen: list[Attempt] = []
    async with open_session() as session:
        client = RivyaClient(session, base_url=rivya.url, api_key=rivya.api_key, watch=seen.append)
        await client.credits()
        assert (await check_result(checks._clock(seen))).ok
    for ahead, expected in ((300, "300 s behind Rivya's"), (-300, "300 s ahead of Rivya's")):
        wrong = await check_result(checks._clock([replace(seen[0], clock_ahead_seconds=ahead)]))
        assert not wrong.ok
        assert wrong.detail == expected
    unknown = await check_result(checks._clock([replace(seen[0], clock_ahead_seconds=None)]))
    assert unknown.status == "note"
    assert "not compared" in unknown.detail
