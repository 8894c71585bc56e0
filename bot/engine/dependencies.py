"""The collaborators of `JobEngine` and `JobRunner`; nothing else takes them as one object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.credits.ledger import Ledger
    from bot.domain.model_catalog import ModelCatalog
    from bot.engine.circuit_breaker import CircuitBreaker
    from bot.engine.delivery import Delivery
    from bot.engine.job_files import JobFiles
    from bot.engine.polling.duration_store import TaskDurationStore
    from bot.engine.polling.scheduler import PollScheduler
    from bot.engine.shutdown import Shutdown
    from bot.engine.slots import FairSlots
    from bot.engine.timings import Timings
    from bot.jobs.store import JobStore
    from bot.observability.metrics import Metrics
    from bot.observability.operator_log import OperatorLog
    from bot.rivya.client import RivyaClient


@dataclass(frozen=True, slots=True)
class EngineDependencies:
    """The collaborators of a runner."""

    catalog: ModelCatalog
    store: JobStore
    ledger: Ledger
    rivya: RivyaClient
    files: JobFiles
    delivery: Delivery
    slots: FairSlots
    timings: Timings
    scheduler: PollScheduler
    durations: TaskDurationStore
    shutdown: Shutdown
    operator_log: OperatorLog
    circuit_breaker: CircuitBreaker
    metrics: Metrics
