"""Every free text of every command and form: what is painted, stored, found and shown of awkward texts."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from cogs.access.views import WORD_UNITS
from cogs.text.escaping import single_line
from sandbox.fake_rivya import FakeRivya
from tests.scenarios.awkward_texts import PAINTED, TEXTS, Awkward
from tests.scenarios.bot_server import BotServer, OpenServer
from tests.scenarios.interactions import fill_modal

HEADQUARTERS = 10**17
STRING = 3
FAULT = "our side"
"""What a member reads if the bot has a bug."""


@pytest.fixture
async def server(open_server: OpenServer) -> BotServer:
    return await open_server(operator_guild=HEADQUARTERS, guild_credits=10**6)


@pytest.fixture(autouse=True)
def _send_only_what_discord_takes(server: BotServer) -> Iterator[None]:
    yield
    for entry in server.env.http_requests:
        # Raises for a lone surrogate, which Discord's JSON parser does not take.
        json.dumps(entry.json, ensure_ascii=False).encode()


async def answer(server: BotServer, person: Any, command: str, where: Any = None, **options: Any) -> str:
    result = await person.slash(where or server.channel, command, **options)
    words: str = server.private_text(result)
    assert FAULT not in words, (command, options)
    return words


async def as_manager(server: BotServer, command: str, **options: Any) -> str:
    if command.startswith("operator"):
        return await answer(server, server.operator, command, server.staff_channel, **options)
    return await answer(server, server.sari, command, **options)


def stored(server: BotServer, query: str) -> list[Any]:
    with closing(sqlite3.connect(server.database)) as connection:
        return [row[0] for row in connection.execute(query)]


def free_texts(payload: dict[str, Any], path: str) -> Iterator[tuple[str, str]]:
    for option in payload.get("options", ()):
        if option["type"] in {1, 2}:
            yield from free_texts(option, f"{path} {option['name']}")
        elif option["type"] == STRING and not option.get("choices"):
            yield path, option["name"]


TESTED = {
    *(("imagine", "prompt"), ("imagine", "preset"), ("history", "search")),
    *((f"limits {name}", "reason") for name in ("guild", "member", "role", "remove", "grant", "refund")),
    *(("limits remove", "rule"), ("limits refund", "job"), ("limits timezone", "zone")),
    *(("access forbid", "words"), ("access permit", "word"), ("access block", "reason")),
    ("access model", "model"),
    *(("presets save", name) for name in ("name", "before", "after")),
    ("presets remove", "name"),
    *((f"operator {name}", "guild") for name in ("ceiling", "pause", "resume")),
    *(("operator ceiling", "reason"), ("operator pause", "sentence")),
    *(("operator close", "job"), ("operator close", "reason")),
}


async def test_every_free_text_of_every_command_is_in_these_tests(server: BotServer) -> None:
    scopes = server.env.backend.commands.values()
    commands = [command for scope in scopes for command in scope.values()]
    found = {each for command in commands for each in free_texts(command, command["name"])}
    assert found == TESTED


async def paint(server: BotServer, rivya: FakeRivya, send: Any) -> str:
    """Send a prompt; return the prompt that Rivya got, or the private answer."""
    before = len(rivya.tasks)
    result = await send()
    if len(rivya.tasks) == before:
        words: str = server.private_text(result)
        assert FAULT not in words
        return words
    return str(list(rivya.tasks.values())[-1].prompt)


def check_painted(name: str, awkward: Awkward, prompt: str) -> None:
    if awkward.prompt is PAINTED:
        assert prompt == awkward.text, name
    else:
        assert awkward.prompt in prompt, name


async def test_prompts(server: BotServer, rivya: FakeRivya) -> None:
    for name, awkward in TEXTS.items():
        prompt = awkward.text

        async def send(prompt: str = prompt) -> Any:
            return await server.alice.slash(server.channel, "imagine", prompt=prompt)

        check_painted(name, awkward, await paint(server, rivya, send))
        alt = [server.alt_texts(message) for message in server.channel.history()[-1:]]
        assert awkward.prompt is not PAINTED or alt == [[single_line(prompt, 1024) or "The picture"]], name


async def test_prompts_in_the_form(server: BotServer, rivya: FakeRivya) -> None:
    for name, awkward in TEXTS.items():
        shown = await server.alice.slash(server.channel, "imagine")
        # One field takes 4000 characters.
        first, rest = awkward.text[:2000], awkward.text[2000:]
        assert not rest or awkward.prompt is PAINTED

        async def send(shown: Any = shown, first: str = first) -> Any:
            return await server.alice.submit_modal(shown, fill_modal(shown, prompt=first))

        prompt = await paint(server, rivya, send)
        if awkward.prompt is PAINTED:
            assert prompt == first, name
        else:
            assert awkward.prompt in prompt, name


async def test_a_prompt_with_half_a_character_can_be_edited(server: BotServer, rivya: FakeRivya) -> None:
    refused = await server.alice.slash(server.channel, "imagine", prompt="a fox \ud83e", private=True)
    assert refused.response is not None
    shown = await server.alice.click(refused.response.message, label="Edit and try again")
    await server.alice.submit_modal(shown, fill_modal(shown))
    assert [task.prompt for task in rivya.tasks.values()] == ["a fox "]


async def test_searches(server: BotServer) -> None:
    await server.alice.slash(server.channel, "imagine", prompt="nothing")
    for name, awkward in TEXTS.items():
        if awkward.prompt is PAINTED and len(awkward.text) < 1000:
            await server.alice.slash(server.channel, "imagine", prompt=awkward.text)
            search = awkward.text[:40]
            result = await server.alice.slash(server.channel, "history", search=search)
            assert result.response is not None
            found = server.alt_texts(result.response.message)
            assert (single_line(awkward.text, 1024) in found) is awkward.found, name
            assert "nothing" not in found, name
            assert "with the words" in server.response_text(result), name


async def test_searches_for_nothing(server: BotServer) -> None:
    await server.alice.slash(server.channel, "imagine", prompt="nothing")
    for name, awkward in TEXTS.items():
        result = await server.alice.slash(server.channel, "history", search=awkward.text[:40])
        words = server.response_text(result)
        assert FAULT not in words, name
        everything = not single_line(awkward.text[:40], 40)  # nothing was typed
        assert ("nothing" in words) is everything, name
        assert ("with the words" in words) is not everything, name
        assert ("No picture has these words or signs" in words) is not everything, name


def escaped(text: str, units: int) -> str:
    """The beginning of what is expected to be shown, which may be cut."""
    return text if len(text) <= units else text[: units // 2]


async def test_blocked_words(server: BotServer) -> None:
    for name, awkward in TEXTS.items():
        words = await answer(server, server.sari, "access forbid", words=awkward.text[:1000])
        rules = stored(
            server,
            "SELECT words FROM access_rules WHERE effect = 'deny' AND rule_id IN"
            " (SELECT max(rule_id) FROM access_rules GROUP BY subject)",
        )
        if awkward.too_long:
            assert "too long" in words, name
            assert rules == [], name
            continue
        expected = awkward.one_line if awkward.blocked is None else awkward.blocked
        assert "".join(rules) == expected, name
        if expected:
            assert f"“{escaped(awkward.blocked or awkward.why, WORD_UNITS)}" in words, name
            refused = await answer(server, server.alice, "imagine", prompt=f"a {expected} b")
            assert "is blocked" in refused, name
            permitted = await answer(server, server.sari, "access permit", word=expected[:60])
            assert "no rule about" in permitted, name
        else:
            assert "punctuation alone cannot be blocked" in words, name
            assert "no such rule" in await answer(
                server, server.sari, "access permit", word=awkward.text[:60]
            )


async def test_models_of_rules(server: BotServer) -> None:
    for name, awkward in TEXTS.items():
        words = await answer(server, server.sari, "access model", model=awkward.text[:100], mode="deny")
        assert "There is no model" in words, name
        assert stored(server, "SELECT count(*) FROM access_rules") == [0], name


async def test_presets(server: BotServer, rivya: FakeRivya) -> None:
    for name, awkward in TEXTS.items():
        title, text = awkward.text[:40], awkward.text[:1000]
        words = await answer(server, server.sari, "presets save", name=title, before=text, size="square")
        if awkward.nameless:
            assert "a name with letters, numbers or emoji" in words, name
            assert stored(server, "SELECT name FROM presets") == [], name
            title = "Oil"
            words = await answer(
                server, server.sari, "presets save", name=title, before=text, after=text, size="square"
            )
        assert "is saved" in words, name
        before = awkward.one_line[: len(text)] if len(text) < len(awkward.text) else awkward.one_line
        assert stored(server, "SELECT before_words FROM presets ORDER BY preset_id DESC LIMIT 1") == [
            before
        ], name
        shown = await answer(server, server.alice, "presets show")
        assert "your words" in shown, name

        async def send(preset: str = title) -> Any:
            return await server.alice.slash(server.channel, "imagine", prompt="a hen", preset=preset)

        after = f" {before}" if awkward.nameless and before else ""
        assert await paint(server, rivya, send) == f"{before} a hen{after}".strip(" "), name
        assert "is removed" in await answer(server, server.sari, "presets remove", name=title), name
        # What was removed, or never had a name, is not found.
        missing = await answer(server, server.alice, "imagine", prompt="a hen", preset=awkward.text[:40])
        assert "There is no preset" in missing, name
        assert "no such preset" in await answer(
            server, server.sari, "presets remove", name=awkward.text[:40]
        ), name
        with closing(sqlite3.connect(server.database)) as connection, connection:
            connection.execute("DELETE FROM presets")


async def whys(server: BotServer) -> list[str]:
    """Return the reasons of the entries on the first page of the log; empty for an entry without one."""
    words = await answer(server, server.sari, "limits log")
    return [line.partition(" Why: ")[2] for line in words.strip().splitlines()[2::2]]


async def test_reasons(server: BotServer) -> None:
    artists, here = server.guild.create_role("Artists"), str(server.guild.id)
    day: dict[str, Any] = {"credits": 900, "period": "day"}
    commands: dict[str, dict[str, Any]] = {
        "limits guild": day,
        "limits member": {"member": server.bob} | day,
        "limits role": {"role": artists} | day,
        "limits remove": {"rule": "guild"},
        "access block": {"member": server.bob},
        "operator ceiling": {"scope": "one", "guild": here} | day,
        "operator pause": {"guild": here},
    }
    for name, awkward in TEXTS.items():
        for command, options in commands.items():
            option = "sentence" if command == "operator pause" else "reason"
            await as_manager(server, command, **{option: awkward.text[:200]}, **options)
        assert (await whys(server))[: len(commands)] == [awkward.why] * len(commands), name
        refused = await answer(server, server.alice, "imagine", prompt="a hen")
        assert awkward.why.rstrip("…") in refused, name
        await as_manager(server, "operator resume", guild=here)


async def test_reasons_that_have_to_be_given(server: BotServer) -> None:
    for name, awkward in TEXTS.items():
        reason = awkward.text[:200]
        await server.alice.slash(server.channel, "imagine", prompt="a hen")
        job = str(server.ledger_entries()[-1]["job_id"])
        for command, options in (("limits grant", {"credits": 1}), ("limits refund", {"job": job})):
            words = await answer(server, server.sari, command, reason=reason, **options)
            assert ("Give a reason in words" in words) is (not awkward.one_line), (name, command)
        assert not awkward.one_line or (await whys(server))[:2] == [awkward.why] * 2, name
        words = await as_manager(server, "operator close", job=job, credits=1, reason=reason)
        assert ("Give a reason in words" in words) is (not awkward.one_line), name


async def test_what_has_to_be_chosen(server: BotServer) -> None:
    """Names and ids that are typed instead of chosen from the list."""
    day = {"scope": "one", "credits": 1, "period": "day"}
    # Nothing but an exact name or id is found, so the texts that are changed or cut on the way are enough.
    changed = {
        name: each.text for name, each in TEXTS.items() if each.line is not None or len(each.text) > 1000
    }
    for name, text in changed.items():
        expected: dict[str, tuple[dict[str, Any], str]] = {
            "limits remove": ({"rule": text}, "Nothing like that"),
            "limits refund": ({"job": text[:100], "reason": "x"}, "no such picture"),
            "limits timezone": ({"zone": text}, "There is no time zone"),
            "operator close": ({"job": text[:100], "credits": 1, "reason": "x"}, "There is no job"),
            "operator ceiling": ({"guild": text[:25]} | day, "not the id of a server"),
            "operator pause": ({"guild": text[:25]}, "not the id of a server"),
            "operator resume": ({"guild": text[:25]}, "not the id of a server"),
        }
        for command, (options, sentence) in expected.items():
            words = await as_manager(server, command, **options)
            assert sentence in words, (name, command)
    for table in ("limits", "pauses", "refunds", "guild_settings", "corrections"):
        assert stored(server, f"SELECT count(*) FROM {table}") == [0], table


AUTOCOMPLETED = [
    *(("imagine", "preset"), ("presets remove", "name"), ("access permit", "word")),
    *(("limits remove", "rule"), ("limits refund", "job"), ("limits timezone", "zone")),
    *((f"operator {command}", "guild") for command in ("ceiling", "pause", "resume")),
]


async def test_what_is_typed_into_a_list(server: BotServer) -> None:
    await server.alice.slash(server.channel, "imagine", prompt="a hen")
    await answer(server, server.sari, "presets save", name="Oil 🦊", before="in oil")
    await answer(server, server.sari, "access forbid", words="walrus, 🦊")
    odd = ("five thousand emoji", "half a character alone", "nul alone", "mentions", "sql", "an override")
    for name in odd:
        for command, option in AUTOCOMPLETED:
            operator = command.startswith("operator")
            person = server.operator if operator else server.sari
            where = server.staff_channel if operator else server.channel
            typed = TEXTS[name].text[:1] if name == "five thousand emoji" else TEXTS[name].text[:25]
            choices = [each["name"] for each in await person.autocomplete(where, command, option, typed)]
            by_emoji = {"preset": ["Oil 🦊"], "name": ["Oil 🦊"], "word": ["🦊"]}
            if name == "five thousand emoji":
                assert choices == by_emoji.get(option, []), command
            elif typed.isprintable():
                assert choices == [], (name, command)
