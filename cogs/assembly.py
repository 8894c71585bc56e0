"""Every command, and every button that may still stand under an old message.

Owns the list of them. Never imports anything of ours but chronicle, client, commands, credits, desk, doctor,
engine, erasures, grants, herald, imagine, known, log, outage, pictures, privacy, report, settings, shelf,
shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.money.chronicle import Chronicle
from bot.money.pictures import PaidPictures
from bot.privacy.erasures import Erasures
from bot.privacy.known import Known
from cogs.accounts.credits import Credits
from cogs.accounts.report import Reports
from cogs.doctor import Doctor
from cogs.limits.commands import Limits
from cogs.limits.grants import Grants
from cogs.limits.log import LimitsLog
from cogs.limits.settings import GuildSettings
from cogs.limits.shown import LimitsShown
from cogs.pictures.desk import Answer, Desk
from cogs.pictures.imagine import Imagine
from cogs.privacy import Erase, Privacy

if TYPE_CHECKING:
    from discord.ext import commands

    from bot.client import KuasClient
    from bot.engine import Engine
    from bot.herald import Herald
    from bot.shelf import Shelf
    from bot.watching.outage import Outage


async def add_commands(
    client: KuasClient, *, engine: Engine, herald: Herald, shelf: Shelf, outage: Outage
) -> None:
    """Every command, and every button that may still stand under an old message."""
    limits_log = LimitsLog(Chronicle(shelf.database))
    client.add_dynamic_items(Answer, limits_log.turn_item, Erase)
    for cog in (*_cogs(engine, herald, shelf, outage), _limits(shelf, limits_log)):
        await client.add_cog(cog)


def _cogs(engine: Engine, herald: Herald, shelf: Shelf, outage: Outage) -> tuple[commands.Cog, ...]:
    """Every family of commands."""
    desk = Desk(engine, shelf.prices, shelf.asks, herald)
    return (
        desk,
        Imagine(desk),
        Credits(shelf.ledger, shelf.treasury),
        Doctor(shelf.guilds, outage),
        Reports(shelf.press),
        Privacy(Known(shelf.database), Erasures(shelf.database)),
    )


def _limits(shelf: Shelf, log: LimitsLog) -> Limits:
    """The family of `/limits`, whose commands stand in several files."""
    return Limits(
        shelf.treasury,
        LimitsShown(shelf.ledger, shelf.treasury, shelf.guilds),
        Grants(shelf.treasury, shelf.ledger, PaidPictures(shelf.database)),
        GuildSettings(shelf.guilds, shelf.ledger),
        log,
    )
