"""What `/doctor` says: every ability in words, with what is lost without it and who can change it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cogs.text.terms import permission_names
from cogs.text.translation import gettext, gettext_noop
from cogs.ui import layout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from discord import ui

_CAN: Final = {
    "view_channel": gettext_noop("Yes: see this channel."),
    "send_messages": gettext_noop("Yes: write messages here."),
    "send_messages_in_threads": gettext_noop("Yes: write messages in this thread."),
    "attach_files": gettext_noop("Yes: attach pictures."),
}
_CANNOT: Final = {
    "view_channel": gettext_noop(
        "**No: see this channel.** I cannot see this channel, so a late picture cannot be put into its own"
        " message. Give me {permission}."
    ),
    "send_messages": gettext_noop(
        "**No: write messages here.** I cannot write a new message where a reply is gone or too old."
        " Give me {permission}."
    ),
    "send_messages_in_threads": gettext_noop(
        "**No: write messages in this thread.** I cannot write a new message where a reply is gone or too"
        " old. Give me {permission}."
    ),
    "attach_files": gettext_noop(
        "**No: attach pictures.** I cannot attach a picture to such a message. Give me {permission}."
    ),
}
_MEMBERS_CANNOT: Final = {
    "view_channel": gettext_noop("Members without a role cannot see this channel: they need {permission}."),
    "use_application_commands": gettext_noop(
        "Members without a role cannot use `/imagine` here: they need {permission}."
    ),
    "attach_files": gettext_noop("Members without a role cannot attach a reference: they need {permission}."),
}


@dataclass(frozen=True, slots=True)
class ChannelCheck:
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


def check_view(seen: ChannelCheck) -> ui.LayoutView:
    """The whole examination."""
    return layout.build_view(gettext("### What I may do here"), "\n".join(_lines(seen)))


def _lines(seen: ChannelCheck) -> Iterator[str]:
    writing = "send_messages_in_threads" if seen.in_thread else "send_messages"
    for name in ("view_channel", writing, "attach_files"):
        if name in seen.missing:
            yield gettext(_CANNOT[name], permission=permission_names([name]))
        else:
            yield gettext(_CAN[name])
    if seen.missing:
        yield gettext(
            "Until that is changed `/imagine` is refused here, before anything is charged. Open the settings"
            " of this channel, then Permissions."
        )
    for name in seen.members_lack:
        yield gettext(_MEMBERS_CANNOT[name], permission=permission_names([name]))
    yield _about_alerts(seen)
    if seen.rivya_down:
        yield gettext(
            "Rivya, who paints, does not answer at the moment. Requests wait, and nothing is charged."
        )
    else:
        yield gettext("Rivya, who paints, answers.")


def _about_alerts(seen: ChannelCheck) -> str:
    if seen.alert_channel_id is None:
        return gettext("Alerts about the limit are off; `/limits alerts` chooses a channel for them.")
    if seen.alert_missing is None:
        return gettext("**The channel for alerts is gone.** Choose another with `/limits alerts`.")
    channel = f"<#{seen.alert_channel_id}>"
    if seen.alert_missing:
        return gettext(
            "**Alerts cannot be posted in {channel}.** Give me {permissions} there.",
            channel=channel,
            permissions=permission_names(seen.alert_missing),
        )
    return gettext("Alerts about the limit go to {channel}.", channel=channel)
