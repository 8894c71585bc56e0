"""Several pictures of one request arrive in one message, whatever happens to some of them."""

from __future__ import annotations

import asyncio
import gc
import itertools
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from simcord.components import walk_components

from bot.domain.attachments import REQUEST_LIMIT_BYTES
from bot.domain.jobs import Picture
from bot.engine import runner
from bot.jobs.groups import GroupStore
from bot.jobs.store import JobStore
from cogs.delivery import edit_budget, outgoing_group
from cogs.delivery.message_sender import MessageSender
from sandbox.fake_rivya import FakeRivya
from tests.scenarios.bot_server import MEDIA_GALLERY, BotServer, OpenServer
from tests.scenarios.conftest import EDIT_PACE
from tests.scenarios.strict_discord import CHANNEL_SECONDS
from tests.support.waiting import until

REPLY = "/webhooks/*/messages/@original"
THREE = ("qwen-image", "z-image", "nano-banana")
ALL_DONE = "1 done · 2 done · 3 done · 4 done"


@pytest.fixture
async def server(open_server: OpenServer) -> AsyncIterator[BotServer]:
    """A guild on a Discord that takes no more edits than the real one; none of the bot's may be too many."""
    # With slots for all: for SimCord, time stands still while a job waits for one.
    server = await open_server(edit_seconds=CHANNEL_SECONDS * EDIT_PACE, models=THREE, max_running=20)
    yield server
    assert server.strict.refused_edits == 0


def ways(server: BotServer) -> list[str | None]:
    """How each picture was delivered, in the order of their numbers; asserts that all were."""
    rows = server.query("SELECT stage, landed_way FROM jobs ORDER BY number")
    assert {stage for stage, _ in rows} == {"delivered"}
    return [way for _, way in rows]


def messages_of_rows(server: BotServer) -> set[int]:
    """The ids of the messages that rows name for their pictures and for the group."""
    rows = server.query(
        "SELECT landed_message_id, job_groups.message_id FROM jobs JOIN job_groups USING (interaction_id)"
    )
    return {message_id for row in rows for message_id in row}


def pictures_of(server: BotServer, message: Any) -> list[str]:
    """The numbers of the pictures in a gallery, in its order; asserts that each is there with its bytes."""
    raw = server.env.backend.get_message(message.channel.id, message.id)
    shown = [
        item["media"]
        for part in walk_components(raw.components)
        if part["type"] == MEDIA_GALLERY
        for item in part["items"]
    ]
    assert {media["attachment_id"] for media in shown} == {file["id"] for file in raw.attachments}
    assert len(shown) == len(raw.attachments)
    numbers = dict(server.query("SELECT job_id, number FROM jobs"))
    assert all(server.file(media["url"])[:4] == b"\x89PNG" for media in shown)
    return ["?" if (name := _job_of(media)) not in numbers else str(numbers[name]) for media in shown]


def _job_of(media: dict[str, Any]) -> str:
    filename: str = media["url"].rpartition("/")[2]
    return filename.partition(".")[0]


def groups_of(server: BotServer) -> Any:
    delivery: Any = server.app.engine._dependencies.delivery
    return delivery.groups


def edits(server: BotServer) -> int:
    return sum(entry.method == "PATCH" and "/messages/" in entry.path for entry in server.env.http_requests)


async def ask(server: BotServer, *, prompt: str = "a red fox", **options: Any) -> None:
    await server.alice.slash(server.channel, "imagine", prompt=prompt, **({"pictures": 4} | options))


async def two_of_four(server: BotServer, rivya: FakeRivya, **options: Any) -> Any:
    """Ask for four pictures, of which two take long; return the message with the other two."""
    rivya.endless_next(2)
    with server.without_settling():
        await ask(server, **options)
    await server.until(lambda: server.query("SELECT count(*) FROM jobs WHERE stage = 'delivered'") == [(2,)])
    (message,) = server.channel.history()
    assert len(message.attachments) == 2
    return message


async def finish(server: BotServer, rivya: FakeRivya) -> None:
    rivya.end_endless()
    await server.wait_idle()


async def test_four_pictures_arrive_in_one_message(server: BotServer) -> None:
    await ask(server)
    (message,) = server.channel.history()
    assert pictures_of(server, message) == ["1", "2", "3", "4"]
    assert server.alt_texts(message) == [f"{number}: a red fox" for number in range(1, 5)]
    text = server.text_of(message)
    assert ALL_DONE in text
    assert "16 credits · 184 of 200 left this month" in text
    assert text.count("Qwen Image") == 1
    assert ways(server) == ["reply"] * 4
    assert messages_of_rows(server) == {message.id}
    assert edits(server) <= 6
    assert server.states() == ["settled"] * 4


async def test_each_picture_is_shown_as_soon_as_it_is_there_and_stays_as_it_is(
    server: BotServer, rivya: FakeRivya
) -> None:
    message = await two_of_four(server, rivya)
    text = server.text_of(message)
    assert (text.count("done"), text.count("painting")) == (2, 2)
    assert "Painting, started" in text
    before = {file.url for file in message.attachments}
    await finish(server, rivya)
    (message,) = server.channel.history()
    assert pictures_of(server, message) == ["1", "2", "3", "4"]
    assert before < {file.url for file in message.attachments}
    assert "Painting" not in server.text_of(message)


@pytest.mark.parametrize("refused", [1, 2])
async def test_a_refused_picture_is_not_charged_and_only_its_member_reads_why(
    server: BotServer, rivya: FakeRivya, refused: int
) -> None:
    for _ in range(refused):
        rivya.fail_next("content_policy_violation")
    await ask(server)
    (message,) = server.channel.history(viewer=server.bob)
    text = server.text_of(message)
    assert text.count("refused, not charged") == refused
    assert "moderation" not in text
    assert len(message.attachments) == 4 - refused
    (reason,) = [each for each in server.visible_to(server.alice) if each.id != message.id]
    assert "Nothing was charged." in server.text_of(reason)
    assert server.states().count("released") == refused


async def test_without_the_token_the_reason_is_not_told_and_the_message_is_edited(
    server: BotServer, rivya: FakeRivya
) -> None:
    rivya.fail_next("content_policy_violation")
    rivya.hold()
    with server.without_settling():
        await ask(server)
    await server.until(lambda: len(rivya.tasks) == 4)
    server.strict.expire_tokens()
    rivya.release()
    await server.wait_idle()
    (message,) = server.visible_to(server.alice)
    assert server.text_of(message).count("refused, not charged") == 1
    assert len(message.attachments) == 3


async def test_a_late_picture_does_not_keep_the_others_waiting(
    server: BotServer, rivya: FakeRivya, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "seconds_since", lambda since: 0.0 if since is None else 1000.0)
    message = await two_of_four(server, rivya)
    await server.until(lambda: server.text_of(message).count("late") == 2)
    assert "It is not lost and comes by itself." in server.text_of(message)
    await finish(server, rivya)
    (message,) = server.channel.history()
    assert pictures_of(server, message) == ["1", "2", "3", "4"]


async def test_what_rivya_could_not_paint_is_explained_to_everybody(
    server: BotServer, rivya: FakeRivya
) -> None:
    rivya.fail_next()
    await ask(server)
    (message,) = server.visible_to(server.alice)
    text = server.text_of(message)
    assert "refused, not charged" in text
    assert text.count("Rivya could not paint this.") == 1
    assert len(message.attachments) == 3


async def test_if_none_can_be_painted_the_message_says_so(server: BotServer, rivya: FakeRivya) -> None:
    for _ in range(4):
        rivya.fail_next()
    await ask(server)
    (message,) = server.visible_to(server.alice)
    text = server.text_of(message)
    assert text.count("refused, not charged") == 4
    assert text.count("Rivya could not paint this.") == 1
    assert "credits" not in text.replace("credits were", "")
    assert server.states() == ["released"] * 4


@pytest.mark.parametrize("room_bytes", [REQUEST_LIMIT_BYTES, 1])  # for all at once, or for one
async def test_after_a_deleted_message_a_new_one_has_all_pictures(
    server: BotServer, rivya: FakeRivya, monkeypatch: pytest.MonkeyPatch, room_bytes: int
) -> None:
    monkeypatch.setattr(outgoing_group, "REQUEST_LIMIT_BYTES", room_bytes)
    before = await two_of_four(server, rivya)
    server.env.backend.delete_message(server.channel.id, before.id)
    await finish(server, rivya)
    (message,) = server.channel.history()
    assert message.id != before.id
    assert pictures_of(server, message) == ["1", "2", "3", "4"]
    assert [user.id for user in message.mentions] == [server.alice.id]
    assert ways(server) == ["channel"] * 4
    assert messages_of_rows(server) == {message.id}
    assert ALL_DONE in server.text_of(message)


async def test_a_posted_picture_that_cannot_be_fetched_again_is_named_in_the_new_message(
    server: BotServer, rivya: FakeRivya
) -> None:
    before = await two_of_four(server, rivya)
    server.env.backend.delete_message(server.channel.id, before.id)
    for task_id in [task_id for task_id, task in rivya.tasks.items() if task.has_ended]:
        rivya.faults.add("status", "result", None, code=404, path=f"{task_id}.png")
    await finish(server, rivya)
    (message,) = server.channel.history()
    assert server.text_of(message).count("done, but I could not bring it here") == 2
    assert len(message.attachments) == 2


@pytest.mark.parametrize("room_bytes", [REQUEST_LIMIT_BYTES, 1])
async def test_a_channel_that_forbids_files_in_the_middle_leads_to_a_direct_message_with_all(
    server: BotServer, rivya: FakeRivya, monkeypatch: pytest.MonkeyPatch, room_bytes: int
) -> None:
    monkeypatch.setattr(outgoing_group, "REQUEST_LIMIT_BYTES", room_bytes)
    reply = await two_of_four(server, rivya)
    server.env.inject_error("PATCH", REPLY, status=403, code=50013)
    server.env.inject_error("*", f"/channels/{server.channel.id}/*", status=403, code=50013, times=None)
    await finish(server, rivya)
    (direct,) = server.alice.user.dm_channel.history()
    assert pictures_of(server, direct) == ["1", "2", "3", "4"]
    assert ways(server) == ["dm"] * 4
    assert messages_of_rows(server) == {direct.id}
    assert "direct message" in server.text_of(reply)
    assert not server.env.backend.get_message(server.channel.id, reply.id).attachments


async def test_after_the_token_has_expired_the_bot_edits_the_same_message(
    server: BotServer, rivya: FakeRivya
) -> None:
    before = await two_of_four(server, rivya)
    server.strict.expire_tokens()
    await finish(server, rivya)
    (message,) = server.channel.history()
    assert message.id == before.id
    assert pictures_of(server, message) == ["1", "2", "3", "4"]
    assert sorted(ways(server), key=str) == ["edit", "edit", "reply", "reply"]


async def test_a_restart_in_the_middle_changes_nothing(server: BotServer, rivya: FakeRivya) -> None:
    before = await two_of_four(server, rivya)
    urls = {file.url for file in before.attachments}
    rivya.end_endless()
    await server.restart(idle=False)
    await server.wait_idle()
    (message,) = server.channel.history()
    assert message.id == before.id
    assert pictures_of(server, message) == ["1", "2", "3", "4"]
    assert urls < {file.url for file in message.attachments}
    assert len(rivya.tasks) == 4
    assert server.states() == ["settled"] * 4


@pytest.mark.parametrize(("store", "commit"), [(GroupStore, "posted"), (JobStore, "delivered")])
async def test_a_restart_before_a_commit_posts_no_picture_twice(
    server: BotServer, rivya: FakeRivya, monkeypatch: pytest.MonkeyPatch, store: Any, commit: str
) -> None:
    reached = asyncio.Event()

    async def never_ends(*_: Any, **__: Any) -> None:
        reached.set()
        await asyncio.Event().wait()

    with monkeypatch.context() as patch:
        patch.setattr(store, commit, never_ends)
        with server.without_settling():
            await ask(server)
        await server.until(reached.is_set)
        (before,) = server.channel.history()
        assert before.attachments
        await server.app.engine.close(grace_seconds=0.0)
    await server.restart(idle=False)
    await server.wait_idle()
    (message,) = server.channel.history()
    assert message.id == before.id
    assert pictures_of(server, message) == ["1", "2", "3", "4"]
    assert ways(server) == ["reply"] * 4
    assert len(rivya.tasks) == 4
    assert server.states() == ["settled"] * 4


async def test_private_pictures_come_in_one_message_that_only_the_member_sees(server: BotServer) -> None:
    await ask(server, private=True)
    (message,) = server.visible_to(server.alice)
    assert pictures_of(server, message) == ["1", "2", "3", "4"]
    assert server.visible_to(server.bob) == []
    assert server.query("SELECT count(*) FROM kept_pictures") == [(4,)]


@pytest.mark.parametrize("room_bytes", [REQUEST_LIMIT_BYTES, 1])
async def test_private_pictures_move_to_the_direct_message_as_one(
    server: BotServer, rivya: FakeRivya, monkeypatch: pytest.MonkeyPatch, room_bytes: int
) -> None:
    monkeypatch.setattr(outgoing_group, "REQUEST_LIMIT_BYTES", room_bytes)
    rivya.endless_next(2)
    with server.without_settling():
        await ask(server, private=True)
    await server.until(lambda: server.query("SELECT count(*) FROM jobs WHERE stage = 'delivered'") == [(2,)])
    server.strict.expire_tokens()
    server.query("UPDATE jobs SET interaction_token = ''")
    await finish(server, rivya)
    (direct,) = server.alice.user.dm_channel.history()
    assert pictures_of(server, direct) == ["1", "2", "3", "4"]
    assert ways(server) == ["dm"] * 4
    assert server.visible_to(server.bob) == []


async def test_every_picture_of_a_spoiler_is_hidden(server: BotServer) -> None:
    await ask(server, spoiler=True)
    (message,) = server.channel.history()
    raw = server.env.backend.get_message(server.channel.id, message.id)
    (gallery,) = [part for part in walk_components(raw.components) if part["type"] == MEDIA_GALLERY]
    assert [item["spoiler"] for item in gallery["items"]] == [True] * 4


async def test_compared_models_are_shown_with_name_and_price(server: BotServer) -> None:
    await ask(server, pictures=1, models=",".join(THREE))
    (message,) = server.channel.history()
    assert pictures_of(server, message) == ["1", "2", "3"]
    lines = [line for line in server.text_of(message).splitlines() if line.startswith("**")]
    assert [line.partition(" · ")[0] for line in lines] == [
        "**1** Qwen Image",
        "**2** Z Image",
        "**3** Nano Banana",
    ]
    assert all(re.search(r" · \d+ credits? · done$", line) for line in lines)
    charged = server.query("SELECT sum(counted_credits) FROM reservations")
    assert f"{charged[0][0]} credits · " in server.text_of(message).splitlines()[-1]


async def test_a_prompt_that_automod_blocks_is_left_out_for_good(server: BotServer, rivya: FakeRivya) -> None:
    rivya.endless_next(2)
    server.env.inject_error("PATCH", REPLY, status=400, code=200000, times=2)  # of progress and of a picture
    with server.without_settling():
        await ask(server, prompt="a very rude fox")
    await server.until(lambda: server.query("SELECT count(*) FROM jobs WHERE stage = 'delivered'") == [(2,)])
    await finish(server, rivya)
    (message,) = server.channel.history()
    assert len(message.attachments) == 4
    assert "rude" not in server.text_of(message)


async def test_new_files_of_a_request_stay_below_the_limit(
    server: BotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outgoing_group, "REQUEST_LIMIT_BYTES", 70_000)
    monkeypatch.setattr("tests.scenarios.strict_discord.REQUEST_BYTES", 70_000)
    await ask(server, prompt="noise")  # each has more than 30 kB
    (message,) = server.channel.history()
    assert pictures_of(server, message) == ["1", "2", "3", "4"]
    assert "made smaller" not in server.text_of(message)


async def test_what_discord_calls_too_large_is_made_smaller_and_said(
    server: BotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outgoing_group, "REQUEST_LIMIT_BYTES", 1)  # one picture a request
    monkeypatch.setattr("tests.scenarios.strict_discord.REQUEST_BYTES", 20_000)
    await ask(server, prompt="noise")  # each has more than 30 kB
    (message,) = server.channel.history()
    assert [file.filename[36:] for file in message.attachments] == [".jpg"] * 4
    assert "1, 2, 3, 4: made smaller, as a JPEG" in server.text_of(message)


async def test_an_outage_delays_all_and_loses_none(server: BotServer) -> None:
    server.env.inject_error("PATCH", REPLY, status=503, times=3)
    await ask(server)
    (message,) = server.channel.history()
    assert pictures_of(server, message) == ["1", "2", "3", "4"]
    assert ways(server) == ["reply"] * 4


async def test_pictures_that_cannot_be_posted_anywhere_are_stored(
    server: BotServer, rivya: FakeRivya
) -> None:
    before = await two_of_four(server, rivya)
    server.env.inject_error("PATCH", REPLY, status=403, code=50013, times=1)
    server.env.inject_error("*", "/channels/*", status=403, code=50001, times=None)
    server.env.inject_error("POST", "/users/@me/channels", status=403, code=50007, times=None)
    await finish(server, rivya)
    await until(lambda: "does not let me post it" in server.text_of(before))
    assert server.text_of(before).count("done, but Discord does not let me post it here") == 2
    rows = server.query("SELECT stage, count(*) FROM jobs GROUP BY stage ORDER BY stage")
    assert rows == [("delivered", 2), ("undeliverable", 2)]
    assert server.query("SELECT count(*) FROM kept_pictures") == [(2,)]
    assert server.states() == ["settled"] * 4


async def test_discord_has_three_seconds_between_two_edits(server: BotServer, rivya: FakeRivya) -> None:
    message = await two_of_four(server, rivya)
    await finish(server, rivya)
    assert pictures_of(server, message) == ["1", "2", "3", "4"]
    times = server.strict.edits_of(server.channel.id)
    assert len(times) > 1
    assert all(later - first >= 3.0 * EDIT_PACE - 1e-6 for first, later in itertools.pairwise(times))


async def test_groups_of_one_channel_share_its_edits(server: BotServer) -> None:
    people = (server.alice, server.bob, server.sari)
    with server.without_settling():
        for person in people:
            await person.slash(server.channel, "imagine", prompt=f"a fox of {person.name}", pictures=4)
    await server.wait_idle()
    messages = server.channel.history()
    assert len(messages) == 3
    for message in messages:
        assert pictures_of(server, message) == ["1", "2", "3", "4"]
        assert len({alt.partition(": ")[2] for alt in server.alt_texts(message)}) == 1
    assert server.states() == ["settled"] * 12


async def test_edits_whose_files_take_long_are_not_followed_by_too_many(
    server: BotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    send, numbers = MessageSender._reply, itertools.count()

    async def send_slowly(sender: MessageSender, outgoing: Any) -> Any:
        if next(numbers) < edit_budget.CHANNEL_EDITS:  # they arrive shortly before the next ones may be made
            await asyncio.sleep(0.8 * edit_budget.CHANNEL_SECONDS)
        return await send(sender, outgoing)

    monkeypatch.setattr(MessageSender, "_reply", send_slowly)
    with server.without_settling():
        for number in range(8):
            await server.alice.slash(server.channel, "imagine", prompt=f"fox {number}", pictures=2)
    await server.wait_idle()
    assert ways(server) == ["reply"] * 16
    assert server.strict.refused_edits == 0


async def test_no_picture_and_no_task_of_a_group_stays_in_memory(server: BotServer, rivya: FakeRivya) -> None:
    of_other_tests = [each for each in gc.get_objects() if isinstance(each, Picture)]
    message = await two_of_four(server, rivya)
    server.env.backend.delete_message(server.channel.id, message.id)  # so that its pictures are fetched again
    await finish(server, rivya)
    assert ways(server) == ["channel"] * 4
    gc.collect()
    left = [each for each in gc.get_objects() if isinstance(each, Picture)]
    assert [each for each in left if not any(each is other for other in of_other_tests)] == []
    assert [task for task in asyncio.all_tasks() if task.get_name().startswith("group ")] == []


async def test_a_message_is_refreshed_from_its_rows_and_keeps_its_other_pictures(server: BotServer) -> None:
    await ask(server)
    (before,) = server.channel.history()
    ((first_id,),) = server.query("SELECT job_id FROM jobs WHERE number = 1")
    # Files stand in the order in which they came.
    kept = {file.url for file in before.attachments if not file.filename.startswith(first_id)}
    server.query("UPDATE jobs SET deleted_at = 1 WHERE number = 1")
    await server.restart()
    groups, calls = groups_of(server), edits(server)
    ((interaction_id,),) = server.query("SELECT interaction_id FROM job_groups")
    with server.without_settling():
        await asyncio.gather(*(groups.refresh(interaction_id) for _ in range(3)))
        await groups.refresh(interaction_id)
    assert edits(server) == calls + 1  # the others would have shown the same
    (message,) = server.channel.history()
    assert pictures_of(server, message) == ["2", "3", "4"]
    assert {file.url for file in message.attachments} == kept
    assert "1 deleted · 2 done" in server.text_of(message)


async def test_a_refresh_that_cannot_be_done_changes_nothing(
    server: BotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ask(server)
    groups = groups_of(server)
    ((interaction_id,),) = server.query("SELECT interaction_id FROM job_groups")
    await groups.refresh(1)  # no group
    (message,) = server.channel.history()
    server.query("UPDATE jobs SET deleted_at = 1 WHERE number = 1")
    server.env.inject_error("PATCH", "*", status=403, code=50001, times=None)
    calls = edits(server)
    for _ in range(3):
        await groups.refresh(interaction_id)
    assert edits(server) == calls + 3  # each is somebody's click, unlike progress

    async def broken(*_: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(GroupStore, "find", broken)
    await groups.refresh(interaction_id)
    assert len(server.env.backend.get_message(server.channel.id, message.id).attachments) == 4


async def test_a_picture_whose_id_discord_has_not_told_is_brought_again(server: BotServer) -> None:
    await ask(server)
    server.query("UPDATE jobs SET landed_attachment_id = NULL WHERE number = 2")
    server.query("UPDATE jobs SET deleted_at = 1 WHERE number = 1")
    await server.restart()
    ((interaction_id,),) = server.query("SELECT interaction_id FROM job_groups")
    await groups_of(server).refresh(interaction_id)
    (message,) = server.channel.history()
    kept = [row[0] for row in server.query("SELECT job_id FROM jobs WHERE number > 1 ORDER BY job_id")]
    assert sorted(attachment.filename[:36] for attachment in message.attachments) == kept
    assert server.query("SELECT count(landed_attachment_id) FROM jobs WHERE number > 1") == [(3,)]
