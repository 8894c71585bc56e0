"""Who must act when something goes wrong: the member, the operator, time, or a developer.

Exceptions carry data; the sentences a member reads are in `cogs/text/error_messages.py`. A generation that
Rivya reports as failed is no exception but a value on the job (`jobs.Failure`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from bot.domain.limits import Usage


class KuasError(Exception):
    """The family; only its four children, and theirs, are raised."""

    category: ClassVar[str] = "KuasError"
    """The name in metrics and logs. Dashboards read it, so it stays as it is when a class is renamed."""
    request_id: str | None = None
    """What Rivya's support asks for, where an answer of theirs led to this."""


class MemberReason(StrEnum):
    """What a member can do something about; `cogs/text/error_messages.py` has a sentence for each."""

    PROMPT_EMPTY = "prompt_empty"
    PROMPT_TOO_LONG = "prompt_too_long"
    """More characters than the model takes; data: `limit`."""
    PROMPT_REFUSED = "prompt_refused"
    """Rivya answered validation_failed: about the prompt, as far as a member is concerned. Also for what is
    no text at all."""
    REFERENCE_TYPE = "reference_type"
    """Not a picture in a format that is taken; data: `kind`, what it is or claims to be."""
    REFERENCE_UNREADABLE = "reference_unreadable"
    """Says it is a picture, but cannot be read as one."""
    REFERENCE_TOO_BIG = "reference_too_big"
    """More bytes than the model takes; data: `size_bytes`, `limit_bytes`."""
    REFERENCE_TOO_LARGE = "reference_too_large"
    """More pixels than we decode; data: `width`, `height`, `side_limit`, `pixel_limit`."""
    REFERENCE_ANIMATED = "reference_animated"
    REFERENCE_HEIC = "reference_heic"
    """HEIC, and the `heif` extra is not installed here."""
    REFERENCE_GONE = "reference_gone"
    """Discord no longer has the attachment (its links live about a day)."""
    LIMIT_REACHED = "limit_reached"
    """data: see `LimitExceeded`."""
    CHANNEL_UNUSABLE = "channel_unusable"
    """The bot may not see or post in this channel; data: `missing`, the names of the permissions."""
    GUILD_ONLY = "guild_only"
    NOT_ALLOWED = "not_allowed"
    """The member lacks a permission; data: `missing`, the names of the permissions."""
    PAUSED = "paused"
    """The operator lets no new jobs in; data: `sentence`, their own words, which may be empty."""
    DRAFT_TAKEN = "draft_taken"
    """A job came of this draft before, or it is forgotten."""
    MEMBER_BLOCKED = "member_blocked"
    """An admin has blocked the member here; data: `why`, which may be empty, and `expires_at`, or None."""
    ROLE_REFUSED = "role_refused"
    """The member's roles may not paint; data: `denied`, those of them, or else `allowed`, who may; ids."""
    CHANNEL_REFUSED = "channel_refused"
    """Nobody may paint in this channel; data: as ROLE_REFUSED."""
    AGE_RESTRICTED_ONLY = "age_restricted_only"
    """Pictures are painted in age-restricted channels only."""
    WORD_BLOCKED = "word_blocked"
    """data: `word`, as the admin typed it."""
    COOLDOWN = "cooldown"
    """Too soon after the member's last request; data: `over_at`, epoch milliseconds, and `seconds` in all."""
    TOO_MANY_RUNNING = "too_many_running"
    """data: `running`, of `limit`."""
    NOT_YOURS = "not_yours"
    """A button of somebody else's picture, which is theirs alone."""
    REFERENCE_NOT_YOURS = "reference_not_yours"
    """Somebody else attached the reference of that picture."""
    PICTURE_DELETED = "picture_deleted"
    """The picture was deleted, or what was kept of it was erased."""
    PICTURE_UNFINISHED = "picture_unfinished"
    """It is still being painted, or was never painted."""
    PICTURE_OUT_OF_REACH = "picture_out_of_reach"
    """Its message is gone, or in a channel that the bot cannot read."""
    TOO_LATE_TO_CANCEL = "too_late_to_cancel"
    """Rivya may have been asked to paint it already."""
    ALREADY_ASKED = "already_asked"
    """The same picture was asked for a moment ago: the second click of two."""
    UNDER_WAY = "under_way"
    """What was asked for is being done already."""
    UNSHOWABLE = "unshowable"
    """Discord does not take the picture in this channel."""
    UNDELETABLE = "undeletable"
    """The bot cannot get at the message that was to be deleted."""
    NO_PICTURE_THERE = "no_picture_there"
    """A message without a picture was to be a reference."""
    PRESET_UNKNOWN = "preset_unknown"
    """There is no such preset in this server; data: `name`."""
    JOB_UNKNOWN = "job_unknown"
    """There is no such picture in this server."""
    JOB_NOT_CHARGED = "job_not_charged"
    """Nothing was charged for it, or not yet."""
    JOB_REFUNDED = "job_refunded"
    """It was refunded before."""
    CLOSING = "closing"
    """The bot is about to restart and takes no new requests."""


class MemberError(KuasError):
    """The member must act. Nothing was sent, or nothing will be charged for it.

    `data` holds what the sentence needs, by the names given in `MemberReason`.
    """

    category = "MemberError"

    def __init__(self, reason: MemberReason, **data: object) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.data = data


class LimitExceeded(MemberError):
    """Reserving `cost_credits` would pass a limit; `usage` says which, how much of it, and when it resets."""

    category = "LimitReached"

    def __init__(self, usage: Usage, cost_credits: int) -> None:
        super().__init__(MemberReason.LIMIT_REACHED)
        self.usage = usage
        self.cost_credits = cost_credits


class OperatorError(KuasError):
    """Whoever runs the bot must act: a refused key, an empty wallet, a bad setting, a bad database.

    The message is one line for the operator's log or terminal. `code` is a short word for grouping, such as
    `wallet_empty`, `key_refused`, `database`, `settings`, `discord`.
    """

    category = "OperatorError"

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.in_doubt = False
        """True if an earlier attempt of the same call was never answered, so it may have had its effect."""


class TransientError(KuasError):
    """Time must act: 429, 5xx, a time-out, a cut connection, an answer that is not the API's.

    `retry_after_seconds` is what the other side asked for, if it did. `answered` is False if the request may
    have had its effect although no answer came.
    """

    category = "TryLater"

    def __init__(
        self, message: str, *, retry_after_seconds: float | None = None, answered: bool = False
    ) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
        self.had_no_effect = answered


class ContractViolation(KuasError):
    """A developer must act: a reply that cannot be read, a key used twice, a task that vanished.

    `code` is the API's own `error.code`, or a short word of ours, such as `unreadable`, `not_a_picture`,
    `result_gone`, `task_taken` or `bug`.
    """

    category = "ContractBroken"

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.in_doubt = False
        """True if the call, or an earlier attempt of it, may have had its effect."""
