"""Downloads from servers that lie, stall, cut the connection, redirect, or send without end."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import aiohttp
import pytest

from bot.domain.errors import (
    ContractViolation,
    MemberError,
    MemberReason,
    OperatorError,
    TransientError,
)
from bot.images.downloads import _RESULT_PORTS, Downloader, DownloadTimeouts, _parse_url
from bot.network.guard import RefusedAddressError
from tests.support.waiting import PATIENCE_SECONDS, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

BODY = b"picture" * 1000
LIMIT = 10_000


@dataclass
class Server:
    """A web server that answers each path with exactly these bytes, and then closes or stalls."""

    answers: dict[str, bytes]
    port: int = 0
    connections: int = 0
    requests: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            path = head[0].split(" ")[1]
            self.requests.append(path)
            self.headers = {
                name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])
            }
            writer.write(self.answers[path.partition("?")[0]])
            await writer.drain()
            if path == "/stalls":
                await self.released.wait()
            while path == "/endless":
                writer.write(b"10000\r\n" + bytes(65_536) + b"\r\n")
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            self.released.set()
        finally:
            writer.close()


@asynccontextmanager
async def open_server(**answers: bytes) -> AsyncIterator[Server]:
    server = Server({f"/{name}": data for name, data in answers.items()})
    listener = await asyncio.start_server(server.answer, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            yield server
    finally:
        server.released.set()
        listener.close()


def reply(status: str = "200 OK", body: bytes = b"", *, length: int | None = None, **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
async def downloader() -> AsyncIterator[Downloader]:
    """As in development: loopback addresses are allowed."""
    async with Downloader(allow_loopback=True) as opened:
        yield opened


@pytest.fixture
async def public_downloader() -> AsyncIterator[Downloader]:
    """As in production: only public addresses are allowed."""
    async with Downloader() as opened:
        yield opened


@pytest.fixture
async def impatient_downloader() -> AsyncIterator[Downloader]:
    time_outs = DownloadTimeouts(connect_seconds=60, read_seconds=0.2, total_seconds=60)
    async with Downloader(allow_loopback=True, time_outs=time_outs) as opened:
        yield opened


class TestReference:
    async def test_an_attachment_is_written_to_the_file(self, downloader: Downloader, tmp_path: Path) -> None:
        async with open_server(cat=reply(body=BODY)) as server:
            await downloader.reference(
                server.url("/cat?ex=1&is=2&hm=%2Fa%7e"), tmp_path / "cat", limit_bytes=len(BODY)
            )
        assert (tmp_path / "cat").read_bytes() == BODY
        assert server.requests == ["/cat?ex=1&is=2&hm=%2Fa%7e"]
        assert server.headers["accept-encoding"] == "identity"
        assert "authorization" not in server.headers
        assert "cookie" not in server.headers

    async def test_no_cookie_is_ever_sent_back(self, downloader: Downloader, tmp_path: Path) -> None:
        async with open_server(cat=reply(body=BODY, Set_Cookie="a=b")) as server:
            for _ in range(2):
                await downloader.reference(server.url("/cat"), tmp_path / "cat", limit_bytes=LIMIT)
        assert server.connections == 2
        assert "cookie" not in server.headers

    @pytest.mark.parametrize(
        "url",
        [
            "http://cdn.discordapp.com/a",
            "https://cdn.discordapp.com.evil.example/a",
            "https://cdn.discordapp.com@evil.example/a",
            "https://user@cdn.discordapp.com/a",
            "https://:@cdn.discordapp.com/a",
            "https://cdn.discordapp.com\\@evil.example/a",
            "https://evil.example\\@cdn.discordapp.com/a",
            "https://evil.example/cdn.discordapp.com",
            "https://evil.example#@cdn.discordapp.com/",
            "https://CDN.discordapp.com.evil.example/a",
            "https://cdn.discordapp.com./a",
            "https://cdn.discordapp.com:444/a",
            "https://cdn.discordapp.com:99999/a",
            "https://discordapp.com/a",
            "https://xcdn.discordapp.com/a",
            "https://127.0.0.1/a",
            "http://127.0.0.2/a",
            "http://localhost/a",
            "ftp://cdn.discordapp.com/a",
            "file:///etc/passwd",
            "//cdn.discordapp.com/a",
            "https:///a",
            "https://[::1/",
            "",
        ],
    )
    async def test_an_address_that_is_not_discords_is_refused(
        self, url: str, downloader: Downloader, public_downloader: Downloader, tmp_path: Path
    ) -> None:
        for chosen in (downloader, public_downloader):
            with pytest.raises(ContractViolation) as caught:
                await chosen.reference(url, tmp_path / "a", limit_bytes=LIMIT)
            assert caught.value.code == "reference_url"

    async def test_a_loopback_address_is_refused_without_a_connection(
        self, public_downloader: Downloader, tmp_path: Path
    ) -> None:
        async with open_server(cat=reply(body=BODY)) as server:
            with pytest.raises(ContractViolation) as caught:
                await public_downloader.reference(server.url("/cat"), tmp_path / "cat", limit_bytes=LIMIT)
        assert caught.value.code == "reference_url"
        assert server.connections == 0

    @pytest.mark.parametrize("status", ["403 Forbidden", "404 Not Found", "410 Gone"])
    async def test_a_missing_attachment_is_reported_as_gone(
        self, downloader: Downloader, status: str, tmp_path: Path
    ) -> None:
        async with open_server(cat=reply(status)) as server:
            with pytest.raises(MemberError) as caught:
                await downloader.reference(server.url("/cat"), tmp_path / "cat", limit_bytes=LIMIT)
        assert caught.value.reason is MemberReason.REFERENCE_GONE

    @pytest.mark.parametrize(
        "status", ["302 Found", "204 No Content", "206 Partial Content", "400 Bad Request"]
    )
    async def test_redirects_and_other_statuses_are_refused(
        self, downloader: Downloader, status: str, tmp_path: Path
    ) -> None:
        async with open_server(cat=reply(status, Location="/dog"), dog=reply(body=BODY)) as server:
            with pytest.raises(ContractViolation) as caught:
                await downloader.reference(server.url("/cat"), tmp_path / "cat", limit_bytes=LIMIT)
        assert caught.value.code == "reference_status"
        assert server.requests == ["/cat"]

    async def test_a_declared_size_over_the_limit_is_refused_and_nothing_is_written(
        self, downloader: Downloader, tmp_path: Path
    ) -> None:
        async with open_server(cat=reply(body=b"x", length=11_000_000)) as server:
            with pytest.raises(MemberError) as caught:
                await downloader.reference(server.url("/cat"), tmp_path / "cat", limit_bytes=LIMIT)
        assert caught.value.reason is MemberReason.REFERENCE_TOO_BIG
        assert caught.value.data == {"size_bytes": 11_000_000, "limit_bytes": LIMIT}
        assert (tmp_path / "cat").read_bytes() == b""

    async def test_an_endless_body_is_stopped_at_the_limit(
        self, downloader: Downloader, tmp_path: Path
    ) -> None:
        async with open_server(endless=CHUNKED) as server:
            with pytest.raises(MemberError) as caught:
                await downloader.reference(server.url("/endless"), tmp_path / "cat", limit_bytes=1_000_000)
            await server.released.wait()
        assert caught.value.reason is MemberReason.REFERENCE_TOO_BIG
        assert (tmp_path / "cat").stat().st_size <= 1_000_000

    async def test_compressed_bytes_are_not_decompressed(
        self, downloader: Downloader, tmp_path: Path
    ) -> None:
        compressed = gzip.compress(bytes(50_000_000))
        async with open_server(cat=reply(body=compressed, Content_Encoding="gzip")) as server:
            await downloader.reference(server.url("/cat"), tmp_path / "cat", limit_bytes=len(compressed))
        assert (tmp_path / "cat").read_bytes() == compressed

    async def test_a_file_that_cannot_be_written_is_an_operator_error(
        self, downloader: Downloader, tmp_path: Path
    ) -> None:
        async with open_server(cat=reply(body=BODY)) as server:
            with pytest.raises(OperatorError) as caught:
                await downloader.reference(server.url("/cat"), tmp_path / "no" / "cat", limit_bytes=LIMIT)
        assert caught.value.code == "disk"


class TestTransientErrors:
    """Errors that a later attempt may not meet, for both kinds of download."""

    @pytest.fixture(params=["reference", "result"])
    def kind(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    async def download(self, downloader: Downloader, kind: str, url: str, folder: Path) -> TransientError:
        reference = (
            downloader.reference(url, folder / "file", limit_bytes=LIMIT) if kind == "reference" else None
        )
        with pytest.raises(TransientError) as caught:
            await (reference or downloader.result(url, limit_bytes=LIMIT))
        return caught.value

    @pytest.mark.parametrize("status", ["429 Too Many Requests", "500 Oops", "503 Busy", "408 Slow"])
    async def test_the_retry_after_of_a_busy_server_is_passed_on(
        self, downloader: Downloader, kind: str, status: str, tmp_path: Path
    ) -> None:
        async with open_server(cat=reply(status, Retry_After="7")) as server:
            error = await self.download(downloader, kind, server.url("/cat"), tmp_path)
        assert error.retry_after_seconds == 7
        assert error.had_no_effect

    async def test_a_retry_after_may_be_a_date(
        self, downloader: Downloader, kind: str, tmp_path: Path
    ) -> None:
        now, later = "Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 2026 07:29:00 GMT"
        async with open_server(cat=reply("503 Busy", Date=now, Retry_After=later)) as server:
            error = await self.download(downloader, kind, server.url("/cat"), tmp_path)
        assert error.retry_after_seconds == 60

    @pytest.mark.parametrize("retry_after", ["soon", "-1", "nan", "inf"])
    async def test_a_retry_after_that_is_neither_a_number_nor_a_date_is_ignored(
        self, downloader: Downloader, kind: str, retry_after: str, tmp_path: Path
    ) -> None:
        async with open_server(cat=reply("503 Busy", Retry_After=retry_after)) as server:
            error = await self.download(downloader, kind, server.url("/cat"), tmp_path)
        assert error.retry_after_seconds is None

    @pytest.mark.parametrize(
        "answer",
        [
            reply(body=BODY, length=len(BODY) + 1),
            CHUNKED + b"10\r\nhalf",
            b"HTTP/1.1 200",
            b"",
            b"SSH-2.0-OpenSSH\r\n",
        ],
        ids=["shorter than declared", "half a chunk", "half a header", "nothing", "another protocol"],
    )
    async def test_an_incomplete_body_is_a_transient_error(
        self, downloader: Downloader, kind: str, answer: bytes, tmp_path: Path
    ) -> None:
        async with open_server(cat=answer) as server:
            await self.download(downloader, kind, server.url("/cat"), tmp_path)

    async def test_a_stalled_server_times_out(
        self, impatient_downloader: Downloader, kind: str, tmp_path: Path
    ) -> None:
        async with open_server(stalls=reply(body=BODY, length=9000)) as server:
            await self.download(impatient_downloader, kind, server.url("/stalls"), tmp_path)

    async def test_a_download_has_a_total_time_out(self, kind: str, tmp_path: Path) -> None:
        time_outs = DownloadTimeouts(connect_seconds=60, read_seconds=60, total_seconds=0.2)
        async with (
            Downloader(allow_loopback=True, time_outs=time_outs) as downloader,
            open_server(stalls=reply(body=BODY, length=9000)) as server,
        ):
            await self.download(downloader, kind, server.url("/stalls"), tmp_path)

    async def test_a_refused_connection_is_a_transient_error(
        self, downloader: Downloader, kind: str, tmp_path: Path
    ) -> None:
        async with open_server() as server:
            url = server.url("/cat")
        await self.download(downloader, kind, url, tmp_path)


class TestResult:
    async def test_the_body_is_returned_unchanged_whatever_its_type(self, downloader: Downloader) -> None:
        answer = reply(body=BODY, Content_Type="text/html", Content_Encoding="gzip")
        async with open_server(cat=answer) as server:
            assert await downloader.result(server.url("/cat")) == BODY
        assert "authorization" not in server.headers

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    async def test_three_redirects_are_followed(self, downloader: Downloader, status: int) -> None:
        hops = {
            name: reply(f"{status} Elsewhere", Location=f"/{target}?s=%2F") for name, target in ("ab", "bc")
        }
        async with open_server(**hops, c=reply("302 Found"), d=reply(body=BODY)) as server:
            server.answers["/c"] = reply("302 Found", Location=server.url("/d"))
            assert await downloader.result(server.url("/a")) == BODY
        assert server.requests == ["/a", "/b?s=%2F", "/c?s=%2F", "/d"]

    async def test_a_loop_of_redirects_ends(self, downloader: Downloader) -> None:
        async with open_server(a=reply("302 Found", Location="/a")) as server:
            with pytest.raises(ContractViolation) as caught:
                await downloader.result(server.url("/a"))
        assert caught.value.code == "result_redirects"
        assert len(server.requests) == 4

    @pytest.mark.parametrize(
        ("location", "code"),
        [
            ("http://169.254.169.254/latest/meta-data", "result_address"),
            ("http://10.0.0.1:80/", "result_address"),
            ("http://[::ffff:192.168.0.1]/", "result_address"),
            ("http://example.com:8080/", "result_url"),
            ("http://example.com:443/", "result_url"),
            ("http://name:word@example.com/", "result_url"),
            ("file:///etc/passwd", "result_url"),
            ("ftp://example.com/", "result_url"),
            ("data:image/png;base64,AAAA", "result_url"),
            ("https://name:word@example.com/", "result_url"),
            ("https://example.com:8443/", "result_url"),
            ("https://[::1/", "result_url"),
            ("https://example.com:99999/", "result_url"),
            ("https://10.0.0.1/", "result_address"),
            ("https://169.254.169.254/", "result_address"),
            ("https://[::1]/", "result_address"),
            ("https://[::ffff:127.0.0.1]/", "result_address"),
            ("https://[64:ff9b::7f00:1]/", "result_address"),
            ("//192.168.0.1/", "result_address"),
        ],
    )
    async def test_the_target_of_a_redirect_is_checked_like_an_address(
        self, downloader: Downloader, location: str, code: str
    ) -> None:
        async with open_server(a=reply("302 Found", Location=location)) as server:
            with pytest.raises(ContractViolation) as caught:
                await downloader.result(server.url("/a"))
        assert caught.value.code == code

    @pytest.mark.parametrize(
        ("url", "code"),
        [
            ("https://localhost/", "result_address"),
            ("https://127.0.0.1/", "result_address"),
            ("https://127.0.0.1:443/", "result_address"),
            ("https://[::1]/", "result_address"),
            ("https://[::]/", "result_address"),
            ("https://0.0.0.0/", "result_address"),
            ("https://10.1.2.3/", "result_address"),
            ("https://100.64.0.1/", "result_address"),
            ("https://[fe80::1]/", "result_address"),
            ("https://[2002:7f00:1::1]/", "result_address"),
            ("https://127.1/", "result_url"),
            ("https://2130706433/", "result_url"),
            ("http://127.0.0.1/", "result_address"),
            ("http://127.0.0.1:80/", "result_address"),
            ("http://localhost/", "result_address"),
            ("http://[::1]/", "result_address"),
            ("http://10.1.2.3/", "result_address"),
            ("http://169.254.169.254/latest/meta-data", "result_address"),
            ("http://127.0.0.1:8000/", "result_url"),
            ("http://8.8.8.8:8080/", "result_url"),
            ("http://8.8.8.8:443/", "result_url"),
            ("http://8.8.8.8:0/", "result_url"),
            ("https://8.8.8.8:80/", "result_url"),
            ("http://name:word@8.8.8.8/", "result_url"),
            ("http:///a", "result_url"),
            ("http:8.8.8.8", "result_url"),
            ("ftp://8.8.8.8/", "result_url"),
            ("https://a..b/", "result_url"),
            (f"https://{'a' * 70}.example/", "result_url"),
            ("https://127.0.0.1:8000/", "result_url"),
            ("data:image/png;base64,AAAA", "result_url"),
            ("not an address", "result_url"),
        ],
    )
    async def test_this_machine_and_its_network_are_refused(
        self, public_downloader: Downloader, url: str, code: str
    ) -> None:
        with pytest.raises(ContractViolation) as caught:
            await public_downloader.result(url)
        assert caught.value.code == code

    @pytest.mark.parametrize(
        "url",
        [
            *("https://8.8.8.8/a", "https://8.8.8.8:443/a", "http://8.8.8.8/a", "http://8.8.8.8:80/a"),
            *("http://cdn.example/a?sig=%2f", "HTTP://CDN.example/a", "http://[2606:4700::6810:84e5]/a"),
        ],
    )
    def test_a_public_result_may_be_on_https_or_http(self, public_downloader: Downloader, url: str) -> None:
        assert public_downloader._require_plain(_parse_url(url, "result"), "result", _RESULT_PORTS)
        assert not public_downloader.is_discord_url(url)

    async def test_a_redirect_may_lead_from_https_to_http(self, public_downloader: Downloader) -> None:
        location = _parse_url("https://cdn.example/a", "result").join(
            _parse_url("http://cdn.example/b", "result")
        )
        assert public_downloader._require_plain(location, "result", _RESULT_PORTS) == location

    async def test_addresses_are_checked_when_the_socket_connects(
        self, public_downloader: Downloader
    ) -> None:
        async with open_server(cat=reply(body=BODY)) as server:
            for session in (public_downloader._references, public_downloader._results):
                for host in ("127.0.0.1", "localhost"):
                    with pytest.raises(aiohttp.ClientConnectorError) as caught:
                        await session.get(f"http://{host}:{server.port}/cat")
                    assert isinstance(caught.value.os_error, RefusedAddressError)
        assert server.connections == 0

    @pytest.mark.parametrize(
        ("answer", "code"),
        [
            (reply("404 Not Found"), "result_gone"),
            (reply("410 Gone"), "result_gone"),
            (reply("403 Forbidden"), "result_gone"),
            (reply("401 Unauthorized"), "result_status"),
            (reply("304 Not Modified"), "result_status"),
            (reply(body=b"x", length=LIMIT + 1), "result_too_big"),
            (CHUNKED + b"4000\r\n" + bytes(0x4000) + b"\r\n0\r\n\r\n", "result_too_big"),
        ],
        ids=["404", "410", "403", "401", "304", "declared too big", "too big in chunks"],
    )
    async def test_an_unavailable_result_is_a_contract_violation(
        self, downloader: Downloader, answer: bytes, code: str
    ) -> None:
        async with open_server(cat=answer) as server:
            with pytest.raises(ContractViolation) as caught:
                await downloader.result(server.url("/cat"), limit_bytes=LIMIT)
        assert caught.value.code == code

    @pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP", "br", "identity", None])
    async def test_one_layer_of_gzip_is_removed_declared_or_not(
        self, downloader: Downloader, encoding: str | None
    ) -> None:
        packed = gzip.compress(BODY)
        async with open_server(
            cat=reply(body=packed, Content_Encoding=encoding) if encoding else reply(body=packed),
            twice=reply(body=gzip.compress(gzip.compress(BODY, mtime=0)), Content_Encoding="gzip, gzip"),
        ) as server:
            assert await downloader.result(server.url("/cat"), limit_bytes=LIMIT) == BODY
            inner = await downloader.result(server.url("/twice"), limit_bytes=LIMIT)
        assert inner == gzip.compress(BODY, mtime=0)

    @pytest.mark.parametrize("encoding", ["br", "deflate", "zstd", "gzip"])
    async def test_another_encoding_stays_as_it_is(self, downloader: Downloader, encoding: str) -> None:
        packed = zlib.compress(BODY)
        async with open_server(cat=reply(body=packed, Content_Encoding=encoding)) as server:
            assert await downloader.result(server.url("/cat")) == packed

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (gzip.compress(bytes(50_000_000)), "result_too_big"),
            (gzip.compress(BODY)[:-1], "result_gzip"),
            (gzip.compress(BODY)[:20], "result_gzip"),
            (b"\x1f\x8b", "result_gzip"),
        ],
        ids=["bomb", "without its last byte", "cut", "two bytes"],
    )
    async def test_gzip_that_holds_too_much_or_too_little_is_a_contract_violation(
        self, downloader: Downloader, body: bytes, code: str
    ) -> None:
        async with open_server(cat=reply(body=body, Content_Encoding="gzip")) as server:
            with pytest.raises(ContractViolation) as caught:
                await downloader.result(server.url("/cat"), limit_bytes=LIMIT)
        assert caught.value.code == code

    async def test_gzip_whose_connection_is_cut_is_a_transient_error(self, downloader: Downloader) -> None:
        packed = gzip.compress(BODY)
        async with open_server(cat=reply(body=packed[:-9], length=len(packed))) as server:
            with pytest.raises(TransientError):
                await downloader.result(server.url("/cat"))

    async def test_an_endless_result_is_stopped_at_the_limit(self, downloader: Downloader) -> None:
        async with open_server(endless=CHUNKED) as server:
            with pytest.raises(ContractViolation) as caught:
                await downloader.result(server.url("/endless"), limit_bytes=1_000_000)
            await server.released.wait()
        assert caught.value.code == "result_too_big"


async def test_sixty_downloads_at_once_all_arrive(downloader: Downloader, tmp_path: Path) -> None:
    async with open_server(cat=reply(body=BODY)) as server:
        await asyncio.gather(
            *(
                downloader.reference(server.url("/cat"), tmp_path / str(i), limit_bytes=LIMIT)
                for i in range(60)
            )
        )
    assert [(tmp_path / str(i)).read_bytes() for i in range(60)] == [BODY] * 60


async def test_a_cancelled_download_frees_its_connection(downloader: Downloader) -> None:
    async with open_server(stalls=reply(body=BODY, length=9000), cat=reply(body=BODY)) as server:
        stalled = [asyncio.create_task(downloader.result(server.url("/stalls"))) for _ in range(16)]
        await until(lambda: len(server.requests) == 16)
        for task in stalled:
            task.cancel()
        ends = await asyncio.gather(*stalled, return_exceptions=True)
        assert [type(end) for end in ends] == [asyncio.CancelledError] * 16
        assert await downloader.result(server.url("/cat")) == BODY
