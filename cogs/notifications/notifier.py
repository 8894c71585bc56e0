"""Post notifications in Discord: alerts to a server's admins, and the low balance to the operator."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import discord
import structlog

from bot.background.alert_notifier import NotificationFailed
from bot.discord_client.errors import translate_outages
from bot.domain.clock import now_ms
from bot.domain.errors import TransientError
from cogs.notifications import views
from cogs.text.translation import ENGLISH, use_locale
from cogs.ui.discord_limits import NONCE_CHARACTERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.credits.alerts import Alert

log = structlog.get_logger(__name__)

_OWNER_ROLES: Final = (discord.TeamMemberRole.admin, discord.TeamMemberRole.developer)
"""The roles of a team whose members discord.py's `is_owner` takes for owners, too."""


class DiscordNotifier:
    """The `Notifier` that posts in Discord."""

    def __init__(self, client: discord.Client, operator_channel: int | None) -> None:
        self._client = client
        self._operator_channel = operator_channel

    async def send_alert(self, alert: Alert) -> None:
        """Post an alert in its channel, in its guild's language; a repeat within minutes is not posted.

        Raises:
            NotificationFailed: the channel is gone, or closed to the bot.
            TransientError: Discord is out of reach.
        """
        with use_locale(_locale(self._client.get_guild(alert.guild_id))):
            view = views.alert_view(alert, now_ms())
        with self._translate_errors():
            await self._channel(alert.channel_id).send(view=view, nonce=_nonce(alert))

    async def warn_low_balance(self, left_credits: int, alert_credits: int) -> None:
        """Post in the operator's channel, else to the application's owners, that the balance is low.

        The text is in the language of that channel's guild.

        Raises:
            NotificationFailed: neither the channel nor any owner can be written to.
            TransientError: Discord is out of reach.
        """
        view = self._low_balance_view(left_credits, alert_credits)
        if self._operator_channel is not None:
            try:
                with self._translate_errors():
                    await self._channel(self._operator_channel).send(view=view)
            except NotificationFailed as error:
                log.warning("operator channel closed", channel_id=self._operator_channel, error=str(error))
            else:
                return
        reached = False
        for owner_id in self._owner_ids():
            try:
                with self._translate_errors():
                    channel = await self._client.create_dm(discord.Object(owner_id))
                    await channel.send(view=view)
            except NotificationFailed as error:
                log.warning("owner unreachable", user_id=owner_id, error=str(error))
            else:
                reached = True
        if not reached:
            raise NotificationFailed("neither an operator channel nor an owner could be reached")

    def _low_balance_view(self, left_credits: int, alert_credits: int) -> discord.ui.LayoutView:
        channel = None if self._operator_channel is None else self._client.get_channel(self._operator_channel)
        with use_locale(_locale(getattr(channel, "guild", None))):
            return views.low_balance_view(left_credits, alert_credits)

    def _channel(self, channel_id: int) -> discord.PartialMessageable:
        return self._client.get_partial_messageable(channel_id)

    def _owner_ids(self) -> list[int]:
        application = self._client.application
        assert application is not None  # set by login, before the balance is watched
        if application.team is None:
            return [application.owner.id]
        return [member.id for member in application.team.members if member.role in _OWNER_ROLES]

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        if self._client.is_closed():
            raise TransientError("the connection to Discord is closed")
        try:
            with translate_outages():
                yield
        except discord.HTTPException as error:
            raise NotificationFailed(str(error)) from error


def _locale(guild: discord.Guild | None) -> str:
    """Return a guild's locale; English for none, not the language of whoever started this task."""
    return ENGLISH if guild is None else str(guild.preferred_locale)


def _nonce(alert: Alert) -> str:
    """Return an alert's nonce, the same for every attempt, by which Discord finds the first message.

    https://discord.com/developers/docs/resources/message#create-message
    """
    return hashlib.sha256(repr(alert.key).encode()).hexdigest()[:NONCE_CHARACTERS]
