"""The Rivya client against a scripted server on loopback: real sockets, real files."""

from __future__ import annotations

import asyncio
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
from bot.domain.jobs import UploadedReference
from bot.rivya.calls import ApiTimeouts, Attempt
from bot.rivya.client import ANSWER_LIMIT_BYTES, RivyaClient, open_session
from bot.rivya.models import ModelOffer, Task, TaskStatus
from bot.rivya.rate_limit import RateLimiter
from tests.support.waiting import PATIENCE_SECONDS, soon

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

KEY = "rvya_sk_hush"
QUICK = 0.5
"""Seconds until a stalled call times out."""
PROMPT = "a very private elephant"
BODY = json.dumps({"model": "qwen-image", "prompt": PROMPT})
FILE = {"id": "file_1", "url": "https://files.example/1", "mime_type": "image/png"}
TASK = {"id": "task_1", "status": "queued", "reserved_credits": 4, "final_credits": 0}


@dataclass
class Seen:
    """One request, as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float


@dataclass
class Script:
    """Answers requests with the next line each; running out of lines is a loud 599."""

    lines: list[Callable[[web.Request], Awaitable[web.StreamResponse]]] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        now = asyncio.get_running_loop().time()
        self.seen.append(Seen(request.method, request.raw_path, headers, await request.read(), now))
        if not self.lines:
            return web.Response(status=599, text="the script has no more lines")
        return await self.lines.pop(0)(request)

    def says(self, *values: object, status: int = 200, headers: dict[str, str] | None = None) -> None:
        """Add lines; text and bytes are sent as they are, anything else as JSON."""
        for value in values:
            if isinstance(value, str | bytes):
                body, kind = value.encode() if isinstance(value, str) else value, "text/html"
            else:
                body, kind = json.dumps(value).encode(), "application/json"
            self.lines.append(_answering(body, kind, status, headers or {}))

    def refuses(self, status: int, code: str, headers: dict[str, str] | None = None) -> None:
        message = f"Cannot paint {PROMPT}."
        error = {"error": {"code": code, "message": message, "requestId": "req_7"}}
        self.says(error, status=status, headers=headers)

    def cuts(self) -> None:
        """Read the request, then drop the connection."""
        self.lines.append(_cut)

    def cuts_in_the_middle(self) -> None:
        self.lines.append(_cut_in_the_middle)

    def stalls(self) -> None:
        async def stall(_: web.Request) -> web.StreamResponse:
            await self.over.wait()
            return web.Response()

        self.lines.append(stall)


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
async def script() -> AsyncIterator[Script]:
    async with open_script() as script:
        yield script


@asynccontextmanager
async def open_script() -> AsyncIterator[Script]:
    script = Script()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", script.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    script.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield script
    script.over.set()
    await runner.cleanup()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session() as session:
        yield session


@pytest.fixture
def rivya(script: Script, session: aiohttp.ClientSession) -> RivyaClient:
    return client(script.url, session)


def client(
    url: str,
    session: aiohttp.ClientSession,
    *,
    attempts: int = 4,
    pace: RateLimiter | None = None,
    seconds: float = 20.0,
) -> RivyaClient:
    """One that hardly waits between attempts; `seconds` is its time-out for everything."""
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


def parse_form(seen: Seen) -> dict[str, tuple[bytes, str | None, str]]:
    """Read a form with the standard library's parser: by name, the bytes, the file's name and the type."""
    head = f"Content-Type: {seen.headers['content-type']}\r\n\r\n".encode()
    parts: dict[str, tuple[bytes, str | None, str]] = {}
    for part in BytesParser(policy=HTTP).parsebytes(head + seen.body).iter_parts():
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        name = part["Content-Disposition"].params["name"]
        parts[name] = (content, part.get_filename(), part.get_content_type())
    return parts


async def test_an_upload_is_a_form_of_known_length(
    script: Script, rivya: RivyaClient, tmp_path: Path
) -> None:
    content = bytes(range(256)) * 4000
    (tmp_path / "a").write_bytes(content)
    script.says(FILE, status=201)
    assert await upload(rivya, tmp_path / "a") == UploadedReference(FILE["url"], "image/png")

    [seen] = script.seen
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
    script: Script, rivya: RivyaClient, tmp_path: Path
) -> None:
    content = b"\x89PNG" + bytes(300_000)
    (tmp_path / "a").write_bytes(content)
    script.cuts()
    script.says("<html>", status=502)
    script.says({"no": "address"}, FILE)
    assert (await upload(rivya, tmp_path / "a")).url == FILE["url"]
    assert [seen.body.count(content) for seen in script.seen] == [1, 1, 1, 1]


async def test_an_upload_that_rivya_finds_too_big_is_for_the_member(
    script: Script, rivya: RivyaClient, tmp_path: Path
) -> None:
    (tmp_path / "a").write_bytes(b"x")
    script.says("<html>", status=413)
    error = await failure_of(upload(rivya, tmp_path / "a"))
    assert isinstance(error, MemberError)
    assert error.reason is MemberReason.REFERENCE_TOO_BIG


async def test_a_reference_that_cannot_be_opened_is_for_the_operator(
    script: Script, rivya: RivyaClient, tmp_path: Path
) -> None:
    error = await failure_of(upload(rivya, tmp_path / "missing"))
    assert isinstance(error, OperatorError)
    assert (error.code, script.seen) == ("reference_file", [])


async def test_a_file_that_could_not_be_sent_is_closed(
    session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """Open files fail the run, see filterwarnings."""
    (tmp_path / "a").write_bytes(bytes(300_000))
    error = await failure_of(upload(client(await closed_port_url(), session), tmp_path / "a"))
    assert isinstance(error, TransientError)


async def test_a_task_is_created_with_the_given_bytes(script: Script, rivya: RivyaClient) -> None:
    script.says(TASK, status=202)
    task = await rivya.create(BODY, idempotency_key="job-1")
    assert task == Task("task_1", TaskStatus.QUEUED, reserved_credits=4, final_credits=0)
    [seen] = script.seen
    assert (seen.method, seen.path, seen.body) == ("POST", "/api/v1/generations", BODY.encode())
    assert seen.headers["idempotency-key"] == "job-1"
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["authorization"] == f"Bearer {KEY}"


async def test_every_repeat_of_a_create_has_the_same_key_and_bytes(
    script: Script, session: aiohttp.ClientSession
) -> None:
    script.cuts()
    script.cuts_in_the_middle()
    script.stalls()
    script.says("<html>bad gateway</html>", status=502)
    script.says('{"id": "task_', {"status": "queued"})
    script.refuses(429, "rate_limited", {"Retry-After": "0"})
    script.refuses(503, "public_api_disabled")
    script.says(TASK)
    rivya = client(script.url, session, attempts=9, seconds=QUICK)
    assert (await rivya.create(BODY, idempotency_key="job-1")).task_id == "task_1"
    requests = [(seen.headers["idempotency-key"], seen.body) for seen in script.seen]
    assert requests == [("job-1", BODY.encode())] * 9


async def test_attempts_are_counted(script: Script, session: aiohttp.ClientSession) -> None:
    script.says(*["<html>"] * 9, status=500)
    error = await failure_of(client(script.url, session, attempts=3).create(BODY, idempotency_key="j"))
    assert isinstance(error, TransientError)
    assert len(script.seen) == 3


Step = tuple[str, int, str]
"""What the script does: `cut`, `stall`, `half`, `idless`, or `refuse` with a status and a code."""


def apply_steps(script: Script, steps: list[Step]) -> None:
    for what, status, code in steps:
        match what:
            case "refuse":
                script.refuses(status, code)
            case "half":
                script.says('{"id": "task_')
            case "idless":
                script.says({"status": "queued"})
            case "page":
                script.says("<html>", status=status)
            case "stall":
                script.stalls()
            case _:
                script.cuts()


CUT: Step = ("cut", 0, "")
STALL: Step = ("stall", 0, "")
IDLESS: Step = ("idless", 0, "")
LIMITED: Step = ("refuse", 429, "rate_limited")
DISABLED: Step = ("refuse", 503, "public_api_disabled")
BAD_KEY: Step = ("refuse", 401, "api_key_revoked")


@pytest.mark.parametrize(
    ("steps", "error", "doubtful"),
    [
        # nothing was done, and it is proven
        ([BAD_KEY], OperatorError, False),
        ([LIMITED, BAD_KEY], OperatorError, False),
        ([DISABLED, ("refuse", 400, "new_code")], MemberError, False),
        ([LIMITED, DISABLED, LIMITED], TransientError, False),
        # an attempt may have been heard
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
        # at once, and not repeated
        ([("refuse", 409, "idempotency_conflict")], ContractViolation, True),
    ],
)
async def test_a_create_says_whether_there_may_be_a_task(
    script: Script,
    session: aiohttp.ClientSession,
    steps: list[Step],
    error: type[KuasError],
    doubtful: bool,
) -> None:
    apply_steps(script, steps)
    rivya = client(script.url, session, attempts=3, seconds=QUICK if STALL in steps else 20)
    raised = await failure_of(rivya.create(BODY, idempotency_key="j"))
    assert type(raised) is error
    assert len(script.seen) == len(steps)
    assert isinstance(raised, TransientError | OperatorError | ContractViolation | MemberError)
    assert (not raised.had_no_effect if isinstance(raised, TransientError) else raised.in_doubt) is doubtful


async def closed_port_url() -> str:
    async with open_script() as script:
        return script.url


async def test_without_a_connection_nothing_is_in_doubt(session: aiohttp.ClientSession) -> None:
    error = await failure_of(client(await closed_port_url(), session).create(BODY, idempotency_key="j"))
    assert isinstance(error, TransientError)
    assert error.had_no_effect


async def test_a_refused_prompt_is_for_the_member_and_not_repeated(
    script: Script, rivya: RivyaClient
) -> None:
    script.refuses(400, "validation_failed")
    error = await failure_of(rivya.create(BODY, idempotency_key="j"))
    assert isinstance(error, MemberError)
    assert error.reason is MemberReason.REQUEST_REFUSED
    assert error.data["message"] == f"Cannot paint {PROMPT}."
    assert len(script.seen) == 1


async def test_a_task_is_looked_up_by_its_quoted_id(script: Script, rivya: RivyaClient) -> None:
    script.says(
        {"id": "a/b?c", "status": "succeeded", "final_credits": 4, "result": {"urls": ["https://r/1"]}}
    )
    task = await rivya.get_task("a/b?c#d e")
    assert (task.status, task.result_url, task.final_credits) == (TaskStatus.SUCCEEDED, "https://r/1", 4)
    assert script.seen[0].path == "/api/v1/generations/a%2Fb%3Fc%23d%20e"
    assert script.seen[0].headers["authorization"] == f"Bearer {KEY}"


async def test_a_look_that_stalls_is_repeated_and_never_in_doubt(
    script: Script, session: aiohttp.ClientSession
) -> None:
    rivya = client(script.url, session, seconds=QUICK)
    script.stalls()
    script.refuses(404, "not_found")
    error = await failure_of(rivya.get_task("task_1"))
    assert isinstance(error, ContractViolation)
    assert (error.code, error.in_doubt, error.request_id) == ("not_found", False, "req_7")
    assert len(script.seen) == 2


async def test_the_wallet_is_read(script: Script, rivya: RivyaClient) -> None:
    script.says({"current_credits": 123})
    assert await rivya.credits() == 123
    assert (script.seen[0].method, script.seen[0].path) == ("GET", "/api/v1/credits")


async def test_models_are_listed_without_the_key(script: Script, rivya: RivyaClient) -> None:
    script.says({"data": [{"id": "qwen-image", "base_credits": 4}]})
    assert await rivya.models() == (ModelOffer("qwen-image", 4, None),)
    assert script.seen[0].path == "/api/v1/models"
    assert "authorization" not in script.seen[0].headers


async def test_a_redirect_is_not_followed_so_the_key_stays_home(
    script: Script, session: aiohttp.ClientSession
) -> None:
    async with open_script() as elsewhere:
        for status in (301, 302, 307, 308):
            script.says("", status=status, headers={"Location": f"{elsewhere.url}/api/v1/credits"})
        error = await failure_of(client(script.url, session).credits())
        assert isinstance(error, TransientError)
        assert (len(script.seen), elsewhere.seen) == (4, [])


async def test_a_flood_of_an_answer_is_not_read_to_its_end(
    script: Script, session: aiohttp.ClientSession
) -> None:
    async def flood(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while request.transport is not None and not request.transport.is_closing():
            await response.write(b" " * ANSWER_LIMIT_BYTES)
        return response

    script.lines.append(flood)
    rivya = RivyaClient(session, base_url=script.url, api_key=KEY, attempts=1)
    error = await soon(failure_of(rivya.credits()))
    assert isinstance(error, TransientError)


async def test_garbage_instead_of_http_is_survived(session: aiohttp.ClientSession) -> None:
    async def garble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"\x00\xff not http\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(garble, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        error = await failure_of(client(f"http://127.0.0.1:{port}", session, attempts=2).credits())
    assert isinstance(error, TransientError)


async def test_a_429_slows_every_call_of_the_client(script: Script, session: aiohttp.ClientSession) -> None:
    rivya = client(script.url, session, attempts=2)
    script.refuses(429, "rate_limited", {"Retry-After": "0.4"})
    script.says({"current_credits": 1}, {"current_credits": 2}, {"current_credits": 3})
    refused = asyncio.create_task(rivya.credits())
    while len(script.seen) < 1 or rivya._pace._resume_at == 0.0:
        await asyncio.sleep(0)
    assert sorted(await asyncio.gather(refused, rivya.credits(), rivya.credits())) == [1, 2, 3]
    first, *others = script.seen
    assert all(seen.at - first.at >= 0.39 for seen in others)


async def test_a_wait_that_is_too_long_for_a_call_is_handed_on(
    script: Script, session: aiohttp.ClientSession
) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=900), usegmt=True)
    for value in ("900", date):
        script.refuses(429, "rate_limited", {"Retry-After": value})
        error = await failure_of(client(script.url, session).credits())
        assert isinstance(error, TransientError)
        assert error.retry_after_seconds is not None
        assert 890 < error.retry_after_seconds <= 900
    assert len(script.seen) == 2


async def test_without_a_429_nothing_waits(script: Script, session: aiohttp.ClientSession) -> None:
    rivya = client(script.url, session, pace=RateLimiter(careful_per_second=1))
    calls = 2 * round(PATIENCE_SECONDS)
    script.says(*[{"current_credits": 1}] * calls)
    await soon(asyncio.gather(*(rivya.credits() for _ in range(calls))))  # limited, it is a second for each


async def test_in_a_hurry_a_call_that_waits_ends_at_once_and_says_nothing_about_rivya(
    script: Script, session: aiohttp.ClientSession
) -> None:
    attempts: list[Attempt] = []
    pace = RateLimiter()
    pace.pause(60)
    rivya = RivyaClient(session, base_url=script.url, api_key=KEY, pace=pace, watch=attempts.append)
    call = asyncio.create_task(failure_of(rivya.create("{}", idempotency_key="key")))
    await asyncio.sleep(0)
    with capture_logs() as logs:
        rivya.stop_retrying()
        error = await soon(call)
    assert isinstance(error, TransientError)
    assert error.had_no_effect
    assert len(logs) == 1
    assert (attempts, script.seen) == ([], [])


async def test_a_call_that_waits_can_be_cancelled(script: Script, session: aiohttp.ClientSession) -> None:
    pace = RateLimiter()
    pace.pause(60)
    call = asyncio.create_task(client(script.url, session, pace=pace).credits())
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert script.seen == []


async def test_a_call_on_the_wire_can_be_cancelled(
    script: Script, rivya: RivyaClient, tmp_path: Path
) -> None:
    (tmp_path / "a").write_bytes(bytes(300_000))
    script.stalls()
    call = asyncio.ensure_future(upload(rivya, tmp_path / "a"))
    while not script.seen:
        await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert len(script.seen) == 1


async def test_a_failed_attempt_is_one_line_without_secrets(script: Script, rivya: RivyaClient) -> None:
    script.refuses(503, "public_api_disabled")
    script.says(f"<html>{PROMPT}</html>", status=502)
    script.refuses(400, "validation_failed")
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


async def test_no_failure_shows_the_key(script: Script, session: aiohttp.ClientSession) -> None:
    for act in (script.cuts, script.cuts_in_the_middle, script.stalls):
        act()
        with capture_logs() as lines:
            error = await failure_of(client(script.url, session, attempts=1, seconds=QUICK).credits())
        assert KEY not in f"{lines} {error!r} {error.__cause__!r} {error.__cause__}"


async def test_the_session_keeps_no_cookies(script: Script, rivya: RivyaClient) -> None:
    script.says({"current_credits": 1}, headers={"Set-Cookie": "a=b"})
    script.says({"current_credits": 1})
    await rivya.credits()
    await rivya.credits()
    assert "cookie" not in script.seen[1].headers
