"""Make files survive a power cut: https://man7.org/linux/man-pages/man2/fsync.2.html."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def copy_and_sync(source: Path, target: Path) -> None:
    """Copy a file and sync its content; its name is durable only after `sync_folder`.

    Raises:
        OSError: a file cannot be read or written.
    """
    shutil.copyfile(source, target)
    with target.open("rb+") as copy:
        os.fsync(copy.fileno())


def sync_folder(folder: Path) -> None:
    """Make new and changed names in a folder durable.

    Raises:
        OSError: the file system cannot sync folders.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
