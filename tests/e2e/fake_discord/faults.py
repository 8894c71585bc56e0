"""Faults that the fake Discord can inject, by name.

request not processed   status (unless processed=True), html, rate_limited, cut_before, cut_body
request processed       status with processed=True, exhausted, cut_after; lag delays the processing
either                  hook calls a function: before the processing or, with processed=True, after it
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

FaultName = Literal[
    "status",
    "html",
    "rate_limited",
    "exhausted",
    "cut_before",
    "cut_body",
    "cut_after",
    "lag",
    "hook",
]
Route = Literal[
    "me",
    "application",
    "gateway",
    "sync",
    "sync_guild",
    "callback",
    "reply_get",
    "reply_edit",
    "reply_delete",
    "followup",
    "edit",
    "post",
    "open_dm",
]


@dataclass(frozen=True)
class Call:
    """A request, for `Fault.only`."""

    route: str
    parts: dict[str, str]
    """Variables of the path: `token`, `channel`, `message`."""
    has_files: bool


@dataclass
class Fault:
    """One fault at one route, with a count of its injections."""

    name: FaultName
    route: Route
    times_left: int | None = 1
    """None for no limit."""
    status: int = 500
    code: int = 0
    """Discord's error code in the JSON of `status`."""
    headers: dict[str, str] = field(default_factory=dict)
    """Further headers of `html`."""
    retry_after: float = 0.2
    """Wait that `rate_limited` and `exhausted` demand, in seconds."""
    seconds: float = 0.5
    """How long `lag` waits."""
    processed: bool = False
    only: Callable[[Call], bool] = field(default=lambda _: True, repr=False)
    """Whether the fault is for a request."""
    act: Callable[[], None] = field(default=lambda: None, repr=False)
    """The function that `hook` calls."""
    hits: int = 0


class Faults:
    """The pending faults; each route has its own first-in, first-out order."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    def add(self, name: FaultName, route: Route, times: int | None = 1, **details: Any) -> Fault:
        """Inject a fault into the next `times` requests to `route` (None: until `clear`)."""
        if name not in get_args(FaultName) or route not in get_args(Route):
            raise ValueError(f"no fault {name!r} at route {route!r}")
        fault = Fault(name, route, times, **details)
        self.waiting.append(fault)
        return fault

    def clear(self) -> None:
        self.waiting.clear()

    def take(self, call: Call) -> Fault | None:
        """Return the fault for a request, if any, and count the injection."""
        for fault in self.waiting:
            if fault.route == call.route and fault.only(call):
                fault.hits += 1
                if fault.times_left is not None:
                    fault.times_left -= 1
                    if not fault.times_left:
                        self.waiting.remove(fault)
                return fault
        return None
