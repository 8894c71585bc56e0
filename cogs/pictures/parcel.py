"""What is to be brought to a member, in the shape that the way at hand can take.

Owns the making of one message. Never imports anything of ours but cards, images, jobs, refusals, words.
"""

from __future__ import annotations

import asyncio
import io
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import discord

from bot.jobs import Failure, Receipt
from bot.pictures import images
from cogs.pictures import cards, words
from cogs.pictures.refusals import Refusal

if TYPE_CHECKING:
    from bot.jobs import Job, Picture, Progress

SMALLEST_BYTES: Final = 4096
"""No picture is asked to fit in less."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One piece of news about a job."""

    job: Job
    news: Receipt | Failure | Progress
    picture: Picture | None = None
    """Comes with a `Receipt`, and only with that."""
    shrunk: bool = False
    halved: bool = False
    """Whether it was made smaller on the way already, which happens once."""
    greeting: str = ""
    quoting: bool = True
    """Whether the prompt is shown."""
    left: bool = False
    """Whether this only says that the news is brought elsewhere."""

    @property
    def is_personal(self) -> bool:
        """Whether it says why a request went no further than us, which is nobody else's business.

        Either the member has to do something, or the people who run the bot.
        """
        return isinstance(self.news, Failure) and self.news.who in {"member", "operator"}

    def card(self) -> discord.ui.LayoutView:
        """The message, built anew: discord.py's views remember the message they were sent with."""
        if self.left:
            return cards.left_card(self.job, quoting=self.quoting)
        match self.news:
            case Receipt() as receipt:
                return cards.result_card(
                    self.job,
                    receipt,
                    self._filename(),
                    shrunk=self.shrunk,
                    greeting=self.greeting,
                    quoting=self.quoting,
                )
            case Failure() as failure:
                return cards.failure_card(self.job, failure, greeting=self.greeting, quoting=self.quoting)
            case progress:
                return cards.progress_card(self.job, progress)

    def files(self) -> list[discord.File]:
        """The attachments, opened anew: a file that was sent is closed."""
        if self.picture is None:
            return []
        return [discord.File(io.BytesIO(self.picture.data), self._filename())]

    def addressed(self, way: str) -> Parcel:
        """As it is said where the member would not see to which request it belongs."""
        where = self.job.request.destination
        match way:
            case "channel":
                return replace(self, greeting=words.channel_greeting(where.user_id))
            case "dm":
                return replace(self, greeting=words.direct_greeting(where.channel_id))
            case _:
                return self

    def farewell(self) -> Parcel:
        """What the reply says instead, once the news has to go elsewhere."""
        return replace(self, picture=None, left=True)

    async def after(self, refusal: Refusal) -> Parcel | None:
        """What to try instead where this was refused; None if nothing is left to change."""
        if refusal is Refusal.WORDS and self.quoting:
            return replace(self, quoting=False)
        if refusal is Refusal.TOO_BIG and self.picture is not None and not self.halved:
            half = max(SMALLEST_BYTES, len(self.picture.data) // 2)
            picture, _ = await asyncio.to_thread(images.fit_upload, self.picture, half)
            return replace(self, picture=picture, shrunk=True, halved=True)
        return None

    def _filename(self) -> str:
        return "" if self.picture is None else f"{self.job.job_id}.{self.picture.extension}"
