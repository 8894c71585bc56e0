"""Which models members may choose: those that the operator offers, as Rivya's list describes them now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.domain.errors import MemberError, MemberReason
from bot.domain.image_models import ANY_FORMAT, MODELS, QWEN_IMAGE
from bot.domain.prices import PriceList, ShownPrice

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bot.domain.image_models import ImageModel
    from bot.domain.model_settings import SettingValues


@dataclass(frozen=True, slots=True)
class LiveModel:
    """One model in Rivya's list; None means that the list does not say."""

    model_id: str
    base_credits: int | None = None
    prompt_limit: int | None = None
    status: str | None = None
    """`available`, `coming_soon` or `studio_only`, as of 2026-05: https://rivya.ai/docs/api-models"""

    @property
    def is_available(self) -> bool:
        """Whether tasks can be created with it, or the list does not say."""
        return self.status in {None, "available"}


@dataclass(frozen=True, slots=True)
class PriceChange:
    """A model that costs something else than before; credits of one picture."""

    model: ImageModel
    before_credits: int


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """How one known model stands; its price is that of now."""

    model: ImageModel
    is_offered: bool
    is_available: bool | None
    """Whether Rivya has it now; None if its list has not been read."""
    table_credits: int
    """The price of the documentation, or of the settings."""


class ModelCatalog:
    """The known models and the offered ones, the first of which is the default.

    Until Rivya's list is read for the first time, every offered model counts as available, at the price of
    the table.
    """

    def __init__(self, known: Mapping[str, ImageModel], offered: Sequence[str]) -> None:
        self._table = known
        self._known = dict(known)
        self._offered = tuple(offered)
        self._live: Mapping[str, LiveModel] | None = None

    @property
    def default(self) -> ImageModel:
        """The model of whoever chooses none."""
        return self._known[self._offered[0]]

    @property
    def offered(self) -> tuple[ImageModel, ...]:
        """Every model that the operator offers, available or not."""
        return tuple(self._known[model_id] for model_id in self._offered)

    @property
    def has_choice(self) -> bool:
        """Whether several models are offered, so that members can choose one."""
        return len(self._offered) > 1

    @property
    def available(self) -> tuple[ImageModel, ...]:
        """Every offered model that Rivya has now."""
        return tuple(model for model in self.offered if self._is_live(model.model_id))

    @property
    def known(self) -> tuple[ImageModel, ...]:
        """Every model, offered or not."""
        return tuple(self._known.values())

    @property
    def cheapest_credits(self) -> int:
        """With less than this left, no picture can be made."""
        return self.price_list.cheapest.credits

    @property
    def sizes(self) -> tuple[str, ...]:
        """Every size that an offered model has, those of the default first."""
        return tuple(dict.fromkeys(size for model in self.offered for size in model.sizes))

    @property
    def file_formats(self) -> tuple[str, ...]:
        """Every format that an offered model has, those of the default first."""
        names = dict.fromkeys(name for model in self.offered for name in model.file_formats)
        return tuple(name for name in names if name != ANY_FORMAT) or (ANY_FORMAT,)

    def find(self, model_id: str) -> ImageModel | None:
        """Return a known model with its price and prompt limit of now; None if it is not known any more."""
        return self._known.get(model_id)

    def offered_or_nearest(self, model_id: str) -> ImageModel:
        """Return an offered model, or the one that is most like it: a form can be shown with it."""
        if self.is_offered(model_id):
            return self._known[model_id]
        return self.nearest(model_id) or self.default

    def is_offered(self, model_id: str) -> bool:
        """Whether the operator offers the model and Rivya has it now."""
        return model_id in self._offered and self._is_live(model_id)

    def _is_live(self, model_id: str) -> bool:
        if self._live is None:
            return True
        live = self._live.get(model_id)
        return live is not None and live.is_available

    def require(self, model_id: str) -> ImageModel:
        """Return an offered model.

        Raises:
            MemberError: MODEL_UNAVAILABLE.
        """
        if self.is_offered(model_id):
            return self._known[model_id]
        nearest = self.nearest(model_id)
        raise MemberError(
            MemberReason.MODEL_UNAVAILABLE,
            model=self.name_of(model_id),
            nearest=None if nearest is None else nearest.name,
        )

    def nearest(self, model_id: str, among: Sequence[ImageModel] | None = None) -> ImageModel | None:
        """Return the model that is most like another one; None if there is none.

        It is one of `among`, or else of those that are available. It takes references if the other does, and
        costs about as much. Nothing is known of a model that was removed, so the first is the nearest.
        """
        available, wanted = self.available if among is None else among, self.find(model_id)
        if wanted is None:
            return next(iter(available), None)
        similar = [model for model in available if model.reference_count] if wanted.reference_count else []
        return _closest(wanted, similar or available)

    def name_of(self, model_id: str) -> str:
        """Return a model's name, and of one that is not known any more the id."""
        model = self.find(model_id)
        return model_id if model is None else model.name

    def name_to_show(self, model_id: str) -> str | None:
        """Return a model's name, or None where no other one is offered and members need no name."""
        return None if self._offered == (model_id,) else self.name_of(model_id)

    def shown_price(self, model: ImageModel) -> ShownPrice:
        """Return what a picture costs with a model, for a message."""
        name = self.name_to_show(model.model_id)
        can_rise = name is not None and any(
            each.moves_price and each.fixed is None for each in model.parameters.values()
        )
        return ShownPrice(model.cost_credits, name, can_rise=can_rise)

    def takes_reference(self, model_id: str) -> bool:
        """Whether a model takes a reference, offered or not; no model that is not known does."""
        model = self.find(model_id)
        return model is not None and model.reference_count > 0

    def most_pictures(self, model_id: str, settings: SettingValues) -> int:
        """Return how many pictures a task makes at most; 1 of a model that is not known."""
        model = self.find(model_id)
        return 1 if model is None else model.most_pictures(settings)

    def references_of(self, model_id: str) -> int:
        """Return how many references a model takes in one request; 0 if it is not available."""
        return self._known[model_id].reference_count if self.is_offered(model_id) else 0

    @property
    def most_references(self) -> int:
        """How many references an offered model takes at most."""
        return max(model.reference_count for model in self.offered)

    @property
    def price_list(self) -> PriceList:
        """What a picture costs with each available model; with each offered one while none is available."""
        return PriceList(tuple(map(self.shown_price, self.available or self.offered)))

    def entries(self) -> list[CatalogEntry]:
        """Return how each known model stands, those on offer first."""
        others = [model_id for model_id in self._known if model_id not in self._offered]
        return [
            CatalogEntry(
                model=self._known[model_id],
                is_offered=model_id in self._offered,
                is_available=None if self._live is None else self._is_live(model_id),
                table_credits=self._table[model_id].cost_credits,
            )
            for model_id in (*self._offered, *others)
        ]

    def update(self, live: Iterable[LiveModel]) -> None:
        """Take over prices and prompt limits from Rivya's list.

        A prompt limit only shrinks: the table has what the pages promise. A model that the list lacks is not
        available, and what the list does not say stays as it is in the table. A list without any known model
        is no such list, and changes nothing.
        """
        listed = {each.model_id: each for each in live}
        if not listed.keys() & self._table.keys():
            return
        self._live = listed
        self._known = {
            model_id: _as_live(model, listed.get(model_id)) for model_id, model in self._table.items()
        }


def default_catalog() -> ModelCatalog:
    """Return the catalogue of whoever offers nothing else."""
    return ModelCatalog(MODELS, (QWEN_IMAGE.model_id,))


def cheaper(model: ImageModel, left_credits: int, among: Sequence[ImageModel]) -> ImageModel | None:
    """Return the model most like another that is too expensive; None if credits are enough for none."""
    most = min(left_credits, model.cost_credits - 1)
    return _closest(model, [each for each in among if each.cost_credits <= most])


def _closest(wanted: ImageModel, models: Sequence[ImageModel]) -> ImageModel | None:
    """Return the model whose price is the closest; None without models."""
    return min(models, key=lambda each: abs(each.cost_credits - wanted.cost_credits), default=None)


def _as_live(model: ImageModel, live: LiveModel | None) -> ImageModel:
    if live is None:
        return model
    return replace(
        model,
        cost_credits=live.base_credits or model.cost_credits,
        prompt_limit=min(live.prompt_limit or model.prompt_limit, model.prompt_limit),
    )
