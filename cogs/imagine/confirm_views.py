"""Views of the price confirmation: the question, and what replaces it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import discord
from discord import ui

from bot.domain.prices import ShownPrice
from cogs.text.escaping import escape
from cogs.text.setting_messages import chosen_settings
from cogs.text.terms import (
    attached_text,
    credits_text,
    period_noun,
    price_text,
    scope_text,
    shows_numbers,
    size_note,
    total_text,
)
from cogs.text.translation import gettext, gettext_noop, ngettext
from cogs.ui.component_router import SNOWFLAKE
from cogs.ui.layout import PROMPT_UNITS, build_view, row, subtext

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.domain.limits import Usage
    from bot.jobs.requests.submission import NeedsConfirmation

YES: Final = "yes"
NO: Final = "no"
CONFIRM_ID: Final = rf"kuas:ask:(?P<answer>{YES}|{NO}):(?P<draft_id>{SNOWFLAKE})"
_LABELS: Final = {YES: gettext_noop("Paint it"), NO: gettext_noop("Not now")}
_PAINT_THEM: Final = gettext_noop("Paint them")
_STYLES: Final = {YES: discord.ButtonStyle.primary, NO: discord.ButtonStyle.secondary}


def price_question_view(question: NeedsConfirmation, model_name: str | None) -> ui.LayoutView:
    """Ask about a price, and show what it would leave of the server's and the member's limits.

    `model_name` is None where no other model is offered.
    """
    request, cost_credits = question.request, question.quote.credits
    prices = _prices(question, model_name)
    # The operator's limit over all servers is left out: it would tell what other servers spend.
    usages = [usage for usage in reversed(question.member_limits.binding) if shows_numbers(usage)]
    left = "\n".join(f"- {_left_after(usage, cost_credits)}" for usage in usages)
    excerpt = escape(request.prompt, PROMPT_UNITS)
    note = "" if request.models else size_note(request)
    notes = [
        f"{note}." if note else "",
        attached_text(request.references),
        chosen_settings(request.settings),
        ""
        if question.quote.is_exact
        else gettext("These settings can cost more: how much is known once it is painted."),
        gettext("Nothing is charged unless you say yes."),
    ]
    title = ngettext(
        "This picture costs {price}", "These {n} pictures cost {price}", len(prices), price=total_text(prices)
    )
    return build_view(
        f"### {title}",
        _compared(question, prices) if request.models else "",
        f"> {excerpt}" if excerpt else "",
        f"{gettext('It would leave:')}\n{left}",
        subtext(" ".join(filter(None, notes))),
        row(
            _confirm_button(YES, question.draft_id, _PAINT_THEM if len(prices) > 1 else _LABELS[YES]),
            _confirm_button(NO, question.draft_id, _LABELS[NO]),
        ),
    )


def _prices(question: NeedsConfirmation, model_name: str | None) -> list[ShownPrice]:
    """Return the price of each picture: with the name of its model if they are of several."""
    if not question.pictures:
        return [ShownPrice(question.quote.credits, model_name, can_rise=not question.quote.is_exact)]
    return [
        ShownPrice(
            each.price.credits,
            each.model.name if question.request.models else model_name,
            can_rise=not each.price.is_exact,
        )
        for each in question.pictures
    ]


def _compared(question: NeedsConfirmation, prices: Sequence[ShownPrice]) -> str:
    """Return a list of the models that are compared: what each costs, and its size if it is another one."""
    notes = [size_note(each.request) for each in question.pictures]
    return "\n".join(
        f"- {' · '.join(filter(None, (price_text(price), note)))}"
        for price, note in zip(prices, notes, strict=True)
    )


def _confirm_button(answer: str, draft_id: int, label: str) -> ui.Button[ui.LayoutView]:
    return ui.Button(label=gettext(label), style=_STYLES[answer], custom_id=f"kuas:ask:{answer}:{draft_id}")


def _left_after(usage: Usage, cost_credits: int) -> str:
    return gettext(
        "**{credits}** of {rule} {this_period}",
        credits=credits_text(max(0, usage.left_credits - cost_credits)),
        rule=scope_text(usage),
        this_period=period_noun(usage.period),
    )


def declined_view() -> ui.LayoutView:
    """Confirm that the price was declined."""
    return build_view(gettext("Nothing was painted, and nothing was charged."))


def expired_view(*, started: bool, pictures: int = 1) -> ui.LayoutView:
    """Replace a question that cannot be answered any more: it was confirmed before, or its draft is gone."""
    if started:
        on_its_way = ngettext(
            "You said yes: this picture is on its way.",
            "You said yes: these {n} pictures are on their way.",
            pictures,
        )
        return build_view(on_its_way)
    return build_view(
        gettext(
            "This question was answered with no, or it is more than a day old. Nothing was charged for it."
            " To have it painted, use `/imagine` again."
        )
    )
