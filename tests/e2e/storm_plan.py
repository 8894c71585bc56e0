"""The plan of a storm: the requests, the faults, and when the bot is killed.

All of it is drawn from one seed at the start, so the same seed gives the same plan. How a run of it ends
depends on timing as well.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, Literal

GUILDS, CHANNELS, PEOPLE = 4, 3, 12
CLOSED_CHANNEL, PERSON_WITHOUT_DMS = 2, 11
"""A channel of each server where the bot may not post, which events do not show; a person who refuses DMs."""
JOBS_PER_RUN = 22
MODELS = ("qwen-image", "flux-2-pro", "nano-banana", "z-image", "ideogram-v3")
"""On offer; the first three take a reference."""
_TAKE_REFERENCES = 3
_REQUESTS_PER_PRICE = 5
MODEL_OF_SEVERAL = "seedream-4-0"
"""On offer, too: a task of it makes several pictures with `max_images`."""

Shape = Literal["one", "several", "compared", "task of several"]
"""One picture, a group of a model, a group of several models, or one job whose task makes several."""
Kind = Literal["plain", "reference", "no picture", "forbidden"]
ReplyFault = Literal["none", "expire", "delete", "both"]
GatewayFault = Literal["op 7", "op 9", "op 9, for good", "cut"]


@dataclass(frozen=True)
class PlannedRequest:
    """One `/imagine`. `reply_fault` happens to its reply once Rivya has the task."""

    number: int
    kind: Kind
    guild: int
    channel: int
    person: int
    reply_fault: ReplyFault
    repeated_after: int | None
    """After how many further requests Discord sends the interaction again; None for never."""
    shape: Shape = "one"
    pictures: int = 1
    """How many pictures it asks for, at most four."""

    @property
    def prompt(self) -> str:
        # Padded, so that no prompt is a prefix of another.
        return f"{'a forbidden fox' if self.kind == 'forbidden' else 'a fox'} number {self.number:05}"

    @property
    def models(self) -> tuple[str, ...]:
        """The model of each job, in the order of the jobs."""
        if self.shape == "task of several":
            return (MODEL_OF_SEVERAL,)
        offered = MODELS if self.kind in {"plain", "forbidden"} else MODELS[:_TAKE_REFERENCES]
        apart = 1 if self.shape == "compared" else 0
        return tuple(offered[(self.number + apart * at) % len(offered)] for at in range(self.pictures))

    @property
    def options(self) -> dict[str, str | int]:
        """The options of the command that say which models make how many pictures."""
        match self.shape:
            case "several":
                return {"model": self.models[0], "pictures": self.pictures}
            case "compared":
                return {"models": ", ".join(self.models)}
            case "task of several":
                return {"model": MODEL_OF_SEVERAL, "settings": f"max_images={self.pictures}"}
            case _:
                return {"model": self.models[0]}

    @property
    def price_change(self) -> tuple[str, int, int] | None:
        """A model that has another price when this is sent, its credits in the list, and those beyond it."""
        if self.number % _REQUESTS_PER_PRICE:
            return None
        turn = self.number // _REQUESTS_PER_PRICE
        return MODELS[turn % len(MODELS)], 1 + turn % 9, (0, 3, 0, 1)[turn % 4]


@dataclass(frozen=True)
class PlannedFault:
    """A fault that is injected once; name, route and details are those of the fake's `Faults.add`."""

    where: Literal["rivya", "discord"]
    name: Any
    route: Any
    details: dict[str, Any]
    pictures_only: bool = False


Step = PlannedRequest | PlannedFault | GatewayFault


@dataclass(frozen=True)
class RunEnd:
    """How a run ends: at the `nth` call of a route.

    The count starts after `steps_before` steps of the run; with 0 it includes the calls of resumed jobs.
    """

    how: Literal["kill", "SIGTERM"]
    where: Literal["rivya", "discord"]
    route: Any
    nth: int
    steps_before: int
    processed: bool
    """Whether Discord processes that call first."""
    timeout_seconds: float
    """The run ends after so long without that call."""


@dataclass(frozen=True)
class ProcessRun:
    """One process of the bot, from its start to its end."""

    steps: list[Step]
    pauses_seconds: list[float]
    end: RunEnd | None
    """None for the last run, which finishes all jobs."""
    down_seconds: float = 0.0
    """How long the bot is down afterwards."""
    forget_nonces: bool = False
    """Whether Discord's nonces expire before the next run."""


@dataclass(frozen=True)
class Plan:
    """All runs of a storm."""

    seed: int
    runs: list[ProcessRun]
    spelling: Literal["snake", "camel"]
    create_status: Literal[200, 201, 202]
    status_words: tuple[tuple[str, str], ...]
    """What other APIs say for a status, in pairs with Rivya's word before it."""
    result_address: Literal["absolute", "relative", "data"]
    painting_seconds: float
    """The longest duration of a task."""


_STATUS_WORDS: list[tuple[tuple[str, str], ...]] = [
    (),
    (("succeeded", "completed"), ("failed", "error")),
    (("queued", "In queue"), ("processing", "warming up"), ("succeeded", "done"), ("failed", "timed out")),
]
_RESULT_ADDRESSES: list[Literal["absolute", "relative", "data"]] = ["absolute", "relative", "data"]
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
    *((1, "captive_portal", route, {}) for route in ("create", "files", "status", "result")),
    (2, "gzip", "result", {}),
    (1, "half_gzip", "result", {}),
    (1, "status", "status", {"code": 404, "error_code": "not_found"}),
    # So often in a row that pictures are late.
    *((1, "status", "result", {"code": code, "times": 8}) for code in (403, 404)),
    (1, "captive_portal", "result", {"times": 8}),
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
    # Weight, service, route, and the largest `nth`.
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
    """Draw the plan for `jobs` requests; long storms also have faults and time-outs that take long."""
    rng = random.Random(seed)
    long = jobs > 3 * JOBS_PER_RUN + 30
    count = max(4, jobs // JOBS_PER_RUN)
    requests = [_draw_request(rng, number) for number in range(jobs)]
    # The last run gets the fewest requests, since it also finishes the jobs of the others.
    shares = [number * (count - 1) // max(1, jobs - 8) for number in range(jobs)]
    runs = [
        _draw_run(
            rng, [request for request, share in zip(requests, shares, strict=True) if share == at], long=long
        )
        for at in range(count - 1)
    ]
    rest = [request for request, share in zip(requests, shares, strict=True) if share >= count - 1]
    runs.append(_draw_last_run(rng, rest))
    return Plan(
        seed=seed,
        runs=runs,
        spelling=rng.choice(("snake", "camel")),
        create_status=rng.choice((200, 201, 202)),
        status_words=rng.choice(_STATUS_WORDS),
        result_address=rng.choices(_RESULT_ADDRESSES, (5, 3, 2))[0],
        painting_seconds=rng.choice((0.1, 0.3, 0.8)),
    )


def _draw_request(rng: random.Random, number: int) -> PlannedRequest:
    kinds: list[Kind] = ["plain", "reference", "no picture", "forbidden"]
    reply_faults: list[ReplyFault] = ["none", "expire", "delete", "both"]
    shapes: list[Shape] = ["one", "several", "compared", "task of several"]
    kind, shape = rng.choices(kinds, (55, 30, 6, 9))[0], rng.choices(shapes, (64, 16, 12, 8))[0]
    pictures = rng.randint(2, 4)
    if kind in {"reference", "no picture"}:
        shape = "one" if shape == "task of several" else shape
        pictures = min(pictures, _TAKE_REFERENCES) if shape == "compared" else pictures
    return PlannedRequest(
        number=number,
        kind=kind,
        guild=rng.randrange(GUILDS),
        channel=rng.randrange(CHANNELS),
        person=rng.randrange(PEOPLE),
        reply_fault=rng.choices(reply_faults, (55, 12, 13, 20))[0],
        repeated_after=rng.choices((None, 0, 1, 3, 15), (70, 10, 8, 6, 6))[0],
        shape=shape,
        pictures=1 if shape == "one" else pictures,
    )


def _draw_run(rng: random.Random, requests: list[PlannedRequest], *, long: bool) -> ProcessRun:
    faults = [_draw_fault(rng, "rivya", _RIVYA) for _ in range(rng.randrange(6, 12))]
    faults += [_draw_fault(rng, "discord", _DISCORD) for _ in range(rng.randrange(5, 11))]
    if rng.random() < 0.5:
        faults.append(_draw_fault(rng, "rivya", _RIVYA_LIMITS))
    if long and rng.random() < 0.5:
        faults.append(_draw_fault(rng, "rivya", _RIVYA_STALLS))
    kinds: list[GatewayFault] = ["op 7", "op 9", "cut", "op 9, for good"]
    gateway_faults = rng.choices(kinds, (4, 3, 4, 1), k=rng.randrange(3))
    weights = [weight for weight, *_ in _KILLS]
    _, where, route, latest = rng.choices(_KILLS, weights)[0]
    timeout_seconds = 40.0 if long and rng.random() < 0.15 else 2.5
    end = RunEnd(
        how="SIGTERM" if rng.random() < 0.15 else "kill",
        where=where,  # type: ignore[arg-type]
        route=route,
        nth=rng.randint(1, latest),
        steps_before=rng.choice((0, 0, (len(requests) + len(faults)) // 2, len(requests) + len(faults))),
        processed=rng.random() < 0.6,
        timeout_seconds=timeout_seconds,
    )
    return _interleave(rng, requests, faults, gateway_faults, end)


def _draw_last_run(rng: random.Random, requests: list[PlannedRequest]) -> ProcessRun:
    """Draw the last run, without the faults that pause every call for a minute."""
    faults = [_draw_fault(rng, "rivya", _RIVYA) for _ in range(5)]
    faults += [_draw_fault(rng, "discord", _DISCORD) for _ in range(5)]
    return _interleave(rng, requests, faults, [rng.choice(("op 7", "op 9", "cut"))], None)


def _interleave(
    rng: random.Random,
    requests: list[PlannedRequest],
    faults: list[PlannedFault],
    gateway_faults: list[GatewayFault],
    end: RunEnd | None,
) -> ProcessRun:
    """Insert the faults at random places between the requests."""
    steps: list[Step] = list(requests)
    for other in [*faults, *gateway_faults]:
        steps.insert(rng.randint(0, len(steps)), other)
    pauses = [rng.choice((0.0, 0.0, 0.01, 0.05)) for _ in steps]
    # Only after a kill: after SIGTERM no message was posted without its commit.
    forget_nonces = rng.random() < 0.4 and end is not None and end.how == "kill"
    return ProcessRun(steps, pauses, end, rng.choice((0.0, 0.0, 0.3)), forget_nonces)


def _draw_fault(
    rng: random.Random,
    where: Literal["rivya", "discord"],
    table: list[tuple[int, str, str, dict[str, Any]]],
) -> PlannedFault:
    _, name, route, details = rng.choices(table, [weight for weight, *_ in table])[0]
    return PlannedFault(
        where, name, route, details, pictures_only=route == "reply_edit" and rng.random() < 0.6
    )
