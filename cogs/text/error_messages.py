"""Why something was refused or did not work: a sentence or two for each reason, telling what to do next.

Owns the words of refusals. Never imports anything of ours but errors, jobs, reasons_with_facts, rules,
tongues, wording.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.errors import LimitReached, MemberReason
from bot.domain.limits import Rule
from cogs.text.detailed_messages import REASONS_WITH_FACTS
from cogs.text.terms import credits_text, reset_words, rule_words, shows_numbers, usage_words
from cogs.text.translation import noted, say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.domain.errors import MemberError
    from bot.domain.jobs import Usage

    Facts = Mapping[str, object]

NO_CHARGE: Final = noted("Nothing was charged.")

_PLAIN_REASONS: Final = {
    MemberReason.PROMPT_EMPTY: noted("The prompt is empty. Say what you would like to see."),
    MemberReason.PROMPT_REFUSED: noted("Rivya does not paint this prompt. Please say it in other words."),
    MemberReason.REFERENCE_UNREADABLE: noted(
        "The reference cannot be read as a picture. Open it in an app, save it as PNG or JPEG, and try again."
    ),
    MemberReason.REFERENCE_ANIMATED: noted(
        "The reference is animated. Please attach a still picture, such as one frame of it."
    ),
    MemberReason.REFERENCE_HEIC: noted(
        "The reference is a HEIC photograph, which cannot be read here. Export it as JPEG and try again."
    ),
    MemberReason.REFERENCE_GONE: noted(
        "The reference is not there any more. Please attach it again in a new request."
    ),
    MemberReason.DRAFT_TAKEN: noted(
        "This was sent in before, or it is more than a day old. To paint something new, use `/imagine` again."
    ),
    MemberReason.JOB_UNKNOWN: noted(
        "There is no such picture in this server. Its id is the name of its file; the list shows the newest."
    ),
    MemberReason.JOB_NOT_CHARGED: noted(
        "Nothing was charged for this picture, or not yet, so it needs no refund."
    ),
    MemberReason.JOB_REFUNDED: noted(
        "This picture was refunded before. `/limits log` shows by whom and why."
    ),
    MemberReason.GUILD_ONLY: noted(
        "Pictures are painted in servers only. Please ask in a channel of a server."
    ),
    MemberReason.CLOSING: noted(
        "The bot is about to restart. Please ask again in a minute. Nothing was charged."
    ),
    MemberReason.AGE_RESTRICTED_ONLY: noted(
        "In this server pictures are painted in age-restricted channels only. Please ask in one of those."
    ),
    MemberReason.NOT_YOURS: noted(
        "In this server the buttons under a picture are for its member alone. `/imagine` paints one of yours."
    ),
    MemberReason.REFERENCE_NOT_YOURS: noted(
        "Somebody else attached the reference of this picture, and it is theirs."
        " *Use as reference* lets you work from the picture itself."
    ),
    MemberReason.PICTURE_DELETED: noted(
        "This picture was deleted, or what was kept of it was forgotten. `/imagine` paints a new one."
    ),
    MemberReason.PICTURE_UNFINISHED: noted("This picture is not finished. Please wait for it."),
    MemberReason.PICTURE_OUT_OF_REACH: noted(
        "I cannot get at this picture any more: its message is gone, or I may not read that channel."
        " Save the picture, and attach it to `/imagine` as the reference."
    ),
    MemberReason.TOO_LATE_TO_CANCEL: noted(
        "It is too late to cancel: Rivya has been asked to paint it, and that cannot be taken back."
        " The picture will be posted here."
    ),
    MemberReason.ALREADY_ASKED: noted(
        "You asked for that a moment ago, and it is on its way. For one more, ask again in a few seconds."
    ),
    MemberReason.UNDER_WAY: noted("That is being done already."),
    MemberReason.UNSHOWABLE: noted("Discord does not take this picture here. Please try another channel."),
    MemberReason.UNDELETABLE: noted(
        "I cannot get at that message to delete it. Somebody with Manage Messages can do it there."
    ),
    MemberReason.NO_PICTURE_THERE: noted(
        "There is no picture in this message. Choose one that shows a PNG, JPEG or WebP."
    ),
}

_ONLY_THE_OPERATOR_CAN: Final = noted("Only the people who run this bot can raise it.")
_MEMBER_LIMIT_CAN: Final = noted(
    "Someone with Manage Server can raise it with `/limits member`, or give you more once with"
    " `/limits grant`."
)
_WHO_CAN_RAISE: Final = {
    Rule.CEILING_ALL: _ONLY_THE_OPERATOR_CAN,
    Rule.CEILING: _ONLY_THE_OPERATOR_CAN,
    Rule.GUILD: noted("Someone with Manage Server can raise it with `/limits guild`."),
    Rule.EVERYONE: _MEMBER_LIMIT_CAN,
    Rule.ROLE: noted(
        "Someone with Manage Server can raise it with `/limits role`, or give you more once with"
        " `/limits grant`."
    ),
    Rule.MEMBER: _MEMBER_LIMIT_CAN,
}


def member_error(error: MemberError) -> str:
    """What is wrong, and what the member can do about it. One sentence or two for every `MemberReason`."""
    if isinstance(error, LimitReached):
        return limit_reached(error.usage, error.cost_credits)
    return member_reason(error.reason, error.data)


def operator_error(ref: str) -> str:
    """Whoever runs the bot must act; `ref` finds the line in their log."""
    return say(
        "The people who run this bot have to fix something first."
        " It is not your fault, and nothing was charged."
        " If you tell them, give them this reference: `{ref}`.",
        ref=ref,
    )


def try_later() -> str:
    """Time must act."""
    return say("That did not work just now. Please try again in a moment. Nothing was charged.")


def broken(ref: str) -> str:
    """A developer must act; `ref` finds the line in the log."""
    return say(
        "Something is wrong on our side, not on yours."
        " Please tell the people who run this bot, with this reference: `{ref}`.",
        ref=ref,
    )


def just_updated() -> str:
    """Discord still shows the commands of an older version."""
    return say("The bot was just updated. Please reload Discord and try the command again.")


def control_gone() -> str:
    """A button or a form of an earlier version was used."""
    return say("This control is no longer available. Please use the command again.")


def limit_reached(usage: Usage, cost_credits: int) -> str:
    """Which rule has no room, how far it is used, when it resets, and who can raise it."""
    who = say(_WHO_CAN_RAISE[Rule(usage.rule)])
    if shows_numbers(usage):
        sentence = say(
            "A picture costs {price}, but {rule} has {left} left ({usage}).",
            price=credits_text(cost_credits),
            rule=rule_words(usage),
            left=usage.left_credits,
            usage=usage_words(usage),
        )
    else:
        sentence = say("The bot's own budget for all servers is used up.")
    return " ".join((sentence, reset_words(usage), who, say(NO_CHARGE)))


def member_reason(reason: MemberReason, data: Facts) -> str:
    """The sentence for a reason and its data, which may be missing."""
    if reason in _PLAIN_REASONS:
        return say(_PLAIN_REASONS[reason])
    if reason in REASONS_WITH_FACTS:
        return REASONS_WITH_FACTS[reason](data)
    return say("The limit for pictures is reached. `/credits` shows which, and when it resets.")
