"""The settings: their keys, types and defaults, as plain values; `loader` reads them.

The description of each key is its rule as a message about a mistake states it. Pydantic's own messages are
not shown: some quote the value, which may be a secret.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from bot.config.field_types import (
    CONFLICT_ERROR,
    FILE_ONLY,
    Address,
    ApiUrl,
    DiscordId,
    FilePath,
    FolderPath,
    GuildIds,
    HttpsUrl,
    Line,
    Seconds,
    Secret,
    Whole,
    Words,
)
from bot.domain.admission import AdmissionMode
from bot.domain.image_models import MODELS, QWEN_IMAGE, ImageModel
from bot.domain.limits import MAX_CREDITS, Limit, LimitScope
from bot.domain.model_catalog import ModelCatalog
from bot.domain.model_settings import SettingsRefused, read_settings
from bot.domain.periods import Period

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bot.domain.model_settings import SettingValues
    from bot.domain.prices import SettingsPrices

EVERY_MODEL: Final = "*"
_DAYS_MAX = 36_500


class Section(BaseModel):
    """One table of the settings file."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class DiscordSettings(Section):
    """The bot's account, and the operator's server and channel."""

    token: Secret = Field(description="one word: the bot's token, without 'Bot ' before it")
    operator_guild: DiscordId | None = Field(default=None, description="the id of a server, a whole number")
    operator_channel: DiscordId | None = Field(
        default=None, description="the id of a channel, a whole number"
    )


class SettingsPrice(Section):
    """What one picture costs with settings that move the price."""

    model: str
    settings: str
    credits: Whole = Field(ge=1, le=1000)


def _with_extra(models: Iterable[ImageModel]) -> Mapping[str, ImageModel]:
    """Return the models of the table and these by their ids; an extra one replaces that of the same id."""
    return {**MODELS, **{model.model_id: model for model in models}}


def _moving(known: Mapping[str, ImageModel], price: SettingsPrice) -> tuple[str, SettingValues]:
    """Return the model and those of its settings that move the price.

    Raises:
        ValueError: the model is not known, does not take the settings, or some do not move the price.
    """
    if (model := known.get(price.model)) is None:
        raise ValueError(f"no model {price.model}")
    try:
        values = read_settings(model, price.settings)
    except SettingsRefused as refused:
        wrong = ", ".join(f"{each.name} {each.value}".strip() for each in refused.mistakes)
        raise ValueError(f"{model.model_id} does not take {wrong}") from None
    moving = model.price_settings(values)
    if not values or len(moving) < len(values):
        raise ValueError("settings that move the price, and are not the default, are needed")
    return model.model_id, moving


class RivyaSettings(Section):
    """The API. The polling defaults follow Rivya's guidance: first after 2-3 s, then every 5-10 s."""

    api_key: Secret = Field(description="one word: the API key, rvya_sk_...")
    base_url: ApiUrl = Field(
        default="https://rivya.ai",
        description="an https address without name, password, query or fragment (http only for this machine)",
    )
    extra_models: tuple[ImageModel, ...] = Field(
        default=(), description="[[rivya.extra_models]] tables", json_schema_extra={FILE_ONLY: True}
    )
    """Models that the table of the documentation lacks, or has otherwise."""
    model: str | None = Field(default=None, description=f"one of {', '.join(MODELS)}, or of extra_models")
    """The only model, as older settings files say it."""
    models: Words = Field(
        default=(QWEN_IMAGE.model_id,),
        min_length=1,
        description='a list of models, such as ["qwen-image", "flux-2-pro"], or ["*"] for all',
    )
    """The models on offer, the first of which is the default."""
    prices: tuple[SettingsPrice, ...] = Field(
        default=(), description="[[rivya.prices]] tables", json_schema_extra={FILE_ONLY: True}
    )
    """What settings cost that move the price, where the operator knows it."""
    first_poll_seconds: Seconds = Field(default=2.5, description="a number greater than 0")
    poll_seconds: Seconds = Field(default=5.0, description="a number greater than 0")
    adaptive_polling: bool = Field(default=True, description="true or false")
    max_running: Whole = Field(default=50, ge=1, description="a whole number, 1 or more")
    wallet_alert_credits: Whole = Field(
        default=100, ge=0, le=MAX_CREDITS, description=f"a whole number from 0 to {MAX_CREDITS}"
    )

    @property
    def known_models(self) -> Mapping[str, ImageModel]:
        """Every model by its id."""
        return _with_extra(self.extra_models)

    @property
    def settings_prices(self) -> SettingsPrices:
        """The prices of settings, by model and settings."""
        return {_moving(self.known_models, each): each.credits for each in self.prices}

    @property
    def offered_models(self) -> tuple[str, ...]:
        """The ids of the models on offer, the first of which is the default."""
        if self.model is not None:
            return (self.model,)
        return tuple(self.known_models) if self.models == (EVERY_MODEL,) else self.models

    @property
    def catalog(self) -> ModelCatalog:
        """A new catalogue of the known and the offered models."""
        return ModelCatalog(self.known_models, self.offered_models)

    @field_validator("extra_models")
    @classmethod
    def _differ(cls, models: tuple[ImageModel, ...]) -> tuple[ImageModel, ...]:
        if len({model.model_id for model in models}) < len(models):
            raise ValueError("a model twice")
        if not all(model.cost_credits for model in models):
            raise ValueError("a model without a price")
        return models

    @field_validator("prices")
    @classmethod
    def _are_settings_that_move_the_price(
        cls, prices: tuple[SettingsPrice, ...], info: ValidationInfo
    ) -> tuple[SettingsPrice, ...]:
        extra = info.data.get("extra_models")  # not there if one of them is wrong
        if extra is None:
            return prices
        known, keys = _with_extra(extra), set()
        for number, each in enumerate(prices, start=1):
            try:
                key = _moving(known, each)
            except ValueError as error:
                raise ValueError(f"number {number}: {error}") from None
            if key in keys:
                raise ValueError(f"number {number}: the same settings twice")
            keys.add(key)
        return prices

    @field_validator("model", "models")
    @classmethod
    def _are_known(cls, value: str | tuple[str, ...] | None, info: ValidationInfo) -> object:
        extra = info.data.get("extra_models")  # not there if one of them is wrong
        if extra is None or value is None or value == (EVERY_MODEL,):
            return value
        names = (value,) if isinstance(value, str) else value
        if len(set(names)) < len(names) or not {*names} <= _with_extra(extra).keys():
            raise ValueError("not known, or twice")
        return value

    @field_validator("models")
    @classmethod
    def _are_alone(cls, models: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if info.data.get("model") is not None:
            raise PydanticCustomError(CONFLICT_ERROR, "rivya.model is set as well")
        return models


class RivyaSettingsWithoutKey(RivyaSettings):
    """The API before its key is known."""

    api_key: Secret = Field(default=SecretStr(""), description="one word: the API key, rvya_sk_...")


class DatabaseSettings(Section):
    """The database file. Its folder is created when the database is opened."""

    path: FilePath = Field(default=Path("data/bot.sqlite3"), description="the path of a file")


class LimitsSettings(Section):
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


class GuildsSettings(Section):
    """Which servers may ask for pictures; the operator's own always may."""

    admission: AdmissionMode = Field(
        default=AdmissionMode.OPEN, description=f"one of {', '.join(AdmissionMode)}"
    )
    allowed: GuildIds = Field(default=(), description="a list of the ids of servers")


class AboutSettings(Section):
    """Who runs the bot, as members read it."""

    contact: Line | None = Field(default=None, description="one line of at most 200 characters")
    privacy_url: HttpsUrl | None = Field(
        default=None, description="an https address of at most 500 characters, without name and password"
    )


class PrivacySettings(Section):
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


class BackupSettings(Section):
    """The daily backup of the database while the bot runs."""

    folder: FolderPath | None = Field(default=None, description="the path of a folder")
    keep: Whole = Field(default=7, ge=0, le=1000, description="a whole number from 0 (no backups) to 1000")


class MonitorSettings(Section):
    """The address of `/healthz` and `/metrics`; without a port they are not served."""

    port: Whole | None = Field(
        default=None, ge=0, le=65535, description="a port, a whole number from 0 (any free one) to 65535"
    )
    host: Address = Field(default="127.0.0.1", description="an IP address of this machine")


class NetworkSettings(Section):
    """Certificate authorities, fake-IP resolvers, and downloads from http://127.0.0.1 for development."""

    ca_file: FilePath | None = Field(default=None, description="the path of a file")
    allow_fake_ip: bool = Field(default=False, description="true or false")
    allow_loopback: bool = Field(default=False, description="true or false")


class LogSettings(Section):
    """The level of the log, and its format: for people or for machines."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="one of debug, info, warning, error"
    )
    format: Literal["console", "json"] = Field(default="console", description="one of console, json")


class Settings(BaseModel):
    """All settings."""

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
