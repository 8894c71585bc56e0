"""What members and admins read about defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.jobs.requests.member_defaults import MemberDefaults
from cogs.text.terms import format_name, model_text, size_name
from cogs.text.translation import gettext
from cogs.ui.layout import build_view, subtext

if TYPE_CHECKING:
    from discord import ui

    from bot.domain.model_catalog import ModelCatalog


def merged(now: MemberDefaults, given: MemberDefaults) -> MemberDefaults:
    """Return the given defaults, and where one is not given, that of now."""
    return MemberDefaults(
        size=given.size or now.size,
        format=given.format or now.format,
        private=now.private if given.private is None else given.private,
        model=given.model or now.model,
    )


def defaults_view(defaults: MemberDefaults, of_guild: MemberDefaults, catalog: ModelCatalog) -> ui.LayoutView:
    """Show a member's defaults, and what the server has where they have none."""
    texts = [
        value or (gettext("{value}, as this server does it", value=other) if other else own)
        for value, other, own in zip(
            _values(defaults, catalog), _values(of_guild, catalog), _unset(catalog), strict=True
        )
    ]
    return build_view(
        f"### {gettext('Your defaults')}",
        _lines(texts, catalog),
        subtext(gettext("They apply in every server; what you choose in `/imagine` comes first.")),
    )


def guild_defaults_view(defaults: MemberDefaults, catalog: ModelCatalog) -> ui.LayoutView:
    """Show a server's defaults."""
    texts = [value or own for value, own in zip(_values(defaults, catalog), _unset(catalog), strict=True)]
    return build_view(
        f"### {gettext('Defaults of this server')}",
        _lines(texts, catalog),
        subtext(
            gettext(
                "They apply to members without defaults of their own; what somebody chooses in `/imagine`"
                " comes first."
            )
        ),
    )


def _values(defaults: MemberDefaults, catalog: ModelCatalog) -> list[str]:
    """Return the defaults in words, in the order of `_lines`; empty for what is not set."""
    privacy = {None: "", True: gettext("only for you"), False: gettext("for everybody")}
    return [
        _model(defaults.model, catalog) if defaults.model else "",
        size_name(defaults.size) if defaults.size else "",
        format_name(defaults.format) if defaults.format else "",
        privacy[defaults.private],
    ]


def _unset(catalog: ModelCatalog) -> list[str]:
    """Return what stands for defaults that nobody has set, in the order of `_lines`."""
    own = gettext("as this bot does it")
    model = gettext("{value}, as this bot does it", value=model_text(catalog.default.name))
    return [model, own, own, own]


def _model(model_id: str, catalog: ModelCatalog) -> str:
    name = model_text(catalog.name_of(model_id))
    return name if catalog.is_offered(model_id) else gettext("{model} (not available now)", model=name)


def _lines(texts: list[str], catalog: ModelCatalog) -> str:
    model, size, kind, who = texts
    lines = [
        gettext("Size: {size}", size=size),
        gettext("Kind of file: {kind}", kind=kind),
        gettext("Who sees it: {who}", who=who),
    ]
    if catalog.has_choice:
        lines.insert(0, gettext("Model: {model}", model=model))
    return "\n".join(f"- {line}" for line in lines)
