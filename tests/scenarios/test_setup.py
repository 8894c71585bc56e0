"""`/setup`: its form, what it changes, and what it refuses."""

from __future__ import annotations

from typing import Any

import discord
import pytest
import simcord

from bot.domain.admission import AdmissionMode
from tests.scenarios.bot_server import BotServer, OpenServer
from tests.scenarios.interactions import field, fill_modal, modal_of, response_of

READ_ONLY = discord.PermissionOverwrite(send_messages=False)


def changes(server: BotServer) -> int:
    """Return how many rows of decisions there are."""
    return sum(
        int(server.query(f"SELECT count(*) FROM {table}")[0][0])
        for table in ("limits", "guild_settings", "access_rules")
    )


def values(server: BotServer, shown: simcord.InteractionResult, **typed: Any) -> dict[str, Any]:
    """Return what an admin submits who changes only these fields; roles and channels are handles."""
    handles: dict[int, Any] = {handle.id: handle for handle in server.guild.roles.values()}
    handles |= {handle.id: handle for handle in server.guild.channels.values()}
    kept = {
        part["component"]["custom_id"]: [
            handles[int(chosen["id"])] for chosen in part["component"].get("default_values") or []
        ]
        for part in modal_of(shown)["components"]
        if part["component"]["custom_id"] in {"roles", "channel"}
    }
    typed = {name: [value] if name == "period" else value for name, value in typed.items()}
    sent = fill_modal(shown, **{**kept, **typed})
    return {name: value for name, value in sent.items() if value != []}


def chosen_ids(shown: simcord.InteractionResult, name: str) -> list[int]:
    """Return the roles or channels that a field of the form is filled with."""
    return [int(chosen["id"]) for chosen in field(shown, name).get("default_values") or []]


async def open_form(server: BotServer, who: Any = None) -> simcord.InteractionResult:
    return await (who or server.sari).slash(server.channel, "setup")


async def send(
    server: BotServer, shown: simcord.InteractionResult, who: Any = None, **typed: Any
) -> simcord.InteractionResult:
    return await (who or server.sari).submit_modal(shown, values(server, shown, **typed))


async def set_up(server: BotServer, **typed: Any) -> str:
    """Open the form, change these fields, and return the answer."""
    return server.response_text(await send(server, await open_form(server), **typed))


@pytest.fixture
def painters(server: BotServer) -> simcord.RoleHandle:
    return server.guild.create_role("Painters")


@pytest.fixture
def second_admin(server: BotServer) -> simcord.MemberActor:
    return server.guild.add_member(server.env.create_user("tara"), roles=[server.guild.roles["Managers"]])


async def test_the_form_shows_what_is_set_and_changes_nothing_that_is_left_as_it_was(
    server: BotServer,
) -> None:
    shown = await open_form(server)
    assert [part["label"] for part in modal_of(shown)["components"]] == [
        "Credits this server may spend",
        "For which period",
        "Who may paint",
        "Where alerts go",
        "Time zone",
    ]
    assert field(shown, "credits")["value"] == "200"
    assert [option["value"] for option in field(shown, "period")["options"] if option.get("default")] == [
        "month"
    ]
    assert chosen_ids(shown, "roles") == []
    assert field(shown, "zone")["value"] == "UTC"
    answer = server.response_text(await send(server, shown))
    assert "### Nothing was changed" in answer
    assert "UTC, it is now" in answer
    assert changes(server) == 0


async def test_all_fields_are_changed_at_once_and_stand_in_the_log(
    server: BotServer, painters: simcord.RoleHandle
) -> None:
    answer = await set_up(
        server,
        credits="100",
        period="week",
        roles=[painters],
        channel=[server.channel],
        zone="jakarta",
    )
    assert "### This server is set up" in answer
    assert "This server's limit: from **200 credits a month** to **100 credits a week**." in answer
    assert "0 of 100 credits used this week" in answer
    assert f"Members with <@&{painters.id}> may paint; members without" in answer
    assert f"Alerts: from **off** to **in <#{server.channel.id}>**." in answer
    assert "Time zone: from **UTC** to **Asia/Jakarta**." in answer
    assert "Asia/Jakarta, it is now" in answer
    assert "(UTC+07:00)" in answer
    log = server.response_text(await server.sari.slash(server.channel, "limits log"))
    for what in ("100 credits a week", f"<@&{painters.id}>", "Asia/Jakarta", f"<#{server.channel.id}>"):
        assert what in log
    assert log.count(f"<@{server.sari.id}>") >= 4
    refused = await server.alice.slash(server.channel, "imagine", prompt="a fox")
    assert f"<@&{painters.id}>" in server.response_text(refused)
    shown = await open_form(server)
    assert field(shown, "credits")["value"] == "100"
    assert field(shown, "zone")["value"] == "Asia/Jakarta"
    assert chosen_ids(shown, "roles") == [painters.id]
    assert chosen_ids(shown, "channel") == [server.channel.id]


async def test_empty_fields_mean_what_the_form_says(server: BotServer, painters: simcord.RoleHandle) -> None:
    await set_up(server, credits="7", roles=[painters], channel=[server.channel], zone="Asia/Jakarta")
    before = changes(server)
    answer = await set_up(server, credits="", roles=[], channel=[], zone="")
    assert "from **7 credits a month** to **200 credits a month**" in answer
    assert f"There is no rule about <@&{painters.id}> any more." in answer
    assert "to **off**" in answer
    assert "to **UTC**" in answer
    assert changes(server) == before + 4
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    assert server.states() == ["settled"]
    assert "### Nothing was changed" in await set_up(server, credits="", zone="utc")


async def test_who_lacks_manage_server_sees_no_form_and_cannot_send_one_in(server: BotServer) -> None:
    command = server.find_command("setup")
    server.guild.set_command_permissions(int(command["id"]), {server.alice: True})
    refused = await open_form(server, server.alice)
    assert refused.modal is None
    assert "Manage Server" in server.response_text(refused)
    shown = await open_form(server)
    backend: Any = server.env.backend
    backend.get_member(server.guild.id, server.sari.id).role_ids.clear()
    answer = server.response_text(await send(server, shown, credits="9"))
    assert "Manage Server" in answer
    assert changes(server) == 0


# Mistakes: nothing is changed, and nothing that was typed is lost.


async def test_a_mistake_in_one_field_changes_none_and_the_form_can_be_mended(
    server: BotServer, painters: simcord.RoleHandle
) -> None:
    closed = server.guild.create_text_channel("closed", overwrites={server.guild.default_role: READ_ONLY})
    shown = await open_form(server)
    result = await send(
        server, shown, credits="many", roles=[painters], channel=[closed], period="day", zone="Asia/Jakart"
    )
    answer = server.response_text(result)
    assert "### Nothing was changed" in answer
    assert "“many” is not a number of credits. Type a whole number from 0 to 1,000,000" in answer
    assert f"I cannot post in <#{closed.id}>: I need Send Messages there" in answer
    assert "There is no time zone “Asia/Jakart”. Do you mean one of `Asia/Jakarta`?" in answer
    assert changes(server) == 0
    await server.restart()
    again = await server.sari.click(response_of(result).message, label="Edit and try again")
    assert field(again, "credits")["value"] == "many"
    assert field(again, "zone")["value"] == "Asia/Jakart"
    assert chosen_ids(again, "roles") == [painters.id]
    assert chosen_ids(again, "channel") == [closed.id]
    answer = server.response_text(
        await send(server, again, credits="40", channel=[server.channel], zone="Asia/Jakarta")
    )
    assert "to **40 credits a day**" in answer
    assert changes(server) == 4


@pytest.mark.parametrize("typed", ["-1", "1.5", "1000001", "1 000", "٣", "²", "99999999999"])
async def test_what_is_no_number_of_credits_is_refused(server: BotServer, typed: str) -> None:
    answer = await set_up(server, credits=typed)
    assert "is not a number of credits" in answer
    assert changes(server) == 0


async def test_a_zone_that_resembles_none_is_refused_with_an_example(server: BotServer) -> None:
    answer = await set_up(server, zone="**the moon** @everyone")
    assert "such as `Europe/Berlin`" in answer
    assert r"\*\*the moon\*\*" in answer
    assert changes(server) == 0


async def test_a_zone_that_the_host_knows_no_more_keeps_nothing_from_being_set_up(server: BotServer) -> None:
    server.query(
        "INSERT INTO guild_settings (guild_id, name, value, set_by, set_at)"
        " VALUES (?, 'timezone', 'Mars/Phobos', 9, 0)",
        server.guild.id,
    )
    answer = await set_up(server, credits="100")
    assert "### This server is set up" in answer
    assert "100 credits" in answer
    assert "UTC, it is now" in answer


async def test_everyone_is_no_role_to_choose(server: BotServer) -> None:
    refused = await send(server, await open_form(server), roles=[server.guild.default_role])
    assert "Everybody has that role" in server.response_text(refused)
    assert changes(server) == 0
    again = await server.sari.click(response_of(refused).message, label="Edit and try again")
    assert chosen_ids(again, "roles") == []


async def test_a_limit_above_the_ceiling_is_set_and_said_to_be_above_it(open_server: OpenServer) -> None:
    server = await open_server(guild_ceiling=50)
    shown = await open_form(server)
    (label,) = [part for part in modal_of(shown)["components"] if part["component"]["custom_id"] == "credits"]
    assert "At most 50 credits a month" in label["description"]
    answer = server.response_text(await send(server, shown, credits="300"))
    assert "to **300 credits a month**" in answer
    assert "The people who run this bot allow this server 50 credits a month" in answer


async def test_zero_credits_stop_pictures(server: BotServer) -> None:
    assert "to **0 credits a month**" in await set_up(server, credits="0")
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    assert server.ledger_entries() == []


# Two admins.


async def test_a_form_undoes_nothing_that_another_admin_has_set_meanwhile(
    server: BotServer, painters: simcord.RoleHandle, second_admin: simcord.MemberActor
) -> None:
    first, second = await open_form(server), await open_form(server, second_admin)
    await send(server, first, credits="60", roles=[painters], zone="Asia/Jakarta")
    answer = server.response_text(
        await send(server, second, second_admin, channel=[server.channel], period="week")
    )
    assert "from **60 credits a month** to **60 credits a week**" in answer
    assert "Somebody else" not in answer
    shown = await open_form(server)
    assert field(shown, "credits")["value"] == "60"
    assert field(shown, "zone")["value"] == "Asia/Jakarta"
    assert chosen_ids(shown, "roles") == [painters.id]


async def test_the_same_field_changed_twice_says_so_and_shows_what_it_was(
    server: BotServer, second_admin: simcord.MemberActor
) -> None:
    first, second = await open_form(server), await open_form(server, second_admin)
    await send(server, first, credits="60")
    answer = server.response_text(await send(server, second, second_admin, credits="80"))
    assert "from **60 credits a month** to **80 credits a month**" in answer
    assert "Somebody else changed some of this while your form was open" in answer


async def test_a_form_that_is_mended_takes_up_what_was_set_meanwhile(
    server: BotServer, second_admin: simcord.MemberActor
) -> None:
    shown = await open_form(server)
    refused = await send(server, shown, zone="nowhere at all")
    other = await open_form(server, second_admin)
    await send(server, other, second_admin, credits="60")
    again = await server.sari.click(response_of(refused).message, label="Edit and try again")
    assert field(again, "credits")["value"] == "60"
    answer = server.response_text(await send(server, again, zone="Asia/Jakarta"))
    assert "credits" not in answer.replace("credits used", "")
    assert server.query("SELECT credits FROM limits") == [(60,)]


# Time.


async def test_a_form_that_is_older_than_a_day_changes_nothing_and_gives_its_text_back(
    server: BotServer,
) -> None:
    shown = await open_form(server)
    server.query("UPDATE setup_forms SET shown_at = 1")
    result = await send(server, shown, credits="60", zone="Asia/Jakarta")
    answer = server.response_text(result)
    assert "Use `/setup` to open a new one" in answer
    assert "Asia/Jakarta" in answer
    assert changes(server) == 0


async def test_a_button_whose_form_has_expired_opens_a_fresh_one(server: BotServer) -> None:
    refused = await send(server, await open_form(server), credits="x")
    server.query("UPDATE setup_forms SET shown_at = 1")
    await server.restart()
    assert server.query("SELECT * FROM setup_forms") == []  # the maintenance has deleted it
    again = await server.sari.click(response_of(refused).message, label="Edit and try again")
    assert field(again, "credits")["value"] == "200"


# What is deleted in the server.


async def test_a_deleted_role_and_channel_are_not_shown_and_go_with_the_next_form(
    server: BotServer, painters: simcord.RoleHandle
) -> None:
    gone = server.guild.create_text_channel("gone")
    await set_up(server, roles=[painters], channel=[gone])
    server.env.backend.delete_role(server.guild.id, painters.id)
    server.env.backend.delete_channel(gone.id)
    await server.wait_idle()
    shown = await open_form(server)
    assert chosen_ids(shown, "roles") == []
    assert chosen_ids(shown, "channel") == []
    answer = server.response_text(await send(server, shown))
    assert "There is no rule about" in answer
    assert "to **off**" in answer
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    assert server.states() == ["settled"]


async def test_more_roles_than_a_menu_takes_leave_their_field_out(server: BotServer) -> None:
    for number in range(26):
        role = server.guild.create_role(f"role {number}")
        await server.sari.slash(server.channel, "access role", role=role, mode="allow")
    shown = await open_form(server)
    assert len(modal_of(shown)["components"]) == 4
    answer = server.response_text(await send(server, shown, credits="60"))
    assert "to **60 credits a month**" in answer
    assert "no rule about" not in answer


async def test_a_full_list_of_rules_changes_nothing(server: BotServer, painters: simcord.RoleHandle) -> None:
    for number in range(500):
        server.query(
            "INSERT INTO access_rules (guild_id, kind, subject, effect, set_by, set_at, interaction_id)"
            " VALUES (?, 'word', ?, 'deny', 1, 1, ?)",
            server.guild.id,
            f"word{number}",
            number,
        )
    before = changes(server)
    answer = await set_up(server, roles=[painters], credits="60")
    assert "cannot have more rules" in answer
    assert changes(server) == before


# Languages, and servers that may not ask.


async def test_the_form_is_in_the_admins_language(server: BotServer, monkeypatch: pytest.MonkeyPatch) -> None:
    read: Any = discord.Interaction._from_data
    monkeypatch.setattr(
        discord.Interaction, "_from_data", lambda self, data: read(self, {**data, "locale": "id"})
    )
    shown = await open_form(server)
    assert modal_of(shown)["title"] == "Atur server ini"
    answer = server.response_text(await send(server, shown, zone="Asia/Jakarta"))
    assert "### Server ini sudah diatur" in answer


async def test_a_server_that_is_paused_can_be_set_up_and_is_reminded(open_server: OpenServer) -> None:
    server = await open_server(operator_guild=1_100_000_000_000_000_001)
    shown = await open_form(server)
    await server.operator.slash(server.staff_channel, "operator pause", sentence="Back at noon.")
    answer = server.response_text(await send(server, shown, credits="60"))
    assert "to **60 credits a month**" in answer
    assert "Back at noon" in answer
    assert "Nothing was charged" not in answer


async def test_a_server_that_is_not_allowed_can_be_set_up_and_is_reminded(server: BotServer) -> None:
    server.options["admission"] = AdmissionMode.LIST
    await server.restart()
    answer = await set_up(server, credits="60")
    assert "to **60 credits a month**" in answer
    assert "allow pictures in some servers only" in answer
    assert "Nothing was charged" not in answer
