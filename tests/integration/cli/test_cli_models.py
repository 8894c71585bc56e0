"""`operator models`: each known model with its price of now, with and without Rivya's list."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.cli.operator import models
from sandbox.fake_rivya import FakeRivya


@pytest.fixture
async def rivya() -> AsyncIterator[FakeRivya]:
    async with FakeRivya() as fake_rivya:
        yield fake_rivya


@pytest.fixture
def arguments(tmp_path: Path, rivya: FakeRivya) -> argparse.Namespace:
    path = tmp_path / "config.toml"
    path.write_text(f'[rivya]\nbase_url = "{rivya.url}"\nmodels = ["qwen-image", "flux-2-pro"]\n', "utf-8")
    return argparse.Namespace(config=path)


async def test_each_model_has_a_line_with_its_price_of_now(
    rivya: FakeRivya, arguments: argparse.Namespace, capsys: pytest.CaptureFixture[str]
) -> None:
    rivya.models["flux-2-pro"] = replace(rivya.models["flux-2-pro"], base_credits=7)
    del rivya.models["z-image"]
    assert await models.run(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["qwen-image: 4 credits, offered", "flux-2-pro: 7 credits, offered, 5 in the table"]
    assert "z-image: 1 credit, not offered, not available now" in lines
    assert len(lines) == len(rivya.models) + 1


async def test_without_the_list_the_table_is_printed_and_the_exit_code_is_1(
    rivya: FakeRivya, arguments: argparse.Namespace, capsys: pytest.CaptureFixture[str]
) -> None:
    rivya.faults.add("status", "models", code=400, error_code="odd", times=100)
    assert await models.run(arguments) == 1
    captured = capsys.readouterr()
    assert "flux-2-pro: 5 credits, offered" in captured.out
    assert "cannot be read, so these are the prices of the table" in captured.err
