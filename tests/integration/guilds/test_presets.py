"""Presets of a guild: save, find, list and remove."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.domain.jobs import Preset
from bot.guilds import presets as presets_module
from bot.guilds.presets import PresetStore
from bot.storage.database import Database
from tests.support.factories import make_request

ADMIN, OTHER = 99, 98
OIL = Preset("Oil Painting", "an oil painting of", "in thick strokes")


@pytest.fixture
def presets(database: Database) -> PresetStore:
    return PresetStore(database)


async def save(
    presets: PresetStore, preset: Preset, interaction_id: int, *, guild_id: int = 1, size: str | None = None
) -> bool:
    return await presets.save(guild_id, preset, size, set_by=ADMIN, interaction_id=interaction_id)


async def names(presets: PresetStore, guild_id: int = 1) -> list[str]:
    return [each.preset.name for each in await presets.active(guild_id)]


async def count(database: Database, table: str) -> int:
    return int(await database.run(lambda tx: tx.execute(f"SELECT count(*) FROM {table}").fetchone()[0]))


@pytest.mark.parametrize(
    "typed",
    [
        "Oil Painting",
        "oil painting",
        " OIL   painting ",
        "óil_painting",
        "oil-painting!",
        "o\u200bil painting",
    ],
)
async def test_a_preset_is_found_however_its_name_is_typed(presets: PresetStore, typed: str) -> None:
    await save(presets, OIL, 1, size="portrait")
    found = await presets.find(1, typed)
    assert found is not None
    assert (found.preset, found.size, found.set_by) == (OIL, "portrait", ADMIN)


async def test_presets_differ_by_their_emoji_which_need_not_be_typed(presets: PresetStore) -> None:
    for number, name in enumerate(("Oil 🎨", "🖼️ Oil", "❤️ Ink", "🦊", "Ink 2")):
        assert await save(presets, Preset(name, f"words {number}", ""), number)
    assert len(await names(presets)) == 5

    async def found(typed: str) -> str | None:
        preset = await presets.find(1, typed)
        return None if preset is None else preset.preset.name

    assert await found("oil\U0001f3a8") == "Oil 🎨"
    assert await found("\U0001f5bc OIL") == "🖼️ Oil"
    assert await found("oil") is None, "it could be either"
    assert await found("ink") == "❤️ Ink"
    assert await found("\u2764 ink") == "❤️ Ink"
    assert await found("🦊\ufe0f") == "🦊"
    assert await found("🦊🦊") is None
    assert await found("!") is None
    removed = await presets.remove(1, "ink", set_by=ADMIN, interaction_id=9)
    assert removed is not None
    assert await found("ink") is None
    await save(presets, Preset("Oil", "plain", ""), 10)
    assert await found("oil") == "Oil"


async def test_blocked_words_that_an_admin_was_told_of_belong_to_the_newest_preset(
    presets: PresetStore, database: Database
) -> None:
    async def known() -> dict[tuple[str, str], frozenset[str]]:
        return dict(await database.run(lambda tx: presets_module.known_blocked_words(tx, 1)))

    await save(presets, OIL, 1)
    assert await known() == {}
    await presets.record_known_words(1, ["Fóx", "🦊 \"x'"])
    assert await known() == {(OIL.before, OIL.after): {"fox", "🦊 x"}}
    await save(presets, Preset("Other", OIL.before, OIL.after), 2)
    await presets.record_known_words(2, ["owl"])
    assert await known() == {(OIL.before, OIL.after): {"fox", "🦊 x", "owl"}}
    await save(presets, OIL, 3)  # saved anew, and nobody was told
    assert await known() == {(OIL.before, OIL.after): {"owl"}}
    await presets.remove(1, "Other", set_by=ADMIN, interaction_id=4)
    assert await known() == {}
    assert await database.run(lambda tx: presets_module.known_blocked_words(tx, 2)) == {}


@pytest.mark.parametrize("typed", ["oil", "painting oil", "oilpainting", "", "%", "oil paintings"])
async def test_another_name_is_another_preset(presets: PresetStore, typed: str) -> None:
    await save(presets, OIL, 1)
    assert await presets.find(1, typed) is None
    assert await presets.find(2, "Oil Painting") is None


async def test_the_newest_preset_of_a_name_counts_and_older_ones_stay_in_the_table(
    presets: PresetStore, database: Database
) -> None:
    await save(presets, OIL, 1, size="portrait")
    newer = Preset("OIL painting", "oil on canvas:", "")
    assert await presets.save(1, newer, None, set_by=OTHER, interaction_id=2)
    (only,) = await presets.active(1)
    assert (only.preset, only.size, only.set_by) == (newer, None, OTHER)
    assert await count(database, "presets") == 2


async def test_a_removed_preset_is_gone_until_it_is_saved_again(presets: PresetStore) -> None:
    await save(presets, OIL, 1, size="portrait")
    ended = await presets.remove(1, " oil PAINTING", set_by=OTHER, interaction_id=2)
    assert ended is not None
    assert (ended.preset, ended.size, ended.set_by) == (OIL, "portrait", ADMIN)
    assert await presets.active(1) == []
    assert await presets.find(1, "Oil Painting") is None
    assert await presets.remove(1, "Oil Painting", set_by=OTHER, interaction_id=3) is None
    await save(presets, OIL, 4)
    assert await names(presets) == ["Oil Painting"]


async def test_presets_are_listed_by_name_and_for_each_server(presets: PresetStore) -> None:
    for number, name in enumerate(("zebra", "Äpfel", "oil", "Birnen")):
        await save(presets, Preset(name, "", ""), number)
    await save(presets, Preset("elsewhere", "", ""), 9, guild_id=2)
    assert await names(presets) == ["Äpfel", "Birnen", "oil", "zebra"]
    assert await names(presets, 2) == ["elsewhere"]
    assert await names(presets, 3) == []


async def test_a_repeated_interaction_saves_and_removes_once(
    presets: PresetStore, database: Database
) -> None:
    for _ in range(2):
        assert await save(presets, OIL, 1)
    await presets.remove(1, "oil painting", set_by=ADMIN, interaction_id=2)
    assert await save(presets, OIL, 1)  # delivered again later
    assert await names(presets) == []
    assert await count(database, "presets") == 2


async def test_no_more_presets_than_the_maximum_are_saved(
    presets: PresetStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presets_module, "MAX_PRESETS", 3)
    saved = await asyncio.gather(*(save(presets, Preset(f"style {n}", "", ""), n) for n in range(20)))
    assert saved.count(True) == 3
    first = (await names(presets))[0]
    assert await save(presets, Preset(first.upper(), "", "anew"), 100), "an existing one can be changed"
    assert not await save(presets, Preset("one more", "", ""), 101)
    await presets.remove(1, first, set_by=ADMIN, interaction_id=102)
    assert await save(presets, Preset("one more", "", ""), 103)
    assert await save(presets, Preset("there is room elsewhere", "", ""), 104, guild_id=2)


@pytest.mark.parametrize(
    ("before", "after", "full"),
    [
        ("", "", "a red fox"),
        ("an oil painting of", "", "an oil painting of a red fox"),
        ("", "at dusk", "a red fox at dusk"),
        ("an oil painting of", "at dusk", "an oil painting of a red fox at dusk"),
    ],
)
def test_the_words_of_a_preset_are_put_before_and_after_the_prompt(
    before: str, after: str, full: str
) -> None:
    request = make_request()
    assert replace(request, preset=Preset("x", before, after)).full_prompt == full
    assert request.full_prompt == "a red fox"


async def test_the_words_of_a_preset_are_stored_unchanged(presets: PresetStore) -> None:
    odd = Preset("狐 & <@1>", "  '; DROP TABLE presets; --", "🦊\n\u202e%s{}")
    await save(presets, odd, 1)
    found = await presets.find(1, "狐 1")
    assert found is not None
    assert found.preset == odd
