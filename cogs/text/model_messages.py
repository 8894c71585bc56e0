"""Why a request is refused because of its model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cogs.text.terms import model_text
from cogs.text.translation import gettext, ngettext, number

if TYPE_CHECKING:
    from collections.abc import Mapping

    Data = Mapping[str, object]

_MODELS_SHOWN: Final = 6


def model_unavailable(data: Data) -> str:
    """Return the sentence for MODEL_UNAVAILABLE."""
    model, nearest = _name(data, "model"), _name(data, "nearest")
    if not model:
        return gettext("This model is not available. Please choose another one.")
    if not nearest:
        return gettext("{model} is not available now. Please try again later.", model=model)
    return gettext(
        "{model} is not available. The closest to it is {nearest}: change to it, and try again.",
        model=model,
        nearest=nearest,
    )


def reference_unsupported(data: Data) -> str:
    """Return the sentence for REFERENCE_UNSUPPORTED."""
    model = _name(data, "model")
    if not model:
        return gettext("This model takes no reference. Please leave it out, or choose another model.")
    return gettext("{model} takes no reference. Please leave it out, or choose another model.", model=model)


def too_many_references(data: Data) -> str:
    """Return the sentence for TOO_MANY_REFERENCES."""
    limit, count, others = data.get("limit"), data.get("count"), data.get("others")
    names = [model_text(str(name)) for name in others] if isinstance(others, list) else []
    sentence = gettext("These are more references than the model takes.")
    if isinstance(limit, int) and isinstance(count, int):
        sentence = ngettext(
            "{model} takes {n} reference, and this request has {count}.",
            "{model} takes {n} references, and this request has {count}.",
            limit,
            model=_name(data, "model"),
            count=number(count),
        )
    if not names:
        return f"{sentence} {gettext('Please leave some out.')}"
    advice = gettext(
        "Please leave some out, or choose a model that takes as many: {models}.",
        models=", ".join([*names[:_MODELS_SHOWN], *(["…"] if len(names) > _MODELS_SHOWN else [])]),
    )
    return f"{sentence} {advice}"


def _name(data: Data, key: str) -> str:
    return model_text(str(data.get(key) or ""))
