"""Calls Rivya's API: sockets, time-outs, retries.

Facts: https://rivya.ai/docs/api-files, api-generations, api-generation-status, api-credits, api-models and
api-errors-and-limits (read 2026-05).

Owns the connections to Rivya and the API key.
"""

from __future__ import annotations

import asyncio
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import quote

import aiohttp
import stamina
import structlog
from pydantic import SecretStr

from bot.domain.errors import ContractViolation, KuasError, TransientError
from bot.rivya.calls import ApiTimeouts, Attempt, Call, MultipartBody, request_body
from bot.rivya.models import Task, UploadedFile, parse_balance, parse_models
from bot.rivya.rate_limit import RateLimiter
from bot.rivya.responses import Operation, Response, UncertainOutcome, parse_response

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bot.rivya.json_values import Json
    from bot.rivya.models import ModelOffer

log = structlog.get_logger(__name__)

ANSWER_LIMIT_BYTES: Final = 1024 * 1024
"""What is read of an answer; the rest is left. Rivya's are a few kilobytes."""
CONNECTIONS_LIMIT: Final = 64
"""A few more than tasks in flight: a call that waits for a connection is on the clock already."""
READS_LIMIT: Final = 48
"""Of these for calls that change nothing."""
LONGEST_RETRY_AFTER_SECONDS: Final = 30.0
"""Who is asked to wait longer is told so, instead of being kept inside the call."""

_T = TypeVar("_T")


def open_session() -> aiohttp.ClientSession:
    """Open the session of a `RivyaClient`; closing it is the caller's part. Each call has its own time-outs.

    No cookies, no proxies from the environment, no compression: a small answer stays small.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=CONNECTIONS_LIMIT, limit_per_host=CONNECTIONS_LIMIT),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"Accept": "application/json", "Accept-Encoding": "identity"},
        timeout=aiohttp.ClientTimeout(total=None),
        trust_env=False,
    )


class RivyaClient:
    """The API, as far as Kuas needs it. Every method raises only `bot.domain.errors`.

    There are up to `attempts` attempts at a call: time-outs, cut connections, 5xx, 429 and unreadable answers
    are repeated, after `first_wait_seconds`, doubling to `longest_wait_seconds`, or after as long as Rivya
    asks for. A repeat sends the same bytes under the same Idempotency-Key. `watch` hears of every attempt.

    Raises, everywhere:
        OperatorError: `key_refused`, `scope_denied` or `wallet_empty`.
        TransientError: no attempt got an answer of the API, or it asks to wait.
        ContractViolation: the API's own `error.code`, or `unreadable`.
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
        self._base_url = base_url.rstrip("/") + "/api/v1"
        self._api_key = SecretStr(api_key)
        self._pace = pace or RateLimiter()
        self._time_outs = time_outs or ApiTimeouts()
        self._attempts = attempts
        self._first_wait_seconds = first_wait_seconds
        self._longest_wait_seconds = longest_wait_seconds
        self._watch = watch
        # Thousands of polls wait here and not on aiohttp's clock, and leave connections to those who create.
        self._reads = asyncio.Semaphore(READS_LIMIT)
        self._hurried = False

    async def upload(
        self, path: Path, *, filename: str, mime_type: str, model: str, client_request_id: str
    ) -> UploadedFile:
        """Give Rivya a reference, streamed from its file. A repeat may leave a second copy there: no harm.

        Raises:
            MemberError: `reference_unreadable` or `reference_too_big`, for Rivya.
            OperatorError: also `reference_file`: ours cannot be opened.
        """
        fields = {"kind": "image", "model": model, "client_request_id": client_request_id}
        form = MultipartBody(path, filename, mime_type, fields)
        seconds = self._time_outs.upload_seconds
        return await self._call(
            Call(Operation.UPLOAD, "POST", "/files", seconds, form), UploadedFile.from_json
        )

    async def create(self, body: str, *, idempotency_key: str) -> Task:
        """Have a picture painted; this costs credits. `body`, from `models.create_body`, is sent as it is.

        If it raises with `answered` False or `in_doubt` True, there may be a task: find out by calling again
        with the very same arguments.

        Raises:
            MemberError: `prompt_refused`.
            ContractViolation: also `idempotency_conflict`, at once, and always in doubt.
        """
        headers = {"Content-Type": "application/json", "Idempotency-Key": idempotency_key}
        seconds = self._time_outs.create_seconds
        return await self._call(
            Call(Operation.CREATE, "POST", "/generations", seconds, body.encode(), headers), Task.from_json
        )

    async def get_task(self, task_id: str) -> Task:
        """See how a task stands.

        Raises:
            ContractViolation: also `not_found`.
        """
        path = f"/generations/{quote(task_id, safe='')}"
        return await self._call(
            Call(Operation.READ, "GET", path, self._time_outs.status_seconds), Task.from_json
        )

    async def credits(self) -> int:
        """Ask what is left in the key's wallet: also the documentation's own test of a key."""
        return await self._call(
            Call(Operation.READ, "GET", "/credits", self._time_outs.small_seconds), parse_balance
        )

    async def models(self) -> tuple[ModelOffer, ...]:
        """List the models; this is public, so no key is sent."""
        return await self._call(
            Call(Operation.READ, "GET", "/models", self._time_outs.small_seconds, with_key=False),
            parse_models,
        )

    def stop_retrying(self) -> None:
        """Wait for nothing any more: a call that would, for a pause or to be repeated, is ended."""
        self._hurried = True
        self._pace.end()

    async def _call(self, call: Call, parse: Callable[[Json], _T]) -> _T:
        doubt = UncertainOutcome()
        # Most go well at once, and ten thousand tasks are polled: what repeats a call is costly to set up.
        try:
            return await self._attempt(call, 1, doubt, parse)
        except KuasError as error:
            first = error
        async for attempt in stamina.retry_context(
            on=lambda error: not self._hurried and _worth_a_repeat(error),
            attempts=self._attempts,
            timeout=None,  # a pause that Rivya asks for must not end the call
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
            if self._hurried:
                raise TransientError("nobody waits for an answer any more", answered=True)
            return await self._try(call, number, doubt, parse)

    async def _try(self, call: Call, number: int, doubt: UncertainOutcome, parse: Callable[[Json], _T]) -> _T:
        answer: Response | None = None
        began: float | None = None
        try:
            await self._pace.wait()
            began = time.monotonic()
            answer = await self._exchange(call)
            self._keep_pace(answer)
            understood = parse_response(answer, call.operation, parse)
        except KuasError as error:
            if began is not None:  # what was not sent says nothing about Rivya
                self._watched(call, began, answer, error)
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
        self._watched(call, began, answer)
        return understood

    def _watched(
        self, call: Call, began: float, answer: Response | None, error: KuasError | None = None
    ) -> None:
        ahead = answer.sent_at - time.time() if answer and answer.sent_at is not None else None
        status = answer.status if answer else None
        self._watch(Attempt(call.operation, time.monotonic() - began, error, status, ahead))

    async def _exchange(self, call: Call) -> Response:
        headers = dict(call.headers)
        if call.with_key:  # on the request and not on the session, which others may come to use
            headers["Authorization"] = f"Bearer {self._api_key.get_secret_value()}"
        time_out = aiohttp.ClientTimeout(total=call.total_seconds, connect=self._time_outs.connect_seconds)
        with request_body(call.body) as data:
            try:
                async with self._session.request(
                    call.method,
                    self._base_url + call.path,
                    data=data,
                    headers=headers,
                    timeout=time_out,
                    allow_redirects=False,
                ) as response:
                    return Response.from_http(response.status, response.headers, await _bounded(response))
            except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
                # Without a connection nothing was sent: the one silence that leaves nothing in doubt.
                raise TransientError(
                    f"no connection to Rivya: {type(error).__name__}", answered=True
                ) from error
            except (aiohttp.ClientError, OSError) as error:  # a TimeoutError is an OSError
                raise TransientError(f"no answer from Rivya: {type(error).__name__}") from error

    def _keep_pace(self, answer: Response) -> None:
        if answer.is_ok:
            self._pace.reset_backoff()
        elif answer.status == HTTPStatus.TOO_MANY_REQUESTS or answer.retry_after_seconds is not None:
            self._pace.pause(answer.retry_after_seconds)


def _worth_a_repeat(error: Exception) -> bool:
    """Whether to try again; a pause that Rivya asked for is kept by the pace, before the next attempt."""
    if isinstance(error, TransientError):
        return (error.retry_after_seconds or 0.0) <= LONGEST_RETRY_AFTER_SECONDS
    return isinstance(error, ContractViolation) and error.code == "unreadable"


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        body += chunk
        if len(body) >= ANSWER_LIMIT_BYTES:
            break
    return bytes(body[:ANSWER_LIMIT_BYTES])
