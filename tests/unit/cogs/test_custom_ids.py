"""What a button's custom_id may be: any text at all may come, and only ours is read."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from discord import ui
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.ids import MAX_ID
from cogs.imagine.draft_button import DraftButton
from cogs.imagine.submission import ConfirmButton
from cogs.limits import audit_log
from cogs.operator.commands import ApplyButton, GuildsPageButton
from cogs.pictures import history
from cogs.pictures.buttons import PictureButton
from cogs.privacy.commands import EraseButton

LONGEST = 100
ButtonClass = type[ui.DynamicItem[ui.Item[Any]]]
BUTTONS: tuple[ButtonClass, ...] = (
    ConfirmButton,
    EraseButton,
    GuildsPageButton,
    ApplyButton,
    PictureButton,
    DraftButton,
    history.HistoryPageButton,
    history.HistorySelect,
    audit_log.AuditPageButton,
)


def template(button: ButtonClass) -> re.Pattern[str]:
    compiled: re.Pattern[str] = button.__discord_ui_compiled_template__
    return compiled


def values(match: re.Match[str]) -> dict[str, int | str]:
    """What the groups say: numbers as such, words as they are."""
    numbers = {"user_id", "draft_id", "message_id", "mark", "page", "at"}
    return {name: int(text or 0) if name in numbers else text for name, text in match.groupdict().items()}


@pytest.mark.parametrize("button", BUTTONS)
@given(data=st.data())
def test_what_fits_the_template_is_read_back_as_the_same_button(
    button: ButtonClass, data: st.DataObject
) -> None:
    custom_id = data.draw(st.from_regex(template(button), fullmatch=True))
    match = template(button).fullmatch(custom_id)
    assert match is not None
    read = asyncio.run(button.from_custom_id(None, None, match))  # type: ignore[arg-type]  # the match says it all
    assert len(read.custom_id) <= LONGEST
    again = template(button).fullmatch(read.custom_id)
    assert again is not None
    # Zeros before a number are lost, ids that Discord never gives become the highest, and nothing else.
    assert values(again) == {
        name: min(value, MAX_ID) if isinstance(value, int) else value for name, value in values(match).items()
    }


OTHER_TEXTS = (
    st.text(max_size=LONGEST) | st.text(alphabet="kuas:0123456789abcdefyesno-", max_size=LONGEST)
).filter(lambda text: not text.startswith("kuas:"))


def readers(custom_id: str) -> list[ButtonClass]:
    """Whose template a text fits."""
    return [button for button in BUTTONS if template(button).fullmatch(custom_id)]


@pytest.mark.parametrize("button", BUTTONS)
@given(data=st.data())
def test_any_other_text_is_nobodys_button(button: ButtonClass, data: st.DataObject) -> None:
    ours = data.draw(st.from_regex(template(button), fullmatch=True))
    assert readers(ours) == [button]
    start = data.draw(st.text(max_size=8).filter(lambda text: not text.startswith("kuas")))
    assert readers(start + ours.removeprefix("kuas:")) == []
    assert readers(start + ours) == ([] if start else [button])
    assert readers(data.draw(OTHER_TEXTS)) == []
