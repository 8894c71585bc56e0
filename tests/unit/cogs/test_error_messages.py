"""Every refusal, phase and failure has a text that fits a message."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import LimitExceeded, MemberError, MemberReason
from bot.domain.image_models import MODELS
from bot.domain.jobs import Failure, FailureCause
from bot.domain.limits import Limit, LimitScope, Receipt, Usage
from bot.domain.periods import Period
from bot.domain.progress import Phase, Progress
from cogs.pictures import texts
from cogs.text import error_messages
from cogs.text.escaping import code_span, escape, single_line, truncate, utf16_length
from cogs.text.terms import (
    PERIODS_OF_LIMITS,
    PERMISSION_NAMES,
    format_name,
    limit_text,
    period_name,
    period_noun,
    scope_name,
    size_name,
    usage_text,
)
from cogs.text.translation import use_locale

MESSAGE_LIMIT = 2000
HUGE = 2**63
NOON = 1_750_000_000_000
MONTH = Usage(
    LimitScope.GUILD,
    limit_credits=200,
    spent_credits=180,
    held_credits=8,
    period=Period.MONTH,
    resets_at=NOON,
)

EXTREME: dict[str, object] = {
    "kind": "@everyone <@&1234567890123456789> `*_~|" * 200,
    "size_bytes": HUGE,
    "limit_bytes": HUGE - 1,
    "width": HUGE,
    "height": HUGE,
    "side_limit": HUGE,
    "pixel_limit": HUGE,
    "limit": HUGE,
    "count": HUGE,
    "number": HUGE,
    "filename": "**a**" * 200,
    "model": "**M**" * 200,
    "others": ["**M**" * 200] * 30,
    "missing": tuple(PERMISSION_NAMES),
    "sentence": "@everyone **soon** <@1234567890123456789>\n# back" * 200,
}


@pytest.mark.parametrize("reason", MemberReason)
@pytest.mark.parametrize("data", [{}, EXTREME], ids=["without data", "with extreme data"])
def test_every_reason_has_a_sentence_that_fits_a_message(
    reason: MemberReason, data: dict[str, object]
) -> None:
    sentence = error_messages.member_error(MemberError(reason, **data))
    assert 20 < utf16_length(sentence) < MESSAGE_LIMIT
    assert sentence.endswith(".")
    if reason is not MemberReason.PAUSED:  # "paused" is plain English
        assert reason.value not in sentence
    assert "@everyone" not in sentence


def test_no_two_reasons_share_a_sentence() -> None:
    sentences = [error_messages.member_error(MemberError(reason)) for reason in MemberReason]
    assert len(set(sentences)) == len(sentences)


def test_an_exceeded_limit_has_its_name_usage_reset_and_command() -> None:
    sentence = error_messages.member_error(LimitExceeded(MONTH, 20))
    for part in ("20 credits", "this server's limit", "12 left", "188 of 200 credits used this month"):
        assert part in sentence
    assert f"<t:{NOON // 1000}:R>" in sentence
    assert "/limits guild" in sentence
    assert "Nothing was charged" in sentence


@pytest.mark.parametrize(
    ("rule", "name", "remedy"),
    [
        (
            "guild",
            "this server's limit has 3 left",
            "Someone with Manage Server can raise it with `/limits guild`",
        ),
        (
            "everyone",
            "the limit for each member has",
            "`/limits member`, or give you more once with `/limits grant`",
        ),
        (
            "role",
            "the limit of your role <@&55> has",
            "`/limits role`, or give you more once with `/limits grant`",
        ),
        ("member", "your own limit has", "`/limits member`, or give you more once with `/limits grant`"),
        ("ceiling", "what this bot allows this server has", "Only the people who run this bot can raise it"),
    ],
)
def test_every_scope_has_its_name_usage_and_remedy(rule: str, name: str, remedy: str) -> None:
    usage = Usage(LimitScope(rule), 20, 10, 7, Period.WEEK, NOON, subject_id=55 if rule == "role" else 0)
    sentence = error_messages.member_error(LimitExceeded(usage, 4))
    for part in (name, remedy, "17 of 20 credits used this week", f"<t:{NOON // 1000}:R>"):
        assert part in sentence
    assert sentence.endswith("Nothing was charged.")
    assert ("Manage Server" in sentence) == (not LimitScope(rule).is_ceiling)


def test_the_ceiling_of_all_servers_shows_no_numbers() -> None:
    usage = Usage(LimitScope.CEILING_ALL, 98765, 54321, 44441, Period.WEEK, NOON)
    sentence = error_messages.member_error(LimitExceeded(usage, 4)).replace(f"<t:{NOON // 1000}:R>", "")
    assert not any(character.isdigit() for character in sentence)
    assert "used up" in sentence
    assert "people who run this bot" in sentence


def test_a_refusal_shows_what_grants_have_left() -> None:
    usage = Usage(LimitScope.MEMBER, 20, 20, 0, Period.WEEK, NOON, granted_credits=3)
    sentence = error_messages.member_error(LimitExceeded(usage, 4))
    assert "has 3 left (20 of 20 credits used this week; grants hold 3 more)" in sentence


def test_every_scope_has_a_name_and_a_short_refusal() -> None:
    for rule in LimitScope:
        assert (
            utf16_length(
                error_messages.member_error(
                    LimitExceeded(Usage(rule, HUGE, HUGE, 0, Period.TOTAL, None, HUGE), HUGE)
                )
            )
            < 600
        )
        assert scope_name(rule, 5).startswith(("The ", "This ", "What "))
        assert ("5>" in scope_name(rule, 5)) is (rule in {LimitScope.ROLE, LimitScope.MEMBER})


def test_a_pause_quotes_the_operators_sentence_without_mentions() -> None:
    error = MemberError(MemberReason.PAUSED, sentence="Back on Monday @everyone")
    sentence = error_messages.member_error(error)
    assert "They say: Back on Monday" in sentence
    assert "@everyone" not in sentence
    assert "They say" not in error_messages.member_error(MemberError(MemberReason.PAUSED, sentence=""))


@pytest.mark.parametrize("exempt", [True, False])
def test_a_limit_has_a_text(exempt: bool) -> None:
    assert limit_text(Limit(5, Period.DAY, exempt=exempt)) == ("exempt" if exempt else "5 credits a day")
    assert limit_text(None) == "no limit"


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("en-US", "12,000 of 34,567 credits used this month; grants hold 1,000 more"),
        ("id", "12.000 dari 34.567 kredit terpakai bulan ini; hibah masih tersisa 1.000"),
    ],
)
def test_numbers_are_written_as_the_language_writes_them(locale: str, words: str) -> None:
    usage = Usage(LimitScope.GUILD, 34_567, 12_000, 0, Period.MONTH, NOON, granted_credits=1000)
    with use_locale(locale):
        assert usage_text(usage) == words


def test_the_refusal_of_a_total_limit_says_that_it_never_resets() -> None:
    usage = Usage(LimitScope.GUILD, 10, 10, 0, Period.TOTAL, None)
    assert "never resets" in error_messages.member_error(LimitExceeded(usage, 4))


def test_the_size_of_a_file_a_byte_too_big_is_rounded_up() -> None:
    error = MemberError(MemberReason.REFERENCE_TOO_BIG, size_bytes=10_000_001, limit_bytes=10_000_000)
    assert "10.1 MB, where 10.0 MB are allowed" in error_messages.member_error(error)


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (9000, 100, "9000 × 100, where a side may have 8192"),  # noqa: RUF001  # the multiplication sign
        (8000, 6000, "8000 × 6000, where 40 million in all are allowed"),  # noqa: RUF001  # same
    ],
)
def test_too_many_pixels_name_the_limit_that_was_exceeded(width: int, height: int, expected: str) -> None:
    limits = {"side_limit": 8192, "pixel_limit": 40_000_000}
    error = MemberError(MemberReason.REFERENCE_TOO_LARGE, width=width, height=height, **limits)
    assert expected in error_messages.member_error(error)


def test_missing_permissions_are_named_as_discord_names_them() -> None:
    error = MemberError(MemberReason.CHANNEL_UNUSABLE, missing=("view_channel", "attach_files"))
    assert "View Channel, Attach Files" in error_messages.member_error(error)


@pytest.mark.parametrize("phase", Phase)
def test_every_phase_has_a_text(phase: Phase) -> None:
    line = texts.progress_text(Progress(phase, NOON, position=HUGE))
    assert 10 < utf16_length(line) < MESSAGE_LIMIT


@pytest.mark.parametrize(("count", "expected"), [(1, "your reference."), (3, "your 3 references.")])
def test_the_references_that_are_uploaded_are_counted(count: int, expected: str) -> None:
    assert expected in texts.progress_text(Progress(Phase.UPLOADING, NOON), count)


@pytest.mark.parametrize(
    ("position", "expected"),
    [(1, "next in line"), (2, "place 2 in line"), (112, "place 112 in line")],
)
def test_the_position_in_the_queue_is_shown(position: int, expected: str) -> None:
    assert expected in texts.progress_text(Progress(Phase.WAITING, NOON, position))


def test_the_text_of_a_late_job_says_that_it_is_not_lost() -> None:
    line = texts.progress_text(Progress(Phase.LATE, NOON))
    assert "not lost" in line
    assert f"<t:{NOON // 1000}:R>" in line


@pytest.mark.parametrize("who", FailureCause)
def test_every_failure_says_what_was_charged(who: FailureCause) -> None:
    free = texts.failure_text(Failure(who, "some_code", "x" * 5000))
    assert free.endswith("Nothing was charged.")
    assert utf16_length(free) < MESSAGE_LIMIT
    assert "4 credits were charged." in texts.failure_text(Failure(who, "some_code", charged_credits=4))
    assert "1 credit was charged." in texts.failure_text(Failure(who, "some_code", charged_credits=1))
    doubtful = texts.failure_text(Failure(who, "some_code", in_doubt=True))
    assert "being checked" in doubtful
    assert "Nothing was charged" not in doubtful


@pytest.mark.parametrize("reason", MemberReason)
def test_a_failure_has_the_same_reason_as_a_refusal(reason: MemberReason) -> None:
    data = json.dumps(EXTREME | {"missing": ["view_channel"]})
    sentence = texts.failure_text(Failure(FailureCause.MEMBER, reason, message=data))
    assert sentence.count("Nothing was charged.") == 1
    assert utf16_length(sentence) < MESSAGE_LIMIT
    early = error_messages.member_error(MemberError(reason, **(EXTREME | {"missing": ("view_channel",)})))
    assert sentence.startswith(early.removesuffix("Nothing was charged.").rstrip())


@pytest.mark.parametrize("message", ["", "no json", "[1]", "null"])
def test_a_failure_whose_data_cannot_be_read_still_has_its_reason(message: str) -> None:
    sentence = texts.failure_text(
        Failure(FailureCause.MEMBER, MemberReason.REFERENCE_TOO_BIG, message=message)
    )
    assert sentence.startswith("The reference file is too big.")


def test_rivyas_message_is_escaped() -> None:
    sentence = texts.failure_text(
        Failure(FailureCause.RIVYA, "x", "@everyone **look** <@1234567890123456789> [a](b)")
    )
    assert "@everyone" not in sentence
    assert "\\*\\*look\\*\\*" in sentence
    assert "\\<@" in sentence


@pytest.mark.parametrize(
    "sentence", [error_messages.operator_error("ab12cd34"), error_messages.internal_error("ab12cd34")]
)
def test_errors_of_the_operator_and_bugs_have_a_reference(sentence: str) -> None:
    assert "`ab12cd34`" in sentence


def test_a_receipt_shows_the_cost_and_what_is_left() -> None:
    assert texts.receipt_text(Receipt(4, MONTH)) == "4 credits · 12 of 200 left this month"
    assert texts.receipt_text(Receipt(1, MONTH)).startswith("1 credit ·")
    helped = Usage(LimitScope.GUILD, 200, 200, 0, Period.MONTH, NOON, granted_credits=50)
    assert texts.receipt_text(Receipt(4, helped)) == (
        "4 credits · 0 of 200 left this month; grants hold 50 more"
    )


def test_every_size_format_and_period_has_a_name() -> None:
    for model in MODELS.values():
        assert all(size_name(size) != size for size in model.sizes)
        assert all(format_name(name) != name for name in model.file_formats)
    for period in Period:
        assert len({period_noun(period), PERIODS_OF_LIMITS[period], period}) == 3
        assert period_name(period) in {f"a {period}", "in total"}


@given(st.text(), st.integers(0, 60))
def test_truncated_text_fits_and_can_be_encoded(text: str, limit: int) -> None:
    short = truncate(text, limit)
    assert utf16_length(short) <= limit
    short.encode()  # raises for a lone surrogate


@given(
    st.text(
        alphabet=st.sampled_from("a \n\t*_~|`<>[]()#@&!:0123456789everyonehere\u202e\u200f\ud83d"),
        max_size=80,
    )
)
def test_escaped_text_is_one_line_without_markup_and_mentions(text: str) -> None:
    line = escape(text, 60)
    assert "\n" not in line
    assert "\u202e" not in line
    rest = line.replace("\\\\", "")
    for sign in "*_~|`<>[]#":
        assert sign not in rest.replace(f"\\{sign}", "")
    assert "@everyone" not in line
    assert "@here" not in line


def test_escaping_leaves_plain_text_readable() -> None:
    assert escape("a cat & a dog, 3:4 (really!)", 60) == "a cat & a dog, 3:4 (really!)"
    assert single_line("a  cat\nin\tthe\x00rain", 60) == "a cat in the rain"


def test_code_is_shown_without_backslashes_and_ends_nowhere_else() -> None:
    assert code_span("task_qwen_image_91b7", 60) == "`task_qwen_image_91b7`"
    assert code_span("a`*b*\n`c", 60) == "`a*b* c`"
    assert code_span("``", 60) == ""


def test_a_lone_surrogate_is_dropped() -> None:
    assert truncate("a\ud83d cat", 60) == "a cat"
    assert truncate("ab\U0001f3a8", 3) == "ab…"


@pytest.mark.parametrize(
    ("typed", "shown"), [("- a fox", "\\- a fox"), ("1. a fox", "1\\. a fox"), ("-# fox", "-\\# fox")]
)
def test_escaped_text_begins_no_list_and_no_subtext(typed: str, shown: str) -> None:
    assert escape(typed, 60) == shown


@pytest.mark.parametrize("typed", ["1.5 foxes", "a - b", "-5 degrees", "2026"])
def test_escaping_leaves_numbers_and_dashes_unchanged(typed: str) -> None:
    assert escape(typed, 60) == typed


@pytest.mark.parametrize("reason", [each for each in MemberReason if each.name.startswith("REFERENCE_")])
def test_a_sentence_about_one_of_several_references_begins_with_which_one(reason: MemberReason) -> None:
    alone = error_messages.member_reason(reason, {})
    assert error_messages.member_reason(reason, {"number": 2, "filename": "a*b.png"}) == (
        f"Reference 2, a\\*b.png: {alone}"
    )


@pytest.mark.parametrize(
    ("others", "words"),
    [
        (None, "Qwen Image takes 1 reference, and this request has 3. Please leave some out."),
        (["Flux 2 Pro", "Nano Banana"], "choose a model that takes as many: Flux 2 Pro, Nano Banana."),
    ],
)
def test_too_many_references_name_the_models_that_take_as_many(others: object, words: str) -> None:
    error = MemberError(MemberReason.TOO_MANY_REFERENCES, model="Qwen Image", limit=1, count=3, others=others)
    assert words in error_messages.member_error(error)
