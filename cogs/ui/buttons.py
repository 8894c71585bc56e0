"""What every button has in common: it finds its cog, and whatever breaks behind a click, the member is told.

discord.py only logs what breaks in the callback of a dynamic item, so that a click would show as "this
interaction failed" (discord.py 2.7.1, ui/view.py, schedule_dynamic_item_call).
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, TypeVar, cast

from bot.discord_client.client import HANDLED
from cogs.text.translation import use_member_locale

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    import discord
    from discord.ext import commands

    from bot.discord_client.client import KuasClient

CogT = TypeVar("CogT", bound="commands.Cog")
ItemT = TypeVar("ItemT")


def cog_of(interaction: discord.Interaction, kind: type[CogT]) -> CogT:
    """The one cog of this kind: a button is made anew from its id for every click, and knows nobody."""
    found = cast("KuasClient", interaction.client).get_cog(kind.__cog_name__)
    assert isinstance(found, kind), f"{kind.__name__} was not added to the client"
    return found


def reports_errors(
    callback: Callable[[ItemT, discord.Interaction], Coroutine[None, None, None]],
) -> Callable[[ItemT, discord.Interaction], Coroutine[None, None, None]]:
    """Decorate the `callback` of a `DynamicItem`: its errors go the way of a command's errors.

    While it runs, the click counts as in hand: nobody else answers it, however long the database takes. It is
    answered in the member's language.
    """

    @wraps(callback)
    async def answered(item: ItemT, interaction: discord.Interaction) -> None:
        interaction.extras[HANDLED] = True
        use_member_locale(interaction)
        try:
            await callback(item, interaction)
        except Exception as error:  # noqa: BLE001  # the tree's own way out takes every error, too
            await cast("KuasClient", interaction.client).error_reporter.report(interaction, error)

    return answered
