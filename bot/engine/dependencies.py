"""What every walk is given: its collaborators, and how often it looks and speaks.

Owns the bundle of them. Never imports anything of ours but client, delivery, durations, easel, fetch, ledger,
metrics, notices, outage, rests, slots, store, tempo, vault.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.credits.ledger import Ledger
    from bot.engine.circuit_breaker import Outage
    from bot.engine.delivery import Courier
    from bot.engine.polling.duration_store import Durations
    from bot.engine.polling.scheduler import Tempo
    from bot.engine.shutdown import Rests
    from bot.engine.slots import Slots
    from bot.engine.timings import Beat
    from bot.images.downloads import Fetcher
    from bot.images.workers import Easel
    from bot.jobs.store import Store
    from bot.observability.metrics import Metrics
    from bot.observability.operator_log import Notices
    from bot.rivya.client import Rivya
    from bot.storage.picture_store import Vault


@dataclass(frozen=True, slots=True)
class Tools:
    """What a walk works with."""

    store: Store
    ledger: Ledger
    rivya: Rivya
    fetcher: Fetcher
    courier: Courier
    slots: Slots
    beat: Beat
    tempo: Tempo
    durations: Durations
    easel: Easel
    vault: Vault
    rests: Rests
    notices: Notices
    outage: Outage
    metrics: Metrics
