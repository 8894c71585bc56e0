"""The discord.py client: what it listens to, when it syncs its commands, where its errors go.

What to say and which commands there are come from outside, through the constructor.

Owns the connection to Discord.
"""

from __future__ import annotations

import hashlib
import json
import sys
from typing import TYPE_CHECKING, Final, Protocol

import discord
import structlog
from discord import app_commands
from discord.ext import commands

from bot.discord_client.login import check_application, is_transient, translate_errors
from bot.domain.errors import ContractViolation
from bot.domain.ids import ALL_GUILDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.discord_client.command_syncs import CommandSyncStore

    Hook = Callable[["KuasClient"], Awaitable[object]]

log = structlog.get_logger(__name__)

DAILY_COMMAND_LIMIT_REACHED: Final = 30034


class ErrorReporter(Protocol):
    """Who talks to members, above all when something goes wrong. Nothing it does raises."""

    def use_locale(self, interaction: discord.Interaction) -> None:
        """From here to the end of this task, speak the member's language."""

    async def report(self, interaction: discord.Interaction, error: Exception, *, typed: str = "") -> None:
        """Say what went wrong, and give back what the member typed."""


class KuasCommandTree(app_commands.CommandTree["KuasClient"]):
    """The commands, with one way in, and one way out for their errors."""

    async def interaction_check(self, interaction: discord.Interaction[KuasClient], /) -> bool:
        """Let everything in; what it answers is said in the member's language."""
        self.client.error_reporter.use_locale(interaction)
        return True

    async def on_error(
        self, interaction: discord.Interaction[KuasClient], error: app_commands.AppCommandError, /
    ) -> None:
        """Report the original error, not the one that discord.py wraps it in."""
        cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
        await self.client.error_reporter.report(interaction, cause)


class KuasClient(commands.AutoShardedBot):
    """The bot as Discord sees it: slash commands in servers, nothing privileged, only the servers cached.

    Both hooks have to be set before `start`.
    """

    on_setup: Hook
    """Runs once, before the connection, and adds the commands."""
    on_synced: Hook
    """Runs once, when Discord knows the commands."""

    def __init__(
        self,
        *,
        command_syncs: CommandSyncStore,
        error_reporter: ErrorReporter,
    ) -> None:
        # Kuas never speaks: that its parts for voice are missing is nothing to warn an operator of.
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
        super().__init__(
            command_prefix=commands.when_mentioned,  # never seen: without the intent no message arrives
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
        self._scopes = {ALL_GUILDS}

    async def start(self, token: str, *, reconnect: bool = True) -> None:
        """Log in and stay connected until `close`.

        Raises:
            OperatorError: `discord`: the token is refused, or something is set wrong in the portal.
            TransientError: Discord is out of reach.
        """
        with translate_errors():
            await super().start(token, reconnect=reconnect)

    async def setup_hook(self) -> None:
        """Check, add the commands, sync them if they changed, go on with what a restart interrupted.

        Raises:
            OperatorError: `discord`: Discord sends interactions elsewhere.
            ContractViolation: `bug`: Discord refuses our commands as malformed.
        """
        check_application(self.application)
        await self.on_setup(self)
        await self._sync()
        await self.on_synced(self)

    async def add_guild_cog(self, cog: commands.Cog, guild_id: int) -> None:
        """Add commands that only one guild has; from `on_setup`, so that they are synced."""
        self._scopes.add(guild_id)
        await self.add_cog(cog, guild=discord.Object(guild_id))

    async def _sync(self) -> None:
        """Discord allows 200 new commands a day, so an unchanged set is not sent again.

        https://discord.com/developers/docs/interactions/application-commands#registering-a-command
        """
        assert self.application_id is not None  # set by login, before setup_hook
        known = await self._command_syncs.get(self.application_id)
        for guild_id in sorted(self._scopes | known.keys()):
            guild = discord.Object(guild_id) if guild_id else None
            wanted = await payload_sha256(self.tree, guild)
            if known.get(guild_id) == wanted or not await self._sent(guild):
                continue
            if guild_id in self._scopes:
                await self._command_syncs.record(self.application_id, guild_id, wanted)
            else:
                await self._command_syncs.delete(self.application_id, guild_id)

    async def _sent(self, guild: discord.Object | None) -> bool:
        """Whether Discord needs this set no more: it has taken it, or we are out of that guild for good."""
        try:
            synced = await self.tree.sync(guild=guild)
        except app_commands.CommandSyncFailure as error:
            raise ContractViolation("bug", f"Discord refuses our commands: {error}") from error
        except discord.HTTPException as error:
            if guild is not None and isinstance(error, discord.Forbidden | discord.NotFound):
                log.warning("a server's own commands not synced: is the bot in it?", guild_id=guild.id)
                return guild.id not in self._scopes
            if not is_transient(error) and error.code != DAILY_COMMAND_LIMIT_REACHED:
                raise
            log.warning("commands not synced; the next start tries again", error=str(error))
            return False
        log.info("commands synced", commands=len(synced), guild_id=guild.id if guild else None)
        return True

    async def on_error(self, event_method: str, /, *args: object, **_: object) -> None:
        """Log what broke in an event, and answer if somebody waits for an answer."""
        error = sys.exception()
        log.error("event broke", event_name=event_method, exc_info=error)
        for argument in args:
            if isinstance(argument, discord.Interaction) and isinstance(error, Exception):
                await self.error_reporter.report(argument, error)


async def payload_sha256(
    tree: app_commands.CommandTree[KuasClient], guild: discord.Object | None = None
) -> str:
    """A fingerprint of what a sync would send; the same in every run of the same program."""
    translator = tree.translator
    payload = [
        command.to_dict(tree)
        if translator is None
        else await command.get_translated_payload(tree, translator)
        for command in tree.get_commands(guild=guild)
    ]
    return hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()
