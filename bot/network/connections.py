"""Connectors that use this machine's proxy and certificate authorities, and their errors in words."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

import aiohttp
from yarl import URL

from bot.network.certificates import CERT_FILE, find_issuer, ssl_context
from bot.network.proxies import Proxies

if TYPE_CHECKING:
    from pathlib import Path

    from aiohttp.tracing import Trace


@dataclass(frozen=True, slots=True)
class Network:
    """What every connection to Discord, Rivya and the hosts of pictures goes by."""

    proxies: Proxies = field(default_factory=Proxies)
    ssl_context: ssl.SSLContext = field(default_factory=ssl.create_default_context)

    @classmethod
    def open(cls, ca_file: Path | None) -> Network:
        """Read the proxy from the environment, and the certificate authorities.

        Raises:
            OperatorError: `settings`: as `Proxies.from_environment` and `ssl_context`.
        """
        return cls(Proxies.from_environment(), ssl_context(ca_file))

    def connector(self, *, limit: int = 0, trusted: ssl.SSLContext | None = None) -> aiohttp.TCPConnector:
        """Return a connector that chooses the proxy for each URL; it belongs to the session that gets it.

        `limit` is the number of connections at once, 0 for any; `trusted` replaces the authorities.
        """
        return _ProxyingConnector(self.proxies, trusted or self.ssl_context, limit)


class _ProxyingConnector(aiohttp.TCPConnector):
    """Sets the proxy of each request, web sockets included. discord.py itself has one proxy for all URLs."""

    def __init__(self, proxies: Proxies, context: ssl.SSLContext, limit: int) -> None:
        super().__init__(ssl=context, limit=limit, limit_per_host=limit)
        self._proxies = proxies

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109  # the method of aiohttp has it
    ) -> aiohttp.connector.Connection:
        """Return a connection for a request, through the proxy if its URL has one."""
        proxy = self._proxies.for_url(req.url)
        if proxy is not None:
            req.update_proxy(proxy.url, None, proxy.headers)
        return await super().connect(req, traces, timeout)


def describe(error: BaseException) -> str:
    """Return what went wrong with a connection, and what to do where only the operator can mend it.

    A repr of an error of aiohttp's must not be shown in its place: it may hold the password of a proxy.
    """
    match error:
        case aiohttp.ClientConnectorCertificateError(host=host, certificate_error=cause):
            reason = getattr(cause, "verify_message", None) or cause
            return (
                f"the certificate of {host} is not trusted ({reason}); if your network replaces certificates,"
                f" name its authority's in network.ca_file or {CERT_FILE}"
            )
        case aiohttp.ClientProxyConnectionError(host=host, port=port):
            return f"the proxy {host}:{port} (HTTPS_PROXY) cannot be reached: {error.strerror or error}"
        case aiohttp.ClientHttpProxyError(status=HTTPStatus.PROXY_AUTHENTICATION_REQUIRED):
            return "the proxy wants a login: write NAME:PASSWORD@ before its host in HTTPS_PROXY"
        case aiohttp.ClientHttpProxyError(status=status):
            return f"the proxy (HTTPS_PROXY) answers {status} for {_target(error)}"
        case TimeoutError():
            return "it took too long"
        case _:
            return " ".join(str(error).split()) or type(error).__name__


def _target(error: aiohttp.ClientHttpProxyError) -> str:
    return error.request_info.url.host or "an unknown host"


async def describe_issuer(error: BaseException, network: Network) -> str | None:
    """Return who issued the certificate that an error or its cause is about; None if it is about none."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, aiohttp.ClientConnectorCertificateError):
        cause = cause.__cause__
    if cause is None:
        return None
    url = URL.build(scheme="https", host=cause.host, port=cause.port, path="/")
    issuer = await find_issuer(url, lambda context: network.connector(trusted=context))
    return None if issuer is None else f"it was issued by {issuer!a}"
