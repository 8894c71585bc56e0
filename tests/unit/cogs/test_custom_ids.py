"""Custom ids: that of every button has exactly one handler; any other text has none."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.credits.audit_log import Cursor
from bot.domain.ids import MAX_ID
from bot.domain.periods import Period
from cogs.imagine.compose import ComposeForms
from cogs.imagine.draft_card_views import card_button
from cogs.imagine.draft_cards import DraftCards
from cogs.imagine.fewer_pictures import fewer_button
from cogs.imagine.form import form_button
from cogs.imagine.submission import Submission
from cogs.limits import audit_log
from cogs.limits.audit_log import AuditLogCommand
from cogs.operator.commands import Operator
from cogs.operator.commands import page_button as guilds_page_button
from cogs.operator.late_jobs import LateJobCommands
from cogs.operator.reconcile_views import apply_button
from cogs.pictures import history
from cogs.pictures.actions import PictureActions
from cogs.pictures.buttons import Action, picture_button
from cogs.pictures.group_actions import GroupActions
from cogs.pictures.group_buttons import GroupAction, group_button
from cogs.pictures.history import History
from cogs.privacy.commands import Privacy, erase_button
from cogs.ui.component_router import parse_snowflake, routes_of
from cogs.welcome.setup import Setup

MAX_UNITS = 100
COGS = (
    AuditLogCommand,
    ComposeForms,
    DraftCards,
    GroupActions,
    History,
    LateJobCommands,
    Operator,
    PictureActions,
    Privacy,
    Setup,
    Submission,
)
PATTERNS = [route.pattern for cog in COGS for route in routes_of(cog)]
PICTURE_ACTIONS = (
    "again", "edit", "use", "vary", "details", "share", "delete", "delete_now", "cancel", "retry",
)  # fmt: skip
GROUP_ACTIONS = (
    "cancel", "again", "missing", "pick", "show", "back", "use", "delete", "delete_one", "delete_all", "vote",
)  # fmt: skip
LATE_ACTIONS = ("retry", "abandon", "release")
HIGHEST_JOB = "ffffffff-ffff-ffff-ffff-ffffffffffff"


def matching(custom_id: str) -> list[re.Pattern[str]]:
    """Return the patterns that match a custom id."""
    return [pattern for pattern in PATTERNS if pattern.fullmatch(custom_id)]


def test_every_cog_handles_components() -> None:
    assert all(routes_of(cog) for cog in COGS)
    assert len(PATTERNS) == len(set(PATTERNS)) == 23


@pytest.mark.parametrize(
    ("custom_id", "values"),
    [
        (form_button(MAX_ID, "Edit").custom_id, {"draft_id": str(MAX_ID)}),
        (card_button(MAX_ID).custom_id, {"draft_id": str(MAX_ID)}),
        (fewer_button(MAX_ID, 4).custom_id, {"pictures": "4", "draft_id": str(MAX_ID)}),
        (erase_button(MAX_ID).custom_id, {"user_id": str(MAX_ID)}),
        (apply_button("0123456789ab").custom_id, {"run_id": "0123456789ab"}),
        (
            guilds_page_button(Period.MONTH, 999_999, "Next", enabled=True).custom_id,
            {"period": "month", "page": "999999"},
        ),
        (
            picture_button(Action.DELETE_NOW, HIGHEST_JOB, MAX_ID).custom_id,
            {"action": "delete_now", "job_id": HIGHEST_JOB, "message_id": str(MAX_ID)},
        ),
        (
            picture_button(Action.AGAIN, HIGHEST_JOB).custom_id,
            {"action": "again", "job_id": HIGHEST_JOB, "message_id": None},
        ),
        (
            group_button(GroupAction.DELETE_ALL, MAX_ID, detail=MAX_ID).custom_id,
            {"action": "delete_all", "interaction_id": str(MAX_ID), "detail": str(MAX_ID)},
        ),
        (
            group_button(GroupAction.PICK, MAX_ID).custom_id,
            {"action": "pick", "interaction_id": str(MAX_ID), "detail": None},
        ),
        (
            history.page_button(history.PageLink.NEWEST, MAX_ID, MAX_ID, "a:b\nc" + "x" * 35).custom_id,
            {"page": "newest", "user_id": str(MAX_ID), "cursor": str(MAX_ID), "search": "a:b\nc" + "x" * 35},
        ),
        (
            history.request_button(MAX_ID, MAX_ID, "a:b\nc" + "x" * 35).custom_id,
            {"user_id": str(MAX_ID), "interaction_id": str(MAX_ID), "search": "a:b\nc" + "x" * 35},
        ),
        (
            audit_log.page_button(audit_log.PageDirection.OLDER, Cursor(10**15, 7, HIGHEST_JOB)).custom_id,
            {"page": "older", "at": str(10**15), "source": "7", "key": HIGHEST_JOB},
        ),
    ],
)
def test_the_custom_id_of_a_button_fits_and_is_read_back(
    custom_id: str | None, values: dict[str, str | None]
) -> None:
    assert custom_id is not None
    assert len(custom_id) <= MAX_UNITS
    (pattern,) = matching(custom_id)
    match = pattern.fullmatch(custom_id)
    assert match is not None
    assert match.groupdict() == values


def test_an_id_too_large_for_discord_becomes_the_highest_id() -> None:
    assert parse_snowflake("9" * 19) == MAX_ID
    assert parse_snowflake("0012") == 12
    assert parse_snowflake(None) == 0


OTHER_TEXTS = (
    st.text(max_size=MAX_UNITS) | st.text(alphabet="kuas:0123456789abcdefyesno-", max_size=MAX_UNITS)
).filter(lambda text: not text.startswith("kuas:"))


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.pattern[:20])
@given(data=st.data())
def test_a_custom_id_has_one_handler_and_any_other_text_has_none(
    pattern: re.Pattern[str], data: st.DataObject
) -> None:
    custom_id = data.draw(st.from_regex(pattern, fullmatch=True))
    assert matching(custom_id) == [pattern]
    start = data.draw(st.text(max_size=8).filter(lambda text: not text.startswith("kuas")))
    assert matching(start + custom_id.removeprefix("kuas:")) == []
    assert matching(start + custom_id) == ([] if start else [pattern])
    assert matching(data.draw(OTHER_TEXTS)) == []


@pytest.mark.parametrize(
    "custom_id",
    [
        "kuas:ask:yes:1234567890123456789",
        "kuas:ask:no:1",
        "kuas:draft:1234567890123456789",
        "kuas:card:1234567890123456789",
        "kuas:choose:model:1234567890123456789",
        "kuas:choose:setting0:1",
        "kuas:choose:pictures:1234567890123456789",
        "kuas:fewer:3:1234567890123456789",
        "kuas:form:1234567890123456789",
        *(f"kuas:picture:{action}:0b0e7c62-6d7c-4c5e-9f3e-2f6f3c1c8a11" for action in PICTURE_ACTIONS),
        "kuas:picture:delete_now:0b0e7c62-6d7c-4c5e-9f3e-2f6f3c1c8a11:1234567890123456789",
        *(f"kuas:group:{action}:1234567890123456789" for action in GROUP_ACTIONS),
        "kuas:group:vote:1234567890123456789:4",
        "kuas:group:delete_all:1234567890123456789:1234567890123456780",
        "kuas:history:newest:7:0:",
        "kuas:history:newer:7:1234567890123456789:two words",
        "kuas:history:older:7:1234567890123456789:",
        "kuas:history:pick:7:two words",
        "kuas:log:newer:1750000000000:1:12",
        "kuas:log:older:1750000000000:7:0b0e7c62-6d7c-4c5e-9f3e-2f6f3c1c8a11",
        "kuas:guilds:month:2",
        "kuas:guilds:total:999999",
        "kuas:reconcile:0123456789ab",
        "kuas:late:page:2",
        *(f"kuas:late:{action}:0b0e7c62-6d7c-4c5e-9f3e-2f6f3c1c8a11:1" for action in LATE_ACTIONS),
        *(f"kuas:late_form:{action}:0b0e7c62-6d7c-4c5e-9f3e-2f6f3c1c8a11:1" for action in LATE_ACTIONS[1:]),
        "kuas:privacy:erase:1234567890123456789",
        "kuas:setup",
        "kuas:setup:1234567890123456789",
        "kuas:setup_form:1234567890123456789",
    ],
)
def test_a_custom_id_under_an_old_message_still_has_a_handler(custom_id: str) -> None:
    assert len(matching(custom_id)) == 1
