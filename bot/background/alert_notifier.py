"""Tells a guild's admins how far its limit is used: what the ledger raised, each alert once.

An alert is marked as told after it was posted. If the bot dies in between it is posted again, under the same
nonce, by which Discord knows the first.

Owns the telling of alerts. Never imports anything of ours but alerts, errors, notices, rounds.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from bot.background.periodic import Rounds
from bot.domain.errors import TryLater

if TYPE_CHECKING:
    from bot.credits.alerts import Alert, Alerts, Key
    from bot.observability.operator_log import Notices

log = structlog.get_logger(__name__)

BEAT_SECONDS: Final = 60.0
"""After so long, what could not be told is tried again."""


class Unheard(Exception):
    """The place to tell it is closed for good; nothing was posted."""


class Crier(Protocol):
    """Posts in a channel. The herald never calls it twice at once."""

    async def cry(self, alert: Alert) -> None:
        """Post an alert in its channel; a repeat within minutes is the same message.

        Raises:
            Unheard: the channel is gone, or closed to the bot.
            TryLater: the platform is out of reach.
        """


class Herald:
    """Looks after every guild that was woken, and tells what is untold."""

    def __init__(self, alerts: Alerts, crier: Crier, notices: Notices) -> None:
        self._alerts = alerts
        self._crier = crier
        self._rounds = Rounds("herald", self._go_round, BEAT_SECONDS, notices)
        self._woken: set[int] = set()
        self._not_before: dict[Key, float] = {}
        # Kept, since a database that fails just then must not let the alert be posted a second time.
        self._posted: set[Key] = set()

    def start(self) -> None:
        """Tell what the last process could not, and go on."""
        self._rounds.start()

    def wake(self, guild_id: int) -> None:
        """A member of this guild has just asked for a picture."""
        self._woken.add(guild_id)
        self._rounds.wake()

    async def close(self) -> None:
        """Let the telling under way end; the rest waits for the next start."""
        await self._rounds.close()

    async def _go_round(self) -> None:
        while self._woken:
            await self._alerts.look(self._woken.pop())
        alerts = await self._alerts.untold()
        keys = {alert.key for alert in alerts}
        self._posted &= keys
        self._not_before = {key: at for key, at in self._not_before.items() if key in keys}
        for alert in alerts:
            if time.monotonic() >= self._not_before.get(alert.key, 0.0):
                await self._tell(alert)

    async def _tell(self, alert: Alert) -> None:
        facts = {"guild_id": alert.guild_id, "channel_id": alert.channel_id, "percent": alert.percent}
        try:
            if alert.key not in self._posted:
                await self._crier.cry(alert)
        except Unheard as error:
            log.warning("alert unheard", error=str(error), **facts)
        except TryLater as error:
            # Not with every picture that is asked for meanwhile.
            self._not_before[alert.key] = time.monotonic() + BEAT_SECONDS
            log.info("alert waits", error=str(error), **facts)
            return
        else:
            log.info("alert told", **facts)
        self._posted.add(alert.key)
        await self._alerts.told(alert)
