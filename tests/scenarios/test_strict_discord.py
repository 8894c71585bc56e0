"""The simulated Discord refuses what the real one refuses."""

from __future__ import annotations

import io
from typing import Any

import discord
import pytest
from discord import ui

from tests.scenarios import strict_discord
from tests.scenarios.bot_server import BotServer, OpenServer


def gallery(name: str) -> ui.LayoutView:
    view = ui.LayoutView()
    view.add_item(ui.MediaGallery(discord.MediaGalleryItem(f"attachment://{name}")))
    return view


def file(name: str, size: int = 10) -> discord.File:
    return discord.File(io.BytesIO(b"x" * size), name)


async def sent(server: BotServer, name: str = "a.png") -> Any:
    channel = server.bot_channel(server.channel.id)
    return await channel.send(view=gallery(name), files=[file(name)])


async def test_files_that_a_component_shows_are_not_listed_but_their_ids_are(server: BotServer) -> None:
    message = await sent(server)
    assert message.attachments == []
    fetched = await message.channel.fetch_message(message.id)
    assert fetched.attachments == []
    (stored,) = server.channel.history()
    assert fetched.components[0].items[0].media.attachment_id == stored.attachments[0].id


async def test_an_edit_drops_what_it_does_not_list(server: BotServer) -> None:
    message = await sent(server)
    await message.edit(view=gallery("b.png"), attachments=[file("b.png")])
    (stored,) = server.channel.history()
    assert [each.filename for each in stored.attachments] == ["b.png"]


async def test_a_nonce_creates_one_message(server: BotServer) -> None:
    channel = server.bot_channel(server.channel.id)
    first, again = [await channel.send("hello", nonce="one") for _ in range(2)]
    assert first.id == again.id
    await channel.send("hello", nonce="two")
    server.env.backend.delete_message(channel.id, first.id)
    assert (await channel.send("hello", nonce="one")).id != first.id
    assert len(server.channel.history()) == 2


async def test_a_request_has_at_most_25_mib_of_files(
    server: BotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strict_discord, "REQUEST_BYTES", 100)
    channel = server.bot_channel(server.channel.id)
    await channel.send(files=[file("a.png", 50), file("b.png", 50)])
    with pytest.raises(discord.HTTPException) as caught:
        await channel.send(files=[file("a.png", 50), file("b.png", 51)])
    assert (caught.value.status, caught.value.code) == (413, 40005)


async def test_a_sixth_edit_in_five_seconds_is_too_many(open_server: OpenServer) -> None:
    server = await open_server(edit_seconds=3600.0)
    message = await sent(server)
    other = await server.bot_channel(server.guild.create_text_channel("attic").id).send("hello")
    for number in range(5):
        await message.edit(view=gallery("a.png"), attachments=[file("a.png", number + 1)])
    with pytest.raises(discord.HTTPException) as caught:
        await message.edit(view=gallery("a.png"), attachments=[file("a.png")])
    assert (caught.value.status, caught.value.code) == (429, 20028)
    await other.edit(content="the other channel has edits of its own")
    assert server.strict.refused_edits == 1


async def test_an_expired_token_is_refused(server: BotServer) -> None:
    result = await server.alice.slash(server.channel, "help")
    interaction = result.response
    assert interaction is not None
    server.strict.expire_tokens()
    ((token, _),) = server.env.backend.interaction_tokens.items()
    webhook = discord.Webhook.partial(server.env.backend.bot_user.id, token, client=server.app.client)
    with pytest.raises(discord.HTTPException) as caught:
        await webhook.fetch_message(1)
    assert (caught.value.status, caught.value.code) == (401, 50027)
