"""Time zones by name: all of this host, the one that was typed, and choices for autocomplete."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from cogs.ui.discord_limits import CHOICES

DEFAULT_ZONE: Final = "UTC"
NO_PLACES: Final = ("localtime", "Factory")
"""Names that say nothing about a place, or something else on each host."""


@cache
def zones() -> tuple[str, ...]:
    """All time zones of this host, the default first; read from the disk once."""
    return (DEFAULT_ZONE, *sorted(available_timezones() - {DEFAULT_ZONE, *NO_PLACES}))


def zone_named(typed: str) -> str | None:
    """The time zone as it is spelt, however it was typed; None if there is none."""
    sought = _spelt(typed)
    return next((name for name in zones() if name.casefold() == sought), None)


def zone_choices(typed: str, at: datetime | None = None) -> list[tuple[str, str]]:
    """The labels and names of the time zones that fit best; `at` is the moment whose offset they show."""
    sought, moment = _spelt(typed), at or datetime.now(UTC)
    ranked = sorted((rank, name) for name in zones() if (rank := _rank(name.casefold(), sought)) is not None)
    return [(f"{name} ({_offset(name, moment)})", name) for _, name in ranked[:CHOICES]]


def _spelt(typed: str) -> str:
    return typed.strip().casefold().replace(" ", "_")


def _rank(name: str, sought: str) -> int | None:
    """How well a name fits, 0 the best; None if it does not."""
    if name == (sought or DEFAULT_ZONE.casefold()):
        return 0
    if name.rpartition("/")[2].startswith(sought):
        return 1
    if name.startswith(sought):
        return 2
    return 3 if sought in name else None


def _offset(name: str, moment: datetime) -> str:
    offset = f"{moment.astimezone(ZoneInfo(name)):%z}"
    return f"UTC{offset[:3]}:{offset[3:5]}"
