"""Downloads through a proxy, behind NAT64, and with a resolver that answers with fake addresses."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from bot.domain.errors import ContractViolation, TransientError
from bot.images.downloads import Downloader
from bot.network.certificates import ssl_context
from bot.network.connections import Network
from bot.network.guard import AddressGuard, RefusedAddressError
from bot.network.proxies import Proxies, Proxy
from bot.rivya.client import RivyaClient, open_session
from tests.support.certificates import Authority, make_authority
from tests.support.tls_proxy import TlsProxy, open_tls_proxy

BODY = b"picture" * 100
HOST = "pictures.test"


@dataclass
class TableResolver(AbstractResolver):
    """A resolver that knows these names only."""

    table: dict[str, tuple[str, ...]]
    error: OSError = field(default_factory=lambda: socket.gaierror(socket.EAI_NONAME, "unknown"))
    asked: list[str] = field(default_factory=list)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        if host not in self.table:
            raise self.error
        return [
            ResolveResult(hostname=host, host=each, port=port, family=family, proto=0, flags=0)
            for each in self.table[host]
        ]

    async def close(self) -> None:
        pass


def guard(resolver: TableResolver, *, allow_fake_ip: bool = False) -> AddressGuard:
    return AddressGuard(Network(), allow_fake_ip=allow_fake_ip, resolver=resolver)


async def direct(opened: AddressGuard, host: str) -> bool:
    """Whether the guard lets a direct connection to the first address of a name be made; none is made."""
    connector = opened.connector(limit=1)
    try:
        await opened.check(URL(f"https://{host}/"))
        (address, *_) = await connector._resolve_host(host, 443)
        info = (socket.AF_INET, socket.SOCK_STREAM, 0, "", (address["host"], 443))
        opened._guarded_socket(info).close()
    except RefusedAddressError:
        return False
    finally:
        await connector.close()
    return True


@pytest.mark.parametrize(
    ("prefix_answer", "address", "allowed"),
    [
        ((), "64:ff9b::8.8.8.8", True),
        ((), "64:ff9b::10.0.0.1", False),
        (("2a00:64::192.0.0.170",), "2a00:64::8.8.8.8", True),
        (("2a00:64::192.0.0.170",), "2a00:64::10.0.0.1", False),
        (("2a00:64::192.0.0.170",), "2a00:65::10.0.0.1", True),
        (("fd00:64::192.0.0.171",), "fd00:64::8.8.8.8", True),
        (("fd00:64::192.0.0.171",), "fd00:65::8.8.8.8", False),
        ((), "fd00:64::8.8.8.8", False),
    ],
)
async def test_behind_nat64_a_host_is_judged_by_the_address_inside(
    prefix_answer: tuple[str, ...], address: str, allowed: bool
) -> None:
    table = {HOST: (address,)} | ({"ipv4only.arpa": prefix_answer} if prefix_answer else {})
    resolver = TableResolver(table)
    opened = guard(resolver)
    assert await direct(opened, HOST) == allowed
    assert resolver.asked.count("ipv4only.arpa") == 1
    try:
        await opened.check(URL(f"https://[{address}]/"))
    except RefusedAddressError:
        assert not allowed
    else:
        assert allowed


async def test_without_ipv6_no_prefix_is_looked_up() -> None:
    resolver = TableResolver({HOST: ("8.8.8.8",)})
    assert await direct(guard(resolver), HOST)
    assert "ipv4only.arpa" not in resolver.asked


async def test_a_resolver_that_fails_for_now_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.network.guard.PREFIX_RETRY_SECONDS", 0.0)
    resolver = TableResolver({HOST: ("fd00:64::8.8.8.8",)}, socket.gaierror(socket.EAI_AGAIN, "later"))
    opened = guard(resolver)
    assert not await direct(opened, HOST)
    resolver.table["ipv4only.arpa"] = ("fd00:64::192.0.0.170",)
    assert await direct(opened, HOST)


async def test_a_resolver_that_never_answers_holds_a_download_back_for_a_bounded_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Silent(TableResolver):
        async def resolve(self, host: str, *arguments: object, **options: object) -> list[ResolveResult]:
            if host == "ipv4only.arpa":
                await asyncio.Event().wait()
            return await super().resolve(host)

    monkeypatch.setattr("bot.network.guard.LOOKUP_SECONDS", 0.01)
    resolver = Silent({HOST: ("2606:4700::1",)})
    assert await direct(guard(resolver), HOST)


@pytest.mark.parametrize("address", ["198.18.0.7", "198.19.255.1"])
async def test_fake_addresses_are_named_and_can_be_allowed(address: str) -> None:
    table = {HOST: (address,), "mixed.test": (address, "10.0.0.1")}
    async with Downloader(resolver=TableResolver(table)) as downloader:
        with pytest.raises(ContractViolation, match=r"network\.allow_fake_ip allows it") as caught:
            await downloader.result(f"https://{HOST}/")
    assert caught.value.code == "result_address"
    allowing = guard(TableResolver(table), allow_fake_ip=True)
    assert await direct(allowing, HOST)
    for url in (f"http://{HOST}/", f"https://{address}/", "https://10.0.0.1/"):
        with pytest.raises(RefusedAddressError):
            await allowing.check(URL(url))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("authority"))


@asynccontextmanager
async def open_backend(answers: dict[str, bytes]) -> AsyncIterator[int]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
        writer.write(answers[path])
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as listener:
        yield listener.sockets[0].getsockname()[1]


def redirect(target: str) -> bytes:
    return f"HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode()


@pytest.fixture(params=["http", "https"])
async def proxy(request: pytest.FixtureRequest, authority: Authority) -> AsyncIterator[TlsProxy]:
    """A proxy, reached without and with TLS."""
    answers = {
        "/a": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + BODY,
        "/private": redirect("https://10.0.0.1/"),
        "/name": redirect("https://inside.test/"),
        "/plain": redirect(f"http://{HOST}/a"),
        "/elsewhere": redirect("https://rivya.test/a"),
    }
    async with (
        open_backend(answers) as port,
        open_tls_proxy(authority, outer_tls=request.param == "https") as opened,
    ):
        opened.ports = {HOST: port, "rivya.test": port}
        yield opened


def network(proxy: TlsProxy, authority: Authority, *, no_proxy: str = "") -> Network:
    chosen = Proxy(URL(proxy.url), {}, "HTTPS_PROXY")
    return Network(Proxies(chosen, no_proxy), ssl_context(authority.certificate))


@pytest.mark.parametrize("path", ["/a", "/elsewhere"])
async def test_a_name_that_does_not_resolve_here_is_left_to_the_proxy(
    proxy: TlsProxy, authority: Authority, path: str
) -> None:
    async with Downloader(network(proxy, authority), resolver=TableResolver({})) as downloader:
        assert await downloader.result(f"https://{HOST}{path}") == BODY
    assert proxy.connects[0] == HOST


@pytest.mark.parametrize(
    ("url", "connects"),
    [
        ("https://10.0.0.1/", []),
        ("https://[::ffff:10.0.0.1]/", []),
        ("https://[64:ff9b::10.0.0.1]/", []),
        ("https://198.18.0.1/", []),
        ("https://inside.test/", []),
        ("https://half.test/", []),
        ("https://fake.test/", []),
        (f"https://{HOST}/private", [HOST]),
        (f"https://{HOST}/name", [HOST]),
    ],
)
async def test_a_private_target_is_not_asked_of_the_proxy(
    proxy: TlsProxy, authority: Authority, url: str, connects: list[str]
) -> None:
    table = {"inside.test": ("192.168.0.1",), "half.test": ("8.8.8.8", "::1"), "fake.test": ("198.18.0.1",)}
    async with Downloader(network(proxy, authority), resolver=TableResolver(table)) as downloader:
        with pytest.raises(ContractViolation) as caught:
            await downloader.result(url)
    assert caught.value.code == "result_address"
    assert proxy.connects == connects


async def test_nothing_without_https_goes_through_the_proxy(proxy: TlsProxy, authority: Authority) -> None:
    async with Downloader(network(proxy, authority), resolver=TableResolver({})) as downloader:
        with pytest.raises(ContractViolation):
            await downloader.result(f"https://{HOST}/plain")
    opened = AddressGuard(network(proxy, authority), resolver=TableResolver({}))
    with pytest.raises(RefusedAddressError, match="only https"):
        await opened.check(URL(f"http://{HOST}/a"))


async def test_fake_addresses_may_be_allowed_beside_a_proxy(proxy: TlsProxy, authority: Authority) -> None:
    resolver = TableResolver({HOST: ("198.18.0.1",)})
    opened = Downloader(network(proxy, authority), resolver=resolver, allow_fake_ip=True)
    async with opened as downloader:
        assert await downloader.result(f"https://{HOST}/a") == BODY


async def test_a_host_of_no_proxy_is_guarded_as_without_one(proxy: TlsProxy, authority: Authority) -> None:
    resolver = TableResolver({HOST: ("10.0.0.1",)})
    settings = network(proxy, authority, no_proxy=HOST)
    async with Downloader(settings, resolver=resolver) as downloader:
        with pytest.raises(ContractViolation) as caught:
            await downloader.result(f"https://{HOST}/a")
    assert caught.value.code == "result_address"
    assert proxy.connects == []


async def test_a_call_that_the_proxy_refuses_had_no_effect(proxy: TlsProxy, authority: Authority) -> None:
    """So a create call is not in doubt, and its credits are not held."""
    proxy.refused = {"rivya.test"}
    async with open_session(network(proxy, authority)) as session:
        client = RivyaClient(session, base_url="https://rivya.test", api_key="rvya_sk_x", attempts=1)
        with pytest.raises(TransientError, match="no connection to Rivya: the proxy") as caught:
            await client.create("{}", idempotency_key="1")
    assert caught.value.had_no_effect
