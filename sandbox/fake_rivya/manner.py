"""What the parameters of a task change in its picture.

The pages name the parameters, not their effects; here each that says something about the picture changes it
visibly, and the others, such as `google_search` and those about safety, do not.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from sandbox.painter import Manner

if TYPE_CHECKING:
    from collections.abc import Mapping

_DETAIL: Final = MappingProxyType(
    {
        ("quality", "high"): 1.6,
        ("rendering_speed", "TURBO"): 0.6,
        ("rendering_speed", "QUALITY"): 1.6,
        ("enable_pro", "true"): 1.6,
    }
)
_ENLARGEMENT: Final = MappingProxyType({"1K": 1, "2K": 2, "4K": 4})
_STYLES: Final = MappingProxyType(
    {"GENERAL": "seedream-4-5", "REALISTIC": "flux-2-pro", "DESIGN": "gpt-image-2"}
)
"""The model whose style is that of a value of `style`."""
_USUAL_GUIDANCE: Final = 2.5


def manner_of(model_id: str, params: Mapping[str, object], number: int = 0) -> Manner:
    """Return how a model paints with these parameters the picture of this number, from 0 on."""
    detail = 1.0
    for name, value in params.items():
        detail *= _DETAIL.get((name, str(value)), 1.0)
    guidance = params.get("guidance_scale", _USUAL_GUIDANCE)
    assert isinstance(guidance, int | float)
    resolution = params.get("resolution", params.get("image_resolution"))
    seed = str(params.get("seed", ""))
    watermark = str(params.get("watermark", "false"))
    return Manner(
        model_id=_STYLES.get(str(params.get("style")), model_id),
        seed=f"{seed}/{number}" if number else seed,
        negative_prompt=str(params.get("negative_prompt", "")),
        detail=detail * (guidance / _USUAL_GUIDANCE) ** 0.5,
        enlargement=_ENLARGEMENT.get(str(resolution), 1),
        watermark={"false": "", "true": model_id}.get(watermark, watermark),
    )
