"""The forms of `/setup`: kept for a day, for their own server, whatever was typed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.clock import now_ms
from bot.domain.ids import MAX_ID
from bot.guilds.setup_forms import TTL_MS, SetupFields, SetupForm, SetupFormStore, prune
from bot.privacy.guild_departures import GuildDepartures
from bot.storage.database import Database
from tests.support.sql import rows

OPENED = SetupFields("200", "month", (3, 4), 5, "UTC")


@pytest.fixture
def forms(database: Database) -> SetupFormStore:
    return SetupFormStore(database)


async def test_a_form_is_found_as_it_was_saved(forms: SetupFormStore) -> None:
    assert await forms.save(1, 2, OPENED)
    assert await forms.find(1, 2) == SetupForm(1, OPENED, None)
    typed = replace(OPENED, credits="\ud83d half an emoji", role_ids=(), channel_id=None, timezone="“x”")
    await forms.save_typed(1, typed)
    assert await forms.find(1, 2) == SetupForm(1, OPENED, typed)


async def test_an_interaction_shows_one_form(forms: SetupFormStore) -> None:
    assert await forms.save(1, 2, OPENED)
    assert not await forms.save(1, 2, replace(OPENED, credits="9"))
    assert await forms.find(1, 2) == SetupForm(1, OPENED, None)


async def test_no_other_server_has_the_form(forms: SetupFormStore) -> None:
    await forms.save(1, 2, OPENED)
    assert await forms.find(1, 3) is None
    assert await forms.find(MAX_ID + 1, 2) is None


async def test_a_form_expires_after_a_day_and_is_deleted(database: Database, forms: SetupFormStore) -> None:
    await forms.save(1, 2, OPENED)
    at = now_ms()
    assert await database.run(lambda tx: prune(tx, at)) == 0
    await rows(database, f"UPDATE setup_forms SET shown_at = {at - TTL_MS - 1}")
    assert await forms.find(1, 2) is None
    assert await database.run(lambda tx: prune(tx, at)) == 1


async def test_the_forms_of_a_left_server_are_deleted_with_its_data(
    database: Database, forms: SetupFormStore
) -> None:
    await forms.save(1, 2, OPENED)
    departures = GuildDepartures(database, grace_days=0)
    await departures.left(2)
    await departures.process_due(now_ms())
    assert await rows(database, "SELECT * FROM setup_forms") == []
