"""The error of wrong settings, in a module that loads nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterable


class SettingsError(OperatorError):
    """The settings are wrong; `lines` has one line for each mistake, and none shows a value."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = tuple(lines)
        super().__init__("settings", "; ".join(self.lines))
