"""Store pictures: references as they were uploaded, and results that are in no public message.

Each is one file, named by the SHA-256 of its bytes, so that a picture is stored once however often it is
used, and a damaged file is noticed. The database says which pictures are needed; `PictureRetention` deletes
the others.

Owns the folder of stored pictures.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import re
import shutil
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bot.domain.errors import disk_error
from bot.storage.fsync import sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader, BytesIO

MIN_AGE_SECONDS: Final = 15 * 60
"""The row of a younger file may not be written yet."""
PICTURE_NAME: Final = re.compile("[0-9a-f]{64}")
UNFINISHED: Final = ".part"


def picture_folder(database: Path) -> Path:
    """Return the folder of the pictures that belong to a database: beside it, so that both move together."""
    return database.with_name(f"{database.name}.pictures")


class PictureStore:
    """One folder of pictures, created with the first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # A picture must not be saved again between the check of its age and its deletion.
        self._lock = threading.Lock()

    def path(self, sha256: str) -> Path:
        """Return the path of a picture, whether or not it is stored."""
        return self._folder / sha256

    def exists(self, sha256: str) -> bool:
        """Return whether a picture is stored."""
        return self.path(sha256).is_file()

    async def save(self, data: bytes) -> str:
        """Store a picture and return its SHA-256; the file is durable then. Nothing is written twice.

        Raises:
            OperatorError: `disk`.
        """
        return await asyncio.to_thread(self._save, data)

    async def save_file(self, file: Path) -> str:
        """Store the content of a file, as `save` does.

        Raises:
            OperatorError: `disk`.
        """
        return await asyncio.to_thread(self._save_file, file)

    async def is_intact(self, sha256: str) -> bool:
        """Return whether a picture is stored and undamaged.

        Raises:
            OperatorError: `disk`; the file cannot be read.
        """
        return await asyncio.to_thread(self._is_intact, sha256)

    async def read(self, sha256: str) -> bytes | None:
        """Return a picture's bytes; None if it is not stored, or the file is damaged.

        Raises:
            OperatorError: `disk`; the file cannot be read.
        """
        return await asyncio.to_thread(self._read, sha256)

    async def list_expired(self) -> list[str]:
        """List the pictures older than `MIN_AGE_SECONDS`; delete unfinished files of that age.

        Raises:
            OperatorError: `disk`.
        """
        return await asyncio.to_thread(self._list_expired)

    async def delete(self, sha256: str) -> bool:
        """Delete a picture; False if it was saved again within `MIN_AGE_SECONDS`, or is not stored.

        Raises:
            OperatorError: `disk`.
        """
        return await asyncio.to_thread(self._delete, sha256)

    def _save(self, data: bytes) -> str:
        return self._save_stream(io.BytesIO(data))

    def _save_stream(self, source: BytesIO | BufferedReader) -> str:
        """Store the content of a file piece by piece: several of 10 MB may be saved at once."""
        name = hashlib.file_digest(source, "sha256").hexdigest()
        with _translate_errors(self._folder), self._lock:
            self._folder.mkdir(parents=True, exist_ok=True)
            if self._is_intact(name):
                os.utime(self.path(name))  # so that `delete` refuses it until its row is written
            else:
                source.seek(0)
                self._write(name, source)
        return name

    def _write(self, name: str, source: BytesIO | BufferedReader) -> None:
        handle, path = tempfile.mkstemp(dir=self._folder, suffix=UNFINISHED)  # mode 600
        unfinished = Path(path)
        with os.fdopen(handle, "wb") as file:
            try:
                shutil.copyfileobj(source, file)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                # Each attempt on a full disk would leave one behind.
                unfinished.unlink(missing_ok=True)
                raise
        unfinished.replace(self.path(name))
        sync_folder(self._folder)

    def _save_file(self, file: Path) -> str:
        with _translate_errors(self._folder), file.open("rb") as source:
            return self._save_stream(source)

    def _is_intact(self, sha256: str) -> bool:
        with _translate_errors(self._folder):
            try:
                with self.path(sha256).open("rb") as file:
                    return hashlib.file_digest(file, "sha256").hexdigest() == sha256
            except FileNotFoundError:
                return False

    def _read(self, sha256: str) -> bytes | None:
        with _translate_errors(self._folder):
            try:
                data = self.path(sha256).read_bytes()
            except FileNotFoundError:
                return None
        return data if hashlib.sha256(data).hexdigest() == sha256 else None

    def _list_expired(self) -> list[str]:
        with _translate_errors(self._folder):
            if not self._folder.is_dir():
                return []
            old = [path for path in self._folder.iterdir() if _is_old(path)]
            for path in old:
                if path.suffix == UNFINISHED:
                    path.unlink(missing_ok=True)
            return sorted(path.name for path in old if PICTURE_NAME.fullmatch(path.name))

    def _delete(self, sha256: str) -> bool:
        with _translate_errors(self._folder), self._lock:
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
    # If the clock was set back, files are from the future; more than a day of that counts as old.
    return age_seconds >= MIN_AGE_SECONDS or age_seconds < -24 * 60 * 60


@contextmanager
def _translate_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise disk_error(f"cannot use the folder of pictures {folder}", error) from error
