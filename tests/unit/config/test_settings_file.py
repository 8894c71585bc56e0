"""Which settings file is read, and what is said about it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from bot.config.loader import describe_file, load, load_database, load_monitor
from bot.config.program_name import program_name
from bot.config.settings_error import SettingsError
from bot.config.settings_file import find_file, user_file


@pytest.fixture(autouse=True)
def folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Start in an empty folder, as a user without settings."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    for name in [name for name in os.environ if name.upper().startswith("BOT_")]:
        monkeypatch.delenv(name)


def write(file: Path, text: str = "") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    return file


def database_in(name: str) -> str:
    return f"[database]\npath = '{name}'\n"


def test_a_named_file_wins_over_the_folder_s_and_that_over_the_user_s(tmp_path: Path) -> None:
    assert find_file(None) is None
    write(tmp_path / "home/kuas/config.toml", database_in("own.sqlite3"))
    assert load_database(None).path == Path("own.sqlite3")
    write(Path("config.toml"), database_in("here.sqlite3"))
    assert load_database(None).path == Path("here.sqlite3")
    named = write(tmp_path / "named.toml", database_in("named.sqlite3"))
    assert load_database(named).path == Path("named.sqlite3")


def test_a_named_file_that_is_missing_is_not_replaced_by_another(tmp_path: Path) -> None:
    write(tmp_path / "home/kuas/config.toml")
    write(Path("config.toml"))
    with pytest.raises(SettingsError, match=r"named\.toml: there is no such file"):
        load_database(tmp_path / "named.toml")


@pytest.mark.parametrize("folder", ["", "relative/path"])
def test_without_a_usable_variable_it_is_the_home_folder_s(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folder: str
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", folder)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_file() == tmp_path / ".config/kuas/config.toml"


def test_a_user_without_a_home_has_no_file_and_is_not_told_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setattr(Path, "home", no_home)
    assert user_file() is None
    assert find_file(None) is None
    assert describe_file(None, load_database(None)) == "there is no config.toml in the working directory"


def test_a_home_that_may_not_be_examined_counts_as_empty_and_this_folder_does_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # A link to itself fails for root, too.
    Path(tmp_path / "home").symlink_to(tmp_path / "home")
    assert find_file(None) is None
    Path("config.toml").symlink_to("config.toml")
    with pytest.raises(SettingsError, match=r"config\.toml: cannot be read"):
        load_database(None)


def test_a_mistake_in_the_user_s_file_names_its_whole_path(tmp_path: Path) -> None:
    own = write(tmp_path / "home/kuas/config.toml", "[monitor]\nport = -1\nprot = 1\n")
    with pytest.raises(SettingsError) as raised:
        load_monitor(None)
    assert [str(own) in line for line in raised.value.lines] == [True, True]


def test_when_a_key_is_missing_and_no_file_was_found_both_places_are_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as raised:
        load(None)
    own = tmp_path / "home/kuas/config.toml"
    token, key, no_file = raised.value.lines
    assert (token.split(":")[0], key.split(":")[0]) == ("discord.token", "rivya.api_key")
    assert no_file == f"there is no config.toml in the working directory and no {own}"
    write(own)
    with pytest.raises(SettingsError) as raised:
        load(None)
    assert [str(own) in line for line in raised.value.lines] == [True, True]


def test_the_file_is_named_and_a_database_that_moves_with_the_folder(tmp_path: Path) -> None:
    own = write(tmp_path / "home/kuas/config.toml")
    described = describe_file(None, load_database(None))
    assert described.startswith(f"{own}; database.path is relative")
    write(own, database_in(str(tmp_path / "bot.sqlite3")))
    assert describe_file(None, load_database(None)) == str(own)
    here = write(Path("config.toml"))
    assert describe_file(None, load_database(None)) == str(here.absolute())


@pytest.mark.parametrize(
    ("started", "name"),
    [
        ("/home/mira/.local/bin/kuas", "kuas"),
        ("kuas", "kuas"),
        ("/opt/kuas/bot/__main__.py", "python -m bot"),
        ("", "python -m bot"),
    ],
)
def test_commands_are_spelled_as_the_process_was_started(
    monkeypatch: pytest.MonkeyPatch, started: str, name: str
) -> None:
    monkeypatch.setattr(sys, "argv", [started])
    assert program_name() == name
