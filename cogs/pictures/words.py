"""What a member reads about a job under way, in plain English.

Pure functions of frozen data. Dates are Discord timestamps (`<t:SECONDS:R>`), which each reader sees in their
own language and time zone: https://discord.com/developers/docs/reference#message-formatting

Owns the words about a job. Never imports anything of ours but errors, jobs, reasons, rules, text, wording.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from bot.errors import MemberReason
from bot.jobs import Phase
from bot.money.rules import Rule
from cogs.ground.reasons import NO_CHARGE, QUOTE_UNITS, member_reason
from cogs.ground.text import harmless
from cogs.ground.wording import credits_text, left_words, moment, rule_words

if TYPE_CHECKING:
    from bot.jobs import Failure, Progress, Receipt

ALT_WITHOUT_PROMPT: Final = "The picture that was asked for."
"""Alt text where the prompt itself may not be shown."""


def progress_line(progress: Progress) -> str:  # noqa: PLR0911  # a table whose rows need data
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
        case Phase.OUTAGE:
            return "Rivya does not answer at the moment. Your request waits and goes on by itself."
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
                sentence = member_reason(MemberReason(failure.code), _facts(failure.message))
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
    """`4 credits · 12 of 200 left this month`, and whose limit that is, if it is not the server's."""
    usage = receipt.usage
    whose = "" if usage.rule == Rule.GUILD else f"{rule_words(usage)}: "
    return f"{credits_text(receipt.charged_credits)} · {whose}{left_words(usage)}"


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
