"""Names and values of a server's settings, and what an admin reads after changing one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.guilds.settings import GuildSetting
from cogs.limits.timezones import DEFAULT_ZONE
from cogs.limits.views import changed_text
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
    GuildSetting.RUNNING_LIMIT: gettext_noop("Pictures per member at once"),
    GuildSetting.AGE_RESTRICTED_ONLY: gettext_noop("Age-restricted channels only"),
    GuildSetting.OWNER_ONLY: gettext_noop("Buttons for a picture's own member only"),
}
_DEFAULTS: Final = {
    GuildSetting.TIMEZONE: DEFAULT_ZONE,
    GuildSetting.ALERT_CHANNEL: gettext_noop("off"),
    GuildSetting.CONFIRM_ABOVE: gettext_noop("never"),
    GuildSetting.COOLDOWN_SECONDS: gettext_noop("none"),
    GuildSetting.RUNNING_LIMIT: gettext_noop("as many as they like"),
    GuildSetting.AGE_RESTRICTED_ONLY: gettext_noop("off"),
    GuildSetting.OWNER_ONLY: gettext_noop("off"),
}
CREDIT_SETTINGS: Final = (GuildSetting.TIMEZONE, GuildSetting.ALERT_CHANNEL, GuildSetting.CONFIRM_ABOVE)
"""The settings that `/limits show` shows; `/access show` shows the others."""


def setting_name(name: GuildSetting) -> str:
    """Return the name of a setting, as the beginning of a line."""
    return gettext(_NAMES[name])


def setting_value(name: GuildSetting, value: str | None) -> str:
    """Return the value of a setting in words; None is the default."""
    if value is None:
        return gettext(_DEFAULTS[name])
    match name:
        case GuildSetting.ALERT_CHANNEL:
            return gettext("in <#{channel}>", channel=value)
        case GuildSetting.CONFIRM_ABOVE:
            return gettext("above {credits}", credits=credits_text(int(value)))
        case GuildSetting.COOLDOWN_SECONDS:
            return length_text(int(value))
        case GuildSetting.AGE_RESTRICTED_ONLY | GuildSetting.OWNER_ONLY:
            return gettext("on")
        case GuildSetting.TIMEZONE | GuildSetting.RUNNING_LIMIT:
            return value


def changed_view(name: GuildSetting, change: SettingChange, note: str = "") -> ui.LayoutView:
    """Show a changed setting, before and after, with a note in small print."""
    before, after = setting_value(name, change.before), setting_value(name, change.after)
    changed = gettext("From **{before}** to **{after}**.", before=before, after=after)
    return build_view(f"### {setting_name(name)}", changed, subtext(note) if note else "")


def changed_setting_text(name: GuildSetting, change: SettingChange) -> str:
    """Return a changed setting in one line."""
    before, after = setting_value(name, change.before), setting_value(name, change.after)
    return changed_text(setting_name(name), before, after)


def zone_note(usage: Usage) -> str:
    """Return what a new time zone means for the current period."""
    return gettext(
        "Days, weeks and months of this server's limits begin at midnight there. Now: {usage}. {reset}",
        usage=usage_text(usage),
        reset=reset_text(usage),
    )


def unknown_zone(typed: str) -> str:
    """Return that there is no such time zone; `typed` is escaped."""
    return gettext(
        'There is no time zone "{typed}". Type a city and choose from the list, such as `Europe/Berlin`.',
        typed=typed,
    )


def unusable_channel(channel_id: int, missing: Iterable[str]) -> str:
    """Return that the bot cannot post alerts in a channel, and which permissions it lacks there."""
    return gettext(
        "I cannot post in <#{channel}>: I need {permissions} there. Give me that, or choose another channel.",
        channel=channel_id,
        permissions=permission_names(missing),
    )
