"""Post the greeting in a server: in its channel of system messages, else in one that everybody sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.background.alert_notifier import NotificationFailed
from bot.domain.errors import TransientError
from cogs.text.admission_messages import no_pictures_text
from cogs.text.translation import use_locale
from cogs.ui.command_mentions import CommandMentions
from cogs.ui.guild_channels import message_nonce, post_in_first, writable_channels
from cogs.ui.layout import build_view
from cogs.ui.operator_channel import locale_of, owner_ids
from cogs.welcome.greeting_views import greeting_view

if TYPE_CHECKING:
    from bot.config.settings import AboutSettings
    from bot.credits.approvals import GuildStanding
    from bot.discord_client.client import KuasClient
    from bot.domain.model_catalog import ModelCatalog
    from bot.guilds.greetings import DueGreeting


class DiscordGreetingMessenger:
    """The `GreetingMessenger` of Discord."""

    def __init__(self, client: KuasClient, about: AboutSettings, catalog: ModelCatalog) -> None:
        self._catalog = catalog
        self._client = client
        self._about = about
        self._mentions = CommandMentions(client.tree)

    @property
    def is_ready(self) -> bool:
        """Whether the list of the bot's servers is complete."""
        return self._client.is_ready() and not self._client.is_closed()

    def is_in(self, guild_id: int) -> bool:
        """Whether the bot is in a server, during an outage as well."""
        return self._client.get_guild(guild_id) is not None

    async def greet(self, due: DueGreeting, standing: GuildStanding) -> None:
        """Post the greeting in the server's language, or why it gets no pictures; never a direct message.

        Raises:
            NotificationFailed: no channel takes it.
            TransientError: Discord is out of reach, or the server is in an outage.
        """
        guild = self._client.get_guild(due.guild_id)
        if guild is None or guild.unavailable:
            raise TransientError("the server is not available")
        mention_command = await self._mentions.load()
        with use_locale(locale_of(guild)):
            if due.refusal is not None:
                view = build_view(no_pictures_text(due.refusal))
            else:
                view = greeting_view(
                    standing,
                    self._catalog.price_list.default,
                    mention_command,
                    self._about,
                    owner_ids(self._client),
                )
        what = "greeting" if due.refusal is None else "refusal"
        nonce = message_nonce(what, due.guild_id, due.seen_at)
        if not await post_in_first(self._client, writable_channels(guild, public=True), view, nonce):
            raise NotificationFailed("there is no channel that everybody sees and the bot may write in")
