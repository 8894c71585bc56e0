"""What `/help` shows besides the commands, and how it is divided into messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cogs.text.about import about_lines
from cogs.text.escaping import utf16_length
from cogs.text.terms import permission_names, price_text
from cogs.text.translation import gettext
from cogs.ui.discord_limits import VIEW_TEXT_UNITS
from cogs.ui.layout import build_view, subtext

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from discord import ui

    from bot.config.settings import AboutSettings
    from bot.domain.prices import ShownPrice


def heading() -> str:
    """Return the first line."""
    return gettext("### What this bot does for you")


def admin_heading() -> str:
    """Return the line above the commands for admins."""
    return gettext("**With {permission}**", permission=permission_names(["manage_guild"]))


def price_line(shown: ShownPrice) -> str:
    """Return what a picture costs, where nothing is known about limits."""
    return gettext("A picture costs {price}.", price=price_text(shown))


def menus_line(names: Iterable[str]) -> str:
    """Return where the entries of Discord's menu are, whose way there differs between phone and computer."""
    return gettext(
        "Under *Apps* in the menu of a message or a member: {entries}",
        entries=", ".join(f"*{name}*" for name in names),
    )


def contact_lines(about: AboutSettings) -> list[str]:
    """Return who runs the bot, and their privacy policy, as small print."""
    return [subtext(line) for line in about_lines(about)]


def help_views(lines: Iterable[str]) -> Iterator[ui.LayoutView]:
    """Yield the messages: one, or more where the lines do not fit. No line is cut."""
    text = ""
    for line in lines:
        longer = f"{text}\n{line}" if text else line
        if text and utf16_length(longer) > VIEW_TEXT_UNITS:
            yield build_view(text)
            text = line
        else:
            text = longer
    yield build_view(text)
