"""Why something was refused or did not work: a sentence or two for each reason, telling what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.errors import LimitExceeded, MemberReason
from bot.domain.limits import LimitScope
from cogs.text.detailed_messages import REASONS_WITH_FACTS
from cogs.text.terms import credits_text, reset_text, scope_text, shows_numbers, usage_text
from cogs.text.translation import gettext, gettext_noop

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.domain.errors import MemberError
    from bot.domain.limits import Usage

    Facts = Mapping[str, object]

NO_CHARGE: Final = gettext_noop("Nothing was charged.")

_PLAIN_REASONS: Final = {
    MemberReason.PROMPT_EMPTY: gettext_noop("The prompt is empty. Say what you would like to see."),
    MemberReason.PROMPT_REFUSED: gettext_noop(
        "Rivya does not paint this prompt. Please say it in other words."
    ),
    MemberReason.REFERENCE_UNREADABLE: gettext_noop(
        "The reference cannot be read as a picture. Open it in an app, save it as PNG or JPEG, and try again."
    ),
    MemberReason.REFERENCE_ANIMATED: gettext_noop(
        "The reference is animated. Please attach a still picture, such as one frame of it."
    ),
    MemberReason.REFERENCE_HEIC: gettext_noop(
        "The reference is a HEIC photograph, which cannot be read here. Export it as JPEG and try again."
    ),
    MemberReason.REFERENCE_GONE: gettext_noop(
        "The reference is not there any more. Please attach it again in a new request."
    ),
    MemberReason.DRAFT_TAKEN: gettext_noop(
        "This was sent in before, or it is more than a day old. To paint something new, use `/imagine` again."
    ),
    MemberReason.JOB_UNKNOWN: gettext_noop(
        "There is no such picture in this server. Its id is the name of its file; the list shows the newest."
    ),
    MemberReason.JOB_NOT_CHARGED: gettext_noop(
        "Nothing was charged for this picture, or not yet, so it needs no refund."
    ),
    MemberReason.JOB_REFUNDED: gettext_noop(
        "This picture was refunded before. `/limits log` shows by whom and why."
    ),
    MemberReason.GUILD_ONLY: gettext_noop(
        "Pictures are painted in servers only. Please ask in a channel of a server."
    ),
    MemberReason.CLOSING: gettext_noop(
        "The bot is about to restart. Please ask again in a minute. Nothing was charged."
    ),
    MemberReason.AGE_RESTRICTED_ONLY: gettext_noop(
        "In this server pictures are painted in age-restricted channels only. Please ask in one of those."
    ),
    MemberReason.NOT_YOURS: gettext_noop(
        "In this server the buttons under a picture are for its member alone. `/imagine` paints one of yours."
    ),
    MemberReason.REFERENCE_NOT_YOURS: gettext_noop(
        "Somebody else attached the reference of this picture, and it is theirs."
        " *Use as reference* lets you work from the picture itself."
    ),
    MemberReason.PICTURE_DELETED: gettext_noop(
        "This picture was deleted, or what was kept of it was forgotten. `/imagine` paints a new one."
    ),
    MemberReason.PICTURE_UNFINISHED: gettext_noop("This picture is not finished. Please wait for it."),
    MemberReason.PICTURE_OUT_OF_REACH: gettext_noop(
        "I cannot get at this picture any more: its message is gone, or I may not read that channel."
        " Save the picture, and attach it to `/imagine` as the reference."
    ),
    MemberReason.TOO_LATE_TO_CANCEL: gettext_noop(
        "It is too late to cancel: Rivya has been asked to paint it, and that cannot be taken back."
        " The picture will be posted here."
    ),
    MemberReason.ALREADY_ASKED: gettext_noop(
        "You asked for that a moment ago, and it is on its way. For one more, ask again in a few seconds."
    ),
    MemberReason.UNDER_WAY: gettext_noop("That is being done already."),
    MemberReason.UNSHOWABLE: gettext_noop(
        "Discord does not take this picture here. Please try another channel."
    ),
    MemberReason.UNDELETABLE: gettext_noop(
        "I cannot get at that message to delete it. Somebody with Manage Messages can do it there."
    ),
    MemberReason.NO_PICTURE_THERE: gettext_noop(
        "There is no picture in this message. Choose one that shows a PNG, JPEG or WebP."
    ),
}

_ONLY_THE_OPERATOR_CAN: Final = gettext_noop("Only the people who run this bot can raise it.")
_MEMBER_LIMIT_CAN: Final = gettext_noop(
    "Someone with Manage Server can raise it with `/limits member`, or give you more once with"
    " `/limits grant`."
)
_WHO_CAN_RAISE: Final = {
    LimitScope.CEILING_ALL: _ONLY_THE_OPERATOR_CAN,
    LimitScope.CEILING: _ONLY_THE_OPERATOR_CAN,
    LimitScope.GUILD: gettext_noop("Someone with Manage Server can raise it with `/limits guild`."),
    LimitScope.EVERYONE: _MEMBER_LIMIT_CAN,
    LimitScope.ROLE: gettext_noop(
        "Someone with Manage Server can raise it with `/limits role`, or give you more once with"
        " `/limits grant`."
    ),
    LimitScope.MEMBER: _MEMBER_LIMIT_CAN,
}


def member_error(error: MemberError) -> str:
    """What is wrong, and what the member can do about it. One sentence or two for every `MemberReason`."""
    if isinstance(error, LimitExceeded):
        return limit_exceeded(error.usage, error.cost_credits)
    return member_reason(error.reason, error.data)


def operator_error(ref: str) -> str:
    """Whoever runs the bot must act; `ref` finds the line in their log."""
    return gettext(
        "The people who run this bot have to fix something first."
        " It is not your fault, and nothing was charged."
        " If you tell them, give them this reference: `{ref}`.",
        ref=ref,
    )


def transient_error() -> str:
    """Time must act."""
    return gettext("That did not work just now. Please try again in a moment. Nothing was charged.")


def internal_error(ref: str) -> str:
    """A developer must act; `ref` finds the line in the log."""
    return gettext(
        "Something is wrong on our side, not on yours."
        " Please tell the people who run this bot, with this reference: `{ref}`.",
        ref=ref,
    )


def just_updated() -> str:
    """Discord still shows the commands of an older version."""
    return gettext("The bot was just updated. Please reload Discord and try the command again.")


def component_expired() -> str:
    """A button or a form of an earlier version was used."""
    return gettext("This control is no longer available. Please use the command again.")


def limit_exceeded(usage: Usage, cost_credits: int) -> str:
    """Which rule has no room, how far it is used, when it resets, and who can raise it."""
    who = gettext(_WHO_CAN_RAISE[LimitScope(usage.scope)])
    if shows_numbers(usage):
        sentence = gettext(
            "A picture costs {price}, but {rule} has {left} left ({usage}).",
            price=credits_text(cost_credits),
            rule=scope_text(usage),
            left=usage.left_credits,
            usage=usage_text(usage),
        )
    else:
        sentence = gettext("The bot's own budget for all servers is used up.")
    return " ".join((sentence, reset_text(usage), who, gettext(NO_CHARGE)))


def member_reason(reason: MemberReason, data: Facts) -> str:
    """The sentence for a reason and its data, which may be missing."""
    if reason in _PLAIN_REASONS:
        return gettext(_PLAIN_REASONS[reason])
    if reason in REASONS_WITH_FACTS:
        return REASONS_WITH_FACTS[reason](data)
    return gettext("The limit for pictures is reached. `/credits` shows which, and when it resets.")
