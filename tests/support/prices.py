"""Prices as messages show them, of one model and of several."""

from __future__ import annotations

from bot.domain.image_models import MODELS
from bot.domain.model_catalog import ModelCatalog
from bot.domain.prices import PriceList, ShownPrice

ONE_MODEL = PriceList((ShownPrice(4),))
"""As where qwen-image alone is offered."""
OFFERED = ("qwen-image", "flux-2-pro", "z-image")
"""At 4, 5 and 1 credits."""
SEVERAL_MODELS = ModelCatalog(MODELS, OFFERED).price_list
EVERY_MODEL = ModelCatalog(MODELS, tuple(MODELS)).price_list
