"""Show the sandbox's channel in a browser, where simulated members can use the real bot."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from simcord import SetupError

from sandbox.preview_patches import follow, patch_actions, patch_assets, patch_focus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from simcord import Preview

    from sandbox.environment import SandboxEnvironment

DEFAULT_PORT: Final = 8765
_WIDTH, _HEIGHT = 1100, 860  # pixels


async def serve(environment: SandboxEnvironment, *, port: int | None, guidance: str) -> None:
    """Serve the page until it is cancelled, or closed in the browser.

    Args:
        environment: the channel to show and its members.
        port: the port on 127.0.0.1; None for `DEFAULT_PORT`, or any free one if that is taken.
        guidance: the first message in the channel.

    Raises:
        SetupError: `port` is taken.
    """
    await environment.guide.send(environment.channel, guidance)
    async with _open_preview(environment, port) as preview:
        print(f"Kuas is at {preview.url}\nCtrl-C ends it.", flush=True)
        patch_actions(preview)
        patch_assets(preview, environment.cdn.attachments)
        follower = asyncio.create_task(follow(preview), name="page")
        try:
            await preview.wait_closed()
        finally:
            follower.cancel()
            await asyncio.gather(follower, return_exceptions=True)


@asynccontextmanager
async def _open_preview(environment: SandboxEnvironment, port: int | None) -> AsyncIterator[Preview]:
    preview = _make_preview(environment, DEFAULT_PORT if port is None else port)
    try:
        await preview.__aenter__()
    except SetupError:
        if port is not None:
            raise
        preview = _make_preview(environment, 0)
        await preview.__aenter__()
    try:
        yield preview
    finally:
        await preview.close()


def _make_preview(environment: SandboxEnvironment, port: int) -> Preview:
    preview = environment.env.preview(
        environment.channel,
        viewers=environment.people,
        layout="channel",
        width=_WIDTH,
        height=_HEIGHT,
        locale=environment.locale,
        port=port,
    )
    patch_focus(preview)
    return preview
