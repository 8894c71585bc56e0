"""Decode HEIC, the format of iPhone photos, and AVIF in a child process.

A few wrong bytes in a HEIC crash pi-heif 1.4 (libheif), and 2 kB of AVIF whose frame is larger than its head
says take libavif 1.4 gigabytes; in the bot's own process the job would end the bot again after each restart.
So this file is run as a script, with none of the bot's environment variables and with limits on memory and
time, and answers with the size of the picture and an uncompressed PNG.
"""

from __future__ import annotations

import importlib.util
import os
import re
import resource
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

TIMEOUT_SECONDS = 60.0
_MEMORY_BYTES = 2 << 30
# What Python needs to start; tokens and keys are not among it.
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


class DecodingError(Exception):
    """The file is broken, or its decoder crashed or took too long."""


def can_read_heic() -> bool:
    """Return whether the `heif` extra is installed."""
    return importlib.util.find_spec("pi_heif") is not None


def to_png(
    source: Path, target: Path, *, side_limit: int, pixel_limit: int, kind: str = "HEIF"
) -> tuple[int, int]:
    """Convert `source` to a PNG with its colour profile; blocks for a second or two.

    `kind` is `HEIF`, which also turns it upright, or `AVIF`.

    Returns:
        The width and height in the header, in pixels. Above the limits `target` is not written.

    Raises:
        DecodingError: the file cannot be decoded.
        OSError: `target` cannot be written.
    """
    limits = (str(side_limit), str(pixel_limit))
    command = [sys.executable, "-I", __file__, str(source), str(target), *limits, kind]
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    # The system closes our end when this process ends, however that is; then the child ends, too.
    child_end, our_end = os.pipe()
    try:
        child = subprocess.run(  # noqa: S603  # our own file, and paths that we chose
            command,
            env=environment,
            stdin=child_end,
            capture_output=True,
            check=True,
            timeout=TIMEOUT_SECONDS,
        )
    except subprocess.SubprocessError as error:
        raise DecodingError(str(error)) from error
    finally:
        os.close(child_end)
        os.close(our_end)
    if refused := re.fullmatch(rb"errno (\d{1,9})\s*", child.stdout):
        raise OSError(int(refused[1]), os.strerror(int(refused[1])), str(target))
    answer = re.fullmatch(rb"(\d{1,9}) (\d{1,9})\s*", child.stdout)
    if answer is None:
        raise DecodingError(f"an answer of {len(child.stdout)} bytes")
    return int(answer[1]), int(answer[2])


def _exit_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)  # returns when the parent's end of the pipe is closed
    os._exit(1)


def _limit_this_process() -> None:
    for limit, value in (
        (resource.RLIMIT_AS, _MEMORY_BYTES),
        (resource.RLIMIT_CPU, int(TIMEOUT_SECONDS)),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (value, value))


def _child(source: str, target: str, side_limit: int, pixel_limit: int, kind: str) -> None:
    from PIL import Image  # noqa: PLC0415  # only the child loads what decodes

    if kind == "HEIF":
        from pi_heif import (  # type: ignore[import-untyped]  # noqa: PLC0415  # same
            register_heif_opener,
        )

        register_heif_opener(thumbnails=False)
    else:
        from PIL import AvifImagePlugin  # noqa: PLC0415  # same

        AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # each would count against the limit of memory
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    _limit_this_process()
    # Our own limits are stricter, and let the size in the header be reported.
    Image.MAX_IMAGE_PIXELS = None
    with Image.open(source, formats=[kind]) as image:
        width, height = image.size
        if max(width, height) <= side_limit and width * height <= pixel_limit:
            image.load()
            try:
                # Uncompressed, as it is read only once. Pillow keeps the colour profile.
                image.save(target, "PNG", compress_level=0)
            except OSError as error:
                if error.errno is None:  # not of the system: Pillow's own
                    raise
                sys.stdout.write(f"errno {error.errno}")
                return
    sys.stdout.write(f"{width} {height}")


if __name__ == "__main__":
    _child(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
