"""Objects of the fake Rivya: uploaded files and generation tasks."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping


def _has_word(prompt: str, word: str) -> bool:
    return re.search(rf"\b{word}\b", prompt, re.IGNORECASE) is not None


def iso(epoch_seconds: float) -> str:
    """Format a time as the API does: ISO 8601 in UTC, with milliseconds and `Z`."""
    moment = datetime.fromtimestamp(epoch_seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(slots=True, kw_only=True)
class UploadForm:
    """A valid upload. `decodes` has not been checked yet."""

    data: bytes
    name: str
    mime_type: str
    model: str | None
    client_request_id: str | None


@dataclass(slots=True, kw_only=True)
class Upload(UploadForm):
    """An uploaded file; `created_at` is in epoch seconds."""

    id: str
    url: str
    created_at: float
    duration_token: str | None = None
    """What the create call has to send back; None where the upload returned none."""


@dataclass(slots=True)
class Task:
    """One generation; `*_at` are in epoch seconds."""

    id: str
    model: str
    key: str | None
    """The Idempotency-Key it was created with."""
    client_request_id: str | None
    prompt: str
    size: str
    output_format: str
    reference_ids: tuple[str, ...]
    """The uploads that the task refers to, in their order."""
    reserved_credits: int
    created_at: float
    status: Literal["queued", "processing", "succeeded", "failed"] = "queued"
    final_credits: int = 0
    updated_at: float = 0.0
    error_code: str | None = None
    polls: int = 0
    endless: bool = False
    """Whether it stays `processing` until `Backend.end_endless`."""
    params: Mapping[str, object] = field(default_factory=dict)
    """All but the references, with the default of each that was left out."""
    repeats: int = 0
    """How many tasks before asked for the same; without a seed each has another picture."""
    pictures: dict[int, asyncio.Task[bytes]] = field(default_factory=dict, repr=False)
    """By their numbers, from 0 on. Each is made once, when it is first requested."""

    @property
    def asked_count(self) -> int:
        """How many pictures it makes at most."""
        return int(str(self.params.get("max_images", 1)))

    @property
    def picture_count(self) -> int:
        """How many pictures it makes: one fewer than it might if the prompt has the word `fewer`."""
        return max(1, self.asked_count - _has_word(self.prompt, "fewer"))

    @property
    def refused(self) -> frozenset[int]:
        """The numbers of the pictures, from 0 on, that have an error in place of an address.

        That is the second of several if the prompt has the word `missing`.
        """
        return frozenset({1} if self.picture_count > 1 and _has_word(self.prompt, "missing") else ())

    @property
    def reference_id(self) -> str | None:
        """The upload that the painter works from: the first."""
        return next(iter(self.reference_ids), None)

    @property
    def has_ended(self) -> bool:
        """Return whether the status is final."""
        return self.status in {"succeeded", "failed"}
