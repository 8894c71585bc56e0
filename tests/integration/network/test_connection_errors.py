"""Connections fail in the same words on each event loop, and none goes to a private address."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import aiohttp
import pytest

from bot.domain.errors import ContractViolation
from bot.images.downloads import Downloader
from bot.network.connections import Network, describe
from tests.support.certificates import Authority, make_authority
from tests.support.waiting import PATIENCE_SECONDS, soon

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

NAMES_OF_THIS_MACHINE = {
    "localhost": "result_address",
    "0x7f.1": "result_address",
    "127.1": "result_url",  # such are refused before they are resolved
    "2130706433": "result_url",
    "017700000001": "result_url",
}
"""What C's `getaddrinfo` takes for 127.0.0.1, and as what a download from there is refused."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("authority"))


def reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection so that the other side gets ECONNRESET."""
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def reset_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    reset(writer)


async def reset_after_the_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    reset(writer)


async def reset_in_the_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    await writer.drain()
    reset(writer)


async def close_after_the_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")


async def speak_plainly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")


async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


@asynccontextmanager
async def serving(serve: Serve, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Serve each connection until it ends; yields the port."""
    tasks: list[asyncio.Task[None]] = []

    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    def start(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.append(asyncio.create_task(run(reader, writer)))

    async with await asyncio.start_server(start, "127.0.0.1", 0, ssl=context) as listener:
        yield listener.sockets[0].getsockname()[1]
    await soon(asyncio.gather(*tasks))


async def failure(url: str, read_seconds: float | None = None) -> Exception:
    """The error of a request that fails, as the clients of Discord and Rivya get it."""
    time_out = aiohttp.ClientTimeout(total=PATIENCE_SECONDS, sock_read=read_seconds)
    async with aiohttp.ClientSession(connector=Network().connector(), timeout=time_out) as session:
        with pytest.raises((aiohttp.ClientError, OSError)) as caught:
            async with session.get(url) as answer:
                await answer.read()
    return caught.value


@pytest.mark.parametrize(
    ("scheme", "serve", "kind", "words"),
    [
        ("https", reset_at_once, aiohttp.ClientConnectorError, "Cannot connect to host 127.0.0.1:"),
        ("https", speak_plainly, aiohttp.ClientConnectorSSLError, "wrong version number"),
        ("http", reset_after_the_request, aiohttp.ClientOSError, "[Errno 104] Connection reset by peer"),
        ("http", close_after_the_request, aiohttp.ServerDisconnectedError, "Server disconnected"),
        ("http", reset_in_the_body, aiohttp.ClientPayloadError, "Response payload is not completed"),
        ("http", say_nothing, TimeoutError, "it took too long"),
    ],
)
async def test_a_connection_that_breaks(scheme: str, serve: Serve, kind: type[Exception], words: str) -> None:
    async with serving(serve) as port:
        error = await failure(f"{scheme}://127.0.0.1:{port}/", 0.2 if serve is say_nothing else None)
    assert isinstance(error, kind)
    assert words in describe(error)


async def test_a_port_where_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    error = await failure(f"http://127.0.0.1:{port}/")
    assert isinstance(error, aiohttp.ClientConnectorError)
    assert isinstance(error.os_error, ConnectionRefusedError)
    address = f"127.0.0.1:{port}"
    assert describe(error).startswith(f"Cannot connect to host {address} ssl:")
    assert f"[Connect call failed ('127.0.0.1', {port})]" in describe(error)


async def test_a_certificate_that_is_not_trusted(authority: Authority) -> None:
    async with serving(say_nothing, authority.server_context()) as port:
        error = await failure(f"https://127.0.0.1:{port}/")
    assert isinstance(error, aiohttp.ClientConnectorCertificateError)
    assert describe(error).startswith("the certificate of 127.0.0.1 is not trusted (")


@pytest.mark.parametrize(("name", "code"), NAMES_OF_THIS_MACHINE.items())
async def test_no_picture_comes_from_this_machine_whatever_the_loop_s_resolver_says(
    name: str, code: str
) -> None:
    found = await asyncio.get_running_loop().getaddrinfo(name, 443, family=socket.AF_INET)
    assert {address[0] for *_, address in found} == {"127.0.0.1"}
    async with Downloader() as downloader:
        with pytest.raises(ContractViolation) as caught:
            await downloader.result(f"https://{name}/a")
    assert caught.value.code == code


async def test_a_name_without_an_address_is_the_same_error() -> None:
    """RFC 6761, section 6.4: no resolver knows a name below `invalid`; one that is down says EAI_AGAIN."""
    with pytest.raises(socket.gaierror) as caught:
        await asyncio.get_running_loop().getaddrinfo("pictures.invalid", 443)
    assert caught.value.errno in {socket.EAI_NONAME, socket.EAI_AGAIN, socket.EAI_NODATA}
    assert caught.value.strerror
