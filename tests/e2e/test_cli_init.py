"""`python -m bot init` as a person uses it: on a terminal, with both fakes."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

from bot.cli.init.questions import QUESTIONS
from bot.config.loader import load
from tests.e2e.environment import E2EEnvironment
from tests.support.command_line import make_environment, run_bot
from tests.support.terminal import Terminal

TOKEN, KEY, SUMMARY = "Discord token (not shown): ", "Rivya key (not shown): ", "a number changes an answer: "
WORKS = "Enter to type another, r to try this one again, k to keep it unchecked: "
CONTACT = 'Mira "the \\ brush" d\'Été 🐋, mira@example.org'


def wizard(fresh: E2EEnvironment, *arguments: str) -> Terminal:
    fresh.bot.folder.mkdir(exist_ok=True)
    entry = (sys.executable, "-m", "tests.e2e.bot_entry")
    environ = make_environment(
        BOT_RIVYA__BASE_URL=fresh.rivya.url,
        KUAS_E2E_DISCORD=f"{fresh.discord.api_url} {fresh.discord.gateway.url}",
        PYTHONUTF8="1",
    )
    return Terminal((*entry, "init", *arguments), cwd=fresh.bot.folder, env=environ)


async def answer_all(fresh: E2EEnvironment, terminal: Terminal, contact: str = CONTACT) -> None:
    """Answer everything up to the summary."""
    await terminal.answer(TOKEN, fresh.discord.bot_token)
    assert "ok    the token belongs to" in await terminal.answer(KEY, fresh.rivya.api_key)
    assert "ok    the key is good for" in await terminal.answer(
        "Your own server [none]: ", str(fresh.channel.guild_id)
    )
    await terminal.answer("Credits for a server [200]: ", "60")
    await terminal.answer("Who may invite it [1]: ", "")
    await terminal.answer("Whom to contact [none]: ", contact)
    await terminal.answer("Privacy policy [none]: ", "https://example.org/privacy")


async def check(fresh: E2EEnvironment, *arguments: str, **settings: str) -> tuple[int, str]:
    """Run `check` with nothing but what was written."""
    unset = dict.fromkeys(
        ("BOT_DISCORD__TOKEN", "BOT_RIVYA__API_KEY", "BOT_DATABASE__PATH", "BOT_LIMITS__GUILD_CREDITS"), ""
    )
    return await fresh.bot.run(*arguments, "check", **(unset | settings))


async def test_the_file_has_what_was_typed_and_the_bot_works_with_it(fresh: E2EEnvironment) -> None:
    async with wizard(fresh) as terminal:
        await answer_all(fresh, terminal)
        shown = await terminal.answer(SUMMARY, "")
        assert " 5  Who may invite it: nobody but you" in shown
        assert await terminal.end() == 0
    for secret in (fresh.discord.bot_token, fresh.rivya.api_key):
        assert secret not in terminal.shown
    file = fresh.bot.folder / "config.toml"
    assert file.stat().st_mode & 0o777 == 0o600
    assert tomllib.loads(file.read_text("utf-8")) == {
        "discord": {"token": fresh.discord.bot_token, "operator_guild": fresh.channel.guild_id},
        "rivya": {"api_key": fresh.rivya.api_key},
        "limits": {"guild_ceiling": 60},
        "guilds": {"admission": "approve"},
        "about": {"contact": CONTACT, "privacy_url": "https://example.org/privacy"},
        "database": {"path": str(fresh.bot.folder / "data" / "bot.sqlite3")},
        "backup": {"folder": str(fresh.bot.folder / "data" / "backups")},
    }
    assert "Public Bot has to be off (it is on now)" in terminal.shown
    assert "Interactions Endpoint URL has to be empty" in terminal.shown
    code, output = await check(fresh, "--config", str(file))
    assert code == 0, output
    (invitation,) = (line for line in output.splitlines() if "discord invitation" in line)
    assert invitation.split(": ", 1)[1] in terminal.shown


async def test_wrong_answers_are_asked_again_and_every_answer_can_be_changed(fresh: E2EEnvironment) -> None:
    async with wizard(fresh) as terminal:
        await terminal.answer(TOKEN, "two words")
        assert "must be one word" in await terminal.answer(TOKEN, "a.wrong.token")
        assert "FAIL  " in await terminal.answer(WORKS, "")
        await terminal.answer(TOKEN, fresh.discord.bot_token)
        await terminal.answer(KEY, "rvya_sk_wrong")
        assert "FAIL  " in await terminal.answer(WORKS, "k")
        await terminal.answer("Your own server [none]: ", "my server")
        assert "the id of a server" in await terminal.answer("Your own server [none]: ", "")
        await terminal.answer("Credits for a server [200]: ", "-1")
        assert "a whole number" in await terminal.answer("Credits for a server [200]: ", "")
        await terminal.answer("Who may invite it [1]: ", "4")
        assert "from 1 to 3" in await terminal.answer("Who may invite it [1]: ", "3")
        await terminal.answer("Whom to contact [none]: ", "\x1b[D")
        await terminal.answer("Whom to contact [none]: ", "")
        await terminal.answer("Privacy policy [none]: ", "http://example.org")
        await terminal.answer("Privacy policy [none]: ", "")
        assert " 2  Rivya key: not checked" in await terminal.answer(SUMMARY, "2")
        await terminal.answer(KEY, fresh.rivya.api_key)
        assert fresh.rivya.api_key not in await terminal.answer(SUMMARY, "99")
        await terminal.answer(SUMMARY, "8")
        await terminal.answer("Database [data/bot.sqlite3]: ", "~/kuas.sqlite3")
        await terminal.answer(SUMMARY, "10")
        await terminal.answer("File: ", "")
        await terminal.answer(SUMMARY, "10")
        await terminal.answer("File: ", "other/kuas.toml")
        await terminal.answer(SUMMARY, "")
        assert await terminal.end() == 0
    loaded = load(fresh.bot.folder / "other" / "kuas.toml")
    assert loaded.rivya.api_key.get_secret_value() == fresh.rivya.api_key
    assert (loaded.guilds.admission, loaded.about.contact) == ("open", None)
    assert loaded.database.path == Path.home() / "kuas.sqlite3"
    assert "Public Bot has to be on" in terminal.shown


async def test_an_endpoint_url_is_named_and_the_same_token_can_be_tried_again(fresh: E2EEnvironment) -> None:
    fresh.discord.interactions_endpoint_url = "https://example.org/interactions"
    async with wizard(fresh) as terminal:
        await terminal.answer(TOKEN, fresh.discord.bot_token)
        assert "Interactions Endpoint URL" in await terminal.wait_for(WORKS)
        fresh.discord.interactions_endpoint_url = None
        terminal.type("r\n")
        assert "ok    the token belongs to" in await terminal.wait_for(KEY)


async def test_an_env_file_has_no_paths_and_works(fresh: E2EEnvironment) -> None:
    async with wizard(fresh, "--env", "kuas.env") as terminal:
        await terminal.answer(TOKEN, fresh.discord.bot_token)
        await terminal.answer(KEY, fresh.rivya.api_key)
        for prompt in ("Your own server [none]: ", "Credits for a server [200]: ", "Who may invite it [1]: "):
            await terminal.answer(prompt, "")
        await terminal.answer("Whom to contact [none]: ", CONTACT)
        assert "in an env file" in await terminal.answer("Whom to contact [none]: ", "Mira's $5 friends")
        assert "in an env file" in await terminal.answer("Whom to contact [none]: ", 'Mira "M", $5')
        await terminal.answer("Privacy policy [none]: ", "")
        await terminal.answer(SUMMARY, "")
        assert await terminal.end() == 0
    file = fresh.bot.folder / "kuas.env"
    assert file.stat().st_mode & 0o777 == 0o600
    lines = [line for line in file.read_text("utf-8").splitlines() if not line.startswith("#")]
    values = dict(line.split("=", 1) for line in lines)
    assert values["BOT_ABOUT__CONTACT"] == "'Mira \"M\", $5'"
    assert not any("PATH" in name or "FOLDER" in name for name in values)
    code, output = await check(fresh, **values)
    assert code == 0, output


async def answer_with_defaults(fresh: E2EEnvironment, terminal: Terminal, summary: str = "") -> None:
    """Answer with both secrets, and with nothing else; `summary` is typed below the summary."""
    await terminal.answer(TOKEN, fresh.discord.bot_token)
    await terminal.answer(KEY, fresh.rivya.api_key)
    for question in QUESTIONS:
        if question.in_env and not question.is_secret:
            await terminal.answer(f"{question.title} [{question.default or 'none'}]: ", "")
    await terminal.answer(SUMMARY, summary)


async def test_secrets_in_files_of_their_own_work_with_an_env_file(fresh: E2EEnvironment) -> None:
    folder = fresh.bot.folder
    async with wizard(fresh, "--env", ".env", "--secrets", "secrets") as terminal:
        await answer_with_defaults(fresh, terminal)
        assert await terminal.end() == 0
    assert fresh.discord.bot_token not in (folder / ".env").read_text("utf-8")
    lines = [line for line in (folder / ".env").read_text("utf-8").splitlines() if not line.startswith("#")]
    values = dict(line.split("=", 1) for line in lines)
    assert values["BOT_DISCORD__TOKEN_FILE"] == "./secrets/discord.token"
    assert values["BOT_RIVYA__API_KEY_FILE"] == "./secrets/rivya.api_key"
    assert (folder / "secrets" / "rivya.api_key").read_text() == f"{fresh.rivya.api_key}\n"
    code, output = await check(fresh, **values)
    assert code == 0, output
    async with wizard(fresh, "--env", "other.env", "--secrets", "secrets") as terminal:
        assert await terminal.end() == 2
    assert "discord.token: exists already" in terminal.shown
    assert not (folder / "other.env").exists()


async def test_a_folder_that_no_env_file_can_name_is_refused_before_anything_is_asked(
    fresh: E2EEnvironment,
) -> None:
    async with wizard(fresh, "--env", ".env", "--secrets", "it's $5") as terminal:
        assert await terminal.end() == 2
    assert "it's $5/discord.token: in an env file it must be without a backslash" in terminal.shown
    assert list(fresh.bot.folder.iterdir()) == []


async def test_a_file_from_which_no_env_file_can_name_the_secrets_is_refused(fresh: E2EEnvironment) -> None:
    fresh.bot.folder.mkdir(exist_ok=True)
    env = fresh.bot.folder / "it's $5" / ".env"
    async with wizard(fresh, "--env", str(env), "--secrets", str(env.with_name("secrets"))) as terminal:
        await answer_with_defaults(fresh, terminal, summary="8")
        await terminal.answer("File: ", str(fresh.bot.folder / ".env"))
        assert "in an env file it must be without a backslash" in await terminal.answer(SUMMARY, "")
        assert await terminal.end() == 0
    assert "BOT_DISCORD__TOKEN_FILE=./secrets/discord.token" in env.read_text("utf-8")


async def test_secrets_in_files_of_their_own_work_with_systemd_s_credentials(fresh: E2EEnvironment) -> None:
    folder = fresh.bot.folder
    async with wizard(fresh, "--secrets", "credentials") as terminal:
        await answer_with_defaults(fresh, terminal)
        assert await terminal.end() == 0
    written = tomllib.loads((folder / "config.toml").read_text("utf-8"))
    assert ("token" in written.get("discord", {}), "rivya" in written) == (False, False)
    assert f"CREDENTIALS_DIRECTORY={folder / 'credentials'} " in terminal.shown
    code, output = await check(fresh, CREDENTIALS_DIRECTORY=str(folder / "credentials"))
    assert code == 0, output


async def test_ctrl_c_and_the_end_of_input_leave_nothing(fresh: E2EEnvironment) -> None:
    for key in ("\x03", "\x04"):
        async with wizard(fresh) as terminal:
            await terminal.wait_for(TOKEN)
            terminal.type(key)
            assert await terminal.end() == 1
            assert "nothing was written" in terminal.shown
        async with wizard(fresh) as terminal:
            await answer_all(fresh, terminal)
            await terminal.wait_for(SUMMARY)
            terminal.type(key)
            assert await terminal.end() == 1
    assert list(fresh.bot.folder.iterdir()) == []


async def test_a_file_that_exists_is_never_overwritten(fresh: E2EEnvironment) -> None:
    fresh.bot.folder.mkdir(exist_ok=True)
    file = fresh.bot.folder / "config.toml"
    async with wizard(fresh) as terminal:
        await answer_all(fresh, terminal)
        await terminal.wait_for(SUMMARY)
        file.write_text("mine")  # it appears meanwhile
        terminal.type("\n")
        await terminal.wait_for("nothing was written")
        await terminal.wait_for(SUMMARY)
        terminal.type("\x03")
        assert await terminal.end() == 1
    async with wizard(fresh) as terminal:
        assert await terminal.end() == 2
        assert "exists already" in terminal.shown
    assert file.read_text() == "mine"
    assert list(fresh.bot.folder.iterdir()) == [file]


def test_without_a_terminal_the_variables_are_listed(tmp_path: Path) -> None:
    result = run_bot(tmp_path, "init")
    assert (result.returncode, result.stdout, list(tmp_path.iterdir())) == (2, "", [])
    for name in ("DISCORD__TOKEN", "RIVYA__API_KEY", "GUILDS__ADMISSION", "ABOUT__CONTACT", "DATABASE__PATH"):
        assert f"BOT_{name}: " in result.stderr
    assert "BOT_DISCORD__TOKEN_FILE" in result.stderr
