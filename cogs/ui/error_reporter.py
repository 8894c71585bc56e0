"""Tell a member what went wrong, and log what somebody else must act on."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final, cast

import discord
import structlog
from discord import app_commands

from bot.discord_client.errors import DiscordErrorKind, classify
from bot.domain.errors import ContractViolation, MemberError, OperatorError, TransientError
from cogs.text import error_messages
from cogs.text.translation import use_member_locale
from cogs.ui.responses import reply_privately, return_text

if TYPE_CHECKING:
    from bot.observability.operator_log import OperatorLog

log = structlog.get_logger(__name__)

PROMPT: Final = "prompt"
"""The name of the command option that holds a prompt."""
_UNANSWERABLE: Final = (DiscordErrorKind.ALREADY_ACKNOWLEDGED, DiscordErrorKind.INTERACTION_EXPIRED)
"""The event was delivered twice and answered the first time, or it is too late to be answered."""


class DiscordErrorReporter:
    """Reports errors privately, with a reference if the operator has to look. Nothing here raises."""

    def __init__(self, operator_log: OperatorLog) -> None:
        self._operator_log = operator_log

    def use_locale(self, interaction: discord.Interaction) -> None:
        """Use the member's language until the end of this task."""
        use_member_locale(interaction)

    async def report(self, interaction: discord.Interaction, error: Exception, *, typed: str = "") -> None:
        """Tell the member what went wrong, and give back what they `typed` into a form or a command."""
        use_member_locale(interaction)
        sentence = self.message_for(interaction, error)
        if sentence is None:
            return
        if typed := typed or _prompt_of(interaction):
            await return_text(interaction, sentence, typed)
        else:
            await reply_privately(interaction, sentence)

    async def component_expired(self, interaction: discord.Interaction, typed: str) -> None:
        """Answer a button or a form that nothing handles, and give back what the form held."""
        use_member_locale(interaction)
        await return_text(interaction, error_messages.component_expired(), typed)

    def message_for(self, interaction: discord.Interaction, error: Exception) -> str | None:
        """Log the error and return the sentence for the member; None if the interaction is unanswerable."""
        match error:
            case MemberError():
                return error_messages.member_error(error)
            case discord.HTTPException() if classify(error) in _UNANSWERABLE:
                log.warning("nobody to answer", interaction_id=interaction.id, error=str(error))
                return None
            case TransientError():
                log.warning("try later", interaction_id=interaction.id, error=str(error))
                return error_messages.transient_error()
            case app_commands.CommandSignatureMismatch() | app_commands.CommandNotFound():
                log.warning("outdated command", interaction_id=interaction.id, error=str(error))
                return error_messages.just_updated()
        ref = secrets.token_hex(4)
        if isinstance(error, OperatorError):
            self._operator_log.report(error, ref=ref, interaction_id=interaction.id)
            return error_messages.operator_error(ref)
        code = error.code if isinstance(error, ContractViolation) else "bug"
        log.error("command broke", ref=ref, code=code, interaction_id=interaction.id, exc_info=error)
        return error_messages.internal_error(ref)


def _prompt_of(interaction: discord.Interaction) -> str:
    """Return the prompt that was given to a command; empty without one."""
    options = cast("dict[str, Any]", interaction.data or {}).get("options") or ()
    found = next((option.get("value") for option in options if option.get("name") == PROMPT), None)
    return found if isinstance(found, str) else ""
