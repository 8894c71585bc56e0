"""Why something was refused or did not work: a sentence or two for each reason, telling what to do next.

Owns the words of refusals. Never imports anything of ours but errors, jobs, rules, text, wording.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.errors import LimitReached, MemberReason
from bot.money.rules import Rule
from cogs.ground.text import harmless, shorten
from cogs.ground.wording import (
    credits_text,
    permission_names,
    reset_words,
    rule_words,
    shows_numbers,
    usage_words,
)

if TYPE_CHECKING:
    from bot.errors import MemberError
    from bot.jobs import Usage

NO_CHARGE: Final = "Nothing was charged."
QUOTE_UNITS: Final = 300
"""How much of another's words a sentence repeats."""

TYPED_UNITS: Final = 1800
"""How much of a lost form is given back: a plain message holds 2000."""

_PLAIN_REASONS: Final = {
    MemberReason.PROMPT_EMPTY: "The prompt is empty. Say what you would like to see.",
    MemberReason.PROMPT_REFUSED: "Rivya does not paint this prompt. Please say it in other words.",
    MemberReason.REFERENCE_UNREADABLE: (
        "The reference cannot be read as a picture. Open it in an app, save it as PNG or JPEG, and try again."
    ),
    MemberReason.REFERENCE_ANIMATED: (
        "The reference is animated. Please attach a still picture, such as one frame of it."
    ),
    MemberReason.REFERENCE_HEIC: (
        "The reference is a HEIC photograph, which cannot be read here. Export it as JPEG and try again."
    ),
    MemberReason.REFERENCE_GONE: (
        "Discord no longer has the reference you attached. Please attach it again in a new request."
    ),
    MemberReason.ASK_TAKEN: (
        "This question about the price was answered before, or it is too old."
        " To paint something new, use `/imagine` again."
    ),
    MemberReason.JOB_UNKNOWN: (
        "There is no such picture in this server. Its id is the name of its file; the list shows the newest."
    ),
    MemberReason.JOB_NOT_CHARGED: "Nothing was charged for this picture, or not yet, so it needs no refund.",
    MemberReason.JOB_REFUNDED: "This picture was refunded before. `/limits log` shows by whom and why.",
    MemberReason.GUILD_ONLY: "Pictures are painted in servers only. Please ask in a channel of a server.",
    MemberReason.CLOSING: "The bot is about to restart. Please ask again in a minute. " + NO_CHARGE,
}

_AN_ADMIN_CAN: Final = "Someone with Manage Server can raise it with `/limits {}`"
_ONLY_THE_OPERATOR_CAN: Final = "Only the people who run this bot can raise it."
_OR_GIVE_MORE: Final = ", or give you more once with `/limits grant`."
_WHO_CAN_RAISE: Final = {
    Rule.CEILING_ALL: _ONLY_THE_OPERATOR_CAN,
    Rule.CEILING: _ONLY_THE_OPERATOR_CAN,
    Rule.GUILD: _AN_ADMIN_CAN.format("guild") + ".",
    Rule.EVERYONE: _AN_ADMIN_CAN.format("member") + _OR_GIVE_MORE,
    Rule.ROLE: _AN_ADMIN_CAN.format("role") + _OR_GIVE_MORE,
    Rule.MEMBER: _AN_ADMIN_CAN.format("member") + _OR_GIVE_MORE,
}


def member_error(error: MemberError) -> str:
    """What is wrong, and what the member can do about it. One sentence or two for every `MemberReason`."""
    if isinstance(error, LimitReached):
        return limit_reached(error.usage, error.cost_credits)
    return member_reason(error.reason, error.data)


def operator_error(ref: str) -> str:
    """Whoever runs the bot must act; `ref` finds the line in their log."""
    return (
        "The people who run this bot have to fix something first."
        " It is not your fault, and nothing was charged."
        f" If you tell them, give them this reference: `{ref}`."
    )


def try_later() -> str:
    """Time must act."""
    return "That did not work just now. Please try again in a moment. " + NO_CHARGE


def broken(ref: str) -> str:
    """A developer must act; `ref` finds the line in the log."""
    return (
        "Something is wrong on our side, not on yours."
        f" Please tell the people who run this bot, with this reference: `{ref}`."
    )


def just_updated() -> str:
    """Discord still shows the commands of an older version."""
    return "The bot was just updated. Please reload Discord and try the command again."


def control_gone(typed: str) -> str:
    """A button or a form of an earlier version was used; `typed` gives a member their words back."""
    sentence = "This control is no longer available. Please use the command again."
    if not typed:
        return sentence
    return f"{sentence} You typed:\n>>> {shorten(harmless(typed, TYPED_UNITS), TYPED_UNITS)}"


def limit_reached(usage: Usage, cost_credits: int) -> str:
    """Which rule has no room, how far it is used, when it resets, and who can raise it."""
    who = _WHO_CAN_RAISE[Rule(usage.rule)]
    if not shows_numbers(usage):
        return f"The bot's own budget for all servers is used up. {reset_words(usage)} {who} {NO_CHARGE}"
    return (
        f"A picture costs {credits_text(cost_credits)}, but {rule_words(usage)} has {usage.left_credits} left"
        f" ({usage_words(usage)}). {reset_words(usage)} {who} {NO_CHARGE}"
    )


def member_reason(reason: MemberReason, data: dict[str, object]) -> str:  # noqa: PLR0911  # a table whose rows need data
    """The sentence for a reason and its data, which may be missing."""
    if reason in _PLAIN_REASONS:
        return _PLAIN_REASONS[reason]
    match reason:
        case MemberReason.PROMPT_TOO_LONG:
            limit = _number(data, "limit")
            room = f" The longest allowed is {limit} characters." if limit else ""
            return f"The prompt is too long.{room} Please shorten it."
        case MemberReason.REFERENCE_TYPE:
            kind = harmless(str(data.get("kind") or ""), 60)
            found = f" ({kind})" if kind else ""
            return (
                f"The reference is not a picture that can be used{found}."
                " Attach a picture, such as a PNG, JPEG or WebP."
            )
        case MemberReason.REFERENCE_TOO_BIG:
            return f"The reference file is too big{_megabytes(data)}. Attach a smaller one, such as a JPEG."
        case MemberReason.REFERENCE_TOO_LARGE:
            return f"The reference has too many pixels{_pixels(data)}. Scale it down and try again."
        case MemberReason.CHANNEL_UNUSABLE:
            return (
                "I cannot post pictures in this channel. The permission I need:"
                f" {_missing(data) or 'not known'}. Ask an admin, or try another channel. {NO_CHARGE}"
            )
        case MemberReason.NOT_ALLOWED:
            return (
                f"Only members with {_missing(data) or 'the right permission'} may do this. Ask one of them."
            )
        case MemberReason.PAUSED:
            words = harmless(str(data.get("sentence") or ""), QUOTE_UNITS)
            said = f"They say: {words}" if words else "Please try again later."
            return f"The people who run this bot have paused new pictures. {said} {NO_CHARGE}"
        case _:
            return "The limit for pictures is reached. `/credits` shows which, and when it resets."


def _number(data: dict[str, object], name: str) -> int | None:
    value = data.get(name)
    return value if isinstance(value, int) else None


def _missing(data: dict[str, object]) -> str:
    names = data.get("missing")
    return permission_names(str(name) for name in names) if isinstance(names, tuple | list) else ""


def _megabytes(data: dict[str, object]) -> str:
    size, limit = _number(data, "size_bytes"), _number(data, "limit_bytes")
    if size is None or limit is None:
        return ""
    # A hair over the limit must not read `10.0 of 10.0 MB`: the size is rounded up.
    return f": {-(-size // 100_000) / 10:.1f} MB, where {limit / 1_000_000:.1f} MB are allowed"


def _pixels(data: dict[str, object]) -> str:
    names = ("width", "height", "side_limit", "pixel_limit")
    width, height, side, area = (_number(data, name) for name in names)
    if width is None or height is None:
        return ""
    size = f": {width} × {height}"  # noqa: RUF001  # the sign for sizes
    if side is not None and max(width, height) > side:
        return f"{size}, where a side may have {side}"
    return size if area is None else f"{size}, where {area / 1_000_000:g} million in all are allowed"
