"""Run the sandbox, open its page in Chromium, and do there what people do."""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Locator, Page, async_playwright, expect

from tests.support.paths import ROOT
from tests.support.waiting import PATIENCE_SECONDS

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
    None,
)
CHROMIUM_OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS = 1000 * PATIENCE_SECONDS


@contextmanager
def running_sandbox(
    *arguments: str,
    module: str = "sandbox",
    environment: Mapping[str, str] | None = None,
    warnings: Collection[str] = (),
) -> Iterator[str]:
    """Run a sandbox on any free port and yield its URL; at the end, stop it with SIGINT.

    Lines on standard error that contain one of `warnings` are expected.

    Raises:
        RuntimeError: it did not start, or did not end well; with what it wrote to standard error.
    """
    command = [sys.executable, "-m", module, *arguments, "--port", "0"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\S+", process.stdout.readline())
        try:
            if found is not None:
                yield found.group()
        finally:
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=PATIENCE_SECONDS)
    unexpected = [line for line in errors.splitlines() if not any(words in line for words in warnings)]
    if found is None or process.returncode or unexpected:
        raise RuntimeError(f"the sandbox ended with {process.returncode}: {errors}")


@asynccontextmanager
async def open_browser(profile: Path, width: int, height: int, **options: Any) -> AsyncIterator[Page]:
    """Open Chromium with one empty page of this size in pixels; more options are Playwright's."""
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            profile,
            executable_path=CHROMIUM,
            args=CHROMIUM_OPTIONS,
            viewport={"width": width, "height": height},
            **options,
        )
        context.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        try:
            yield context.pages[0]
        finally:
            await context.close()


async def visit(page: Page, url: str) -> None:
    """Open the page and wait until it is ready: its first updates close menus."""
    await page.goto(url)
    await wait_until_ready(page)


async def wait_until_ready(page: Page) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await page.evaluate("window.simcordPreview?.ready"):
            await asyncio.sleep(0.05)  # Playwright's own waiting uses eval, which the page's policy forbids


async def choose(page: Page, command: str) -> None:
    """Type a command into the composer and choose it."""
    await page.get_by_role("textbox", name="Message").press_sequentially(f"/{command}")
    await page.get_by_role("option", name=f"/{command}").first.click()


async def run(page: Page, command: str) -> None:
    """Choose a command without options in the composer, and send it."""
    await choose(page, command)
    await page.get_by_role("button", name="Send", exact=True).click()


async def become(page: Page, name: str) -> None:
    """View the page as another person."""
    await page.get_by_label("Viewing as").select_option(label=name)
    await wait_until_ready(page)
    await expect(page.get_by_role("textbox", name="Message")).to_be_editable()


def answer(page: Page, text: str) -> Locator:
    """Return the private answer that contains a text."""
    return page.get_by_role("article").filter(has_text="Only you can see this").filter(has_text=text).last
