"""Download references from Discord and results from Rivya's storage, within limits.

A reference is downloaded from Discord's own hosts only, over https. A result may be on any public host, over
https or http on their own ports, so `AddressGuard` checks the address of each connection: after DNS, and
again for every redirect. No request carries a key or a cookie.
"""

from __future__ import annotations

import asyncio
import io
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import aiohttp
from yarl import URL

from bot.domain.errors import ContractViolation, MemberError, MemberReason, TransientError, disk_error
from bot.domain.image_models import RESULT_LIMIT_BYTES
from bot.images.gzip_layer import is_gzip, remove_gzip
from bot.network.connections import Network, describe
from bot.network.guard import LOOPBACK, AddressGuard, RefusedAddressError
from bot.network.http_headers import retry_after_seconds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping
    from pathlib import Path

    from aiohttp.abc import AbstractResolver

REFERENCE_HOSTS = frozenset({
    "cdn.discordapp.com",
    "media.discordapp.net",
    "images-ext-1.discordapp.net",
    "images-ext-2.discordapp.net",
})  # fmt: skip
"""Discord's hosts of attachments (`url` and `proxy_url`) and of its copies of pictures in embeds."""
MAX_REDIRECTS = 3
_CONCURRENCY = 16
"""Downloads at the same time, of references and of results each."""
_REFERENCE_PORTS = {"https": 443}
_RESULT_PORTS = {"https": 443, "http": 80}
_OK = 200
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_GONE = frozenset({403, 404, 410})
_TRANSIENT = frozenset({408, 425, 429})
_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class DownloadTimeouts:
    """The time limits of one download. Waiting for other downloads does not count."""

    connect_seconds: float = 10
    read_seconds: float = 30
    """Between two reads."""
    total_seconds: float = 120
    """Redirects included."""


class Downloader:
    """Downloads with limits on source, size, time and concurrency. Use it as an asynchronous context manager.

    With `allow_loopback`, references and results may also come from http://127.0.0.1, for development. For
    `allow_fake_ip` and `resolver` see `AddressGuard`.
    """

    _references: aiohttp.ClientSession
    _results: aiohttp.ClientSession
    _proxied: aiohttp.ClientSession

    def __init__(
        self,
        network: Network | None = None,
        *,
        allow_loopback: bool = False,
        allow_fake_ip: bool = False,
        resolver: AbstractResolver | None = None,
        time_outs: DownloadTimeouts | None = None,
    ) -> None:
        self._network = network or Network()
        self._guard = AddressGuard(
            self._network, allow_loopback=allow_loopback, allow_fake_ip=allow_fake_ip, resolver=resolver
        )
        self._allow_loopback = allow_loopback
        self._time_outs = time_outs or DownloadTimeouts()
        self._reference_slots = asyncio.Semaphore(_CONCURRENCY)
        self._result_slots = asyncio.Semaphore(_CONCURRENCY)

    async def __aenter__(self) -> Self:
        # Two sessions, so that a slow host of results does not delay references.
        self._references = self._session(self._guard.connector(limit=_CONCURRENCY))
        self._results = self._session(self._guard.connector(limit=_CONCURRENCY))
        self._proxied = self._session(aiohttp.TCPConnector(limit=0, ssl=self._network.ssl_context))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._references.close()
        await self._results.close()
        await self._proxied.close()

    async def reference(self, url: str, target: Path, *, limit_bytes: int) -> None:
        """Write the attachment at `url` to `target`. After an error `target` may hold a part of it.

        Raises:
            MemberError: REFERENCE_GONE, or REFERENCE_TOO_BIG (`size_bytes`, which may be a lower bound;
                `limit_bytes`).
            TransientError: a time-out, a lost connection, 408, 425, 429 or 5xx.
            OperatorError: `disk`: `target` cannot be written.
            ContractViolation: `reference_url` (not a host of Discord's), `reference_address` (not public) or
                `reference_status`.
        """
        source = self._require_plain(_parse_url(url, "reference"), "reference", _REFERENCE_PORTS)
        if not self._is_on_discord(source):
            raise ContractViolation("reference_url", f"not a host of Discord's: {source.raw_host}")
        async with (
            self._reference_slots,
            _translate_errors("reference", self._time_outs.total_seconds),
            self._get(self._references, source) as response,
        ):
            if response.status in _GONE:
                raise MemberError(MemberReason.REFERENCE_GONE)
            _check_status(response, "reference")
            try:
                with _open_writer(target) as write:
                    await _receive(response, write, limit_bytes)
            except _TooBigError as error:
                raise MemberError(
                    MemberReason.REFERENCE_TOO_BIG, size_bytes=error.size_bytes, limit_bytes=limit_bytes
                ) from None

    async def result(self, url: str, *, limit_bytes: int = RESULT_LIMIT_BYTES) -> bytes:
        """Return the bytes at `url`, after at most `MAX_REDIRECTS` redirects; they are not checked.

        One layer of gzip is removed, whether the server declares it or not. The limit counts the bytes that
        are received, and those that are in the gzip.

        Raises:
            TransientError: a time-out, a lost connection, 408, 425, 429 or 5xx.
            ContractViolation: `result_url` (not a plain http or https address), `result_address` (not
                public), `result_redirects`, `result_gone`, `result_status`, `result_too_big` or `result_gzip`
                (damaged or incomplete).
        """
        source = self._require_plain(_parse_url(url, "result"), "result", _RESULT_PORTS)
        async with self._result_slots, _translate_errors("result", self._time_outs.total_seconds):
            for _ in range(MAX_REDIRECTS + 1):
                async with self._get(self._results, source) as response:
                    if response.status not in _REDIRECTS:
                        data = await _read_limited(response, limit_bytes)
                        if is_gzip(data):
                            data = await asyncio.to_thread(remove_gzip, data, limit_bytes=limit_bytes)
                        return data
                    location = _parse_url(response.headers.get("Location", ""), "result")
                    source = self._require_plain(source.join(location), "result", _RESULT_PORTS)
        raise ContractViolation(
            "result_redirects", f"more than {MAX_REDIRECTS} redirects, to {source.raw_host}"
        )

    @asynccontextmanager
    async def _get(self, direct: aiohttp.ClientSession, url: URL) -> AsyncIterator[aiohttp.ClientResponse]:
        """Request a URL through the proxy that it must go through, else over the guarded session `direct`.

        Raises:
            RefusedAddressError: the target is not public, or must not be requested without encryption.
        """
        proxy = await self._guard.check(url)
        if proxy is None:
            request = direct.get(url, allow_redirects=False)
        else:
            request = self._proxied.get(
                url, allow_redirects=False, proxy=proxy.url, proxy_headers=proxy.headers
            )
        async with request as response:
            yield response

    def _session(self, connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(
                total=None,
                sock_connect=self._time_outs.connect_seconds,
                sock_read=self._time_outs.read_seconds,
            ),
            # Received bytes are counted, so they must not be compressed.
            headers={"Accept-Encoding": "identity"},
            auto_decompress=False,
            trust_env=False,
        )

    def is_discord_url(self, url: str) -> bool:
        """Return whether `reference` accepts `url`: it is on one of Discord's hosts."""
        try:
            source = self._require_plain(_parse_url(url, "reference"), "reference", _REFERENCE_PORTS)
            return self._is_on_discord(source)
        except ContractViolation:
            return False

    def _is_on_discord(self, url: URL) -> bool:
        return self._is_loopback(url) or url.raw_host in REFERENCE_HOSTS

    def _is_loopback(self, url: URL) -> bool:
        return self._allow_loopback and url.scheme == "http" and url.raw_host == LOOPBACK

    def _require_plain(self, url: URL, what: str, ports: Mapping[str, int]) -> URL:
        """Return the URL if its scheme and port are among `ports` and it has no user name or password.

        Raises:
            ContractViolation: `<what>_url`; it has not.
        """
        plain = url.raw_host and url.scheme in ports and url.port == ports[url.scheme]
        if not (plain or self._is_loopback(url)) or url.user is not None or url.password is not None:
            raise ContractViolation(f"{what}_url", f"refused: {url.scheme} to {url.raw_host}")
        return url


class _TooBigError(Exception):
    def __init__(self, size_bytes: int) -> None:
        super().__init__(size_bytes)
        self.size_bytes = size_bytes


def _parse_url(url: str, what: str) -> URL:
    try:
        # Unchanged where possible: a different spelling would make the signature of the URL invalid.
        parsed = URL(url, encoded=url.isascii() and url.isprintable() and " " not in url)
        # yarl checks the port only when it is read.
        _ = parsed.port
    except ValueError as error:
        raise ContractViolation(f"{what}_url", f"not an address: {error}") from error
    return parsed


def _check_status(response: aiohttp.ClientResponse, what: str) -> None:
    if response.status >= _SERVER_ERROR or response.status in _TRANSIENT:
        raise TransientError(
            f"{what}: HTTP {response.status} from {response.url.raw_host}",
            retry_after_seconds=retry_after_seconds(response.headers),
            answered=True,
        )
    if response.status != _OK:
        raise ContractViolation(f"{what}_status", f"HTTP {response.status} from {response.url.raw_host}")


async def _read_limited(response: aiohttp.ClientResponse, limit_bytes: int) -> bytes:
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
    """Write the body in chunks and count the bytes: the server's Content-Length may be wrong."""
    if (response.content_length or 0) > limit_bytes:
        raise _TooBigError(response.content_length or 0)
    received_bytes = 0
    async for chunk, _ in response.content.iter_chunks():  # as they arrived: nothing is copied
        received_bytes += len(chunk)
        if received_bytes > limit_bytes:
            raise _TooBigError(received_bytes)
        write(chunk)


@contextmanager
def _open_writer(target: Path) -> Iterator[Callable[[bytes], object]]:
    """Open `target` and yield its `write`. Chunks go to the system's cache, so no thread is needed."""

    def write(chunk: bytes) -> None:
        with _disk_errors():
            file.write(chunk)

    with _disk_errors():
        file = target.open("wb")
    try:
        yield write
    finally:
        with _disk_errors():
            file.close()


@contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise disk_error("cannot write a reference", error) from error


@asynccontextmanager
async def _translate_errors(what: str, total_seconds: float) -> AsyncIterator[None]:
    """Limit the block to `total_seconds`, and translate its network errors into our own."""
    try:
        async with asyncio.timeout(total_seconds):
            yield
    except (aiohttp.InvalidURL, UnicodeError) as error:
        raise ContractViolation(f"{what}_url", f"not an address: {error}") from error
    except RefusedAddressError as error:
        raise ContractViolation(f"{what}_address", f"refused: {error.strerror}") from error
    except (aiohttp.ClientError, TimeoutError) as error:
        if isinstance(error, aiohttp.ClientConnectorError) and isinstance(
            error.os_error, RefusedAddressError
        ):
            raise ContractViolation(
                f"{what}_address", f"refused: {error.host}: {error.os_error.strerror}"
            ) from error
        raise TransientError(f"{what}: {describe(error)}") from error
