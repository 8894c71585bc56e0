"""The sentences about the access rules of a server, and about how many pictures may be asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cogs.text.error_data import mentions_in, number_in
from cogs.text.escaping import QUOTE_UNITS, escape
from cogs.text.terms import channel_mention, length_text, pictures_text, role_mention, timestamp
from cogs.text.translation import gettext, ngettext

if TYPE_CHECKING:
    from cogs.text.error_data import Data


def member_blocked(data: Data) -> str:
    """Return that an admin blocks the member, until when and why."""
    until = number_in(data, "expires_at")
    if until is None:
        sentence = gettext("An admin of this server does not let you paint here.")
    else:
        sentence = gettext(
            "An admin of this server does not let you paint here until {when}.", when=timestamp(until, "f")
        )
    quoted = escape(str(data.get("why") or ""), QUOTE_UNITS)
    return f"{sentence} {gettext('They say: {words}', words=quoted)}" if quoted else sentence


def role_refused(data: Data) -> str:
    """Return that the member's roles may not paint here, or which may."""
    denied, allowed = (mentions_in(data, name, role_mention) for name in ("denied", "allowed"))
    if denied:
        return gettext("In this server members with the role {roles} may not paint.", roles=denied)
    return gettext("In this server only members with one of these roles may paint: {roles}.", roles=allowed)


def channel_refused(data: Data) -> str:
    """Return that pictures are not painted in this channel, or where they are."""
    denied, allowed = (mentions_in(data, name, channel_mention) for name in ("denied", "allowed"))
    if denied:
        return gettext("Pictures are not painted in this channel. Please try another one.")
    return gettext("In this server pictures are painted only in {channels}.", channels=allowed)


def cooldown(data: Data) -> str:
    """Return how long the pause between two requests is, and when it is over."""
    over_at, seconds = number_in(data, "over_at") or 0, number_in(data, "seconds") or 0
    return gettext(
        "In this server there is a pause of {length} between two pictures. You can paint again {when}.",
        length=length_text(seconds),
        when=timestamp(over_at + 999),  # rounded up to the next whole second
    )


def too_many_running(data: Data) -> str:
    """Return that a member has too many pictures under way, or asks for too many at once."""
    running, limit = number_in(data, "running") or 0, number_in(data, "limit") or 0
    asked = number_in(data, "pictures") or 1
    if asked > limit:  # it does not help to wait
        return ngettext(
            "This server allows a member {n} picture at once, and you asked for {asked}. Please ask for one.",
            "This server allows a member {n} pictures at once, and you asked for {asked}."
            " Please ask for fewer.",
            limit,
            asked=asked,
        )
    if asked > 1 and running < limit:
        return gettext(
            "You have {pictures} under way, and this server allows {limit} at once: no room for {asked} more."
            " Please ask for fewer, or wait until those are ready.",
            pictures=pictures_text(running),
            limit=limit,
            asked=asked,
        )
    return gettext(
        "You have {pictures} under way, and this server allows {limit} at once."
        " Please wait until one is ready, or cancel one.",
        pictures=pictures_text(running),
        limit=limit,
    )


def too_many_pictures(data: Data) -> str:
    """Return for how many pictures a request may be here, or how many models it may compare."""
    limit = number_in(data, "limit") or 1
    if data.get("compared"):
        return ngettext(
            "Each model paints a picture, and in this server a request is for {n} picture: models cannot be"
            " compared here.",
            "Each model paints a picture, and in this server a request is for at most {n} pictures. Please"
            " compare fewer models.",
            limit,
        )
    return ngettext(
        "In this server a request is for {n} picture. Please ask for one at a time.",
        "In this server a request is for at most {n} pictures. Please ask for fewer.",
        limit,
    )


def too_many_results(data: Data) -> str:
    """Return that the tasks of a request could make more pictures than an admin, or a message, allows."""
    count, limit = number_in(data, "count") or 0, number_in(data, "limit") or 0
    if data.get("by_admin"):
        return gettext(
            "This could make {count} pictures, and in this server a request is for at most {limit}."
            " Please ask for fewer, or set a lower `max_images`.",
            count=count,
            limit=limit,
        )
    return gettext(
        "This could make {count} pictures, and one message shows at most {limit}. Please ask for fewer.",
        count=count,
        limit=limit,
    )
