"""Copy the database before its schema is migrated, so that one can go back to the older version.

A migration changes the database alone: stored pictures are files that no migration touches, so they need no
copy. An older database that holds pictures in rows has them in its copy.

Owns the copies `kuas-upgrade-*.sqlite3` in the folder of backups.
"""

from __future__ import annotations

import re
import time
from contextlib import closing
from typing import TYPE_CHECKING, Final

import structlog

from bot.domain.errors import OperatorError
from bot.storage.copies import UNFINISHED, checked_copy
from bot.storage.read_only import open_read_only
from bot.storage.schema import migrations, version_of

if TYPE_CHECKING:
    from pathlib import Path

log = structlog.get_logger(__name__)

DAYS_KEPT: Final = 30
"""For how long a copy stays; no longer, since it holds what members have erased since."""
_NAME: Final = re.compile(rf"kuas-upgrade-\d+-to-\d+\.sqlite3(?:{re.escape(UNFINISHED)})?")


def copy_before_upgrade(database: Path, folder: Path) -> Path | None:
    """Copy a database of an older version into `folder`, checked; return the copy, None if none is needed.

    The name has both versions, so a start that is repeated makes no second copy but a new one.

    Raises:
        OperatorError: `backup`: there is no copy, so the database must not be migrated. `database`: it cannot
            be read.
    """
    if not database.is_file():
        return None
    with closing(open_read_only(database, any_version=True)) as connection:
        version = version_of(connection)
    newest = len(migrations())
    if version in {0, newest}:
        return None
    copy = folder / f"kuas-upgrade-{version}-to-{newest}.sqlite3"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        checked_copy(database, copy)
    except (OSError, OperatorError) as error:
        raise OperatorError(
            "backup",
            f"database {database}: is not upgraded from version {version} to {newest}, because no copy of it"
            f" could be made before: {error}; free the disk, or let backup.folder be one that can be written",
        ) from error
    log.info("copy made before the upgrade", path=str(copy), bytes=copy.stat().st_size)
    return copy


def delete_old_upgrade_copies(folder: Path) -> None:
    """Delete the copies in `folder` that are older than `DAYS_KEPT`, those of killed processes included.

    Raises:
        OSError: one cannot be deleted.
    """
    oldest = time.time() - DAYS_KEPT * 24 * 60 * 60
    for path in folder.glob("kuas-upgrade-*"):
        if _NAME.fullmatch(path.name) and path.stat().st_mtime < oldest:
            path.unlink()
