"""Where pictures are worked on: off the event loop, and only a few at once.

Each picture takes tens of megabytes while it is decoded, so the bound is a bound on memory.

Owns the threads that touch pixels. Never imports anything of ours but images, jobs.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from bot import images

if TYPE_CHECKING:
    from pathlib import Path

    from bot.images import Normalised
    from bot.jobs import Picture


class Easel:
    """Room for `places` pictures at once."""

    def __init__(self, places: int = 2) -> None:
        # Threads of its own, since glibc keeps what an image took for the thread that decoded it: spread over
        # all the threads of the loop's own pool, that is many times as much. They end with this object.
        self._threads = ThreadPoolExecutor(places, thread_name_prefix="easel")

    async def reference(self, original: Path, ready: Path, *, limit_bytes: int) -> Normalised:
        """Decide by its bytes whether a reference is a picture, and write it to `ready` fit to be sent.

        Raises:
            MemberError: as `images.normalise_reference` says.
        """
        work = partial(images.normalise_reference, original, ready, limit_bytes=limit_bytes)
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def result(self, data: bytes, *, limit_bytes: int) -> tuple[Picture, bool]:
        """Verify a result, and make it small enough to post; True if it had to be made smaller.

        Raises:
            ContractBroken: `not_a_picture`.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, _result, data, limit_bytes)


def _result(data: bytes, limit_bytes: int) -> tuple[Picture, bool]:
    return images.fit_upload(images.verify_picture(data), limit_bytes)
