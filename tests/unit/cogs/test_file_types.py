"""What Discord's clients let a member choose as a reference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import discord

from bot.domain.attachments import UPLOAD_FILE_TYPES
from cogs.text.translation import CommandTranslator
from cogs.ui.forms import PictureUpload
from tests.tools.update_translations import command_payloads


def uploads_in(options: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for option in options:
        if option["type"] == discord.AppCommandOptionType.attachment.value:
            yield option
        yield from uploads_in(option.get("options", []))


async def test_every_attachment_of_a_command_is_a_picture() -> None:
    uploads = list(uploads_in(await command_payloads(CommandTranslator())))
    assert [upload["name"] for upload in uploads] == [
        *("reference", "reference2", "reference3", "reference4"),
    ]
    for upload in uploads:
        assert upload["file_types"] == list(UPLOAD_FILE_TYPES)
        assert upload["description_localizations"]["id"]


def test_the_upload_of_a_form_is_a_picture_and_otherwise_as_discord_py_sends_it() -> None:
    options: dict[str, Any] = {"custom_id": "reference", "required": False, "min_values": 0, "max_values": 1}
    ours, theirs = (cls(**options).to_component_dict() for cls in (PictureUpload, discord.ui.FileUpload))
    assert ours == {**theirs, "file_types": list(UPLOAD_FILE_TYPES)}
