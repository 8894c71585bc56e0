"""A connection to a fake gateway, which compresses what it sends as the bot asks for.

One stream for a connection, flushed after each message:
https://discord.com/developers/docs/events/gateway#transport-compression
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Mapping
from typing import Final

from aiohttp import web

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def _zlib_stream() -> Callable[[bytes], bytes]:
    stream = zlib.compressobj()
    return lambda message: stream.compress(message) + stream.flush(zlib.Z_SYNC_FLUSH)


def _zstd_stream() -> Callable[[bytes], bytes]:
    stream = zstd.ZstdCompressor()
    return lambda message: stream.compress(message, zstd.ZstdCompressor.FLUSH_BLOCK)


STREAMS: Final[Mapping[str, Callable[[], Callable[[bytes], bytes]]]] = {
    "zlib-stream": _zlib_stream,
    "zstd-stream": _zstd_stream,
}


class GatewaySocket(web.WebSocketResponse):
    """`socket = await GatewaySocket.accept(request)`.

    Attributes:
        stream_name: the compression that the bot asked for, None for plain text.
    """

    stream_name: str | None = None
    _compress_message: Callable[[bytes], bytes] | None = None

    @classmethod
    async def accept(cls, request: web.Request) -> GatewaySocket:
        """Open the connection.

        Raises:
            web.HTTPBadRequest: Discord has no compression of the name in the URL.
        """
        name = request.query.get("compress")
        if name is not None and name not in STREAMS:
            raise web.HTTPBadRequest(text=f"compress={name}")
        socket = cls(max_msg_size=0, compress=False)
        socket.stream_name = name
        socket._compress_message = None if name is None else STREAMS[name]()
        await socket.prepare(request)
        return socket

    async def send_event(self, text: str) -> None:
        """Send one message of JSON."""
        if self._compress_message is None:
            await self.send_str(text)
        else:
            await self.send_bytes(self._compress_message(text.encode()))
