"""What a member reads when something was refused or did not work: what is wrong, and what to do next.

`_SENTENCES` has the reasons whose sentence is always the same; `_SENTENCES_WITH_DATA` those whose sentence
names what the error's data says, such as a limit. Data may lack, as a failure's is read from JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.errors import LimitExceeded, MemberReason
from cogs.text.access_messages import (
    channel_refused,
    cooldown,
    member_blocked,
    role_refused,
    too_many_pictures,
    too_many_results,
    too_many_running,
)
from cogs.text.admission_messages import guild_not_admitted
from cogs.text.error_data import missing_permissions_in, number_in
from cogs.text.escaping import QUOTE_UNITS, escape
from cogs.text.file_messages import no_picture_there, reference_type, which_reference
from cogs.text.limit_messages import limit_exceeded
from cogs.text.model_messages import (
    model_refused,
    model_unavailable,
    prompt_too_long,
    reference_unsupported,
    too_many_references,
    with_default,
)
from cogs.text.refused_words import prompt_refused, word_blocked
from cogs.text.setting_messages import settings_refused
from cogs.text.terms import BOT_OWNER
from cogs.text.translation import gettext, gettext_noop

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bot.domain.errors import MemberError
    from cogs.text.error_data import Data

NO_CHARGE: Final = gettext_noop("Nothing was charged.")

_SENTENCES: Final = {
    MemberReason.PROMPT_EMPTY: gettext_noop("The prompt is empty. Say what you would like to see."),
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
        "In this server the buttons under a picture are only for the member who asked for it. `/imagine`"
        " paints one of yours."
    ),
    MemberReason.REFERENCE_NOT_YOURS: gettext_noop(
        "Somebody else attached the reference of this picture, and it is theirs."
        " *Use as reference* lets you work from the picture itself."
    ),
    MemberReason.PICTURE_DELETED: gettext_noop(
        "This picture was deleted, or what was kept of it was erased. `/imagine` paints a new one."
    ),
    MemberReason.PICTURE_UNFINISHED: gettext_noop("This picture is not finished. Please wait for it."),
    MemberReason.PICTURE_OUT_OF_REACH: gettext_noop(
        "I cannot reach this picture any more: its message is gone, or I may not read that channel."
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
        "Discord does not accept this picture here. Please try another channel."
    ),
    MemberReason.UNDELETABLE: gettext_noop(
        "I cannot reach that message to delete it. Someone with Manage Messages can do it there."
    ),
    MemberReason.PICTURES_AND_MODELS: gettext_noop(
        "Models are compared with one picture each. Please leave out `pictures`, or choose one model."
    ),
    MemberReason.LIMIT_REACHED: gettext_noop(
        "The limit for pictures is reached. `/credits` shows which, and when it resets."
    ),
}


def member_error(error: MemberError) -> str:
    """Return what is wrong, and what the member can do about it."""
    if isinstance(error, LimitExceeded):
        return with_default(f"{limit_exceeded(error)} {gettext(NO_CHARGE)}", error.data)
    return member_reason(error.reason, error.data)


def operator_error(ref: str) -> str:
    """Return the sentence for an `OperatorError`; `ref` is in its log line."""
    return gettext(
        "The people who run this bot have to fix something first."
        " It is not your fault, and nothing was charged."
        " If you tell them, give them this code: `{ref}`.",
        ref=ref,
    )


def transient_error() -> str:
    """Return the sentence for a `TransientError`."""
    return gettext("That did not work just now. Please try again in a moment. Nothing was charged.")


def internal_error(ref: str) -> str:
    """Return the sentence for a bug; `ref` is in its log line."""
    return gettext(
        "Something is wrong on our side, not on yours."
        " Please tell the people who run this bot, with this code: `{ref}`.",
        ref=ref,
    )


def just_updated() -> str:
    """Return the sentence for a command that Discord still shows as an older version had it."""
    return gettext("The bot was just updated. Please reload Discord and try the command again.")


def component_expired() -> str:
    """Return the sentence for a button, menu or form of an older version of the bot."""
    return gettext("This button or form is no longer available. Please use the command again.")


def member_reason(reason: MemberReason, data: Data) -> str:
    """Return the sentence for a reason; without its data, it is less exact."""
    sentence = gettext(_SENTENCES[reason]) if reason in _SENTENCES else _SENTENCES_WITH_DATA[reason](data)
    return f"{which_reference(data)} {sentence}".lstrip()


def reason_alone(reason: MemberReason, data: Data) -> str:
    """Return the sentence for a reason, without the words that nothing was charged."""
    return member_reason(reason, data).removesuffix(gettext(NO_CHARGE)).rstrip()


def _content_refused(data: Data) -> str:
    words = escape(str(data.get("message") or ""), QUOTE_UNITS)
    if not words:
        return gettext(
            "Rivya's moderation refused the prompt or the reference. Please change them and try again."
        )
    return gettext(
        "Rivya's moderation refused the prompt or the reference. It says: {words}\n"
        "Please change them and try again.",
        words=words,
    )


def _request_refused(data: Data) -> str:
    words = escape(str(data.get("message") or ""), QUOTE_UNITS)
    if not words:
        return gettext("Rivya refused this request. Please change it and try again.")
    return gettext(
        "Rivya refused this request. It says: {words}\nPlease change it and try again.", words=words
    )


def _reference_too_big(data: Data) -> str:
    size, limit = number_in(data, "size_bytes"), number_in(data, "limit_bytes")
    if size is None or limit is None:
        return gettext("The reference file is too big. Attach a smaller one, such as a JPEG.")
    return gettext(
        "The reference file is too big: {size} MB, where {limit} MB are allowed."
        " Attach a smaller one, such as a JPEG.",
        # Rounded up: a byte over the limit must not read as `10.0 MB, where 10.0 MB are allowed`.
        size=f"{-(-size // 100_000) / 10:.1f}",
        limit=f"{limit / 1_000_000:.1f}",
    )


def _reference_too_large(data: Data) -> str:
    names = ("width", "height", "side_limit", "pixel_limit")
    width, height, side_limit, pixel_limit = (number_in(data, name) for name in names)
    if width is None or height is None or side_limit is None or pixel_limit is None:
        return gettext("The reference has too many pixels. Scale it down and try again.")
    size = f"{width} × {height}"  # noqa: RUF001  # the sign for sizes
    if max(width, height) > side_limit:
        return gettext(
            "The reference has too many pixels: {size}, where a side may have {side}."
            " Scale it down and try again.",
            size=size,
            side=side_limit,
        )
    return gettext(
        "The reference has too many pixels: {size}, where {area} million in all are allowed."
        " Scale it down and try again.",
        size=size,
        area=f"{pixel_limit / 1_000_000:g}",
    )


def _channel_unusable(data: Data) -> str:
    return gettext(
        "I cannot post pictures in this channel. The permission I need: {permissions}."
        " Ask an admin, or try another channel. Nothing was charged.",
        permissions=missing_permissions_in(data) or gettext("not known"),
    )


def _not_allowed(data: Data) -> str:
    names = data.get("missing")
    if isinstance(names, tuple | list) and BOT_OWNER in names:
        return gettext("Only the people who run this bot may do this.")
    return gettext(
        "Only members with {permissions} may do this. Ask one of them.",
        permissions=missing_permissions_in(data) or gettext("the right permission"),
    )


def _paused(data: Data) -> str:
    quoted = escape(str(data.get("sentence") or ""), QUOTE_UNITS)
    if not quoted:
        return gettext(
            "The people who run this bot have paused new pictures. Please try again later."
            " Nothing was charged."
        )
    return gettext(
        "The people who run this bot have paused new pictures. They say: {words} Nothing was charged.",
        words=quoted,
    )


def _preset_unknown(data: Data) -> str:
    return gettext(
        "There is no preset “{name}” in this server. Choose one from the list while you type.",
        name=escape(str(data.get("name") or ""), 60),
    )


_SENTENCES_WITH_DATA: Final[Mapping[MemberReason, Callable[[Data], str]]] = {
    MemberReason.MODEL_UNAVAILABLE: model_unavailable,
    MemberReason.MODEL_REFUSED: model_refused,
    MemberReason.REFERENCE_UNSUPPORTED: reference_unsupported,
    MemberReason.SETTINGS_REFUSED: settings_refused,
    MemberReason.TOO_MANY_REFERENCES: too_many_references,
    MemberReason.PROMPT_TOO_LONG: prompt_too_long,
    MemberReason.PROMPT_REFUSED: prompt_refused,
    MemberReason.CONTENT_REFUSED: _content_refused,
    MemberReason.REQUEST_REFUSED: _request_refused,
    MemberReason.REFERENCE_TYPE: reference_type,
    MemberReason.REFERENCE_TOO_BIG: _reference_too_big,
    MemberReason.NO_PICTURE_THERE: no_picture_there,
    MemberReason.REFERENCE_TOO_LARGE: _reference_too_large,
    MemberReason.CHANNEL_UNUSABLE: _channel_unusable,
    MemberReason.NOT_ALLOWED: _not_allowed,
    MemberReason.PAUSED: _paused,
    MemberReason.GUILD_NOT_ADMITTED: guild_not_admitted,
    MemberReason.MEMBER_BLOCKED: member_blocked,
    MemberReason.ROLE_REFUSED: role_refused,
    MemberReason.CHANNEL_REFUSED: channel_refused,
    MemberReason.WORD_BLOCKED: word_blocked,
    MemberReason.COOLDOWN: cooldown,
    MemberReason.TOO_MANY_RUNNING: too_many_running,
    MemberReason.TOO_MANY_PICTURES: too_many_pictures,
    MemberReason.TOO_MANY_RESULTS: too_many_results,
    MemberReason.PRESET_UNKNOWN: _preset_unknown,
}
