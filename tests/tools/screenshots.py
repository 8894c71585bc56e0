"""`make screenshots`: make the pictures of the documentation anew, in the sandbox, with Chromium.

`python -m tests.tools.screenshots [--out FOLDER]`. The real bot does what members and admins do, at a fixed
time, and its fake Rivya paints the same picture for the same prompt; so a second run makes nearly the same
files. Change a file in `docs/assets` here alone.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import re
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.async_api import FloatRect, Locator, Page, expect

from tests.support.paths import ROOT
from tests.support.sandbox_page import (
    CHROMIUM,
    answer,
    become,
    choose,
    open_browser,
    run,
    running_sandbox,
    visit,
    wait_until_ready,
)
from tests.support.waiting import PATIENCE_SECONDS

ASSETS = ROOT / "docs" / "assets"
ANIMATION = "imagine.webp"
MAX_PICTURE_BYTES = 200_000
MAX_BYTES = {
    ANIMATION: 500_000,
    **dict.fromkeys(
        (
            "form.webp",
            "greeting.webp",
            "group.webp",
            "help.webp",
            "history.webp",
            "picture.webp",
            "refusal.webp",
            "report.webp",
            "setup.webp",
        ),
        MAX_PICTURE_BYTES,
    ),
}
"""Every file, and how large it may be."""

NOW = "2026-11-18T09:30:00+00:00"
MODEL = "qwen-image"
"""The only one on offer, as in a new installation."""
PAINTING_SECONDS = "8"
"""Long enough to see the progress, however slow the browser is."""
WIDTH, FILM_HEIGHT, HEIGHT = 520, 870, 1300
"""Of the window, in CSS pixels: so narrow that the text can be read where a phone shows the picture, and so
high that the film shows a whole message, and the pictures the longest one."""
SCALE = 1.25
"""Pixels of the files per CSS pixel."""
PROMPT = "a giraffe riding a bicycle at sunset"
GROUP_PROMPT = "a red fox in a snowy forest"
FORM_PROMPT = "an owl reading a book under a tree at night"
STILL_QUALITY, FRAME_QUALITY = 85, 70
TYPING_MS, PAUSE_MS, END_MS = 120, 900, 3500
LETTERS_PER_FRAME = 4
LOOPS = 3


async def take_pictures(url: str, profile: Path, out: Path) -> None:
    """Do what the pages show, and save each picture when it is on the screen."""
    async with open_browser(
        profile, WIDTH, FILM_HEIGHT, device_scale_factor=SCALE, locale="en-US", timezone_id="UTC"
    ) as page:
        await visit(page, url)
        await film(page, out / ANIMATION)
        await page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
        picture = page.get_by_role("article").filter(has=page.get_by_role("img", name=PROMPT, exact=True))
        await save(picture, out / "picture.webp")
        await run(page, "imagine")
        form = page.get_by_role("dialog")
        await form.get_by_role("textbox", name="Prompt").fill(FORM_PROMPT)
        await save(form, out / "form.webp")
        await form.get_by_role("button", name="Cancel").click()
        await show(page, "history", "Your pictures in this server", out / "history.webp")
        await show(page, "help", "What this bot does for you", out / "help.webp")

        await become(page, "Sari")
        greeting = page.get_by_role("article").filter(has_text="Hello! I make pictures")
        await save(greeting, out / "greeting.webp")
        await show(page, "report", "Report: ", out / "report.webp")
        await run(page, "setup")
        await form.get_by_role("textbox").first.fill("28")
        await save(form, out / "setup.webp")
        await form.get_by_role("button", name="Submit").click()
        await expect(answer(page, "28")).to_be_visible()

        await become(page, "Mira")
        await type_imagine(page, PROMPT)
        await page.get_by_role("button", name="Send", exact=True).click()
        refusal = answer(page, "28 of 28")
        await save(refusal, out / "refusal.webp")

        await become(page, "Sari")
        await run(page, "setup")
        await form.get_by_role("textbox").first.fill("200")
        await form.get_by_role("button", name="Submit").click()
        await become(page, "Mira")
        await type_imagine(page, GROUP_PROMPT)
        await page.get_by_role("button", name=re.compile(r"\+\d+ more")).click()
        await page.locator("[role=option][data-value=pictures]").click()
        await page.get_by_role("textbox", name="pictures", exact=True).fill("4")
        await page.get_by_role("button", name="Send", exact=True).click()
        group = page.get_by_role("article").filter(has_text=GROUP_PROMPT).last
        await expect(group.get_by_role("button", name="Again")).to_be_visible()
        await expect(group.get_by_role("img", name=GROUP_PROMPT)).to_have_count(4)
        await save(group, out / "group.webp")


async def show(page: Page, command: str, text: str, path: Path) -> None:
    """Run a command without options, and save the private answer that contains a text."""
    await run(page, command)
    await save(answer(page, text), path)


async def type_imagine(page: Page, prompt: str) -> None:
    await choose(page, "imagine")
    await page.get_by_role("option", name="prompt").click()
    await page.get_by_role("textbox", name="prompt").fill(prompt)


async def film(page: Page, path: Path) -> None:
    """Ask for a picture, and save what is seen meanwhile as an animation."""
    frames: list[tuple[Image.Image, int]] = []
    timeline = await page.get_by_role("log").bounding_box()
    assert timeline is not None
    top = timeline["y"]  # what is above belongs to the sandbox
    clip = FloatRect(x=0, y=top, width=WIDTH, height=FILM_HEIGHT - top)

    async def frame(milliseconds: int) -> None:
        frames.append((decoded(await page.screenshot(clip=clip)), milliseconds))

    message = page.get_by_role("textbox", name="Message")
    await frame(PAUSE_MS)
    await message.press_sequentially("/imag")
    await frame(PAUSE_MS)
    await page.get_by_role("option", name="/imagine").click()
    await page.get_by_role("option", name="prompt").click()
    prompt = page.get_by_role("textbox", name="prompt")
    for end in range(LETTERS_PER_FRAME, len(PROMPT) + LETTERS_PER_FRAME, LETTERS_PER_FRAME):
        await prompt.fill(PROMPT[:end])
        await frame(TYPING_MS)
    await page.get_by_role("button", name="Send", exact=True).click()
    reply = page.get_by_role("article").filter(has_text="Mira used").last
    await expect(reply).to_contain_text("Painting")
    await frame(2 * PAUSE_MS)
    picture = reply.get_by_role("img", name=PROMPT, exact=True)
    await expect(picture).to_have_js_property("naturalWidth", 1024)
    await frame(END_MS)
    first, *others = (image for image, _ in frames)
    first.save(
        path,
        save_all=True,
        append_images=others,
        duration=[milliseconds for _, milliseconds in frames],
        loop=LOOPS,
        quality=FRAME_QUALITY,
        method=6,
        minimize_size=True,
    )


async def save(part: Locator, path: Path) -> None:
    """Save a part of the page as it is seen, once its pictures are there."""
    await expect(part).to_be_visible()
    await wait_until_ready(part.page)
    for button in await part.get_by_role("button").all():
        await expect(button).to_be_enabled()  # while something is under way they are not
    for picture in await part.locator("img").all():
        await expect(picture).to_have_js_property("complete", value=True)
        await expect(picture).not_to_have_js_property("naturalWidth", 0)
    await part.page.mouse.move(0, 0)  # a message under the pointer has buttons of the sandbox
    async with asyncio.timeout(PATIENCE_SECONDS):
        place, png = None, b""
        while place is None or place != await part.bounding_box():  # the page scrolls to what arrives
            place, png = await part.bounding_box(), await part.screenshot()
    decoded(png).save(path, quality=STILL_QUALITY, method=6)


def decoded(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png)).convert("RGB")


def oversized(folder: Path) -> list[str]:
    """The files that are above their limit, with their size."""
    sizes = {name: (folder / name).stat().st_size for name in MAX_BYTES}
    return [
        f"{name}: {size} bytes, at most {MAX_BYTES[name]}"
        for name, size in sizes.items()
        if size > MAX_BYTES[name]
    ]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.screenshots", description=__doc__)
    parser.add_argument("--out", type=Path, default=ASSETS, metavar="FOLDER", help="instead of docs/assets")
    args = parser.parse_args()
    if CHROMIUM is None:
        print(
            "Screenshots need chromium or google-chrome on the PATH, such as Debian's chromium.",
            file=sys.stderr,
        )
        return 1
    arguments = (NOW, "--painting-seconds", PAINTING_SECONDS, "--models", MODEL)
    with (
        tempfile.TemporaryDirectory() as profile,
        running_sandbox(
            *arguments, module="tests.tools.sandbox_at", environment={**os.environ, "TZ": "UTC"}
        ) as url,
    ):
        asyncio.run(take_pictures(url, Path(profile), args.out))
    problems = oversized(args.out)
    print("\n".join(problems), file=sys.stderr, end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
