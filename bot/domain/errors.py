"""Exceptions, by who must act: the member, the operator, a developer, or nobody but time.

They carry data; the sentences for members are in `cogs/text/error_messages.py`. A generation that Rivya
reports as failed is no exception, but a value of the job (`jobs.Failure`).
"""

from __future__ import annotations

import errno
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from bot.domain.limits import Usage
    from bot.domain.prices import ShownPrice


class KuasError(Exception):
    """The base class; only its subclasses are raised."""

    category: ClassVar[str] = "KuasError"
    """The name in metrics and logs. Dashboards read it, so it does not change with the name of the class."""
    request_id: str | None = None
    """The id that Rivya's support asks for, if an answer of Rivya led to this."""
    in_doubt: bool = False
    """True if the call, or an earlier attempt of it, may have had its effect; a `TransientError` has
    `had_no_effect` for that."""


class MemberReason(StrEnum):
    """Why a request is refused; `cogs/text/error_messages.py` has a sentence for each.

    If it is about one of several references, the data also have its `number`, from 1, and its `filename`.
    """

    PROMPT_EMPTY = "prompt_empty"
    PROMPT_TOO_LONG = "prompt_too_long"
    """More characters than the model accepts; data: `limit`."""
    PROMPT_REFUSED = "prompt_refused"
    """Rivya's refusal is about the prompt; or, with the data `half`, it has half a surrogate pair."""
    CONTENT_REFUSED = "content_refused"
    """Rivya's moderation refused the prompt or the reference; data: `message`, Rivya's own words."""
    REQUEST_REFUSED = "request_refused"
    """Rivya refused the request for another reason; data: `code` and `message`, Rivya's own words."""
    REFERENCE_TYPE = "reference_type"
    """Not an image in an accepted format; data: `kind`, what it is or claims to be."""
    REFERENCE_UNREADABLE = "reference_unreadable"
    """Claims to be an image, but cannot be decoded."""
    REFERENCE_TOO_BIG = "reference_too_big"
    """More bytes than the model accepts; data: `size_bytes`, `limit_bytes`."""
    REFERENCE_TOO_LARGE = "reference_too_large"
    """More pixels than we decode; data: `width`, `height`, `side_limit`, `pixel_limit`."""
    REFERENCE_ANIMATED = "reference_animated"
    REFERENCE_HEIC = "reference_heic"
    """HEIC, and the `heif` extra is not installed."""
    REFERENCE_UNSUPPORTED = "reference_unsupported"
    """The model takes no reference; data: `model`, its name."""
    TOO_MANY_REFERENCES = "too_many_references"
    """More than the model takes; data: `model`, its name, `limit`, `count`, and `others`, the names of the
    models that take as many."""
    REFERENCE_GONE = "reference_gone"
    """The attachment is gone from Discord, whose links expire after about a day, or the stored picture is."""
    MODEL_UNAVAILABLE = "model_unavailable"
    """The operator does not offer the model, or Rivya does not have it now; data: `model`, its name, and
    `nearest`, that of the model on offer which is most like it, or None."""
    SETTINGS_REFUSED = "settings_refused"
    """The model does not take the settings; data: `model`, its name, `names`, those of its settings,
    `mistakes`, each a `SettingMistake`, and `preset`, the name of one that has settings, or None."""
    MODEL_REFUSED = "model_refused"
    """An admin does not let the member use the model in this channel; data: `model`, its name."""
    LIMIT_REACHED = "limit_reached"
    """Always a `LimitExceeded`, which has the data."""
    CHANNEL_UNUSABLE = "channel_unusable"
    """The bot may not see or post in this channel; data: `missing`, the names of the permissions."""
    GUILD_ONLY = "guild_only"
    NOT_ALLOWED = "not_allowed"
    """The member lacks a permission; data: `missing`, the names of the permissions."""
    PAUSED = "paused"
    """The operator accepts no new jobs; data: `sentence`, the operator's own words, which may be empty."""
    GUILD_NOT_ADMITTED = "guild_not_admitted"
    """The operator has not allowed this server; data: `state`, which is `waiting`, `refused` or `unlisted`,
    `contact`, whom to ask in the operator's words, which may be empty, `contacts`, the ids of the owners of
    the application, and `leave_at`, when the bot leaves, or None."""
    DRAFT_TAKEN = "draft_taken"
    """The draft was submitted before, belongs to somebody else, or has expired."""
    MEMBER_BLOCKED = "member_blocked"
    """An admin has blocked the member; data: `why`, which may be empty, and `expires_at`, or None."""
    ROLE_REFUSED = "role_refused"
    """The member's roles may not ask for pictures; data: `denied`, the member's roles that may not, or else
    `allowed`, the only roles that may; ids."""
    CHANNEL_REFUSED = "channel_refused"
    """No pictures may be asked for in this channel; data: as ROLE_REFUSED, of channels."""
    AGE_RESTRICTED_ONLY = "age_restricted_only"
    """This server allows pictures in age-restricted channels only."""
    WORD_BLOCKED = "word_blocked"
    """The prompt has a blocked word; data: `word`, as the admin typed it, and `preset`, the name of the
    preset without whose words the prompt has none."""
    COOLDOWN = "cooldown"
    """Too soon after the member's last request; data: `over_at`, epoch milliseconds, and `seconds`, the whole
    cooldown."""
    TOO_MANY_RUNNING = "too_many_running"
    """Too many pictures of the member are in progress; data: `running`, `limit`, and `pictures`, how many are
    asked for."""
    TOO_MANY_PICTURES = "too_many_pictures"
    """More pictures of one request than an admin, or Kuas, allows; data: `count`, `limit`, and `compared`,
    whether each is of another model."""
    PICTURES_AND_MODELS = "pictures_and_models"
    """Several pictures of each of several models: these are compared with one picture each."""
    TOO_MANY_RESULTS = "too_many_results"
    """More pictures than one message shows, or than an admin allows, as each task may make several; data:
    `count`, `limit`, and `by_admin`, whether that is an admin's."""
    NOT_YOURS = "not_yours"
    """A button that only the member of the picture may press."""
    REFERENCE_NOT_YOURS = "reference_not_yours"
    """The reference of the picture was attached by somebody else."""
    PICTURE_DELETED = "picture_deleted"
    """The picture was deleted, or its data was erased."""
    PICTURE_UNFINISHED = "picture_unfinished"
    """The picture is still in progress, or its job failed."""
    PICTURE_OUT_OF_REACH = "picture_out_of_reach"
    """The message of the picture is gone, or in a channel that the bot cannot read."""
    TOO_LATE_TO_CANCEL = "too_late_to_cancel"
    """Rivya may have been asked for the picture already."""
    ALREADY_ASKED = "already_asked"
    """The same picture was asked for a moment ago, so this is a double click."""
    UNDER_WAY = "under_way"
    """The same action on the same picture is in progress."""
    UNSHOWABLE = "unshowable"
    """Discord refuses the picture in this channel."""
    UNDELETABLE = "undeletable"
    """The bot cannot delete the message."""
    NO_PICTURE_THERE = "no_picture_there"
    """The message that was chosen as a reference has no picture; data: `kind`, what it has instead."""
    PRESET_UNKNOWN = "preset_unknown"
    """The server has no such preset; data: `name`."""
    JOB_UNKNOWN = "job_unknown"
    """The server has no such job."""
    JOB_NOT_CHARGED = "job_not_charged"
    """Nothing was charged for the job, or not yet."""
    JOB_REFUNDED = "job_refunded"
    """The job was refunded before."""
    CLOSING = "closing"
    """The bot is shutting down and accepts no new requests."""


class MemberError(KuasError):
    """The member must act; nothing is charged.

    `data` holds the values for the sentence, by the names in `MemberReason`. Where another model would do it
    may have `others`, the names of those that the member may use, `instead`, the id of the one to try, and
    `default_of`, what the model comes from, if the member did not choose it.
    """

    category = "MemberError"

    def __init__(self, reason: MemberReason, **data: object) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.data = data


class LimitExceeded(MemberError):
    """Reserving `cost_credits` would exceed a limit; `usage` says which one, and how far it is used.

    Of several limits it is the one with the least left; of several pictures, the cost is that of all.
    """

    category = "LimitReached"
    model_name: str | None = None
    """The model that was asked for, where several are offered."""
    cheaper: ShownPrice | None = None
    """Another model, for which every limit has room."""
    pictures: int = 1
    """How many were asked for."""
    fitting: int = 0
    """For how many of them the limit has room."""

    def __init__(self, usage: Usage, cost_credits: int) -> None:
        super().__init__(MemberReason.LIMIT_REACHED)
        self.usage = usage
        self.cost_credits = cost_credits


class OperatorError(KuasError):
    """The operator must act: a refused key, an empty wallet, a bad setting, a broken database.

    The message is one line for the log or the terminal. `code` groups them: `wallet_empty`, `key_refused`,
    `database`, `settings`, `discord` and others.
    """

    category = "OperatorError"

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class DiskFull(OperatorError):
    """No room is left on a disk: the work waits, and goes on once the operator has made room."""


def disk_error(what: str, error: OSError) -> OperatorError:
    """Return the error for `what` could not be done on a disk; a `DiskFull` if only room is missing."""
    full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
    return (DiskFull if full else OperatorError)("disk", f"{what}: {error}")


class TransientError(KuasError):
    """Trying again later may help: 429, 5xx, a time-out, a lost connection, an answer that is not the API's.

    `retry_after_seconds` is what the server asked for, if it did. `had_no_effect`, the argument `answered`,
    is False if the request may have had its effect although no answer came.
    """

    category = "TryLater"

    def __init__(
        self, message: str, *, retry_after_seconds: float | None = None, answered: bool = False
    ) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
        self.had_no_effect = answered


class ContractViolation(KuasError):
    """A developer must act: an answer that cannot be parsed, a key used twice, a task that vanished.

    `code` is the API's own `error.code`, or one of ours, such as `unreadable`, `not_a_picture`,
    `result_gone`, `task_taken` or `bug`.
    """

    category = "ContractBroken"

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
