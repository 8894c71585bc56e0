"""The form of `/setup`: its five fields, and what is read from it when it comes back."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import discord
from discord import ui

from bot.domain.limits import MAX_COMMAND_CREDITS
from bot.guilds.setup_forms import SetupFields
from cogs.limits.timezones import DEFAULT_ZONE
from cogs.text.escaping import single_line
from cogs.text.terms import PERIODS_OF_LIMITS, limit_text
from cogs.text.translation import gettext
from cogs.ui.component_router import SNOWFLAKE, parse_snowflake
from cogs.ui.discord_limits import all_components, validate_modal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.credits.guild_setup import CurrentSetup

CUSTOM_ID: Final = rf"kuas:setup_form:(?P<form_id>{SNOWFLAKE})"
CREDITS: Final = "credits"
PERIOD: Final = "period"
ROLES: Final = "roles"
CHANNEL: Final = "channel"
ZONE: Final = "zone"
CREDITS_UNITS: Final = 12
ZONE_UNITS: Final = 60
ROLES_SHOWN: Final = 25
"""The most that a select menu takes; with more, the form has no field for them."""
_DESCRIPTION_UNITS: Final = 100


def fields_of(current: CurrentSetup, guild: discord.Guild) -> SetupFields:
    """Return what the form is filled with."""
    fields = SetupFields(
        credits=str(current.limit.credits),
        period=str(current.limit.period),
        role_ids=current.role_ids,
        channel_id=current.alert_channel_id,
        timezone=current.timezone or DEFAULT_ZONE,
    )
    return without_deleted(fields, guild)


def without_deleted(fields: SetupFields, guild: discord.Guild) -> SetupFields:
    """Leave out what a menu cannot be filled with: deleted roles, @everyone, and a deleted channel."""
    known = {role.id for role in guild.roles} - {guild.id}
    channel = None if fields.channel_id is None else guild.get_channel(fields.channel_id)
    return replace(
        fields,
        role_ids=tuple(role_id for role_id in fields.role_ids if role_id in known),
        channel_id=None if channel is None else channel.id,
    )


def setup_modal(form_id: int, fields: SetupFields, current: CurrentSetup) -> ui.Modal:
    """Build the form."""
    form = ui.Modal(title=gettext("Set up this server"), custom_id=f"kuas:setup_form:{form_id}")
    form.add_item(_text(CREDITS, gettext("Credits this server may spend"), _credits_hint(current), fields))
    form.add_item(_periods(fields))
    if len(fields.role_ids) <= ROLES_SHOWN:
        form.add_item(_roles(fields))
    form.add_item(_channels(fields))
    hint = gettext("Where this server's days and months begin, such as Europe/Berlin; empty: UTC")
    form.add_item(_text(ZONE, gettext("Time zone"), hint, fields))
    # discord.py keeps a form that is not stopped in memory until it is submitted, which may be never.
    form.stop()
    return validate_modal(form)


def _label(text: str, description: str, field: ui.Item[ui.Modal]) -> ui.Label[ui.Modal]:
    return ui.Label(
        text=text, description=single_line(description, _DESCRIPTION_UNITS) or None, component=field
    )


def _text(name: str, label: str, hint: str, fields: SetupFields) -> ui.Label[ui.Modal]:
    field: ui.TextInput[ui.Modal] = ui.TextInput(
        custom_id=name,
        default=(fields.credits if name == CREDITS else fields.timezone) or None,
        max_length=CREDITS_UNITS if name == CREDITS else ZONE_UNITS,
        required=False,
    )
    return _label(label, hint, field)


def _credits_hint(current: CurrentSetup) -> str:
    default = limit_text(current.default)
    if current.ceiling is None:
        return gettext("0: no pictures; empty: the default, {default}", default=default)
    return gettext(
        "0: no pictures; empty: {default}. At most {ceiling}",
        default=default,
        ceiling=limit_text(current.ceiling),
    )


def _periods(fields: SetupFields) -> ui.Label[ui.Modal]:
    options = [
        discord.SelectOption(label=gettext(name), value=period, default=period == fields.period)
        for period, name in PERIODS_OF_LIMITS.items()
    ]
    field: ui.Select[ui.Modal] = ui.Select(custom_id=PERIOD, options=options, required=True)
    return _label(gettext("For which period"), "", field)


def _roles(fields: SetupFields) -> ui.Label[ui.Modal]:
    kind = discord.SelectDefaultValueType.role
    field: ui.RoleSelect[ui.Modal] = ui.RoleSelect(
        custom_id=ROLES,
        required=False,
        min_values=0,
        max_values=ROLES_SHOWN,
        default_values=[discord.SelectDefaultValue(id=role_id, type=kind) for role_id in fields.role_ids],
    )
    return _label(gettext("Who may paint"), gettext("Only these roles; empty: everybody"), field)


def _channels(fields: SetupFields) -> ui.Label[ui.Modal]:
    kind = discord.SelectDefaultValueType.channel
    shown = [] if fields.channel_id is None else [fields.channel_id]
    field: ui.ChannelSelect[ui.Modal] = ui.ChannelSelect(
        custom_id=CHANNEL,
        channel_types=[discord.ChannelType.text, discord.ChannelType.news],
        required=False,
        min_values=0,
        max_values=1,
        default_values=[discord.SelectDefaultValue(id=channel_id, type=kind) for channel_id in shown],
    )
    hint = gettext("A message when half, 80 percent and all of the credits are spent; empty: nowhere")
    return _label(gettext("Where alerts go"), hint, field)


def read(data: Mapping[str, Any], opened: SetupFields) -> SetupFields:
    """Read a form that came back; a field that it did not have is as it was `opened` with.

    https://discord.com/developers/docs/components/reference#label-label-interaction-response-structure
    """
    parts = all_components(data.get("components", ()))
    sent = {str(part["custom_id"]): part for part in parts if "custom_id" in part}
    roles, channels = _ids(sent.get(ROLES)), _ids(sent.get(CHANNEL))
    periods = _values(sent.get(PERIOD))
    return SetupFields(
        credits=_typed(sent.get(CREDITS), opened.credits),
        period=periods[0] if periods and periods[0] in PERIODS_OF_LIMITS else opened.period,
        role_ids=opened.role_ids if roles is None else roles,
        channel_id=opened.channel_id if channels is None else next(iter(channels), None),
        timezone=_typed(sent.get(ZONE), opened.timezone),
    )


def parse_credits(typed: str) -> int | None:
    """Return the credits in a text; None if it is no whole number up to `MAX_COMMAND_CREDITS`."""
    if not re.fullmatch("[0-9]{1,7}", typed):
        return None
    credits = int(typed)
    return credits if credits <= MAX_COMMAND_CREDITS else None


def _typed(field: Mapping[str, Any] | None, opened: str) -> str:
    return opened if field is None else str(field.get("value") or "").strip()


def _values(field: Mapping[str, Any] | None) -> list[str]:
    return [str(value) for value in (field or {}).get("values") or ()]


def _ids(field: Mapping[str, Any] | None) -> tuple[int, ...] | None:
    if field is None:
        return None
    found = (value for value in _values(field) if re.fullmatch(SNOWFLAKE, value))
    return tuple(sorted(map(parse_snowflake, found)))
