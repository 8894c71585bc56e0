"""The one way from an interaction to a running job: for the command, and for every button, menu and form.

Owns the way in, and the buttons of the question about the price. Never imports anything of ours but answers,
asks, buttons, cards, engine, guards, herald, jobs, people, price_cards, prices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import discord
from discord import ui
from discord.ext import commands

from bot.jobs import Destination, Request
from cogs.ground.answers import Acceptance, acknowledge, replace_message
from cogs.ground.buttons import answers_errors, cog_of
from cogs.ground.cards import row
from cogs.ground.guards import channel_id_of, guild_id_of, missing_permissions
from cogs.ground.people import role_ids_of
from cogs.pictures import price_cards

if TYPE_CHECKING:
    import re

    from bot.asks import Ask, Asks
    from bot.engine import Engine
    from bot.herald import Herald
    from bot.jobs import Job
    from bot.money.prices import Prices

YES: Final = "yes"
NO: Final = "no"


class Desk(commands.Cog):
    """Takes requests in: asks about the price where the guild wants that, else has them painted."""

    def __init__(self, engine: Engine, prices: Prices, asks: Asks, herald: Herald) -> None:
        self._engine = engine
        self._prices = prices
        self._asks = asks
        self._herald = herald

    async def take(
        self, interaction: discord.Interaction, request: Request, *, ask_id: int | None = None
    ) -> bool:
        """Submit, then tell Discord, then start: in this order a lost answer costs nothing.

        `ask_id` is the question that this interaction says yes to. Returns whether a job is on its way: not
        if the member is asked about the price instead, nor if Discord delivers this interaction again.

        Raises:
            MemberError: refused, with the reason; a `LimitReached` if a rule has no room.
            OperatorError: `database`.
        """
        try:
            return await self._take(interaction, request, ask_id)
        finally:
            # Refused or not: that a limit is used up may be news.
            self._herald.wake(request.destination.guild_id)

    async def confirm(self, interaction: discord.Interaction, ask_id: int) -> None:
        """Yes to the price: the request goes the way of every other, with this interaction's own reply."""
        ask = await self._own(interaction, ask_id)
        if ask is None or ask.taken:
            await interaction.response.edit_message(view=price_cards.late_card(started=ask is not None))
            return
        destination = destination_of(interaction, private=ask.private)
        if await self.take(interaction, _request(ask, destination), ask_id=ask_id):
            await replace_message(interaction, price_cards.late_card(started=True))

    async def decline(self, interaction: discord.Interaction, ask_id: int) -> None:
        """No to the price: the request is forgotten, so that no other screen can still say yes."""
        ask = await self._own(interaction, ask_id)
        if ask is not None and await self._asks.forget(ask_id):
            card = price_cards.declined_card()
        else:
            card = price_cards.late_card(started=await self._own(interaction, ask_id) is not None)
        await interaction.response.edit_message(view=card)

    async def _take(self, interaction: discord.Interaction, request: Request, ask_id: int | None) -> bool:
        missing, role_ids = missing_permissions(interaction), role_ids_of(interaction.user)
        if ask_id is None and await self._asked(interaction, request, missing, role_ids):
            return False
        job = await self._engine.submit(
            request, missing_permissions=missing, role_ids=role_ids, ask_id=ask_id
        )
        return job is not None and await self._begin(interaction, job)

    async def _asked(
        self,
        interaction: discord.Interaction,
        request: Request,
        missing: tuple[str, ...],
        role_ids: tuple[int, ...],
    ) -> bool:
        model = self._engine.review(request, missing_permissions=missing)
        where, cost_credits = request.destination, model.cost_credits
        standing = await self._prices.to_confirm(where.guild_id, where.user_id, role_ids, cost_credits)
        if standing is None:
            return False
        ask_id = await self._asks.keep(request)
        if ask_id is not None:  # else Discord delivers this interaction again
            buttons = row(Answer(YES, ask_id), Answer(NO, ask_id))
            card = price_cards.question_card(request, standing, cost_credits, buttons)
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

    async def _own(self, interaction: discord.Interaction, ask_id: int) -> Ask | None:
        """The question, if it was put to this member in this server; Discord shows it to nobody else."""
        ask, whose = await self._asks.find(ask_id), (interaction.guild_id, interaction.user.id)
        return ask if ask is not None and (ask.guild_id, ask.user_id) == whose else None


class Answer(
    ui.DynamicItem[ui.Button[ui.LayoutView]], template=r"kuas:ask:(?P<word>yes|no):(?P<ask_id>[0-9]{1,19})"
):
    """Yes or no to the price of one request."""

    def __init__(self, word: str, ask_id: int) -> None:
        yes = word == YES
        super().__init__(
            ui.Button(
                label=price_cards.YES_LABEL if yes else price_cards.NO_LABEL,
                style=discord.ButtonStyle.primary if yes else discord.ButtonStyle.secondary,
                custom_id=f"kuas:ask:{word}:{ask_id}",
            )
        )
        self._yes = yes
        self._ask_id = ask_id

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction, item: ui.Item[ui.LayoutView], match: re.Match[str], /
    ) -> Answer:
        """The button as it was sent, by whichever process."""
        del interaction, item
        return cls(match["word"], int(match["ask_id"]))

    @answers_errors
    async def callback(self, interaction: discord.Interaction) -> None:
        """Hand the answer to the desk."""
        desk = cog_of(interaction, Desk)
        await (desk.confirm if self._yes else desk.decline)(interaction, self._ask_id)


def destination_of(interaction: discord.Interaction, *, private: bool = False) -> Destination:
    """Where the result of this interaction goes.

    Raises:
        MemberError: GUILD_ONLY, CHANNEL_UNUSABLE.
    """
    return Destination(
        guild_id=guild_id_of(interaction),
        channel_id=channel_id_of(interaction),
        user_id=interaction.user.id,
        application_id=interaction.application_id,
        interaction_id=interaction.id,
        interaction_token=interaction.token,
        upload_limit_bytes=interaction.filesize_limit,
        locale=str(interaction.locale),
        private=private,
    )


def _request(ask: Ask, destination: Destination) -> Request:
    return Request(
        destination=destination,
        prompt=ask.prompt,
        model=ask.model,
        size=ask.size,
        format=ask.format,
        reference=ask.reference,
        spoiler=ask.spoiler,
    )
