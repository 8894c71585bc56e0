"""The views of pictures: within Discord's limits for every prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.domain.jobs import Destination, Failure, FailureCause, Job, Request, Stage
from bot.domain.limits import LimitScope, Receipt, Usage
from bot.domain.periods import Period
from bot.domain.progress import Phase, Progress
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
    "only blanks": "\u2029\x00\n" * 100,
}


def make_job(prompt: str, *, spoiler: bool = False) -> Job:
    destination = Destination(1, 2, 3, 4, 5, "token", 10_485_760, "en-US")
    request = Request(destination, prompt, "qwen-image", "square_hd", "png", spoiler=spoiler)
    return Job(JOB_ID, request, Stage.SUCCEEDED, 4, NOON)


def make_all_views(prompt: str) -> Iterator[LayoutView]:
    greeting = picture_texts.channel_greeting(2**63)
    for show_prompt in (True, False):
        yield views.result_view(
            make_job(prompt),
            RECEIPT,
            f"{JOB_ID}.png",
            shrunk=True,
            greeting=greeting,
            show_prompt=show_prompt,
        )
        for who in FailureCause:
            failure = Failure(who, "some_code", prompt)
            yield views.failure_view(make_job(prompt), failure, greeting=greeting, show_prompt=show_prompt)
    for phase in Phase:
        yield views.progress_view(make_job(prompt), Progress(phase, NOON, 3))
    yield views.moved_view(make_job(prompt))


def walk(components: object) -> Iterator[Mapping[str, object]]:
    if isinstance(components, list):
        for component in components:
            yield from walk(component)
    elif isinstance(components, dict):
        yield components
        yield from walk(components.get("components"))


def payload(view: LayoutView) -> list[Mapping[str, object]]:
    return list(walk(view.to_components()))


def texts(view: LayoutView) -> list[str]:
    return [str(part["content"]) for part in payload(view) if part["type"] == 10]


def alt_text(view: LayoutView) -> str:
    (gallery,) = (part for part in payload(view) if part["type"] == 12)
    items = gallery["items"]
    assert isinstance(items, list)
    return str(items[0]["description"])


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS.keys())
def test_every_view_is_within_discords_limits(prompt: str) -> None:
    for view in make_all_views(prompt):
        assert len(payload(view)) <= 40
        assert sum(map(utf16_length, texts(view))) <= 4000
        assert texts(view)
        assert all(texts(view))


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS.keys())
def test_alt_text_is_never_empty_and_never_too_long(prompt: str) -> None:
    alt = alt_text(views.result_view(make_job(prompt), RECEIPT, f"{JOB_ID}.png", shrunk=False))
    assert 1 <= utf16_length(alt) <= 1024


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS.keys())
def test_a_prompt_is_one_quoted_line_without_mentions(prompt: str) -> None:
    view = views.result_view(make_job(prompt), RECEIPT, f"{JOB_ID}.png", shrunk=False)
    *quotes, receipt = texts(view)
    assert len(quotes) == (prompt not in {PROMPTS["only blanks"], PROMPTS["lone surrogates"]})
    assert receipt == "-# <@3> · 4 credits · 12 of 200 left this month"
    for quote in quotes:
        assert quote.startswith("> ")
        assert "\n" not in quote
        assert "@everyone" not in quote
        assert "<@" not in quote.replace("\\<", "")


def test_a_long_prompt_is_truncated_in_the_message_and_later_in_the_alt_text() -> None:
    view = views.result_view(make_job("x" * 5000), RECEIPT, f"{JOB_ID}.png", shrunk=False)
    assert texts(view)[0] == "> " + "x" * 299 + "…"
    assert alt_text(view) == "x" * 1023 + "…"


def test_a_view_without_the_prompt_has_it_nowhere() -> None:
    view = views.result_view(make_job("forbidden"), RECEIPT, f"{JOB_ID}.png", shrunk=False, show_prompt=False)
    assert "forbidden" not in str(view.to_components())


def test_a_spoiler_is_marked_and_the_file_is_the_jobs() -> None:
    view = views.result_view(make_job("a twist", spoiler=True), RECEIPT, f"{JOB_ID}.png", shrunk=False)
    assert f"attachment://{JOB_ID}.png" in str(view.to_components())
    assert "'spoiler': True" in str(view.to_components())


def test_a_downscaled_picture_has_a_note() -> None:
    assert "made smaller" in texts(views.result_view(make_job("a"), RECEIPT, "a.jpg", shrunk=True))[-1]


def test_a_failure_has_the_job_id_only_if_operator_or_developer_must_act() -> None:
    named = {
        who: any(JOB_ID in text for text in texts(views.failure_view(make_job("a"), Failure(who, "code"))))
        for who in FailureCause
    }
    assert named == {"member": False, "rivya": False, "operator": True, "developer": True}


async def test_no_view_is_kept_in_the_memory_of_this_process() -> None:
    for view in make_all_views("a"):
        assert view.timeout is None
        assert view.is_finished()  # the library keeps no finished view: clicks are routed by custom id
