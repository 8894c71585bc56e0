"""The stores of the database and of the pictures beside it that several parts of the bot use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.credits.admin import CreditAdmin
from bot.credits.alerts import AlertStore
from bot.credits.approvals import GuildApprovals
from bot.credits.ledger import Ledger
from bot.credits.reports.builder import ReportBuilder
from bot.guilds.access_rules import AccessRuleStore
from bot.guilds.admission import AdmissionStore
from bot.guilds.greetings import GreetingStore
from bot.guilds.presets import PresetStore
from bot.guilds.settings import GuildSettingsStore
from bot.jobs.groups import GroupStore
from bot.jobs.history import HistoryStore
from bot.jobs.late_jobs import LateJobStore
from bot.jobs.requests.drafts import DraftStore
from bot.jobs.requests.guild_defaults import GuildDefaultsStore
from bot.jobs.requests.member_defaults import MemberDefaultsStore
from bot.jobs.requests.member_standing import MemberStandingReader
from bot.jobs.store import JobStore
from bot.storage.picture_store import PictureStore, picture_folder

if TYPE_CHECKING:
    from bot.config.settings import Settings
    from bot.domain.model_catalog import ModelCatalog
    from bot.observability.metrics import Metrics
    from bot.storage.database import Database


@dataclass(frozen=True, slots=True)
class Stores:
    """The stores that several parts use; a part that is alone in using one makes it from `database`."""

    catalog: ModelCatalog
    """The models by which requests are judged and priced."""
    database: Database
    pictures: PictureStore
    jobs: JobStore
    groups: GroupStore
    ledger: Ledger
    credit_admin: CreditAdmin
    approvals: GuildApprovals
    admissions: AdmissionStore
    greetings: GreetingStore
    drafts: DraftStore
    standings: MemberStandingReader
    access_rules: AccessRuleStore
    presets: PresetStore
    member_defaults: MemberDefaultsStore
    guild_defaults: GuildDefaultsStore
    history: HistoryStore
    late_jobs: LateJobStore
    alerts: AlertStore
    guild_settings: GuildSettingsStore
    reports: ReportBuilder

    @classmethod
    def open(cls, database: Database, settings: Settings, metrics: Metrics) -> Stores:
        """Make the stores, all on the one connection of `database`."""
        default, catalog = settings.limits.default, settings.rivya.catalog
        return cls(
            catalog=catalog,
            database=database,
            pictures=PictureStore(picture_folder(settings.database.path)),
            jobs=JobStore(database, default, metrics, settings.rivya.settings_prices),
            groups=GroupStore(database),
            ledger=Ledger(database, default),
            credit_admin=CreditAdmin(database, default, catalog),
            approvals=GuildApprovals(database, default),
            admissions=AdmissionStore(database),
            greetings=GreetingStore(database),
            drafts=DraftStore(database, catalog),
            standings=MemberStandingReader(database, catalog, default, settings.rivya.settings_prices),
            access_rules=AccessRuleStore(database),
            presets=PresetStore(database),
            member_defaults=MemberDefaultsStore(database),
            guild_defaults=GuildDefaultsStore(database),
            history=HistoryStore(database),
            late_jobs=LateJobStore(database),
            alerts=AlertStore(database, default, catalog),
            guild_settings=GuildSettingsStore(database),
            reports=ReportBuilder(settings.database.path, default),
        )
