"""A disk that can be filled and emptied: a small file system of its own, or a bound on the size of files."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

import pytest

DISK_BYTES = 24 << 20


class SmallDisk(Protocol):
    """A folder on a disk without much room."""

    folder: Path

    def fill(self, left_bytes: int = 0) -> None:
        """Leave only so much room."""

    def make_room(self) -> None:
        """Undo `fill`."""


class SmallFileSystem:
    """A tmpfs; whoever may not mount one skips the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self, left_bytes: int = 0) -> None:
        with self._ballast.open("wb", buffering=0) as file:
            with suppress(OSError):
                while True:
                    file.write(bytes(4096))
            file.truncate(max(0, file.tell() - left_bytes))

    def make_room(self) -> None:
        self._ballast.unlink()

    def make_read_only(self) -> None:
        subprocess.run(["mount", "-o", "remount,ro", str(self.folder)], check=True)


class BoundedFiles:
    """A bound on the size of every file that this process writes; the system then answers EFBIG."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(self, left_bytes: int = 0) -> None:
        largest = max(path.stat().st_size for path in self.folder.rglob("*")) if left_bytes else 0
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest + left_bytes, self._before[1]))

    def make_room(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self._before)


@contextmanager
def small_file_system(folder: Path) -> Iterator[SmallFileSystem]:
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a file system")
    try:
        yield SmallFileSystem(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def bounded_files(folder: Path) -> Iterator[BoundedFiles]:
    folder.mkdir()
    disk = BoundedFiles(folder)
    try:
        yield disk
    finally:
        disk.make_room()
