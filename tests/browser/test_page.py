"""The sandbox's page in a real browser: everything between a member's finger and the picture."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.async_api import Page, async_playwright, expect

ROOT = Path(__file__).parents[2]
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
    None,
)
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PROMPT = "a red fox in a golden forest"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium or google-chrome on the PATH")


@pytest.fixture
def url() -> Iterator[str]:
    """Where a sandbox is, which is then ended as Ctrl-C ends it."""
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--painting-seconds", "2"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\S+", process.stdout.readline())
        try:
            assert found is not None
            yield found.group()
        finally:
            process.send_signal(signal.SIGINT)
            _, complaints = process.communicate(timeout=20)
    assert (process.returncode, complaints) == (0, "")


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            tmp_path / "profile",
            executable_path=CHROMIUM,
            args=QUIET,
            viewport={"width": 1280, "height": 900},
        )
        try:
            yield context.pages[0]
        finally:
            await context.close()


async def test_a_member_asks_with_a_reference_and_the_picture_arrives_by_itself(
    url: str, page: Page, tmp_path: Path
) -> None:
    Image.new("RGB", (320, 240), (200, 120, 30)).save(tmp_path / "forest.png")
    await page.goto(url)
    await page.get_by_role("textbox", name="Message").press_sequentially("/imagine")
    await page.get_by_role("option", name="/imagine").click()
    await page.get_by_role("textbox", name="prompt").fill(PROMPT)
    await page.get_by_role("button", name="+3 more").click()
    await page.get_by_role("option", name="reference").click()
    await page.locator("input[type=file]").set_input_files(tmp_path / "forest.png")
    await page.get_by_role("button", name="Send").click()

    reply = page.get_by_role("article").filter(has_text="Mira used")
    await expect(reply).to_contain_text("Uploading your reference.", timeout=10_000)
    # The next command can be typed while the picture is being painted.
    await expect(page.get_by_role("textbox", name="Message")).to_be_editable()

    picture = reply.get_by_role("img", name=PROMPT, exact=True)
    await expect(picture).to_be_visible(timeout=20_000)
    await expect(picture).to_have_js_property("naturalWidth", 1024)
    await expect(reply).to_contain_text("4 credits · 196 of 200 left this month")
