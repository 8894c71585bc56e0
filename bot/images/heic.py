"""Photographs of iPhones, read in a process of their own.

A few wrong bytes in a HEIC crash pi-heif 1.4 (libheif), and a crash would end the bot and, after each
restart, end it again. So the file is read by a child that may crash: run as a script, with nothing of the
bot's in its environment, limits on what it may use, and a plain PNG as its only answer.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

TIMEOUT_SECONDS = 60.0
_MEMORY_BYTES = 2 << 30
# What a system needs to start Python at all; tokens and keys are not among it.
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")


class HeicError(Exception):
    """The file cannot be read: it is broken, or it broke its reader."""


def is_available() -> bool:
    """Whether the `heif` extra is installed."""
    return importlib.util.find_spec("pi_heif") is not None


def to_png(source: Path, target: Path, *, side_limit: int, pixel_limit: int) -> tuple[int, int]:
    """Writes the picture in `source` to `target`, upright, with its profile; blocks for a second or two.

    Returns:
        Width and height as its header has them, in pixels. Above the limits nothing is decoded or written.

    Raises:
        HeicError: it cannot be read.
    """
    command = [sys.executable, "-I", __file__, str(source), str(target), str(side_limit), str(pixel_limit)]
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    try:
        child = subprocess.run(  # noqa: S603  # our own file, and paths that we chose
            command, env=environment, capture_output=True, check=True, timeout=TIMEOUT_SECONDS
        )
    except subprocess.SubprocessError as error:
        raise HeicError(str(error)) from error
    answer = re.fullmatch(rb"(\d{1,9}) (\d{1,9})\s*", child.stdout)
    if answer is None:
        raise HeicError(f"an answer of {len(child.stdout)} bytes")
    return int(answer[1]), int(answer[2])


def _limit_this_process() -> None:
    if sys.platform != "win32":
        import resource  # noqa: PLC0415  # not on Windows

        for what, amount in (
            (resource.RLIMIT_AS, _MEMORY_BYTES),
            (resource.RLIMIT_CPU, int(TIMEOUT_SECONDS)),
            (resource.RLIMIT_CORE, 0),
        ):
            resource.setrlimit(what, (amount, amount))


def _child(source: str, target: str, side_limit: int, pixel_limit: int) -> None:
    from pi_heif import (  # type: ignore[import-untyped]  # noqa: PLC0415  # only the child may load it
        register_heif_opener,
    )
    from PIL import Image  # noqa: PLC0415  # same

    _limit_this_process()
    # Our own limits are stricter, and with them a header can still be told apart from a broken file.
    Image.MAX_IMAGE_PIXELS = None
    register_heif_opener(thumbnails=False)
    with Image.open(source, formats=["HEIF"]) as image:
        width, height = image.size
        if max(width, height) <= side_limit and width * height <= pixel_limit:
            # Uncompressed, for it lives only a moment; Pillow has it keep the colour profile.
            image.save(target, "PNG", compress_level=0)
    sys.stdout.write(f"{width} {height}")


if __name__ == "__main__":
    _child(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
