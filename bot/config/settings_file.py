"""Which settings file is read: the one that is named, one in the working directory, or the user's own.

A relative path in any of them means the working directory.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

DEFAULT_FILE: Final = Path("config.toml")
"""In the working directory."""
CONFIG_HOME_VARIABLE: Final = "XDG_CONFIG_HOME"


def find_file(named: Path | None) -> Path | None:
    """Return the settings file that is read, None if there is none.

    One in the working directory is returned as well if it cannot be examined, so that reading it says why.
    The user's own is passed over then: a service that may not look into home folders has none.
    """
    if named is not None:
        return named
    if _exists(DEFAULT_FILE, if_hidden=True):
        return DEFAULT_FILE
    own = user_file()
    return own if own is not None and _exists(own, if_hidden=False) else None


def user_file() -> Path | None:
    """Return where the user's own settings file would be; None if the user has no home folder.

    https://specifications.freedesktop.org/basedir-spec/latest/: a relative path in the variable is ignored.
    """
    folder = Path(os.environ.get(CONFIG_HOME_VARIABLE, ""))
    if not folder.is_absolute():
        try:
            folder = Path.home() / ".config"
        except RuntimeError:
            return None
    return folder / "kuas" / DEFAULT_FILE


def describe_search() -> str:
    """Say where a settings file was looked for; for when there is none."""
    own = user_file()
    return f"there is no {DEFAULT_FILE} in the working directory{f' and no {own}' if own else ''}"


def _exists(file: Path, *, if_hidden: bool) -> bool:
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return if_hidden
    return True
