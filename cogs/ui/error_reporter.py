"""What a member hears when something goes wrong, and what the log keeps of it."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final, cast

import discord
import structlog
from discord import app_commands

from bot.domain.errors import ContractViolation, MemberError, OperatorError, TransientError
from cogs.text import error_messages
from cogs.text.translation import use_member_locale
from cogs.ui.responses import ALREADY_ACKNOWLEDGED, UNKNOWN_INTERACTION, reply_privately, return_text

if TYPE_CHECKING:
    from bot.observability.operator_log import OperatorLog

log = structlog.get_logger(__name__)

PROMPT: Final = "prompt"
"""How the option is called that holds words of a member."""


class DiscordErrorReporter:
    """Says it: privately, once, with a reference where somebody else must act. Nothing here raises."""

    def __init__(self, operator_log: OperatorLog) -> None:
        self._operator_log = operator_log

    def use_locale(self, interaction: discord.Interaction) -> None:
        """From here to the end of this task, speak the member's language."""
        use_member_locale(interaction)

    async def report(self, interaction: discord.Interaction, error: Exception, *, typed: str = "") -> None:
        """Tell the member what went wrong, and give back what they `typed`, or wrote into a command."""
        use_member_locale(interaction)
        sentence = self.message_for(interaction, error)
        if sentence is not None and (words := typed or _prompt_of(interaction)):
            await return_text(interaction, sentence, words)
        elif sentence is not None:
            await reply_privately(interaction, sentence)

    async def component_expired(self, interaction: discord.Interaction, typed: str) -> None:
        """Answer a button or a form that nobody handles; `typed` is what the form held, and is given back."""
        use_member_locale(interaction)
        await return_text(interaction, error_messages.component_expired(), typed)

    def message_for(self, interaction: discord.Interaction, error: Exception) -> str | None:
        """What to tell the member; None if there is nobody to tell. Logs what somebody else must act on."""
        match error:
            case MemberError():
                return error_messages.member_error(error)
            case discord.HTTPException() if error.code in {ALREADY_ACKNOWLEDGED, UNKNOWN_INTERACTION}:
                # Delivered twice and answered the first time, or too late to be answered at all.
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
    """The prompt in a command's options, which a member would have to type again."""
    options = cast("dict[str, Any]", interaction.data or {}).get("options") or ()
    found = next((option.get("value") for option in options if option.get("name") == PROMPT), None)
    return found if isinstance(found, str) else ""
