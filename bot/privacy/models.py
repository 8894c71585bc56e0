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
    """Names of attached files."""
    kept_references: int
    """Attached pictures that are stored."""
    kept_pictures: int
    """Requests whose result is stored."""
    drafts: int
    """Requests that were not submitted, or whose price is not confirmed."""
    member_defaults: int
    """1 if the member has set defaults for their pictures, else 0."""
    votes: int
    """For pictures of compared models."""
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
        return bool(self.requests or self.drafts or self.member_defaults or self.votes) or unasked


Record = dict[str, object]
"""A stored row, by the names that `data_export` selects; those of times end in `_at`, of ids in `_id`."""


@dataclass(frozen=True, slots=True)
class Export:
    """Everything stored about one member; `older_requests` are requests beyond the limit, only counted."""

    user_id: int
    made_at: int
    erasure_asked_at: int | None
    older_requests: int
    requests: tuple[Record, ...]
    """Each with everything stored about it."""
    drafts: tuple[Record, ...]
    """Requests that were not submitted, or whose price is not confirmed."""
    member_defaults: tuple[Record, ...]
    """At most one; None leaves a choice to the bot."""
    votes: tuple[Record, ...]
    """For pictures of compared models, by the number of the picture in its group."""
    amounts: tuple[Record, ...]
    """Reservations of erased requests, which a limit may still count."""
    limits: tuple[Record, ...]
    """For this member alone, in force or not."""
    grants: tuple[Record, ...]
    """Credits granted to this member in addition to a limit."""
    blocks: tuple[Record, ...]
    """Blocks of this member by an admin, and their ends; in force or not."""
    decisions: tuple[Record, ...]
    """What the member decided for servers; `guild_id` 0 means all servers."""
