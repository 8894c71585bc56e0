"""The next version of a message that Discord refused."""

from __future__ import annotations

import io
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

from bot.discord_client.errors import DiscordErrorKind
from bot.domain.jobs import Destination, Job, Picture, Request, Stage
from bot.domain.limits import LimitScope, Receipt, Usage
from bot.domain.periods import Period
from bot.images.workers import ImageWorkers
from cogs.delivery.outgoing_message import MIN_BYTES, OutgoingMessage

SMALL, LARGE = 8, 256
NOON = 1_750_000_000_000


def make_message(side: int) -> OutgoingMessage:
    destination = Destination(1, 2, 3, 4, 5, "token", 10_485_760, "en-US")
    request = Request(destination, "a red fox", "qwen-image", "square_hd", "png")
    job = Job("0b0e7c62-6d7c-4c5e-9f3e-2f6f3c1c8a11", request, Stage.SUCCEEDED, 4, NOON)
    usage = Usage(LimitScope.GUILD, 200, 4, 0, Period.MONTH, NOON)
    sink = io.BytesIO()
    Image.effect_noise((side, side), 100).convert("RGB").save(sink, "PNG")
    return OutgoingMessage(job, Receipt(4, usage), (Picture(sink.getvalue(), "png", side, side),))


@pytest.mark.parametrize(("side", "shrunk"), [(SMALL, False), (LARGE, True)])
async def test_a_picture_is_called_shrunk_only_if_it_is(side: int, shrunk: bool, tmp_path: Path) -> None:
    message = make_message(side)
    assert (len(message.pictures[0].data) <= MIN_BYTES) is not shrunk
    with closing(ImageWorkers(tmp_path / "scratch")) as image_workers:
        changed = await message.retry_after_error(DiscordErrorKind.FILE_TOO_LARGE, image_workers)
        assert changed is not None
        assert (changed.shrunk, changed.pictures != message.pictures) == (shrunk, shrunk)
        assert await changed.retry_after_error(DiscordErrorKind.FILE_TOO_LARGE, image_workers) is None
