"""Read Rivya's list of models every hour: what they cost, and which are available."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog

from bot.background.alert_notifier import NotificationFailed
from bot.background.periodic import PeriodicTask
from bot.domain.errors import ContractViolation, OperatorError
from bot.domain.model_catalog import PriceChange

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from bot.credits.model_prices import ModelPriceStore
    from bot.domain.model_catalog import LiveModel, ModelCatalog
    from bot.observability.operator_log import OperatorLog

log = structlog.get_logger(__name__)

INTERVAL_SECONDS: Final = 3600.0


class ModelMonitor:
    """Keeps the catalogue up to date, and tells the operator once of a price that is another than before.

    `tell_operator` raises `NotificationFailed` if there is no channel for it, and `TransientError` if it has
    to be called again. If the list cannot be read, the catalogue stays as it is. What the operator was told
    is recorded after it was sent, so a crash between the two sends it again.
    """

    def __init__(
        self,
        get_models: Callable[[], Awaitable[Iterable[LiveModel]]],
        catalog: ModelCatalog,
        tell_operator: Callable[[Sequence[PriceChange]], Awaitable[None]],
        prices: ModelPriceStore,
        operator_log: OperatorLog,
    ) -> None:
        self._get_models = get_models
        self._catalog = catalog
        self._tell_operator = tell_operator
        self._prices = prices
        self._operator_log = operator_log
        # A run that is cancelled loses nothing, since the next process starts with one.
        self._task = PeriodicTask("models", self._check, INTERVAL_SECONDS, operator_log, grace_seconds=0)

    def start(self) -> None:
        """Read the list now, then every hour."""
        self._task.start()

    def trigger(self) -> None:
        """Read the list now, too."""
        self._task.trigger()

    async def close(self) -> None:
        """Cancel the current run, and stop."""
        await self._task.close()

    async def _check(self) -> None:
        try:
            live = list(await self._get_models())
        except ContractViolation as error:
            log.warning("list of models unreadable", error=str(error))
            return
        self._catalog.update(live)
        # Where the list says no price, that of the table is back, which Rivya has not said.
        priced = {each.model_id for each in live if each.base_credits}
        told, changes = await self._prices.told(), []
        for entry in self._catalog.entries():
            model = entry.model
            if entry.is_offered and entry.is_available is False:
                log.warning("model not available", model=model.model_id)
            before = told.get(model.model_id, entry.table_credits)
            if entry.is_offered and model.model_id in priced and before != model.cost_credits:
                changes.append(PriceChange(model, before))
        if changes:
            await self._tell(changes)
            prices = {change.model.model_id: change.model.cost_credits for change in changes}
            await self._prices.mark_told(prices)

    async def _tell(self, changes: Sequence[PriceChange]) -> None:
        for change in changes:
            model, before = change.model, change.before_credits
            log.warning(
                "price changed", model=model.model_id, credits=model.cost_credits, before_credits=before
            )
        try:
            await self._tell_operator(changes)
        except NotificationFailed as error:
            # Nobody can read it in Discord, so it is reported in the log.
            names = ", ".join(change.model.model_id for change in changes)
            self._operator_log.report(
                OperatorError("model_price", f"Rivya has changed the price of {names}"), unheard=str(error)
            )
