"""`python -m tests.tools.audit`: find known vulnerabilities of locked dependencies, and secrets in git.

The exit code is 1 if there is one. If the advisories cannot be downloaded, it says so and goes on.
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
DISABLED = ("--disable-plugin", "KeywordDetector")
"""It reports every made-up key of a test."""
RIVYA_KEY = re.compile(r"rvya_sk_\w*\d\w{11,}")
"""A real key is long and has digits, unlike those that tests and examples use."""


def vulnerabilities() -> list[str]:
    """Return one line for each known vulnerability of a locked dependency."""
    command = ("pip_audit", "--requirement", LOCK, "--disable-pip", "--require-hashes", "--format", "json")
    try:
        output = _run(*command, "--progress-spinner", "off").stdout
        packages = json.loads(output)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError):
        packages = []
    looked_up = [package for package in packages if "skip_reason" not in package]
    print(
        f"audit: {len(looked_up)} of {len(packages)} dependencies looked up"
        if looked_up
        else "audit: the advisories cannot be downloaded, so no dependency was looked up"
    )
    return [
        f"{package['name']} {package['version']}: {vulnerability['id']},"
        f" fixed in {', '.join(vulnerability['fix_versions']) or 'no version yet'}"
        for package in looked_up
        for vulnerability in package["vulns"]
    ]


def secrets() -> list[str]:
    """Return one line for each finding that is not in the baseline."""
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if files.returncode:
        print("audit: not a git checkout, so no file was searched for secrets")
        return []
    names = [name for name in files.stdout.decode().split("\0") if name and not name.endswith(".lock")]
    searched = [name for name in names if (ROOT / name).is_file() and name != BASELINE]
    keys = [
        f"{name}:{number}: Rivya API key"
        for name in searched
        for number, line in enumerate((ROOT / name).read_text("utf-8", "replace").splitlines(), start=1)
        if RIVYA_KEY.search(line)
    ]
    found = _findings(_run("detect_secrets", "scan", "--no-verify", *DISABLED, *searched).stdout)
    known = _findings((ROOT / BASELINE).read_text("utf-8"))
    new = [
        f"{name}:{line}: {kind}"
        for (name, kind, hashed), line in found.items()
        if (name, kind, hashed) not in known
    ]
    if not keys and not new:
        print(f"audit: no secret in {len(searched)} files")
    return keys + new


def _findings(document: str) -> dict[tuple[str, str, str], int]:
    """Return the line of each finding by its file, type and hash."""
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
    lines = [*vulnerabilities(), *secrets()]
    print(*lines, sep="\n", end="\n" if lines else "")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
