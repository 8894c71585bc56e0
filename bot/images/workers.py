"""Where pictures are worked on: off the event loop, and only a few at once.

Each picture takes tens of megabytes while it is decoded, so the bound is a bound on memory.

Owns the threads that touch pixels and the folder of files under way.
"""

from __future__ import annotations

import asyncio
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from bot.domain.errors import OperatorError
from bot.images import processing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.domain.jobs import Picture
    from bot.images.processing import Normalised


WORKERS: Final = 2
"""Pictures under way at once."""


class ImageWorkers:
    """Room for a few pictures at once, and a folder for files, which it has to itself."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        # A killed process could not clear up after itself, and members' pictures are not ours to keep.
        shutil.rmtree(scratch, ignore_errors=True)
        # Threads of its own, since glibc keeps what an image took for the thread that decoded it: spread over
        # all the threads of the loop's own pool, that is many times as much. They end with this object.
        self._threads = ThreadPoolExecutor(WORKERS, thread_name_prefix="images")

    @contextmanager
    def temp_folder(self) -> Iterator[Path]:
        """A folder for the files of one reference, gone afterwards.

        Raises:
            OperatorError: `disk`; it cannot be made.
        """
        try:
            self._scratch.mkdir(parents=True, exist_ok=True)
            folder = TemporaryDirectory(dir=self._scratch, ignore_cleanup_errors=True)
        except OSError as error:
            raise OperatorError("disk", f"cannot make a folder for a reference: {error}") from error
        with folder as path:
            yield Path(path)

    async def normalise_reference(self, original: Path, ready: Path, *, limit_bytes: int) -> Normalised:
        """Decide by its bytes whether a reference is a picture, and write it to `ready` fit to be sent.

        Raises:
            MemberError: as `images.normalise_reference` says.
        """
        work = partial(processing.normalise_reference, original, ready, limit_bytes=limit_bytes)
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def prepare_result(self, data: bytes, *, limit_bytes: int) -> tuple[Picture, bool]:
        """Verify a result, and make it small enough to post; True if it had to be made smaller.

        Raises:
            ContractViolation: `not_a_picture`.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, _result, data, limit_bytes)


def _result(data: bytes, limit_bytes: int) -> tuple[Picture, bool]:
    return processing.fit_upload(processing.verify_picture(data), limit_bytes)
