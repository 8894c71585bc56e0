"""Time zones by name: all that there are, the one that was typed, and choices for autocomplete."""

from __future__ import annotations

from datetime import UTC, datetime
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, available_timezones

from babel.dates import format_time

from cogs.text.translation import current_locale
from cogs.ui.discord_limits import autocomplete_choices

if TYPE_CHECKING:
    from discord import app_commands

DEFAULT_ZONE: Final = "UTC"
ZONE_UNITS: Final = 60
"""How much of a time zone is read or repeated; more than the longest name has."""
_SUGGESTED: Final = 3
_ALIKE: Final = 0.8
"""The least likeness of a suggested city, from 0 to 1: `jakrta` has 0.92 of `jakarta`."""
_NO_PLACES: Final = ("localtime", "Factory")
"""Names of no place: what this host is set to, and a placeholder."""


@cache
def zones() -> tuple[str, ...]:
    """Return the names of all time zones, the default first; read from the disk once."""
    return (DEFAULT_ZONE, *sorted(available_timezones() - {DEFAULT_ZONE, *_NO_PLACES}))


def zone_named(typed: str) -> str | None:
    """Return the zone's name, whatever the case of what was typed; None if there is no such zone.

    Its city alone is enough, such as `berlin`, unless there are several of that name.
    """
    sought = _normalized(typed)
    if exact := next((name for name in zones() if name.casefold() == sought), None):
        return exact
    cities = [name for name in zones() if name.rpartition("/")[2].casefold() == sought]
    return cities[0] if len(cities) == 1 else None


def zone_choices(typed: str) -> list[app_commands.Choice[str]]:
    """Return the time zones that match best what was typed, with their offsets from UTC now."""
    now = datetime.now(UTC)
    return autocomplete_choices((f"{name} ({_offset(name, now)})", name) for name in _ranked(typed))


def zones_like(typed: str) -> list[str]:
    """Return the few time zones that could be meant by a text that names none; none if nothing is like it."""
    if found := _ranked(typed):
        return found[:_SUGGESTED]
    cities = {name.rpartition("/")[2].casefold(): name for name in zones()}
    sought = _normalized(typed).rpartition("/")[2]
    return [cities[city] for city in get_close_matches(sought, cities, _SUGGESTED, _ALIKE)]


def time_in(zone: str) -> str:
    """Return the time that it is now in a zone, and its offset from UTC: `14:05 (UTC+01:00)`."""
    now = datetime.now(UTC)
    local = now.astimezone(ZoneInfo(zone))
    return f"{format_time(local, 'short', locale=current_locale())} ({_offset(zone, now)})"


def _normalized(typed: str) -> str:
    return typed.strip().casefold().replace(" ", "_")


def _ranked(typed: str) -> list[str]:
    """Return the time zones that have what was typed in their names, the best first."""
    sought = _normalized(typed)
    ranked = ((rank, name) for name in zones() if (rank := _rank(name.casefold(), sought)) is not None)
    return [name for _, name in sorted(ranked)]


def _rank(name: str, sought: str) -> int | None:
    """Return how well a name matches, 0 the best; None if it does not."""
    if name == (sought or DEFAULT_ZONE.casefold()):
        return 0
    if name.rpartition("/")[2].startswith(sought):
        return 1
    if name.startswith(sought):
        return 2
    return 3 if sought in name else None


def _offset(name: str, at: datetime) -> str:
    offset = f"{at.astimezone(ZoneInfo(name)):%z}"
    return f"UTC{offset[:3]}:{offset[3:5]}"
