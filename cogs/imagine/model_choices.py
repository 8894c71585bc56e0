"""What commands offer of the models: their names, and the sizes and formats of those on offer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from discord import app_commands

from cogs.text.terms import FORMATS, SIZES, credits_text
from cogs.text.translation import ngettext
from cogs.ui.discord_limits import autocomplete_choices, fixed_choices

if TYPE_CHECKING:
    from bot.domain.image_models import ImageModel
    from bot.domain.model_catalog import ModelCatalog


def model_label(model: ImageModel) -> str:
    """Return a model's name with its price and how many references it takes."""
    parts = [model.name, credits_text(model.cost_credits)]
    if model.reference_count:
        parts.append(ngettext("{n} reference", "{n} references", model.reference_count))
    return " · ".join(parts)


def complete_model(catalog: ModelCatalog, typed: str) -> list[app_commands.Choice[str]]:
    """Return the available models whose name or label contains what was typed, the default first."""
    wanted = typed.casefold().strip()
    labels = {model.model_id: model_label(model) for model in catalog.available}
    return autocomplete_choices(
        (label, model_id) for model_id, label in labels.items() if wanted in f"{label} {model_id}".casefold()
    )


def find_model(catalog: ModelCatalog, typed: str | None) -> str:
    """Return the id of an offered model by its id, name or label in any case; without one, the default's.

    Clients keep choices for a while, and may send the label instead of the value.

    Raises:
        MemberError: MODEL_UNAVAILABLE.
    """
    if typed is None:
        return catalog.default.model_id
    wanted = typed.casefold().strip()
    named = (
        model.model_id
        for model in catalog.known
        if wanted in {model.model_id.casefold(), model.name.casefold(), model_label(model).casefold()}
    )
    return catalog.require(next(named, typed)).model_id


def offer_choices(command: app_commands.Command[Any, ..., Any], catalog: ModelCatalog) -> None:
    """Set the choices of the options `size` and `format`; Discord gets them with the command.

    They come from the settings alone, so that commands are not written anew whenever Rivya's list changes.
    """
    offered = {
        "size": fixed_choices({size: SIZES[size] for size in SIZES if size in catalog.sizes}),
        "file_format": fixed_choices(
            {name: FORMATS[name] for name in FORMATS if name in catalog.file_formats}
        ),
    }
    names = {parameter.name for parameter in command.parameters}  # those of the code
    app_commands.choices(**{name: choices for name, choices in offered.items() if name in names})(command)
