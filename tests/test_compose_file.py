"""compose.yaml fits the bot's settings, read by Docker Compose itself; its `config` takes no engine."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bot.cli.init.files import env_value
from bot.config.secret_files import DOCKER_FOLDER, FILE_SUFFIX, secret_variables
from bot.config.settings import Settings
from bot.engine.engine import GRACE_SECONDS
from tests.support.paths import ROOT

SECTIONS: dict[str, Any] = {name: field.annotation for name, field in Settings.model_fields.items()}
VARIABLES = secret_variables(SECTIONS)
TOKENS = "BOT_DISCORD__TOKEN=a\nBOT_RIVYA__API_KEY=b\n"
FILES = "BOT_DISCORD__TOKEN_FILE=./secrets/discord.token\nBOT_RIVYA__API_KEY_FILE=./secrets/rivya.api_key\n"
BUILD = "KUAS_IMAGE=kuas\nCOMPOSE_FILE=compose.yaml:compose.build.yaml\n"
CHARACTERS = "aZ09 \"'$`\\#=:;,.!?*&|<>()[]{}~^%@/-_+éの鯨🐋\u2028\u0301"


@pytest.fixture(autouse=True, scope="module")
def _require_compose() -> None:
    command = ["docker", "compose", "version"]
    if not shutil.which("docker") or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("Docker's Compose plugin is not installed")


def compose(folder: Path) -> subprocess.CompletedProcess[str]:
    """Let Compose read its files and `.env` in a folder."""
    for name in ("compose.yaml", "compose.build.yaml"):
        shutil.copy(ROOT / name, folder)
    environ = {name: os.environ[name] for name in ("PATH", "HOME", "DOCKER_CONFIG") if name in os.environ}
    command = ["docker", "compose", "config", "--format", "json"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environ)


def read(folder: Path, env: str) -> dict[str, Any]:
    (folder / ".env").write_text(env, "utf-8")
    result = compose(folder)
    assert result.returncode == 0, result.stderr
    loaded: dict[str, Any] = json.loads(result.stdout)
    return loaded


def test_every_secret_is_mounted_where_the_bot_looks_and_not_named_by_the_host_s_path(tmp_path: Path) -> None:
    service = read(tmp_path, FILES + BUILD)["services"]["kuas"]
    names = {f"{section}.{key}" for section, key in (secret_key(name) for name in VARIABLES)}
    mounted = {secret["target"]: secret["source"] for secret in service["secrets"]}
    assert mounted == {str(DOCKER_FOLDER / name): name for name in names}
    assert {service["environment"][name] for name in VARIABLES} == {""}
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert int(service["stop_grace_period"].rstrip("s")) > GRACE_SECONDS


def secret_key(variable: str) -> tuple[str, str]:
    """The section and key of a variable that names a file."""
    found = re.fullmatch(rf"BOT_([A-Z]+)__(\w+){FILE_SUFFIX}", variable)
    assert found is not None
    return found[1].lower(), found[2].lower()


@pytest.mark.parametrize(
    ("env", "sources"),
    [
        (TOKENS, ["/dev/null", "/dev/null"]),
        (FILES, ["{}/secrets/discord.token", "{}/secrets/rivya.api_key"]),
    ],
    ids=["secrets in .env", "files named in .env"],
)
def test_a_host_has_its_secrets_in_env_or_in_files(tmp_path: Path, env: str, sources: list[str]) -> None:
    loaded = read(tmp_path, env + BUILD)
    files = [loaded["secrets"][name]["file"] for name in ("discord.token", "rivya.api_key")]
    assert files == [source.format(tmp_path) for source in sources]
    environment = loaded["services"]["kuas"]["environment"]
    assert environment.get("BOT_DISCORD__TOKEN") == ("a" if env == TOKENS else None)


def test_the_image_is_published_or_built_here_as_env_says(tmp_path: Path) -> None:
    built = read(tmp_path, TOKENS + BUILD)["services"]["kuas"]
    assert (built["image"], built["build"]["context"]) == ("kuas", str(tmp_path))
    published = read(tmp_path, TOKENS + "KUAS_IMAGE=ghcr.io/somebody/kuas:1.2.3\n")["services"]["kuas"]
    assert (published["image"], "build" in published) == ("ghcr.io/somebody/kuas:1.2.3", False)
    (tmp_path / ".env").write_text(TOKENS)
    refused = compose(tmp_path)
    assert refused.returncode != 0
    assert "put KUAS_IMAGE into .env" in refused.stderr


def test_compose_reads_the_values_that_init_writes(tmp_path: Path) -> None:
    random_text, texts = random.Random(5), {"#x", "a #b", " a", "a ", "$HOME", "${HOME}", "$(id)", "`id`"}
    while len(texts) < 200:
        texts.add("".join(random_text.choices(CHARACTERS, k=random_text.randint(1, 12))))
    written = dict(enumerate(text for text in sorted(texts) if is_writable(text)))
    assert len(written) > 100
    lines = [f"A{number}={env_value(text)}\n" for number, text in written.items()]
    environment = read(tmp_path, "".join(lines) + TOKENS + BUILD)["services"]["kuas"]["environment"]
    # `config` writes `$` as Compose would have to read it.
    assert {n: environment[f"A{n}"].replace("$$", "$") for n in written} == written


def is_writable(text: str) -> bool:
    try:
        env_value(text)
    except ValueError:
        return False
    return True
