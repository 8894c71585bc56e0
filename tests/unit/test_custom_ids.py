"""What a button's custom_id may be: any text at all may come, and only ours is read."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogs.operator.commands import Book, Turn
from cogs.pictures.desk import Answer
from cogs.privacy import Erase

LONGEST = 100
BUTTONS = (Answer, Erase, Turn, Book)


def template(button: Any) -> re.Pattern[str]:
    return button.__discord_ui_compiled_template__


@pytest.mark.parametrize("button", BUTTONS)
@given(data=st.data())
def test_what_fits_the_template_is_read_back_as_the_same_button(button: Any, data: st.DataObject) -> None:
    custom_id = data.draw(st.from_regex(template(button), fullmatch=True))
    match = template(button).fullmatch(custom_id)
    assert match is not None
    read = asyncio.run(button.from_custom_id(None, None, match))
    assert len(read.custom_id) <= LONGEST
    # Zeros before a number are lost, and nothing else.
    assert read.custom_id in {custom_id, re.sub(r":0+(?=[0-9])", ":", custom_id)}


@given(st.text(max_size=LONGEST) | st.text(alphabet="kuas:0123456789abcdefyesno-", max_size=LONGEST))
def test_any_other_text_is_nobodys_button(custom_id: str) -> None:
    for button in BUTTONS:
        match = template(button).fullmatch(custom_id)
        assert match is None or custom_id.startswith("kuas:")
