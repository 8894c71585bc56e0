"""Asks the operator about servers that wait, tells those that were refused, and leaves them in the end.

What is to be done stands in rows, so nothing is forgotten by a restart. A card is marked after it was posted:
if the bot dies in between, it is posted again with the same nonce, and Discord returns the first one.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from bot.background.alert_notifier import NotificationFailed
from bot.background.periodic import PeriodicTask
from bot.config.program_name import program_name
from bot.domain.errors import OperatorError, TransientError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.credits.approvals import GuildApprovals, GuildStanding
    from bot.domain.admission import Admission
    from bot.guilds.admission import AdmissionStore
    from bot.observability.operator_log import OperatorLog

log = structlog.get_logger(__name__)

INTERVAL_SECONDS: Final = 60.0
UNREACHABLE_RETRY_SECONDS: Final = 3600.0
"""Between two attempts to ask an operator whom no message reaches."""


class AdmissionMessenger(Protocol):
    """Reaches the operator and the servers."""

    @property
    def is_ready(self) -> bool:
        """Whether the list of the bot's servers is complete."""

    def is_in(self, guild_id: int) -> bool:
        """Whether the bot is in a server, during an outage as well."""

    async def ask(self, standing: GuildStanding) -> None:
        """Post the card about a server; a second call within minutes posts no second one.

        Raises:
            NotificationFailed: nobody could be reached.
            TransientError: the platform cannot be reached.
        """

    async def explain(self, admission: Admission) -> None:
        """Tell a server that it was refused; a second call within minutes tells it once.

        Raises:
            NotificationFailed: neither a channel nor the owner of the server can be written to.
            TransientError: the platform cannot be reached.
        """

    async def leave(self, guild_id: int) -> None:
        """Leave a server; done if the bot is not in it.

        Raises:
            OperatorError: the platform refuses.
            TransientError: the platform cannot be reached.
        """


class AdmissionNotifier:
    """Asks, explains and leaves as the rows say, once a minute and when it is triggered."""

    def __init__(
        self,
        admissions: AdmissionStore,
        approvals: GuildApprovals,
        messenger: AdmissionMessenger,
        operator_log: OperatorLog,
    ) -> None:
        self._admissions = admissions
        self._approvals = approvals
        self._messenger = messenger
        self._operator_log = operator_log
        self._task = PeriodicTask("admissions", self._run_once, INTERVAL_SECONDS, operator_log)
        self._not_before: dict[int, float] = {}
        # Posted, but perhaps not marked, if the database failed: they are not posted again.
        self._posted: set[int] = set()

    def start(self) -> None:
        """Start with what the last process has left."""
        self._task.start()

    def check_soon(self) -> None:
        """Look at the rows now: a server has joined, or was refused."""
        self._task.trigger()

    async def close(self) -> None:
        """Wait for the current run; the rest waits for the next start."""
        await self._task.close()

    async def _run_once(self) -> None:
        if not self._messenger.is_ready:
            return
        for admission in await self._admissions.to_ask():
            if self._messenger.is_in(admission.guild_id):
                await self._attempt(self._ask, admission)
        for admission in await self._admissions.to_explain():
            await self._attempt(self._explain, admission)
        for admission in await self._admissions.to_leave():
            await self._attempt(self._leave, admission)

    async def _attempt(self, do: Callable[[Admission], Awaitable[None]], admission: Admission) -> None:
        try:
            # While Discord was slow about the ones before, the operator may have decided otherwise.
            if await self._admissions.get(admission.guild_id) == admission:
                await do(admission)
        except TransientError as error:
            log.info("admission postponed", guild_id=admission.guild_id, error=str(error))
        except OperatorError as error:
            self._operator_log.report(error, guild_id=admission.guild_id)

    async def _ask(self, admission: Admission) -> None:
        guild_id = admission.guild_id
        if time.monotonic() < self._not_before.get(guild_id, 0.0):
            return
        try:
            if guild_id not in self._posted:
                await self._messenger.ask(await self._approvals.standing(guild_id))
        except NotificationFailed as error:
            self._not_before[guild_id] = time.monotonic() + UNREACHABLE_RETRY_SECONDS
            remedy = f"{program_name()} operator allow {guild_id} CREDITS, or refuse {guild_id}"
            waits = OperatorError(
                "admission", f"server {guild_id} waits to be allowed; decide with: {remedy}"
            )
            self._operator_log.report(waits, unheard=str(error))
            return
        self._posted.add(guild_id)
        await self._admissions.mark_asked(guild_id)
        self._posted.discard(guild_id)
        log.info("server waits to be allowed", guild_id=guild_id)

    async def _explain(self, admission: Admission) -> None:
        guild_id = admission.guild_id
        if not self._messenger.is_in(guild_id):
            await self._admissions.left(guild_id)
            return
        try:
            await self._messenger.explain(admission)
        except NotificationFailed as error:
            log.warning("refusal unheard", guild_id=guild_id, error=str(error))
        await self._admissions.mark_explained(guild_id)

    async def _leave(self, admission: Admission) -> None:
        if self._messenger.is_in(admission.guild_id):
            await self._messenger.leave(admission.guild_id)
            log.info("left a refused server", guild_id=admission.guild_id)
        await self._admissions.left(admission.guild_id)
