"""Runs a comparison with Rivya from Discord and sends its result to the operator, however long it takes.

A reply can be edited for 15 minutes, and a comparison of a year may take longer. Its result goes into the
reply while that can be edited, else into a direct message; it is in the database in any case.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from bot.discord_client.errors import API_ERRORS
from bot.domain.clock import DAY_MS, now_ms
from cogs.operator import reconcile_views
from cogs.ui.discord_limits import TOKEN_LIFE_SECONDS, attachments
from cogs.ui.responses import defer_privately

if TYPE_CHECKING:
    import discord

    from bot.credits.reconciliation.models import Discrepancy
    from bot.credits.reconciliation.reconciler import Reconciler, ReconcileRun
    from bot.credits.reconciliation.store import DiscrepancyStore
    from bot.domain.model_catalog import ModelCatalog

log = structlog.get_logger(__name__)

PROGRESS_SECONDS: Final = 15.0
"""Minimum time between two edits; Discord does not publish its limit."""


class ReconcileRunner:
    """Runs a comparison; the caller checks `busy` first."""

    def __init__(
        self, reconciler: Reconciler, discrepancies: DiscrepancyStore, catalog: ModelCatalog
    ) -> None:
        self._catalog = catalog
        self._reconciler = reconciler
        self._discrepancies = discrepancies
        self._running: asyncio.Task[object] | None = None

    @property
    def busy(self) -> bool:
        """Whether a comparison is under way."""
        return self._running is not None

    def stop(self) -> None:
        """Cancel the comparison; what it found so far is kept."""
        if self._running is not None:
            self._running.cancel()

    async def compare(self, interaction: discord.Interaction, days: int) -> None:
        """Compare the last days with Rivya and send what was found to the operator.

        Raises:
            OperatorError: `database`.
        """
        self._running = asyncio.current_task()
        try:
            if not await defer_privately(interaction):
                return
            reply = _ProgressReply(interaction)
            run = await self._reconciler.compare(now_ms() - days * DAY_MS, progress=reply.show)
            await self._send_result(interaction, run, editable=reply.editable)
        finally:
            self._running = None

    async def _send_result(
        self, interaction: discord.Interaction, run: ReconcileRun, *, editable: bool
    ) -> None:
        found: list[Discrepancy] = []
        while len(found) < reconcile_views.LISTED and (
            page := await self._discrepancies.list_run(run.run_id, found[-1].booked.job_id if found else "")
        ):
            found += page
        filename = f"reconcile-{run.run_id}.csv" if run.found > reconcile_views.SHOWN else ""
        view = reconcile_views.reconcile_result_view(run, found, filename, self._catalog.name_to_show)

        def files() -> list[discord.File]:
            return attachments({filename: reconcile_views.csv_file(found)} if filename else {})

        if editable:
            try:
                await interaction.edit_original_response(view=view, attachments=files())
            except API_ERRORS as error:
                log.info("comparison not in its reply", run_id=run.run_id, error=str(error))
            else:
                return
        try:
            await interaction.user.send(view=view, files=files())
        except API_ERRORS as error:
            # The command line shows it, too: python -m bot operator reconcile --show RUN.
            log.warning("comparison untold", run_id=run.run_id, found=run.found, error=str(error))


class _ProgressReply:
    """Shows the progress of a comparison in its reply, at most every `PROGRESS_SECONDS`."""

    def __init__(self, interaction: discord.Interaction) -> None:
        self._interaction = interaction
        self._began = self._shown_at = asyncio.get_running_loop().time()

    @property
    def editable(self) -> bool:
        """Whether the reply can still be edited."""
        return asyncio.get_running_loop().time() - self._began < TOKEN_LIFE_SECONDS

    async def show(self, run: ReconcileRun) -> None:
        """Edit the reply, unless that was done a moment ago. Never raises."""
        now = asyncio.get_running_loop().time()
        if now - self._shown_at < PROGRESS_SECONDS or not self.editable:
            return
        self._shown_at = now
        try:
            await self._interaction.edit_original_response(view=reconcile_views.reconcile_progress_view(run))
        except API_ERRORS as error:
            log.debug("progress not shown", run_id=run.run_id, error=str(error))
