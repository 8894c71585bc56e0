"""Build the form of a draft, and read what was typed into it from the payload of the interaction.

A prompt that is longer than a text field takes is split over up to three, and joined to exactly what it was.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import discord
from discord import ui

from bot.domain.jobs import Reference
from bot.domain.model_settings import SettingsRefused, check_settings, join, settable
from bot.domain.model_settings import split as split_settings
from bot.jobs.requests.draft_choices import with_pictures
from cogs.text.escaping import single_line, utf16_length
from cogs.text.terms import FILENAME_UNITS, format_name, pictures_text, reference_name, size_name
from cogs.text.translation import gettext, ngettext
from cogs.ui.component_router import SNOWFLAKE
from cogs.ui.discord_limits import FORM_DESCRIPTION_UNITS, FORM_PARTS, TEXT_INPUT_UNITS
from cogs.ui.forms import PictureUpload, build_form, fields_by_id, labelled, values_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.domain.image_models import ImageModel
    from bot.jobs.requests.drafts import Draft

CUSTOM_ID: Final = rf"kuas:form:(?P<draft_id>{SNOWFLAKE})"
BUTTON_ID: Final = rf"kuas:draft:(?P<draft_id>{SNOWFLAKE})"
PROMPT: Final = "prompt"
MORE: Final = "more"
SIZE: Final = "size"
FORMAT: Final = "format"
REFERENCE: Final = "reference"
OPTIONS: Final = "options"
PRIVATE: Final = "private"
SPOILER: Final = "spoiler"
KEEP: Final = "keep"
SETTINGS: Final = "settings"
PICTURES: Final = "pictures"
UPLOADS: Final = 10
"""The most files that a field takes: https://discord.com/developers/docs/components/reference#file-upload"""
CHECKBOXES: Final = 10
"""The most options of a group: https://discord.com/developers/docs/components/reference#checkbox-group"""
JPEG: Final = "jpeg"
"""An option that replaces the format field if settings or a long prompt take its place."""
_SEPARATORS: Final = {"": "none", " ": "space", "\n": "line"}
"""The separator before a part of a long prompt, with its name in the custom id of that part's field."""
TEXTS: Final = 3
"""The most text fields for a prompt: a form has five fields, two are for the reference and the options."""


@dataclass(frozen=True, slots=True)
class FormInput:
    """What a member submitted; None for a field that the form left out or that is empty."""

    prompt: str
    size: str | None
    format: str | None
    private: bool
    spoiler: bool
    kept: frozenset[str]
    """Which references of the draft are kept: `KEEP` for all, or `KEEP` with their numbers."""
    references: tuple[Reference, ...]
    """Those that were attached."""
    settings: str | None = None
    pictures: str | None = None


def composition_form(
    draft: Draft, model: ImageModel, *, note: str = "", compared: Sequence[str] = (), after_card: bool = False
) -> ui.Modal:
    """Build the form of a draft, filled in.

    Args:
        draft: what it is filled in with.
        model: the draft's.
        note: about its reference.
        compared: the names of the models that the draft compares.
        after_card: whether the member could choose the number of pictures before, on a card.
    """
    (_, head), *more = split(draft.prompt)
    room = FORM_PARTS - 2 - len(more) - bool(model.reference_count)
    choices = _choices(draft, model, room, with_number=draft.pictures > 1 or not after_card)
    names = {name for name, _ in choices}
    hint = _prompt_hint(draft, compared, with_number=PICTURES in names)
    fields = [_text(PROMPT, gettext("Prompt"), hint, head)]
    fields += [
        _text(f"{MORE}{number}_{_SEPARATORS[separator]}", gettext("Prompt, continued"), "", text)
        for number, (separator, text) in enumerate(more, start=1)
    ]
    fields += [field for _, field in choices]
    if model.reference_count:
        fields.append(_upload(draft, model, note))
    both = JPEG in model.file_formats and len(model.file_formats) > 1
    fields.append(_options(draft, with_format=FORMAT not in names and both))
    return build_form(title(draft), f"kuas:form:{draft.draft_id}", *fields)


def form_button(draft_id: int, label: str) -> ui.Button[ui.LayoutView]:
    """Make a button that shows the form of a draft; `ComposeForms.reopen` handles it."""
    return ui.Button(label=label, style=discord.ButtonStyle.primary, custom_id=f"kuas:draft:{draft_id}")


def title(draft: Draft) -> str:
    """Return the title of what shows a draft."""
    if draft.parent_job_id:
        return gettext("Change the picture")
    return gettext("New pictures") if draft.picture_count > 1 else gettext("A new picture")


def _choices(
    draft: Draft, model: ImageModel, room: int, *, with_number: bool
) -> list[tuple[str, ui.Label[ui.Modal]]]:
    """Return by their custom ids as many of the fields for what is chosen as there is room for.

    What is left out stays as it is; a format that is left out is among the options.
    """
    fields = [(SIZE, _sizes(draft, model))]
    if with_number and asks_number(draft):
        fields.append((PICTURES, _numbers(draft)))
    if draft.settings or settable(model):
        # Settings that have to be changed come before a size, which need not be; a number that was chosen
        # comes before other settings.
        place = 0 if _has_mistakes(draft, model) else 1 + (len(fields) > 1 and draft.pictures > 1)
        fields.insert(place, (SETTINGS, _settings(draft, model)))
    if len(model.file_formats) > 1:
        fields.append((FORMAT, _formats(draft, model)))
    return fields[: max(room, 0)]


def asks_number(draft: Draft) -> bool:
    """Whether there is a choice of how many pictures a draft is for: its server allows several."""
    return not draft.models and max(draft.pictures, draft.picture_limit) > 1


def _numbers(draft: Draft) -> ui.Label[ui.Modal]:
    chosen = min(draft.pictures, draft.picture_limit)
    options = [
        discord.SelectOption(label=pictures_text(number), value=str(number), default=number == chosen)
        for number in range(1, draft.picture_limit + 1)
    ]
    field: ui.Select[ui.Modal] = ui.Select(custom_id=PICTURES, options=options, required=True)
    return labelled(gettext("How many pictures"), field, gettext("Each is painted on its own"))


def _has_mistakes(draft: Draft, model: ImageModel) -> bool:
    try:
        check_settings(model, draft.settings)
    except SettingsRefused:
        return True
    return False


def _settings(draft: Draft, model: ImageModel) -> ui.Label[ui.Modal]:
    field: ui.TextInput[ui.Modal] = ui.TextInput(
        custom_id=SETTINGS,
        default=join(draft.settings) or None,
        placeholder=single_line(", ".join(f"{name}=" for name in settable(model)), FORM_DESCRIPTION_UNITS),
        max_length=TEXT_INPUT_UNITS,
        required=False,
    )
    return labelled(gettext("Settings"), field, gettext("Such as seed=42, quality=high"))


def _text(custom_id: str, text: str, hint: str, value: str) -> ui.Label[ui.Modal]:
    field: ui.TextInput[ui.Modal] = ui.TextInput(
        custom_id=custom_id,
        style=discord.TextStyle.paragraph,
        default=value or None,
        max_length=TEXT_INPUT_UNITS,
        required=custom_id == PROMPT,  # a long prompt may become a short one
    )
    return labelled(text, field, hint)


def _prompt_hint(draft: Draft, compared: Sequence[str], *, with_number: bool) -> str:
    if compared:
        return gettext("Compared: {models}", models=", ".join(compared))
    if draft.pictures > 1 and not with_number:
        return gettext("What you would like to see, in {pictures}", pictures=pictures_text(draft.pictures))
    if draft.preset is None:
        return gettext("What you would like to see")
    return gettext("What you would like to see; the preset {name} adds its words", name=draft.preset.name)


def _sizes(draft: Draft, model: ImageModel) -> ui.Label[ui.Modal]:
    field: ui.Select[ui.Modal] = ui.Select(custom_id=SIZE, options=size_options(draft, model), required=True)
    return labelled(gettext("Size"), field)


def size_options(draft: Draft, model: ImageModel) -> list[discord.SelectOption]:
    """Return the sizes of a model, that of the draft chosen."""
    return [
        discord.SelectOption(label=size_name(size), value=size, default=size == draft.size)
        for size in model.sizes
    ]


def _formats(draft: Draft, model: ImageModel) -> ui.Label[ui.Modal]:
    options = [
        discord.RadioGroupOption(label=format_name(name), value=name, default=name == draft.format)
        for name in model.file_formats
    ]
    return labelled(gettext("Kind of file"), ui.RadioGroup(custom_id=FORMAT, options=options, required=True))


def _upload(draft: Draft, model: ImageModel, note: str) -> ui.Label[ui.Modal]:
    most = min(model.reference_count, UPLOADS)
    field = PictureUpload(custom_id=REFERENCE, required=False, min_values=0, max_values=most)
    if most == 1:
        return labelled(gettext("Reference"), field, note or _hint_for_one(draft))
    hint = gettext("Pictures to work from, such as PNG, JPEG or WebP: {n} at most", n=model.reference_count)
    if draft.references:
        hint = ngettext(
            "{n} is there already; what you attach is added. {limit} at most.",
            "{n} are there already; what you attach is added. {limit} at most.",
            len(draft.references),
            limit=model.reference_count,
        )
    return labelled(gettext("References"), field, note or hint)


def _hint_for_one(draft: Draft) -> str:
    if not draft.references:
        return gettext("A picture to work from, such as a PNG, JPEG or WebP")
    return gettext("Now: {name}. Attach another to swap it.", name=draft.references[0].filename)


def _options(draft: Draft, *, with_format: bool) -> ui.Label[ui.Modal]:
    options = [
        discord.CheckboxGroupOption(
            label=gettext("Only for me"),
            value=PRIVATE,
            default=draft.private,
            description=gettext("Only you see the picture; you can show it later"),
        ),
        discord.CheckboxGroupOption(label=gettext("Behind a spoiler"), value=SPOILER, default=draft.spoiler),
    ]
    if with_format:
        options.append(
            discord.CheckboxGroupOption(
                label=gettext("As a JPEG (smaller file)"), value=JPEG, default=draft.format == JPEG
            )
        )
    options += _keep_options(draft, CHECKBOXES - len(options))
    field: ui.CheckboxGroup[ui.Modal] = ui.CheckboxGroup(
        custom_id=OPTIONS, options=options, required=False, min_values=0, max_values=len(options)
    )
    return labelled(gettext("Options"), field)


def _keep_options(draft: Draft, room: int) -> list[discord.CheckboxGroupOption]:
    """Return an option for each reference of the draft, or one for all if there is no room for as many."""
    names = [reference_name(reference) for reference in draft.references]
    if not names:
        return []
    if len(names) == 1:
        labels = {KEEP: gettext("Keep the reference")}
    elif len(names) > room:
        labels = {KEEP: gettext("Keep all {n} references", n=len(names))}
    else:
        labels = {
            f"{KEEP}{number}": gettext(
                "Keep reference {number}: {name}", number=number, name=single_line(name, FILENAME_UNITS)
            )
            for number, name in enumerate(names, start=1)
        }
    return [
        discord.CheckboxGroupOption(label=label, value=value, default=True) for value, label in labels.items()
    ]


def fits(prompt: str) -> bool:
    """Whether the prompt fits into a form, as every prompt does of at most `PROMPT_LIMIT` characters."""
    return len(split(prompt)) <= TEXTS


def split(prompt: str) -> list[tuple[str, str]]:
    """Split a prompt into parts for one text field each; returns them with the separator before each.

    Separators and parts, joined, are the prompt. One of `PROMPT_LIMIT` characters fits into three parts.
    """
    parts, separator, rest = [], "", prompt
    while utf16_length(rest) > TEXT_INPUT_UNITS:
        end, width = _cut(rest)
        parts.append((separator, rest[:end]))
        separator, rest = rest[end : end + width], rest[end + width :]
    return [*parts, (separator, rest)]


def _cut(text: str) -> tuple[int, int]:
    """Return where the first part ends and the length of the separator: 1 at white space, else 0."""
    encoded = text.encode("utf-16-le", "surrogatepass")
    end = len(encoded[: 2 * TEXT_INPUT_UNITS].decode("utf-16-le", "ignore"))
    # Clients strip fields, so white space next to the separator would be lost.
    for place in range(end, end * 3 // 4, -1):
        around = text[place - 1] + text[place + 1 : place + 2]
        if text[place] in _SEPARATORS and len(around.split()) == 1 and around == around.strip():
            return place, 1
    return end, 0


def read(data: Mapping[str, Any]) -> FormInput:
    """Read a submitted form from the data of its interaction."""
    fields = fields_by_id(data)
    more = sorted(name for name in fields if name.startswith(MORE))
    separators = {name: separator for separator, name in _SEPARATORS.items()}
    rest = "".join(separators.get(name.partition("_")[2], "") + (_value(fields[name]) or "") for name in more)
    chosen = set(values_of(fields.get(OPTIONS)))
    file_format = _value(fields.get(FORMAT))
    if file_format is None and (more or not fields.keys().isdisjoint({SETTINGS, PICTURES})):
        file_format = "jpeg" if JPEG in chosen else "png"
    return FormInput(
        prompt=(_value(fields.get(PROMPT)) or "") + rest,
        size=_value(fields.get(SIZE)),
        format=file_format,
        private=PRIVATE in chosen,
        spoiler=SPOILER in chosen,
        kept=frozenset(value for value in chosen if value.startswith(KEEP)),
        references=_attached(values_of(fields.get(REFERENCE)), data.get("resolved") or {}),
        settings=_typed_settings(fields),
        pictures=_value(fields.get(PICTURES)),
    )


def _typed_settings(fields: Mapping[str, Mapping[str, Any]]) -> str | None:
    if SETTINGS not in fields:
        return None
    return single_line(_value(fields[SETTINGS]) or "", TEXT_INPUT_UNITS)


def apply_input(draft: Draft, typed: FormInput, model: ImageModel) -> Draft:
    """Return the draft with what was submitted; what was left out or is invalid stays as it was.

    An attached picture replaces the only reference that a model takes.
    """
    swapped = bool(typed.references) and model.reference_count == 1
    kept = tuple(
        reference
        for number, reference in enumerate(draft.references, start=1)
        if not swapped and not typed.kept.isdisjoint({KEEP, f"{KEEP}{number}"})
    )
    size = typed.size if typed.size in model.sizes else draft.size
    return replace(
        draft if typed.pictures is None else with_pictures(draft, typed.pictures),
        prompt=typed.prompt,
        size=size,
        asked_size=draft.asked_size if size == draft.size else None,
        format=typed.format if typed.format in model.file_formats else draft.format,
        private=typed.private,
        spoiler=typed.spoiler,
        references=kept + typed.references,
        settings=draft.settings if typed.settings is None else split_settings(typed.settings),
    )


def _value(field: Mapping[str, Any] | None) -> str | None:
    value = (field or {}).get("value")
    return value if isinstance(value, str) else next(iter(values_of(field)), None)


def _attached(ids: list[str], resolved: Mapping[str, Any]) -> tuple[Reference, ...]:
    attachments = resolved.get("attachments") or {}
    return tuple(
        Reference(
            url=str(attachments[each]["url"]),
            filename=str(attachments[each]["filename"]),
            content_type=attachments[each].get("content_type"),
            size_bytes=int(attachments[each]["size"]),
        )
        for each in ids
        if each in attachments
    )
