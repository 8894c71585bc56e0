"""A database that an older version of the bot has left in the middle of its work, upgraded and restored."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from bot.storage.picture_store import picture_folder
from bot.storage.schema import migrations
from sandbox.fake_rivya.request_validation import parse_create
from tests.e2e.environment import E2EEnvironment, paint
from tests.support.sql import dump_file

DATABASE = Path(__file__).with_name("database_version_5.sql")
DAY_MS = 86_400_000
QUARTERS_A_DAY = 96
CREDITS = 4
ENDED = """
SELECT job_id, guild_id, user_id, state, created_at, closed_at, reserved_credits, final_credits
FROM reservations WHERE closed_at IS NOT NULL ORDER BY created_at, job_id
"""


def moved_to_today(sql: str) -> str:
    """Move every time by whole days, so that the newest is less than a day old."""
    times = [int(found) for found in re.findall(r"\b1796\d{9}\b", sql)]
    days = (int(time.time() * 1000) - max(times)) // DAY_MS
    sql = re.sub(r"\b1796\d{9}\b", lambda found: str(int(found[0]) + days * DAY_MS), sql)
    sql = re.sub(r"(?<='day',)\d+", lambda found: str(int(found[0]) + days), sql)
    return re.sub(r"(?<='quarter',)\d+", lambda found: str(int(found[0]) + days * QUARTERS_A_DAY), sql)


def body_of(sql: str, prompt: str) -> bytes:
    """The body of the call that the bot has made, or was about to make, for a prompt."""
    (body,) = re.findall(rf"""'({{"model":"[^']+","prompt":"{prompt}",[^']+}})'""", sql)
    return str(body).encode()


def make_database(environment: E2EEnvironment) -> None:
    """Write the older version's database, its picture, and the task that it was waiting for."""
    sql = moved_to_today(DATABASE.read_text("utf-8"))
    picture, body = paint("private fox"), body_of(sql, "painting fox")
    key = json.loads(body)["client_request_id"]
    assert environment.rivya.claim(key, body) is None
    task = environment.rivya.create(parse_create(body, environment.rivya.models), key)
    environment.rivya.unclaim(key)
    sha256 = hashlib.sha256(picture).hexdigest()
    for name, value in (
        ("APPLICATION", environment.discord.application_id),
        ("GUILD", environment.channel.guild_id),
        ("CHANNEL", environment.channel.id),
        ("MEMBER", environment.alice.id),
        ("PICTURE", sha256),
        ("TASK", task.id),
    ):
        sql = sql.replace(f"@{name}@", str(value))
    path = environment.bot.database
    picture_folder(path).mkdir(parents=True)
    (picture_folder(path) / sha256).write_bytes(picture)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(sql)


async def test_an_older_version_s_work_goes_on_and_its_database_can_be_restored(
    fresh: E2EEnvironment,
) -> None:
    bot = fresh.bot
    make_database(fresh)
    before, ended = dump_file(bot.database), [tuple(row) for row in bot.query(ENDED)]
    await bot.start_connected()
    rows = await bot.wait_finished(*[row["interaction_id"] for row in bot.jobs()])
    stages = {row["prompt"]: row["stage"] for row in rows}
    assert stages.pop("bad fox") == "failed"
    assert set(stages.values()) == {"delivered"}
    for prompt in ("painting fox", "accepted fox"):
        fresh.picture_message(prompt)
        assert len(fresh.tasks(prompt)) == 1
    now_ended = [tuple(row) for row in bot.query(ENDED)]
    assert [row for row in now_ended if row in ended] == ended
    assert sum(final_credits for *_, final_credits in now_ended) == CREDITS * len(stages)
    assert list(bot.kept_pictures().values()) == [paint("private fox")]
    (limit,) = bot.query("SELECT credits, period FROM limits WHERE rule = 'guild'")
    assert (limit["credits"], limit["period"]) == (150, "week")
    assert [row["name"] for row in bot.query("SELECT name FROM presets")] == ["ghibli"]
    assert (await bot.terminate())[0] == 0
    copy = f"backups/kuas-upgrade-5-to-{len(migrations())}.sqlite3"
    assert dump_file(bot.folder / copy) == before
    code, output = await bot.run("restore", copy)
    assert code == 0, output
    assert dump_file(bot.database) == before
    assert list(bot.kept_pictures().values()) == [paint("private fox")]
