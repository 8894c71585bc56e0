"""What members read in a server that the operator has not allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cogs.text.escaping import escape_with_links
from cogs.text.terms import mention, timestamp
from cogs.text.translation import gettext, gettext_noop

if TYPE_CHECKING:
    from collections.abc import Mapping

_WAITING: Final = gettext_noop("The people who run this bot have not allowed pictures in this server yet.")
_STATES: Final = {
    "refused": gettext_noop("The people who run this bot do not allow pictures in this server."),
    "unlisted": gettext_noop("The people who run this bot allow pictures in some servers only."),
}
_CONTACTS_SHOWN: Final = 3


def guild_not_admitted(data: Mapping[str, object]) -> str:
    """Return `no_pictures_text`, and that the request was free."""
    return f"{no_pictures_text(data)} {gettext('Nothing was charged.')}"


def no_pictures_text(data: Mapping[str, object]) -> str:
    """Return why there are no pictures in this server, and whom to ask; without data, it is less exact."""
    sentence = gettext(_STATES.get(str(data.get("state")), _WAITING))
    leave_at = data.get("leave_at")
    leaves = leaving_text(leave_at) if isinstance(leave_at, int) else ""
    return " ".join(filter(None, (sentence, leaves, whom_to_ask(data.get("contacts"), data.get("contact")))))


def leaving_text(leave_at: int) -> str:
    """Return when the bot leaves the server."""
    return gettext("The bot leaves this server {when}.", when=timestamp(leave_at))


def whom_to_ask(contacts: object, contact: object = None) -> str:
    """Return whom to ask: the operator's own words, else the ids of the people who run the bot, if known."""
    if isinstance(contact, str) and contact:
        return gettext("If you want it changed, ask {people}.", people=escape_with_links(contact))
    ids = [each for each in contacts if isinstance(each, int)] if isinstance(contacts, list | tuple) else []
    if not ids:
        return gettext("If you want it changed, ask them.")
    people = ", ".join(mention(user_id) for user_id in ids[:_CONTACTS_SHOWN])
    return gettext("If you want it changed, ask {people}.", people=people)
