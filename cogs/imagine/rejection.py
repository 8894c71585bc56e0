"""What becomes of a request that was refused: its member is told why, and given back what they typed.

The request is put aside as a draft, so that one button brings the form back with everything in it. Where even
that fails, the words themselves are in the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import structlog

from bot.domain.errors import OperatorError
from cogs.imagine.draft_button import DraftButton
from cogs.imagine.form import fits
from cogs.ui.layout import row
from cogs.ui.responses import return_text

if TYPE_CHECKING:
    import discord

    from bot.discord_client.client import KuasClient
    from bot.domain.jobs import Request
    from bot.jobs.drafts import DraftStore
    from cogs.ui.error_reporter import DiscordErrorReporter

log = structlog.get_logger(__name__)


class RejectedRequests:
    """Gives requests back."""

    def __init__(self, drafts: DraftStore) -> None:
        self._drafts = drafts

    async def offer_retry(self, interaction: discord.Interaction, request: Request, error: Exception) -> None:
        """Say why, and keep the request for another try. Never raises."""
        error_reporter = cast("DiscordErrorReporter", cast("KuasClient", interaction.client).error_reporter)
        sentence = error_reporter.message_for(interaction, error)
        if sentence is None:
            return
        try:
            draft_id = await self._drafts.save(request) if fits(request.prompt) else None
        except (OperatorError, UnicodeError) as trouble:  # the latter where what was typed is no text
            log.warning("draft not kept", interaction_id=interaction.id, error=str(trouble))
            draft_id = None
        buttons = [] if draft_id is None else [row(DraftButton(draft_id))]
        await return_text(interaction, sentence, request.prompt, *buttons)
