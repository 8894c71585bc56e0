"""The wheel in an environment of its own: the command `kuas` from any folder, against both fakes."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from bot import __version__
from tests.e2e.environment import E2EEnvironment
from tests.e2e.test_cli_check import parse_lines
from tests.support.paths import ROOT

UV = Path(sys.executable).with_name("uv")
HOOK = f"""
import importlib.util
spec = importlib.util.spec_from_file_location("bot_entry", {str(ROOT / "tests/e2e/bot_entry.py")!r})
entry = importlib.util.module_from_spec(spec)
spec.loader.exec_module(entry)
entry.prepare()
"""
"""Python imports `sitecustomize` at its start, so that the script `kuas` runs as it is."""


def run(*command: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*command], cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy of what it is made of, so that the working tree stays as it is."""
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("hatchling is not installed")
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for folder in ("bot", "cogs"):
        shutil.copytree(ROOT / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, source)
    built = run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", target, cwd=source)
    assert built.returncode == 0, built.stderr
    return next(target.glob("*.whl"))


@pytest.fixture(scope="module")
def kuas(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel with the locked versions of its dependencies; returns the command."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    assert run(UV, "venv", "--offline", "--python", sys.executable, folder).returncode == 0
    into = ("--python", folder / "bin/python")
    locked = ("--require-hashes", ROOT / "requirements.lock")
    dependencies = run(UV, "pip", "sync", "--offline", *into, *locked)
    if dependencies.returncode != 0:
        assert "network was disabled" in dependencies.stderr, dependencies.stderr
        pytest.skip("uv's cache lacks packages of requirements.lock")
    installed = run(UV, "pip", "install", "--offline", "--no-deps", *into, wheel)
    assert installed.returncode == 0, installed.stderr
    complete = run(UV, "pip", "check", *into)
    assert complete.returncode == 0, complete.stderr
    return folder / "bin/kuas"


@pytest.fixture
def installed(fresh: E2EEnvironment, kuas: Path, tmp_path: Path) -> E2EEnvironment:
    """The environment whose bot is the installed one."""
    hook = tmp_path / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(HOOK, "utf-8")
    fresh.bot.program = (str(kuas),)
    fresh.bot.settings["PYTHONPATH"] = str(hook)
    return fresh


def test_the_wheel_has_every_file_of_both_packages_and_nothing_else(wheel: Path) -> None:
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    wanted = {
        str(path.relative_to(ROOT))
        for folder in ("bot", "cogs")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert packed == wanted
    assert {"bot/storage/migrations/0001_jobs_and_reservations.sql", "cogs/locale/id.po"} <= packed


def test_the_command_says_its_name_and_version_in_any_folder(kuas: Path, tmp_path: Path) -> None:
    assert run(kuas, "--version", cwd=tmp_path).stdout == f"Kuas {__version__}\n"
    assert wheel_version(kuas) == __version__
    assert run(kuas, "--help", cwd=tmp_path).stdout.startswith("usage: kuas ")


def wheel_version(kuas: Path) -> str:
    code = "import importlib.metadata; print(importlib.metadata.version('kuas'))"
    return run(kuas.with_name("python"), "-I", "-c", code).stdout.strip()


async def test_the_installed_command_checks_and_paints_with_the_user_s_settings(
    installed: E2EEnvironment, tmp_path: Path
) -> None:
    own = tmp_path / "home" / "kuas" / "config.toml"
    own.parent.mkdir(parents=True)
    own.write_text(f"[database]\npath = '{tmp_path / 'own.sqlite3'}'\n", "utf-8")
    bot = installed.bot
    bot.folder = tmp_path / "anywhere"
    bot.folder.mkdir()
    bot.settings |= {"XDG_CONFIG_HOME": str(tmp_path / "home"), "BOT_DATABASE__PATH": ""}
    code, output = await bot.run("check", "--channel", str(installed.channel.id))
    found = parse_lines(output)
    assert code == 0, output
    assert found["settings file"] == (True, str(own))
    assert found["database"][1].startswith(str(tmp_path / "own.sqlite3"))
    assert list(bot.folder.iterdir()) == []
    bot.settings["BOT_DATABASE__PATH"] = str(bot.database)
    await bot.start_connected("run")
    assert await installed.outcome(await installed.imagine("a fox")) == ("delivered", "reply", "settled", 4)
    installed.picture_message("a fox")
    assert (await bot.terminate())[0] == 0
