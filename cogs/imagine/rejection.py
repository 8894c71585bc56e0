"""Answer a request that was refused: say why, and give back what the member typed.

The request is saved as a draft, so that a button can show the form again with everything in it, and another
one the card where its model is chosen, if one would do. The answer has the prompt as well, in case the draft
cannot be saved.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from bot.domain.errors import LimitExceeded, MemberError, OperatorError
from cogs.imagine.draft_card_views import card_button
from cogs.imagine.fewer_pictures import accepted_pictures, fewer_button, with_fewer
from cogs.imagine.form import fits, form_button
from cogs.text.escaping import shorten, utf16_length
from cogs.text.translation import gettext
from cogs.ui.layout import row
from cogs.ui.responses import return_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    import discord
    from discord import ui

    from bot.domain.jobs import Request, RequestOptions
    from bot.jobs.requests.drafts import DraftStore
    from cogs.ui.error_reporter import DiscordErrorReporter

log = structlog.get_logger(__name__)


class RejectedRequests:
    """Sends the answer to a request that failed."""

    def __init__(self, drafts: DraftStore, error_reporter: DiscordErrorReporter) -> None:
        self._drafts = drafts
        self._error_reporter = error_reporter

    async def offer_retry(
        self, interaction: discord.Interaction, request: Request | RequestOptions, error: Exception
    ) -> None:
        """Say why a request was refused, and offer to edit it. Never raises."""
        sentence = self._error_reporter.message_for(interaction, error)
        if sentence is None:
            return
        # SQLite takes no lone surrogates, and nobody could see them in the form.
        prompt = shorten(request.prompt, utf16_length(request.prompt))
        kept = replace(_as_it_may_be(request, error), prompt=prompt)
        try:
            draft_id = await self._drafts.save(kept) if fits(prompt) else None
        except (OperatorError, UnicodeError) as failure:  # UnicodeError: a lone surrogate in a file name
            log.warning("draft not kept", interaction_id=interaction.id, error=str(failure))
            draft_id = None
        rows = []
        if draft_id is not None:
            rows.append(row(*_buttons(draft_id, kept, error)))
        await return_text(interaction, sentence, request.prompt, *rows)


def _as_it_may_be(request: Request | RequestOptions, error: Exception) -> Request | RequestOptions:
    """Return the request to go on with: with another model, or fewer pictures, if that was refused."""
    request = with_fewer(request, error)
    data = error.data if isinstance(error, MemberError) else {}
    refused, instead = data.get("refused"), data.get("instead")
    if isinstance(refused, str) and isinstance(instead, str):  # the form cannot change the model
        request = _with_model(request, refused, instead)
    return request


def _with_model(request: Request | RequestOptions, refused: str, instead: str) -> Request | RequestOptions:
    """Return a request with another model in place of one that was refused."""
    if not request.models:
        return replace(request, model=instead)
    models = tuple(dict.fromkeys(instead if each == refused else each for each in request.models))
    return replace(request, model=models[0], models=models if len(models) > 1 else ())


def _buttons(
    draft_id: int, kept: Request | RequestOptions, error: Exception
) -> Iterator[ui.Button[ui.LayoutView]]:
    """Yield the buttons to go on with a draft of the request that is kept."""
    yield form_button(draft_id, gettext("Edit and try again"))
    if kept.models or _names_another_model(error):
        yield card_button(draft_id, several=bool(kept.models))
    fewer = 0 if kept.models or not kept.prompt.strip() else accepted_pictures(error)
    if fewer:
        yield fewer_button(draft_id, fewer)


def _names_another_model(error: Exception) -> bool:
    """Whether the answer says that another model would do."""
    if isinstance(error, LimitExceeded):
        return error.cheaper is not None
    return isinstance(error, MemberError) and bool(error.data.get("others"))
