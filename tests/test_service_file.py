"""docs/kuas.service fits the defaults of Kuas and of systemd."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bot.__main__ import WRONG_SETTINGS
from bot.config.settings import DatabaseSettings
from bot.config.settings_file import DEFAULT_FILE
from bot.engine.engine import GRACE_SECONDS
from tests.support.paths import ROOT

SERVICE = ROOT / "docs" / "kuas.service"
SYSTEMD_STARTS, SYSTEMD_INTERVAL_SECONDS = 5, 10
"""https://www.freedesktop.org/software/systemd/man/latest/systemd-system.conf.html"""


def options() -> dict[str, str]:
    lines = SERVICE.read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if re.match(r"[A-Z]\w+=", line))


def test_a_stop_and_repeated_ends_stay_within_the_limits() -> None:
    service = options()
    assert int(service["TimeoutStopSec"]) > GRACE_SECONDS
    assert int(service["RestartSec"]) * (SYSTEMD_STARTS - 1) > SYSTEMD_INTERVAL_SECONDS
    assert service["Restart"] == "on-failure"
    assert service["RestartPreventExitStatus"] == str(WRONG_SETTINGS)


def test_the_default_paths_are_below_the_working_directory_and_can_be_written() -> None:
    service = options()
    folder = Path(service["WorkingDirectory"])
    assert not DEFAULT_FILE.is_absolute()
    assert service["ReadWritePaths"] == str((folder / DatabaseSettings().path).parent)
    assert service["ExecStart"].split() == [str(folder / "venv/bin/python"), "-m", "bot"]


def test_systemd_understands_the_file(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("the command systemd-analyze is not installed")
    unit = tmp_path / SERVICE.name
    text = re.sub("^ExecStart=.*", "ExecStart=/bin/true", SERVICE.read_text("utf-8"), flags=re.MULTILINE)
    unit.write_text(text, "utf-8")
    found = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False
    )
    assert [line for line in found.stderr.splitlines() if SERVICE.name in line] == []
