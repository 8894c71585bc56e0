"""What a member hears when something goes wrong, and what the log keeps of it.

Owns the talking part of the error funnel. Never imports anything of ours but answers, errors, notices,
reasons.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import discord
import structlog
from discord import app_commands

from bot.errors import ContractBroken, MemberError, OperatorError, TryLater
from cogs.ground import reasons
from cogs.ground.answers import ALREADY_ACKNOWLEDGED, UNKNOWN_INTERACTION, answer

if TYPE_CHECKING:
    from bot.watching.notices import Notices

log = structlog.get_logger(__name__)


class Spokesman:
    """Says it: privately, once, with a reference where somebody else must act. Nothing here raises."""

    def __init__(self, notices: Notices) -> None:
        self._notices = notices

    async def explain(self, interaction: discord.Interaction, error: Exception) -> None:
        """Tell the member what went wrong."""
        if (sentence := self._sentence(interaction, error)) is not None:
            await answer(interaction, sentence)

    async def control_gone(self, interaction: discord.Interaction, typed: str) -> None:
        """Answer a button or a form that nobody handles; `typed` is what the form held."""
        await answer(interaction, reasons.control_gone(typed))

    def _sentence(self, interaction: discord.Interaction, error: Exception) -> str | None:
        match error:
            case MemberError():
                return reasons.member_error(error)
            case discord.HTTPException() if error.code in {ALREADY_ACKNOWLEDGED, UNKNOWN_INTERACTION}:
                # Delivered twice and answered the first time, or too late to be answered at all.
                log.warning("nobody to answer", interaction_id=interaction.id, error=str(error))
                return None
            case TryLater():
                log.warning("try later", interaction_id=interaction.id, error=str(error))
                return reasons.try_later()
            case app_commands.CommandSignatureMismatch() | app_commands.CommandNotFound():
                log.warning("outdated command", interaction_id=interaction.id, error=str(error))
                return reasons.just_updated()
        ref = secrets.token_hex(4)
        if isinstance(error, OperatorError):
            self._notices.give(error, ref=ref, interaction_id=interaction.id)
            return reasons.operator_error(ref)
        code = error.code if isinstance(error, ContractBroken) else "bug"
        log.error("command broke", ref=ref, code=code, interaction_id=interaction.id, exc_info=error)
        return reasons.broken(ref)
