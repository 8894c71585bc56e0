"""What things are called: credits, periods, limits, sizes, permissions, moments, lengths of time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.limits import LimitScope
from bot.domain.periods import Period
from cogs.text.translation import gettext, gettext_noop, ngettext

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.domain.limits import Limit, Usage

_PERIOD_WORDS: Final = {
    Period.DAY: gettext_noop("today"),
    Period.WEEK: gettext_noop("this week"),
    Period.MONTH: gettext_noop("this month"),
    Period.TOTAL: gettext_noop("in total"),
}
_PERIOD_NAMES: Final = {
    Period.DAY: gettext_noop("a day"),
    Period.WEEK: gettext_noop("a week"),
    Period.MONTH: gettext_noop("a month"),
    Period.TOTAL: gettext_noop("in total"),
}
PERIOD_CHOICES: Final = {
    Period.DAY: gettext_noop("Every day"),
    Period.WEEK: gettext_noop("Every week, from Monday"),
    Period.MONTH: gettext_noop("Every month, from the first"),
    Period.TOTAL: gettext_noop("Once: never resets"),
}
_RULE_WORDS: Final = {
    LimitScope.CEILING_ALL: gettext_noop("the bot's own budget for all servers"),
    LimitScope.CEILING: gettext_noop("what this bot allows this server"),
    LimitScope.GUILD: gettext_noop("this server's limit"),
    LimitScope.EVERYONE: gettext_noop("the limit for each member"),
    LimitScope.ROLE: gettext_noop("the limit of your role {role}"),
    LimitScope.MEMBER: gettext_noop("your own limit"),
}
_RULE_NAMES: Final = {
    LimitScope.CEILING_ALL: gettext_noop("The bot's own budget for all servers"),
    LimitScope.CEILING: gettext_noop("What this bot allows this server"),
    LimitScope.GUILD: gettext_noop("This server's limit"),
    LimitScope.EVERYONE: gettext_noop("The limit for each member"),
    LimitScope.ROLE: gettext_noop("The limit of {role}"),
    LimitScope.MEMBER: gettext_noop("The limit of {member}"),
}
SIZES: Final = {
    "square_hd": gettext_noop("Square, high definition"),
    "square": gettext_noop("Square"),
    "portrait_4_3": gettext_noop("Portrait 3:4"),
    "portrait_16_9": gettext_noop("Portrait 9:16"),
    "landscape_4_3": gettext_noop("Landscape 4:3"),
    "landscape_16_9": gettext_noop("Landscape 16:9"),
}
FORMATS: Final = {"png": gettext_noop("PNG"), "jpeg": gettext_noop("JPEG (smaller file)")}
PERMISSION_NAMES: Final = {
    "view_channel": gettext_noop("View Channel"),
    "send_messages": gettext_noop("Send Messages"),
    "send_messages_in_threads": gettext_noop("Send Messages in Threads"),
    "attach_files": gettext_noop("Attach Files"),
    "read_message_history": gettext_noop("Read Message History"),
    "use_application_commands": gettext_noop("Use Application Commands"),
    "manage_guild": gettext_noop("Manage Server"),
    "manage_messages": gettext_noop("Manage Messages"),
    "bot_owner": gettext_noop("ownership of this bot"),
}
_MINUTE_SECONDS: Final = 60
_HOUR_SECONDS: Final = 3600


def credits_text(number: int) -> str:
    """`1 credit`, `4 credits`."""
    return ngettext("{n} credit", "{n} credits", number)


def pictures_text(number: int) -> str:
    """`1 picture`, `4 pictures`."""
    return ngettext("{n} picture", "{n} pictures", number)


def length_text(seconds: float) -> str:
    """A length of time in whole seconds, minutes or hours, the largest that fits: `45 seconds`, `2 hours`."""
    if seconds < _MINUTE_SECONDS:
        return ngettext("{n} second", "{n} seconds", round(seconds))
    if seconds < _HOUR_SECONDS:
        return ngettext("{n} minute", "{n} minutes", round(seconds / _MINUTE_SECONDS))
    return ngettext("{n} hour", "{n} hours", round(seconds / _HOUR_SECONDS))


def size_name(size: str) -> str:
    """A model's `image_size`, for people."""
    return gettext(SIZES[size]) if size in SIZES else size


def format_name(file_format: str) -> str:
    """A model's `output_format`, for people."""
    return gettext(FORMATS[file_format]) if file_format in FORMATS else file_format


def period_name(period: Period) -> str:
    """A limit's period, as in `200 credits a month`."""
    return gettext(_PERIOD_NAMES[period])


def period_choice(period: Period) -> str:
    """A limit's period in a menu, in English: Discord is told of the other languages by the translator."""
    return PERIOD_CHOICES[period]


def period_noun(period: Period) -> str:
    """The period that runs now, as in `12 left this month`."""
    return gettext(_PERIOD_WORDS[period])


def timestamp(at: int, style: str = "R") -> str:
    """A Discord timestamp from epoch milliseconds; `R` is relative, `f` a date with the time."""
    return f"<t:{at // 1000}:{style}>"


def permission_names(missing: Iterable[str]) -> str:
    """Permissions as Discord's own settings call them."""
    return ", ".join(
        gettext(PERMISSION_NAMES[name]) if name in PERMISSION_NAMES else name.replace("_", " ").title()
        for name in missing
    )


def scope_text(usage: Usage) -> str:
    """Which rule this is, to the member whom it binds."""
    if usage.scope is LimitScope.ROLE:
        return gettext(_RULE_WORDS[usage.scope], role=role_mention(usage.subject_id))
    return gettext(_RULE_WORDS[usage.scope])


def scope_name(scope: LimitScope, subject_id: int = 0) -> str:
    """Which rule this is, to an admin; opens a line."""
    match scope:
        case LimitScope.ROLE:
            return gettext(_RULE_NAMES[scope], role=role_mention(subject_id))
        case LimitScope.MEMBER:
            return gettext(_RULE_NAMES[scope], member=mention(subject_id))
        case _:
            return gettext(_RULE_NAMES[scope])


def shows_numbers(usage: Usage) -> bool:
    """Whether people of a server may see how far this is used: over all servers, that tells of the others."""
    return usage.scope != LimitScope.CEILING_ALL


def limit_text(limit: Limit | None) -> str:
    """`200 credits a month`, `exempt`, or `no limit` where there is none."""
    if limit is None:
        return gettext("no limit")
    if limit.exempt:
        return gettext("exempt")
    return gettext(
        "{credits} {each_period}",
        credits=credits_text(limit.credits),
        each_period=period_name(limit.period),
    )


def mention(user_id: int) -> str:
    """A person; 0, or less, stands for one whose name was erased."""
    return f"<@{user_id}>" if user_id > 0 else gettext("somebody whose name was erased")


def role_mention(role_id: int) -> str:
    """A role that still exists."""
    return f"<@&{role_id}>"


def channel_mention(channel_id: int) -> str:
    """A channel or thread."""
    return f"<#{channel_id}>"


def usage_text(usage: Usage) -> str:
    """`188 of 200 credits used this month`, and what grants still hold."""
    used = gettext(
        "{used} of {credits} used {this_period}",
        used=usage.used_credits,
        credits=credits_text(usage.limit_credits),
        this_period=period_noun(usage.period),
    )
    return f"{used}; {granted_text(usage)}" if usage.granted_credits else used


def left_text(usage: Usage) -> str:
    """`12 of 200 left this month`, and what grants still hold."""
    left = gettext(
        "{left} of {limit} left {this_period}",
        left=usage.left_credits - usage.granted_credits,
        limit=usage.limit_credits,
        this_period=period_noun(usage.period),
    )
    return f"{left}; {granted_text(usage)}" if usage.granted_credits else left


def granted_text(usage: Usage) -> str:
    """`grants hold 50 more`."""
    return gettext("grants hold {more} more", more=usage.granted_credits)


def reset_text(usage: Usage) -> str:
    """When the period ends, or that it never does."""
    if usage.resets_at is None:
        return gettext("It never resets.")
    return gettext("It resets {when}.", when=timestamp(usage.resets_at))
