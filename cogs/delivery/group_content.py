"""What the message of a group shows: what its rows say, and what this process knows besides."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.jobs import Stage
from bot.domain.progress import LATE_PHASES
from cogs.delivery.outgoing_group import (
    OutgoingGroup,
    filenames,
    fitting,
    group_address,
    kept_in,
    pictures_of,
)
from cogs.pictures.group_views import ShownGroup
from cogs.ui.discord_limits import KeptAttachment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bot.domain.jobs import DeliveredMessage, Destination, Job
    from bot.domain.limits import Receipt
    from bot.domain.model_catalog import ModelCatalog
    from bot.domain.progress import Progress
    from bot.jobs.groups import JobGroup
    from cogs.delivery.message_sender import Address
    from cogs.delivery.outgoing_group import Kept, NewFiles
    from cogs.delivery.posted_pictures import PostedPictures


class GroupContent:
    """The content of one message. What is only here is lost at a restart, and needed by nothing."""

    def __init__(self, posted_pictures: PostedPictures, catalog: ModelCatalog) -> None:
        self._posted_pictures = posted_pictures
        self._catalog = catalog
        self._progress: dict[str, Progress] = {}
        """Of the running jobs."""
        self.has_news = False
        """Whether the message does not show something yet that is neither a picture nor a failure."""
        self._receipt: Receipt | None = None
        self._over_limit: dict[str, int] = {}
        self.stuck: set[str] = set()
        """The jobs whose pictures Discord refuses here."""
        self._show_prompt = True
        self._shrunk: frozenset[str] = frozenset()
        self._left_out: dict[str, int] = {}
        self._unreachable: frozenset[str] = frozenset()
        self._destination: Destination | None = None
        self._attached: dict[str, tuple[int, Kept]] = {}
        """The pictures that this process has put into the message of this id."""
        self._fetched: dict[str, NewFiles] = {}
        """Pictures that were posted before, and are not in the message as it is now."""

    @property
    def is_incomplete(self) -> bool:
        """Whether pictures are left that one request did not take."""
        return bool(self._fetched)

    def address(self, group: JobGroup) -> Address:
        """Return where the message belongs. The rows of ended jobs have no token; it is kept here."""
        address = group_address(group)
        if address.destination.interaction_token:
            self._destination = address.destination
        elif self._destination is not None:
            address = replace(address, destination=self._destination)
        return address

    def kept(self, group: JobGroup) -> dict[str, Kept]:
        """Return the pictures in the message. Of one that is shared, the row has another message."""
        here = 0 if group.message is None else group.message.message_id
        known = {}
        for job in group.jobs:
            message_id, kept = self._attached.get(job.job_id, (0, ()))
            if kept and message_id == here and job.deleted_at is None:
                known[job.job_id] = kept
        return known | kept_in(group)

    def note_progress(self, job_id: str, progress: Progress) -> bool:
        """Remember what a job is doing; returns whether that is new."""
        if self._progress.get(job_id) == progress:
            return False
        self._progress[job_id] = progress
        self.has_news = True
        return True

    def note_stuck(self, job_ids: Iterable[str]) -> None:
        """Remember that Discord refuses the pictures of these jobs here."""
        self.stuck |= set(job_ids)
        self.has_news = True

    def note_receipt(self, job_id: str, receipt: Receipt) -> None:
        """Remember the receipt of the job that ended last, with what all have cost beyond a limit."""
        self._over_limit[job_id] = receipt.over_limit_credits
        self._receipt = replace(receipt, over_limit_credits=sum(self._over_limit.values()))

    async def fetch_absent(self, group: JobGroup, kept: Mapping[str, Kept]) -> dict[str, NewFiles]:
        """Fetch the pictures that were posted, and are not in the message as it is now."""
        absent = [
            job
            for job in group.jobs
            if job.stage is Stage.DELIVERED
            and job.deleted_at is None
            and job.delivered_message is not None
            and job.job_id not in kept
            and job.job_id not in self._unreachable
        ]
        absent_ids = {job.job_id for job in absent}
        self._fetched = {job_id: each for job_id, each in self._fetched.items() if job_id in absent_ids}
        fetched = await self.fetch(absent)
        self._unreachable |= {job_id for job_id, files in fetched.items() if files is None}
        return {job_id: files for job_id, files in fetched.items() if files is not None}

    async def fetch(self, jobs: Sequence[Job]) -> dict[str, NewFiles | None]:
        """Fetch pictures that were posted before, unless they are here; None for one that is unreachable.

        Raises:
            TransientError: as `PostedPictures.fetch`.
        """
        found = await self._posted_pictures.fetch([job for job in jobs if job.job_id not in self._fetched])
        self._fetched |= {job_id: files for job_id, files in found.items() if files is not None}
        return {job.job_id: self._fetched.get(job.job_id) for job in jobs}

    def forget_fetched(self) -> None:
        """Forget the pictures that are left, as they cannot be posted now."""
        self._fetched.clear()

    def outgoing(
        self, group: JobGroup, kept: Mapping[str, Kept], files: Mapping[str, NewFiles]
    ) -> OutgoingGroup:
        """Return the message as it is to be now, with as many of the files as one request takes."""
        new = fitting(group, files)
        self._left_out |= {job_id: file.lost for job_id, file in new.items() if file.lost}
        models = {job.request.model for job in group.jobs}
        shown = ShownGroup(
            group,
            filenames=filenames(kept, new),
            progress=self._progress,
            receipt=self._receipt,
            model_names={model_id: self._catalog.name_to_show(model_id) for model_id in models},
            most={
                job.job_id: self._catalog.most_pictures(job.request.model, job.request.settings)
                for job in group.jobs
            },
            left_out=dict(self._left_out),
            shrunk=self._shrunk | {job_id for job_id, file in new.items() if file.shrunk},
            unreachable=self._unreachable,
            stuck=frozenset(self.stuck),
            show_prompt=self._show_prompt,
        )
        return OutgoingGroup(shown, self.address(group), group.message, kept, new, self.fetch)

    def is_worth_an_edit(self, group: JobGroup, address: Address) -> bool:
        """Whether progress is: without the token only if it is about lateness."""
        running = [self._progress.get(job.job_id) for job in group.jobs if job.finished_at is None]
        late = any(progress is not None and progress.phase in LATE_PHASES for progress in running)
        return address.token_lives or late

    def note(self, outgoing: OutgoingGroup) -> None:
        """Remember what was left out, or made smaller, of the message that was posted."""
        self._show_prompt = outgoing.shown.show_prompt
        self._shrunk |= outgoing.shown.shrunk
        self._unreachable |= outgoing.shown.unreachable

    def note_attached(self, outgoing: OutgoingGroup, found: Mapping[str, DeliveredMessage]) -> None:
        """Remember which pictures the message has."""
        for job_id, first in found.items():
            self._fetched.pop(job_id, None)
            names = outgoing.shown.filenames[job_id]
            self._attached[job_id] = (
                first.message_id,
                tuple(
                    KeptAttachment(each.attachment_id, name)
                    for each, name in zip(pictures_of(first), names, strict=True)
                    if each.attachment_id is not None
                ),
            )
