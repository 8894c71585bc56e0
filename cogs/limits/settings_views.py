"""What a server's settings are called, and what an admin reads after changing one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.guilds.settings import GuildSetting
from cogs.limits.timezones import DEFAULT_ZONE
from cogs.text.terms import credits_text, length_text, permission_names, reset_text, usage_text
from cogs.text.translation import gettext, gettext_noop
from cogs.ui.layout import build_view, subtext

if TYPE_CHECKING:
    from collections.abc import Iterable

    from discord import ui

    from bot.domain.limits import Usage
    from bot.guilds.settings import SettingChange

_NAMES: Final = {
    GuildSetting.TIMEZONE: gettext_noop("Time zone"),
    GuildSetting.ALERT_CHANNEL: gettext_noop("Alerts"),
    GuildSetting.CONFIRM_ABOVE: gettext_noop("Ask before spending"),
    GuildSetting.COOLDOWN_SECONDS: gettext_noop("Pause between two pictures"),
    GuildSetting.RUNNING_LIMIT: gettext_noop("Pictures of a member at once"),
    GuildSetting.AGE_RESTRICTED_ONLY: gettext_noop("Age-restricted channels only"),
    GuildSetting.OWNER_ONLY: gettext_noop("Buttons for a picture's own member only"),
}
ABOUT_LIMITS: Final = (GuildSetting.TIMEZONE, GuildSetting.ALERT_CHANNEL, GuildSetting.CONFIRM_ABOVE)
"""The settings that are about credits; the others are shown by `/access`."""


def setting_name(name: GuildSetting) -> str:
    """A setting, for people; opens a line."""
    return gettext(_NAMES[name])


def setting_words(name: GuildSetting, value: str | None) -> str:
    """The value of a setting, for people."""
    match name:
        case GuildSetting.TIMEZONE:
            return value or DEFAULT_ZONE
        case GuildSetting.ALERT_CHANNEL:
            return gettext("off") if value is None else gettext("in <#{channel}>", channel=value)
        case GuildSetting.CONFIRM_ABOVE:
            return (
                gettext("never")
                if value is None
                else gettext("above {credits}", credits=credits_text(int(value)))
            )
        case GuildSetting.COOLDOWN_SECONDS:
            return gettext("none") if value is None else length_text(int(value))
        case GuildSetting.RUNNING_LIMIT:
            return gettext("as many as they like") if value is None else value
        case GuildSetting.AGE_RESTRICTED_ONLY | GuildSetting.OWNER_ONLY:
            return gettext("off") if value is None else gettext("on")


def setting_changed_view(name: GuildSetting, change: SettingChange, *notes: str) -> ui.LayoutView:
    """From what to what."""
    before, after = setting_words(name, change.before), setting_words(name, change.after)
    changed = gettext("From **{before}** to **{after}**.", before=before, after=after)
    return build_view(f"### {setting_name(name)}", changed, *map(subtext, notes))


def zone_note(usage: Usage) -> str:
    """What a new time zone means for the period that runs."""
    return gettext(
        "Days, weeks and months of this server's limits begin at midnight there. Now: {usage}. {reset}",
        usage=usage_text(usage),
        reset=reset_text(usage),
    )


def unknown_zone(typed: str) -> str:
    """Nobody knows this time zone; `typed` is fit to be shown."""
    return gettext(
        'There is no time zone "{typed}". Type a city and choose from the list, such as `Europe/Berlin`.',
        typed=typed,
    )


def closed_channel(channel_id: int, missing: Iterable[str]) -> str:
    """The bot could not post its alerts there."""
    return gettext(
        "I cannot post in <#{channel}>: I need {permissions} there. Give me that, or choose another channel.",
        channel=channel_id,
        permissions=permission_names(missing),
    )
