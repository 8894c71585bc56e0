"""The first answer to an interaction, which Discord takes for 3 seconds only.

https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-callback
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

import aiohttp
import discord
import structlog
from discord import ui

from cogs.ui.discord_limits import clip
from cogs.ui.layout import build_view, quote_or_attach

if TYPE_CHECKING:
    from collections.abc import Sequence

log = structlog.get_logger(__name__)

DEFER_SECONDS: Final = 2.5
"""Our own limit for the defer: the library's is 300 s, Discord's 3 s from when the member pressed enter."""

SETTLING_SECONDS: Final = 1.0
"""How long after that Discord may still take it: to ask sooner whether it did would be to ask too soon."""

UNKNOWN_INTERACTION: Final = 10062
ALREADY_ACKNOWLEDGED: Final = 40060

TRANSPORT: Final = (aiohttp.ClientError, OSError)
"""Discord did not answer at all: cut connections and, as a kind of OSError, time-outs."""

# discord.py reads Discord's answer without checking it: a strange one ends in one of the last three.
_UNCLEAR: Final = (discord.HTTPException, *TRANSPORT, KeyError, TypeError, ValueError)


class DeferOutcome(Enum):
    """What became of our first answer."""

    KNOWN = auto()
    """Discord has it."""
    LOST = auto()
    """It came too late: the member was told that the application did not respond."""
    UNCLEAR = auto()
    """Nobody can say without asking Discord."""


@dataclass(frozen=True, slots=True)
class DeferResult:
    """Whether Discord took our first answer, and the id of its message if it said."""

    outcome: DeferOutcome
    message_id: int | None = None


async def defer(interaction: discord.Interaction, *, private: bool) -> DeferResult:
    """Tell Discord that the answer will follow. Never raises: no job is left without its next step."""
    try:
        async with asyncio.timeout(DEFER_SECONDS):
            callback = await interaction.response.defer(thinking=True, ephemeral=private)
    except _UNCLEAR as error:
        log.warning("defer failed", interaction_id=interaction.id, error=str(error))
        if isinstance(error, TimeoutError):
            await asyncio.sleep(SETTLING_SECONDS)
        acceptance, message_id = _defer_outcome(error), None
    else:
        acceptance, message_id = DeferOutcome.KNOWN, None if callback is None else callback.message_id
    if acceptance is DeferOutcome.KNOWN and message_id is None:
        message_id = await _message_id(interaction)
    return DeferResult(acceptance, message_id)


async def _message_id(interaction: discord.Interaction) -> int | None:
    """Ask for what the answer did not say: without it the reply cannot be edited once its token has died."""
    try:
        return (await interaction.original_response()).id
    except (discord.DiscordException, *_UNCLEAR) as error:
        log.info("reply not found", interaction_id=interaction.id, error=str(error))
        return None


def _defer_outcome(error: Exception) -> DeferOutcome:
    code = error.code if isinstance(error, discord.HTTPException) else None
    if code == UNKNOWN_INTERACTION:
        return DeferOutcome.LOST
    # discord.py repeats a defer after a 5xx: "already acknowledged" says that an earlier attempt arrived.
    return DeferOutcome.KNOWN if code == ALREADY_ACKNOWLEDGED else DeferOutcome.UNCLEAR


async def reply_privately(interaction: discord.Interaction, sentence: str) -> None:
    """Say a sentence privately, as the first answer or after it, whichever is possible. Never raises."""
    said = clip(sentence)
    try:
        if interaction.response.is_done():
            await interaction.followup.send(said, ephemeral=True)
        else:
            await interaction.response.send_message(said, ephemeral=True)
    except (discord.DiscordException, *_UNCLEAR) as error:
        log.warning("answer lost", interaction_id=interaction.id, error=str(error))


async def return_text(
    interaction: discord.Interaction, sentence: str, typed: str, *buttons: ui.ActionRow[ui.LayoutView]
) -> None:
    """Say a sentence privately, and give the member back what they typed, all of it. Never raises."""
    shown, files = quote_or_attach(typed)
    await reply_with_view(interaction, build_view(sentence, shown, *buttons), files)


async def reply_with_view(
    interaction: discord.Interaction, view: ui.LayoutView, files: Sequence[discord.File] = ()
) -> None:
    """Show a card privately, as the first answer or after it, whichever is possible. Never raises."""
    try:
        if interaction.response.is_done():
            await interaction.followup.send(view=view, files=list(files), ephemeral=True)
        else:
            await interaction.response.send_message(view=view, files=list(files), ephemeral=True)
    except (discord.DiscordException, *_UNCLEAR) as error:
        log.warning("answer lost", interaction_id=interaction.id, error=str(error))


async def replace_message(interaction: discord.Interaction, view: discord.ui.LayoutView) -> None:
    """Show something else in the message whose button was clicked, after the first answer. Never raises."""
    if interaction.message is None:
        return
    try:
        await interaction.followup.edit_message(interaction.message.id, view=view)
    except (discord.DiscordException, *_UNCLEAR) as error:
        log.debug("message left as it was", interaction_id=interaction.id, error=str(error))
