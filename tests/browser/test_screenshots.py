"""The command that makes the pictures of the documentation."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.support.paths import ROOT
from tests.support.sandbox_page import CHROMIUM
from tests.tools.screenshots import ASSETS, MAX_BYTES

COMMAND = [sys.executable, "-m", "tests.tools.screenshots", "--out"]


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium or google-chrome on the PATH")
def test_every_picture_is_made_anew_as_it_is(tmp_path: Path) -> None:
    made = subprocess.run([*COMMAND, tmp_path], check=False, cwd=ROOT, capture_output=True, text=True)
    assert (made.returncode, made.stdout, made.stderr) == (0, "", "")
    assert {path.name for path in tmp_path.iterdir()} == set(MAX_BYTES)
    for path in tmp_path.iterdir():
        with Image.open(path) as picture, Image.open(ASSETS / path.name) as kept:
            assert picture.width == kept.width  # the height depends on the fonts of the machine
            assert getattr(picture, "n_frames", 1) == getattr(kept, "n_frames", 1)


def test_without_a_browser_the_command_says_what_is_missing(tmp_path: Path) -> None:
    made = subprocess.run(
        [*COMMAND, tmp_path],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": str(tmp_path)},
    )
    assert made.returncode == 1
    assert (
        made.stderr == "Screenshots need chromium or google-chrome on the PATH, such as Debian's chromium.\n"
    )
    assert list(tmp_path.iterdir()) == []
