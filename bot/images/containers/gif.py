"""Write a GIF anew with its first frame.

Browsers take what is no block behind the first frame for the end; Pillow looks for another frame in it. The
blocks: https://www.w3.org/Graphics/GIF/spec-gif89a.txt
"""

from __future__ import annotations

import re
from typing import Final

from bot.images.containers.reduced import PARTS_LIMIT, AnimatedError, BrokenContainerError, Reduced

_SCREEN_BYTES: Final = 13
_FRAME_BYTES: Final = 10
"""An image descriptor, with the byte that begins it."""
_EXTENSION, _FRAME = 0x21, 0x2C
_CONTROL: Final = b"\x21\xf9\x04"
_CONTROL_BYTES: Final = 8
_BLOCK_STARTS: Final = re.compile(rb"[\x21\x2c\x3b]")


def reduce_gif(data: bytes) -> Reduced:
    """Return the GIF with the control and the pixels of its frame only.

    Raises:
        AnimatedError: the picture has several frames.
        BrokenContainerError: it has none.
    """
    place = _SCREEN_BYTES + _palette_bytes(data, _SCREEN_BYTES - 3)
    screen, control, frame = data[:place], b"", b""
    for _ in range(PARTS_LIMIT):
        if not frame:
            # GIF87a allows anything before a frame.
            start = _BLOCK_STARTS.search(data, place)
            place = len(data) if start is None else start.start()
        kind = data[place : place + 1]
        if kind == bytes((_EXTENSION,)):
            end = _sub_blocks_end(data, place + 2)
            if data.startswith(_CONTROL, place) and end - place == _CONTROL_BYTES:
                control = data[place:end]
        elif kind != bytes((_FRAME,)):
            break
        elif frame:
            raise AnimatedError
        else:
            end = _sub_blocks_end(data, place + _FRAME_BYTES + _palette_bytes(data, place + 9) + 1)
            frame = control + data[place:end]
        place = end
    else:
        raise BrokenContainerError("too many blocks")
    if not frame:
        raise BrokenContainerError("no frame")
    return Reduced(screen + frame + b"\0\x3b")


def _palette_bytes(data: bytes, place: int) -> int:
    """Return the size of the palette that the byte of flags at `place` announces."""
    flags = data[place : place + 1]
    return 3 * (2 << (flags[0] & 7)) if flags and flags[0] & 0x80 else 0


def _sub_blocks_end(data: bytes, place: int) -> int:
    while place < len(data) and (length := data[place]):
        place += length + 1
    return place + 1
