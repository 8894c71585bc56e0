"""The collaborators of `JobEngine` and `JobRunner`; nothing else takes them as one object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.credits.ledger import Ledger
    from bot.engine.circuit_breaker import CircuitBreaker
    from bot.engine.delivery import Delivery
    from bot.engine.polling.duration_store import TaskDurationStore
    from bot.engine.polling.scheduler import PollScheduler
    from bot.engine.shutdown import Shutdown
    from bot.engine.slots import FairSlots
    from bot.engine.timings import Timings
    from bot.images.downloads import Downloader
    from bot.images.workers import ImageWorkers
    from bot.jobs.store import JobStore
    from bot.observability.metrics import Metrics
    from bot.observability.operator_log import OperatorLog
    from bot.rivya.client import RivyaClient
    from bot.storage.picture_store import PictureStore


@dataclass(frozen=True, slots=True)
class EngineDependencies:
    """The collaborators of a runner."""

    store: JobStore
    ledger: Ledger
    rivya: RivyaClient
    downloader: Downloader
    delivery: Delivery
    slots: FairSlots
    timings: Timings
    scheduler: PollScheduler
    durations: TaskDurationStore
    image_workers: ImageWorkers
    picture_store: PictureStore
    shutdown: Shutdown
    operator_log: OperatorLog
    circuit_breaker: CircuitBreaker
    metrics: Metrics
