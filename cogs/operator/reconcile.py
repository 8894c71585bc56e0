"""A comparison with Rivya as the operator follows it in Discord, however long it takes.

An interaction lives for 15 minutes and a comparison of a year may not be done by then. So its result goes
into the answer while that can be edited, else to the operator directly; and it is in the books either way.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import discord
import structlog

from bot.credits.admin import CreditAdmin
from bot.credits.overview import GuildOverview
from bot.credits.reconciliation.reconciler import Reconciler
from bot.credits.reconciliation.store import DiscrepancyStore
from bot.domain.clock import DAY_MS, now_ms
from bot.guilds.pauses import PauseStore
from cogs.operator import reconcile_views
from cogs.ui.discord_limits import TOKEN_LIFE_SECONDS, attachments
from cogs.ui.responses import TRANSPORT, DeferOutcome, defer

if TYPE_CHECKING:
    from collections.abc import Callable

    from discord import ui

    from bot.credits.reconciliation.models import Discrepancy
    from bot.credits.reconciliation.reconciler import ReconcileRun
    from bot.domain.limits import Limit
    from bot.rivya.client import RivyaClient
    from bot.storage.database import Database

    Row = Callable[[str], ui.ActionRow[ui.LayoutView]]

log = structlog.get_logger(__name__)

PROGRESS_SECONDS: Final = 15.0
"""Between two edits of the progress card; Discord does not publish how many it takes."""
_REFUSED: Final = (discord.DiscordException, *TRANSPORT)


@dataclass(frozen=True, slots=True)
class OperatorServices:
    """What the operator's commands ask and change."""

    guild_id: int
    """The one guild they work in."""
    rivya: RivyaClient
    overview: GuildOverview
    credit_admin: CreditAdmin
    pauses: PauseStore
    discrepancies: DiscrepancyStore
    reconciler: Reconciler

    @classmethod
    def open(cls, guild_id: int, database: Database, default: Limit, rivya: RivyaClient) -> OperatorServices:
        """Everything on one database; `default` is the limit of guilds that have set none."""
        discrepancies = DiscrepancyStore(database)
        return cls(
            guild_id=guild_id,
            rivya=rivya,
            overview=GuildOverview(database, default),
            credit_admin=CreditAdmin(database, default),
            pauses=PauseStore(database),
            discrepancies=discrepancies,
            reconciler=Reconciler(discrepancies, rivya),
        )


async def defer_privately(interaction: discord.Interaction) -> bool:
    """Answer that something takes a moment; False if that came too late to go on. Never raises."""
    return (await defer(interaction, private=True)).outcome is not DeferOutcome.LOST


class ReconcileRunner:
    """Runs one comparison at a time. `booking_row` makes the button that books a run."""

    def __init__(self, reconciler: Reconciler, discrepancies: DiscrepancyStore, booking_row: Row) -> None:
        self._reconciler = reconciler
        self._discrepancies = discrepancies
        self._booking_row = booking_row
        self._running: asyncio.Task[object] | None = None

    @property
    def busy(self) -> bool:
        """Whether a comparison is under way."""
        return self._running is not None

    def stop(self) -> None:
        """Cut a comparison short, since the bot closes; what it found so far is kept."""
        if self._running is not None:
            self._running.cancel()

    async def compare(self, interaction: discord.Interaction, days: int) -> None:
        """Compare the last days with Rivya and bring what was found to the operator.

        Raises:
            OperatorError: `database`.
        """
        self._running = asyncio.current_task()
        try:
            if not await defer_privately(interaction):
                return
            told = _Progress(interaction)
            run = await self._reconciler.compare(now_ms() - days * DAY_MS, progress=told.show)
            await self._bring(interaction, run, alive=told.alive)
        finally:
            self._running = None

    async def _bring(self, interaction: discord.Interaction, run: ReconcileRun, *, alive: bool) -> None:
        found = await self._listed(run)
        filename = f"reconcile-{run.run_id}.csv" if run.found > reconcile_views.SHOWN else ""
        provable = any(item.kind.is_proof for item in found)

        def view() -> ui.LayoutView:
            row = self._booking_row(run.run_id) if provable else None
            return reconcile_views.reconcile_result_view(run, found, filename, row)

        def files() -> list[discord.File]:
            return attachments({filename: reconcile_views.csv_file(found)} if filename else {})

        if alive:
            try:
                await interaction.edit_original_response(view=view(), attachments=files())
            except _REFUSED as error:
                log.info("comparison not in its reply", run_id=run.run_id, error=str(error))
            else:
                return
        try:
            await interaction.user.send(view=view(), files=files())
        except _REFUSED as error:
            # The command line shows it, too: python -m bot operator reconcile --show RUN.
            log.warning("comparison untold", run_id=run.run_id, found=run.found, error=str(error))

    async def _listed(self, run: ReconcileRun) -> list[Discrepancy]:
        found: list[Discrepancy] = []
        while len(found) < reconcile_views.LISTED:
            page = await self._discrepancies.list_run(run.run_id, found[-1].booked.job_id if found else "")
            if not page:
                break
            found += page
        return found


class _Progress:
    """Shows how far a comparison has come, sparingly, while its reply can be edited."""

    def __init__(self, interaction: discord.Interaction) -> None:
        self._interaction = interaction
        self._began = self._shown_at = asyncio.get_running_loop().time()

    @property
    def alive(self) -> bool:
        """Whether the reply can still be edited."""
        return asyncio.get_running_loop().time() - self._began < TOKEN_LIFE_SECONDS

    async def show(self, run: ReconcileRun) -> None:
        """Edit the reply, unless that was done a moment ago. Never raises."""
        now = asyncio.get_running_loop().time()
        if now - self._shown_at < PROGRESS_SECONDS or not self.alive:
            return
        self._shown_at = now
        try:
            await self._interaction.edit_original_response(view=reconcile_views.reconcile_progress_view(run))
        except _REFUSED as error:
            log.debug("progress not shown", run_id=run.run_id, error=str(error))
