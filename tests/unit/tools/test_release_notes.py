"""A release is one version in the tag, the code and the changelog."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bot import __version__
from tests.support.paths import ROOT
from tests.tools.release_notes import VERSION, ReleaseError, release_notes, sections

CHANGELOG = """# Changelog

## [Unreleased]

- not yet

## [1.1.0] - 2026-12-31

### Added

- this

### Fixed

- that

## [1.0.0] - 2026-11-30

- the first
"""


def reason(tag: str = "v1.1.0", version: str = "1.1.0", changelog: str = CHANGELOG) -> str:
    with pytest.raises(ReleaseError) as caught:
        release_notes(tag, version, changelog)
    return str(caught.value)


def test_the_notes_are_the_section_of_the_version() -> None:
    assert release_notes("v1.1.0", "1.1.0", CHANGELOG) == "### Added\n\n- this\n\n### Fixed\n\n- that"
    candidate = CHANGELOG.replace("[1.1.0]", "[1.1.0rc1]")
    assert release_notes("v1.1.0rc1", "1.1.0rc1", candidate).startswith("### Added")


@pytest.mark.parametrize("tag", ["1.1.0", "v1.1", "v1.0.0", "v1.1.0rc1", "v1.1.00", ""])
def test_a_tag_of_another_version_is_refused(tag: str) -> None:
    assert reason(tag=tag) == (
        f"the tag is {tag}, but the version in bot/__init__.py is 1.1.0, whose tag is v1.1.0"
    )


@pytest.mark.parametrize("version", ["1.1", "1.1.0-beta", "v1.1.0", "1.1.0.dev1"])
def test_a_version_of_another_form_is_refused(version: str) -> None:
    assert "is no version such as" in reason(tag=f"v{version}", version=version)


@pytest.mark.parametrize(
    ("changelog", "said"),
    [
        ("", "the first section must be `## [Unreleased]`"),
        (
            CHANGELOG.replace("## [Unreleased]", "## Unreleased"),
            "the first section must be `## [Unreleased]`",
        ),
        (CHANGELOG.partition("## [1.1.0]")[0], "must be `## [1.1.0] - YYYY-MM-DD`"),
        (CHANGELOG.replace("[1.1.0]", "[1.1.1]"), "must be `## [1.1.0] - YYYY-MM-DD`"),
        (CHANGELOG.replace("[1.1.0]", "1.1.0"), "must be `## [1.1.0] - YYYY-MM-DD`"),
        (CHANGELOG.replace("2026-12-31", "2026-02-30"), "a date such as 2026-12-31"),
        (CHANGELOG.replace("2026-12-31", "20261231"), "a date such as 2026-12-31"),
        (CHANGELOG.replace(" - 2026-12-31", " 2026-12-31"), "a date such as 2026-12-31"),
        (CHANGELOG.replace("- this", "").replace("- that", ""), "has no entries"),
    ],
)
def test_a_changelog_without_the_release_is_refused(changelog: str, said: str) -> None:
    assert said in reason(changelog=changelog)


def test_the_changelog_of_this_repository_can_be_released() -> None:
    unreleased, *_ = sections((ROOT / "CHANGELOG.md").read_text("utf-8"))
    assert VERSION.fullmatch(__version__)
    cut = f"# Changelog\n\n## [Unreleased]\n\n## [{__version__}] - 2026-12-31\n\n{unreleased.text}\n"
    assert release_notes(f"v{__version__}", __version__, cut) == unreleased.text


def test_the_command_exits_with_1_and_says_why() -> None:
    command = [sys.executable, "-m", "tests.tools.release_notes"]
    ended = subprocess.run([*command, "v0.0.0"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("the tag is v0.0.0, but the version")
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 2
