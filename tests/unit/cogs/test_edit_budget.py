"""How often the messages of groups are edited, by a clock of the tests."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogs.delivery import edit_budget
from cogs.delivery.edit_budget import ChannelPace, EditBudget, MessagePace


def test_a_result_waits_three_seconds_after_an_edit_and_progress_ever_longer() -> None:
    pace = MessagePace(100.0)
    assert pace.due_at(final=True) == -math.inf
    assert pace.due_at(final=False) == 100.5  # the other jobs may say something, too
    for at, progress_seconds in [(100.5, 10), (103.5, 20), (106.5, 40), (109.5, 80), (112.5, 120)]:
        pace.edited(at)
        assert pace.due_at(final=True) == at + 3
        assert pace.due_at(final=False) == at + progress_seconds


def test_a_slow_group_has_about_six_edits_in_five_minutes() -> None:
    pace, now, edits = MessagePace(0.0), 0.0, 0
    while (now := max(now, pace.due_at(final=False))) < 300:
        pace.edited(now)
        edits += 1
    assert edits == 6


def test_a_channel_takes_four_edits_and_the_next_ones_in_turn() -> None:
    channel = ChannelPace()
    assert [channel.reserve(0.0).at for _ in range(9)] == [0, 0, 0, 0, 5, 5, 5, 5, 10]
    assert channel.reserve(100.0).at == 100


def test_an_edit_counts_from_its_end_also_for_those_that_wait() -> None:
    channel = ChannelPace()
    first, *others, fifth = (channel.reserve(0.0) for _ in range(5))
    assert fifth.at == 5
    first.made(3.0)  # its files took so long to arrive
    assert fifth.at == 8
    for other in others:
        other.made(4.0)
    assert fifth.at == 8
    assert channel.reserve(5.0).at == 9
    fifth.made(8.5)
    assert channel.progress_from == 9.0


def test_progress_leaves_one_edit_for_a_result_and_waits_while_results_do() -> None:
    channel = ChannelPace()
    for at in (0.0, 1.0, 2.0):
        assert channel.progress_from <= at
        assert channel.reserve(at).at == at
    assert channel.progress_from == 5.0  # the first one is over then
    assert channel.reserve(3.0).at == 3.0
    assert channel.reserve(3.0).at == 5.0
    assert channel.progress_from == 7.0  # two of four are left then


@given(st.lists(st.tuples(st.floats(0, 3), st.booleans()), max_size=60))
def test_no_five_seconds_have_more_than_four_edits_of_a_channel(steps: list[tuple[float, bool]]) -> None:
    channel, now, edits = ChannelPace(), 0.0, []
    for seconds, final in steps:
        now += seconds
        if final or channel.progress_from <= now:
            edits.append(channel.reserve(now).at)
    assert edits == sorted(edits)
    # A microsecond less, since sums of such numbers are not exact.
    assert all(later - first >= 5 - 1e-6 for first, later in zip(edits, edits[4:], strict=False))


def test_channels_do_not_share_a_budget_and_old_ones_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edit_budget, "MAX_CHANNELS", 2)
    budget = EditBudget()
    assert [budget.of(7).reserve(0.0).at for _ in range(5)][-1] == 5
    assert budget.of(8).reserve(0.0).at == 0
    assert budget.of(7).reserve(1.0).at == 5
    for channel_id in (9, 10):
        budget.of(channel_id)
    assert budget.of(7).reserve(1.0).at == 1
