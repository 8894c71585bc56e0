"""The discord.py client: its intents and caches, the synchronisation of its commands, its error handlers.

The commands and the sentences come from outside, through the constructor and `on_setup`.

Owns the connection to Discord.
"""

from __future__ import annotations

import hashlib
import json
import sys
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

import discord
import structlog
from discord import app_commands
from discord.ext import commands

from bot.discord_client.errors import DiscordErrorKind, classify, translate_errors
from bot.discord_client.login import check_application
from bot.discord_client.retries import until_reached
from bot.domain.errors import ContractViolation, TransientError
from bot.domain.ids import ALL_GUILDS
from bot.network.connections import describe

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import yarl

    from bot.discord_client.command_syncs import CommandSyncStore
    from bot.network.connections import Network

    Hook = Callable[["KuasClient"], Awaitable[object]]

log = structlog.get_logger(__name__)

_RETRIED_AT_START: Final = (
    DiscordErrorKind.UNAVAILABLE,
    DiscordErrorKind.COMMAND_QUOTA,
)
"""After such an error the start goes on, with the commands of an earlier sync."""


class ErrorReporter(Protocol):
    """Tells members, in their language, what went wrong. Nothing here raises."""

    def use_locale(self, interaction: discord.Interaction) -> None:
        """Use the member's language until the end of this task."""

    async def report(self, interaction: discord.Interaction, error: Exception, *, typed: str = "") -> None:
        """Tell the member what went wrong, and give back what they typed."""


class KuasCommandTree(app_commands.CommandTree["KuasClient"]):
    """The command tree: sets the language of each command and reports what a command raises."""

    async def interaction_check(self, interaction: discord.Interaction[KuasClient], /) -> bool:
        """Set the member's language; nothing is refused here."""
        self.client.error_reporter.use_locale(interaction)
        return True

    async def on_error(
        self, interaction: discord.Interaction[KuasClient], error: app_commands.AppCommandError, /
    ) -> None:
        """Report the original error, not the one that discord.py wraps it in."""
        cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
        await self.client.error_reporter.report(interaction, cause)


class KuasClient(commands.AutoShardedBot):
    """A bot with slash commands in servers, without privileged intents, that caches servers only.

    Both hooks have to be set before `start`.
    """

    on_setup: Hook
    """Called once, before the connection; adds the commands."""
    on_synced: Hook
    """Called once, when Discord has the commands."""

    problem: str | None = None
    """Why the last attempt to connect for the first time failed; None before it, and once connected."""

    def __init__(
        self, *, command_syncs: CommandSyncStore, error_reporter: ErrorReporter, network: Network
    ) -> None:
        # The bot joins no voice channel, so a missing library for voice is nothing to warn of.
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
        super().__init__(
            command_prefix=commands.when_mentioned,  # required, but without the intent no message arrives
            help_command=None,
            tree_cls=KuasCommandTree,
            intents=discord.Intents(guilds=True),
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_messages=None,
            allowed_mentions=discord.AllowedMentions.none(),
            allowed_contexts=app_commands.AppCommandContext(guild=True),
            allowed_installs=app_commands.AppInstallationType(guild=True),
        )
        self.error_reporter = error_reporter
        self._command_syncs = command_syncs
        self._network = network
        self._scopes = {ALL_GUILDS}
        self._commands_added = False
        self._launching = False

    async def start(self, token: str, *, reconnect: bool = True) -> None:
        """Log in and stay connected until `close`. While Discord is out of reach, attempts are repeated.

        Raises:
            OperatorError: `discord`: the token is refused, or something is set wrong in the portal.
            TransientError: the connection broke in a way that only a new process can mend.
        """
        await self._until_reached(partial(self._log_in, token))
        with translate_errors():
            await self.connect(reconnect=reconnect)

    async def _until_reached(self, step: Callable[[], Awaitable[None]]) -> None:
        def failed(error: TransientError) -> None:
            self.problem = str(error)

        await until_reached(step, failed)
        self.problem = None

    async def _log_in(self, token: str) -> None:
        await self.http.close()  # the session of an earlier attempt, with its connector
        self.http.connector = self._network.connector()
        with translate_errors():
            try:
                await self.login(token)
            except (KeyError, TypeError, ValueError) as error:
                if self.application is not None:  # then the answers were read, and the mistake is ours
                    raise
                raise TransientError(f"Discord is out of reach: {error!r} in its answer") from error

    async def launch_shards(self) -> None:
        """Ask for the gateway and connect to it."""

        async def launch() -> None:
            with translate_errors():
                await super(KuasClient, self).launch_shards()

        await self._until_reached(launch)

    async def launch_shard(self, gateway: yarl.URL, shard_id: int, *, initial: bool = False) -> None:
        """Connect one shard, whose first connection may take many attempts.

        discord.py itself tries again every 5 seconds by calling this method from the handler of its error,
        each time one call deeper.

        Raises:
            TransientError: that is how it was called.
        """
        if self._launching:
            cause = sys.exception() or OSError()
            raise TransientError(f"Discord's gateway is out of reach: {describe(cause)}")
        await self._until_reached(partial(self._launch_shard, gateway, shard_id, initial=initial))

    async def _launch_shard(self, gateway: yarl.URL, shard_id: int, *, initial: bool) -> None:
        self._launching = True
        try:
            await super().launch_shard(gateway, shard_id, initial=initial)
        finally:
            self._launching = False

    async def setup_hook(self) -> None:
        """Check the application, add the commands, sync them if they changed, call `on_synced`.

        Raises:
            OperatorError: `discord`: Discord sends interactions to a URL.
            ContractViolation: `bug`: Discord refuses our commands as malformed.
        """
        check_application(self.application)
        if not self._commands_added:  # or an earlier attempt was cut short by an outage
            await self.on_setup(self)
            self._commands_added = True
        await self._sync()
        await self.on_synced(self)

    async def add_guild_cog(self, cog: commands.Cog, guild_id: int) -> None:
        """Add commands that only one guild has; to be called in `on_setup`, so that they are synced."""
        self._scopes.add(guild_id)
        await self.add_cog(cog, guild=discord.Object(guild_id))

    async def _sync(self) -> None:
        """Send the commands of each scope that changed since the last sync: Discord takes 200 new ones a day.

        https://discord.com/developers/docs/interactions/application-commands#registering-a-command
        """
        assert self.application_id is not None  # set by login, before setup_hook
        synced = await self._command_syncs.get(self.application_id)
        for guild_id in sorted(self._scopes | synced.keys()):
            guild = discord.Object(guild_id) if guild_id else None
            wanted = await self._payload_sha256(guild)
            if synced.get(guild_id) == wanted or not await self._send_commands(guild):
                continue
            if guild_id in self._scopes:
                await self._command_syncs.record(self.application_id, guild_id, wanted)
            else:
                await self._command_syncs.delete(self.application_id, guild_id)

    async def _send_commands(self, guild: discord.Object | None) -> bool:
        """Sync one scope; returns whether nothing is left to send, as for a guild that the bot has left."""
        try:
            synced = await self.tree.sync(guild=guild)
        except app_commands.CommandSyncFailure as error:
            raise ContractViolation("bug", f"Discord refuses our commands: {error}") from error
        except discord.HTTPException as error:
            if guild is not None and isinstance(error, discord.Forbidden | discord.NotFound):
                log.warning("a server's own commands not synced: is the bot in it?", guild_id=guild.id)
                return guild.id not in self._scopes
            if classify(error) not in _RETRIED_AT_START:
                raise
            log.warning("commands not synced; the next start tries again", error=str(error))
            return False
        log.info("commands synced", commands=len(synced), guild_id=guild.id if guild else None)
        return True

    async def _payload_sha256(self, guild: discord.Object | None) -> str:
        """Return a hash of what a sync would send; it is the same in every run of the same version."""
        translator = self.tree.translator
        assert translator is not None  # set by on_setup
        payload = [
            await command.get_translated_payload(self.tree, translator)
            for command in self.tree.get_commands(guild=guild)
        ]
        return hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()

    async def on_error(self, event_method: str, /, *_: object, **__: object) -> None:
        """Log what an event listener raised."""
        log.error("event broke", event_name=event_method, exc_info=sys.exception())
