"""Every refusal, phase and failure has a sentence, and no sentence outgrows a message."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.catalog import MODELS
from bot.errors import LimitReached, MemberError, MemberReason
from bot.jobs import Failure, Phase, Progress, Receipt, Usage
from bot.ledger import Limit, LimitChange
from bot.periods import PERIODS
from cogs import replies
from cogs.text import harmless, plain, shorten, units
from cogs.wording import PERMISSION_NAMES, format_name, period_choice, period_name, period_word, size_name

MESSAGE_LIMIT = 2000
HUGE = 2**63
NOON = 1_750_000_000_000
MONTH = Usage("guild", limit_credits=200, spent_credits=180, held_credits=8, period="month", resets_at=NOON)

EXTREME: dict[str, object] = {
    "kind": "@everyone <@&1234567890123456789> `*_~|" * 200,
    "size_bytes": HUGE,
    "limit_bytes": HUGE - 1,
    "width": HUGE,
    "height": HUGE,
    "side_limit": HUGE,
    "pixel_limit": HUGE,
    "limit": HUGE,
    "missing": tuple(PERMISSION_NAMES),
}


@pytest.mark.parametrize("reason", MemberReason)
@pytest.mark.parametrize("data", [{}, EXTREME], ids=["without data", "with extreme data"])
def test_every_reason_has_a_sentence_that_fits_a_message(
    reason: MemberReason, data: dict[str, object]
) -> None:
    sentence = replies.member_error(MemberError(reason, **data))
    assert 20 < units(sentence) < MESSAGE_LIMIT
    assert sentence.endswith(".")
    assert reason.value not in sentence
    assert "@everyone" not in sentence


def test_no_two_reasons_share_a_sentence() -> None:
    sentences = [replies.member_error(MemberError(reason)) for reason in MemberReason]
    assert len(set(sentences)) == len(sentences)


def test_a_reached_limit_says_which_how_much_when_and_who_can_change_it() -> None:
    sentence = replies.member_error(LimitReached(MONTH, 20))
    for part in ("20 credits", "this server's limit", "12 left", "188 of 200 credits used this month"):
        assert part in sentence
    assert f"<t:{NOON // 1000}:R>" in sentence
    assert "/limits guild" in sentence
    assert "Nothing was charged" in sentence


def test_a_limit_in_total_never_resets() -> None:
    usage = Usage("guild", 10, 10, 0, "total", None)
    assert "never resets" in replies.member_error(LimitReached(usage, 4))


def test_a_file_a_byte_too_big_does_not_look_as_if_it_fitted() -> None:
    error = MemberError(MemberReason.REFERENCE_TOO_BIG, size_bytes=10_000_001, limit_bytes=10_000_000)
    assert "10.1 MB, where 10.0 MB are allowed" in replies.member_error(error)


@pytest.mark.parametrize(
    ("width", "height", "words"),
    [
        (9000, 100, "9000 × 100, where a side may have 8192"),  # noqa: RUF001  # the sign for sizes
        (8000, 6000, "8000 × 6000, where 40 million in all are allowed"),  # noqa: RUF001  # same
    ],
)
def test_too_many_pixels_name_the_limit_that_was_passed(width: int, height: int, words: str) -> None:
    limits = {"side_limit": 8192, "pixel_limit": 40_000_000}
    error = MemberError(MemberReason.REFERENCE_TOO_LARGE, width=width, height=height, **limits)
    assert words in replies.member_error(error)


def test_missing_permissions_are_named_as_discord_names_them() -> None:
    error = MemberError(MemberReason.CHANNEL_UNUSABLE, missing=("view_channel", "attach_files"))
    assert "View Channel, Attach Files" in replies.member_error(error)


@pytest.mark.parametrize("phase", Phase)
def test_every_phase_has_a_line(phase: Phase) -> None:
    line = replies.progress_line(Progress(phase, NOON, position=HUGE))
    assert 10 < units(line) < MESSAGE_LIMIT


@pytest.mark.parametrize(
    ("position", "words"),
    [(1, "next in line"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (21, "21st"), (112, "112th")],
)
def test_places_in_line_are_counted_in_english(position: int, words: str) -> None:
    assert words in replies.progress_line(Progress(Phase.WAITING, NOON, position))


def test_a_late_job_is_not_given_up() -> None:
    line = replies.progress_line(Progress(Phase.LATE, NOON))
    assert "not lost" in line
    assert f"<t:{NOON // 1000}:R>" in line


@pytest.mark.parametrize("who", ["member", "operator", "rivya", "developer"])
def test_every_failure_says_plainly_what_it_cost(who: str) -> None:
    free = replies.failure_sentence(Failure(who, "some_code", "x" * 5000))
    assert free.endswith("Nothing was charged.")
    assert units(free) < MESSAGE_LIMIT
    assert "4 credits were charged." in replies.failure_sentence(Failure(who, "some_code", charged_credits=4))
    assert "1 credit was charged." in replies.failure_sentence(Failure(who, "some_code", charged_credits=1))
    doubtful = replies.failure_sentence(Failure(who, "some_code", in_doubt=True))
    assert "being checked" in doubtful
    assert "Nothing was charged" not in doubtful


@pytest.mark.parametrize("reason", MemberReason)
def test_a_member_hears_the_same_reason_late_as_early(reason: MemberReason) -> None:
    data = json.dumps(EXTREME | {"missing": ["view_channel"]})
    sentence = replies.failure_sentence(Failure("member", reason, message=data))
    assert sentence.count("Nothing was charged.") == 1
    assert units(sentence) < MESSAGE_LIMIT
    early = replies.member_error(MemberError(reason, **(EXTREME | {"missing": ("view_channel",)})))
    assert sentence.startswith(early.removesuffix("Nothing was charged.").rstrip())


@pytest.mark.parametrize("message", ["", "no json", "[1]", "null"])
def test_a_failure_whose_data_cannot_be_read_still_has_its_reason(message: str) -> None:
    sentence = replies.failure_sentence(Failure("member", MemberReason.REFERENCE_TOO_BIG, message=message))
    assert sentence.startswith("The reference file is too big.")


def test_rivyas_words_can_do_nothing() -> None:
    sentence = replies.failure_sentence(
        Failure("rivya", "x", "@everyone **look** <@1234567890123456789> [a](b)")
    )
    assert "@everyone" not in sentence
    assert "\\*\\*look\\*\\*" in sentence
    assert "\\<@" in sentence


def test_a_lost_form_gives_the_words_back() -> None:
    assert "a red fox" in replies.control_gone("a red fox")
    assert units(replies.control_gone("*" * 4000)) <= MESSAGE_LIMIT
    assert "You typed" not in replies.control_gone("")


@pytest.mark.parametrize("sentence", [replies.operator_error("ab12cd34"), replies.broken("ab12cd34")])
def test_somebody_elses_trouble_comes_with_a_reference(sentence: str) -> None:
    assert "`ab12cd34`" in sentence


def test_a_receipt_shows_the_cost_and_what_is_left() -> None:
    assert replies.receipt_line(Receipt(4, MONTH)) == "4 credits · 12 of 200 left this month"
    assert replies.receipt_line(Receipt(1, MONTH)).startswith("1 credit ·")


def test_the_credits_card_counts_how_many_pictures_are_left() -> None:
    lines = replies.credits_lines(MONTH, mine_credits=8, cost_credits=4)
    assert "8 credits" in lines
    assert "enough for 3 more" in lines
    full = Usage("guild", 200, 199, 0, "month", NOON)
    assert "enough for no more" in replies.credits_lines(full, 0, 4)


def test_a_changed_limit_says_from_what_to_what_and_warns_where_more_is_used() -> None:
    roomy = LimitChange(
        Limit(200, "month"), Limit(500, "week", 7, NOON), Usage("guild", 500, 0, 8, "week", NOON)
    )
    lines = replies.limit_changed_lines(roomy)
    assert "From **200 credits a month** to **500 credits a week**" in lines
    assert "More than that" not in lines
    tight = LimitChange(
        Limit(200, "month"), Limit(4, "month", 7, NOON), Usage("guild", 4, 0, 8, "month", NOON)
    )
    assert "More than that is used already" in replies.limit_changed_lines(tight)


def test_a_limit_says_who_set_it_and_when() -> None:
    lines = replies.limit_lines(Limit(200, "month", set_by=42, set_at=NOON), MONTH)
    assert f"Set by <@42>, <t:{NOON // 1000}:f>" in lines
    assert "nobody has changed it" in replies.limit_lines(Limit(200, "month"), MONTH)


def test_everything_on_offer_has_a_name() -> None:
    for model in MODELS.values():
        assert all(size_name(size) != size for size in model.sizes)
        assert all(format_name(name) != name for name in model.formats)
    for period in PERIODS:
        assert len({period_name(period), period_word(period), period_choice(period), period}) >= 3


@given(st.text(), st.integers(0, 60))
def test_shortened_text_fits_and_can_always_be_sent(text: str, limit: int) -> None:
    short = shorten(text, limit)
    assert units(short) <= limit
    short.encode()  # raises for a lone surrogate


@given(
    st.text(
        alphabet=st.sampled_from("a \n\t*_~|`<>[]()#@&!:0123456789everyonehere\u202e\u200f\ud83d"),
        max_size=80,
    )
)
def test_harmless_text_is_one_line_without_live_markup(text: str) -> None:
    line = harmless(text, 60)
    assert "\n" not in line
    assert "\u202e" not in line
    rest = line.replace("\\\\", "")
    for mark in "*_~|`<>[]#":
        assert mark not in rest.replace(f"\\{mark}", "")
    assert "@everyone" not in line
    assert "@here" not in line


def test_harmless_text_still_reads_as_it_was_typed() -> None:
    assert harmless("a cat & a dog, 3:4 (really!)", 60) == "a cat & a dog, 3:4 (really!)"
    assert plain("a  cat\nin\tthe\x00rain", 60) == "a cat in the rain"


def test_half_a_character_which_no_encoding_can_carry_is_dropped() -> None:
    assert shorten("a\ud83d cat", 60) == "a cat"
    assert shorten("ab\U0001f3a8", 3) == "ab…"


@pytest.mark.parametrize(
    ("typed", "shown"), [("- a fox", "\\- a fox"), ("1. a fox", "1\\. a fox"), ("-# fox", "-\\# fox")]
)
def test_harmless_text_begins_no_list_and_no_small_print(typed: str, shown: str) -> None:
    assert harmless(typed, 60) == shown


@pytest.mark.parametrize("typed", ["1.5 foxes", "a - b", "-5 degrees", "2026"])
def test_harmless_text_leaves_numbers_and_dashes_alone(typed: str) -> None:
    assert harmless(typed, 60) == typed
