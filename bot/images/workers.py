"""Process pictures off the event loop, at most `WORKERS` at a time.

A picture takes tens of megabytes while it is decoded, so this bounds memory, too.

Owns the threads that decode and encode pictures, and the folder of temporary files.
"""

from __future__ import annotations

import asyncio
import shutil
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, TypeVar

from bot.domain.daemon_threads import DaemonThreads
from bot.domain.errors import disk_error
from bot.images import processing
from bot.images.memory import release_freed_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bot.domain.jobs import Picture
    from bot.images.processing import Normalised

T = TypeVar("T")

WORKERS: Final = 2


class ImageWorkers:
    """A few threads for pictures, and the folder `scratch` for their files, which is deleted at the start.

    Results go before references: one that waits is in memory, and somebody waits for it.
    """

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        # A killed process leaves members' pictures behind.
        shutil.rmtree(scratch, ignore_errors=True)
        release_freed_memory()
        # Threads of their own, so that no more pictures than threads are decoded at once.
        self._threads = DaemonThreads(WORKERS, "images")

    def close(self) -> None:
        """End the threads without waiting for them. Nothing may be processed afterwards."""
        self._threads.close()

    @contextmanager
    def temp_folder(self) -> Iterator[Path]:
        """Make a folder for the files of one reference, deleted afterwards.

        Raises:
            OperatorError: `disk`; it cannot be made.
        """
        try:
            self._scratch.mkdir(parents=True, exist_ok=True)
            folder = TemporaryDirectory(dir=self._scratch, ignore_cleanup_errors=True)
        except OSError as error:
            raise disk_error("cannot make a folder for a reference", error) from error
        with folder as path:
            yield Path(path)

    async def normalise_reference(self, original: Path, ready: Path, *, limit_bytes: int) -> Normalised:
        """Write the picture in `original` to `ready`, prepared for upload.

        Raises:
            MemberError, OperatorError: as `processing.normalise_reference`.
        """
        normalise = partial(processing.normalise_reference, original, ready, limit_bytes=limit_bytes)
        return await self._run(normalise, urgent=False)

    async def prepare_result(self, data: bytes, *, limit_bytes: int) -> tuple[Picture, bool]:
        """Verify a result and fit it into `limit_bytes`; the second value tells whether it was made smaller.

        Raises:
            ContractViolation: `not_a_picture`.
        """
        return await self._run(lambda: processing.fit_upload(processing.verify_picture(data), limit_bytes))

    async def fit_upload(self, picture: Picture, limit_bytes: int) -> tuple[Picture, bool]:
        """Fit a verified picture into `limit_bytes`; the second value tells whether it was made smaller.

        Raises:
            ContractViolation: `not_a_picture`.
        """
        return await self._run(partial(processing.fit_upload, picture, limit_bytes))

    async def thumbnail(self, data: bytes, side: int) -> bytes:
        """Make a JPEG of a picture, at most `side` pixels wide and high.

        Raises:
            ContractViolation: `not_a_picture`.
        """
        return await self._run(partial(processing.thumbnail, data, side))

    async def _run(self, function: Callable[[], T], *, urgent: bool = True) -> T:
        return await asyncio.wrap_future(self._threads.submit(function, urgent=urgent))
