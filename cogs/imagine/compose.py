"""Composing a picture in a form: opening it, and taking what comes back, by whichever process.

discord.py looks for the answer to a form in its memory and drops it where that does not know the form, as
after a restart (discord.py 2.7.1, ui/view.py, dispatch_modal). So forms are never kept there, and their
answers are listened for here: what a form was about stands in its draft.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import discord
from discord.ext import commands

from bot.discord_client.client import HANDLED
from bot.domain.errors import KuasError, MemberError, MemberReason
from bot.domain.image_models import QWEN_IMAGE
from bot.domain.jobs import Request
from bot.jobs.drafts import Draft, draft_from
from cogs.imagine import form
from cogs.imagine.draft_button import COMPOSE_FORMS
from cogs.text.translation import use_member_locale
from cogs.ui.context import destination_of

if TYPE_CHECKING:
    from bot.discord_client.client import KuasClient
    from bot.domain.jobs import Destination, Reference
    from bot.jobs.drafts import DraftStore
    from bot.jobs.member_defaults import MemberDefaultsStore
    from cogs.imagine.rejection import RejectedRequests
    from cogs.imagine.submission import Submission


class ComposeForms(commands.Cog, name=COMPOSE_FORMS):
    """Shows forms, and sends in what comes back."""

    def __init__(
        self,
        submission: Submission,
        drafts: DraftStore,
        member_defaults: MemberDefaultsStore,
        rejected_requests: RejectedRequests,
    ) -> None:
        self._submission = submission
        self._rejected_requests = rejected_requests
        self._drafts = drafts
        self._member_defaults = member_defaults

    async def open_with_reference(
        self,
        interaction: discord.Interaction,
        reference: Reference,
        *,
        note: str = "",
        parent_job_id: str | None = None,
    ) -> None:
        """Show a form that has a reference and no words yet; the rest is as the member likes it.

        Raises:
            MemberError: GUILD_ONLY, or as `open`.
            OperatorError: `database`.
        """
        likes = await self._member_defaults.get(interaction.user.id)
        destination = destination_of(interaction, private=bool(likes.private))
        model = QWEN_IMAGE
        request = Request(
            destination=destination,
            prompt="",
            model=model.model_id,
            size=likes.size or model.sizes[0],
            format=likes.format or model.formats[0],
            reference=reference,
            parent_job_id=parent_job_id,
        )
        await self.open(interaction, request, note=note)

    async def open(self, interaction: discord.Interaction, request: Request, *, note: str = "") -> None:
        """Put the request aside as a draft and show its form, which has to be the first answer.

        Raises:
            MemberError: it would be refused, whatever is typed into it.
            OperatorError: `database`.
        """
        await self._submission.require_capacity(interaction, request)
        if await self._drafts.save(request) is not None:  # else Discord delivers this interaction again
            await interaction.response.send_modal(form.composition_form(draft_from(request), note=note))

    async def reopen(self, interaction: discord.Interaction, draft_id: int) -> None:
        """Show the form of a draft again.

        Raises:
            MemberError: DRAFT_TAKEN; it is somebody else's, too old, or was sent in.
            OperatorError: `database`.
        """
        draft = await self._submission.own_draft(interaction, draft_id)
        if draft is None or draft.taken:
            raise MemberError(MemberReason.DRAFT_TAKEN)
        await interaction.response.send_modal(form.composition_form(draft))

    @commands.Cog.listener("on_interaction")
    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """Everything that happens; of that, the answers to our forms."""
        if interaction.type is discord.InteractionType.modal_submit:
            data = cast("dict[str, Any]", interaction.data)
            if named := form.CUSTOM_ID.fullmatch(data["custom_id"]):
                interaction.extras[HANDLED] = True
                use_member_locale(interaction)
                await self._submitted(interaction, int(named["draft_id"]), form.read(data))

    async def _submitted(
        self, interaction: discord.Interaction, draft_id: int, typed: form.FormInput
    ) -> None:
        """Nothing typed is lost: a form goes the way of a command, or its words go back to its member."""
        try:
            destination = destination_of(interaction, private=typed.private)
        except MemberError as error:
            await cast("KuasClient", interaction.client).error_reporter.report(
                interaction, error, typed=typed.prompt
            )
            return
        try:
            draft = await self._submission.own_draft(interaction, draft_id)
            if draft is None:  # it held more than the form shows: what was attached, a preset, a parent
                raise MemberError(MemberReason.DRAFT_TAKEN)
        except KuasError as error:
            request = form.apply_input(_blank(destination), typed).request(destination)
            await self._rejected_requests.offer_retry(interaction, request, error)
            return
        completed = form.apply_input(draft, typed)
        await self._submission.submit(interaction, completed.request(destination), draft_id=draft_id)


def _blank(destination: Destination) -> Draft:
    """A draft that says nothing, in place of one that is forgotten."""
    model = QWEN_IMAGE
    return draft_from(Request(destination, "", model.model_id, model.sizes[0], model.formats[0]))
