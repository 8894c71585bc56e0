"""Ask the operator about servers in Discord, tell those that were refused, and leave them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import discord
import structlog

from bot.background.alert_notifier import NotificationFailed
from bot.discord_client.errors import translate_errors
from bot.domain.errors import TransientError
from cogs.operator import admission_views
from cogs.text.translation import use_locale
from cogs.ui.guild_channels import message_nonce, post_in_first, writable_channels
from cogs.ui.operator_channel import OperatorChannel, locale_of, owner_ids, translate_send_errors

if TYPE_CHECKING:
    from bot.credits.approvals import GuildStanding
    from bot.domain.admission import Admission


log = structlog.get_logger(__name__)


class DiscordAdmissionMessenger:
    """The `AdmissionMessenger` of Discord."""

    def __init__(self, client: discord.Client, operator_channel: int | None, contact: str) -> None:
        self._client = client
        self._operator = OperatorChannel(client, operator_channel)
        self._contact = contact

    @property
    def is_ready(self) -> bool:
        """Whether the list of the bot's servers is complete."""
        return self._client.is_ready() and not self._client.is_closed()

    def is_in(self, guild_id: int) -> bool:
        """Whether the bot is in a server, during an outage as well."""
        return self._client.get_guild(guild_id) is not None

    async def ask(self, standing: GuildStanding) -> None:
        """Post the card in the operator's channel, else to the application's owners.

        Raises:
            NotificationFailed: nobody could be reached.
            TransientError: Discord is out of reach.
        """
        asked = None if standing.admission is None else standing.admission.joined_at
        await self._operator.send(
            partial(admission_views.card_view, standing), nonce=message_nonce("ask", standing.guild_id, asked)
        )

    async def explain(self, admission: Admission) -> None:
        """Tell a server in the first channel that takes it, else its owner by direct message.

        Raises:
            NotificationFailed: neither is possible.
            TransientError: Discord is out of reach.
        """
        guild = self._client.get_guild(admission.guild_id)
        if guild is None or guild.unavailable:
            raise TransientError("the server is not available")
        with use_locale(locale_of(guild)):
            view = admission_views.refusal_view(admission, owner_ids(self._client), self._contact)
        nonce = message_nonce("explain", admission.guild_id, admission.leave_at)
        if await post_in_first(self._client, writable_channels(guild), view, nonce):
            return
        if guild.owner_id is None:
            raise NotificationFailed("no channel takes messages, and the server's owner is not known")
        with translate_send_errors(self._client):
            direct = await self._client.create_dm(discord.Object(guild.owner_id))
            await direct.send(view=view, nonce=nonce)

    async def leave(self, guild_id: int) -> None:
        """Leave a server; done if the bot is not in it.

        Raises:
            OperatorError: Discord refuses.
            TransientError: Discord is out of reach.
        """
        guild = self._client.get_guild(guild_id)
        if guild is None:
            return
        with translate_errors():
            try:
                await guild.leave()
            except discord.NotFound:
                return
