"""Write the settings of `init` as a TOML file or an env file, and the secrets as files of their own.

All of them appear whole, or none does.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bot.config.environment import variable
from bot.config.field_types import unquote
from bot.storage.fsync import sync_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    Tables = Mapping[str, Mapping[str, str | int]]

PRIVATE: Final = 0o600
IN_PRIVATE_FOLDER: Final = 0o444
"""The mode of a secret in a folder that only its owner may enter.

Compose mounts the file alone, with its owner and mode, into a container whose user is another:
https://docs.docker.com/reference/compose-file/services/#secrets
"""

_HEAD: Final = "# Written by `init`. docs/settings.md has every key."
_PLAIN: Final = re.compile(r"[\w.:/@%+=,-]*", re.ASCII)
_ALIVE_IN_QUOTES: Final = frozenset("\"\\$`'")
"""What at least one program that reads env files does not take as it is, within double or single quotes."""


def toml_text(tables: Tables) -> str:
    """Return a TOML file with these sections, which reads back exactly these values."""
    lines = [_HEAD]
    for section, keys in tables.items():
        lines += ["", f"[{section}]", *(f"{key} = {_toml_value(value)}" for key, value in keys.items())]
    return "\n".join([*lines, ""])


def _toml_value(value: str | int) -> str:
    if isinstance(value, int):
        return str(value)
    # A string of JSON is one of TOML, but for DEL: https://toml.io/en/v1.0.0#string
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def env_text(tables: Tables) -> str:
    """Return an env file that Docker, Compose, systemd and a shell read as the same values.

    Raises:
        ValueError: as `env_value`.
    """
    lines = [
        f"{variable(section, key)}={env_value(str(value))}"
        for section, keys in tables.items()
        for key, value in keys.items()
    ]
    return "\n".join([_HEAD, *lines, ""])


def env_value(text: str) -> str:
    """Return a value as it stands in an env file.

    Docker takes the rest of the line, from which the settings take the quotes; the others read the quotes
    themselves, with escapes of their own: https://docs.docker.com/compose/how-tos/environment-variables/
    and https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#EnvironmentFile=.

    Raises:
        ValueError: no notation means the same to all of them.
    """
    if _PLAIN.fullmatch(text):
        return text
    if unquote(text) == text:
        if "'" not in text and "\\" not in text:
            return f"'{text}'"
        if not set(text) & (_ALIVE_IN_QUOTES - {"'"}):
            return f'"{text}"'
    raise ValueError("without a backslash, without quotes around it, and without ' beside one of \" $ `")


def unusable(target: Path) -> str | None:
    """Return why a file cannot be made, None if it can."""
    if os.path.lexists(target):
        return f"{target}: exists already, and is not overwritten; choose another name"
    folder = target.parent
    while not os.path.exists(folder):  # noqa: PTH110  # `Path.exists` raises where one may not look
        folder = folder.parent
    if not folder.is_dir():
        return f"{folder}: is not a folder"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"{folder}: you may not write there"
    return None


def unusable_folder(folder: Path) -> str | None:
    """Return why a folder cannot have files of the mode `IN_PRIVATE_FOLDER`, None if it can."""
    if os.path.isdir(folder) and folder.stat().st_mode & 0o077:  # noqa: PTH112  # as in `unusable`
        return f"{folder}: others may look into this folder; run `chmod 700` on it, or choose a new one"
    return None


def path_in_env(file: Path, env_file: Path) -> str:
    """Return a path for an env file: relative to the folder of that file, if it is below it.

    `init` may run in a container that sees the folder elsewhere. Compose takes a path that begins with a dot
    as relative to the folder.
    """
    folder = env_file.parent
    return f"./{file.relative_to(folder)}" if file.is_relative_to(folder) else str(file)


def unusable_in_env(file: Path, env_file: Path) -> str | None:
    """Return why an env file cannot name a file, None if it can."""
    try:
        env_value(path_in_env(file, env_file)).encode()
    except UnicodeEncodeError:
        return f"{file}: characters that are no UTF-8"
    except ValueError as error:
        return f"{file}: in an env file it must be {error}"
    return None


def write_all(files: Mapping[Path, tuple[str, int]]) -> None:
    """Write new files, each with its text and its mode; if one fails, the others are removed.

    Raises:
        OSError: as `write_new`, for the first one that cannot be written.
    """
    written: list[Path] = []
    try:
        for file, (text, mode) in files.items():
            write_new(file, text, mode)
            written.append(file)
    except BaseException:
        for file in written:
            with suppress(OSError):
                file.unlink()
        raise


def write_new(target: Path, text: str, mode: int = PRIVATE) -> None:
    """Write a file that at first only its owner can read; missing folders are made, for the owner alone.

    Raises:
        FileExistsError: there is such a file, which stays as it is.
        OSError: it cannot be written, and is not there.
    """
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)  # mode 600
    unfinished = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        _rename_new(unfinished, target)
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
    sync_folder(target.parent)


def _rename_new(unfinished: Path, target: Path) -> None:
    """Give a file its name, which a rename would take away from another file."""
    try:
        os.link(unfinished, target)
    except FileExistsError:
        raise
    except OSError as error:  # a file system without hard links
        if os.path.lexists(target):
            raise FileExistsError(error.errno, "exists already", str(target)) from error
        unfinished.rename(target)
