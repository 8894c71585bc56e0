"""Give the memory of a picture back to the operating system as soon as it is freed."""

from __future__ import annotations

import ctypes
from typing import Final

_M_MMAP_THRESHOLD: Final = -3
_LARGE_BYTES: Final = 1 << 20


def release_large_blocks() -> None:
    """Let the C library map blocks from 1 MiB up each for itself, so that a freed one is unmapped.

    By default glibc raises that bound to the size of the largest block that was freed, and from then on keeps
    the blocks of each thread. Other libraries have no such call: https://man7.org/linux/man-pages/man3/mallopt.3.html
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
