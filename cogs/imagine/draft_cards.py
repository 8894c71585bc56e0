"""Choose model, size, format and settings on a private card, before the form takes words and references.

The custom id of each list holds the id of the draft, which has what was chosen, so cards survive restarts.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from discord.ext import commands

from bot.domain.access import require_model
from bot.domain.errors import MemberError, MemberReason
from bot.jobs.requests import draft_choices
from bot.jobs.requests.model_choice import ChosenModel, naming_others
from cogs.imagine import draft_card_views as views
from cogs.imagine.model_choices import unusable
from cogs.ui.component_router import component, parse_snowflake, selected_value, selected_values
from cogs.ui.context import destination_of, request_context

if TYPE_CHECKING:
    import re

    import discord
    from discord import ui

    from bot.domain.image_models import ImageModel
    from bot.domain.jobs import Request, RequestOptions
    from bot.domain.model_catalog import ModelCatalog
    from bot.domain.model_settings import SettingValues
    from bot.engine.engine import JobEngine
    from bot.jobs.requests.drafts import Draft, DraftStore
    from bot.jobs.requests.member_standing import MemberStandingReader
    from cogs.imagine.compose import ComposeForms
    from cogs.imagine.rejection import RejectedRequests
    from cogs.imagine.submission import Submission


class DraftCards(commands.Cog):
    """The private cards of drafts, with the lists to choose from."""

    def __init__(
        self,
        submission: Submission,
        engine: JobEngine,
        drafts: DraftStore,
        catalog: ModelCatalog,
        standings: MemberStandingReader,
        compose_forms: ComposeForms,
        rejected_requests: RejectedRequests,
    ) -> None:
        self._compose_forms = compose_forms
        self._rejected_requests = rejected_requests
        self._submission = submission
        self._engine = engine
        self._drafts = drafts
        self._catalog = catalog
        self._standings = standings

    async def begin(self, interaction: discord.Interaction, request: Request | RequestOptions) -> None:
        """Save a request as a draft and show its card, or its form where one model is offered.

        If it would be refused whatever is typed into the form, say why and give back what was typed.

        Raises:
            OperatorError: `database`.
        """
        try:
            if not self._catalog.has_choice:
                await self._compose_forms.open(interaction, request)
                return
            draft = await self._engine.open_draft(request, request_context(interaction))
        except MemberError as error:
            await self._rejected_requests.offer_retry(interaction, request, error)
            return
        if draft is not None:  # else Discord has delivered this interaction before
            await self._send_card(interaction, draft)

    @component(views.CARD_ID)
    async def show(self, interaction: discord.Interaction, custom_id: re.Match[str]) -> None:
        """Show the card of a draft, such as that of a request which was refused because of its model.

        Raises:
            MemberError: DRAFT_TAKEN; the draft is somebody else's, expired or was submitted.
            OperatorError: `database`.
        """
        draft = await self._submission.unsent_draft(interaction, parse_snowflake(custom_id["draft_id"]))
        await self._send_card(interaction, draft)

    async def _send_card(self, interaction: discord.Interaction, draft: Draft) -> None:
        view = await self._card(interaction, draft)
        await interaction.response.send_message(view=view, ephemeral=True)

    @component(views.CHOICE_ID)
    async def choose(self, interaction: discord.Interaction, custom_id: re.Match[str]) -> None:
        """Change the draft by what was chosen in one of the lists, and show its card again.

        Raises:
            MemberError: DRAFT_TAKEN; the draft is somebody else's, expired or was submitted;
                MODEL_UNAVAILABLE, MODEL_REFUSED, TOO_MANY_PICTURES.
            OperatorError: `database`.
        """
        what, value = custom_id["what"], selected_value(interaction)
        before = await self._submission.unsent_draft(interaction, parse_snowflake(custom_id["draft_id"]))
        if what == views.MODEL:
            models = await self._models(interaction, before, selected_values(interaction) or [value])
            change = partial(draft_choices.for_models, models=models)
        else:
            change = partial(self._chosen, what=what, value=value)
        after = await self._drafts.change(before.draft_id, change)
        if after is None:
            raise MemberError(MemberReason.DRAFT_TAKEN)
        lost = draft_choices.lost_settings(before, after)
        await interaction.response.edit_message(view=await self._card(interaction, after, lost))

    async def _card(
        self, interaction: discord.Interaction, draft: Draft, lost: SettingValues = ()
    ) -> ui.LayoutView:
        """Make the card of a draft by what its member may use and spend now."""
        context = request_context(interaction)
        models = views.models_of(draft, self._catalog)
        standing, quotes = await self._standings.read_with_quotes(
            draft.guild_id, draft.user_id, context.role_ids, models, draft.settings
        )
        reasons = unusable(self._catalog, context, standing, draft.pictures)
        return views.card_view(draft, self._catalog, quotes, reasons, lost)

    async def _models(
        self, interaction: discord.Interaction, draft: Draft, model_ids: list[str]
    ) -> list[ImageModel]:
        """Return the models that were chosen for a draft, if they are there and its member may use them.

        The list may be old, and the values forged.
        """
        context = request_context(interaction)
        standing = await self._standings.read(draft.guild_id, draft.user_id, context.role_ids)
        request, models = draft.request(destination_of(interaction)), []
        if (count := len(model_ids)) > (limit := standing.policy.picture_limit):
            raise MemberError(MemberReason.TOO_MANY_PICTURES, count=count, limit=limit, compared=True)
        for model_id in dict.fromkeys(model_ids):
            chosen = ChosenModel(model_id, preset=draft.preset)
            with naming_others(self._catalog, chosen, request, context, standing.policy):
                require_model(model_id, context, standing.policy)
                models.append(self._catalog.require(model_id))
        return models

    def _chosen(self, draft: Draft, what: str, value: str) -> Draft:
        """Return a draft with a choice; the value may be forged, so the model has to take it."""
        model = self._catalog.offered_or_nearest(draft.model)
        if what == views.SIZE:
            return draft_choices.with_size(draft, model, value)
        if what == views.PICTURES:
            return draft_choices.with_pictures(draft, value)
        if what == views.FORMAT:
            return draft_choices.with_format(draft, model, value)
        name, _, option = value.partition("=")
        return draft_choices.with_setting(draft, model, name, option)
