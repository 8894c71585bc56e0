"""The form in which a picture is composed, and what a member has typed into it.

Forms are not kept in memory: what a form is about stands in its draft, and its answer is read from the event
itself, so that a restart in between goes unnoticed (`ComposeForms` listens). A prompt that is longer than one
text field takes is spread over some, and put together again exactly as it was.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import discord
from discord import ui

from bot.domain.image_models import MODELS
from bot.domain.jobs import Reference
from cogs.text.escaping import single_line, utf16_length
from cogs.text.terms import format_name, size_name
from cogs.text.translation import gettext
from cogs.ui.component_router import SNOWFLAKE
from cogs.ui.discord_limits import TEXT_INPUT_UNITS, validate_modal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bot.jobs.drafts import Draft

CUSTOM_ID: Final = rf"kuas:form:(?P<draft_id>{SNOWFLAKE})"
PROMPT: Final = "prompt"
MORE: Final = "more"
SIZE: Final = "size"
FORMAT: Final = "format"
REFERENCE: Final = "reference"
OPTIONS: Final = "options"
PRIVATE: Final = "private"
SPOILER: Final = "spoiler"
KEEP: Final = "keep"
JPEG: Final = "jpeg"
"""An option only where a long prompt has taken the place of the field for the format."""
_SEAMS: Final = {"": "none", " ": "space", "\n": "line"}
"""What stood between two parts of a long prompt, by how the field of the second one is called."""
TEXTS: Final = 3
"""Fields that a prompt can be spread over: two more are for the reference and the options."""
_DESCRIPTION_UNITS: Final = 100
_FORM_SECONDS: Final = 900.0


@dataclass(frozen=True, slots=True)
class FormInput:
    """What came back with a form; None where a field was not in it, or says nothing."""

    prompt: str
    size: str | None
    format: str | None
    private: bool
    spoiler: bool
    keeps_reference: bool
    reference: Reference | None


def composition_form(draft: Draft, *, note: str = "") -> ui.Modal:
    """The form of a draft, with everything in it that is known; `note` says something about its reference."""
    (_, head), *more = split(draft.prompt)
    title = gettext("Change the picture") if draft.parent_job_id else gettext("A new picture")
    form = ui.Modal(title=title, custom_id=f"kuas:form:{draft.draft_id}", timeout=_FORM_SECONDS)
    form.add_item(_text(PROMPT, gettext("Prompt"), _prompt_hint(draft), head))
    for place, (seam, text) in enumerate(more, start=1):
        form.add_item(_text(f"{MORE}{place}_{_SEAMS[seam]}", gettext("Prompt, continued"), "", text))
    # A form has five fields: of a long prompt the format, of a very long one the size as well are left out.
    if len(more) < TEXTS - 1:
        form.add_item(_sizes(draft))
    if not more:
        form.add_item(_formats(draft))
    form.add_item(_upload(draft, note))
    form.add_item(_options(draft, with_format=bool(more)))
    # Kept in memory by the library otherwise, for each form that somebody opens and closes again.
    form.stop()
    return validate_modal(form)


def _label(text: str, description: str, field: ui.Item[ui.Modal]) -> ui.Label[ui.Modal]:
    return ui.Label(
        text=text, description=single_line(description, _DESCRIPTION_UNITS) or None, component=field
    )


def _text(custom_id: str, label: str, hint: str, value: str) -> ui.Label[ui.Modal]:
    field: ui.TextInput[ui.Modal] = ui.TextInput(
        custom_id=custom_id,
        style=discord.TextStyle.paragraph,
        default=value or None,
        max_length=TEXT_INPUT_UNITS,
        required=custom_id == PROMPT,  # a long prompt may become a short one
    )
    return _label(label, hint, field)


def _prompt_hint(draft: Draft) -> str:
    if draft.preset is None:
        return gettext("What you would like to see")
    return gettext("What you would like to see; the preset {name} adds its words", name=draft.preset.name)


def _sizes(draft: Draft) -> ui.Label[ui.Modal]:
    options = [
        discord.SelectOption(label=size_name(size), value=size, default=size == draft.size)
        for size in MODELS[draft.model].sizes
    ]
    return _label(gettext("Size"), "", ui.Select(custom_id=SIZE, options=options, required=True))


def _formats(draft: Draft) -> ui.Label[ui.Modal]:
    options = [
        discord.RadioGroupOption(label=format_name(name), value=name, default=name == draft.format)
        for name in MODELS[draft.model].formats
    ]
    return _label(
        gettext("Kind of file"), "", ui.RadioGroup(custom_id=FORMAT, options=options, required=True)
    )


def _upload(draft: Draft, note: str) -> ui.Label[ui.Modal]:
    field: ui.FileUpload[ui.Modal] = ui.FileUpload(
        custom_id=REFERENCE, required=False, min_values=0, max_values=1
    )
    if draft.reference is None:
        hint = gettext("A picture to work from, such as a PNG, JPEG or WebP")
    else:
        kept = gettext("Now: {name}. Attach another to swap it.", name=draft.reference.filename)
        hint = note or kept
    return _label(gettext("Reference"), hint, field)


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
    if draft.reference is not None:
        options.append(
            discord.CheckboxGroupOption(label=gettext("Keep the reference"), value=KEEP, default=True)
        )
    field: ui.CheckboxGroup[ui.Modal] = ui.CheckboxGroup(
        custom_id=OPTIONS, options=options, required=False, min_values=0, max_values=len(options)
    )
    return _label(gettext("Options"), "", field)


def fits(prompt: str) -> bool:
    """Whether a form has room for all of it, as it has for whatever a model takes."""
    return len(split(prompt)) <= TEXTS


def split(prompt: str) -> list[tuple[str, str]]:
    """The prompt in parts that fit one field each, each with what stands before it.

    All of them put together are the prompt. Whatever a model takes, 5000 characters, fits in three.
    """
    parts, seam, rest = [], "", prompt
    while utf16_length(rest) > TEXT_INPUT_UNITS:
        place, width = _cut(rest)
        parts.append((seam, rest[:place]))
        seam, rest = rest[place : place + width], rest[place + width :]
    return [*parts, (seam, rest)]


def _cut(text: str) -> tuple[int, int]:
    """Where a field ends, and how much there belongs to neither side: white space, if one is near."""
    encoded = text.encode("utf-16-le", "surrogatepass")
    end = len(encoded[: 2 * TEXT_INPUT_UNITS].decode("utf-16-le", "ignore"))
    # A client may take white space away at either end of a field.
    for place in range(end, end * 3 // 4, -1):
        around = text[place - 1] + text[place + 1 : place + 2]
        if text[place] in _SEAMS and len(around.split()) == 1 and around == around.strip():
            return place, 1
    return end, 0


def read(data: Mapping[str, Any]) -> FormInput:
    """What was typed, from the event's own data.

    https://discord.com/developers/docs/components/reference#label-label-interaction-response-structure
    """
    fields = dict(_fields(data.get("components", ())))
    more = sorted(name for name in fields if name.startswith(MORE))
    seams = {name: mark for mark, name in _SEAMS.items()}
    rest = "".join(seams.get(name.partition("_")[2], "") + (_value(fields[name]) or "") for name in more)
    chosen = set(_values(fields.get(OPTIONS)))
    kind = _value(fields.get(FORMAT))
    return FormInput(
        prompt=(_value(fields.get(PROMPT)) or "") + rest,
        size=_value(fields.get(SIZE)),
        format=kind or (None if not more else "jpeg" if JPEG in chosen else "png"),
        private=PRIVATE in chosen,
        spoiler=SPOILER in chosen,
        keeps_reference=KEEP in chosen,
        reference=_attached(_values(fields.get(REFERENCE)), data.get("resolved") or {}),
    )


def apply_input(draft: Draft, typed: FormInput) -> Draft:
    """The draft with what was typed; what the form did not ask, or nobody offers, stays as it was."""
    model = MODELS[draft.model]
    kept = draft.reference if typed.keeps_reference else None
    return replace(
        draft,
        prompt=typed.prompt,
        size=typed.size if typed.size in model.sizes else draft.size,
        format=typed.format if typed.format in model.formats else draft.format,
        private=typed.private,
        spoiler=typed.spoiler,
        reference=typed.reference or kept,
    )


def _fields(parts: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for part in parts:
        field = part.get("component") or part
        if "custom_id" in field:
            yield str(field["custom_id"]), field
        yield from _fields(part.get("components", ()))


def _value(field: Mapping[str, Any] | None) -> str | None:
    value = (field or {}).get("value")
    return value if isinstance(value, str) else next(iter(_values(field)), None)


def _values(field: Mapping[str, Any] | None) -> list[str]:
    return [str(value) for value in (field or {}).get("values") or ()]


def _attached(ids: list[str], resolved: Mapping[str, Any]) -> Reference | None:
    attachments = resolved.get("attachments") or {}
    told = next((attachments[each] for each in ids if each in attachments), None)
    if told is None:
        return None
    return Reference(
        url=str(told["url"]),
        filename=str(told["filename"]),
        content_type=told.get("content_type"),
        size_bytes=int(told["size"]),
    )
