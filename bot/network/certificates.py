"""The certificate authorities that are trusted, and who issued a certificate that is not."""

from __future__ import annotations

import os
import ssl
from typing import TYPE_CHECKING, Any

import aiohttp

from bot.domain.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from yarl import URL

CERT_FILE = "SSL_CERT_FILE"
"""OpenSSL's own variable: a file of authorities in the place of the system's."""
_PROBE_SECONDS = 20


def ssl_context(ca_file: Path | None) -> ssl.SSLContext:
    """Return a context that trusts the system's authorities or those of `SSL_CERT_FILE`, and those of a file.

    Raises:
        OperatorError: `settings`; `ca_file` cannot be read, or has no certificate in PEM format.
    """
    context = ssl.create_default_context()
    if ca_file is not None:
        _load(context, str(ca_file), "network.ca_file")
    if ca_file is not None or os.environ.get(CERT_FILE):
        # Python 3.13 refuses authorities that break rules of RFC 5280, as those of many companies do.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def describe_authorities(ca_file: Path | None) -> str:
    """Return whose certificates are trusted, in one line.

    Raises:
        OperatorError: `settings`; a file cannot be read, or has no certificate in PEM format. OpenSSL itself
            ignores an `SSL_CERT_FILE` that is missing.
    """
    named = os.environ.get(CERT_FILE)
    if named:
        _load(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), named, CERT_FILE)
    ssl_context(ca_file)
    system = (
        f"the authorities of {CERT_FILE} are trusted" if named else "the system's authorities are trusted"
    )
    return system if ca_file is None else f"{system}, and those of network.ca_file"


def _load(context: ssl.SSLContext, path: str, name: str) -> None:
    try:
        context.load_verify_locations(cafile=path)
    except ssl.SSLError as error:
        raise OperatorError("settings", f"{name}: {path} has no certificate in PEM format") from error
    except OSError as error:
        raise OperatorError("settings", f"{name}: {path}: {error.strerror}") from error


class _RecordingContext(ssl.SSLContext):
    """Keeps the certificate of the last handshake."""

    der: bytes | None = None
    issuer: tuple[Any, ...] = ()


class _RecordingObject(ssl.SSLObject):
    def do_handshake(self) -> None:
        super().do_handshake()
        context = self.context
        assert isinstance(context, _RecordingContext)
        context.der = self.getpeercert(binary_form=True)
        verified: Any = self.getpeercert() or {}  # empty if it was not verified
        context.issuer = verified.get("issuer", ())


async def find_issuer(
    url: URL, open_connector: Callable[[ssl.SSLContext], aiohttp.BaseConnector]
) -> str | None:
    """Return the name of the authority that issued the certificate of a host; None if it cannot be found.

    The ssl module shows the fields of verified certificates only. So the certificate is fetched first, and
    then it is trusted itself for a second connection, over which nothing but a path is sent.
    """
    unverified = _recording_context()
    unverified.verify_mode = ssl.CERT_NONE
    await _connect(url, open_connector(unverified))
    if unverified.der is None:
        return None
    pinned = _recording_context()
    pinned.load_verify_locations(cadata=unverified.der)
    pinned.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    await _connect(url, open_connector(pinned))
    names = dict(pair for group in pinned.issuer for pair in group)
    return names.get("commonName") or names.get("organizationName")


def _recording_context() -> _RecordingContext:
    context = _RecordingContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.sslobject_class = _RecordingObject
    return context


async def _connect(url: URL, connector: aiohttp.BaseConnector) -> None:
    """Connect once. Errors do not matter: before the handshake nothing is recorded, and after it all is."""
    time_out = aiohttp.ClientTimeout(total=_PROBE_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=time_out) as session,
            session.head(url, allow_redirects=False),
        ):
            return
    except (aiohttp.ClientError, OSError):
        return
