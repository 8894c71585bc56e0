"""What `/doctor` shows: each permission, what does not work without it, and how to change it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.discord_client.permissions import needed_to_post
from cogs.text.admission_messages import no_pictures_text
from cogs.text.terms import channel_mention, permission_names
from cogs.text.translation import gettext, gettext_noop
from cogs.ui import layout

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from discord import ui

_CAN: Final = {
    "view_channel": gettext_noop("Yes: see this channel."),
    "send_messages": gettext_noop("Yes: write messages here."),
    "send_messages_in_threads": gettext_noop("Yes: write messages in this thread."),
    "attach_files": gettext_noop("Yes: attach pictures."),
}
_CANNOT: Final = {
    "view_channel": gettext_noop(
        "**No: see this channel.** Without it I cannot post a late picture as a new message."
        " Give me {permission}."
    ),
    "send_messages": gettext_noop(
        "**No: write messages here.** Without it I cannot post a new message where a reply is gone or too"
        " old. Give me {permission}."
    ),
    "send_messages_in_threads": gettext_noop(
        "**No: write messages in this thread.** Without it I cannot post a new message where a reply is gone"
        " or too old. Give me {permission}."
    ),
    "attach_files": gettext_noop(
        "**No: attach pictures.** Without it I cannot attach a picture to a new message."
        " Give me {permission}."
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
    """What `/doctor` found. Names of permissions are discord.py's."""

    missing: tuple[str, ...]
    """What the bot lacks in this channel."""
    in_thread: bool
    members_lack: tuple[str, ...]
    """What a member without any role lacks in this channel."""
    alert_channel_id: int | None
    alert_missing: tuple[str, ...] | None
    """What the bot lacks where alerts go; None if that channel is gone, or none was chosen."""
    rivya_down: bool
    not_admitted: Mapping[str, object] | None = None
    """The data of GUILD_NOT_ADMITTED; None if the server may ask for pictures."""


def check_view(check: ChannelCheck) -> ui.LayoutView:
    """Show what `/doctor` found."""
    return layout.build_view(gettext("### What I may do here"), "\n".join(_lines(check)))


def _lines(check: ChannelCheck) -> Iterator[str]:
    if check.not_admitted is not None:
        yield f"**{no_pictures_text(check.not_admitted)}**"
    for name in needed_to_post(in_thread=check.in_thread):
        if name in check.missing:
            yield gettext(_CANNOT[name], permission=permission_names([name]))
        else:
            yield gettext(_CAN[name])
    if check.missing:
        yield gettext(
            "Until that is changed `/imagine` is refused here, before anything is charged. Open the settings"
            " of this channel, then Permissions."
        )
    for name in check.members_lack:
        yield gettext(_MEMBERS_CANNOT[name], permission=permission_names([name]))
    yield _alerts_line(check)
    if check.rivya_down:
        yield gettext(
            "Rivya, the service that paints, does not answer at the moment. Requests wait, and nothing is"
            " charged."
        )
    else:
        yield gettext("Rivya, the service that paints, answers.")


def _alerts_line(check: ChannelCheck) -> str:
    if check.alert_channel_id is None:
        return gettext("Alerts about the limit are off; `/limits alerts` chooses a channel for them.")
    if check.alert_missing is None:
        return gettext("**The channel for alerts is gone.** Choose another with `/limits alerts`.")
    channel = channel_mention(check.alert_channel_id)
    if check.alert_missing:
        return gettext(
            "**Alerts cannot be posted in {channel}.** Give me {permissions} there.",
            channel=channel,
            permissions=permission_names(check.alert_missing),
        )
    return gettext("Alerts about the limit go to {channel}.", channel=channel)
