"""The text of views, as members read it."""

from __future__ import annotations

from discord import ui


def view_text(view: ui.LayoutView) -> str:
    """Return all text of a view, each text display on lines of its own."""
    return "\n".join(item.content for item in view.walk_children() if isinstance(item, ui.TextDisplay))
