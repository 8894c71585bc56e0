"""Choose model, size, format and settings on a private card, before the form takes words and references.

The custom id of each list holds the id of the draft, which has what was chosen, so cards survive restarts.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

from discord.ext import commands

from bot.domain.errors import MemberError, MemberReason
from bot.jobs import draft_choices
from cogs.imagine import choice_views
from cogs.ui.component_router import component, parse_snowflake
from cogs.ui.context import request_context

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    import discord

    from bot.domain.jobs import RequestOptions
    from bot.domain.model_catalog import ModelCatalog
    from bot.engine.engine import JobEngine
    from bot.jobs.drafts import Draft, DraftStore
    from cogs.imagine.submission import Submission


class ModelChoices(commands.Cog):
    """The cards on which a model is chosen, with what it lets choose."""

    def __init__(
        self, submission: Submission, engine: JobEngine, drafts: DraftStore, catalog: ModelCatalog
    ) -> None:
        self._submission = submission
        self._engine = engine
        self._drafts = drafts
        self._catalog = catalog

    async def open(self, interaction: discord.Interaction, options: RequestOptions) -> None:
        """Save a request as a draft and show its card.

        Raises:
            MemberError: the request would be refused, whatever is chosen for it.
            OperatorError: `database`.
        """
        draft = await self._engine.open_draft(options, request_context(interaction))
        if draft is not None:  # else Discord has delivered this interaction before
            view = choice_views.choices_view(draft, self._catalog)
            await interaction.response.send_message(view=view, ephemeral=True)

    @component(choice_views.CHOICE_ID)
    async def choose(self, interaction: discord.Interaction, custom_id: re.Match[str]) -> None:
        """Change the draft by what was chosen in one of the lists, and show its card again.

        Raises:
            MemberError: DRAFT_TAKEN; the draft is somebody else's, expired or was submitted;
                MODEL_UNAVAILABLE.
            OperatorError: `database`.
        """
        draft_id = parse_snowflake(custom_id["draft_id"])
        before = await self._submission.own_draft(interaction, draft_id)
        value = str(cast("dict[str, Any]", interaction.data)["values"][0])
        change = self._change(custom_id["what"], value)
        after = None if before is None else await self._drafts.change(draft_id, change)
        if before is None or after is None:
            raise MemberError(MemberReason.DRAFT_TAKEN)
        lost = draft_choices.lost_settings(before, after)
        await interaction.response.edit_message(view=choice_views.choices_view(after, self._catalog, lost))

    def _change(self, what: str, value: str) -> Callable[[Draft], Draft]:
        """Return what a choice makes of a draft. The value may be forged, so the model has to take it."""
        if what == choice_views.MODEL:
            return partial(draft_choices.for_model, model=self._catalog.require(value))
        return lambda draft: self._chosen(draft, what, value)

    def _chosen(self, draft: Draft, what: str, value: str) -> Draft:
        model = self._catalog.offered_or_nearest(draft.model)
        if what == choice_views.SIZE:
            return draft_choices.with_size(draft, model, value)
        if what == choice_views.FORMAT:
            return draft_choices.with_format(draft, model, value)
        name, _, option = value.partition("=")
        return draft_choices.with_setting(draft, model, name, option)
