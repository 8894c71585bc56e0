"""Copy the stored pictures into the backup folder, and back.

A stored picture never changes, so on the same disk a hard link is a copy that takes no space.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.storage.fsync import copy_and_sync, link
from bot.storage.picture_store import PICTURE_NAME, UNFINISHED

if TYPE_CHECKING:
    from pathlib import Path


def sync(source: Path, target: Path) -> None:
    """Make `target` hold exactly the pictures of `source`; do nothing if there is no folder `source`.

    Raises:
        OSError: a file cannot be read or written; what was copied by then is complete.
    """
    if not source.is_dir():
        return
    for name in _pictures_in(target) - _pictures_in(source):
        (target / name).unlink(missing_ok=True)
    copy_missing(source, target)


def copy_missing(source: Path, target: Path) -> None:
    """Add the pictures of `source` that `target` lacks.

    Raises:
        OSError: as `sync`.
    """
    missing = _pictures_in(source) - _pictures_in(target)
    if missing:
        target.mkdir(parents=True, exist_ok=True)
    for name in sorted(missing):
        _copy(source / name, target / name)


def _pictures_in(folder: Path) -> set[str]:
    if not folder.is_dir():
        return set()
    return {path.name for path in folder.iterdir() if PICTURE_NAME.fullmatch(path.name)}


def _copy(source: Path, target: Path) -> None:
    try:
        if link(source, target):
            return
    except FileNotFoundError:
        return  # deleted meanwhile, as no row needs it
    unfinished = target.with_name(target.name + UNFINISHED)
    copy_and_sync(source, unfinished)
    unfinished.replace(target)
