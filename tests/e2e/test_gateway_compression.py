"""The gateway's stream is compressed with zlib, or with zstd where Python has it: the bot reads both."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.e2e.environment import E2EEnvironment
from tests.support.gateway_socket import STREAMS
from tests.support.paths import ROOT

WITHOUT_ZSTD = "import sys; sys.modules['zstandard'] = sys.modules['compression.zstd'] = None\n"
WITH_ZSTD = (
    ""
    if sys.version_info >= (3, 14)
    else """\
import sys, types
from backports import zstd
sys.modules["compression"] = types.ModuleType("compression")
sys.modules["compression.zstd"] = zstd
"""
)
"""What makes discord.py, when it is imported, find no zstd or that of the standard library."""


@pytest.mark.parametrize("compression", STREAMS)
async def test_the_bot_reads_both_compressions_also_after_a_resume(
    fresh: E2EEnvironment, tmp_path: Path, compression: str
) -> None:
    hook = tmp_path / "hook"
    hook.mkdir()
    code = WITH_ZSTD if compression == "zstd-stream" else WITHOUT_ZSTD
    (hook / "sitecustomize.py").write_text(code, "utf-8")  # Python imports it at its start
    fresh.bot.settings["PYTHONPATH"] = f"{hook}:{ROOT}"
    gateway = fresh.discord.gateway
    await fresh.bot.start_connected()
    assert await fresh.outcome(await fresh.imagine("a fox")) == ("delivered", "reply", "settled", 4)
    gateway.drop_connection()
    await fresh.discord.until(lambda: gateway.connected)
    assert await fresh.outcome(await fresh.imagine("a cat")) == ("delivered", "reply", "settled", 4)
    assert gateway.compressions == [compression, compression]
    assert (await fresh.bot.terminate())[0] == 0
