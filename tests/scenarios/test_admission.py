"""Servers that join: the card to the operator, its buttons, and what a server that is not admitted gets."""

from __future__ import annotations

import asyncio
from typing import Any

import discord
import pytest
import simcord
from structlog.testing import capture_logs

from bot.__main__ import main
from bot.background.admission_notifier import INTERVAL_SECONDS
from bot.config.settings import AboutSettings
from bot.domain.admission import AdmissionMode
from tests.scenarios.bot_server import OPERATOR_GUILD, BotServer, OpenServer, open_asking_server
from tests.scenarios.interactions import StaleMessage, fill_modal, labels, modal_of, response_of
from tests.support.images import make_picture
from tests.support.waiting import until

NOT_YET = "have not allowed pictures in this server yet"
REFUSED = "do not allow pictures in this server"
CARD_BUTTONS = ["Allow 50", "Allow 200", "Another amount", "Refuse"]


class Stranger:
    """A server that somebody unknown has invited the bot to, with one member."""

    def __init__(self, server: BotServer, name: str = "Strangers") -> None:
        self.server = server
        self.guild = server.env.create_guild(name)
        self.channel = self.guild.create_text_channel("general")
        managers = self.guild.create_role("Managers", permissions=discord.Permissions(manage_guild=True))
        self.mallory = self.guild.add_member(server.env.create_user("mallory"), roles=[managers])

    async def imagine(self, prompt: str = "a fox") -> simcord.InteractionResult:
        return await self.mallory.slash(self.channel, "imagine", prompt=prompt)

    async def refusal(self) -> str:
        """Ask for a picture; return the private sentence."""
        return str(self.server.response_text(await self.imagine()))

    def refusals(self) -> list[str]:
        """Return the messages to everybody which say that the server was refused."""
        texts = (str(self.server.text_of(message)) for message in self.channel.history())
        return [text for text in texts if REFUSED in text]

    def kick_bot(self) -> None:
        self.server.env.backend.remove_guild(self.guild.id)

    def invite_again(self, name: str) -> Any:
        self.server.env.backend._reserved_ids.discard(self.guild.id)
        return self.server.env.create_guild(name, id=self.guild.id)

    def is_left(self) -> bool:
        return self.guild.id not in self.server.env.backend.guilds


@pytest.fixture
async def server(open_server: OpenServer) -> BotServer:
    """A bot that was in its servers before it began to ask about new ones."""
    return await open_asking_server(open_server)


@pytest.fixture
async def stranger(server: BotServer) -> Stranger:
    stranger = Stranger(server)
    await server.wait_idle()
    return stranger


def cards(server: BotServer) -> list[discord.Message]:
    return list(server.staff_channel.history())


async def run_operator(monkeypatch: pytest.MonkeyPatch, server: BotServer, *arguments: str) -> int:
    """Run a command beside the bot, which then has its next look at the rows."""
    monkeypatch.setenv("BOT_DATABASE__PATH", str(server.database))
    code = await asyncio.to_thread(main, ["operator", *arguments])
    await server.env.advance_time(INTERVAL_SECONDS + 1)
    return code


async def test_the_contact_of_the_settings_is_named_instead_of_the_owner(server: BotServer) -> None:
    server.options["about"] = AboutSettings(contact="mira@example.org")
    await server.restart()
    stranger = Stranger(server)
    await server.wait_idle()
    sentence = await stranger.refusal()
    assert "ask mira@" in sentence
    assert "<@" not in sentence
    await refuse(server)
    await server.wait_idle()
    assert any("ask mira@" in server.text_of(message) for message in stranger.channel.history())


async def refuse(server: BotServer) -> simcord.InteractionResult:
    """Refuse the server of the one card; return the answer to the second click."""
    question = await server.operator.click(cards(server)[0], label="Refuse")
    return await server.operator.click(response_of(question).message, label="Refuse and leave")


async def end_grace(server: BotServer) -> None:
    """Let the day after a refusal pass."""
    server.query("UPDATE admissions SET leave_at = 1 WHERE leave_at IS NOT NULL")
    await server.env.advance_time(INTERVAL_SECONDS + 1)
    await server.wait_idle()


# The card.


async def test_a_server_that_joins_is_shown_to_the_operator_and_waits(
    server: BotServer, stranger: Stranger
) -> None:
    (card,) = cards(server)
    text = server.text_of(card)
    assert f"**Strangers** (`{stranger.guild.id}`)" in text
    assert "2 members" in text  # its owner and the bot
    assert "its ceiling 200 credits a month" in text
    assert f"operator allow {stranger.guild.id} 50" in text
    assert labels(server, card) == CARD_BUTTONS
    sentence = await stranger.refusal()
    assert NOT_YET in sentence
    assert "ask <@" in sentence
    assert "Nothing was charged" in sentence
    assert server.ledger_entries() == []
    doctor = server.response_text(await stranger.mallory.slash(stranger.channel, "doctor"))
    assert NOT_YET in doctor
    assert "Nothing was charged" not in doctor
    assert "Yes: attach pictures" in doctor, "the rest is checked as everywhere"


async def test_the_name_of_a_server_formats_nothing_and_pings_nobody(server: BotServer) -> None:
    Stranger(server, "**@everyone** [free](https://evil.example)\n# now")
    await server.wait_idle()
    (card,) = cards(server)
    text = server.text_of(card)
    assert "\n# now" not in text
    assert r"\*\*" in text
    assert not card.mention_everyone


async def test_servers_that_were_there_before_stay_admitted(server: BotServer, stranger: Stranger) -> None:
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    await server.operator.slash(server.staff_channel, "imagine", prompt="a fox")
    assert server.states() == ["settled"] * 2
    assert len(cards(server)) == 2  # the stranger's, and the operator's picture


async def test_a_server_that_joined_while_the_bot_was_down_waits(server: BotServer) -> None:
    await server.app.client.close()
    stranger = Stranger(server)
    await server.restart(idle=False)
    await server.wait_idle()
    assert len(cards(server)) == 1
    assert NOT_YET in await stranger.refusal()


async def test_a_card_is_posted_once_however_often_the_bot_starts(
    server: BotServer, stranger: Stranger
) -> None:
    await server.restart()
    await server.restart()
    await server.env.advance_time(INTERVAL_SECONDS + 1)
    assert len(cards(server)) == 1


async def test_a_card_that_discord_does_not_take_is_posted_later(server: BotServer) -> None:
    server.env.inject_error("POST", f"/channels/{server.staff_channel.id}/messages", status=503, times=20)
    stranger = Stranger(server)
    await server.env.advance_time(30)
    assert cards(server) == []
    await server.env.advance_time(20 * INTERVAL_SECONDS)
    assert len(cards(server)) == 1
    assert NOT_YET in await stranger.refusal()


async def test_a_server_that_leaves_and_comes_back_is_asked_about_once(
    server: BotServer, stranger: Stranger
) -> None:
    stranger.kick_bot()
    await server.wait_idle()
    stranger.invite_again("Strangers again")
    await server.wait_idle()
    (card,) = cards(server)
    await server.operator.click(card, label="Allow 50")
    assert "Strangers again" in server.text_of(cards(server)[0])


async def test_a_renamed_server_is_shown_by_its_new_name(server: BotServer, stranger: Stranger) -> None:
    server.env.backend.edit_guild(stranger.guild.id, {"name": "Friends"})
    await server.wait_idle()
    await server.operator.click(cards(server)[0], label="Allow 50")
    assert "**Friends**" in server.text_of(cards(server)[0])


async def test_without_a_channel_the_owner_gets_the_card_and_decides_there(open_server: OpenServer) -> None:
    server = await open_server(operator_guild=OPERATOR_GUILD)
    server.options["admission"] = AdmissionMode.APPROVE
    await server.restart()
    server.set_application_owner(server.operator.id)
    stranger = Stranger(server)
    await server.wait_idle()
    direct = server.operator.user.dm_channel
    (card,) = direct.history()
    await server.operator.user.click(card, label="Allow 50")
    await stranger.imagine()
    assert server.states() == ["settled"]


async def test_an_operator_whom_nothing_reaches_finds_a_line_and_the_command(
    open_server: OpenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = await open_server()
    server.options["admission"] = AdmissionMode.APPROVE
    await server.restart()
    with capture_logs() as lines:
        stranger = Stranger(server)
        await server.wait_idle()
        await server.env.advance_time(3 * INTERVAL_SECONDS)
    (line,) = [line for line in lines if line.get("code") == "admission"]
    assert line["log_level"] == "error"
    assert f"operator allow {stranger.guild.id} CREDITS" in str(line)
    assert await run_operator(monkeypatch, server, "allow", str(stranger.guild.id), "8") == 0
    await stranger.imagine()
    assert server.states() == ["settled"]


# The buttons.


@pytest.mark.parametrize("restarted", [False, True], ids=["at once", "after a restart"])
@pytest.mark.parametrize("credits", [50, 200])
async def test_allow_admits_a_server_with_a_ceiling_that_no_admin_can_pass(
    server: BotServer, stranger: Stranger, credits: int, restarted: bool
) -> None:
    if restarted:
        await server.restart()
    await server.operator.click(cards(server)[0], label=f"Allow {credits}")
    text = server.text_of(cards(server)[0])
    assert "### Allowed" in text
    assert f"At most {credits} credits a month" in text
    assert f"Decided by <@{server.operator.id}>" in text
    assert labels(server, cards(server)[0]) == []
    result = await stranger.mallory.slash(stranger.channel, "limits guild", credits=1_000_000, period="day")
    assert f"allow this server {credits} credits a month" in server.response_text(result)
    await stranger.imagine()
    assert server.states() == ["settled"]
    shown = server.response_text(await stranger.mallory.slash(stranger.channel, "limits show"))
    assert f"4 of {credits} credits used" in shown


async def test_another_amount_is_typed_into_a_form(server: BotServer, stranger: Stranger) -> None:
    card = cards(server)[0]
    for wrong in ("0", "-5", "1,000", "1000001", "a lot", "٣"):
        shown = await server.operator.click(card, label="Another amount")
        result = await server.operator.submit_modal(shown, fill_modal(shown, credits=wrong))
        assert "not a number of credits" in server.response_text(result)
        assert server.query("SELECT state FROM admissions WHERE guild_id = ?", stranger.guild.id) == [
            ("waiting",)
        ]
    shown = await server.operator.click(card, label="Another amount")
    assert "200 credits a month" in str(modal_of(shown))
    await server.operator.submit_modal(shown, fill_modal(shown, credits=" 500 "))
    text = server.text_of(cards(server)[0])
    assert "At most 500 credits a month" in text
    assert "Its limit is 200 credits a month; its admins can raise it" in text
    await stranger.imagine()
    assert server.states() == ["settled"]


async def test_refuse_asks_once_explains_in_the_server_and_leaves_after_a_day(
    server: BotServer, stranger: Stranger
) -> None:
    card = cards(server)[0]
    question = await server.operator.click(card, label="Refuse")
    assert "### Refuse this server?" in server.response_text(question)
    assert stranger.refusals() == []
    assert labels(server, cards(server)[0]) == CARD_BUTTONS
    await server.operator.click(response_of(question).message, label="Refuse and leave")
    assert "### Refused" in server.text_of(cards(server)[0])
    assert labels(server, cards(server)[0]) == []
    (text,) = stranger.refusals()
    assert "The bot leaves this server <t:" in text
    sentence = await stranger.refusal()
    assert REFUSED in sentence
    assert "The bot leaves this server <t:" in sentence
    await server.restart()
    assert not stranger.is_left()
    await end_grace(server)
    assert stranger.is_left()
    assert server.ledger_entries() == []
    assert len(cards(server)) == 1


async def test_a_refusal_counts_although_the_card_was_deleted(server: BotServer, stranger: Stranger) -> None:
    question = await server.operator.click(cards(server)[0], label="Refuse")
    await cards(server)[0].delete()
    result = await server.operator.click(response_of(question).message, label="Refuse and leave")
    assert "### Refused" in server.text_of(response_of(question).message)
    assert result.followups == []
    assert REFUSED in await stranger.refusal()


async def test_a_grace_that_ends_while_the_bot_is_down_is_not_forgotten(
    server: BotServer, stranger: Stranger
) -> None:
    await refuse(server)
    server.query("UPDATE admissions SET leave_at = 1 WHERE leave_at IS NOT NULL")
    await server.restart()
    await server.wait_idle()
    assert stranger.is_left()


async def test_a_refusal_with_discord_down_is_explained_later_and_once(
    server: BotServer, stranger: Stranger
) -> None:
    server.env.inject_error("POST", f"/channels/{stranger.channel.id}/messages", status=503, times=20)
    await refuse(server)
    assert stranger.refusals() == []
    await server.restart()
    await server.env.advance_time(20 * INTERVAL_SECONDS)
    assert len(stranger.refusals()) == 1


async def test_a_server_without_a_channel_to_write_in_is_told_through_its_owner(
    server: BotServer, stranger: Stranger
) -> None:
    server.env.inject_error(
        "POST", f"/channels/{stranger.channel.id}/messages", status=403, code=50001, times=None
    )
    await refuse(server)
    (message,) = stranger.guild.owner.dm_channel.history()
    assert REFUSED in server.text_of(message)


async def test_a_bot_that_is_kicked_during_the_grace_has_nothing_left_to_do(
    server: BotServer, stranger: Stranger
) -> None:
    await refuse(server)
    stranger.kick_bot()
    await server.wait_idle()
    assert server.query("SELECT leave_at FROM admissions WHERE state = 'refused'") == [(None,)]
    # Should it be invited again, it is refused as before, tells so again, and leaves again.
    channel = stranger.invite_again("Strangers").create_text_channel("general")
    await server.env.advance_time(INTERVAL_SECONDS + 1)
    assert len(channel.history()) == 1
    assert len(cards(server)) == 1
    await end_grace(server)
    assert stranger.is_left()


@pytest.mark.parametrize("label", CARD_BUTTONS)
async def test_nobody_but_the_operator_decides(server: BotServer, stranger: Stranger, label: str) -> None:
    result = await server.other_admin.click(cards(server)[0], label=label)
    assert "Only the people who run this bot" in server.response_text(result)
    assert server.query("SELECT state FROM admissions WHERE guild_id = ?", stranger.guild.id) == [
        ("waiting",)
    ]
    assert labels(server, cards(server)[0]) == CARD_BUTTONS


async def test_a_form_and_a_question_are_answered_by_the_operator_only(
    server: BotServer, stranger: Stranger
) -> None:
    shown = await server.operator.click(cards(server)[0], label="Another amount")
    question = await server.operator.click(cards(server)[0], label="Refuse")
    server.app.client.owner_id = server.alice.id
    result = await server.operator.submit_modal(shown, fill_modal(shown, credits="5"))
    assert "Only the people who run this bot" in server.response_text(result)
    result = await server.operator.click(response_of(question).message, label="Refuse and leave")
    assert "Only the people who run this bot" in server.response_text(result)
    assert server.query("SELECT state FROM admissions WHERE guild_id = ?", stranger.guild.id) == [
        ("waiting",)
    ]


async def test_the_admins_of_the_applications_team_decide(server: BotServer, stranger: Stranger) -> None:
    client: Any = server.app.client
    client.owner_id, client.owner_ids = None, {server.operator.id, server.other_admin.id}
    await server.other_admin.click(cards(server)[0], label="Allow 50")
    assert f"Decided by <@{server.other_admin.id}>" in server.text_of(cards(server)[0])


@pytest.mark.parametrize("label", CARD_BUTTONS)
async def test_a_second_click_changes_nothing_and_says_who_decided(
    server: BotServer, stranger: Stranger, label: str
) -> None:
    stale = StaleMessage(server, cards(server)[0])
    stale._server = _At(server, server.headquarters)
    await server.operator.click(cards(server)[0], label="Allow 50")
    if label == "Another amount":
        server.app.client.owner_id = server.other_admin.id
    clicker = server.other_admin if label == "Another amount" else server.operator
    result = await stale.click(clicker, label)
    (told,) = result.followups
    assert f"decided before. Decided by <@{server.operator.id}>" in server.text_of(told.message)
    assert server.query("SELECT credits FROM limits WHERE rule = 'ceiling'") == [(50,)]
    assert "At most 50 credits" in server.text_of(cards(server)[0])


class _At:
    """A server whose stale messages are in another guild."""

    def __init__(self, server: BotServer, guild: Any) -> None:
        self.env, self.guild = server.env, guild


async def test_a_question_that_is_answered_too_late_refuses_nothing(
    server: BotServer, stranger: Stranger
) -> None:
    shown = await server.operator.click(cards(server)[0], label="Another amount")
    question = await server.operator.click(cards(server)[0], label="Refuse")
    await server.operator.click(cards(server)[0], label="Allow 50")
    result = await server.operator.click(response_of(question).message, label="Refuse and leave")
    (told,) = result.followups
    assert "decided before" in server.text_of(told.message)
    result = await server.operator.submit_modal(shown, fill_modal(shown, credits="900"))
    (told,) = result.followups
    assert "decided before" in server.text_of(told.message)
    assert server.query("SELECT credits FROM limits WHERE rule = 'ceiling'") == [(50,)]
    await stranger.imagine()
    assert server.states() == ["settled"]


# No way around it.


async def test_a_refused_server_has_no_other_way_to_a_picture(
    server: BotServer, stranger: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    guild_id = str(stranger.guild.id)
    await run_operator(monkeypatch, server, "allow", guild_id, "900")
    await stranger.mallory.slash(stranger.channel, "presets save", name="ink", before="in ink,")
    await stranger.imagine()
    *_, picture = stranger.channel.history()
    form = await stranger.mallory.slash(stranger.channel, "imagine")
    await stranger.mallory.slash(stranger.channel, "limits confirm", above=1)
    asked = await stranger.imagine("a dear fox")
    assert await run_operator(monkeypatch, server, "refuse", guild_id, "--yes") == 0
    (picture,) = [message for message in stranger.channel.history() if message.id == picture.id]
    attempts = [
        await stranger.imagine(),
        await stranger.imagine("x" * 5000),
        await stranger.mallory.slash(stranger.channel, "imagine"),
        await stranger.mallory.slash(stranger.channel, "imagine", prompt="a fox", preset="ink"),
        await stranger.mallory.slash(
            stranger.channel, "imagine", prompt="a fox", reference=("r.png", make_picture())
        ),
        await stranger.mallory.click(picture, label="Again"),
        await stranger.mallory.click(picture, label="Edit"),
        await stranger.mallory.click(picture, label="Use as reference"),
        await stranger.mallory.context_menu(stranger.channel, "Use as reference", picture),
        await stranger.mallory.context_menu(stranger.channel, "Use avatar as reference", stranger.mallory),
        await stranger.mallory.submit_modal(form, fill_modal(form, prompt="another fox")),
        await stranger.mallory.click(response_of(asked).message, label="Paint it"),
    ]
    for attempt in attempts:
        replies = [reply for reply in (attempt.response, *attempt.followups) if reply is not None]
        assert any(REFUSED in server.text_of(reply.message) for reply in replies)
    assert server.states() == ["settled"]
    assert len(server.rivya.tasks) == 1


async def test_an_accepted_picture_is_delivered_although_the_server_is_refused(
    server: BotServer, stranger: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    await run_operator(monkeypatch, server, "allow", str(stranger.guild.id), "50")
    server.rivya.hold()
    with server.without_settling():
        await stranger.imagine()
        await server.until(lambda: server.rivya.tasks)
    monkeypatch.setenv("BOT_DATABASE__PATH", str(server.database))
    assert await asyncio.to_thread(main, ["operator", "refuse", str(stranger.guild.id), "--yes"]) == 0
    server.rivya.release()
    await server.wait_idle()
    assert server.states() == ["settled"]
    assert any(message.attachments for message in stranger.channel.history())


# The other modes.


async def test_an_open_bot_asks_about_nobody_and_has_the_ceiling(open_server: OpenServer) -> None:
    server = await open_server(operator_guild=OPERATOR_GUILD, guild_credits=8)
    server.options["operator_channel"] = server.staff_channel.id
    await server.restart()
    stranger = Stranger(server)
    await server.wait_idle()
    assert cards(server) == []
    await stranger.mallory.slash(stranger.channel, "limits guild", credits=1_000_000, period="day")
    await stranger.imagine()
    await stranger.imagine()
    sentence = await stranger.refusal()
    assert "what this bot allows this server has 0 left" in sentence
    assert "Only the people who run this bot can raise it" in sentence
    assert server.states() == ["settled"] * 2


async def test_with_a_list_only_its_servers_and_the_operators_paint(open_server: OpenServer) -> None:
    server = await open_server(operator_guild=OPERATOR_GUILD)
    stranger, friend = Stranger(server), Stranger(server, "Friends")
    await server.wait_idle()
    server.options |= {
        "admission": AdmissionMode.LIST,
        "allowed": (friend.guild.id,),
        "operator_channel": server.staff_channel.id,
    }
    await server.restart()
    await friend.imagine()
    await server.operator.slash(server.staff_channel, "imagine", prompt="a fox")
    assert "allow pictures in some servers only" in await stranger.refusal()
    assert "in some servers only" in server.response_text(
        await server.alice.slash(server.channel, "imagine", prompt="a fox")
    )
    assert server.states() == ["settled"] * 2
    # Those of the list stay admitted if the mode changes, the others are asked about.
    server.options["admission"] = AdmissionMode.APPROVE
    await server.restart()
    await server.wait_idle()
    await friend.imagine()
    assert server.states() == ["settled"] * 3


async def test_an_upgrade_shuts_nobody_out_while_discord_sends_the_servers(
    open_server: OpenServer,
) -> None:
    server = await open_server(operator_guild=OPERATOR_GUILD)
    server.query("DELETE FROM admissions")
    server.query("UPDATE admission_policy SET counted_at = NULL")
    server.options["admission"] = AdmissionMode.APPROVE
    await server.restart()
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    assert server.states() == ["settled"]
    assert server.query("SELECT DISTINCT state FROM admissions") == [("admitted",)]
    stranger = Stranger(server)
    await server.wait_idle()
    assert NOT_YET in await stranger.refusal()


async def test_the_first_start_with_ceilings_keeps_what_an_admin_had_set(open_server: OpenServer) -> None:
    server = await open_server()
    server.query("DELETE FROM default_ceiling")  # as an earlier version left it
    await server.sari.slash(server.channel, "limits guild", credits=900, period="month")
    with capture_logs() as lines:
        await server.restart()
    assert [line["servers"] for line in lines if "limits.guild_ceiling" in line["event"]] == [1]
    shown = server.response_text(await server.sari.slash(server.channel, "limits show"))
    assert "allow this server **900 credits a month** at most" in shown
    result = await server.sari.slash(server.channel, "limits guild", credits=901, period="month")
    assert "allow this server 900 credits a month: that is all it can spend" in server.response_text(result)
    logged = server.response_text(await server.sari.slash(server.channel, "limits log"))
    assert "by the people who run this bot" in logged


async def test_servers_are_recorded_once_they_are_all_known(server: BotServer, stranger: Stranger) -> None:
    """discord.py announces each by itself during its start; that would be a transaction for each."""
    client, guild_id = server.app.client, stranger.guild.id
    names = f"SELECT name FROM admissions WHERE guild_id = {guild_id}"
    server.query("UPDATE admissions SET name = 'as it was' WHERE guild_id = ?", guild_id)
    guild = client.get_guild(guild_id)
    client._ready.clear()
    for _ in range(2):  # the first lets the listeners begin
        client.dispatch("guild_available", guild)
        await server.app.ledger.held_credits()  # a transaction after theirs
        assert server.query(names) == [("as it was",)]
    client._ready.set()
    client.dispatch("ready")
    await until(lambda: server.query(names) == [("Strangers",)])
