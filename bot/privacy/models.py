"""What is stored about one member: counted, and in full. Times are epoch milliseconds, UTC."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DataSummary:
    """How much is stored about a member, over all servers."""

    requests: int
    """Requests that carry the member's id."""
    unfinished: int
    guilds: int
    """Servers in which there are such requests."""
    oldest_at: int | None
    prompts: int
    """Requests whose prompt is stored."""
    references: int
    """Requests with the name of the attached file."""
    kept_references: int
    """Requests whose attached picture is stored."""
    kept_pictures: int
    """Requests whose result is stored."""
    drafts: int
    """Requests that were not submitted, or whose price is not confirmed."""
    member_defaults: int
    """1 if the member has set defaults for their pictures, else 0."""
    amounts: int
    """Reservations that carry the member's id: those of `requests`, and those of erased requests."""
    amounts_until: int | None
    """When the last limit that resets stops counting them; None if no such limit counts any."""
    amounts_permanent: int
    """The number of servers in which a limit that never resets counts them."""
    about: int
    """Limits, grants, refunds and blocks that others decided about the member."""
    decisions: int
    """What the member decided for servers."""
    asked_at: int | None
    """When the member asked for erasure; None if no erasure is pending."""

    @property
    def is_erasable(self) -> bool:
        """Whether a new erasure request could erase anything, now or when it is due."""
        unasked = self.asked_at is None and bool(self.amounts or self.about)
        return bool(self.requests or self.drafts or self.member_defaults) or unasked


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request with everything stored about it; `data_export` selects the fields by name."""

    job_id: str
    guild_id: int
    channel_id: int
    accepted_at: int
    acknowledged_at: int | None
    finished_at: int | None
    stage: str
    prompt: str
    model: str
    size: str
    format: str
    private: int
    spoiler: int
    locale: str
    guild_locale: str
    preset_name: str | None
    parent_job_id: str | None
    reference_filename: str | None
    reference_type: str | None
    reference_bytes: int | None
    reference_url: str | None
    uploaded_url: str | None
    task_id: str | None
    result_url: str | None
    failure_code: str | None
    failure_message: str | None
    message_id: int | None
    landed_channel_id: int | None
    landed_message_id: int | None
    landed_way: str | None
    landed_url: str | None
    shared_at: int | None
    deleted_at: int | None
    reference_kept: int
    picture_kept: int
    state: str
    reserved_credits: int
    final_credits: int | None
    refunded_at: int | None
    refund_reason: str | None


@dataclass(frozen=True, slots=True)
class DraftRecord:
    """A request that was not submitted, or whose price is not confirmed."""

    guild_id: int
    drafted_at: int
    prompt: str
    size: str
    format: str
    reference_filename: str | None


@dataclass(frozen=True, slots=True)
class AmountRecord:
    """The reservation of an erased request, which a limit may still count."""

    job_id: str
    guild_id: int
    created_at: int
    state: str
    counted_credits: int


@dataclass(frozen=True, slots=True)
class LimitRecord:
    """A limit for this member alone, in force or not."""

    guild_id: int
    set_at: int
    effect: str
    credits: int | None
    period: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class DefaultsRecord:
    """The member's defaults for their pictures; None leaves a choice to the bot."""

    set_at: int
    size: str | None
    format: str | None
    private: int | None


@dataclass(frozen=True, slots=True)
class BlockRecord:
    """A block of this member by an admin, or its end; in force or not."""

    guild_id: int
    set_at: int
    effect: str
    expires_at: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class GrantRecord:
    """Credits granted to this member in addition to a limit."""

    guild_id: int
    granted_at: int
    credits: int
    left_credits: int
    expires_at: int | None
    revoked_at: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """Something the member decided for a server; `guild_id` 0 means all servers."""

    kind: str
    guild_id: int
    decided_at: int


@dataclass(frozen=True, slots=True)
class Export:
    """Everything stored about one member; `older_requests` are requests beyond the limit, only counted."""

    user_id: int
    made_at: int
    erasure_asked_at: int | None
    older_requests: int
    requests: tuple[RequestRecord, ...]
    drafts: tuple[DraftRecord, ...]
    member_defaults: tuple[DefaultsRecord, ...]
    """At most one."""
    amounts: tuple[AmountRecord, ...]
    limits: tuple[LimitRecord, ...]
    grants: tuple[GrantRecord, ...]
    blocks: tuple[BlockRecord, ...]
    decisions: tuple[DecisionRecord, ...]
