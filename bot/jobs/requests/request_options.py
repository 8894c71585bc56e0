"""Resolve the options of `/imagine`: what a member left open comes from presets, defaults and the model.

Defaults are the member's own, then those of the server.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.errors import MemberError, MemberReason
from bot.domain.image_models import SIZES, nearest_size
from bot.domain.jobs import Request
from bot.domain.model_settings import SettingsRefused, check_settings, merge, settings_error, split
from bot.guilds import presets
from bot.jobs.requests import guild_defaults, member_defaults

if TYPE_CHECKING:
    import sqlite3

    from bot.domain.image_models import ImageModel
    from bot.domain.jobs import RequestOptions
    from bot.domain.model_settings import SettingValues
    from bot.guilds.presets import GuildPreset


def resolve(
    tx: sqlite3.Connection, request: Request | RequestOptions, model: ImageModel, *, strict: bool = True
) -> Request:
    """Fill in what a member left open: from the preset, their defaults, the server's, then the model.

    A size that the model does not offer becomes the nearest; a format becomes the model's own. If it is not
    `strict`, an unknown preset is left out, and settings with mistakes are kept as they were typed.

    Raises:
        MemberError: PRESET_UNKNOWN, the guild has no preset of that name; SETTINGS_REFUSED.
    """
    if isinstance(request, Request):
        return _as_offered(request, model, strict=strict)
    destination = request.destination
    defaults = member_defaults.load(tx, destination.user_id)
    of_guild = guild_defaults.load(tx, destination.guild_id)
    preset = None
    if request.preset is not None:
        preset = presets.find(tx, destination.guild_id, request.preset)
        if preset is None and strict:
            raise MemberError(MemberReason.PRESET_UNKNOWN, name=request.preset)
    size, asked = choose_size(
        model, request.size, preset.size if preset else None, defaults.size, of_guild.size
    )
    typed = merge(split(request.settings), split(preset.settings) if preset else ())
    wishes = (request.private, defaults.private, of_guild.private)
    private = next((wish for wish in wishes if wish is not None), False)
    return Request(
        destination=destination if destination.private is private else replace(destination, private=private),
        prompt=request.prompt,
        model=model.model_id,
        size=size,
        asked_size=asked,
        format=choose_format(model, request.format, defaults.format, of_guild.format),
        references=request.references,
        spoiler=request.spoiler,
        preset=preset.preset if preset else None,
        parent_job_id=request.parent_job_id,
        settings=_settings(model, typed, preset, strict=strict),
        pictures=request.pictures,
        models=request.models,
    )


def _as_offered(request: Request, model: ImageModel, *, strict: bool) -> Request:
    """Return the request with what the model offers, which it has already if it is asked for again."""
    size, asked = choose_size(model, request.asked_size or request.size)
    file_format = choose_format(model, request.format)
    settings = _settings(model, request.settings, strict=strict)
    now = (model.model_id, size, file_format, asked, settings)
    if now == (request.model, request.size, request.format, request.asked_size, request.settings):
        return request
    return replace(
        request,
        model=model.model_id,
        size=size,
        format=file_format,
        asked_size=asked,
        settings=settings,
    )


def choose_size(model: ImageModel, *wishes: str | None) -> tuple[str, str | None]:
    """Return the size, and the one that was asked for if that has another shape."""
    wish = next((wish for wish in wishes if wish is not None and wish in SIZES), model.sizes[0])
    size = nearest_size(wish, model.sizes)
    return size, None if SIZES[size] == SIZES[wish] else wish


def choose_format(model: ImageModel, *wishes: str | None) -> str:
    """Return the first of the formats that the model has; else the model's own."""
    return next((wish for wish in wishes if wish in model.file_formats), model.file_formats[0])


def _settings(
    model: ImageModel, typed: SettingValues, preset: GuildPreset | None = None, *, strict: bool
) -> SettingValues:
    """Return the settings as the model takes them."""
    if not typed:
        return ()
    try:
        return check_settings(model, typed)
    except SettingsRefused as refused:
        if not strict:
            return typed
        name = preset.preset.name if preset and preset.settings else None
        raise settings_error(model, refused.mistakes, name) from refused
