"""Forms: built within Discord's limits, not kept in memory, and numbers of credits read from them."""

from __future__ import annotations

import pytest
from discord import ui

from bot.domain.errors import ContractViolation
from bot.domain.limits import MAX_COMMAND_CREDITS
from cogs.ui.forms import build_form, labelled, parse_credits


def field() -> ui.TextInput[ui.Modal]:
    return ui.TextInput(custom_id="credits")


async def test_a_form_is_not_kept_and_a_long_description_is_cut() -> None:
    form = build_form("Set up", "kuas:form:1", labelled("Credits", field(), "x" * 101))
    assert form.is_finished()
    (part,) = form.to_dict()["components"]
    assert len(part["description"]) == 100


def test_a_form_that_discord_would_refuse_is_a_bug() -> None:
    with pytest.raises(ContractViolation):
        build_form("Set up" * 8, "kuas:form:1", labelled("Credits", field()))


@pytest.mark.parametrize(
    ("typed", "least", "credits"),
    [
        ("0", 0, 0),
        ("0", 1, None),
        ("1", 1, 1),
        ("007", 0, 7),
        ("00000007", 0, None),
        (f" {MAX_COMMAND_CREDITS} ", 0, MAX_COMMAND_CREDITS),
        (str(MAX_COMMAND_CREDITS + 1), 0, None),
        ("9" * 5000, 0, None),
        ("-1", 0, None),
        ("1.5", 0, None),
        ("1e3", 0, None),
        ("٣", 0, None),
        ("", 0, None),
    ],
)
def test_credits_are_whole_numbers(typed: str, least: int, credits: int | None) -> None:
    assert parse_credits(typed, least) == credits
