"""What an admin sets up in one form: the limit, who may paint, the channel for alerts, the time zone.

All changes of a form are one transaction, through the functions that the single commands use, so each stands
in the audit log.

Owns no table.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.credits import limits
from bot.credits.admin import change_limit
from bot.credits.usage import LimitUsage
from bot.domain.access import AccessRule, Effect, RuleTarget
from bot.domain.clock import now_ms
from bot.domain.limits import Limit, LimitScope
from bot.domain.periods import Period
from bot.guilds import access_rules
from bot.guilds import settings as guild_settings
from bot.guilds.settings import GuildSetting, change_setting

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from bot.domain.limits import LimitChange
    from bot.domain.model_catalog import ModelCatalog
    from bot.guilds.settings import SettingChange
    from bot.storage.database import Database


@dataclass(frozen=True, slots=True)
class CurrentSetup:
    """What is set in a server now."""

    limit: Limit
    """The server's own, or the default."""
    default: Limit
    ceiling: Limit | None
    """What no admin can pass."""
    role_ids: tuple[int, ...]
    """The roles that may paint; none if everybody may."""
    alert_channel_id: int | None
    timezone: str | None
    """None for UTC."""


@dataclass(frozen=True, slots=True)
class SetupChanges:
    """What is to be changed; everything else stays as it is."""

    credits: int | None = None
    """Of the limit."""
    period: Period | None = None
    removes_limit: bool = False
    """Whether the default counts again, whatever `credits` and `period` say."""
    allowed: frozenset[int] = frozenset()
    """Roles that may paint from now on."""
    no_longer_allowed: frozenset[int] = frozenset()
    """Roles whose rule that they may paint is removed."""
    settings: Mapping[GuildSetting, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SetupOutcome:
    """What was changed; what somebody else had set so before is left out."""

    limit: LimitChange | None
    added: tuple[AccessRule, ...]
    removed: tuple[AccessRule, ...]
    settings: Mapping[GuildSetting, SettingChange]


class GuildSetup:
    """Shows and changes the setup of servers. `default` is the limit of those without one of their own."""

    def __init__(self, database: Database, default: Limit, catalog: ModelCatalog) -> None:
        self._database = database
        self._default = default
        self._catalog = catalog

    async def current(self, guild_id: int) -> CurrentSetup:
        """Return what is set now.

        Raises:
            OperatorError: `database`.
        """
        at = now_ms()

        def unit(tx: sqlite3.Connection) -> CurrentSetup:
            settings = guild_settings.load(tx, guild_id)
            channel = settings[GuildSetting.ALERT_CHANNEL]
            return CurrentSetup(
                limit=limits.current(tx, guild_id, LimitScope.GUILD) or self._default,
                default=self._default,
                ceiling=limits.guild_ceiling(tx, guild_id),
                role_ids=tuple(sorted(_allowed_roles(tx, guild_id, at))),
                alert_channel_id=None if channel is None else int(channel),
                timezone=settings[GuildSetting.TIMEZONE],
            )

        return await self._database.run(unit)

    async def apply(
        self, guild_id: int, changes: SetupChanges, *, set_by: int, interaction_id: int
    ) -> SetupOutcome | None:
        """Change everything, or nothing: None if the server would have too many access rules.

        Raises:
            OperatorError: `database`.
            ValueError: as `limits.append`.
        """
        at = now_ms()

        def unit(tx: sqlite3.Connection) -> SetupOutcome | None:
            allowed = _allowed_roles(tx, guild_id, at)
            added = [_rule(role_id, set_by) for role_id in sorted(changes.allowed - allowed)]
            # First, since nothing may be written before it is refused.
            if not access_rules.set_rules(tx, guild_id, added, at=at, interaction_id=interaction_id):
                return None
            removed = [
                access_rules.remove_rule(
                    tx,
                    guild_id,
                    RuleTarget.ROLE,
                    str(role_id),
                    removed_by=set_by,
                    at=at,
                    interaction_id=interaction_id,
                )
                for role_id in sorted(changes.no_longer_allowed & allowed)
            ]
            settings = {
                name: change_setting(
                    tx, guild_id, name, value, set_by=set_by, at=at, interaction_id=interaction_id
                )
                for name, value in changes.settings.items()
                if guild_settings.load(tx, guild_id)[name] != value
            }
            # After the time zone, in which the limit's period is counted.
            limit_usage = LimitUsage.at_time(tx, guild_id, self._default, at)
            price = self._catalog.cheapest_credits
            limit = _change_limit(limit_usage, changes, price, set_by, interaction_id)
            return SetupOutcome(limit, tuple(added), tuple(filter(None, removed)), settings)

        return await self._database.run(unit)


def _allowed_roles(transaction: sqlite3.Connection, guild_id: int, at: int) -> frozenset[int]:
    return frozenset(
        rule.subject_id
        for rule in access_rules.active(transaction, guild_id, at)
        if rule.kind is RuleTarget.ROLE and rule.effect is Effect.ALLOW
    )


def _rule(role_id: int, set_by: int) -> AccessRule:
    return AccessRule(RuleTarget.ROLE, str(role_id), Effect.ALLOW, set_by=set_by)


def _change_limit(
    limit_usage: LimitUsage, changes: SetupChanges, cheapest_credits: int, set_by: int, interaction_id: int
) -> LimitChange | None:
    """Set or remove the limit; None if that would change nothing."""
    now = limit_usage.guild_limit()
    if changes.removes_limit:
        if not now.limit_id:  # the default counts already
            return None
        removal = Limit(0, Period.TOTAL, set_by, limit_usage.at)
        return change_limit(
            limit_usage, removal, cheapest_credits, removed=True, interaction_id=interaction_id
        )
    credits = now.credits if changes.credits is None else changes.credits
    period = changes.period or now.period
    if (credits, period) == (now.credits, now.period):
        return None
    limit = Limit(credits, period, set_by, limit_usage.at)
    return change_limit(limit_usage, limit, cheapest_credits, interaction_id=interaction_id)
