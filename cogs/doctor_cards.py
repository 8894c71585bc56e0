"""What `/doctor` says: every ability in words, with what is lost without it and who can change it.

Owns the words about what the bot may do. Never imports anything of ours but cards, wording.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cogs.ground import cards
from cogs.ground.wording import permission_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from discord import ui

TITLE: Final = "### What I may do here"

_WITHOUT: Final = {
    "view_channel": "I cannot see this channel, so a late picture cannot be put into its own message.",
    "send_messages": "I cannot write a new message where a reply is gone or too old.",
    "send_messages_in_threads": "I cannot write a new message where a reply is gone or too old.",
    "attach_files": "I cannot attach a picture to such a message.",
}
_WITH: Final = {
    "view_channel": "see this channel",
    "send_messages": "write messages here",
    "send_messages_in_threads": "write messages in this thread",
    "attach_files": "attach pictures",
}
_MEMBERS_WITHOUT: Final = {
    "view_channel": "cannot see this channel",
    "use_application_commands": "cannot use `/imagine` here",
    "attach_files": "cannot attach a reference",
}


@dataclass(frozen=True, slots=True)
class Examination:
    """What was seen. Names of permissions are discord.py's."""

    missing: tuple[str, ...]
    """What the bot lacks in this channel."""
    in_thread: bool
    members_lack: tuple[str, ...]
    """What a member without any role lacks in this channel."""
    alert_channel_id: int | None
    alert_missing: tuple[str, ...] | None
    """What the bot lacks where alerts go; None if that channel is gone, or none was chosen."""
    rivya_down: bool


def card_of(seen: Examination) -> ui.LayoutView:
    """The whole examination."""
    return cards.card(TITLE, "\n".join(_lines(seen)))


def _lines(seen: Examination) -> Iterator[str]:
    writing = "send_messages_in_threads" if seen.in_thread else "send_messages"
    for name in ("view_channel", writing, "attach_files"):
        if name in seen.missing:
            yield f"**No: {_WITH[name]}.** {_WITHOUT[name]} Give me {permission_names([name])}."
        else:
            yield f"Yes: {_WITH[name]}."
    if seen.missing:
        yield (
            "Until that is changed `/imagine` is refused here, before anything is charged. Open the settings"
            " of this channel, then Permissions."
        )
    for name in seen.members_lack:
        yield f"Members without a role {_MEMBERS_WITHOUT[name]}: they need {permission_names([name])}."
    yield _about_alerts(seen)
    if seen.rivya_down:
        yield "Rivya, who paints, does not answer at the moment. Requests wait, and nothing is charged."
    else:
        yield "Rivya, who paints, answers."


def _about_alerts(seen: Examination) -> str:
    if seen.alert_channel_id is None:
        return "Alerts about the limit are off; `/limits alerts` chooses a channel for them."
    if seen.alert_missing is None:
        return "**The channel for alerts is gone.** Choose another with `/limits alerts`."
    if seen.alert_missing:
        return (
            f"**Alerts cannot be posted in <#{seen.alert_channel_id}>.**"
            f" Give me {permission_names(seen.alert_missing)} there."
        )
    return f"Alerts about the limit go to <#{seen.alert_channel_id}>."
