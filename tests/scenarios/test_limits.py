"""`/limits`: limits, grants and refunds apply at once, and are shown, explained and logged."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from typing import Any

import discord
import pytest
import simcord
from structlog.testing import capture_logs

from bot.credits.admin import CreditAdmin
from bot.domain.limits import Limit, LimitScope
from bot.domain.model_catalog import default_catalog
from bot.domain.periods import Period
from sandbox.fake_rivya import FakeRivya
from tests.scenarios.bot_server import BotServer
from tests.scenarios.interactions import response_of

COMMANDS: dict[str, dict[str, object]] = {
    "guild": {"credits": 1, "period": "day"},
    "member": {"credits": 1, "period": "day"},
    "role": {"credits": 1, "period": "day"},
    "remove": {"rule": "guild"},
    "show": {},
    "explain": {},
    "grant": {"credits": 1, "reason": "why not"},
    "refund": {"job": "abc", "reason": "why not"},
    "log": {},
    "timezone": {"zone": "Asia/Jakarta"},
    "alerts": {},
    "confirm": {},
}
TIMESTAMP = re.compile(r"<t:\d+:R>")


async def run_limits(server: BotServer, command: str, **options: Any) -> str:
    """Run a limits command as an admin; return the response."""
    return str(server.response_text(await server.sari.slash(server.channel, f"limits {command}", **options)))


async def imagine_succeeds(server: BotServer, member: simcord.MemberActor, times: int = 1) -> None:
    """Ask for pictures, which must all be delivered."""
    before = len(server.pictures())
    for _ in range(times):
        await member.slash(server.channel, "imagine", prompt="a fox")
    assert len(server.pictures()) == before + times


async def refusal(server: BotServer, member: simcord.MemberActor) -> str:
    """Ask for a picture, which must be refused; return the response."""
    before = len(server.pictures())
    words = str(server.response_text(await member.slash(server.channel, "imagine", prompt="a fox")))
    assert len(server.pictures()) == before
    return words


def rows(server: BotServer, table: str) -> list[sqlite3.Row]:
    with closing(sqlite3.connect(server.database)) as connection:
        connection.row_factory = sqlite3.Row
        return connection.execute(f"SELECT * FROM {table}").fetchall()


def add_role_with_member(server: BotServer, name: str) -> tuple[Any, simcord.MemberActor]:
    """Create a role and a member who has it."""
    role = server.guild.create_role(name)
    return role, server.guild.add_member(server.env.create_user(f"one of the {name}"), roles=[role])


async def repeat_last_interaction(server: BotServer) -> None:
    """Deliver the last interaction a second time."""
    *_, event = [
        payload for _, name, payload in server.env.backend.transcript if name == "INTERACTION_CREATE"
    ]
    server.env.backend.emit("INTERACTION_CREATE", event)
    await server.wait_idle()


# Permissions


async def test_only_members_who_manage_the_server_see_the_commands(server: BotServer) -> None:
    assert not [name for name in server.alice.available_commands(server.channel) if name.startswith("limits")]
    seen = set(server.sari.available_commands(server.channel))
    assert {f"limits {name}" for name in COMMANDS} <= seen


@pytest.mark.parametrize("command", COMMANDS)
async def test_a_member_allowed_by_a_permission_override_is_refused_and_changes_nothing(
    server: BotServer, command: str
) -> None:
    found = server.find_command("limits", server.guild.id)
    server.guild.set_command_permissions(int(found["id"]), {server.alice: True})
    options = dict(COMMANDS[command])
    if command == "role":
        options["role"] = server.guild.create_role("Painters")
    result = await server.alice.slash(server.channel, f"limits {command}", **options)
    assert "Manage Server" in server.response_text(result)
    assert [*rows(server, "limits"), *rows(server, "grants"), *rows(server, "guild_settings")] == []


async def test_a_member_allowed_by_a_permission_override_gets_no_autocompletion(server: BotServer) -> None:
    await run_limits(server, "guild", credits=99, period="day")
    await imagine_succeeds(server, server.bob)
    found = server.find_command("limits", server.guild.id)
    server.guild.set_command_permissions(int(found["id"]), {server.alice: True})
    for command, option in (("remove", "rule"), ("refund", "job")):
        assert await server.alice.autocomplete(server.channel, f"limits {command}", option, "") == []
        assert await server.sari.autocomplete(server.channel, f"limits {command}", option, "") != []


# Limits


async def test_a_limit_for_each_member_counts_every_member_alone(server: BotServer) -> None:
    assert "no limit" in await run_limits(server, "member", credits=4, period="day", reason="a start")
    await imagine_succeeds(server, server.alice)
    words = await refusal(server, server.alice)
    for part in ("the limit for each member has 0 left", "4 of 4 credits used today", "/limits member"):
        assert part in words
    assert TIMESTAMP.search(words)
    await imagine_succeeds(server, server.bob)
    await server.restart()
    assert "4 of 4" in await refusal(server, server.bob)


async def test_a_members_own_limit_replaces_the_one_for_each_member(server: BotServer) -> None:
    await run_limits(server, "member", credits=4, period="day")
    await run_limits(server, "member", member=server.alice, credits=8, period="day")
    await run_limits(server, "member", member=server.bob, credits=0, period="day")
    await imagine_succeeds(server, server.alice, 2)
    assert "your own limit has 0 left" in await refusal(server, server.alice)
    assert "your own limit" in await refusal(server, server.bob)


async def test_of_several_role_limits_the_most_generous_applies(server: BotServer) -> None:
    low, high = (server.guild.create_role(name) for name in ("low", "high"))
    both = server.guild.add_member(server.env.create_user("both"), roles=[low, high])
    only = server.guild.add_member(server.env.create_user("only"), roles=[low])
    await run_limits(server, "role", role=low, credits=0, period="day")
    await run_limits(server, "role", role=high, credits=6, period="month")
    await imagine_succeeds(server, both)
    assert f"the limit of your role {high.mention}" in await refusal(server, both)
    assert f"the limit of your role {low.mention}" in await refusal(server, only)


async def test_an_exempt_member_is_bound_only_by_the_servers_limit(server: BotServer) -> None:
    role, friend = add_role_with_member(server, "friends")
    await run_limits(server, "member", credits=0, period="day")
    assert "exempt" in await run_limits(server, "role", role=role, exempt=True)
    await imagine_succeeds(server, friend)
    assert "each member" in await refusal(server, server.alice)
    await run_limits(server, "guild", credits=4, period="day")
    assert "this server's limit" in await refusal(server, friend)


async def test_a_removed_limit_no_longer_applies(server: BotServer) -> None:
    await run_limits(server, "guild", credits=0, period="day")
    await run_limits(server, "member", member=server.alice, credits=0, period="day")
    assert "your own limit" in await refusal(server, server.alice)
    offered = await server.sari.autocomplete(server.channel, "limits remove", "rule", "member")
    (choice,) = offered
    assert choice["value"] == f"member:{server.alice.id}"
    words = await run_limits(server, "remove", rule=choice["value"], reason="enough")
    assert "from **0 credits a day** to **no limit**" in words
    assert "this server's limit" in await refusal(server, server.alice)
    words = await run_limits(server, "remove", rule="guild")
    assert "to **200 credits a month**" in words
    await imagine_succeeds(server, server.alice)
    assert "Nothing like that" in await run_limits(server, "remove", rule="guild")


@pytest.mark.parametrize(
    "rule", ["member:99999999999999999999999", "role:", "grant:1", "'; --", "<@1>", "ceiling"]
)
async def test_an_unknown_rule_cannot_be_removed(server: BotServer, rule: str) -> None:
    assert "Nothing like that is in force" in await run_limits(server, "remove", rule=rule)


async def test_the_operators_ceiling_is_shown_and_cannot_be_raised_or_removed_by_an_admin(
    server: BotServer,
) -> None:
    credit_admin = CreditAdmin(server.app.ledger._database, Limit(200, Period.MONTH), default_catalog())
    ceiling = Limit(4, Period.MONTH, scope=LimitScope.CEILING)
    await credit_admin.set_limit(server.guild.id, ceiling, set_by=0, interaction_id=None)
    await imagine_succeeds(server, server.alice)
    await run_limits(server, "guild", credits=1000, period="month")
    words = await refusal(server, server.alice)
    assert "what this bot allows this server has 0 left (4 of 4 credits" in words
    assert "Only the people who run this bot" in words
    assert "4 of 4" in await run_limits(server, "show")
    assert "Nothing like that" in await run_limits(server, "remove", rule="ceiling")
    assert "the people who run this bot" in await run_limits(server, "log")


async def test_the_ceiling_of_all_servers_is_not_shown_in_numbers(server: BotServer) -> None:
    credit_admin = CreditAdmin(server.app.ledger._database, Limit(200, Period.MONTH), default_catalog())
    await credit_admin.set_limit(0, Limit(4321, Period.MONTH, scope=LimitScope.CEILING_ALL), set_by=0)
    for command in ("show", "explain", "log"):
        assert "4321" not in await run_limits(server, command)
        assert "budget" not in await run_limits(server, command)
    await credit_admin.set_limit(0, Limit(3, Period.MONTH, scope=LimitScope.CEILING_ALL), set_by=0)
    words = await refusal(server, server.alice)
    assert "The bot's own budget for all servers is used up" in words
    assert not re.search(r"\d", TIMESTAMP.sub("", words))
    explained = await run_limits(server, "explain")
    assert "budget for all servers is used up" in explained
    assert "of 3" not in explained


# Grants and refunds


async def test_a_grant_pays_beyond_the_limit_and_is_used_up_once(server: BotServer) -> None:
    await run_limits(server, "member", member=server.alice, credits=4, period="day")
    words = await run_limits(server, "grant", credits=6, reason="a prize", member=server.alice, days=3)
    assert "6 credits" in words
    assert TIMESTAMP.search(words)
    await imagine_succeeds(server, server.alice, 2)
    words = await refusal(server, server.alice)
    assert "has 2 left" in words
    assert "grants hold 2 more" in words
    assert "2 of 6 credits" in await run_limits(server, "show")
    await server.restart()
    assert "has 2 left" in await refusal(server, server.alice)


async def test_a_grant_to_the_server_pays_for_every_member_and_can_be_revoked(server: BotServer) -> None:
    await run_limits(server, "guild", credits=0, period="day")
    await run_limits(server, "grant", credits=8, reason="a feast")
    await imagine_succeeds(server, server.alice)
    (choice,) = await server.sari.autocomplete(server.channel, "limits remove", "rule", "grant")
    assert "4 of 8 credits left" in choice["name"]
    assert "4 credits of 8" in await run_limits(server, "remove", rule=choice["value"])
    assert "this server's limit has 0 left" in await refusal(server, server.bob)
    assert "Nothing like that" in await run_limits(server, "remove", rule=choice["value"])


async def test_a_refund_makes_room_and_is_given_once(server: BotServer) -> None:
    await run_limits(server, "guild", credits=4, period="day")
    await imagine_succeeds(server, server.alice)
    await refusal(server, server.alice)
    (choice,) = await server.sari.autocomplete(server.channel, "limits refund", "job", "FOX")
    assert "4 credits · a fox" in choice["name"]
    words = await run_limits(server, "refund", job=choice["value"], reason="six fingers")
    for part in ("4 credits", server.alice.mention, "six fingers"):
        assert part in words
    assert await server.sari.autocomplete(server.channel, "limits refund", "job", "") == []
    assert "refunded before" in await run_limits(server, "refund", job=choice["value"], reason="again")
    await imagine_succeeds(server, server.alice)
    assert [row["credits"] for row in rows(server, "refunds")] == [4]


async def test_a_refund_finds_a_picture_by_its_file_name_or_the_beginning_of_its_id(
    server: BotServer,
) -> None:
    await imagine_succeeds(server, server.alice)
    await imagine_succeeds(server, server.bob)
    first, second = (message.attachments[0].filename for message in server.channel.history())
    assert "4 credits" in await run_limits(server, "refund", job=first, reason="one")
    assert "4 credits" in await run_limits(server, "refund", job=second[:8], reason="two")
    for unknown in ("0" * 36, "a fox", "%", "_"):
        assert "no such picture" in await run_limits(server, "refund", job=unknown, reason="three")


async def test_the_beginning_of_two_ids_refunds_neither(server: BotServer) -> None:
    await imagine_succeeds(server, server.alice, 2)
    with closing(sqlite3.connect(server.database)) as connection, connection:
        connection.execute("UPDATE reservations SET job_id = 'abc' || substr(job_id, 4)")
    assert "More than one picture" in await run_limits(server, "refund", job="abc", reason="which")
    assert rows(server, "refunds") == []


async def test_all_pictures_of_a_request_are_refunded_at_once(server: BotServer) -> None:
    await imagine_succeeds(server, server.alice, 3)
    # As one request for three pictures leaves them.
    with closing(sqlite3.connect(server.database)) as connection, connection:
        connection.execute(
            "UPDATE jobs SET interaction_id = 5, group_size = 3, number ="
            " (SELECT count(*) FROM jobs other WHERE other.rowid <= jobs.rowid)"
        )
    choices = await server.sari.autocomplete(server.channel, "limits refund", "job", "fox")
    names = [choice["name"].partition(" · ")[2] for choice in choices]
    assert sorted(names) == sorted(
        [
            "12 credits · 3 pictures · a fox",
            *(f"4 credits · picture {place} of 3 · a fox" for place in (1, 2, 3)),
        ]
    )
    one, *_ = [choice["value"] for choice in choices if "picture 2 of 3" in choice["name"]]
    every, *_ = [choice["value"] for choice in choices if "3 pictures" in choice["name"]]
    assert "The picture was refunded" in await run_limits(server, "refund", job=one, reason="six fingers")
    words = await run_limits(server, "refund", job=every, reason="all of them")
    for part in ("2 pictures were refunded", "8 credits", "1 other picture of the request was left out"):
        assert part in words
    assert "refunded before" in await run_limits(server, "refund", job=every, reason="again")
    assert [row["credits"] for row in rows(server, "refunds")] == [4, 4, 4]


async def test_a_picture_that_cost_nothing_cannot_be_refunded(server: BotServer, rivya: FakeRivya) -> None:
    await imagine_succeeds(server, server.alice)
    (job,) = rows(server, "jobs")
    with closing(sqlite3.connect(server.database)) as connection, connection:
        connection.execute(
            "UPDATE reservations SET state = 'released', final_credits = 0, counted_credits = 0,"
            " guild_credits = 0, member_credits = 0"
        )
    assert "needs no refund" in await run_limits(server, "refund", job=job["job_id"], reason="free")


# Show, explain and log


async def test_show_has_every_limit_and_setting(server: BotServer) -> None:
    role, _ = add_role_with_member(server, "friends")
    words = await run_limits(server, "show")
    for part in ("200 credits a month", "default of this bot", "Time zone: UTC", "Alerts: off", "never"):
        assert part in words
    await run_limits(server, "guild", credits=50, period="week", reason="more *fun*")
    await run_limits(server, "role", role=role, exempt=True)
    await run_limits(server, "member", member=server.alice, credits=8, period="day")
    await run_limits(server, "timezone", zone="asia/jakarta")
    await run_limits(server, "confirm", above=3)
    await server.restart()
    words = await run_limits(server, "show")
    for part in (
        "50 credits a week",
        f"by {server.sari.mention}",
        "more \\*fun\\*",
        f"{role.mention}: **exempt**",
        f"{server.alice.mention}: **8 credits a day**",
        "Time zone: Asia/Jakarta",
        "above 3 credits",
    ):
        assert part in words


async def test_explain_marks_the_limit_that_binds(server: BotServer) -> None:
    role, friend = add_role_with_member(server, "friends")
    await run_limits(server, "member", credits=100, period="day")
    await run_limits(server, "role", role=role, credits=8, period="day")
    await imagine_succeeds(server, friend)

    def binding_line(words: str) -> str:
        (line,) = [line for line in words.splitlines() if "This one decides" in line]
        return line

    words = await run_limits(server, "explain", member=friend)
    assert f"The limit of {role.mention}: 4 of 8 credits used today" in binding_line(words)
    assert "The limit for each member does not count, since one of their roles does: 4 of 100" in words
    assert "enough for 1 more" in words
    assert "xempt" not in words
    words = await run_limits(server, "explain")
    assert f"Limits that apply to {server.sari.mention}" in words
    assert "The limit for each member: 0 of 100" in binding_line(words)
    await run_limits(server, "guild", credits=4, period="day")
    assert "This server's limit: 4 of 4" in binding_line(await run_limits(server, "explain", member=friend))
    await run_limits(server, "member", member=friend, exempt=True)
    words = await run_limits(server, "explain", member=friend)
    assert "Exempt by name" in words
    assert "does not count, since what is set for them by name does: 4 of 8" in words


async def test_the_log_lists_every_change_and_its_pages_work_after_a_restart(server: BotServer) -> None:
    for credits in range(10):
        await run_limits(server, "guild", credits=credits, period="day", reason=f"round {credits}")
    await run_limits(server, "grant", credits=8, reason="a feast")
    result = await server.sari.slash(server.channel, "limits log")
    words = server.response_text(result)
    for part in ("Gave **8 credits** to the whole server", "Why: a feast", f"by {server.sari.mention}"):
        assert part in words
    assert "from **8 credits a day** to **9 credits a day**. Why: round 9" in words
    assert "round 2" not in words
    await server.restart()
    await server.sari.click(response_of(result), label="Next")
    words = server.response_text(result)
    assert "from **the default** to **0 credits a day**. Why: round 0" in words
    assert "a feast" not in words
    with pytest.raises(simcord.SetupError):
        await server.sari.click(response_of(result), label="Next")
    await server.sari.click(response_of(result), label="Previous")
    assert "a feast" in server.response_text(result)


async def test_a_member_who_lost_the_permission_cannot_turn_the_pages(server: BotServer) -> None:
    for credits in range(10):
        await run_limits(server, "guild", credits=credits, period="day")
    result = await server.sari.slash(server.channel, "limits log")
    before = server.response_text(result)
    server.env.backend.get_guild(server.guild.id).members[server.sari.id].role_ids.clear()
    click = await server.sari.click(response_of(result), label="Next")
    assert "Manage Server" in server.text_of(
        click.followups[0].message if click.followups else response_of(click).message
    )
    assert server.response_text(result) == before


# Settings


async def test_time_zones_are_suggested_and_unknown_ones_refused(server: BotServer) -> None:
    offered = await server.sari.autocomplete(server.channel, "limits timezone", "zone", "jakar")
    assert offered[0]["value"] == "Asia/Jakarta"
    assert "UTC+07:00" in offered[0]["name"]
    words = await run_limits(server, "timezone", zone="JAKARTO")
    assert "no time zone" in words
    words = await run_limits(server, "timezone", zone="JAKARTA")
    assert "From **UTC** to **Asia/Jakarta**" in words
    assert TIMESTAMP.search(words)
    assert len(rows(server, "guild_settings")) == 1


async def test_alerts_can_be_set_only_to_a_channel_where_the_bot_can_post(server: BotServer) -> None:
    closed = server.guild.create_text_channel(
        "closed",
        overwrites={server.bot_member: discord.PermissionOverwrite(send_messages=False)},
    )
    words = await run_limits(server, "alerts", channel=closed)
    assert f"I cannot post in <#{closed.id}>: I need Send Messages there" in words
    assert rows(server, "guild_settings") == []
    assert f"in <#{server.channel.id}>" in await run_limits(server, "alerts", channel=server.channel)
    assert "to **off**" in await run_limits(server, "alerts")
    assert [row["value"] for row in rows(server, "guild_settings")] == [str(server.channel.id), None]


async def test_the_threshold_of_the_price_question_is_set_and_removed(server: BotServer) -> None:
    assert "From **never** to **above 0 credits**" in await run_limits(server, "confirm", above=0)
    assert "to **never**" in await run_limits(server, "confirm")


# Invalid options


async def test_a_user_who_is_no_member_or_a_bot_is_refused(server: BotServer) -> None:
    stranger = server.env.create_user("stranger")
    robot = server.guild.add_member(server.env.create_user("robot", bot=True))
    for command, options in (
        ("member", {"credits": 1, "period": "day"}),
        ("grant", {"credits": 1, "reason": "so"}),
    ):
        words = await run_limits(server, command, member=stranger, **options)
        assert f"{stranger.mention} is not a member of this server (any more)" in words
        assert "is a bot" in await run_limits(server, command, member=robot, **options)
    assert [*rows(server, "limits"), *rows(server, "grants")] == []


async def test_the_limit_of_a_member_who_left_can_be_explained_and_removed(server: BotServer) -> None:
    await run_limits(server, "member", member=server.alice, credits=8, period="day")
    server.guild.remove_member(server.alice)
    assert f"{server.alice.mention}: **8 credits a day**" in await run_limits(server, "show")
    words = await run_limits(server, "explain", member=server.alice.user)
    assert "Not a member of this server (any more)" in words
    assert "0 of 8 credits used today" in words
    assert "no limit" in await run_limits(server, "remove", rule=f"<@{server.alice.id}>")


async def test_the_limit_of_a_deleted_role_can_be_shown_and_removed(server: BotServer) -> None:
    role, _ = add_role_with_member(server, "friends")
    await run_limits(server, "role", role=role, credits=8, period="day")
    server.env.backend.delete_role(server.guild.id, role.id)
    await server.wait_idle()
    assert "A deleted role" in await run_limits(server, "show")
    (choice,) = await server.sari.autocomplete(server.channel, "limits remove", "rule", "deleted")
    assert "to **no limit**" in await run_limits(server, "remove", rule=choice["value"])


async def test_the_everyone_role_cannot_be_limited(server: BotServer) -> None:
    words = await run_limits(server, "role", role=server.guild.default_role, credits=8, period="day")
    assert "use `/limits member` without a member" in words
    assert rows(server, "limits") == []


@pytest.mark.parametrize(
    "options",
    [{}, {"credits": 5}, {"period": "day"}, {"credits": 5, "period": "day", "exempt": True}],
)
async def test_an_incomplete_limit_is_refused(server: BotServer, options: dict[str, Any]) -> None:
    words = await run_limits(server, "member", **options)
    assert words.strip().startswith("Give ")
    assert rows(server, "limits") == []


async def test_an_exemption_needs_a_member(server: BotServer) -> None:
    words = await run_limits(server, "member", exempt=True)
    assert "whom to exempt" in words
    assert "`/limits remove`" in words
    assert rows(server, "limits") == []


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("guild", {"credits": -1, "period": "day"}),
        ("guild", {"credits": 10_000_000, "period": "day"}),
        ("guild", {"credits": 5, "period": "hour"}),
        ("member", {"credits": -1, "period": "day"}),
        ("grant", {"credits": 0, "reason": "nothing"}),
        ("grant", {"credits": 5, "reason": ""}),
        ("grant", {"credits": 5, "reason": "x" * 201}),
        ("grant", {"credits": 5, "reason": "so", "days": 0}),
        ("confirm", {"above": -1}),
    ],
)
async def test_discord_refuses_values_out_of_range(
    server: BotServer, command: str, options: dict[str, Any]
) -> None:
    with pytest.raises(simcord.OptionError):
        await server.sari.slash(server.channel, f"limits {command}", **options)


async def test_a_blank_reason_is_refused(server: BotServer) -> None:
    await imagine_succeeds(server, server.alice)
    (job,) = rows(server, "jobs")
    assert "Give a reason" in await run_limits(server, "grant", credits=5, reason=" \u2029 ")
    assert "Give a reason" in await run_limits(server, "refund", job=job["job_id"], reason=" ")


@pytest.mark.parametrize(
    ("command", "options", "table"),
    [
        ("guild", {"credits": 8, "period": "day"}, "limits"),
        ("member", {"credits": 8, "period": "day"}, "limits"),
        ("grant", {"credits": 8, "reason": "a prize"}, "grants"),
        ("timezone", {"zone": "Asia/Jakarta"}, "guild_settings"),
    ],
)
async def test_a_repeated_interaction_takes_effect_once(
    server: BotServer, command: str, options: dict[str, Any], table: str
) -> None:
    await run_limits(server, command, **options)
    await repeat_last_interaction(server)
    assert len(rows(server, table)) == 1


async def test_a_repeated_grant_logs_no_error(server: BotServer) -> None:
    await run_limits(server, "grant", credits=8, reason="a prize")
    with capture_logs() as lines:
        await repeat_last_interaction(server)
    assert [line for line in lines if line["log_level"] in {"warning", "error"}] == []
