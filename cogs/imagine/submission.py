"""The one way from an interaction to a running job: for the command, and for every button, menu and form.

Owns the way in, and the buttons of the question about the price. Never imports anything of ours but answers,
buttons, cards, catalog, drafts, engine, guards, herald, ids, jobs, price_cards, prices, returns, tongues.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import discord
from discord import ui
from discord.ext import commands

from bot.domain.ids import HIGHEST_ID
from bot.domain.image_models import MODELS
from cogs.imagine import confirm_views
from cogs.text.translation import say
from cogs.ui.buttons import answers_errors, cog_of
from cogs.ui.context import destination_of, presence_of
from cogs.ui.layout import row
from cogs.ui.responses import Acceptance, acknowledge, replace_message

if TYPE_CHECKING:
    import re

    from bot.background.alert_notifier import Herald
    from bot.credits.preflight import Prices
    from bot.domain.jobs import Job, Presence, Request
    from bot.engine.engine import Engine
    from bot.jobs.drafts import Draft, Drafts
    from cogs.imagine.rejection import Returns

YES: Final = "yes"
NO: Final = "no"


class Desk(commands.Cog):
    """Takes requests in: asks about the price where the guild wants that, else has them painted."""

    def __init__(
        self, engine: Engine, prices: Prices, drafts: Drafts, herald: Herald, returns: Returns
    ) -> None:
        self._engine = engine
        self._prices = prices
        self._drafts = drafts
        self._herald = herald
        self._returns = returns

    async def take(
        self, interaction: discord.Interaction, request: Request, *, draft_id: int | None = None
    ) -> bool:
        """Submit, then tell Discord, then start: in this order a lost answer costs nothing.

        `draft_id` is the draft that is sent in, if it comes of one. Returns whether a job is on its way: not
        if the member is asked about the price instead, nor if Discord delivers this interaction again, nor if
        it was refused: then they are told why, and given back what they typed.
        """
        try:
            return await self._take(interaction, request, draft_id, confirmed=False)
        except Exception as error:  # noqa: BLE001  # each becomes a sentence, and a line in the log
            await self._returns.give_back(interaction, request, error)
            return False
        finally:
            self._wake(request)

    async def require_room(self, interaction: discord.Interaction, request: Request) -> None:
        """Refuse what would be refused if it were sent in now, whatever its words will be.

        Raises:
            MemberError: refused, with the reason; a `LimitReached` if a rule about credits has no room.
            OperatorError: `database`.
        """
        presence = presence_of(interaction)
        self._engine.require_open(presence)
        wordless = replace(request, prompt="", preset=None)
        await self._prices.require_room(wordless, presence, MODELS[request.model].cost_credits)

    def _wake(self, request: Request) -> None:
        # Refused or not: that a limit is used up may be news.
        self._herald.wake(request.destination.guild_id)

    async def confirm(self, interaction: discord.Interaction, draft_id: int) -> None:
        """Yes to the price: the request goes the way of every other, with this interaction's own reply.

        Raises:
            MemberError, OperatorError: it was refused; the question still stands there.
        """
        ask = await self.own_draft(interaction, draft_id)
        if ask is None or ask.taken:
            await interaction.response.edit_message(view=confirm_views.late_card(started=ask is not None))
            return
        destination = destination_of(interaction, private=ask.private)
        request = ask.request(destination)
        try:
            begun = await self._take(interaction, request, draft_id, confirmed=True)
        finally:
            self._wake(request)
        if begun:
            await replace_message(interaction, confirm_views.late_card(started=True))

    async def decline(self, interaction: discord.Interaction, draft_id: int) -> None:
        """No to the price: the request is forgotten, so that no other screen can still say yes."""
        ask = await self.own_draft(interaction, draft_id)
        if ask is not None and await self._drafts.forget(draft_id):
            card = confirm_views.declined_card()
        else:
            card = confirm_views.late_card(started=await self.own_draft(interaction, draft_id) is not None)
        await interaction.response.edit_message(view=card)

    async def _take(
        self, interaction: discord.Interaction, request: Request, draft_id: int | None, *, confirmed: bool
    ) -> bool:
        presence = presence_of(interaction)
        if not confirmed and await self._asked(interaction, request, presence):
            if draft_id is not None:
                await self._drafts.forget(draft_id)  # from here on it is the question that waits
            return False
        job = await self._engine.submit(request, presence, draft_id=draft_id)
        return job is not None and await self._begin(interaction, job)

    async def _asked(self, interaction: discord.Interaction, request: Request, presence: Presence) -> bool:
        cost_credits = self._engine.review(request, presence).cost_credits
        standing = await self._prices.to_confirm(request, presence, cost_credits)
        if standing is None:
            return False
        draft_id = await self._drafts.keep(request)
        if draft_id is not None:  # else Discord delivers this interaction again
            buttons = row(Answer(YES, draft_id), Answer(NO, draft_id))
            card = confirm_views.question_card(request, standing, cost_credits, buttons)
            await interaction.response.send_message(view=card, ephemeral=True)
        return True

    async def _begin(self, interaction: discord.Interaction, job: Job) -> bool:
        acknowledgement = await acknowledge(interaction, private=job.request.destination.private)
        match acknowledgement.acceptance:
            case Acceptance.KNOWN:
                self._engine.start(job, answered=True, message_id=acknowledgement.message_id)
            case Acceptance.LOST:
                await self._engine.abandon(job)
                return False
            case Acceptance.UNCLEAR:
                # Unacknowledged: the engine asks Discord for our answer before anything is spent.
                self._engine.start(job)
        return True

    async def own_draft(self, interaction: discord.Interaction, draft_id: int) -> Draft | None:
        """A draft, if it is this member's in this server; Discord shows what is about it to nobody else."""
        ask, whose = await self._drafts.find(draft_id), (interaction.guild_id, interaction.user.id)
        return ask if ask is not None and (ask.guild_id, ask.user_id) == whose else None


class Answer(
    ui.DynamicItem[ui.Button[ui.LayoutView]], template=r"kuas:ask:(?P<word>yes|no):(?P<draft_id>[0-9]{1,19})"
):
    """Yes or no to the price of one request."""

    def __init__(self, word: str, draft_id: int) -> None:
        yes = word == YES
        super().__init__(
            ui.Button(
                label=say(confirm_views.YES_LABEL if yes else confirm_views.NO_LABEL),
                style=discord.ButtonStyle.primary if yes else discord.ButtonStyle.secondary,
                custom_id=f"kuas:ask:{word}:{draft_id}",
            )
        )
        self._yes = yes
        self._draft_id = draft_id

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction, item: ui.Item[ui.LayoutView], match: re.Match[str], /
    ) -> Answer:
        """The button as it was sent, by whichever process."""
        del interaction, item
        return cls(match["word"], min(int(match["draft_id"]), HIGHEST_ID))

    @answers_errors
    async def callback(self, interaction: discord.Interaction) -> None:
        """Hand the answer to the desk."""
        desk = cog_of(interaction, Desk)
        await (desk.confirm if self._yes else desk.decline)(interaction, self._draft_id)
