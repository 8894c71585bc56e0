"""`/setup`, and the button *Set up* under the greeting: a form with what most servers set first.

Only fields that the admin has changed are changed, so that nothing is undone that another one set while the
form was open. Either all of them are changed or, if one is wrong, none.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, cast

import discord
from discord import app_commands
from discord.ext import commands

from bot.credits.guild_setup import SetupChanges
from bot.domain.errors import MemberError, MemberReason, TransientError
from bot.domain.periods import Period
from bot.guilds.settings import GuildSetting
from cogs.access import views as access_views
from cogs.limits import settings_views, timezones
from cogs.text.error_messages import reason_alone
from cogs.text.translation import gettext
from cogs.ui.component_router import SNOWFLAKE, component, modal, parse_snowflake, typed_text
from cogs.ui.context import missing_permissions_in, require_manage_guild
from cogs.ui.forms import parse_credits
from cogs.ui.responses import reply_with_view, return_text
from cogs.welcome import setup_form, setup_views
from cogs.welcome.greeting_views import SETUP_ID

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

    from bot.credits.guild_setup import CurrentSetup, GuildSetup
    from bot.guilds.admission import AdmissionStore
    from bot.guilds.pauses import PauseStore
    from bot.guilds.setup_forms import SetupFields, SetupForm, SetupFormStore


class Setup(commands.Cog):
    """Shows the form and changes what comes back."""

    def __init__(
        self,
        guild_setup: GuildSetup,
        forms: SetupFormStore,
        admissions: AdmissionStore,
        pauses: PauseStore,
    ) -> None:
        self._guild_setup = guild_setup
        self._forms = forms
        self._admissions = admissions
        self._pauses = pauses

    # Discord's menus hide it from everybody else; what enforces it is `require_manage_guild`.
    @app_commands.command(description="Set up this server: credits, who may paint, alerts, time zone")
    @app_commands.default_permissions(manage_guild=True)
    async def setup(self, interaction: discord.Interaction) -> None:
        """Show the form, filled with what is set now."""
        await self._show(interaction)

    @component(SETUP_ID)
    async def begin(self, interaction: discord.Interaction, _: re.Match[str]) -> None:
        """Show the form, as `/setup` does."""
        await self._show(interaction)

    @component(rf"{SETUP_ID}:(?P<form_id>{SNOWFLAKE})")
    async def reopen(self, interaction: discord.Interaction, custom_id: re.Match[str]) -> None:
        """Show the form again with what was typed into it; what was not changed is as it is set now."""
        guild_id = require_manage_guild(interaction)
        form = await self._forms.find(parse_snowflake(custom_id["form_id"]), guild_id)
        await self._show(interaction, form)

    async def _show(self, interaction: discord.Interaction, form: SetupForm | None = None) -> None:
        guild_id = require_manage_guild(interaction)
        guild = _guild_of(interaction)
        current = await self._guild_setup.current(guild_id)
        opened = shown = setup_form.fields_of(current, guild)
        if form is not None and form.typed is not None:
            typed = {name: getattr(form.typed, name) for name in _changed(form.opened, form.typed)}
            shown = setup_form.without_deleted(replace(opened, **typed), guild)
        if await self._forms.save(interaction.id, guild_id, opened):
            await interaction.response.send_modal(setup_form.setup_modal(interaction.id, shown, current))
        # else Discord has delivered this interaction before

    @modal(setup_form.CUSTOM_ID)
    async def submit(self, interaction: discord.Interaction, custom_id: re.Match[str]) -> None:
        """Change what the admin has changed, all of it or nothing, and show it."""
        guild_id = require_manage_guild(interaction)
        guild, data = _guild_of(interaction), cast("dict[str, Any]", interaction.data)
        form = await self._forms.find(parse_snowflake(custom_id["form_id"]), guild_id)
        if form is None:
            await return_text(interaction, gettext(setup_views.FORM_EXPIRED), typed_text(data))
            return
        typed = setup_form.read(data, form.opened)
        problems = list(_problems(form.opened, typed, guild))
        outcome = None
        current = await self._guild_setup.current(guild_id)
        if not problems:
            changes = _changes(form.opened, typed, current, guild)
            outcome = await self._guild_setup.apply(
                guild_id, changes, set_by=interaction.user.id, interaction_id=interaction.id
            )
        if outcome is None:
            await self._forms.save_typed(form.form_id, typed)
            problems = problems or [access_views.too_many_rules()]
            await reply_with_view(interaction, setup_views.problems_view(problems, form.form_id))
            return
        zone = outcome.settings.get(GuildSetting.TIMEZONE)
        refusal = await self._admissions.refusal(guild_id) or await self._pauses.refusal(guild_id)
        view = setup_views.outcome_view(
            outcome,
            current.timezone if zone is None else zone.after,
            "" if refusal is None else reason_alone(refusal.reason, refusal.data),
            overtaken=_is_overtaken(form.opened, typed, setup_form.fields_of(current, guild)),
        )
        await reply_with_view(interaction, view)


def _guild_of(interaction: discord.Interaction) -> discord.Guild:
    """Return the server with its roles and channels, by which it is known which are deleted.

    Raises:
        MemberError: GUILD_ONLY.
        TransientError: the server is in an outage, so they are not known.
    """
    guild = interaction.guild
    if guild is None:
        raise MemberError(MemberReason.GUILD_ONLY)
    if guild.unavailable or guild.get_role(guild.id) is None:
        raise TransientError("the roles of the server are not known")
    return guild


def _changed(opened: SetupFields, typed: SetupFields) -> set[str]:
    """Return the names of the fields that the admin has changed."""
    before, after = asdict(opened), asdict(typed)
    return {name for name in before if before[name] != after[name]}


def _is_overtaken(opened: SetupFields, typed: SetupFields, now: SetupFields) -> bool:
    """Whether a field that the admin has changed was changed by somebody else as well, and otherwise."""
    return any(
        getattr(now, name) not in {getattr(opened, name), getattr(typed, name)}
        for name in _changed(opened, typed)
    )


def _problems(opened: SetupFields, typed: SetupFields, guild: discord.Guild) -> Iterator[str]:
    """Yield what is wrong with the fields that were changed."""
    changed = _changed(opened, typed)
    if "credits" in changed and typed.credits and parse_credits(typed.credits) is None:
        yield setup_views.no_credits(typed.credits)
    if guild.id in typed.role_ids:
        yield access_views.everybodys_role()
    if "channel_id" in changed and typed.channel_id is not None:
        channel = guild.get_channel(typed.channel_id)
        missing = ("view_channel",) if channel is None else missing_permissions_in(channel)
        if missing:
            yield settings_views.unusable_channel(typed.channel_id, missing)
    if "timezone" in changed and typed.timezone and timezones.zone_named(typed.timezone) is None:
        yield setup_views.no_zone(typed.timezone)


def _changes(
    opened: SetupFields, typed: SetupFields, current: CurrentSetup, guild: discord.Guild
) -> SetupChanges:
    """Return what is to be changed.

    Roles and a channel that are deleted cannot be shown in the form. They are removed where their field is
    empty: else nobody could paint although the form says that everybody may.
    """
    changed = _changed(opened, typed)
    settings: dict[GuildSetting, str | None] = {}
    if "timezone" in changed:
        zone = timezones.zone_named(typed.timezone)
        settings[GuildSetting.TIMEZONE] = None if zone == timezones.DEFAULT_ZONE else zone
    channel = current.alert_channel_id
    is_gone = channel is not None and guild.get_channel(channel) is None
    if "channel_id" in changed or (typed.channel_id is None and is_gone):
        settings[GuildSetting.ALERT_CHANNEL] = None if typed.channel_id is None else str(typed.channel_id)
    deleted = {role_id for role_id in current.role_ids if guild.get_role(role_id) is None}
    return SetupChanges(
        credits=parse_credits(typed.credits) if "credits" in changed else None,
        period=Period(typed.period) if "period" in changed else None,
        removes_limit="credits" in changed and not typed.credits,
        allowed=frozenset(typed.role_ids) - frozenset(opened.role_ids),
        no_longer_allowed=(frozenset(opened.role_ids) - frozenset(typed.role_ids))
        | (frozenset() if typed.role_ids else frozenset(deleted)),
        settings=settings,
    )
