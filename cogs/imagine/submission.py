"""The one way from an interaction to a running job: for the command, and for every button, menu and form."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import discord
from discord import ui
from discord.ext import commands

from bot.domain.ids import MAX_ID
from bot.domain.image_models import MODELS
from cogs.imagine import confirm_views
from cogs.text.translation import gettext
from cogs.ui.buttons import cog_of, reports_errors
from cogs.ui.context import destination_of, request_context
from cogs.ui.layout import row
from cogs.ui.responses import DeferOutcome, defer, replace_message

if TYPE_CHECKING:
    import re

    from bot.background.alert_notifier import AlertNotifier
    from bot.credits.preflight import PreflightCheck
    from bot.domain.jobs import Job, Request, RequestContext
    from bot.engine.engine import JobEngine
    from bot.jobs.drafts import Draft, DraftStore
    from cogs.imagine.rejection import RejectedRequests

YES: Final = "yes"
NO: Final = "no"


class Submission(commands.Cog):
    """Takes requests in: asks about the price where the guild wants that, else has them painted."""

    def __init__(
        self,
        engine: JobEngine,
        prices: PreflightCheck,
        drafts: DraftStore,
        alert_notifier: AlertNotifier,
        rejected_requests: RejectedRequests,
    ) -> None:
        self._engine = engine
        self._prices = prices
        self._drafts = drafts
        self._alert_notifier = alert_notifier
        self._rejected_requests = rejected_requests

    async def submit(
        self, interaction: discord.Interaction, request: Request, *, draft_id: int | None = None
    ) -> bool:
        """Submit, then tell Discord, then start: in this order a lost answer costs nothing.

        `draft_id` is the draft that is sent in, if it comes of one. Returns whether a job is on its way: not
        if the member is asked about the price instead, nor if Discord delivers this interaction again, nor if
        it was refused: then they are told why, and given back what they typed.
        """
        try:
            return await self._submit(interaction, request, draft_id, confirmed=False)
        except Exception as error:  # noqa: BLE001  # each becomes a sentence, and a line in the log
            await self._rejected_requests.offer_retry(interaction, request, error)
            return False
        finally:
            self._wake(request)

    async def require_capacity(self, interaction: discord.Interaction, request: Request) -> None:
        """Refuse what would be refused if it were sent in now, whatever its words will be.

        Raises:
            MemberError: refused, with the reason; a `LimitExceeded` if a rule about credits has no room.
            OperatorError: `database`.
        """
        context = request_context(interaction)
        self._engine.require_accepting(context)
        wordless = replace(request, prompt="", preset=None)
        await self._prices.require_capacity(wordless, context, MODELS[request.model].cost_credits)

    def _wake(self, request: Request) -> None:
        # Refused or not: that a limit is used up may be news.
        self._alert_notifier.check_soon(request.destination.guild_id)

    async def confirm(self, interaction: discord.Interaction, draft_id: int) -> None:
        """Yes to the price: the request goes the way of every other, with this interaction's own reply.

        Raises:
            MemberError, OperatorError: it was refused; the question still stands there.
        """
        ask = await self.own_draft(interaction, draft_id)
        if ask is None or ask.taken:
            await interaction.response.edit_message(view=confirm_views.expired_view(started=ask is not None))
            return
        destination = destination_of(interaction, private=ask.private)
        request = ask.request(destination)
        try:
            begun = await self._submit(interaction, request, draft_id, confirmed=True)
        finally:
            self._wake(request)
        if begun:
            await replace_message(interaction, confirm_views.expired_view(started=True))

    async def decline(self, interaction: discord.Interaction, draft_id: int) -> None:
        """No to the price: the request is forgotten, so that no other screen can still say yes."""
        ask = await self.own_draft(interaction, draft_id)
        if ask is not None and await self._drafts.delete(draft_id):
            card = confirm_views.declined_view()
        else:
            card = confirm_views.expired_view(started=await self.own_draft(interaction, draft_id) is not None)
        await interaction.response.edit_message(view=card)

    async def _submit(
        self, interaction: discord.Interaction, request: Request, draft_id: int | None, *, confirmed: bool
    ) -> bool:
        context = request_context(interaction)
        if not confirmed and await self._ask_confirmation(interaction, request, context):
            if draft_id is not None:
                await self._drafts.delete(draft_id)  # from here on it is the question that waits
            return False
        job = await self._engine.submit(request, context, draft_id=draft_id)
        return job is not None and await self._begin(interaction, job)

    async def _ask_confirmation(
        self, interaction: discord.Interaction, request: Request, context: RequestContext
    ) -> bool:
        cost_credits = self._engine.validate(request, context).cost_credits
        member_limits = await self._prices.needs_confirmation(request, context, cost_credits)
        if member_limits is None:
            return False
        draft_id = await self._drafts.save(request)
        if draft_id is not None:  # else Discord delivers this interaction again
            buttons = row(ConfirmButton(YES, draft_id), ConfirmButton(NO, draft_id))
            card = confirm_views.price_question_view(request, member_limits, cost_credits, buttons)
            await interaction.response.send_message(view=card, ephemeral=True)
        return True

    async def _begin(self, interaction: discord.Interaction, job: Job) -> bool:
        acknowledgement = await defer(interaction, private=job.request.destination.private)
        match acknowledgement.outcome:
            case DeferOutcome.KNOWN:
                self._engine.start(job, answered=True, message_id=acknowledgement.message_id)
            case DeferOutcome.LOST:
                await self._engine.cancel_unacknowledged(job)
                return False
            case DeferOutcome.UNCLEAR:
                # Unacknowledged: the engine asks Discord for our answer before anything is spent.
                self._engine.start(job)
        return True

    async def own_draft(self, interaction: discord.Interaction, draft_id: int) -> Draft | None:
        """A draft, if it is this member's in this server; Discord shows what is about it to nobody else."""
        ask, whose = await self._drafts.find(draft_id), (interaction.guild_id, interaction.user.id)
        return ask if ask is not None and (ask.guild_id, ask.user_id) == whose else None


class ConfirmButton(
    ui.DynamicItem[ui.Button[ui.LayoutView]], template=r"kuas:ask:(?P<word>yes|no):(?P<draft_id>[0-9]{1,19})"
):
    """Yes or no to the price of one request."""

    def __init__(self, word: str, draft_id: int) -> None:
        yes = word == YES
        super().__init__(
            ui.Button(
                label=gettext(confirm_views.YES_LABEL if yes else confirm_views.NO_LABEL),
                style=discord.ButtonStyle.primary if yes else discord.ButtonStyle.secondary,
                custom_id=f"kuas:ask:{word}:{draft_id}",
            )
        )
        self._yes = yes
        self._draft_id = draft_id

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction, item: ui.Item[ui.LayoutView], match: re.Match[str], /
    ) -> ConfirmButton:
        """The button as it was sent, by whichever process."""
        del interaction, item
        return cls(match["word"], min(int(match["draft_id"]), MAX_ID))

    @reports_errors
    async def callback(self, interaction: discord.Interaction) -> None:
        """Hand the answer to the desk."""
        submission = cog_of(interaction, Submission)
        await (submission.confirm if self._yes else submission.decline)(interaction, self._draft_id)
