"""Why a request is refused because of its model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cogs.text.terms import model_text
from cogs.text.translation import gettext, gettext_noop, ngettext, number

if TYPE_CHECKING:
    from cogs.text.error_data import Data

MAX_NAMES: Final = 6
"""How many models a sentence lists."""
_DEFAULTS: Final = {
    "preset": gettext_noop(
        "The preset chooses it: choose another one as `model` of `/imagine`. Someone with Manage Server can"
        " change it with `/presets save`."
    ),
    "member": gettext_noop(
        "It is your default: `/defaults set` changes it, or choose another one as `model` of `/imagine`."
    ),
    "guild": gettext_noop(
        "It is this server's default: choose another one as `model` of `/imagine`. Someone with Manage Server"
        " can change it with `/defaults server`."
    ),
}


def model_unavailable(data: Data) -> str:
    """Return the sentence for MODEL_UNAVAILABLE."""
    model, nearest = _name(data, "model"), _name(data, "nearest")
    if not model:
        return gettext("This model is not available. Please choose another one.")
    if not nearest:
        sentence = gettext("{model} is not available now. Please try again later.", model=model)
    else:
        sentence = gettext(
            "{model} is not available. The closest to it is {nearest}: change to it, and try again.",
            model=model,
            nearest=nearest,
        )
    return with_default(sentence, data)


def model_refused(data: Data) -> str:
    """Return the sentence for MODEL_REFUSED."""
    model, others = _name(data, "model"), _others(data)
    if not others:
        sentence = gettext(
            "The admins of this server do not let you use {model} here, nor another model. Try another"
            " channel, or ask someone with Manage Server.",
            model=model or gettext("this model"),
        )
    else:
        sentence = gettext(
            "The admins of this server do not let you use {model} here. You may use: {others}.",
            model=model or gettext("this model"),
            others=others,
        )
    return with_default(sentence, data)


def reference_unsupported(data: Data) -> str:
    """Return the sentence for REFERENCE_UNSUPPORTED."""
    model, others = _name(data, "model"), _others(data)
    if not model:
        return gettext("This model takes no reference. Please leave it out, or choose another model.")
    if not others:
        return gettext(
            "{model} takes no reference. Please leave it out, or choose another model.", model=model
        )
    return gettext(
        "{model} takes no reference. Please leave it out, or choose a model that takes one: {others}.",
        model=model,
        others=others,
    )


def prompt_too_long(data: Data) -> str:
    """Return the sentence for PROMPT_TOO_LONG."""
    limit, others = data.get("limit"), _others(data)
    if not isinstance(limit, int) or not limit:
        return gettext("The prompt is too long. Please shorten it.")
    if not others:
        return gettext(
            "The prompt is too long. The longest allowed is {limit} characters. Please shorten it.",
            limit=number(limit),
        )
    return gettext(
        "The prompt is too long for {model}, which takes {limit} characters of yours. Please shorten it, or"
        " choose a model that takes more: {others}.",
        model=_name(data, "model"),
        limit=number(limit),
        others=others,
    )


def with_default(sentence: str, data: Data) -> str:
    """Return a sentence about a model with what to do if nobody chose it for this request."""
    note = _DEFAULTS.get(str(data.get("default_of")))
    return sentence if note is None else f"{sentence} {gettext(note)}"


def _others(data: Data) -> str:
    """Return the names of models that would do, the closest first; empty without any."""
    names = data.get("others")
    shown = [model_text(str(name)) for name in names] if isinstance(names, list) else []
    return ", ".join([*shown[:MAX_NAMES], *(["…"] if len(shown) > MAX_NAMES else [])])


def too_many_references(data: Data) -> str:
    """Return the sentence for TOO_MANY_REFERENCES."""
    limit, count, others = data.get("limit"), data.get("count"), _others(data)
    sentence = gettext("These are more references than the model takes.")
    if isinstance(limit, int) and isinstance(count, int):
        sentence = ngettext(
            "{model} takes {n} reference, and this request has {count}.",
            "{model} takes {n} references, and this request has {count}.",
            limit,
            model=_name(data, "model"),
            count=number(count),
        )
    if not others:
        return f"{sentence} {gettext('Please leave some out.')}"
    advice = gettext(
        "Please leave some out, or choose a model that takes as many: {models}.",
        models=others,
    )
    return f"{sentence} {advice}"


def _name(data: Data, key: str) -> str:
    return model_text(str(data.get(key) or ""))
