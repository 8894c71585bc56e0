"""Write to the operator: in the channel of the settings, else to the owners of the application."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import discord
import structlog

from bot.background.alert_notifier import NotificationFailed
from bot.discord_client.errors import translate_outages
from bot.domain.errors import TransientError
from cogs.text.translation import ENGLISH, use_locale

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

log = structlog.get_logger(__name__)

_OWNER_ROLES: Final = (discord.TeamMemberRole.admin, discord.TeamMemberRole.developer)
"""The roles of a team whose members discord.py's `is_owner` takes for owners, too."""


class OperatorChannel:
    """Where the operator reads; `channel_id` is None if the settings name no channel."""

    def __init__(self, client: discord.Client, channel_id: int | None) -> None:
        self._client = client
        self._channel_id = channel_id

    async def send(self, build: Callable[[], discord.ui.LayoutView], *, nonce: str | None = None) -> None:
        """Post a view, which is built in the language of the channel's guild.

        With a nonce, a repeat within minutes posts no second message.

        Raises:
            NotificationFailed: neither the channel nor any owner can be written to.
            TransientError: Discord is out of reach, and no owner was told.
        """
        view = self._localized(build)
        if self._channel_id is not None:
            try:
                with translate_send_errors(self._client):
                    channel = self._client.get_partial_messageable(self._channel_id)
                    await _send(channel, view, nonce)
            except NotificationFailed as error:
                log.warning("operator channel closed", channel_id=self._channel_id, error=str(error))
            else:
                return
        reached = False
        outage: TransientError | None = None
        for owner_id in owner_ids(self._client):
            try:
                with translate_send_errors(self._client):
                    await _send(await self._client.create_dm(discord.Object(owner_id)), view, nonce)
            except NotificationFailed as error:
                log.warning("owner unreachable", user_id=owner_id, error=str(error))
            except TransientError as error:
                log.warning("owner unreachable", user_id=owner_id, error=str(error))
                outage = error
            else:
                reached = True
        if not reached:  # if one was, a repeat for the others would tell that owner twice
            raise outage or NotificationFailed("neither an operator channel nor an owner could be reached")

    def _localized(self, build: Callable[[], discord.ui.LayoutView]) -> discord.ui.LayoutView:
        channel = None if self._channel_id is None else self._client.get_channel(self._channel_id)
        with use_locale(locale_of(getattr(channel, "guild", None))):
            return build()


async def _send(channel: discord.abc.Messageable, view: discord.ui.LayoutView, nonce: str | None) -> None:
    if nonce is None:
        await channel.send(view=view)
    else:
        await channel.send(view=view, nonce=nonce)


def owner_ids(client: discord.Client) -> list[int]:
    """Return the owner of the application or, of a team, those whom discord.py takes for owners."""
    application = client.application
    assert application is not None  # set by login, before anything is sent
    if application.team is None:
        return [application.owner.id]
    return [member.id for member in application.team.members if member.role in _OWNER_ROLES]


def locale_of(guild: discord.Guild | None) -> str:
    """Return a guild's locale; English for none, not the language of whoever started this task."""
    return ENGLISH if guild is None else str(guild.preferred_locale)


@contextmanager
def translate_send_errors(client: discord.Client) -> Iterator[None]:
    """Translate what sending a message raises.

    Raises:
        NotificationFailed: the channel is gone, or closed to the bot.
        TransientError: Discord is out of reach, or the client is closed.
    """
    if client.is_closed():
        raise TransientError("the connection to Discord is closed")
    try:
        with translate_outages():
            yield
    except discord.HTTPException as error:
        raise NotificationFailed(str(error)) from error
