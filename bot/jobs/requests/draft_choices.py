"""Change what a draft is for: its model, its size, its format, and one of its settings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.model_settings import SettingsRefused, check_settings, fold_name, settable
from bot.jobs.requests.request_options import choose_format, choose_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.domain.image_models import ImageModel
    from bot.domain.model_settings import SettingValues
    from bot.jobs.requests.drafts import Draft


def for_model(draft: Draft, model: ImageModel) -> Draft:
    """Return the draft for another model: with the nearest size, and the settings that the model takes."""
    size, asked = choose_size(model, draft.asked_size or draft.size)
    return replace(
        draft,
        model=model.model_id,
        size=size,
        asked_size=asked,
        format=choose_format(model, draft.format),
        settings=tuple(each for each in draft.settings if _takes(model, each)),
    )


def for_models(draft: Draft, models: Sequence[ImageModel]) -> Draft:
    """Return the draft for one model, or for several that are compared: with the settings that all take."""
    if len(models) == 1:
        return replace(for_model(draft, models[0]), models=())
    settings = tuple(each for each in draft.settings if all(_takes(model, each) for model in models))
    return replace(
        for_model(replace(draft, settings=settings), models[0]),
        models=tuple(model.model_id for model in models),
        pictures=1,
    )


def with_pictures(draft: Draft, typed: str) -> Draft:
    """Return the draft for another number of pictures that its server allows; any other changes nothing.

    Models are compared with one picture each.
    """
    allowed = {str(number): number for number in range(1, draft.picture_limit + 1)}
    return draft if draft.models else replace(draft, pictures=allowed.get(typed, draft.pictures))


def with_size(draft: Draft, model: ImageModel, size: str) -> Draft:
    """Return the draft with a size of its model; any other changes nothing."""
    return replace(draft, size=size, asked_size=None) if size in model.sizes else draft


def with_format(draft: Draft, model: ImageModel, file_format: str) -> Draft:
    """Return the draft with a format of its model; any other changes nothing."""
    return replace(draft, format=file_format) if file_format in model.file_formats else draft


def with_setting(draft: Draft, model: ImageModel, name: str, value: str) -> Draft:
    """Return the draft with a setting that its model takes; any other changes nothing."""
    if name not in settable(model) or not _takes(model, (name, value)):
        return draft
    others = tuple(each for each in draft.settings if fold_name(each[0]) != fold_name(name))
    try:
        settings = check_settings(model, (*others, (name, value)))
    except SettingsRefused:  # of the others, which were typed
        settings = (*others, (name, value))
    return replace(draft, settings=settings)


def lost_settings(before: Draft, after: Draft) -> SettingValues:
    """Return the settings that the model of `after` does not take."""
    kept = {fold_name(name) for name, _ in after.settings}
    return tuple(each for each in before.settings if fold_name(each[0]) not in kept)


def _takes(model: ImageModel, setting: tuple[str, str | int | float]) -> bool:
    try:
        check_settings(model, (setting,))
    except SettingsRefused:
        return False
    return True
