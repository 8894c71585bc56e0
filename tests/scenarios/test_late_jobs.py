"""Late pictures: what members read and can do, and `/operator late`."""

from __future__ import annotations

from typing import Any

import discord
import pytest
from simcord.components import walk_components

from bot.engine import failure_policy, waits
from sandbox.fake_rivya import FakeRivya
from tests.scenarios.bot_server import OPERATOR_GUILD, BotServer, OpenServer
from tests.scenarios.interactions import fill_modal, labels, modal_of
from tests.scenarios.test_history import open_first, open_history


@pytest.fixture
async def server(open_server: OpenServer, monkeypatch: pytest.MonkeyPatch) -> BotServer:
    # Late jobs wait for an hour between two attempts, and not for an eighth of the few seconds that they are
    # old: the bot is idle meanwhile.
    monkeypatch.setattr(waits, "_LATE_INTERVAL_SHARE", 1e9)
    return await open_server(operator_guild=OPERATOR_GUILD)


def late_ids(server: BotServer) -> list[str]:
    statement = "SELECT job_id FROM jobs WHERE late_at IS NOT NULL"
    return [job_id for (job_id,) in server.query(statement)]


async def paint_without_result(server: BotServer, rivya: FakeRivya) -> str:
    """Ask for a picture whose address answers 404; return the job's id once it is late."""
    rivya.faults.add("status", "result", times=None, code=404)
    await server.alice.slash(server.channel, "imagine", prompt="a red fox")
    (job_id,) = late_ids(server)
    return job_id


async def hold_endless_task(server: BotServer, rivya: FakeRivya) -> str:
    """Ask for a picture that Rivya never finishes; return the job's id once it is late."""
    rivya.hold()
    await server.start_imagine(server.alice)
    server.query(
        "UPDATE jobs SET late_at = accepted_at, late_told_at = accepted_at, late_note = 'processing'",
    )
    await server.restart(idle=False)
    (job_id,) = late_ids(server)
    return job_id


def primary_labels(server: BotServer, message: Any) -> list[str]:
    raw = server.env.backend.get_message(message.channel.id, message.id)
    primary = discord.ButtonStyle.primary.value
    return [item["label"] for item in walk_components(raw.components) if item.get("style") == primary]


def reply_text(server: BotServer) -> str:
    return server.text_of(server.channel.history(viewer=server.alice)[0])


async def list_late(server: BotServer) -> Any:
    """Run `/operator late`; return the message of its private response."""
    result = await server.operator.slash(server.staff_channel, "operator late")
    assert result.response is not None
    assert result.response.ephemeral
    return result.response.message


async def test_a_member_reads_that_a_picture_is_late_and_fetches_it_from_the_history(
    server: BotServer, rivya: FakeRivya
) -> None:
    await paint_without_result(server, rivya)
    assert "has not handed the picture over yet" in reply_text(server)
    message = await open_history(server, server.alice)
    assert "not here yet" in server.text_of(message)
    await open_first(server, server.alice, message)
    assert primary_labels(server, message) == ["Fetch it now"], "Again would cost credits once more"
    assert "tried again and comes by itself" in server.text_of(message)
    rivya.faults.clear()
    answer = await server.alice.click(message, label="Fetch it now")
    assert "Trying again now" in server.private_text(answer)
    assert len(server.pictures()) == 1
    assert late_ids(server) == []
    # The button is still there: a second click says so, and fetches nothing.
    answer = await server.alice.click(message, label="Fetch it now")
    assert "no longer missing" in server.private_text(answer)
    assert len(server.pictures()) == 1


async def test_a_picture_that_was_given_up_is_fetched_by_its_member_or_an_admin_alone(
    server: BotServer, rivya: FakeRivya, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = await paint_without_result(server, rivya)
    monkeypatch.setattr(failure_policy, "MAX_RESULT_ATTEMPTS", 1)
    server.query("UPDATE jobs SET late_at = late_at - 8 * 24 * 3600 * 1000")
    await server.restart()
    assert "has not handed it over for a week" in reply_text(server)
    assert "4 credits were charged" in reply_text(server)
    (message,) = server.channel.history(viewer=server.bob)
    rivya.faults.clear()
    answer = await server.bob.click(message, label="Fetch it now")
    assert "Manage Server" in server.private_text(answer)
    assert (late_ids(server), server.pictures()) == ([job_id], [])
    answer = await server.sari.click(message, label="Fetch it now")
    assert "Trying again now" in server.private_text(answer)
    assert len(server.pictures()) == 1
    assert server.states() == ["settled"]


async def test_the_operator_tries_a_late_picture_now(server: BotServer, rivya: FakeRivya) -> None:
    job_id = await paint_without_result(server, rivya)
    message = await list_late(server)
    text = server.text_of(message)
    (task_id,) = rivya.tasks
    assert f"`{job_id}` · `{task_id}`" in text, "both can be copied as they are"
    assert "404" in text
    assert labels(server, message) == ["Try now", "Stop waiting", "Previous", "Next"]
    await server.operator.click(message, label="Try now")
    assert late_ids(server) == [job_id], "it is still not there"
    rivya.faults.clear()
    await server.operator.click(message, label="Try now")
    assert f"`{job_id}` is tried now" in server.text_of(message)
    assert len(server.pictures()) == 1
    assert "No picture is late" in server.text_of(await list_late(server))


@pytest.mark.parametrize(("label", "state"), [("Stop waiting", "held"), ("Release the credits", "released")])
async def test_the_operator_ends_an_endless_task_and_its_member_is_told(
    server: BotServer, rivya: FakeRivya, label: str, state: str
) -> None:
    job_id = await hold_endless_task(server, rivya)
    message = await list_late(server)
    form = await server.operator.click(message, label=label)
    await server.operator.submit_modal(form, fill_modal(form, reason="  "))
    assert "Nothing was changed" in server.text_of(message)
    assert "unless they know already" in str(modal_of(form))
    form, second_form = [await server.operator.click(message, label=label) for _ in range(2)]
    await server.operator.submit_modal(form, fill_modal(form, reason="never ends"))
    assert "no longer waited for" in server.text_of(message)
    shown = [server.text_of(reply) for reply in server.channel.history(viewer=server.alice)]
    assert any("stopped waiting" in text for text in shown)
    assert server.states() == [state]
    assert server.query("SELECT stage, failure_message FROM jobs") == [("failed", "never ends")]
    # A second form, submitted later, changes nothing.
    await server.operator.submit_modal(second_form, fill_modal(second_form, reason="again"))
    assert f"`{job_id}` has ended" in server.text_of(message)
    assert server.states() == [state]
    rivya.release()


async def test_late_buttons_work_after_a_restart_and_for_the_operator_alone(
    server: BotServer, rivya: FakeRivya
) -> None:
    job_id = await paint_without_result(server, rivya)
    message = await list_late(server)
    await server.restart()
    stranger = await server.other_admin.slash(server.staff_channel, "operator late")
    assert job_id not in server.response_text(stranger)
    rivya.faults.clear()
    await server.operator.click(message, label="Try now")
    assert len(server.pictures()) == 1
