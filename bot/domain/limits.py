"""The nouns of limits: which rules there are, which bind a member, and who stopped a request."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class LimitScope(StrEnum):
    """Whom a limit binds, from the outside in."""

    CEILING_ALL = "ceiling_all"
    """All guilds together; only the operator sets it."""
    CEILING = "ceiling"
    """One guild, by the operator: no admin can raise it. Of guild 0: every guild that has none of its own."""
    GUILD = "guild"
    """A guild, by its admins."""
    EVERYONE = "everyone"
    """Each member of a guild that neither a role nor an override of their own speaks of."""
    ROLE = "role"
    """Each member with a role. Of several roles the one that leaves the most counts."""
    MEMBER = "member"
    """One member, whatever their roles."""

    @property
    def is_personal(self) -> bool:
        """Whether it binds each member for themselves."""
        return self in {LimitScope.EVERYONE, LimitScope.ROLE, LimitScope.MEMBER}

    @property
    def is_ceiling(self) -> bool:
        """Whether it is the operator's."""
        return self in {LimitScope.CEILING, LimitScope.CEILING_ALL}


MAX_CREDITS: Final = 1_000_000_000
"""No limit, ceiling or grant is higher: far beyond any wallet, and far from any overflow."""
MAX_COMMAND_CREDITS: Final = 1_000_000
"""What a command of Discord takes at most: a zero too many should be noticed."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What may be spent in one period; `set_by` is None for the default that nobody has changed.

    An exempt subject has no limit of its own: its `credits` are 0 and its `period` is `total`, and neither
    counts.
    """

    credits: int
    period: str
    set_by: int | None = None
    set_at: int | None = None
    scope: LimitScope = LimitScope.GUILD
    subject_id: int = 0
    """The member or the role; 0 for the other rules."""
    exempt: bool = False
    reason: str = ""
    limit_id: int = 0
    """0 for the default."""


@dataclass(frozen=True, slots=True)
class Usage:
    """How far one limit is used, at one moment. Credits are integers; times are epoch milliseconds, UTC."""

    scope: str
    """Which rule: a `money.rules.Rule`, by its value."""
    limit_credits: int
    spent_credits: int
    held_credits: int
    period: str
    """`day`, `week`, `month` or `total`."""
    resets_at: int | None
    """When the period ends; None for `total`, which never does."""
    subject_id: int = 0
    """The member or the role that the rule speaks of, if it speaks of one."""
    limit_id: int = 0
    """The row of that rule; 0 for a default."""
    granted_credits: int = 0
    """What grants still hold; they pay once the limit itself has no room."""

    @property
    def used_credits(self) -> int:
        """Spent and held together: what the limit is compared with."""
        return self.spent_credits + self.held_credits

    @property
    def left_credits(self) -> int:
        """What may still be reserved, grants included; never negative."""
        return max(0, self.limit_credits - self.used_credits) + self.granted_credits


@dataclass(frozen=True, slots=True)
class LimitChange:
    """A limit before and after somebody's change; None where there was, or is, none.

    `usage` says how far the new one is used already; None where that is not one number: for a role, for every
    member, for an exemption, and where nothing is left.
    """

    before: Limit | None
    after: Limit | None
    usage: Usage | None


@dataclass(frozen=True, slots=True)
class MemberLimits:
    """Every rule that speaks of one member in one guild, and how far each is used, at one moment."""

    guild: Usage
    ceilings: tuple[Usage, ...] = ()
    personal: Usage | None = None
    """The rule for this member that counts; None if none is set or the member is exempt."""
    superseded: tuple[Usage, ...] = ()
    """Rules for this member that do not count, since a closer or a more generous one does."""
    exempt: Limit | None = None
    """The rule that exempts this member, if one does."""

    @property
    def binding(self) -> tuple[Usage, ...]:
        """All that must have room."""
        return (*self.ceilings, self.guild, *([self.personal] if self.personal else []))

    @property
    def tightest(self) -> Usage:
        """The rule that leaves the least; of equals the one closest to the member."""
        return min(reversed(self.binding), key=lambda usage: usage.left_credits)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a finished picture cost, and how the tightest limit of its guild or its member stands now."""

    charged_credits: int
    usage: Usage
