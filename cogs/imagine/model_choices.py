"""What commands offer of the models: their names, settings, and the sizes and formats of those on offer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from discord import app_commands

from bot.domain.errors import MemberError
from bot.domain.model_settings import SettingsRefused, complete, read_settings, settable, settings_error
from cogs.text.escaping import utf16_length
from cogs.text.terms import FORMATS, SIZES, credits_text
from cogs.text.translation import ngettext
from cogs.ui.discord_limits import CHOICE_UNITS, autocomplete_choices, fixed_choices

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.domain.image_models import ImageModel, Parameter
    from bot.domain.model_catalog import ModelCatalog

REFERENCE_OPTIONS: Final = 4
"""The options `reference`, `reference2` and so on; a form takes more."""


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


def complete_settings(catalog: ModelCatalog, model: str | None, typed: str) -> list[app_commands.Choice[str]]:
    """Complete the settings of a model, from memory; nothing is offered past what a choice can hold."""
    try:
        found = catalog.require(find_model(catalog, model))
    except MemberError:
        return []
    return _setting_choices(settable(found), typed)


def complete_any_settings(catalog: ModelCatalog, typed: str) -> list[app_commands.Choice[str]]:
    """Complete the settings that any of the offered models has."""
    return _setting_choices(
        {name: each for model in catalog.offered for name, each in settable(model).items()}, typed
    )


def _setting_choices(parameters: Mapping[str, Parameter], typed: str) -> list[app_commands.Choice[str]]:
    # What a client shows of a choice is what a member goes on typing, so name and value are the same.
    texts = complete(parameters, typed) if len(typed) <= CHOICE_UNITS else []
    return autocomplete_choices((each, each) for each in texts if utf16_length(each) <= CHOICE_UNITS)


def left_out_options(catalog: ModelCatalog) -> frozenset[str]:
    """Return the options of `/imagine` that nothing can be chosen with."""
    alone = {"model"} if len(catalog.offered) == 1 else set()
    bare = set() if settable_anywhere(catalog) else {"settings"}
    beyond = range(max(catalog.most_references, 1) + 1, REFERENCE_OPTIONS + 1)
    return frozenset(alone | bare | {f"reference{number}" for number in beyond})


def settable_anywhere(catalog: ModelCatalog) -> bool:
    """Whether an offered model has a setting that members may set."""
    return any(map(settable, catalog.offered))


def require_settings(catalog: ModelCatalog, typed: str) -> None:
    """Check settings that are for whichever model a member will choose.

    Raises:
        MemberError: SETTINGS_REFUSED; no offered model takes all. It is about the one that takes most.
    """
    refusals = []
    for model in catalog.offered:
        try:
            read_settings(model, typed)
        except SettingsRefused as refused:
            refusals.append((model, refused.mistakes))
        else:
            return
    model, mistakes = min(refusals, key=lambda refusal: len(refusal[1]))
    raise settings_error(model, mistakes)


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
