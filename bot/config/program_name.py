"""How the commands of the command line are spelled where this process was started."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

INSTALLED: Final = "kuas"
"""The script of `[project.scripts]`, which the installed wheel has and a clone does not."""


def program_name() -> str:
    """Return `kuas` in a process that the installed command has started, else `python -m bot`."""
    return INSTALLED if Path(sys.argv[0]).name == INSTALLED else "python -m bot"
