"""Give the memory of a picture back to the operating system once it is freed, whichever thread had it."""

from __future__ import annotations

import ctypes
from typing import Final

from PIL import Image

_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
_LARGE_BYTES: Final = 1 << 20
_ARENAS: Final = 4
_BLOCK_BYTES: Final = 4 << 20
"""The pixels of 1024 x 1024, which Pillow keeps in four bytes each."""
_KEPT_BLOCKS: Final = 2
"""As many as pictures are decoded at once."""


def release_freed_memory() -> None:
    """Let little be kept of what is freed, however many threads and processors there are.

    Blocks from 1 MiB up are mapped each for itself, so that a freed one is unmapped: by default glibc raises
    that bound to the size of the largest block that was freed. Smaller blocks come from `_ARENAS` arenas: by
    default there are up to eight for each processor, and each keeps what its threads freed. Other libraries
    have no such call: https://man7.org/linux/man-pages/man3/mallopt.3.html

    Two blocks of pixels, 8 MiB at most, are kept for the next picture: the system takes as long to map and
    clear 4 MiB as a sixth of the decoding of them:
    https://pillow.readthedocs.io/en/stable/reference/block_allocator.html
    """
    pillow = Image.core  # type: ignore[attr-defined]  # its stubs leave it out
    pillow.set_block_size(_BLOCK_BYTES)
    pillow.set_blocks_max(_KEPT_BLOCKS)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
        mallopt(_M_ARENA_MAX, _ARENAS)
