"""What is sent stays within Discord's limits, whatever a member typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.domain.jobs import Destination, Failure, FailureCause, Job, Phase, Progress, Request, Stage
from bot.domain.limits import LimitScope, Receipt, Usage
from bot.domain.periods import Period
from cogs.pictures import texts as picture_texts
from cogs.pictures import views
from cogs.text.escaping import utf16_length

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from discord.ui import LayoutView

NOON = 1_750_000_000_000
USAGE = Usage(
    LimitScope.GUILD,
    limit_credits=200,
    spent_credits=184,
    held_credits=4,
    period=Period.MONTH,
    resets_at=NOON,
)
RECEIPT = Receipt(4, USAGE)
JOB_ID = "0b0e7c62-6d7c-4c5e-9f3e-2f6f3c1c8a11"

PROMPTS = {
    "short": "a red fox in the snow",
    "longest": "x" * 5000,
    "markup": "*_~|`<>[]#\\" * 454,
    "mentions": "@everyone <@123456789012345678> <@&123456789012345678> <#123456789012345678> " * 60,
    "right to left": "\u202eevil\u202c \u200f\u05e9\u05dc\u05d5\u05dd " * 300,
    "emoji": "👩‍👩‍👧‍👦🎨" * 400,
    "lines": "# a\n> b\n- c\n```d\n" * 250,
    "lone surrogates": "\ud83d" * 5000,
    "only spaces for the eye": "\u2029\x00\n" * 100,
}


def job(prompt: str, *, spoiler: bool = False) -> Job:
    destination = Destination(1, 2, 3, 4, 5, "token", 10_485_760, "en-US")
    request = Request(destination, prompt, "qwen-image", "square_hd", "png", spoiler=spoiler)
    return Job(JOB_ID, request, Stage.SUCCEEDED, 4, NOON)


def all_cards(prompt: str) -> Iterator[LayoutView]:
    greeting = picture_texts.channel_greeting(2**63)
    for show_prompt in (True, False):
        yield views.result_view(
            job(prompt), RECEIPT, f"{JOB_ID}.png", shrunk=True, greeting=greeting, show_prompt=show_prompt
        )
        for who in FailureCause:
            failure = Failure(who, "some_code", prompt)
            yield views.failure_view(job(prompt), failure, greeting=greeting, show_prompt=show_prompt)
    for phase in Phase:
        yield views.progress_view(job(prompt), Progress(phase, NOON, 3))
    yield views.moved_view(job(prompt))


def walk(components: object) -> Iterator[Mapping[str, object]]:
    if isinstance(components, list):
        for component in components:
            yield from walk(component)
    elif isinstance(components, dict):
        yield components
        yield from walk(components.get("components"))


def payload(card: LayoutView) -> list[Mapping[str, object]]:
    return list(walk(card.to_components()))


def texts(card: LayoutView) -> list[str]:
    return [str(part["content"]) for part in payload(card) if part["type"] == 10]


def alt_text(card: LayoutView) -> str:
    (gallery,) = (part for part in payload(card) if part["type"] == 12)
    items = gallery["items"]
    assert isinstance(items, list)
    return str(items[0]["description"])


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS.keys())
def test_every_card_is_within_discords_limits(prompt: str) -> None:
    for card in all_cards(prompt):
        assert len(payload(card)) <= 40
        assert sum(map(utf16_length, texts(card))) <= 4000
        assert all(texts(card))


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS.keys())
def test_alt_text_is_never_empty_and_never_too_long(prompt: str) -> None:
    alt = alt_text(views.result_view(job(prompt), RECEIPT, f"{JOB_ID}.png", shrunk=False))
    assert 1 <= utf16_length(alt) <= 1024


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS.keys())
def test_a_prompt_stays_on_its_quoted_line_and_mentions_nobody(prompt: str) -> None:
    card = views.result_view(job(prompt), RECEIPT, f"{JOB_ID}.png", shrunk=False)
    *quotes, receipt = texts(card)
    assert receipt == "-# <@3> · 4 credits · 12 of 200 left this month"
    for quote in quotes:
        assert quote.startswith("> ")
        assert "\n" not in quote
        assert "@everyone" not in quote
        assert "<@" not in quote.replace("\\<", "")


def test_a_long_prompt_is_shortened_on_the_card_and_longer_in_the_alt_text() -> None:
    card = views.result_view(job("x" * 5000), RECEIPT, f"{JOB_ID}.png", shrunk=False)
    assert texts(card)[0] == "> " + "x" * 299 + "…"
    assert alt_text(card) == "x" * 1023 + "…"


def test_a_card_without_the_prompt_holds_it_nowhere() -> None:
    card = views.result_view(job("forbidden"), RECEIPT, f"{JOB_ID}.png", shrunk=False, show_prompt=False)
    assert "forbidden" not in str(card.to_components())


def test_a_spoiler_stays_hidden_and_the_file_is_the_jobs() -> None:
    card = views.result_view(job("a twist", spoiler=True), RECEIPT, f"{JOB_ID}.png", shrunk=False)
    assert f"attachment://{JOB_ID}.png" in str(card.to_components())
    assert "'spoiler': True" in str(card.to_components())


def test_a_smaller_picture_is_said_to_be_one() -> None:
    assert "made smaller" in texts(views.result_view(job("a"), RECEIPT, "a.jpg", shrunk=True))[-1]


def test_the_job_is_named_only_where_somebody_else_must_act() -> None:
    named = {
        who: any(JOB_ID in text for text in texts(views.failure_view(job("a"), Failure(who, "code"))))
        for who in FailureCause
    }
    assert named == {"member": False, "rivya": False, "operator": True, "developer": True}


async def test_no_view_is_kept_in_the_memory_of_this_process() -> None:
    for card in all_cards("a"):
        assert card.timeout is None
        assert card.is_finished()  # the library keeps no finished view: clicks are routed by custom id
