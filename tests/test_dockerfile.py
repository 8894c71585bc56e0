"""The Dockerfile fits the package: its command, its health check, its labels, and what the builder gets."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

from bot.cli.arguments import make_parser
from bot.config.program_name import INSTALLED
from tests.support.paths import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")


def project() -> Any:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def command(instruction: str) -> list[str]:
    """The command of an instruction, which must be a list, since the image should need no shell."""
    (found,) = re.findall(rf"^{instruction}\b[^\[\n]*(\[.*\])$", DOCKERFILE, flags=re.MULTILINE)
    words: list[str] = json.loads(found)
    return words


def test_the_image_starts_the_command_that_a_wheel_has() -> None:
    (name,) = project()["scripts"]
    module, _, function = project()["scripts"][name].partition(":")
    assert command("ENTRYPOINT") == [name] == [INSTALLED]
    assert f"'from {module} import {function}' 'sys.exit({function}())' > /venv/bin/{name}" in DOCKERFILE


def test_the_health_check_is_a_command_of_the_bot() -> None:
    name, *arguments = command("HEALTHCHECK")
    assert name == INSTALLED
    assert make_parser().parse_args(arguments).command == "health"


def test_the_labels_say_what_the_package_says() -> None:
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', DOCKERFILE))
    assert labels["description"] == project()["description"]
    assert labels["licenses"] == project()["license"]
    arguments = set(re.findall(r"^ARG (\w+)$", DOCKERFILE, flags=re.MULTILINE))
    assert {labels[name] for name in ("version", "revision", "source")} == {
        f"${{{name}}}" for name in arguments
    }


def test_the_builder_gets_what_is_copied_and_nothing_else() -> None:
    ignored = (ROOT / ".dockerignore").read_text("utf-8")
    copied = re.findall(r"^COPY (\S+) ", DOCKERFILE, flags=re.MULTILINE)
    wanted = {source for source in copied if not source.startswith("--from=")}
    assert set(re.findall(r"^!(\S+)$", ignored, flags=re.MULTILINE)) == wanted
    assert all((ROOT / source).exists() for source in wanted)
