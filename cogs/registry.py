"""Every command, and every button that may still stand under an old message.

Owns the list of them. Never imports anything of ours but access.commands, bounds, buttons, chronicle, client,
composer, credits, defaults, desk, doctor, engine, erasures, exhibits, fetch, grants, herald, history,
imagine, known, limits.commands, log, menus, outage, pictures, presets, privacy, report, returns, settings,
shelf, shelves, shown, studio, tongues.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.credits.audit_log import Chronicle
from bot.credits.refundable import PaidPictures
from bot.privacy.data_export import Known
from bot.privacy.erasure import Erasures
from cogs.access.commands import Access
from cogs.credits.balance import Credits
from cogs.credits.report import Reports
from cogs.doctor.commands import Doctor
from cogs.imagine.command import Imagine
from cogs.imagine.compose import Composer
from cogs.imagine.context_menus import Menus
from cogs.imagine.defaults import Defaults
from cogs.imagine.draft_button import DraftButton
from cogs.imagine.presets import PresetCommands
from cogs.imagine.rejection import Returns
from cogs.imagine.submission import Answer, Desk
from cogs.limits.audit_log import LimitsLog
from cogs.limits.commands import Limits
from cogs.limits.grants import Grants
from cogs.limits.settings import GuildSettings
from cogs.limits.show import LimitsShown
from cogs.pictures.actions import Studio
from cogs.pictures.buttons import PictureButton
from cogs.pictures.history import History, Pick, Turn
from cogs.pictures.image_sources import Shelves
from cogs.pictures.result_messages import Exhibits
from cogs.privacy.commands import Erase, Privacy
from cogs.text.translation import CommandTongues
from cogs.ui.discord_limits import check_command

if TYPE_CHECKING:
    from discord.ext import commands

    from bot.background.alert_notifier import Herald
    from bot.discord_client.client import KuasClient
    from bot.engine.circuit_breaker import Outage
    from bot.engine.engine import Engine
    from bot.images.downloads import Fetcher
    from bot.stores import Shelf


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
