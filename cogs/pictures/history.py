"""`/history`: a member's pictures in this server, found again: a gallery page by page, and one by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.domain.errors import MemberError, MemberReason
from bot.domain.ids import MAX_ID
from bot.jobs.derived_requests import require_visible
from cogs.pictures import history_views
from cogs.pictures.history_views import SEARCH_UNITS
from cogs.text.escaping import single_line
from cogs.text.translation import gettext, gettext_noop
from cogs.ui.buttons import cog_of, reports_errors
from cogs.ui.context import guild_id_of, require_manage_guild
from cogs.ui.responses import DeferOutcome, defer

if TYPE_CHECKING:
    import re

    from bot.jobs.history import HistoryPage, HistoryStore
    from cogs.pictures.image_sources import ImageSources
    from cogs.pictures.result_messages import ResultMessages

NEWEST: Final = "newest"
NEWER: Final = "newer"
OLDER: Final = "older"
_LABELS: Final = {
    NEWEST: gettext_noop("Back to the pictures"),
    NEWER: gettext_noop("Newer"),
    OLDER: gettext_noop("Older"),
}


class History(commands.Cog):
    """Shows pictures again, privately."""

    def __init__(
        self, history: HistoryStore, image_sources: ImageSources, result_messages: ResultMessages
    ) -> None:
        self._history = history
        self._image_sources = image_sources
        self._result_messages = result_messages

    @app_commands.command(description="Your pictures in this server, to look at, use and post again")
    @app_commands.describe(
        search="Words of the prompt",
        member="Whose, for those who may manage this server; without one, yours",
    )
    async def history(
        self,
        interaction: discord.Interaction,
        search: app_commands.Range[str, 1, SEARCH_UNITS] = "",
        member: discord.Member | discord.User | None = None,
    ) -> None:
        """The newest page."""
        person = member or interaction.user
        self._require_right(interaction, person.id)
        sought = single_line(search, SEARCH_UNITS)
        if (await defer(interaction, private=True)).outcome is not DeferOutcome.LOST:
            guild_id, own = guild_id_of(interaction), person.id == interaction.user.id
            page = await self._history.older(guild_id, person.id, sought, with_private=own)
            await self._show(interaction, page, person.id, sought)

    async def turn(
        self, interaction: discord.Interaction, way: str, user_id: int, mark: int, search: str
    ) -> None:
        """Show another page in the same message."""
        self._require_right(interaction, user_id)
        guild_id = guild_id_of(interaction)
        await interaction.response.defer()
        own = user_id == interaction.user.id
        match way:
            case "newer":
                page = await self._history.newer(guild_id, user_id, mark, search, with_private=own)
            case "older":
                page = await self._history.older(guild_id, user_id, search, mark, with_private=own)
            case _:
                page = await self._history.older(guild_id, user_id, search, with_private=own)
        await self._show(interaction, page, user_id, search)

    async def pick(self, interaction: discord.Interaction, user_id: int, search: str, job_id: str) -> None:
        """Show one picture in the same message."""
        self._require_right(interaction, user_id)
        found = await self._history.find(job_id)
        item = require_visible(found, guild_id_of(interaction), interaction.user.id)
        if item.job.deleted_at is not None:
            raise MemberError(MemberReason.PICTURE_DELETED)
        await interaction.response.defer()
        url, files = await self._image_sources.full_size(item)
        url = url or await self._result_messages.image_url(item)
        back = HistoryPageButton(NEWEST, user_id, 0, search)
        await interaction.edit_original_response(
            view=history_views.item_view(item, url, back), attachments=files
        )

    async def _show(
        self, interaction: discord.Interaction, page: HistoryPage, user_id: int, search: str
    ) -> None:
        own = user_id == interaction.user.id
        visible = [item for item in page.items if own or not item.job.request.destination.private]
        addresses, files = await self._image_sources.thumbnails(visible)
        marks = {NEWER: page.newer, OLDER: page.older}
        view = history_views.page_view(
            page,
            user_id,
            own=own,
            search=search,
            addresses=addresses,
            chooser=_chooser(user_id, search, page, own=own),
            turns=[
                HistoryPageButton(way, user_id, mark, search)
                for way, mark in marks.items()
                if mark is not None
            ],
        )
        await interaction.edit_original_response(view=view, attachments=files)

    def _require_right(self, interaction: discord.Interaction, user_id: int) -> None:
        """Everybody sees their own, admins anybody's.

        Raises:
            MemberError: GUILD_ONLY, NOT_ALLOWED.
        """
        guild_id_of(interaction)
        if user_id != interaction.user.id:
            require_manage_guild(interaction)


def _chooser(
    user_id: int, search: str, page: HistoryPage, *, own: bool
) -> ui.ActionRow[ui.LayoutView] | None:
    offered = history_views.options(page, own=own)
    if not offered:
        return None
    return ui.ActionRow(cast("ui.Item[ui.LayoutView]", HistorySelect(user_id, search, offered)))


class HistoryPageButton(
    ui.DynamicItem[ui.Button[ui.LayoutView]],
    template=r"(?s)kuas:history:(?P<way>newest|newer|older):(?P<user_id>[0-9]{1,19}):(?P<mark>[0-9]{1,19}):(?P<search>.{0,40})",
):
    """A button to another page of a history."""

    def __init__(self, way: str, user_id: int, mark: int, search: str) -> None:
        custom_id = f"kuas:history:{way}:{user_id}:{mark}:{search}"
        super().__init__(ui.Button(label=gettext(_LABELS[way]), custom_id=custom_id))
        self._to = (way, user_id, mark, search)

    @classmethod
    async def from_custom_id(
        cls, _: discord.Interaction, __: ui.Item[ui.LayoutView], match: re.Match[str], /
    ) -> HistoryPageButton:
        """Made anew for each click."""
        mark = min(int(match["mark"]), MAX_ID)
        return cls(match["way"], min(int(match["user_id"]), MAX_ID), mark, match["search"])

    @reports_errors
    async def callback(self, interaction: discord.Interaction) -> None:
        """Hand it to the cog."""
        await cog_of(interaction, History).turn(interaction, *self._to)


class HistorySelect(
    ui.DynamicItem[ui.Select[ui.LayoutView]],
    template=r"(?s)kuas:history:pick:(?P<user_id>[0-9]{1,19}):(?P<search>.{0,40})",
):
    """The menu that opens one picture of a page."""

    def __init__(self, user_id: int, search: str, options: list[discord.SelectOption]) -> None:
        super().__init__(
            ui.Select(
                custom_id=f"kuas:history:pick:{user_id}:{search}",
                placeholder=gettext("Open a picture"),
                options=options,
            )
        )
        self._to = (user_id, search)

    @classmethod
    async def from_custom_id(
        cls, _: discord.Interaction, __: ui.Item[ui.LayoutView], match: re.Match[str], /
    ) -> HistorySelect:
        """Made anew for each choice."""
        return cls(min(int(match["user_id"]), MAX_ID), match["search"], [])

    @reports_errors
    async def callback(self, interaction: discord.Interaction) -> None:
        """Hand it to the cog."""
        await cog_of(interaction, History).pick(interaction, *self._to, self.item.values[0])
