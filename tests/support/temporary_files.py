"""Where the tests put their temporary files."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

_MEMORY = Path("/dev/shm")
"""Linux's file system in memory."""
_ROOM_BYTES = 1 << 30
"""Several times what all tests hold at a time."""


def use_memory() -> None:
    """Put temporary files into memory where that is possible and TMPDIR names no other place.

    Every commit of a database waits for the disk, which for all tests together is minutes. What `kill -9`
    leaves of a file is the same in memory: only a power cut tells them apart, and no test makes one.
    """
    if "TMPDIR" in os.environ or not os.access(_MEMORY, os.W_OK):
        return
    programs_may_run = not os.statvfs(_MEMORY).f_flag & os.ST_NOEXEC
    if programs_may_run and shutil.disk_usage(_MEMORY).free >= _ROOM_BYTES:
        os.environ["TMPDIR"] = str(_MEMORY)  # child processes use it, too
        tempfile.tempdir = None  # forgets the place that it has found
