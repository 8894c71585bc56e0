"""Run the real bot on a simulated Discord with its own server, with a Rivya and an HTTP server for files."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import discord
import simcord
from pydantic import SecretStr

from bot.app import open_app
from bot.config.settings import (
    AboutSettings,
    BackupSettings,
    DatabaseSettings,
    DiscordSettings,
    GuildsSettings,
    LogSettings,
    NetworkSettings,
    RivyaSettings,
    Settings,
)
from bot.domain.admission import AdmissionMode
from sandbox.cdn import FakeCdn
from sandbox.fake_rivya import FakeRivya
from sandbox.fake_rivya.backend import realistic_seconds
from sandbox.locales import AMERICAN_ENGLISH, Locales
from sandbox.wallclock import WallClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from simcord import ChannelHandle, Env, MemberActor

    from bot.app import App

GUILD_NAME: Final = "Kuas sandbox"
CHANNEL_NAME: Final = "studio"
MODELS: Final = ("qwen-image", "z-image", "nano-banana", "flux-2-pro", "ideogram-v3", "flux-2-flex")
"""On offer unless others are asked for: from 1 to 14 credits, with and without references and settings."""
GREETING_SECONDS: Final = 60.0
TOPIC: Final = (
    "Choose who you are under “Viewing as”: Mira and Tomo are members, Sari manages this server,"
    " Rani runs the bot"
)


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
    """One server, one channel, four people.

    Mira and Tomo are members, Sari has Manage Server, Rani is the operator, whose own server this is.
    """

    env: Env
    cdn: FakeCdn
    clock: WallClock
    channel: ChannelHandle
    mira: MemberActor
    tomo: MemberActor
    sari: MemberActor
    rani: MemberActor
    guide: MemberActor
    """Posts the guidance; the page cannot act as this member."""
    rivya: FakeRivya | None
    """None where pictures are made by the real Rivya."""
    locale: str = AMERICAN_ENGLISH
    """Discord's locale of everybody."""
    models: tuple[str, ...] = MODELS
    """The ids of the models on offer."""

    @property
    def people(self) -> tuple[MemberActor, ...]:
        """The members that the page can act as."""
        return self.mira, self.tomo, self.sari, self.rani


@asynccontextmanager
async def open_environment(
    timings: Timings,
    *,
    live_key: str | None = None,
    locale: str = AMERICAN_ENGLISH,
    models: tuple[str, ...] = MODELS,
    ago: timedelta = timedelta(),
) -> AsyncIterator[SandboxEnvironment]:
    """Start the real bot and everything around it; the end of the block closes all and deletes its files.

    Args:
        timings: how long its parts take.
        live_key: an API key of https://rivya.ai, where pictures cost real credits; None for the fake Rivya.
        locale: one of Discord's, of the members and of the server.
        models: as `rivya.models`: those on offer, the first of which is the default.
        ago: how far all clocks are set back until `clock.go_to_present`.

    Raises:
        OperatorError: the database cannot be created.
    """
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="kuas-sandbox-"))
        clock = WallClock()
        if ago:
            stack.enter_context(clock.in_the_past(ago))
        fake_rivya = None
        if live_key is None:
            seconds = _painting_seconds(timings, clock)
            fake_rivya = await stack.enter_async_context(FakeRivya(painting_seconds=seconds))
        rivya = _rivya(timings, fake_rivya, live_key, models)
        cdn = await stack.enter_async_context(FakeCdn())
        env = _discord(clock, cdn, timings)
        environment = _people(env, cdn, clock, fake_rivya, locale, rivya.offered_models)
        settings = _settings(Path(folder, "bot.sqlite3"), rivya, environment)
        app = await stack.enter_async_context(open_app(settings))
        _connect(app, environment)
        stack.push_async_callback(env.shutdown)
        await env.start()
        stack.enter_context(env.time_context())
        # SimCord's handler would report every refused command as a bug of the bot.
        del app.client.tree.on_error
        Locales(env, locale)
        await _greeted(environment)
        yield environment


def _connect(app: App, environment: SandboxEnvironment) -> None:
    """Let the parts know each other, before the bot is started."""
    app.client.owner_id = environment.rani.id  # in SimCord the bot itself owns the application
    environment.env.bot = app.client
    if environment.rivya is not None:  # the bot looks for changes every hour only
        environment.rivya.model_control.on_change = app.model_monitor.trigger


async def _greeted(environment: SandboxEnvironment) -> None:
    """Wait for the greeting, which comes before anything that is done here."""
    async with asyncio.timeout(GREETING_SECONDS):
        while not environment.channel.history():
            with suppress(TimeoutError):  # of SimCord, while the bot is busy
                await environment.env.settle()


def _discord(clock: WallClock, cdn: FakeCdn, timings: Timings) -> Env:
    """Make a simulated Discord. Its bot is set later, since the settings of the bot name a server in it."""
    env = simcord.Env(
        discord.AutoShardedClient(intents=discord.Intents(guilds=True)),
        # Errors of commands are left to the bot, which answers them as in a real server.
        check_errors=False,
        shard_count=1,
        settle_timeout=timings.settle_seconds,
    )
    env.backend.clock, env.backend.cdn = clock, cdn
    return env


def _painting_seconds(timings: Timings, clock: WallClock) -> Callable[[], float]:
    """Return how long each task takes: none waits for real seconds in the past."""
    realistic = realistic_seconds(seed=1)

    def seconds() -> float:
        if clock.is_in_the_past:
            return 0.0
        return realistic() if timings.painting_seconds is None else timings.painting_seconds

    return seconds


def _rivya(
    timings: Timings, fake_rivya: FakeRivya | None, live_key: str | None, models: tuple[str, ...]
) -> RivyaSettings:
    if fake_rivya is None:
        api_key, base_url = live_key or "", RivyaSettings.model_fields["base_url"].default
    else:
        api_key, base_url = fake_rivya.api_key, fake_rivya.url
    return RivyaSettings(
        api_key=SecretStr(api_key),
        base_url=base_url,
        models=models,
        first_poll_seconds=timings.first_poll_seconds,
        poll_seconds=timings.poll_seconds,
    )


def _settings(database: Path, rivya: RivyaSettings, environment: SandboxEnvironment) -> Settings:
    return Settings(
        discord=DiscordSettings(
            token=SecretStr("no-token-is-needed-here"),
            operator_guild=environment.rani.guild.id,
            operator_channel=environment.channel.id,
        ),
        rivya=rivya,
        database=DatabaseSettings(path=database),
        guilds=GuildsSettings(admission=AdmissionMode.APPROVE),
        about=AboutSettings(contact=f"<@{environment.rani.id}>"),
        backup=BackupSettings(keep=0),  # of a database that is deleted at the end
        network=NetworkSettings(allow_loopback=True),
        log=LogSettings(level="warning"),
    )


def _people(
    env: Env,
    cdn: FakeCdn,
    clock: WallClock,
    rivya: FakeRivya | None,
    locale: str,
    models: tuple[str, ...],
) -> SandboxEnvironment:
    guild = env.create_guild(GUILD_NAME, preferred_locale=locale)
    channel = guild.create_text_channel(CHANNEL_NAME, topic=TOPIC)
    managers = guild.create_role("Managers", permissions=discord.Permissions(manage_guild=True))
    operators = guild.create_role("Operators", permissions=discord.Permissions(administrator=True))
    mira, tomo, sari, rani, guide = (
        env.create_user(name.lower(), global_name=name) for name in ("Mira", "Tomo", "Sari", "Rani", "Guide")
    )
    env.backend.edit_bot_profile("Kuas")
    return SandboxEnvironment(
        env=env,
        cdn=cdn,
        clock=clock,
        channel=channel,
        mira=guild.add_member(mira),
        tomo=guild.add_member(tomo),
        sari=guild.add_member(sari, roles=[managers]),
        rani=guild.add_member(rani, roles=[operators]),
        guide=guild.add_member(guide),
        rivya=rivya,
        locale=locale,
        models=models,
    )
