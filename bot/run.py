"""The command `run`, which is the bot itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from bot import app, event_loop
from bot.config import loader
from bot.observability import log_setup
from bot.storage.file_lock import is_missing

if TYPE_CHECKING:
    import argparse

log = structlog.get_logger(__name__)


def run(args: argparse.Namespace) -> int:
    """Run the bot until it ends; returns the exit code.

    Raises:
        SettingsError: the settings are wrong.
        KuasError: as `app.run`.
    """
    loaded = loader.load(args.config)
    log_setup.configure(loaded.log.level, loaded.log.format)
    log.info("settings file", file=loader.describe_file(args.config, loaded.database))
    for hint in loader.hints():
        log.warning("settings", hint=hint)
    if is_missing(path := loaded.database.path.absolute()):
        # A warning, since a path that is spelled wrong makes one, too.
        log.warning("no database at this path yet; a start makes one", path=str(path))
    with event_loop.open_runner() as runner:
        runner.run(app.run(loaded))
    return 0
