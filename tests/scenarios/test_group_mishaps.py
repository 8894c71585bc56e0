"""What goes wrong around the message of a group at the worst moment, and what has to be there afterwards."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import discord
import pytest

from bot.domain.errors import TransientError
from bot.domain.jobs import DeliveryMethod, Job
from bot.engine import failure_policy
from bot.jobs.groups import GroupStore
from cogs.delivery import outgoing_group, posted_pictures
from cogs.delivery.group_messages import GroupMessages
from cogs.delivery.message_sender import MessageSender
from sandbox.fake_rivya import FakeRivya
from tests.scenarios.bot_server import BotServer, OpenServer
from tests.scenarios.interactions import labels, response_of
from tests.scenarios.test_group_actions import job_ids, pick, shown_in
from tests.scenarios.test_group_cards import SHARE
from tests.scenarios.test_groups import groups_of, messages_of_rows, pictures_of


@pytest.fixture
async def server(open_server: OpenServer) -> BotServer:
    # With slots for all: for SimCord, time stands still while a job waits for one.
    return await open_server(max_running=20)


async def all_but_the_first(server: BotServer, rivya: FakeRivya, pictures: int, **options: Any) -> Any:
    """Ask for pictures, of which the first takes long; return the message with the others."""
    rivya.endless_next(1)
    with server.without_settling():
        await server.alice.slash(server.channel, "imagine", prompt="a fox", pictures=pictures, **options)
    await server.until(
        lambda: [number for (number,) in numbers(server, "delivered")] == list(range(2, pictures + 1))
    )
    return server.visible_to(server.alice)[-1]


def numbers(server: BotServer, stage: str) -> list[tuple[int]]:
    return server.query("SELECT number FROM jobs WHERE stage = ? ORDER BY number", stage)


async def finish(server: BotServer, rivya: FakeRivya) -> None:
    rivya.end_endless()
    await server.wait_idle()


async def test_a_private_picture_that_is_fetched_later_is_not_posted_beside_a_shared_one(
    server: BotServer, rivya: FakeRivya, monkeypatch: pytest.MonkeyPatch
) -> None:
    rivya.hold()
    with server.without_settling():
        await server.alice.slash(server.channel, "imagine", prompt="a fox", pictures=2, private=True)
    await server.until(lambda: server.query("SELECT count(task_id) FROM jobs") == [(2,)])
    ((task_id,),) = server.query("SELECT task_id FROM jobs WHERE number = 2")
    rivya.faults.add("status", "result", None, code=404, path=f"{task_id}.png")
    rivya.release()
    await server.until(lambda: server.query("SELECT 1 FROM jobs WHERE late_at IS NOT NULL"))
    monkeypatch.setattr(failure_policy, "MAX_RESULT_ATTEMPTS", 1)
    server.query("UPDATE jobs SET late_at = late_at - 8 * 24 * 3600 * 1000")
    await server.restart()
    assert server.query("SELECT failure_code FROM jobs ORDER BY number") == [(None,), ("result_lost",)]
    message = server.visible_to(server.alice)[0]
    await server.alice.click(await pick(server, server.alice, message, 1), label=SHARE)
    (shared,) = server.visible_to(server.bob)
    rivya.faults.clear()
    await server.restart()
    await server.alice.click(await pick(server, server.alice, message, 2), label="Fetch it now")
    assert [each.id for each in server.visible_to(server.bob)] == [shared.id]
    (direct,) = server.alice.user.dm_channel.history()
    assert [name[:36] for name in shown_in(server, direct)] == job_ids(server)
    assert server.query("SELECT private, landed_way FROM jobs ORDER BY number") == [(0, "share"), (1, "dm")]
    assert server.states() == ["settled"] * 2


@pytest.mark.parametrize("mishap", ["refused", "restart"])
async def test_what_did_not_fit_into_the_new_message_comes_with_the_next_edit(
    server: BotServer, rivya: FakeRivya, monkeypatch: pytest.MonkeyPatch, mishap: str
) -> None:
    monkeypatch.setattr(outgoing_group, "REQUEST_LIMIT_BYTES", 1)
    before = await all_but_the_first(server, rivya, 3)
    server.env.backend.delete_message(server.channel.id, before.id)
    if mishap == "refused":
        server.env.inject_error("PATCH", f"/channels/{server.channel.id}/*", status=404, code=10008, times=1)
        server.env.inject_error("PATCH", f"/channels/{server.channel.id}/*", status=503, times=2)
    else:
        reached, send = asyncio.Event(), MessageSender._send

        async def hangs(sender: MessageSender, method: DeliveryMethod, outgoing: Any) -> discord.Message:
            if method is DeliveryMethod.EDIT and outgoing.posted_elsewhere is not None:
                reached.set()
                await asyncio.Event().wait()
            return await send(sender, method, outgoing)

        with monkeypatch.context() as patch:
            patch.setattr(MessageSender, "_send", hangs)
            rivya.end_endless()
            await server.until(reached.is_set)
            assert server.query("SELECT way FROM job_groups") == [("channel",)]
            await server.app.engine.close(grace_seconds=0.0)
        await server.restart(idle=False)
    await finish(server, rivya)
    (message,) = server.channel.history()
    assert pictures_of(server, message) == ["1", "2", "3"]
    assert messages_of_rows(server) == {message.id}
    assert numbers(server, "delivered") == [(1,), (2,), (3,)]


@pytest.mark.parametrize("failures", [1, posted_pictures.MAX_ATTEMPTS])
async def test_a_posted_picture_that_rivya_does_not_hand_over_now_is_asked_for_again(
    server: BotServer, rivya: FakeRivya, failures: int
) -> None:
    before = await all_but_the_first(server, rivya, 2)
    server.env.backend.delete_message(server.channel.id, before.id)
    ((task_id,),) = server.query("SELECT task_id FROM jobs WHERE number = 2")
    rivya.faults.add("status", "result", failures, code=503, path=f"{task_id}.png")
    await finish(server, rivya)
    (message,) = server.channel.history()
    is_lost = failures == posted_pictures.MAX_ATTEMPTS
    assert pictures_of(server, message) == (["1"] if is_lost else ["1", "2"])
    assert ("could not bring it here" in server.text_of(message)) == is_lost
    assert numbers(server, "delivered") == [(1,), (2,)]


async def test_the_message_stays_for_a_failure_that_is_not_told_yet(
    server: BotServer, rivya: FakeRivya, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver_failure, may_be_told = GroupMessages.deliver_failure, asyncio.Event()

    async def waits(messages: GroupMessages, job: Job) -> None:
        await server.env.external_wait(may_be_told.wait(), reason="the test lets it be told")
        await deliver_failure(messages, job)

    monkeypatch.setattr(GroupMessages, "deliver_failure", waits)
    rivya.fail_next()
    with server.without_settling():
        await server.alice.slash(server.channel, "imagine", prompt="a fox", pictures=2)
    await server.until(lambda: numbers(server, "failed") and numbers(server, "delivered"))
    (message,) = server.channel.history()
    await server.until(lambda: "Pick one" in labels(server, message))
    card = await pick(server, server.alice, message, 2)
    question = response_of(await server.alice.click(card, label="Delete")).message
    await server.alice.click(question, label="Delete it")
    assert server.query("SELECT count(*) FROM jobs WHERE deleted_at IS NOT NULL") == [(1,)]
    may_be_told.set()
    await server.wait_idle()
    assert [each.id for each in server.channel.history()] == [message.id]
    assert "refused, not charged" in server.text_of(message)
    assert "deleted" in server.text_of(message)
    assert shown_in(server, message) == []


async def test_a_picture_that_is_shared_while_another_is_on_its_way_stays_the_file_it_is(
    server: BotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver, may_come = GroupMessages.deliver, asyncio.Event()

    async def waits(messages: GroupMessages, job: Job, *pictures: Any, **options: Any) -> Any:
        if job.place is not None and job.place.number == 1:
            await server.env.external_wait(may_come.wait(), reason="the test lets it come")
        return await deliver(messages, job, *pictures, **options)

    monkeypatch.setattr(GroupMessages, "deliver", waits)
    await server.alice.slash(server.channel, "imagine", prompt="a fox", pictures=2, private=True)
    (before,) = server.visible_to(server.alice)
    (second,) = before.attachments
    await server.alice.click(await pick(server, server.alice, before, 2), label=SHARE)
    assert len(server.visible_to(server.bob)) == 1
    may_come.set()
    await server.wait_idle()
    after = server.visible_to(server.alice)[0]
    assert pictures_of(server, after) == ["1", "2"]
    assert second.url in {file.url for file in after.attachments}


async def test_an_edit_that_fails_after_its_job_was_stopped_leaves_no_error_behind(
    server: BotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await server.alice.slash(server.channel, "imagine", prompt="a fox", pictures=2)
    groups, failing, may_fail = groups_of(server), asyncio.Event(), asyncio.Event()
    ((interaction_id,),) = server.query("SELECT interaction_id FROM job_groups")
    group = await groups._store.find(interaction_id)

    async def fails(*_: Any) -> None:
        failing.set()
        await may_fail.wait()
        raise TransientError("Discord is out of reach")

    monkeypatch.setattr(GroupStore, "find", fails)
    problems: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: problems.append(context))
    waiting = asyncio.create_task(groups.deliver_failure(group.jobs[0]))
    await server.until(failing.is_set)
    waiting.cancel()
    await asyncio.wait({waiting})
    may_fail.set()
    await server.until(lambda: groups._messages[interaction_id].idle)
    del waiting
    gc.collect()
    assert problems == []


async def test_the_message_of_an_erased_member_is_left_as_it_is(server: BotServer) -> None:
    await server.alice.slash(server.channel, "imagine", prompt="a fox", pictures=2)
    (message,) = server.channel.history()
    question = await server.alice.slash(server.channel, "privacy erase")
    await server.alice.click(response_of(question), custom_id=f"kuas:privacy:erase:{server.alice.id}")
    assert server.query("SELECT prompt, landed_message_id FROM jobs") == [("", None)] * 2
    ((interaction_id,),) = server.query("SELECT interaction_id FROM job_groups")
    await groups_of(server).refresh(interaction_id)
    assert len(shown_in(server, message)) == 2
