"""The command line: `python -m bot`, and `kuas` where the wheel is installed.

A command is a function that is loaded when it is called, so that a short one does not load the bot.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Final

from bot.cli import output
from bot.cli.arguments import make_parser
from bot.cli.output import FAILED
from bot.config.settings_error import SettingsError
from bot.domain.errors import KuasError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

WRONG_SETTINGS: Final = 2
COMMANDS: Final = {
    "run": "bot.run:run",
    "init": "bot.cli.init.command:run",
    "check": "bot.cli.check.command:run",
    "ledger": "bot.cli.database_commands:ledger",
    "backup": "bot.cli.database_commands:backup",
    "restore": "bot.cli.database_commands:restore",
    "operator": "bot.cli.operator.command:run",
    "health": "bot.cli.health:run",
}
"""The function of each command."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. A failure is one line on standard error."""
    output.prepare_streams()
    try:
        args = make_parser().parse_args(arguments)
        code = _function(args.command or "run")(args)
    except SettingsError as error:
        output.print_error(*error.lines)
        code = WRONG_SETTINGS
    except KuasError as error:
        output.print_error(str(error))
        code = FAILED
    except (KeyboardInterrupt, output.OutputError):
        code = FAILED
    except SystemExit:  # argparse has printed its help, or what is wrong with the arguments
        output.flush_streams()
        raise
    return code if output.flush_streams() else code or FAILED


def _function(command: str) -> Callable[[argparse.Namespace], int]:
    module, _, name = COMMANDS[command].partition(":")
    function: Callable[[argparse.Namespace], int] = getattr(importlib.import_module(module), name)
    return function


if __name__ == "__main__":
    sys.exit(main())
