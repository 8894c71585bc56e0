"""Texts about a job: its progress, its failure, and what its picture cost.

Each is in the current language (`use_locale`). Times are Discord timestamps (`<t:SECONDS:R>`), which each
reader sees in their own language and time zone:
https://discord.com/developers/docs/reference#message-formatting
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from bot.domain.errors import MemberReason
from bot.domain.jobs import FailureCause, FailureCode
from bot.domain.limits import LimitScope
from bot.domain.progress import Phase
from cogs.text.error_messages import NO_CHARGE, reason_alone
from cogs.text.escaping import QUOTE_UNITS, escape
from cogs.text.terms import (
    channel_mention,
    credits_text,
    left_text,
    length_text,
    mention,
    scope_text,
    timestamp,
)
from cogs.text.translation import gettext, gettext_noop, ngettext

if TYPE_CHECKING:
    from bot.domain.jobs import Failure
    from bot.domain.limits import Receipt
    from bot.domain.progress import Progress


def alt_without_prompt() -> str:
    """Return the alt text of a picture whose prompt is not shown."""
    return gettext("The picture that was asked for.")


def shrunk_text() -> str:
    """Return that a picture is smaller than Rivya made it."""
    return gettext("made smaller, as a JPEG, to fit Discord's upload limit")


def progress_text(progress: Progress, references: int = 1) -> str:  # noqa: PLR0911  # a table whose rows need data
    """Say what the job is doing. Clients update relative times, so the line stays true between edits.

    `references` is how many the job has, if it has any.
    """
    match progress.phase:
        case Phase.WAITING:
            return _waiting(progress)
        case Phase.UPLOADING:
            return ngettext(
                "Uploading your reference. Painting comes next.",
                "Uploading your {n} references. Painting comes next.",
                references,
            )
        case Phase.ASKING:
            return gettext("Asking Rivya to paint.")
        case Phase.PAINTING:
            return _painting(progress)
        case Phase.LATE:
            return gettext(
                "Taking longer than usual: painting began {when}. It is not lost and comes by itself.",
                when=timestamp(progress.since),
            )
        case Phase.OUTAGE:
            return gettext("Rivya does not answer at the moment. Your request waits and goes on by itself.")
        case Phase.FETCHING:
            return gettext("Painted; fetching the picture.")
        case Phase.RESULT_LATE:
            return gettext(
                "Painted, but Rivya has not handed the picture over yet; the wait began {when}. It is not"
                " lost: it is tried again for a week and comes by itself.",
                when=timestamp(progress.since),
            )


def _waiting(progress: Progress) -> str:
    if progress.position is None:
        line = gettext("Waiting for a free place.")
    elif progress.position <= 1:
        line = gettext("Waiting: next in line.")
    else:
        line = gettext("Waiting: place {place} in line.", place=progress.position)
    if progress.expected_seconds is None:
        return line
    length = length_text(progress.expected_seconds)
    return f"{line} {gettext('It should be ready in about {length}.', length=length)}"


def _painting(progress: Progress) -> str:
    line = gettext("Painting, started {when}.", when=timestamp(progress.since))
    if progress.expected_seconds is None:
        return line
    length = length_text(progress.expected_seconds)
    return f"{line} {gettext('Lately that takes about {length}.', length=length)}"


def failure_text(failure: Failure) -> str:
    """Say why there is no picture, and what it cost."""
    known = _CAUSES.get(failure.code)
    cause = _failure_cause(failure) if known is None else gettext(known)
    return f"{cause} {_failure_cost(failure)}"


_CAUSES: Final[dict[str, str]] = {
    FailureCode.RESULT_LOST: gettext_noop(
        "The picture was painted, but Rivya has not handed it over for a week. You can have it tried again."
    ),
    FailureCode.TASK_VANISHED: gettext_noop("Rivya no longer knows this picture."),
    FailureCode.ABANDONED: gettext_noop(
        "The people who run this bot have stopped waiting for this picture, which took far too long."
    ),
}


def _failure_cause(failure: Failure) -> str:
    match failure.cause:
        case FailureCause.MEMBER:
            if failure.code in set(MemberReason):
                return reason_alone(MemberReason(failure.code), _facts(failure.message))
            return gettext("This request could not be painted as it is. Please change it and try again.")
        case FailureCause.OPERATOR:
            return gettext("The people who run this bot have to fix something first. It is not your fault.")
        case FailureCause.RIVYA:
            message = escape(failure.message, QUOTE_UNITS)
            if not message:
                return gettext("Rivya could not paint this.\nTry other words or another reference.")
            return gettext(
                "Rivya could not paint this. It says: {words}\nTry other words or another reference.",
                words=message,
            )
        case FailureCause.DEVELOPER:
            return gettext("Something is wrong on our side, not on yours.")


def _facts(message: str) -> dict[str, object]:
    """Return the data of a `MemberError`, which is JSON in the message of a failure; empty if it is not."""
    try:
        data: object = json.loads(message)
    except ValueError:
        return {}
    return {str(name): value for name, value in data.items()} if isinstance(data, dict) else {}


def _failure_cost(failure: Failure) -> str:
    if failure.in_doubt:
        return gettext(
            "Whether it was charged is being checked; its credits stay set aside until that is known,"
            " they are not lost."
        )
    if failure.charged_credits:
        return ngettext("{n} credit was charged.", "{n} credits were charged.", failure.charged_credits)
    return gettext(NO_CHARGE)


def job_text(job_id: str) -> str:
    """Return the id of a job, to give to the operator."""
    return gettext("Code, for the people who run this bot: `{job_id}`", job_id=job_id)


def receipt_text(receipt: Receipt) -> str:
    """Return `4 credits · 12 of 200 left this month`; whose limit it is, unless it is the server's."""
    usage, charged = receipt.usage, credits_text(receipt.charged_credits)
    if usage.scope == LimitScope.GUILD:
        return f"{charged} · {left_text(usage)}"
    return f"{charged} · {scope_text(usage)}: {left_text(usage)}"


def count_text(pictures: int, most: int, lost: int) -> str:
    """Return that there are fewer pictures than the settings of one task allow; empty if there are not.

    `lost` is how many of those that were painted could not be downloaded.
    """
    notes = []
    if pictures < most:
        notes.append(gettext("{n} of up to {most} pictures", n=pictures, most=most))
    if lost:
        notes.append(ngettext("{n} picture could not be fetched", "{n} pictures could not be fetched", lost))
    return " · ".join(notes)


def rise_text(quote_credits: int, receipt: Receipt) -> str:
    """Return that a picture cost more than was known before, or than a limit had left; empty if not."""
    notes = []
    if receipt.charged_credits > quote_credits:
        more = credits_text(receipt.charged_credits - quote_credits)
        notes.append(gettext("{price} more than was known before", price=more))
    if receipt.over_limit_credits:
        beyond = credits_text(receipt.over_limit_credits)
        notes.append(gettext("{price} beyond the limit", price=beyond))
    return " · ".join(notes)


def channel_greeting(user_id: int) -> str:
    """Return the first line of a new message in the channel; it mentions the member."""
    return gettext("{member}, here is what became of your request:", member=mention(user_id))


def direct_greeting(channel_id: int) -> str:
    """Return the first line of a direct message."""
    return gettext(
        "This is about your request in {channel}, where I could not post it:",
        channel=channel_mention(channel_id),
    )
