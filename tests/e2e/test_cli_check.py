"""`python -m bot check` and `health` as a host runs them, over the wire."""

from __future__ import annotations

import re
import socket

from tests.e2e.environment import E2EEnvironment
from tests.support.paths import ROOT


def parse_lines(output: str) -> dict[str, tuple[bool, str]]:
    """Return whether each line of `check` names no fault, and its message, by its name."""
    lines = re.findall(r"^(ok|note|FAIL) +([^:]+): (.*)$", output, flags=re.MULTILINE)
    assert len(lines) == len(output.splitlines()), output
    return {name: (status != "FAIL", message) for status, name, message in lines}


async def test_before_the_first_start_all_is_well_but_for_commands_that_are_not_there_yet(
    fresh: E2EEnvironment,
) -> None:
    home = str(fresh.channel.guild_id)
    code, output = await fresh.bot.run(
        "check", "--channel", str(fresh.channel.id), BOT_DISCORD__OPERATOR_GUILD=home
    )
    found = parse_lines(output)
    assert code == 0
    assert all(ok for ok, _ in found.values())
    assert "none yet" in found["discord commands"][1]
    assert f"Server {home}" in found["operator's server"][1]
    assert "pictures can be posted" in found[f"channel {fresh.channel.id}"][1]
    assert {"settings", "database", "disk", "clock", "rivya scopes", "rivya model"} < found.keys()
    assert found["database"][1] == f"{fresh.bot.database}, new: there was none"
    assert "note  rivya scopes: generations:read is not refused, but not proven" in output


async def test_a_variable_that_looks_like_one_of_ours_is_named_and_ignored(fresh: E2EEnvironment) -> None:
    code, output = await fresh.bot.run("check", BOT_LOG_LEVEL="debug", BOT_PORT="tcp://10.0.0.1:80")
    hint = "BOT_LOG_LEVEL: this environment variable is not read; did you mean BOT_LOG__LEVEL?"
    assert code == 0
    assert f"note  settings: {hint}\n" in output
    assert "BOT_PORT" not in output


async def test_the_invitation_is_the_one_of_the_page_and_a_public_application_is_pointed_out(
    fresh: E2EEnvironment,
) -> None:
    _, output = await fresh.bot.run("check", BOT_LIMITS__GUILD_CEILING="7", BOT_LIMITS__PERIOD="total")
    found = parse_lines(output)
    application_id = str(fresh.discord.application_id)
    page = (ROOT / "docs" / "operating.md").read_text("utf-8")
    (address,) = re.findall(r"`(https://discord\.com/oauth2/\S+)`", page)
    assert found["discord invitation"] == (True, address.replace("YOUR_APPLICATION_ID", application_id))
    is_well, text = found["discord application"]
    assert is_well
    assert text.startswith(
        "public; anybody can add the bot to a server, and each may spend 7 credits in total"
    )
    fresh.discord.bot_public = False
    _, output = await fresh.bot.run("check", BOT_GUILDS__ADMISSION="approve")
    assert parse_lines(output)["discord application"][1].startswith("not public; only its owner can add it")
    _, output = await fresh.bot.run("check", BOT_GUILDS__ADMISSION="list", BOT_GUILDS__ALLOWED="17,18")
    assert "only the 2 of guilds.allowed" in parse_lines(output)["discord application"][1]


async def test_beside_a_running_bot_the_commands_are_named(fresh: E2EEnvironment) -> None:
    await fresh.bot.start_connected()
    code, output = await fresh.bot.run("check")
    found = parse_lines(output)
    assert code == 0
    assert "/imagine" in found["discord commands"][1]
    await fresh.outcome(await fresh.imagine("a fox"))
    code, output = await fresh.bot.run("check")
    assert "ok    rivya scopes: generations:read works" in output
    assert "in use by the running bot" in found["database"][1]


async def test_what_is_missing_on_discord_is_named(fresh: E2EEnvironment) -> None:
    fresh.channel.denied = {"attach_files"}
    hidden = fresh.discord.add_channel(fresh.channel.guild_id or 0)
    hidden.denied = {"view_channel"}
    channels = (f"--channel={channel.id}" for channel in (fresh.channel, hidden))
    code, output = await fresh.bot.run("check", *channels, "--channel=5", BOT_DISCORD__OPERATOR_GUILD="7")
    found = parse_lines(output)
    assert code == 1
    assert found[f"channel {fresh.channel.id}"] == (False, "the bot lacks attach_files")
    assert not found[f"channel {hidden.id}"][0]
    assert not found["channel 5"][0]
    assert "invite the bot there" in found["operator's server"][1]
    assert found["discord"][0]


async def test_a_channel_of_a_direct_message_is_none_to_look_at(fresh: E2EEnvironment) -> None:
    direct = fresh.discord.direct_channel(fresh.discord.add_person("Ayu").id)
    code, output = await fresh.bot.run("check", f"--channel={direct.id}")
    assert code == 1
    assert parse_lines(output)[f"channel {direct.id}"] == (False, f"{direct.id} is not a channel of a server")


async def test_commands_that_discord_sends_to_an_address_are_named(fresh: E2EEnvironment) -> None:
    fresh.discord.interactions_endpoint_url = "https://example.org/interactions"
    code, output = await fresh.bot.run("check")
    ok, message = parse_lines(output)["discord"]
    assert (code, ok) == (1, False)
    assert "Interactions Endpoint URL" in message


async def test_a_thread_is_judged_by_the_permissions_of_its_channel(fresh: E2EEnvironment) -> None:
    fresh.channel.denied = {"send_messages"}
    thread = fresh.discord.add_channel(fresh.channel.guild_id or 0, fresh.channel.id)
    channels = [f"--channel={fresh.channel.id}", f"--channel={thread.id}"]
    code, output = await fresh.bot.run("check", *channels)
    found = parse_lines(output)
    assert code == 1
    assert found[f"channel {fresh.channel.id}"] == (False, "the bot lacks send_messages")
    assert found[f"channel {thread.id}"] == (True, "pictures can be posted there")
    fresh.channel.denied = {"send_messages_in_threads"}
    _, output = await fresh.bot.run("check", *channels)
    assert parse_lines(output)[f"channel {thread.id}"] == (False, "the bot lacks send_messages_in_threads")


async def test_both_secrets_can_come_from_files(fresh: E2EEnvironment) -> None:
    folder = fresh.bot.folder / "credentials"
    folder.mkdir(parents=True)
    (folder / "discord.token").write_text(f"{fresh.discord.bot_token}\n")
    key = fresh.bot.folder / "key.txt"
    key.write_text(f"{fresh.rivya.api_key}\r\n")
    fresh.bot.settings |= {
        "BOT_DISCORD__TOKEN": "",
        "BOT_RIVYA__API_KEY": "",
        "CREDENTIALS_DIRECTORY": str(folder),
        "BOT_RIVYA__API_KEY_FILE": str(key),
        "BOT_RIVYA__BASE_URL": f'"{fresh.rivya.url}/api/v1/"\r',
    }
    code, output = await fresh.bot.run("check")
    found = parse_lines(output)
    assert code == 0, output
    assert found["discord"][0]
    assert found["rivya key and wallet"][0]
    code, output = await fresh.bot.run("check", BOT_RIVYA__API_KEY=fresh.rivya.api_key)
    assert code == 2
    assert output == (
        "rivya.api_key: is given more than once, by environment BOT_RIVYA__API_KEY"
        " and by the file that environment BOT_RIVYA__API_KEY_FILE names; keep one of them\n"
    )


async def test_a_refused_token_hides_nothing_else(fresh: E2EEnvironment) -> None:
    code, output = await fresh.bot.run("check", BOT_DISCORD__TOKEN="a.wrong.token")
    found = parse_lines(output)
    assert code == 1
    assert found["discord"] == (False, "Discord refuses the token")
    assert found["rivya model"][0]


def free_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


async def test_the_monitor_port_is_free_or_taken_by_the_running_bot_or_by_another_program(
    fresh: E2EEnvironment,
) -> None:
    port = free_port()
    fresh.bot.settings["BOT_MONITOR__PORT"] = port
    code, output = await fresh.bot.run("check")
    assert (code, parse_lines(output)["monitor"]) == (0, (True, f"port {port} on 127.0.0.1 is free"))
    await fresh.bot.start_connected()
    code, output = await fresh.bot.run("check")
    used = (True, f"port {port} on 127.0.0.1, in use by the running bot")
    assert (code, parse_lines(output)["monitor"]) == (0, used)
    # Beside another database it is a foreign Kuas that has the port.
    code, output = await fresh.bot.run("check", BOT_DATABASE__PATH=str(fresh.bot.folder / "other.sqlite3"))
    assert (code, parse_lines(output)["monitor"][0]) == (1, False)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, output = await fresh.bot.run("check", BOT_MONITOR__PORT=str(taken.getsockname()[1]))
    ok, message = parse_lines(output)["monitor"]
    assert (code, ok) == (1, False)
    assert "another program listens there" in message


async def test_a_health_check_follows_the_bot(fresh: E2EEnvironment) -> None:
    port = free_port()
    fresh.bot.settings["BOT_MONITOR__PORT"] = port
    assert (await fresh.bot.run("health"))[0] == 1
    await fresh.bot.start_connected()
    interaction = await fresh.imagine("a fox")
    await fresh.outcome(interaction)
    assert await fresh.bot.run("health") == (0, "ok\n")
    assert (await fresh.bot.terminate())[0] == 0
    assert (await fresh.bot.run("health"))[0] == 1
