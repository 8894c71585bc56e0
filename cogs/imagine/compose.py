"""Compose a picture in a form: show the form, and submit what comes back.

The custom id of a form holds the id of its draft, which has the rest of the request, so forms survive
restarts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from discord.ext import commands

from bot.domain.errors import KuasError, MemberError, MemberReason
from bot.domain.jobs import MOST_PICTURES, Request, RequestOptions
from bot.jobs.requests.drafts import Draft, draft_from
from cogs.imagine import form
from cogs.text.translation import ngettext
from cogs.ui.component_router import component, modal, parse_snowflake
from cogs.ui.context import destination_of, request_context

if TYPE_CHECKING:
    import re

    import discord
    from discord import ui

    from bot.domain.jobs import Destination, Reference
    from bot.domain.model_catalog import ModelCatalog
    from bot.engine.engine import JobEngine
    from cogs.imagine.rejection import RejectedRequests
    from cogs.imagine.submission import Submission


class ComposeForms(commands.Cog):
    """The forms for composing a picture."""

    def __init__(
        self,
        submission: Submission,
        engine: JobEngine,
        rejected_requests: RejectedRequests,
        catalog: ModelCatalog,
    ) -> None:
        self._catalog = catalog
        self._submission = submission
        self._rejected_requests = rejected_requests
        self._engine = engine

    async def open_with_reference(
        self,
        interaction: discord.Interaction,
        reference: Reference,
        *,
        note: str = "",
        parent_job_id: str | None = None,
    ) -> None:
        """Show a form with a reference and the member's defaults; `note` is about the reference.

        A form that the member has begun a moment ago is shown again, with the reference added, if its model
        takes as many.

        Raises:
            MemberError: GUILD_ONLY, or as `open`.
            OperatorError: `database`.
        """
        options = RequestOptions(
            destination=destination_of(interaction),
            prompt="",
            references=(replace(reference, job_id=parent_job_id),),
            parent_job_id=parent_job_id,
        )
        await self.open(interaction, options, note=note, extends=True)

    async def open(
        self,
        interaction: discord.Interaction,
        request: Request | RequestOptions,
        *,
        note: str = "",
        extends: bool = False,
    ) -> None:
        """Save a request as a draft and show its form, which has to be the first answer.

        With `extends` its references may be added to another draft: see `JobEngine.open_draft`.

        Raises:
            MemberError: the request would be refused, whatever is typed into the form.
            OperatorError: `database`.
        """
        draft = await self._engine.open_draft(request, request_context(interaction), extends=extends)
        if draft is not None:  # else Discord has delivered this interaction before
            await interaction.response.send_modal(self._form(draft, note or self._note(draft)))

    @component(form.BUTTON_ID)
    async def reopen(self, interaction: discord.Interaction, custom_id: re.Match[str]) -> None:
        """Show the form again with everything that was typed.

        Raises:
            MemberError: DRAFT_TAKEN; the draft is somebody else's, expired or was submitted.
            OperatorError: `database`.
        """
        draft = await self._submission.unsent_draft(interaction, parse_snowflake(custom_id["draft_id"]))
        await interaction.response.send_modal(self._form(draft))

    @modal(form.CUSTOM_ID)
    async def submit(self, interaction: discord.Interaction, custom_id: re.Match[str]) -> None:
        """Submit a form. If the request is refused, the member gets everything back that they typed."""
        typed = form.read(cast("dict[str, Any]", interaction.data))
        destination = destination_of(interaction, private=typed.private)
        draft_id = parse_snowflake(custom_id["draft_id"])
        try:
            draft = await self._submission.own_draft(interaction, draft_id)
            if draft is None:  # it has what the form does not: the reference, the preset, the parent
                raise MemberError(MemberReason.DRAFT_TAKEN)
        except KuasError as error:
            request = form.apply_input(self._blank(destination), typed, self._catalog.default).request(
                destination
            )
            await self._rejected_requests.offer_retry(interaction, request, error)
            return
        completed = form.apply_input(draft, typed, self._catalog.offered_or_nearest(draft.model))
        await self._submission.submit(interaction, completed.request(destination), draft_id=draft_id)

    def _note(self, draft: Draft) -> str:
        """Say why a reference was not added to the form before; empty if there is nothing to say."""
        full = None if draft.full_model is None else self._catalog.find(draft.full_model)
        if full is None:
            return ""
        return ngettext(
            "{model} takes {n} reference, so this one begins a new request.",
            "{model} takes {n} references, so this one begins a new request.",
            full.reference_count,
            model=full.name,
        )

    def _form(self, draft: Draft, note: str = "") -> ui.Modal:
        return form.composition_form(
            draft,
            self._catalog.offered_or_nearest(draft.model),
            note=note,
            compared=[self._catalog.name_of(model_id) for model_id in draft.models],
            after_card=self._catalog.has_choice,
        )

    def _blank(self, destination: Destination) -> Draft:
        """Return an empty draft, in place of one that expired."""
        model = self._catalog.default
        draft = draft_from(Request(destination, "", model.model_id, model.sizes[0], model.file_formats[0]))
        return replace(draft, picture_limit=MOST_PICTURES)
