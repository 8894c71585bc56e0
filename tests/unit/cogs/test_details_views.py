"""The details of a picture: complete for long prompts and many ancestors, without prompts of others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from bot.domain.jobs import DeliveredMessage, DeliveryMethod, Destination, Job, Request, Stage
from bot.jobs.history import Ancestry, HistoryItem
from cogs.pictures.details_views import ANCESTORS_SHOWN, details_view
from cogs.text.escaping import utf16_length

MEMBER, OTHER, HERE, ELSEWHERE = 3, 4, 2, 9
NOON = 1_750_000_000_000


def make_item(number: int, prompt: str, *, private: bool = False, channel_id: int = HERE) -> HistoryItem:
    destination = Destination(2**62, channel_id, MEMBER, 4, number, "", 10_485_760, "en-US", private=private)
    job = Job(
        job_id=f"{number:08d}-0000-4000-8000-000000000000",
        request=Request(destination, prompt, "qwen-image", "square_hd", "png"),
        stage=Stage.DELIVERED,
        quote_credits=4,
        accepted_at=NOON,
        delivered_message=DeliveredMessage(channel_id, 2**62 + number, DeliveryMethod.REPLY),
    )
    return HistoryItem(job, 4, None)


def details_text(item: HistoryItem, *ancestors: HistoryItem, to: int = OTHER, at: int = HERE) -> str:
    chain = Ancestry(ancestors, 4 * (len(ancestors) + 1))
    view, _ = details_view(item, chain, user_id=to, channel_id=at)
    (container,) = cast("Any", view).to_components()
    texts = [part["content"] for part in container["components"] if "content" in part]
    assert sum(map(utf16_length, texts)) <= 4000
    return "\n".join(texts)


@pytest.mark.parametrize("prompt", ["x" * 2400, "[" * 1200, "x" * 5000])
def test_neither_the_id_nor_a_link_is_cut_by_a_long_prompt(prompt: str) -> None:
    text = details_text(make_item(1, prompt), *(make_item(number, "[" * 90) for number in range(2, 20)))
    assert "Id: `00000001-" in text
    assert text.count(f"/{2**62}/") == ANCESTORS_SHOWN
    assert "…" not in text.splitlines()[-1]
    assert text.endswith("and 13 before")


def test_the_prompt_of_an_ancestor_is_shown_only_to_those_who_may_see_it() -> None:
    item, parent = make_item(1, "a fox"), make_item(2, "its parent")
    hidden = make_item(2, "its parent", private=True)
    elsewhere = make_item(2, "its parent", channel_id=ELSEWHERE)
    deleted = HistoryItem(replace(parent.job, deleted_at=NOON), 4, None)
    assert "its parent" in details_text(item, parent)
    assert "a private picture" in details_text(item, hidden)
    assert "a deleted picture" in details_text(item, deleted, to=MEMBER)
    assert all("its parent" not in details_text(item, each) for each in (hidden, elsewhere, deleted))
    assert all("its parent" in details_text(item, each, to=MEMBER) for each in (hidden, elsewhere))
