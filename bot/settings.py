"""What can be configured: a TOML file, and the environment, which wins over it.

Each key, such as `rivya.poll_seconds`, is also an environment variable, `BOT_RIVYA__POLL_SECONDS`. One that
is set but empty counts as not set: that is what a blank line in a compose file gives.

Every key declares its rule once, as its description, and a mistake is told with that. Pydantic's own messages
are not shown: some quote the value, which may be a secret.

Owns the settings and their defaults. Never imports anything of ours but catalog, errors, mistakes.
"""

from __future__ import annotations

import ipaddress
import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bot.catalog import MODELS, QWEN_IMAGE
from bot.errors import OperatorError
from bot.mistakes import PREFIX, unknown_in_environment, unknown_in_file, wrong_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DEFAULT_FILE = Path("config.toml")
_SNOWFLAKE_MAX = 2**63 - 1
_CREDITS_MAX = 1_000_000_000


class SettingsMistakes(OperatorError):
    """The settings are wrong; `lines` has one readable line for each mistake, and no line shows a value."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = tuple(lines)
        super().__init__("settings", "; ".join(self.lines))


def _number_not_bool(value: object) -> object:
    """TOML's `true` would otherwise pass for the number 1."""
    if isinstance(value, bool):
        raise ValueError("a boolean is no number")  # noqa: TRY004  # pydantic turns only ValueError into a mistake
    return value


def _one_word(secret: SecretStr) -> SecretStr:
    """Both secrets travel in an HTTP header; a pasted one may bring its line end along."""
    word = secret.get_secret_value().strip()
    if not word or not word.isascii() or not word.isprintable() or " " in word:
        raise ValueError("not one word")
    return SecretStr(word)


def _is_loopback(host: str) -> bool:
    """Judge by the spelling alone: no name is looked up."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _api_url(url: str) -> str:
    """Take https, or http on this machine: the key must not cross a network in the clear."""
    parts = urlsplit(url)
    host = parts.hostname
    if not host or parts.port == 0 or not url.isprintable() or " " in url:
        raise ValueError("no host")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(host)):
        raise ValueError("not https")
    if "@" in parts.netloc or "?" in url or "#" in url:
        raise ValueError("more than an address")
    return url.rstrip("/")


def _known_model(model_id: str) -> str:
    if model_id not in MODELS:
        raise ValueError("unknown model")
    return model_id


def _file_path(path: Path) -> Path:
    if not path.name or "\0" in str(path):
        raise ValueError("not a file")
    return path


_Secret = Annotated[SecretStr, AfterValidator(_one_word)]
_Whole = Annotated[int, BeforeValidator(_number_not_bool)]
_Seconds = Annotated[float, BeforeValidator(_number_not_bool), Field(gt=0, allow_inf_nan=False)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class DiscordSettings(_Section):
    """The bot's account."""

    token: _Secret = Field(description="one word: the bot's token, without 'Bot ' before it")
    operator_guild: _Whole | None = Field(
        default=None, ge=1, le=_SNOWFLAKE_MAX, description="the id of a server, a whole number"
    )


class RivyaSettings(_Section):
    """The API that paints. Paces are Rivya's own guidance: first look after 2-3 s, then every 5-10 s."""

    api_key: _Secret = Field(description="one word: the API key, rvya_sk_...")
    base_url: Annotated[str, AfterValidator(_api_url)] = Field(
        default="https://rivya.ai",
        description="an https address without name, password, query or fragment (http only for this machine)",
    )
    model: Annotated[str, AfterValidator(_known_model)] = Field(
        default=QWEN_IMAGE.model_id, description=f"one of {', '.join(MODELS)}"
    )
    first_poll_seconds: _Seconds = Field(default=2.5, description="a number greater than 0")
    poll_seconds: _Seconds = Field(default=5.0, description="a number greater than 0")
    max_running: _Whole = Field(default=50, ge=1, description="a whole number, 1 or more")


class DatabaseSettings(_Section):
    """Where the books are. The folder is made when the database is opened, not here."""

    path: Annotated[Path, AfterValidator(_file_path)] = Field(
        default=Path("data/bot.sqlite3"), description="the path of a file"
    )


class LimitsSettings(_Section):
    """What a guild may spend while its admins have set nothing. Credits are integers."""

    guild_credits: _Whole = Field(
        default=200, ge=0, le=_CREDITS_MAX, description=f"a whole number from 0 to {_CREDITS_MAX}"
    )
    period: Literal["day", "week", "month", "total"] = Field(
        default="month", description="one of day, week, month, total"
    )


class NetworkSettings(_Section):
    """Who may be talked to."""

    allow_loopback: bool = Field(default=False, description="true or false")


class LogSettings(_Section):
    """How much is said, and to whom: people or machines."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="one of debug, info, warning, error"
    )
    format: Literal["console", "json"] = Field(default="console", description="one of console, json")


class Settings(BaseModel):
    """Everything that can be configured; a plain value that reads nothing by itself."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    discord: DiscordSettings
    rivya: RivyaSettings
    database: DatabaseSettings = DatabaseSettings()
    limits: LimitsSettings = LimitsSettings()
    network: NetworkSettings = NetworkSettings()
    log: LogSettings = LogSettings()


class _Sources(BaseSettings):
    """Lays the environment over what the file said."""

    # A section given whole, BOT_RIVYA={...}, is not decoded: one key is one variable, so one is to blame.
    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_nested_max_split=1,
        env_ignore_empty=True,
        enable_decoding=False,
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
        del settings_cls, dotenv_settings, file_secret_settings  # no .env, no folder of secrets
        return env_settings, init_settings


class _Everything(_Sources, Settings):
    model_config = SettingsConfigDict()


class _DatabaseOnly(_Sources):
    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    database: DatabaseSettings


_Read = TypeVar("_Read", bound=_Sources)


def load(path: Path | None) -> Settings:
    """Read the settings from the file and the environment.

    Without a path, `config.toml` in the working directory is read if it is there; a named file must be there.

    Raises:
        SettingsMistakes: all mistakes at once; only a file that cannot be read at all is reported alone.

    """
    file = path or DEFAULT_FILE
    return _load(_Everything, _read(file, required=path is not None), file, os.environ)


def load_database(path: Path | None) -> DatabaseSettings:
    """Read the `database` section alone, for commands that need neither token nor key.

    Raises:
        SettingsMistakes: about that section, or a file that cannot be read; other sections are not judged.

    """
    file = path or DEFAULT_FILE
    data = {
        name: value for name, value in _read(file, required=path is not None).items() if name == "database"
    }
    environ = {
        name: value for name, value in os.environ.items() if name.upper().startswith(f"{PREFIX}DATABASE")
    }
    return _load(_DatabaseOnly, data, file, environ).database


def _read(file: Path, *, required: bool) -> dict[str, object]:
    """The file's tables. A leading byte order mark, which some Windows editors write, is stepped over."""
    try:
        return dict(tomllib.loads(file.read_text("utf-8-sig")))
    except FileNotFoundError:
        if required:
            raise SettingsMistakes([f"{file}: there is no such file"]) from None
        return {}
    except OSError as error:
        raise SettingsMistakes([f"{file}: cannot be read ({error.strerror})"]) from None
    except UnicodeDecodeError as error:
        raise SettingsMistakes([f"{file}: is not UTF-8 text (byte {error.start})"]) from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsMistakes([f"{file}: is not TOML: {error}"]) from None


def _load(model: type[_Read], data: Mapping[str, object], file: Path, environ: Mapping[str, str]) -> _Read:
    sections = _sections(model)
    lines = [*unknown_in_file(sections, data, file.name), *unknown_in_environment(sections, environ)]
    tables = {name: data[name] if isinstance(data.get(name), dict) else {} for name in sections}
    try:
        settings = model.model_validate(tables)
    except ValidationError as error:
        lines += wrong_values(sections, error, file.name)
        raise SettingsMistakes(lines) from None
    if lines:
        raise SettingsMistakes(lines)
    return settings


def _sections(model: type[BaseModel]) -> dict[str, type[_Section]]:
    return {
        name: field.annotation
        for name, field in model.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, _Section)
    }
