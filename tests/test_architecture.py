"""The house rules a machine can hold: what each file owns, who may import whom, how long things get.

Every rule is a function from modules to a list of broken places. It is run over the real tree and, beside
that, over a few lines made up to break it, so that no rule can quietly stop looking.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Rule = Callable[[list["Module"]], list[str]]

ROOT = Path(__file__).parents[1]
OURS = ("bot", "cogs", "sandbox")
FILE_LINES = 330
FUNCTION_LINES = 45

# From the top down. A module may import from its own layer and from those below it; every module has a layer.
LAYERS = (
    {"bot.__main__"},
    {"bot.app", "bot.doctor", "bot.office"},
    {"bot.client", "bot.login", "cogs"},
    {
        "bot.engine",
        "bot.review",
        "bot.reuse",
        "bot.walk",
        "bot.materials",
        "bot.voice",
        "bot.verdict",
        "bot.delivery",
        "bot.herald",
        "bot.watching.wallet",
        "bot.tools",
        "bot.polling.watch",
    },
    {
        "bot.store",
        "bot.gallery",
        "bot.keepings",
        "bot.books",
        "bot.polling.durations",
        "bot.slots",
        "bot.privacy",
        "bot.upkeep",
        "bot.backups",
        "bot.watching.metrics",
        "bot.watching.monitor",
        "bot.watching.outage",
        "bot.charts",
        "bot.press",
        "bot.shelf",
    },
    {
        "bot.access.register",
        "bot.drafts",
        "bot.habits",
        "bot.presets",
        "bot.money.prices",
        "bot.guilds",
        "bot.money.alerts",
        "bot.money.chronicle",
        "bot.money.differences",
        "bot.money.findings",
        "bot.money.overview",
        "bot.money.reconcile",
        "bot.money.figures",
        "bot.money.grants",
        "bot.money.ledger",
        "bot.money.limits",
        "bot.money.pictures",
        "bot.money.sheets",
        "bot.money.tallies",
        "bot.money.treasury",
        "bot.money.usage",
        "bot.pauses",
        "bot.rows",
        "bot.syncs",
    },
    {
        "bot.database",
        "bot.datafile",
        "bot.schema",
        "bot.pictures",
        "bot.rivya",
        "bot.settings",
        "bot.logs",
    },
    {
        "bot",
        "bot.access",
        "bot.access.rules",
        "bot.durable",
        "bot.folding",
        "bot.catalog",
        "bot.clock",
        "bot.ids",
        "bot.errors",
        "bot.jobs",
        "bot.mistakes",
        "bot.values",
        "bot.money.forecast",
        "bot.money",
        "bot.money.periods",
        "bot.money.reports",
        "bot.money.rules",
        "bot.rests",
        "bot.polling",
        "bot.rounds",
        "bot.watching",
        "bot.polling.tempo",
        "bot.polling.timetable",
        "bot.watching.notices",
    },
)

# Who may touch what, of all modules in the folders named.
FENCES = {
    "discord": (("bot",), {"bot.client", "bot.login"}),
    "sqlite3": (
        ("bot", "cogs"),
        {
            "bot.database",
            "bot.datafile",
            "bot.schema",
            "bot.store",
            "bot.books",
            "bot.polling.durations",
            "bot.rows",
            "bot.access.register",
            "bot.drafts",
            "bot.gallery",
            "bot.habits",
            "bot.keepings",
            "bot.presets",
            "bot.backups",
            "bot.guilds",
            "bot.pauses",
            "bot.privacy.departures",
            "bot.privacy.erasures",
            "bot.privacy.forgetting",
            "bot.privacy.known",
            "bot.upkeep",
            "bot.syncs",
            "bot.money.alerts",
            "bot.money.chronicle",
            "bot.money.findings",
            "bot.money.overview",
            "bot.money.figures",
            "bot.money.grants",
            "bot.money.ledger",
            "bot.money.limits",
            "bot.money.pictures",
            "bot.money.sheets",
            "bot.money.tallies",
            "bot.money.treasury",
            "bot.money.usage",
        },
    ),
    "aiosqlite": (("bot", "cogs"), {"bot.database"}),
    "PIL": (("bot", "cogs"), {"bot.pictures.images", "bot.pictures.encoding", "bot.pictures.heic"}),
    "pi_heif": (("bot", "cogs"), {"bot.pictures.heic"}),
    "matplotlib": (("bot", "cogs"), {"bot.charts"}),
    # The login and the cog open no socket: they translate the errors that discord.py lets through.
    "aiohttp": (
        ("bot", "cogs"),
        {
            "bot.login",
            "bot.pictures.fetch",
            "bot.watching.monitor",
            "bot.rivya.calls",
            "bot.rivya.client",
            "cogs.ground.answers",
        },
    ),
}

SENTENCE = re.compile(
    r"(?:^|\s)Owns \S.*?\. "
    r"Never imports anything(?P<ours> of ours(?: but (?P<names>[\w.]+(?:, [\w.]+)*))?)?\.$"
)


@dataclass(frozen=True)
class Module:
    """One Python file of ours."""

    name: str
    source: str
    is_package: bool = False

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source)

    def imports(self, known: set[str]) -> set[str]:
        """Every module it imports, wherever the statement stands; `from bot import jobs` is `bot.jobs`."""
        found: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = self._base(node)
                whole = (f"{base}.{alias.name}" for alias in node.names)
                found.update(name if name in known else base for name in whole)
        return found - {"__future__"}

    def _base(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parents = self.name.split(".")
        package = parents[: len(parents) - node.level + self.is_package]
        return ".".join([*package, *([node.module] if node.module else [])])


def read_modules() -> list[Module]:
    """Parse every file of the product and of the sandbox."""
    found = []
    for path in sorted(path for folder in OURS for path in (ROOT / folder).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        found.append(Module(name, path.read_text("utf-8"), is_package))
    return found


MODULES = read_modules()


def is_within(name: str, *folders: str) -> bool:
    return any(name == folder or name.startswith(f"{folder}.") for folder in folders)


def edges(modules: list[Module]) -> list[tuple[str, str]]:
    """Who imports whom, among ourselves and the tests."""
    known = {module.name for module in modules}
    return [
        (module.name, imported)
        for module in modules
        for imported in sorted(module.imports(known))
        if is_within(imported, *OURS, "tests") and imported != module.name
    ]


def broken_sentences(modules: list[Module]) -> list[str]:
    """The docstring's last sentence, held to the imports: it names each of them by its last name or names."""
    known = {module.name for module in modules}
    failures = []
    for module in modules:
        sentence = SENTENCE.search(" ".join((ast.get_docstring(module.tree) or "").split()))
        if sentence is None:
            failures.append(
                f"{module.name}: end the docstring with 'Owns <what>. Never imports anything of ours"
                " [but a, b].' (or 'Never imports anything.')"
            )
            continue
        imported = module.imports(known)
        if not sentence["ours"]:
            failures += [
                f"{module.name}: says it imports nothing, imports {name}" for name in sorted(imported)
            ]
            continue
        ours = {name for name in imported if is_within(name, *OURS)}
        said = sentence["names"].split(", ") if sentence["names"] else []
        unsaid = [name for name in sorted(ours) if not any(f".{name}".endswith(f".{word}") for word in said)]
        unused = [word for word in said if sum(f".{name}".endswith(f".{word}") for name in ours) != 1]
        failures += [f"{module.name}: imports {name}, which its sentence does not say" for name in unsaid]
        failures += [
            f"{module.name}: its sentence says {word}, which is not one of its imports" for word in unused
        ]
    return failures


def broken_fences(modules: list[Module]) -> list[str]:
    """Libraries that only their keepers may touch."""
    return [
        f"{module.name}: imports {library}; only {', '.join(sorted(keepers))} may"
        for module in modules
        for library, (folders, keepers) in FENCES.items()
        if is_within(module.name, *folders) and module.name not in keepers
        if any(is_within(imported, library) for imported in module.imports(set()))
    ]


def layer(name: str) -> int | None:
    """The layer of the module or of its folder; `bot` itself stands for no other."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        prefix = ".".join(parts[:length])
        for depth, members in enumerate(LAYERS):
            if prefix in members and (prefix != "bot" or name == "bot"):
                return depth
    return None


def broken_layers(modules: list[Module]) -> list[str]:
    """Imports run one way, down."""
    inside = [module.name for module in modules if not is_within(module.name, "sandbox")]
    failures = [f"{name}: has no layer; give it one in LAYERS" for name in inside if layer(name) is None]
    for name, imported in edges(modules):
        above, below = layer(name), layer(imported)
        if above is not None and below is not None and below < above:
            failures.append(f"{name}: imports {imported}, which stands above it")
    return failures


def broken_walls(modules: list[Module]) -> list[str]:
    """The core knows no command, nobody knows the sandbox, the stand-in shares no code with the bot."""
    failures = []
    for name, imported in edges(modules):
        core_to_cogs = is_within(name, "bot") and name != "bot.app" and is_within(imported, "cogs")
        house_to_guest = is_within(name, "bot", "cogs") and is_within(imported, "sandbox", "tests")
        stand_in_to_house = is_within(name, "sandbox.rivya", "sandbox.painter") and is_within(
            imported, "bot", "cogs"
        )
        if core_to_cogs or house_to_guest or stand_in_to_house or is_within(imported, "tests"):
            failures.append(f"{name}: must not know {imported}")
    return failures


def cycles(modules: list[Module]) -> list[str]:
    """The first circle of imports, those for types alone included."""
    graph: dict[str, set[str]] = {}
    for name, imported in edges(modules):
        graph.setdefault(name, set()).add(imported)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return [" <- ".join(error.args[1])]
    return []


def too_long(modules: list[Module]) -> list[str]:
    """Files and functions that have outgrown a screen or two."""
    failures = []
    for module in modules:
        lines = len(module.source.splitlines())
        if lines > FILE_LINES:
            failures.append(f"{module.name}: {lines} lines, at most {FILE_LINES}")
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
                length = node.end_lineno - node.lineno + 1
                if length > FUNCTION_LINES:
                    failures.append(f"{module.name}.{node.name}: {length} lines, at most {FUNCTION_LINES}")
    return failures


def silent_handlers(modules: list[Module]) -> list[str]:
    """Handlers that only swallow: their body is `pass` or `...` and nothing else."""
    return [
        f"{module.name}:{node.lineno}: swallows what it catches"
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ExceptHandler)
        if all(
            isinstance(line, ast.Pass)
            or (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))
            for line in node.body
        )
    ]


def unfinished(modules: list[Module]) -> list[str]:
    """Notes that something is still to be done; such a note belongs in an issue."""
    return [
        f"{module.name}:{number}: {line.strip()}"
        for module in modules
        for number, line in enumerate(module.source.splitlines(), start=1)
        if re.search(r"\b(TODO|FIXME|XXX)\b", line)
    ]


def broken_migrations(files: dict[str, str]) -> list[str]:
    """Numbered 0001, 0002, ... without gap or double, each beginning with its reason."""
    failures = [
        f"{name}: expected a name like {number:04}_what.sql"
        for number, name in enumerate(sorted(files), start=1)
        if not re.fullmatch(rf"{number:04}_\w+\.sql", name)
    ]
    return failures + [
        f"{name}: begin with the reason, '-- ...'"
        for name, text in files.items()
        if not re.match(r"-- \S", text)
    ]


def unknown_targets(readme: str, makefile: str) -> list[str]:
    """`make` targets that the README promises, as code, and the Makefile does not have."""
    code = re.findall(r"```.*?```|`[^`]+`", readme, flags=re.DOTALL)
    promised = {word for text in code for word in re.findall(r"\bmake ([a-z][\w-]*)", text)}
    targets = set(re.findall(r"^([a-z][\w-]*):", makefile, flags=re.MULTILINE))
    return [f"README: make {word} is no target of the Makefile" for word in sorted(promised - targets)]


def report(failures: list[str]) -> str:
    return "\n" + "\n".join(failures)


RULES: tuple[Rule, ...] = (
    broken_sentences,
    broken_fences,
    broken_layers,
    broken_walls,
    cycles,
    too_long,
    silent_handlers,
    unfinished,
)


@pytest.mark.parametrize("rule", RULES)
def test_the_house_keeps_its_rules(rule: Rule) -> None:
    failures = rule(MODULES)
    assert not failures, report(failures)


def test_migrations_are_numbered_without_gaps_and_say_why() -> None:
    files = {path.name: path.read_text("utf-8") for path in (ROOT / "bot" / "migrations").iterdir()}
    assert files
    failures = broken_migrations(files)
    assert not failures, report(failures)


def test_the_readme_names_only_targets_that_exist() -> None:
    readme = ROOT / "README.md"
    text = readme.read_text("utf-8") if readme.exists() else ""
    failures = unknown_targets(text, (ROOT / "Makefile").read_text("utf-8"))
    assert not failures, report(failures)


def test_every_file_is_looked_at() -> None:
    assert {module.name for module in MODULES} >= {"bot", "bot.jobs", "bot.rivya.models", "cogs", "sandbox"}


def owns(never: str) -> str:
    return f'"""A file.\n\nOwns it. Never imports {never}.\n"""\n'


ONLY_ERRORS = owns("anything of ours but errors")

# For each rule: files, and the beginnings of what it must say about them; nothing where it must keep still.
CASES: dict[Rule, list[tuple[dict[str, str], list[str]]]] = {
    broken_sentences: [
        ({"bot.a": "import os"}, ["bot.a: end the docstring"]),
        ({"bot.a": '"""A file.\n\nOwns it. Never imports os.\n"""'}, ["bot.a: end the docstring"]),
        ({"bot.a": owns("anything of ours") + "import os\n"}, []),
        ({"bot.a": owns("anything") + "import os"}, ["bot.a: says it imports nothing, imports os"]),
        ({"bot.a": owns("anything of ours") + "import os\nimport bot.b"}, ["bot.a: imports bot.b"]),
        ({"sandbox.a": owns("anything of ours") + "import sandbox.b"}, ["sandbox.a: imports sandbox.b"]),
        ({"bot.a": ONLY_ERRORS}, ["bot.a: its sentence says errors"]),
        ({"bot.a": ONLY_ERRORS + "def f():\n    from bot.errors import X"}, []),
        (
            {"bot.a": ONLY_ERRORS + "if X:\n    from bot.errors import Y\n    import bot.b"},
            ["bot.a: imports bot.b"],
        ),
        ({"bot.a": owns("anything of ours but b") + "from bot import b", "bot.b": owns("anything")}, []),
        ({"bot.r.a": owns("anything of ours but r.b, c") + "from .b import x\nfrom ..c import y"}, []),
    ],
    broken_fences: [
        ({"bot.a": "import discord.ext.commands", "cogs.a": "import discord"}, ["bot.a: imports discord"]),
        (
            {"cogs.a": "def f():\n    import sqlite3", "bot.store": "import sqlite3"},
            ["cogs.a: imports sqlite3"],
        ),
        ({"bot.a": "from aiohttp import web", "sandbox.a": "import aiohttp"}, ["bot.a: imports aiohttp"]),
    ],
    broken_layers: [
        ({"bot.novelty": ""}, ["bot.novelty: has no layer"]),
        (
            {"bot.store": "import bot.engine", "bot.engine": "import bot.store"},
            ["bot.store: imports bot.engine"],
        ),
        ({"bot.rivya.client": "from bot.app import run"}, ["bot.rivya.client: imports bot.app"]),
        ({"cogs.a": "import bot.engine\nimport bot.app"}, ["cogs.a: imports bot.app"]),
    ],
    broken_walls: [
        ({"bot.client": "import cogs.a", "bot.app": "import cogs.a"}, ["bot.client: must not know cogs"]),
        ({"cogs.a": "from sandbox import rivya"}, ["cogs.a: must not know sandbox"]),
        (
            {"sandbox.rivya.a": "import bot.jobs", "sandbox.b": "import bot.app"},
            ["sandbox.rivya.a: must not"],
        ),
        ({"sandbox.b": "import tests.conftest"}, ["sandbox.b: must not know tests"]),
    ],
    cycles: [
        ({"bot.a": "import bot.b", "bot.b": "import bot.c", "bot.c": "def f():\n    import bot.a"}, ["bot."]),
        ({"bot.a": "import bot.b\nimport bot.c", "bot.b": "import bot.c", "bot.c": ""}, []),
    ],
    too_long: [
        ({"bot.a": "\n" * (FILE_LINES + 1), "bot.b": "\n" * FILE_LINES}, ["bot.a: 331 lines"]),
        ({"bot.a": "class A:\n  async def f():\n" + "    x\n" * FUNCTION_LINES}, ["bot.a.f: 46 lines"]),
    ],
    silent_handlers: [
        ({"bot.a": "try:\n    x\nexcept ValueError:\n    pass"}, ["bot.a:3"]),
        ({"bot.a": "try:\n    x\nexcept ValueError:\n    'no matter'"}, ["bot.a:3"]),
        ({"bot.a": "try:\n    x\nexcept ValueError:\n    y = 1"}, []),
    ],
    unfinished: [({"bot.a": "x = 1  # TODO: more", "bot.b": "TODOS = 1"}, ["bot.a:1: x = 1  # TODO"])],
}


@pytest.mark.parametrize(
    ("rule", "files", "places"),
    [(rule, files, places) for rule, cases in CASES.items() for files, places in cases],
)
def test_a_rule_names_what_breaks_it(rule: Rule, files: dict[str, str], places: list[str]) -> None:
    failures = rule([Module(name, source) for name, source in files.items()])
    assert len(failures) == len(places), report(failures)
    for failure, place in zip(sorted(failures), sorted(places), strict=True):
        assert failure.startswith(place)


def test_every_rule_is_proven_able_to_fail() -> None:
    assert {rule for rule, cases in CASES.items() if any(places for _, places in cases)} == set(RULES)


@pytest.mark.parametrize(
    ("files", "failures"),
    [
        ({"0001_a.sql": "-- Why.\n", "0002_b.sql": "-- Why.\n"}, 0),
        ({"0001_a.sql": "-- Why.\n", "0003_b.sql": "-- Why.\n"}, 1),
        ({"0001_a.sql": "-- Why.\n", "0001_b.sql": "-- Why.\n"}, 1),
        ({"0001_a.sql": "CREATE TABLE a (b) STRICT;"}, 1),
        ({"0001_a.sql": "-- \n"}, 1),
        ({"1.sql": "-- Why.\n"}, 1),
    ],
)
def test_a_migration_out_of_line_is_named(files: dict[str, str], failures: int) -> None:
    assert len(broken_migrations(files)) == failures


def test_a_target_that_is_promised_and_missing_is_named() -> None:
    readme = "We make pictures.\n`make sandbox`\n```sh\nmake party\nmake sandbox\n```"
    assert unknown_targets(readme, "sandbox: $(READY)\n") == [
        "README: make party is no target of the Makefile"
    ]
