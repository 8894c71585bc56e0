"""A place for the files of a simulated Discord from which they can really be downloaded.

SimCord keeps attachments in memory, at addresses that lead nowhere. Here they stand on 127.0.0.1, so that the
bot's own fetcher brings a reference over a real socket: `async with LoopbackCdn() as cdn: env.backend.cdn =
cdn`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Self
from urllib.parse import quote

from aiohttp import web
from simcord.backend.cdn import CdnStore

if TYPE_CHECKING:
    from collections.abc import Iterator


class FakeCdn(CdnStore):
    """SimCord's store of files, with a server for the attachments in it.

    Attributes:
        url: where it listens, once it is entered.
    """

    def __init__(self) -> None:
        super().__init__()
        self.url = ""
        # SimCord's own address of each attachment, by ours and by its id.
        self._by_url: dict[str, str] = {}
        self._by_id: dict[int, str] = {}
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
        """Store a file; the answer is the attachment as Discord describes it."""
        stored: Mapping[str, object] = super().store_attachment(
            attachment_id, channel_id, filename, data, description
        )
        url = f"{self.url}/attachments/{channel_id}/{attachment_id}/{quote(filename, safe='')}"
        self._by_url[url] = self._by_id[attachment_id] = str(stored["url"])
        return {**stored, "url": url, "proxy_url": url}

    def get(self, url: str) -> bytes | None:
        """The file at an address of ours or of SimCord's, if there is one."""
        return super().get(self._by_url.get(url, url))

    async def _serve(self, request: web.Request) -> web.Response:
        # By its id alone: clients differ in how they quote the name.
        attachment_id = int(request.match_info["attachment_id"])
        data = self.get(self._by_id.get(attachment_id, ""))
        if data is None:
            raise web.HTTPNotFound
        return web.Response(body=data, content_type="application/octet-stream")

    def addresses(self) -> list[str]:
        """Where every attachment is."""
        return list(self._by_url)


class CdnFiles(Mapping[str, tuple[str, bytes]]):
    """Every file that was ever posted, by its address: its name and its bytes."""

    def __init__(self, cdn: FakeCdn) -> None:
        self._cdn = cdn

    def __getitem__(self, url: str) -> tuple[str, bytes]:
        data = self._cdn.get(url)
        if data is None:
            raise KeyError(url)
        return url.rpartition("/")[2], data

    def __iter__(self) -> Iterator[str]:
        return iter(self._cdn.addresses())

    def __len__(self) -> int:
        return len(self._cdn.addresses())
