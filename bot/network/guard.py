"""Refuse downloads from this machine and its network, whatever a URL, a redirect or a resolver says."""

from __future__ import annotations

import asyncio
import errno
import socket
import time
from typing import TYPE_CHECKING, Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from bot.network.addresses import (
    NAT64_WELL_KNOWN,
    is_fake_ip,
    is_ip_address,
    is_public,
    nat64_prefixes,
)

if TYPE_CHECKING:
    from ipaddress import IPv6Network

    from yarl import URL

    from bot.network.connections import Network
    from bot.network.proxies import Proxy

LOOPBACK: Final = "127.0.0.1"
LOOKUP_SECONDS: Final = 5.0
"""For a name that is looked up only to refuse it, or to learn the prefix of a NAT64."""
PREFIX_SECONDS: Final = 3600.0
"""How long a network's prefix, or that it has none, is remembered."""
PREFIX_RETRY_SECONDS: Final = 60.0
"""After a look-up without an answer."""


NOT_PUBLIC: Final = "not a public address"
FAKE_IP_REASON: Final = (
    "the resolver answers with 198.18.0.0/15, as that of a transparent proxy; network.allow_fake_ip allows it"
)


class RefusedAddressError(OSError):
    """The connection would go to an address that is not public, or unencrypted where it must not."""

    def __init__(self, reason: str = NOT_PUBLIC) -> None:
        # Few texts: if several addresses of a host fail, aiohttp passes on only equal errors.
        super().__init__(errno.EACCES, reason)


class AddressGuard:
    """Decides for each URL whether it goes through the proxy, and refuses what is not public.

    Without a proxy the address is checked when the socket of each connection is created. Through one, or with
    `allow_fake_ip`, the address is not known here: only https is allowed, addresses in the URL and names that
    resolve here to an address that is not public are refused, and the rest is left to the proxy.

    `resolver` is the system's by default. `allow_loopback` allows http://127.0.0.1, for development.
    """

    def __init__(
        self,
        network: Network,
        *,
        allow_loopback: bool = False,
        allow_fake_ip: bool = False,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._network = network
        self._allow_loopback = allow_loopback
        self._allow_fake_ip = allow_fake_ip
        self._resolver = _LearningResolver(resolver or aiohttp.ThreadedResolver())

    def connector(self, *, limit: int) -> aiohttp.TCPConnector:
        """Return a connector that goes without a proxy and refuses addresses that are not public."""
        return aiohttp.TCPConnector(
            limit=limit,
            ssl=self._network.ssl_context,
            resolver=self._resolver,
            socket_factory=self._guarded_socket,
        )

    async def check(self, url: URL) -> Proxy | None:
        """Return the proxy that a URL must be requested through; None if it must go through `connector`.

        Raises:
            RefusedAddressError: the target is not public, or must not be requested without encryption.
        """
        host = url.raw_host or ""
        if self._allow_loopback and host == LOOPBACK:
            return None
        proxy = self._network.proxies.for_url(url.with_scheme("https"))
        if url.scheme != "https" and (proxy is not None or self._allow_fake_ip):
            raise RefusedAddressError(f"{host}: only https goes through a proxy")
        if is_ip_address(host):
            if ":" in host:
                await self._resolver.learn_prefixes()
            if not is_public(host, self._resolver.prefixes):
                raise RefusedAddressError(f"{host}: {NOT_PUBLIC}")
        elif proxy is not None:
            await self._check_name(host)
        return proxy

    async def _check_name(self, host: str) -> None:
        """Refuse a name with an address that is not public; one that does not resolve here passes."""
        try:
            async with asyncio.timeout(LOOKUP_SECONDS):
                found = await self._resolver.resolve(host, family=socket.AF_UNSPEC)
        except (OSError, UnicodeError):  # a TimeoutError is an OSError
            return
        for each in found:
            self._check_resolved(each["host"], f"{host}: ")

    def _check_resolved(self, address: str, prefix: str = "") -> None:
        if is_public(address, self._resolver.prefixes) or (self._allow_fake_ip and is_fake_ip(address)):
            return
        if is_fake_ip(address):
            raise RefusedAddressError(f"{prefix}{FAKE_IP_REASON}")
        raise RefusedAddressError(f"{prefix}{NOT_PUBLIC}")

    def _guarded_socket(self, info: aiohttp.AddrInfoType) -> socket.socket:
        """Create the socket for a resolved address, if that is allowed.

        Raises:
            RefusedAddressError: the address is not public.
        """
        family, kind, protocol, _, destination = info
        address = str(destination[0])
        if not (self._allow_loopback and address == LOOPBACK):
            self._check_resolved(address)
        return socket.socket(family, kind, protocol)


class _LearningResolver(AbstractResolver):
    """Resolves names, and learns the network's NAT64 prefixes once a name has an IPv6 address."""

    def __init__(self, resolver: AbstractResolver) -> None:
        self._resolver = resolver
        self._learned: frozenset[IPv6Network] = frozenset()
        self._fresh_until = -1.0
        self._learning = asyncio.Lock()

    @property
    def prefixes(self) -> frozenset[IPv6Network]:
        """The prefix that every network may have, and those of this network."""
        return self._learned | {NAT64_WELL_KNOWN}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a name.

        Raises:
            OSError: it has none, or the resolver does not answer.
        """
        found = await self._resolver.resolve(host, port, family)
        if any(":" in each["host"] for each in found):
            await self.learn_prefixes()
        return found

    async def learn_prefixes(self) -> None:
        """Look up `ipv4only.arpa`, unless that was done lately: RFC 7050, section 3."""
        async with self._learning:
            if time.monotonic() < self._fresh_until:
                return
            try:
                async with asyncio.timeout(LOOKUP_SECONDS):
                    found = await self._resolver.resolve("ipv4only.arpa", 0, socket.AF_INET6)
            except OSError as error:  # a TimeoutError is one
                if isinstance(error, TimeoutError) or error.errno == socket.EAI_AGAIN:
                    self._fresh_until = time.monotonic() + PREFIX_RETRY_SECONDS
                    return
                found = []  # it has no IPv6 address, which means that there is no NAT64
            self._learned = nat64_prefixes(each["host"] for each in found)
            self._fresh_until = time.monotonic() + PREFIX_SECONDS

    async def close(self) -> None:
        """Close the resolver below."""
        await self._resolver.close()
