"""A model of the ledger in plain Python, which adds up every reservation for every question.

It differs from the product on purpose: periods are compared by calendar days, what grants paid is a stack,
and no totals are kept.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

ALL = 0
"""All guilds, or a guild as a whole."""
MEMBER_RULES = ("member", "role", "everyone")
MAX_PERIOD = timedelta(days=40)
"""The longest period that ends is shorter."""


class Cap(NamedTuple):
    """A limit; `credits` is None for an exemption."""

    credits: int | None
    period: str


class Usage(NamedTuple):
    """How far a limit is used."""

    rule: str
    subject_id: int
    limit: int
    spent: int
    held: int
    granted: int
    resets_at: datetime | None

    @property
    def left(self) -> int:
        return max(0, self.limit - self.spent - self.held) + self.granted


class Decision(NamedTuple):
    """The limits on a member: `binding` must all have room, from the widest scope to the closest."""

    binding: list[Usage]
    personal: Usage | None
    exempt: bool
    superseded: list[Usage]

    def refusal(self, cost: int) -> Usage | None:
        """The limit without room that leaves the least; of equal ones the closest to the member."""
        full = [use for use in self.binding if use.left < cost]
        return min(reversed(full), key=lambda use: use.left, default=None)


@dataclass
class Grant:
    """Credits that pay beyond a limit."""

    guild_id: int
    user_id: int
    left: int
    expires_at: datetime | None
    revoked: bool = False


@dataclass
class Level:
    """What one job costs a guild, or a member: first from the limit, then from grants in their order."""

    own: int
    drawn: list[tuple[int, int]]
    """Pairs of a grant and the credits it paid; the last one paid last."""


@dataclass
class Booking:
    """A reservation."""

    guild_id: int
    user_id: int
    at: datetime
    cost: int
    state: str
    levels: dict[str, Level]
    refunded: bool = False
    has_task: bool = False
    over: bool = False
    """Whether its job has ended."""


def key_of(period: str, at: datetime, zone: str) -> object:
    """Equal for two moments if and only if they are in the same period."""
    local = at.astimezone(ZoneInfo(zone))
    if period == "day":
        return local.date()
    if period == "week":
        return local.isocalendar()[:2]
    return (local.year, local.month) if period == "month" else None


@cache
def end_of(period: str, at: datetime, zone: str) -> datetime | None:
    """The start of the next period, searched for among the quarters of an hour that follow."""
    if period == "total":
        return None
    this = key_of(period, at, zone)
    quarter = at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)
    quarters = range(1, MAX_PERIOD // timedelta(minutes=15))
    later = bisect_left(
        quarters, 1, key=lambda n: key_of(period, quarter + timedelta(minutes=15 * n), zone) != this
    )
    return quarter + timedelta(minutes=15 * quarters[later])


@dataclass
class Model:
    """Guilds, their limits and grants, and every reservation."""

    default: Cap
    zones: dict[int, str]
    now: datetime
    bookings: dict[str, Booking] = field(default_factory=dict)
    grants: dict[int, Grant] = field(default_factory=dict)
    caps: dict[tuple[int, str, int], Cap] = field(default_factory=dict)
    """By guild, scope and subject."""
    paused: set[int] = field(default_factory=set)
    default_ceiling: Cap | None = None
    """That of the settings; None in a database of an earlier version."""

    def is_paused(self, guild_id: int) -> bool:
        return bool(self.paused & {ALL, guild_id})

    def decision(self, guild_id: int, user_id: int, roles: tuple[int, ...]) -> Decision:
        """The limits that concern a member."""
        zone = self.zones[guild_id]
        binding = [use for use in (self._all_use(), self._ceiling_use(guild_id)) if use]
        own = self.caps.get((guild_id, "guild", 0), self.default)
        spent, held = self._sums(own.period, zone, "guild", guild_id)
        binding.append(self._use("guild", 0, own, spent, held, zone, self._granted_left(guild_id, ALL)))
        layers = [
            [(rule, subject) for subject in sorted(subjects) if (guild_id, rule, subject) in self.caps]
            for rule, subjects in zip(MEMBER_RULES, ({user_id}, set(roles), {0}), strict=True)
        ]
        nearest = next((layer for layer in layers if layer), [])
        exempt = any(self.caps[guild_id, *rule].credits is None for rule in nearest)
        uses = {
            rule: self.member_use(guild_id, user_id, *rule, self.caps[guild_id, *rule])
            for layer in layers
            for rule in layer
            if self.caps[guild_id, *rule].credits is not None
        }
        personal = None
        if nearest and not exempt:
            # Of equal ones the higher limit is shown.
            personal = max((uses[rule] for rule in nearest), key=lambda use: (use.left, use.limit))
            binding.append(personal)
        over = [use for use in uses.values() if use is not personal]
        return Decision(binding, personal, exempt, over)

    def member_use(self, guild_id: int, user_id: int, rule: str, subject: int, cap: Cap) -> Usage:
        """How far one member has used a limit."""
        zone = self.zones[guild_id]
        spent, held = self._sums(cap.period, zone, "member", guild_id, user_id)
        return self._use(rule, subject, cap, spent, held, zone, self._granted_left(guild_id, user_id))

    def member_spent(self, guild_id: int, user_id: int) -> int:
        """What a member's pictures cost in the period of the guild's limit, without refunded ones."""
        zone, period = self.zones[guild_id], self.caps.get((guild_id, "guild", 0), self.default).period
        this = key_of(period, self.now, zone)
        return sum(
            booking.cost
            for booking in self.bookings.values()
            if (booking.guild_id, booking.user_id) == (guild_id, user_id) and not booking.refunded
            if key_of(period, booking.at, zone) == this
        )

    def book(self, job_id: str, guild_id: int, user_id: int, cost: int, decision: Decision) -> None:
        """Add a reservation, for which all limits have room."""
        guild = next(use for use in decision.binding if use.rule == "guild")
        levels = {
            "guild": self._pay(guild, cost, guild_id, ALL),
            "member": self._pay(decision.personal, cost, guild_id, user_id)
            if decision.personal
            else Level(cost, []),
        }
        self.bookings[job_id] = Booking(guild_id, user_id, self.now, cost, "held", levels)

    def recost(self, job_id: str, cost: int, state: str) -> None:
        """Change the cost of a job: grants get back what it does not need, the limit pays what is more."""
        booking = self.bookings[job_id]
        more = cost - booking.cost
        booking.cost, booking.state = cost, state
        for level in booking.levels.values():
            if more > 0:
                level.own += more
            else:
                self._take_off(level, -more)

    def refund(self, job_id: str) -> None:
        """Refund a job: it counts against no limit, and its cost stays."""
        booking = self.bookings[job_id]
        booking.refunded = True
        for level in booking.levels.values():
            self._take_off(level, sum(credits for _, credits in level.drawn))

    def slots(self, span: timedelta, guild_id: int) -> dict[int, tuple[int, int]]:
        """The charged credits and those that count against limits, of one guild or all, by `span`."""
        sums: dict[int, tuple[int, int]] = {}
        for booking in self.bookings.values():
            if guild_id in {ALL, booking.guild_id}:
                slot = (booking.at - datetime(1970, 1, 1, tzinfo=UTC)) // span
                counted, limited = sums.get(slot, (0, 0))
                sums[slot] = counted + booking.cost, limited + self._counts(booking, "guild")
        return {slot: sum_ for slot, sum_ in sums.items() if any(sum_)}

    def _all_use(self) -> Usage | None:
        cap = self.caps.get((ALL, "ceiling_all", 0))
        return None if cap is None else self._ceiling("ceiling_all", cap, None)

    def _ceiling_use(self, guild_id: int) -> Usage | None:
        for_each = self.caps.get((ALL, "ceiling", 0), self.default_ceiling)
        cap = self.caps.get((guild_id, "ceiling", 0), for_each)
        return None if cap is None else self._ceiling("ceiling", cap, guild_id)

    def exceeds_ceiling(self, guild_id: int) -> bool:
        """Whether the guild has spent more than its ceiling allows."""
        use = self._ceiling_use(guild_id)
        return use is not None and use.spent + use.held > use.limit

    def _ceiling(self, rule: str, cap: Cap, guild_id: int | None) -> Usage:
        spent, held = self._sums(cap.period, "UTC", "real", guild_id)
        return self._use(rule, 0, cap, spent, held, "UTC", 0)

    def _use(
        self, rule: str, subject: int, cap: Cap, spent: int, held: int, zone: str, granted: int
    ) -> Usage:
        assert cap.credits is not None
        return Usage(rule, subject, cap.credits, spent, held, granted, end_of(cap.period, self.now, zone))

    def _sums(
        self, period: str, zone: str, level: str, guild_id: int | None, user_id: int | None = None
    ) -> tuple[int, int]:
        this = key_of(period, self.now, zone)
        mine = [
            booking
            for booking in self.bookings.values()
            if guild_id in {None, booking.guild_id} and user_id in {None, booking.user_id}
            if key_of(period, booking.at, zone) == this
        ]
        held = sum(self._counts(booking, level) for booking in mine if booking.state == "held")
        return sum(self._counts(booking, level) for booking in mine) - held, held

    def _counts(self, booking: Booking, level: str) -> int:
        if level == "real":
            return booking.cost
        return 0 if booking.refunded else booking.levels[level].own

    def _open_grants(self, guild_id: int, user_id: int) -> list[int]:
        return [
            number
            for number, grant in self.grants.items()
            if (grant.guild_id, grant.user_id) == (guild_id, user_id)
            if grant.left and not grant.revoked and (grant.expires_at is None or grant.expires_at > self.now)
        ]

    def _granted_left(self, guild_id: int, user_id: int) -> int:
        return sum(self.grants[number].left for number in self._open_grants(guild_id, user_id))

    def _pay(self, use: Usage, cost: int, guild_id: int, user_id: int) -> Level:
        level = Level(min(cost, max(0, use.limit - use.spent - use.held)), [])
        never = datetime.max.replace(tzinfo=UTC)
        grants = sorted(
            self._open_grants(guild_id, user_id),
            key=lambda number: (self.grants[number].expires_at or never, number),
        )
        owed = cost - level.own
        for number in grants:
            if part := min(owed, self.grants[number].left):
                self.grants[number].left -= part
                level.drawn.append((number, part))
                owed -= part
        assert owed == 0
        return level

    def _take_off(self, level: Level, less: int) -> None:
        while less and level.drawn:
            number, credits = level.drawn.pop()
            part = min(less, credits)
            self.grants[number].left += part
            less -= part
            if credits > part:
                level.drawn.append((number, credits - part))
        level.own -= less
