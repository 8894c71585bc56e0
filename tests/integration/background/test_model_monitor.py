"""The hourly look at Rivya's list of models: prices are used at once, and told once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence

import pytest
from structlog.testing import capture_logs

from bot.background.alert_notifier import NotificationFailed
from bot.background.model_monitor import ModelMonitor
from bot.credits.model_prices import ModelPriceStore
from bot.domain.errors import ContractViolation, TransientError
from bot.domain.image_models import MODELS
from bot.domain.model_catalog import LiveModel, ModelCatalog, PriceChange
from bot.observability.operator_log import OperatorLog
from bot.storage.database import Database

OFFERED = ("qwen-image", "flux-2-pro")


class Rivya:
    """Answers with the lists in turn, and tells the operator."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int, int]] = []
        self.errors: list[Exception] = []
        self._answer: Iterable[LiveModel] | Exception = ()

    async def models(self) -> Iterable[LiveModel]:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer

    async def tell(self, changes: Sequence[PriceChange]) -> None:
        if self.errors:
            raise self.errors.pop()
        self.told += [
            (change.model.model_id, change.before_credits, change.model.cost_credits) for change in changes
        ]

    async def check(self, monitor: ModelMonitor, answer: Iterable[LiveModel] | Exception) -> None:
        """Let the monitor read this list."""
        self._answer = answer
        monitor._task.trigger()
        run = monitor._task._current_run
        assert run is not None
        await asyncio.wait([run])


def priced(qwen: int, flux: int) -> list[LiveModel]:
    return [LiveModel("qwen-image", qwen), LiveModel("flux-2-pro", flux)]


@pytest.fixture
def rivya() -> Rivya:
    return Rivya()


@pytest.fixture
def catalog() -> ModelCatalog:
    return ModelCatalog(MODELS, OFFERED)


def monitor_of(rivya: Rivya, catalog: ModelCatalog, database: Database) -> ModelMonitor:
    return ModelMonitor(rivya.models, catalog, rivya.tell, ModelPriceStore(database), OperatorLog())


@pytest.fixture
async def monitor(rivya: Rivya, catalog: ModelCatalog, database: Database) -> AsyncIterator[ModelMonitor]:
    made = monitor_of(rivya, catalog, database)
    yield made
    await made.close()


async def test_a_changed_price_is_used_and_told_once(
    rivya: Rivya, catalog: ModelCatalog, monitor: ModelMonitor
) -> None:
    await rivya.check(monitor, priced(4, 5))
    assert rivya.told == []
    for _ in range(2):
        await rivya.check(monitor, priced(4, 6))
        assert catalog.require("flux-2-pro").cost_credits == 6
    assert rivya.told == [("flux-2-pro", 5, 6)]
    await rivya.check(monitor, priced(3, 5))
    assert rivya.told[1:] == [("qwen-image", 4, 3), ("flux-2-pro", 6, 5)]


async def test_a_restart_tells_nothing_again(rivya: Rivya, monitor: ModelMonitor, database: Database) -> None:
    await rivya.check(monitor, priced(4, 6))
    restarted = monitor_of(rivya, ModelCatalog(MODELS, OFFERED), database)
    await rivya.check(restarted, priced(4, 6))
    await restarted.close()
    assert rivya.told == [("flux-2-pro", 5, 6)]


async def test_models_that_are_not_offered_are_not_spoken_of(rivya: Rivya, monitor: ModelMonitor) -> None:
    await rivya.check(monitor, [*priced(4, 5), LiveModel("z-image", 9)])
    assert rivya.told == []


@pytest.mark.parametrize("error", [ContractViolation("unreadable", "no list"), TransientError("away")])
async def test_a_list_that_cannot_be_read_changes_nothing(
    rivya: Rivya, catalog: ModelCatalog, monitor: ModelMonitor, error: Exception
) -> None:
    await rivya.check(monitor, priced(4, 6))
    await rivya.check(monitor, error)
    assert catalog.require("flux-2-pro").cost_credits == 6
    assert rivya.told == [("flux-2-pro", 5, 6)]


async def test_an_operator_who_cannot_be_reached_is_told_later(rivya: Rivya, monitor: ModelMonitor) -> None:
    rivya.errors = [TransientError("Discord is away")]
    await rivya.check(monitor, priced(4, 6))
    assert rivya.told == []
    await rivya.check(monitor, priced(4, 6))
    assert rivya.told == [("flux-2-pro", 5, 6)]


async def test_without_a_channel_the_log_has_it(rivya: Rivya, monitor: ModelMonitor) -> None:
    rivya.errors = [NotificationFailed("no channel")]
    with capture_logs() as lines:
        await rivya.check(monitor, priced(4, 6))
        await rivya.check(monitor, priced(4, 6))
    (line,) = [line for line in lines if line["event"] == "operator must act"]
    assert (line["code"], "flux-2-pro" in line["error"]) == ("model_price", True)


async def test_an_offered_model_that_rivya_lacks_is_logged(rivya: Rivya, monitor: ModelMonitor) -> None:
    with capture_logs() as lines:
        await rivya.check(monitor, [LiveModel("qwen-image", 4)])
    assert [line["model"] for line in lines if line["event"] == "model not available"] == ["flux-2-pro"]


@pytest.mark.parametrize("answer", [[LiveModel("qwen-image", 4)], [LiveModel("another", 4)], []])
async def test_a_list_without_a_model_says_nothing_of_its_price(
    rivya: Rivya, monitor: ModelMonitor, database: Database, answer: list[LiveModel]
) -> None:
    await rivya.check(monitor, priced(4, 6))
    restarted = monitor_of(rivya, ModelCatalog(MODELS, OFFERED), database)
    await rivya.check(restarted, answer)
    await rivya.check(restarted, priced(4, 6))
    await restarted.close()
    assert rivya.told == [("flux-2-pro", 5, 6)]
