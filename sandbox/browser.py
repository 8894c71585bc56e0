"""The page: a channel in the browser, in which three people can use the real bot."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from simcord import SetupError

from sandbox.cdn import CdnFiles
from sandbox.preview_patches import follow, patch_actions, patch_assets

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from simcord import Preview

    from sandbox.environment import SandboxEnvironment

USUAL_PORT: Final = 8765
_WIDTH, _HEIGHT = 1100, 860


async def serve(world: SandboxEnvironment, *, port: int | None, guidance: str) -> None:
    """Serve the page until it is cancelled, or ended in the browser.

    Args:
        world: what it shows.
        port: where on 127.0.0.1; None for the usual one, or any free one if that is taken.
        guidance: the first words in the channel.

    Raises:
        SetupError: the port is taken.
    """
    await world.guide.send(world.channel, guidance)
    async with _preview(world, port) as preview:
        print(f"Kuas paints at {preview.url}\nCtrl-C ends it.", flush=True)
        patch_actions(preview)
        patch_assets(preview, CdnFiles(world.cdn))
        follower = asyncio.create_task(follow(preview), name="page")
        try:
            await preview.wait_closed()
        finally:
            follower.cancel()
            await asyncio.gather(follower, return_exceptions=True)


@asynccontextmanager
async def _preview(world: SandboxEnvironment, port: int | None) -> AsyncIterator[Preview]:
    preview = _made(world, USUAL_PORT if port is None else port)
    try:
        await preview.__aenter__()
    except SetupError:
        if port is not None:
            raise
        preview = _made(world, 0)
        await preview.__aenter__()
    try:
        yield preview
    finally:
        await preview.close()


def _made(world: SandboxEnvironment, port: int) -> Preview:
    return world.env.preview(
        world.channel, viewers=world.people, layout="channel", width=_WIDTH, height=_HEIGHT, port=port
    )
