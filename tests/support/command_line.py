"""Run `python -m bot` as an operator does: as a process, without the settings of whoever runs the tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.paths import ROOT
from tests.support.waiting import PATIENCE_SECONDS

NO_FOLDER = os.devnull
"""For a user without settings of their own."""
SECRETS = ('[discord]\ntoken = "not-a-real-token"\n', '[rivya]\napi_key = "rvya_sk_secret"\n')


def make_environment(**environ: str) -> dict[str, str]:
    """Return this process's environment without variables of the bot, and with these."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("BOT_")}
    return clean | {"PYTHONPATH": str(ROOT), "XDG_CONFIG_HOME": NO_FOLDER} | environ


def run_bot(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        check=False,
        cwd=folder,
        env=make_environment(**environ),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
