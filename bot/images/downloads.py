"""Bounded downloads: references from Discord, results from wherever Rivya keeps them.

A reference comes from Discord's own hosts and from nowhere else. A result may come from any public host, so
where each connection really goes is judged when its socket is made: after DNS, for every redirect, whatever
the host in the address was spelled like. Neither request carries a key or a cookie.
"""

from __future__ import annotations

import asyncio
import errno
import io
import ipaddress
import math
import socket
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import aiohttp
from yarl import URL

from bot.domain.errors import ContractViolation, MemberError, MemberReason, OperatorError, TransientError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

REFERENCE_HOSTS = frozenset({
    "cdn.discordapp.com",
    "media.discordapp.net",
    "images-ext-1.discordapp.net",
    "images-ext-2.discordapp.net",
})  # fmt: skip
"""Where Discord serves attachments, by `url` and by `proxy_url`, and its own copies of pictures in embeds."""
RESULT_LIMIT_BYTES = 50_000_000
"""Far above any picture the models make; the rest is protection."""
MAX_REDIRECTS = 3
LOOPBACK = "127.0.0.1"
_DOWNLOADS_AT_ONCE = 16
_CHUNK_BYTES = 65_536
_HTTPS_PORT = 443
_OK = 200
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_GONE = frozenset({403, 404, 410})
_PASSING = frozenset({408, 425, 429})
_SERVER_ERROR = 500

# Of IPv6, only what is handed out for use on the Internet can be public.
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
# Protocol assignments and relays; Teredo (in 2001::/23) and 6to4, which carry an IPv4 address that would go
# unjudged, as NAT64 does outside of 2000::/3; documentation. Python 3.11 takes some of them for global.
_NOT_HOSTS_IPV4 = tuple(map(ipaddress.IPv4Network, ("192.0.0.0/24", "192.88.99.0/24")))
_NOT_HOSTS_IPV6 = tuple(map(ipaddress.IPv6Network, ("2001::/23", "2002::/16", "3fff::/20")))


@dataclass(frozen=True, slots=True)
class DownloadTimeouts:
    """How long a download may take, in seconds. Waiting for other downloads does not count."""

    connect_seconds: float = 10
    read_seconds: float = 30
    """Without a byte."""
    total_seconds: float = 120
    """From first to last, redirects included."""


class RefusedAddressError(OSError):
    """A connection would have led to an address that is not public."""

    def __init__(self) -> None:
        # The same words and number each time: of several failed addresses only equal errors are passed on.
        super().__init__(errno.EACCES, "not a public address")


def is_public(address: str) -> bool:
    """Whether an IP address is that of a host on the Internet: not this machine, its network or a detour."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return is_public(str(parsed.ipv4_mapped))
        if parsed not in _GLOBAL_UNICAST or any(parsed in network for network in _NOT_HOSTS_IPV6):
            return False
    elif any(parsed in network for network in _NOT_HOSTS_IPV4):
        return False
    return parsed.is_global and not parsed.is_multicast and not parsed.is_reserved


class Downloader:
    """Downloads, bounded in place, size, time and number. Use it as an asynchronous context manager.

    With `allow_loopback`, both kinds may also come from http://127.0.0.1, for development.
    """

    _references: aiohttp.ClientSession
    _results: aiohttp.ClientSession

    def __init__(self, *, allow_loopback: bool = False, time_outs: DownloadTimeouts | None = None) -> None:
        self._allow_loopback = allow_loopback
        self._time_outs = time_outs or DownloadTimeouts()
        self._reference_slots = asyncio.Semaphore(_DOWNLOADS_AT_ONCE)
        self._result_slots = asyncio.Semaphore(_DOWNLOADS_AT_ONCE)

    async def __aenter__(self) -> Self:
        # Two, so that a slow host of results cannot hold up the references.
        self._references = self._session()
        self._results = self._session()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._references.close()
        await self._results.close()

    async def reference(self, url: str, target: Path, *, limit_bytes: int) -> None:
        """Writes the attachment at `url` to `target`. After an error a part may stay there.

        Raises:
            MemberError: REFERENCE_GONE, or REFERENCE_TOO_BIG (`size_bytes`: at least so many; `limit_bytes`).
            TransientError: a time-out, a cut connection, 429 or 5xx.
            OperatorError: `disk`: `target` cannot be written.
            ContractViolation: `reference_url` (not Discord's), `reference_address` or `reference_status`.
        """
        source = self._checked(_parsed(url, "reference"), "reference")
        if not self._is_discords(source):
            raise ContractViolation("reference_url", f"not a host of Discord's: {source.raw_host}")
        async with (
            self._reference_slots,
            _translated("reference", self._time_outs.total_seconds),
            self._references.get(source, allow_redirects=False) as response,
        ):
            if response.status in _GONE:
                raise MemberError(MemberReason.REFERENCE_GONE)
            _check_status(response, "reference")
            try:
                with _written(target) as write:
                    await _receive(response, write, limit_bytes)
            except _TooBigError as error:
                raise MemberError(
                    MemberReason.REFERENCE_TOO_BIG, size_bytes=error.size_bytes, limit_bytes=limit_bytes
                ) from None

    async def result(self, url: str, *, limit_bytes: int = RESULT_LIMIT_BYTES) -> bytes:
        """The bytes at `url`, by way of at most three redirects; what they are is for others to judge.

        Raises:
            TransientError: a time-out, a cut connection, 429 or 5xx.
            ContractViolation: `result_url` (not a plain https address), `result_address` (not public),
                `result_redirects`, `result_gone`, `result_status` or `result_too_big`.
        """
        source = self._checked(_parsed(url, "result"), "result")
        async with self._result_slots, _translated("result", self._time_outs.total_seconds):
            for _ in range(MAX_REDIRECTS + 1):
                async with self._results.get(source, allow_redirects=False) as response:
                    if response.status not in _REDIRECTS:
                        return await _whole(response, limit_bytes)
                    location = _parsed(response.headers.get("Location", ""), "result")
                    source = self._checked(source.join(location), "result")
        raise ContractViolation(
            "result_redirects", f"more than {MAX_REDIRECTS} redirects, to {source.raw_host}"
        )

    def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=_DOWNLOADS_AT_ONCE, socket_factory=self._guarded_socket),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(
                total=None,
                sock_connect=self._time_outs.connect_seconds,
                sock_read=self._time_outs.read_seconds,
            ),
            # Bytes are counted as they come, so nothing may grow after it was counted.
            headers={"Accept-Encoding": "identity"},
            auto_decompress=False,
            trust_env=False,
        )

    def _guarded_socket(self, info: aiohttp.AddrInfoType) -> socket.socket:
        """A socket for the address that is really about to be connected to, if that may be."""
        family, kind, protocol, _, destination = info
        address = str(destination[0])
        if not (is_public(address) or (self._allow_loopback and address == LOOPBACK)):
            raise RefusedAddressError
        return socket.socket(family, kind, protocol)

    def is_discord_url(self, url: str) -> bool:
        """Whether `reference` would go to that address: it is one of Discord's own."""
        try:
            return self._is_discords(self._checked(_parsed(url, "reference"), "reference"))
        except ContractViolation:
            return False

    def _is_discords(self, url: URL) -> bool:
        return self._is_loopback(url) or url.raw_host in REFERENCE_HOSTS

    def _is_loopback(self, url: URL) -> bool:
        return self._allow_loopback and url.scheme == "http" and url.raw_host == LOOPBACK

    def _checked(self, url: URL, what: str) -> URL:
        """The address, if it is of the plain kind: https, the usual port, no name and password in it."""
        plain = url.scheme == "https" and url.raw_host and url.explicit_port in {None, _HTTPS_PORT}
        if not (plain or self._is_loopback(url)) or url.user is not None or url.password is not None:
            raise ContractViolation(f"{what}_url", f"refused: {url.scheme} to {url.raw_host}")
        return url


class _TooBigError(Exception):
    def __init__(self, size_bytes: int) -> None:
        super().__init__(size_bytes)
        self.size_bytes = size_bytes


def _parsed(url: str, what: str) -> URL:
    try:
        # As it is where that is possible: signatures do not survive being spelled differently.
        parsed = URL(url, encoded=url.isascii() and url.isprintable() and " " not in url)
        # A wrong port is only noticed when somebody asks for it.
        _ = parsed.port
    except ValueError as error:
        raise ContractViolation(f"{what}_url", f"not an address: {error}") from error
    return parsed


def _check_status(response: aiohttp.ClientResponse, what: str) -> None:
    if response.status >= _SERVER_ERROR or response.status in _PASSING:
        raise TransientError(
            f"{what}: HTTP {response.status} from {response.url.raw_host}",
            retry_after_seconds=_retry_after_seconds(response),
            answered=True,
        )
    if response.status != _OK:
        raise ContractViolation(f"{what}_status", f"HTTP {response.status} from {response.url.raw_host}")


def _retry_after_seconds(response: aiohttp.ClientResponse) -> float | None:
    """What `Retry-After` asks for in seconds; a date is left to our own patience."""
    try:
        seconds = float(response.headers.get("Retry-After", ""))
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


async def _whole(response: aiohttp.ClientResponse, limit_bytes: int) -> bytes:
    if response.status in _GONE:
        raise ContractViolation("result_gone", f"HTTP {response.status} from {response.url.raw_host}")
    _check_status(response, "result")
    buffer = io.BytesIO()
    try:
        await _receive(response, buffer.write, limit_bytes)
    except _TooBigError as error:
        raise ContractViolation("result_too_big", f"{error.size_bytes} bytes, of {limit_bytes}") from None
    return buffer.getvalue()


async def _receive(
    response: aiohttp.ClientResponse, write: Callable[[bytes], object], limit_bytes: int
) -> None:
    """Hands on the body bit by bit and counts it: what a server says about its length may be a lie."""
    if (response.content_length or 0) > limit_bytes:
        raise _TooBigError(response.content_length or 0)
    received_bytes = 0
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        received_bytes += len(chunk)
        if received_bytes > limit_bytes:
            raise _TooBigError(received_bytes)
        write(chunk)


@contextmanager
def _written(target: Path) -> Iterator[Callable[[bytes], object]]:
    """A way to write to `target`. Small writes go to the system's cache, so they need no thread."""

    def write(chunk: bytes) -> None:
        with _disk():
            file.write(chunk)

    with _disk():
        file = target.open("wb")
    try:
        yield write
    finally:
        with _disk():
            file.close()


@contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OperatorError("disk", f"cannot write a reference: {error}") from error


@asynccontextmanager
async def _translated(what: str, total_seconds: float) -> AsyncIterator[None]:
    """Gives the block so many seconds, and its network errors our names."""
    try:
        async with asyncio.timeout(total_seconds):
            yield
    except (aiohttp.InvalidURL, UnicodeError) as error:
        raise ContractViolation(f"{what}_url", f"not an address: {error}") from error
    except (aiohttp.ClientError, TimeoutError) as error:
        if isinstance(error, aiohttp.ClientConnectorError) and isinstance(
            error.os_error, RefusedAddressError
        ):
            raise ContractViolation(f"{what}_address", f"refused: {error.host} is not public") from error
        raise TransientError(f"{what}: {type(error).__name__}: {error}") from error
