"""Faults that the fake Rivya can inject, by name.

request not processed   status, html (unless processed=True), captive_portal, cut_before
request processed       cut_after, half_json, stall, slow; lag delays the processing
only for results        redirect, not_a_picture, too_big, lying_length, gzip, half_gzip, gzip_bomb
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Literal, TypedDict, Unpack, get_args

FaultName = Literal[
    "status",
    "html",
    "captive_portal",
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
    "gzip",
    "half_gzip",
    "gzip_bomb",
]
Route = Literal["files", "create", "status", "credits", "models", "result"]

_RESULT_ONLY = frozenset(
    {"redirect", "not_a_picture", "too_big", "lying_length", "gzip", "half_gzip", "gzip_bomb"}
)


class Details(TypedDict, total=False):
    """Optional fields of a fault; see `Fault` for their meanings and defaults."""

    code: int
    error_code: str
    retry_after: float | str | None
    body: Literal["json", "html"]
    processed: bool
    seconds: float
    url: str
    claimed_bytes: int | None
    declared: bool
    layers: int
    path: str


@dataclass(slots=True)
class Fault:
    """One fault at one route, with a count of its injections."""

    name: FaultName
    route: Route
    times_left: int | None
    """None for no limit."""
    code: int = 500
    """HTTP status of `status`."""
    error_code: str = "internal_error"
    """`error.code` of `status`."""
    retry_after: float | str | None = None
    """`Retry-After` of `status` and `html`: seconds, or an HTTP date as text."""
    body: Literal["json", "html"] = "json"
    """Whether `status` answers in JSON or with a web page."""
    processed: bool = False
    """Whether `status` and `html` are sent after the request was processed, as by a proxy that timed out."""
    seconds: float = 0.5
    """How long `slow` takes to send the body, and the most that `lag` waits."""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """Set it to end `lag`."""
    url: str = ""
    """Target of `redirect`."""
    claimed_bytes: int | None = None
    """`Content-Length` of `lying_length`; None for twice the real length."""
    declared: bool = True
    """Whether the header of `gzip`, `half_gzip` and `gzip_bomb` names the encoding."""
    layers: int = 1
    """How often `gzip` compresses the picture."""
    path: str = ""
    """Only requests are hit whose path ends with it."""
    hits: int = 0
    """How often it was injected."""


class Faults:
    """The pending faults; each route has its own first-in, first-out order.

    Attributes:
        waiting: the faults that are still to be injected.
    """

    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    def add(self, name: FaultName, route: Route, times: int | None = 1, **details: Unpack[Details]) -> Fault:
        """Inject a fault into the next `times` requests to `route` (None: until `clear`).

        Args:
            name: the fault; the docstring of this module says which of them process the request.
            route: "status" is GET /generations/{id}, "result" the download of the picture.
            times: how often.
            **details: fields of `Fault`.

        Returns:
            The fault, whose `hits` counts the injections.

        Raises:
            ValueError: the fault or the route is unknown, or the fault is for results only.
        """
        if name not in get_args(FaultName) or route not in get_args(Route):
            raise ValueError(f"no fault {name!r} at route {route!r}")
        if name in _RESULT_ONLY and route != "result":
            raise ValueError(f"{name} is for results only, not for {route}")
        fault = Fault(name, route, times, **details)
        self.waiting.append(fault)
        return fault

    def clear(self) -> None:
        """Remove all pending faults."""
        self.waiting.clear()

    def take(self, route: str, path: str = "") -> Fault | None:
        """Return the fault for the next request to `route` at `path`, if any, and count the injection."""
        for fault in self.waiting:
            if fault.route != route or not path.endswith(fault.path):
                continue
            fault.hits += 1
            if fault.times_left is not None:
                fault.times_left -= 1
                if fault.times_left <= 0:
                    self.waiting.remove(fault)
            return fault
        return None
