"""The question about the price before anything is spent, and what became of the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cogs.text.escaping import escape
from cogs.text.terms import credits_text, period_noun, scope_text, shows_numbers
from cogs.text.translation import gettext, gettext_noop
from cogs.ui.layout import PROMPT_UNITS, build_view, subtext

if TYPE_CHECKING:
    from discord import ui

    from bot.domain.jobs import Request
    from bot.domain.limits import MemberLimits, Usage

YES_LABEL: Final = gettext_noop("Paint it")
NO_LABEL: Final = gettext_noop("Not now")
FILENAME_UNITS: Final = 60


def price_question_view(
    request: Request, member_limits: MemberLimits, cost_credits: int, row: ui.ActionRow[ui.LayoutView]
) -> ui.LayoutView:
    """The price, and what it would leave: for the server, and for the member if a rule speaks of them."""
    # Over all servers it would tell what the others spend.
    usages = [usage for usage in reversed(member_limits.binding) if shows_numbers(usage)]
    left = "\n".join(f"- {_left_after(usage, cost_credits)}" for usage in usages)
    excerpt = escape(request.prompt, PROMPT_UNITS)
    notes = [_reference(request), gettext("Nothing is charged unless you say yes.")]
    return build_view(
        f"### {gettext('This picture costs {price}', price=credits_text(cost_credits))}",
        f"> {excerpt}" if excerpt else "",
        f"{gettext('It would leave:')}\n{left}",
        subtext(" ".join(filter(None, notes))),
        row,
    )


def _left_after(usage: Usage, cost_credits: int) -> str:
    return gettext(
        "**{credits}** of {rule} {this_period}",
        credits=credits_text(max(0, usage.left_credits - cost_credits)),
        rule=scope_text(usage),
        this_period=period_noun(usage.period),
    )


def _reference(request: Request) -> str:
    if request.reference is None:
        return ""
    return gettext(
        "With the reference you attached: {name}.", name=escape(request.reference.filename, FILENAME_UNITS)
    )


def declined_view() -> ui.LayoutView:
    """After *Not now*."""
    return build_view(gettext("Nothing was painted, and nothing was charged."))


def expired_view(*, started: bool) -> ui.LayoutView:
    """Instead of a question that cannot be answered any more: a yes came before, or nobody remembers it."""
    if started:
        return build_view(gettext("You said yes: this picture is on its way."))
    return build_view(
        gettext(
            "This question was put aside, or it is more than a day old. Nothing was charged for it."
            " To have it painted, use `/imagine` again."
        )
    )
