"""The form of `/setup`: it fits into Discord's limits, and what comes back is read whoever has sent it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.credits.guild_setup import CurrentSetup
from bot.domain.ids import MAX_ID
from bot.domain.limits import MAX_CREDITS, Limit, LimitScope
from bot.domain.periods import Period
from bot.guilds.setup_forms import SetupFields
from cogs.text.translation import languages, use_locale
from cogs.welcome import setup_form

OPENED = SetupFields("200", "month", (3, 4), 5, "UTC")


def current(ceiling: Limit | None = None) -> CurrentSetup:
    limit = Limit(MAX_CREDITS, Period.TOTAL)
    return CurrentSetup(limit, Limit(200, Period.MONTH), ceiling, (), None, None)


def submitted(**fields: Any) -> dict[str, Any]:
    parts = [
        {
            "type": 18,
            "component": {"custom_id": name, ("values" if isinstance(sent, list) else "value"): sent},
        }
        for name, sent in fields.items()
    ]
    return {"custom_id": "kuas:setup_form:1", "components": parts}


@pytest.mark.parametrize("language", sorted(languages()))
@pytest.mark.parametrize("with_ceiling", [False, True])
def test_the_form_fits_in_every_language(language: str, with_ceiling: bool) -> None:
    ceiling = Limit(200, Period.MONTH, scope=LimitScope.CEILING) if with_ceiling else None
    fields = SetupFields("1" * 12, "total", tuple(range(1, 26)), MAX_ID, "x" * 60)
    with use_locale(language):
        payload = setup_form.setup_modal(MAX_ID, fields, current(ceiling)).to_dict()  # raises if it does not
    assert len(payload["components"]) == 5
    hints: list[str] = [part.get("description") or "" for part in payload["components"]]
    assert not any(hint.endswith("…") for hint in hints)
    roles = [part for part in payload["components"] if part["component"]["custom_id"] == "roles"]
    assert len(roles) == 1


def test_more_roles_than_a_menu_takes_have_no_field_and_stay() -> None:
    fields = SetupFields("1", "day", tuple(range(1, 27)), None, "UTC")
    payload = setup_form.setup_modal(1, fields, current()).to_dict()
    assert len(payload["components"]) == 4
    assert setup_form.read(submitted(credits="1"), fields).role_ids == fields.role_ids


def test_what_comes_back_is_read() -> None:
    data = submitted(credits=" 50 ", period=["week"], roles=["9", "3"], channel=[], zone="")
    assert setup_form.read(data, OPENED) == SetupFields("50", "week", (3, 9), None, "")
    assert setup_form.read({}, OPENED) == OPENED


def test_a_period_that_the_form_does_not_offer_changes_nothing() -> None:
    assert setup_form.read(submitted(period=["year"]), OPENED).period == "month"


@given(
    data=st.dictionaries(
        st.sampled_from(["credits", "period", "roles", "channel", "zone", "other"]),
        st.text(max_size=30) | st.lists(st.text(max_size=25), max_size=3),
    )
)
def test_whatever_a_forged_form_holds_is_read_without_an_error(data: dict[str, Any]) -> None:
    fields = setup_form.read(submitted(**data), OPENED)
    assert all(0 <= role_id <= MAX_ID for role_id in fields.role_ids)
    assert fields.period in {"day", "week", "month", "total"}
