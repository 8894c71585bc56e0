"""The model of a request: which one it is where its member chose none, and which others would do."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from bot.domain.access import may_use_model
from bot.domain.errors import LimitExceeded, MemberError, MemberReason
from bot.domain.jobs import Request
from bot.domain.model_catalog import cheaper
from bot.guilds import presets
from bot.jobs.requests import guild_defaults, member_defaults

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    from bot.domain.access import AccessPolicy
    from bot.domain.image_models import ImageModel
    from bot.domain.jobs import Preset, RequestContext, RequestOptions
    from bot.domain.model_catalog import ModelCatalog

_NEEDS_ANOTHER: Final = (MemberReason.MODEL_UNAVAILABLE, MemberReason.MODEL_REFUSED)
"""No change of the words or the reference helps, so that the request is given back with another model."""
_ABOUT_THE_MODEL: Final = (
    *_NEEDS_ANOTHER,
    MemberReason.REFERENCE_UNSUPPORTED,
    MemberReason.TOO_MANY_REFERENCES,
    MemberReason.PROMPT_TOO_LONG,
)


class DefaultOf(StrEnum):
    """What a model comes from that its member did not choose."""

    PRESET = "preset"
    MEMBER = "member"
    GUILD = "guild"


@dataclass(frozen=True, slots=True)
class ChosenModel:
    """The model that a request is for; `default_of` says what it comes from, if it was set before."""

    model_id: str
    default_of: DefaultOf | None = None
    preset: Preset | None = None
    """The one that a request names, if the server has it."""


def choose(
    transaction: sqlite3.Connection, catalog: ModelCatalog, request: Request | RequestOptions
) -> ChosenModel:
    """Return the model of the request, else the default one."""
    if isinstance(request, Request):
        return ChosenModel(request.model, preset=request.preset)
    destination = request.destination
    chosen = default_model(transaction, catalog, destination.guild_id, destination.user_id, request.preset)
    return chosen if request.model is None else ChosenModel(request.model, preset=chosen.preset)


def default_model(
    transaction: sqlite3.Connection,
    catalog: ModelCatalog,
    guild_id: int,
    user_id: int,
    preset_name: str | None = None,
) -> ChosenModel:
    """Return the model of the preset, else the member's default, else the server's, else the first one.

    Those that were set do not count where one model is offered, since nobody could choose another.
    """
    found = None if preset_name is None else presets.find(transaction, guild_id, preset_name)
    preset = None if found is None else found.preset
    if catalog.has_choice:
        if found is not None and found.model is not None:
            return ChosenModel(found.model, DefaultOf.PRESET, preset)
        if (model_id := member_defaults.load(transaction, user_id).model) is not None:
            return ChosenModel(model_id, DefaultOf.MEMBER, preset)
        if (model_id := guild_defaults.load(transaction, guild_id).model) is not None:
            return ChosenModel(model_id, DefaultOf.GUILD, preset)
    return ChosenModel(catalog.default.model_id, preset=preset)


def usable(catalog: ModelCatalog, context: RequestContext, policy: AccessPolicy) -> list[ImageModel]:
    """Return the models that are available and that the rules let the member use."""
    return [model for model in catalog.available if may_use_model(model.model_id, context, policy)]


def for_reference(catalog: ModelCatalog, model_id: str, context: RequestContext, policy: AccessPolicy) -> str:
    """Return the model, or else the closest to it that takes a reference and that the member may use.

    It is the model itself if there is none, so that the request is refused because of it.
    """
    able = [model for model in usable(catalog, context, policy) if model.reference_count]
    if any(model.model_id == model_id for model in able):
        return model_id
    other = catalog.nearest(model_id, able)
    return model_id if other is None else other.model_id


@contextmanager
def naming_others(
    catalog: ModelCatalog,
    chosen: ChosenModel,
    request: Request | RequestOptions,
    context: RequestContext,
    policy: AccessPolicy,
) -> Iterator[None]:
    """Let an error that is about the model of a request name the models that would do.

    Raises:
        MemberError: the one of the block, with `others`, `refused`, `instead` and `default_of` among its
            data; a `LimitExceeded` with a cheaper model.
    """
    try:
        yield
    except MemberError as error:
        if chosen.default_of is not None and (
            error.reason in _NEEDS_ANOTHER or isinstance(error, LimitExceeded)
        ):
            error.data["default_of"] = chosen.default_of.value
        others = [
            model
            for model in usable(catalog, context, policy)
            if model.model_id != chosen.model_id and _takes(model, request, chosen.preset)
        ]
        if isinstance(error, LimitExceeded):
            _name_cheaper(error, catalog, chosen, others)
        elif error.reason in _ABOUT_THE_MODEL and catalog.has_choice:
            _name_nearest(error, catalog, chosen, others)
        if error.reason is MemberReason.MODEL_REFUSED:
            error.data["model"] = catalog.name_of(chosen.model_id)
        raise


def _name_nearest(
    error: MemberError, catalog: ModelCatalog, chosen: ChosenModel, others: Sequence[ImageModel]
) -> None:
    """Let a refusal name the other models that would do, the one most like the chosen one first."""
    nearest = catalog.nearest(chosen.model_id, others)
    named = others if nearest is None else [nearest, *(each for each in others if each is not nearest)]
    error.data["others"] = [model.name for model in named]
    if error.reason in _NEEDS_ANOTHER:
        error.data["nearest"] = None if nearest is None else nearest.name
        error.data["instead"] = None if nearest is None else nearest.model_id
        error.data["refused"] = chosen.model_id


def _name_cheaper(
    error: LimitExceeded, catalog: ModelCatalog, chosen: ChosenModel, others: Sequence[ImageModel]
) -> None:
    """Let a refusal for want of credits name its model, and a cheaper one that would do for all pictures."""
    model = catalog.find(chosen.model_id)
    if model is None:
        return
    error.model_name = catalog.name_to_show(chosen.model_id)
    found = cheaper(model, error.usage.left_credits // error.pictures, others)
    error.cheaper = None if found is None else catalog.shown_price(found)


def _takes(model: ImageModel, request: Request | RequestOptions, preset: Preset | None) -> bool:
    """Return whether the model takes the words of a request, with those of its preset, and its references."""
    prompt = request.prompt if preset is None else preset.around(request.prompt)
    return len(prompt) <= model.longest_prompt and len(request.references) <= model.reference_count
