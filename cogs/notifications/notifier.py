"""Post notifications in Discord: alerts to admins, a low balance and changed prices to the operator."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bot.domain.clock import now_ms
from cogs.notifications import views
from cogs.text.translation import use_locale
from cogs.ui.guild_channels import message_nonce
from cogs.ui.operator_channel import OperatorChannel, locale_of, translate_send_errors

if TYPE_CHECKING:
    from collections.abc import Sequence

    import discord

    from bot.credits.alerts import Alert
    from bot.domain.model_catalog import ModelCatalog, PriceChange


class DiscordNotifier:
    """The `Notifier` that posts in Discord."""

    def __init__(self, client: discord.Client, operator_channel: int | None, catalog: ModelCatalog) -> None:
        self._catalog = catalog
        self._client = client
        self._operator = OperatorChannel(client, operator_channel)

    async def send_alert(self, alert: Alert) -> None:
        """Post an alert in its channel, in its guild's language; a repeat within minutes is not posted.

        Raises:
            NotificationFailed: the channel is gone, or closed to the bot.
            TransientError: Discord is out of reach.
        """
        with use_locale(locale_of(self._client.get_guild(alert.guild_id))):
            view = views.alert_view(alert, now_ms(), self._catalog.price_list)
        with translate_send_errors(self._client):
            channel = self._client.get_partial_messageable(alert.channel_id)
            # An alert that is raised again is another one.
            await channel.send(view=view, nonce=message_nonce(alert.key, alert.raised_at))

    async def warn_low_balance(self, left_credits: int, alert_credits: int) -> None:
        """Post in the operator's channel, else to the application's owners, that the balance is low.

        The text is in the language of that channel's guild.

        Raises:
            NotificationFailed: neither the channel nor any owner can be written to.
            TransientError: Discord is out of reach, and no owner was told.
        """
        await self._operator.send(
            partial(views.low_balance_view, left_credits, alert_credits, self._catalog.price_list)
        )

    async def tell_price_changes(self, changes: Sequence[PriceChange]) -> None:
        """Post where `warn_low_balance` posts that models cost something else than before.

        Raises:
            NotificationFailed, TransientError: as `warn_low_balance`.
        """
        await self._operator.send(partial(views.price_changes_view, changes))
