"""Start and end of the bot's process, and how it resumes after SIGKILL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.environment import E2EEnvironment
from tests.e2e.fake_discord.faults import Call
from tests.e2e.fake_discord.server import message_text
from tests.support.waiting import until

MAX_SHUTDOWN_SECONDS = 10.0
"""Half of the time that the bot gives to a running step."""

NEWEST_GREETING = "SELECT state FROM greetings ORDER BY seen_at DESC, guild_id DESC LIMIT 1"


def with_files(call: Call) -> bool:
    return call.has_files


async def test_a_second_start_does_not_sync_commands_again(fresh: E2EEnvironment) -> None:
    rest = fresh.discord.rest
    fresh.bot.settings["BOT_DISCORD__OPERATOR_GUILD"] = str(fresh.channel.guild_id)
    await fresh.bot.start_connected()
    assert (await fresh.bot.terminate())[0] == 0
    first = rest.count("sync"), rest.count("sync_guild")
    await fresh.bot.start_connected()
    assert (await fresh.bot.terminate())[0] == 0
    assert (rest.count("sync"), rest.count("sync_guild")) == first
    assert first[0] == 1
    assert {command["name"] for command in fresh.discord.commands[0]} >= {"imagine", "credits", "limits"}


@pytest.mark.parametrize(("status", "code"), [(400, 30034), (503, 0)])
async def test_commands_that_discord_takes_later_do_not_stop_a_start(
    fresh: E2EEnvironment, status: int, code: int
) -> None:
    refused = fresh.discord.faults.add("status", "sync", None, status=status, code=code)
    await fresh.bot.start_connected()
    assert (await fresh.bot.terminate())[0] == 0
    assert refused.hits
    assert fresh.discord.commands == {}
    fresh.discord.faults.clear()
    await fresh.bot.start_connected()
    assert (await fresh.bot.terminate())[0] == 0
    assert "imagine" in {command["name"] for command in fresh.discord.commands[0]}


async def test_the_operator_s_commands_wait_for_the_bot_to_be_in_their_server(fresh: E2EEnvironment) -> None:
    guild_id = fresh.channel.guild_id or 0
    rest, faults = fresh.discord.rest, fresh.discord.faults
    operator_guild = {"BOT_DISCORD__OPERATOR_GUILD": str(guild_id)}
    faults.add("status", "sync_guild", status=403, code=50001)
    await fresh.bot.start_connected(**operator_guild)
    assert (await fresh.bot.terminate())[0] == 0
    assert guild_id not in fresh.discord.commands
    await fresh.bot.start_connected(**operator_guild)  # the bot was invited meanwhile
    assert (await fresh.bot.terminate())[0] == 0
    assert [command["name"] for command in fresh.discord.commands[guild_id]] == ["operator"]
    faults.add("status", "sync_guild", status=403, code=50001)  # and has left again
    await fresh.bot.start_connected()
    assert (await fresh.bot.terminate())[0] == 0
    assert rest.count("sync_guild") == 3
    await fresh.bot.start_connected()  # the server is forgotten
    assert (await fresh.bot.terminate())[0] == 0
    assert rest.count("sync_guild") == 3


async def test_commands_that_discord_calls_malformed_end_the_start_in_one_line(fresh: E2EEnvironment) -> None:
    fresh.discord.faults.add("status", "sync", status=400, code=50035)
    await fresh.bot.start()
    assert await fresh.bot.wait_ended() == 1
    (line,) = [line for line in fresh.bot.log().splitlines() if not line.startswith("{")]
    assert "Discord refuses our commands" in line


@pytest.mark.usefixtures("event_loop_name")
async def test_sigterm_ends_promptly_and_the_next_run_delivers_the_picture(fresh: E2EEnvironment) -> None:
    fresh.rivya.hold()
    await fresh.bot.start_connected(strict=True)
    interaction = await fresh.imagine("a parked fox")
    await fresh.wait_for_task("a parked fox")
    code, seconds = await fresh.bot.terminate()
    assert code == 0
    assert seconds < MAX_SHUTDOWN_SECONDS
    assert "LEAKED TASK" not in fresh.bot.log()
    assert "Unclosed" not in fresh.bot.log()
    fresh.rivya.release()
    await fresh.bot.start_connected()
    assert await fresh.outcome(interaction) == ("delivered", "reply", "settled", 4)
    assert fresh.visible_messages() == [fresh.picture_message("a parked fox")]
    assert len(fresh.tasks("a parked fox")) == 1


@pytest.mark.usefixtures("event_loop_name")
async def test_sigterm_waits_for_a_picture_that_is_being_delivered(fresh: E2EEnvironment) -> None:
    await fresh.bot.start_connected()
    slow = fresh.discord.faults.add("lag", "reply_edit", seconds=1.0, only=with_files)
    interaction = await fresh.imagine("a slow fox")
    await fresh.discord.until(lambda: slow.hits == 1)
    assert (await fresh.bot.terminate())[0] == 0
    assert await fresh.outcome(interaction) == ("delivered", "reply", "settled", 4)
    assert fresh.visible_messages() == [fresh.picture_message("a slow fox")]


@pytest.mark.usefixtures("event_loop_name")
async def test_a_token_that_is_reset_ends_the_bot_in_one_line(fresh: E2EEnvironment) -> None:
    await fresh.bot.start_connected()
    fresh.discord.bot_token = "another.one.now"
    await fresh.discord.gateway.reconnect()
    assert await fresh.bot.wait_ended() == 1
    assert "4004" in fresh.bot.log().splitlines()[-1]


async def kill_and_restart_at(
    environment: E2EEnvironment,
    route: Any,
    *,
    processed: bool,
    meanwhile: Callable[[], None] | None = None,
    **details: Any,
) -> None:
    """Kill the bot at its next call of the route, call `meanwhile`, and start it again."""
    environment.discord.faults.add("hook", route, act=environment.bot.kill, processed=processed, **details)
    environment.rivya.release()
    await environment.bot.wait_ended()
    if meanwhile is not None:
        meanwhile()
    await environment.bot.start_connected()


async def test_killed_between_the_picture_and_its_commit_the_same_message_is_edited(
    fresh: E2EEnvironment,
) -> None:
    await fresh.bot.start_connected()
    fresh.rivya.hold()
    interaction = await fresh.imagine("a fox")
    await fresh.wait_for_task("a fox")
    await kill_and_restart_at(fresh, "reply_edit", processed=True, only=with_files)
    assert await fresh.outcome(interaction) == ("delivered", "reply", "settled", 4)
    assert fresh.visible_messages() == [fresh.picture_message("a fox")]


@pytest.mark.parametrize("minutes_later", [False, True])
async def test_killed_between_a_new_message_and_its_commit_the_nonce_brings_it_back_while_it_lives(
    fresh: E2EEnvironment, minutes_later: bool
) -> None:
    """Two pictures are possible only here: the nonce has expired before the next start."""
    await fresh.bot.start_connected()
    fresh.rivya.hold()
    interaction = await fresh.imagine("a fox")
    await fresh.wait_for_task("a fox")
    fresh.discord.reply(interaction).deleted = True
    forget = fresh.discord.forget_nonces if minutes_later else None
    await kill_and_restart_at(fresh, "post", processed=True, meanwhile=forget)
    assert await fresh.outcome(interaction) == ("delivered", "channel", "settled", 4)
    pictures = len(fresh.discord.pictures("a fox"))
    assert pictures == 1 + minutes_later == 1 + len(fresh.discord.late_repeats)


@pytest.mark.parametrize("processed", [True, False])
async def test_killed_at_the_first_answer_it_goes_on_if_discord_has_it(
    fresh: E2EEnvironment, processed: bool
) -> None:
    await fresh.bot.start_connected()
    fresh.discord.faults.add("hook", "callback", act=fresh.bot.kill, processed=processed)
    interaction = await fresh.imagine("a fox")
    await fresh.bot.wait_ended()
    await fresh.bot.start_connected()
    if processed:
        assert await fresh.outcome(interaction) == ("delivered", "reply", "settled", 4)
        assert fresh.visible_messages() == [fresh.picture_message("a fox")]
    else:
        assert await fresh.outcome(interaction) == ("cancelled", None, "released", 0)
        assert fresh.tasks("a fox") == []


async def test_killed_between_the_greeting_and_its_commit_the_server_is_greeted_once(
    fresh: E2EEnvironment,
) -> None:
    await fresh.bot.start_connected()
    await until(lambda: fresh.bot.query("SELECT 1 FROM greeting_start WHERE counted_at > 0"))
    (channel,) = fresh.discord.add_guild()
    killed = fresh.discord.faults.add(
        "hook",
        "post",
        act=fresh.bot.kill,
        processed=True,
        only=lambda call: call.parts["channel"] == str(channel.id),
    )
    await fresh.discord.gateway.join(channel.guild_id or 0)
    await fresh.bot.wait_ended()
    assert killed.hits == 1
    assert [row["state"] for row in fresh.bot.query(NEWEST_GREETING)] == ["new"]
    await fresh.bot.start_connected()
    await until(lambda: fresh.bot.query(NEWEST_GREETING)[0]["state"] == "greeted")
    (greeting,) = fresh.discord.visible_messages(channel)
    assert "### Hello! I make pictures" in message_text(greeting)
    assert fresh.visible_messages() == []  # it was in the other server before
    assert (await fresh.bot.terminate())[0] == 0
