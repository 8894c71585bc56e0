"""What pictures cost, as messages show it, and for how many of them credits are enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.domain.image_models import Value

SettingsPrices = Mapping[tuple[str, tuple[tuple[str, "Value"], ...]], int]
"""Credits by a model's id and those of its settings that move the price, as `ImageModel.price_settings` has
them."""

NO_PRICES: Final[SettingsPrices] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Quote:
    """What a picture will cost, as far as is known before Rivya is asked."""

    credits: int
    is_exact: bool = True
    """False if the request has settings whose price is not known yet: it is shown as `from 8 credits`."""


def total_quote(quotes: Sequence[Quote]) -> Quote:
    """Return what one or several pictures will cost together."""
    if len(quotes) == 1:
        return quotes[0]
    return Quote(sum(each.credits for each in quotes), all(each.is_exact for each in quotes))


@dataclass(frozen=True, slots=True)
class PricedSettings:
    """The settings of a request that move its price, and the price of its model without them."""

    model_id: str
    settings: tuple[tuple[str, Value], ...]
    base_credits: int


@dataclass(frozen=True, slots=True)
class ShownPrice:
    """What a picture costs with one model, for a message."""

    credits: int
    """More than 0."""
    model_name: str | None = None
    """None where no other model is offered, so that members need no name."""
    can_rise: bool = False
    """Whether settings of the model raise it: it is shown as `from 8 credits`."""


@dataclass(frozen=True, slots=True)
class PriceList:
    """What a picture costs with each model that members can choose now."""

    prices: tuple[ShownPrice, ...]
    """At least one; that of the default model first."""

    @property
    def default(self) -> ShownPrice:
        """The price of whoever chooses no model."""
        return self.prices[0]

    @property
    def has_choice(self) -> bool:
        """Whether several models are offered, so that messages name them."""
        return self.default.model_name is not None

    @property
    def cheapest(self) -> ShownPrice:
        """The lowest price; of equal ones the first."""
        return min(self.prices, key=lambda price: price.credits)

    def best_for(self, left_credits: int) -> ShownPrice | None:
        """Return the default if credits are enough for it, else the highest that they are enough for."""
        within = [price for price in self.prices if price.credits <= left_credits]
        if self.default in within:
            return self.default
        return max(within, key=lambda price: price.credits, default=None)

    def within(self, credits: int) -> PriceList | None:
        """Return those prices for which credits are enough; None if there are none."""
        prices = tuple(price for price in self.prices if price.credits <= credits)
        return PriceList(prices) if prices else None
