"""An aiohttp application on a free port of 127.0.0.1."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web


@asynccontextmanager
async def serving(app: web.Application, **options: Any) -> AsyncIterator[str]:
    """Serve `app` until the block ends; yields its base URL. The options are those of `web.AppRunner`."""
    runner = web.AppRunner(app, access_log=None, **options)
    try:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def serving_files(contents: Mapping[str, bytes]) -> AsyncIterator[str]:
    """Serve files by their names; yields the base URL."""

    async def serve(request: web.Request) -> web.Response:
        body = contents.get(request.match_info["name"])
        return web.Response(status=404) if body is None else web.Response(body=body)

    app = web.Application()
    app.router.add_get("/{name}", serve)
    async with serving(app) as url:
        yield url
