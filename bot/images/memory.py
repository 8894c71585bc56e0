"""Give the memory of a picture back to the operating system once it is freed, whichever thread had it."""

from __future__ import annotations

import ctypes
from typing import Final

_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
_LARGE_BYTES: Final = 1 << 20
_ARENAS: Final = 4


def release_freed_memory() -> None:
    """Let the C library keep little of what is freed, however many threads and processors there are.

    Blocks from 1 MiB up are mapped each for itself, so that a freed one is unmapped: by default glibc raises
    that bound to the size of the largest block that was freed. Smaller blocks come from `_ARENAS` arenas: by
    default there are up to eight for each processor, and each keeps what its threads freed. Other libraries
    have no such call: https://man7.org/linux/man-pages/man3/mallopt.3.html
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
        mallopt(_M_ARENA_MAX, _ARENAS)
