"""Serve a fake Rivya and a fake CDN with references, in a process beside the one that is measured.

`python -m tests.benchmarks.fake_services JSON`, with JSON like
`{"painting_seconds": 0.3, "picture_side": 1024, "reference_side": 1824}`, prints the fields of
`harness.FakeServices` in one line of JSON, then serves until its standard input ends.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys

from aiohttp import web
from PIL import Image

from sandbox.fake_rivya import FakeRivya
from tests.support.loopback import serving

SMALL_SIDE = 64


def noise(side: int) -> bytes:
    """Return a PNG that cannot be compressed: three bytes a pixel."""
    image = Image.frombytes("RGB", (side, side), os.urandom(side * side * 3))
    return _png(image)


def painting(side: int) -> bytes:
    """Return a PNG about as large as a generated picture: gradients with some noise."""
    grain = Image.effect_noise((side, side), 6)
    slope = Image.linear_gradient("L").resize((side, side))
    bands = [Image.blend(slope.rotate(turn), grain, 0.3) for turn in (0, 90, 180)]
    return _png(Image.merge("RGB", bands))


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=4)
    return file.getvalue()


async def serve(
    *, painting_seconds: float = 0.0, picture_side: int = SMALL_SIDE, reference_side: int = 0
) -> None:
    picture = painting(picture_side)
    references = {"small": noise(SMALL_SIDE), "large": noise(reference_side or SMALL_SIDE)}

    async def reference(request: web.Request) -> web.Response:
        return web.Response(body=references[request.match_info["name"]], content_type="image/png")

    cdn = web.Application()
    cdn.router.add_get("/{name}.png", reference)
    fake_rivya = FakeRivya(
        wallet_credits=10**9, painting_seconds=painting_seconds, painter=lambda *_: picture
    )
    async with serving(cdn) as cdn_url, fake_rivya as rivya:
        services = {"rivya_url": rivya.url, "api_key": rivya.api_key}
        services |= {f"{name}_reference_url": f"{cdn_url}/{name}.png" for name in references}
        print(json.dumps(services), flush=True)
        await asyncio.to_thread(sys.stdin.buffer.read)


if __name__ == "__main__":
    asyncio.run(serve(**json.loads(sys.argv[1])))
