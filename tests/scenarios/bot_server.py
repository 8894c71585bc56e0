"""A guild on a simulated Discord with the real bot in it, which calls a fake Rivya over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import discord
import simcord
from pydantic import SecretStr
from simcord.components import walk_components

from bot.app import App, open_app
from bot.config.settings import (
    AboutSettings,
    DatabaseSettings,
    DiscordSettings,
    GuildsSettings,
    LimitsSettings,
    NetworkSettings,
    RivyaSettings,
    Settings,
)
from bot.credits.ledger_export import LedgerEntry, export_ledger
from bot.domain.admission import AdmissionMode
from sandbox.cdn import FakeCdn
from sandbox.fake_rivya import FakeRivya
from tests.scenarios.strict_discord import StrictDiscord
from tests.support.sql import query_file
from tests.support.waiting import PATIENCE_SECONDS

TEXT_DISPLAY, MEDIA_GALLERY = 10, 12
OPERATOR_GUILD = 1_100_000_000_000_000_001


class PatientEnv(simcord.Env):
    """SimCord that waits until the bot is idle, however busy the machine, or does not wait at all.

    SimCord's `settle_timeout` has two meanings: which of the bot's timers are waited for, and how long that
    may take. Here it has the first only. If settling times out, SimCord leaves the due timers of the bot to
    the next call, so this class calls it again.
    """

    waiting = True

    async def _settle_internal(
        self,
        *,
        timeout: float | None = None,
        idle: float = 0.05,
        dispatch: str | None = None,
        _deadline: float | None = None,
    ) -> None:
        if not self.waiting and _deadline is None:
            return await self.run_due_timers()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                try:
                    return await super()._settle_internal(
                        timeout=timeout, idle=idle, dispatch=dispatch, _deadline=_deadline
                    )
                except TimeoutError:
                    if _deadline is not None:  # SimCord moves its clock, with a time limit of its own
                        raise

    async def run_due_timers(self) -> None:
        """Run the timers that are due, without waiting for more."""
        with suppress(TimeoutError):
            await super()._settle_internal(timeout=0)


@dataclass
class BotServer:
    """One guild with two members, an admin and a channel, and the bot with all it uses."""

    database: Path
    rivya: FakeRivya
    cdn: FakeCdn
    stack: AsyncExitStack
    options: dict[str, Any] = field(default_factory=dict)
    app: App = field(init=False)
    env: PatientEnv = field(init=False)
    strict: StrictDiscord = field(init=False)

    async def open(self) -> None:
        self.app = await self._start()
        # Not simcord.run, which must be opened and closed in one task; pytest's fixtures use two.
        self.env = PatientEnv(self.app.client, shard_count=1, settle_timeout=10)
        self.stack.push_async_callback(self._shut_down)
        self.strict = StrictDiscord(self.env, edit_seconds=self.options.get("edit_seconds"))
        self.stack.enter_context(self.strict.enforced())
        self._build_headquarters()
        self._build_guild()
        await self.env.start()
        self._after_start()

    def _build_guild(self) -> None:
        """Create the guild, which is not greeted unless it was `just_invited`: the bot was there long ago."""
        guild = self.guild = self.env.create_guild("Painters")
        self.channel = guild.create_text_channel("studio")
        managers = guild.create_role("Managers", permissions=discord.Permissions(manage_guild=True))
        self.alice, self.bob = (guild.add_member(self.env.create_user(name)) for name in ("alice", "bob"))
        self.sari = guild.add_member(self.env.create_user("sari"), roles=[managers])
        self._set_joined_at(guild, 0 if self.options.get("just_invited") else 1000)

    def _build_headquarters(self) -> None:
        """Create the operator's guild, if there is one, before the bot syncs its commands."""
        if (guild_id := self.options.get("operator_guild")) is not None:
            self.headquarters = self.env.create_guild("Headquarters", id=guild_id)
            self.staff_channel = self.headquarters.create_text_channel("staff")
            admins = self.headquarters.create_role(
                "Admins", permissions=discord.Permissions(administrator=True)
            )
            self.operator, self.other_admin = (
                self.headquarters.add_member(self.env.create_user(name), roles=[admins])
                for name in ("operator", "other_admin")
            )
            self._set_joined_at(self.headquarters, 1000)

    def _set_joined_at(self, guild: simcord.GuildHandle, days_ago: int) -> None:
        backend = self.env.backend
        joined_at = datetime.now(UTC) - timedelta(days=days_ago)
        backend.get_member(guild.id, backend.bot_user.id).joined_at = joined_at.isoformat()

    async def restart(self, *, idle: bool = True) -> None:
        """Close the bot and start another on the same database, while Discord goes on.

        With `idle` it first waits for everything that runs besides the jobs.
        """
        await self.app.engine.close()
        if idle:
            await self.wait_idle()
        await self._app_stack.aclose()
        self.app = await self._start()
        await self.env.restart_bot(self.app.client)
        self._after_start()

    async def _shut_down(self) -> None:
        await self.env.shutdown()
        self.env.raise_errors()

    async def _start(self) -> App:
        self._app_stack = AsyncExitStack()
        self.stack.push_async_callback(self._app_stack.aclose)
        return await self._app_stack.enter_async_context(open_app(self._settings()))

    def _after_start(self) -> None:
        self.env.backend.cdn = self.cdn
        # SimCord's handler would report every refused command as a bug of the bot.
        del self.app.client.tree.on_error
        if "operator_guild" in self.options:
            self.app.client.owner_id = self.operator.id  # in SimCord the bot itself owns the application

    def _settings(self) -> Settings:
        return Settings(
            discord=DiscordSettings(
                token=SecretStr("no-token"),
                operator_guild=self.options.get("operator_guild"),
                operator_channel=self.options.get("operator_channel"),
            ),
            rivya=RivyaSettings(
                api_key=SecretStr(self.rivya.api_key),
                base_url=self.rivya.url,
                first_poll_seconds=0.05,
                poll_seconds=0.05,
                max_running=self.options.get("max_running", 10),
                models=self.options.get("models", ("qwen-image",)),
                extra_models=self.options.get("extra_models", ()),
                prices=self.options.get("prices", ()),
                wallet_alert_credits=self.options.get("wallet_alert_credits", 100),
            ),
            database=DatabaseSettings(path=self.database),
            limits=LimitsSettings(
                guild_credits=self.options.get("guild_credits", 200),
                guild_ceiling=self.options.get("guild_ceiling"),
            ),
            guilds=GuildsSettings(
                admission=self.options.get("admission", AdmissionMode.OPEN),
                allowed=self.options.get("allowed", ()),
            ),
            network=NetworkSettings(allow_loopback=True),
            about=self.options.get("about", AboutSettings()),
        )

    @contextmanager
    def without_settling(self) -> Iterator[None]:
        """Do not wait for the bot, which never becomes idle while the fake Rivya holds its tasks."""
        self.env.waiting = False
        try:
            yield
        finally:
            self.env.waiting = True

    async def wait_idle(self) -> None:
        """Wait until the bot is idle."""
        await self.env.settle()

    async def until(self, condition: Callable[[], object]) -> None:
        """Let the bot work until the condition is true, for when it does not become idle."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not condition():
                await self.env.run_due_timers()
                await asyncio.sleep(0.01)

    async def start_imagine(
        self, member: simcord.MemberActor, prompt: str = "a red fox", *, where: Any = None, **options: Any
    ) -> None:
        """Send `/imagine` and wait until the reply shows progress, and the job has a task or is queued."""
        where = self.channel if where is None else where
        seen = len(where.history(viewer=member))
        held, tasks = self.states().count("held"), len(self.rivya.tasks)

        def has_started() -> bool:
            replies = where.history(viewer=member)[seen:]
            if self.states().count("held") == held or not replies:
                return False
            running = sum(not task.has_ended for task in self.rivya.tasks.values())
            is_placed = len(self.rivya.tasks) > tasks or running >= self.options.get("max_running", 10)
            shown = self.env.backend.get_message(replies[-1].channel.id, replies[-1].id)
            return is_placed and bool(shown.components)

        with self.without_settling():
            await member.slash(where, "imagine", prompt=prompt, **options)
        await self.until(has_started)

    # Objects in the cache of the bot, and what Discord has of it.

    @property
    def bot_guild(self) -> discord.Guild:
        """Return the guild from the cache of the bot."""
        guild = self.app.client.get_guild(self.guild.id)
        assert guild is not None
        return guild

    @property
    def bot_member(self) -> discord.Member:
        return self.bot_guild.me

    def bot_channel(self, channel_id: int) -> Any:
        """Return a channel of any kind from the cache of the bot."""
        channel = self.app.client.get_channel(channel_id)
        assert channel is not None
        return channel

    def set_application_owner(self, user_id: int) -> None:
        application: Any = self.app.client.application
        application.owner = discord.Object(user_id)

    def set_application_team(self, people: Mapping[str, simcord.UserHandle]) -> None:
        """Let a team own the application, of these people by their roles."""
        client: Any = self.app.client
        members: Any = [
            {
                "user": {"id": str(person.id), "username": role, "discriminator": "0", "avatar": None},
                "membership_state": 2,
                "permissions": ["*"],
                "team_id": "1",
                "role": role,
            }
            for role, person in people.items()
        ]
        data: Any = {"id": "1", "name": "Kuas", "icon": None, "owner_user_id": members[0]["user"]["id"]}
        client.application.team = discord.Team(client._connection, data | {"members": members})

    def find_command(self, name: str, guild_id: int | None = None) -> dict[str, Any]:
        """Return a command as it was synced to Discord."""
        found = self.env.backend.find_command(name, guild_id, type=1)
        assert found is not None
        return found

    def file(self, url: str) -> bytes:
        """Return the attachment with this URL."""
        data = self.cdn.get(url)
        assert data is not None
        return data

    # What members see.

    def text_of(self, message: Any) -> str:
        """Return the content and the text displays of a message."""
        raw = self.env.backend.get_message(message.channel.id, message.id)
        texts = [item["content"] for item in walk_components(raw.components) if item["type"] == TEXT_DISPLAY]
        return "\n".join([raw.content or "", *texts])

    def response_text(self, result: simcord.InteractionResult) -> str:
        """Return the text of the response; asserts that it is private."""
        assert result.response is not None, "the application did not respond"
        assert result.ephemeral or result.response.ephemeral, "the response is public"
        return self.text_of(result.response.message)

    def private_text(self, result: simcord.InteractionResult) -> str:
        """Return the text of the one private reply: the response, or a follow-up to a public one."""
        private = [reply for reply in (result.response, *result.followups) if reply and reply.ephemeral]
        assert len(private) == 1, f"{len(private)} private replies"
        return self.text_of(private[0].message)

    def visible_to(self, member: simcord.MemberActor) -> list[discord.Message]:
        return self.channel.history(viewer=member)

    def alt_texts(self, message: Any) -> list[str]:
        raw = self.env.backend.get_message(message.channel.id, message.id)
        return [
            picture["description"]
            for item in walk_components(raw.components)
            if item["type"] == MEDIA_GALLERY
            for picture in item["items"]
        ]

    def pictures(self) -> list[bytes]:
        """Return every picture in the channel."""
        return [
            self.cdn.get(attachment.url) or b""
            for message in self.channel.history()
            for attachment in message.attachments
        ]

    def query(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Run a statement on the database beside the bot, and commit; return its rows."""
        return query_file(self.database, statement, *values)

    def ledger_entries(self) -> list[LedgerEntry]:
        return list(export_ledger(self.database))

    def states(self) -> list[str]:
        return [str(entry["state"]) for entry in self.ledger_entries()]


class OpenServer(Protocol):
    """Open a guild with its bot; the options are those of `BotServer`."""

    def __call__(self, **options: Any) -> Awaitable[BotServer]: ...


async def open_asking_server(open_server: OpenServer) -> BotServer:
    """Open a guild whose bot asks its operator about each new one; it was there before it began to ask."""
    server = await open_server(operator_guild=OPERATOR_GUILD)
    server.options |= {"operator_channel": server.staff_channel.id, "admission": AdmissionMode.APPROVE}
    await server.restart()
    return server
