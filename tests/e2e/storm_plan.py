"""The plan of a storm: who asks for what, what goes wrong when, and when the bot is killed.

All of it is drawn from one seed before anything begins, so that a seed is a plan. What two processes make of
a plan is up to their clocks.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any, Literal

GUILDS, CHANNELS, PEOPLE = 4, 3, 12
CLOSED_CHANNEL, SHUT_PERSON = 2, 11
"""A channel of each server where the bot, on a second look, may not post; a person who takes no messages."""
JOBS_A_LIFE = 22

Kind = Literal["plain", "reference", "no picture", "forbidden"]
Fate = Literal["none", "expire", "delete", "both"]
Upheaval = Literal["op 7", "op 9", "op 9, for good", "cut"]


@dataclass(frozen=True)
class PlannedRequest:
    """One request. `fate` befalls its reply once Rivya has been asked."""

    number: int
    kind: Kind
    guild: int
    channel: int
    person: int
    fate: Fate
    repeated_after: int | None
    """How many steps later Discord tells of it again; None for never."""

    @property
    def prompt(self) -> str:
        # Padded, so that no prompt is the beginning of another.
        return f"{'a forbidden fox' if self.kind == 'forbidden' else 'a fox'} number {self.number:05}"


@dataclass(frozen=True)
class PlannedFault:
    """Something that goes wrong once, at Rivya or at Discord."""

    where: Literal["rivya", "discord"]
    name: Any
    route: Any
    details: dict[str, Any]
    pictures_only: bool = False


Step = PlannedRequest | PlannedFault | Upheaval


@dataclass(frozen=True)
class End:
    """How a life ends: at the `nth` call of a route, before or after it was acted on.

    Counted from when so many of the life's steps were taken; 0 counts what it resumes, too.
    """

    how: Literal["kill", "SIGTERM"]
    where: Literal["rivya", "discord"]
    route: Any
    nth: int
    steps_before: int
    processed: bool
    patience_seconds: float
    """If that never comes, it ends now."""


@dataclass(frozen=True)
class ProcessRun:
    steps: list[Step]
    pauses_seconds: list[float]
    end: End | None
    """None for the last one, which sees everything through."""
    dead_seconds: float = 0.0
    minutes_dead: bool = False
    """Whether Discord has forgotten the nonces when the next one begins."""


@dataclass(frozen=True)
class Plan:
    seed: int
    runs: list[ProcessRun]
    spelling: Literal["snake", "camel"]
    create_status: Literal[200, 201, 202]
    painting_seconds: float
    """The longest a picture takes."""
    deeds: list[PlannedRequest] = field(default_factory=list)


_RIVYA: list[tuple[int, str, str, dict[str, Any]]] = [
    *((3, "status", route, {"code": 500}) for route in ("create", "files", "status", "result")),
    *((2, "status", route, {"code": 503}) for route in ("create", "files", "status", "result")),
    *((2, "html", route, {}) for route in ("create", "files", "status", "result")),
    *((3, "html", route, {"processed": True}) for route in ("create", "files")),
    *((2, "half_json", route, {}) for route in ("create", "files", "status", "result")),
    *((3, "cut_before", route, {}) for route in ("create", "files", "status", "result")),
    *((4, "cut_after", route, {}) for route in ("create", "files", "status", "result")),
    *((2, "slow", route, {"seconds": 0.3}) for route in ("create", "files", "status", "result")),
    *((3, "lag", route, {"seconds": 0.4}) for route in ("create", "files")),
    (2, "not_a_picture", "result", {}),
    (2, "lying_length", "result", {}),
]
_RIVYA_LIMITS: list[tuple[int, str, str, dict[str, Any]]] = [
    (1, "status", "create", {"code": 429, "error_code": "rate_limited"}),
    *(
        (2, "status", route, {"code": 429, "error_code": "rate_limited", "retry_after": 0.3})
        for route in ("create", "status", "files")
    ),
    (1, "status", "create", {"code": 503, "error_code": "public_api_disabled", "retry_after": 0.2}),
]
_RIVYA_STALLS: list[tuple[int, str, str, dict[str, Any]]] = [
    *((1, "stall", route, {}) for route in ("create", "status", "result")),
]
_DISCORD: list[tuple[int, str, str, dict[str, Any]]] = [
    (2, "status", "callback", {"status": 404, "code": 10062}),
    *((2, "status", route, {"status": 500}) for route in ("callback", "reply_edit", "post", "edit")),
    *(
        (3, "status", route, {"status": 500, "processed": True})
        for route in ("callback", "reply_edit", "post", "edit")
    ),
    *((1, "status", route, {"status": 503}) for route in ("reply_get", "reply_edit", "post", "open_dm")),
    *((3, "cut_after", route, {}) for route in ("callback", "reply_edit", "post", "edit", "open_dm")),
    *((2, "cut_before", route, {}) for route in ("callback", "reply_edit", "reply_get", "post", "edit")),
    *((2, "cut_body", route, {}) for route in ("reply_edit", "post", "edit")),
    *((2, "rate_limited", route, {}) for route in ("callback", "reply_edit", "reply_get", "post", "edit")),
    *((1, "html", route, {"status": 429}) for route in ("callback", "reply_edit", "reply_get", "post")),
    *((1, "html", route, {"status": 502}) for route in ("reply_edit", "post", "edit")),
    *((1, "lag", route, {"seconds": 0.3}) for route in ("callback", "reply_edit", "post")),
    *((1, "cut_after", route, {}) for route in ("followup", "reply_delete")),
]
_KILLS: list[tuple[int, str, str, int]] = [
    # The weight, whose route, which, and the latest call of it that is waited for.
    (3, "discord", "callback", 20),
    (4, "discord", "reply_edit", 30),
    (4, "discord", "post", 4),
    (2, "discord", "edit", 3),
    (1, "discord", "open_dm", 2),
    (1, "discord", "reply_get", 2),
    (1, "discord", "gateway", 1),
    (2, "rivya", "files", 6),
    (4, "rivya", "create", 24),
    (2, "rivya", "status", 60),
    (2, "rivya", "result", 16),
]


def draw(seed: int, jobs: int) -> Plan:
    """Draw the plan for so many requests."""
    dice = random.Random(seed)
    hard = jobs > 3 * JOBS_A_LIFE + 30
    count = max(4, jobs // JOBS_A_LIFE)
    deeds = [_deed(dice, number) for number in range(jobs)]
    # The last life gets the fewest: most of what it does is to see the others' jobs through.
    shares = [number * (count - 1) // max(1, jobs - 8) for number in range(jobs)]
    lives = [
        _life(dice, [deed for deed, share in zip(deeds, shares, strict=True) if share == at], hard=hard)
        for at in range(count - 1)
    ]
    rest = [deed for deed, share in zip(deeds, shares, strict=True) if share >= count - 1]
    lives.append(_last_life(dice, rest))
    return Plan(
        seed=seed,
        runs=lives,
        spelling=dice.choice(("snake", "camel")),
        create_status=dice.choice((200, 201, 202)),
        painting_seconds=dice.choice((0.1, 0.3, 0.8)),
        deeds=deeds,
    )


def _deed(dice: random.Random, number: int) -> PlannedRequest:
    kinds: list[Kind] = ["plain", "reference", "no picture", "forbidden"]
    fates: list[Fate] = ["none", "expire", "delete", "both"]
    return PlannedRequest(
        number=number,
        kind=dice.choices(kinds, (55, 30, 6, 9))[0],
        guild=dice.randrange(GUILDS),
        channel=dice.randrange(CHANNELS),
        person=dice.randrange(PEOPLE),
        fate=dice.choices(fates, (55, 12, 13, 20))[0],
        repeated_after=dice.choices((None, 0, 1, 3, 15), (70, 10, 8, 6, 6))[0],
    )


def _life(dice: random.Random, deeds: list[PlannedRequest], *, hard: bool) -> ProcessRun:
    mishaps = [_mishap(dice, "rivya", _RIVYA) for _ in range(dice.randrange(6, 12))]
    mishaps += [_mishap(dice, "discord", _DISCORD) for _ in range(dice.randrange(5, 11))]
    if dice.random() < 0.5:
        mishaps.append(_mishap(dice, "rivya", _RIVYA_LIMITS))
    if hard and dice.random() < 0.5:
        mishaps.append(_mishap(dice, "rivya", _RIVYA_STALLS))
    upheavals: list[Upheaval] = ["op 7", "op 9", "cut", "op 9, for good"]
    upset = dice.choices(upheavals, (4, 3, 4, 1), k=dice.randrange(3))
    weights = [weight for weight, *_ in _KILLS]
    _, where, route, latest = dice.choices(_KILLS, weights)[0]
    patient = 40.0 if hard and dice.random() < 0.15 else 2.5
    end = End(
        how="SIGTERM" if dice.random() < 0.15 else "kill",
        where=where,  # type: ignore[arg-type]
        route=route,
        nth=dice.randint(1, latest),
        steps_before=dice.choice((0, 0, (len(deeds) + len(mishaps)) // 2, len(deeds) + len(mishaps))),
        processed=dice.random() < 0.6,
        patience_seconds=patient,
    )
    return _mixed(dice, deeds, mishaps, upset, end)


def _last_life(dice: random.Random, deeds: list[PlannedRequest]) -> ProcessRun:
    """What pauses every call for a minute is left out: it would only be slow."""
    mishaps = [_mishap(dice, "rivya", _RIVYA) for _ in range(5)]
    mishaps += [_mishap(dice, "discord", _DISCORD) for _ in range(5)]
    return _mixed(dice, deeds, mishaps, [dice.choice(("op 7", "op 9", "cut"))], None)


def _mixed(
    dice: random.Random,
    deeds: list[PlannedRequest],
    mishaps: list[PlannedFault],
    upset: list[Upheaval],
    end: End | None,
) -> ProcessRun:
    """The deeds in their order, and the rest among them."""
    steps: list[Step] = list(deeds)
    for other in [*mishaps, *upset]:
        steps.insert(dice.randint(0, len(steps)), other)
    pauses = [dice.choice((0.0, 0.0, 0.01, 0.05)) for _ in steps]
    # Only after a kill: what SIGTERM ends has nothing under way that could come again.
    minutes_dead = dice.random() < 0.4 and end is not None and end.how == "kill"
    return ProcessRun(steps, pauses, end, dice.choice((0.0, 0.0, 0.3)), minutes_dead)


def _mishap(
    dice: random.Random,
    where: Literal["rivya", "discord"],
    table: list[tuple[int, str, str, dict[str, Any]]],
) -> PlannedFault:
    _, name, route, details = dice.choices(table, [weight for weight, *_ in table])[0]
    return PlannedFault(
        where, name, route, details, pictures_only=route == "reply_edit" and dice.random() < 0.6
    )
