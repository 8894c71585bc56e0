"""Secrets from files, and which of several places a secret is given in.

The file is the one that a variable such as `BOT_DISCORD__TOKEN_FILE` names, or has the name of the key, such
as `discord.token`, in the folder of Docker's secrets or systemd's credentials:
https://docs.docker.com/compose/how-tos/use-secrets/, https://systemd.io/CREDENTIALS/

pydantic-settings has a source for folders of secrets. It is not used, because it takes one of two values
without a word, reads every file in the folder, fails at one that is not text, and knows no such variables.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, get_args

from pydantic import SecretStr

from bot.config.environment import variable
from bot.config.field_types import is_placeholder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

FILE_SUFFIX: Final = "_FILE"
DOCKER_FOLDER: Final = Path("/run/secrets")
SYSTEMD_VARIABLE: Final = "CREDENTIALS_DIRECTORY"
_MAX_BYTES: Final = 65_536


@dataclass(slots=True)
class FileSecrets:
    """The secrets that files hold, each by its section and key."""

    values: dict[tuple[str, str], str] = field(default_factory=dict)
    places: dict[tuple[str, str], str] = field(default_factory=dict)
    """Where each value is from, for a message."""
    mistakes: dict[tuple[str, str], str] = field(default_factory=dict)
    """What is wrong with a secret, a line each; no line shows a value."""


def is_secret(setting: FieldInfo) -> bool:
    """Return whether a key can be given in a file."""
    return setting.annotation is SecretStr or SecretStr in get_args(setting.annotation)


def secret_variables(sections: Mapping[str, type[BaseModel]]) -> list[str]:
    """Return the variables that name files with secrets."""
    return [variable(section, key) + FILE_SUFFIX for section, key in _secret_keys(sections)]


def read_secrets(
    sections: Mapping[str, type[BaseModel]],
    tables: Mapping[str, Mapping[str, object]],
    environ: Mapping[str, str],
    file_name: str,
) -> FileSecrets:
    """Read the secrets of these sections from their files.

    Args:
        sections: the sections whose secrets are needed.
        tables: the sections of the settings file.
        environ: our own variables, as `own_variables` returns them.
        file_name: the name of the settings file.
    """
    found = FileSecrets()
    for section, key in _secret_keys(sections):
        files = dict(_files(section, key, environ))
        places = [*_given(section, key, tables, environ, file_name), *files] if files else []
        if len(places) > 1:
            found.mistakes[section, key] = (
                f"{section}.{key}: is given more than once, by {' and by '.join(places)}; keep one of them"
            )
        elif places:
            (place,) = places
            try:
                found.values[section, key] = _read(files[place])
            except ValueError as error:
                found.mistakes[section, key] = f"{section}.{key}: {place} {error}"
            found.places[section, key] = place
    return found


def _secret_keys(sections: Mapping[str, type[BaseModel]]) -> Iterable[tuple[str, str]]:
    for section, keys in sections.items():
        for key, setting in keys.model_fields.items():
            if is_secret(setting):
                yield section, key


def _given(
    section: str,
    key: str,
    tables: Mapping[str, Mapping[str, object]],
    environ: Mapping[str, str],
    file_name: str,
) -> Iterable[str]:
    """Name the place of a secret that is no file of its own. The variable wins over the settings file."""
    if variable(section, key) in environ:
        yield f"environment {variable(section, key)}"
    elif (value := tables.get(section, {}).get(key)) is not None and not is_placeholder(value):
        yield f"{file_name} key {section}.{key}"


def _files(section: str, key: str, environ: Mapping[str, str]) -> Iterable[tuple[str, Path]]:
    """Find the files with a secret, each with the name of its place."""
    name = variable(section, key) + FILE_SUFFIX
    if name in environ:
        # Its value is not shown: it may be the secret itself, by mistake.
        yield f"the file that environment {name} names", Path(environ[name])
    folders = [DOCKER_FOLDER]
    if systemd := os.environ.get(SYSTEMD_VARIABLE):
        folders.append(Path(systemd))
    for folder in dict.fromkeys(folders):
        file = folder / f"{section}.{key}"
        if os.path.lexists(file) and not _is_null(file):
            yield f"file {file}", file


def _is_null(file: Path) -> bool:
    """Return whether a file is /dev/null, which compose.yaml mounts for a secret that is given elsewhere."""
    try:
        return file.stat().st_rdev == Path(os.devnull).stat().st_rdev
    except OSError:
        return False


def _read(file: Path) -> str:
    """Read a secret without white space around it.

    Raises:
        ValueError: what is wrong with the file, in words that follow its name.
    """
    try:
        with file.open("rb") as opened:
            content = opened.read(_MAX_BYTES + 1)
    except PermissionError as error:
        raise ValueError(f"cannot be read by user {os.geteuid()} ({error.strerror})") from None
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from None
    if len(content) > _MAX_BYTES:
        raise ValueError("is too large for a secret")
    try:
        secret = content.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text") from None
    if not secret:
        raise ValueError("is empty")
    return secret
