"""Confirming a price: the question, its buttons, and what can happen before the answer."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
import simcord
from structlog.testing import capture_logs

from bot.guilds.pauses import PauseStore
from sandbox.fake_rivya import FakeRivya
from tests.scenarios.bot_server import BotServer
from tests.scenarios.interactions import MODAL_SUBMIT, StaleMessage, fill_modal, labels, response_of
from tests.support.images import make_picture

BUTTON = 2
CONFIRM, DECLINE = "Paint it", "Not now"


@pytest.fixture
def picture() -> bytes:
    return make_picture()


@pytest.fixture
async def server_with_confirmation(server: BotServer) -> Any:
    """A server that asks for a confirmation of every price."""
    await server.sari.slash(server.channel, "limits confirm", above=0)
    return server


async def imagine_with_question(
    server: BotServer, member: Any, prompt: str = "a red fox", **options: Any
) -> Any:
    """Ask for a picture; return the private question about its price."""
    result = await member.slash(server.channel, "imagine", prompt=prompt, **options)
    words = server.response_text(result)
    assert "This picture costs 4 credits" in words
    assert prompt in words
    return result.response.message


def query(server: BotServer, statement: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(server.database)
    try:
        with connection:
            return connection.execute(statement).fetchall()
    finally:
        connection.close()


async def test_without_a_threshold_nobody_is_asked(server: BotServer) -> None:
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    assert len(server.pictures()) == 1


async def test_a_price_at_the_threshold_is_not_above_it(server: BotServer) -> None:
    await server.sari.slash(server.channel, "limits confirm", above=4)
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    assert len(server.pictures()) == 1


async def test_above_the_threshold_nothing_is_spent_before_confirm(
    server_with_confirmation: BotServer, rivya: FakeRivya
) -> None:
    question = await imagine_with_question(server_with_confirmation, server_with_confirmation.alice)
    assert labels(server_with_confirmation, question) == [CONFIRM, DECLINE]
    assert server_with_confirmation.ledger_entries() == []
    assert rivya.tasks == {}
    assert server_with_confirmation.visible_to(server_with_confirmation.bob) == []


async def test_confirm_makes_a_public_picture(server_with_confirmation: BotServer, rivya: FakeRivya) -> None:
    question = await imagine_with_question(
        server_with_confirmation, server_with_confirmation.alice, size="portrait_4_3", format="jpeg"
    )
    await server_with_confirmation.alice.click(question, label=CONFIRM)
    (message,) = server_with_confirmation.visible_to(server_with_confirmation.bob)
    assert len(message.attachments) == 1
    assert "4 credits" in server_with_confirmation.text_of(message)
    (task,) = rivya.tasks.values()
    assert (task.prompt, task.size, task.output_format) == ("a red fox", "portrait_4_3", "jpeg")
    assert server_with_confirmation.states() == ["settled"]


async def test_the_question_shows_what_each_limit_would_have_left(
    server_with_confirmation: BotServer,
) -> None:
    await server_with_confirmation.sari.slash(
        server_with_confirmation.channel,
        "limits member",
        member=server_with_confirmation.alice,
        credits=10,
        period="day",
    )
    question = await imagine_with_question(server_with_confirmation, server_with_confirmation.alice)
    words = server_with_confirmation.text_of(question)
    assert "**196 credits** of this server's limit this month" in words
    assert "**6 credits** of your own limit today" in words
    assert "Nothing is charged unless you say yes" in words


async def test_decline_makes_no_picture_and_removes_the_buttons(server_with_confirmation: BotServer) -> None:
    question = await imagine_with_question(server_with_confirmation, server_with_confirmation.alice)
    await server_with_confirmation.alice.click(question, label=DECLINE)
    assert "nothing was charged" in server_with_confirmation.text_of(question).lower()
    assert labels(server_with_confirmation, question) == []
    assert server_with_confirmation.ledger_entries() == []
    assert query(server_with_confirmation, "SELECT count(*) FROM drafts") == [(0,)]


async def test_a_second_confirm_says_that_the_picture_is_on_its_way(
    server_with_confirmation: BotServer, rivya: FakeRivya
) -> None:
    question = await imagine_with_question(server_with_confirmation, server_with_confirmation.alice)
    stale = StaleMessage(server_with_confirmation, question)
    await stale.click(server_with_confirmation.alice, CONFIRM)
    await stale.click(server_with_confirmation.alice, CONFIRM)
    assert "on its way" in server_with_confirmation.text_of(question)
    assert labels(server_with_confirmation, question) == []
    assert len(rivya.tasks) == 1
    assert server_with_confirmation.states() == ["settled"]


async def test_two_confirms_at_once_make_one_picture(
    server_with_confirmation: BotServer, rivya: FakeRivya
) -> None:
    stale = StaleMessage(
        server_with_confirmation,
        await imagine_with_question(server_with_confirmation, server_with_confirmation.alice),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server_with_confirmation.env, "settle", do_not_settle)
        first = await stale.click(server_with_confirmation.alice, CONFIRM)
        second = await stale.click(server_with_confirmation.alice, CONFIRM)
    await server_with_confirmation.env.settle()
    assert first.acknowledged
    assert second.acknowledged
    assert len(rivya.tasks) == 1
    assert server_with_confirmation.states() == ["settled"]
    assert len(server_with_confirmation.pictures()) == 1


async def test_two_declines_at_once_decline(server_with_confirmation: BotServer) -> None:
    question = await imagine_with_question(server_with_confirmation, server_with_confirmation.alice)
    stale = StaleMessage(server_with_confirmation, question)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server_with_confirmation.env, "settle", do_not_settle)
        for _ in range(2):
            await stale.click(server_with_confirmation.alice, DECLINE)
    await server_with_confirmation.env.settle()
    assert "on its way" not in server_with_confirmation.text_of(question)
    assert labels(server_with_confirmation, question) == []


async def do_not_settle() -> None:
    """Do not wait: the next click comes while the first one is handled."""


@pytest.mark.parametrize(("first", "then"), [(CONFIRM, DECLINE), (DECLINE, CONFIRM), (DECLINE, DECLINE)])
async def test_the_first_answer_counts_and_later_clicks_change_nothing(
    server_with_confirmation: BotServer, rivya: FakeRivya, first: str, then: str
) -> None:
    question = await imagine_with_question(server_with_confirmation, server_with_confirmation.alice)
    stale = StaleMessage(server_with_confirmation, question)
    await stale.click(server_with_confirmation.alice, first)
    await stale.click(server_with_confirmation.alice, then)
    assert len(rivya.tasks) == (first == CONFIRM)
    assert server_with_confirmation.states() == ["settled"] * (first == CONFIRM)
    assert ("on its way" if first == CONFIRM else "answered with no") in server_with_confirmation.text_of(
        question
    )
    assert labels(server_with_confirmation, question) == []


@pytest.mark.parametrize("label", [CONFIRM, DECLINE])
async def test_no_other_member_can_answer(
    server_with_confirmation: BotServer, rivya: FakeRivya, label: str
) -> None:
    question = await imagine_with_question(server_with_confirmation, server_with_confirmation.alice)
    with pytest.raises(simcord.SetupError):  # bob does not see it
        await server_with_confirmation.bob.click(question, label=label)
    await StaleMessage(server_with_confirmation, question).click(server_with_confirmation.bob, label)
    assert rivya.tasks == {}
    assert query(server_with_confirmation, "SELECT user_id, job_id FROM drafts") == [
        (server_with_confirmation.alice.id, None)
    ]


async def test_a_form_with_the_custom_id_of_the_button_confirms_nothing(
    server_with_confirmation: BotServer, rivya: FakeRivya
) -> None:
    question = await imagine_with_question(server_with_confirmation, server_with_confirmation.alice)
    ((draft_id,),) = query(server_with_confirmation, "SELECT draft_id FROM drafts")
    forged = {"custom_id": f"kuas:ask:yes:{draft_id}", "components": []}
    result = await StaleMessage(server_with_confirmation, question).send(
        server_with_confirmation.alice, MODAL_SUBMIT, forged
    )
    assert "no longer" in server_with_confirmation.response_text(result)
    assert rivya.tasks == {}
    assert labels(server_with_confirmation, question) == [CONFIRM, DECLINE]


async def test_a_question_can_be_answered_after_a_restart(
    server_with_confirmation: BotServer, rivya: FakeRivya
) -> None:
    question = await imagine_with_question(server_with_confirmation, server_with_confirmation.alice)
    await server_with_confirmation.restart()
    await server_with_confirmation.alice.click(question, label=CONFIRM)
    assert len(server_with_confirmation.pictures()) == 1
    assert len(rivya.tasks) == 1


async def test_a_question_expires_after_a_day(server_with_confirmation: BotServer, rivya: FakeRivya) -> None:
    question = await imagine_with_question(server_with_confirmation, server_with_confirmation.alice)
    query(server_with_confirmation, "UPDATE drafts SET drafted_at = drafted_at - 86400000 RETURNING draft_id")
    await server_with_confirmation.alice.click(question, label=CONFIRM)
    assert "more than a day old" in server_with_confirmation.text_of(question)
    assert "/imagine" in server_with_confirmation.text_of(question)
    assert labels(server_with_confirmation, question) == []
    assert rivya.tasks == {}


async def test_a_limit_used_up_meanwhile_refuses_confirm(
    server_with_confirmation: BotServer, rivya: FakeRivya
) -> None:
    question = await imagine_with_question(server_with_confirmation, server_with_confirmation.alice)
    await server_with_confirmation.sari.slash(
        server_with_confirmation.channel, "limits guild", credits=3, period="month"
    )
    result = await server_with_confirmation.alice.click(question, label=CONFIRM)
    assert "0 of 3 credits used this month" in server_with_confirmation.response_text(result)
    assert rivya.tasks == {}
    assert server_with_confirmation.ledger_entries() == []
    await server_with_confirmation.sari.slash(
        server_with_confirmation.channel, "limits guild", credits=4, period="month"
    )
    await server_with_confirmation.alice.click(question, label=CONFIRM)
    assert len(server_with_confirmation.pictures()) == 1


async def test_a_request_that_would_be_refused_is_refused_instead_of_asked(
    server_with_confirmation: BotServer,
) -> None:
    await server_with_confirmation.sari.slash(
        server_with_confirmation.channel, "limits guild", credits=3, period="month"
    )
    result = await server_with_confirmation.alice.slash(
        server_with_confirmation.channel, "imagine", prompt="a fox"
    )
    assert "0 of 3 credits used" in server_with_confirmation.response_text(result)
    assert labels(server_with_confirmation, response_of(result).message) == ["Edit and try again"]
    blank = await server_with_confirmation.alice.slash(
        server_with_confirmation.channel, "imagine", prompt=" "
    )
    assert "prompt is empty" in server_with_confirmation.response_text(blank)
    assert labels(server_with_confirmation, response_of(blank).message) == ["Edit and try again"]


async def test_a_pause_refuses_the_question_and_confirm(
    server_with_confirmation: BotServer, rivya: FakeRivya
) -> None:
    question = await imagine_with_question(server_with_confirmation, server_with_confirmation.alice)
    pauses = PauseStore(server_with_confirmation.app.ledger._database)
    await pauses.set(0, paused=True, sentence="Back at noon.", set_by=1)
    for result in (
        await server_with_confirmation.alice.click(question, label=CONFIRM),
        await server_with_confirmation.alice.slash(
            server_with_confirmation.channel, "imagine", prompt="a fox"
        ),
    ):
        assert "Back at noon" in server_with_confirmation.response_text(result)
    assert rivya.tasks == {}
    await pauses.set(0, paused=False, set_by=1)
    await server_with_confirmation.alice.click(question, label=CONFIRM)
    assert len(server_with_confirmation.pictures()) == 1


async def test_the_reference_is_named_in_the_question_and_used_after_confirm(
    server_with_confirmation: BotServer, rivya: FakeRivya, picture: bytes
) -> None:
    question = await imagine_with_question(
        server_with_confirmation, server_with_confirmation.alice, reference=("old_fox.png", picture)
    )
    assert "old\\_fox.png" in server_with_confirmation.text_of(question)
    assert rivya.uploads == {}
    await server_with_confirmation.alice.click(question, label=CONFIRM)
    (task,) = rivya.tasks.values()
    assert task.reference_id in rivya.uploads


async def test_the_role_limit_of_the_member_applies_to_the_question(
    server_with_confirmation: BotServer, rivya: FakeRivya
) -> None:
    painters = server_with_confirmation.guild.create_role("Painters")
    pat = server_with_confirmation.guild.add_member(
        server_with_confirmation.env.create_user("pat"), roles=[painters]
    )
    await server_with_confirmation.sari.slash(
        server_with_confirmation.channel, "limits role", role=painters, credits=7, period="day"
    )
    question = await imagine_with_question(server_with_confirmation, pat)
    assert (
        f"**3 credits** of the limit of your role <@&{painters.id}> today"
        in server_with_confirmation.text_of(question)
    )
    await pat.click(question, label=CONFIRM)
    result = await pat.slash(server_with_confirmation.channel, "imagine", prompt="a fox")
    assert "4 of 7 credits used today" in server_with_confirmation.response_text(result)
    assert len(rivya.tasks) == 1


async def test_the_limit_of_a_role_missing_in_the_cache_applies(server: BotServer, rivya: FakeRivya) -> None:
    painters = server.guild.create_role("Painters")
    pat = server.guild.add_member(server.env.create_user("pat"), roles=[painters])
    await server.sari.slash(server.channel, "limits role", role=painters, credits=3, period="day")
    server.bot_guild._roles.pop(painters.id)
    result = await pat.slash(server.channel, "imagine", prompt="a fox")
    assert "0 of 3 credits used today" in server.response_text(result)
    assert rivya.tasks == {}


async def test_a_repeated_interaction_makes_one_draft_and_no_error(
    server_with_confirmation: BotServer,
) -> None:
    await imagine_with_question(server_with_confirmation, server_with_confirmation.alice)
    events = [
        event
        for _, name, event in server_with_confirmation.env.backend.transcript
        if name == "INTERACTION_CREATE" and event["data"]["name"] == "imagine"
    ]
    with capture_logs() as lines:
        server_with_confirmation.env.backend.emit("INTERACTION_CREATE", events[0])
        await server_with_confirmation.env.settle()
    assert [line for line in lines if line["log_level"] == "error"] == []
    assert query(server_with_confirmation, "SELECT count(*) FROM drafts") == [(1,)]


async def test_confirm_can_be_repeated_if_its_response_was_too_late(
    server_with_confirmation: BotServer, rivya: FakeRivya
) -> None:
    question = await imagine_with_question(server_with_confirmation, server_with_confirmation.alice)
    stale = StaleMessage(server_with_confirmation, question)
    server_with_confirmation.env.inject_error("POST", "/interactions/*", status=404, code=10062)
    await stale.click(server_with_confirmation.alice, CONFIRM)
    assert server_with_confirmation.states() == ["released"]
    # The question is not edited, since no job has started.
    assert not any(
        entry.path.endswith(str(question.id)) for entry in server_with_confirmation.env.http_requests
    )
    await stale.click(server_with_confirmation.alice, CONFIRM)
    assert len(server_with_confirmation.pictures()) == 1
    assert sorted(server_with_confirmation.states()) == ["released", "settled"]


async def test_a_form_can_be_submitted_again_if_its_price_question_was_too_late(
    server_with_confirmation: BotServer, rivya: FakeRivya, picture: bytes
) -> None:
    shown = await server_with_confirmation.alice.slash(
        server_with_confirmation.channel, "imagine", reference=("fox.png", picture)
    )
    server_with_confirmation.env.inject_error("POST", "/interactions/*", status=404, code=10062)
    await server_with_confirmation.alice.submit_modal(shown, fill_modal(shown, prompt="a fox"))
    shown._interaction.modal_consumed = False  # Discord leaves a form open that nobody has answered
    result = await server_with_confirmation.alice.submit_modal(shown, fill_modal(shown, prompt="a fox"))
    await server_with_confirmation.alice.click(response_of(result).message, label=CONFIRM)
    (task,) = rivya.tasks.values()
    assert task.reference_id in rivya.uploads


async def test_confirm_is_answered_when_it_meets_a_bug(
    server_with_confirmation: BotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    question = await imagine_with_question(server_with_confirmation, server_with_confirmation.alice)
    monkeypatch.setattr("bot.jobs.requests.drafts.DraftStore.find", broken)
    result = await server_with_confirmation.alice.click(question, label=CONFIRM)
    assert "wrong on our side" in server_with_confirmation.response_text(result)
