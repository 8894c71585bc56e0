"""docs/kuas.service and docs/kuas.container fit the defaults of Kuas, systemd and Podman."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bot.__main__ import WRONG_SETTINGS
from bot.config.environment import variable
from bot.config.secret_files import FILE_SUFFIX, secret_variables
from bot.config.settings import DatabaseSettings, Settings
from bot.config.settings_file import DEFAULT_FILE
from bot.engine.engine import GRACE_SECONDS
from tests.support.paths import ROOT

SERVICE = ROOT / "docs" / "kuas.service"
CONTAINER = ROOT / "docs" / "kuas.container"
SYSTEMD_STARTS, SYSTEMD_INTERVAL_SECONDS = 5, 10
"""https://www.freedesktop.org/software/systemd/man/latest/systemd-system.conf.html"""


def options(unit: Path = SERVICE) -> dict[str, str]:
    lines = unit.read_text("utf-8").splitlines()
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


def test_the_credentials_have_the_names_that_the_bot_looks_for() -> None:
    text = SERVICE.read_text("utf-8")
    loaded = re.findall(r"^# LoadCredential=([a-z_.]+):(.+)$", text, flags=re.MULTILINE)
    sections: dict[str, Any] = {name: field.annotation for name, field in Settings.model_fields.items()}
    names = [name for name, _ in loaded]
    assert [variable(*name.split(".")) + FILE_SUFFIX for name in names] == secret_variables(sections)
    assert [Path(path).name for _, path in loaded] == names
    assert {Path(path).parent for _, path in loaded} == {Path(options()["WorkingDirectory"], "secrets")}


def test_the_container_has_the_secrets_and_the_time_that_the_bot_needs() -> None:
    text, unit = CONTAINER.read_text("utf-8"), options(CONTAINER)
    names = [f"{section}.{key}" for section, key in (("discord", "token"), ("rivya", "api_key"))]
    assert re.findall(r"^Secret=([^,]+),uid=10001,gid=10001,mode=0400$", text, re.MULTILINE) == names
    assert re.findall(r"podman secret create (\S+) ", text) == names
    stop_seconds = int(unit["PodmanArgs"].removeprefix("--stop-timeout="))
    assert GRACE_SECONDS < stop_seconds < int(unit["TimeoutStopSec"])
    assert unit["RestartPreventExitStatus"] == str(WRONG_SETTINGS)
    assert "USER 10001:10001\n" in (ROOT / "Dockerfile").read_text("utf-8")


def test_the_service_may_do_little_else() -> None:
    """https://www.freedesktop.org/software/systemd/man/latest/systemd-analyze.html: 10 is the worst."""
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=19", str(SERVICE)]
    if shutil.which(command[0]) is None:
        pytest.skip("the command systemd-analyze is not installed")
    judged = subprocess.run(command, capture_output=True, text=True, check=False)
    if "unrecognized option" in judged.stderr:
        pytest.skip("systemd-analyze is older than its option --offline")
    assert judged.returncode == 0, judged.stdout + judged.stderr


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
