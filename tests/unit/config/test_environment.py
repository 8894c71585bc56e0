"""Environment variables: which are ours, which look like ours, and what env files add to values."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot.config.environment import near_misses, own_variables
from bot.config.loader import hints, load
from bot.config.settings import Settings
from tests.unit.config.test_settings import SECTIONS

SECRETS = {"BOT_DISCORD__TOKEN": "a-token", "BOT_RIVYA__API_KEY": "a-key"}


@pytest.fixture(autouse=True)
def two_secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Start in an empty folder, with the two secrets and no other variable of the bot."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "no settings"))
    for name in [name for name in os.environ if name.upper().startswith("BOT_")]:
        monkeypatch.delenv(name)
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


def load_with(monkeypatch: pytest.MonkeyPatch, **environ: str) -> Settings:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return load(None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BOT_PORT", "tcp://10.0.0.1:80"),
        ("BOT_PORT_80_TCP_ADDR", "10.0.0.1"),
        ("BOT_SERVICE_HOST", "10.0.0.1"),
        ("BOT_SERVICE_PORT_HTTP", "80"),
        ("BOT_TOKEN", "of another program"),
        ("BOT_DATABASE", "postgres://"),
        ("BOT_DISCORD", '{"token": "hush"}'),
        ("BOT_", "x"),
        ("bot_log", "x"),
    ],
)
def test_a_foreign_variable_is_ignored(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    settings = load_with(monkeypatch, **{name: value})
    assert settings.discord.token.get_secret_value() == "a-token"
    assert settings.database.path == Path("data/bot.sqlite3")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("BOT_TOKEN", "BOT_DISCORD__TOKEN"),
        ("BOT_DISCORD_TOKEN", "BOT_DISCORD__TOKEN"),
        ("bot_discord_tokn", "BOT_DISCORD__TOKEN"),
        ("BOT_API_KEY", "BOT_RIVYA__API_KEY"),
        ("BOT_DATABASE_PATH", "BOT_DATABASE__PATH"),
        ("BOT_LOG_LEVEL", "BOT_LOG__LEVEL"),
        ("BOT_PORT", "BOT_MONITOR__PORT"),
        ("BOT_DISCORD", "BOT_DISCORD__TOKEN"),
    ],
)
def test_a_near_miss_is_hinted(monkeypatch: pytest.MonkeyPatch, name: str, meant: str) -> None:
    monkeypatch.setenv(name, "hush")
    assert hints() == [f"{name}: this environment variable is not read; did you mean {meant}?"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BOT_PORT", "tcp://10.0.0.1:80"),
        ("BOT_PORT_80_TCP", "tcp://10.0.0.1:80"),
        ("BOT_PORT_80_TCP_PROTO", "tcp"),
        ("BOT_PORT_80_TCP_PORT", "80"),
        ("BOT_PORT_80_TCP_ADDR", "10.0.0.1"),
        ("BOT_SERVICE_HOST", "10.0.0.1"),
        ("BOT_SERVICE_PORT", "80"),
        ("BOT_SERVICE_PORT_HTTP", "80"),
        ("BOT_NAME", "x"),
        ("BOT_LOG__LEVEL", "info"),
        ("ROBOT_TOKEN", "x"),
    ],
)
def test_nothing_else_is_hinted(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    assert hints() == []


def test_a_hint_is_one_line() -> None:
    (hint,) = near_misses(SECTIONS, {"BOT_TOKEN\n": "hush"})
    assert hint.startswith(r"'BOT_TOKEN\n': ")


@pytest.mark.parametrize("value", ['"debug"', "'debug'", "debug\r", '"debug"\r'])
def test_what_an_env_file_adds_is_taken_off(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    settings = load_with(
        monkeypatch, BOT_LOG__LEVEL=value, BOT_DISCORD__TOKEN=value, BOT_DATABASE__PATH=value
    )
    assert settings.log.level == "debug"
    assert settings.discord.token.get_secret_value() == "debug"
    assert settings.database.path == Path("debug")


@pytest.mark.parametrize("value", ['""', "''", "\r", '""\r'])
def test_quotes_around_nothing_count_as_not_set(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    assert load_with(monkeypatch, BOT_LOG__LEVEL=value).log.level == "info"


def test_other_quotes_are_part_of_a_value() -> None:
    values = {"BOT_A__B": "it's", "BOT_A__C": "'a", "BOT_A__D": '"', "BOT_A__E": "'a\""}
    assert own_variables(values) == values
