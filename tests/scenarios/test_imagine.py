"""`/imagine`, from the command to the picture."""

from __future__ import annotations

import struct
import threading
import zlib
from typing import Any

import discord
import pytest
import simcord
from PIL import Image
from simcord.interactions import base_payload

from bot.storage.database import Database
from cogs.ui import responses
from sandbox.fake_rivya import FakeRivya
from tests.scenarios.bot_server import BotServer, OpenServer
from tests.support.images import make_picture
from tests.support.waiting import until


def make_image(kind: str = "PNG", *, frames: int = 1, side: int = 64) -> bytes:
    colours = [(40 * n, 90, 200) for n in range(frames)]
    first, *others = (Image.new("RGB", (side, side), colour) for colour in colours)
    options: dict[str, Any] = {"save_all": True, "append_images": others} if others else {}
    return make_picture(kind, first.size, colours[0], **options)


def huge_png() -> bytes:
    """Return a PNG of about 100 kB that claims to have 30000 x 30000 pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 30000, 30000, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(3751) * 3000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


async def test_a_request_delivers_a_picture_and_is_charged(server: BotServer, rivya: FakeRivya) -> None:
    await server.alice.slash(server.channel, "imagine", prompt="a red fox in the snow")
    (message,) = server.channel.history()
    assert len(server.pictures()) == 1
    assert server.alt_texts(message) == ["a red fox in the snow"]
    words = server.text_of(message)
    assert "4 credits" in words
    assert "196" in words
    assert server.states() == ["settled"]
    assert rivya.charged_credits == 4


async def test_the_task_has_the_chosen_options(server: BotServer, rivya: FakeRivya) -> None:
    await server.alice.slash(server.channel, "imagine", prompt="a fox", size="landscape_16_9", format="jpeg")
    (task,) = rivya.tasks.values()
    assert (task.size, task.output_format) == ("landscape_16_9", "jpeg")


@pytest.mark.parametrize("name", ["fox.png", "fox.jpg", "fox.webp"])
async def test_a_reference_is_uploaded_and_used(server: BotServer, rivya: FakeRivya, name: str) -> None:
    kind = {"png": "PNG", "jpg": "JPEG", "webp": "WEBP"}[name.rpartition(".")[2]]
    await server.alice.slash(server.channel, "imagine", prompt="a fox", reference=(name, make_image(kind)))
    (task,) = rivya.tasks.values()
    assert task.reference_id in rivya.uploads
    assert len(server.pictures()) == 1
    assert server.states() == ["settled"]


@pytest.mark.parametrize(
    ("name", "data", "hint"),
    [
        ("notes.png", b"only words, renamed", "PNG"),
        ("clip.jpg", b"\0\0\0\x18ftypmp42" + bytes(40), "is a video"),
        ("big.png", bytes(11_000_000), "10.0 MB"),
        ("huge.png", huge_png(), "30000"),
        ("dance.webp", make_image("WEBP", frames=3), "animated"),
        ("dance.gif", make_image("GIF", frames=3), "animated"),
        ("half.png", make_image("PNG", side=400)[:300], "cannot be read"),
    ],
)
async def test_an_unusable_reference_is_refused_privately_and_costs_nothing(
    server: BotServer, rivya: FakeRivya, name: str, data: bytes, hint: str
) -> None:
    result = await server.alice.slash(server.channel, "imagine", prompt="a fox", reference=(name, data))
    text = server.private_text(result)
    assert hint in text
    # A request refused before a reservation does not mention charges.
    assert ("nothing was charged" in text.lower()) is bool(server.ledger_entries())
    assert set(server.states()) <= {"released"}
    assert server.visible_to(server.bob) == []
    assert rivya.tasks == {}
    assert rivya.uploads == {}


@pytest.mark.parametrize("prompt", [" ", "\u3000\u2003", "\t\n"])
async def test_a_blank_prompt_is_refused(server: BotServer, prompt: str) -> None:
    result = await server.alice.slash(server.channel, "imagine", prompt=prompt)
    assert "prompt" in server.response_text(result).lower()
    assert server.ledger_entries() == []


async def test_a_prompt_may_be_as_long_as_the_model_takes(server: BotServer, rivya: FakeRivya) -> None:
    prompt = "fox " * 1250
    await server.alice.slash(server.channel, "imagine", prompt=prompt)
    (task,) = rivya.tasks.values()
    assert len(task.prompt) == 5000
    (message,) = server.channel.history()
    assert len(server.alt_texts(message)[0]) <= 1024
    assert len(server.text_of(message)) <= 4000


async def test_a_prompt_pings_nobody(server: BotServer) -> None:
    await server.alice.slash(
        server.channel, "imagine", prompt=f"@everyone and {server.bob.mention} **look** `here`"
    )
    (message,) = server.channel.history()
    assert not message.mention_everyone
    assert server.bob.id not in {user.id for user in message.mentions}


async def test_a_guild_over_its_limit_is_told_its_usage_and_what_helps(
    open_server: OpenServer, rivya: FakeRivya
) -> None:
    server = await open_server(guild_credits=7)
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    result = await server.bob.slash(server.channel, "imagine", prompt="a cat")
    text = server.response_text(result)
    for part in ("4 of 7", "/limits guild", "<t:"):
        assert part in text
    assert len(rivya.tasks) == 1
    assert server.states() == ["settled"]


async def test_a_channel_where_the_bot_may_not_post_is_refused(server: BotServer) -> None:
    quiet = server.guild.create_text_channel(
        "quiet",
        overwrites={server.guild.default_role: discord.PermissionOverwrite(attach_files=False)},
    )
    result = await server.alice.slash(quiet, "imagine", prompt="a fox")
    assert "Attach Files" in server.response_text(result)
    assert server.ledger_entries() == []


async def test_a_channel_that_is_hidden_from_the_bot_is_refused(server: BotServer) -> None:
    hidden = server.guild.create_text_channel(
        "hidden", overwrites={server.bot_member: discord.PermissionOverwrite(view_channel=False)}
    )
    result = await server.alice.slash(hidden, "imagine", prompt="a fox")
    assert "View Channel" in server.response_text(result)
    assert server.ledger_entries() == []


async def test_an_interaction_without_permissions_is_not_refused(
    server: BotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    emit = server.env.backend.emit

    def emit_without_permissions(event: str, payload: dict[str, Any]) -> None:
        emit(event, {key: value for key, value in payload.items() if key != "app_permissions"})

    monkeypatch.setattr(server.env.backend, "emit", emit_without_permissions)
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    assert len(server.pictures()) == 1


async def test_a_prompt_refused_by_rivya_is_reported_and_not_charged(
    server: BotServer, rivya: FakeRivya
) -> None:
    await server.alice.slash(server.channel, "imagine", prompt="something forbidden")
    (message,) = server.channel.history()
    assert "nothing was charged" in server.text_of(message).lower()
    assert server.states() == ["released"]
    assert rivya.charged_credits == 0


@pytest.mark.parametrize("cause", ["key", "balance"])
async def test_failures_of_the_operator_are_not_the_members_fault(
    server: BotServer, rivya: FakeRivya, cause: str
) -> None:
    if cause == "key":
        rivya.api_key = "rvya_sk_another"
    else:
        rivya.wallet_credits = 0
    result = await server.alice.slash(server.channel, "imagine", prompt="a fox")
    words = server.private_text(result).lower()
    assert server.visible_to(server.bob) == []
    assert "not your fault" in words
    assert "nothing was charged" in words
    assert server.states() == ["released"]
    assert "rvya_sk" not in words


async def test_the_same_interaction_twice_is_one_picture(server: BotServer, rivya: FakeRivya) -> None:
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    (event,) = [payload for _, name, payload in server.env.backend.transcript if name == "INTERACTION_CREATE"]
    server.env.backend.emit("INTERACTION_CREATE", event)
    await server.wait_idle()
    assert len(rivya.tasks) == 1
    assert len(server.pictures()) == 1
    assert server.states() == ["settled"]


async def test_commands_are_synced_only_when_they_changed(server: BotServer) -> None:
    def syncs() -> int:
        return sum(
            entry.method == "PUT" and entry.path.endswith("/commands") for entry in server.env.http_requests
        )

    assert syncs() == 1
    await server.restart()
    assert syncs() == 1
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    assert len(server.pictures()) == 1


async def test_a_request_during_the_shutdown_is_refused_privately(server: BotServer) -> None:
    await server.app.engine.close()
    result = await server.alice.slash(server.channel, "imagine", prompt="a fox")
    assert "restart" in server.response_text(result).lower()
    assert server.ledger_entries() == []


async def test_closing_ends_the_threads_that_process_pictures(server: BotServer) -> None:
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("images")]
    assert threads
    await server.restart()
    await until(lambda: not any(thread.is_alive() for thread in threads))


async def test_the_command_does_not_exist_in_direct_messages(server: BotServer) -> None:
    assert "imagine" not in server.env.create_user("user").available_commands()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("imagine", [{"name": "prompt", "type": 3, "value": "a fox"}]),
        ("credits", []),
        ("limits", [{"name": "show", "type": 1, "options": []}]),
    ],
)
async def test_a_command_sent_from_a_direct_message_is_refused(
    server: BotServer, name: str, options: list[dict[str, Any]]
) -> None:
    user = server.env.create_user("user")
    command = server.find_command(name, None)
    record, event = base_payload(
        server.env.backend,
        type=2,
        channel_id=user.dm_channel.id,
        guild_id=None,
        user_id=user.id,
        data={"id": command["id"], "name": name, "type": 1, "options": options},
    )
    server.env.backend.emit("INTERACTION_CREATE", event)
    await server.wait_idle()
    text = server.response_text(simcord.InteractionResult(server.env, record))
    assert "server" in text.lower()
    assert "Manage Server" not in text
    assert server.ledger_entries() == []


async def test_a_request_is_one_transaction_before_the_first_response(
    server: BotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await server.sari.slash(server.channel, "presets save", name="Oil", before="in oil", size="square")
    await server.alice.slash(server.channel, "defaults set", format="jpeg")
    transactions: list[object] = []
    counts_at_answer: list[int] = []
    run, defer = Database.run, responses.defer

    async def counted_run(database: Database, unit: Any) -> Any:
        transactions.append(unit)
        return await run(database, unit)

    async def checked_defer(interaction: discord.Interaction, *, private: bool) -> Any:
        counts_at_answer.append(len(transactions))
        return await defer(interaction, private=private)

    monkeypatch.setattr(Database, "run", counted_run)
    monkeypatch.setattr("cogs.imagine.submission.defer", checked_defer)
    await server.alice.slash(server.channel, "imagine", prompt="a fox", preset="Oil")
    assert counts_at_answer == [1]
    assert len(server.pictures()) == 1
