"""`python -m tests.tools.schemas`: compare the files of GitHub and of Compose with their schemas.

The schemas are those that check-jsonschema brings, so nothing is downloaded. The exit code is 1 if a file
does not fit or has no schema.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from check_jsonschema import main as check_jsonschema  # type: ignore[import-untyped]

from tests.support.paths import ROOT

SCHEMAS: Final = (
    (".github/workflows/*", ("vendor.github-workflows", "custom.github-workflows-require-timeout")),
    (".github/dependabot.yml", ("vendor.dependabot",)),
    (".github/ISSUE_TEMPLATE/config.yml", ("vendor.github-issue-config",)),
    (".github/ISSUE_TEMPLATE/*", ("vendor.github-issue-forms",)),
    ("compose*.yaml", ("vendor.compose-spec",)),
)
"""Files and what they must fit; the first pattern counts."""


def misfits(root: Path) -> list[str]:
    """Print why files do not fit; returns the schemas that a file does not fit, and the files without one."""
    found = []
    left = {path for path in [*root.glob("compose*.yaml"), *(root / ".github").rglob("*")] if path.is_file()}
    for pattern, schemas in SCHEMAS:
        files = left.intersection(root.glob(pattern))
        left -= files
        for schema in schemas if files else ():
            arguments = ["--quiet", "--builtin-schema", schema, *map(str, sorted(files))]
            if check_jsonschema(arguments, standalone_mode=False):
                found.append(schema)
    return found + [str(path.relative_to(root)) for path in sorted(left)]


if __name__ == "__main__":
    wrong = misfits(ROOT)
    print("schemas:", f"wrong: {', '.join(wrong)}" if wrong else "every file fits")
    sys.exit(bool(wrong))
