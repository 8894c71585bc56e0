"""One format for every log line, ours and the libraries', with nothing secret in it.

Lines of structlog and of the standard library leave through one handler, so that discord.py's and aiohttp's
look like ours and carry the same context (`job_id`), and one mask is enough.
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

# A line may be repr, JSON (quotes escaped inside a string) or coloured: a key and its value can be a quote, a
# backslash and a colour code apart.
_COLOUR = r"(?:\x1b\[[\d;]*m)*"
_QUOTE = r"\\*[\"']?"
_BETWEEN = rf"{_QUOTE}{_COLOUR}\s*[=:,]\s*{_COLOUR}(?:b?{_QUOTE})"

_SECRETS = tuple(
    re.compile(pattern)
    for pattern in (
        # The API key, which Rivya's documentation writes as rvya_sk_...
        r"(?P<keep>)rvya_sk_[\w-]+",
        # A bot's token: its id in base64, a time stamp and a signature, joined by dots.
        r"(?P<keep>)(?<![\w-])[\w-]{17,40}\.[\w-]{5,8}\.[\w-]{25,}",
        # An interaction's token, good for 15 minutes: https://discord.com/developers/docs/interactions/receiving-and-responding
        r"(?P<keep>/(?:webhooks|interactions)/\d+/)[^\s/?#\"'\\]+",
        rf"(?P<keep>(?i:[\"']token)\\*[\"']{_BETWEEN})[^\s\"'\\\x1b]+",
        rf"(?P<keep>(?:(?<!\w)|\x1b\[[\d;]*m)(?:interaction_)?token{_COLOUR}={_COLOUR}{_QUOTE})[^\s\"'\\\x1b]+",
        # The header that carries either secret, however it was printed.
        rf"(?P<keep>(?i:authorization){_BETWEEN}(?:(?i:bearer|bot|basic)\s+)?)[^\s\"'\\\x1b]+",
    )
)

_NOISY = ("aiosqlite", "PIL")
"""Libraries that at `debug` describe every call they make, which tells nobody anything about a job."""


def mask(text: str) -> str:
    """Replace whatever looks like a secret, leaving what tells it apart (`/webhooks/<id>/`, `Bearer`)."""
    for secret in _SECRETS:
        text = secret.sub(rf"\g<keep>{_MASK}", text)
    return text


class _MaskingFormatter(structlog.stdlib.ProcessorFormatter):
    """Masks the finished line, so that nothing slips through inside a repr or a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        return mask(super().format(record))


class _Handler(logging.StreamHandler[TextIO]):
    """Ours, so that configuring twice replaces it and leaves the handlers of others alone."""


def configure(
    level: str,
    format: Literal["console", "json"],  # noqa: A002  # it is called that in the settings
    *,
    stream: TextIO | None = None,
) -> None:
    """Send every log line of the process to `stream` (standard error), from `level` up.

    Args:
        level: `debug`, `info`, `warning` or `error`.
        format: `console` for people, with colours on a terminal; `json` for machines, one object a line.
        stream: where to; written to from any thread.

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
    # stamina would log every repeat once more, without the job it belongs to.
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
    """What every line gets, wherever it comes from."""
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
