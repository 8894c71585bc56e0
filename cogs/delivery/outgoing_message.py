"""A message about a job, adapted to the way it is delivered and to what Discord refused."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog

from bot.discord_client.errors import DiscordErrorKind
from bot.domain.errors import ContractViolation
from bot.domain.jobs import DeliveryMethod, Failure
from bot.domain.limits import Receipt
from bot.domain.pictures import picture_filenames
from bot.domain.progress import Phase, Progress
from cogs.delivery.message_sender import Address
from cogs.pictures import texts, views
from cogs.text.translation import use_locale
from cogs.ui.discord_limits import NONCE_CHARACTERS, attachments

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import discord

    from bot.domain.jobs import Job, Picture
    from bot.images.workers import ImageWorkers
    from cogs.ui.discord_limits import KeptAttachment

log = structlog.get_logger(__name__)

MIN_BYTES: Final = 4096
"""The smallest byte limit that is tried."""


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A job's progress, picture or failure, to be posted."""

    job: Job
    content: Receipt | Failure | Progress
    pictures: tuple[Picture, ...] = ()
    """With a `Receipt` only: one, or all that the task has returned."""
    shrunk: bool = False
    """Whether a picture is smaller than the original."""
    most: int = 1
    """How many pictures the settings of the task allow."""
    lost: int = 0
    """How many more pictures there are that could not be downloaded."""
    halved: bool = False
    """Whether it was already shrunk after Discord's "too large"; done once."""
    model_name: str | None = None
    """Of the picture; None where only one model is offered."""
    greeting: str = ""
    """The first line of a message that is not the reply: who asked, or in which channel."""
    show_prompt: bool = True
    moved: bool = False
    """Whether this only says that the result is posted elsewhere."""
    locale: str = ""
    """The language: the server's where everybody reads it, else the member's."""
    in_guild: bool = True
    """Whether it is posted in its server: in a direct message there are fewer buttons."""
    can_vary: bool = False
    """Whether the model of the job takes a reference."""

    @staticmethod
    def address_of(job: Job) -> Address:
        """Return where the messages about a job belong: its reply."""
        channel_id = job.request.destination.channel_id
        return Address(
            job.request.destination,
            job.accepted_at,
            None if job.message_id is None else (channel_id, job.message_id),
            job.job_id.replace("-", "")[:NONCE_CHARACTERS],
            job.job_id,
        )

    @property
    def address(self) -> Address:
        """Where it belongs."""
        return self.address_of(self.job)

    def methods(self) -> Iterator[DeliveryMethod]:
        """Yield the methods to try, in order."""
        address = self.address
        if address.token_lives:
            yield DeliveryMethod.REPLY
        if self.is_personal:
            yield DeliveryMethod.DM
        if not address.destination.private:
            if address.message is not None:
                yield DeliveryMethod.EDIT
            yield DeliveryMethod.CHANNEL
        if not self.is_personal:
            yield DeliveryMethod.DM

    @property
    def is_personal(self) -> bool:
        """Whether it is a failure for the member or the operator to act on, which others should not see."""
        return isinstance(self.content, Failure) and self.content.is_personal

    def view(self) -> discord.ui.LayoutView:
        """Build a new view: discord.py's views remember the message they were sent with.

        A view that exceeds a limit of Discord's is logged, and replaced by a minimal one with the picture.
        """
        with use_locale(self.locale):
            try:
                return self._view()
            except ContractViolation as error:
                log.exception("a card is too much for Discord", job_id=self.job.job_id, error=str(error))
                return views.minimal_view(self.job, *self.filenames)

    def _view(self) -> discord.ui.LayoutView:
        if self.moved:
            return views.moved_view(self.job, show_prompt=self.show_prompt)
        match self.content:
            case Receipt() as receipt:
                filename, *more = self.filenames
                build = partial(
                    views.result_view,
                    self.job,
                    receipt,
                    filename,
                    shrunk=self.shrunk,
                    more=more,
                    count=texts.count_text(len(self.pictures), self.most, self.lost),
                    model_name=self.model_name,
                    can_vary=self.can_vary,
                )
            case Failure() as failure:
                build = partial(views.failure_view, self.job, failure)
            case progress:
                return views.progress_view(self.job, progress)
        return build(greeting=self.greeting, show_prompt=self.show_prompt, in_guild=self.in_guild)

    def files(self) -> list[discord.File]:
        """Return new attachments; discord.py closes those that it sends."""
        data = (picture.data for picture in self.pictures)
        return attachments(dict(zip(self.filenames, data, strict=True)))

    def kept(self) -> Sequence[KeptAttachment]:
        """Return the attachments that an edit keeps: none."""
        return ()

    async def for_method(self, method: DeliveryMethod) -> OutgoingMessage:
        """Return a copy with language, greeting and buttons for this method."""
        return self._adapted(method)

    def _adapted(self, method: DeliveryMethod) -> OutgoingMessage:
        destination = self.job.request.destination
        is_private = (
            destination.private
            or method is DeliveryMethod.DM
            or (method is DeliveryMethod.REPLY and self.is_personal)
        )
        locale = destination.locale if is_private else destination.guild_locale
        with use_locale(locale):
            match method:
                case DeliveryMethod.CHANNEL:
                    greeting = texts.channel_greeting(destination.user_id)
                case DeliveryMethod.DM:
                    greeting = texts.direct_greeting(destination.channel_id)
                case _:
                    greeting = ""
        return replace(self, greeting=greeting, locale=locale, in_guild=method is not DeliveryMethod.DM)

    @classmethod
    def moved_from(cls, job: Job) -> OutgoingMessage:
        """Return what the reply of a job says once its result is posted elsewhere."""
        return cls(job, Progress(Phase.FETCHING, job.accepted_at)).moved_notice()

    def moved_notice(self) -> OutgoingMessage:
        """Return what the reply says once the result has to be posted elsewhere."""
        return replace(self._adapted(DeliveryMethod.EDIT), pictures=(), moved=True)

    async def retry_after_error(
        self, kind: DiscordErrorKind, image_workers: ImageWorkers
    ) -> OutgoingMessage | None:
        """Return the next version to try, without the prompt or smaller; None if there is none."""
        if kind is DiscordErrorKind.CONTENT_BLOCKED and self.show_prompt:
            return replace(self, show_prompt=False)
        if kind is DiscordErrorKind.FILE_TOO_LARGE and self.pictures and not self.halved:
            pictures, shrunk = await halved(self.pictures, image_workers)
            return replace(self, pictures=pictures, shrunk=self.shrunk or shrunk, halved=True)
        return None

    @property
    def filenames(self) -> tuple[str, ...]:
        """The filenames of the pictures, in their order."""
        return picture_filenames(self.job.job_id, (picture.format for picture in self.pictures))


async def halved(
    pictures: Sequence[Picture], image_workers: ImageWorkers
) -> tuple[tuple[Picture, ...], bool]:
    """Return pictures of half as many bytes each, and whether one is smaller now than it was."""
    # One at a time, as every decoded picture is in memory.
    fitted = [
        await image_workers.fit_upload(picture, max(MIN_BYTES, len(picture.data) // 2))
        for picture in pictures
    ]
    return tuple(picture for picture, _ in fitted), any(smaller for _, smaller in fitted)
