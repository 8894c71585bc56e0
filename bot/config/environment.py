"""The environment variables of the bot: which are ours, and what an env file adds to their values.

A variable with the prefix and a `__` is ours, and a mistake if it is unknown. One without `__` belongs to
somebody else: Kubernetes makes `BOT_PORT=tcp://...` and others for a service called `bot`
(https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables).
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from bot.config.field_types import FILE_ONLY, unquote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

PREFIX: Final = "BOT_"
DELIMITER: Final = "__"
"""Between a section and a key."""
_CLOSE: Final = 0.85
"""How similar a foreign variable has to be to one of ours for a hint; 1 is the same."""


def variable(section: str, key: str) -> str:
    """Return the name of the variable for a key."""
    return f"{PREFIX}{section}{DELIMITER}{key}".upper()


def variables(sections: Mapping[str, type[BaseModel]]) -> list[str]:
    """Return the names of the variables for all keys that can be in one."""
    return [
        variable(section, key)
        for section, keys in sections.items()
        for key, field in keys.model_fields.items()
        if not is_file_only(field)
    ]


def is_file_only(field: FieldInfo) -> bool:
    """Whether a key can be in the settings file only, since no text is its value."""
    return isinstance(field.json_schema_extra, dict) and FILE_ONLY in field.json_schema_extra


def own_names(environ: Mapping[str, str]) -> list[str]:
    """Return the names of our variables, as they are spelled."""
    return [name for name in environ if name.upper().startswith(PREFIX) and DELIMITER in name]


def own_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Return our variables that are set, by their names in upper case, without quotes around the values.

    Docker's `--env-file` takes the rest of a line as it is, with quotes and a carriage return:
    https://docs.docker.com/reference/cli/docker/container/run/#env. An empty value counts as not set.
    """
    own = {name.upper(): unquote(environ[name]) for name in own_names(environ)}
    return {name: value for name, value in own.items() if value}


def near_misses(sections: Mapping[str, type[BaseModel]], environ: Mapping[str, str]) -> Iterable[str]:
    """Describe each foreign variable that looks like one of ours, such as `BOT_TOKEN`."""
    meant: dict[str, str] = {}
    for section, keys in sections.items():
        for key in keys.model_fields:
            for short in (f"{section}_{key}", key, section):
                meant.setdefault(f"{PREFIX}{short}".upper(), variable(section, key))
    own = own_names(environ)
    for name in sorted(environ):
        foreign = name.upper().startswith(PREFIX) and name not in own
        if not foreign or re.match("(tcp|udp|sctp)://", environ[name]):  # the latter is made by Kubernetes
            continue
        if near := get_close_matches(name.upper(), list(meant), n=1, cutoff=_CLOSE):
            yield f"{printable(name)}: this environment variable is not read; did you mean {meant[near[0]]}?"


def printable(name: str) -> str:
    """Escape unprintable characters, so that each message is one line."""
    return name if name.isprintable() else ascii(name)
