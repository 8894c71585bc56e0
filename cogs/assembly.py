"""Every command, and every button that may still stand under an old message.

Owns the list of them. Never imports anything of ours but access.commands, bounds, buttons, chronicle, client,
composer, credits, defaults, desk, doctor, engine, erasures, exhibits, fetch, grants, herald, history,
imagine, known, limits.commands, log, menus, outage, pictures, presets, privacy, report, returns, settings,
shelf, shelves, shown, studio, tongues.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.money.chronicle import Chronicle
from bot.money.pictures import PaidPictures
from bot.privacy.erasures import Erasures
from bot.privacy.known import Known
from cogs.access.commands import Access
from cogs.accounts.credits import Credits
from cogs.accounts.report import Reports
from cogs.doctor import Doctor
from cogs.ground.bounds import check_command
from cogs.ground.tongues import CommandTongues
from cogs.limits.commands import Limits
from cogs.limits.grants import Grants
from cogs.limits.log import LimitsLog
from cogs.limits.settings import GuildSettings
from cogs.limits.shown import LimitsShown
from cogs.pictures.buttons import DraftButton, PictureButton
from cogs.pictures.composer import Composer
from cogs.pictures.defaults import Defaults
from cogs.pictures.desk import Answer, Desk
from cogs.pictures.exhibits import Exhibits
from cogs.pictures.history import History, Pick, Turn
from cogs.pictures.imagine import Imagine
from cogs.pictures.menus import Menus
from cogs.pictures.presets import PresetCommands
from cogs.pictures.returns import Returns
from cogs.pictures.shelves import Shelves
from cogs.pictures.studio import Studio
from cogs.privacy import Erase, Privacy

if TYPE_CHECKING:
    from discord.ext import commands

    from bot.client import KuasClient
    from bot.engine import Engine
    from bot.herald import Herald
    from bot.pictures.fetch import Fetcher
    from bot.shelf import Shelf
    from bot.watching.outage import Outage


@dataclass(frozen=True, slots=True)
class Parts:
    """What commands work with."""

    engine: Engine
    herald: Herald
    shelf: Shelf
    outage: Outage
    fetcher: Fetcher


async def add_commands(client: KuasClient, parts: Parts) -> None:
    """Every command in every language, and every button that may still stand under an old message.

    Raises:
        ContractBroken: `bug`; Discord would not take a command.
    """
    await client.tree.set_translator(tongues := CommandTongues())
    limits_log = LimitsLog(Chronicle(parts.shelf.database))
    client.add_dynamic_items(Answer, limits_log.turn_item, Erase, PictureButton, DraftButton, Turn, Pick)
    for cog in (*_accounts(parts), *_pictures(client, parts), _limits(parts.shelf, limits_log)):
        await client.add_cog(cog)
    for command in client.tree.get_commands():
        check_command(await command.get_translated_payload(client.tree, tongues))


def _accounts(parts: Parts) -> tuple[commands.Cog, ...]:
    """What was spent, what is known, what is allowed."""
    shelf = parts.shelf
    return (
        Credits(shelf.ledger, shelf.treasury),
        Doctor(shelf.guilds, parts.outage),
        Reports(shelf.press),
        Privacy(Known(shelf.database), Erasures(shelf.database)),
        Access(shelf.register, shelf.guilds),
    )


def _pictures(client: KuasClient, parts: Parts) -> tuple[commands.Cog, ...]:
    """From a member's words to a picture, and everything that can be done with it."""
    shelf, returns = parts.shelf, Returns(parts.shelf.drafts)
    desk = Desk(parts.engine, shelf.prices, shelf.drafts, parts.herald, returns)
    composer = Composer(desk, shelf.drafts, shelf.habits, returns)
    exhibits = Exhibits(client, shelf.gallery, parts.shelf.vault, parts.fetcher)
    return (
        desk,
        composer,
        Imagine(desk, composer, returns, shelf.presets, shelf.habits),
        Studio(parts.engine, shelf.gallery, desk, composer, exhibits),
        History(shelf.gallery, Shelves(shelf.vault), exhibits),
        Menus(client.tree, composer, shelf.gallery, parts.fetcher),
        Defaults(shelf.habits),
        PresetCommands(shelf.presets),
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
