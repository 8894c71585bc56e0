"""Every command, and every button that may still stand under an old message."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord

from bot.credits.audit_log import AuditLog
from bot.credits.guild_setup import GuildSetup
from bot.credits.overview import GuildOverview
from bot.credits.reconciliation.reconciler import Reconciler
from bot.credits.reconciliation.store import DiscrepancyStore
from bot.credits.refundable import RefundablePictures
from bot.guilds.pauses import PauseStore
from bot.guilds.setup_forms import SetupFormStore
from bot.privacy.data_export import MemberData
from bot.privacy.erasure import ErasureRequests
from cogs.access.commands import Access
from cogs.credits.balance import Credits
from cogs.credits.report import Reports
from cogs.doctor.commands import Doctor
from cogs.help.commands import Help
from cogs.imagine.command import Imagine
from cogs.imagine.compose import ComposeForms
from cogs.imagine.context_menus import ContextMenus
from cogs.imagine.defaults import Defaults
from cogs.imagine.draft_cards import DraftCards
from cogs.imagine.model_choices import ModelCompletion
from cogs.imagine.presets import PresetCommands
from cogs.imagine.rejection import RejectedRequests
from cogs.imagine.submission import Submission
from cogs.limits.audit_log import AuditLogCommand
from cogs.limits.commands import Limits
from cogs.limits.grants import Grants
from cogs.limits.settings import GuildSettings
from cogs.limits.show import ShowLimits
from cogs.operator.admission import GuildAdmission
from cogs.operator.commands import Operator
from cogs.operator.late_jobs import LateJobCommands
from cogs.pictures.actions import PictureActions
from cogs.pictures.deletion import PictureDeletion
from cogs.pictures.group_actions import GroupActions
from cogs.pictures.history import History
from cogs.pictures.image_sources import ImageSources
from cogs.pictures.result_messages import ResultMessages
from cogs.privacy.commands import Privacy
from cogs.privacy.guild_departures import GuildDepartureListener
from cogs.text.translation import CommandTranslator
from cogs.ui.command_mentions import CommandMentions
from cogs.ui.component_router import ComponentRouter
from cogs.ui.discord_limits import validate_commands
from cogs.welcome.greeting_listener import GreetingListener
from cogs.welcome.setup import Setup

if TYPE_CHECKING:
    from collections.abc import Callable

    from discord.ext import commands

    from bot.background.admission_notifier import AdmissionNotifier
    from bot.background.alert_notifier import AlertNotifier
    from bot.background.greeter import Greeter
    from bot.config.settings import AboutSettings
    from bot.discord_client.client import KuasClient
    from bot.engine.circuit_breaker import CircuitBreaker
    from bot.images.downloads import Downloader
    from bot.images.workers import ImageWorkers
    from bot.privacy.guild_departures import GuildDepartures
    from bot.rivya.client import RivyaClient
    from bot.stores import Stores
    from cogs.pictures.running_jobs import RunningJobs
    from cogs.ui.error_reporter import DiscordErrorReporter


async def register(
    client: KuasClient,
    *,
    jobs: RunningJobs,
    alert_notifier: AlertNotifier,
    admission_notifier: AdmissionNotifier,
    greeter: Greeter,
    stores: Stores,
    circuit_breaker: CircuitBreaker,
    downloader: Downloader,
    image_workers: ImageWorkers,
    departures: GuildDepartures,
    rivya: RivyaClient,
    error_reporter: DiscordErrorReporter,
    operator_guild: int | None,
    about: AboutSettings,
) -> None:
    """Add every command, in every language, and the router of every button.

    `operator_guild` is the guild that gets the operator's commands; None for no guild. `about` says who runs
    the bot.

    Raises:
        ContractViolation: `bug`; Discord would not take a command.
    """
    await client.tree.set_translator(CommandTranslator())
    router = ComponentRouter(error_reporter)
    cogs = (
        *_member_commands(stores, circuit_breaker, about),
        *_pictures(client, jobs, alert_notifier, stores, downloader, image_workers, error_reporter),
        _limits(stores, router),
        _help(client, stores, operator_guild, about),
        *_guild_listeners(client, stores, departures, admission_notifier),
        *_welcome(client, stores, greeter),
        router,
    )
    for cog in cogs:
        await client.add_cog(cog)
        router.add_handlers(cog)
    await validate_commands(client.tree)
    if operator_guild is not None:
        await _add_operator(client, router, operator_guild, stores, rivya, jobs.wake)


async def _add_operator(
    client: KuasClient,
    router: ComponentRouter,
    guild_id: int,
    stores: Stores,
    rivya: RivyaClient,
    wake_jobs: Callable[[], None],
) -> None:
    """Add the operator's commands to their one guild."""
    late_jobs = LateJobCommands(guild_id, stores.late_jobs, wake_jobs)
    operator = _operator(guild_id, stores, rivya, late_jobs)
    await client.add_guild_cog(operator, guild_id)
    for handlers in (operator, late_jobs):
        router.add_handlers(handlers)
    await validate_commands(client.tree, discord.Object(guild_id))


def _member_commands(
    stores: Stores, circuit_breaker: CircuitBreaker, about: AboutSettings
) -> tuple[commands.Cog, ...]:
    """The cogs that need little more than the stores."""
    return (
        Credits(stores.ledger, stores.credit_admin, stores.standings),
        Doctor(stores.guild_settings, stores.admissions, circuit_breaker),
        Reports(stores.reports, stores.catalog),
        Privacy(MemberData(stores.database), ErasureRequests(stores.database), about),
        Access(stores.access_rules, stores.guild_settings, stores.catalog),
    )


def _pictures(
    client: KuasClient,
    jobs: RunningJobs,
    alert_notifier: AlertNotifier,
    stores: Stores,
    downloader: Downloader,
    image_workers: ImageWorkers,
    error_reporter: DiscordErrorReporter,
) -> tuple[commands.Cog, ...]:
    """The cogs that make pictures, and those for finished ones."""
    catalog, engine = stores.catalog, jobs.engine
    rejected = RejectedRequests(stores.drafts, error_reporter)
    submission = Submission(engine, stores.drafts, alert_notifier, rejected, catalog)
    compose_forms = ComposeForms(submission, engine, rejected, catalog)
    draft_cards = DraftCards(
        submission, engine, stores.drafts, catalog, stores.standings, compose_forms, rejected
    )
    completion = ModelCompletion(catalog, stores.standings, engine.typical_duration)
    result_messages = ResultMessages(client, stores.history, stores.pictures, downloader, catalog)
    image_sources = ImageSources(stores.pictures, image_workers)
    deletion = PictureDeletion(client, stores, result_messages, jobs.refresh_group)
    group_actions = GroupActions(
        jobs, stores, submission, compose_forms, result_messages, deletion, image_sources
    )
    return (
        submission,
        compose_forms,
        draft_cards,
        Imagine(submission, draft_cards, stores.presets, catalog, completion),
        PictureActions(jobs, stores, submission, compose_forms, draft_cards, result_messages, deletion),
        group_actions,
        History(stores.history, image_sources, result_messages, catalog),
        ContextMenus(client.tree, compose_forms, stores.history, downloader, group_actions.offer_references),
        Defaults(stores.member_defaults, stores.guild_defaults, catalog, completion),
        PresetCommands(stores.presets, stores.access_rules, catalog),
    )


def _guild_listeners(
    client: KuasClient, stores: Stores, departures: GuildDepartures, admission_notifier: AdmissionNotifier
) -> tuple[commands.Cog, ...]:
    """What happens when the bot leaves a server, and which servers it serves."""
    return (
        GuildDepartureListener(client, departures),
        GuildAdmission(client, stores.admissions, stores.approvals, admission_notifier),
    )


def _welcome(client: KuasClient, stores: Stores, greeter: Greeter) -> tuple[commands.Cog, ...]:
    """The greeting, and `/setup`."""
    guild_setup = GuildSetup(stores.database, stores.ledger.default, stores.catalog)
    return (
        GreetingListener(client, stores.greetings, greeter),
        Setup(
            guild_setup,
            SetupFormStore(stores.database),
            stores.admissions,
            PauseStore(stores.database),
        ),
    )


def _limits(stores: Stores, router: ComponentRouter) -> Limits:
    """The commands of `/limits`, which are in several files."""
    audit_log = AuditLogCommand(AuditLog(stores.database))
    router.add_handlers(audit_log)
    return Limits(
        stores.credit_admin,
        ShowLimits(
            stores.ledger, stores.credit_admin, stores.guild_settings, stores.catalog, stores.standings
        ),
        Grants(stores.credit_admin, stores.ledger, RefundablePictures(stores.database)),
        GuildSettings(stores.guild_settings, stores.ledger),
        audit_log,
    )


def _help(client: KuasClient, stores: Stores, operator_guild: int | None, about: AboutSettings) -> Help:
    """Make `/help`, which reads the other commands from the tree."""
    return Help(
        client.tree,
        CommandMentions(client.tree),
        catalog=stores.catalog,
        ledger=stores.ledger,
        standings=stores.standings,
        admissions=stores.admissions,
        pauses=PauseStore(stores.database),
        operator_guild=operator_guild,
        about=about,
    )


def _operator(guild_id: int, stores: Stores, rivya: RivyaClient, late_jobs: LateJobCommands) -> Operator:
    """Make the operator's commands."""
    discrepancies = DiscrepancyStore(stores.database)
    return Operator(
        guild_id=guild_id,
        rivya=rivya,
        overview=GuildOverview(stores.database, stores.ledger.default),
        credit_admin=stores.credit_admin,
        pauses=PauseStore(stores.database),
        discrepancies=discrepancies,
        reconciler=Reconciler(discrepancies, rivya),
        late_jobs=late_jobs,
        catalog=stores.catalog,
    )
