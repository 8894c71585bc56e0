"""`/access`: admins set who may ask for pictures where, how often and with which words."""

from __future__ import annotations

import re
from typing import Any

import discord
import pytest
from simcord.components import walk_components

from bot.guilds import access_rules
from sandbox.fake_rivya import FakeRivya
from tests.scenarios.bot_server import BotServer


async def change_access(server: BotServer, command: str, **options: Any) -> str:
    """Run an access command as an admin; return the response."""
    words: str = server.response_text(await server.sari.slash(server.channel, f"access {command}", **options))
    return words


async def refused(server: BotServer, member: Any, channel: Any = None, **options: Any) -> str:
    """Ask for a picture that must be refused privately, with the prompt given back; return the response."""
    result = await member.slash(channel or server.channel, "imagine", **({"prompt": "a fox"} | options))
    words: str = server.response_text(result)
    assert "> " in words
    return words


async def is_accepted(server: BotServer, member: Any, channel: Any = None, **options: Any) -> bool:
    """Ask for a picture; return whether credits were reserved for it."""
    before = len(server.ledger_entries())
    await member.slash(channel or server.channel, "imagine", **({"prompt": "a fox"} | options))
    return len(server.ledger_entries()) == before + 1


async def test_nothing_is_forbidden_by_default(server: BotServer) -> None:
    assert "Everybody may paint" in await change_access(server, "show")
    assert await is_accepted(server, server.bob)


async def test_only_members_with_an_allowed_role_are_accepted(server: BotServer, rivya: FakeRivya) -> None:
    artists = server.guild.create_role("Artists")
    mira = server.guild.add_member(server.env.create_user("mira"), roles=[artists])
    await change_access(server, "role", role=artists, mode="allow")
    assert artists.mention in await refused(server, server.bob)
    assert await is_accepted(server, mira)
    assert artists.mention in await change_access(server, "show")
    await change_access(server, "role", role=artists, mode="lift")
    assert await is_accepted(server, server.bob)
    assert len(rivya.tasks) == 2


async def test_a_denied_role_beats_an_allowed_one(server: BotServer) -> None:
    artists, muted = server.guild.create_role("Artists"), server.guild.create_role("Muted")
    both = server.guild.add_member(server.env.create_user("both"), roles=[artists, muted])
    await change_access(server, "role", role=artists, mode="allow")
    await change_access(server, "role", role=muted, mode="deny")
    assert muted.mention in await refused(server, both)


async def test_the_everyone_role_cannot_be_denied(server: BotServer) -> None:
    assert "Everybody has that role" in await change_access(
        server, "role", role=server.guild.default_role, mode="deny"
    )


async def test_a_rule_of_a_category_applies_to_channels_and_that_of_a_channel_to_threads(
    server: BotServer,
) -> None:
    art = server.guild.create_category("Art")
    gallery = server.guild.create_text_channel("gallery", category=art)
    thread = await create_thread_in(server, gallery)
    await change_access(server, "channel", channel=art, mode="allow")
    assert "only in" in await refused(server, server.alice)
    assert await is_accepted(server, server.alice, gallery)
    assert await is_accepted(server, server.alice, thread)
    await change_access(server, "channel", channel=gallery, mode="deny")
    assert "not painted in this channel" in await refused(server, server.alice, thread)


async def create_thread_in(server: BotServer, channel: Any) -> Any:
    """Create a thread that the bot knows."""
    created = await server.bot_channel(channel.id).create_thread(
        name="sketches", type=discord.ChannelType.public_thread
    )
    (thread,) = [each for each in channel.threads if each.id == created.id]
    return thread


async def test_pictures_can_be_allowed_in_age_restricted_channels_only(server: BotServer) -> None:
    red = server.guild.create_text_channel("red")
    server.bot_channel(red.id).nsfw = True  # SimCord cannot create an age-restricted channel
    await change_access(server, "adults", switch="on")
    assert "age-restricted" in await refused(server, server.alice)
    assert await is_accepted(server, server.alice, red)
    await change_access(server, "adults", switch="off")
    assert await is_accepted(server, server.alice)


@pytest.mark.parametrize(
    "prompt", ["a BAD fox", "a \uff42\uff41\uff44 fox", "a bád fox", "a b\u200bad fox", "so-bad!", "bad"]
)
async def test_a_blocked_word_is_found_however_it_is_spelt(
    server: BotServer, rivya: FakeRivya, prompt: str
) -> None:
    await change_access(server, "forbid", words="bad, two  words, 猫")
    assert "“bad” is blocked" in await refused(server, server.alice, prompt=prompt)
    assert rivya.tasks == {}


async def test_only_whole_words_are_blocked(server: BotServer) -> None:
    await change_access(server, "forbid", words="bad, two  words, 猫")
    assert await is_accepted(server, server.alice, prompt="a badger with two new words")
    assert "two words" in await refused(server, server.alice, prompt="Two Words of wisdom")
    assert "猫" in await refused(server, server.alice, prompt="黒い猫がいる")
    choices = await server.sari.autocomplete(server.channel, "access permit", "word", "tw")
    assert [choice["value"] for choice in choices] == ["two words"]
    await change_access(server, "permit", word="TWO WORDS")
    assert await is_accepted(server, server.alice, prompt="Two Words of wisdom")


async def test_emoji_are_blocked_and_what_cannot_be_is_named(server: BotServer, rivya: FakeRivya) -> None:
    answer = await change_access(server, "forbid", words="🦭, walrus、!!!, \u200b,, 👨\u200d👩\u200d👧")
    assert "“🦭”" in answer
    assert "“walrus”" in answer
    assert "“👨\u200d👩\u200d👧”" in answer
    assert "Left out" in answer
    assert "- “!!!”" in answer
    assert "“🦭” is blocked" in await refused(server, server.alice, prompt="one🦭more")
    assert "“walrus” is blocked" in await refused(server, server.alice, prompt="a 🦊 Walrus")
    assert rivya.tasks == {}
    assert await is_accepted(server, server.alice, prompt="a seal 👨!!!")
    choices = await server.sari.autocomplete(server.channel, "access permit", "word", "🦭")
    assert [choice["value"] for choice in choices] == ["🦭"]
    assert "no rule about “🦭” any more" in await change_access(server, "permit", word="🦭\ufe0f")
    assert await is_accepted(server, server.alice, prompt="one🦭more")
    shown = await change_access(server, "show")
    assert "walrus" in shown
    assert "🦭" not in shown


@pytest.mark.parametrize("words", ["!!!", "…, ?", "\u200b", ",", "\u202e", "$"], ids=ascii)
async def test_punctuation_alone_is_not_taken(server: BotServer, words: str) -> None:
    assert "punctuation alone cannot be blocked" in await change_access(server, "forbid", words=words)
    assert "with any words" in await change_access(server, "show")


async def save_preset(server: BotServer, **options: Any) -> str:
    words: str = server.response_text(await server.sari.slash(server.channel, "presets save", **options))
    return words


async def test_a_preset_does_not_bring_a_blocked_word_past_the_rule(
    server: BotServer, rivya: FakeRivya
) -> None:
    answer = await save_preset(server, name="Zoo 🦭", before="a walrus and")
    assert "blocked" not in answer
    assert await is_accepted(server, server.alice, preset="zoo")
    await change_access(server, "forbid", words="Walrus, 🦭, big fox")
    words = await refused(server, server.alice, prompt="a hen", preset="Zoo 🦭")
    assert "“Walrus” is blocked" in words
    assert "preset “Zoo 🦭” brings it in" in words
    # A phrase of which the preset has one half.
    await save_preset(server, name="Half", before="big")
    assert "“big fox” is blocked" in await refused(server, server.alice, prompt="fox", preset="Half")
    assert len(rivya.tasks) == 1
    # A picture painted before cannot be painted again with it.
    (message,) = server.channel.history()
    again = await server.alice.click(message, label="Again")
    assert "brings it in" in server.response_text(again)
    assert len(rivya.tasks) == 1


async def test_an_admin_who_was_told_may_save_a_blocked_word_in_a_preset(
    server: BotServer, rivya: FakeRivya
) -> None:
    await change_access(server, "forbid", words="Walrus, owl")
    answer = await save_preset(server, name="Zoo", before="a walrus and")
    assert "- “Walrus”" in answer
    assert "“owl”" not in answer
    assert await is_accepted(server, server.alice, prompt="a hen", preset="Zoo")
    await server.restart()
    (message,) = server.channel.history()
    await server.alice.click(message, label="Again")
    assert len(rivya.tasks) == 2
    # The member's own words are judged as ever, and so is what the admin was not told of.
    assert "brings it" not in await refused(server, server.alice, prompt="a walrus", preset="Zoo")
    await change_access(server, "forbid", words="and")
    assert "brings it in" in await refused(server, server.alice, prompt="a hen", preset="Zoo")
    await change_access(server, "permit", word="and")
    # Another preset with the word, or none, is no way around it.
    await save_preset(server, name="Other", before="a hen")
    await server.sari.slash(server.channel, "presets remove", name="Zoo")
    assert "brings it in" in server.response_text(await server.alice.click(message, label="Again"))
    assert len(rivya.tasks) == 2


async def test_blocked_words_beyond_those_that_fit_the_answer_stay_blocked(server: BotServer) -> None:
    words = [f"[{number:02}]" * 12 for number in range(21)]
    await change_access(server, "forbid", words=",".join(words[:11]))
    await change_access(server, "forbid", words=",".join(words[11:]))
    answer = await save_preset(
        server, name="All", before=" a ".join(words[:12]), after=" a ".join(words[12:])
    )
    assert answer.count("- “") == 20
    assert len(answer) <= 4000
    assert "brings it in" in await refused(server, server.alice, prompt="a hen", preset="All")


async def test_nobody_was_told_if_the_answer_did_not_arrive(server: BotServer) -> None:
    await change_access(server, "forbid", words="walrus")
    server.env.inject_error("POST", "/interactions/*/callback", status=404, code=10062, times=1)
    await server.sari.slash(server.channel, "presets save", name="Zoo", before="a walrus and")
    assert "brings it in" in await refused(server, server.alice, prompt="a hen", preset="Zoo")


async def test_a_cooldown_refuses_the_next_request_of_the_member(server: BotServer) -> None:
    await change_access(server, "cooldown", seconds=90)
    assert await is_accepted(server, server.alice)
    words = await refused(server, server.alice)
    assert "a pause of 2 minutes" in words
    assert "<t:" in words
    assert await is_accepted(server, server.bob)
    await change_access(server, "cooldown", seconds=0)
    assert await is_accepted(server, server.alice)


async def test_the_number_of_running_pictures_of_a_member_is_limited(
    server: BotServer, rivya: FakeRivya
) -> None:
    await change_access(server, "running", pictures=1)
    rivya.hold()
    await server.start_imagine(server.alice)
    with server.without_settling():
        await server.alice.slash(server.channel, "imagine", prompt="one more")
    refused = "1 picture under way, and this server allows 1"
    await server.until(lambda: refused in server.text_of(server.visible_to(server.alice)[-1]))
    await server.start_imagine(server.bob)
    rivya.release()
    await server.wait_idle()
    assert await is_accepted(server, server.alice)


async def test_a_blocked_member_is_told_why_and_until_when(server: BotServer) -> None:
    assert "may not paint here until" in await change_access(
        server, "block", member=server.bob, reason="too loud", days=3
    )
    words = await refused(server, server.bob)
    assert "too loud" in words
    assert "<t:" in words
    assert await is_accepted(server, server.alice)
    log = server.response_text(await server.sari.slash(server.channel, "limits log"))
    assert "too loud" in log
    assert server.sari.mention in log
    await change_access(server, "unblock", member=server.bob)
    assert await is_accepted(server, server.bob)


@pytest.mark.parametrize("where", ["role", "channel"])
async def test_a_server_can_force_spoilers(server: BotServer, where: str) -> None:
    role = server.guild.create_role("Wild")
    mira = server.guild.add_member(server.env.create_user("mira"), roles=[role])
    subject = {"role": role} if where == "role" else {"channel": server.channel}
    await change_access(server, "spoiler", switch="on", **subject)
    await mira.slash(server.channel, "imagine", prompt="a fox", spoiler=False)
    raw = server.env.backend.get_message(server.channel.id, server.channel.history()[-1].id)
    galleries = [part for part in walk_components(raw.components) if part["type"] == 12]
    assert [item["spoiler"] for part in galleries for item in part["items"]] == [True]
    assert "behind a spoiler" in await change_access(server, "show")
    assert "Choose either" in await change_access(server, "spoiler", switch="on")
    await change_access(server, "spoiler", switch="off", **subject)
    assert "Everybody may paint" in await change_access(server, "show")


async def test_a_private_picture_cannot_be_shared_in_a_denied_channel(server: BotServer) -> None:
    await server.alice.slash(server.channel, "imagine", prompt="a fox", private=True)
    message = server.visible_to(server.alice)[-1]
    await change_access(server, "channel", channel=server.channel, mode="deny")
    result = await server.alice.click(message, label="Show to everybody")
    assert "not painted in this channel" in server.response_text(result)
    assert server.visible_to(server.bob) == []


@pytest.mark.parametrize(
    ("command", "options"),
    [("show", {}), ("cooldown", {"seconds": 5}), ("forbid", {"words": "x"}), ("adults", {"switch": "on"})],
)
async def test_members_cannot_use_the_command(
    server: BotServer, command: str, options: dict[str, Any]
) -> None:
    for member in (server.alice, server.bob):
        assert f"access {command}" not in member.available_commands(server.channel)
    found = server.find_command("access", None)
    server.guild.set_command_permissions(int(found["id"]), {server.bob: True})
    result = await server.bob.slash(server.channel, f"access {command}", **options)
    assert "Manage Server" in server.response_text(result)
    assert "Everybody may paint" in await change_access(server, "show")


async def test_members_are_not_offered_the_blocked_words(server: BotServer) -> None:
    await change_access(server, "forbid", words="bad")
    found = server.find_command("access", None)
    server.guild.set_command_permissions(int(found["id"]), {server.bob: True})
    assert await server.bob.autocomplete(server.channel, "access permit", "word", "") == []
    assert "Manage Server" in server.response_text(
        await server.bob.slash(server.channel, "access permit", word="bad")
    )
    assert "no such rule" in await change_access(server, "permit", word="good")
    assert "no such rule" in await change_access(server, "permit", word="!?")
    assert "“bad” is blocked" in await refused(server, server.alice, prompt="a bad fox")


async def test_a_server_with_the_most_rules_it_can_have_gets_no_more(
    server: BotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_rules, "MAX_RULES", 2)
    await change_access(server, "forbid", words="bad, worse")
    assert "cannot have more rules" in await change_access(server, "forbid", words="worst")
    assert await is_accepted(server, server.alice, prompt="the worst fox")


async def test_every_change_of_access_is_in_the_log(server: BotServer) -> None:
    assert "only for the member who asked" in await change_access(server, "buttons", who="owner")
    assert "Everybody who may paint" in await change_access(server, "buttons", who="everybody")
    await change_access(server, "cooldown", seconds=90)
    await change_access(server, "running", pictures=2)
    await change_access(server, "adults", switch="on")
    shown = await change_access(server, "show")
    for part in ("a pause of 2 minutes", "2 pictures per member at once", "in age-restricted channels only"):
        assert part in shown
    assert "buttons for everybody" in shown
    log = server.response_text(await server.sari.slash(server.channel, "limits log"))
    for part in (
        "Buttons for a picture's own member only: from **off** to **on**.",
        "Buttons for a picture's own member only: from **on** to **off**.",
        "Pause between two pictures: from **none** to **2 minutes**.",
        "Pictures per member at once: from **as many as they like** to **2**.",
        "Age-restricted channels only: from **off** to **on**.",
    ):
        assert part in log


async def test_a_long_list_says_how_many_more_there_are(server: BotServer) -> None:
    await change_access(server, "forbid", words=", ".join(f"word{number:03}" for number in range(100)))
    words = await change_access(server, "show")
    assert re.search(r"and \d+ more", words)
    assert len(words) <= 4000


async def test_a_list_with_a_phrase_too_long_is_refused_as_a_whole(
    server: BotServer, rivya: FakeRivya
) -> None:
    phrase = " ".join(["fox"] * 30)
    result = await server.sari.slash(server.channel, "access forbid", words=f"owl, {phrase}")
    assert "too long" in server.response_text(result)
    assert await is_accepted(server, server.alice, prompt="an owl")
