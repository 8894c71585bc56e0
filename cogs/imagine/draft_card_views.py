"""The card of a picture that is not described yet: its model, size, format and settings to choose from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import discord
from discord import ui

from bot.domain.model_settings import settable_by_all
from bot.domain.prices import ShownPrice
from cogs.imagine import form
from cogs.text.escaping import escape, single_line, utf16_length
from cogs.text.setting_messages import chosen_settings, settings_text
from cogs.text.terms import (
    FILENAME_UNITS,
    amount_text,
    attached_text,
    format_name,
    pictures_text,
    price_text,
    total_text,
)
from cogs.text.translation import gettext
from cogs.ui.component_router import SNOWFLAKE
from cogs.ui.discord_limits import CHOICE_UNITS, CHOICES
from cogs.ui.layout import build_view, row, subtext
from cogs.ui.model_names import model_facts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.domain.image_models import ImageModel
    from bot.domain.model_catalog import ModelCatalog
    from bot.domain.model_settings import SettingValues
    from bot.domain.prices import Quote
    from bot.jobs.requests.drafts import Draft

MODEL: Final = "model"
SIZE: Final = "size"
FORMAT: Final = "format"
PICTURES: Final = "pictures"
SETTING: Final = "setting"
CHOICE_ID: Final = (
    rf"kuas:choose:(?P<what>{MODEL}|{SIZE}|{FORMAT}|{PICTURES}|{SETTING}[0-9]):(?P<draft_id>{SNOWFLAKE})"
)
CARD_ID: Final = rf"kuas:card:(?P<draft_id>{SNOWFLAKE})"
SETTINGS_SHOWN: Final = 6
"""How many settings a card has lists for; the others can be typed in the form."""


def card_view(
    draft: Draft,
    catalog: ModelCatalog,
    quotes: Sequence[Quote],
    unusable: Mapping[str, str],
    lost: SettingValues = (),
) -> ui.LayoutView:
    """Show what can be chosen for a draft.

    Args:
        draft: what has been chosen so far.
        catalog: the models on offer.
        quotes: what a picture of each of its models costs with what has been chosen.
        unusable: by the ids of the models that the member cannot use now, why that is.
        lost: settings that the draft's model does not take.
    """
    models = models_of(draft, catalog)
    model = models[0]
    prices = [
        ShownPrice(quote.credits, catalog.name_to_show(each.model_id), can_rise=not quote.is_exact)
        for each, quote in zip(models, quotes, strict=True)
    ]
    lists = [
        _model_list(draft, models, catalog, unusable),
        _select(draft, SIZE, gettext("Size"), form.size_options(draft, model)),
    ]
    if form.asks_number(draft):
        lists.append(_select(draft, PICTURES, gettext("How many pictures"), _numbers(draft, prices[0])))
    if len(model.file_formats) > 1:
        lists.append(_select(draft, FORMAT, gettext("Kind of file"), _formats(draft, model)))
    lists += [
        _select(draft, f"{SETTING}{number}", name, options)
        for number, (name, options) in enumerate(_settings(draft, models))
    ]
    return build_view(
        f"### {form.title(draft)}",
        "\n".join(filter(None, (*_price_lines(draft, prices), *_notes(draft, lost)))),
        *lists,
        row(form.form_button(draft.draft_id, gettext("Words and references"))),
        subtext(gettext("Nothing is charged before you send the words.")),
    )


def models_of(draft: Draft, catalog: ModelCatalog) -> list[ImageModel]:
    """Return the models that a draft compares, or its one; in place of one that is gone the nearest."""
    models = map(catalog.offered_or_nearest, draft.model_ids)
    return list({model.model_id: model for model in models}.values())


def card_button(draft_id: int, *, several: bool = False) -> ui.Button[ui.LayoutView]:
    """Make the button that shows the card of a draft, of `several` models; `DraftCards.show` handles it."""
    label = gettext("Choose the models") if several else gettext("Another model")
    return ui.Button(label=label, custom_id=f"kuas:card:{draft_id}")


def _price_lines(draft: Draft, prices: Sequence[ShownPrice]) -> list[str]:
    """Return what it costs in all, and with each of the models that are compared."""
    each = list(prices) if len(prices) > 1 else list(prices) * draft.pictures
    if len(each) == 1:
        return [price_text(each[0])]
    total = gettext("{pictures}: {price}", pictures=pictures_text(len(each)), price=total_text(each))
    return [total, *(f"- {price_text(price)}" for price in prices if len(prices) > 1)]


def _notes(draft: Draft, lost: SettingValues) -> list[str]:
    preset = draft.preset
    return [
        attached_text(draft.references),
        gettext("With the preset {name}.", name=escape(preset.name, FILENAME_UNITS)) if preset else "",
        chosen_settings(draft.settings),
        gettext("This model does not take {settings}.", settings=settings_text(lost)) if lost else "",
    ]


def _select(
    draft: Draft, what: str, name: str, options: Sequence[discord.SelectOption], most: int = 1
) -> ui.ActionRow[ui.LayoutView]:
    """Make a list to choose `most` of; its name stands there if a client shows nothing as chosen."""
    chosen: ui.Select[ui.LayoutView] = ui.Select(
        custom_id=f"kuas:choose:{what}:{draft.draft_id}",
        placeholder=name,
        options=list(options),
        max_values=most,
    )
    return ui.ActionRow(chosen)


def _numbers(draft: Draft, price: ShownPrice) -> list[discord.SelectOption]:
    """Return how many pictures the server allows, with what so many cost."""
    return [
        discord.SelectOption(
            label=pictures_text(number),
            value=str(number),
            description=total_text([replace(price, model_name=None)] * number),
            default=number == draft.pictures,
        )
        for number in range(1, draft.picture_limit + 1)
    ]


def _model_list(
    draft: Draft, chosen: Sequence[ImageModel], catalog: ModelCatalog, unusable: Mapping[str, str]
) -> ui.ActionRow[ui.LayoutView]:
    """Make the list of models, of which several are chosen if the draft compares some."""
    most = draft.picture_limit if draft.models else 1
    options = _models(chosen[:most], catalog, unusable)
    name = gettext("Models to compare") if draft.models else gettext("Model")
    return _select(draft, MODEL, name, options, min(most, len(options)))


def _models(
    chosen: Sequence[ImageModel], catalog: ModelCatalog, unusable: Mapping[str, str]
) -> list[discord.SelectOption]:
    """Return the available models, the chosen ones among them; those that cannot be used are last."""
    models = sorted(catalog.available, key=lambda model: model.model_id in unusable)
    if any(model not in models[:CHOICES] for model in chosen):
        models = [*chosen, *(each for each in models if each not in chosen)]
    return [
        discord.SelectOption(
            label=single_line(model.name, CHOICE_UNITS),
            value=model.model_id,
            description=unusable.get(model.model_id)
            or model_facts(model, amount_text(catalog.shown_price(model))),
            default=model in chosen,
        )
        for model in models[:CHOICES]
    ]


def _formats(draft: Draft, model: ImageModel) -> list[discord.SelectOption]:
    return [
        discord.SelectOption(label=format_name(name), value=name, default=name == draft.format)
        for name in model.file_formats
    ]


def _settings(draft: Draft, models: Sequence[ImageModel]) -> list[tuple[str, list[discord.SelectOption]]]:
    """Return the name and options of each setting that is a choice; else the model's default is chosen.

    Of models that are compared it is the same choice for all.
    """
    chosen, lists = dict(draft.settings), []
    for name, parameter in settable_by_all(models).items():
        labels = [f"{name}: {option}" for option in parameter.options]
        if not labels or len(labels) > CHOICES or max(map(utf16_length, labels)) > CHOICE_UNITS:
            continue
        taken = chosen.get(name, parameter.options[0])
        options = [
            discord.SelectOption(label=label, value=f"{name}={option}", default=option == taken)
            for label, option in zip(labels, parameter.options, strict=True)
        ]
        lists.append((name, options))
    return lists[:SETTINGS_SHOWN]
