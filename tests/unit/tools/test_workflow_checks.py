"""`make lint` finds what is wrong in the files of GitHub and of Compose, without the internet."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.test_repository import lint_commands
from tests.tools.schemas import misfits

CHECK, RELEASE = ".github/workflows/check.yml", ".github/workflows/release.yml"
FORM, CONFIG = ".github/ISSUE_TEMPLATE/bug.yml", ".github/ISSUE_TEMPLATE/config.yml"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A copy of the files that are judged."""
    shutil.copytree(ROOT / ".github", tmp_path / ".github")
    for path in (*ROOT.glob("compose*.yaml"), ROOT / ".pre-commit-config.yaml"):
        shutil.copy(path, tmp_path)
    return tmp_path


def plant(files: Path, name: str, old: str, new: str) -> None:
    text = (files / name).read_text("utf-8")
    assert old in text
    (files / name).write_text(text.replace(old, new, 1), "utf-8")


@pytest.mark.parametrize(
    ("name", "old", "new", "schema"),
    [
        (CHECK, "fail-fast:", "fail_fast:", "vendor.github-workflows"),
        (CHECK, "    timeout-minutes: 90\n", "", "custom.github-workflows-require-timeout"),
        (RELEASE, "contents: read #", "content: read #", "vendor.github-workflows"),
        (".github/dependabot.yml", "interval: weekly", "interval: fortnightly", "vendor.dependabot"),
        (FORM, "type: input", "type: line", "vendor.github-issue-forms"),
        (CONFIG, "blank_issues_enabled: false", "blank_issues: false", "vendor.github-issue-config"),
        ("compose.yaml", "    restart:", "    restarts:", "vendor.compose-spec"),
        ("compose.build.yaml", "    build:", "    builds:", "vendor.compose-spec"),
    ],
)
def test_a_file_that_does_not_fit_is_found(files: Path, name: str, old: str, new: str, schema: str) -> None:
    plant(files, name, old, new)
    assert misfits(files) == [schema]


def test_a_file_without_a_schema_is_found(files: Path) -> None:
    assert misfits(files) == []
    (files / ".github" / "labels.yml").write_text("bug: red\n", "utf-8")
    assert misfits(files) == [".github/labels.yml"]


def audit(files: Path) -> set[str]:
    """Run zizmor as `make lint` does; returns the names of its findings."""
    commands = lint_commands((ROOT / "Makefile").read_text("utf-8"))
    (command,) = [command.split() for command in commands if "zizmor" in command]
    command[0] = str(Path(sys.executable).with_name("zizmor"))
    command += ["--color", "never"]  # with CI or FORCE_COLOR set it colours what it writes into a pipe too
    ended = subprocess.run(command, cwd=files, capture_output=True, text=True, check=False)
    found = set(re.findall(r"^\w+\[([a-z-]+)\]", ended.stdout, flags=re.MULTILINE))
    assert bool(ended.returncode) == bool(found), ended.stderr
    return found


@pytest.mark.parametrize(
    ("name", "old", "new", "finding"),
    [
        (CHECK, "@3d3c42e5aac5ba805825da76410c181273ba90b1 #", "@v7 #", "unpinned-uses"),
        (CHECK, "run: .ci/run", "run: echo ${{ github.head_ref }}", "template-injection"),
        (CHECK, "persist-credentials: false", "fetch-depth: 1", "artipacked"),
        (CHECK, "  pull_request:", "  pull_request_target:", "dangerous-triggers"),
        (RELEASE, "permissions: {}", "permissions: write-all", "excessive-permissions"),
        (RELEASE, "contents: write # to make the release", "contents: write", "undocumented-permissions"),
        (".github/dependabot.yml", "    cooldown:\n      default-days: 7\n", "", "dependabot-cooldown"),
    ],
)
def test_a_workflow_that_can_be_abused_is_found(
    files: Path, name: str, old: str, new: str, finding: str
) -> None:
    plant(files, name, old, new)
    assert finding in audit(files)


def test_the_workflows_of_this_repository_have_no_findings(files: Path) -> None:
    assert audit(files) == set()
