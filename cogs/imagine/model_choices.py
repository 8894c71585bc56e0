"""The sizes and formats that commands offer: those of the models on offer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from discord import app_commands

from cogs.text.terms import FORMATS, SIZES
from cogs.ui.discord_limits import fixed_choices

if TYPE_CHECKING:
    from bot.domain.model_catalog import ModelCatalog


def offer_choices(command: app_commands.Command[Any, ..., Any], catalog: ModelCatalog) -> None:
    """Set the choices of the options `size` and `format`; Discord gets them with the command.

    They come from the settings alone, so that commands are not written anew whenever Rivya's list changes.
    """
    choices = {
        "size": fixed_choices({size: SIZES[size] for size in SIZES if size in catalog.sizes}),
        "format": fixed_choices({name: FORMATS[name] for name in FORMATS if name in catalog.file_formats}),
    }
    options = {parameter.name for parameter in command.parameters}
    app_commands.choices(**{_ARGUMENTS[name]: choices[name] for name in choices if name in options})(command)


_ARGUMENTS = {"size": "size", "format": "file_format"}
"""The names of options in the code."""
