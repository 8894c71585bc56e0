"""An HTTP server for the attachments of a simulated Discord.

SimCord keeps attachments in memory, at URLs that nothing serves. `FakeCdn` serves them on 127.0.0.1, so that
the bot downloads references over a real socket: `async with FakeCdn() as cdn: env.backend.cdn = cdn`.

"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self
from urllib.parse import quote

from aiohttp import web
from simcord.backend.cdn import CdnStore

if TYPE_CHECKING:
    from collections.abc import Mapping


class FakeCdn(CdnStore):
    """SimCord's file store, with an HTTP server for the attachments in it.

    Attributes:
        url: the base URL, once the server is entered.
        attachments: filename and content of every attachment by its URL here.
    """

    def __init__(self) -> None:
        super().__init__()
        self.url = ""
        self.attachments: dict[str, tuple[str, bytes]] = {}
        self._url_by_id: dict[int, str] = {}
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get(r"/attachments/{channel_id:\d+}/{attachment_id:\d+}/{filename}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def store_attachment(
        self, attachment_id: int, channel_id: int, filename: str, data: bytes, description: str | None
    ) -> dict[str, object]:
        """Store a file; returns Discord's attachment object, with the URL of this server in it."""
        stored: Mapping[str, object] = super().store_attachment(
            attachment_id, channel_id, filename, data, description
        )
        url = f"{self.url}/attachments/{channel_id}/{attachment_id}/{quote(filename, safe='')}"
        self.attachments[url] = (filename, data)
        self._url_by_id[attachment_id] = url
        return {**stored, "url": url, "proxy_url": url}

    def get(self, url: str) -> bytes | None:
        """Return the file at a URL of this server or of SimCord's, None if there is none."""
        _, data = self.attachments.get(url, ("", None))
        return super().get(url) if data is None else data

    def delete(self, url: str) -> None:
        """Serve a file no more, as Discord does once its message is deleted."""
        del self.attachments[url]
        self._url_by_id = {each: known for each, known in self._url_by_id.items() if known != url}

    async def _serve(self, request: web.Request) -> web.Response:
        # The id alone decides: clients differ in how they quote the filename.
        url = self._url_by_id.get(int(request.match_info["attachment_id"]))
        if url is None:
            raise web.HTTPNotFound
        return web.Response(body=self.attachments[url][1], content_type="application/octet-stream")
