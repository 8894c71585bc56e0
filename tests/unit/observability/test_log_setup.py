"""Logging: levels, formats, and secrets that never reach the log."""

from __future__ import annotations

import io
import json
import logging
from typing import Literal

import pytest
import structlog

from bot.observability.log_setup import configure, mask

KEY = "rvya_sk_4f9cA-b_77secret"
BOT_TOKEN = "MTA5ODc2NTQzMjEwOTg3NjU0.GhIjKl.abcdefghijklmnopqrstuvwxyz0123456789AB"
REPLY_TOKEN = "aW50ZXJhY3Rpb246MTIzOnNlY3JldA"


class FakeTerminal(io.StringIO):
    """A stream that is a terminal, so that colours are on."""

    def isatty(self) -> bool:
        return True


def fail_with(message: str) -> None:
    raise RuntimeError(message)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"key {KEY}.", "key ***."),
        (f"token {BOT_TOKEN}", "token ***"),
        (
            f"PATCH https://discord.com/api/v10/webhooks/123/{REPLY_TOKEN}/messages/@original",
            "PATCH https://discord.com/api/v10/webhooks/123/***/messages/@original",
        ),
        (f"/webhooks/123/{REPLY_TOKEN}?wait=true", "/webhooks/123/***?wait=true"),
        (f"POST /interactions/45/{REPLY_TOKEN}/callback", "POST /interactions/45/***/callback"),
        ("Authorization: Bearer hush", "Authorization: Bearer ***"),
        ("authorization=hush", "authorization=***"),
        ("{'Authorization': 'Bot hush', 'X': 'y'}", "{'Authorization': 'Bot ***', 'X': 'y'}"),
        ("('Authorization', 'Bearer hush')", "('Authorization', 'Bearer ***')"),
        ("(b'Authorization', b'Bearer hush')", "(b'Authorization', b'Bearer ***')"),
        (r'"{\"Authorization\": \"Bearer hush\"}"', r'"{\"Authorization\": \"Bearer ***\"}"'),
        (f"{{'id': '1', 'token': '{REPLY_TOKEN}'}}", "{'id': '1', 'token': '***'}"),
        (f'{{"token":"{REPLY_TOKEN}"}}', '{"token":"***"}'),
        (f"interaction_token={REPLY_TOKEN} next", "interaction_token=*** next"),
    ],
)
def test_everything_that_looks_like_a_secret_is_masked(text: str, shown: str) -> None:
    assert mask(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "discord.token: missing; must be one word (config.toml key discord.token)",
        "task 0b7c9d0e-7a58-4b8e-9a53-5f1e7c0a1b2c polled at https://rivya.ai/api/v1/generations/gen_123",
        "https://cdn.discordapp.com/attachments/123456789012345678/123456789012345678/fox.picture.png",
        "the API asks for authorization of the scope generations.write",
        "bot.rivya.client connected, discord.py 2.7.1, tokens left: 3",
    ],
)
def test_text_that_is_no_secret_is_not_masked(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize("log_format", ["console", "json"])
@pytest.mark.parametrize("stream_type", [io.StringIO, FakeTerminal])
def test_no_secret_is_written_by_any_logger(
    log_format: Literal["console", "json"], stream_type: type[io.StringIO]
) -> None:
    stream = stream_type()
    configure("debug", log_format, stream=stream)
    own, library = structlog.get_logger("bot.engine.engine"), logging.getLogger("discord.http")
    headers = {"Authorization": "Bearer hush-hush", "nested": [KEY]}
    own.info(f"created with {KEY}", headers=headers, token=REPLY_TOKEN, authorization="Bearer hush-hush")
    own.info("positional %s", BOT_TOKEN)
    library.warning("%s /webhooks/1/%s with %s", "POST", REPLY_TOKEN, headers)
    try:
        fail_with(f"refused {KEY} for {BOT_TOKEN}")
    except RuntimeError as error:
        own.exception("failed", cause=error)
        library.exception("failed too")
    written = stream.getvalue()
    assert written.count("Traceback") == 2
    assert [secret for secret in (KEY, BOT_TOKEN, REPLY_TOKEN, "hush-hush") if secret in written] == []


def test_json_has_one_object_a_line_with_the_context_also_for_libraries() -> None:
    stream = io.StringIO()
    configure("info", "json", stream=stream)
    with structlog.contextvars.bound_contextvars(job_id="j1"):
        structlog.get_logger("bot.engine.engine").info("settled", credits=4)
        logging.getLogger("aiohttp.client").warning("slow %s", "host")
    own, theirs = (json.loads(line) for line in stream.getvalue().splitlines())
    assert own.pop("timestamp").endswith("Z")
    assert own == {
        "event": "settled",
        "credits": 4,
        "job_id": "j1",
        "level": "info",
        "logger": "bot.engine.engine",
    }
    assert theirs["event"] == "slow host"
    assert (theirs["job_id"], theirs["level"], theirs["logger"]) == ("j1", "warning", "aiohttp.client")


def test_lines_below_the_level_are_dropped_for_every_logger() -> None:
    stream = io.StringIO()
    configure("warning", "console", stream=stream)
    structlog.get_logger("bot").info("quiet")
    logging.getLogger("discord").info("quiet")
    structlog.get_logger("bot").warning("loud")
    assert "quiet" not in stream.getvalue()
    assert "loud" in stream.getvalue()


def test_verbose_libraries_are_silenced_at_debug() -> None:
    stream = io.StringIO()
    configure("debug", "console", stream=stream)
    logging.getLogger("aiosqlite").debug("executing functools.partial")
    logging.getLogger("PIL.PngImagePlugin").debug("STREAM IHDR")
    logging.getLogger("discord.gateway").debug("heard")
    assert stream.getvalue().count("\n") == 1


def test_configuring_twice_writes_each_line_once() -> None:
    first, second = io.StringIO(), io.StringIO()
    logger = structlog.get_logger("bot")
    configure("info", "console", stream=first)
    logger.info("one")
    configure("info", "json", stream=second)
    logger.info("two")
    assert "two" not in first.getvalue()
    assert [json.loads(line)["event"] for line in second.getvalue().splitlines()] == ["two"]


def test_colours_are_for_terminals_only() -> None:
    plain, terminal = io.StringIO(), FakeTerminal()
    for stream in (plain, terminal):
        configure("info", "console", stream=stream)
        structlog.get_logger("bot").info("hello")
    assert "\x1b[" not in plain.getvalue()
    assert "\x1b[" in terminal.getvalue()


def test_the_log_goes_to_standard_error_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info", "console")
    structlog.get_logger("bot").info("hello")
    captured = capsys.readouterr()
    assert "hello" in captured.err
    assert captured.out == ""
