"""A command loads what it needs: Docker runs `health` every 30 seconds."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from bot.__main__ import COMMANDS, _function
from bot.cli.arguments import make_parser
from tests.support.paths import ROOT

HEAVY = {"aiohttp", "asyncio", "discord", "PIL", "pydantic", "sqlite3", "structlog"}
LOADED = """
import sys
from bot.__main__ import main
try:
    main(sys.argv[1:])
finally:
    print(*{name.partition(".")[0] for name in sys.modules})
"""


def loaded(folder: Path, *arguments: str) -> set[str]:
    """The packages that a command has loaded at its end."""
    command = [sys.executable, "-c", LOADED, *arguments]
    environ = {"PYTHONPATH": str(ROOT), "XDG_CONFIG_HOME": str(folder)}
    ended = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=True)
    return set(ended.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["operator", "--help"], ["init", "--help"]])
def test_the_help_and_the_version_load_no_library(tmp_path: Path, arguments: list[str]) -> None:
    assert loaded(tmp_path, *arguments) & HEAVY == set()


def test_a_health_check_loads_the_settings_alone(tmp_path: Path) -> None:
    # pydantic-settings loads asyncio.
    assert loaded(tmp_path, "health", "--port-optional") & HEAVY == {"asyncio", "pydantic"}


def test_every_command_has_its_function() -> None:
    (commands,) = (
        action for action in make_parser()._actions if isinstance(action, argparse._SubParsersAction)
    )
    assert set(commands.choices) == set(COMMANDS)
    assert all(callable(_function(command)) for command in COMMANDS)
