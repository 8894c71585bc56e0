"""The scopes that the client names are those that the fake Rivya asks for, each in its own code."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bot.domain.errors import ContractViolation, OperatorError
from bot.domain.image_models import QWEN_IMAGE
from bot.rivya.client import RivyaClient, open_session
from bot.rivya.models import create_body
from bot.rivya.scopes import Scope
from sandbox.fake_rivya import FakeRivya
from tests.support.images import make_picture

MODEL = QWEN_IMAGE.model_id
BODY = create_body(
    QWEN_IMAGE, prompt="a fox", size="square", format="png", references=(), client_request_id="a job"
)
CALLS: dict[Scope, Callable[[RivyaClient, Path], Awaitable[object]]] = {
    Scope.GENERATIONS_CREATE: lambda client, _: client.create(BODY, idempotency_key="a job"),
    Scope.GENERATIONS_READ: lambda client, _: client.get_task("task_1"),
    Scope.FILES_CREATE: lambda client, file: client.upload(
        file, filename="a.png", mime_type="image/png", model=MODEL, client_request_id="a job"
    ),
    Scope.CREDITS_READ: lambda client, _: client.credits(),
}


async def fails(client: RivyaClient, scope: Scope, file: Path) -> str | None:
    """Why the call of this scope fails, None if it does not or for want of a task."""
    try:
        await CALLS[scope](client, file)
    except OperatorError as error:
        return str(error)
    except ContractViolation as error:
        return None if error.code == "not_found" else str(error)
    return None


@pytest.mark.parametrize("missing", [None, *Scope])
async def test_each_call_needs_its_own_scope_and_names_it(missing: Scope | None, tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(make_picture())
    async with FakeRivya(painting_seconds=0.01) as rivya, open_session() as session:
        rivya.scopes -= {missing}
        client = RivyaClient(session, base_url=rivya.url, api_key=rivya.api_key, attempts=1)
        failed = {scope: await fails(client, scope, file) for scope in CALLS}
        assert MODEL in [live.model_id for live in await client.models()]
    assert failed.keys() == set(Scope)
    assert {scope for scope, why in failed.items() if why} == ({missing} if missing else set())
    if missing:
        assert f"lacks the scope {missing} and must be made anew" in (failed[missing] or "")


async def test_a_probe_of_the_upload_stores_nothing() -> None:
    async with FakeRivya() as rivya, open_session() as session:
        client = RivyaClient(session, base_url=rivya.url, api_key=rivya.api_key, attempts=1)
        with pytest.raises(ContractViolation) as refused:
            await client.probe_upload()
        assert (refused.value.code, rivya.uploads, rivya.tasks) == ("validation_failed", {}, {})
        rivya.scopes.discard(Scope.FILES_CREATE)
        with pytest.raises(OperatorError, match=f"lacks the scope {Scope.FILES_CREATE}"):
            await client.probe_upload()
