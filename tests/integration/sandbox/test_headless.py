"""The sandbox without a browser, run as a process."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from sandbox.headless import _plain
from tests.support.paths import ROOT
from tests.support.waiting import PATIENCE_SECONDS


def run_sandbox(
    folder: Path, *arguments: str | Path, environ: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the sandbox in `folder`, with its temporary files there, too."""
    temporary = folder / "temporary"
    temporary.mkdir(exist_ok=True)
    inherited = {name: value for name, value in os.environ.items() if name != "RIVYA_API_KEY"}
    return subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-m", "sandbox", *map(str, arguments)],
        cwd=folder,
        env={**inherited, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary), **(environ or {})},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def format_and_size(picture: Path) -> tuple[str | None, tuple[int, int]]:
    with Image.open(picture) as opened:
        opened.load()
        return opened.format, opened.size


def test_a_picture_is_made_from_a_reference_and_saved(tmp_path: Path) -> None:
    reference, out = tmp_path / "reference.jpg", tmp_path / "fox.png"
    Image.new("RGB", (640, 480), (10, 200, 30)).save(reference)
    result = run_sandbox(tmp_path, "--once", "a red fox", "--reference", reference, "--out", out)
    assert (result.returncode, result.stderr) == (0, "")
    assert "Uploading your reference." in result.stdout.splitlines()[0]  # without the greeting
    saved = rf"Saved to {re.escape(str(out))}: @Mira · 4 credits · 196 of 200 left this month$"
    assert re.search(saved, result.stdout, re.MULTILINE)
    assert format_and_size(out) == ("PNG", (1024, 1024))
    with Image.open(out) as picture:
        red, green, blue = picture.convert("RGB").resize((1, 1)).tobytes()
    assert green > red + 20, "the reference is visible in the picture"
    assert green > blue + 20
    assert list((tmp_path / "temporary").iterdir()) == []


def test_what_discord_would_show_is_plain_text() -> None:
    assert (
        _plain("-# **Ask** <@12> with </limits show:34> or `/help`\\.")
        == "Ask @Mira with /limits show or /help."
    )


def test_the_members_and_the_server_have_the_locale_that_is_named(tmp_path: Path) -> None:
    result = run_sandbox(tmp_path, "--once", "un zorro rojo", "--locale", "es-419")
    assert (result.returncode, result.stderr) == (0, "")
    assert "@Mira · 4 créditos · quedan 196 de 200 este mes" in result.stdout
    wrong = run_sandbox(tmp_path, "--once", "un zorro rojo", "--locale", "es")
    assert wrong.returncode == 2
    assert "'es-419', 'es-ES'" in wrong.stderr


def test_without_out_the_file_is_named_after_its_format(tmp_path: Path) -> None:
    result = run_sandbox(tmp_path, "--once", "a boat", "--size", "landscape_16_9", "--format", "jpeg")
    assert (result.returncode, result.stderr) == (0, "")
    assert format_and_size(tmp_path / "out.jpg") == ("JPEG", (1024, 576))


def test_the_first_of_the_models_paints(tmp_path: Path) -> None:
    result = run_sandbox(
        tmp_path, "--once", "a boat", "--models", "wan-2-7-image, z-image", "--size", "landscape_8_1"
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert "5 credits" in result.stdout
    assert format_and_size(tmp_path / "out.png") == ("PNG", (2048, 256))
    result = run_sandbox(tmp_path, "--once", "a boat", "--models", "all", "--painting-seconds", "0")
    assert "4 credits" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--once", "a fox", "--reference", "text.png"), "The reference is not a picture that can be used"),
        (("--once", " "), "The prompt is empty."),
        (("--once", ""), "must be at least 1 characters"),
        (("--once", "a fox", "--size", "landscape_8_1"), "landscape_8_1"),
        (("--once", "a fox", "--reference", "nowhere.png"), "nowhere.png: No such file or directory"),
    ],
)
def test_a_refused_request_ends_with_one_sentence(
    tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    (tmp_path / "text.png").write_text("not a picture at all")
    result = run_sandbox(tmp_path, *arguments)
    assert result.returncode == 1
    assert sentence in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "out.png").exists()
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--live", "--once", "a fox"), "RIVYA_API_KEY"),
        (("--size", "square"), "go with --once"),
        (("--once", "a fox", "--out", "nowhere/fox.png"), "no such folder"),
        (("--once", "a fox", "--out", "."), "name the file, too"),
        (("--once", "a fox", "--painting-seconds", "-1"), "invalid _seconds value"),
        (("--painting-seconds", "inf"), "invalid _seconds value"),
        (("--models", "qwen-image,qwen"), "no such model: qwen; there are all, qwen-image, "),
        (("--models", "z-image, z-image"), "a model twice"),
    ],
)
def test_invalid_options_are_refused_before_anything_starts(
    tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    result = run_sandbox(tmp_path, *arguments)
    assert result.returncode == 2
    assert sentence in result.stderr
