"""The sandbox's page over HTTP: its pictures."""

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

from sandbox.browser import _open_preview
from sandbox.cdn import FakeCdn
from sandbox.environment import Timings, open_environment
from sandbox.preview_patches import _EDITS, patch_assets
from tests.support.images import make_picture
from tests.support.waiting import soon

PICTURES = 12


@dataclass
class Page:
    """An open page, as a browser has it."""

    session: aiohttp.ClientSession
    origin: str
    headers: dict[str, str]
    assets: dict[str, Any]
    target_id: str
    last_message_id: str

    async def picture(self, asset_id: str) -> tuple[int, bytes]:
        url = f"{self.origin}/api/assets/{asset_id}"
        async with self.session.get(url, headers=self.headers) as answer:
            return answer.status, await answer.read()

    async def file(self, path: str) -> str:
        async with self.session.get(f"{self.origin}{path}") as answer:
            return await answer.text()

    def pictures(self) -> list[str]:
        return [asset_id for asset_id, asset in self.assets.items() if asset["filename"].startswith("fox")]


@asynccontextmanager
async def open_page() -> AsyncIterator[Page]:
    """Open a page full of pictures. Not a fixture: SimCord must be opened and closed in the same task."""
    async with open_environment(Timings(painting_seconds=0)) as environment:
        for number in range(PICTURES):
            data = make_picture(colour=(number, 0, 0))
            await environment.guide.send(environment.channel, attachments=[(f"fox{number}.png", data)])
        async with _open_preview(environment, 0) as preview, aiohttp.ClientSession() as session:
            patch_assets(preview, environment.cdn.attachments)
            address = urlsplit(preview.url)
            origin, headers = f"http://{address.netloc}", {"X-Simcord-Capability": address.fragment}
            async with session.post(f"{origin}/api/pages", json={}, headers=headers) as answer:
                snapshot = await answer.json()
            headers["X-Simcord-Context"] = snapshot["context"]["id"]
            last_message = environment.channel.history()[-1]
            yield Page(
                session, origin, headers, snapshot["assets"], snapshot["targetId"], str(last_message.id)
            )


async def test_open_page_of_pictures_is_given_every_one() -> None:
    async with open_page() as page:
        pictures = page.pictures()
        assert len(pictures) == PICTURES
        answers = await soon(asyncio.gather(*map(page.picture, pictures)))
    assert [status for status, _ in answers] == [200] * PICTURES


async def test_the_page_opens_at_the_last_message_and_its_files_are_edited_to_follow() -> None:
    async with open_page() as page:
        assert page.target_id == page.last_message_id
        served = {path: await page.file(path) for path in _EDITS}
    assert served.keys() == {"/preview.css", "/timeline.js", "/commands.js"}
    for path, edits in _EDITS.items():
        for old, new in edits:
            assert new in served[path]
            assert old not in served[path]


async def test_an_attachment_is_downloadable_by_its_id_alone() -> None:
    async with FakeCdn() as cdn, aiohttp.ClientSession() as session:
        stored = cdn.store_attachment(7, 20, "a fox.png", b"a fox", None)
        assert cdn.attachments == {stored["url"]: ("a fox.png", b"a fox")}
        assert cdn.get(str(stored["url"])) == b"a fox"
        for attachment_id, answer in ((7, (200, b"a fox")), (8, (404, b"404: Not Found"))):
            async with session.get(f"{cdn.url}/attachments/20/{attachment_id}/other.png") as response:
                assert (response.status, await response.read()) == answer


async def test_a_picture_whose_decoding_times_out_is_decoded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    decode, attempts = _media.MediaWorker._decode, 0

    async def time_out_at_first(*args: Any) -> Any:
        nonlocal attempts
        attempts += 1
        with monkeypatch.context() as short_deadline:
            if attempts == 1:
                short_deadline.setattr(_media, "WORKER_DEADLINE_SECONDS", 0.0)
            return await decode(*args)

    monkeypatch.setattr(_media.MediaWorker, "_decode", time_out_at_first)
    async with open_page() as page:
        status, _ = await soon(page.picture(page.pictures()[0]))
    assert (attempts, status) == (2, 200)
