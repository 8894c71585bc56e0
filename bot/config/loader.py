"""Read the settings from a TOML file and from environment variables, which take precedence.

Each key, such as `rivya.poll_seconds`, is also an environment variable, `BOT_RIVYA__POLL_SECONDS`. An empty
variable counts as not set, as a blank line in a compose file makes one. A secret can also be in a file of its
own (`secret_files`).
"""

from __future__ import annotations

import os
import tomllib
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from bot.config.environment import DELIMITER, PREFIX, near_misses, own_names, own_variables, variables
from bot.config.error_messages import unknown_in_environment, unknown_in_file, wrong_values
from bot.config.secret_files import read_secrets
from bot.config.settings import (
    DatabaseSettings,
    LimitsSettings,
    LogSettings,
    MonitorSettings,
    NetworkSettings,
    RivyaSettings,
    RivyaSettingsWithoutKey,
    Section,
    Settings,
)
from bot.config.settings_error import SettingsError
from bot.config.settings_file import DEFAULT_FILE, describe_search, find_file

if TYPE_CHECKING:
    from pathlib import Path


class _Sources(BaseSettings):
    """Reads environment variables, which take precedence over the values of the file."""

    # A section as JSON in one variable, BOT_RIVYA={...}, is not decoded: each key has a variable of its own.
    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter=DELIMITER, env_nested_max_split=1, enable_decoding=False
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del dotenv_settings, file_secret_settings  # no .env; `secret_files` reads secrets
        assert isinstance(env_settings, EnvSettingsSource)
        known = variables(_sections(settings_cls))
        own = own_variables(os.environ)
        env_settings.env_vars = {name.lower(): value for name, value in own.items() if name in known}
        return env_settings, init_settings


class _Everything(_Sources, Settings):
    model_config = SettingsConfigDict()


class _Part(_Sources):
    """The sections that a command needs; the values of others may be missing or wrong."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class _DatabaseOnly(_Part):
    database: DatabaseSettings


class _MonitorOnly(_Part):
    monitor: MonitorSettings


class _LimitsOnly(_Part):
    limits: LimitsSettings


class RivyaCommandSettings(_Part):
    """What a command needs that calls Rivya and does not log in to Discord."""

    rivya: RivyaSettings
    limits: LimitsSettings
    log: LogSettings
    network: NetworkSettings


class ConnectionSettings(_Part):
    """By which way Discord and Rivya are reached without a token or a key."""

    rivya: RivyaSettingsWithoutKey
    network: NetworkSettings


_Read = TypeVar("_Read", bound=_Sources)


def load(path: Path | None) -> Settings:
    """Read all settings. Without a path, the file is read that `find_file` finds, if any.

    Raises:
        SettingsError: with every mistake, or the one reason why the file cannot be read.
    """
    return _load(_Everything, path)


def load_database(path: Path | None) -> DatabaseSettings:
    """Read the `database` section, for commands that need neither token nor key.

    Raises:
        SettingsError: with every unknown name in the file and the environment, so that a section that is
            spelled wrong does not mean the default, and every mistake in this section.
    """
    return _load(_DatabaseOnly, path).database


def load_monitor(path: Path | None) -> MonitorSettings:
    """Read the `monitor` section, for a health check, which needs no secrets.

    Raises:
        SettingsError: as `load_database`.
    """
    return _load(_MonitorOnly, path).monitor


def load_limits(path: Path | None) -> LimitsSettings:
    """Read the `limits` section, for an overview of spending, which needs no secrets.

    Raises:
        SettingsError: as `load_database`.
    """
    return _load(_LimitsOnly, path).limits


def load_rivya(path: Path | None) -> RivyaCommandSettings:
    """Read what a command needs that calls Rivya; the bot's token is not needed.

    Raises:
        SettingsError: as `load_database`.
    """
    return _load(RivyaCommandSettings, path)


def load_models(path: Path | None) -> ConnectionSettings:
    """Read what is needed to ask Rivya for its list of models, which anybody may.

    Raises:
        SettingsError: as `load_database`.
    """
    return _load(ConnectionSettings, path)


def load_connections() -> ConnectionSettings:
    """Read what `init` connects by, from the environment alone, since there is no file yet.

    Raises:
        SettingsError: as `load_database`.
    """
    return _validate(ConnectionSettings, None, str(DEFAULT_FILE))


def hints() -> list[str]:
    """Name the environment variables that are not read, but look like one of ours."""
    return list(near_misses(_sections(Settings), os.environ))


def describe_file(path: Path | None, database: DatabaseSettings) -> str:
    """Say which settings file is read, and whether the database depends on the folder of the start."""
    file = find_file(path)
    if file is None:
        return describe_search()
    if path is None and file.is_absolute() and not database.path.is_absolute():
        return f"{file}; database.path is relative, so another folder to start in means another database"
    return str(file.absolute())


def _read(file: Path) -> dict[str, object]:
    """Parse the file. A byte order mark at its start, as some editors write it, is ignored."""
    try:
        return dict(tomllib.loads(file.read_text("utf-8-sig")))
    except FileNotFoundError:
        raise SettingsError([f"{file}: there is no such file"]) from None
    except OSError as error:
        raise SettingsError([f"{file}: cannot be read ({error.strerror})"]) from None
    except UnicodeDecodeError as error:
        raise SettingsError([f"{file}: is not UTF-8 text (byte {error.start})"]) from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError([f"{file}: is not TOML: {error}"]) from None


def _load(model: type[_Read], path: Path | None) -> _Read:
    file = find_file(path)
    return _validate(model, file, file.name if path and file else str(file or DEFAULT_FILE))


def _validate(model: type[_Read], file: Path | None, file_name: str) -> _Read:
    """Judge every name in the file and the environment, and read the values of the model's sections."""
    data = {} if file is None else _read(file)
    known, needed, environ = _sections(Settings), _sections(model), own_variables(os.environ)
    lines = [*unknown_in_file(known, data, file_name), *unknown_in_environment(known, own_names(os.environ))]
    tables = {name: dict(table) if isinstance(table := data.get(name), dict) else {} for name in needed}
    secrets = read_secrets(needed, tables, environ, file_name)
    lines += secrets.mistakes.values()
    for (section, key), value in secrets.values.items():
        tables[section][key] = value
    try:
        settings = model.model_validate(tables)
    except ValidationError as error:
        wrong = wrong_values(needed, error, file_name, secrets.places)
        lines += [line for setting, line in wrong if setting not in secrets.mistakes]
        missing = {mistake["loc"] for mistake in error.errors() if mistake["type"] == "missing"}
        if file is None and missing - secrets.mistakes.keys():
            lines.append(describe_search())
        raise SettingsError([*lines, *hints()]) from None
    if lines:
        raise SettingsError([*lines, *hints()])
    return settings


def _sections(model: type[BaseModel]) -> dict[str, type[Section]]:
    return {
        name: field.annotation
        for name, field in model.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section)
    }
