"""What things are called: credits, periods, limits, sizes, permissions, moments, lengths of time.

Owns the names of things. Never imports anything of ours but jobs, rules, tongues.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.limits import Rule
from cogs.text.translation import count, noted, say

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.domain.jobs import Usage
    from bot.domain.limits import Limit

_PERIOD_WORDS: Final = {
    "day": noted("today"),
    "week": noted("this week"),
    "month": noted("this month"),
    "total": noted("in total"),
}
_PERIOD_NAMES: Final = {
    "day": noted("a day"),
    "week": noted("a week"),
    "month": noted("a month"),
    "total": noted("in total"),
}
PERIOD_CHOICES: Final = {
    "day": noted("Every day"),
    "week": noted("Every week, from Monday"),
    "month": noted("Every month, from the first"),
    "total": noted("Once: never resets"),
}
_RULE_WORDS: Final = {
    Rule.CEILING_ALL: noted("the bot's own budget for all servers"),
    Rule.CEILING: noted("what this bot allows this server"),
    Rule.GUILD: noted("this server's limit"),
    Rule.EVERYONE: noted("the limit for each member"),
    Rule.ROLE: noted("the limit of your role {role}"),
    Rule.MEMBER: noted("your own limit"),
}
_RULE_NAMES: Final = {
    Rule.CEILING_ALL: noted("The bot's own budget for all servers"),
    Rule.CEILING: noted("What this bot allows this server"),
    Rule.GUILD: noted("This server's limit"),
    Rule.EVERYONE: noted("The limit for each member"),
    Rule.ROLE: noted("The limit of {role}"),
    Rule.MEMBER: noted("The limit of {member}"),
}
SIZES: Final = {
    "square_hd": noted("Square, high definition"),
    "square": noted("Square"),
    "portrait_4_3": noted("Portrait 3:4"),
    "portrait_16_9": noted("Portrait 9:16"),
    "landscape_4_3": noted("Landscape 4:3"),
    "landscape_16_9": noted("Landscape 16:9"),
}
FORMATS: Final = {"png": noted("PNG"), "jpeg": noted("JPEG (smaller file)")}
PERMISSION_NAMES: Final = {
    "view_channel": noted("View Channel"),
    "send_messages": noted("Send Messages"),
    "send_messages_in_threads": noted("Send Messages in Threads"),
    "attach_files": noted("Attach Files"),
    "read_message_history": noted("Read Message History"),
    "use_application_commands": noted("Use Application Commands"),
    "manage_guild": noted("Manage Server"),
    "manage_messages": noted("Manage Messages"),
    "bot_owner": noted("ownership of this bot"),
}
_MINUTE_SECONDS: Final = 60
_HOUR_SECONDS: Final = 3600


def credits_text(number: int) -> str:
    """`1 credit`, `4 credits`."""
    return count("{n} credit", "{n} credits", number)


def pictures_text(number: int) -> str:
    """`1 picture`, `4 pictures`."""
    return count("{n} picture", "{n} pictures", number)


def length_text(seconds: float) -> str:
    """A length of time in whole seconds, minutes or hours, the largest that fits: `45 seconds`, `2 hours`."""
    if seconds < _MINUTE_SECONDS:
        return count("{n} second", "{n} seconds", round(seconds))
    if seconds < _HOUR_SECONDS:
        return count("{n} minute", "{n} minutes", round(seconds / _MINUTE_SECONDS))
    return count("{n} hour", "{n} hours", round(seconds / _HOUR_SECONDS))


def size_name(size: str) -> str:
    """A model's `image_size`, for people."""
    return say(SIZES[size]) if size in SIZES else size


def format_name(file_format: str) -> str:
    """A model's `output_format`, for people."""
    return say(FORMATS[file_format]) if file_format in FORMATS else file_format


def period_name(period: str) -> str:
    """A limit's period, as in `200 credits a month`."""
    return say(_PERIOD_NAMES[period]) if period in _PERIOD_NAMES else period


def period_choice(period: str) -> str:
    """A limit's period in a menu, in English: Discord is told of the other languages by the translator."""
    return PERIOD_CHOICES.get(period, period)


def period_word(period: str) -> str:
    """The period that runs now, as in `12 left this month`."""
    return say(_PERIOD_WORDS[period]) if period in _PERIOD_WORDS else period


def moment(at: int, style: str = "R") -> str:
    """A Discord timestamp from epoch milliseconds; `R` is relative, `f` a date with the time."""
    return f"<t:{at // 1000}:{style}>"


def permission_names(missing: Iterable[str]) -> str:
    """Permissions as Discord's own settings call them."""
    return ", ".join(
        say(PERMISSION_NAMES[name]) if name in PERMISSION_NAMES else name.replace("_", " ").title()
        for name in missing
    )


def rule_words(usage: Usage) -> str:
    """Which rule this is, to the member whom it binds."""
    rule = Rule(usage.rule)
    if rule is Rule.ROLE:
        return say(_RULE_WORDS[rule], role=role_mention(usage.subject_id))
    return say(_RULE_WORDS[rule])


def rule_name(rule: Rule, subject_id: int = 0) -> str:
    """Which rule this is, to an admin; opens a line."""
    match rule:
        case Rule.ROLE:
            return say(_RULE_NAMES[rule], role=role_mention(subject_id))
        case Rule.MEMBER:
            return say(_RULE_NAMES[rule], member=mention(subject_id))
        case _:
            return say(_RULE_NAMES[rule])


def shows_numbers(usage: Usage) -> bool:
    """Whether people of a server may see how far this is used: over all servers, that tells of the others."""
    return usage.rule != Rule.CEILING_ALL


def limit_words(limit: Limit | None) -> str:
    """`200 credits a month`, `exempt`, or `no limit` where there is none."""
    if limit is None:
        return say("no limit")
    if limit.exempt:
        return say("exempt")
    return say(
        "{credits} {each_period}",
        credits=credits_text(limit.credits),
        each_period=period_name(limit.period),
    )


def mention(user_id: int) -> str:
    """A person; 0, or less, stands for one whose name was erased."""
    return f"<@{user_id}>" if user_id > 0 else say("somebody whose name was erased")


def role_mention(role_id: int) -> str:
    """A role that still exists."""
    return f"<@&{role_id}>"


def channel_mention(channel_id: int) -> str:
    """A channel or thread."""
    return f"<#{channel_id}>"


def usage_words(usage: Usage) -> str:
    """`188 of 200 credits used this month`, and what grants still hold."""
    used = say(
        "{used} of {credits} used {this_period}",
        used=usage.used_credits,
        credits=credits_text(usage.limit_credits),
        this_period=period_word(usage.period),
    )
    return f"{used}; {granted_words(usage)}" if usage.granted_credits else used


def left_words(usage: Usage) -> str:
    """`12 of 200 left this month`, and what grants still hold."""
    left = say(
        "{left} of {limit} left {this_period}",
        left=usage.left_credits - usage.granted_credits,
        limit=usage.limit_credits,
        this_period=period_word(usage.period),
    )
    return f"{left}; {granted_words(usage)}" if usage.granted_credits else left


def granted_words(usage: Usage) -> str:
    """`grants hold 50 more`."""
    return say("grants hold {more} more", more=usage.granted_credits)


def reset_words(usage: Usage) -> str:
    """When the period ends, or that it never does."""
    if usage.resets_at is None:
        return say("It never resets.")
    return say("It resets {when}.", when=moment(usage.resets_at))
