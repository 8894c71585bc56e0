"""Arguments that several commands take, and types that refuse with a sentence, an `ArgumentTypeError`."""

from __future__ import annotations

import argparse
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bot.domain.ids import parse_id
from bot.domain.limits import MAX_CREDITS
from bot.domain.periods import Period

PERIODS: Final = tuple(period.value for period in Period)
"""The choices of an argument for a period."""
_MAX_SENTENCE_CHARACTERS: Final = 200


def add_page(parser: argparse.ArgumentParser) -> None:
    """Add the argument of a command that prints one page of a list."""
    parser.add_argument("--page", type=int, default=1, help="the page of the list (default: 1)")


def utf8_text(text: str) -> str:
    """Refuse what is not UTF-8, which SQLite does not store; Python has it as half surrogate pairs.

    Raises:
        ArgumentTypeError: it is not UTF-8.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise argparse.ArgumentTypeError("characters that are no UTF-8") from error
    return text


def file_path(text: str) -> Path:
    """Return the path of a file whose name SQLite accepts.

    Raises:
        ArgumentTypeError: the name is not UTF-8.
    """
    return Path(utf8_text(text))


def guild_id(text: str) -> int:
    """Parse the id of a server."""
    if (number := parse_id(text)) is None:
        raise argparse.ArgumentTypeError("the id of a server is a number of 17 to 19 digits")
    return number


def credits(text: str) -> int:
    """Parse a number of credits, from 0 to `MAX_CREDITS`."""
    if not re.fullmatch("[0-9]{1,10}", text) or (number := int(text)) > MAX_CREDITS:
        raise argparse.ArgumentTypeError(f"credits are a whole number from 0 to {MAX_CREDITS}")
    return number


def days(text: str) -> int:
    """Parse a number of days."""
    if not re.fullmatch("[0-9]{1,5}", text):
        raise argparse.ArgumentTypeError("days are a whole number, such as 30")
    return int(text)


def sentence(text: str) -> str:
    """Parse a text of at most 200 characters."""
    if len(text) > _MAX_SENTENCE_CHARACTERS:
        raise argparse.ArgumentTypeError(f"at most {_MAX_SENTENCE_CHARACTERS} characters")
    return utf8_text(text)


def reason(text: str) -> str:
    """Parse a text that is not blank."""
    if not text.strip():
        raise argparse.ArgumentTypeError("say why")
    return sentence(text)


def run_id(text: str) -> str:
    """Parse the id of a comparison."""
    if not re.fullmatch("[0-9a-f]{12}", text):
        raise argparse.ArgumentTypeError("a run has 12 characters, as a comparison prints them")
    return text


def timestamp(text: str) -> int:
    """Parse an ISO 8601 time, in UTC unless it says otherwise, to epoch milliseconds."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError("a time looks like 2026-05-31T12:00:00Z") from error
    zoned = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    return int(zoned.timestamp() * 1000)
