"""Names and values of a server's settings, and what an admin reads after changing one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.guilds.settings import GuildSetting
from bot.jobs.requests.guild_defaults import ON
from cogs.limits.timezones import DEFAULT_ZONE
from cogs.limits.views import changed_text
from cogs.text.terms import (
    credits_text,
    format_name,
    known_model_name,
    length_text,
    permission_names,
    reset_text,
    size_name,
    usage_text,
)
from cogs.text.translation import gettext, gettext_noop
from cogs.ui.layout import build_view, subtext

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from discord import ui

    from bot.domain.limits import Usage
    from bot.guilds.settings import SettingChange

_NAMES: Final = {
    GuildSetting.TIMEZONE: gettext_noop("Time zone"),
    GuildSetting.ALERT_CHANNEL: gettext_noop("Alerts"),
    GuildSetting.CONFIRM_ABOVE: gettext_noop("Ask before spending"),
    GuildSetting.COOLDOWN_SECONDS: gettext_noop("Pause between two pictures"),
    GuildSetting.RUNNING_LIMIT: gettext_noop("Pictures per member at once"),
    GuildSetting.PICTURE_LIMIT: gettext_noop("Pictures of one request"),
    GuildSetting.AGE_RESTRICTED_ONLY: gettext_noop("Age-restricted channels only"),
    GuildSetting.OWNER_ONLY: gettext_noop("Buttons for a picture's own member only"),
    GuildSetting.LOOSE_SAFETY: gettext_noop("Looser safety checks in age-restricted channels"),
    GuildSetting.DEFAULT_MODEL: gettext_noop("Default model"),
    GuildSetting.DEFAULT_SIZE: gettext_noop("Default size"),
    GuildSetting.DEFAULT_FORMAT: gettext_noop("Default kind of file"),
    GuildSetting.DEFAULT_PRIVATE: gettext_noop("Pictures only for their member by default"),
}
_DEFAULTS: Final = {
    GuildSetting.TIMEZONE: DEFAULT_ZONE,
    GuildSetting.ALERT_CHANNEL: gettext_noop("off"),
    GuildSetting.CONFIRM_ABOVE: gettext_noop("never"),
    GuildSetting.COOLDOWN_SECONDS: gettext_noop("none"),
    GuildSetting.RUNNING_LIMIT: gettext_noop("as many as they like"),
    GuildSetting.PICTURE_LIMIT: gettext_noop("up to four"),
    GuildSetting.AGE_RESTRICTED_ONLY: gettext_noop("off"),
    GuildSetting.OWNER_ONLY: gettext_noop("off"),
    GuildSetting.LOOSE_SAFETY: gettext_noop("off"),
    GuildSetting.DEFAULT_MODEL: gettext_noop("as this bot does it"),
    GuildSetting.DEFAULT_SIZE: gettext_noop("as this bot does it"),
    GuildSetting.DEFAULT_FORMAT: gettext_noop("as this bot does it"),
    GuildSetting.DEFAULT_PRIVATE: gettext_noop("as this bot does it"),
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
    return _VALUES[name](value)


_VALUES: Final[Mapping[GuildSetting, Callable[[str], str]]] = {
    GuildSetting.TIMEZONE: str,
    GuildSetting.ALERT_CHANNEL: lambda value: gettext("in <#{channel}>", channel=value),
    GuildSetting.CONFIRM_ABOVE: lambda value: gettext("above {credits}", credits=credits_text(int(value))),
    GuildSetting.COOLDOWN_SECONDS: lambda value: length_text(int(value)),
    GuildSetting.RUNNING_LIMIT: str,
    GuildSetting.PICTURE_LIMIT: str,
    GuildSetting.AGE_RESTRICTED_ONLY: lambda _: gettext("on"),
    GuildSetting.OWNER_ONLY: lambda _: gettext("on"),
    GuildSetting.LOOSE_SAFETY: lambda _: gettext("on"),
    GuildSetting.DEFAULT_MODEL: known_model_name,
    GuildSetting.DEFAULT_SIZE: size_name,
    GuildSetting.DEFAULT_FORMAT: format_name,
    GuildSetting.DEFAULT_PRIVATE: lambda value: gettext("on") if value == ON else gettext("off"),
}
"""Each setting that is not at its default, in words."""


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
