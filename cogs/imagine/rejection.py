"""What becomes of a request that was refused: its member is told why, and given back what they typed.

The request is put aside as a draft, so that one button brings the form back with everything in it. Where even
that fails, the words themselves are in the answer.

Owns the way back. Never imports anything of ours but answers, buttons, cards, client, drafts, errors, form,
jobs, spokesman.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import structlog

from bot.domain.errors import OperatorError
from cogs.imagine.draft_button import DraftButton
from cogs.imagine.form import holds
from cogs.ui.layout import row
from cogs.ui.responses import give_back

if TYPE_CHECKING:
    import discord

    from bot.discord_client.client import KuasClient
    from bot.domain.jobs import Request
    from bot.jobs.drafts import Drafts
    from cogs.ui.error_reporter import Spokesman

log = structlog.get_logger(__name__)


class Returns:
    """Gives requests back."""

    def __init__(self, drafts: Drafts) -> None:
        self._drafts = drafts

    async def give_back(self, interaction: discord.Interaction, request: Request, error: Exception) -> None:
        """Say why, and keep the request for another try. Never raises."""
        spokesman = cast("Spokesman", cast("KuasClient", interaction.client).spokesman)
        sentence = spokesman.sentence(interaction, error)
        if sentence is None:
            return
        try:
            draft_id = await self._drafts.keep(request) if holds(request.prompt) else None
        except (OperatorError, UnicodeError) as trouble:  # the latter where what was typed is no text
            log.warning("draft not kept", interaction_id=interaction.id, error=str(trouble))
            draft_id = None
        buttons = [] if draft_id is None else [row(DraftButton(draft_id))]
        await give_back(interaction, sentence, request.prompt, *buttons)
