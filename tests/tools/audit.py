"""`python -m tests.tools.audit`: known holes in what the lock file names, and secrets in what git keeps.

Exit code 1 if there is one. Where the advisories cannot be had, as without internet, it says so and goes on.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys

from tests.support.paths import ROOT

LOCK = "requirements.lock"
BASELINE = ".secrets.baseline"
PATIENCE_SECONDS = 120
WITHOUT_GUESSES = ("--disable-plugin", "KeywordDetector")
"""It takes every made-up key of a test for a real one."""
RIVYA_KEY = re.compile(r"rvya_sk_\w*\d\w{11,}")
"""Long, and with a number: not one of the words that tests and examples use in its place."""


def holes() -> list[str]:
    """One line for each known vulnerability of a locked dependency."""
    command = ("pip_audit", "--requirement", LOCK, "--disable-pip", "--require-hashes", "--format", "json")
    try:
        told = _run(*command, "--progress-spinner", "off").stdout
        packages = json.loads(told)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError):
        packages = []
    looked_up = [package for package in packages if "skip_reason" not in package]
    print(
        f"audit: {len(looked_up)} of {len(packages)} dependencies looked up"
        if looked_up
        else "audit: the advisories are out of reach, so no dependency was looked up"
    )
    return [
        f"{package['name']} {package['version']}: {hole['id']},"
        f" fixed in {', '.join(hole['fix_versions']) or 'no version yet'}"
        for package in looked_up
        for hole in package["vulns"]
    ]


def secrets() -> list[str]:
    """One line for each thing that looks like a secret and is not in the baseline."""
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if files.returncode:
        print("audit: this is no git checkout, so no file was searched for secrets")
        return []
    names = [name for name in files.stdout.decode().split("\0") if name and not name.endswith(".lock")]
    kept = [name for name in names if (ROOT / name).is_file() and name != BASELINE]
    keys = [
        f"{name}:{number}: Rivya API key"
        for name in kept
        for number, line in enumerate((ROOT / name).read_text("utf-8", "replace").splitlines(), start=1)
        if RIVYA_KEY.search(line)
    ]
    found = _known(_run("detect_secrets", "scan", "--no-verify", *WITHOUT_GUESSES, *kept).stdout)
    known = _known((ROOT / BASELINE).read_text("utf-8"))
    new = [
        f"{name}:{line}: {kind}"
        for (name, kind, hashed), line in found.items()
        if (name, kind, hashed) not in known
    ]
    if not keys and not new:
        print(f"audit: no secret in {len(kept)} files")
    return keys + new


def _known(document: str) -> dict[tuple[str, str, str], int]:
    """What a scan found: file, kind and hash, each with its line."""
    return {
        (name, secret["type"], secret["hashed_secret"]): secret["line_number"]
        for name, secrets in json.loads(document)["results"].items()
        for secret in secrets
    }


def _run(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def main() -> int:
    lines = [*holes(), *secrets()]
    print(*lines, sep="\n", end="\n" if lines else "")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
