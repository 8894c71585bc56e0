"""Set up logging: one format for our log lines and those of libraries, with secrets masked.

Lines of structlog and of the standard library go through one handler, so that those of discord.py and aiohttp
have the same format and context (`job_id`), and secrets are masked in one place.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING, Literal, TextIO

import stamina
import structlog

if TYPE_CHECKING:
    from structlog.typing import Processor

_MASK = "***"

# A line may be a repr, JSON (with escaped quotes inside of strings) or coloured, so there may be quotes,
# backslashes and colour codes between a key and its value.
_COLOUR = r"(?:\x1b\[[\d;]*m)*"
_QUOTE = r"\\*[\"']?"
_BETWEEN = rf"{_QUOTE}{_COLOUR}\s*[=:,]\s*{_COLOUR}(?:b?{_QUOTE})"

_SECRETS = tuple(
    re.compile(pattern)
    for pattern in (
        # Rivya's API key; the documentation gives its form as rvya_sk_...
        r"(?P<keep>)rvya_sk_[\w-]+",
        # A bot's token: its id in base64, a timestamp and a signature, joined by dots.
        r"(?P<keep>)(?<![\w-])[\w-]{17,40}\.[\w-]{5,8}\.[\w-]{25,}",
        # An interaction's token, valid for 15 minutes: https://discord.com/developers/docs/interactions/receiving-and-responding
        r"(?P<keep>/(?:webhooks|interactions)/\d+/)[^\s/?#\"'\\]+",
        rf"(?P<keep>(?i:[\"']token)\\*[\"']{_BETWEEN})[^\s\"'\\\x1b]+",
        rf"(?P<keep>(?:(?<!\w)|\x1b\[[\d;]*m)(?:interaction_)?token{_COLOUR}={_COLOUR}{_QUOTE})[^\s\"'\\\x1b]+",
        # The header that holds either secret, in any notation.
        rf"(?P<keep>(?i:authorization){_BETWEEN}(?:(?i:bearer|bot|basic)\s+)?)[^\s\"'\\\x1b]+",
    )
)

_NOISY = ("aiosqlite", "PIL")
"""Libraries that at `debug` log every call they make."""


def mask(text: str) -> str:
    """Replace whatever looks like a secret by `***`; what precedes it (`/webhooks/<id>/`, `Bearer`) stays."""
    for secret in _SECRETS:
        text = secret.sub(rf"\g<keep>{_MASK}", text)
    return text


class _MaskingFormatter(structlog.stdlib.ProcessorFormatter):
    """Masks the formatted line, so that secrets inside of a repr or a traceback are found, too."""

    def format(self, record: logging.LogRecord) -> str:
        return mask(super().format(record))


class _Handler(logging.StreamHandler[TextIO]):
    """A class of its own, so that `configure` can replace its earlier handler and no other."""


def configure(
    level: str,
    format: Literal["console", "json"],  # noqa: A002  # the name of the setting
    *,
    stream: TextIO | None = None,
) -> None:
    """Write the log lines of the process, of `level` and above, to `stream`.

    Args:
        level: `debug`, `info`, `warning` or `error`.
        format: `console` for people, with colours on a terminal; `json` for machines, one object a line.
        stream: standard error by default.

    """
    target = sys.stderr if stream is None else stream
    handler = _Handler(target)
    handler.setFormatter(
        _MaskingFormatter(
            foreign_pre_chain=_chain(),
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _renderer(format, colours=target.isatty()),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [other for other in root.handlers if not isinstance(other, _Handler)]
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.INFO)
    # stamina would log every retry a second time, without its job.
    stamina.instrumentation.set_on_retry_hooks([])
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *_chain(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def _chain() -> list[Processor]:
    """Return the processors for every line, ours or a library's."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]


def _renderer(name: Literal["console", "json"], *, colours: bool) -> Processor:
    if name == "json":
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(
        colors=colours, exception_formatter=structlog.dev.plain_traceback, sort_keys=False
    )
