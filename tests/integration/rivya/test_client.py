"""The Rivya client and a scripted server, over real sockets and with real files."""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.parser import BytesParser
from email.policy import HTTP
from email.utils import format_datetime
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from bot.domain.errors import (
    ContractViolation,
    KuasError,
    MemberError,
    MemberReason,
    OperatorError,
    TransientError,
)
from bot.domain.image_models import RESULT_LIMIT_BYTES
from bot.domain.jobs import UploadedReference
from bot.domain.model_catalog import LiveModel
from bot.images.downloads import Downloader
from bot.rivya.calls import ApiTimeouts, Attempt
from bot.rivya.client import ANSWER_LIMIT_BYTES, STATUS_LIMIT_BYTES, RivyaClient, open_session
from bot.rivya.models import Task, TaskStatus
from bot.rivya.rate_limit import RateLimiter
from tests.support.loopback import serving
from tests.support.waiting import PATIENCE_SECONDS, soon

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

KEY = "rvya_sk_hush"
SHORT_SECONDS = 0.5
"""Seconds until a stalled call times out."""
PROMPT = "a very private elephant"
BODY = json.dumps({"model": "qwen-image", "prompt": PROMPT})
FILE = {"id": "file_1", "url": "https://files.example/1", "mime_type": "image/png"}
TASK = {"id": "task_1", "status": "queued", "reserved_credits": 4, "final_credits": 0}


@dataclass
class ReceivedRequest:
    """A request that the server received."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float


@dataclass
class ScriptedServer:
    """A server that answers each request with the next answer, and with status 599 if none is left."""

    answers: list[Callable[[web.Request], Awaitable[web.StreamResponse]]] = field(default_factory=list)
    received: list[ReceivedRequest] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        now = asyncio.get_running_loop().time()
        self.received.append(
            ReceivedRequest(request.method, request.raw_path, headers, await request.read(), now)
        )
        if not self.answers:
            return web.Response(status=599, text="no answer is left")
        return await self.answers.pop(0)(request)

    def answer(self, *values: object, status: int = 200, headers: dict[str, str] | None = None) -> None:
        """Add answers; text and bytes are sent as they are, anything else as JSON."""
        for value in values:
            if isinstance(value, str | bytes):
                body, kind = value.encode() if isinstance(value, str) else value, "text/html"
            else:
                body, kind = json.dumps(value).encode(), "application/json"
            self.answers.append(_answering(body, kind, status, headers or {}))

    def refuse(self, status: int, code: str, headers: dict[str, str] | None = None) -> None:
        message = f"Cannot paint {PROMPT}."
        error = {"error": {"code": code, "message": message, "requestId": "req_7"}}
        self.answer(error, status=status, headers=headers)

    def cut(self) -> None:
        """Read the request, then drop the connection."""
        self.answers.append(_cut)

    def cut_in_the_middle(self) -> None:
        self.answers.append(_cut_in_the_middle)

    def flood(self, start: bytes) -> list[int]:
        """Answer without an end; returns the sizes of what was sent behind `start`, growing."""
        sent: list[int] = []

        async def send(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse()
            await response.prepare(request)
            await response.write(start)
            try:
                while True:
                    await response.write(b"A" * ANSWER_LIMIT_BYTES)
                    sent.append(ANSWER_LIMIT_BYTES)
            except ConnectionError:
                return response

        self.answers.append(send)
        return sent

    def stall(self) -> None:
        async def wait(_: web.Request) -> web.StreamResponse:
            await self.over.wait()
            return web.Response()

        self.answers.append(wait)


def _answering(
    body: bytes, kind: str, status: int, headers: dict[str, str]
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, content_type=kind, status=status, headers=headers)

    return answer


async def _cut(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def _cut_in_the_middle(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"id": "ta')
    assert request.transport is not None
    request.transport.abort()
    return response


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with open_script() as server:
        yield server


@asynccontextmanager
async def open_script() -> AsyncIterator[ScriptedServer]:
    server = ScriptedServer()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", server.handle)
    async with serving(app) as server.url:
        try:
            yield server
        finally:
            server.over.set()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session() as session:
        yield session


@pytest.fixture
def rivya(server: ScriptedServer, session: aiohttp.ClientSession) -> RivyaClient:
    return make_client(server.url, session)


def make_client(
    url: str,
    session: aiohttp.ClientSession,
    *,
    attempts: int = 4,
    pace: RateLimiter | None = None,
    seconds: float = 20.0,
) -> RivyaClient:
    """Make a client that hardly waits between attempts; `seconds` is its time-out for every call."""
    return RivyaClient(
        session,
        base_url=url,
        api_key=KEY,
        pace=pace or RateLimiter(first_seconds=0.01, careful_seconds=0.01, careful_per_second=1000),
        time_outs=ApiTimeouts(seconds, seconds, seconds, seconds, seconds),
        attempts=attempts,
        first_wait_seconds=0.001,
        longest_wait_seconds=0.002,
    )


async def failure_of(call: Awaitable[object]) -> KuasError:
    with pytest.raises(KuasError) as caught:
        await call
    return caught.value


def upload(rivya: RivyaClient, path: Path) -> Awaitable[UploadedReference]:
    return rivya.upload(
        path, filename="reference.png", mime_type="image/png", model="qwen-image", client_request_id="job-1"
    )


def parse_form(seen: ReceivedRequest) -> dict[str, tuple[bytes, str | None, str]]:
    """Parse a form with the standard library: bytes, file name and type of each field."""
    head = f"Content-Type: {seen.headers['content-type']}\r\n\r\n".encode()
    parts: dict[str, tuple[bytes, str | None, str]] = {}
    for part in BytesParser(policy=HTTP).parsebytes(head + seen.body).iter_parts():
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        name = part["Content-Disposition"].params["name"]
        parts[name] = (content, part.get_filename(), part.get_content_type())
    return parts


async def test_an_upload_is_a_form_with_a_content_length(
    server: ScriptedServer, rivya: RivyaClient, tmp_path: Path
) -> None:
    content = bytes(range(256)) * 4000
    (tmp_path / "a").write_bytes(content)
    server.answer(FILE, status=201)
    assert await upload(rivya, tmp_path / "a") == UploadedReference(FILE["url"], "image/png")

    [seen] = server.received
    parts = parse_form(seen)
    assert parts.pop("file") == (content, "reference.png", "image/png")
    assert {name: value for name, (value, _, _) in parts.items()} == {
        "kind": b"image",
        "model": b"qwen-image",
        "client_request_id": b"job-1",
    }
    assert (seen.method, seen.path) == ("POST", "/api/v1/files")
    assert seen.headers["authorization"] == f"Bearer {KEY}"
    assert seen.headers["content-length"] == str(len(seen.body))
    assert "transfer-encoding" not in seen.headers
    assert "idempotency-key" not in seen.headers


async def test_an_upload_is_repeated_from_its_first_byte(
    server: ScriptedServer, rivya: RivyaClient, tmp_path: Path
) -> None:
    content = b"\x89PNG" + bytes(300_000)
    (tmp_path / "a").write_bytes(content)
    server.cut()
    server.answer("<html>", status=502)
    server.answer({"no": "address"}, FILE)
    assert (await upload(rivya, tmp_path / "a")).url == FILE["url"]
    assert [seen.body.count(content) for seen in server.received] == [1, 1, 1, 1]


async def test_an_upload_that_rivya_finds_too_big_is_a_member_error(
    server: ScriptedServer, rivya: RivyaClient, tmp_path: Path
) -> None:
    (tmp_path / "a").write_bytes(b"x")
    server.answer("<html>", status=413)
    error = await failure_of(upload(rivya, tmp_path / "a"))
    assert isinstance(error, MemberError)
    assert error.reason is MemberReason.REFERENCE_TOO_BIG


async def test_a_reference_that_cannot_be_opened_is_an_operator_error(
    server: ScriptedServer, rivya: RivyaClient, tmp_path: Path
) -> None:
    error = await failure_of(upload(rivya, tmp_path / "missing"))
    assert isinstance(error, OperatorError)
    assert (error.code, server.received) == ("reference_file", [])


async def test_a_file_that_could_not_be_sent_is_closed(
    session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """A file left open would fail the run: see filterwarnings in pyproject.toml."""
    (tmp_path / "a").write_bytes(bytes(300_000))
    error = await failure_of(upload(make_client(await closed_port_url(), session), tmp_path / "a"))
    assert isinstance(error, TransientError)


async def test_a_task_is_created_with_the_given_bytes(server: ScriptedServer, rivya: RivyaClient) -> None:
    server.answer(TASK, status=202)
    task = await rivya.create(BODY, idempotency_key="job-1")
    assert task == Task(
        "task_1", TaskStatus.QUEUED, reserved_credits=4, final_credits=0, status_word="queued"
    )
    [seen] = server.received
    assert (seen.method, seen.path, seen.body) == ("POST", "/api/v1/generations", BODY.encode())
    assert seen.headers["idempotency-key"] == "job-1"
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["authorization"] == f"Bearer {KEY}"


async def test_every_repeat_of_a_create_has_the_same_key_and_bytes(
    server: ScriptedServer, session: aiohttp.ClientSession
) -> None:
    server.cut()
    server.cut_in_the_middle()
    server.stall()
    server.answer("<html>bad gateway</html>", status=502)
    server.answer('{"id": "task_', {"status": "queued"})
    server.refuse(429, "rate_limited", {"Retry-After": "0"})
    server.refuse(503, "public_api_disabled")
    server.answer(TASK)
    rivya = make_client(server.url, session, attempts=9, seconds=SHORT_SECONDS)
    assert (await rivya.create(BODY, idempotency_key="job-1")).task_id == "task_1"
    requests = [(seen.headers["idempotency-key"], seen.body) for seen in server.received]
    assert requests == [("job-1", BODY.encode())] * 9


async def test_a_call_ends_after_its_number_of_attempts(
    server: ScriptedServer, session: aiohttp.ClientSession
) -> None:
    server.answer(*["<html>"] * 9, status=500)
    error = await failure_of(make_client(server.url, session, attempts=3).create(BODY, idempotency_key="j"))
    assert isinstance(error, TransientError)
    assert len(server.received) == 3


Step = tuple[str, int, str]
"""An answer: `cut`, `stall`, `half`, `idless`, or `refuse` or `page` with a status and a code."""


def apply_steps(server: ScriptedServer, steps: list[Step]) -> None:
    for what, status, code in steps:
        match what:
            case "refuse":
                server.refuse(status, code)
            case "half":
                server.answer('{"id": "task_')
            case "idless":
                server.answer({"status": "queued"})
            case "page":
                server.answer("<html>", status=status)
            case "stall":
                server.stall()
            case _:
                server.cut()


CUT: Step = ("cut", 0, "")
STALL: Step = ("stall", 0, "")
IDLESS: Step = ("idless", 0, "")
LIMITED: Step = ("refuse", 429, "rate_limited")
DISABLED: Step = ("refuse", 503, "public_api_disabled")
BAD_KEY: Step = ("refuse", 401, "api_key_revoked")


@pytest.mark.parametrize(
    ("steps", "error", "in_doubt"),
    [
        # certainly no task
        ([BAD_KEY], OperatorError, False),
        ([LIMITED, BAD_KEY], OperatorError, False),
        ([DISABLED, ("refuse", 400, "new_code")], MemberError, False),
        ([LIMITED, DISABLED, LIMITED], TransientError, False),
        # an attempt may have made a task
        ([CUT, BAD_KEY], OperatorError, True),
        ([("page", 502, ""), ("refuse", 402, "insufficient_credits")], OperatorError, True),
        ([STALL, ("refuse", 404, "not_found")], ContractViolation, True),
        ([("half", 0, ""), ("refuse", 400, "new_code")], MemberError, True),
        ([CUT, ("refuse", 422, "content_policy_violation")], MemberError, True),
        ([CUT, ("refuse", 400, "validation_failed")], MemberError, False),
        ([IDLESS, BAD_KEY], OperatorError, True),
        ([("page", 307, ""), BAD_KEY], OperatorError, True),
        ([("refuse", 500, "internal_error")] * 3, TransientError, True),
        ([CUT, LIMITED, LIMITED], TransientError, True),
        ([LIMITED, LIMITED, CUT], TransientError, True),
        ([("half", 0, "")] * 3, TransientError, True),
        ([IDLESS] * 3, ContractViolation, True),
        # not repeated
        ([("refuse", 409, "idempotency_conflict")], ContractViolation, True),
    ],
)
async def test_an_error_of_create_says_whether_there_may_be_a_task(
    server: ScriptedServer,
    session: aiohttp.ClientSession,
    steps: list[Step],
    error: type[KuasError],
    in_doubt: bool,
) -> None:
    apply_steps(server, steps)
    rivya = make_client(server.url, session, attempts=3, seconds=SHORT_SECONDS if STALL in steps else 20)
    raised = await failure_of(rivya.create(BODY, idempotency_key="j"))
    assert type(raised) is error
    assert len(server.received) == len(steps)
    assert isinstance(raised, TransientError | OperatorError | ContractViolation | MemberError)
    assert (not raised.had_no_effect if isinstance(raised, TransientError) else raised.in_doubt) is in_doubt


async def closed_port_url() -> str:
    async with open_script() as server:
        return server.url


async def test_a_refused_connection_leaves_nothing_in_doubt(session: aiohttp.ClientSession) -> None:
    error = await failure_of(make_client(await closed_port_url(), session).create(BODY, idempotency_key="j"))
    assert isinstance(error, TransientError)
    assert error.had_no_effect


async def test_a_refused_prompt_is_a_member_error_and_not_repeated(
    server: ScriptedServer, rivya: RivyaClient
) -> None:
    server.refuse(400, "validation_failed")
    error = await failure_of(rivya.create(BODY, idempotency_key="j"))
    assert isinstance(error, MemberError)
    assert error.reason is MemberReason.REQUEST_REFUSED
    assert error.data["message"] == f"Cannot paint {PROMPT}."
    assert len(server.received) == 1


async def test_the_id_of_a_task_is_quoted_in_the_url(server: ScriptedServer, rivya: RivyaClient) -> None:
    server.answer(
        {"id": "a/b?c", "status": "succeeded", "final_credits": 4, "result": {"urls": ["https://r/1"]}}
    )
    task = await rivya.get_task("a/b?c#d e")
    assert (task.status, task.result_urls, task.final_credits) == (TaskStatus.SUCCEEDED, ("https://r/1",), 4)
    assert server.received[0].path == "/api/v1/generations/a%2Fb%3Fc%23d%20e"
    assert server.received[0].headers["authorization"] == f"Bearer {KEY}"


async def test_a_stalled_get_task_is_repeated_and_never_in_doubt(
    server: ScriptedServer, session: aiohttp.ClientSession
) -> None:
    rivya = make_client(server.url, session, seconds=SHORT_SECONDS)
    server.stall()
    server.refuse(404, "not_found")
    error = await failure_of(rivya.get_task("task_1"))
    assert isinstance(error, ContractViolation)
    assert (error.code, error.in_doubt, error.request_id) == ("not_found", False, "req_7")
    assert len(server.received) == 2


async def test_the_wallet_is_read(server: ScriptedServer, rivya: RivyaClient) -> None:
    server.answer({"current_credits": 123})
    assert await rivya.credits() == 123
    assert (server.received[0].method, server.received[0].path) == ("GET", "/api/v1/credits")


async def test_models_are_listed_without_the_key(server: ScriptedServer, rivya: RivyaClient) -> None:
    server.answer({"data": [{"id": "qwen-image", "base_credits": 4}]})
    assert await rivya.models() == (LiveModel("qwen-image", 4),)
    assert server.received[0].path == "/api/v1/models"
    assert "authorization" not in server.received[0].headers


async def test_a_redirect_is_not_followed_and_gets_no_key(
    server: ScriptedServer, session: aiohttp.ClientSession
) -> None:
    async with open_script() as elsewhere:
        for status in (301, 302, 307, 308):
            server.answer("", status=status, headers={"Location": f"{elsewhere.url}/api/v1/credits"})
        error = await failure_of(make_client(server.url, session).credits())
        assert isinstance(error, TransientError)
        assert (len(server.received), elsewhere.received) == (4, [])


async def test_an_endless_answer_is_not_read_to_its_end(
    server: ScriptedServer, session: aiohttp.ClientSession
) -> None:
    server.flood(b" ")
    rivya = RivyaClient(session, base_url=server.url, api_key=KEY, attempts=1)
    error = await soon(failure_of(rivya.credits()))
    assert isinstance(error, TransientError)


def status_answer(url: str) -> dict[str, object]:
    return {"id": "task_1", "status": "succeeded", "result": {"primary_url": url}}


async def test_a_picture_of_the_greatest_size_may_be_in_the_status_of_its_task(
    server: ScriptedServer, rivya: RivyaClient
) -> None:
    encoded = base64.b64encode(bytes(RESULT_LIMIT_BYTES)).decode()
    url = f"data:image/png;base64,{encoded}"
    server.answer(status_answer(url))
    task = await rivya.get_task("task_1")
    assert task.status is TaskStatus.SUCCEEDED
    assert task.result_urls == (url,)


async def test_a_status_is_read_up_to_its_limit_and_no_further(
    server: ScriptedServer, session: aiohttp.ClientSession
) -> None:
    sent = server.flood(b'{"id": "task_1", "result": {"primary_url": "data:,')
    rivya = RivyaClient(session, base_url=server.url, api_key=KEY, attempts=1)
    error = await soon(failure_of(rivya.get_task("task_1")))
    assert isinstance(error, TransientError)
    # What the sockets hold was sent, too.
    assert STATUS_LIMIT_BYTES - ANSWER_LIMIT_BYTES < sum(sent) < STATUS_LIMIT_BYTES + 32 * ANSWER_LIMIT_BYTES


@pytest.mark.parametrize("call", ["create", "credits", "models"])
async def test_no_other_answer_may_be_larger_than_a_megabyte(
    server: ScriptedServer, session: aiohttp.ClientSession, call: str
) -> None:
    answer = {"id": "task_1", "current_credits": 5, "data": [], "padding": "A" * ANSWER_LIMIT_BYTES}
    server.answer(answer)
    rivya = RivyaClient(session, base_url=server.url, api_key=KEY, attempts=1)
    calls = {
        "create": lambda: rivya.create(BODY, idempotency_key="job-1"),
        "credits": rivya.credits,
        "models": rivya.models,
    }
    assert isinstance(await failure_of(calls[call]()), TransientError)
    server.answer(answer)
    assert (await rivya.get_task("task_1")).task_id == "task_1"


async def test_a_large_error_of_a_status_call_is_read_like_any_other(
    server: ScriptedServer, session: aiohttp.ClientSession
) -> None:
    server.answer({"error": {"code": "not_found"}, "padding": "A" * 2 * ANSWER_LIMIT_BYTES}, status=404)
    rivya = RivyaClient(session, base_url=server.url, api_key=KEY, attempts=1)
    assert isinstance(await failure_of(rivya.get_task("task_1")), TransientError)


async def test_a_status_of_millions_of_values_is_not_parsed(
    server: ScriptedServer, session: aiohttp.ClientSession
) -> None:
    server.answer('{"id": "task_1", "result": [' + "[]," * 5_000_000 + "[]]}")
    rivya = RivyaClient(session, base_url=server.url, api_key=KEY, attempts=1)
    assert isinstance(await failure_of(rivya.get_task("task_1")), TransientError)


async def test_the_rest_of_a_large_status_has_a_time_limit_of_its_own(
    server: ScriptedServer, session: aiohttp.ClientSession
) -> None:
    async def send_the_first_part(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b'{"id": "task_1", "padding": "' + b"A" * ANSWER_LIMIT_BYTES)
        await server.over.wait()
        return response

    server.answers.append(send_the_first_part)
    time_outs = ApiTimeouts(status_seconds=10 * PATIENCE_SECONDS, large_seconds=0.05)
    rivya = RivyaClient(session, base_url=server.url, api_key=KEY, time_outs=time_outs, attempts=1)
    assert isinstance(await soon(failure_of(rivya.get_task("task_1"))), TransientError)


async def test_more_large_answers_than_are_read_at_once_all_arrive(
    server: ScriptedServer, rivya: RivyaClient
) -> None:
    url = "data:image/png;base64," + "A" * 4 * ANSWER_LIMIT_BYTES
    server.answer(*[status_answer(url)] * 8)
    tasks = await soon(asyncio.gather(*(rivya.get_task("task_1") for _ in range(8))))
    assert {task.result_urls for task in tasks} == {(url,)}


async def test_a_relative_result_is_resolved_against_the_base_url_and_gets_no_key(
    server: ScriptedServer, rivya: RivyaClient
) -> None:
    server.answer(status_answer("/results/a.png?s=1"), status_answer("results/a.png"))
    server.answer(status_answer(f"//{server.url.removeprefix('http://')}/results/a.png"))
    first, second, third = [await rivya.get_task("task_1") for _ in range(3)]
    assert first.result_urls == (f"{server.url}/results/a.png?s=1",)
    assert second.result_urls == third.result_urls == (f"{server.url}/results/a.png",)
    server.answer(b"picture")
    async with Downloader(allow_loopback=True) as downloader:
        assert await downloader.result(*first.result_urls) == b"picture"
    assert (server.received[-1].path, "authorization" in server.received[-1].headers) == (
        "/results/a.png?s=1",
        False,
    )
    server.answer(status_answer("/results/a.png"))
    created = await rivya.create(BODY, idempotency_key="job-1")
    assert created.result_urls == (f"{server.url}/results/a.png",)


async def test_a_data_url_in_the_answer_to_create_is_not_taken(
    server: ScriptedServer, rivya: RivyaClient
) -> None:
    answer = status_answer("data:image/png;base64,AAAA")
    server.answer(answer, answer)
    assert (await rivya.create(BODY, idempotency_key="job-1")).result_urls == ()
    assert (await rivya.get_task("task_1")).result_urls == ("data:image/png;base64,AAAA",)


async def test_an_answer_that_is_no_http_is_a_transient_error(session: aiohttp.ClientSession) -> None:
    async def send_garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"\x00\xff not http\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    garbled = await asyncio.start_server(send_garbage, "127.0.0.1", 0)
    async with garbled:
        port = garbled.sockets[0].getsockname()[1]
        error = await failure_of(make_client(f"http://127.0.0.1:{port}", session, attempts=2).credits())
    assert isinstance(error, TransientError)


async def test_a_429_slows_every_call_of_the_client(
    server: ScriptedServer, session: aiohttp.ClientSession
) -> None:
    rivya = make_client(server.url, session, attempts=2)
    server.refuse(429, "rate_limited", {"Retry-After": "0.4"})
    server.answer({"current_credits": 1}, {"current_credits": 2}, {"current_credits": 3})
    refused = asyncio.create_task(rivya.credits())
    while len(server.received) < 1 or rivya._pace._resume_at == 0.0:
        await asyncio.sleep(0)
    assert sorted(await asyncio.gather(refused, rivya.credits(), rivya.credits())) == [1, 2, 3]
    first, *others = server.received
    assert all(seen.at - first.at >= 0.39 for seen in others)


async def test_a_long_retry_after_is_passed_on_to_the_caller(
    server: ScriptedServer, session: aiohttp.ClientSession
) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=900), usegmt=True)
    for value in ("900", date):
        server.refuse(429, "rate_limited", {"Retry-After": value})
        error = await failure_of(make_client(server.url, session).credits())
        assert isinstance(error, TransientError)
        assert error.retry_after_seconds is not None
        assert 890 < error.retry_after_seconds <= 900
    assert len(server.received) == 2


async def test_without_a_429_nothing_waits(server: ScriptedServer, session: aiohttp.ClientSession) -> None:
    rivya = make_client(server.url, session, pace=RateLimiter(careful_per_second=1))
    calls = 2 * round(PATIENCE_SECONDS)
    server.answer(*[{"current_credits": 1}] * calls)
    # With a rate limit each would take a second.
    await soon(asyncio.gather(*(rivya.credits() for _ in range(calls))))


async def test_stop_retrying_ends_a_waiting_call_without_an_attempt(
    server: ScriptedServer, session: aiohttp.ClientSession
) -> None:
    attempts: list[Attempt] = []
    pace = RateLimiter()
    pace.pause(60)
    rivya = RivyaClient(session, base_url=server.url, api_key=KEY, pace=pace, watch=attempts.append)
    call = asyncio.create_task(failure_of(rivya.create("{}", idempotency_key="key")))
    await asyncio.sleep(0)
    with capture_logs() as logs:
        rivya.stop_retrying()
        error = await soon(call)
    assert isinstance(error, TransientError)
    assert error.had_no_effect
    assert len(logs) == 1
    assert (attempts, server.received) == ([], [])


async def test_a_call_that_waits_can_be_cancelled(
    server: ScriptedServer, session: aiohttp.ClientSession
) -> None:
    pace = RateLimiter()
    pace.pause(60)
    call = asyncio.create_task(make_client(server.url, session, pace=pace).credits())
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert server.received == []


async def test_a_call_that_was_sent_can_be_cancelled(
    server: ScriptedServer, rivya: RivyaClient, tmp_path: Path
) -> None:
    (tmp_path / "a").write_bytes(bytes(300_000))
    server.stall()
    call = asyncio.ensure_future(upload(rivya, tmp_path / "a"))
    while not server.received:
        await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert len(server.received) == 1


async def test_a_failed_attempt_is_logged_in_one_line_without_secrets(
    server: ScriptedServer, rivya: RivyaClient
) -> None:
    server.refuse(503, "public_api_disabled")
    server.answer(f"<html>{PROMPT}</html>", status=502)
    server.refuse(400, "validation_failed")
    with capture_logs() as lines:
        error = await failure_of(rivya.create(BODY, idempotency_key="j"))
    ours = [line for line in lines if line["event"] == "rivya attempt failed"]
    assert [(line["attempt"], line["status"], line["code"], line["request_id"]) for line in ours] == [
        (1, 503, "public_api_disabled", "req_7"),
        (2, 502, None, None),
        (3, 400, "validation_failed", "req_7"),
    ]
    assert {(line["method"], line["path"]) for line in ours} == {("POST", "/generations")}
    shown = f"{lines} {error} {error!r} {rivya!r} {vars(rivya)}"
    assert KEY not in shown
    assert PROMPT not in shown


async def test_no_log_line_or_error_contains_the_key(
    server: ScriptedServer, session: aiohttp.ClientSession
) -> None:
    for add_answer in (server.cut, server.cut_in_the_middle, server.stall):
        add_answer()
        with capture_logs() as lines:
            error = await failure_of(
                make_client(server.url, session, attempts=1, seconds=SHORT_SECONDS).credits()
            )
        assert KEY not in f"{lines} {error!r} {error.__cause__!r} {error.__cause__}"


async def test_the_session_keeps_no_cookies(server: ScriptedServer, rivya: RivyaClient) -> None:
    server.answer({"current_credits": 1}, headers={"Set-Cookie": "a=b"})
    server.answer({"current_credits": 1})
    await rivya.credits()
    await rivya.credits()
    assert "cookie" not in server.received[1].headers


async def test_a_reference_that_cannot_be_opened_is_no_answer_of_rivya(
    server: ScriptedServer, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    attempts: list[Attempt] = []
    rivya = RivyaClient(session, base_url=server.url, api_key=KEY, watch=attempts.append)
    error = await failure_of(upload(rivya, tmp_path / "gone.png"))
    assert isinstance(error, OperatorError)
    assert error.code == "reference_file"
    assert (attempts, server.received) == ([], [])
