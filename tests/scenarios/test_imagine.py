"""`/imagine` from the command to the picture, as members meet it."""

from __future__ import annotations

import struct
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


def picture(kind: str = "PNG", *, frames: int = 1, side: int = 64) -> bytes:
    colours = [(40 * n, 90, 200) for n in range(frames)]
    first, *others = (Image.new("RGB", (side, side), colour) for colour in colours)
    options: dict[str, Any] = {"save_all": True, "append_images": others} if others else {}
    return make_picture(kind, first.size, colours[0], **options)


def bomb() -> bytes:
    """A PNG that says it has 30000 times 30000 pixels, in about 100 kB."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 30000, 30000, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(3751) * 3000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


async def test_a_member_asks_and_a_picture_arrives(server: BotServer, rivya: FakeRivya) -> None:
    await server.alice.slash(server.channel, "imagine", prompt="a red fox in the snow")
    (message,) = server.channel.history()
    assert len(server.pictures()) == 1
    assert server.alt_texts(message) == ["a red fox in the snow"]
    words = server.text_of(message)
    assert "4 credits" in words
    assert "196" in words
    assert server.states() == ["settled"]
    assert rivya.charged_credits == 4


async def test_the_picture_follows_the_options(server: BotServer, rivya: FakeRivya) -> None:
    await server.alice.slash(server.channel, "imagine", prompt="a fox", size="landscape_16_9", format="jpeg")
    (task,) = rivya.tasks.values()
    assert (task.size, task.output_format) == ("landscape_16_9", "jpeg")


@pytest.mark.parametrize("name", ["fox.png", "fox.jpg", "fox.webp"])
async def test_a_reference_is_uploaded_and_used(server: BotServer, rivya: FakeRivya, name: str) -> None:
    kind = {"png": "PNG", "jpg": "JPEG", "webp": "WEBP"}[name.rpartition(".")[2]]
    await server.alice.slash(server.channel, "imagine", prompt="a fox", reference=(name, picture(kind)))
    (task,) = rivya.tasks.values()
    assert task.reference_id in rivya.uploads
    assert len(server.pictures()) == 1
    assert server.states() == ["settled"]


@pytest.mark.parametrize(
    ("name", "data", "hint"),
    [
        ("notes.txt", b"only words", "PNG"),
        ("notes.png", b"only words, renamed", "PNG"),
        ("big.png", bytes(11_000_000), "10.0 MB"),
        ("bomb.png", bomb(), "30000"),
        ("dance.webp", picture("WEBP", frames=3), "animated"),
        ("dance.gif", picture("GIF", frames=3), "animated"),
        ("half.png", picture("PNG", side=400)[:300], "cannot be read"),
    ],
)
async def test_a_bad_reference_gets_a_private_sentence_and_costs_nothing(
    server: BotServer, rivya: FakeRivya, name: str, data: bytes, hint: str
) -> None:
    result = await server.alice.slash(server.channel, "imagine", prompt="a fox", reference=(name, data))
    sentence = server.private_reply(result)
    assert hint in sentence
    # What was refused before anything was reserved has nothing to say about a charge.
    assert ("nothing was charged" in sentence.lower()) is bool(server.ledger_entries())
    assert set(server.states()) <= {"released"}
    assert server.visible_to(server.bob) == []
    assert rivya.tasks == {}
    assert rivya.uploads == {}
    assert set(server.states()) <= {"released"}


@pytest.mark.parametrize("prompt", [" ", "\u3000\u2003", "\t\n"])
async def test_a_blank_prompt_is_refused(server: BotServer, prompt: str) -> None:
    result = await server.alice.slash(server.channel, "imagine", prompt=prompt)
    assert "prompt" in server.answer(result).lower()
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


async def test_a_guild_over_its_limit_is_told_everything(open_server: OpenServer, rivya: FakeRivya) -> None:
    server = await open_server(guild_credits=7)
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    result = await server.bob.slash(server.channel, "imagine", prompt="a cat")
    sentence = server.answer(result)
    for part in ("4 of 7", "/limits guild", "<t:"):
        assert part in sentence
    assert len(rivya.tasks) == 1
    assert server.states() == ["settled"]


async def test_a_channel_where_the_bot_may_not_post_is_refused(server: BotServer) -> None:
    quiet = server.guild.create_text_channel(
        "quiet",
        overwrites={server.guild.default_role: discord.PermissionOverwrite(attach_files=False)},
    )
    result = await server.alice.slash(quiet, "imagine", prompt="a fox")
    assert "Attach Files" in server.answer(result)
    assert server.ledger_entries() == []


async def test_a_channel_that_is_hidden_from_the_bot_is_refused(server: BotServer) -> None:
    hidden = server.guild.create_text_channel(
        "hidden", overwrites={server.bot_member: discord.PermissionOverwrite(view_channel=False)}
    )
    result = await server.alice.slash(hidden, "imagine", prompt="a fox")
    assert "View Channel" in server.answer(result)
    assert server.ledger_entries() == []


async def test_an_event_that_does_not_tell_permissions_is_no_refusal(
    server: BotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    emit = server.env.backend.emit

    def silent(event: str, payload: dict[str, Any]) -> None:
        emit(event, {key: value for key, value in payload.items() if key != "app_permissions"})

    monkeypatch.setattr(server.env.backend, "emit", silent)
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    assert len(server.pictures()) == 1


async def test_a_refused_picture_is_told_and_not_charged(server: BotServer, rivya: FakeRivya) -> None:
    await server.alice.slash(server.channel, "imagine", prompt="something forbidden")
    (message,) = server.channel.history()
    assert "nothing was charged" in server.text_of(message).lower()
    assert server.states() == ["released"]
    assert rivya.charged_credits == 0


@pytest.mark.parametrize("trouble", ["key", "wallet"])
async def test_the_operators_trouble_is_not_the_members_fault(
    server: BotServer, rivya: FakeRivya, trouble: str
) -> None:
    if trouble == "key":
        rivya.api_key = "rvya_sk_another"
    else:
        rivya.wallet_credits = 0
    result = await server.alice.slash(server.channel, "imagine", prompt="a fox")
    words = server.private_reply(result).lower()
    assert server.visible_to(server.bob) == []
    assert "not your fault" in words
    assert "nothing was charged" in words
    assert server.states() == ["released"]
    assert "rvya_sk" not in words


async def test_the_same_interaction_twice_is_one_picture(server: BotServer, rivya: FakeRivya) -> None:
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    (event,) = [
        payload
        for kind, name, payload in server.env.backend.transcript
        if kind.startswith("GATEWAY") or name == "INTERACTION_CREATE"
        if name == "INTERACTION_CREATE"
    ]
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


async def test_while_it_closes_the_bot_says_so_privately(server: BotServer) -> None:
    await server.app.engine.close()
    result = await server.alice.slash(server.channel, "imagine", prompt="a fox")
    assert "restart" in server.answer(result).lower()
    assert server.ledger_entries() == []


async def test_a_direct_message_has_no_budget_to_paint_with(server: BotServer) -> None:
    assert "imagine" not in server.env.create_user("loner").available_commands()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("imagine", [{"name": "prompt", "type": 3, "value": "a fox"}]),
        ("credits", []),
        ("limits", [{"name": "show", "type": 1, "options": []}]),
    ],
)
async def test_a_command_that_reaches_the_bot_from_a_direct_message_is_told_where_to_go(
    server: BotServer, name: str, options: list[dict[str, Any]]
) -> None:
    loner = server.env.create_user("loner")
    command = server.find_command(name, None)
    record, event = base_payload(
        server.env.backend,
        type=2,
        channel_id=loner.dm_channel.id,
        guild_id=None,
        user_id=loner.id,
        data={"id": command["id"], "name": name, "type": 1, "options": options},
    )
    server.env.backend.emit("INTERACTION_CREATE", event)
    await server.wait_idle()
    said = server.answer(simcord.InteractionResult(server.env, record))
    assert "server" in said.lower()
    assert "Manage Server" not in said
    assert server.ledger_entries() == []


async def test_a_prompt_costs_one_transaction_before_the_first_answer(
    server: BotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await server.sari.slash(server.channel, "presets save", name="Oil", before="in oil", size="square")
    await server.alice.slash(server.channel, "defaults set", format="jpeg")
    transactions: list[object] = []
    at_first_answer: list[int] = []
    run, first_answer = Database.run, responses.defer

    async def counted_run(database: Database, unit: Any) -> Any:
        transactions.append(unit)
        return await run(database, unit)

    async def noted_defer(interaction: discord.Interaction, *, private: bool) -> Any:
        at_first_answer.append(len(transactions))
        return await first_answer(interaction, private=private)

    monkeypatch.setattr(Database, "run", counted_run)
    monkeypatch.setattr("cogs.imagine.submission.defer", noted_defer)
    await server.alice.slash(server.channel, "imagine", prompt="a fox", preset="Oil")
    assert at_first_answer == [1]
    assert len(server.pictures()) == 1
