"""Submit requests from commands, buttons and forms, and translate the result for Discord."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from discord.ext import commands

from bot.discord_client.errors import DiscordErrorKind, classify
from bot.domain.errors import MemberError, MemberReason
from bot.jobs.requests.submission import Accepted, NeedsConfirmation
from cogs.imagine import confirm_views
from cogs.imagine.fewer_pictures import FEWER_ID
from cogs.ui.component_router import component, parse_snowflake
from cogs.ui.context import destination_of, request_context
from cogs.ui.responses import DeferOutcome, defer, replace_message

if TYPE_CHECKING:
    import re

    import discord
    from discord import ui

    from bot.background.alert_notifier import AlertNotifier
    from bot.domain.jobs import Request, RequestOptions
    from bot.domain.model_catalog import ModelCatalog
    from bot.engine.engine import JobEngine
    from bot.jobs.requests.drafts import Draft, DraftStore
    from cogs.imagine.rejection import RejectedRequests


class Submission(commands.Cog):
    """Submits requests, and asks for a confirmation of their price where the guild wants that."""

    def __init__(
        self,
        engine: JobEngine,
        drafts: DraftStore,
        alert_notifier: AlertNotifier,
        rejected_requests: RejectedRequests,
        catalog: ModelCatalog,
    ) -> None:
        self._catalog = catalog
        self._engine = engine
        self._drafts = drafts
        self._alert_notifier = alert_notifier
        self._rejected_requests = rejected_requests

    async def submit(
        self,
        interaction: discord.Interaction,
        request: Request | RequestOptions,
        *,
        draft_id: int | None = None,
    ) -> None:
        """Submit a request; if it is refused, say why and give back what was typed. Never raises.

        `draft_id` is the draft that the request comes from, if any.
        """
        try:
            await self._submit(interaction, request, draft_id=draft_id, confirmed=False)
        except Exception as error:  # noqa: BLE001  # each is reported to the member and logged
            await self._rejected_requests.offer_retry(interaction, request, error)

    @component(confirm_views.CONFIRM_ID)
    async def answer(self, interaction: discord.Interaction, custom_id: re.Match[str]) -> None:
        """Handle the yes or no to a price.

        Raises:
            MemberError, OperatorError: the request was refused; the question stays, so yes can be clicked
            again.
        """
        handle = self._confirm if custom_id["answer"] == confirm_views.YES else self._decline
        await handle(interaction, parse_snowflake(custom_id["draft_id"]))

    @component(FEWER_ID)
    async def ask_for_fewer(self, interaction: discord.Interaction, custom_id: re.Match[str]) -> None:
        """Submit a refused request again, for as many pictures as would have been accepted.

        Raises:
            MemberError: DRAFT_TAKEN; it is somebody else's, expired or was submitted.
            OperatorError: `database`.
        """
        draft_id = parse_snowflake(custom_id["draft_id"])
        draft = await self.unsent_draft(interaction, draft_id)
        request = draft.request(destination_of(interaction, private=draft.private))
        await self.submit(
            interaction, replace(request, pictures=int(custom_id["pictures"])), draft_id=draft_id
        )

    async def _confirm(self, interaction: discord.Interaction, draft_id: int) -> None:
        """Submit a draft whose price was confirmed, and replace the question."""
        draft = await self.own_draft(interaction, draft_id)
        if draft is None or draft.taken:
            view = _expired(draft)
            await interaction.response.edit_message(view=view)
            return
        request = draft.request(destination_of(interaction, private=draft.private))
        if await self._submit(interaction, request, draft_id=draft_id, confirmed=True):
            await replace_message(interaction, _expired(draft))

    async def _decline(self, interaction: discord.Interaction, draft_id: int) -> None:
        """Delete a draft whose price was declined: the question may be open on another device."""
        draft = await self.own_draft(interaction, draft_id)
        if draft is not None and await self._drafts.delete(draft_id):
            view = confirm_views.declined_view()
        else:
            view = _expired(await self.own_draft(interaction, draft_id))
        await interaction.response.edit_message(view=view)

    async def _submit(
        self,
        interaction: discord.Interaction,
        request: Request | RequestOptions,
        *,
        draft_id: int | None,
        confirmed: bool,
    ) -> bool:
        """Commit the jobs, then answer Discord, then start them; returns whether they have started.

        In this order nothing is spent if the answer is lost.
        """
        context = request_context(interaction)
        try:
            result = await self._engine.submit(request, context, draft_id=draft_id, confirmed=confirmed)
        finally:
            # An accepted request may have reached an alert threshold; a refused one shows that it is reached.
            self._alert_notifier.check_soon(request.destination.guild_id)
        match result:
            case Accepted():
                return await self._begin(interaction, result)
            case NeedsConfirmation():
                await self._ask(interaction, result, draft_id)
        return False

    async def _ask(
        self, interaction: discord.Interaction, question: NeedsConfirmation, draft_id: int | None
    ) -> None:
        """Ask about a price.

        If the question does not arrive, Discord leaves the form open. Its draft is saved again, so that the
        form can be submitted again.
        """
        try:
            model_name = self._catalog.name_to_show(question.request.model)
            view = confirm_views.price_question_view(question, model_name)
            await interaction.response.send_message(view=view, ephemeral=True)
        except Exception as error:
            arrived = classify(error) is DiscordErrorKind.ALREADY_ACKNOWLEDGED  # an earlier attempt did
            if draft_id is not None and not arrived:
                destination = replace(question.request.destination, interaction_id=draft_id)
                await self._drafts.save(replace(question.request, destination=destination))
            raise

    async def _begin(self, interaction: discord.Interaction, accepted: Accepted) -> bool:
        """Answer Discord once and start every job; returns whether they have started."""
        deferred = await defer(interaction, private=accepted.job.request.destination.private)
        if deferred.outcome is DeferOutcome.LOST:
            await self._engine.cancel_unacknowledged(*accepted.jobs)
            return False
        # If it is unclear, the engine asks Discord for our answer before anything is spent.
        answered = deferred.outcome is DeferOutcome.KNOWN
        for job in accepted.jobs:
            self._engine.start(job, answered=answered, message_id=deferred.message_id)
        return True

    async def own_draft(self, interaction: discord.Interaction, draft_id: int) -> Draft | None:
        """Return a draft if it is this member's in this server."""
        draft = await self._drafts.find(draft_id)
        owner = (interaction.guild_id, interaction.user.id)
        return draft if draft is not None and (draft.guild_id, draft.user_id) == owner else None

    async def unsent_draft(self, interaction: discord.Interaction, draft_id: int) -> Draft:
        """Return a draft of this member in this server that can still be submitted.

        Raises:
            MemberError: DRAFT_TAKEN; it is somebody else's, expired or was submitted.
            OperatorError: `database`.
        """
        draft = await self.own_draft(interaction, draft_id)
        if draft is None or draft.taken:
            raise MemberError(MemberReason.DRAFT_TAKEN)
        return draft


def _expired(draft: Draft | None) -> ui.LayoutView:
    """Return what replaces a question that was answered with yes, or whose draft is gone."""
    pictures = 1 if draft is None else draft.picture_count
    return confirm_views.expired_view(started=draft is not None, pictures=pictures)
