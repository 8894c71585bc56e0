"""The names of models in choices: what is shown beside them, and how they are completed and understood."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.engine.progress import round_estimate
from cogs.text.terms import credits_text
from cogs.text.translation import gettext, ngettext, number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bot.domain.image_models import ImageModel
    from bot.domain.model_catalog import ModelCatalog

SEPARATOR: Final = " \N{MIDDLE DOT} "
_MINUTE_SECONDS: Final = 60


def model_label(model: ImageModel, seconds: float | None = None) -> str:
    """Return a model's name with its price, how long a picture takes, and how many references it takes."""
    return SEPARATOR.join((model.name, model_facts(model, credits_text(model.cost_credits), seconds)))


def model_facts(model: ImageModel, price: str, seconds: float | None = None) -> str:
    """Return the price in words, how long a picture takes, and how many references the model takes."""
    parts = [price]
    if seconds is not None:
        parts.append(_seconds_text(seconds))
    if model.reference_count:
        parts.append(ngettext("{n} reference", "{n} references", model.reference_count))
    return SEPARATOR.join(parts)


def _seconds_text(seconds: float) -> str:
    """Return about how long a picture takes, as short as a choice needs it."""
    seconds = round_estimate(seconds)
    if seconds < _MINUTE_SECONDS:
        return gettext("about {n} s", n=number(round(seconds)))
    return gettext("about {n} min", n=number(round(seconds / _MINUTE_SECONDS)))


def matching(labels: Mapping[str, str], typed: str) -> Iterator[tuple[str, str]]:
    """Yield the ids and labels of models that contain what was typed, in their order."""
    wanted = typed.casefold().strip()
    for model_id, label in labels.items():
        if wanted in f"{label} {model_id}".casefold():
            yield model_id, label


def find_model(catalog: ModelCatalog, typed: str) -> str:
    """Return the id of a known model by its id, name or label in any case; else what was typed.

    Clients keep choices for a while, and may send the label instead of the value. Of a label the name alone
    is compared, since what follows it changes.
    """
    wanted = typed.casefold().strip()
    named = {wanted, wanted.partition(SEPARATOR)[0].strip()}
    found = (
        model.model_id
        for model in catalog.known
        if not named.isdisjoint({model.model_id.casefold(), model.name.casefold()})
    )
    return next(found, typed)
