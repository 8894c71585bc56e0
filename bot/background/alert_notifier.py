"""Posts the pending alerts of guilds, each once.

An alert is marked as sent after it was posted. If the bot dies in between, it is posted again with the same
nonce, so that Discord returns the first message instead of a second one.
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
"""Between two attempts to post the same alert."""


class NotificationFailed(Exception):
    """The channel is gone, or the bot may not post there; nothing was posted."""


class Notifier(Protocol):
    """Posts notifications. There is at most one call of each method at a time."""

    async def send_alert(self, alert: Alert) -> None:
        """Post an alert in its channel; a second call within minutes posts no second message.

        Raises:
            NotificationFailed: the channel is gone, or the bot may not post there.
            TransientError: the platform cannot be reached.
        """

    async def warn_low_balance(self, left_credits: int, alert_credits: int) -> None:
        """Warn the operator that the balance is below `alert_credits`.

        Raises:
            NotificationFailed: there is no channel for it.
            TransientError: the platform cannot be reached.
        """


class AlertNotifier:
    """Checks guilds on request, and posts the pending alerts."""

    def __init__(self, alerts: AlertStore, notifier: Notifier, operator_log: OperatorLog) -> None:
        self._alerts = alerts
        self._notifier = notifier
        self._task = PeriodicTask("herald", self._run_once, INTERVAL_SECONDS, operator_log)
        self._guilds_to_check: set[int] = set()
        self._not_before: dict[Key, float] = {}
        # Posted, but perhaps not marked as sent, if the database failed: they are not posted again.
        self._posted: set[Key] = set()

    def start(self) -> None:
        """Start to post pending alerts, first those of the last process."""
        self._task.start()

    def check_soon(self, guild_id: int) -> None:
        """Check the limit of a guild, of which a member has just asked for a picture, and post its alerts."""
        self._guilds_to_check.add(guild_id)
        self._task.trigger()

    async def close(self) -> None:
        """Wait for the current run; pending alerts are posted after the next start."""
        await self._task.close()

    async def _run_once(self) -> None:
        while self._guilds_to_check:
            await self._alerts.check_guild(self._guilds_to_check.pop())
        alerts = await self._alerts.pending()
        keys = {alert.key for alert in alerts}
        self._posted &= keys
        self._not_before = {key: at for key, at in self._not_before.items() if key in keys}
        for alert in alerts:
            if time.monotonic() >= self._not_before.get(alert.key, 0.0):
                await self._post(alert)

    async def _post(self, alert: Alert) -> None:
        context = {"guild_id": alert.guild_id, "channel_id": alert.channel_id, "percent": alert.percent}
        try:
            if alert.key not in self._posted:
                await self._notifier.send_alert(alert)
        except NotificationFailed as error:
            log.warning("alert unheard", error=str(error), **context)
        except TransientError as error:
            # Otherwise every request for a picture would try again.
            self._not_before[alert.key] = time.monotonic() + INTERVAL_SECONDS
            log.info("alert postponed", error=str(error), **context)
            return
        else:
            log.info("alert posted", **context)
        self._posted.add(alert.key)
        await self._alerts.mark_sent(alert)
        self._posted.discard(alert.key)  # the same threshold may be reached again
