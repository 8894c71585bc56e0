"""What the sandbox's page is given when it asks, over its own wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from simcord.preview import _media

from sandbox.browser import _preview
from sandbox.cdn import CdnFiles
from sandbox.environment import Timings, open_environment
from sandbox.preview_patches import patch_assets
from tests.support.images import make_picture
from tests.support.waiting import soon

PICTURES = 12


@dataclass
class Page:
    """A page as a browser has it open."""

    session: aiohttp.ClientSession
    origin: str
    headers: dict[str, str]
    assets: dict[str, Any]

    async def picture(self, asset_id: str) -> tuple[int, bytes]:
        url = f"{self.origin}/api/assets/{asset_id}"
        async with self.session.get(url, headers=self.headers) as answer:
            return answer.status, await answer.read()

    def pictures(self) -> list[str]:
        return [asset for asset, told in self.assets.items() if told["filename"].startswith("fox")]


@asynccontextmanager
async def a_page_full() -> AsyncIterator[Page]:
    """Not a fixture: SimCord wants one task to open and to close it."""
    async with open_environment(Timings(painting_seconds=0)) as world:
        for number in range(PICTURES):
            data = make_picture(colour=(number, 0, 0))
            await world.guide.send(world.channel, attachments=[(f"fox{number}.png", data)])
        async with _preview(world, 0) as preview, aiohttp.ClientSession() as session:
            patch_assets(preview, CdnFiles(world.cdn))
            address = urlsplit(preview.url)
            origin, headers = f"http://{address.netloc}", {"X-Simcord-Capability": address.fragment}
            async with session.post(f"{origin}/api/pages", json={}, headers=headers) as answer:
                snapshot = await answer.json()
            headers["X-Simcord-Context"] = snapshot["context"]["id"]
            yield Page(session, origin, headers, snapshot["assets"])


async def test_a_page_full_of_pictures_is_given_every_one() -> None:
    async with a_page_full() as page:
        asked = page.pictures()
        assert len(asked) == PICTURES
        answers = await soon(asyncio.gather(*map(page.picture, asked)))
    assert [status for status, _ in answers] == [200] * PICTURES


async def test_a_picture_that_takes_too_long_is_not_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    decode, tries = _media.MediaWorker._decode, 0

    async def too_long_at_first(*args: Any) -> Any:
        nonlocal tries
        tries += 1
        with monkeypatch.context() as hasty:
            if tries == 1:
                hasty.setattr(_media, "WORKER_DEADLINE_SECONDS", 0.0)
            return await decode(*args)

    monkeypatch.setattr(_media.MediaWorker, "_decode", too_long_at_first)
    async with a_page_full() as page:
        status, _ = await soon(page.picture(page.pictures()[0]))
    assert (tries, status) == (2, 200)
