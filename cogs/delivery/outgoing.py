"""What is to be brought to a member, in the shape that the way at hand can take."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import structlog

from bot.domain.errors import ContractViolation
from bot.domain.jobs import DeliveryMethod, Failure, FailureCause
from bot.domain.limits import Receipt
from bot.images import processing
from cogs.pictures import texts, views
from cogs.text.translation import use_locale
from cogs.ui.discord_limits import attachments
from cogs.ui.send_errors import SendError

if TYPE_CHECKING:
    import discord

    from bot.domain.jobs import Job, Picture, Progress

log = structlog.get_logger(__name__)

SMALLEST_BYTES: Final = 4096
"""No picture is asked to fit in less."""


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """One piece of news about a job."""

    job: Job
    content: Receipt | Failure | Progress
    picture: Picture | None = None
    """Comes with a `Receipt`, and only with that."""
    shrunk: bool = False
    halved: bool = False
    """Whether it was made smaller on the way already, which happens once."""
    greeting: str = ""
    show_prompt: bool = True
    """Whether the prompt is shown."""
    moved: bool = False
    """Whether this only says that the news is brought elsewhere."""
    locale: str = ""
    """In whose language it is said: the server's where everybody reads it, else the member's."""
    in_guild: bool = True
    """Whether it is read in its server, where the buttons under it have rules to go by."""

    @property
    def is_personal(self) -> bool:
        """Whether it says why a request went no further than us, which is nobody else's business.

        Either the member has to do something, or the people who run the bot.
        """
        return isinstance(self.content, Failure) and self.content.cause in {
            FailureCause.MEMBER,
            FailureCause.OPERATOR,
        }

    def view(self) -> discord.ui.LayoutView:
        """The message, built anew: discord.py's views remember the message they were sent with."""
        with use_locale(self.locale):
            try:
                return self._view()
            except ContractViolation as error:
                # Our own mistake, and no reason to keep a picture from its people.
                log.exception("a card is too much for Discord", job_id=self.job.job_id, error=str(error))
                return views.minimal_view(self.job, self.filename)

    def _view(self) -> discord.ui.LayoutView:
        if self.moved:
            return views.moved_view(self.job, show_prompt=self.show_prompt)
        match self.content:
            case Receipt() as receipt:
                return views.result_view(
                    self.job,
                    receipt,
                    self.filename,
                    shrunk=self.shrunk,
                    greeting=self.greeting,
                    show_prompt=self.show_prompt,
                    in_guild=self.in_guild,
                )
            case Failure() as failure:
                return views.failure_view(
                    self.job,
                    failure,
                    greeting=self.greeting,
                    show_prompt=self.show_prompt,
                    in_guild=self.in_guild,
                )
            case progress:
                return views.progress_view(self.job, progress)

    def files(self) -> list[discord.File]:
        """The attachments, opened anew: a file that was sent is closed."""
        if self.picture is None:
            return []
        return attachments({self.filename: self.picture.data})

    def for_method(self, way: DeliveryMethod) -> OutgoingMessage:
        """As it is said there: in whose language, and to which request it belongs where that is not plain."""
        where = self.job.request.destination
        whispered = (
            way is DeliveryMethod.DM or where.private or (way is DeliveryMethod.REPLY and self.is_personal)
        )
        locale = where.locale if whispered else where.guild_locale
        with use_locale(locale):
            match way:
                case DeliveryMethod.CHANNEL:
                    greeting = texts.channel_greeting(where.user_id)
                case DeliveryMethod.DM:
                    greeting = texts.direct_greeting(where.channel_id)
                case _:
                    greeting = ""
        return replace(self, greeting=greeting, locale=locale, in_guild=way is not DeliveryMethod.DM)

    def moved_notice(self) -> OutgoingMessage:
        """What the reply says instead, once the news has to go elsewhere."""
        return replace(self.for_method(DeliveryMethod.EDIT), picture=None, moved=True)

    async def retry_after_error(self, refusal: SendError) -> OutgoingMessage | None:
        """What to try instead where this was refused; None if nothing is left to change."""
        if refusal is SendError.WORDS and self.show_prompt:
            return replace(self, show_prompt=False)
        if refusal is SendError.TOO_BIG and self.picture is not None and not self.halved:
            half = max(SMALLEST_BYTES, len(self.picture.data) // 2)
            picture, _ = await asyncio.to_thread(processing.fit_upload, self.picture, half)
            return replace(self, picture=picture, shrunk=True, halved=True)
        return None

    @property
    def filename(self) -> str:
        """What the picture is called; nothing without one."""
        return "" if self.picture is None else f"{self.job.job_id}.{self.picture.extension}"
