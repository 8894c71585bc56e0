"""The card of a picture that is not described yet: its model, size, format and settings to choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import discord
from discord import ui

from bot.domain.model_settings import settable
from bot.domain.prices import ShownPrice
from cogs.imagine import form
from cogs.text.escaping import escape, single_line, utf16_length
from cogs.text.setting_messages import chosen_settings, settings_text
from cogs.text.terms import FILENAME_UNITS, amount_text, attached_text, format_name, price_text
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
    from bot.jobs.drafts import Draft

MODEL: Final = "model"
SIZE: Final = "size"
FORMAT: Final = "format"
SETTING: Final = "setting"
CHOICE_ID: Final = (
    rf"kuas:choose:(?P<what>{MODEL}|{SIZE}|{FORMAT}|{SETTING}[0-9])" rf":(?P<draft_id>{SNOWFLAKE})"
)
CARD_ID: Final = rf"kuas:card:(?P<draft_id>{SNOWFLAKE})"
SETTINGS_SHOWN: Final = 6
"""How many settings a card has lists for; the others can be typed in the form."""


def card_view(
    draft: Draft, catalog: ModelCatalog, price: Quote, unusable: Mapping[str, str], lost: SettingValues = ()
) -> ui.LayoutView:
    """Show what can be chosen for a draft.

    Args:
        draft: what has been chosen so far.
        catalog: the models on offer.
        price: what a picture costs with what has been chosen.
        unusable: by the ids of the models that the member cannot use now, why that is.
        lost: settings that the draft's model does not take.
    """
    model = catalog.offered_or_nearest(draft.model)
    shown = ShownPrice(price.credits, catalog.name_to_show(model.model_id), can_rise=not price.is_exact)
    lists = [
        _select(draft, MODEL, gettext("Model"), _models(model, catalog, unusable)),
        _select(draft, SIZE, gettext("Size"), form.size_options(draft, model)),
    ]
    if len(model.file_formats) > 1:
        lists.append(_select(draft, FORMAT, gettext("Kind of file"), _formats(draft, model)))
    lists += [
        _select(draft, f"{SETTING}{number}", name, options)
        for number, (name, options) in enumerate(_settings(draft, model))
    ]
    return build_view(
        f"### {form.title(draft)}",
        "\n".join(filter(None, (price_text(shown), *_notes(draft, lost)))),
        *lists,
        row(form.form_button(draft.draft_id, gettext("Words and references"))),
        subtext(gettext("Nothing is charged before you send the words.")),
    )


def card_button(draft_id: int) -> ui.Button[ui.LayoutView]:
    """Make the button that shows the card of a draft; `DraftCards.show` handles it."""
    return ui.Button(label=gettext("Another model"), custom_id=f"kuas:card:{draft_id}")


def _notes(draft: Draft, lost: SettingValues) -> list[str]:
    preset = draft.preset
    return [
        attached_text(draft.references),
        gettext("With the preset {name}.", name=escape(preset.name, FILENAME_UNITS)) if preset else "",
        chosen_settings(draft.settings),
        gettext("This model does not take {settings}.", settings=settings_text(lost)) if lost else "",
    ]


def _select(
    draft: Draft, what: str, name: str, options: Sequence[discord.SelectOption]
) -> ui.ActionRow[ui.LayoutView]:
    """Make a list; its name stands there if a client shows nothing as chosen."""
    chosen: ui.Select[ui.LayoutView] = ui.Select(
        custom_id=f"kuas:choose:{what}:{draft.draft_id}", placeholder=name, options=list(options)
    )
    return ui.ActionRow(chosen)


def _models(
    chosen: ImageModel, catalog: ModelCatalog, unusable: Mapping[str, str]
) -> list[discord.SelectOption]:
    """Return the available models, the chosen one among them; those that cannot be used are last."""
    models = sorted(catalog.available, key=lambda model: model.model_id in unusable)
    if chosen not in models[:CHOICES]:
        models.insert(0, chosen)
    return [
        discord.SelectOption(
            label=single_line(model.name, CHOICE_UNITS),
            value=model.model_id,
            description=unusable.get(model.model_id)
            or model_facts(model, amount_text(catalog.shown_price(model))),
            default=model.model_id == chosen.model_id,
        )
        for model in models[:CHOICES]
    ]


def _formats(draft: Draft, model: ImageModel) -> list[discord.SelectOption]:
    return [
        discord.SelectOption(label=format_name(name), value=name, default=name == draft.format)
        for name in model.file_formats
    ]


def _settings(draft: Draft, model: ImageModel) -> list[tuple[str, list[discord.SelectOption]]]:
    """Return the name and options of each setting that is a choice; else the model's default is chosen."""
    chosen, lists = dict(draft.settings), []
    for name, parameter in settable(model).items():
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
