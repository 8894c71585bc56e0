"""`/operator`: the operator, and nobody else, sees and controls all servers."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import discord
import pytest
import simcord
from simcord.components import walk_components
from simcord.interactions import base_payload
from structlog.testing import capture_logs

from cogs.operator import reconcile_runner
from cogs.operator.commands import Operator
from cogs.operator.reconcile_views import apply_button
from cogs.ui.layout import build_view, row
from sandbox.fake_rivya import FakeRivya
from tests.scenarios.bot_server import OPERATOR_GUILD, BotServer, OpenServer
from tests.scenarios.interactions import response_of

FILE = 13


@pytest.fixture
async def server(open_server: OpenServer) -> BotServer:
    return await open_server(operator_guild=OPERATOR_GUILD)


async def run_operator_command(server: BotServer, command: str, **options: Any) -> str:
    """Run an operator command; return the response."""
    return str(
        server.response_text(
            await server.operator.slash(server.staff_channel, f"operator {command}", **options)
        )
    )


def syncs(server: BotServer) -> list[str]:
    return [
        entry.path.partition("/applications/")[2].partition("/")[2]
        for entry in server.env.http_requests
        if entry.method == "PUT" and entry.path.endswith("/commands")
    ]


def set_rivya_charges(server: BotServer, credits: int) -> None:
    """Set what the fake Rivya charged for every task."""
    for task in server.rivya.tasks.values():
        task.final_credits = credits


def put_in_doubt(server: BotServer) -> None:
    """Turn settled reservations into held ones, as after a response that never arrived."""
    connection = sqlite3.connect(server.database)
    connection.execute("UPDATE reservations SET state = 'held', final_credits = NULL, closed_at = NULL")
    connection.commit()
    connection.close()


def corrections(server: BotServer) -> list[tuple[int, int, int]]:
    connection = sqlite3.connect(f"file:{server.database}?mode=ro", uri=True)
    try:
        return connection.execute("SELECT from_credits, to_credits, made_by FROM corrections").fetchall()
    finally:
        connection.close()


def findings(server: BotServer) -> list[str]:
    with closing(sqlite3.connect(f"file:{server.database}?mode=ro", uri=True)) as connection:
        return [kind for (kind,) in connection.execute("SELECT kind FROM findings")]


# Permissions.


async def test_only_the_operators_server_has_the_commands(server: BotServer) -> None:
    assert set(server.operator.available_commands(server.staff_channel)) >= {
        "operator wallet",
        "operator pause",
    }
    assert not any(name.startswith("operator") for name in server.sari.available_commands(server.channel))


async def test_without_the_setting_the_commands_do_not_exist(open_server: OpenServer) -> None:
    server = await open_server()
    assert server.env.backend.find_command("operator", server.guild.id, type=1) is None
    assert len(syncs(server)) == 1


async def test_an_admin_of_the_operators_server_is_not_the_operator(server: BotServer) -> None:
    for command in ("wallet", "pause", "reconcile", "guilds"):
        result = await server.other_admin.slash(server.staff_channel, f"operator {command}")
        assert "Only the people who run this bot" in server.response_text(result)
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    assert server.states() == ["settled"]
    assert await server.other_admin.autocomplete(server.staff_channel, "operator pause", "guild", "") == []


async def test_the_operator_is_refused_outside_the_operators_server(server: BotServer) -> None:
    stranger = server.guild.add_member(server.operator.user)
    command = server.find_command("operator", OPERATOR_GUILD)
    record, event = base_payload(
        server.env.backend,
        type=2,
        channel_id=server.channel.id,
        guild_id=server.guild.id,
        user_id=stranger.id,
        data={
            "id": command["id"],
            "name": "operator",
            "type": 1,
            "guild_id": str(OPERATOR_GUILD),
            "options": [{"name": "wallet", "type": 1, "options": []}],
        },
    )
    server.env.backend.emit("INTERACTION_CREATE", event)
    await server.wait_idle()
    assert "Only the people who run this bot" in server.response_text(
        simcord.InteractionResult(server.env, record)
    )


async def test_both_sets_of_commands_are_synced_once_and_removed_with_the_setting(server: BotServer) -> None:
    assert sorted(syncs(server)) == ["commands", f"guilds/{OPERATOR_GUILD}/commands"]
    await server.restart()
    assert len(syncs(server)) == 2
    del server.options["operator_guild"]
    await server.restart()
    assert syncs(server)[2:] == [f"guilds/{OPERATOR_GUILD}/commands"]
    assert server.env.backend.find_command("operator", OPERATOR_GUILD, type=1) is None
    await server.restart()
    assert len(syncs(server)) == 3


async def test_an_operators_server_closed_to_the_bot_does_not_stop_the_start(server: BotServer) -> None:
    del server.options["operator_guild"]
    await server.restart()
    server.options["operator_guild"] = OPERATOR_GUILD
    server.env.inject_error("PUT", "/applications/*/guilds/*/commands", status=403, code=50001, times=1)
    await server.restart()
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    assert server.states() == ["settled"]


# Pauses and ceilings.


async def test_a_pause_refuses_requests_in_every_server_with_the_operators_sentence(
    server: BotServer, rivya: FakeRivya
) -> None:
    text = await run_operator_command(server, "pause", sentence="Back **tomorrow**, @everyone.")
    assert "All servers" in text
    refused = server.response_text(await server.alice.slash(server.channel, "imagine", prompt="a fox"))
    assert "Back \\*\\*tomorrow\\*\\*" in refused
    assert rivya.tasks == {}
    await run_operator_command(server, "resume")
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    assert server.states() == ["settled"]


async def test_one_server_can_be_paused_alone(server: BotServer) -> None:
    text = await run_operator_command(server, "pause", guild=str(server.guild.id))
    assert "Painters" in text
    assert "paused" in server.response_text(
        await server.alice.slash(server.channel, "imagine", prompt="a fox")
    )
    await server.operator.slash(server.staff_channel, "imagine", prompt="a cat")
    assert server.states() == ["settled"]
    listed = await run_operator_command(server, "guilds")
    assert "Headquarters" in listed
    assert "in 1 server (UTC)" in listed


async def test_resume_says_which_pauses_remain(
    server: BotServer,
) -> None:
    await run_operator_command(server, "pause")
    await run_operator_command(server, "pause", guild=str(server.guild.id))
    text = await run_operator_command(server, "resume", guild=str(server.guild.id))
    assert "new pictures are accepted again" not in text
    assert "all servers are paused" in text
    assert "paused" in server.response_text(
        await server.alice.slash(server.channel, "imagine", prompt="a fox")
    )
    await run_operator_command(server, "pause", guild=str(server.guild.id))
    text = await run_operator_command(server, "resume")
    assert "1 server is paused on its own and stays so" in text
    text = await run_operator_command(server, "resume", guild=str(server.guild.id))
    assert "new pictures are accepted again." in text


@pytest.mark.parametrize("typed", ["Painters", "-1", "0", "99999999999999999999", "\uff11\uff12", "1e3", " "])
async def test_an_invalid_server_id_is_refused(server: BotServer, typed: str) -> None:
    for command, options in (("pause", {}), ("ceiling", {"scope": "one", "credits": 1, "period": "day"})):
        assert "not the id of a server" in await run_operator_command(server, command, guild=typed, **options)
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    assert server.states() == ["settled"]


async def test_guilds_lists_pauses_and_the_ceiling_of_all(server: BotServer) -> None:
    assert "paused" not in await run_operator_command(server, "guilds")
    await run_operator_command(server, "ceiling", scope="all", credits=5, period="day")
    await run_operator_command(server, "pause", guild=str(server.guild.id))
    text = await run_operator_command(server, "guilds")
    assert "All servers together: 0 of 5 credits used today" in text
    assert f"Paused: **Painters** (`{server.guild.id}`)" in text
    await run_operator_command(server, "pause")
    assert "Paused: all servers" in await run_operator_command(server, "guilds")
    for number in range(10**17, 10**17 + 9):
        await run_operator_command(server, "pause", guild=str(number))
    text = await run_operator_command(server, "guilds")
    assert "and 7 more" in text


async def test_servers_are_suggested_by_name(server: BotServer) -> None:
    offered = await server.operator.autocomplete(server.staff_channel, "operator ceiling", "guild", "paint")
    assert [choice["value"] for choice in offered] == [str(server.guild.id)]


async def test_a_ceiling_cannot_be_raised_by_an_admin(server: BotServer, rivya: FakeRivya) -> None:
    guild = str(server.guild.id)
    text = await run_operator_command(server, "ceiling", scope="one", guild=guild, credits=4, period="month")
    assert "from **no ceiling of its own** to **4 credits a month**" in text
    await server.sari.slash(server.channel, "limits guild", credits=1000, period="month")
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    refused = server.response_text(await server.sari.slash(server.channel, "imagine", prompt="a cat"))
    assert "people who run this bot" in refused
    assert len(rivya.tasks) == 1
    text = await run_operator_command(server, "ceiling", scope="one", guild=guild)
    assert "from **4 credits a month** to **no ceiling of its own**" in text
    await server.sari.slash(server.channel, "imagine", prompt="a cat")
    assert len(rivya.tasks) == 2


async def test_the_ceiling_of_all_servers_shows_no_numbers_to_members(server: BotServer) -> None:
    assert "All servers together" in await run_operator_command(
        server, "ceiling", scope="all", credits=5, period="day"
    )
    await server.operator.slash(server.staff_channel, "imagine", prompt="a fox")
    refused = server.response_text(await server.alice.slash(server.channel, "imagine", prompt="a cat"))
    assert "own budget for all servers" in refused
    assert "5" not in refused.partition("<t:")[0]


async def test_a_ceiling_for_each_server_applies_to_those_without_their_own(server: BotServer) -> None:
    await run_operator_command(
        server, "ceiling", scope="each", credits=3, period="day", reason="Too much spending"
    )
    refused = server.response_text(await server.alice.slash(server.channel, "imagine", prompt="a fox"))
    assert "people who run this bot" in refused


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"scope": "one", "credits": 4, "period": "day"}, "Which server?"),
        ({"scope": "all", "credits": 4, "period": "day", "guild": "12345678901234567"}, "leave `guild` out"),
        ({"scope": "all", "credits": 4}, "Give both"),
        ({"scope": "each", "period": "day"}, "Give both"),
    ],
)
async def test_an_incomplete_ceiling_is_refused(
    server: BotServer, options: dict[str, Any], hint: str
) -> None:
    assert hint in await run_operator_command(server, "ceiling", **options)
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    assert server.states() == ["settled"]


# Balance and guilds.


async def test_wallet_shows_the_balance_and_held_and_doubtful_credits(server: BotServer) -> None:
    assert "**0 credits** for 0 pictures" in await run_operator_command(server, "wallet")
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    put_in_doubt(server)
    text = await run_operator_command(server, "wallet")
    for part in ("**996 credits**", "**4 credits** for 1 picture,", "in doubt", "/operator reconcile"):
        assert part in text


async def test_the_pages_of_guilds_work_after_a_restart(server: BotServer) -> None:
    for number in range(11):
        guild = server.env.create_guild(f"Guild *{number}*")
        channel = guild.create_text_channel("studio")
        member = guild.add_member(server.env.create_user(f"member{number}"))
        await member.slash(channel, "imagine", prompt="a fox")
    result = await server.operator.slash(server.staff_channel, "operator guilds")
    text = server.response_text(result)
    assert "44 credits" in text
    assert "Page 1 of 2" in text
    assert "Guild \\*0\\*" in text
    await server.restart()
    message = response_of(result).message
    await server.operator.click(message, label="Next")
    assert "Page 2 of 2" in server.text_of(message)
    await server.operator.click(message, label="Previous")
    assert "Page 1 of 2" in server.text_of(message)


# Reconciliation.


@pytest.fixture
async def server_with_difference(server: BotServer) -> BotServer:
    """A server where the ledger has 4 credits and Rivya charged 6."""
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    set_rivya_charges(server, 6)
    return server


async def test_reconcile_shows_the_difference_and_its_button_corrects_it_once(
    server_with_difference: BotServer,
) -> None:
    server = server_with_difference
    result = await server.operator.slash(server.staff_channel, "operator reconcile")
    text = server.response_text(result)
    assert "1 reservation looked at" in text
    assert "one difference" in text
    assert "booked 4, Rivya charged 6" in text
    assert server.operator.user.dm_channel.history() == []
    assert [entry["final_credits"] for entry in server.ledger_entries()] == [4]
    await server.restart()
    message = response_of(result).message
    booked = server.response_text(await server.operator.click(message, label="Book these corrections"))
    assert "Booked 1 correction:" in booked
    assert "2 credits more" in booked
    assert [entry["final_credits"] for entry in server.ledger_entries()] == [6]
    again = server.response_text(await server.operator.click(message, label="Book these corrections"))
    assert "nothing to book" in again
    assert corrections(server) == [(4, 6, server.operator.id)]


async def test_nobody_else_can_apply_a_run(server_with_difference: BotServer) -> None:
    server = server_with_difference
    result = await server.operator.slash(server.staff_channel, "operator reconcile")
    raw = server.env.backend.get_message(server.staff_channel.id, response_of(result).message.id)
    (custom_id,) = (item["custom_id"] for item in walk_components(raw.components) if "custom_id" in item)
    for channel, other in ((server.staff_channel, server.other_admin), (server.channel, server.sari)):
        seen = server.bot_channel(channel.id)
        message = await seen.send(view=build_view("Look!", row(apply_button(custom_id.rpartition(":")[2]))))
        assert "Only the people who run this bot" in server.response_text(
            await other.click(message, custom_id=custom_id)
        )
    assert corrections(server) == []


async def test_a_run_without_differences_has_no_button(server: BotServer) -> None:
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    result = await server.operator.slash(server.staff_channel, "operator reconcile", days=1)
    assert "agree" in server.response_text(result)
    with pytest.raises(simcord.SetupError):
        await server.operator.click(response_of(result).message, label="Book these corrections")


async def test_many_differences_are_attached_as_a_file(server: BotServer) -> None:
    for _ in range(10):
        await server.alice.slash(server.channel, "imagine", prompt="a fox")
    set_rivya_charges(server, 5)
    result = await server.operator.slash(server.staff_channel, "operator reconcile")
    text = server.response_text(result)
    assert "and 2 more" in text
    raw = server.env.backend.get_message(server.staff_channel.id, response_of(result).message.id)
    (attachment,) = raw.attachments
    assert attachment["filename"].endswith(".csv")
    assert FILE in {item["type"] for item in walk_components(raw.components)}


async def test_reconcile_reports_a_refused_key(server: BotServer, rivya: FakeRivya) -> None:
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    rivya.api_key = "rvya_sk_another"
    assert "refuses the API key" in await run_operator_command(server, "reconcile")


async def test_a_result_too_late_for_its_reply_is_sent_as_a_direct_message(
    server_with_difference: BotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = server_with_difference
    monkeypatch.setattr(reconcile_runner, "TOKEN_LIFE_SECONDS", 0.0)
    await server.operator.slash(server.staff_channel, "operator reconcile")
    (message,) = server.operator.user.dm_channel.history()
    assert "booked 4, Rivya charged 6" in server.text_of(message)


async def test_a_run_whose_result_cannot_be_sent_is_still_stored(
    server_with_difference: BotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = server_with_difference
    monkeypatch.setattr(reconcile_runner, "PROGRESS_SECONDS", 0.0)
    server.env.inject_error("PATCH", "/webhooks/*/messages/@original", status=401, code=50027, times=None)
    server.env.inject_error("POST", "/users/@me/channels", status=403, code=50007, times=None)
    await server.operator.slash(server.staff_channel, "operator reconcile")
    assert findings(server) == ["charged_other"]


async def test_a_running_comparison_does_not_delay_the_shutdown(
    server_with_difference: BotServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server = server_with_difference
    server.rivya.faults.add("status", "status", times=None, code=503)
    with server.without_settling():  # the comparison waits until Rivya answers again
        await server.operator.slash(server.staff_channel, "operator reconcile")
        await server.operator.slash(server.staff_channel, "operator reconcile")
    await server.until(lambda: "under way already" in office_messages(server))
    await server.restart(idle=False)
    server.rivya.faults.clear()
    assert "broke" not in capsys.readouterr().out
    assert "one difference" in await run_operator_command(server, "reconcile")


def office_messages(server: BotServer) -> str:
    """Return all text that the operator can read in the channel."""
    return "\n".join(
        server.text_of(message) for message in server.staff_channel.history(viewer=server.operator)
    )


async def test_progress_is_shown_during_a_comparison(
    server_with_difference: BotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = server_with_difference
    monkeypatch.setattr(reconcile_runner, "PROGRESS_SECONDS", 0.0)
    await server.operator.slash(server.staff_channel, "operator reconcile")
    edits = [
        entry for entry in server.env.http_requests if entry.method == "PATCH" and "@original" in entry.path
    ]
    assert "Comparing with Rivya" in str(edits[-2].json)


@pytest.mark.parametrize("command", ["wallet", "reconcile"])
async def test_a_command_deferred_too_late_does_nothing(
    server_with_difference: BotServer, command: str
) -> None:
    server = server_with_difference
    server.env.inject_error("POST", "/interactions/*", status=404, code=10062)
    before = len(server.env.http_requests)
    with capture_logs() as lines:
        await server.operator.slash(server.staff_channel, f"operator {command}")
    assert [line["event"] for line in lines if line["log_level"] in {"warning", "error"}] == ["defer failed"]
    assert findings(server) == []
    assert [entry.method for entry in server.env.http_requests[before:]] == ["POST"]


async def test_corrections_confirmed_too_late_are_not_booked(
    server_with_difference: BotServer,
) -> None:
    server = server_with_difference
    message = response_of(await server.operator.slash(server.staff_channel, "operator reconcile")).message
    server.env.inject_error("POST", "/interactions/*", status=404, code=10062)
    await server.operator.click(message, label="Book these corrections")
    assert findings(server) == ["charged_other"]
    assert corrections(server) == []


async def test_a_reservation_in_doubt_is_closed_by_hand_once(server: BotServer) -> None:
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    (entry,) = server.ledger_entries()
    put_in_doubt(server)
    job = f" {str(entry['job_id']).upper()} "
    assert "Give a reason" in await run_operator_command(server, "close", job=job, credits=0, reason="  ")
    assert server.states() == ["held"]
    assert "released" in await run_operator_command(
        server, "close", job=job, credits=0, reason="Rivya said so"
    )
    assert server.states() == ["released"]
    assert "closed already" in await run_operator_command(server, "close", job=job, credits=3, reason="again")
    assert "no job" in await run_operator_command(
        server, "close", job="`nonsense`", credits=3, reason="again"
    )
    assert corrections(server) == [(4, 0, server.operator.id)]


async def test_every_response_is_private(server: BotServer) -> None:
    for command in ("wallet", "guilds", "pause", "resume", "reconcile"):
        await run_operator_command(server, command)
    assert server.staff_channel.history(viewer=server.other_admin) == []


def test_the_command_is_for_administrators() -> None:
    permissions = vars(Operator)["__discord_app_commands_default_permissions__"]
    assert permissions == discord.Permissions(administrator=True)
