"""The image models on offer: what they accept and what they cost.

Facts: https://rivya.ai/docs/api/models/qwen-image (read 2026-05).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ImageModel:
    """One model of Rivya's catalogue. Credits are integers, sizes are bytes."""

    model_id: str
    cost_credits: int
    """The quote for one picture; `reserved_credits` of the create call's answer replaces it."""
    prompt_limit: int
    """Of a prompt, in characters."""
    sizes: tuple[str, ...]
    """Values of `image_size`, the default first."""
    formats: tuple[str, ...]
    """Values of `output_format`, the default first."""
    reference_limit_bytes: int


QWEN_IMAGE = ImageModel(
    model_id="qwen-image",
    cost_credits=4,
    prompt_limit=5000,
    sizes=("square_hd", "square", "portrait_4_3", "portrait_16_9", "landscape_4_3", "landscape_16_9"),
    formats=("png", "jpeg"),
    reference_limit_bytes=10_000_000,
)
"""The documentation says 10 MB, which may mean 10 MiB; 10,000,000 bytes is the smaller."""

MODELS = {model.model_id: model for model in (QWEN_IMAGE,)}
CHEAPEST_CREDITS = min(model.cost_credits for model in MODELS.values())
"""With less than this left, no picture can be made."""
RESULT_LIMIT_BYTES = 50_000_000
"""Of a result, decoded. Far more than any picture of the models."""
