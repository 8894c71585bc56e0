"""Types of command-line arguments that several commands take."""

from __future__ import annotations

import argparse
from pathlib import Path


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
