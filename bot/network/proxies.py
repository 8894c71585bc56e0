"""The proxy that the environment names, as curl and most programs read it: `HTTPS_PROXY` and `NO_PROXY`.

Through a proxy all is https, so `HTTP_PROXY` is not read. Nor are files called `netrc`: aiohttp's own reading
of the environment (`trust_env`) would send their passwords to hosts of pictures, and it would look for the
proxy of a web socket in `WSS_PROXY`.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.request import getproxies_environment

import aiohttp
from yarl import URL

from bot.domain.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Mapping

_TLS_SCHEMES: Final = frozenset({"https", "wss"})


@dataclass(frozen=True, slots=True)
class Proxy:
    """An http or https proxy. The password is in the headers only, which no error message shows."""

    url: URL
    headers: Mapping[str, str]
    """For the proxy alone: its user name and password, if it needs them."""
    variable: str
    """The environment variable that names it."""

    def __str__(self) -> str:
        return f"{self.url.origin()} ({self.variable})"


@dataclass(frozen=True, slots=True)
class Proxies:
    """The proxy for https, if there is one, and the hosts that are connected to without it."""

    https: Proxy | None = None
    no_proxy: str = ""

    @classmethod
    def from_environment(cls) -> Proxies:
        """Read `HTTPS_PROXY`, else `ALL_PROXY`, and `NO_PROXY`; the names in lower case win.

        Raises:
            OperatorError: `settings`; the proxy is a SOCKS proxy, or its address cannot be read. The message
                does not show the address, which may hold a password.
        """
        found = getproxies_environment()
        for scheme in ("https", "all"):
            if scheme in found:
                return cls(_parse(found[scheme], f"{scheme}_proxy".upper()), found.get("no", ""))
        return cls()

    def for_url(self, url: URL) -> Proxy | None:
        """Return the proxy for a URL; this machine is always connected to without one."""
        host = url.host or ""
        if self.https is None or url.scheme not in _TLS_SCHEMES or _is_this_machine(host):
            return None
        entries = self.no_proxy.replace(",", " ").split()
        return None if any(_covers(entry.lower(), host) for entry in entries) else self.https


def _is_this_machine(host: str) -> bool:
    return host == "localhost" or _covers("127.0.0.0/8", host) or _covers("::1", host)


def _covers(entry: str, host: str) -> bool:
    """Return whether an entry of `NO_PROXY` is for a host: `*`, a name with those below it, or addresses."""
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        name = entry.removeprefix("*").removeprefix(".").partition(":")[0]
        return entry == "*" or (bool(name) and f".{host}".endswith(f".{name}"))


def _parse(address: str, variable: str) -> Proxy:
    malformed = OperatorError("settings", f"{variable}: must be the address of a proxy, http://host:port")
    try:
        url = URL(address if "://" in address else f"http://{address}")
        has_host = bool(url.host) and url.port != 0
    except ValueError:
        raise malformed from None
    if url.scheme.startswith("socks"):
        detail = "SOCKS proxies are not supported; name an http proxy, http://host:port, or unset it for Kuas"
        raise OperatorError("settings", f"{variable}: {detail}")
    if not has_host or url.scheme not in {"http", "https"}:
        raise malformed
    headers = {}
    if url.user is not None:
        headers["Proxy-Authorization"] = aiohttp.encode_basic_auth(url.user, url.password or "", "utf-8")
    return Proxy(url.with_user(None), headers, variable)
