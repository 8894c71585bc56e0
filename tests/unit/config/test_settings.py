"""Settings: defaults, sources, validation and the messages about mistakes."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr, ValidationError

from bot.config.environment import is_file_only, own_names
from bot.config.error_messages import unknown_in_environment
from bot.config.loader import (
    load,
    load_connections,
    load_database,
    load_limits,
    load_monitor,
    load_rivya,
)
from bot.config.settings import (
    AboutSettings,
    BackupSettings,
    DatabaseSettings,
    DiscordSettings,
    GuildsSettings,
    LimitsSettings,
    LogSettings,
    MonitorSettings,
    NetworkSettings,
    PrivacySettings,
    RivyaSettings,
    Settings,
)
from bot.config.settings_error import SettingsError
from bot.domain.image_models import MODELS
from tests.support.paths import ROOT

Write = Callable[[str], Path]

EXAMPLE = ROOT / "config.example.toml"
SECRETS = '[discord]\ntoken = "hush-token"\n[rivya]\napi_key = "rvya_sk_hush"\n'
SECTIONS: dict[str, type[BaseModel]] = {
    "discord": DiscordSettings,
    "rivya": RivyaSettings,
    "database": DatabaseSettings,
    "limits": LimitsSettings,
    "guilds": GuildsSettings,
    "about": AboutSettings,
    "privacy": PrivacySettings,
    "backup": BackupSettings,
    "monitor": MonitorSettings,
    "network": NetworkSettings,
    "log": LogSettings,
}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Start in an empty folder, without BOT_ variables in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "no settings"))
    for name in list(os.environ):
        if name.upper().startswith("BOT_"):
            monkeypatch.delenv(name)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes a settings file and returns its path."""

    def to_file(text: str) -> Path:
        path = tmp_path / "kuas.toml"
        path.write_text(text, "utf-8")
        return path

    return to_file


def load_errors(path: Path | None) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load(path)
    assert caught.value.code == "settings"
    assert caught.value.__cause__ is None
    assert caught.value.lines
    assert not any("\n" in line for line in caught.value.lines)
    return caught.value.lines


def with_rivya(line: str) -> str:
    return f"{SECRETS}{line}\n"


def test_two_secrets_are_enough_and_the_rest_has_defaults(write: Write) -> None:
    settings = load(write(SECRETS))
    assert settings.discord.token.get_secret_value() == "hush-token"
    assert settings.discord.operator_guild is None
    assert settings.rivya.api_key.get_secret_value() == "rvya_sk_hush"
    assert settings.rivya.base_url == "https://rivya.ai"
    assert settings.rivya.offered_models == ("qwen-image",)
    assert (settings.rivya.first_poll_seconds, settings.rivya.poll_seconds) == (2.5, 5.0)
    assert settings.rivya.max_running == 50
    assert settings.database.path == Path("data/bot.sqlite3")
    assert (settings.limits.guild_credits, settings.limits.period) == (200, "month")
    assert settings.network.allow_loopback is False
    assert (settings.log.level, settings.log.format) == ("info", "console")


def test_the_ceiling_of_a_server_is_the_default_limit_unless_it_is_set(write: Write) -> None:
    limits = load(write(f'{SECRETS}[limits]\nguild_credits = 80\nperiod = "week"\n')).limits
    assert (limits.ceiling.credits, limits.ceiling.period) == (80, "week")
    limits = load(write(f"{SECRETS}[limits]\nguild_credits = 80\nguild_ceiling = 0\n")).limits
    assert (limits.default.credits, limits.ceiling.credits) == (80, 0)


@pytest.mark.parametrize(
    ("typed", "ids"),
    [
        ("[]", ()),
        ("[17, 9007199254740993]", (17, 2**53 + 1)),
        ('["123456789012345678"]', (123456789012345678,)),
    ],
)
def test_allowed_servers_are_a_list_of_ids(write: Write, typed: str, ids: tuple[int, ...]) -> None:
    guilds = load(write(f'{SECRETS}[guilds]\nadmission = "list"\nallowed = {typed}\n')).guilds
    assert (guilds.admission, guilds.allowed) == ("list", ids)


@pytest.mark.parametrize("typed", ["17,18", "17 18", " 17, 18 ,"])
def test_allowed_servers_in_the_environment_have_commas_or_spaces_between_them(
    write: Write, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    monkeypatch.setenv("BOT_GUILDS__ALLOWED", typed)
    assert load(write(SECRETS)).guilds.allowed == (17, 18)


@pytest.mark.parametrize("typed", ["true", "[true]", "[1.5]", '["kuas"]', "[0]", "[-4]", f"[{2**63}]", "5"])
def test_what_is_no_list_of_ids_is_a_mistake(write: Write, typed: str) -> None:
    (line,) = load_errors(write(f"{SECRETS}[guilds]\nallowed = {typed}\n"))
    assert line.startswith("guilds.allowed: must be a list of the ids of servers")


def test_an_unknown_admission_is_a_mistake(write: Write) -> None:
    (line,) = load_errors(write(f'{SECRETS}[guilds]\nadmission = "closed"\n'))
    assert line.startswith("guilds.admission: must be one of open, approve, list")


def test_the_environment_overrides_the_file_and_is_enough_alone(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOT_RIVYA__POLL_SECONDS", "0.05")
    monkeypatch.setenv("BOT_NETWORK__ALLOW_LOOPBACK", "true")
    settings = load(write(with_rivya("poll_seconds = 7")))
    assert (settings.rivya.poll_seconds, settings.network.allow_loopback) == (0.05, True)
    monkeypatch.setenv("BOT_DISCORD__TOKEN", '["not","JSON"]')
    monkeypatch.setenv("BOT_RIVYA__API_KEY", "from-the-environment")
    assert load(None).discord.token.get_secret_value() == '["not","JSON"]'


def test_variables_may_be_lower_case(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("bot_rivya__max_running", "2")
    assert load(write(SECRETS)).rivya.max_running == 2


def test_an_empty_variable_counts_as_not_set(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_DISCORD__OPERATOR_GUILD", "")
    monkeypatch.setenv("BOT_RIVYA__POLL_SECONDS", "")
    settings = load(write(with_rivya("poll_seconds = 7")))
    assert (settings.discord.operator_guild, settings.rivya.poll_seconds) == (None, 7.0)


def test_config_toml_of_the_working_directory_is_read_when_no_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(with_rivya("max_running = 3"), "utf-8")
    assert load(None).rivya.max_running == 3


def test_settings_cannot_be_changed_and_do_not_show_their_secrets(write: Write) -> None:
    settings = load(write(SECRETS))
    with pytest.raises(ValidationError):
        settings.rivya = RivyaSettings(api_key=SecretStr("other"))
    with pytest.raises(ValidationError):
        settings.rivya.poll_seconds = 1.0
    assert "hush" not in repr(settings) + str(settings) + settings.model_dump_json()


def test_settings_made_in_code_ignore_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_RIVYA__API_KEY", "from-the-environment")
    rivya = RivyaSettings(api_key=SecretStr("by-hand"))
    settings = Settings(discord=DiscordSettings(token=SecretStr("by-hand")), rivya=rivya)
    assert settings.rivya.api_key.get_secret_value() == "by-hand"


def test_every_mistake_is_reported_in_a_line_of_its_own(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOT_RIVYA__POL_SECONDS", "3")
    monkeypatch.setenv("BOT_TOKEN", "hush")
    monkeypatch.setenv("BOT_LOG__FORMAT", "xml")
    text = """
        colour = "red"
        log = 5
        [rivya]
        poll_seconds = 0
        max_runing = 3
        [limit]
        period = "year"
        [limits]
        period = "year"
        """
    assert set(load_errors(write(text))) == {
        "colour: unknown section in kuas.toml",
        "log: must be a section, written [log] in kuas.toml",
        "limit: unknown section in kuas.toml; did you mean limits?",
        "rivya.max_runing: unknown key in kuas.toml; did you mean max_running?",
        "BOT_RIVYA__POL_SECONDS: unknown environment variable; did you mean BOT_RIVYA__POLL_SECONDS?",
        "BOT_TOKEN: this environment variable is not read; did you mean BOT_DISCORD__TOKEN?",
        (
            "discord.token: missing; must be one word: the bot's token, without 'Bot ' before it"
            " (kuas.toml key discord.token, or environment BOT_DISCORD__TOKEN,"
            " or the file that BOT_DISCORD__TOKEN_FILE names)"
        ),
        (
            "rivya.api_key: missing; must be one word: the API key, rvya_sk_..."
            " (kuas.toml key rivya.api_key, or environment BOT_RIVYA__API_KEY,"
            " or the file that BOT_RIVYA__API_KEY_FILE names)"
        ),
        (
            "rivya.poll_seconds: must be a number greater than 0"
            " (kuas.toml key rivya.poll_seconds, or environment BOT_RIVYA__POLL_SECONDS)"
        ),
        (
            "limits.period: must be one of day, week, month, total"
            " (kuas.toml key limits.period, or environment BOT_LIMITS__PERIOD)"
        ),
        "log.format: must be one of console, json (kuas.toml key log.format, or environment BOT_LOG__FORMAT)",
    }


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("rivya.poll_seconds", "nan"),
        ("rivya.poll_seconds", "inf"),
        ("rivya.poll_seconds", "-1"),
        ("rivya.first_poll_seconds", "0"),
        ("rivya.first_poll_seconds", "true"),
        ("rivya.max_running", "0"),
        ("rivya.max_running", "2.5"),
        ("rivya.max_running", "true"),
        ("rivya.model", '"qwen"'),
        ("rivya.api_key", '""'),
        ("rivya.api_key", '"  "'),
        ("rivya.api_key", '"two words"'),
        ("rivya.api_key", '["hush"]'),
        ("rivya.api_key", "12"),
        ("discord.token", '"Bot hush"'),
        ("discord.token", '"hüsh"'),
        ("discord.token", "'\"hush'"),
        ("discord.token", '"hush\'"'),
        ("discord.token", '"hu\\u0000sh"'),
        ("discord.operator_guild", "0"),
        ("discord.operator_guild", "9223372036854775808"),
        ("database.path", '""'),
        ("database.path", '"/"'),
        ("database.path", '"a\\u0000b"'),
        ("database.path", "3"),
        ("limits.guild_credits", "-1"),
        ("limits.guild_credits", "1000000001"),
        ("limits.guild_credits", '"many"'),
        ("limits.period", '"Month"'),
        ("network.allow_loopback", '"perhaps"'),
        ("log.level", '"loud"'),
    ],
)
def test_a_wrong_value_is_reported_by_its_key_and_without_the_value(
    write: Write, key: str, value: str
) -> None:
    values = {"discord.token": "'x'", "rivya.api_key": "'x'"} | {key: value}
    (line,) = load_errors(write("\n".join(f"{name} = {text}" for name, text in values.items())))
    assert line.startswith(f"{key}: must be ")
    assert f"BOT_{key.replace('.', '__').upper()}" in line
    assert "hush" not in line


@pytest.mark.parametrize(
    ("url", "stored"),
    [
        ("https://rivya.ai/", "https://rivya.ai"),
        ("https://rivya.ai/api/v1", "https://rivya.ai"),
        ("https://proxy.example/rivya/api/v1/", "https://proxy.example/rivya"),
        ("https://proxy.example/rivya//", "https://proxy.example/rivya"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
        ("http://localhost:1", "http://localhost:1"),
    ],
)
def test_a_safe_base_url_is_accepted_without_what_the_client_adds(
    write: Write, url: str, stored: str
) -> None:
    assert load(write(with_rivya(f'base_url = "{url}"'))).rivya.base_url == stored


@pytest.mark.parametrize(
    "url",
    [
        "",
        "rivya.ai",
        "http://rivya.ai",
        "http://127.0.0.1.rivya.example",
        "http://localhost.example",
        "ftp://127.0.0.1",
        "https://",
        "https://:443",
        "https://rivya.ai:port",
        "https://rivya.ai:0",
        "https://user:hush@rivya.ai",
        "https://@rivya.ai",
        "https://rivya.ai?key=hush",
        "https://rivya.ai/#hush",
        "https://rivya.ai/a b",
        "https://[::1",
    ],
)
def test_a_base_url_that_could_leak_the_key_is_refused(write: Write, url: str) -> None:
    (line,) = load_errors(write(with_rivya(f'base_url = "{url}"')))
    assert line.startswith("rivya.base_url: must be an https address")
    assert "hush" not in line


def test_spaces_around_a_secret_are_removed(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_DISCORD__TOKEN", " pasted\n")
    assert load(write(SECRETS)).discord.token.get_secret_value() == "pasted"


@pytest.mark.parametrize("name", ["BOT_DISCORD__TOKEN__X", "BOT__", "BOT_LOGS__LEVEL", "bot_log__levl"])
def test_an_unknown_variable_with_two_underscores_is_a_mistake(
    write: Write, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, '{"token": "hush"}')
    (line,) = load_errors(write(SECRETS))
    assert line.startswith(f"{name}: unknown environment variable")
    assert "hush" not in line
    monkeypatch.setenv(name, "")
    assert load_errors(write(SECRETS)) == (line,)


@given(st.text(st.characters(codec="ascii", exclude_characters="=\0"), max_size=30))
def test_every_unknown_variable_of_ours_is_reported(rest: str) -> None:
    name = f"BOT_{rest}"
    known = {f"BOT_{name}__{key}".upper() for name, keys in SECTIONS.items() for key in keys.model_fields}
    known |= {"BOT_DISCORD__TOKEN_FILE", "BOT_RIVYA__API_KEY_FILE"}
    lines = list(unknown_in_environment(SECTIONS, own_names({name: "hush"})))
    assert len(lines) == ("__" in rest and name.upper() not in known)
    assert all("\n" not in line for line in lines)


def test_a_key_with_a_line_break_is_reported_in_one_line(write: Write) -> None:
    assert load_errors(write(f'"7\\n8" = 1\n{SECRETS}')) == (r"'7\n8': unknown section in kuas.toml",)


def test_options_of_pydantic_settings_cannot_be_set_in_the_file(write: Write) -> None:
    (line,) = load_errors(write(f'_env_prefix = "X_"\n{SECRETS}'))
    assert line.startswith("_env_prefix: unknown section")


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    assert load_errors(tmp_path / "no.toml") == (f"{tmp_path / 'no.toml'}: there is no such file",)


def test_a_folder_instead_of_the_file_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "config.toml").mkdir()
    assert load_errors(None) == ("config.toml: cannot be read (Is a directory)",)


def test_invalid_toml_is_reported_with_file_and_line(write: Write) -> None:
    path = write("[discord]\ntoken = hush\n")
    (line,) = load_errors(path)
    assert line.startswith(f"{path}: is not TOML: ")
    assert "line 2" in line
    assert "hush" not in line


def test_a_file_that_is_not_utf_8_is_a_mistake(tmp_path: Path) -> None:
    path = tmp_path / "latin.toml"
    path.write_bytes('[discord]\ntoken = "hüsh"'.encode("latin-1"))
    assert load_errors(path) == (f"{path}: is not UTF-8 text (byte 20)",)


def test_a_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "notepad.toml"
    path.write_text(SECRETS, "utf-8-sig")
    assert load(path).discord.operator_guild is None


def test_what_init_connects_by_is_read_from_the_environment_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text("[network]\nallow_fake_ip = 'here'\n")
    monkeypatch.setenv("BOT_RIVYA__BASE_URL", "http://127.0.0.1:8080")
    assert load_connections().rivya.base_url == "http://127.0.0.1:8080"
    assert load_connections().rivya.api_key.get_secret_value() == ""
    monkeypatch.setenv("BOT_RIVYA__BASE_URL", "ftp://rivya.ai")
    with pytest.raises(SettingsError) as caught:
        load_connections()
    (line,) = caught.value.lines
    assert line.endswith("(config.toml key rivya.base_url, or environment BOT_RIVYA__BASE_URL)")


LOADERS: tuple[Callable[[Path | None], object], ...] = (load_database, load_monitor, load_limits)


def test_a_part_can_be_loaded_without_the_secrets_and_the_values_of_others(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_database(None).path == Path("data/bot.sqlite3")
    path = write(
        '[database]\npath = "books.sqlite3"\n[limits]\nguild_credits = 8\n[monitor]\nport = 1\n'
        "[rivya]\npoll_seconds = -1\n[discord]\ntoken = 'put-the-bot-token-here'\n"
    )
    assert load_database(path).path == Path("books.sqlite3")
    assert load_limits(path).guild_credits == 8
    assert load_monitor(path).port == 1
    monkeypatch.setenv("BOT_DATABASE__PATH", "elsewhere.sqlite3")
    assert load_database(path).path == Path("elsewhere.sqlite3")


def test_a_command_that_calls_rivya_needs_the_key_and_not_the_token(write: Write) -> None:
    loaded = load_rivya(write('[rivya]\napi_key = "rvya_sk_hush"\n[limits]\nguild_credits = 8\n'))
    assert loaded.rivya.api_key.get_secret_value() == "rvya_sk_hush"
    assert (loaded.limits.guild_credits, loaded.log.format) == (8, "console")
    with pytest.raises(SettingsError) as caught:
        load_rivya(None)
    key, no_file = caught.value.lines
    assert key.startswith("rivya.api_key: missing")
    assert no_file.startswith("there is no config.toml in the working directory and no /")


@pytest.mark.parametrize("load_part", LOADERS)
@pytest.mark.parametrize(
    ("text", "name", "meant"),
    [
        ("[databse]\npath = 'x'\n", "databse", "database"),
        ("[rivya]\napi_kee = 'hush'\n", "rivya.api_kee", "api_key"),
        ("[database]\npaht = 'x'\n", "database.paht", "path"),
    ],
)
def test_every_part_judges_every_name_in_the_file(
    write: Write, load_part: Callable[[Path | None], object], text: str, name: str, meant: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        load_part(write(text))
    (line,) = caught.value.lines
    assert line.startswith(f"{name}: unknown ")
    assert line.endswith(f"; did you mean {meant}?")


@pytest.mark.parametrize("load_part", LOADERS)
def test_every_part_judges_every_variable_of_ours(
    monkeypatch: pytest.MonkeyPatch, load_part: Callable[[Path | None], object]
) -> None:
    monkeypatch.setenv("BOT_DATABSE__PATH", "books.sqlite3")
    with pytest.raises(SettingsError) as caught:
        load_part(None)
    assert caught.value.lines == (
        "BOT_DATABSE__PATH: unknown environment variable; did you mean BOT_DATABASE__PATH?",
    )


def test_the_values_of_a_part_are_validated(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("bot_database__x", "books.sqlite3")
    with pytest.raises(SettingsError) as caught:
        load_database(write("[database]\nfile = 'x'\npath = ''\n"))
    assert {line.split(":")[0] for line in caught.value.lines} == {
        *("bot_database__x", "database.file", "database.path")
    }


def test_each_placeholder_of_the_example_is_named(write: Write) -> None:
    text = re.sub(r"^# (?=\w+ = )", "", EXAMPLE.read_text("utf-8"), flags=re.MULTILINE)
    lines = load_errors(write(text))
    assert [line.split(":")[0] for line in lines] == [
        *("discord.token", "discord.operator_guild", "discord.operator_channel", "rivya.api_key")
    ]
    assert all(": is the placeholder of the example; must be " in line for line in lines)


@pytest.mark.parametrize("page", ["docs/operating.md"])
def test_each_placeholder_on_a_page_is_named(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = re.findall(r"(BOT_\w+__(?:TOKEN|API_KEY))=([^\s`]+)", (ROOT / page).read_text("utf-8"))
    assert len(dict(secrets)) == 2
    for name, value in secrets:
        monkeypatch.setenv(name, value)
    assert sum("is the placeholder" in line for line in load_errors(None)) == 2


def test_the_example_loads_and_shows_every_key_with_its_default(write: Write) -> None:
    text = re.sub(r"^# (?=\w+ = )", "", EXAMPLE.read_text("utf-8"), flags=re.MULTILINE)
    shown = tomllib.loads(text)
    assert {name: set(table) for name, table in shown.items()} == {
        name: {key for key, field in section.model_fields.items() if not is_file_only(field)}
        for name, section in SECTIONS.items()
    } | {"rivya": shown["rivya"].keys()}
    left_out = RivyaSettings.model_fields.keys() - shown["rivya"].keys()
    assert left_out == {
        "extra_models",
        "model",
        "prices",
    }  # tables, which are shown as a comment, and an older key
    assert set(Settings.model_fields) == set(SECTIONS)
    loaded = load(write(re.sub("put-the-.*-here", "a-secret", EXAMPLE.read_text("utf-8"))))
    for name, section in SECTIONS.items():
        for key, field in section.model_fields.items():
            if not field.is_required():
                assert getattr(getattr(loaded, name), key) == field.default, f"{name}.{key}"


def test_the_tables_of_the_example_take_no_key_of_its_section_with_them(write: Write) -> None:
    text = re.sub(r"^#   ", "", EXAMPLE.read_text("utf-8"), flags=re.MULTILINE)
    rivya = load(write(re.sub("put-the-.*-here", "a-secret", text))).rivya
    assert [model.model_id for model in rivya.extra_models] == ["new-model"]
    assert rivya.settings_prices == {("gpt-image-1-5", (("quality", "high"),)): 8}


def test_every_key_of_the_example_has_a_comment_above_it() -> None:
    lines = EXAMPLE.read_text("utf-8").splitlines()
    keys = [number for number, line in enumerate(lines) if re.match(r"(# )?\w+ = ", line)]
    # `poll_seconds` shares the comment of the line above it.
    without_comment = [lines[number] for number in keys if not re.match(r"# .*\.$", lines[number - 1])]
    assert without_comment == ["poll_seconds = 5.0"]


EXTRA = """
[[rivya.extra_models]]
model_id = "new-model"
name = "New Model"
cost_credits = 9
shapes = { parameter = "shape", options = ["1:1", "16:9"] }
"""


@pytest.mark.parametrize(
    ("lines", "offered"),
    [
        ("", ("qwen-image",)),
        ('model = "z-image"', ("z-image",)),
        ('models = ["flux-2-pro", "qwen-image"]', ("flux-2-pro", "qwen-image")),
        ('models = ["new-model"]', ("new-model",)),
        ('model = "new-model"', ("new-model",)),
    ],
)
def test_models_on_offer_are_those_of_the_settings_in_their_order(
    write: Write, lines: str, offered: tuple[str, ...]
) -> None:
    assert load(write(f"{SECRETS}{lines}\n{EXTRA}")).rivya.offered_models == offered


def test_every_model_can_be_offered_the_default_first(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_RIVYA__MODELS", "*")
    rivya = load(write(f"{SECRETS}{EXTRA}")).rivya
    assert rivya.offered_models == (*MODELS, "new-model")
    assert rivya.offered_models[0] == "qwen-image"
    monkeypatch.setenv("BOT_RIVYA__MODELS", "z-image, qwen-image")
    assert load(write(SECRETS)).rivya.offered_models == ("z-image", "qwen-image")


def test_an_extra_model_replaces_that_of_the_table(write: Write) -> None:
    rivya = load(write(SECRETS + EXTRA.replace("new-model", "qwen-image"))).rivya
    assert rivya.catalog.default.cost_credits == 9
    assert rivya.catalog.default.sizes == ("square_hd", "landscape_16_9")


PRICE = """
[[rivya.prices]]
model = "gpt-image-1-5"
settings = "quality=high"
credits = 8
"""


def test_prices_of_settings_are_read_however_the_settings_are_written(write: Write) -> None:
    more = PRICE.replace("gpt-image-1-5", "ideogram-v3").replace("quality=high", "Rendering Speed: turbo")
    assert load(write(SECRETS + PRICE + more)).rivya.settings_prices == {
        ("gpt-image-1-5", (("quality", "high"),)): 8,
        ("ideogram-v3", (("rendering_speed", "TURBO"),)): 8,
    }
    own = EXTRA + 'parameters = { size = { options = ["s", "l"], moves_price = true } }'
    own += PRICE.replace("gpt-image-1-5", "new-model").replace("quality=high", "size=l")
    assert load(write(SECRETS + own)).rivya.settings_prices == {("new-model", (("size", "l"),)): 8}


@pytest.mark.parametrize(
    ("lines", "mistake"),
    [
        (PRICE.replace("gpt-image-1-5", "gpt"), "rivya.prices: number 1: no model gpt"),
        (
            PRICE + PRICE.replace("high", "best"),
            "rivya.prices: number 2: gpt-image-1-5 does not take quality best",
        ),
        (PRICE.replace("high", "medium"), "rivya.prices: number 1: settings that move the price"),
        (PRICE.replace("quality=high", ""), "rivya.prices: number 1: settings that move the price"),
        (PRICE + PRICE.replace("quality", "Quality"), "rivya.prices: number 2: the same settings twice"),
        (PRICE.replace("= 8", "= 0"), "rivya.prices, number 1, credits: Input should be"),
        (PRICE + "colour = 1", "rivya.prices, number 1, colour: "),
        (
            EXTRA + "parameters = { words = { text = true, moves_price = true } }",
            "rivya.extra_models, number 1, parameters.words: a text cannot move the price",
        ),
        ('models = ["qwen"]', "rivya.models: must be a list of models"),
        ('models = ["z-image", "z-image"]', "rivya.models: must be a list of models"),
        ("models = []", "rivya.models: must be a list of models"),
        ('model = "z-image"\nmodels = ["z-image"]', "rivya.models: replaces the older key"),
        (EXTRA + "colour = 1", "rivya.extra_models, number 1, colour: Unexpected"),
        (EXTRA.replace("= 9", '= "9"'), "rivya.extra_models, number 1, cost_credits: Input should be"),
        (EXTRA + EXTRA.replace("16:9", "7:5"), "rivya.extra_models, number 2: not a size"),
        (EXTRA + EXTRA, "rivya.extra_models: a model twice"),
        (EXTRA.replace("= 9", "= 0"), "rivya.extra_models: a model without a price"),
        ("extra_models = 3", "rivya.extra_models: Input should be"),
    ],
)
def test_a_mistake_about_models_is_named_in_one_line(write: Write, lines: str, mistake: str) -> None:
    (line,) = load_errors(write(f"{SECRETS}{lines}\n"))
    assert line.startswith(mistake)


def test_extra_models_are_no_variable(monkeypatch: pytest.MonkeyPatch, write: Write) -> None:
    monkeypatch.setenv("BOT_RIVYA__EXTRA_MODELS", "[]")
    (line,) = load_errors(write(SECRETS))
    assert line.startswith("BOT_RIVYA__EXTRA_MODELS: unknown environment variable")
