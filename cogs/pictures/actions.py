"""The actions of the buttons under pictures: repeat, edit, use, vary, details, share, delete, cancel, retry.

Each click checks who clicks, whose picture it is and what the server's rules say: a button may be years old,
and its custom id can be forged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from discord.ext import commands

from bot.domain.errors import MemberError, MemberReason
from bot.jobs.late_jobs import LateJobResult
from bot.jobs.requests import derived_requests
from cogs.pictures import views
from cogs.pictures.buttons import PICTURE_ID, USE_ONE_ID, Action
from cogs.pictures.details_views import details_view
from cogs.text.translation import gettext, use_locale
from cogs.ui.component_router import component, parse_snowflake, selected_value
from cogs.ui.context import destination_of, guild_id_of, require_manage_guild
from cogs.ui.layout import build_view
from cogs.ui.responses import defer_privately, reply_with_view

if TYPE_CHECKING:
    import re
    from collections.abc import Awaitable, Callable

    import discord

    from bot.domain.access import AccessPolicy
    from bot.domain.jobs import Destination, Job, Reference, Request
    from bot.jobs.history import HistoryItem
    from bot.stores import Stores
    from cogs.imagine.compose import ComposeForms
    from cogs.imagine.draft_cards import DraftCards
    from cogs.imagine.submission import Submission
    from cogs.pictures.deletion import PictureDeletion
    from cogs.pictures.result_messages import ResultMessages
    from cogs.pictures.running_jobs import RunningJobs

    ActionHandler = Callable[[discord.Interaction, HistoryItem], Awaitable[None]]
    DeriveRequest = Callable[[Job, Destination, AccessPolicy, Reference], Request]


class PictureActions(commands.Cog):
    """Handle the buttons under pictures."""

    def __init__(
        self,
        running_jobs: RunningJobs,
        stores: Stores,
        submission: Submission,
        compose_forms: ComposeForms,
        draft_cards: DraftCards,
        result_messages: ResultMessages,
        deletion: PictureDeletion,
    ) -> None:
        self._running_jobs = running_jobs
        self._history = stores.history
        self._late_jobs = stores.late_jobs
        self._catalog = stores.catalog
        self._submission = submission
        self._compose_forms = compose_forms
        self._draft_cards = draft_cards
        self._result_messages = result_messages
        self._deletion = deletion
        self._handlers: dict[Action, ActionHandler] = {
            Action.AGAIN: self._again,
            Action.EDIT: self._edit,
            Action.USE: self._use,
            Action.VARY: self._vary,
            Action.DETAILS: self._details,
            Action.CANCEL: self._cancel,
            Action.RETRY: self._retry,
            Action.SHARE: result_messages.share,
            Action.DELETE: deletion.ask,
        }

    @component(PICTURE_ID)
    async def handle(self, interaction: discord.Interaction, custom_id: re.Match[str]) -> None:
        """Handle a click on a button under a picture.

        Raises:
            MemberError: JOB_UNKNOWN; as the action.
            OperatorError: `database`, `disk`.
            TransientError: Discord does not answer, or answers 429 or 5xx.
        """
        action = Action(custom_id["action"])
        found = await self._history.find(custom_id["job_id"])
        item = derived_requests.require_visible(found, interaction.guild_id, interaction.user.id)
        if action is Action.DELETE_NOW:
            await self._deletion.delete(interaction, item, parse_snowflake(custom_id["message_id"]))
        else:
            await self._handlers[action](interaction, item)

    @component(USE_ONE_ID)
    async def use_one(self, interaction: discord.Interaction, custom_id: re.Match[str]) -> None:
        """Use one of several pictures of a job as a reference.

        Raises:
            MemberError: JOB_UNKNOWN; as *Use as reference*.
            OperatorError: `database`.
            TransientError: Discord does not answer, or answers 429 or 5xx.
        """
        found = await self._history.find(custom_id["job_id"])
        item = derived_requests.require_visible(found, interaction.guild_id, interaction.user.id)
        chosen = selected_value(interaction)
        numbers = {str(number): number for number in range(1, item.job.picture_count + 1)}
        if chosen not in numbers:  # forged
            raise MemberError(MemberReason.JOB_UNKNOWN)
        await self._use(interaction, item, numbers[chosen])

    async def _again(self, interaction: discord.Interaction, item: HistoryItem) -> None:
        await self._submission.submit(interaction, await self._repeat_request(interaction, item))

    async def _edit(self, interaction: discord.Interaction, item: HistoryItem) -> None:
        await self._draft_cards.begin(interaction, await self._repeat_request(interaction, item))

    async def _repeat_request(self, interaction: discord.Interaction, item: HistoryItem) -> Request:
        destination = destination_of(interaction, private=_is_private(interaction, item))
        policy = await self._history.policy(guild_id_of(interaction))
        return derived_requests.repeat_request(item.job, destination, policy)

    async def _use(self, interaction: discord.Interaction, item: HistoryItem, number: int = 1) -> None:
        derive = derived_requests.request_from_picture
        request = await self._from_picture(interaction, item, derive, number)
        await self._compose_forms.open(interaction, request, extends=True)

    async def _vary(self, interaction: discord.Interaction, item: HistoryItem) -> None:
        request = await self._from_picture(interaction, item, derived_requests.vary_request)
        await self._submission.submit(interaction, request)

    async def _from_picture(
        self, interaction: discord.Interaction, item: HistoryItem, derive: DeriveRequest, number: int = 1
    ) -> Request:
        destination = destination_of(interaction, private=_is_private(interaction, item))
        policy = await self._history.policy(guild_id_of(interaction))
        reference = await self._result_messages.as_reference(interaction, item, number)
        return derive(item.job, destination, policy, reference)

    async def _details(self, interaction: discord.Interaction, item: HistoryItem) -> None:
        ancestry = await self._history.ancestry(item.job.job_id)
        view, files = details_view(
            item,
            ancestry,
            user_id=interaction.user.id,
            channel_id=interaction.channel_id,
            model_name=self._catalog.name_to_show(item.job.request.model),
        )
        await reply_with_view(interaction, view, files)

    async def _cancel(self, interaction: discord.Interaction, item: HistoryItem) -> None:
        is_own = item.job.request.destination.user_id == interaction.user.id
        if not is_own and not interaction.permissions.manage_messages:
            raise MemberError(MemberReason.NOT_ALLOWED, missing=("manage_messages",))
        await interaction.response.defer()
        if not await self._running_jobs.engine.cancel(item.job.job_id):
            raise MemberError(MemberReason.TOO_LATE_TO_CANCEL)
        destination = item.job.request.destination
        with use_locale(destination.locale if destination.private else destination.guild_locale):
            view = views.cancelled_view(item.job)
        await interaction.edit_original_response(view=view)
        await self._running_jobs.refresh_group_of(item.job)

    async def _retry(self, interaction: discord.Interaction, item: HistoryItem) -> None:
        is_own = item.job.request.destination.user_id == interaction.user.id
        if not is_own:
            require_manage_guild(interaction)
        if not await defer_privately(interaction):
            return
        if item.job.is_missing and await self._late_jobs.retry(item.job.job_id) is LateJobResult.DONE:
            self._running_jobs.wake()
            await self._running_jobs.refresh_group_of(item.job)
            sentence = gettext(
                "Trying again now. The picture comes where it was asked for, or as a direct message to its"
                " member."
            )
        else:
            sentence = gettext("There is nothing to fetch: this picture is no longer missing.")
        await interaction.edit_original_response(view=build_view(sentence))


def _is_private(interaction: discord.Interaction, item: HistoryItem) -> bool:
    """Whether the result is private: the picture is, or it was shared after this private message."""
    message = interaction.message
    was_private = message is not None and message.flags.ephemeral and item.job.shared_at is not None
    return item.job.request.destination.private or was_private
