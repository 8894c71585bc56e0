"""What `init` asks: the key that each answer is for, its explanation, and the check of what was typed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import SecretStr, TypeAdapter, ValidationError

from bot.cli.init.files import env_value
from bot.config.settings import Settings
from bot.domain.admission import AdmissionMode

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo


class WrongAnswer(Exception):
    """An answer cannot be taken; the message says what it must be, and does not show it."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """Who may invite the bot: one of the answers that a question offers."""

    name: str
    text: str
    mode: AdmissionMode
    public_bot: str
    """What *Public Bot* has to be in Discord's developer portal: `on` or `off`."""

    def __str__(self) -> str:
        return self.text


Answer = str | int | Invitation


@dataclass(frozen=True, slots=True)
class Question:
    """One question; `default` is what an empty answer means, and None that there must be an answer."""

    section: str
    key: str
    title: str
    text: str
    default: str | None = ""
    choices: tuple[Invitation, ...] = ()
    """The answers, of which one is chosen by its number or name; empty if any value is one."""
    in_env: bool = True
    """Whether an env file gets it as well: it has no paths, since those of a container are others."""

    @property
    def setting(self) -> FieldInfo:
        """The setting that the answer is for."""
        section = Settings.model_fields[self.section].annotation
        assert section is not None
        field: FieldInfo = section.model_fields[self.key]
        return field

    @property
    def is_secret(self) -> bool:
        """Whether the answer must not be seen."""
        return self.default is None

    def parse(self, typed: str, *, env: bool) -> Answer:
        """Return the value for the settings, or the choice; the empty text if there is none.

        Raises:
            WrongAnswer: it is none.
        """
        text = typed.strip() or (self.default or "")
        if not text and not self.is_secret:
            return ""
        if self.choices:
            return _choose(text, self.choices)
        try:
            text.encode()
            value = _adapter(self.setting).validate_python(text)
        except UnicodeEncodeError as error:
            raise WrongAnswer("characters that are no UTF-8") from error
        except ValidationError as error:
            raise WrongAnswer(f"must be {self.setting.description}") from error
        plain = _plain(value)
        if env:
            try:
                env_value(str(plain))
            except ValueError as error:
                raise WrongAnswer(f"in an env file it must be {error}") from error
        return plain


def _adapter(setting: FieldInfo) -> TypeAdapter[Any]:
    annotated: Any = Annotated[setting.annotation, setting]
    return TypeAdapter(annotated)


def _choose(text: str, choices: tuple[Invitation, ...]) -> Invitation:
    names = {name: choice for number, choice in enumerate(choices, 1) for name in (str(number), choice.name)}
    if text not in names:
        raise WrongAnswer(f"must be a number from 1 to {len(choices)}")
    return names[text]


def _plain(value: object) -> str | int:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, Path):
        try:
            return str(value.expanduser().absolute())
        except RuntimeError as error:
            raise WrongAnswer("the home folder of ~ is not known; write the whole path") from error
    return value if isinstance(value, int) else str(value)


QUESTIONS: Final = (
    Question(
        "discord",
        "token",
        "Discord token",
        "The bot's token, from the page Bot of your application on https://discord.com/developers/applications.",
        default=None,
    ),
    Question("rivya", "api_key", "Rivya key", "The API key of https://rivya.ai, rvya_sk_...", default=None),
    Question(
        "discord",
        "operator_guild",
        "Your own server",
        "The id of your own server, where /operator will be; empty for none. In Discord: Settings, Advanced,"
        " Developer Mode; then right-click the server, Copy Server ID.",
    ),
    Question(
        "limits",
        "guild_ceiling",
        "Credits for a server",
        "What each server may spend at most in a month, in credits; a picture costs 4. Admins can set less.",
        default="200",
    ),
    Question(
        "guilds",
        "admission",
        "Who may invite it",
        "Who may invite the bot to a server?",
        default="1",
        choices=(
            Invitation(
                "nobody",
                "nobody but you: a server that the bot joins nevertheless waits until you allow it",
                AdmissionMode.APPROVE,
                public_bot="off",
            ),
            Invitation(
                "approve",
                "anybody, and each server waits until you allow it",
                AdmissionMode.APPROVE,
                public_bot="on",
            ),
            Invitation(
                "open",
                "anybody, and each server may spend at once what you chose",
                AdmissionMode.OPEN,
                public_bot="on",
            ),
        ),
    ),
    Question(
        "about",
        "contact",
        "Whom to contact",
        "Whom members ask about this bot, in one line: a name, an address; empty for none. They read it.",
    ),
    Question(
        "about",
        "privacy_url",
        "Privacy policy",
        "The https address of your privacy policy; empty for none.",
    ),
    Question(
        "database",
        "path",
        "Database",
        "The file with jobs and credits; it is made if it is missing.",
        default="data/bot.sqlite3",
        in_env=False,
    ),
    Question(
        "backup",
        "folder",
        "Backups",
        "The folder of the daily backups.",
        default="data/backups",
        in_env=False,
    ),
)
