"""Models of the fake Rivya, and their entries in GET /models.

Pages: https://rivya.ai/docs/api/models/qwen-image, https://rivya.ai/docs/api/models/z-image and
https://rivya.ai/docs/api-models. The fields inside `params` and `reference_media` are not documented; these
are a guess.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PICTURE_TYPES = ("image/jpeg", "image/png", "image/webp")
REFERENCE_LIMIT_BYTES = 10_000_000


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One model: price in credits, prompt limit in characters, choices of each parameter (default first)."""

    model_id: str
    base_credits: int
    prompt_limit: int
    params: Mapping[str, tuple[str, ...]]
    reference_count: int

    def public(self) -> dict[str, object]:
        """Return the model's entry in GET /models."""
        refs = self.reference_count
        return {
            "id": self.model_id,
            "category": "image",
            "runtime": "async_task",
            "base_credits": self.base_credits,
            "billing_type": "fixed",
            "supported_modes": ["text_to_image", "image_to_image"] if refs else ["text_to_image"],
            "max_prompt_length": self.prompt_limit,
            "reference_media": [
                {
                    "kind": "image",
                    "max_items": refs,
                    "max_bytes": REFERENCE_LIMIT_BYTES,
                    "mime_types": list(PICTURE_TYPES),
                }
            ]
            if refs
            else [],
            "params": [
                {"name": name, "type": "select", "default": options[0], "options": list(options)}
                for name, options in self.params.items()
            ],
            "api_status": "available",
            "api_input_status": "partial_requires_files" if refs else "available_text",
            "supported_api_inputs": ["text", "file"] if refs else ["text"],
            "requires_files_api": False,
            "requires_upload_for_modes": ["image_to_image"] if refs else [],
            "url_input_supported": False,
            "file_kinds": ["image"] if refs else [],
            "chat_capabilities": None,
            "notices": [],
        }


_QWEN_IMAGE = ModelSpec(
    model_id="qwen-image",
    base_credits=4,
    prompt_limit=5000,
    params=MappingProxyType(
        {
            "image_size": (
                "square_hd",
                "square",
                "portrait_4_3",
                "portrait_16_9",
                "landscape_4_3",
                "landscape_16_9",
            ),
            "output_format": ("png", "jpeg"),
        }
    ),
    reference_count=1,
)
_Z_IMAGE = ModelSpec(
    model_id="z-image",
    base_credits=1,
    prompt_limit=1000,
    params=MappingProxyType({"aspect_ratio": ("1:1", "4:3", "3:4", "16:9", "9:16")}),
    reference_count=0,
)

MODELS = {model.model_id: model for model in (_QWEN_IMAGE, _Z_IMAGE)}

SIZE_OF_RATIO = {
    "1:1": "square_hd",
    "4:3": "landscape_4_3",
    "3:4": "portrait_4_3",
    "16:9": "landscape_16_9",
    "9:16": "portrait_16_9",
}
"""z-image has ratios where qwen-image has sizes; the painter takes sizes."""
