"""What is to be brought to a member, in the shape that the way at hand can take.

Owns the making of one message. Never imports anything of ours but bounds, cards, errors, images, jobs,
refusals, tongues, words.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import structlog

from bot.domain.errors import ContractBroken
from bot.domain.jobs import Failure, Receipt
from bot.images import processing
from cogs.pictures import texts, views
from cogs.text.translation import speaking
from cogs.ui.discord_limits import attachments
from cogs.ui.send_errors import Refusal

if TYPE_CHECKING:
    import discord

    from bot.domain.jobs import Job, Picture, Progress

log = structlog.get_logger(__name__)

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
    locale: str = ""
    """In whose language it is said: the server's where everybody reads it, else the member's."""
    at_home: bool = True
    """Whether it is read in its server, where the buttons under it have rules to go by."""

    @property
    def is_personal(self) -> bool:
        """Whether it says why a request went no further than us, which is nobody else's business.

        Either the member has to do something, or the people who run the bot.
        """
        return isinstance(self.news, Failure) and self.news.who in {"member", "operator"}

    def card(self) -> discord.ui.LayoutView:
        """The message, built anew: discord.py's views remember the message they were sent with."""
        with speaking(self.locale):
            try:
                return self._card()
            except ContractBroken as error:
                # Our own mistake, and no reason to keep a picture from its people.
                log.exception("a card is too much for Discord", job_id=self.job.job_id, error=str(error))
                return views.bare_card(self.job, self.filename)

    def _card(self) -> discord.ui.LayoutView:
        if self.left:
            return views.left_card(self.job, quoting=self.quoting)
        match self.news:
            case Receipt() as receipt:
                return views.result_card(
                    self.job,
                    receipt,
                    self.filename,
                    shrunk=self.shrunk,
                    greeting=self.greeting,
                    quoting=self.quoting,
                    at_home=self.at_home,
                )
            case Failure() as failure:
                return views.failure_card(
                    self.job,
                    failure,
                    greeting=self.greeting,
                    quoting=self.quoting,
                    at_home=self.at_home,
                )
            case progress:
                return views.progress_card(self.job, progress)

    def files(self) -> list[discord.File]:
        """The attachments, opened anew: a file that was sent is closed."""
        if self.picture is None:
            return []
        return attachments({self.filename: self.picture.data})

    def addressed(self, way: str) -> Parcel:
        """As it is said there: in whose language, and to which request it belongs where that is not plain."""
        where = self.job.request.destination
        whispered = way == "dm" or where.private or (way == "reply" and self.is_personal)
        locale = where.locale if whispered else where.guild_locale
        with speaking(locale):
            match way:
                case "channel":
                    greeting = texts.channel_greeting(where.user_id)
                case "dm":
                    greeting = texts.direct_greeting(where.channel_id)
                case _:
                    greeting = ""
        return replace(self, greeting=greeting, locale=locale, at_home=way != "dm")

    def farewell(self) -> Parcel:
        """What the reply says instead, once the news has to go elsewhere."""
        return replace(self.addressed("edit"), picture=None, left=True)

    async def after(self, refusal: Refusal) -> Parcel | None:
        """What to try instead where this was refused; None if nothing is left to change."""
        if refusal is Refusal.WORDS and self.quoting:
            return replace(self, quoting=False)
        if refusal is Refusal.TOO_BIG and self.picture is not None and not self.halved:
            half = max(SMALLEST_BYTES, len(self.picture.data) // 2)
            picture, _ = await asyncio.to_thread(processing.fit_upload, self.picture, half)
            return replace(self, picture=picture, shrunk=True, halved=True)
        return None

    @property
    def filename(self) -> str:
        """What the picture is called; nothing without one."""
        return "" if self.picture is None else f"{self.job.job_id}.{self.picture.extension}"
