"""Jobs: the request, its stages, and the result or failure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from bot.domain.model_settings import SettingValues
    from bot.domain.pictures import MorePicture, PostedPicture


class Stage(StrEnum):
    """The stages of a job, as they are committed; in their order."""

    ACCEPTED = "accepted"
    """The row and its reservation exist."""
    UPLOADED = "uploaded"
    """Rivya has all references; skipped without one."""
    CREATED = "created"
    """Rivya has a task, and its id is stored."""
    SUCCEEDED = "succeeded"
    """The reservation is settled; the picture is not delivered yet."""
    FAILED = "failed"
    """There will be no picture; until `finished_at` is set, the member has not been notified."""
    DELIVERED = "delivered"
    UNDELIVERABLE = "undeliverable"
    """The picture could not be posted, and is stored; with a failure, it was charged but not downloaded."""
    CANCELLED = "cancelled"
    """By the member, or since the first answer came too late; released, since no task can exist."""


BEFORE_TASK: Final = (Stage.ACCEPTED, Stage.UPLOADED)
"""It is not known that Rivya has a task."""
IN_FLIGHT: Final = (*BEFORE_TASK, Stage.CREATED)
"""There is no outcome yet; these stages need a slot."""


class FailureCode(StrEnum):
    """Codes of failures that end a late job; they stand in the column `jobs.failure_code` and in logs."""

    RESULT_LOST = "result_lost"
    """The picture was charged, and could not be downloaded for a week."""
    TASK_VANISHED = "task_vanished"
    """Rivya has not known the task for a week."""
    ABANDONED = "abandoned"
    """The operator ended the wait."""
    ERASED = "erased"
    """The member's or the server's data was erased."""


class FailureCause(StrEnum):
    """Who must act; the values stand in the column `jobs.failure_who`, in notes and in logs."""

    MEMBER = "member"
    OPERATOR = "operator"
    RIVYA = "rivya"
    """Nobody: Rivya's model refused, or failed."""
    DEVELOPER = "developer"


class DeliveryMethod(StrEnum):
    """How a result was posted; the values stand in the column `jobs.landed_way` and in logs."""

    REPLY = "reply"
    """The reply was edited, or replaced, with the interaction's token."""
    EDIT = "edit"
    """The reply was edited as the bot, without the token."""
    CHANNEL = "channel"
    """A new message in the channel mentions the member."""
    DM = "dm"
    """A direct message."""
    SHARE = "share"
    """The member shared a private picture later, in a message for everybody."""


class GroupKind(StrEnum):
    """What the jobs of one request have in common; the values stand in the column `job_groups.kind`."""

    PICTURES = "pictures"
    """The same request, several times."""
    COMPARE = "compare"
    """The same words, each with another model."""


MOST_PICTURES: Final = 4
"""Of one request."""


@dataclass(frozen=True, slots=True)
class GroupPlace:
    """The place of a job among those of its request, from 1, and how many these are: 2 or more."""

    number: int
    size: int


_STORED: Final = "kept"
"""The scheme of `stored_url`; it stands in rows."""


def stored_url(sha256: str) -> str:
    """Return the address of a stored picture; only this bot knows its scheme."""
    return f"{_STORED}:{sha256}"


def stored_sha256(url: str) -> str | None:
    """Return the SHA-256 in the address of a stored picture; None for any other address."""
    scheme, _, sha256 = url.partition(":")
    return sha256 if scheme == _STORED else None


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference as Discord describes it; nothing is verified yet."""

    url: str
    """Discord's address, which expires after about a day; or `stored_url` of a stored picture."""
    filename: str
    content_type: str | None
    """Discord's guess from the name."""
    size_bytes: int
    sha256: str | None = None
    """Of the stored file that is ready for upload; None if it is not stored (yet)."""
    job_id: str | None = None
    """The job whose picture it is, if it is known to be one of this bot."""

    @property
    def address(self) -> str:
        """The `url` without Discord's signature, which it renews: equal for the same file."""
        return self.url.partition("?")[0]

    @property
    def source_sha256(self) -> str | None:
        """The stored picture at `url`; None if it is an address of Discord."""
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
    """Words of an admin before and after the member's own; either may be empty."""

    name: str
    before: str
    after: str

    def around(self, prompt: str) -> str:
        """Return a prompt with the words around it."""
        return " ".join(filter(None, (self.before, prompt, self.after)))


@dataclass(frozen=True, slots=True)
class RequestContext:
    """The member's roles and the channel they ask in, as access rules use them. Ids are Discord's."""

    role_ids: tuple[int, ...] = ()
    """Without @everyone."""
    channel_ids: tuple[int, ...] = ()
    """The channel or thread, the parent channel of a thread, and the category, as far as they exist."""
    age_restricted: bool = False
    missing_permissions: tuple[str, ...] = ()
    """Permissions that the bot lacks to post a picture in the channel; discord.py's names."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the result is delivered: the channel, the member, and the interaction with its reply."""

    guild_id: int
    channel_id: int
    user_id: int
    application_id: int
    interaction_id: int
    """Unique; the key by which an interaction that Discord delivers twice is recognized."""
    interaction_token: str
    """Valid for 15 minutes; a secret until then."""
    upload_limit_bytes: int
    """Of one file, by the interaction."""
    locale: str
    """The member's, for messages that only they read: https://discord.com/developers/docs/reference#locales"""
    private: bool = False
    guild_locale: str = "en-US"
    """The server's, for messages that everybody reads."""


@dataclass(frozen=True, slots=True)
class Request:
    """A member's request for one picture."""

    destination: Destination
    prompt: str
    model: str
    size: str
    format: str
    references: tuple[Reference, ...] = ()
    """In the order in which the model gets them; members and rows count them from 1."""
    spoiler: bool = False
    preset: Preset | None = None
    parent_job_id: str | None = None
    """The job of the picture that this one was derived from."""
    asked_size: str | None = None
    """The size that was asked for, if the model has none like it and `size` is the nearest."""
    settings: SettingValues = ()
    """Of the model; in a draft also what it does not take, as it was typed."""
    loose_safety: bool = False
    """Whether the model checks less strictly; decided when the request is accepted, and kept in its row."""
    pictures: int = 1
    """How many are asked for; 1 in each job of a group."""
    models: tuple[str, ...] = ()
    """The ids of two or more models to compare, `model` among them; empty in each job of a group."""
    repeats: str | None = field(default=None, compare=False)
    """The job that this one repeats, by a button; not stored, and needed to recognize a double click."""

    @property
    def picture_count(self) -> int:
        """How many pictures are asked for: several of one model, or one of each that is compared."""
        return len(self.models) or self.pictures

    @property
    def parents(self) -> tuple[str, ...]:
        """The jobs of the pictures that this one was made from: the parent, and those of its references."""
        jobs = (self.parent_job_id, *(reference.job_id for reference in self.references))
        return tuple(dict.fromkeys(job_id for job_id in jobs if job_id is not None))

    @property
    def full_prompt(self) -> str:
        """The prompt for Rivya: the member's words between those of the preset."""
        return self.prompt if self.preset is None else self.preset.around(self.prompt)


@dataclass(frozen=True, slots=True)
class RequestOptions:
    """What a member gave to `/imagine`; None leaves it to the preset, to defaults or to the model."""

    destination: Destination
    """Its `private` is replaced by the one below."""
    prompt: str
    model: str | None = None
    """An id, or what was typed in its place."""
    size: str | None = None
    format: str | None = None
    private: bool | None = None
    references: tuple[Reference, ...] = ()
    spoiler: bool = False
    preset: str | None = None
    """The name of a preset, as it was typed."""
    parent_job_id: str | None = None
    settings: str = ""
    """As they were typed."""
    pictures: int = 1
    models: tuple[str, ...] = ()
    """To compare: ids, or what was typed in their place."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a job has no picture."""

    cause: FailureCause
    code: str
    """A `MemberReason`, an `OperatorError.code`, or Rivya's `error.code`."""
    message: str = ""
    """Rivya's own words, which the member may read; for a `MemberReason` its data as JSON."""
    charged_credits: int = 0
    in_doubt: bool = False
    """True if something may have been charged; the reservation stays held."""

    @property
    def is_personal(self) -> bool:
        """Whether the member or the operator has to act, so that others should not see it."""
        return self.cause in {FailureCause.MEMBER, FailureCause.OPERATOR}

    @property
    def needs_operator(self) -> bool:
        """Whether the operator has to look at the job."""
        return self.cause in {FailureCause.OPERATOR, FailureCause.DEVELOPER}


@dataclass(frozen=True, slots=True)
class Job:
    """One row of `jobs`. Times are epoch milliseconds, UTC."""

    job_id: str
    """A UUID; also the `Idempotency-Key` and the `client_request_id` of the create call."""
    request: Request
    stage: Stage
    quote_credits: int
    accepted_at: int
    place: GroupPlace | None = None
    """Among the jobs of one request for several pictures; None if it is alone."""
    acknowledged_at: int | None = None
    """When it was known that Discord has the first answer to the interaction."""
    message_id: int | None = None
    """The message of the reply; None until Discord has named it."""
    uploads: tuple[UploadedReference, ...] = ()
    """The first references, as far as they are at Rivya already, in the order of `request.references`."""
    create_body: str | None = None
    """The exact JSON of the create call, stored before it is sent; every retry sends the same."""
    task_id: str | None = None
    task_created_at: int | None = None
    result_url: str | None = None
    """Of its first picture; None if Rivya's answer held the picture itself."""
    more_pictures: tuple[MorePicture, ...] = ()
    """Those beyond the first, in their order; most tasks make one."""
    failure: Failure | None = None
    delay_notified_at: int | None = None
    late_at: int | None = None
    """When it was found to take longer than any job before it. It holds no slot since, and is tried ever more
    rarely; None again once it goes on."""
    late_note: str | None = None
    """What Rivya, or the host of the picture, answered last to a late job."""
    painted_at: int | None = None
    """When the task was seen to have succeeded."""
    finished_at: int | None = None
    """When nothing was left to do."""
    delivered_message: DeliveredMessage | None = None
    shared_at: int | None = None
    """When the member shared a private picture with everybody."""
    deleted_at: int | None = None
    """When the message was deleted through the bot."""

    @property
    def number(self) -> int:
        """Its number among the jobs of its request; 1 if it is alone."""
        return 1 if self.place is None else self.place.number

    @property
    def group_size(self) -> int:
        """How many jobs its request has."""
        return 1 if self.place is None else self.place.size

    @property
    def is_painted(self) -> bool:
        """Whether Rivya has made the picture."""
        painted = self.stage in {Stage.SUCCEEDED, Stage.DELIVERED, Stage.UNDELIVERABLE}
        return painted and self.failure is None

    @property
    def is_missing(self) -> bool:
        """Whether Rivya has made the picture, but it cannot be downloaded, yet or any more."""
        late = self.stage is Stage.SUCCEEDED and self.late_at is not None
        return late or (self.stage is Stage.UNDELIVERABLE and self.failure is not None)

    @property
    def picture_count(self) -> int:
        """How many pictures it has, once there are any."""
        return 1 + len(self.more_pictures)

    @property
    def result_urls(self) -> tuple[str | None, ...]:
        """The addresses of all its pictures, in their order; None for one that Rivya's answer held."""
        return (self.result_url, *(picture.result_url for picture in self.more_pictures))


@dataclass(frozen=True, slots=True)
class Picture:
    """A finished picture that was decoded successfully; of an animated one, its first frame was."""

    data: bytes
    format: str
    """`png`, `jpeg`, `webp`, `gif` or `avif`, as detected from the data."""
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class DeliveredMessage:
    """The message that a result was posted in."""

    channel_id: int
    message_id: int
    method: DeliveryMethod
    url: str | None = None
    """The picture's address without Discord's signature, which expires; None if Discord gave none."""
    attachment_id: int | None = None
    """The picture's id in a message of several, by which an edit keeps it."""
    more: tuple[PostedPicture, ...] = ()
    """The pictures of the job beyond the first, in their order."""
