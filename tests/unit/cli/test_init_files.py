"""Settings that are written read back exactly, by everything that reads them."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.cli.init import files as init_files
from bot.config.field_types import unquote
from tests.support.paths import ROOT

WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 2**63))
@example('"quotes" \\back\\ \x7f \t \u2028 鯨 🐋', 1)
def test_toml_reads_back_what_was_written(text: str, number: int) -> None:
    tables: dict[str, dict[str, str | int]] = {
        "about": {"contact": text},
        "limits": {"guild_ceiling": number},
    }
    assert tomllib.loads(init_files.toml_text(tables)) == tables


@settings(max_examples=40)
@given(WORDS)
@example("Mira's friends")
@example('say "hi" for $5 # or `more`')
@example("https://example.org/?a=b&c=d#e")
def test_an_env_file_means_the_same_to_docker_and_to_a_shell(text: str) -> None:
    try:
        written = init_files.env_value(text)
    except ValueError:
        return
    assert unquote(written) == text  # Docker hands over the rest of the line
    script = f'A={written}\nprintf %s "$A"'
    shell = subprocess.run(["/bin/sh", "-c", script], capture_output=True, check=True, env={})
    assert shell.stdout.decode() == text


@pytest.mark.parametrize("text", ["a\\b", "'quoted'", '"quoted"', "it's $5", 'its "own" it\'s', "it's `x`"])
def test_what_no_env_file_can_hold_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="without"):
        init_files.env_value(text)


def test_a_file_that_exists_stays_and_no_other_is_left(tmp_path: Path) -> None:
    target = tmp_path / "config.toml"
    target.write_text("mine")
    with pytest.raises(FileExistsError):
        init_files.write_new(target, "other")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]
    assert "exists already" in (init_files.unusable(target) or "")


def test_a_dangling_link_counts_as_a_file(tmp_path: Path) -> None:
    (tmp_path / "config.toml").symlink_to(tmp_path / "gone")
    assert "exists already" in (init_files.unusable(tmp_path / "config.toml") or "")


def test_a_file_system_without_hard_links_gets_the_file_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    target = tmp_path / "new" / "config.toml"
    init_files.write_new(target, "whole")
    assert (target.read_text(), target.stat().st_mode & 0o777) == ("whole", 0o600)
    with pytest.raises(FileExistsError):
        init_files.write_new(target, "other")
    assert [path.name for path in target.parent.iterdir()] == ["config.toml"]


def test_a_folder_that_is_a_file_or_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "is not a folder" in (init_files.unusable(tmp_path / "file" / "config.toml") or "")
    assert init_files.unusable(tmp_path / "new" / "deeper" / "config.toml") is None


def test_all_files_are_written_with_their_modes_or_none_is(tmp_path: Path) -> None:
    secret, settings_file = tmp_path / "secrets" / "discord.token", tmp_path / ".env"
    files = {secret: ("hush", init_files.IN_PRIVATE_FOLDER), settings_file: ("A=1", init_files.PRIVATE)}
    settings_file.write_text("mine")
    with pytest.raises(FileExistsError):
        init_files.write_all(files)
    assert (settings_file.read_text(), list(secret.parent.iterdir())) == ("mine", [])
    settings_file.unlink()
    init_files.write_all(files)
    assert [path.read_text() for path in files] == ["hush", "A=1"]
    modes = [path.stat().st_mode & 0o777 for path in (secret.parent, secret, settings_file)]
    assert modes == [0o700, 0o444, 0o600]


def test_secrets_are_not_put_into_a_folder_that_others_can_open(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    assert init_files.unusable_folder(folder) is None
    folder.mkdir()
    for mode, usable in ((0o755, False), (0o710, False), (0o700, True)):
        folder.chmod(mode)
        assert (init_files.unusable_folder(folder) is None) == usable


def test_a_path_in_an_env_file_is_relative_if_it_is_below_its_folder() -> None:
    below, elsewhere = Path("/host/secrets/discord.token"), Path("/etc/kuas/discord.token")
    assert init_files.path_in_env(below, Path("/host/.env")) == "./secrets/discord.token"
    assert init_files.path_in_env(elsewhere, Path("/host/.env")) == str(elsewhere)


def test_a_path_that_an_env_file_cannot_hold_is_named() -> None:
    env_file = Path("/host/.env")
    assert init_files.unusable_in_env(Path("/host/its $5/discord.token"), env_file) is None
    assert "in an env file" in (
        init_files.unusable_in_env(Path("/host/it's $5/discord.token"), env_file) or ""
    )
    assert "no UTF-8" in (init_files.unusable_in_env(Path("/host/\udc80/discord.token"), env_file) or "")


def test_a_folder_whose_name_is_too_long_is_left_to_the_writing(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 300) / "secrets"
    assert init_files.unusable_folder(folder) is None
    assert init_files.unusable(folder / "discord.token") is None


AS_ANOTHER_USER = """
import os, sys
from pathlib import Path
from bot.cli.init import files  # before the other user, who may not be allowed to read them
if os.geteuid() == 0:  # root may enter whatever the mode says
    os.setuid(65534)
print(files.unusable_folder(Path(sys.argv[1])), files.unusable(Path(sys.argv[1], "discord.token")))
"""


def test_a_folder_that_may_not_be_entered_is_named() -> None:
    with TemporaryDirectory() as folder:  # not `tmp_path`, where no other user may look
        Path(folder).chmod(0o755)
        closed = Path(folder, "closed")
        closed.mkdir(mode=0o000)
        command = [sys.executable, "-c", AS_ANOTHER_USER, str(closed / "secrets")]
        said = subprocess.run(command, capture_output=True, check=False, text=True, cwd=ROOT)
    assert said.stdout == f"None {closed}: you may not write there\n", said.stderr
