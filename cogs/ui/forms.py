"""Build forms, and read what comes back from them.

https://discord.com/developers/docs/components/reference#label-label-interaction-response-structure
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from discord import ui

from bot.domain.attachments import UPLOAD_FILE_TYPES
from bot.domain.limits import MAX_COMMAND_CREDITS
from cogs.text.escaping import single_line
from cogs.ui.discord_limits import FORM_DESCRIPTION_UNITS, all_components, validate_modal

if TYPE_CHECKING:
    from collections.abc import Mapping

CREDITS_UNITS: Final = 12
"""What a field for credits takes; more than a number of credits has."""


class PictureUpload(ui.FileUpload[ui.Modal]):
    """A field for pictures: discord.py 2.7 cannot say so. Clients look at the name of a file alone."""

    def to_component_dict(self) -> Any:
        """Return the payload with the types.

        https://discord.com/developers/docs/components/reference#file-upload
        """
        return {**super().to_component_dict(), "file_types": list(UPLOAD_FILE_TYPES)}


def build_form(title: str, custom_id: str, *parts: ui.Item[ui.Modal]) -> ui.Modal:
    """Build a form of texts and labelled fields.

    Raises:
        ContractViolation: `bug`; it exceeds a limit: see `discord_limits.validate_modal`.
    """
    form = ui.Modal(title=title, custom_id=custom_id)
    for part in parts:
        form.add_item(part)
    # discord.py keeps a form that is not stopped in memory until it is submitted, which may be never.
    form.stop()
    return validate_modal(form)


def labelled(text: str, field: ui.Item[ui.Modal], description: str = "") -> ui.Label[ui.Modal]:
    """Put a label above a field; a description that is too long is cut."""
    return ui.Label(
        text=text, description=single_line(description, FORM_DESCRIPTION_UNITS) or None, component=field
    )


def fields_by_id(data: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the fields of a submitted form by their custom ids, from the data of its interaction."""
    parts = all_components(data.get("components", ()))
    return {str(part["custom_id"]): part for part in parts if "custom_id" in part}


def values_of(field: Mapping[str, Any] | None) -> list[str]:
    """Return what was chosen in a field; nothing where the form has no such field."""
    return [str(value) for value in (field or {}).get("values") or ()]


def parse_credits(typed: str, least: int = 0) -> int | None:
    """Return the credits in a text; None if it is no whole number from `least` to `MAX_COMMAND_CREDITS`."""
    if not re.fullmatch("[0-9]{1,7}", typed.strip()):
        return None
    credits = int(typed)
    return credits if least <= credits <= MAX_COMMAND_CREDITS else None
