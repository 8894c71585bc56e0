"""Tells a guild's admins how far its limit is used: what the ledger raised, each alert once.

An alert is marked as told after it was posted. If the bot dies in between it is posted again, under the same
nonce, by which Discord knows the first.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from bot.background.periodic import PeriodicTask
from bot.domain.errors import TransientError

if TYPE_CHECKING:
    from bot.credits.alerts import Alert, AlertStore, Key
    from bot.observability.operator_log import OperatorLog

log = structlog.get_logger(__name__)

INTERVAL_SECONDS: Final = 60.0
"""After so long, what could not be told is tried again."""


class NotificationFailed(Exception):
    """The place to tell it is closed for good; nothing was posted."""


class Notifier(Protocol):
    """Posts notifications. `AlertNotifier` and `BalanceMonitor` each wait for one call before the next."""

    async def send_alert(self, alert: Alert) -> None:
        """Post an alert in its channel; a repeat within minutes is the same message.

        Raises:
            NotificationFailed: the channel is gone, or closed to the bot.
            TransientError: the platform is out of reach.
        """

    async def warn_low_balance(self, left_credits: int, alert_credits: int) -> None:
        """Tell the operator that the balance is under `alert_credits`.

        Raises:
            NotificationFailed: there is nowhere to post it.
            TransientError: the platform is out of reach.
        """


class AlertNotifier:
    """Looks after every guild that was woken, and tells what is untold."""

    def __init__(self, alerts: AlertStore, notifier: Notifier, operator_log: OperatorLog) -> None:
        self._alerts = alerts
        self._notifier = notifier
        self._task = PeriodicTask("herald", self._run_once, INTERVAL_SECONDS, operator_log)
        self._woken: set[int] = set()
        self._not_before: dict[Key, float] = {}
        # Kept, since a database that fails just then must not let the alert be posted a second time.
        self._posted: set[Key] = set()

    def start(self) -> None:
        """Tell what the last process could not, and go on."""
        self._task.start()

    def check_soon(self, guild_id: int) -> None:
        """A member of this guild has just asked for a picture."""
        self._woken.add(guild_id)
        self._task.trigger()

    async def close(self) -> None:
        """Let the telling under way end; the rest waits for the next start."""
        await self._task.close()

    async def _run_once(self) -> None:
        while self._woken:
            await self._alerts.check_guild(self._woken.pop())
        alerts = await self._alerts.pending()
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
                await self._notifier.send_alert(alert)
        except NotificationFailed as error:
            log.warning("alert unheard", error=str(error), **facts)
        except TransientError as error:
            # Not with every picture that is asked for meanwhile.
            self._not_before[alert.key] = time.monotonic() + INTERVAL_SECONDS
            log.info("alert waits", error=str(error), **facts)
            return
        else:
            log.info("alert told", **facts)
        self._posted.add(alert.key)
        await self._alerts.mark_sent(alert)
