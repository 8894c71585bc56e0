"""Find out by its first bytes how a file is reduced."""

from __future__ import annotations

from bot.images.containers.avif import reduce_avif
from bot.images.containers.gif import reduce_gif
from bot.images.containers.jpeg import reduce_jpeg
from bot.images.containers.png import SIGNATURE, reduce_png
from bot.images.containers.reduced import Reduced
from bot.images.containers.webp import reduce_webp


def reduce_file(data: bytes) -> Reduced:
    """Return the file without what its pixels do not need; one of another kind unchanged.

    Raises:
        BrokenContainerError, AnimatedError: as the kinds do.
    """
    if data.startswith(SIGNATURE):
        return reduce_png(data)
    if data.startswith(b"\xff\xd8\xff"):
        return reduce_jpeg(data)
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return reduce_webp(data)
    if data.startswith((b"GIF87a", b"GIF89a")):
        return reduce_gif(data)
    if data[4:8] == b"ftyp":
        return reduce_avif(data)
    return Reduced(data)
