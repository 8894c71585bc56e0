"""`/access model` and `/access safety`: which models members may use where, and how strictly those check."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import discord
import pytest

from sandbox.fake_rivya import FakeRivya
from sandbox.locales import Locales
from tests.scenarios.bot_server import BotServer, OpenServer
from tests.scenarios.interactions import compose, fill_modal, response_of

MODELS = ("qwen-image", "flux-2-pro", "z-image", "seedream-4-0")


@pytest.fixture
async def server(open_server: OpenServer) -> BotServer:
    return await open_server(models=MODELS)


async def access(server: BotServer, command: str, **options: Any) -> str:
    """Run an access command as an admin; return the response."""
    words: str = server.response_text(await server.sari.slash(server.channel, f"access {command}", **options))
    return words


def open_to(server: BotServer, command: str, member: Any) -> None:
    """Let the server's settings show a command to a member."""
    found = server.find_command(command.split(maxsplit=1)[0])
    server.guild.set_command_permissions(int(found["id"]), {member: True})


async def imagine(server: BotServer, member: Any = None, channel: Any = None, **options: Any) -> Any:
    member, channel = member or server.alice, channel or server.channel
    return await member.slash(channel, "imagine", **({"prompt": "a red fox"} | options))


async def refused(server: BotServer, *args: Any, **options: Any) -> str:
    """Ask for a picture that must be refused privately with the words; return the response."""
    words: str = server.response_text(await imagine(server, *args, **options))
    assert "a red fox" in words
    return words


def models_of(rivya: FakeRivya) -> list[str]:
    return [task.model for task in rivya.tasks.values()]


async def test_a_denied_model_is_refused_with_the_models_that_may_be_used(
    server: BotServer, rivya: FakeRivya
) -> None:
    answer = await access(server, "model", model="flux-2-pro", mode="deny")
    assert "**Flux 2 Pro** may be used by nobody." in answer
    words = await refused(server, model="flux-2-pro")
    assert "do not let you use Flux 2 Pro here. You may use: Qwen Image, Z Image, Seedream 4.0." in words
    assert (server.states(), rivya.tasks) == ([], {})
    await imagine(server, model="z-image")
    assert models_of(rivya) == ["z-image"]


async def test_edit_and_try_again_takes_a_model_that_may_be_used(server: BotServer, rivya: FakeRivya) -> None:
    await access(server, "model", model="flux-2-pro", mode="deny")
    answer = await imagine(server, model="flux-2-pro")
    shown = await server.alice.click(response_of(answer).message, label="Edit and try again")
    await server.alice.submit_modal(shown, fill_modal(shown))
    assert models_of(rivya) == ["qwen-image"]


async def test_a_role_gets_a_model_as_soon_as_it_is_given(server: BotServer, rivya: FakeRivya) -> None:
    boosters = server.guild.create_role("Boosters")
    mira = server.guild.add_member(server.env.create_user("mira"))
    answer = await access(server, "model", model="Flux 2 Pro", mode="allow", role=boosters)
    assert f"**Flux 2 Pro** may be used by members with {boosters.mention}" in answer
    assert "Flux 2 Pro" in await refused(server, mira, model="flux-2-pro")
    server.env.backend.get_member(server.guild.id, mira.id).role_ids.append(boosters.id)
    await imagine(server, mira, model="flux-2-pro")
    assert models_of(rivya) == ["flux-2-pro"]


async def test_a_channel_rule_binds_buttons_by_the_channel_they_are_pressed_in(
    server: BotServer, rivya: FakeRivya
) -> None:
    await imagine(server, model="flux-2-pro")
    (message,) = server.visible_to(server.bob)
    await access(server, "model", model="flux-2-pro", mode="deny", channel=server.channel)
    again = await server.bob.click(message, label="Again")
    assert "do not let you use Flux 2 Pro here" in server.response_text(again)
    edit = await server.bob.click(message, label="Edit")
    assert "do not let you use Flux 2 Pro here" in server.response_text(edit)
    other = server.guild.create_text_channel("other")
    await imagine(server, channel=other, model="flux-2-pro")
    assert models_of(rivya) == ["flux-2-pro", "flux-2-pro"]


async def test_a_form_that_was_open_when_its_model_was_denied_gives_the_words_back(
    server: BotServer, rivya: FakeRivya
) -> None:
    shown = await compose(server, model="flux-2-pro")
    await access(server, "model", model="flux-2-pro", mode="deny")
    answer = await server.alice.submit_modal(shown, fill_modal(shown, prompt="a red fox"))
    words = server.response_text(answer)
    assert "do not let you use Flux 2 Pro here" in words
    assert "a red fox" in words
    assert rivya.tasks == {}


async def test_a_question_that_was_open_when_its_model_was_denied_is_refused(
    server: BotServer, rivya: FakeRivya
) -> None:
    await server.sari.slash(server.channel, "limits confirm", above=0)
    question = await imagine(server, model="flux-2-pro")
    await access(server, "model", model="flux-2-pro", mode="deny")
    answer = await server.alice.click(response_of(question).message, label="Paint it")
    assert "do not let you use Flux 2 Pro here" in server.private_text(answer)
    assert rivya.tasks == {}


async def test_a_picture_as_reference_takes_a_model_that_may_be_used(
    server: BotServer, rivya: FakeRivya
) -> None:
    await imagine(server, model="flux-2-pro")
    (message,) = server.visible_to(server.bob)
    await access(server, "model", model="flux-2-pro", mode="deny")
    shown = await server.bob.click(message, label="Use as reference")
    await server.bob.submit_modal(shown, fill_modal(shown, prompt="a blue fox"))
    assert models_of(rivya) == ["flux-2-pro", "qwen-image"]


async def test_once_a_model_is_allowed_to_everybody_others_are_not(
    server: BotServer, rivya: FakeRivya
) -> None:
    answer = await access(server, "model", model="z-image", mode="allow")
    assert "models without a rule that allows them may not" in answer
    assert "You may use: Z Image." in await refused(server)
    await imagine(server, model="z-image")
    assert models_of(rivya) == ["z-image"]
    removed = await access(server, "model", model="z-image", mode="lift")
    assert "There is no rule about **Z Image** any more." in removed
    await imagine(server)
    assert models_of(rivya) == ["z-image", "qwen-image"]


async def test_show_and_log_have_every_rule_and_who_set_it(server: BotServer) -> None:
    boosters = server.guild.create_role("Boosters")
    await access(server, "model", model="flux-2-pro", mode="allow", role=boosters)
    await access(server, "model", model="z-image", mode="deny", channel=server.channel)
    await access(server, "model", model="qwen-image", mode="deny")
    await access(server, "safety", switch="on")
    shown = await access(server, "show")
    assert f"**Models for some roles only**\n- **Flux 2 Pro**: {boosters.mention}" in shown
    assert f"**Models that may not be used in some channels**\n- **Z Image**: <#{server.channel.id}>" in shown
    assert "**Models that nobody may use**\n- **Qwen Image**" in shown
    assert "safety checks are loosened in age-restricted channels" in shown
    await access(server, "model", model="flux-2-pro", mode="lift", role=boosters)
    log = server.response_text(await server.sari.slash(server.channel, "limits log"))
    assert f"There is no rule about **Flux 2 Pro** for {boosters.mention} any more." in log
    assert "**Z Image** may not be used in" in log
    assert "Looser safety checks in age-restricted channels" in log
    assert server.sari.mention in log


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"model": "nothing", "mode": "deny"}, "There is no model “nothing”"),
        ({"model": "nothing", "mode": "lift"}, "There is no such rule here"),
        ({"model": "z-image", "mode": "lift"}, "There is no such rule here"),
    ],
)
async def test_what_is_no_model_or_no_rule_changes_nothing(
    server: BotServer, options: dict[str, Any], sentence: str
) -> None:
    assert sentence in await access(server, "model", **options)
    assert server.query("SELECT count(*) FROM access_rules") == [(0,)]


async def test_a_role_and_a_channel_at_once_are_refused(server: BotServer) -> None:
    role = server.guild.create_role("Boosters")
    answer = await access(server, "model", model="z-image", mode="deny", role=role, channel=server.channel)
    assert "Choose either a role or a channel, or neither for everybody" in answer
    assert server.query("SELECT count(*) FROM access_rules") == [(0,)]


async def test_the_everyone_role_is_everybody(server: BotServer) -> None:
    answer = await access(server, "model", model="z-image", mode="deny", role=server.guild.default_role)
    assert "**Z Image** may be used by nobody." in answer


@pytest.mark.parametrize("command", ["access model", "access safety", "defaults server"])
async def test_members_without_manage_server_change_nothing(server: BotServer, command: str) -> None:
    open_to(server, command, server.alice)
    options = {
        "access model": {"model": "z-image", "mode": "deny"},
        "access safety": {"switch": "on"},
        "defaults server": {"model": "z-image"},
    }[command]
    answer = await server.alice.slash(server.channel, command, **options)
    assert "Only members with Manage Server may do this" in server.response_text(answer)
    assert server.query("SELECT count(*) FROM access_rules") == [(0,)]
    assert server.query("SELECT count(*) FROM guild_settings") == [(0,)]


async def test_a_rule_about_a_model_that_is_not_offered_any_more_can_be_removed(server: BotServer) -> None:
    await access(server, "model", model="flux-2-pro", mode="deny")
    server.options["models"] = ("qwen-image",)
    await server.restart()
    choices = await server.sari.autocomplete(server.channel, "access model", "model", "flux")
    assert [choice["value"] for choice in choices] == ["flux-2-pro"]
    choices = await server.sari.autocomplete(server.channel, "access model", "model", "")
    assert [choice["value"] for choice in choices] == ["qwen-image", "flux-2-pro"]
    open_to(server, "access", server.alice)
    assert await server.alice.autocomplete(server.channel, "access model", "model", "flux") == []
    assert "no rule about **Flux 2 Pro** any more" in await access(
        server, "model", model="flux-2-pro", mode="lift"
    )


async def test_the_completion_has_denied_and_unaffordable_models_last_with_the_reason(
    server: BotServer,
) -> None:
    await access(server, "model", model="qwen-image", mode="deny")
    await server.sari.slash(server.channel, "limits guild", credits=5, period="month")
    choices = await server.alice.autocomplete(server.channel, "imagine", "model", "")
    assert [choice["name"] for choice in choices] == [
        "Flux 2 Pro · 5 credits · 8 references",
        "Z Image · 1 credit",
        "Qwen Image · not allowed for you here",
        "Seedream 4.0 · 6 credits · only 5 left",
    ]


@pytest.mark.parametrize(
    ("locale", "denied", "poor"),
    [
        ("id", "Qwen Image · tidak diizinkan untukmu di sini", "Seedream 4.0 · 6 kredit · hanya tersisa 5"),
        ("es-419", "Qwen Image · no permitido para ti aquí", "Seedream 4.0 · 6 créditos · solo quedan 5"),
    ],
)
async def test_the_reasons_are_in_the_members_language(
    server: BotServer, locale: str, denied: str, poor: str
) -> None:
    await access(server, "model", model="qwen-image", mode="deny")
    await server.sari.slash(server.channel, "limits guild", credits=5, period="month")
    Locales(server.env).of_members[server.alice.id] = locale
    choices = await server.alice.autocomplete(server.channel, "imagine", "model", "")
    assert [choice["name"] for choice in choices][2:] == [denied, poor]


async def test_the_completion_does_not_wait_for_a_database_that_is_busy(server: BotServer) -> None:
    await access(server, "model", model="qwen-image", mode="deny")
    with closing(sqlite3.connect(server.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # as a command line that writes meanwhile
        seen = len(server.env.http_requests)
        with server.without_settling():
            await server.alice.autocomplete(server.channel, "imagine", "model", "")
        await server.until(lambda: server.env.http_requests[seen:])
        (sent,) = server.env.http_requests[seen:]
        answer: Any = sent.json
        assert answer["data"]["choices"][0]["name"] == "Qwen Image · 4 credits · 1 reference"
        other.execute("ROLLBACK")
    choices = await server.alice.autocomplete(server.channel, "imagine", "model", "")
    assert choices[-1]["name"] == "Qwen Image · not allowed for you here"


async def test_how_long_a_model_takes_is_said_once_it_is_known(server: BotServer) -> None:
    server.query(
        "INSERT INTO task_durations (model, with_reference, after_ms, by_ms)"
        " VALUES ('flux-2-pro', 0, 14000, 17000), ('flux-2-pro', 0, 15000, 18000),"
        " ('flux-2-pro', 1, 15500, 19000), ('flux-2-pro', 0, 16000, 20000), ('flux-2-pro', 0, 80000, 90000),"
        " ('z-image', 0, 1000, 2000)"
    )
    await server.restart()
    await server.wait_idle()
    choices = await server.alice.autocomplete(server.channel, "imagine", "model", "")
    assert [choice["name"] for choice in choices][:3] == [
        "Qwen Image · 4 credits · 1 reference",
        "Flux 2 Pro · 5 credits · about 20 s · 8 references",
        "Z Image · 1 credit",
    ]
    task = await imagine(server, model="FLUX 2 PRO · 5 credits · about 20 s · 8 references")
    assert task.response is not None


# Safety.


def red_channel(server: BotServer) -> Any:
    red = server.guild.create_text_channel("red")
    server.bot_channel(red.id).nsfw = True  # SimCord cannot create an age-restricted channel
    return red


def checks_of(rivya: FakeRivya) -> list[object]:
    return [task.params["nsfw_checker"] for task in rivya.tasks.values()]


async def test_checks_are_loosened_in_age_restricted_channels_and_their_threads_alone(
    server: BotServer, rivya: FakeRivya
) -> None:
    red = red_channel(server)
    created = await server.bot_channel(red.id).create_thread(
        name="sketches", type=discord.ChannelType.public_thread
    )
    (thread,) = [each for each in red.threads if each.id == created.id]
    await imagine(server, channel=red, model="seedream-4-0")
    assert checks_of(rivya) == ["true"]
    answer = await access(server, "safety", switch="on")
    assert "In age-restricted channels and their threads" in answer
    await imagine(server, channel=red, model="seedream-4-0", prompt="a blue fox")
    await imagine(server, channel=thread, model="seedream-4-0", prompt="a green fox")
    await imagine(server, model="seedream-4-0", prompt="a black fox")
    assert checks_of(rivya) == ["true", "false", "false", "true"]
    await access(server, "safety", switch="off")
    await imagine(server, channel=red, model="seedream-4-0", prompt="a white fox")
    assert checks_of(rivya) == ["true", "false", "false", "true", "true"]


async def test_a_button_follows_the_channel_it_is_pressed_in(server: BotServer, rivya: FakeRivya) -> None:
    await access(server, "safety", switch="on")
    red = red_channel(server)
    await imagine(server, channel=red, model="seedream-4-0")
    (message,) = red.history()
    server.bot_channel(red.id).nsfw = False  # an admin has lifted the restriction since
    await server.alice.click(message, label="Again")
    assert checks_of(rivya) == ["false", "true"]


async def test_what_was_decided_at_the_acceptance_is_sent_after_a_restart(
    open_server: OpenServer, rivya: FakeRivya
) -> None:
    server = await open_server(models=MODELS, max_running=1)
    await access(server, "safety", switch="on")
    red = red_channel(server)
    rivya.hold()
    await server.start_imagine(server.alice, model="seedream-4-0")
    await server.start_imagine(server.alice, where=red, model="seedream-4-0")  # waits for its turn
    assert server.query("SELECT create_body FROM jobs ORDER BY accepted_at")[1] == (None,)
    server.query("DELETE FROM guild_settings")
    rivya.release()
    await server.restart(idle=False)
    await server.wait_idle()
    assert checks_of(rivya) == ["true", "false"]


async def test_where_no_model_has_such_a_setting_there_is_no_command_for_it(open_server: OpenServer) -> None:
    server = await open_server()
    names = [option["name"] for option in server.find_command("access")["options"]]
    assert "safety" not in names
    assert "model" in names
