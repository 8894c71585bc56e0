"""Decode `data:` URLs, as which an API may return a picture.

The form: https://www.rfc-editor.org/rfc/rfc2397. Decoding blocks: call it in a thread, as a URL may have many
megabytes.
"""

from __future__ import annotations

import base64
import string
from urllib.parse import unquote_to_bytes

from bot.domain.errors import ContractViolation

_SCHEME = "data:"
_HEAD_LIMIT = 1024
"""Characters before the comma; more than any MIME type with parameters has."""
_CHUNK = 65_536


def is_data_url(url: str) -> bool:
    """Return whether `url` has the scheme `data:`."""
    return url[: len(_SCHEME)].lower() == _SCHEME


def decode_data_url(url: str, *, limit_bytes: int) -> bytes:
    """Return the bytes in a `data:` URL, be they in base64 or percent-encoded; the MIME type is ignored.

    Base64 may lack its padding, contain white space or percent-encoded characters, or be the URL-safe form.

    Raises:
        ContractViolation: `result_url` (not a `data:` URL, or not base64), or `result_too_big` (decoded).
    """
    comma = url.find(",", 0, _HEAD_LIMIT)
    if not is_data_url(url) or comma < 0:
        raise ContractViolation("result_url", "not a data: URL")
    parameters = [parameter.strip().lower() for parameter in url[len(_SCHEME) : comma].split(";")[1:]]
    try:
        if "base64" in parameters:
            return _decode_base64(url[comma + 1 :], limit_bytes)
        return _decode_percent(url[comma + 1 :], limit_bytes)
    except ValueError as error:
        raise ContractViolation("result_url", f"not a data: URL: {error}") from error


def _decode_base64(encoded: str, limit_bytes: int) -> bytes:
    if "%" in encoded:
        encoded = _decode_percent(encoded, 2 * limit_bytes + _CHUNK).decode("ascii")
    encoded = encoded.rstrip(string.whitespace + "=")
    if "=" in encoded:
        raise ValueError("base64 goes on after its end")
    decoded, left = bytearray(), ""
    for start in range(0, len(encoded), _CHUNK):  # in chunks, so that other threads run in between
        left += "".join(encoded[start : start + _CHUNK].split()).replace("-", "+").replace("_", "/")
        whole = len(left) // 4 * 4
        decoded += base64.b64decode(left[:whole], validate=True)
        left = left[whole:]
        if len(decoded) > limit_bytes:
            break
    else:
        decoded += base64.b64decode(left + "=" * (-len(left) % 4), validate=True)
    if len(decoded) > limit_bytes:
        raise _too_big(len(decoded), limit_bytes)
    return bytes(decoded)


def _decode_percent(encoded: str, limit_bytes: int) -> bytes:
    """Decode in chunks, since the standard library makes a list of all parts between `%`."""
    decoded = bytearray()
    start = 0
    while start < len(encoded):
        end = start + _CHUNK
        split = encoded.rfind("%", end - 2, end)
        end = end if split < 0 else split  # not in the middle of %2F
        decoded += unquote_to_bytes(encoded[start:end])
        if len(decoded) > limit_bytes:
            raise _too_big(len(decoded), limit_bytes)
        start = end
    return bytes(decoded)


def _too_big(size_bytes: int, limit_bytes: int) -> ContractViolation:
    return ContractViolation("result_too_big", f"{size_bytes} bytes, of {limit_bytes}")
