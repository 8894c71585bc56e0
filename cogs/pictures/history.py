"""`/history`: a member's pictures in this server, page by page, and single ones."""

from __future__ import annotations

import re
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.domain.errors import MemberError, MemberReason
from bot.jobs.requests.derived_requests import require_visible
from cogs.pictures import history_views
from cogs.pictures.history_views import SEARCH_UNITS
from cogs.text.escaping import shorten, single_line
from cogs.text.translation import gettext, gettext_noop
from cogs.ui.component_router import SNOWFLAKE, component, parse_snowflake, selected_value
from cogs.ui.context import guild_id_of, require_manage_guild
from cogs.ui.responses import defer_privately

if TYPE_CHECKING:
    from bot.domain.model_catalog import ModelCatalog
    from bot.jobs.history import HistoryPage, HistoryStore
    from cogs.pictures.image_sources import ImageSources
    from cogs.pictures.result_messages import ResultMessages
    from cogs.ui.layout import Button, Row


class PageLink(StrEnum):
    """Which page a button opens. The values are in the custom ids of old messages: do not change them."""

    NEWEST = "newest"
    NEWER = "newer"
    OLDER = "older"


_LABELS: Final = {
    PageLink.NEWEST: gettext_noop("Back to the pictures"),
    PageLink.NEWER: gettext_noop("Newer"),
    PageLink.OLDER: gettext_noop("Older"),
}
_SEARCH: Final = rf"(?P<search>.{{0,{SEARCH_UNITS}}})"


class History(commands.Cog):
    """Shows pictures again in private messages."""

    def __init__(
        self,
        history: HistoryStore,
        image_sources: ImageSources,
        result_messages: ResultMessages,
        catalog: ModelCatalog,
    ) -> None:
        self._catalog = catalog
        self._history = history
        self._image_sources = image_sources
        self._result_messages = result_messages

    @app_commands.command(description="Your pictures in this server, to look at, use and post again")
    @app_commands.describe(
        search="Words, signs or emoji of the prompt",
        member="Whose pictures, for those who may manage this server; without one, yours",
    )
    async def history(
        self,
        interaction: discord.Interaction,
        search: app_commands.Range[str, 1, SEARCH_UNITS] = "",
        member: discord.Member | discord.User | None = None,
    ) -> None:
        """Show the newest page."""
        person = member or interaction.user
        self._require_right(interaction, person.id)
        search = shorten(single_line(search, 2 * SEARCH_UNITS), SEARCH_UNITS)
        if await defer_privately(interaction):
            guild_id, own = guild_id_of(interaction), person.id == interaction.user.id
            page = await self._history.older(guild_id, person.id, search, with_private=own)
            await self._show(interaction, page, person.id, search)

    @component(
        rf"kuas:history:(?P<page>{'|'.join(PageLink)}):(?P<user_id>{SNOWFLAKE}):(?P<cursor>{SNOWFLAKE}):{_SEARCH}"
    )
    async def show_page(self, interaction: discord.Interaction, custom_id: re.Match[str]) -> None:
        """Show another page in the same message."""
        user_id, search = parse_snowflake(custom_id["user_id"]), custom_id["search"]
        cursor = parse_snowflake(custom_id["cursor"])
        self._require_right(interaction, user_id)
        guild_id = guild_id_of(interaction)
        await interaction.response.defer()
        own = user_id == interaction.user.id
        link = PageLink(custom_id["page"])
        if link is PageLink.NEWER:
            page = await self._history.newer(guild_id, user_id, cursor, search, with_private=own)
        else:
            than = cursor if link is PageLink.OLDER else None
            page = await self._history.older(guild_id, user_id, search, than, with_private=own)
        await self._show(interaction, page, user_id, search)

    @component(rf"kuas:history:pick:(?P<user_id>{SNOWFLAKE}):{_SEARCH}")
    async def show_picture(self, interaction: discord.Interaction, custom_id: re.Match[str]) -> None:
        """Show what was selected in the same message: a picture, or all of one request by its group's id."""
        user_id, search = parse_snowflake(custom_id["user_id"]), custom_id["search"]
        self._require_right(interaction, user_id)
        selected = selected_value(interaction)
        if re.fullmatch(SNOWFLAKE, selected):
            await self._show_group(interaction, parse_snowflake(selected), user_id, search)
            return
        found = await self._history.find(selected)
        item = require_visible(found, guild_id_of(interaction), interaction.user.id)
        if item.job.deleted_at is not None:
            raise MemberError(MemberReason.PICTURE_DELETED)
        await interaction.response.defer()
        url, files = await self._image_sources.full_size(item)
        url = url or await self._result_messages.image_url(item)
        back = [page_button(PageLink.NEWEST, user_id, 0, search)]
        if item.job.place is not None:
            back.insert(0, request_button(user_id, item.job.request.destination.interaction_id, search))
        can_vary = self._catalog.takes_reference(item.job.request.model)
        await interaction.edit_original_response(
            view=history_views.item_view(item, url, *back, can_vary=can_vary), attachments=files
        )

    @component(rf"kuas:history:group:(?P<user_id>{SNOWFLAKE}):(?P<interaction_id>{SNOWFLAKE}):{_SEARCH}")
    async def show_group(self, interaction: discord.Interaction, custom_id: re.Match[str]) -> None:
        """Show all pictures of one request in the same message."""
        user_id, search = parse_snowflake(custom_id["user_id"]), custom_id["search"]
        self._require_right(interaction, user_id)
        interaction_id = parse_snowflake(custom_id["interaction_id"])
        await self._show_group(interaction, interaction_id, user_id, search)

    async def _show_group(
        self, interaction: discord.Interaction, interaction_id: int, user_id: int, search: str
    ) -> None:
        entry = await self._history.find_group(interaction_id)
        if entry is None:
            raise MemberError(MemberReason.PICTURE_DELETED)
        visible = entry.visible_to(interaction.user.id)
        if visible is None:
            raise MemberError(MemberReason.JOB_UNKNOWN)
        require_visible(visible.cover, guild_id_of(interaction), interaction.user.id)
        await interaction.response.defer()
        urls, files = await self._image_sources.thumbnails(visible.items)
        models = {item.job.request.model for item in entry.items}
        names = {model: self._catalog.name_of(model) for model in models if len(models) > 1}
        view = history_views.request_view(
            visible,
            urls,
            picture_select(user_id, search, history_views.request_options(visible, names)),
            page_button(PageLink.NEWEST, user_id, 0, search),
        )
        await interaction.edit_original_response(view=view, attachments=files)

    async def _show(
        self, interaction: discord.Interaction, page: HistoryPage, user_id: int, search: str
    ) -> None:
        own = user_id == interaction.user.id
        entries = [entry.visible_to(interaction.user.id) or entry for entry in page.entries]
        page = replace(page, entries=tuple(entries))
        covers = [entry.cover for entry in entries]
        urls, files = await self._image_sources.thumbnails(
            item for item in covers if own or not item.job.request.destination.private
        )
        cursors = {PageLink.NEWER: page.newer, PageLink.OLDER: page.older}
        view = history_views.page_view(
            page,
            user_id,
            own=own,
            search=search,
            urls=urls,
            select=picture_select(user_id, search, history_views.options(page, own=own)),
            page_buttons=[
                page_button(link, user_id, cursor, search)
                for link, cursor in cursors.items()
                if cursor is not None
            ],
        )
        await interaction.edit_original_response(view=view, attachments=files)

    def _require_right(self, interaction: discord.Interaction, user_id: int) -> None:
        """Refuse another member's pictures to members without Manage Server.

        Raises:
            MemberError: GUILD_ONLY, NOT_ALLOWED.
        """
        guild_id_of(interaction)
        if user_id != interaction.user.id:
            require_manage_guild(interaction)


def picture_select(user_id: int, search: str, options: list[discord.SelectOption]) -> Row | None:
    """Make the menu that opens one picture of a page; None if there is nothing to choose from."""
    if not options:
        return None
    return ui.ActionRow(
        ui.Select(
            custom_id=f"kuas:history:pick:{user_id}:{search}",
            placeholder=gettext("Open a picture"),
            options=options,
        )
    )


def request_button(user_id: int, interaction_id: int, search: str) -> Button:
    """Make the button that opens all pictures of one request."""
    return ui.Button(
        label=gettext("All of this request"),
        custom_id=f"kuas:history:group:{user_id}:{interaction_id}:{search}",
    )


def page_button(link: PageLink, user_id: int, cursor: int, search: str) -> Button:
    """Make the button to another page of a history."""
    return ui.Button(
        label=gettext(_LABELS[link]), custom_id=f"kuas:history:{link}:{user_id}:{cursor}:{search}"
    )
