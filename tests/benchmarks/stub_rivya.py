"""Serve the status call of Rivya as fast as Python can, in a process beside the one that is measured.

`python -m tests.benchmarks.stub_rivya {}` prints fields of `harness.FakeServices` in one line of JSON, then
serves until its standard input ends. Every task is `processing`. It answers faster than aiohttp can send
requests, so the client is what limits the rate.
"""

from __future__ import annotations

import asyncio
import json
import sys

END_OF_HEAD = b"\r\n\r\n"


class Responder(asyncio.Protocol):
    """Gives every request the same response, with the id of its path."""

    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        *heads, self._received = (self._received + data).split(END_OF_HEAD)
        for head in heads:
            path = head.split(b" ", 2)[1]
            self._transport.write(_answer(path.rpartition(b"/")[2].decode()))


def _answer(task_id: str) -> bytes:
    """Return a task with the documented keys: https://rivya.ai/docs/api-generation-status."""
    task = {
        "id": task_id,
        "status": "processing",
        "model": "qwen-image",
        "reserved_credits": 4,
        "final_credits": 0,
        "created_at": "2026-05-01T12:00:00.000Z",
        "updated_at": "2026-05-01T12:00:02.400Z",
        "result": None,
        "error": None,
    }
    body = json.dumps(task).encode()
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nDate: Fri, 01 May 2026 12:00:03 GMT\r\n\r\n"
    )
    return head.encode() + body


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Responder, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        print(json.dumps({"rivya_url": f"http://{host}:{port}", "api_key": "rvya_sk_nobody"}), flush=True)
        await asyncio.to_thread(sys.stdin.buffer.read)


if __name__ == "__main__":
    asyncio.run(serve())
