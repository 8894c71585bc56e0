"""Every picture is delivered: the fallbacks when Discord refuses, and restarts meanwhile."""

from __future__ import annotations

import sqlite3
from typing import Any

import discord
import pytest

from bot.domain.progress import Phase, Progress
from bot.jobs.late_jobs import LateJobResult, LateJobStore
from bot.storage.picture_store import picture_folder
from sandbox.fake_rivya import FakeRivya
from tests.scenarios.bot_server import BotServer
from tests.support.waiting import until

REPLY = "/webhooks/*/messages/@original"


def stages(server: BotServer) -> list[tuple[str, str | None]]:
    connection = sqlite3.connect(f"file:{server.database}?mode=ro", uri=True)
    try:
        return connection.execute("SELECT stage, landed_way FROM jobs ORDER BY accepted_at").fetchall()
    finally:
        connection.close()


def direct_messages(server: BotServer, member: Any) -> list[Any]:
    messages: list[Any] = member.user.dm_channel.history()
    return messages


async def finish(server: BotServer, rivya: FakeRivya) -> None:
    rivya.release()
    await server.wait_idle()


@pytest.mark.parametrize("named", [True, False])
async def test_a_picture_is_delivered_after_its_interaction_token_expired(
    server: BotServer, rivya: FakeRivya, monkeypatch: pytest.MonkeyPatch, named: bool
) -> None:
    if not named:  # Discord accepts our first response without the id of its message
        unnamed = property(lambda _: None, lambda *_: None)
        monkeypatch.setattr(discord.InteractionCallbackResponse, "message_id", unnamed, raising=False)
    rivya.hold()
    await server.start_imagine(server.alice)
    server.env.inject_error("PATCH", REPLY, status=401, code=50027, times=None)
    await finish(server, rivya)
    (message,) = server.channel.history()
    assert len(message.attachments) == 1
    assert stages(server) == [("delivered", "edit")]


async def test_a_job_that_is_taken_up_again_within_the_life_of_its_token_is_delivered_without_it(
    server: BotServer, rivya: FakeRivya
) -> None:
    rivya.hold()
    await server.start_imagine(server.alice)
    (job,) = await server.app.engine._store.unfinished()
    late_jobs = LateJobStore(server.app.engine._store._database)
    await server.app.engine._store.late(job.job_id, "processing")
    assert await late_jobs.abandon(job.job_id, reason="stuck") is LateJobResult.DONE
    await server.app.engine.wake(job.job_id)
    await server.env.settle()
    assert stages(server) == [("failed", None)]
    before = len(server.env.http_requests)
    assert await late_jobs.retry(job.job_id) is LateJobResult.DONE  # finished, so its token is deleted
    await finish(server, rivya)
    await server.app.engine.wake(job.job_id)
    await until(lambda: stages(server)[0][0] == "delivered")
    assert len(server.pictures()) == 1
    assert stages(server) == [("delivered", "channel")]  # its reply had become a private message
    assert not [call for call in server.env.http_requests[before:] if "/webhooks/" in str(call)]


async def test_a_deleted_reply_becomes_a_new_message_that_mentions_only_the_member(
    server: BotServer, rivya: FakeRivya
) -> None:
    rivya.hold()
    await server.start_imagine(server.alice, prompt=f"@everyone {server.bob.mention}")
    (reply,) = server.channel.history()
    server.env.backend.delete_message(server.channel.id, reply.id)
    await finish(server, rivya)
    (message,) = server.channel.history()
    assert len(message.attachments) == 1
    assert [user.id for user in message.mentions] == [server.alice.id]
    assert not message.mention_everyone
    assert stages(server) == [("delivered", "channel")]


async def test_the_picture_of_an_inaccessible_channel_is_sent_as_a_direct_message(
    server: BotServer, rivya: FakeRivya
) -> None:
    rivya.hold()
    await server.start_imagine(server.alice)
    server.env.inject_error("PATCH", REPLY, status=401, code=50027, times=None)
    server.env.inject_error("*", f"/channels/{server.channel.id}/*", status=403, code=50001, times=None)
    await finish(server, rivya)
    (message,) = direct_messages(server, server.alice)
    assert len(message.attachments) == 1
    assert stages(server) == [("delivered", "dm")]


async def test_a_picture_that_cannot_be_delivered_is_stored_and_charged(
    server: BotServer, rivya: FakeRivya
) -> None:
    rivya.hold()
    await server.start_imagine(server.alice)
    server.env.inject_error("PATCH", REPLY, status=401, code=50027, times=None)
    server.env.inject_error("*", "/channels/*", status=403, code=50001, times=None)
    server.env.inject_error("POST", "/users/@me/channels", status=403, code=50007, times=None)
    await finish(server, rivya)
    assert stages(server) == [("undeliverable", None)]
    assert server.states() == ["settled"]
    connection = sqlite3.connect(f"file:{server.database}?mode=ro", uri=True)
    ((sha256,),) = connection.execute("SELECT sha256 FROM kept_pictures").fetchall()
    connection.close()
    assert picture_folder(server.database).joinpath(sha256).stat().st_size > 0


async def test_a_picture_too_big_for_discord_is_posted_smaller_and_says_so(
    server: BotServer, rivya: FakeRivya
) -> None:
    rivya.hold()
    await server.start_imagine(server.alice, prompt="noise")
    server.env.inject_error("PATCH", REPLY, status=413, code=40005, times=1)
    await finish(server, rivya)
    (message,) = server.channel.history()
    assert message.attachments[0].filename.endswith(".jpg")
    assert "JPEG" in server.text_of(message)


async def test_a_prompt_that_automod_blocks_is_left_out_of_the_message(
    server: BotServer, rivya: FakeRivya
) -> None:
    rivya.hold()
    await server.start_imagine(server.alice, prompt="a very rude fox")
    server.env.inject_error("PATCH", REPLY, status=400, code=200000, times=1)
    await finish(server, rivya)
    (message,) = server.channel.history()
    assert len(message.attachments) == 1
    assert "rude" not in server.text_of(message)


async def test_after_a_restart_the_picture_is_delivered_in_the_same_reply(
    server: BotServer, rivya: FakeRivya
) -> None:
    rivya.hold()
    await server.start_imagine(server.alice, prompt="a fox that outlives us")
    (before,) = server.channel.history()
    rivya.release()
    await server.restart()
    await server.wait_idle()
    (message,) = server.channel.history()
    assert message.id == before.id
    assert len(server.pictures()) == 1
    assert server.states() == ["settled"]
    assert len(rivya.tasks) == 1


async def test_a_defer_that_is_too_late_costs_nothing(server: BotServer, rivya: FakeRivya) -> None:
    server.env.inject_error("POST", "/interactions/*", status=404, code=10062)
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    assert stages(server) == [("cancelled", None)]
    assert server.states() == ["released"]
    assert rivya.tasks == {}


async def test_a_job_goes_on_after_a_defer_that_discord_has_already(
    server: BotServer, rivya: FakeRivya
) -> None:
    server.env.inject_error("POST", "/interactions/*", status=400, code=40060)
    result = await server.alice.slash(server.channel, "imagine", prompt="a fox")
    assert not result.acknowledged  # SimCord has no reply, so the picture is a new message
    assert len(server.pictures()) == 1
    assert stages(server) == [("delivered", "channel")]


@pytest.mark.parametrize("members", [1, 3])
async def test_every_member_gets_their_own_picture(server: BotServer, rivya: FakeRivya, members: int) -> None:
    people = [server.alice, server.bob, server.sari][:members]
    rivya.hold()
    for person in people:
        await server.start_imagine(person, prompt=f"a fox for {person.name}")
    await finish(server, rivya)
    assert sorted(server.alt_texts(message)[0] for message in server.channel.history()) == sorted(
        f"a fox for {person.name}" for person in people
    )
    assert server.states() == ["settled"] * members


async def test_a_reply_that_cannot_take_the_picture_says_where_it_is(
    server: BotServer, rivya: FakeRivya
) -> None:
    rivya.hold()
    await server.start_imagine(server.alice)
    server.env.inject_error("PATCH", REPLY, status=400, code=50035, times=1)
    server.env.inject_error("PATCH", "/channels/*/messages/*", status=400, code=50035, times=1)
    await finish(server, rivya)
    picture, reply = sorted(server.channel.history(), key=lambda message: not message.attachments)
    assert stages(server) == [("delivered", "channel")]
    assert len(picture.attachments) == 1
    assert "new message" in server.text_of(reply)
    assert "Painting" not in server.text_of(reply)


async def test_refused_progress_is_not_sent_again(server: BotServer, rivya: FakeRivya) -> None:
    rivya.hold()
    await server.start_imagine(server.alice)
    (job,) = await server.app.engine._store.unfinished()
    server.env.inject_error("PATCH", REPLY, status=403, code=50001, times=None)
    before = len(server.env.http_requests)
    for _ in range(3):
        progress = Progress(Phase.PAINTING, job.accepted_at)
        await server.app.engine._dependencies.delivery.show_progress(job, progress)
    assert len(server.env.http_requests) == before + 1
    await finish(server, rivya)
