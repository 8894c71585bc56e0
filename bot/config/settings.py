"""Read the settings from a TOML file and from environment variables, which take precedence.

Each key, such as `rivya.poll_seconds`, is also an environment variable, `BOT_RIVYA__POLL_SECONDS`. An empty
variable counts as not set, as a blank line in a compose file makes one. A secret can also be in a file of its
own (`secret_files`).

The description of each key is its rule as a message about a mistake states it. Pydantic's own messages are
not shown: some quote the value, which may be a secret.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from bot.config.environment import DELIMITER, PREFIX, near_misses, own_names, own_variables, variables
from bot.config.error_messages import unknown_in_environment, unknown_in_file, wrong_values
from bot.config.field_types import (
    Address,
    ApiUrl,
    DiscordId,
    FilePath,
    FolderPath,
    GuildIds,
    HttpsUrl,
    Line,
    ModelId,
    Seconds,
    Secret,
    Whole,
)
from bot.config.secret_files import read_secrets
from bot.config.settings_file import DEFAULT_FILE, describe_search, find_file
from bot.domain.admission import AdmissionMode
from bot.domain.errors import OperatorError
from bot.domain.image_models import MODELS, QWEN_IMAGE
from bot.domain.limits import MAX_CREDITS, Limit, LimitScope
from bot.domain.periods import Period

if TYPE_CHECKING:
    from collections.abc import Iterable

_DAYS_MAX = 36_500


class SettingsError(OperatorError):
    """The settings are wrong; `lines` has one line for each mistake, and none shows a value."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = tuple(lines)
        super().__init__("settings", "; ".join(self.lines))


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class DiscordSettings(_Section):
    """The bot's account, and the operator's server and channel."""

    token: Secret = Field(description="one word: the bot's token, without 'Bot ' before it")
    operator_guild: DiscordId | None = Field(default=None, description="the id of a server, a whole number")
    operator_channel: DiscordId | None = Field(
        default=None, description="the id of a channel, a whole number"
    )


class RivyaSettings(_Section):
    """The API. The polling defaults follow Rivya's guidance: first after 2-3 s, then every 5-10 s."""

    api_key: Secret = Field(description="one word: the API key, rvya_sk_...")
    base_url: ApiUrl = Field(
        default="https://rivya.ai",
        description="an https address without name, password, query or fragment (http only for this machine)",
    )
    model: ModelId = Field(default=QWEN_IMAGE.model_id, description=f"one of {', '.join(MODELS)}")
    first_poll_seconds: Seconds = Field(default=2.5, description="a number greater than 0")
    poll_seconds: Seconds = Field(default=5.0, description="a number greater than 0")
    adaptive_polling: bool = Field(default=True, description="true or false")
    max_running: Whole = Field(default=50, ge=1, description="a whole number, 1 or more")
    wallet_alert_credits: Whole = Field(
        default=100, ge=0, le=MAX_CREDITS, description=f"a whole number from 0 to {MAX_CREDITS}"
    )


class DatabaseSettings(_Section):
    """The database file. Its folder is created when the database is opened."""

    path: FilePath = Field(default=Path("data/bot.sqlite3"), description="the path of a file")


class LimitsSettings(_Section):
    """The limit of a guild whose admins have set none, and the ceiling that no admin can pass."""

    guild_credits: Whole = Field(
        default=200, ge=0, le=MAX_CREDITS, description=f"a whole number from 0 to {MAX_CREDITS}"
    )
    guild_ceiling: Whole | None = Field(
        default=None, ge=0, le=MAX_CREDITS, description=f"a whole number from 0 to {MAX_CREDITS}"
    )
    period: Period = Field(default=Period.MONTH, description=f"one of {', '.join(Period)}")

    @property
    def default(self) -> Limit:
        """The limit of a guild whose admins have set none."""
        return Limit(self.guild_credits, self.period)

    @property
    def ceiling(self) -> Limit:
        """The ceiling of a guild without a row of its own: as much as the default limit, unless it is set."""
        ceiling = self.guild_credits if self.guild_ceiling is None else self.guild_ceiling
        return Limit(ceiling, self.period, scope=LimitScope.CEILING)


class GuildsSettings(_Section):
    """Which servers may ask for pictures; the operator's own always may."""

    admission: AdmissionMode = Field(
        default=AdmissionMode.OPEN, description=f"one of {', '.join(AdmissionMode)}"
    )
    allowed: GuildIds = Field(default=(), description="a list of the ids of servers")


class AboutSettings(_Section):
    """Who runs the bot, as members read it."""

    contact: Line | None = Field(default=None, description="one line of at most 200 characters")
    privacy_url: HttpsUrl | None = Field(
        default=None, description="an https address of at most 500 characters, without name and password"
    )


class PrivacySettings(_Section):
    """How long prompts, stored pictures and the data of servers that the bot has left are kept, in days."""

    prompt_days: Whole = Field(
        default=0, ge=0, le=_DAYS_MAX, description=f"a whole number from 0 (for ever) to {_DAYS_MAX}"
    )
    picture_days: Whole = Field(
        default=0, ge=0, le=_DAYS_MAX, description=f"a whole number from 0 (for ever) to {_DAYS_MAX}"
    )
    leave_grace_days: Whole = Field(
        default=30, ge=0, le=_DAYS_MAX, description=f"a whole number from 0 to {_DAYS_MAX}"
    )


class BackupSettings(_Section):
    """The daily backup of the database while the bot runs."""

    folder: FolderPath | None = Field(default=None, description="the path of a folder")
    keep: Whole = Field(default=7, ge=0, le=1000, description="a whole number from 0 (no backups) to 1000")


class MonitorSettings(_Section):
    """The address of `/healthz` and `/metrics`; without a port they are not served."""

    port: Whole | None = Field(
        default=None, ge=0, le=65535, description="a port, a whole number from 0 (any free one) to 65535"
    )
    host: Address = Field(default="127.0.0.1", description="an IP address of this machine")


class NetworkSettings(_Section):
    """Certificate authorities, fake-IP resolvers, and downloads from http://127.0.0.1 for development."""

    ca_file: FilePath | None = Field(default=None, description="the path of a file")
    allow_fake_ip: bool = Field(default=False, description="true or false")
    allow_loopback: bool = Field(default=False, description="true or false")


class LogSettings(_Section):
    """The level of the log, and its format: for people or for machines."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="one of debug, info, warning, error"
    )
    format: Literal["console", "json"] = Field(default="console", description="one of console, json")


class Settings(BaseModel):
    """All settings, as a plain value; `load` reads them."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    discord: DiscordSettings
    rivya: RivyaSettings
    database: DatabaseSettings = DatabaseSettings()
    limits: LimitsSettings = LimitsSettings()
    guilds: GuildsSettings = GuildsSettings()
    about: AboutSettings = AboutSettings()
    privacy: PrivacySettings = PrivacySettings()
    backup: BackupSettings = BackupSettings()
    monitor: MonitorSettings = MonitorSettings()
    network: NetworkSettings = NetworkSettings()
    log: LogSettings = LogSettings()

    @property
    def backup_folder(self) -> Path:
        """Return the folder of the backups: that of the settings, or `backups` beside the database."""
        return self.backup.folder or self.database.path.with_name("backups")


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


class _RivyaAddress(RivyaSettings):
    """The API, whose key is not known yet."""

    api_key: Secret = Field(default=SecretStr(""), description="one word: the API key, rvya_sk_...")


class ConnectionSettings(_Part):
    """By which way Discord and Rivya are reached, before there is a token or a key."""

    rivya: _RivyaAddress
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


def load_connections() -> ConnectionSettings:
    """Read what `init` connects by, from the environment alone, since there is no file yet.

    Raises:
        SettingsError: as `load_database`.
    """
    return _load(ConnectionSettings, Path(os.devnull))


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
    """Judge every name in the file and the environment, and read the values of the model's sections."""
    file = find_file(path)
    data = {} if file is None else _read(file)
    file_name = file.name if path and file else str(file or DEFAULT_FILE)
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


def _sections(model: type[BaseModel]) -> dict[str, type[_Section]]:
    return {
        name: field.annotation
        for name, field in model.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, _Section)
    }
