"""The lines of `/help` about commands, read from the command tree itself, so that none is forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from discord import app_commands

from cogs.text.translation import command_name, gettext
from cogs.ui.context import MANAGERS_ONLY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Command = app_commands.Command[Any, ..., Any]
    AnyCommand = Command | app_commands.Group | app_commands.ContextMenu

FIRST: Final = ("imagine", "history", "credits", "setup")
"""What most people look for; other commands follow in the order in which they were registered."""
THIS: Final = "help"
"""The command that is being answered, which needs no line."""


def for_members(command: Command) -> bool:
    """Return whether a command is for every member."""
    return not for_admins(command)


def for_admins(command: Command) -> bool:
    """Return whether a command needs Manage Server, or another permission."""
    permissions = (command.root_parent or command).default_permissions
    return permissions is not None or MANAGERS_ONLY in command.extras


def for_everybody(_: Command) -> bool:
    """Take every command: those of the operator's server are for the operator alone."""
    return True


def command_lines(
    commands: Iterable[AnyCommand], mention: Callable[[str], str], is_shown: Callable[[Command], bool]
) -> Iterator[str]:
    """Yield a line for each command or group of commands that has anything to show.

    It says in the current language what they are for, and mentions the one command or all of the group.
    """
    slash = [
        each for each in commands if not isinstance(each, app_commands.ContextMenu) and each.name != THIS
    ]
    for root in sorted(slash, key=_place):
        shown = [command for command in _leaves(root) if is_shown(command)]
        mentions = " ".join(mention(command.qualified_name) for command in shown)
        if len(shown) == 1:
            yield f"{mentions} {gettext(shown[0].description)}"
        elif shown:
            yield f"{gettext(root.description)}: {mentions}"


def menu_names(commands: Iterable[AnyCommand]) -> list[str]:
    """Return the names of the entries in Discord's menu *Apps*, in the current language."""
    return [command_name(each.name) for each in commands if isinstance(each, app_commands.ContextMenu)]


def _place(command: Command | app_commands.Group) -> int:
    return FIRST.index(command.name) if command.name in FIRST else len(FIRST)


def _leaves(root: Command | app_commands.Group) -> Iterator[Command]:
    if isinstance(root, app_commands.Group):
        for each in root.walk_commands():
            if not isinstance(each, app_commands.Group):
                yield each
    else:
        yield root
