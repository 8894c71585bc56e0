"""Picture models of the fake Rivya, and their entries in GET /models.

Each has a page, such as https://rivya.ai/docs/api/models/qwen-image; the fields of an entry are those of
https://rivya.ai/docs/api-models. The fields inside `params` and `reference_media` are not documented; these
are a guess. So is what parameters do to the price: the pages only say that some move it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PICTURE_TYPES = ("image/jpeg", "image/png", "image/webp")
MEGABYTE = 1_000_000
SHAPE_PARAMETERS = ("image_size", "aspect_ratio", "aspectRatio", "imageSize", "size")
FORMAT_PARAMETERS = ("output_format", "outputFormat")
_PRICE_FACTORS = MappingProxyType(
    {
        ("resolution", "1K"): 0.8,
        ("resolution", "2K"): 1.5,
        ("resolution", "4K"): 2.0,
        ("image_resolution", "2K"): 1.5,
        ("image_resolution", "4K"): 2.0,
        ("quality", "high"): 2.0,
        ("rendering_speed", "TURBO"): 0.5,
        ("rendering_speed", "QUALITY"): 1.5,
        ("enable_pro", "true"): 2.0,
    }
)
"""Factors of the base price by parameter and value, unless the value is the default."""


_MAX_NUMBER = 2**53 - 1
"""Servers in JavaScript, as Rivya's seems to be, know no larger whole numbers exactly."""


@dataclass(frozen=True, slots=True)
class Select:
    """A parameter with options, the default first. Values are texts, `true` and `false` too."""

    options: tuple[str, ...]

    def accepts(self, value: object) -> bool:
        """Return whether the value is an option."""
        return isinstance(value, str) and value in self.options

    def public(self) -> dict[str, object]:
        """Return the fields of the parameter in GET /models, without its name."""
        return {"type": "select", "default": self.options[0], "options": list(self.options)}


@dataclass(frozen=True, slots=True)
class NumberRange:
    """A parameter that is a JSON number."""

    lowest: float
    highest: float = _MAX_NUMBER
    step: float = 1
    default: float | None = None

    def accepts(self, value: object) -> bool:
        """Return whether the value is a number in the range, on a step."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        if isinstance(value, float) and not math.isfinite(value):  # not of JSON, but Python's parser takes it
            return False
        steps = (_exact(value) - _exact(self.lowest)) / _exact(self.step)
        return self.lowest <= value <= self.highest and steps.denominator == 1

    def public(self) -> dict[str, object]:
        """Return the fields of the parameter in GET /models, without its name."""
        highest = None if self.highest == _MAX_NUMBER else self.highest
        return {
            "type": "number",
            "default": self.default,
            "min": self.lowest,
            "max": highest,
            "step": self.step,
        }


@dataclass(frozen=True, slots=True)
class FreeText:
    """A parameter that is any text."""

    def accepts(self, value: object) -> bool:
        """Return whether the value is a text."""
        return isinstance(value, str)

    def public(self) -> dict[str, object]:
        """Return the fields of the parameter in GET /models, without its name."""
        return {"type": "text", "default": None}


def _exact(number: float) -> Fraction:
    """Return the number as it is written: 0.1 is a tenth."""
    return Fraction(number if isinstance(number, int) else repr(number))


ParameterSpec = Select | NumberRange | FreeText


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One model: price in credits, prompt limit in characters, parameters, references of so many bytes."""

    model_id: str
    base_credits: int
    prompt_limit: int
    params: Mapping[str, ParameterSpec]
    reference_count: int
    reference_limit_bytes: int = 10 * MEGABYTE
    api_status: str = "available"

    def defaults(self) -> dict[str, object]:
        """Return the value of each parameter that is left out; those without a default are missing."""
        values: dict[str, object] = {}
        for name, spec in self.params.items():
            if isinstance(spec, Select):
                values[name] = spec.options[0]
            elif isinstance(spec, NumberRange) and spec.default is not None:
                values[name] = spec.default
        return values

    def cost(self, params: Mapping[str, object]) -> int:
        """Return the credits that a task with these parameters reserves."""
        defaults = self.defaults()
        factor = math.prod(
            _PRICE_FACTORS.get((name, str(value)), 1.0)
            for name, value in params.items()
            if value != defaults.get(name)
        )
        pictures = params.get("max_images", 1)
        assert isinstance(pictures, int | float)
        return math.ceil(self.base_credits * factor * pictures)

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
                    "max_bytes": self.reference_limit_bytes,
                    "mime_types": list(PICTURE_TYPES),
                }
            ]
            if refs
            else [],
            "params": [{"name": name, **spec.public()} for name, spec in self.params.items()],
            "api_status": self.api_status,
            "api_input_status": "partial_requires_files" if refs else "available_text",
            "supported_api_inputs": ["text", "file"] if refs else ["text"],
            "requires_files_api": False,
            "requires_upload_for_modes": ["image_to_image"] if refs else [],
            "url_input_supported": False,
            "file_kinds": ["image"] if refs else [],
            "chat_capabilities": None,
            "notices": [],
        }


def _spec(
    model_id: str,
    base_credits: int,
    prompt_limit: int,
    reference_count: int,
    megabytes: int = 10,
    **params: str | ParameterSpec,
) -> ModelSpec:
    """Make a model; a parameter that is a text has its words as options."""
    specs = {name: Select(tuple(of.split())) if isinstance(of, str) else of for name, of in params.items()}
    return ModelSpec(
        model_id, base_credits, prompt_limit, MappingProxyType(specs), reference_count, megabytes * MEGABYTE
    )


_NO_LIMIT = 100_000
"""Characters, for models whose page names no limit of the prompt."""
_SIX_SIZES = "square_hd square portrait_4_3 portrait_16_9 landscape_4_3 landscape_16_9"
_SEED = NumberRange(0)
_SEED_31_BITS = NumberRange(0, 2_147_483_647)
_TEXT = FreeText()

MODELS: Mapping[str, ModelSpec] = MappingProxyType(
    {
        spec.model_id: spec
        for spec in (
            _spec("z-image", 1, 1000, 0, aspect_ratio="1:1 4:3 3:4 16:9 9:16"),
            _spec("4o-image", 3, _NO_LIMIT, 0, size="1:1 3:2 2:3"),
            _spec("qwen-image", 4, 5000, 1, image_size=_SIX_SIZES, output_format="png jpeg"),
            _spec(
                "qwen2-image",
                6,
                800,
                1,
                image_size="16:9 1:1 3:4 4:3 9:16",
                output_format="png jpeg",
                seed=_SEED,
                nsfw_checker="false true",
            ),
            _spec(
                "nano-banana",
                3,
                5000,
                10,
                imageSize="1:1 9:16 16:9 3:4 4:3 3:2 2:3 5:4 4:5 21:9 auto",
                output_format="png jpeg",
            ),
            _spec(
                "nano-banana-2",
                5,
                20_000,
                14,
                30,
                aspect_ratio="auto 1:1 16:9 9:16 3:2 2:3 4:3 3:4 5:4 4:5 21:9 4:1 1:4 8:1 1:8",
                resolution="1K 2K 4K",
                output_format="jpg png",
                google_search="false true",
            ),
            _spec(
                "nano-banana-pro",
                8,
                10_000,
                8,
                30,
                aspect_ratio="1:1 2:3 3:2 3:4 4:3 4:5 5:4 9:16 16:9 21:9 auto",
                resolution="1K 2K 4K",
                output_format="png jpg",
            ),
            _spec("gpt-image-1-5", 4, _NO_LIMIT, 16, quality="medium high", aspect_ratio="1:1 2:3 3:2"),
            _spec(
                "gpt-image-2",
                3,
                20_000,
                16,
                aspect_ratio="1:1 auto 9:16 16:9 4:3 3:4",
                resolution="1K 2K 4K",
            ),
            _spec(
                "grok-imagine",
                4,
                5000,
                1,
                aspect_ratio="1:1 2:3 3:2 16:9 9:16",
                enable_pro="false true",
            ),
            *(
                _spec(
                    model_id,
                    credits,
                    5000,
                    8,
                    aspectRatio="1:1 4:3 3:4 16:9 9:16 3:2 2:3",
                    resolution="1K 2K",
                )
                for model_id, credits in (("flux-2-pro", 5), ("flux-2-flex", 14))
            ),
            *(
                _spec(
                    model_id,
                    credits,
                    _NO_LIMIT,
                    1,
                    aspectRatio="16:9 21:9 4:3 1:1 3:4 9:16",
                    outputFormat="jpeg png",
                    enableTranslation="true false",
                    promptUpsampling="false true",
                    safetyTolerance=NumberRange(0, 6, default=2),
                    watermark=_TEXT,
                )
                for model_id, credits in (("flux-kontext-pro", 4), ("flux-kontext-max", 8))
            ),
            *(
                _spec(
                    model_id,
                    credits,
                    5000,
                    9,
                    20,
                    aspect_ratio="1:1 16:9 4:3 21:9 3:4 9:16 8:1 1:8",
                    resolution="2K 1K",
                    watermark="false true",
                    seed=_SEED_31_BITS,
                )
                for model_id, credits in (("wan-2-7-image", 5), ("wan-2-7-image-pro", 12))
            ),
            _spec(
                "seedream-3-0",
                5,
                5000,
                0,
                image_size=_SIX_SIZES,
                guidance_scale=NumberRange(1, 10, 0.1, 2.5),
                seed=_SEED_31_BITS,
            ),
            _spec(
                "seedream-4-0",
                6,
                5000,
                1,
                image_size="square_hd square portrait_4_3 portrait_3_2 portrait_16_9 landscape_4_3"
                " landscape_3_2 landscape_16_9 landscape_21_9",
                image_resolution="1K 2K 4K",
                max_images=NumberRange(1, 6, default=1),
                seed=_SEED_31_BITS,
                nsfw_checker="false true",
            ),
            *(
                _spec(
                    model_id,
                    credits,
                    3000,
                    1,
                    aspectRatio="1:1 4:3 3:4 16:9 9:16 2:3 3:2 21:9",
                    quality="basic high",
                )
                for model_id, credits in (("seedream-4-5", 7), ("seedream-5-lite", 6))
            ),
            _spec(
                "ideogram-v3",
                7,
                5000,
                0,
                rendering_speed="BALANCED TURBO QUALITY",
                style="AUTO GENERAL REALISTIC DESIGN",
                expand_prompt="true false",
                image_size=_SIX_SIZES,
                seed=_SEED,
                negative_prompt=_TEXT,
            ),
            _spec(
                "google-imagen4-fast",
                4,
                5000,
                0,
                aspect_ratio="16:9 1:1 9:16 3:4 4:3",
                negative_prompt=_TEXT,
                seed=_SEED,
            ),
            _spec(
                "google-imagen4-ultra",
                12,
                5000,
                0,
                aspect_ratio="1:1 16:9 9:16 3:4 4:3",
                negative_prompt=_TEXT,
                seed=_TEXT,
            ),
        )
    }
)
