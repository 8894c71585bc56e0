"""How `/operator models` shows the models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cogs.text.terms import credits_text, model_text
from cogs.text.translation import gettext, number
from cogs.ui.layout import build_view, fit_lines, subtext

if TYPE_CHECKING:
    from collections.abc import Sequence

    from discord import ui

    from bot.domain.model_catalog import CatalogEntry

LIST_UNITS: Final = 1700
"""Of each of the two lists."""


def models_view(entries: Sequence[CatalogEntry]) -> ui.LayoutView:
    """Show the models on offer, then the others that Kuas knows."""
    offered = [entry for entry in entries if entry.is_offered]
    others = [entry for entry in entries if not entry.is_offered]
    unread = gettext("Rivya's list could not be read yet; these are the prices of its documentation.")
    return build_view(
        gettext("### Models"),
        _lines(offered),
        f"{gettext('Not offered:')}\n{_lines(others)}" if others else "",
        unread if any(entry.is_available is None for entry in entries) else "",
        subtext(gettext("The setting `rivya.models` says which are offered; the first is the default.")),
    )


def _lines(entries: Sequence[CatalogEntry]) -> str:
    return "\n".join(fit_lines(list(map(_line, entries)), LIST_UNITS))


def _line(entry: CatalogEntry) -> str:
    facts = [credits_text(entry.model.cost_credits)]
    if entry.model.cost_credits != entry.table_credits:
        facts.append(gettext("before {before}", before=number(entry.table_credits)))
    if entry.is_available is False:
        facts.append(gettext("not available now"))
    name, model_id = map(model_text, (entry.model.name, entry.model.model_id))
    return f"- {name} ({model_id}): {' · '.join(facts)}"
