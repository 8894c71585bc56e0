"""The phrase for how many pictures credits are enough, and the list of prices."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cli import output
from bot.domain.errors import LimitExceeded
from bot.domain.image_models import MODELS
from bot.domain.limits import LimitScope, MemberLimits, Usage
from bot.domain.periods import Period
from bot.domain.prices import PriceList, Quote, ShownPrice
from bot.jobs.requests.submission import NeedsConfirmation
from cogs.credits.balance_views import pictures_left_text
from cogs.credits.price_lines import LIST_UNITS, price_lines
from cogs.imagine.confirm_views import price_question_view
from cogs.text.error_messages import member_error
from cogs.text.escaping import utf16_length
from cogs.text.terms import enough_text
from cogs.text.translation import use_locale
from tests.support.factories import make_request
from tests.support.prices import EVERY_MODEL, ONE_MODEL, SEVERAL_MODELS
from tests.support.views import view_text


def usage(limit: int, used: int, scope: LimitScope = LimitScope.GUILD) -> Usage:
    return Usage(scope, limit, used, 0, Period.MONTH, None)


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (12, "12 left: enough for 3 of Qwen Image."),
        (4, "4 left: enough for 1 of Qwen Image."),
        (3, "3 left: not enough for Qwen Image, but for 3 of Z Image."),
        (0, "Not enough is left for a picture: the cheapest costs 1 credit with Z Image."),
    ],
)
def test_what_is_left_is_said_in_pictures_of_a_model(left: int, words: str) -> None:
    assert enough_text(left, SEVERAL_MODELS) == words


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (12, "A picture costs 4 credits: enough for 3 more."),
        (3, "A picture costs 4 credits: not enough is left for one."),
    ],
)
def test_with_one_model_no_model_is_named(left: int, words: str) -> None:
    assert enough_text(left, ONE_MODEL) == words


def test_the_command_line_says_the_same_in_english() -> None:
    for left in (0, 3, 4, 12, 399):
        said = enough_text(left, SEVERAL_MODELS).removesuffix(".")
        if left:
            assert output.enough_text(left, SEVERAL_MODELS) == said
    assert output.enough_text(0, SEVERAL_MODELS) == "0 left: not enough for a picture; Z Image costs 1"


def test_the_phrase_is_in_every_language() -> None:
    with use_locale("id"):
        assert enough_text(12, SEVERAL_MODELS) == "Sisa 12: cukup untuk 3 dari Qwen Image."
    with use_locale("es-ES"):
        assert (
            enough_text(3, SEVERAL_MODELS)
            == "Quedan 3: no alcanza para Qwen Image, pero sí para 3 de Z Image."
        )


@given(
    st.lists(st.integers(1, 20), min_size=1, max_size=6).map(
        lambda prices: PriceList(tuple(ShownPrice(each, f"model {n}") for n, each in enumerate(prices)))
    ),
    st.integers(0, 60),
)
def test_the_model_that_is_named_can_be_paid_and_the_default_comes_first(
    prices: PriceList, left: int
) -> None:
    best, within = prices.best_for(left), prices.within(left)
    assert (best is None) == (within is None) == (left < prices.cheapest.credits)
    if best is None or within is None:
        return
    assert best.credits <= left
    assert best in within.prices
    assert best is prices.default or prices.default.credits > left
    assert all(price.credits > left for price in set(prices.prices) - set(within.prices))


def test_the_list_has_a_line_for_each_price_the_lowest_first() -> None:
    assert price_lines(SEVERAL_MODELS).splitlines() == [
        "**What a picture costs**",
        "1 credit: Z Image",
        "4 credits: Qwen Image",
        "from 5 credits: Flux 2 Pro",
    ]


def test_the_list_of_every_model_is_short_and_names_each_once() -> None:
    text = price_lines(EVERY_MODEL)
    assert utf16_length(text) < 700
    assert len(text.splitlines()) <= 20
    for model in MODELS.values():
        assert len(re.findall(rf"(?:: |, ){re.escape(model.name)}(?:,|$)", text, re.MULTILINE)) == 1


def test_a_list_that_is_too_long_says_how_many_models_are_left_out() -> None:
    prices = PriceList(tuple(ShownPrice(n, f"{n} " + "x" * 90) for n in range(1, 101)))
    lines = price_lines(prices).splitlines()
    assert utf16_length("\n".join(lines)) < LIST_UNITS + 100
    assert lines[-1] == f"and {100 - len(lines[1:-1])} more models"


def test_a_refusal_names_its_model_and_a_cheaper_one() -> None:
    refused = LimitExceeded(usage(20, 17), 5)
    refused.model_name, refused.cheaper = "Flux 2 Pro", ShownPrice(1, "Z Image")
    text = member_error(refused)
    assert "A picture costs 5 credits with Flux 2 Pro, but this server's limit has 3 left" in text
    assert "3 left: enough for 3 of Z Image." in text
    assert text.endswith("Nothing was charged.")


def test_a_refusal_by_the_budget_of_all_servers_has_no_numbers() -> None:
    refused = LimitExceeded(usage(7777, 7774, LimitScope.CEILING_ALL), 5)
    assert "is used up" in member_error(refused)
    refused.model_name, refused.cheaper = "Flux 2 Pro", ShownPrice(1, "Z Image")
    text = member_error(refused)
    assert "has no room for this picture, but for one of Z Image" in text
    assert "used up" not in text
    assert not re.search(r"7,?777|\b3\b", text)


def test_the_budget_of_all_servers_decides_by_model_without_a_number() -> None:
    guild = usage(40, 10)
    for left, words in (
        (30, "30 left: enough for 7 of Qwen Image."),
        (3, "30 left: enough for 30 of Z Image."),
        (0, "Not enough is left for a picture"),
    ):
        hidden = usage(7777, 7777 - left, LimitScope.CEILING_ALL)
        text = pictures_left_text(MemberLimits(guild, (hidden,)), SEVERAL_MODELS)
        assert text.startswith(words)
        assert "777" not in text


def test_the_question_about_a_price_names_the_model() -> None:
    question = NeedsConfirmation(1, make_request(), Quote(5), MemberLimits(usage(20, 0)))
    assert "costs 5 credits with Flux 2 Pro" in view_text(price_question_view(question, "Flux 2 Pro"))
    assert "costs 5 credits\n" in view_text(price_question_view(question, None))
