"""What a member reads before anything is spent: what it costs, what it leaves, and what became of the answer.

Owns the words about a price. Never imports anything of ours but cards, jobs, rules, text, tongues, wording.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cogs.text.escaping import harmless
from cogs.text.terms import credits_text, period_word, rule_words, shows_numbers
from cogs.text.translation import noted, say
from cogs.ui.layout import PROMPT_UNITS, card, small

if TYPE_CHECKING:
    from discord import ui

    from bot.domain.jobs import Request, Usage
    from bot.domain.limits import Standing

YES_LABEL: Final = noted("Paint it")
NO_LABEL: Final = noted("Not now")
FILENAME_UNITS: Final = 60


def question_card(
    request: Request, standing: Standing, cost_credits: int, row: ui.ActionRow[ui.LayoutView]
) -> ui.LayoutView:
    """The price, and what it would leave: for the server, and for the member if a rule speaks of them."""
    # Over all servers it would tell what the others spend.
    usages = [usage for usage in reversed(standing.binding) if shows_numbers(usage)]
    left = "\n".join(f"- {_left_after(usage, cost_credits)}" for usage in usages)
    excerpt = harmless(request.prompt, PROMPT_UNITS)
    notes = [_reference(request), say("Nothing is charged unless you say yes.")]
    return card(
        f"### {say('This picture costs {price}', price=credits_text(cost_credits))}",
        f"> {excerpt}" if excerpt else "",
        f"{say('It would leave:')}\n{left}",
        small(" ".join(filter(None, notes))),
        row,
    )


def _left_after(usage: Usage, cost_credits: int) -> str:
    return say(
        "**{credits}** of {rule} {this_period}",
        credits=credits_text(max(0, usage.left_credits - cost_credits)),
        rule=rule_words(usage),
        this_period=period_word(usage.period),
    )


def _reference(request: Request) -> str:
    if request.reference is None:
        return ""
    return say(
        "With the reference you attached: {name}.", name=harmless(request.reference.filename, FILENAME_UNITS)
    )


def declined_card() -> ui.LayoutView:
    """After *Not now*."""
    return card(say("Nothing was painted, and nothing was charged."))


def late_card(*, started: bool) -> ui.LayoutView:
    """Instead of a question that cannot be answered any more: a yes came before, or nobody remembers it."""
    if started:
        return card(say("You said yes: this picture is on its way."))
    return card(
        say(
            "This question was put aside, or it is more than a day old. Nothing was charged for it."
            " To have it painted, use `/imagine` again."
        )
    )
