"""Limits on credits, how far they are used, and the states of a reservation."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bot.domain.periods import Period


class LimitScope(StrEnum):
    """Whom a limit applies to, from all guilds to one member."""

    CEILING_ALL = "ceiling_all"
    """All guilds together; set by the operator."""
    CEILING = "ceiling"
    """One guild, by the operator, so no admin can raise it. Guild 0: every guild without one of its own.

    A guild with neither has the one of the settings.
    """
    GUILD = "guild"
    """One guild; set by its admins."""
    EVERYONE = "everyone"
    """Each member of a guild who has neither a limit of their own nor a role with one."""
    ROLE = "role"
    """Each member with a role. Of several roles the one that leaves the most credits counts."""
    MEMBER = "member"
    """One member; it replaces the limits of their roles."""

    @property
    def is_personal(self) -> bool:
        """Whether each member has the credits for themselves."""
        return self in _PERSONAL

    @property
    def is_ceiling(self) -> bool:
        """Whether the operator sets it."""
        return self in _CEILINGS


_PERSONAL: Final = frozenset({LimitScope.EVERYONE, LimitScope.ROLE, LimitScope.MEMBER})
_CEILINGS: Final = frozenset({LimitScope.CEILING, LimitScope.CEILING_ALL})


class ReservationState(StrEnum):
    """The state of a reservation; the values stand in the column `reservations.state`."""

    HELD = "held"
    """Credits are set aside, and it is not known yet what is charged."""
    SETTLED = "settled"
    """Closed with what Rivya charged."""
    RELEASED = "released"
    """Closed; nothing is charged."""


MAX_CREDITS: Final = 1_000_000_000
"""The most credits of a limit, ceiling or grant: sums of them stay far below SQLite's 64 bits."""
MAX_COMMAND_CREDITS: Final = 1_000_000
"""The most credits that a Discord command accepts, so that a zero too many is refused."""


@dataclass(frozen=True, slots=True)
class Limit:
    """The credits that may be spent in one period; `set_by` is None for the default of the settings.

    With `exempt` the subject has no limit: `credits` is 0, `period` is `TOTAL`, and both are ignored.
    """

    credits: int
    period: Period
    set_by: int | None = None
    set_at: int | None = None
    scope: LimitScope = LimitScope.GUILD
    subject_id: int = 0
    """The id of the member or the role; 0 for the other scopes."""
    exempt: bool = False
    reason: str = ""
    limit_id: int = 0
    """The row; 0 for the default."""

    def allows_more_than(self, ceiling: Limit) -> bool:
        """Whether this limit may let more be spent in one period of the ceiling than the ceiling does."""
        if ceiling.period is Period.TOTAL and self.period is not Period.TOTAL:
            return self.credits > 0
        return self.credits * _PERIODS_WITHIN.get((self.period, ceiling.period), 1) > ceiling.credits


_PERIODS_WITHIN: Final = {
    (Period.DAY, Period.WEEK): 7,
    (Period.DAY, Period.MONTH): 31,
    (Period.WEEK, Period.MONTH): 6,  # of which the first and the last begin or end in another month
}
"""How many periods of a limit one period of a ceiling touches at most; 1 for the others."""


@dataclass(frozen=True, slots=True)
class Usage:
    """How far one limit is used at one moment. Credits are integers; times are epoch milliseconds, UTC."""

    scope: LimitScope
    limit_credits: int
    spent_credits: int
    held_credits: int
    period: Period
    resets_at: int | None
    """When the period ends; None for `TOTAL`."""
    subject_id: int = 0
    """The id of the member or the role; 0 for the other scopes."""
    limit_id: int = 0
    """The row of the limit; 0 for the default."""
    granted_credits: int = 0
    """What grants still hold; they pay when the limit itself has no room."""

    @property
    def used_credits(self) -> int:
        """Spent and held credits, which are compared with the limit."""
        return self.spent_credits + self.held_credits

    @property
    def left_credits(self) -> int:
        """The credits that can still be reserved, grants included; never negative."""
        return max(0, self.limit_credits - self.used_credits) + self.granted_credits


@dataclass(frozen=True, slots=True)
class LimitChange:
    """A limit before and after a change; None where there was, or is, none.

    `usage` is that of the new limit; None where it has none as a whole: for a role, for everyone, for the
    ceiling of each guild, for an exemption, and where no limit is left. `lower_ceiling` is the operator's
    ceiling, if the new limit of a guild allows more.
    """

    before: Limit | None
    after: Limit | None
    usage: Usage | None
    lower_ceiling: Limit | None = None


@dataclass(frozen=True, slots=True)
class MemberLimits:
    """Every limit that concerns one member of one guild, and how far each is used at one moment."""

    guild: Usage
    ceilings: tuple[Usage, ...] = ()
    personal: Usage | None = None
    """The limit on this member that counts; None if none is set, or the member is exempt."""
    superseded: tuple[Usage, ...] = ()
    """Limits on this member that do not count, since a closer or more generous one does."""
    exempt: Limit | None = None
    """The exemption of this member, or of one of their roles."""

    @property
    def binding(self) -> tuple[Usage, ...]:
        """The limits that must all have room for a request."""
        return (*self.ceilings, self.guild, *([self.personal] if self.personal else []))


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a finished picture cost, and how the tightest limit of its guild or member stands now."""

    charged_credits: int
    usage: Usage
    over_limit_credits: int = 0
    """By how much the price, which Rivya named last, went beyond what the limits had left."""
