"""Which tasks take about the same time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from bot.domain.image_models import Value
    from bot.domain.jobs import Request
    from bot.domain.model_catalog import ModelCatalog

HISTORY_SIZE: Final = 200
"""How many of the newest tasks of a kind count."""
MAX_KINDS: Final = 100
"""How many kinds have a history: those with the newest tasks. The known models have about 75."""


@dataclass(frozen=True, slots=True)
class TaskKind:
    """Tasks of one kind take about the same time."""

    model: str
    with_reference: bool
    settings: tuple[tuple[str, Value], ...] = ()
    """Those that move the price and are not at their default, in the order of their names."""


def kind_of(request: Request, catalog: ModelCatalog) -> TaskKind:
    """Return the kind of a request's task, without its settings if the model is not known any more."""
    model = catalog.find(request.model)
    settings = () if model is None else model.price_settings(request.settings)
    return TaskKind(request.model, bool(request.references), settings)
