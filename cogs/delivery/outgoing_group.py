"""The message of a group, adapted to the way it is delivered and to what Discord refused."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import structlog

from bot.discord_client.errors import DiscordErrorKind
from bot.domain.attachments import REQUEST_LIMIT_BYTES
from bot.domain.errors import ContractViolation
from bot.domain.jobs import DeliveredMessage, DeliveryMethod
from bot.domain.pictures import PostedPicture, picture_filenames
from cogs.delivery.message_sender import ELSEWHERE, Address
from cogs.delivery.outgoing_message import halved
from cogs.pictures import texts
from cogs.pictures.group_views import ShownGroup, group_view, minimal_group_view
from cogs.text.translation import use_locale
from cogs.ui.discord_limits import NONCE_CHARACTERS, KeptAttachment, attachments
from cogs.ui.message_images import delivered_pictures

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

    import discord

    from bot.domain.jobs import Job, Picture
    from bot.images.workers import ImageWorkers
    from bot.jobs.groups import JobGroup
    from cogs.delivery.message_sender import Posted

    Kept = tuple[KeptAttachment, ...]
    Fetch = Callable[[Sequence[Job]], Awaitable[Mapping[str, "NewFiles | None"]]]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class NewFiles:
    """The pictures of one job that are not in the message yet: one, or more if its task returned more."""

    pictures: tuple[Picture, ...]
    shrunk: bool
    """Whether one is smaller than the original."""
    lost: int = 0
    """How many more there are that could not be downloaded."""

    @property
    def size_bytes(self) -> int:
        """Of all of them."""
        return sum(len(picture.data) for picture in self.pictures)


@dataclass(frozen=True, slots=True)
class OutgoingGroup:
    """The message of a group, to be posted or edited."""

    shown: ShownGroup
    """Its `filenames` are those of `kept_files` and `new` together."""
    address: Address
    posted: DeliveredMessage | None
    """Where its pictures are now; None if nothing but the reply is known."""
    kept_files: Mapping[str, Kept]
    """The pictures that are in the message, by the ids of their jobs."""
    new: Mapping[str, NewFiles]
    """Those that are not, by the ids of their jobs."""
    fetch: Fetch
    """Fetches pictures that were posted before, for a new message; None for what cannot be fetched."""
    halved: bool = False
    """Whether the new files were already shrunk after Discord's "too large"; done once."""
    locale: str = ""
    greeting: str = ""
    in_guild: bool = True
    is_private: bool = False
    is_personal: bool = field(default=False, init=False)

    def methods(self) -> Iterator[DeliveryMethod]:
        """Yield the methods to try, in order: once it was moved, the reply is not used again."""
        now = None if self.posted is None else self.posted.method
        private = self.address.destination.private
        if now not in ELSEWHERE and self.address.token_lives:
            yield DeliveryMethod.REPLY
        if self.address.message is not None and (now in ELSEWHERE or not private):
            yield DeliveryMethod.EDIT
        if now is not DeliveryMethod.DM and not private:
            yield DeliveryMethod.CHANNEL
        yield DeliveryMethod.DM

    def place_to_edit(self) -> DeliveryMethod | None:
        """Return how to edit the message where it is now; None if that is not possible."""
        method = next(iter(self.methods()))
        return None if method in ELSEWHERE else method

    async def for_method(self, method: DeliveryMethod) -> OutgoingGroup:
        """Return a copy for this method; for a new message, pictures posted before are fetched again."""
        now = method if method in ELSEWHERE else self.posted_elsewhere
        is_direct = now is DeliveryMethod.DM
        destination = self.address.destination
        is_private = destination.private or is_direct
        locale = destination.locale if is_private else destination.guild_locale
        greeting = ""
        with use_locale(locale):
            if is_direct:
                greeting = texts.direct_greeting(destination.channel_id)
            elif now is not None:
                greeting = texts.channel_greeting(destination.user_id)
        pictures = await self._for_new_message() if method in ELSEWHERE else self
        return replace(
            pictures, locale=locale, greeting=greeting, in_guild=not is_direct, is_private=is_private
        )

    @property
    def posted_elsewhere(self) -> DeliveryMethod | None:
        """How it was moved; None if it is in the reply."""
        return self.posted.method if self.posted is not None and self.posted.method in ELSEWHERE else None

    async def _for_new_message(self) -> OutgoingGroup:
        before = [job for job in self.shown.group.jobs if job.job_id in self.kept_files]
        fetched = await self.fetch(before)
        found = {job_id: file for job_id, file in fetched.items() if file is not None}
        unreachable = {job_id for job_id, file in fetched.items() if file is None}
        new = fitting(self.shown.group, {**self.new, **found})
        return self._with_files({}, new, unreachable=self.shown.unreachable | unreachable)

    def _with_files(
        self, kept: Mapping[str, Kept], new: Mapping[str, NewFiles], *, unreachable: frozenset[str]
    ) -> OutgoingGroup:
        shrunk = self.shown.shrunk | {job_id for job_id, file in new.items() if file.shrunk}
        shown = replace(self.shown, filenames=filenames(kept, new), shrunk=shrunk, unreachable=unreachable)
        return replace(self, kept_files=kept, new=new, shown=shown)

    def moved_notice(self) -> OutgoingGroup | None:
        """Return None: the pictures in the reply stay until they are in the new message."""
        return None

    async def retry_after_error(
        self, kind: DiscordErrorKind, image_workers: ImageWorkers
    ) -> OutgoingGroup | None:
        """Return the next version to try, without the prompt or smaller; None if there is none."""
        if kind is DiscordErrorKind.CONTENT_BLOCKED and self.shown.show_prompt:
            return replace(self, shown=replace(self.shown, show_prompt=False))
        if kind is DiscordErrorKind.FILE_TOO_LARGE and self.new and not self.halved:
            smaller = {}
            for job_id, files in self.new.items():
                pictures, shrunk = await halved(files.pictures, image_workers)
                smaller[job_id] = replace(files, pictures=pictures, shrunk=files.shrunk or shrunk)
            return replace(
                self._with_files(self.kept_files, smaller, unreachable=self.shown.unreachable), halved=True
            )
        return None

    def view(self) -> discord.ui.LayoutView:
        """Build a new view: discord.py's views remember the message they were sent with.

        A view that exceeds a limit of Discord's is logged, and replaced by a minimal one with the pictures.
        """
        with use_locale(self.locale):
            try:
                return group_view(
                    self.shown, greeting=self.greeting, in_guild=self.in_guild, is_private=self.is_private
                )
            except ContractViolation as error:
                log.exception("a card is too much for Discord", job_id=self.address.job_id, error=str(error))
                return minimal_group_view(self.shown)

    @property
    def signature(self) -> bytes:
        """Equal for two messages that look the same, whether a file in them is kept or new."""
        payload = [cast("Any", self.view()).to_components(), sorted(self.shown.filenames.items())]
        return hashlib.sha256(json.dumps(payload).encode()).digest()

    def files(self) -> list[discord.File]:
        """Return new attachments; discord.py closes those that it sends."""
        return attachments(
            {
                name: picture.data
                for job_id, files in self.new.items()
                for name, picture in zip(names_of(job_id, files), files.pictures, strict=True)
            }
        )

    def kept(self) -> Sequence[KeptAttachment]:
        """Return the attachments that an edit keeps."""
        return tuple(file for files in self.kept_files.values() for file in files)


def fitting(group: JobGroup, new: Mapping[str, NewFiles]) -> dict[str, NewFiles]:
    """Return the new files that one request takes, in the order of their numbers: of at least one job."""
    found: dict[str, NewFiles] = {}
    room = REQUEST_LIMIT_BYTES
    for job in group.jobs:
        files = new.get(job.job_id)
        if files is not None and (not found or files.size_bytes <= room):
            found[job.job_id] = files
            room -= files.size_bytes
    return found


def filenames(kept: Mapping[str, Kept], new: Mapping[str, NewFiles]) -> dict[str, tuple[str, ...]]:
    """Return the filenames of pictures by the ids of their jobs."""
    return {job_id: tuple(file.filename for file in files) for job_id, files in kept.items()} | {
        job_id: names_of(job_id, files) for job_id, files in new.items()
    }


def names_of(job_id: str, files: NewFiles) -> tuple[str, ...]:
    """Return the filenames of the new pictures of a job."""
    return picture_filenames(job_id, (picture.format for picture in files.pictures))


def kept_in(group: JobGroup) -> dict[str, Kept]:
    """Return the pictures that are in the message of a group by its rows, by the ids of their jobs."""
    return {job.job_id: kept for job in group.jobs if (kept := _kept_of(group, job))}


def is_in_message(group: JobGroup, job: Job) -> bool:
    """Whether the picture of a job is in the message of its group, by their rows."""
    delivered = job.delivered_message
    return (
        group.message is not None
        and delivered is not None
        and delivered.message_id == group.message.message_id
        and job.deleted_at is None
    )


def _kept_of(group: JobGroup, job: Job) -> Kept:
    delivered = job.delivered_message
    if delivered is None or not is_in_message(group, job):
        return ()
    return tuple(
        KeptAttachment(each.attachment_id, each.url.rpartition("/")[2])
        for each in pictures_of(delivered)
        if each.attachment_id is not None and each.url is not None
    )


def pictures_of(delivered: DeliveredMessage) -> tuple[PostedPicture, ...]:
    """Return all pictures of a job in the message, the first among them."""
    return (PostedPicture(delivered.url, delivered.attachment_id), *delivered.more)


def group_address(group: JobGroup) -> Address:
    """Return where the message of a group belongs."""
    # A job that has ended keeps no token, and one that is alone in waiting for its answer no message.
    first = group.jobs[0]
    with_token = next((job for job in group.jobs if job.request.destination.interaction_token), first)
    reply = next((job.message_id for job in group.jobs if job.message_id is not None), None)
    message = None if reply is None else (first.request.destination.channel_id, reply)
    if group.message is not None:
        message = (group.message.channel_id, group.message.message_id)
    # Another message needs another nonce: for a known one Discord returns the message that it belongs to.
    attempt = f"{group.interaction_id} {message}"
    nonce = hashlib.sha256(attempt.encode()).hexdigest()[:NONCE_CHARACTERS]
    # The row of a picture that was shared is public; what is not shared stays private.
    destination = replace(with_token.request.destination, private=group.is_private)
    return Address(destination, first.accepted_at, message, nonce, first.job_id)


def pictures_in(posted: Posted[OutgoingGroup]) -> dict[str, DeliveredMessage]:
    """Return where each picture was posted by the id of its job, as Discord's answer has them.

    For the nonce of an earlier attempt Discord returns the message of that, which may have fewer. An edit has
    them all, even if the answer does not say so.
    """
    message, method = posted.message, method_to_record(posted)
    by_name = delivered_pictures(message, method)
    untold = DeliveredMessage(message.channel.id, message.id, method)
    is_certain = posted.method not in ELSEWHERE
    found = {}
    for job_id, names in posted.outgoing.shown.filenames.items():
        if is_certain or all(name in by_name for name in names):
            first, *others = (by_name.get(name, untold) for name in names)
            more = tuple(PostedPicture(each.url, each.attachment_id) for each in others)
            found[job_id] = replace(first, more=more)
    return found


def method_to_record(posted: Posted[OutgoingGroup]) -> DeliveryMethod:
    """Return how the message came to be: an edit of one that was moved leaves that as it is."""
    if posted.method is DeliveryMethod.EDIT and posted.outgoing.posted_elsewhere is not None:
        return posted.outgoing.posted_elsewhere
    return posted.method
