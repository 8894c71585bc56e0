"""Run the real bot on a simulated Discord with one server, with a Rivya and an HTTP server for files."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import discord
import simcord
from pydantic import SecretStr

from bot.app import open_app
from bot.config.settings import (
    DatabaseSettings,
    DiscordSettings,
    LogSettings,
    NetworkSettings,
    RivyaSettings,
    Settings,
)
from sandbox.cdn import FakeCdn
from sandbox.fake_rivya import FakeRivya
from sandbox.locales import AMERICAN_ENGLISH, Locales
from sandbox.wallclock import WallClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from simcord import ChannelHandle, Env, MemberActor

GUILD_NAME: Final = "Kuas sandbox"
CHANNEL_NAME: Final = "studio"


@dataclass(frozen=True, slots=True)
class Timings:
    """How long the parts of the sandbox take, in seconds."""

    painting_seconds: float | None = None
    """Duration of a task of the fake Rivya; None for about 12, at random. The real Rivya ignores it."""
    first_poll_seconds: float = RivyaSettings.model_fields["first_poll_seconds"].default
    poll_seconds: float = RivyaSettings.model_fields["poll_seconds"].default
    settle_seconds: float = 0.5
    """How long an action in the simulated Discord waits until the bot is idle."""


@dataclass(frozen=True, slots=True)
class SandboxEnvironment:
    """One server, one channel, three people. Mira and Tomo are members, Sari has Manage Server."""

    env: Env
    cdn: FakeCdn
    channel: ChannelHandle
    mira: MemberActor
    tomo: MemberActor
    sari: MemberActor
    guide: MemberActor
    """Posts the guidance; the page cannot act as this member."""
    locale: str = AMERICAN_ENGLISH
    """Discord's locale of everybody."""

    @property
    def people(self) -> tuple[MemberActor, ...]:
        """The members that the page can act as."""
        return self.mira, self.tomo, self.sari


@asynccontextmanager
async def open_environment(
    timings: Timings, *, live_key: str | None = None, locale: str = AMERICAN_ENGLISH
) -> AsyncIterator[SandboxEnvironment]:
    """Start the real bot and everything around it; the end of the block closes all and deletes its files.

    Args:
        timings: how long its parts take.
        live_key: an API key of https://rivya.ai, where pictures cost real credits; None for the fake Rivya.
        locale: one of Discord's, of the members and of the server.

    Raises:
        OperatorError: the database cannot be created.
    """
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="kuas-sandbox-"))
        if live_key is None:
            fake_rivya = await stack.enter_async_context(FakeRivya(painting_seconds=timings.painting_seconds))
            rivya = _rivya(timings, fake_rivya.api_key, fake_rivya.url)
        else:
            rivya = _rivya(timings, live_key, RivyaSettings.model_fields["base_url"].default)
        cdn = await stack.enter_async_context(FakeCdn())
        app = await stack.enter_async_context(open_app(_settings(Path(folder, "bot.sqlite3"), rivya)))
        env = await stack.enter_async_context(
            # Errors of commands are left to the bot, which answers them as in a real server.
            simcord.run(app.client, shard_count=1, check_errors=False, settle_timeout=timings.settle_seconds)
        )
        env.backend.cdn = cdn
        env.backend.clock = WallClock()
        # SimCord's handler would report every refused command as a bug of the bot.
        del app.client.tree.on_error
        Locales(env, locale)
        people = _people(env, cdn, locale)
        with suppress(TimeoutError):  # the greeting comes before anything that is done here
            await env.settle()
        yield people


def _rivya(timings: Timings, api_key: str, base_url: str) -> RivyaSettings:
    return RivyaSettings(
        api_key=SecretStr(api_key),
        base_url=base_url,
        first_poll_seconds=timings.first_poll_seconds,
        poll_seconds=timings.poll_seconds,
    )


def _settings(database: Path, rivya: RivyaSettings) -> Settings:
    return Settings(
        discord=DiscordSettings(token=SecretStr("no-token-is-needed-here")),
        rivya=rivya,
        database=DatabaseSettings(path=database),
        network=NetworkSettings(allow_loopback=True),
        log=LogSettings(level="warning"),
    )


def _people(env: Env, cdn: FakeCdn, locale: str) -> SandboxEnvironment:
    guild = env.create_guild(GUILD_NAME, preferred_locale=locale)
    channel = guild.create_text_channel(CHANNEL_NAME, topic="Where Kuas makes pictures")
    managers = guild.create_role("Managers", permissions=discord.Permissions(manage_guild=True))
    mira, tomo, sari, guide = (
        env.create_user(name.lower(), global_name=name) for name in ("Mira", "Tomo", "Sari", "Guide")
    )
    env.backend.edit_bot_profile("Kuas")
    return SandboxEnvironment(
        env=env,
        cdn=cdn,
        channel=channel,
        mira=guild.add_member(mira),
        tomo=guild.add_member(tomo),
        sari=guild.add_member(sari, roles=[managers]),
        guide=guild.add_member(guide),
        locale=locale,
    )
