"""How the stand-in misbehaves, by name.

not processed   status, html (unless processed=True), cut_before
processed       cut_after, half_json, stall, slow; lag waits before the work instead
results only    redirect, not_a_picture, too_big, lying_length
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Literal, TypedDict, Unpack, get_args

FaultName = Literal[
    "status",
    "html",
    "half_json",
    "cut_before",
    "cut_after",
    "stall",
    "slow",
    "lag",
    "redirect",
    "not_a_picture",
    "too_big",
    "lying_length",
]
Route = Literal["files", "create", "status", "credits", "models", "result"]

_RESULT_ONLY = frozenset({"redirect", "not_a_picture", "too_big", "lying_length"})


class Details(TypedDict, total=False):
    """What a fault may be told; see `Fault` for the meanings and the defaults."""

    code: int
    error_code: str
    retry_after: float | str | None
    body: Literal["json", "html"]
    processed: bool
    seconds: float
    url: str
    claimed_bytes: int | None


@dataclass(slots=True)
class Fault:
    """One way to misbehave at one route; counts how often it did."""

    name: FaultName
    route: Route
    times_left: int | None
    """None for ever."""
    code: int = 500
    """The HTTP status of `status`."""
    error_code: str = "internal_error"
    """The `error.code` of `status`."""
    retry_after: float | str | None = None
    """The header of `status` and `html`: seconds, or an HTTP date as text."""
    body: Literal["json", "html"] = "json"
    """Whether `status` answers in JSON or with a web page."""
    processed: bool = False
    """Whether `status` and `html` come after the work is done, as from a gateway that timed out."""
    seconds: float = 0.5
    """How long `slow` dribbles, and `lag` waits if nobody says that it is over."""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """Ends `lag` once it is set."""
    url: str = ""
    """Where `redirect` leads."""
    claimed_bytes: int | None = None
    """The Content-Length of `lying_length`; None for twice the truth."""
    hits: int = 0
    """How often it happened."""


class Faults:
    """The faults waiting to happen, first come, first served at each route.

    Attributes:
        waiting: those still to come.
    """

    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    def add(self, name: FaultName, route: Route, times: int | None = 1, **details: Unpack[Details]) -> Fault:
        """Misbehave at `route` the next `times` times (None: until `clear`).

        Args:
            name: what to do; the module's docstring tells which faults process the request.
            route: where; "status" is GET /generations/{id}, "result" the picture's own address.
            times: how often.
            **details: the fields of `Fault` that matter to this one.

        Returns:
            The fault, whose `hits` tells how often it happened.

        Raises:
            ValueError: there is no such fault, route, or fault at that route.
        """
        if name not in get_args(FaultName) or route not in get_args(Route):
            raise ValueError(f"no fault {name!r} at route {route!r}")
        if name in _RESULT_ONLY and route != "result":
            raise ValueError(f"{name} is for results, not for {route}")
        fault = Fault(name, route, times, **details)
        self.waiting.append(fault)
        return fault

    def clear(self) -> None:
        """Behave from now on."""
        self.waiting.clear()

    def take(self, route: str) -> Fault | None:
        """The fault due for a request to `route`, used up once."""
        for fault in self.waiting:
            if fault.route != route:
                continue
            fault.hits += 1
            if fault.times_left is not None:
                fault.times_left -= 1
                if fault.times_left <= 0:
                    self.waiting.remove(fault)
            return fault
        return None
