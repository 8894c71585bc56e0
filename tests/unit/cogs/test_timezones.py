"""Time zones by what people type: a name, a city, or something like it."""

from __future__ import annotations

import re

import pytest

from cogs.limits.timezones import time_in, zone_named, zones, zones_like
from cogs.text.translation import use_locale


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        (" europe/berlin ", "Europe/Berlin"),
        ("jakarta", "Asia/Jakarta"),
        ("new york", "America/New_York"),
        ("utc", "UTC"),
        ("louisville", None),  # in America, and in America/Kentucky
        ("", None),
        ("Europe", None),
        ("Factory", None),
    ],
)
def test_a_zone_is_found_by_its_name_or_by_its_city_alone(typed: str, name: str | None) -> None:
    assert zone_named(typed) == name


def test_every_zone_is_found_by_its_own_name() -> None:
    assert [name for name in zones() if zone_named(name) != name] == []


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("jakrta", "Asia/Jakarta"),
        ("Europ/Berlin", "Europe/Berlin"),
        ("sao paul", "America/Sao_Paulo"),
        ("the moon", None),
        ("\ud83d", None),
    ],
)
def test_what_is_like_a_zone_suggests_it(typed: str, first: str | None) -> None:
    found = zones_like(typed)
    assert (found[0] if found else None) == first
    assert len(found) <= 3


def test_the_time_in_a_zone_is_written_as_the_language_does() -> None:
    assert re.fullmatch(r"\d{1,2}:\d\d\s[AP]M \(UTC\+07:00\)", time_in("Asia/Jakarta"))
    with use_locale("id"):
        assert re.fullmatch(r"\d\d\.\d\d \(UTC\+07:00\)", time_in("Asia/Jakarta"))
