"""The form of `/setup`: its five fields, and what is read from it when it comes back."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import discord
from discord import ui

from bot.guilds.setup_forms import SetupFields
from cogs.limits.timezones import DEFAULT_ZONE, ZONE_UNITS
from cogs.text.terms import PERIODS_OF_LIMITS, limit_text
from cogs.text.translation import gettext
from cogs.ui.component_router import SNOWFLAKE, parse_snowflake
from cogs.ui.forms import CREDITS_UNITS, build_form, fields_by_id, labelled, values_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.credits.guild_setup import CurrentSetup

CUSTOM_ID: Final = rf"kuas:setup_form:(?P<form_id>{SNOWFLAKE})"
CREDITS: Final = "credits"
PERIOD: Final = "period"
ROLES: Final = "roles"
CHANNEL: Final = "channel"
ZONE: Final = "zone"
ROLES_SHOWN: Final = 25
"""The most that a select menu takes; with more, the form has no field for them."""


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
    hint = gettext("Where this server's days and months begin, such as Europe/Berlin; empty: UTC")
    return build_form(
        gettext("Set up this server"),
        f"kuas:setup_form:{form_id}",
        labelled(
            gettext("Credits this server may spend"),
            _text(CREDITS, fields.credits, CREDITS_UNITS),
            _credits_hint(current),
        ),
        _periods(fields),
        *([_roles(fields)] if len(fields.role_ids) <= ROLES_SHOWN else []),
        _channels(fields),
        labelled(gettext("Time zone"), _text(ZONE, fields.timezone, ZONE_UNITS), hint),
    )


def _text(custom_id: str, value: str, max_length: int) -> ui.TextInput[ui.Modal]:
    return ui.TextInput(custom_id=custom_id, default=value or None, max_length=max_length, required=False)


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
    return labelled(gettext("For which period"), field)


def _roles(fields: SetupFields) -> ui.Label[ui.Modal]:
    kind = discord.SelectDefaultValueType.role
    field: ui.RoleSelect[ui.Modal] = ui.RoleSelect(
        custom_id=ROLES,
        required=False,
        min_values=0,
        max_values=ROLES_SHOWN,
        default_values=[discord.SelectDefaultValue(id=role_id, type=kind) for role_id in fields.role_ids],
    )
    return labelled(gettext("Who may paint"), field, gettext("Only these roles; empty: everybody"))


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
    return labelled(gettext("Where alerts go"), field, hint)


def read(data: Mapping[str, Any], opened: SetupFields) -> SetupFields:
    """Read a form that came back; a field that it did not have is as it was `opened` with."""
    sent = fields_by_id(data)
    roles, channels = _ids(sent.get(ROLES)), _ids(sent.get(CHANNEL))
    periods = values_of(sent.get(PERIOD))
    return SetupFields(
        credits=_typed(sent.get(CREDITS), opened.credits),
        period=periods[0] if periods and periods[0] in PERIODS_OF_LIMITS else opened.period,
        role_ids=opened.role_ids if roles is None else roles,
        channel_id=opened.channel_id if channels is None else next(iter(channels), None),
        timezone=_typed(sent.get(ZONE), opened.timezone),
    )


def _typed(field: Mapping[str, Any] | None, opened: str) -> str:
    return opened if field is None else str(field.get("value") or "").strip()


def _ids(field: Mapping[str, Any] | None) -> tuple[int, ...] | None:
    if field is None:
        return None
    found = (value for value in values_of(field) if re.fullmatch(SNOWFLAKE, value))
    return tuple(sorted(map(parse_snowflake, found)))
