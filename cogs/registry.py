"""Every command, and every button that may still stand under an old message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.credits.audit_log import AuditLog
from bot.credits.refundable import RefundablePictures
from bot.privacy.data_export import MemberData
from bot.privacy.erasure import ErasureRequests
from cogs.access.commands import Access
from cogs.credits.balance import Credits
from cogs.credits.report import Reports
from cogs.doctor.commands import Doctor
from cogs.imagine.command import Imagine
from cogs.imagine.compose import ComposeForms
from cogs.imagine.context_menus import ContextMenus
from cogs.imagine.defaults import Defaults
from cogs.imagine.presets import PresetCommands
from cogs.imagine.rejection import RejectedRequests
from cogs.imagine.submission import Submission
from cogs.limits.audit_log import AuditLogCommand
from cogs.limits.commands import Limits
from cogs.limits.grants import Grants
from cogs.limits.settings import GuildSettings
from cogs.limits.show import ShowLimits
from cogs.pictures.actions import PictureActions
from cogs.pictures.history import History
from cogs.pictures.image_sources import ImageSources
from cogs.pictures.result_messages import ResultMessages
from cogs.privacy.commands import Privacy
from cogs.privacy.guild_departures import GuildDepartureListener
from cogs.text.translation import CommandTranslator
from cogs.ui.discord_limits import validate_command

if TYPE_CHECKING:
    from discord.ext import commands

    from bot.background.alert_notifier import AlertNotifier
    from bot.discord_client.client import KuasClient
    from bot.engine.circuit_breaker import CircuitBreaker
    from bot.engine.engine import JobEngine
    from bot.images.downloads import Downloader
    from bot.privacy.guild_departures import GuildDepartures
    from bot.stores import Stores
    from cogs.ui.component_router import ComponentRouter
    from cogs.ui.error_reporter import DiscordErrorReporter


@dataclass(frozen=True, slots=True)
class CogDependencies:
    """What commands work with."""

    engine: JobEngine
    alert_notifier: AlertNotifier
    stores: Stores
    circuit_breaker: CircuitBreaker
    downloader: Downloader
    departures: GuildDepartures
    router: ComponentRouter
    error_reporter: DiscordErrorReporter


async def register(client: KuasClient, dependencies: CogDependencies) -> None:
    """Every command in every language, and every button that may still stand under an old message.

    Raises:
        ContractViolation: `bug`; Discord would not take a command.
    """
    await client.tree.set_translator(tongues := CommandTranslator())
    router = dependencies.router
    await client.add_cog(router)
    await client.add_cog(GuildDepartureListener(client, dependencies.departures))
    audit_log = AuditLogCommand(AuditLog(dependencies.stores.database))
    router.add_handlers(audit_log)
    for cog in (
        *_accounts(dependencies),
        *_pictures(client, dependencies),
        _limits(dependencies.stores, audit_log),
    ):
        await client.add_cog(cog)
        router.add_handlers(cog)
    for command in client.tree.get_commands():
        validate_command(await command.get_translated_payload(client.tree, tongues))


def _accounts(dependencies: CogDependencies) -> tuple[commands.Cog, ...]:
    """What was spent, what is known, what is allowed."""
    stores = dependencies.stores
    return (
        Credits(stores.ledger, stores.credit_admin),
        Doctor(stores.guild_settings, dependencies.circuit_breaker),
        Reports(stores.reports),
        Privacy(MemberData(stores.database), ErasureRequests(stores.database)),
        Access(stores.access_rules, stores.guild_settings),
    )


def _pictures(client: KuasClient, dependencies: CogDependencies) -> tuple[commands.Cog, ...]:
    """From a member's words to a picture, and everything that can be done with it."""
    stores, rejected_requests = (
        dependencies.stores,
        RejectedRequests(dependencies.stores.drafts, dependencies.error_reporter),
    )
    submission = Submission(
        dependencies.engine, stores.drafts, dependencies.alert_notifier, rejected_requests
    )
    compose_forms = ComposeForms(submission, dependencies.engine, rejected_requests)
    result_messages = ResultMessages(
        client, stores.history, dependencies.stores.pictures, dependencies.downloader
    )
    return (
        submission,
        compose_forms,
        Imagine(submission, compose_forms, rejected_requests, stores.presets),
        PictureActions(dependencies.engine, stores.history, submission, compose_forms, result_messages),
        History(stores.history, ImageSources(stores.pictures), result_messages),
        ContextMenus(client.tree, compose_forms, stores.history, dependencies.downloader),
        Defaults(stores.member_defaults),
        PresetCommands(stores.presets),
    )


def _limits(stores: Stores, log: AuditLogCommand) -> Limits:
    """The family of `/limits`, whose commands stand in several files."""
    return Limits(
        stores.credit_admin,
        ShowLimits(stores.ledger, stores.credit_admin, stores.guild_settings),
        Grants(stores.credit_admin, stores.ledger, RefundablePictures(stores.database)),
        GuildSettings(stores.guild_settings, stores.ledger),
        log,
    )
