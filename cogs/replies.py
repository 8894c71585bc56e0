"""Every sentence the bot says, in plain English, each telling what to do next.

Pure functions of frozen data. Dates are Discord timestamps (`<t:SECONDS:R>`), which each reader sees in their
own language and time zone: https://discord.com/developers/docs/reference#message-formatting

Owns the words. Never imports anything of ours but errors, jobs, ledger, text, wording.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from bot.errors import LimitReached, MemberError, MemberReason
from bot.jobs import Phase
from cogs.text import harmless, shorten
from cogs.wording import (
    credits_text,
    left_words,
    moment,
    period_name,
    period_word,
    permission_names,
    reset_words,
    rule_words,
    usage_words,
)

if TYPE_CHECKING:
    from bot.jobs import Failure, Progress, Receipt, Usage
    from bot.ledger import Limit, LimitChange

NO_CHARGE: Final = "Nothing was charged."
ALT_WITHOUT_PROMPT: Final = "The picture that was asked for."
"""Alt text where the prompt itself may not be shown."""
CREDITS_TITLE: Final = "### Credits"
LIMIT_TITLE: Final = "### This server's limit"
LIMIT_CHANGED_TITLE: Final = "### The limit was changed"
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
    MemberReason.GUILD_ONLY: "Pictures are painted in servers only. Please ask in a channel of a server.",
    MemberReason.CLOSING: "The bot is about to restart. Please ask again in a minute. " + NO_CHARGE,
}


def member_error(error: MemberError) -> str:
    """What is wrong, and what the member can do about it. One sentence or two for every `MemberReason`."""
    if isinstance(error, LimitReached):
        return _limit_reached(error.usage, error.cost_credits)
    return _member_reason(error.reason, error.data)


def _limit_reached(usage: Usage, cost_credits: int) -> str:
    return (
        f"A picture costs {credits_text(cost_credits)}, but {rule_words(usage)} has {usage.left_credits} left"
        f" ({usage_words(usage)}). {reset_words(usage)}"
        " Someone with Manage Server can raise it with `/limits guild`. " + NO_CHARGE
    )


def _member_reason(reason: MemberReason, data: dict[str, object]) -> str:  # noqa: PLR0911  # a table whose rows need data
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


def progress_line(progress: Progress) -> str:
    """What the job is doing. Relative times tick in the client: the line stays true between edits."""
    match progress.phase:
        case Phase.WAITING:
            return _waiting(progress.position)
        case Phase.UPLOADING:
            return "Uploading your reference. Painting comes next."
        case Phase.ASKING:
            return "Asking Rivya to paint."
        case Phase.PAINTING:
            return f"Painting, started {moment(progress.since)}."
        case Phase.LATE:
            return (
                f"Taking longer than usual: painting began {moment(progress.since)}."
                " It is not lost and will be posted here."
            )
        case Phase.FETCHING:
            return "Painted; fetching the picture."


def _waiting(position: int | None) -> str:
    if position is None:
        return "Waiting for a free place."
    if position <= 1:
        return "Waiting: next in line."
    tens_are_odd = position % 100 in {11, 12, 13}
    suffix = "th" if tens_are_odd else {1: "st", 2: "nd", 3: "rd"}.get(position % 10, "th")
    return f"Waiting: {position}{suffix} in line."


def failure_sentence(failure: Failure) -> str:
    """Why no picture came, and plainly what it cost."""
    return f"{_failure_cause(failure)} {_failure_cost(failure)}"


def _failure_cause(failure: Failure) -> str:
    match failure.who:
        case "member":
            if failure.code in set(MemberReason):
                sentence = _member_reason(MemberReason(failure.code), _facts(failure.message))
                return sentence.removesuffix(NO_CHARGE).rstrip()
            return "This request could not be painted as it is. Please change it and try again."
        case "operator":
            return "The people who run this bot have to fix something first. It is not your fault."
        case "rivya":
            words = harmless(failure.message, QUOTE_UNITS)
            said = f" It says: {words}" if words else ""
            return f"Rivya could not paint this.{said}\nTry other words or another reference."
        case _:
            return "Something is wrong on our side, not on yours."


def _facts(message: str) -> dict[str, object]:
    """The data of a `MemberError`, which a failure carries as JSON in its message."""
    try:
        data: object = json.loads(message)
    except ValueError:
        return {}
    return {str(name): value for name, value in data.items()} if isinstance(data, dict) else {}


def _failure_cost(failure: Failure) -> str:
    if failure.in_doubt:
        return (
            "Whether it was charged is being checked; its credits stay set aside until that is known,"
            " they are not lost."
        )
    if failure.charged_credits:
        were = "was" if failure.charged_credits == 1 else "were"
        return f"{credits_text(failure.charged_credits)} {were} charged."
    return NO_CHARGE


def job_line(job_id: str) -> str:
    """What to tell the operator when asking about one job."""
    return f"Reference, for whoever runs the bot: `{job_id}`"


def receipt_line(receipt: Receipt) -> str:
    """`4 credits · 12 of 200 left this month`."""
    return f"{credits_text(receipt.charged_credits)} · {left_words(receipt.usage)}"


def shrunk_note() -> str:
    """Said when the picture was re-encoded to fit."""
    return "made smaller, as a JPEG, to fit Discord's upload limit"


def left_line() -> str:
    """Stays in a reply that could not take the result."""
    return "I could not put the result here. I am trying a new message, or a direct message to you."


def channel_greeting(user_id: int) -> str:
    """Opens a new message in the channel; the one place that mentions anybody."""
    return f"<@{user_id}>, here is what became of your request:"


def direct_greeting(channel_id: int) -> str:
    """Opens a direct message."""
    return f"This is about your request in <#{channel_id}>, where I could not post it:"


def credits_lines(usage: Usage, mine_credits: int, cost_credits: int) -> str:
    """What a member has spent and what is left, for whom, until when."""
    pictures = usage.left_credits // cost_credits if cost_credits else 0
    more = {0: "no more", 1: "one more"}.get(pictures, f"{pictures} more")
    return (
        f"You: **{credits_text(mine_credits)}** spent or set aside {period_word(usage.period)}\n"
        f"This server: **{left_words(usage)}** ({usage_words(usage)})\n"
        f"The limit that counts: {rule_words(usage)}. {reset_words(usage)}\n"
        f"A picture costs {credits_text(cost_credits)}: enough for {more}."
    )


def limit_lines(limit: Limit, usage: Usage) -> str:
    """The limit that rules, who set it, and how far it is used."""
    if limit.set_by is None:
        origin = "The default of this bot; nobody has changed it here."
    else:
        when = "" if limit.set_at is None else f", {moment(limit.set_at, 'f')}"
        origin = f"Set by <@{limit.set_by}>{when}."
    return f"**{limit_words(limit)}**\n{origin}\n{usage_words(usage)}. {reset_words(usage)}"


def limit_changed_lines(change: LimitChange) -> str:
    """From what to what, and a warning where the new limit is used up already."""
    lines = [
        f"From **{limit_words(change.before)}** to **{limit_words(change.after)}**.",
        f"{usage_words(change.usage)}. {reset_words(change.usage)}",
    ]
    if change.usage.used_credits > change.usage.limit_credits:
        lines.append("More than that is used already: no new pictures until it resets or is raised.")
    return "\n".join(lines)


def limit_words(limit: Limit) -> str:
    """`200 credits a month`."""
    return f"{credits_text(limit.credits)} {period_name(limit.period)}"
