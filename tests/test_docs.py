"""Commands, settings, log lines, links, files and names on the pages are those of the code."""

from __future__ import annotations

import argparse
import ast
import json
import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from prometheus_client import Counter
from prometheus_client.metrics import MetricWrapperBase
from pydantic_core import PydanticUndefined

from bot.cli.arguments import make_parser
from bot.config.loader import load
from bot.config.settings import Settings
from bot.domain.image_models import MODELS
from bot.observability.metrics import Metrics
from bot.rivya.scopes import Scope
from bot.storage.schema import migrate
from cogs.text.translation import CommandTranslator
from tests.support.paths import ROOT
from tests.tools.screenshots import ASSETS, MAX_BYTES, MAX_PICTURE_BYTES, oversized
from tests.tools.update_translations import command_payloads

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
SUBCOMMAND_TYPES = {1, 2}
"""https://discord.com/developers/docs/interactions/application-commands#application-command-object"""
LIBRARY_LINES = {"Attempting a reconnect", "Failed to connect for shard_id"}
"""Log lines of discord.py that a page explains."""
HISTORY = {"CHANGELOG.md"}
"""Pages that speak of the past: names in them may be gone."""
PATH = re.compile(
    r"(?:bot|cogs|sandbox|tests|docs)/[\w./-]+|[\w.]+\.(?:toml|yaml|lock|md)|Dockerfile|Makefile"
)
NAME = re.compile(r"_?[A-Za-z]\w*(?:\.\w+)*")
CLASS = re.compile(r"\b[A-Z][a-z]+(?:[A-Z]\w*|\w*\.[a-z_]+)(?:\.\w+)*")
MADE_UP = {"config.toml", "YOUR_APPLICATION_ID", "PresetStore.rename"}
"""What a reader makes or fills in, and an example of a change."""


def text_of(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


def tables(page: str) -> Iterator[list[str]]:
    """The rows of a page's tables, as cells, without the heads."""
    for table in re.findall(r"(?:^\|.*\|\n)+", text_of(page), flags=re.MULTILINE):
        for line in table.splitlines()[2:]:
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def code_in(text: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`([^`\n]+)`", text)


def names_in(text: str) -> list[str]:
    """Files and names in backticks, and in blocks of code the files and the classes."""
    blocks = "".join(re.findall(r"^ *```\n(.*?)^ *```", text, flags=re.DOTALL | re.MULTILINE))
    in_text = [code for code in code_in(text) if PATH.fullmatch(code) or NAME.fullmatch(code)]
    return [*in_text, *PATH.findall(blocks), *CLASS.findall(blocks)]


def commands(payload: dict[str, Any], parents: str = "/") -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each command with its options, as a member types it."""
    name, options = f"{parents}{payload['name']}", payload.get("options", ())
    below = [option for option in options if option["type"] in SUBCOMMAND_TYPES]
    for option in below:
        yield from commands(option, f"{name} ")
    if not below:
        yield name, tuple(option["name"] for option in options)


async def test_the_tables_of_commands_are_complete() -> None:
    registered = await command_payloads(CommandTranslator())
    slash = [payload for payload in registered if payload.get("type", 1) == 1]
    wanted = dict(pair for payload in slash for pair in commands(payload))
    rows = [row for row in tables("docs/commands.md") if row[0].startswith("`/")]
    assert len({row[0] for row in rows}) == len(rows)
    assert {row[0].strip("`"): tuple(code_in(row[1])) for row in rows} == wanted
    entries = {row[0].strip("*") for row in tables("docs/commands.md") if row[0].startswith("*")}
    assert entries == {payload["name"] for payload in registered if payload.get("type", 1) != 1}


def test_the_table_of_settings_is_complete() -> None:
    wanted = {}
    for section, field in Settings.model_fields.items():
        assert isinstance(field.annotation, type)
        for key, setting in field.annotation.model_fields.items():
            default = setting.default
            shown = (
                "required" if default is PydanticUndefined else "none" if default is None else str(default)
            )
            if isinstance(default, tuple):
                shown = json.dumps(default)  # as TOML writes it
            wanted[f"{section}.{key}"] = shown.lower() if isinstance(default, bool) else shown
    assert {row[0].strip("`"): row[1].strip("`") for row in tables("docs/settings.md")} == wanted


@cache
def metrics() -> dict[str, list[str]]:
    """The labels of each of our metrics, by its name in queries."""
    ours = (
        each
        for each in Metrics().registry._names_to_collectors.values()
        if isinstance(each, MetricWrapperBase)
    )
    return {
        f"{each._name}_total" if isinstance(each, Counter) else each._name: list(each._labelnames)
        for each in ours
    }


def test_the_table_of_metrics_is_complete() -> None:
    rows = [row for row in tables("docs/operating.md") if row[0].startswith("`kuas_")]
    assert {row[0].strip("`"): code_in(row[1]) for row in rows} == metrics()


def test_the_table_of_models_is_complete() -> None:
    wanted = []
    for model in MODELS.values():
        megabytes = model.reference_limit_bytes // 1_000_000
        references = f"{model.reference_count} of {megabytes} MB" if model.reference_count else "none"
        names = [f"`{name}`" for name, each in model.parameters.items() if each.fixed is None]
        numbers = [str(model.cost_credits), str(model.prompt_limit)]
        wanted.append([f"`{model.model_id}`", model.name, *numbers, references, ", ".join(names) or "none"])
    assert list(tables("docs/models.md")) == wanted


def test_the_examples_of_prices_and_of_a_model_of_your_own_are_valid(tmp_path: Path) -> None:
    prices, example = re.findall(r"^```toml\n(.*?)^```", text_of("docs/models.md"), re.DOTALL | re.MULTILINE)
    path = tmp_path / "kuas.toml"
    path.write_text(f'[discord]\ntoken = "t"\n[rivya]\napi_key = "rvya_sk_k"\n{prices}{example}', "utf-8")
    rivya = load(path).rivya
    assert rivya.settings_prices == {("gpt-image-1-5", (("quality", "high"),)): 8}
    (model,) = rivya.extra_models
    assert model.sizes == ("square_hd", "landscape_16_9", "portrait_16_9")
    assert model.params("square_hd", "jpeg")["safety"] == "on"


def logged_errors(folder: Path) -> set[str]:
    """The events that are logged at level `error`."""
    code = "".join(path.read_text("utf-8") for path in folder.rglob("*.py"))
    return set(re.findall(r'\blog\.(?:error|exception)\(\s*"([^"]+)"', code))


def test_every_error_line_is_explained_to_the_operator() -> None:
    rows = {line for row in tables("docs/operating.md") for line in code_in(row[0]) if " " in line}
    explained = {line for line in rows if not line.startswith("python -m")}
    assert explained == logged_errors(ROOT / "bot") | logged_errors(ROOT / "cogs") | LIBRARY_LINES


def command_line(parser: argparse.ArgumentParser, so_far: str = "") -> Iterator[str]:
    """Every command of a parser, with those below it."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                yield f"{so_far}{name}"
                yield from command_line(below, f"{so_far}{name} ")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_the_command_line_on_a_page_exists(page: Path) -> None:
    known = set(command_line(make_parser()))
    named = re.findall(
        r"(?:python -m bot|run --rm(?: --volume \S+)? kuas|(?:^|`)kuas) ([a-z]+)(?: ([a-z]+))?",
        page.read_text("utf-8"),
        re.MULTILINE,
    )
    wrong = [name for name, step in named if name not in known]
    wrong += [step for name, step in named if name == "operator" and step and f"operator {step}" not in known]
    assert wrong == []


def missing_targets(text: str, makefile: str) -> list[str]:
    """The `make` targets that a page names, as code, and the Makefile does not have."""
    code = " ".join(re.findall(r"```.*?```|`[^`]+`", text, flags=re.DOTALL))
    named = set(re.findall(r"\bmake ([a-z][\w-]*)", code))
    return sorted(named - set(re.findall(r"^([a-z][\w-]*):", makefile, flags=re.MULTILINE)))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_target_on_a_page_exists(page: Path) -> None:
    assert missing_targets(page.read_text("utf-8"), text_of("Makefile")) == []


def test_a_missing_make_target_is_found() -> None:
    assert missing_targets("run `make test` and ```\nmake paint\n```", "test: x\n") == ["paint"]


def anchor(heading: str) -> str:
    """What GitHub makes of a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        path, _, fragment = link.partition("#")
        if "://" in link:
            continue
        target = (page.parent / path).resolve() if path else page
        if not target.exists():
            broken.append(link)
        elif fragment:
            headings = re.findall(r"^#+ (.+)$", target.read_text("utf-8"), flags=re.MULTILINE)
            broken += [link] if fragment not in map(anchor, headings) else []
    assert broken == []


@cache
def known_words() -> frozenset[str]:
    """Every word in the code, its texts included."""
    files = [path for folder in ("bot", "cogs", "sandbox", "tests") for path in (ROOT / folder).rglob("*.py")]
    files += (ROOT / "bot").rglob("*.sql")
    files += [ROOT / "Makefile", ROOT / "compose.yaml", ROOT / "pyproject.toml"]
    words = {word for path in files for word in re.findall(r"\w+", path.read_text("utf-8"))}
    return frozenset(words | metrics().keys())


@cache
def members() -> dict[str, set[str]]:
    """The methods and fields of each of our classes, by its name."""
    found = defaultdict(set)
    for path in (path for folder in ("bot", "cogs") for path in (ROOT / folder).rglob("*.py")):
        nodes = ast.walk(ast.parse(path.read_text("utf-8")))
        for owner in (node for node in nodes if isinstance(node, ast.ClassDef)):
            for each in owner.body:
                match each:
                    case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                        found[owner.name].add(name)
                    case ast.AnnAssign(target=ast.Name(id=name)):
                        found[owner.name].add(name)
    return found


def missing_words(name: str) -> list[str]:
    """What of a name is not in the code; a word after a class is one of its members."""
    known = [known_words(), *(members().get(word, known_words()) for word in name.split("."))]
    return [word for word, words in zip(name.split("."), known, strict=False) if word not in words]


def test_a_missing_member_of_a_class_is_found() -> None:
    assert missing_words("JobStore.submit") == missing_words("Failure.cause") == []
    assert "open" in known_words()
    assert missing_words("JobStore.open") == ["open"]


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name not in HISTORY], ids=lambda page: page.name
)
def test_files_and_names_on_a_page_exist(page: Path) -> None:
    missing = []
    for name in set(names_in(page.read_text("utf-8"))) - MADE_UP:
        if PATH.fullmatch(name):
            missing += [] if any((folder / name).exists() for folder in (ROOT, page.parent)) else [name]
        else:
            missing += missing_words(name)
    assert missing == []


SCOPE = re.compile(r"(?:generations|files|credits|models|chat|webhooks):[a-z]+")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_only_scopes_that_kuas_needs_are_on_a_page(page: Path) -> None:
    named = {code for code in code_in(page.read_text("utf-8")) if SCOPE.fullmatch(code)}
    assert named <= set(Scope)


def test_the_operator_reads_which_scopes_the_key_needs() -> None:
    needed = re.search(r"It needs the scopes\s(.+?)\. ", text_of("docs/operating.md"), flags=re.DOTALL)
    assert needed is not None
    assert sorted(code_in(needed[1])) == sorted(Scope)


def test_the_architecture_names_the_owner_of_each_table() -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection)
        names = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    owners = {
        table: [name for name in code_in(row[1]) if name.startswith("bot/")]
        for row in tables("docs/architecture.md")
        for table in code_in(row[0])
    }
    assert owners.keys() == {name for (name,) in names if not name.startswith("sqlite_")}
    assert all(owners.values())


def pictures_on(text: str) -> list[tuple[str, str]]:
    """The alt text and the path of each picture of the project on a page."""
    return [(alt, path) for alt, path in re.findall(r"!\[(.*?)\]\((\S+)\)", text) if "://" not in path]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_picture_on_a_page_is_described_and_was_made_by_the_command(page: Path) -> None:
    text = page.read_text("utf-8")
    assert "<img" not in text  # Markdown alone is looked at here
    for alt, path in pictures_on(text):
        assert (page.parent / path).resolve() in {ASSETS / name for name in MAX_BYTES}
        assert len(alt.split()) >= 10, "say what the picture shows to those who cannot see it"


def test_every_picture_is_shown_and_small_enough_for_a_phone() -> None:
    shown = {
        (page.parent / path).resolve() for page in PAGES for _, path in pictures_on(page.read_text("utf-8"))
    }
    assert shown == {path for path in ASSETS.iterdir() if path.is_file()}
    assert oversized(ASSETS) == []
    for name, limit in MAX_BYTES.items():
        with Image.open(ASSETS / name) as picture:
            assert (getattr(picture, "n_frames", 1) > 1) == (limit > MAX_PICTURE_BYTES)
            assert 500 <= picture.width <= 800  # text in wider ones is too small on a phone


def test_a_picture_without_words_or_above_its_limit_is_found(tmp_path: Path) -> None:
    assert pictures_on("a ![](b.webp) c ![d e](f.png) ![g](https://h.example/i.png)") == [
        ("", "b.webp"),
        ("d e", "f.png"),
    ]
    for name, limit in MAX_BYTES.items():
        (tmp_path / name).write_bytes(bytes(limit + (name == "form.webp")))
    assert oversized(tmp_path) == ["form.webp: 200001 bytes, at most 200000"]


def test_the_readme_is_one_page() -> None:
    assert 60 <= len(text_of("README.md").splitlines()) <= 90
