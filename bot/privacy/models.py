"""The nouns of privacy: what is kept of one member, counted and word for word."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DataSummary:
    """How much there is of a member. Times are epoch milliseconds, UTC."""

    requests: int
    """Those that carry the member's name."""
    unfinished: int
    guilds: int
    oldest_at: int | None
    prompts: int
    """Requests whose words are still there."""
    references: int
    """Requests that still say which file was attached."""
    kept_references: int
    """Requests whose attached picture is kept."""
    kept_pictures: int
    drafts: int
    """Requests that were not sent in, or wait for a yes to their price."""
    member_defaults: int
    """1 if the member has chosen how they like their pictures, else 0."""
    amounts: int
    """Reservations that carry the member's name: those of the requests, and those of erased ones."""
    amounts_until: int | None
    """When the last limit that resets stops counting them; None without any."""
    amounts_permanent: int
    """In how many servers a limit that never resets counts them."""
    about: int
    """Limits, grants, refunds and blocks that others decided about the member."""
    decisions: int
    """What the member decided for servers."""
    asked_at: int | None
    """Since when a wish to be forgotten waits for the rest."""

    @property
    def is_erasable(self) -> bool:
        """Whether a wish to be forgotten, or a new one, could end anything, now or when it is due."""
        unasked = self.asked_at is None and bool(self.amounts or self.about)
        return bool(self.requests or self.drafts or self.member_defaults) or unasked


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request with everything kept of it; the fields are in the order in which they are selected."""

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
    """A request that was not sent in, or waits for a yes to its price."""

    guild_id: int
    drafted_at: int
    prompt: str
    size: str
    format: str
    reference_filename: str | None


@dataclass(frozen=True, slots=True)
class AmountRecord:
    """Credits of a request that was erased, which a limit still counts."""

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
    """How the member likes their pictures to be; None leaves it to the bot."""

    set_at: int
    size: str | None
    format: str | None
    private: int | None


@dataclass(frozen=True, slots=True)
class BlockRecord:
    """An admin's word that this member may not paint, or may again; in force or not."""

    guild_id: int
    set_at: int
    effect: str
    expires_at: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class GrantRecord:
    """Credits given to this member beyond a limit."""

    guild_id: int
    granted_at: int
    credits: int
    left_credits: int
    expires_at: int | None
    revoked_at: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """Something the member decided for a server; 0 stands for all of them."""

    kind: str
    guild_id: int
    decided_at: int


@dataclass(frozen=True, slots=True)
class Export:
    """Everything tied to one member. Of very many requests the oldest are only counted."""

    user_id: int
    made_at: int
    erasure_asked_at: int | None
    older_requests: int
    requests: tuple[RequestRecord, ...]
    drafts: tuple[DraftRecord, ...]
    member_defaults: tuple[DefaultsRecord, ...]
    """One at most."""
    amounts: tuple[AmountRecord, ...]
    limits: tuple[LimitRecord, ...]
    grants: tuple[GrantRecord, ...]
    blocks: tuple[BlockRecord, ...]
    decisions: tuple[DecisionRecord, ...]
