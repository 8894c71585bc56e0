"""Make files survive a power cut, as far as the file system can.

https://man7.org/linux/man-pages/man2/fsync.2.html. Network and shared file systems (CIFS, virtiofs, some of
FUSE) may not sync folders, and FAT, exFAT and some of those have no hard links. That is no reason to refuse a
picture or a backup: it is logged once for each folder, and work goes on. Other errors, such as a full disk,
are raised.
"""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    from pathlib import Path

log = structlog.get_logger(__name__)

_UNSUPPORTED: Final = {errno.EINVAL, errno.EBADF, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
"""What file systems answer that lack an operation."""
_NO_LINKS: Final = _UNSUPPORTED | {errno.EPERM, errno.EMLINK}
"""The same for hard links: https://man7.org/linux/man-pages/man2/link.2.html"""

_logged: set[tuple[str, Path]] = set()
"""What was logged about which folder, as it is logged once."""


def copy_and_sync(source: Path, target: Path) -> None:
    """Copy a file and sync its content; its name is durable only after `sync_folder`.

    Raises:
        OSError: a file cannot be read or written; half a copy, which takes room for nothing, is deleted.
    """
    try:
        shutil.copyfile(source, target)
        with target.open("rb+") as copy:
            os.fsync(copy.fileno())
    except OSError:
        with suppress(OSError):
            target.unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Make new and changed names in a folder durable, if its file system can.

    Raises:
        OSError: the disk fails.
    """
    try:
        handle = os.open(folder, os.O_RDONLY)
    except PermissionError as error:  # a folder that may be written, but not read
        _log_once("folder cannot be synced; a power cut may lose its newest files", folder, error)
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
        _log_once("folder cannot be synced; a power cut may lose its newest files", folder, error)
    finally:
        os.close(handle)


def link(source: Path, target: Path) -> bool:
    """Make `target` a hard link to `source`; False if that is not possible, so that a copy is needed.

    Raises:
        FileNotFoundError: there is no `source`.
    """
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError as error:  # without one of these codes it is another disk, or what a copy fails at, too
        if error.errno in _NO_LINKS:
            _log_once("folder takes no hard links; copies in it take room", target.parent, error)
        return False
    return True


def _log_once(event: str, folder: Path, error: OSError) -> None:
    if (event, folder) not in _logged:
        _logged.add((event, folder))
        log.warning(event, folder=str(folder), error=error.strerror)
