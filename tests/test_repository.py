"""What no tool checks: sizes, migrations, and that the hooks run what `make lint` runs."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.support.paths import ROOT

FILE_LINES = 400
FUNCTION_LINES = 45
PRODUCT = sorted(path for folder in ("bot", "cogs", "sandbox") for path in (ROOT / folder).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def too_long(name: str, source: str) -> list[str]:
    """The file if it has too many lines, and each function that has."""
    lines = len(source.splitlines())
    found = [f"{name}: {lines} lines, at most {FILE_LINES}"] if lines > FILE_LINES else []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
            length = node.end_lineno - node.lineno + 1
            if length > FUNCTION_LINES:
                found.append(f"{name}: {node.name} has {length} lines, at most {FUNCTION_LINES}")
    return found


def clocks_in_units(name: str, source: str) -> list[str]:
    """Units of work and their parts that read the clock: run again, they would write another time."""
    functions = (
        node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef | ast.Lambda)
    )
    units = (node for node in functions if {arg.arg for arg in node.args.args[:1]} & {"tx", "transaction"})
    return [
        f"{name}:{call.lineno}: a unit reads the clock"
        for unit in units
        for call in ast.walk(unit)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "now_ms"
    ]


def wrong_migrations(files: dict[str, str]) -> list[str]:
    """Names that are not 0001_..., 0002_... in a row, and files that do not begin with their reason."""
    found = [
        f"{name}: expected {number:04}_<what>.sql"
        for number, name in enumerate(sorted(files), start=1)
        if not re.fullmatch(rf"{number:04}_\w+\.sql", name)
    ]
    return found + [f"{name}: begin with `-- reason`" for name, text in files.items() if text[:3] != "-- "]


@pytest.mark.parametrize("path", PRODUCT, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_and_no_function_is_too_long(path: Path) -> None:
    assert too_long(path.name, path.read_text("utf-8")) == []


@pytest.mark.parametrize("path", [*PRODUCT, *TESTS], ids=lambda path: str(path.relative_to(ROOT)))
def test_no_unit_of_work_reads_the_clock(path: Path) -> None:
    assert clocks_in_units(path.name, path.read_text("utf-8")) == []


def test_migrations_are_numbered_and_give_their_reason() -> None:
    files = {path.name: path.read_text("utf-8") for path in (ROOT / "bot/storage/migrations").glob("*.sql")}
    assert len(files) >= 5
    assert wrong_migrations(files) == []


def test_the_checks_find_what_is_wrong() -> None:
    assert too_long("a.py", "x = 1\n" * 400) == []
    assert too_long("a.py", "x = 1\n" * 401) == ["a.py: 401 lines, at most 400"]
    long = "def f():\n" + "    x = 1\n" * 45
    assert too_long("a.py", long) == ["a.py: f has 46 lines, at most 45"]
    unit = "def save():\n    at = now_ms()\n    run(lambda tx: insert(tx, now_ms()))\n"
    assert clocks_in_units("a.py", unit) == ["a.py:3: a unit reads the clock"]
    assert wrong_migrations({"0001_a.sql": "-- why", "0003_b.sql": "SELECT 1"}) == [
        "0003_b.sql: expected 0002_<what>.sql",
        "0003_b.sql: begin with `-- reason`",
    ]


def lint_commands(makefile: str) -> list[str]:
    """The commands of `make lint`, as the shell gets them."""
    recipe = re.search(r"^lint:.*\n((?:\t.*\n)+)", makefile, flags=re.MULTILINE)
    assert recipe is not None
    return [line.strip().replace("$(BIN)", ".venv/bin") for line in recipe[1].splitlines()]


def hook_commands(config: str) -> list[str]:
    """The entries of the hooks; each hook must run over everything, whatever a commit changes."""
    entries = re.findall(r"^ +entry: (.+)$", config, flags=re.MULTILINE)
    for needed in ("- id: ", "language: system\n", "pass_filenames: false\n", "always_run: true\n"):
        assert config.count(needed) == len(entries), needed
    assert "args:" not in config
    return entries


def test_the_hooks_run_what_make_check_runs_before_the_tests() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    commands = lint_commands(makefile)
    assert len(commands) >= 5
    assert hook_commands((ROOT / ".pre-commit-config.yaml").read_text("utf-8")) == commands
    assert re.search(r"^check: lint\b.*\n\t\$\(TESTS\) --cov .*\n(?!\t)", makefile, flags=re.MULTILINE)


def test_a_hook_that_differs_is_found() -> None:
    assert lint_commands("lint: x  ## y\n\t$(BIN)/a .\n\t$(BIN)/b\n\ntest:\n\t$(BIN)/c\n") == [
        ".venv/bin/a .",
        ".venv/bin/b",
    ]
    hook = (
        "  - id: a\n    entry: a .\n    language: system\n    pass_filenames: false\n    always_run: true\n"
    )
    assert hook_commands(hook) == ["a ."]
    with pytest.raises(AssertionError, match="always_run"):
        hook_commands(hook.replace("always_run: true", "stages: [manual]"))
    with pytest.raises(AssertionError, match="id"):
        hook_commands(hook + "  - id: b\n")
