"""The types of settings. Their validators raise ValueError, as pydantic expects."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_core import PydanticCustomError

from bot.domain.ids import MAX_ID, parse_id

PLACEHOLDER_ERROR: Final = "placeholder"
"""The type of the error about a value that was copied from the example."""
CONFLICT_ERROR: Final = "conflict"
"""The type of the error about a setting that replaces another one which is set, too."""
FILE_ONLY: Final = "file_only"
"""Among the extra facts of a field: there is no environment variable for it."""
_PLACEHOLDERS: Final = ("put-the-bot-token-here", "put-the-rivya-key-here", "...", "rvya_sk_...")
_EXAMPLE_ID: Final = 123456789012345678
_QUOTES: Final = ("'", '"')


def is_placeholder(value: object) -> bool:
    """Return whether a value is one of the example or of the pages, which has to be replaced."""
    return value == _EXAMPLE_ID or (isinstance(value, str) and unquote(value.strip()) in _PLACEHOLDERS)


def unquote(text: str) -> str:
    """Remove a carriage return at the end, and then the quotes around a text, if both are there."""
    text = text.rstrip("\r")
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in _QUOTES
    return text[1:-1] if quoted else text


def _number_not_bool(value: object) -> object:
    """Refuse TOML's `true`, which pydantic would take for the number 1."""
    if isinstance(value, bool):
        raise ValueError("a boolean is no number")  # noqa: TRY004  # pydantic handles only ValueError
    return value


def _not_placeholder(number: int) -> int:
    if is_placeholder(number):
        raise PydanticCustomError(PLACEHOLDER_ERROR, "the example's")
    return number


def _one_word(secret: SecretStr) -> SecretStr:
    """Strip white space and quotes, as after pasting; the rest must fit into an HTTP header."""
    word = unquote(secret.get_secret_value().strip()).strip()
    if is_placeholder(word):
        raise PydanticCustomError(PLACEHOLDER_ERROR, "the example's")
    if not word or not word.isascii() or not word.isprintable() or " " in word:
        raise ValueError("not one word")
    if word.startswith(_QUOTES) or word.endswith(_QUOTES):
        raise ValueError("half a pair of quotes")
    return SecretStr(word)


def _is_loopback(host: str) -> bool:
    """Return whether a host is this machine by its spelling; no name is resolved."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _api_url(url: str) -> str:
    """Require https, or http on this machine: the key must not cross a network unencrypted."""
    parts = urlsplit(url)
    host = parts.hostname
    if not host or parts.port == 0 or not url.isprintable() or " " in url:
        raise ValueError("no host")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(host)):
        raise ValueError("not https")
    if "@" in parts.netloc or "?" in url or "#" in url:
        raise ValueError("more than an address")
    return url.rstrip("/").removesuffix("/api/v1").rstrip("/")  # the client adds it


def _file_path(path: Path) -> Path:
    if not path.name:
        raise ValueError("not a file")
    return _folder_path(path)


def _folder_path(path: Path) -> Path:
    """Refuse what no file system or SQLite has as a name: a NUL, or bytes that are not UTF-8."""
    if "\0" in str(path):
        raise ValueError("not a folder")
    str(path).encode()  # UnicodeEncodeError is a ValueError
    return path


def _guild_ids(value: object) -> tuple[int, ...]:
    """Read ids from a list, or from a text with commas or spaces between them, as a variable has it.

    An id may be written as a text: many programs cannot hold its number.
    """
    entries = value.replace(",", " ").split() if isinstance(value, str) else value
    if not isinstance(entries, list | tuple):
        raise ValueError("no list")  # noqa: TRY004  # pydantic handles only ValueError
    ids = [None if isinstance(entry, bool) else parse_id(str(entry)) for entry in entries]
    if None in ids:
        raise ValueError("no id")
    return tuple(guild_id for guild_id in ids if guild_id is not None)


def _words(value: object) -> object:
    """Read words from a list, or from a text with commas or spaces between them, as a variable has it."""
    return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value


def _https_url(url: str) -> str:
    """Require an https URL that Discord shows as a link, without a name and password."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc:
        raise ValueError("not https")
    if not url.isascii() or not url.isprintable() or set(url) & set(' <>"\\^`{|}'):
        raise ValueError("no URL")
    return url


def _one_line(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("not one line")
    return text.strip()


def _address(text: str) -> str:
    return str(ipaddress.ip_address(text))


DiscordId = Annotated[
    int, BeforeValidator(_number_not_bool), Field(ge=1, le=MAX_ID), AfterValidator(_not_placeholder)
]
Secret = Annotated[SecretStr, AfterValidator(_one_word)]
Whole = Annotated[int, BeforeValidator(_number_not_bool)]
Seconds = Annotated[float, BeforeValidator(_number_not_bool), Field(gt=0, allow_inf_nan=False)]
ApiUrl = Annotated[str, AfterValidator(_api_url)]
"""An https URL, or an http URL of this machine, without a slash or `/api/v1` at its end."""
Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
FilePath = Annotated[Path, AfterValidator(_file_path)]
FolderPath = Annotated[Path, AfterValidator(_folder_path)]
GuildIds = Annotated[tuple[int, ...], BeforeValidator(_guild_ids)]
"""Ids of guilds."""
HttpsUrl = Annotated[str, Field(max_length=500), AfterValidator(_https_url)]
Line = Annotated[str, Field(max_length=200), AfterValidator(_one_line)]
"""One line of text that is not blank."""
Address = Annotated[str, AfterValidator(_address)]
"""An IP address."""
