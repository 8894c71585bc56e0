"""The list of what a picture costs with each model, short enough for a phone."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from cogs.text.escaping import utf16_length
from cogs.text.terms import amount_text, model_text
from cogs.text.translation import gettext, ngettext

if TYPE_CHECKING:
    from bot.domain.prices import PriceList, ShownPrice

LIST_UNITS: Final = 1500
"""The longest list: with it, everything else fits into one message."""


def price_lines(prices: PriceList) -> str:
    """Return a line for each price, the lowest first, with the models that have it in the order of offer."""
    ordered = sorted(prices.prices, key=_key)
    lines = [_line(tuple(same)) for _, same in groupby(ordered, _key)]
    shown, room = [gettext("**What a picture costs**")], LIST_UNITS
    for place, (line, _) in enumerate(lines):
        room -= utf16_length(line) + 1
        if room < 0:
            left_out = sum(count for _, count in lines[place:])
            shown.append(ngettext("and {n} more model", "and {n} more models", left_out))
            break
        shown.append(line)
    return "\n".join(shown)


def _key(price: ShownPrice) -> tuple[int, bool]:
    return price.credits, price.can_rise


def _line(same: tuple[ShownPrice, ...]) -> tuple[str, int]:
    models = ", ".join(model_text(price.model_name or "") for price in same)
    return gettext("{price}: {models}", price=amount_text(same[0]), models=models), len(same)
