"""`python -m tests.tools.release_notes TAG`: print what the changelog says about a release.

It needs the standard library alone. The exit code is 1, and standard error says why, unless the tag is that
of the version in `bot/__init__.py` and the changelog's newest section has that version, a date and entries.
"""

from __future__ import annotations

import datetime as dt
import re
import sys
from dataclasses import dataclass

from bot import __version__
from tests.support.paths import ROOT

VERSION = re.compile(r"\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?")
"""Such as 1.2.3 or 1.2.3rc1: https://packaging.python.org/en/latest/specifications/version-specifiers/"""
UNRELEASED = "[Unreleased]"


class ReleaseError(Exception):
    """The tag, the version and the changelog do not make a release; says what to change."""


@dataclass(frozen=True)
class Section:
    """A part of the changelog: the heading after `## `, and what stands below it."""

    heading: str
    text: str


def sections(changelog: str) -> list[Section]:
    """Return the parts of a changelog, the newest first.

    Raises:
        ReleaseError: it does not begin with what is not released yet.
    """
    _, *parts = re.split(r"^## ", changelog, flags=re.MULTILINE)
    found = [
        Section(heading.strip(), text.strip())
        for heading, _, text in (part.partition("\n") for part in parts)
    ]
    if not found or found[0].heading != UNRELEASED:
        raise ReleaseError(f"CHANGELOG.md: the first section must be `## {UNRELEASED}`")
    return found


def release_notes(tag: str, version: str, changelog: str) -> str:
    """Return the text of the section of this version.

    Raises:
        ReleaseError: what is to be released is not one and the same everywhere.
    """
    if not VERSION.fullmatch(version):
        raise ReleaseError(f"bot/__init__.py: {version} is no version such as 1.2.3 or 1.2.3rc1")
    if tag != f"v{version}":
        raise ReleaseError(
            f"the tag is {tag}, but the version in bot/__init__.py is {version}, whose tag is v{version}"
        )
    released = sections(changelog)[1:]
    if not released or not released[0].heading.startswith(f"[{version}] "):
        raise ReleaseError(
            f"CHANGELOG.md: the section after {UNRELEASED} must be `## [{version}] - YYYY-MM-DD`"
        )
    date = released[0].heading.removeprefix(f"[{version}] - ")
    try:
        written = dt.date.fromisoformat(date).isoformat()
    except ValueError:
        written = ""
    if written != date:
        raise ReleaseError(
            f"CHANGELOG.md: `## {released[0].heading}` must end with ` - ` and a date such as 2026-12-31"
        )
    if not re.search(r"^- ", released[0].text, flags=re.MULTILINE):
        raise ReleaseError(f"CHANGELOG.md: `## {released[0].heading}` has no entries")
    return released[0].text


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: python -m tests.tools.release_notes TAG", file=sys.stderr)
        return 2
    try:
        print(release_notes(sys.argv[1], __version__, (ROOT / "CHANGELOG.md").read_text("utf-8")))
    except ReleaseError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
