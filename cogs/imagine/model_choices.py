"""What commands offer of the models: their names, settings, and the sizes and formats of those on offer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from discord import app_commands

from bot.domain.access import may_use_model
from bot.domain.errors import KuasError
from bot.domain.jobs import MOST_PICTURES
from bot.domain.model_settings import (
    SettingsRefused,
    complete,
    read_settings,
    settable,
    settable_by_all,
    settings_error,
)
from cogs.text.escaping import split_list, utf16_length
from cogs.text.terms import FORMATS, SIZES, credits_text, shows_numbers
from cogs.text.translation import gettext, number
from cogs.ui.context import request_context
from cogs.ui.discord_limits import CHOICE_UNITS, autocomplete_choices, fixed_choices
from cogs.ui.model_names import SEPARATOR, find_model, matching, model_label

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import discord

    from bot.domain.image_models import ImageModel, Parameter
    from bot.domain.jobs import RequestContext
    from bot.domain.limits import Usage
    from bot.domain.model_catalog import ModelCatalog
    from bot.jobs.requests.member_standing import MemberStanding, MemberStandingReader
    from cogs.ui.commands import TrimmedCommand

READ_SECONDS: Final = 0.04
"""How long a completion waits for the database; until it is answered, the member sees no choices."""

MODELS_UNITS: Final = 400
"""The longest list of models that can be typed."""

REFERENCE_OPTIONS: Final = 4
"""The options `reference`, `reference2` and so on; a form takes more."""


class ModelCompletion:
    """Completes the name of a model and its settings for a member.

    `typical_duration` says how many seconds a model's task typically takes; None if that is unknown.
    """

    def __init__(
        self,
        catalog: ModelCatalog,
        standings: MemberStandingReader,
        typical_duration: Callable[[str], float | None],
    ) -> None:
        self._catalog = catalog
        self._standings = standings
        self._typical_duration = typical_duration

    async def choices(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """Return the available models that match, the default first; those that would be refused are last.

        If the database does not answer in time, nothing is said of the rules; they bind at the submission.
        """
        labels = await self._labels(interaction)
        return autocomplete_choices((label, model_id) for model_id, label in matching(labels, typed))

    async def compared(
        self, interaction: discord.Interaction, model: str | None, typed: str
    ) -> list[app_commands.Choice[str]]:
        """Complete the last of several models as `choices` does; `model` and those before it are kept.

        Nothing is offered after the last model that a request may have.
        """
        *before, last = split_list(typed, MODELS_UNITS)
        named = models_of(self._catalog, None, ",".join(before))
        taken = {*named, *models_of(self._catalog, model, None)}
        if len(taken) >= MOST_PICTURES:
            return []
        labels = {
            model_id: label
            for model_id, label in (await self._labels(interaction)).items()
            if model_id not in taken
        }
        return autocomplete_choices(
            _extended(self._catalog, named, label, model_id) for model_id, label in matching(labels, last)
        )

    async def _labels(self, interaction: discord.Interaction) -> dict[str, str]:
        """Return the labels of the available models by their ids; those that would be refused are last."""
        reasons = await self._reasons(interaction)
        return {
            model.model_id: SEPARATOR.join((model.name, reasons[model.model_id]))
            if model.model_id in reasons
            else model_label(model, self._typical_duration(model.model_id))
            for model in sorted(self._catalog.available, key=lambda each: each.model_id in reasons)
        }

    async def _reasons(self, interaction: discord.Interaction) -> dict[str, str]:
        context = request_context(interaction)
        standing = await self._standing(interaction, context)
        return {} if standing is None else unusable(self._catalog, context, standing)

    async def settings(
        self, interaction: discord.Interaction, models: Sequence[str], preset: str | None, typed: str
    ) -> list[app_commands.Choice[str]]:
        """Complete the settings that all these models have, by default that of the preset or of the member.

        Nothing is offered past what a choice can hold.
        """
        if not models:
            models = [self._catalog.default.model_id]
            if self._catalog.has_choice:
                standing = await self._standing(interaction, request_context(interaction), preset)
                models = models if standing is None else [standing.default_model]
        found = [model for model_id in models if (model := self._catalog.find(model_id)) is not None]
        return _setting_choices(settable_by_all(found), typed) if found else []

    async def _standing(
        self, interaction: discord.Interaction, context: RequestContext, preset: str | None = None
    ) -> MemberStanding | None:
        """Return how the member stands; None if the database does not say so in time."""
        if interaction.guild_id is None:
            return None
        try:
            async with asyncio.timeout(READ_SECONDS):
                return await self._standings.read(
                    interaction.guild_id, interaction.user.id, context.role_ids, preset
                )
        except (TimeoutError, KuasError):
            return None


def _extended(catalog: ModelCatalog, named: Sequence[str], label: str, model_id: str) -> tuple[str, str]:
    """Return the name and the value of a choice: a model after those that are named already.

    A client goes on typing after the name, so that it can be read as the value can: with labels or names, or
    with ids where these do not fit.
    """
    ids = ", ".join((*named, model_id))
    names = [catalog.name_of(each) for each in named]
    for last in (label, catalog.name_of(model_id)):
        name = ", ".join((*names, last))
        # The operator may have put a comma into a name.
        if utf16_length(name) <= CHOICE_UNITS and len(split_list(name, CHOICE_UNITS)) == len(named) + 1:
            return name, ids
    return ids, ids


def models_of(catalog: ModelCatalog, model: str | None, models: str | None) -> tuple[str, ...]:
    """Return the ids in the options `model` and `models`, each once; of an unknown model what was typed."""
    typed = [] if model is None else [model]
    typed += split_list(models or "", CHOICE_UNITS)
    return tuple(dict.fromkeys(find_model(catalog, each) for each in typed if each))


def unusable(
    catalog: ModelCatalog, context: RequestContext, standing: MemberStanding, pictures: int = 1
) -> dict[str, str]:
    """Return by the ids of the available models that a member cannot use now, for so many, why that is."""
    reasons = {}
    for model in catalog.available:
        if not may_use_model(model.model_id, context, standing.policy):
            reasons[model.model_id] = gettext("not allowed for you here")
        elif model.cost_credits * pictures > standing.tightest.left_credits:
            price, left = credits_text(model.cost_credits * pictures), _left_text(standing.tightest)
            reasons[model.model_id] = SEPARATOR.join((price, left))
    return reasons


def _left_text(usage: Usage) -> str:
    if not shows_numbers(usage):
        return gettext("more than is left")
    return gettext("only {left} left", left=number(max(0, usage.left_credits)))


def complete_model(catalog: ModelCatalog, typed: str) -> list[app_commands.Choice[str]]:
    """Return the available models that match, the default first; for admins, whom no rule concerns."""
    labels = {model.model_id: model_label(model) for model in catalog.available}
    return autocomplete_choices((label, model_id) for model_id, label in matching(labels, typed))


def complete_settings(models: Sequence[ImageModel], typed: str) -> list[app_commands.Choice[str]]:
    """Complete the settings that any of the models has."""
    return _setting_choices({name: each for model in models for name, each in settable(model).items()}, typed)


def _setting_choices(parameters: Mapping[str, Parameter], typed: str) -> list[app_commands.Choice[str]]:
    # What a client shows of a choice is what a member goes on typing, so name and value are the same.
    texts = complete(parameters, typed) if len(typed) <= CHOICE_UNITS else []
    return autocomplete_choices((each, each) for each in texts if utf16_length(each) <= CHOICE_UNITS)


def settable_anywhere(catalog: ModelCatalog) -> bool:
    """Whether an offered model has a setting that members may set."""
    return any(map(settable, catalog.offered))


def require_settings(models: Sequence[ImageModel], typed: str) -> None:
    """Check settings that are for whichever of the models a member will choose.

    Raises:
        MemberError: SETTINGS_REFUSED; none of them takes all. It is about the one that takes most.
    """
    refusals = []
    for model in models:
        try:
            read_settings(model, typed)
        except SettingsRefused as refused:
            refusals.append((model, refused.mistakes))
        else:
            return
    model, mistakes = min(refusals, key=lambda refusal: len(refusal[1]))
    raise settings_error(model, mistakes)


def offer_options(command: TrimmedCommand, catalog: ModelCatalog) -> None:
    """Set the choices of the options `size` and `format`, and leave out options that choose nothing.

    Discord gets both with the command. They come from the settings and the table of models alone, so that
    commands are not written anew whenever Rivya's list changes.
    """
    offered = {
        "size": fixed_choices({size: SIZES[size] for size in SIZES if size in catalog.sizes}),
        "file_format": fixed_choices(
            {name: FORMATS[name] for name in FORMATS if name in catalog.file_formats}
        ),
    }
    names = {parameter.name for parameter in command.parameters}  # those of the code
    app_commands.choices(**{name: choices for name, choices in offered.items() if name in names})(command)
    command.left_out = _without_choice(catalog)


def _without_choice(catalog: ModelCatalog) -> frozenset[str]:
    """Return the options of commands that nothing can be chosen with."""
    alone = set() if catalog.has_choice else {"model", "models"}
    bare = set() if settable_anywhere(catalog) else {"settings"}
    beyond = range(max(catalog.most_references, 1) + 1, REFERENCE_OPTIONS + 1)
    return frozenset(alone | bare | {f"reference{number}" for number in beyond})
