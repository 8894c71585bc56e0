"""Check the balance at Rivya, from which all guilds spend, and warn the operator before it runs out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog

from bot.background.alert_notifier import NotificationFailed
from bot.background.periodic import PeriodicTask
from bot.domain.errors import OperatorError
from bot.domain.image_models import CHEAPEST_CREDITS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.background.alert_notifier import Notifier
    from bot.observability.operator_log import OperatorLog

log = structlog.get_logger(__name__)

INTERVAL_SECONDS: Final = 600.0


class BalanceMonitor:
    """Warns once when the wallet falls under `alert_credits`, and again only after it has been filled.

    With 0 it warns when the wallet cannot pay a picture any more. A restart warns anew.
    """

    def __init__(
        self,
        get_balance: Callable[[], Awaitable[int]],
        notifier: Notifier,
        alert_credits: int,
        operator_log: OperatorLog,
    ) -> None:
        self._get_balance = get_balance
        self._notifier = notifier
        self._alert_credits = max(alert_credits, CHEAPEST_CREDITS)
        self._operator_log = operator_log
        # Nothing is lost with a look that is cut: the next process begins with one.
        self._task = PeriodicTask("wallet", self._check, INTERVAL_SECONDS, operator_log, grace_seconds=0)
        self._warned = False

    def start(self) -> None:
        """Look now, then every ten minutes."""
        self._task.start()

    async def close(self) -> None:
        """Look no more."""
        await self._task.close()

    async def _check(self) -> None:
        left_credits = await self._get_balance()
        if left_credits >= self._alert_credits:
            self._warned = False
        elif not self._warned:
            await self._warn(left_credits)
            self._warned = True

    async def _warn(self, left_credits: int) -> None:
        low = OperatorError(
            "wallet_low", f"Rivya's wallet holds {left_credits} credits, less than {self._alert_credits}"
        )
        try:
            await self._notifier.warn_low_balance(left_credits, self._alert_credits)
        except NotificationFailed as error:
            # Nobody reads it in Discord, so the log has to say it loudly.
            self._operator_log.report(low, unheard=str(error))
        else:
            log.warning("wallet low", left_credits=left_credits, alert_credits=self._alert_credits)
