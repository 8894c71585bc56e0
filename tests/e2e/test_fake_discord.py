"""The fake Discord enforces the documented limits: each accepts its limit and refuses one more."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.fake_discord import components
from tests.e2e.fake_discord.errors import RefusedError
from tests.e2e.fake_discord.message_rules import Body, apply_body
from tests.e2e.fake_discord.state import COMPONENTS_V2, Message, State

Part = dict[str, Any]


def text(length: int) -> Part:
    return {"type": components.Type.TEXT_DISPLAY, "content": "x" * length}


def button(**changes: Any) -> Part:
    return {"type": 1, "components": [{"type": 2, "style": 1, "label": "Go", "custom_id": "go"} | changes]}


def gallery(count: int, alt: int = 3) -> Part:
    item = {"media": {"url": "attachment://fox.png"}, "description": "x" * alt}
    return {"type": 12, "items": [item] * count}


def container(*parts: Part) -> Part:
    return {"type": 17, "components": list(parts)}


def post(payload: dict[str, Any], files: int = 1, size: int = 3, name: str = "fox.png") -> Message:
    state = State()
    message = state.add_message(1)
    numbered = {number: (name if not number else f"{number}.png", bytes(size)) for number in range(files)}
    apply_body(state, message, Body({"flags": COMPONENTS_V2} | payload, numbered))
    assert state.violations == []
    return message


@pytest.mark.parametrize(
    ("allowed", "refused"),
    [
        ([container(text(4000))], [container(text(4001))]),
        ([text(2000), text(2000)], [text(2000), text(2001)]),
        ([text(1)] * 40, [text(1)] * 41),
        ([container(gallery(10))], [container(gallery(11))]),
        ([gallery(1, alt=1024)], [gallery(1, alt=1025)]),
        ([button(custom_id="x" * 100)], [button(custom_id="x" * 101)]),
        ([button()], [button(custom_id="")]),
        ([button(custom_id="a"), button(custom_id="b")], [button(), button()]),
        ([button(label="x" * 80)], [button(label="x" * 81)]),
        ([container(text(1))], [container(container(text(1)))]),
        ([text(1)], [text(0)]),
        ([button()], [button(colour="red")]),
    ],
)
def test_components_are_limited(allowed: list[Part], refused: list[Part]) -> None:
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
def test_messages_are_limited(payload: dict[str, Any], files: dict[str, Any], code: int) -> None:
    with pytest.raises(RefusedError) as refused:
        post(payload, **files)
    assert refused.value.code == code


def test_an_edit_keeps_all_files_or_only_those_that_it_lists() -> None:
    state = State()
    message = state.add_message(1)
    apply_body(
        state, message, Body({"flags": COMPONENTS_V2, "components": [gallery(1)]}, {0: ("fox.png", b"1")})
    )
    assert next(components.media(message.components))["attachment_id"] == str(message.attachments[0].id)
    apply_body(state, message, Body({}, {}))
    assert [item.filename for item in message.attachments] == ["fox.png"]
    apply_body(state, message, Body({"components": [text(1)], "attachments": []}, {}))
    assert message.attachments == []
    with pytest.raises(RefusedError, match="flags"):
        apply_body(state, message, Body({"content": "plain again", "flags": 0}, {}))


def test_allowed_mentions_limit_who_is_notified() -> None:
    words = {"type": components.Type.TEXT_DISPLAY, "content": "<@5> and <@6>"}
    assert post({"components": [words]}).notified == [5, 6]
    assert post({"components": [words], "allowed_mentions": {"parse": []}}).notified == []
    assert post({"components": [words], "allowed_mentions": {"parse": [], "users": ["6"]}}).notified == [6]


def test_an_unknown_field_is_a_violation() -> None:
    state = State()
    apply_body(state, state.add_message(1), Body({"content": "x", "sparkles": True}, {}))
    assert state.violations == ["message field sparkles"]
