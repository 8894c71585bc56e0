"""Have pictures made, fill forms, press buttons of outdated messages, and read responses."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
import simcord
from simcord.backend import serializers
from simcord.components import walk_components
from simcord.interactions import base_payload

BUTTON, SELECT, RADIO_GROUP = 2, 3, 21
COMPONENT, MODAL_SUBMIT = 3, 5
REFUSALS = pytest.mark.parametrize(
    ("command", "options", "words"),
    [
        ("limits guild", {"credits": 4, "period": "day"}, "4 of 4 credits used"),
        ("access cooldown", {"seconds": 600}, "a pause of 10 minutes"),
        ("access forbid", {"words": "fox"}, "“fox” is blocked"),
        ("access block", {"reason": "too loud", "days": 2}, "too loud"),
    ],
)
"""Commands of an admin, after which a member's second picture of a fox is refused with these words."""


async def painted(server: Any, member: Any, prompt: str = "a fox", **options: Any) -> Any:
    """Have a picture made; return its message, which its member alone may see."""
    await member.slash(server.channel, "imagine", prompt=prompt, **options)
    return server.visible_to(member)[-1]


async def open_in_history(server: Any, who: Any, channel: Any = None, **options: Any) -> Any:
    """Return the private message that shows the newest picture of a history."""
    result = await who.slash(channel or server.channel, "history", **options)
    message = response_of(result).message
    raw = server.env.backend.get_message(message.channel.id, message.id)
    (menu,) = [part for part in walk_components(raw.components) if part["type"] == SELECT]
    await who.select(message, [menu["options"][0]["value"]], custom_id=menu["custom_id"])
    return message


def field(shown: simcord.InteractionResult, name: str) -> dict[str, Any]:
    """Return a component of the form, by the beginning of its custom_id."""
    assert shown.modal is not None, "no form was shown"
    (found,) = [
        part["component"]
        for part in shown.modal["components"]
        if part["component"]["custom_id"].startswith(name)
    ]
    return dict(found)


def fill_modal(shown: simcord.InteractionResult, **values: Any) -> dict[str, Any]:
    """Return the values that a member submits who changes only these fields."""
    assert shown.modal is not None, "no form was shown"
    sent: dict[str, Any] = {}
    for part in shown.modal["components"]:
        if (component := part.get("component")) is None:
            continue  # a text, and no field
        name = component["custom_id"]
        if component.get("value"):
            sent[name] = component["value"]
        defaults = [option["value"] for option in component.get("options", ()) if option.get("default")]
        if defaults:
            sent[name] = defaults[0] if component["type"] == RADIO_GROUP else defaults
    return sent | {name: [value] if name in {"size", "pictures"} else value for name, value in values.items()}


async def compose(server: Any, **options: Any) -> simcord.InteractionResult:
    """Open the form by way of the card that comes where several models are offered."""
    return await _form_of(server, await server.alice.slash(server.channel, "imagine", **options))


async def edit(server: Any, message: Any) -> simcord.InteractionResult:
    """Open the form of *Edit* by way of the card that comes where several models are offered."""
    return await _form_of(server, await server.alice.click(message, label="Edit"))


async def _form_of(server: Any, card: simcord.InteractionResult) -> simcord.InteractionResult:
    shown: simcord.InteractionResult = await server.alice.click(
        response_of(card).message, label="Words and references"
    )
    return shown


class StaleMessage:
    """An earlier state of a message, with its buttons, as a client may still show it."""

    def __init__(self, server: Any, message: Any) -> None:
        self._server = server
        self._stored = server.env.backend.get_message(message.channel.id, message.id)
        self._shown = deepcopy(serializers.message_payload(server.env.backend, self._stored))

    @classmethod
    def from_before(cls, server: Any, message: Any, label: str) -> StaleMessage:
        """Return the message as it was when it last had this button."""
        stale = cls(server, message)
        stale._shown["components"] = next(
            entry.json["components"]
            for entry in reversed(server.env.http_requests)
            if entry.method == "PATCH"
            and any(item.get("label") == label for item in walk_components(entry.json["components"]))
        )
        return stale

    async def click(self, member: Any, label: str) -> simcord.InteractionResult:
        (custom_id,) = [
            item["custom_id"]
            for item in walk_components(self._shown["components"])
            if item.get("label") == label
        ]
        return await self.send(member, COMPONENT, {"custom_id": custom_id, "component_type": BUTTON})

    async def send(
        self, member: Any, interaction_type: int, data: dict[str, Any]
    ) -> simcord.InteractionResult:
        """Send what only a forged client sends."""
        backend = self._server.env.backend
        record, event = base_payload(
            backend,
            type=interaction_type,
            channel_id=self._stored.channel_id,
            guild_id=self._server.guild.id,
            user_id=member.id,
            data=data,
        )
        record.source_message_id = self._stored.id
        backend.emit("INTERACTION_CREATE", event | {"message": self._shown})
        await self._server.env.settle()
        return simcord.InteractionResult(self._server.env, record)


def labels(server: Any, message: Any) -> list[str]:
    """Return the labels of the buttons of a message."""
    raw = server.env.backend.get_message(message.channel.id, message.id)
    return [item["label"] for item in walk_components(raw.components) if item["type"] == BUTTON]


def response_of(result: simcord.InteractionResult) -> simcord.ResponseMessage:
    """Return the response to an interaction; asserts that there is one."""
    assert result.response is not None, "the application did not respond"
    return result.response


def modal_of(result: simcord.InteractionResult) -> dict[str, Any]:
    """Return the form that was shown; asserts that there is one."""
    assert result.modal is not None, "no form was shown"
    return result.modal
