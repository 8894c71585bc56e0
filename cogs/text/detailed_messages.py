"""The refusals that tell a fact: how long, how big, which word, until when."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from bot.domain.errors import MemberReason
from cogs.text.escaping import escape
from cogs.text.terms import (
    channel_mention,
    length_text,
    permission_names,
    pictures_text,
    role_mention,
    timestamp,
)
from cogs.text.translation import gettext

Facts = Mapping[str, object]

QUOTE_UNITS: Final = 300
"""How much of another's words a sentence repeats."""
_NAMED: Final = 10
"""How many roles or channels a sentence names."""


def _prompt_too_long(data: Facts) -> str:
    limit = _number(data, "limit")
    if not limit:
        return gettext("The prompt is too long. Please shorten it.")
    return gettext(
        "The prompt is too long. The longest allowed is {limit} characters. Please shorten it.", limit=limit
    )


def _reference_type(data: Facts) -> str:
    kind = escape(str(data.get("kind") or ""), 60)
    if not kind:
        return gettext(
            "The reference is not a picture that can be used. Attach a picture, such as a PNG, JPEG or WebP."
        )
    return gettext(
        "The reference is not a picture that can be used ({kind})."
        " Attach a picture, such as a PNG, JPEG or WebP.",
        kind=kind,
    )


def _reference_too_big(data: Facts) -> str:
    size, limit = _number(data, "size_bytes"), _number(data, "limit_bytes")
    if size is None or limit is None:
        return gettext("The reference file is too big. Attach a smaller one, such as a JPEG.")
    return gettext(
        "The reference file is too big: {size} MB, where {limit} MB are allowed."
        " Attach a smaller one, such as a JPEG.",
        # A hair over the limit must not read `10.0 of 10.0 MB`: the size is rounded up.
        size=f"{-(-size // 100_000) / 10:.1f}",
        limit=f"{limit / 1_000_000:.1f}",
    )


def _reference_too_large(data: Facts) -> str:
    names = ("width", "height", "side_limit", "pixel_limit")
    width, height, side, area = (_number(data, name) for name in names)
    if width is None or height is None:
        return gettext("The reference has too many pixels. Scale it down and try again.")
    size = f"{width} × {height}"  # noqa: RUF001  # the sign for sizes
    if side is not None and max(width, height) > side:
        return gettext(
            "The reference has too many pixels: {size}, where a side may have {side}."
            " Scale it down and try again.",
            size=size,
            side=side,
        )
    if area is None:
        return gettext("The reference has too many pixels: {size}. Scale it down and try again.", size=size)
    return gettext(
        "The reference has too many pixels: {size}, where {area} million in all are allowed."
        " Scale it down and try again.",
        size=size,
        area=f"{area / 1_000_000:g}",
    )


def _channel_unusable(data: Facts) -> str:
    return gettext(
        "I cannot post pictures in this channel. The permission I need: {permissions}."
        " Ask an admin, or try another channel. Nothing was charged.",
        permissions=_missing(data) or gettext("not known"),
    )


def _not_allowed(data: Facts) -> str:
    return gettext(
        "Only members with {permissions} may do this. Ask one of them.",
        permissions=_missing(data) or gettext("the right permission"),
    )


def _paused(data: Facts) -> str:
    words = escape(str(data.get("sentence") or ""), QUOTE_UNITS)
    if not words:
        return gettext(
            "The people who run this bot have paused new pictures. Please try again later."
            " Nothing was charged."
        )
    return gettext(
        "The people who run this bot have paused new pictures. They say: {words} Nothing was charged.",
        words=words,
    )


def _member_blocked(data: Facts) -> str:
    until = _number(data, "expires_at")
    if until is None:
        sentence = gettext("An admin of this server does not let you paint here.")
    else:
        sentence = gettext(
            "An admin of this server does not let you paint here until {when}.", when=timestamp(until, "f")
        )
    words = escape(str(data.get("why") or ""), QUOTE_UNITS)
    return f"{sentence} {gettext('They say: {words}', words=words)}" if words else sentence


def _role_refused(data: Facts) -> str:
    denied, allowed = (_listed(data, name, role_mention) for name in ("denied", "allowed"))
    if denied:
        return gettext("In this server members with the role {roles} may not paint.", roles=denied)
    return gettext("In this server only members with one of these roles may paint: {roles}.", roles=allowed)


def _channel_refused(data: Facts) -> str:
    denied, allowed = (_listed(data, name, channel_mention) for name in ("denied", "allowed"))
    if denied:
        return gettext("Pictures are not painted in this channel. Please try another one.")
    return gettext("In this server pictures are painted only in {channels}.", channels=allowed)


def _word_blocked(data: Facts) -> str:
    return gettext(
        "The word “{word}” is blocked in this server. Please say it in other words.",
        word=escape(str(data.get("word") or ""), 60),
    )


def _cooldown(data: Facts) -> str:
    over_at, seconds = _number(data, "over_at") or 0, _number(data, "seconds") or 0
    return gettext(
        "In this server there is a pause of {length} between two pictures. You can paint again {when}.",
        length=length_text(seconds),
        when=timestamp(over_at + 999),
    )


def _too_many_running(data: Facts) -> str:
    running, limit = _number(data, "running") or 0, _number(data, "limit") or 0
    return gettext(
        "You have {pictures} under way, and this server allows {limit} at once."
        " Please wait until one is there, or cancel one.",
        pictures=pictures_text(running),
        limit=limit,
    )


def _preset_unknown(data: Facts) -> str:
    return gettext(
        "There is no preset “{name}” in this server. Choose one from the list while you type.",
        name=escape(str(data.get("name") or ""), 60),
    )


REASONS_WITH_FACTS: Final[Mapping[MemberReason, Callable[[Facts], str]]] = {
    MemberReason.PROMPT_TOO_LONG: _prompt_too_long,
    MemberReason.REFERENCE_TYPE: _reference_type,
    MemberReason.REFERENCE_TOO_BIG: _reference_too_big,
    MemberReason.REFERENCE_TOO_LARGE: _reference_too_large,
    MemberReason.CHANNEL_UNUSABLE: _channel_unusable,
    MemberReason.NOT_ALLOWED: _not_allowed,
    MemberReason.PAUSED: _paused,
    MemberReason.MEMBER_BLOCKED: _member_blocked,
    MemberReason.ROLE_REFUSED: _role_refused,
    MemberReason.CHANNEL_REFUSED: _channel_refused,
    MemberReason.WORD_BLOCKED: _word_blocked,
    MemberReason.COOLDOWN: _cooldown,
    MemberReason.TOO_MANY_RUNNING: _too_many_running,
    MemberReason.PRESET_UNKNOWN: _preset_unknown,
}


def _number(data: Facts, name: str) -> int | None:
    value = data.get(name)
    return value if isinstance(value, int) else None


def _missing(data: Facts) -> str:
    names = data.get("missing")
    return permission_names(str(name) for name in names) if isinstance(names, tuple | list) else ""


def _listed(data: Facts, name: str, mentioned: Callable[[int], str]) -> str:
    ids = data.get(name)
    shown = [mentioned(each) for each in ids if isinstance(each, int)] if isinstance(ids, list) else []
    return ", ".join([*shown[:_NAMED], *(["…"] if len(shown) > _NAMED else [])])
