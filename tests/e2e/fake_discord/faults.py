"""How the loopback Discord misbehaves, by name.

not acted on    status (unless processed), html, rate_limited, cut_before, cut_body
acted on        status with processed, cut_after
either          lag waits before acting; strike calls something, before or, with processed, after acting
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
    "strike",
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
    """A request as a fault may choose it."""

    route: str
    parts: dict[str, str]
    """What stands in its path: `token`, `channel`, `message`."""
    has_files: bool


@dataclass
class Fault:
    name: FaultName
    route: Route
    times_left: int | None = 1
    """None for ever."""
    status: int = 500
    code: int = 0
    """Discord's own, in the JSON of `status`."""
    retry_after: float = 0.2
    """Of `rate_limited` and `exhausted`, in seconds."""
    seconds: float = 0.5
    """How long `lag` waits."""
    processed: bool = False
    only: Callable[[Call], bool] = field(default=lambda _: True, repr=False)
    """Which requests it is for."""
    act: Callable[[], None] = field(default=lambda: None, repr=False)
    """What `strike` calls."""
    hits: int = 0


class Faults:
    """The faults waiting to happen, first come, first served at each route."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    def add(self, name: FaultName, route: Route, times: int | None = 1, **details: Any) -> Fault:
        """Misbehave at the next `times` requests to `route` (None: until `clear`)."""
        if name not in get_args(FaultName) or route not in get_args(Route):
            raise ValueError(f"no fault {name!r} at route {route!r}")
        fault = Fault(name, route, times, **details)
        self.waiting.append(fault)
        return fault

    def clear(self) -> None:
        self.waiting.clear()

    def take(self, call: Call) -> Fault | None:
        """The fault due for a request, used up once."""
        for fault in self.waiting:
            if fault.route == call.route and fault.only(call):
                fault.hits += 1
                if fault.times_left is not None:
                    fault.times_left -= 1
                    if not fault.times_left:
                        self.waiting.remove(fault)
                return fault
        return None
