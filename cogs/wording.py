"""What things are called, in plain English: credits, periods, limits, sizes, permissions, moments.

Owns the names of things. Never imports anything of ours but jobs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.jobs import Usage

_PERIOD_WORDS: Final = {"day": "today", "week": "this week", "month": "this month", "total": "in total"}
_PERIOD_NAMES: Final = {"day": "a day", "week": "a week", "month": "a month", "total": "in total"}
_PERIOD_CHOICES: Final = {
    "day": "Every day",
    "week": "Every week, from Monday",
    "month": "Every month, from the first",
    "total": "Once: never resets",
}
_RULE_WORDS: Final = {"guild": "this server's limit"}
_SIZE_WORDS: Final = {
    "square_hd": "Square, high definition",
    "square": "Square",
    "portrait_4_3": "Portrait 3:4",
    "portrait_16_9": "Portrait 9:16",
    "landscape_4_3": "Landscape 4:3",
    "landscape_16_9": "Landscape 16:9",
}
_FORMAT_WORDS: Final = {"png": "PNG", "jpeg": "JPEG (smaller file)"}
PERMISSION_NAMES: Final = {
    "view_channel": "View Channel",
    "send_messages": "Send Messages",
    "send_messages_in_threads": "Send Messages in Threads",
    "attach_files": "Attach Files",
    "manage_guild": "Manage Server",
}


def credits_text(count: int) -> str:
    """`1 credit`, `4 credits`."""
    return "1 credit" if count == 1 else f"{count} credits"


def size_name(size: str) -> str:
    """A model's `image_size`, for people."""
    return _SIZE_WORDS.get(size, size)


def format_name(file_format: str) -> str:
    """A model's `output_format`, for people."""
    return _FORMAT_WORDS.get(file_format, file_format)


def period_name(period: str) -> str:
    """A limit's period, as in `200 credits a month`."""
    return _PERIOD_NAMES.get(period, period)


def period_choice(period: str) -> str:
    """A limit's period in a menu."""
    return _PERIOD_CHOICES.get(period, period)


def period_word(period: str) -> str:
    """The period that runs now, as in `12 left this month`."""
    return _PERIOD_WORDS.get(period, period)


def moment(at: int, style: str = "R") -> str:
    """A Discord timestamp from epoch milliseconds; `R` is relative, `f` a date with the time."""
    return f"<t:{at // 1000}:{style}>"


def permission_names(missing: Iterable[str]) -> str:
    """Permissions as Discord's own settings call them."""
    return ", ".join(PERMISSION_NAMES.get(name, name.replace("_", " ").title()) for name in missing)


def rule_words(usage: Usage) -> str:
    """Which rule binds, for people."""
    return _RULE_WORDS.get(usage.rule, f"the limit of the {usage.rule}")


def usage_words(usage: Usage) -> str:
    """`188 of 200 credits used this month`."""
    return f"{usage.used_credits} of {credits_text(usage.limit_credits)} used {period_word(usage.period)}"


def left_words(usage: Usage) -> str:
    """`12 of 200 left this month`."""
    return f"{usage.left_credits} of {usage.limit_credits} left {period_word(usage.period)}"


def reset_words(usage: Usage) -> str:
    """When the period ends, or that it never does."""
    return "It never resets." if usage.resets_at is None else f"It resets {moment(usage.resets_at)}."
