"""How the bot's process begins and ends, and what a `kill -9` leaves to the next one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.environment import E2EEnvironment
from tests.e2e.fake_discord.faults import Call

PROMPT_SECONDS = 10.0
"""Half of the grace that a step under way is given."""


def with_files(call: Call) -> bool:
    return call.has_files


async def test_a_second_start_tells_discord_no_commands(fresh: E2EEnvironment) -> None:
    rest = fresh.discord.rest
    fresh.bot.settings["BOT_DISCORD__OPERATOR_GUILD"] = str(fresh.channel.guild_id)
    await fresh.bot.start_connected()
    assert (await fresh.bot.close())[0] == 0
    first = rest.count("sync"), rest.count("sync_guild")
    await fresh.bot.start_connected()
    assert (await fresh.bot.close())[0] == 0
    assert (rest.count("sync"), rest.count("sync_guild")) == first
    assert first[0] == 1
    assert {command["name"] for command in fresh.discord.commands[0]} >= {"imagine", "credits", "limits"}


@pytest.mark.parametrize(
    ("fault", "words"),
    [(None, "Discord refuses the token"), (("html", 503), "503"), (("cut_before", 0), "out of reach")],
)
async def test_who_cannot_log_in_says_so_in_one_line(
    fresh: E2EEnvironment, fault: tuple[Any, int] | None, words: str
) -> None:
    settings: dict[str, Any] = {}
    if fault is None:
        settings = {"BOT_DISCORD__TOKEN": "a.wrong.one"}
    else:
        fresh.discord.faults.add(fault[0], "me", None, status=fault[1])
    await fresh.bot.start(**settings)
    assert await fresh.bot.ended() == 1
    ours = [line for line in fresh.bot.log().splitlines() if not line.startswith("{")]
    assert len(ours) == 1
    assert words in ours[0]


async def test_sigterm_ends_promptly_and_the_next_life_brings_the_picture(fresh: E2EEnvironment) -> None:
    fresh.rivya.hold()
    await fresh.bot.start_connected(strict=True)
    interaction = await fresh.ask("a parked fox")
    await fresh.painting("a parked fox")
    code, seconds = await fresh.bot.close()
    assert code == 0
    assert seconds < PROMPT_SECONDS
    assert "LEFT OVER" not in fresh.bot.log()
    assert "Unclosed" not in fresh.bot.log()
    fresh.rivya.release()
    await fresh.bot.start_connected()
    assert await fresh.outcome(interaction) == ("delivered", "reply", "settled", 4)
    assert fresh.seen() == [fresh.picture("a parked fox")]
    assert len(fresh.tasks("a parked fox")) == 1


async def test_sigterm_waits_for_a_picture_that_is_under_way(fresh: E2EEnvironment) -> None:
    await fresh.bot.start_connected()
    slow = fresh.discord.faults.add("lag", "reply_edit", seconds=1.0, only=with_files)
    interaction = await fresh.ask("a slow fox")
    await fresh.discord.until(lambda: slow.hits == 1)
    assert (await fresh.bot.close())[0] == 0
    assert await fresh.outcome(interaction) == ("delivered", "reply", "settled", 4)
    assert fresh.seen() == [fresh.picture("a slow fox")]


async def test_a_token_that_is_reset_ends_the_bot_in_one_line(fresh: E2EEnvironment) -> None:
    await fresh.bot.start_connected()
    fresh.discord.bot_token = "another.one.now"
    await fresh.discord.gateway.reconnect()
    assert await fresh.bot.ended() == 1
    assert "4004" in fresh.bot.log().splitlines()[-1]


async def killed_at(
    environment: E2EEnvironment,
    route: Any,
    *,
    processed: bool,
    meanwhile: Callable[[], None] | None = None,
    **details: Any,
) -> None:
    """`kill -9` when the bot next calls that route; then a new life."""
    environment.discord.faults.add("strike", route, act=environment.bot.kill, processed=processed, **details)
    environment.rivya.release()
    await environment.bot.ended()
    if meanwhile is not None:
        meanwhile()
    await environment.bot.start_connected()


async def test_killed_between_the_picture_and_its_commit_the_same_message_is_edited(
    fresh: E2EEnvironment,
) -> None:
    await fresh.bot.start_connected()
    fresh.rivya.hold()
    interaction = await fresh.ask("a fox")
    await fresh.painting("a fox")
    await killed_at(fresh, "reply_edit", processed=True, only=with_files)
    assert await fresh.outcome(interaction) == ("delivered", "reply", "settled", 4)
    assert fresh.seen() == [fresh.picture("a fox")]


@pytest.mark.parametrize("minutes_later", [False, True])
async def test_killed_between_a_new_message_and_its_commit_the_nonce_brings_it_back_while_it_lives(
    fresh: E2EEnvironment, minutes_later: bool
) -> None:
    """The one way to two pictures: Discord has forgotten the nonce by the time the bot is back."""
    await fresh.bot.start_connected()
    fresh.rivya.hold()
    interaction = await fresh.ask("a fox")
    await fresh.painting("a fox")
    fresh.discord.reply(interaction).deleted = True
    forget = fresh.discord.forget_nonces if minutes_later else None
    await killed_at(fresh, "post", processed=True, meanwhile=forget)
    assert await fresh.outcome(interaction) == ("delivered", "channel", "settled", 4)
    pictures = len(fresh.discord.pictures("a fox"))
    assert pictures == 1 + minutes_later == 1 + len(fresh.discord.late_repeats)


@pytest.mark.parametrize("processed", [True, False])
async def test_killed_at_the_first_answer_it_goes_on_if_discord_has_it(
    fresh: E2EEnvironment, processed: bool
) -> None:
    await fresh.bot.start_connected()
    fresh.discord.faults.add("strike", "callback", act=fresh.bot.kill, processed=processed)
    interaction = await fresh.ask("a fox")
    await fresh.bot.ended()
    await fresh.bot.start_connected()
    if processed:
        assert await fresh.outcome(interaction) == ("delivered", "reply", "settled", 4)
        assert fresh.seen() == [fresh.picture("a fox")]
    else:
        assert await fresh.outcome(interaction) == ("cancelled", None, "released", 0)
        assert fresh.tasks("a fox") == []
