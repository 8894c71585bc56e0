"""Route clicks and submitted forms to the methods of cogs by custom id.

A custom id holds everything that a handler needs, so a button works in any process, however old its message.
discord.py's own routing is not used: it keeps views and forms in memory, drops what it does not know, as
after a restart, and only logs what a callback raises (discord.py 2.7.1, ui/view.py: dispatch_modal,
schedule_dynamic_item_call).
"""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar, cast

import discord
import structlog
from discord.ext import commands

from bot.domain.ids import MAX_ID
from cogs.text.translation import use_member_locale
from cogs.ui.discord_limits import all_components

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from cogs.ui.error_reporter import DiscordErrorReporter

    Handler = Callable[[discord.Interaction, re.Match[str]], Awaitable[None]]

MethodT = TypeVar("MethodT")

log = structlog.get_logger(__name__)

SNOWFLAKE: Final = "[0-9]{1,19}"
"""The pattern of one of Discord's ids; read it with `parse_snowflake`."""
_ROUTE: Final = "__custom_id_route__"
_ROUTED: Final = (discord.InteractionType.component, discord.InteractionType.modal_submit)


class Route(NamedTuple):
    """A handler, and which interactions it handles."""

    interaction_type: discord.InteractionType
    pattern: re.Pattern[str]
    """Must match the whole custom id."""
    handler: Handler


def component(pattern: str) -> Callable[[MethodT], MethodT]:
    """Decorate a method of a cog: it handles clicks whose custom id matches the regular expression in full.

    The method takes the interaction and the match. What it raises is reported to the member.
    """
    return _route(discord.InteractionType.component, pattern)


def modal(pattern: str) -> Callable[[MethodT], MethodT]:
    """Decorate a method of a cog as `component` does: it handles submitted forms, and no clicks."""
    return _route(discord.InteractionType.modal_submit, pattern)


def _route(interaction_type: discord.InteractionType, pattern: str) -> Callable[[MethodT], MethodT]:
    def mark(method: MethodT) -> MethodT:
        route = {"interaction_type": interaction_type, "pattern": re.compile(pattern, re.DOTALL)}
        setattr(method, _ROUTE, route)
        return method

    return mark


def routes_of(cog: object) -> list[Route]:
    """Return the methods that `component` and `modal` decorate."""
    members: list[tuple[str, Any]] = inspect.getmembers(cog, callable)
    return [
        Route(handler=method, **getattr(method, _ROUTE)) for _, method in members if hasattr(method, _ROUTE)
    ]


class ComponentRouter(commands.Cog):
    """Call the handler of each click and each submitted form."""

    def __init__(self, error_reporter: DiscordErrorReporter) -> None:
        self._error_reporter = error_reporter
        self._routes: dict[discord.InteractionType, list[Route]] = {routed: [] for routed in _ROUTED}

    def add_handlers(self, cog: object) -> None:
        """Add every method of an object that `component` or `modal` decorates."""
        for route in routes_of(cog):
            self._routes[route.interaction_type].append(route)

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """Handle a click or a form. If no handler matches, tell the member that the button is outdated."""
        if interaction.type not in _ROUTED:
            return
        use_member_locale(interaction)
        data = cast("dict[str, Any]", interaction.data)
        typed = typed_text(data)
        for route in self._routes[interaction.type]:
            match = route.pattern.fullmatch(data["custom_id"])
            if match is not None and _is_genuine(interaction, data):
                try:
                    await route.handler(interaction, match)
                except Exception as error:  # noqa: BLE001  # as for commands, every error is reported
                    await self._error_reporter.report(interaction, error, typed=typed)
                return
        log.info("nobody answered", custom_id=data["custom_id"], interaction_id=interaction.id)
        await self._error_reporter.component_expired(interaction, typed)


def _is_genuine(interaction: discord.Interaction, data: Mapping[str, Any]) -> bool:
    """Whether the clicked message has this component; custom ids can be forged. A form is not checked."""
    if interaction.type is discord.InteractionType.modal_submit:
        return True
    clicked = (data["component_type"], data["custom_id"])
    parts = () if interaction.message is None else interaction.message.components
    payload = [cast("dict[str, Any]", part.to_dict()) for part in parts]
    return any((part["type"], part.get("custom_id")) == clicked for part in all_components(payload))


def selected_values(interaction: discord.Interaction) -> list[str]:
    """Return what was chosen in a menu; nothing if the click was not in one."""
    return [str(value) for value in cast("dict[str, Any]", interaction.data).get("values") or ()]


def selected_value(interaction: discord.Interaction) -> str:
    """Return what was chosen in a menu for one choice; empty if it is forged and holds none."""
    return next(iter(selected_values(interaction)), "")


def parse_snowflake(text: str | None) -> int:
    """Read an id from a custom id, which may be forged: at most `MAX_ID`, and 0 for none."""
    return min(int(text or 0), MAX_ID)


def typed_text(data: Mapping[str, Any]) -> str:
    """Return all texts a member typed into a form, from the data of its interaction."""
    texts = (
        part.get("value")
        for part in all_components(data.get("components", ()))
        if part.get("type") == discord.ComponentType.text_input.value
    )
    return "\n".join(filter(None, texts))
