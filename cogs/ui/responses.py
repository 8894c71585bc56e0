"""Answer interactions: the first answer, which Discord takes for 3 seconds only, and private follow-ups.

https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-callback
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final

import structlog

from bot.discord_client.errors import API_ERRORS, DiscordErrorKind, classify
from cogs.text.escaping import truncate
from cogs.ui.discord_limits import CONTENT_UNITS
from cogs.ui.layout import build_view, quote_or_attach

if TYPE_CHECKING:
    from collections.abc import Sequence

    import discord
    from discord import ui

log = structlog.get_logger(__name__)

DEFER_SECONDS: Final = 2.5
"""The time-out of a defer. Discord waits 3 s from when the member pressed enter; discord.py waits 300 s."""
SETTLING_SECONDS: Final = 1.0
"""Added after a time-out, since Discord may still take a defer that was sent by then."""


class DeferOutcome(Enum):
    """What became of a defer."""

    KNOWN = auto()
    """Discord has it."""
    LOST = auto()
    """It came too late: the member was told that the application did not respond."""
    UNCLEAR = auto()
    """Only Discord can say, when asked for the reply."""


@dataclass(frozen=True, slots=True)
class DeferResult:
    """The outcome of a defer, and the id of the reply if it is known."""

    outcome: DeferOutcome
    message_id: int | None = None


async def defer(interaction: discord.Interaction, *, private: bool) -> DeferResult:
    """Acknowledge an interaction whose reply will follow. Never raises."""
    outcome, message_id = DeferOutcome.KNOWN, None
    try:
        async with asyncio.timeout(DEFER_SECONDS):
            callback = await interaction.response.defer(thinking=True, ephemeral=private)
    except API_ERRORS as error:
        log.warning("defer failed", interaction_id=interaction.id, error=str(error))
        if isinstance(error, TimeoutError):
            await asyncio.sleep(SETTLING_SECONDS)
        outcome = _defer_outcome(error)
    else:
        message_id = None if callback is None else callback.message_id
    if outcome is DeferOutcome.KNOWN and message_id is None:
        message_id = await _message_id(interaction)
    return DeferResult(outcome, message_id)


async def defer_privately(interaction: discord.Interaction) -> bool:
    """Defer an answer privately; False if that came too late. Never raises."""
    return (await defer(interaction, private=True)).outcome is not DeferOutcome.LOST


def _defer_outcome(error: Exception) -> DeferOutcome:
    match classify(error):
        case DiscordErrorKind.INTERACTION_EXPIRED:
            return DeferOutcome.LOST
        case DiscordErrorKind.ALREADY_ACKNOWLEDGED:
            return DeferOutcome.KNOWN  # discord.py repeats a defer after a 5xx: an earlier attempt arrived
        case _:
            return DeferOutcome.UNCLEAR


async def _message_id(interaction: discord.Interaction) -> int | None:
    """Ask for the id of the reply, without which it cannot be edited once the token has expired."""
    try:
        return (await interaction.original_response()).id
    except API_ERRORS as error:
        log.info("reply not found", interaction_id=interaction.id, error=str(error))
        return None


async def reply_privately(interaction: discord.Interaction, sentence: str) -> None:
    """Send a sentence privately, as the first answer or as a follow-up. Never raises."""
    await _send_privately(interaction, content=truncate(sentence, CONTENT_UNITS))


async def return_text(
    interaction: discord.Interaction, sentence: str, typed: str, *buttons: ui.ActionRow[ui.LayoutView]
) -> None:
    """Send a sentence privately with all that the member typed, quoted or as a file. Never raises."""
    shown, files = quote_or_attach(typed)
    await reply_with_view(interaction, build_view(sentence, shown, *buttons), files)


async def reply_with_view(
    interaction: discord.Interaction, view: ui.LayoutView, files: Sequence[discord.File] = ()
) -> None:
    """Send a view privately, as the first answer or as a follow-up. Never raises."""
    await _send_privately(interaction, view=view, files=list(files))


async def _send_privately(interaction: discord.Interaction, **message: Any) -> None:
    try:
        if interaction.response.is_done():
            await interaction.followup.send(**message, ephemeral=True)
        else:
            await interaction.response.send_message(**message, ephemeral=True)
    except API_ERRORS as error:
        log.warning("answer lost", interaction_id=interaction.id, error=str(error))


async def replace_message(interaction: discord.Interaction, view: ui.LayoutView) -> None:
    """Edit the message whose button was clicked, after the first answer. Never raises."""
    if interaction.message is None:
        return
    try:
        await interaction.followup.edit_message(interaction.message.id, view=view)
    except API_ERRORS as error:
        log.debug("message left as it was", interaction_id=interaction.id, error=str(error))
