"""What things are called, in plain English: credits, periods, limits, sizes, permissions, moments.

Owns the names of things. Never imports anything of ours but jobs, rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.money.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.jobs import Usage
    from bot.money.rules import Limit

_PERIOD_WORDS: Final = {"day": "today", "week": "this week", "month": "this month", "total": "in total"}
_PERIOD_NAMES: Final = {"day": "a day", "week": "a week", "month": "a month", "total": "in total"}
_PERIOD_CHOICES: Final = {
    "day": "Every day",
    "week": "Every week, from Monday",
    "month": "Every month, from the first",
    "total": "Once: never resets",
}
_RULE_WORDS: Final = {
    Rule.CEILING_ALL: "the bot's own budget for all servers",
    Rule.CEILING: "what this bot allows this server",
    Rule.GUILD: "this server's limit",
    Rule.EVERYONE: "the limit for each member",
    Rule.ROLE: "the limit of your role",
    Rule.MEMBER: "your own limit",
}
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
    "use_application_commands": "Use Application Commands",
    "manage_guild": "Manage Server",
    "bot_owner": "ownership of this bot",
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
    """Which rule this is, to the member whom it binds."""
    rule = Rule(usage.rule)
    return f"{_RULE_WORDS[rule]} <@&{usage.subject_id}>" if rule is Rule.ROLE else _RULE_WORDS[rule]


def rule_name(rule: Rule, subject_id: int = 0) -> str:
    """Which rule this is, to an admin; opens a line."""
    match rule:
        case Rule.ROLE:
            return f"The limit of {role_mention(subject_id)}"
        case Rule.MEMBER:
            return f"The limit of {mention(subject_id)}"
        case _:
            words = _RULE_WORDS[rule]
            return words[0].upper() + words[1:]


def shows_numbers(usage: Usage) -> bool:
    """Whether people of a server may see how far this is used: over all servers, that tells of the others."""
    return usage.rule != Rule.CEILING_ALL


def limit_words(limit: Limit | None) -> str:
    """`200 credits a month`, `exempt`, or `no limit` where there is none."""
    if limit is None:
        return "no limit"
    return "exempt" if limit.exempt else f"{credits_text(limit.credits)} {period_name(limit.period)}"


def mention(user_id: int) -> str:
    """A person; 0, or less, stands for one whose name was erased."""
    return f"<@{user_id}>" if user_id > 0 else "somebody whose name was erased"


def role_mention(role_id: int) -> str:
    """A role that still exists."""
    return f"<@&{role_id}>"


def usage_words(usage: Usage) -> str:
    """`188 of 200 credits used this month`, and what grants still hold."""
    used = f"{usage.used_credits} of {credits_text(usage.limit_credits)} used {period_word(usage.period)}"
    return f"{used}; {granted_words(usage)}" if usage.granted_credits else used


def left_words(usage: Usage) -> str:
    """`12 of 200 left this month`, and what grants still hold."""
    own = usage.left_credits - usage.granted_credits
    left = f"{own} of {usage.limit_credits} left {period_word(usage.period)}"
    return f"{left}; {granted_words(usage)}" if usage.granted_credits else left


def granted_words(usage: Usage) -> str:
    """`grants hold 50 more`."""
    return f"grants hold {usage.granted_credits} more"


def reset_words(usage: Usage) -> str:
    """When the period ends, or that it never does."""
    return "It never resets." if usage.resets_at is None else f"It resets {moment(usage.resets_at)}."
