"""The price before spending: the question, its answers, and everything that may happen in between."""

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
YES, NO = "Paint it", "Not now"


@pytest.fixture
def picture() -> bytes:
    return make_picture()


@pytest.fixture
async def asking(server: BotServer) -> Any:
    """A server that asks before every picture."""
    await server.sari.slash(server.channel, "limits confirm", above=0)
    return server


async def ask(server: BotServer, member: Any, prompt: str = "a red fox", **options: Any) -> Any:
    """Ask for a picture, and be asked; returns the private question."""
    result = await member.slash(server.channel, "imagine", prompt=prompt, **options)
    words = server.answer(result)
    assert "This picture costs 4 credits" in words
    assert prompt in words
    return result.response.message


def run(server: BotServer, statement: str) -> list[tuple[Any, ...]]:
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


async def test_above_the_threshold_nothing_is_spent_before_a_yes(asking: BotServer, rivya: FakeRivya) -> None:
    question = await ask(asking, asking.alice)
    assert labels(asking, question) == [YES, NO]
    assert asking.books() == []
    assert rivya.tasks == {}
    assert asking.visible_to(asking.bob) == []


async def test_a_yes_paints_in_the_channel_for_everybody(asking: BotServer, rivya: FakeRivya) -> None:
    question = await ask(asking, asking.alice, size="portrait_4_3", format="jpeg")
    await asking.alice.click(question, label=YES)
    (message,) = asking.visible_to(asking.bob)
    assert len(message.attachments) == 1
    assert "4 credits" in asking.said(message)
    (task,) = rivya.tasks.values()
    assert (task.prompt, task.size, task.output_format) == ("a red fox", "portrait_4_3", "jpeg")
    assert asking.states() == ["settled"]


async def test_the_question_says_what_would_be_left_for_whom(asking: BotServer) -> None:
    await asking.sari.slash(asking.channel, "limits member", member=asking.alice, credits=10, period="day")
    question = await ask(asking, asking.alice)
    words = asking.said(question)
    assert "**196 credits** of this server's limit this month" in words
    assert "**6 credits** of your own limit today" in words
    assert "Nothing is charged unless you say yes" in words


async def test_a_no_paints_nothing_and_takes_the_buttons_away(asking: BotServer) -> None:
    question = await ask(asking, asking.alice)
    await asking.alice.click(question, label=NO)
    assert "nothing was charged" in asking.said(question).lower()
    assert labels(asking, question) == []
    assert asking.books() == []
    assert run(asking, "SELECT count(*) FROM drafts") == [(0,)]


async def test_a_second_yes_is_told_that_it_has_begun(asking: BotServer, rivya: FakeRivya) -> None:
    question = await ask(asking, asking.alice)
    screen = StaleMessage(asking, question)
    await screen.click(asking.alice, YES)
    await screen.click(asking.alice, YES)
    assert "on its way" in asking.said(question)
    assert labels(asking, question) == []
    assert len(rivya.tasks) == 1
    assert asking.states() == ["settled"]


async def test_two_clicks_at_once_are_one_picture(asking: BotServer, rivya: FakeRivya) -> None:
    screen = StaleMessage(asking, await ask(asking, asking.alice))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asking.env, "settle", settled)
        first = await screen.click(asking.alice, YES)
        second = await screen.click(asking.alice, YES)
    await asking.env.settle()
    assert first.acknowledged
    assert second.acknowledged
    assert len(rivya.tasks) == 1
    assert asking.states() == ["settled"]
    assert len(asking.pictures()) == 1


async def test_two_noes_at_once_say_no(asking: BotServer) -> None:
    question = await ask(asking, asking.alice)
    screen = StaleMessage(asking, question)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asking.env, "settle", settled)
        for _ in range(2):
            await screen.click(asking.alice, NO)
    await asking.env.settle()
    assert "on its way" not in asking.said(question)
    assert labels(asking, question) == []


async def settled() -> None:
    """Not waiting: the next click comes while the first is still at work."""


@pytest.mark.parametrize(("first", "then"), [(YES, NO), (NO, YES), (NO, NO)])
async def test_the_first_answer_counts_whatever_an_old_screen_shows(
    asking: BotServer, rivya: FakeRivya, first: str, then: str
) -> None:
    question = await ask(asking, asking.alice)
    screen = StaleMessage(asking, question)
    await screen.click(asking.alice, first)
    await screen.click(asking.alice, then)
    assert len(rivya.tasks) == (first == YES)
    assert asking.states() == ["settled"] * (first == YES)
    assert ("on its way" if first == YES else "put aside") in asking.said(question)
    assert labels(asking, question) == []


@pytest.mark.parametrize("label", [YES, NO])
async def test_nobody_else_can_answer(asking: BotServer, rivya: FakeRivya, label: str) -> None:
    question = await ask(asking, asking.alice)
    with pytest.raises(simcord.SetupError):  # bob does not even see it
        await asking.bob.click(question, label=label)
    await StaleMessage(asking, question).click(asking.bob, label)
    assert rivya.tasks == {}
    assert run(asking, "SELECT user_id, job_id FROM drafts") == [(asking.alice.id, None)]


async def test_a_form_with_the_id_of_the_button_answers_nothing(asking: BotServer, rivya: FakeRivya) -> None:
    question = await ask(asking, asking.alice)
    ((draft_id,),) = run(asking, "SELECT draft_id FROM drafts")
    forged = {"custom_id": f"kuas:ask:yes:{draft_id}", "components": []}
    result = await StaleMessage(asking, question).send(asking.alice, MODAL_SUBMIT, forged)
    assert "no longer" in asking.answer(result)
    assert rivya.tasks == {}
    assert labels(asking, question) == [YES, NO]


async def test_a_question_outlives_a_restart(asking: BotServer, rivya: FakeRivya) -> None:
    question = await ask(asking, asking.alice)
    await asking.restart()
    await asking.alice.click(question, label=YES)
    assert len(asking.pictures()) == 1
    assert len(rivya.tasks) == 1


async def test_a_question_is_forgotten_after_a_day(asking: BotServer, rivya: FakeRivya) -> None:
    question = await ask(asking, asking.alice)
    run(asking, "UPDATE drafts SET drafted_at = drafted_at - 86400000 RETURNING draft_id")
    await asking.alice.click(question, label=YES)
    assert "more than a day old" in asking.said(question)
    assert "/imagine" in asking.said(question)
    assert labels(asking, question) == []
    assert rivya.tasks == {}


async def test_a_limit_used_up_meanwhile_refuses_the_yes(asking: BotServer, rivya: FakeRivya) -> None:
    question = await ask(asking, asking.alice)
    await asking.sari.slash(asking.channel, "limits guild", credits=3, period="month")
    result = await asking.alice.click(question, label=YES)
    assert "0 of 3 credits used this month" in asking.answer(result)
    assert rivya.tasks == {}
    assert asking.books() == []
    await asking.sari.slash(asking.channel, "limits guild", credits=4, period="month")
    await asking.alice.click(question, label=YES)
    assert len(asking.pictures()) == 1


async def test_what_would_be_refused_is_refused_instead_of_asked(asking: BotServer) -> None:
    await asking.sari.slash(asking.channel, "limits guild", credits=3, period="month")
    result = await asking.alice.slash(asking.channel, "imagine", prompt="a fox")
    assert "0 of 3 credits used" in asking.answer(result)
    assert labels(asking, response_of(result).message) == ["Edit and try again"]
    blank = await asking.alice.slash(asking.channel, "imagine", prompt=" ")
    assert "prompt is empty" in asking.answer(blank)
    assert labels(asking, response_of(blank).message) == ["Edit and try again"]


async def test_a_pause_refuses_the_question_and_the_yes(asking: BotServer, rivya: FakeRivya) -> None:
    question = await ask(asking, asking.alice)
    pauses = PauseStore(asking.app.ledger._database)
    await pauses.set(0, paused=True, sentence="Back at noon.", set_by=1)
    for result in (
        await asking.alice.click(question, label=YES),
        await asking.alice.slash(asking.channel, "imagine", prompt="a fox"),
    ):
        assert "Back at noon" in asking.answer(result)
    assert rivya.tasks == {}
    await pauses.set(0, paused=False, set_by=1)
    await asking.alice.click(question, label=YES)
    assert len(asking.pictures()) == 1


async def test_the_reference_is_named_kept_and_used(
    asking: BotServer, rivya: FakeRivya, picture: bytes
) -> None:
    question = await ask(asking, asking.alice, reference=("old_fox.png", picture))
    assert "old\\_fox.png" in asking.said(question)
    assert rivya.uploads == {}
    await asking.alice.click(question, label=YES)
    (task,) = rivya.tasks.values()
    assert task.reference_id in rivya.uploads


async def test_the_roles_of_the_one_who_clicks_bind(asking: BotServer, rivya: FakeRivya) -> None:
    painters = asking.guild.create_role("Painters")
    pat = asking.guild.add_member(asking.env.create_user("pat"), roles=[painters])
    await asking.sari.slash(asking.channel, "limits role", role=painters, credits=7, period="day")
    question = await ask(asking, pat)
    assert f"**3 credits** of the limit of your role <@&{painters.id}> today" in asking.said(question)
    await pat.click(question, label=YES)
    result = await pat.slash(asking.channel, "imagine", prompt="a fox")
    assert "4 of 7 credits used today" in asking.answer(result)
    assert len(rivya.tasks) == 1


async def test_a_role_that_the_cache_has_lost_binds_all_the_same(server: BotServer, rivya: FakeRivya) -> None:
    painters = server.guild.create_role("Painters")
    pat = server.guild.add_member(server.env.create_user("pat"), roles=[painters])
    await server.sari.slash(server.channel, "limits role", role=painters, credits=3, period="day")
    server.bot_guild._roles.pop(painters.id)
    result = await pat.slash(server.channel, "imagine", prompt="a fox")
    assert "0 of 3 credits used today" in server.answer(result)
    assert rivya.tasks == {}


async def test_an_interaction_that_comes_twice_is_one_question_and_no_error(asking: BotServer) -> None:
    await ask(asking, asking.alice)
    events = [
        event
        for _, name, event in asking.env.backend.transcript
        if name == "INTERACTION_CREATE" and event["data"]["name"] == "imagine"
    ]
    with capture_logs() as lines:
        asking.env.backend.emit("INTERACTION_CREATE", events[0])
        await asking.env.settle()
    assert [line for line in lines if line["log_level"] == "error"] == []
    assert run(asking, "SELECT count(*) FROM drafts") == [(1,)]


async def test_a_yes_whose_answer_came_too_late_can_be_said_again(
    asking: BotServer, rivya: FakeRivya
) -> None:
    question = await ask(asking, asking.alice)
    screen = StaleMessage(asking, question)
    asking.env.inject_error("POST", "/interactions/*", status=404, code=10062)
    await screen.click(asking.alice, YES)
    assert asking.states() == ["released"]
    # What is not on its way is not said to be: nothing tries to take the buttons away.
    assert not any(entry.path.endswith(str(question.id)) for entry in asking.env.http_requests)
    await screen.click(asking.alice, YES)
    assert len(asking.pictures()) == 1
    assert sorted(asking.states()) == ["released", "settled"]


async def test_a_form_whose_question_came_too_late_can_be_sent_in_again(
    asking: BotServer, rivya: FakeRivya, picture: bytes
) -> None:
    shown = await asking.alice.slash(asking.channel, "imagine", reference=("fox.png", picture))
    asking.env.inject_error("POST", "/interactions/*", status=404, code=10062)
    await asking.alice.submit_modal(shown, fill_modal(shown, prompt="a fox"))
    shown._interaction.modal_consumed = False  # Discord leaves a form open that nobody has answered
    result = await asking.alice.submit_modal(shown, fill_modal(shown, prompt="a fox"))
    await asking.alice.click(response_of(result).message, label=YES)
    (task,) = rivya.tasks.values()
    assert task.reference_id in rivya.uploads


async def test_a_yes_that_meets_a_bug_is_answered(asking: BotServer, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    question = await ask(asking, asking.alice)
    monkeypatch.setattr("bot.jobs.drafts.DraftStore.find", broken)
    result = await asking.alice.click(question, label=YES)
    assert "wrong on our side" in asking.answer(result)
