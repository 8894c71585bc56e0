"""What `/doctor` says: every ability in words, with what is lost without it and who can change it.

Owns the words about what the bot may do. Never imports anything of ours but cards, tongues,
wording.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cogs.text.terms import permission_names
from cogs.text.translation import noted, say
from cogs.ui import layout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from discord import ui

_CAN: Final = {
    "view_channel": noted("Yes: see this channel."),
    "send_messages": noted("Yes: write messages here."),
    "send_messages_in_threads": noted("Yes: write messages in this thread."),
    "attach_files": noted("Yes: attach pictures."),
}
_CANNOT: Final = {
    "view_channel": noted(
        "**No: see this channel.** I cannot see this channel, so a late picture cannot be put into its own"
        " message. Give me {permission}."
    ),
    "send_messages": noted(
        "**No: write messages here.** I cannot write a new message where a reply is gone or too old."
        " Give me {permission}."
    ),
    "send_messages_in_threads": noted(
        "**No: write messages in this thread.** I cannot write a new message where a reply is gone or too"
        " old. Give me {permission}."
    ),
    "attach_files": noted(
        "**No: attach pictures.** I cannot attach a picture to such a message. Give me {permission}."
    ),
}
_MEMBERS_CANNOT: Final = {
    "view_channel": noted("Members without a role cannot see this channel: they need {permission}."),
    "use_application_commands": noted(
        "Members without a role cannot use `/imagine` here: they need {permission}."
    ),
    "attach_files": noted("Members without a role cannot attach a reference: they need {permission}."),
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
    return layout.card(say("### What I may do here"), "\n".join(_lines(seen)))


def _lines(seen: Examination) -> Iterator[str]:
    writing = "send_messages_in_threads" if seen.in_thread else "send_messages"
    for name in ("view_channel", writing, "attach_files"):
        if name in seen.missing:
            yield say(_CANNOT[name], permission=permission_names([name]))
        else:
            yield say(_CAN[name])
    if seen.missing:
        yield say(
            "Until that is changed `/imagine` is refused here, before anything is charged. Open the settings"
            " of this channel, then Permissions."
        )
    for name in seen.members_lack:
        yield say(_MEMBERS_CANNOT[name], permission=permission_names([name]))
    yield _about_alerts(seen)
    if seen.rivya_down:
        yield say("Rivya, who paints, does not answer at the moment. Requests wait, and nothing is charged.")
    else:
        yield say("Rivya, who paints, answers.")


def _about_alerts(seen: Examination) -> str:
    if seen.alert_channel_id is None:
        return say("Alerts about the limit are off; `/limits alerts` chooses a channel for them.")
    if seen.alert_missing is None:
        return say("**The channel for alerts is gone.** Choose another with `/limits alerts`.")
    channel = f"<#{seen.alert_channel_id}>"
    if seen.alert_missing:
        return say(
            "**Alerts cannot be posted in {channel}.** Give me {permissions} there.",
            channel=channel,
            permissions=permission_names(seen.alert_missing),
        )
    return say("Alerts about the limit go to {channel}.", channel=channel)
