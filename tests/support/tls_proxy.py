"""An http proxy on 127.0.0.1 that opens https, as the proxies of companies do, and answers for any host."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.support.certificates import Authority


@dataclass
class TlsProxy:
    """Passes what a client sends inside of TLS to a port of this machine.

    Attributes:
        ports: the port for each host; any other host is answered with 502.
        authorization: the header that the proxy wants, if it wants one.
        refused: hosts that are answered with 403.
        connects: the hosts that were asked for, also in vain.
    """

    authority: Authority
    scheme: str = "http"
    port: int = 0
    ports: dict[str, int] = field(default_factory=dict)
    authorization: str | None = None
    refused: set[str] = field(default_factory=set)
    connects: list[str] = field(default_factory=list)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one client."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client, or the server behind, has gone
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, target, _ = lines[0].split(" ")
        assert method == "CONNECT"
        host = target.rpartition(":")[0]
        self.connects.append(host)
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
        status = self._status(host, headers.get("proxy-authorization"))
        writer.write(f"HTTP/1.1 {status}\r\n\r\n".encode())
        await writer.drain()
        if not status.startswith("200"):
            return
        await writer.start_tls(self.authority.server_context())
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self.ports[host])
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_copy(reader, inner_writer))
                group.create_task(_copy(inner_reader, writer))
        except* OSError:
            pass
        finally:
            inner_writer.close()

    def _status(self, host: str, authorization: str | None) -> str:
        if self.authorization is not None and authorization != self.authorization.lower():
            return "407 Proxy Authentication Required"
        if host in self.refused:
            return "403 Forbidden"
        return "200 OK" if host in self.ports else "502 Bad Gateway"

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()


@asynccontextmanager
async def open_tls_proxy(authority: Authority, *, outer_tls: bool = False) -> AsyncIterator[TlsProxy]:
    """Run a proxy; with `outer_tls`, clients connect to it by TLS as well."""
    proxy = TlsProxy(authority, "https" if outer_tls else "http")
    context: ssl.SSLContext | None = authority.server_context() if outer_tls else None
    listener = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, ssl=context)
    proxy.port = listener.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        listener.close()
        await proxy.close()
