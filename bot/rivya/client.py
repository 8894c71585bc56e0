"""Call Rivya's API over HTTP, with time limits and retries.

Facts: https://rivya.ai/docs/api-files, api-generations, api-generation-status, api-credits, api-models and
api-errors-and-limits (read 2026-05).

Owns the connections to Rivya and the API key.
"""

from __future__ import annotations

import asyncio
import time
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import quote

import aiohttp
import stamina
import structlog
from pydantic import SecretStr

from bot.domain.errors import ContractViolation, KuasError, OperatorError, TransientError
from bot.domain.image_models import RESULT_LIMIT_BYTES
from bot.network.connections import Network, describe
from bot.rivya.calls import ApiTimeouts, Attempt, Call, MultipartBody, request_body
from bot.rivya.models import Task, parse_balance, parse_models, parse_upload
from bot.rivya.rate_limit import RateLimiter
from bot.rivya.responses import Operation, Response, UncertainOutcome, parse_response
from bot.rivya.scopes import Scope

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bot.domain.jobs import UploadedReference
    from bot.domain.model_catalog import LiveModel
    from bot.rivya.json_values import Json

log = structlog.get_logger(__name__)

ANSWER_LIMIT_BYTES: Final = 1024 * 1024
"""The rest of an answer is not read. Rivya's are a few kilobytes."""
STATUS_LIMIT_BYTES: Final = RESULT_LIMIT_BYTES * 7 // 5 + ANSWER_LIMIT_BYTES
"""The same for the status of a task, which may hold the picture as a `data:` URL: base64 takes 4/3 of its
bytes, and a little more where JSON writes `/` as `\\/`."""
LARGE_ANSWERS: Final = 2
"""Answers over `ANSWER_LIMIT_BYTES` that are read at the same time; one takes up to five results' memory."""
CONNECTIONS_LIMIT: Final = 64
"""A few more than tasks in flight by default, since a call's time limit includes waiting for a connection."""
READS_LIMIT: Final = 48
"""Of these, connections for calls that change nothing."""
LONGEST_RETRY_AFTER_SECONDS: Final = 30.0
"""If Rivya asks for a longer pause, the call raises instead of waiting."""

_CHUNK_BYTES = 64 * 1024
_T = TypeVar("_T")


def open_session(network: Network | None = None) -> aiohttp.ClientSession:
    """Open a session for `RivyaClient`, which the caller closes. Each call sets its own time limits.

    No cookies, and no compression, so that `ANSWER_LIMIT_BYTES` holds. Without a network there is no proxy.
    """
    return aiohttp.ClientSession(
        connector=(network or Network()).connector(limit=CONNECTIONS_LIMIT),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"Accept": "application/json", "Accept-Encoding": "identity"},
        timeout=aiohttp.ClientTimeout(total=None),
        trust_env=False,
    )


class RivyaClient:
    """The endpoints of the API that Kuas needs. Methods raise only `bot.domain.errors`.

    A call has up to `attempts` attempts. Time-outs, lost connections, 5xx, 429 and unreadable answers are
    retried after `first_wait_seconds`, doubling up to `longest_wait_seconds`, or after the time that Rivya
    asks for. A retry sends the same bytes under the same Idempotency-Key. `watch` is called after every
    attempt that was begun, also without a connection, but not if the reference cannot be opened.

    Every method raises:
        OperatorError: `key_refused`, `scope_denied` or `wallet_empty`.
        TransientError: the last attempt got no usable answer, or the API asks to wait.
        ContractViolation: the API's own `error.code`, `http_<status>` or `unreadable`.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        base_url: str,
        api_key: str,
        pace: RateLimiter | None = None,
        time_outs: ApiTimeouts | None = None,
        attempts: int = 4,
        first_wait_seconds: float = 0.5,
        longest_wait_seconds: float = 8.0,
        watch: Callable[[Attempt], None] = lambda _: None,
    ) -> None:
        self._session = session
        self._site_url = base_url.rstrip("/")
        self._base_url = self._site_url + "/api/v1"
        self._api_key = SecretStr(api_key)
        self._pace = pace or RateLimiter()
        self._time_outs = time_outs or ApiTimeouts()
        self._attempts = attempts
        self._first_wait_seconds = first_wait_seconds
        self._longest_wait_seconds = longest_wait_seconds
        self._watch = watch
        # Thousands of polls wait here, outside of their time limit, and leave connections for create calls.
        self._reads = asyncio.Semaphore(READS_LIMIT)
        self._large_answers = asyncio.Semaphore(LARGE_ANSWERS)
        self._stopping = False

    async def upload(
        self, path: Path, *, filename: str, mime_type: str, model: str, client_request_id: str
    ) -> UploadedReference:
        """Upload a reference, streamed from its file. A retry may leave a second copy at Rivya.

        Raises:
            MemberError: REFERENCE_UNREADABLE, REFERENCE_TOO_BIG, CONTENT_REFUSED or REQUEST_REFUSED.
            OperatorError: also `reference_file`; the file cannot be opened.
        """
        fields = {"kind": "image", "model": model, "client_request_id": client_request_id}
        form = MultipartBody(path, filename, mime_type, fields)
        seconds = self._time_outs.upload_seconds
        call = Call(Operation.UPLOAD, "POST", "/files", seconds, form, scope=Scope.FILES_CREATE)
        return await self._call(call, parse_upload)

    async def probe_upload(self) -> None:
        """Send an upload without its required file, which Rivya refuses, so that nothing is stored.

        Raises:
            OperatorError: `scope_denied`; the key lacks `Scope.FILES_CREATE`, as older keys do.
            ContractViolation: the upload was refused for what it is, so the scope was not.
        """
        headers = {"Content-Type": "multipart/form-data; boundary=kuas"}
        body = b'--kuas\r\nContent-Disposition: form-data; name="kind"\r\n\r\nimage\r\n--kuas--\r\n'
        seconds = self._time_outs.small_seconds
        call = Call(Operation.READ, "POST", "/files", seconds, body, headers, scope=Scope.FILES_CREATE)
        await self._call(call, lambda _: None)

    async def create(self, body: str, *, idempotency_key: str) -> Task:
        """Create a task, which costs credits. `body` comes from `models.create_body` and is sent unchanged.

        A picture as a `data:` URL is taken from the status call alone.

        If the error has `had_no_effect` False or `in_doubt` True, a task may exist: call again with the same
        arguments to find out.

        Raises:
            MemberError: PROMPT_REFUSED, CONTENT_REFUSED or REQUEST_REFUSED.
            ContractViolation: also `idempotency_conflict`, without a retry and always in doubt.
        """
        headers = {"Content-Type": "application/json", "Idempotency-Key": idempotency_key}
        seconds = self._time_outs.create_seconds
        return await self._call(
            Call(
                Operation.CREATE,
                "POST",
                "/generations",
                seconds,
                body.encode(),
                headers,
                scope=Scope.GENERATIONS_CREATE,
            ),
            partial(Task.from_json, base_url=self._site_url, with_data_url=False),
        )

    async def get_task(self, task_id: str) -> Task:
        """Get the state of a task; its `result_url` may be a `data:` URL of up to `STATUS_LIMIT_BYTES`.

        Raises:
            ContractViolation: also `not_found`.
        """
        call = Call(
            Operation.READ,
            "GET",
            f"/generations/{quote(task_id, safe='')}",
            self._time_outs.status_seconds,
            scope=Scope.GENERATIONS_READ,
            may_hold_picture=True,
        )
        return await self._call(call, partial(Task.from_json, base_url=self._site_url))

    async def credits(self) -> int:
        """Get the credits left in the key's wallet; the documentation recommends this as a test of a key."""
        seconds = self._time_outs.small_seconds
        call = Call(Operation.READ, "GET", "/credits", seconds, scope=Scope.CREDITS_READ)
        return await self._call(call, parse_balance)

    async def models(self) -> tuple[LiveModel, ...]:
        """List the models. The endpoint is public, so no key is sent."""
        call = Call(Operation.READ, "GET", "/models", self._time_outs.small_seconds)
        return await self._call(call, parse_models)

    def stop_retrying(self) -> None:
        """Let calls end soon: the bot is closing.

        A pause or a retry raises instead of waiting; a call that waits for its turn raises when that comes.
        """
        self._stopping = True
        self._pace.end()

    async def _call(self, call: Call, parse: Callable[[Json], _T]) -> _T:
        doubt = UncertainOutcome()
        # Ten thousand tasks are polled, and stamina's retry context is costly: it is set up after an error.
        try:
            return await self._attempt(call, 1, doubt, parse)
        except KuasError as error:
            first = error
        async for attempt in stamina.retry_context(
            on=lambda error: not self._stopping and _is_retryable(error),
            attempts=self._attempts,
            timeout=None,  # no total limit, since a pause from Rivya may be long
            wait_initial=self._first_wait_seconds,
            wait_max=self._longest_wait_seconds,
            wait_jitter=self._first_wait_seconds,
        ):
            with attempt:
                if attempt.num == 1:
                    raise first
                return await self._attempt(call, attempt.num, doubt, parse)
        raise AssertionError("unreachable: stamina raises what the last attempt raised")

    async def _attempt(
        self, call: Call, number: int, doubt: UncertainOutcome, parse: Callable[[Json], _T]
    ) -> _T:
        if call.operation is not Operation.READ:
            return await self._try(call, number, doubt, parse)
        async with self._reads:
            if self._stopping:
                raise TransientError("the bot is closing", answered=True)
            return await self._try(call, number, doubt, parse)

    async def _try(self, call: Call, number: int, doubt: UncertainOutcome, parse: Callable[[Json], _T]) -> _T:
        answer: Response | None = None
        began: float | None = None
        try:
            await self._pace.wait()
            began = time.monotonic()
            answer = await self._exchange(call)
            self._adjust_pace(answer)
            parsed = parse_response(answer, call.operation, parse, call.scope)
        except KuasError as error:
            # A request that was not sent, as when the reference cannot be opened, says nothing about Rivya.
            local = answer is None and isinstance(error, OperatorError)
            if began is not None and not local:
                self._report(call, began, answer, error)
            if call.operation is not Operation.READ:
                doubt.mark(error)
            log.warning(
                "rivya attempt failed",
                method=call.method,
                path=call.path,
                attempt=number,
                status=answer.status if answer else None,
                code=answer.code if answer else None,
                request_id=answer.request_id if answer else None,
                error=error.category,
                reason=str(error),
            )
            raise
        self._report(call, began, answer)
        return parsed

    def _report(
        self, call: Call, began: float, answer: Response | None, error: KuasError | None = None
    ) -> None:
        ahead = answer.sent_at - time.time() if answer and answer.sent_at is not None else None
        status = answer.status if answer else None
        self._watch(Attempt(call.operation, time.monotonic() - began, error, status, ahead))

    async def _exchange(self, call: Call) -> Response:
        headers = dict(call.headers)
        if call.scope is not None:  # on the request only: another call may use the session without the key
            headers["Authorization"] = f"Bearer {self._api_key.get_secret_value()}"
        with request_body(call.body) as data:
            try:
                async with (
                    asyncio.timeout(call.total_seconds) as time_limit,
                    self._session.request(
                        call.method,
                        self._base_url + call.path,
                        data=data,
                        headers=headers,
                        timeout=aiohttp.ClientTimeout(connect=self._time_outs.connect_seconds),
                        allow_redirects=False,
                    ) as response,
                ):
                    return await self._receive(response, call, time_limit)
            except (
                aiohttp.ClientConnectorError,
                aiohttp.ClientHttpProxyError,
                aiohttp.ConnectionTimeoutError,
            ) as error:
                # Without a connection nothing was sent, so nothing is in doubt.
                raise TransientError(f"no connection to Rivya: {describe(error)}", answered=True) from error
            except (aiohttp.ClientError, OSError) as error:  # a TimeoutError is an OSError
                raise TransientError(f"no answer from Rivya: {describe(error)}") from error

    async def _receive(
        self, response: aiohttp.ClientResponse, call: Call, time_limit: asyncio.Timeout
    ) -> Response:
        body = bytearray()
        await _read_until(response, body, ANSWER_LIMIT_BYTES)
        status, headers = response.status, response.headers
        if len(body) < ANSWER_LIMIT_BYTES or not (call.may_hold_picture and response.ok):
            return Response.from_http(status, headers, body[:ANSWER_LIMIT_BYTES])
        time_limit.reschedule(None)
        async with self._large_answers:
            time_limit.reschedule(asyncio.get_running_loop().time() + self._time_outs.large_seconds)
            await _read_until(response, body, STATUS_LIMIT_BYTES)
            return await asyncio.to_thread(Response.from_http, status, headers, body)

    def _adjust_pace(self, answer: Response) -> None:
        if answer.is_ok:
            self._pace.reset_backoff()
        elif answer.status == HTTPStatus.TOO_MANY_REQUESTS or answer.retry_after_seconds is not None:
            self._pace.pause(answer.retry_after_seconds)


def _is_retryable(error: Exception) -> bool:
    """Whether to retry. The pause Rivya asked for is waited for in `RateLimiter.wait`."""
    if isinstance(error, TransientError):
        return (error.retry_after_seconds or 0.0) <= LONGEST_RETRY_AFTER_SECONDS
    return isinstance(error, ContractViolation) and error.code == "unreadable"


async def _read_until(response: aiohttp.ClientResponse, body: bytearray, limit_bytes: int) -> None:
    """Append the answer to `body` until its end, or until `body` has at least `limit_bytes`."""
    while len(body) < limit_bytes and (chunk := await response.content.read(_CHUNK_BYTES)):
        body += chunk
