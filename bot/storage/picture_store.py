"""Pictures that are kept: references as they were sent, and results that no message of everybody's holds.

Each is one file, named by the SHA-256 of its bytes, so that the same picture is kept once however often it is
used, and what is read is what was written. Which of them are needed is a question for the database; what
nobody needs is swept.

Owns the folder of kept pictures.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Final

from bot.domain.errors import OperatorError
from bot.storage.fsync import sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

MIN_AGE_SECONDS: Final = 15 * 60
"""A file this young may belong to a row that is just being written."""
PICTURE_NAME: Final = re.compile("[0-9a-f]{64}")
UNFINISHED: Final = ".part"


def picture_folder(database: Path) -> Path:
    """Where the pictures of a database are: in a folder beside it, which moves with it."""
    return database.with_name(f"{database.name}.pictures")


class PictureStore:
    """One folder. It is made with its first picture."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # What is just being found to be nobody's must not be kept again at that very moment, and be gone.
        self._lock = threading.Lock()

    def path(self, sha256: str) -> Path:
        """Where a picture is, if it is kept."""
        return self._folder / sha256

    def exists(self, sha256: str) -> bool:
        """Whether a picture is kept."""
        return self.path(sha256).is_file()

    async def save(self, data: bytes) -> str:
        """Keep a picture; durable when it returns its hash. A picture that is kept already stays as it is.

        Raises:
            OperatorError: `disk`.
        """
        return await asyncio.to_thread(self._save, data)

    async def save_file(self, file: Path) -> str:
        """Keep what is in a file, as `keep` does.

        Raises:
            OperatorError: `disk`.
        """
        return await asyncio.to_thread(self._save_file, file)

    async def read(self, sha256: str) -> bytes | None:
        """A picture's bytes; None if it is not kept (any more), or not as it was.

        Raises:
            OperatorError: `disk`; it is there and cannot be read.
        """
        return await asyncio.to_thread(self._read, sha256)

    async def list_expired(self) -> list[str]:
        """Every picture old enough that its row, if it has one, is written; leftovers of a crash are removed.

        Raises:
            OperatorError: `disk`.
        """
        return await asyncio.to_thread(self._list_expired)

    async def delete(self, sha256: str) -> bool:
        """Remove a picture that nobody needs; False if it was used again meanwhile, or was not there.

        Raises:
            OperatorError: `disk`.
        """
        return await asyncio.to_thread(self._delete, sha256)

    def _save(self, data: bytes) -> str:
        name = hashlib.sha256(data).hexdigest()
        with _translated(self._folder), self._lock:
            self._folder.mkdir(parents=True, exist_ok=True)
            if self._read(name) is None:
                with NamedTemporaryFile(dir=self._folder, suffix=UNFINISHED, delete=False) as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                Path(file.name).replace(self.path(name))
                sync_folder(self._folder)
            else:
                os.utime(self.path(name))  # young again: whoever sweeps must not take it away just now
        return name

    def _save_file(self, file: Path) -> str:
        with _translated(self._folder):
            data = file.read_bytes()
        return self._save(data)

    def _read(self, sha256: str) -> bytes | None:
        with _translated(self._folder):
            try:
                data = self.path(sha256).read_bytes()
            except FileNotFoundError:
                return None
        return data if hashlib.sha256(data).hexdigest() == sha256 else None

    def _list_expired(self) -> list[str]:
        with _translated(self._folder):
            if not self._folder.is_dir():
                return []
            old = [path for path in self._folder.iterdir() if _is_old(path)]
            for path in old:
                if path.suffix == UNFINISHED:
                    path.unlink(missing_ok=True)
            return sorted(path.name for path in old if PICTURE_NAME.fullmatch(path.name))

    def _delete(self, sha256: str) -> bool:
        with _translated(self._folder), self._lock:
            path = self.path(sha256)
            if not path.is_file() or not _is_old(path):
                return False
            path.unlink()
            return True


def _is_old(path: Path) -> bool:
    try:
        age_seconds = time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return False
    # A clock that was set back makes files younger than none; a day of that is believed.
    return age_seconds >= MIN_AGE_SECONDS or age_seconds < -24 * 60 * 60


@contextmanager
def _translated(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OperatorError("disk", f"cannot use the folder of pictures {folder}: {error}") from error
