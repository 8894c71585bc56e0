"""The nouns of a picture's life: what was asked for, how far it has come, what came out."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class Stage(StrEnum):
    """How far a job has durably come, in the order of its stages."""

    ACCEPTED = "accepted"
    """The row and its reservation are committed."""
    UPLOADED = "uploaded"
    """Rivya has the reference; skipped where there is none."""
    CREATED = "created"
    """Rivya has a task, and its id is committed."""
    SUCCEEDED = "succeeded"
    """Settled; the picture is to be fetched and brought."""
    FAILED = "failed"
    """No picture will come; the member is to be told, if `finished_at` is not set yet."""
    DELIVERED = "delivered"
    UNDELIVERABLE = "undeliverable"
    """Nowhere to post it: the picture is kept. With a failure: painted and paid for, but not to be had."""
    CANCELLED = "cancelled"
    """Released before anything was sent."""


BEFORE_TASK: Final = (Stage.ACCEPTED, Stage.UPLOADED)
"""Rivya may not have a task yet."""
IN_FLIGHT: Final = (*BEFORE_TASK, Stage.CREATED)
"""There is no outcome yet; these need a slot."""


_KEPT: Final = "kept"


def stored_url(sha256: str) -> str:
    """The address of a stored picture; it is valid only here."""
    return f"{_KEPT}:{sha256}"


def stored_sha256(url: str) -> str | None:
    """The SHA-256 of the stored picture at this address; None for any other address."""
    scheme, _, sha256 = url.partition(":")
    return sha256 if scheme == _KEPT else None


@dataclass(frozen=True, slots=True)
class Reference:
    """A picture as the member attached it; nothing in here is proven yet."""

    url: str
    """Where Discord serves it, dead after about a day; or `stored_url`, for a stored picture."""
    filename: str
    content_type: str | None
    """Discord's guess from the name."""
    size_bytes: int
    sha256: str | None = None
    """The stored file, prepared for upload; None if it is not stored (yet)."""

    @property
    def source_sha256(self) -> str | None:
        """The stored picture that it is made from, if it comes from there."""
        return stored_sha256(self.url)


@dataclass(frozen=True, slots=True)
class UploadedReference:
    """A reference at Rivya, as its answer to the upload describes it; the create call sends all of it back.

    How long `url` is valid is not documented: https://rivya.ai/docs/api-files
    """

    url: str
    mime_type: str | None
    name: str | None = None
    duration_seconds: float | None = None
    duration_token: str | None = None
    """Proves a duration to the create call: https://rivya.ai/docs/api-generations"""


@dataclass(frozen=True, slots=True)
class Preset:
    """Words that an admin has chosen to stand around a member's; either may be empty."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class RequestContext:
    """The member's roles and the channel they ask in, as access rules use them. Ids are Discord's."""

    role_ids: tuple[int, ...] = ()
    """Without @everyone, which everybody has."""
    channel_ids: tuple[int, ...] = ()
    """The channel or thread, what that hangs under, and its category, as far as there are such."""
    age_restricted: bool = False
    missing_permissions: tuple[str, ...] = ()
    """What the bot lacks there to post a picture; discord.py's names."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the result goes, and the reply that is already there."""

    guild_id: int
    channel_id: int
    user_id: int
    application_id: int
    interaction_id: int
    """Unique for ever: Discord may deliver an event twice. Its snowflake also tells when the token dies."""
    interaction_token: str
    """Lives 15 minutes; a secret while it does."""
    upload_limit_bytes: int
    """What this interaction lets us attach."""
    locale: str
    """The member's, for what only they read: https://discord.com/developers/docs/reference#locales"""
    private: bool = False
    guild_locale: str = "en-US"
    """The server's, for what everybody reads."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a member asked for."""

    destination: Destination
    prompt: str
    model: str
    size: str
    format: str
    reference: Reference | None = None
    spoiler: bool = False
    preset: Preset | None = None
    parent_job_id: str | None = None
    """The picture that this one grew from."""
    repeats: str | None = field(default=None, compare=False)
    """The job that was asked for once more, by a click; not stored, it tells two clicks from two wishes."""

    @property
    def full_prompt(self) -> str:
        """What Rivya is given: the member's words, and those of the preset around them."""
        if self.preset is None:
            return self.prompt
        return " ".join(filter(None, (self.preset.before, self.prompt, self.preset.after)))


@dataclass(frozen=True, slots=True)
class RequestOptions:
    """What a member gave to `/imagine`; None leaves it to the preset, their defaults or the model."""

    destination: Destination
    """Its `private` is replaced by the one below."""
    prompt: str
    model: str
    size: str | None = None
    format: str | None = None
    private: bool | None = None
    reference: Reference | None = None
    spoiler: bool = False
    preset: str | None = None
    """The name of a preset, as it was typed."""
    parent_job_id: str | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why no picture came: a value, not an exception."""

    cause: str
    """Who must act: `member`, `operator`, `rivya` (its model said no) or `developer`."""
    code: str
    """A `MemberReason`, an `OperatorError.code`, or Rivya's `error.code`."""
    message: str = ""
    """Rivya's own words, where a member may read them; for a `MemberReason` its data, as JSON."""
    charged_credits: int = 0
    in_doubt: bool = False
    """True if it is not proven that nothing was charged: the reservation stays held."""


@dataclass(frozen=True, slots=True)
class Job:
    """One row of `jobs`: one request on its way to a picture. Times are epoch milliseconds, UTC."""

    job_id: str
    """A UUID; also the Idempotency-Key and the client_request_id."""
    request: Request
    stage: Stage
    quote_credits: int
    accepted_at: int
    acknowledged_at: int | None = None
    """When Discord was known to have our first answer."""
    message_id: int | None = None
    """The reply's message, as soon as Discord told us."""
    upload: UploadedReference | None = None
    """The reference at Rivya, once it is uploaded."""
    create_body: str | None = None
    """The exact JSON sent, or about to be sent, to create the task; every repeat sends it again."""
    task_id: str | None = None
    task_created_at: int | None = None
    result_url: str | None = None
    failure: Failure | None = None
    delay_notified_at: int | None = None
    painted_at: int | None = None
    """When the end of the task was seen, if it ended well."""
    finished_at: int | None = None
    """Nothing is left to do."""
    delivered_message: DeliveredMessage | None = None
    shared_at: int | None = None
    """When its member showed a private picture to everybody."""
    deleted_at: int | None = None
    """When its message was deleted, as far as that was done through us."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A finished picture, verified to be one."""

    data: bytes
    format: str
    """`png`, `jpeg` or `webp`: decided by the bytes."""
    width: int
    height: int

    @property
    def extension(self) -> str:
        """For a file name: `png`, `jpg` or `webp`."""
        return "jpg" if self.format == "jpeg" else self.format


@dataclass(frozen=True, slots=True)
class DeliveredMessage:
    """Where a result came to rest."""

    channel_id: int
    message_id: int
    method: str
    """Which rung of the ladder: `reply`, `edit`, `channel` or `dm`; `share` if its member showed it later."""
    url: str | None = None
    """The picture there, without the signature that Discord adds for a day; None if Discord did not say."""


class Phase(StrEnum):
    """What a job is doing right now, as far as its member cares."""

    WAITING = "waiting"
    """For a slot; `Progress.position` says how many are before it, itself included."""
    UPLOADING = "uploading"
    ASKING = "asking"
    """Rivya has been asked, or will be again, and has not said yes yet."""
    PAINTING = "painting"
    LATE = "late"
    """Painting for longer than usual; nobody has given up."""
    OUTAGE = "outage"
    """Rivya does not answer; the job waits for it."""
    FETCHING = "fetching"
    """The picture exists and is on its way."""


@dataclass(frozen=True, slots=True)
class Progress:
    """One true line about a running job. `since` is when this phase began, epoch milliseconds."""

    phase: Phase
    since: int
    position: int | None = None
    """Its place in the line, the next one being 1."""
    expected_seconds: float | None = None
    """How long it will take from here, as such pictures took of late; None if nobody knows."""
