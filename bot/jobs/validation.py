"""Validate a request by itself, before anything is written or sent."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

from bot.domain.errors import MemberError, MemberReason
from bot.domain.image_models import PROMPT_LIMIT
from bot.domain.text_folding import BLANK_LETTERS
from bot.images import processing

if TYPE_CHECKING:
    from bot.domain.image_models import ImageModel
    from bot.domain.jobs import Request

_INVISIBLE: Final = ("C", "Z", "M")
"""Unicode's general categories of controls and formats, of spaces, and of marks on another character."""


def validate_request(request: Request, model: ImageModel) -> None:
    """Check the prompt, and what is declared of the reference.

    Raises:
        MemberError: PROMPT_EMPTY, PROMPT_REFUSED, PROMPT_TOO_LONG with the room that is left;
            REFERENCE_UNSUPPORTED; as `processing.check_metadata`.
    """
    if not any(_is_visible(character) for character in request.prompt):
        raise MemberError(MemberReason.PROMPT_EMPTY)
    if not _is_storable(request.prompt):
        raise MemberError(MemberReason.PROMPT_REFUSED, half=True)
    limit = min(model.prompt_limit, PROMPT_LIMIT)
    if (beyond := len(request.full_prompt) - limit) > 0:
        # The preset's words count, so less is left for the member's.
        room = max(0, len(request.prompt) - beyond)
        raise MemberError(MemberReason.PROMPT_TOO_LONG, limit=room)
    if request.reference is not None:
        if not model.reference_count:
            raise MemberError(MemberReason.REFERENCE_UNSUPPORTED, model=model.name)
        processing.check_metadata(
            filename=request.reference.filename,
            content_type=request.reference.content_type,
            size_bytes=request.reference.size_bytes,
            limit_bytes=model.reference_limit_bytes,
        )


def _is_storable(text: str) -> bool:
    """Return whether there is no lone surrogate, which JSON can carry but neither UTF-8 nor the database."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_visible(character: str) -> bool:
    # A lone surrogate ("Cs") counts as visible, so that it is refused as such.
    category = unicodedata.category(character)
    return category == "Cs" or not (category.startswith(_INVISIBLE) or character in BLANK_LETTERS)
