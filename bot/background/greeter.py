"""Greets the servers that the bot has joined, once each, and tells those that are not admitted whom to ask.

What is to be done stands in rows. A row is changed after the message was posted: if the bot dies in between,
the message is posted again with the same nonce, and Discord returns the first one. Only if the next start is
more than a few minutes later can a server be greeted twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import structlog

from bot.background.alert_notifier import NotificationFailed
from bot.background.periodic import PeriodicTask
from bot.domain.errors import TransientError
from bot.guilds.greetings import GreetingState

if TYPE_CHECKING:
    from bot.credits.approvals import GuildApprovals, GuildStanding
    from bot.guilds.greetings import DueGreeting, GreetingStore
    from bot.observability.operator_log import OperatorLog

log = structlog.get_logger(__name__)

INTERVAL_SECONDS: Final = 60.0


class GreetingMessenger(Protocol):
    """Writes to servers."""

    @property
    def is_ready(self) -> bool:
        """Whether the list of the bot's servers is complete."""

    def is_in(self, guild_id: int) -> bool:
        """Whether the bot is in a server, during an outage as well."""

    async def greet(self, due: DueGreeting, standing: GuildStanding) -> None:
        """Post the greeting, or that the server is not admitted; once, if it is called twice within minutes.

        Raises:
            NotificationFailed: no channel takes it.
            TransientError: the platform cannot be reached.
        """


class Greeter:
    """Greets as the rows say, once a minute and when it is triggered."""

    def __init__(
        self,
        greetings: GreetingStore,
        approvals: GuildApprovals,
        messenger: GreetingMessenger,
        operator_log: OperatorLog,
    ) -> None:
        self._greetings = greetings
        self._approvals = approvals
        self._messenger = messenger
        self._task = PeriodicTask("greetings", self._run_once, INTERVAL_SECONDS, operator_log)
        # Posted, but perhaps not recorded, if the database failed: it is not posted again.
        self._posted: dict[int, GreetingState] = {}

    def start(self) -> None:
        """Start with what the last process has left."""
        self._task.start()

    def check_soon(self) -> None:
        """Look at the rows now: a server has joined."""
        self._task.trigger()

    async def close(self) -> None:
        """Wait for the current run; the rest waits for the next start."""
        await self._task.close()

    async def _run_once(self) -> None:
        if not self._messenger.is_ready:
            return
        for due in await self._greetings.due():
            try:
                await self._greet(due)
            except TransientError as error:
                log.info("greeting postponed", guild_id=due.guild_id, error=str(error))

    async def _greet(self, due: DueGreeting) -> None:
        guild_id = due.guild_id
        if not self._messenger.is_in(guild_id):
            await self._greetings.left(guild_id)
            return
        state = GreetingState.GREETED if due.refusal is None else GreetingState.TOLD
        if self._posted.get(guild_id) is not state:
            try:
                await self._messenger.greet(due, await self._approvals.standing(guild_id))
            except NotificationFailed as error:
                log.info("server not greeted", guild_id=guild_id, error=str(error))
                state = GreetingState.NOWHERE if due.refusal is None else GreetingState.TOLD
        self._posted[guild_id] = state
        await self._greetings.record(guild_id, state)
        del self._posted[guild_id]
