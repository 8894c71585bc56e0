"""The image models of Rivya: what they accept, and what they cost.

`image_models.toml` has them all. Sizes and formats have one language for all models, which stands in rows,
buttons and commands; a model's own words for them are used in its requests only.
"""

from __future__ import annotations

import math
import tomllib
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import ConfigDict, Field, StringConstraints, TypeAdapter, model_validator
from pydantic.dataclasses import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

AUTO: Final = "auto"
"""The size that the model chooses by the prompt or the references."""
ANY_FORMAT: Final = "any"
"""The format of a model whose requests cannot choose one."""
SIZES: Final[Mapping[str, tuple[int, int] | None]] = MappingProxyType(
    {
        "square_hd": (1, 1),
        "square": (1, 1),
        "portrait_5_4": (4, 5),
        "portrait_4_3": (3, 4),
        "portrait_3_2": (2, 3),
        "portrait_16_9": (9, 16),
        "portrait_4_1": (1, 4),
        "portrait_8_1": (1, 8),
        "landscape_5_4": (5, 4),
        "landscape_4_3": (4, 3),
        "landscape_3_2": (3, 2),
        "landscape_16_9": (16, 9),
        "landscape_21_9": (21, 9),
        "landscape_4_1": (4, 1),
        "landscape_8_1": (8, 1),
        AUTO: None,
    }
)
"""Width to height by size. The names are those of `image_size`, which some models have."""
_BY_RATIO: Final = {
    f"{ratio[0]}:{ratio[1]}": size for size, ratio in SIZES.items() if ratio is not None and size != "square"
}
REFERENCES_PARAMETER: Final = "referenceMediaItems"
"""Of every model that takes references: https://rivya.ai/docs/api-openapi-schema"""
_FORMATS: Final = {"png": "png", "jpeg": "jpeg", "jpg": "jpeg"}
"""The names of a format in requests, and ours."""

Text = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)] | Annotated[int, Field(strict=True)]
MAX_NUMBER: Final = 2**53 - 1
"""Beyond it a reader of JSON may round whole numbers: https://www.rfc-editor.org/rfc/rfc8259#section-6"""
Value = str | int | float
"""Of a parameter in a request. Rivya has true and false as texts."""
Count = Annotated[int, Field(strict=True, ge=0)]
_STRICT: Final = ConfigDict(extra="forbid", hide_input_in_errors=True)


@dataclass(frozen=True, slots=True, config=_STRICT)
class Parameter:
    """A parameter beside size, format and references: one of `options`, a text, or else a number.

    Without `default` or `fixed` it is left out of a request, and the model takes its own default.
    """

    options: tuple[Text, ...] = ()
    """The choices, the default first."""
    text: bool = False
    default: Number | None = None
    minimum: Number | None = None
    maximum: Number | None = None
    step: Annotated[Number, Field(gt=0)] = 1
    moves_price: bool = False
    counts_pictures: bool = False
    """Whether it is how many pictures a task makes at most; often it makes fewer."""
    fixed: Text | Number | None = None
    """Always sent; no member's to choose."""
    loose: Text | Number | None = None
    """Sent instead of `fixed`, which is the strictest, where an admin lets a model check less strictly."""

    @model_validator(mode="after")
    def _has_one_kind(self) -> Parameter:
        is_number = not self.options and not self.text
        bounds = (self.default, self.minimum, self.maximum)
        if (self.options and self.text) or (not is_number and bounds != (None, None, None)):
            raise ValueError("more than one kind")
        if self.fixed is not None and not self.allows(self.fixed):
            raise ValueError("not allowed as fixed")
        if self.counts_pictures and not is_number:
            raise ValueError("pictures are counted by a number")
        if self.text and self.moves_price:
            raise ValueError("a text cannot move the price")
        if self.loose is not None and (self.fixed is None or not self.allows(self.loose)):
            raise ValueError("not allowed as loose, or without fixed")
        return self

    @property
    def is_number(self) -> bool:
        """Whether its value is a number."""
        return not self.options and not self.text

    @property
    def default_value(self) -> Value | None:
        """What the model takes if a request does not say it; None if that is not known."""
        return self.options[0] if self.options else self.default

    def allows(self, value: Value) -> bool:
        """Return whether a model takes the value."""
        if not self.is_number:
            return isinstance(value, str) and (not self.options or value in self.options)
        low = -MAX_NUMBER if self.minimum is None else self.minimum
        high = MAX_NUMBER if self.maximum is None else self.maximum
        if isinstance(value, str) or not low <= value <= high:
            return False
        steps = (value - (self.minimum or 0)) / self.step
        return math.isclose(steps, round(steps), abs_tol=1e-6)


@dataclass(frozen=True, slots=True, config=_STRICT)
class Choices:
    """A parameter that every request has: a size or a format. The first option is the default."""

    parameter: Text
    options: Annotated[tuple[Text, ...], Field(min_length=1)]


@dataclass(frozen=True, slots=True, config=_STRICT)
class ImageModel:
    """One model of Rivya's catalogue."""

    model_id: Text
    name: Text
    cost_credits: Annotated[int, Field(strict=True, ge=0, le=1000)]
    """Of one picture at the default of every parameter; `reserved_credits` of the create call corrects it."""
    shapes: Choices
    """The sizes, as the model calls them."""
    formats: Choices | None = None
    """The formats, as the model calls them; None if a request cannot choose one."""
    prompt_limit: Annotated[int, Field(strict=True, ge=1)] = 5000
    """Of a prompt, in characters."""
    reference_count: Count = 1
    reference_limit_bytes: Annotated[int, Field(strict=True, ge=1)] = 10_000_000
    parameters: dict[Text, Parameter] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _is_consistent(self) -> ImageModel:
        if None in self._shapes or len(self._shapes) < len(self.shapes.options):
            raise ValueError("not a size, or one size twice")
        if self.formats is not None and len(self._formats) < len(self.formats.options):
            raise ValueError("not a format, or one format twice")
        if self.parameters.keys() & self._own_parameters:
            raise ValueError("a parameter that is that of the size, the format or the references")
        return self

    @property
    def longest_prompt(self) -> int:
        """How many characters a prompt may have: at most `PROMPT_LIMIT`, whatever the model allows."""
        return min(self.prompt_limit, PROMPT_LIMIT)

    @property
    def sizes(self) -> tuple[str, ...]:
        """The sizes on offer, in our language, the default first."""
        return _sizes(self.shapes.options)

    @property
    def file_formats(self) -> tuple[str, ...]:
        """The formats on offer, in our language, the default first; `ANY_FORMAT` if there is no choice."""
        return tuple(self._formats) or (ANY_FORMAT,)

    @property
    def _own_parameters(self) -> set[str]:
        formats = set() if self.formats is None else {self.formats.parameter}
        return {self.shapes.parameter, REFERENCES_PARAMETER} | formats

    @property
    def _shapes(self) -> Mapping[str | None, str]:
        return _by_size(self.shapes.options)

    @property
    def _formats(self) -> Mapping[str, str]:
        return _by_format(() if self.formats is None else self.formats.options)

    def most_pictures(self, settings: Iterable[tuple[str, Value]]) -> int:
        """Return how many pictures a task with these settings makes at most."""
        for name, value in settings:
            if name in self.parameters and self.parameters[name].counts_pictures:
                return max(1, int(value))
        return 1

    def price_settings(self, settings: Iterable[tuple[str, Value]]) -> tuple[tuple[str, Value], ...]:
        """Return those that move the price and are not at their default, in the order of their names."""
        known = ((name, value, self.parameters.get(name)) for name, value in settings)
        return tuple(
            sorted(
                (name, value)
                for name, value, parameter in known
                if parameter is not None and parameter.moves_price and value != parameter.default_value
            )
        )

    @property
    def can_loosen(self) -> bool:
        """Whether it has a parameter about safety that an admin may loosen."""
        return any(each.loose is not None for each in self.parameters.values())

    def params(
        self,
        size: str,
        file_format: str,
        settings: Iterable[tuple[str, Value]] = (),
        *,
        loose_safety: bool = False,
    ) -> dict[str, Value]:
        """Return the parameters of a request in the model's own words, with those that are always sent.

        `loose_safety` sends those about safety as an admin has loosened them. What the model lacks is sent as
        it is, for Rivya to refuse: rows keep what was asked.
        """
        params = dict(settings) | {self.shapes.parameter: self._shapes.get(size, size)}
        if self.formats is not None:
            params[self.formats.parameter] = self._formats.get(file_format, file_format)
        fixed = {name: each.fixed for name, each in self.parameters.items() if each.fixed is not None}
        loose = {name: each.loose for name, each in self.parameters.items() if each.loose is not None}
        return params | fixed | (loose if loose_safety else {})


# Cached by the few tuples of options that there are: every request asks for them.


@cache
def _by_size(options: tuple[str, ...]) -> Mapping[str | None, str]:
    """Return a model's words by our sizes; by None what is no size."""
    found = {option if option in SIZES else _BY_RATIO.get(option): option for option in options}
    return MappingProxyType(found)


@cache
def _sizes(options: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(size for size in _by_size(options) if size is not None)


@cache
def _by_format(options: tuple[str, ...]) -> Mapping[str, str]:
    """Return a model's words by our formats."""
    return MappingProxyType({_FORMATS[option]: option for option in options if option in _FORMATS})


def nearest_size(size: str, sizes: tuple[str, ...]) -> str:
    """Return the offered size whose shape is the nearest; the first of equally near ones.

    A size without a shape has none that is near, so the default is returned, which is the first.
    """
    if size in sizes:
        return size
    wanted = SIZES.get(size)
    near = {each: ratio for each in sizes if (ratio := SIZES[each]) is not None}
    if wanted is None or not near:
        return sizes[0]
    return min(near, key=lambda each: abs(math.log(wanted[0] * near[each][1] / (wanted[1] * near[each][0]))))


def _load() -> dict[str, ImageModel]:
    text = resources.files(__package__).joinpath("image_models.toml").read_text("utf-8")
    adapter = TypeAdapter(list[ImageModel])
    tables = [{"model_id": model_id, **table} for model_id, table in tomllib.loads(text).items()]
    return {model.model_id: model for model in adapter.validate_python(tables)}


MODELS: Final[Mapping[str, ImageModel]] = MappingProxyType(_load())
"""Those of Rivya's documentation, by their ids."""
QWEN_IMAGE: Final = MODELS["qwen-image"]
PROMPT_LIMIT: Final = 5000
"""Of a prompt, in characters, whatever a model allows: more does not fit into a form."""
RESULT_LIMIT_BYTES: Final = 50_000_000
"""Of a result, decoded. Far more than any picture of the models."""
