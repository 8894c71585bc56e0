"""Validate a request by itself, before anything is written or sent."""

from __future__ import annotations

import unicodedata
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from bot.domain.errors import MemberError, MemberReason
from bot.domain.text_folding import BLANK_LETTERS
from bot.images import processing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.domain.image_models import ImageModel
    from bot.domain.jobs import Request

_INVISIBLE: Final = ("C", "Z", "M")
"""Unicode's general categories of controls and formats, of spaces, and of marks on another character."""


def validate_request(request: Request, model: ImageModel) -> None:
    """Check the prompt, and what is declared of the references.

    Raises:
        MemberError: PROMPT_EMPTY, PROMPT_REFUSED, PROMPT_TOO_LONG with the room that is left;
            REFERENCE_UNSUPPORTED, TOO_MANY_REFERENCES; as `processing.check_metadata`.
    """
    if not any(_is_visible(character) for character in request.prompt):
        raise MemberError(MemberReason.PROMPT_EMPTY)
    if not _is_storable(request.prompt):
        raise MemberError(MemberReason.PROMPT_REFUSED, half=True)
    if (beyond := len(request.full_prompt) - model.longest_prompt) > 0:
        # The preset's words count, so less is left for the member's.
        room = max(0, len(request.prompt) - beyond)
        raise MemberError(MemberReason.PROMPT_TOO_LONG, limit=room, model=model.name)
    require_reference_support(request, model)
    if (count := len(request.references)) > model.reference_count:
        raise MemberError(
            MemberReason.TOO_MANY_REFERENCES, model=model.name, limit=model.reference_count, count=count
        )
    for number, reference in enumerate(request.references, start=1):
        with which_reference(request, number):
            processing.check_metadata(
                filename=reference.filename,
                content_type=reference.content_type,
                size_bytes=reference.size_bytes,
                limit_bytes=model.reference_limit_bytes,
            )


@contextmanager
def which_reference(request: Request, number: int) -> Iterator[None]:
    """Say in a `MemberError` about one of several references which one it is.

    Its data get `number`, from 1, and `filename`.
    """
    try:
        yield
    except MemberError as error:
        if len(request.references) > 1:
            error.data |= {"number": number, "filename": request.references[number - 1].filename}
        raise


def require_reference_support(request: Request, model: ImageModel) -> None:
    """Check that the model takes references, if there are any.

    Raises:
        MemberError: REFERENCE_UNSUPPORTED.
    """
    if request.references and not model.reference_count:
        raise MemberError(MemberReason.REFERENCE_UNSUPPORTED, model=model.name)


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
