"""Remove the gzip around a downloaded result: some hosts compress whatever they send, asked or not.

The form: https://www.rfc-editor.org/rfc/rfc1952. Decoding blocks: call it in a thread.
"""

from __future__ import annotations

import io
import zlib

from bot.domain.errors import ContractViolation

_HEAD = b"\x1f\x8b"
_GZIP_FORMAT = 16 + zlib.MAX_WBITS
_PIECE_BYTES = 65_536


def is_gzip(data: bytes) -> bool:
    """Return whether `data` begins like gzip, which no picture does."""
    return data.startswith(_HEAD)


def remove_gzip(data: bytes, *, limit_bytes: int) -> bytes:
    """Return what one layer of gzip holds, all of its members; what is gzip inside of it stays so.

    Decoding stops as soon as there are more than `limit_bytes`. Other data behind the gzip is ignored.

    Raises:
        ContractViolation: `result_gzip` (damaged, or it ends too early) or `result_too_big`.
    """
    decoded = io.BytesIO()
    left = memoryview(data)
    try:
        while is_gzip(bytes(left[: len(_HEAD)])):
            left = left[_decode_member(left, decoded, limit_bytes) :]
    except zlib.error as error:
        raise ContractViolation("result_gzip", f"damaged after {decoded.tell()} bytes: {error}") from error
    return decoded.getvalue()


def _decode_member(data: memoryview, decoded: io.BytesIO, limit_bytes: int) -> int:
    """Append one member to `decoded`; return how many bytes of `data` it takes."""
    decoder = zlib.decompressobj(_GZIP_FORMAT)
    position = 0
    while not decoder.eof:
        chunk = decoder.unconsumed_tail or data[position : position + _PIECE_BYTES]
        if not decoder.unconsumed_tail:
            position += len(chunk)
        piece = decoder.decompress(chunk, _PIECE_BYTES)
        decoded.write(piece)
        if decoded.tell() > limit_bytes:
            raise ContractViolation("result_too_big", f"more than {limit_bytes} bytes in gzip")
        if not chunk and not piece:
            raise ContractViolation("result_gzip", f"it ends after {decoded.tell()} bytes")
    return position - len(decoder.unused_data)
