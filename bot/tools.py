"""What every walk is given: its collaborators, and how often it looks and speaks.

Owns the bundle of them. Never imports anything of ours but client, delivery, durations, easel, fetch, ledger,
metrics, notices, outage, rests, slots, store, tempo, vault.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.delivery import Courier
    from bot.money.ledger import Ledger
    from bot.pictures.easel import Easel
    from bot.pictures.fetch import Fetcher
    from bot.pictures.vault import Vault
    from bot.polling.durations import Durations
    from bot.polling.tempo import Tempo
    from bot.rests import Rests
    from bot.rivya.client import Rivya
    from bot.slots import Slots
    from bot.store import Store
    from bot.watching.metrics import Metrics
    from bot.watching.notices import Notices
    from bot.watching.outage import Outage


@dataclass(frozen=True, slots=True)
class Beat:
    """How often a walk looks and speaks, in seconds."""

    first_poll_seconds: float
    poll_seconds: float
    late_after_seconds: float = 120
    progress_seconds: float = 10
    """Between two edits of the progress line; Discord does not publish how many it takes."""


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
