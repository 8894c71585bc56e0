"""The actions of the buttons under a group: cancel, repeat all or what is missing, pick one, delete, vote.

Each click checks who clicks, whose group it is and what the server's rules say: a button may be years old,
and its custom id can be forged.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from discord.ext import commands

from bot.domain.access import require_not_blocked
from bot.domain.errors import MemberError, MemberReason
from bot.domain.jobs import IN_FLIGHT, RequestOptions
from bot.jobs.requests import derived_requests
from cogs.pictures import pick_views
from cogs.pictures.group_buttons import GROUP_ID, GroupAction
from cogs.pictures.group_states import can_cancel, can_vote, ended_without_picture, has_picture
from cogs.text.translation import gettext
from cogs.ui.component_router import component, parse_snowflake, selected_values
from cogs.ui.context import destination_of, guild_id_of
from cogs.ui.responses import reply_privately

if TYPE_CHECKING:
    import re
    from collections.abc import Awaitable, Callable, Sequence

    import discord

    from bot.domain.jobs import Job
    from bot.jobs.groups import JobGroup
    from bot.jobs.history import HistoryItem
    from bot.stores import Stores
    from cogs.imagine.compose import ComposeForms
    from cogs.imagine.submission import Submission
    from cogs.pictures.deletion import PictureDeletion
    from cogs.pictures.image_sources import ImageSources
    from cogs.pictures.result_messages import ResultMessages
    from cogs.pictures.running_jobs import RunningJobs

    GroupHandler = Callable[[discord.Interaction, JobGroup, int], Awaitable[None]]


class GroupActions(commands.Cog):
    """Handle the buttons under groups, and the menus of their cards."""

    def __init__(
        self,
        running_jobs: RunningJobs,
        stores: Stores,
        submission: Submission,
        compose_forms: ComposeForms,
        result_messages: ResultMessages,
        deletion: PictureDeletion,
        image_sources: ImageSources,
    ) -> None:
        self._running_jobs = running_jobs
        self._groups = stores.groups
        self._history = stores.history
        self._catalog = stores.catalog
        self._submission = submission
        self._compose_forms = compose_forms
        self._result_messages = result_messages
        self._deletion = deletion
        self._image_sources = image_sources
        self._handlers: dict[GroupAction, GroupHandler] = {
            GroupAction.CANCEL: self._cancel,
            GroupAction.AGAIN: self._again,
            GroupAction.MISSING: self._missing,
            GroupAction.PICK: self._pick,
            GroupAction.SHOW: self._show,
            GroupAction.BACK: self._back,
            GroupAction.USE: self._use,
            GroupAction.DELETE: self._ask_to_delete,
            GroupAction.DELETE_ONE: self._delete_one,
            GroupAction.DELETE_ALL: deletion.delete_group,
            GroupAction.VOTE: self._vote,
        }

    @component(GROUP_ID)
    async def handle(self, interaction: discord.Interaction, custom_id: re.Match[str]) -> None:
        """Handle a click on a button under a group, or a choice in a menu.

        Raises:
            MemberError: JOB_UNKNOWN; as the action.
            OperatorError: `database`, `disk`.
            TransientError: Discord does not answer, or answers 429 or 5xx.
        """
        found = await self._groups.find(parse_snowflake(custom_id["interaction_id"]))
        group = derived_requests.require_group_visible(found, interaction.guild_id, interaction.user.id)
        detail = parse_snowflake(custom_id["detail"])
        await self._handlers[GroupAction(custom_id["action"])](interaction, group, detail)

    async def _cancel(self, interaction: discord.Interaction, group: JobGroup, _: int) -> None:
        """Cancel the pictures that still can be, and say which."""
        is_own = group.jobs[0].request.destination.user_id == interaction.user.id
        if not is_own and not interaction.permissions.manage_messages:
            raise MemberError(MemberReason.NOT_ALLOWED, missing=("manage_messages",))
        await interaction.response.defer()
        cancelled, too_late = [], []
        for job in group.jobs:
            if can_cancel(job) and await self._running_jobs.engine.cancel(job.job_id):
                cancelled.append(job)
            elif job.stage in IN_FLIGHT:
                too_late.append(job)
        await reply_privately(interaction, pick_views.cancelled_text(cancelled, too_late))
        await self._running_jobs.refresh_group(group.interaction_id)

    async def _again(self, interaction: discord.Interaction, group: JobGroup, _: int) -> None:
        await self._repeat(interaction, group, group.jobs)

    async def _missing(self, interaction: discord.Interaction, group: JobGroup, _: int) -> None:
        """Ask again for the pictures that there will never be."""
        if missing := [job for job in group.jobs if ended_without_picture(job) and job.deleted_at is None]:
            await self._repeat(interaction, group, missing)
        else:
            await reply_privately(interaction, gettext("No picture is missing any more."))

    async def _repeat(self, interaction: discord.Interaction, group: JobGroup, jobs: Sequence[Job]) -> None:
        message = interaction.message
        hidden = message is not None and message.flags.ephemeral
        private = hidden or group.is_private
        policy = await self._history.policy(guild_id_of(interaction))
        destination = destination_of(interaction, private=private)
        request = derived_requests.repeat_jobs(group.kind, jobs, destination, policy)
        await self._submission.submit(interaction, request)

    async def _pick(self, interaction: discord.Interaction, group: JobGroup, _: int) -> None:
        """Open the private card with the menu of the pictures."""
        view = pick_views.pick_view(_with_something_left(group), self._catalog.name_of)
        await interaction.response.send_message(view=view, ephemeral=True)

    async def _back(self, interaction: discord.Interaction, group: JobGroup, _: int) -> None:
        view = pick_views.pick_view(_with_something_left(group), self._catalog.name_of)
        await interaction.response.edit_message(view=view, attachments=[])

    async def _show(self, interaction: discord.Interaction, group: JobGroup, _: int) -> None:
        """Show the chosen picture in the card."""
        item = (await self._chosen(interaction, group))[0]
        if item.job.deleted_at is not None:
            raise MemberError(MemberReason.PICTURE_DELETED)
        await interaction.response.defer()
        url, files = await self._image_sources.full_size(item)
        url = url or await self._result_messages.image_url(item)
        view = pick_views.picked_view(
            group,
            item,
            url,
            name_of=self._catalog.name_of,
            can_vary=self._catalog.takes_reference(item.job.request.model),
            in_guild=interaction.guild_id is not None,
        )
        await interaction.edit_original_response(view=view, attachments=files)

    async def offer_references(self, interaction: discord.Interaction, job_id: str) -> bool:
        """Ask which pictures of a job's group become references; False if it has not several.

        Raises:
            OperatorError: `database`.
        """
        item = await self._history.find(job_id)
        if item is None or item.job.place is None:
            return False
        found = await self._groups.find(item.job.request.destination.interaction_id)
        try:
            group = derived_requests.require_group_visible(found, interaction.guild_id, interaction.user.id)
        except MemberError:
            return False
        if sum(map(has_picture, group.jobs)) < 2:  # noqa: PLR2004  # several
            return False
        view = pick_views.use_view(group, self._catalog.name_of, self._catalog.most_references)
        await interaction.response.send_message(view=view, ephemeral=True)
        return True

    async def _use(self, interaction: discord.Interaction, group: JobGroup, _: int) -> None:
        """Show a form with the chosen pictures as references."""
        items = await self._chosen(interaction, group)
        found = await asyncio.gather(
            *(self._result_messages.as_reference(interaction, item) for item in items)
        )
        jobs = [item.job for item in items]
        options = RequestOptions(
            destination=destination_of(interaction),
            prompt="",
            private=any(job.request.destination.private for job in jobs) or None,
            references=tuple(
                replace(reference, job_id=job.job_id) for reference, job in zip(found, jobs, strict=True)
            ),
            spoiler=any(job.request.spoiler for job in jobs),
            parent_job_id=jobs[0].job_id,
        )
        await self._compose_forms.open(interaction, options, extends=True)

    async def _ask_to_delete(self, interaction: discord.Interaction, group: JobGroup, _: int) -> None:
        await self._deletion.ask_about_group(interaction, group)

    async def _delete_one(self, interaction: discord.Interaction, group: JobGroup, _: int) -> None:
        item = (await self._chosen(interaction, group))[0]
        await self._deletion.delete(interaction, item)

    async def _vote(self, interaction: discord.Interaction, group: JobGroup, place: int) -> None:
        """Count a vote; the numbers in the labels follow."""
        policy = await self._history.policy(guild_id_of(interaction))
        require_not_blocked(interaction.user.id, policy)
        job = next((job for job in group.jobs if job.number == place), None)
        if job is None or not can_vote(group):
            raise MemberError(MemberReason.JOB_UNKNOWN)
        if not has_picture(job):
            raise MemberError(MemberReason.PICTURE_DELETED)
        await interaction.response.defer()
        if await self._groups.vote(group.interaction_id, interaction.user.id, place):
            await self._running_jobs.refresh_group(group.interaction_id)
        else:
            sentence = gettext(
                "You have voted for picture {number} already. A click on another one moves your vote.",
                number=place,
            )
            await reply_privately(interaction, sentence)

    async def _chosen(self, interaction: discord.Interaction, group: JobGroup) -> list[HistoryItem]:
        """Return the pictures that were chosen in a menu, in the order of their numbers.

        Raises:
            MemberError: JOB_UNKNOWN; the choice is forged, or somebody else has hidden it since.
        """
        values = selected_values(interaction)
        jobs = [job for job in group.jobs if str(job.number) in values]
        items = [await self._history.find(job.job_id) for job in jobs]
        found = [item for item in items if item is not None]
        if not found or len(found) != len(values):
            raise MemberError(MemberReason.JOB_UNKNOWN)
        return found


def _with_something_left(group: JobGroup) -> JobGroup:
    """Return the group if not all of it was deleted.

    Raises:
        MemberError: PICTURE_DELETED.
    """
    if all(job.deleted_at is not None for job in group.jobs):
        raise MemberError(MemberReason.PICTURE_DELETED)
    return group
