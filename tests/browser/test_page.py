"""The sandbox's page in a real browser, from the typed command to the picture."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.async_api import Page, expect

from tests.support.sandbox_page import CHROMIUM, answer, become, open_browser, run, running_sandbox, visit

PROMPT = "a red fox in a golden forest"
OTHER_PROMPT = "a blue owl in a forest at night"
LEFT = re.compile(r"4 credits · (?:what this bot allows this server: )?(\d+) of 200 left this month")
"""When a month ends, the server is a few hours ahead of the operator, and another rule is the tightest."""
LEFT_OF_FOUR = re.compile(LEFT.pattern.replace("4 credits", "16 credits", 1))
WARNINGS = ("price changed", "model not available")
"""What the bot logs when somebody changes the models of the fake Rivya."""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium or google-chrome on the PATH")


@pytest.fixture
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run a sandbox and yield its URL. The parameter is painting seconds."""
    seconds = str(getattr(request, "param", 2))
    with running_sandbox("--painting-seconds", seconds, warnings=WARNINGS) as url:
        yield url


@pytest.fixture
async def page(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Page]:
    """Open a browser of a computer's size, or of the one in the parameter."""
    width, height = getattr(request, "param", (1280, 900))
    async with open_browser(tmp_path / "profile", width, height) as page:
        yield page


# Long enough for a slow page to show the progress before the picture.
@pytest.mark.parametrize("url", [10], indirect=True)
async def test_a_member_asks_with_a_reference_and_the_picture_arrives_by_itself(
    url: str, page: Page, tmp_path: Path
) -> None:
    Image.new("RGB", (320, 240), (200, 120, 30)).save(tmp_path / "forest.png")
    await visit(page, url)
    await page.get_by_role("textbox", name="Message").press_sequentially("/imagine")
    await page.get_by_role("option", name="/imagine").click()
    await page.get_by_role("option", name="prompt").click()
    await page.get_by_role("textbox", name="prompt").fill(PROMPT)
    await page.get_by_role("button", name=re.compile(r"\+\d+ more")).click()
    await page.get_by_role("option", name="reference").first.click()
    await page.locator("input[type=file]").set_input_files(tmp_path / "forest.png")
    await page.get_by_role("button", name="Send", exact=True).click()

    reply = page.get_by_role("article").filter(has_text="Mira used").last
    await expect(reply).to_contain_text("Uploading your reference.")
    # The next command can be typed while the job is running.
    await expect(page.get_by_role("textbox", name="Message")).to_be_editable()

    picture = reply.get_by_role("img", name=PROMPT, exact=True)
    await expect(picture).to_be_visible()
    await expect(picture).to_have_js_property("naturalWidth", 1024)
    await expect(reply).to_contain_text(LEFT)
    await expect(reply).to_be_in_viewport()


async def test_a_member_composes_edits_with_another_reference_and_finds_both_again(
    url: str, page: Page, tmp_path: Path
) -> None:
    for name, colour in (("forest", (200, 120, 30)), ("night", (20, 30, 90))):
        Image.new("RGB", (320, 240), colour).save(tmp_path / f"{name}.png")
    message = page.get_by_role("textbox", name="Message")
    form = page.get_by_role("dialog")
    await visit(page, url)

    await message.press_sequentially("/imagine")
    await page.get_by_role("option", name="/imagine").click()
    await page.get_by_role("button", name="Send", exact=True).click()
    await answer(page, "A new picture").get_by_role("button", name="Words and references").click()
    await form.get_by_role("textbox", name="Prompt").fill(PROMPT)
    await form.locator("input[type=file]").set_input_files(tmp_path / "forest.png")
    await form.get_by_role("button", name="Submit").click()
    fox = page.get_by_role("article").filter(has=page.get_by_role("img", name=PROMPT, exact=True))
    await expect(fox).to_contain_text(LEFT)
    left = int((LEFT.search(await fox.inner_text()) or [""])[1])

    await fox.get_by_role("button", name="Edit", exact=True).click()
    card = page.get_by_role("article").filter(has_text="Change the picture")
    await card.get_by_role("button", name="Words and references").click()
    prompt = form.get_by_role("textbox", name="Prompt")
    await expect(prompt).to_have_value(PROMPT)
    await expect(form).to_contain_text("Now: forest.png.")
    await prompt.fill(OTHER_PROMPT)
    await form.locator("input[type=file]").set_input_files(tmp_path / "night.png")
    await form.get_by_role("button", name="Submit").click()
    owl = page.get_by_role("article").filter(has=page.get_by_role("img", name=OTHER_PROMPT, exact=True))
    await expect(owl).to_contain_text(f"{left - 4} of 200 left this month")

    await owl.get_by_role("button", name="Details").click()
    await expect(page.get_by_text("night.png")).to_be_visible()
    await run(page, "history")
    history = page.get_by_role("article").filter(has_text="Your pictures in this server")
    for prompt_text in (PROMPT, OTHER_PROMPT):
        await expect(history).to_contain_text(prompt_text)
        picture = history.get_by_role("img", name=prompt_text, exact=True)
        await expect(picture).to_have_js_property("complete", value=True)
        await expect(picture).not_to_have_js_property("naturalWidth", 0)


async def test_a_member_makes_four_and_picks_one(url: str, page: Page) -> None:
    await visit(page, url)
    await page.get_by_role("textbox", name="Message").press_sequentially("/imagine")
    await page.get_by_role("option", name="/imagine").click()
    await page.get_by_role("option", name="prompt").click()
    await page.get_by_role("textbox", name="prompt").fill(PROMPT)
    await page.get_by_role("button", name=re.compile(r"\+\d+ more")).click()
    await page.locator("[role=option][data-value=pictures]").click()
    await page.get_by_role("textbox", name="pictures", exact=True).fill("4")
    await page.get_by_role("button", name="Send", exact=True).click()

    group = page.get_by_role("article").filter(has_text=PROMPT).filter(has_text="Mira used").last
    for number in (1, 2, 3, 4):
        picture = group.get_by_role("img", name=f"{number}: {PROMPT}", exact=True)
        await expect(picture).to_have_js_property("naturalWidth", 1024)
    await expect(group).to_contain_text("1 done · 2 done · 3 done · 4 done")
    await expect(group).to_contain_text("16 credits")
    left = int((LEFT_OF_FOUR.search(await group.inner_text()) or [""])[1])

    await expect(group.get_by_role("button", name="Again: 4 \N{MULTIPLICATION SIGN} 4 = 16")).to_be_enabled()
    await group.get_by_role("button", name="Pick one").click()
    card = answer(page, PROMPT)
    await expect(card).to_contain_text("Which picture?")
    # The page takes a choice only once the click before is over, and its updates close menus.
    await expect(page.locator("#action-status")).to_have_text("Callback completed")
    await card.get_by_role("combobox").click()
    await page.get_by_role("option", name="Picture 3").click()
    await expect(card).to_contain_text("Picture 3")
    picked = card.get_by_role("img", name=PROMPT, exact=True)
    await expect(picked).to_have_js_property("naturalWidth", 1024)

    await card.get_by_role("button", name="Again", exact=True).click()
    another = page.get_by_role("article").filter(has=page.get_by_role("img", name=PROMPT, exact=True))
    another = another.filter(has_text=LEFT)
    await expect(another).to_contain_text(f"{left - 4} of 200 left this month")


async def test_a_member_picks_a_model_and_the_operator_reads_of_its_new_price(url: str, page: Page) -> None:
    await visit(page, url)
    await page.get_by_role("textbox", name="Message").press_sequentially("/imagine")
    await page.get_by_role("option", name="/imagine").click()
    await page.get_by_role("option", name="prompt").click()
    await page.get_by_role("textbox", name="prompt").fill(PROMPT)
    await page.get_by_role("button", name=re.compile(r"\+\d+ more")).click()
    await page.locator("[role=option][data-value=model]").click()
    # All are there before anything is typed.
    await expect(page.get_by_role("option", name="Qwen Image · 4 credits")).to_be_visible()
    await expect(page.get_by_role("option", name="Z Image · 1 credit")).to_be_visible()
    await page.get_by_role("combobox", name="model").press_sequentially("flux")
    await expect(page.get_by_role("option", name="Z Image")).to_have_count(0)
    await page.get_by_role("option", name="Flux 2 Pro · 5 credits").click()
    await page.get_by_role("button", name="Send", exact=True).click()

    fox = page.get_by_role("article").filter(has=page.get_by_role("img", name=PROMPT, exact=True))
    await expect(fox.get_by_role("img", name=PROMPT)).to_have_js_property("naturalWidth", 1024)
    await expect(fox).to_contain_text("5 credits")
    await fox.get_by_role("button", name="Details").click()
    await expect(answer(page, "Details")).to_contain_text("Model: Flux 2 Pro")

    # The guidance leads to the page of the fake Rivya, where the price changes.
    guidance = page.get_by_role("article").filter(has_text="Welcome to the studio")
    control = await guidance.get_by_role("link", name="Be Rivya").get_attribute("href")
    rivya = await page.context.new_page()
    await rivya.goto(str(control))
    await rivya.get_by_label("flux-2-pro", exact=True).fill("9")
    await rivya.get_by_label("status of z-image").select_option("coming_soon")
    await rivya.get_by_role("button", name="save flux-2-pro").click()
    await expect(rivya.get_by_label("flux-2-pro", exact=True)).to_have_value("9")
    await rivya.close()
    changed = page.get_by_role("article").filter(has_text="Rivya")
    await expect(changed.filter(has_text="Flux 2 Pro").filter(has_text="9 credits").last).to_be_visible()


@pytest.mark.parametrize("page", [(1280, 900), (390, 844)], indirect=True, ids=["computer", "phone"])
async def test_each_role_finds_a_server_that_lives(url: str, page: Page) -> None:
    await visit(page, url)
    guidance = page.get_by_role("article").filter(has_text="Welcome to the studio")
    await expect(guidance).to_be_in_viewport(ratio=1)
    await run(page, "help")
    help_of_members = answer(page, "What this bot does for you")
    await expect(help_of_members).to_be_in_viewport()
    await expect(help_of_members).to_contain_text("/imagine")
    await expect(help_of_members).not_to_contain_text("/limits show")
    await run(page, "history")
    history = answer(page, "Your pictures in this server")
    await expect(history).to_be_in_viewport()
    for picture in await history.get_by_role("img").all():
        await expect(picture).not_to_have_js_property("naturalWidth", 0)

    await become(page, "Sari")
    await run(page, "report")
    await expect(answer(page, "Report: ")).to_be_in_viewport()
    await run(page, "limits show")
    limits = answer(page, "Limits of this server")
    await expect(limits).to_be_in_viewport()
    await expect(limits).to_contain_text("Everybody gets a turn")

    await become(page, "Rani")
    await run(page, "help")
    await expect(answer(page, "For the people who run this bot")).to_contain_text("/operator guilds")
    card = page.get_by_role("article").filter(has_text="A server asks for pictures")
    await expect(card).to_contain_text("Night Gallery")
    await card.get_by_role("button", name="Allow 50").click()
    await expect(page.get_by_role("article").filter(has_text="Allowed")).to_contain_text("Night Gallery")
    await run(page, "operator guilds")
    await expect(answer(page, "Servers, this month")).to_be_visible()
