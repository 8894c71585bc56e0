"""Carry out faults on HTTP requests and responses."""

from __future__ import annotations

import asyncio
import functools
import gzip
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, NoReturn

from aiohttp import web

from sandbox.fake_rivya.errors import envelope
from sandbox.fake_rivya.responses import edge_page

if TYPE_CHECKING:
    from sandbox.fake_rivya.faults import Fault

_SLICES = 10
_PNG_START = b"\x89PNG\r\n\x1a\n"
_NO_PICTURE = b"<html><body>This is no picture.</body></html>"
_PORTAL = "<!DOCTYPE html><html><body>Welcome to this network. Please sign in.</body></html>"
_BOMB_BYTES = 100_000_000
_CHUNK = bytes(65_536)


class ConnectionCut(ConnectionError):
    """The connection was closed on purpose, without a complete response."""


async def before(fault: Fault | None, request: web.Request) -> web.StreamResponse | None:
    """Return the response of a fault that keeps the request from being processed, None if there is none.

    Raises:
        ConnectionCut: `cut_before`.
    """
    if fault is None or fault.processed:
        return None
    if fault.name == "cut_before":
        _cut(request)
    return _replacement(fault)


async def after(
    fault: Fault | None, request: web.Request, response: web.StreamResponse, closing: asyncio.Event
) -> web.StreamResponse:
    """Return the response, changed by the fault, to a request that was processed.

    Raises:
        ConnectionError: the response was not sent, or not all of it.
    """
    if fault is None:
        return response
    if fault.name == "stall":
        await _wait_disconnected(request, closing)
    if fault.name in {"cut_after", "stall"}:
        _cut(request)
    if fault.name == "too_big":
        await _send_endless_body(request)
    if fault.processed:
        return _replacement(fault) or response
    return await _spoil_body(fault, request, response)


async def wait_for_lag(lag: Fault | None) -> None:
    """Wait until the lag is over; without a lag, for one turn of the event loop."""
    if lag is None:
        await asyncio.sleep(0)
        return
    with suppress(TimeoutError):
        await asyncio.wait_for(lag.over.wait(), lag.seconds)


async def _spoil_body(fault: Fault, request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Send another body, or send the body in another way."""
    assert isinstance(response, web.Response)  # every handler returns one, with its body in memory
    body = response.body
    assert isinstance(body, bytes)
    if fault.name == "redirect":
        return web.Response(status=HTTPStatus.FOUND, headers={"Location": fault.url})
    if fault.name == "not_a_picture":
        return web.Response(body=_NO_PICTURE, content_type=response.content_type)
    if fault.name == "half_json":
        response.body = body[: len(body) // 2]
    elif fault.name in {"gzip", "half_gzip", "gzip_bomb"}:
        response.body = await asyncio.to_thread(_compress, fault, body)
        if fault.declared:
            response.headers["Content-Encoding"] = "gzip"
    elif fault.name == "slow":
        return await _send_slowly(request, response, body, fault.seconds)
    elif fault.name == "lying_length":
        return await _send_wrong_length(request, response, body, fault.claimed_bytes)
    return response


@functools.cache
def _bomb() -> bytes:
    return gzip.compress(bytes(_BOMB_BYTES), compresslevel=1)


def _compress(fault: Fault, body: bytes) -> bytes:
    if fault.name == "gzip_bomb":
        return _bomb()
    for _ in range(fault.layers):
        body = gzip.compress(body)
    return body[: len(body) // 2] if fault.name == "half_gzip" else body


def _replacement(fault: Fault) -> web.Response | None:
    """Return the response of `status`, `html` and `captive_portal`, None for the other faults."""
    if fault.name == "captive_portal":
        return web.Response(text=_PORTAL, content_type="text/html")
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    if fault.name == "html" or (fault.name == "status" and fault.body == "html"):
        page = edge_page(HTTPStatus.BAD_GATEWAY if fault.name == "html" else HTTPStatus(fault.code))
        page.headers.update(headers)
        return page
    if fault.name == "status":
        document = envelope(fault.error_code, "Injected fault.", "req_fault")
        return web.json_response(document, status=fault.code, headers=headers)
    return None


def _cut(request: web.Request) -> NoReturn:
    if request.transport is not None:
        request.transport.abort()
    raise ConnectionCut


async def _wait_disconnected(request: web.Request, closing: asyncio.Event) -> None:
    """Wait until the client disconnects or the server closes."""
    while request.transport is not None and not closing.is_set():
        # A handler cannot await the end of its connection, so this polls it.
        with suppress(TimeoutError):
            await asyncio.wait_for(closing.wait(), timeout=0.05)


async def _send_slowly(
    request: web.Request, response: web.Response, body: bytes, seconds: float
) -> web.StreamResponse:
    stream = await _start_response(request, response, len(body))
    step = max(1, len(body) // _SLICES)
    for start in range(0, len(body), step):
        await asyncio.sleep(seconds / _SLICES)
        await stream.write(body[start : start + step])
    await stream.write_eof()
    return stream


async def _send_wrong_length(
    request: web.Request, response: web.Response, body: bytes, claimed: int | None
) -> web.StreamResponse:
    claimed = 2 * len(body) if claimed is None else claimed
    stream = await _start_response(request, response, claimed)
    await stream.write(body[:claimed])
    if claimed > len(body):
        if request.transport is not None:
            request.transport.close()  # unlike `abort`, this still sends what was written
        raise ConnectionCut
    return stream


async def _send_endless_body(request: web.Request) -> NoReturn:
    """Send data until the client disconnects, which raises ConnectionError."""
    stream = web.StreamResponse(headers={"Content-Type": "image/png"})
    stream.enable_chunked_encoding()
    await stream.prepare(request)
    await stream.write(_PNG_START)
    while True:
        await stream.write(_CHUNK)


async def _start_response(request: web.Request, response: web.Response, length: int) -> web.StreamResponse:
    stream = web.StreamResponse(
        status=response.status, headers={"Content-Type": response.headers["Content-Type"]}
    )
    stream.content_length = length
    await stream.prepare(request)
    return stream
