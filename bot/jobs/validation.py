"""What can be seen to be wrong with a request before anything is written or sent."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

from bot.domain.errors import MemberError, MemberReason
from bot.domain.text_folding import BLANK_LETTERS
from bot.images import processing

if TYPE_CHECKING:
    from bot.domain.image_models import ImageModel
    from bot.domain.jobs import Request

_HALF_A_CHARACTER: Final = re.compile("[\ud800-\udfff]")
"""A lone surrogate, which JSON can carry but neither UTF-8 nor the database."""
_SHOWS_NOTHING: Final = ("C", "Z", "M")
"""Unicode's general categories of controls and formats, of spaces, and of marks on another character."""


def validate_request(request: Request, model: ImageModel) -> None:
    """Refuse what can be seen to be wrong before anything is sent.

    Raises:
        MemberError: the prompt is blank or too long; the reference is too big or no picture by its name.
    """
    if not any(_is_visible(character) for character in request.prompt):
        raise MemberError(MemberReason.PROMPT_EMPTY)
    if _HALF_A_CHARACTER.search(request.prompt):
        raise MemberError(MemberReason.PROMPT_REFUSED)
    if (beyond := len(request.full_prompt) - model.prompt_limit) > 0:
        # With a preset, less is left for the member's own words.
        room = max(0, len(request.prompt) - beyond)
        raise MemberError(MemberReason.PROMPT_TOO_LONG, limit=room)
    if request.reference is not None:
        processing.check_metadata(
            filename=request.reference.filename,
            content_type=request.reference.content_type,
            size_bytes=request.reference.size_bytes,
            limit_bytes=model.reference_limit_bytes,
        )


def _is_visible(character: str) -> bool:
    # A half of a character counts as something: it has a refusal of its own.
    category = unicodedata.category(character)
    return category == "Cs" or not (category.startswith(_SHOWS_NOTHING) or character in BLANK_LETTERS)
