"""Secrets from files: where they are looked for, and what is said about wrong ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot.config import secret_files
from bot.config.loader import load, load_database, load_rivya
from bot.config.settings_error import SettingsError

KEY = "rvya_sk_hush"


@pytest.fixture(autouse=True)
def folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Start in an empty folder, with folders of secrets and the key, and without the token."""
    for name in [name for name in os.environ if name.upper().startswith("BOT_")]:
        monkeypatch.delenv(name)
    for folder in ("work", "docker", "systemd"):
        (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "no settings"))
    monkeypatch.setattr(secret_files, "DOCKER_FOLDER", tmp_path / "docker")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "systemd"))
    monkeypatch.setenv("BOT_RIVYA__API_KEY", KEY)


def token() -> str:
    return load(None).discord.token.get_secret_value()


def mistakes() -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load(None)
    assert "hush" not in str(caught.value)
    assert caught.value.__cause__ is None
    return caught.value.lines


@pytest.mark.parametrize("folder", ["docker", "systemd"])
@pytest.mark.parametrize(
    "content", [b"hush-token", b"hush-token\n", b"\xef\xbb\xbf hush-token\r\n", b"'hush-token'\n"]
)
def test_a_secret_is_read_from_a_credential_folder(tmp_path: Path, folder: str, content: bytes) -> None:
    (tmp_path / folder / "discord.token").write_bytes(content)
    (tmp_path / folder / "not-ours").write_bytes(b"\xff")
    assert token() == "hush-token"


def test_a_secret_is_read_from_the_file_that_a_variable_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "work" / "token.txt").write_text("hush-token\n")
    monkeypatch.setenv("BOT_DISCORD__TOKEN_FILE", "token.txt")
    assert token() == "hush-token"
    monkeypatch.delenv("BOT_DISCORD__TOKEN_FILE")
    monkeypatch.setenv("bot_discord__token_file", f'"{tmp_path}/work/token.txt"\r')
    assert token() == "hush-token"


def test_an_empty_variable_names_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_DISCORD__TOKEN_FILE", "")
    monkeypatch.setenv("BOT_DISCORD__TOKEN", "hush-token")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "")
    assert token() == "hush-token"


def test_a_secret_given_twice_is_a_mistake_that_names_both_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker, systemd = tmp_path / "docker" / "discord.token", tmp_path / "systemd" / "discord.token"
    systemd.write_text("hush-token")
    monkeypatch.setenv("BOT_DISCORD__TOKEN", "hush-token")
    start, end = "discord.token: is given more than once, by ", "; keep one of them"
    by_variable, by_systemd = "environment BOT_DISCORD__TOKEN", f"file {systemd}"
    assert mistakes() == (f"{start}{by_variable} and by {by_systemd}{end}",)
    monkeypatch.delenv("BOT_DISCORD__TOKEN")
    (tmp_path / "work" / "config.toml").write_text('[discord]\ntoken = "hush token"\n')
    assert mistakes() == (f"{start}config.toml key discord.token and by {by_systemd}{end}",)
    (tmp_path / "work" / "config.toml").unlink()
    docker.write_text("hush-token")
    monkeypatch.setenv("BOT_DISCORD__TOKEN_FILE", str(docker))
    by_name = "the file that environment BOT_DISCORD__TOKEN_FILE names"
    assert mistakes() == (f"{start}{by_name} and by file {docker} and by {by_systemd}{end}",)


def test_a_placeholder_in_the_settings_file_gives_no_secret(tmp_path: Path) -> None:
    (tmp_path / "work" / "config.toml").write_text('[discord]\ntoken = "put-the-bot-token-here"\n')
    (tmp_path / "docker" / "discord.token").write_text("hush-token")
    assert token() == "hush-token"


def test_the_variable_still_wins_over_the_settings_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "work" / "config.toml").write_text('[discord]\ntoken = "another"\n')
    monkeypatch.setenv("BOT_DISCORD__TOKEN", "hush-token")
    assert token() == "hush-token"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b" \r\n", "is empty"),
        (b"h\xffush", "is not UTF-8 text"),
        (b"x" * 70_000, "is too large"),
    ],
)
def test_what_is_no_secret_is_named_by_its_file(tmp_path: Path, content: bytes, problem: str) -> None:
    file = tmp_path / "docker" / "discord.token"
    file.write_bytes(content)
    (line,) = mistakes()
    assert line.startswith(f"discord.token: file {file} {problem}")


def test_a_wrong_secret_is_named_by_its_file_and_with_every_other_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "systemd" / "discord.token"
    file.write_text("hush two words")
    (tmp_path / "docker" / "rivya.api_key").write_text("rvya_sk_hush")
    monkeypatch.setenv("BOT_LOG__LEVEL", "loud")
    lines = mistakes()
    assert [line.split(":")[0] for line in lines] == ["rivya.api_key", "discord.token", "log.level"]
    assert (
        lines[1]
        == f"discord.token: must be one word: the bot's token, without 'Bot ' before it (file {file})"
    )


@pytest.mark.parametrize(
    ("named", "problem"), [("hush-token", "No such file or directory"), (".", "Is a directory")]
)
def test_a_file_that_cannot_be_read_is_named_by_its_variable_as_its_value_may_be_the_secret(
    monkeypatch: pytest.MonkeyPatch, named: str, problem: str
) -> None:
    monkeypatch.setenv("BOT_DISCORD__TOKEN_FILE", named)
    place = "the file that environment BOT_DISCORD__TOKEN_FILE names"
    assert mistakes() == (f"discord.token: {place} cannot be read ({problem})",)


def test_the_null_device_in_the_place_of_a_secret_is_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "docker" / "discord.token").symlink_to(os.devnull)
    (tmp_path / "docker" / "rivya.api_key").symlink_to(os.devnull)
    (line,) = mistakes()[:1]
    assert line.startswith("discord.token: missing; ")
    monkeypatch.setenv("BOT_DISCORD__TOKEN", "hush-token")
    assert token() == "hush-token"
    monkeypatch.delenv("BOT_DISCORD__TOKEN")
    (tmp_path / "systemd" / "discord.token").write_text("hush-token")
    assert token() == "hush-token"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_secret_that_another_user_owns_names_the_user_who_cannot_read_it(tmp_path: Path) -> None:
    file = tmp_path / "docker" / "discord.token"
    file.touch(0o000)
    (line,) = mistakes()
    assert f"file {file} cannot be read by user {os.geteuid()} (Permission denied)" in line


def test_a_command_reads_only_the_secrets_that_it_needs(tmp_path: Path) -> None:
    for folder in ("docker", "systemd"):
        (tmp_path / folder / "discord.token").write_text("hush-token")
    assert load_database(None).path == Path("data/bot.sqlite3")
    assert load_rivya(None).rivya.api_key.get_secret_value() == KEY
    assert len(mistakes()) == 1


@pytest.mark.parametrize("name", ["BOT_DISCORD__TOKEN_FLE", "BOT_LOG__LEVEL_FILE"])
def test_only_secrets_have_files(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("BOT_DISCORD__TOKEN", "hush-token")
    monkeypatch.setenv(name, "x")
    (line,) = mistakes()
    assert line.startswith(f"{name}: unknown environment variable; did you mean BOT_")
