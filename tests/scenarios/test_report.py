"""`/report`: a chart, a list and a CSV file for members who manage the server."""

from __future__ import annotations

import csv
import io
import sys
from typing import Any, cast

import discord
import pytest
import simcord
from PIL import Image
from simcord.components import walk_components

from tests.scenarios.bot_server import BotServer
from tests.scenarios.interactions import response_of

FILE = 13
"""https://discord.com/developers/docs/components/reference#component-object-component-types"""


def stored_response(server: BotServer, result: simcord.InteractionResult) -> Any:
    assert result.response is not None
    assert result.response.ephemeral
    return server.env.backend.get_message(server.channel.id, result.response.message.id)


def attachments_of(server: BotServer, result: simcord.InteractionResult) -> dict[str, bytes]:
    assert result.response is not None
    return {
        attachment.filename: server.file(attachment.url) for attachment in result.response.message.attachments
    }


async def test_an_admin_gets_a_chart_a_list_and_a_file(server: BotServer) -> None:
    for member, prompts in ((server.alice, 2), (server.bob, 1)):
        for _ in range(prompts):
            await member.slash(server.channel, "imagine", prompt="a fox")
    result = await server.sari.slash(server.channel, "report")
    text = server.response_text(result)
    for part in ("12 credits", "3 pictures", "4 each", "12 of 200 credits a month", "even pace"):
        assert part in text, text
    assert text.index(server.alice.mention) < text.index(server.bob.mention)
    chart, sheet = attachments_of(server, result).values()
    with Image.open(io.BytesIO(chart)) as picture:
        assert (picture.format, picture.size) == ("PNG", (1200, 800))
    lines = list(csv.DictReader(io.StringIO(sheet.decode(), newline="")))
    assert [line["final_credits"] for line in lines] == ["4", "4", "4"]
    assert {line["user_id"] for line in lines} == {str(server.alice.id), str(server.bob.id)}
    (alt,) = server.alt_texts(response_of(result).message)
    assert "1: 8, 2: 4" in alt
    names = [
        item["file"]["url"]
        for item in walk_components(stored_response(server, result).components)
        if item["type"] == FILE
    ]
    assert len(names) == 1


@pytest.fixture
def in_indonesian(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the language of every member to Indonesian; in SimCord it is English."""
    read: Any = discord.Interaction._from_data
    monkeypatch.setattr(
        discord.Interaction, "_from_data", lambda self, data: read(self, {**data, "locale": "id"})
    )


@pytest.mark.usefixtures("in_indonesian")
async def test_message_and_chart_are_in_the_language_of_who_asked(
    server: BotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    titles = list[str]()
    report_builder = cast("Any", server.app.client.get_cog("Reports"))._report_builder
    draw = report_builder._draw

    def record_title(report: Any, labels: Any) -> bytes:
        titles.append(labels.title)
        picture: bytes = draw(report, labels)
        return picture

    monkeypatch.setattr(report_builder, "_draw", record_title)
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    result = await server.sari.slash(server.channel, "report")
    text = server.response_text(result)
    for part in ("### Laporan: ", "**4 kredit** terpakai, **1 gambar** dilukis", "laju merata", "zona waktu"):
        assert part in text, text
    (alt,) = server.alt_texts(response_of(result).message)
    assert alt.startswith("Diagram batang kredit, ")
    (title,) = titles
    assert title.startswith("Kredit per hari, ")
    chart, sheet = attachments_of(server, result).values()
    with Image.open(io.BytesIO(chart)) as picture:
        assert picture.format == "PNG"
    assert sheet.decode().startswith("job_id,user_id,state,")


@pytest.mark.parametrize("period", ["day", "week", "month", "total"])
async def test_a_period_without_pictures_has_no_attachments(server: BotServer, period: str) -> None:
    result = await server.sari.slash(server.channel, "report", period=period)
    assert "asked for a picture" in server.response_text(result)
    assert not response_of(result).message.attachments


async def test_earlier_periods_can_be_reported(server: BotServer) -> None:
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    earlier = await server.sari.slash(server.channel, "report", period="week", ago=24)
    assert "Nobody asked" in server.response_text(earlier)
    everything = await server.sari.slash(server.channel, "report", period="total", ago=1)
    assert "`ago` was ignored" in server.response_text(everything)
    assert "4 credits" in server.response_text(everything)


@pytest.mark.parametrize("ago", [-1, 25])
async def test_discord_refuses_periods_out_of_range(server: BotServer, ago: int) -> None:
    with pytest.raises(simcord.OptionError):
        await server.sari.slash(server.channel, "report", period="day", ago=ago)


async def test_members_neither_see_nor_may_use_the_command(server: BotServer) -> None:
    assert "report" not in server.alice.available_commands(server.channel)
    command = server.find_command("report", server.guild.id)
    server.guild.set_command_permissions(int(command["id"]), {server.alice: True})
    result = await server.alice.slash(server.channel, "report")
    assert "Manage Server" in server.response_text(result)
    assert not response_of(result).message.attachments


async def test_without_freetype_the_report_is_text_and_a_file(
    server: BotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "PIL._imagingft", None)  # as if Pillow was built without it
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    result = await server.sari.slash(server.channel, "report")
    text = server.response_text(result)
    assert "without FreeType" in text
    assert "4 credits" in text
    assert [name.rpartition(".")[2] for name in attachments_of(server, result)] == ["csv"]
