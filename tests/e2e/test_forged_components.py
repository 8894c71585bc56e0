"""Presses of buttons that the bot never showed: each is answered in private and does nothing."""

from __future__ import annotations

import random
import string

import pytest

from tests.e2e.environment import E2EEnvironment
from tests.e2e.fake_discord.server import message_text

pytestmark = pytest.mark.asyncio(loop_scope="module")

ACTIONS = ("again", "edit", "use", "details", "share", "delete", "delete_now", "cancel", "retry")
GROUP_ACTIONS = (
    "cancel",
    "again",
    "missing",
    "pick",
    "show",
    "use",
    "delete",
    "delete_one",
    "delete_all",
    "vote",
)
LATE_ACTIONS = ("retry", "abandon", "release")
FORGED_IDS = (
    "kuas",
    "kuas:ask:yes:1",
    "kuas:ask:yes:9999999999999999999",
    "kuas:ask:yes:-1",
    "kuas:ask:maybe:1",
    "kuas:ask:yes:1\n",
    "kuas:privacy:erase:1",
    "kuas:privacy:erase:9999999999999999999",
    "kuas:reconcile:abcdefabcdef",
    "kuas:reconcile:ABCDEFABCDEF",
    "kuas:guilds:month:999999",
    "kuas:guilds:century:1",
    "kuas:late:page:999999",
    *(f"kuas:late:{action}:00000000-0000-4000-8000-000000000000:1" for action in LATE_ACTIONS),
    "kuas:late:burn:00000000-0000-4000-8000-000000000000:1",
    "kuas:log:older:9999999999999999:1:ffff",
    "kuas:log:newer:0:6:00000000-0000-0000-0000-000000000000",
    "kuas:log:older:\u0663:1:1",  # an Arabic three
    "kuas:log:older:1:1:-",
    *(f"kuas:picture:{action}:00000000-0000-4000-8000-000000000000" for action in ACTIONS),
    "kuas:picture:again:------------------------------------",
    "kuas:picture:burn:00000000-0000-4000-8000-000000000000",
    "kuas:picture:cancel:00000000-0000-4000-8000-00000000000",
    "kuas:picture:delete_now:00000000-0000-4000-8000-000000000000:1",
    "kuas:picture:delete_now:00000000-0000-4000-8000-000000000000:9999999999999999999",
    *(f"kuas:group:{action}:1" for action in GROUP_ACTIONS),
    "kuas:group:vote:1:9999999999999999999",
    "kuas:group:delete_all:9999999999999999999:9999999999999999999",
    "kuas:group:burn:1",
    "kuas:card:1",
    "kuas:draft:1",
    "kuas:draft:9999999999999999999",
    "kuas:draft:",
    "kuas:history:newest:1:0:",
    "kuas:history:newer:9999999999999999999:9999999999999999999:fox",
    "kuas:history:older:0:0:%_' OR 1=1 --",
    "kuas:history:oldest:1:1:",
    "kuas:history:pick:1:",
    "kuas:form:1",
    "'; DROP TABLE jobs; --",
    "\u202eeert",
    "{}{0}%s%n" * 11,
    "🦊" * 50,
)


def mutate(rng: random.Random) -> str:
    """Return a forged custom_id with a few characters replaced, added or removed."""
    characters = list(rng.choice(FORGED_IDS))
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(characters) + 1)
        characters[place : place + rng.randint(0, 2)] = rng.choices(string.printable + "٣é\0", k=1)
    return "".join(characters)[:100] or "x"


async def test_a_forged_button_is_answered_in_private_and_does_nothing(
    environment: E2EEnvironment,
) -> None:
    rng = random.Random(7)
    custom_ids = [*FORGED_IDS, *(mutate(rng) for _ in range(60))]
    pressed = [
        await environment.discord.click(environment.channel, environment.alice, custom_id)
        for custom_id in custom_ids
    ]
    await environment.discord.until(lambda: all(click.answer_type is not None for click in pressed))
    for custom_id, click in zip(custom_ids, pressed, strict=True):
        reply = environment.discord.reply(click)
        assert (reply.ephemeral, reply.loading) == (True, False), custom_id
        assert message_text(reply), custom_id
    assert environment.rivya.tasks == {}


@pytest.mark.parametrize(
    "prompt",
    [
        "@everyone @here <@1> <@&2> <#3> </imagine:4>",
        "**bold** __under__ ~~gone~~ ||spoiler|| `code` ```block``` > quote # title [a](http://evil.example)",
        "\u202eabc\u2066def\u2069 right to left",
        "🦊👨\u200d👩\u200d👧\u200d👦" * 600,
        "-# small\n# large\n>>> all of it",
    ],
    ids=["mentions", "markdown", "bidi", "emoji", "layout"],
)
async def test_a_prompt_is_escaped_and_notifies_nobody(environment: E2EEnvironment, prompt: str) -> None:
    interaction = await environment.imagine(prompt[:5000])
    assert (await environment.outcome(interaction))[0] == "delivered"
    (reply,) = environment.visible_messages()
    assert reply.notified == []
    quoted = message_text(reply)
    for markup in ("@everyone", "<@1>", "[a](", "\u202e", "||spoiler||"):
        assert markup not in quoted
