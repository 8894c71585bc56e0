"""Check the balance at Rivya, from which all guilds spend, and warn the operator when it is low."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog

from bot.background.alert_notifier import NotificationFailed
from bot.background.periodic import PeriodicTask
from bot.domain.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.background.alert_notifier import Notifier
    from bot.credits.balance_warning import BalanceWarningStore
    from bot.domain.model_catalog import ModelCatalog
    from bot.observability.operator_log import OperatorLog

log = structlog.get_logger(__name__)

INTERVAL_SECONDS: Final = 600.0


class BalanceMonitor:
    """Warn once when the balance falls below `alert_credits`, and again only after it was above.

    The least threshold is the price of the cheapest picture. The warning is recorded after it was sent, so a
    crash between the two sends it again.
    """

    def __init__(
        self,
        get_balance: Callable[[], Awaitable[int]],
        notifier: Notifier,
        warning: BalanceWarningStore,
        alert_credits: int,
        catalog: ModelCatalog,
        operator_log: OperatorLog,
    ) -> None:
        self._get_balance = get_balance
        self._notifier = notifier
        self._warning = warning
        self._catalog = catalog
        self._least_credits = alert_credits
        self._operator_log = operator_log
        # A check that is cancelled loses nothing, since the next process starts with one.
        self._task = PeriodicTask("wallet", self._check, INTERVAL_SECONDS, operator_log, grace_seconds=0)

    def start(self) -> None:
        """Check now, then every ten minutes."""
        self._task.start()

    async def close(self) -> None:
        """Cancel the current check, and stop."""
        await self._task.close()

    @property
    def _alert_credits(self) -> int:
        return max(self._least_credits, self._catalog.cheapest_credits)

    async def _check(self) -> None:
        left_credits = await self._get_balance()
        if left_credits >= self._alert_credits:
            await self._warning.clear()
        elif not await self._warning.is_sent():
            await self._warn(left_credits)
            await self._warning.mark_sent()

    async def _warn(self, left_credits: int) -> None:
        low = OperatorError(
            "wallet_low", f"Rivya's wallet holds {left_credits} credits, less than {self._alert_credits}"
        )
        try:
            await self._notifier.warn_low_balance(left_credits, self._alert_credits)
        except NotificationFailed as error:
            # Nobody can read it in Discord, so it is reported in the log.
            self._operator_log.report(low, unheard=str(error))
        else:
            log.warning("wallet low", left_credits=left_credits, alert_credits=self._alert_credits)
