"""The terminal of the tests notices the end of its process, so that a failing test fails at once."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.support.terminal import Terminal


async def test_a_prompt_that_never_comes_is_told_as_soon_as_the_process_ends(tmp_path: Path) -> None:
    command = (sys.executable, "-c", "input('Name: '); print('bye 🐋'); raise SystemExit(3)")
    async with Terminal(command, cwd=tmp_path, env=os.environ) as terminal:
        await terminal.answer("Name: ", "Mira")
        with pytest.raises(AssertionError, match="ended with 3 before 'Key: ': Name: Mira\nbye 🐋"):
            await terminal.wait_for("Key: ")
        assert await terminal.end() == 3
