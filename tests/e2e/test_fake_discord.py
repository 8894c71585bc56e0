"""The loopback Discord is as strict as the real one: each limit holds at its edge, and breaks beyond."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.fake_discord import components
from tests.e2e.fake_discord.errors import RefusedError
from tests.e2e.fake_discord.message_rules import Body, write
from tests.e2e.fake_discord.state import COMPONENTS_V2, Message, State

Part = dict[str, Any]


def text(length: int) -> Part:
    return {"type": 10, "content": "x" * length}


def button(**changes: Any) -> Part:
    return {"type": 1, "components": [{"type": 2, "style": 1, "label": "Go", "custom_id": "go"} | changes]}


def gallery(count: int, alt: int = 3) -> Part:
    item = {"media": {"url": "attachment://fox.png"}, "description": "x" * alt}
    return {"type": 12, "items": [item] * count}


def frame(*parts: Part) -> Part:
    return {"type": 17, "components": list(parts)}


def post(payload: dict[str, Any], files: int = 1, size: int = 3, name: str = "fox.png") -> Message:
    state = State()
    message = state.add_message(1)
    numbered = {number: (name if not number else f"{number}.png", bytes(size)) for number in range(files)}
    write(state, message, Body({"flags": COMPONENTS_V2} | payload, numbered))
    assert state.surprises == []
    return message


@pytest.mark.parametrize(
    ("allowed", "refused"),
    [
        ([frame(text(4000))], [frame(text(4001))]),
        ([text(2000), text(2000)], [text(2000), text(2001)]),
        ([text(1)] * 40, [text(1)] * 41),
        ([frame(gallery(10))], [frame(gallery(11))]),
        ([gallery(1, alt=1024)], [gallery(1, alt=1025)]),
        ([button(custom_id="x" * 100)], [button(custom_id="x" * 101)]),
        ([button()], [button(custom_id="")]),
        ([button(custom_id="a"), button(custom_id="b")], [button(), button()]),
        ([button(label="x" * 80)], [button(label="x" * 81)]),
        ([frame(text(1))], [frame(frame(text(1)))]),
        ([text(1)], [text(0)]),
        ([button()], [button(colour="red")]),
    ],
)
def test_components_have_their_limits(allowed: list[Part], refused: list[Part]) -> None:
    assert post({"components": allowed}).components
    with pytest.raises(RefusedError, match="50035"):
        post({"components": refused})


@pytest.mark.parametrize(
    ("payload", "files", "code"),
    [
        ({"content": "x" * 2001, "flags": 0}, {}, 50035),
        ({"content": "x", "components": [text(1)]}, {}, 50035),
        ({"components": [text(1)], "flags": 0}, {}, 50035),
        ({"nonce": "x" * 26}, {}, 50035),
        ({}, {"files": 11}, 50035),
        ({}, {"name": "a fox.png"}, 50035),
        ({"components": [gallery(1)]}, {"files": 0}, 50035),
        ({"attachments": [{"id": 5}]}, {}, 50035),
        ({}, {"size": 10 * 1024 * 1024 + 1}, 40005),
        ({}, {"files": 0}, 50006),
    ],
)
def test_messages_have_their_limits(payload: dict[str, Any], files: dict[str, Any], code: int) -> None:
    with pytest.raises(RefusedError) as refused:
        post(payload, **files)
    assert refused.value.code == code


def test_an_edit_keeps_the_files_it_does_not_speak_of_and_drops_those_it_leaves_out() -> None:
    state = State()
    message = state.add_message(1)
    write(state, message, Body({"flags": COMPONENTS_V2, "components": [gallery(1)]}, {0: ("fox.png", b"1")}))
    assert next(components.media(message.components))["attachment_id"] == str(message.attachments[0].id)
    write(state, message, Body({}, {}))
    assert [item.filename for item in message.attachments] == ["fox.png"]
    write(state, message, Body({"components": [text(1)], "attachments": []}, {}))
    assert message.attachments == []
    with pytest.raises(RefusedError, match="flags"):
        write(state, message, Body({"content": "plain again", "flags": 0}, {}))


def test_only_those_are_called_who_may_be() -> None:
    words = {"type": 10, "content": "<@5> and <@6>"}
    assert post({"components": [words]}).pinged == [5, 6]
    assert post({"components": [words], "allowed_mentions": {"parse": []}}).pinged == []
    assert post({"components": [words], "allowed_mentions": {"parse": [], "users": ["6"]}}).pinged == [6]


def test_an_unknown_field_is_a_surprise() -> None:
    state = State()
    write(state, state.add_message(1), Body({"content": "x", "sparkles": True}, {}))
    assert state.surprises == ["message field sparkles"]
