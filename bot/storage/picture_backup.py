"""Copy the stored pictures into the backup folder, and back.

A picture never changes, so on the same disk a second name for the same file is a copy that takes no room.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bot.storage.fsync import copy_and_sync
from bot.storage.picture_store import PICTURE_NAME, UNFINISHED

if TYPE_CHECKING:
    from pathlib import Path


def sync(source: Path, target: Path) -> int:
    """Let `target` have just the pictures of `source`; returns how many came. No source: nothing is done.

    Raises:
        OSError: it cannot be read or written; what was copied by then is whole.
    """
    if not source.is_dir():
        return 0
    wanted = names_in(source)
    for gone in names_in(target) - wanted:
        (target / gone).unlink(missing_ok=True)
    return copy_missing(source, target)


def copy_missing(source: Path, target: Path) -> int:
    """Add the pictures of `source` that `target` lacks; returns how many.

    Raises:
        OSError: as `sync`.
    """
    missing = names_in(source) - names_in(target)
    if missing:
        target.mkdir(parents=True, exist_ok=True)
    for name in sorted(missing):
        _copy(source / name, target / name)
    return len(missing)


def names_in(folder: Path) -> set[str]:
    """The pictures in a folder; none without one."""
    if not folder.is_dir():
        return set()
    return {path.name for path in folder.iterdir() if PICTURE_NAME.fullmatch(path.name)}


def _copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileNotFoundError:
        return  # swept meanwhile: nobody needs it
    except OSError:  # another disk, or one that knows no second names
        between = target.with_name(target.name + UNFINISHED)
        copy_and_sync(source, between)
        between.replace(target)
