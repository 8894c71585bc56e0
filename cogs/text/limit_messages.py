"""Why a request is refused for want of credits, and what would help."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.limits import LimitScope
from bot.domain.prices import ShownPrice
from cogs.text.terms import (
    enough_for_text,
    model_text,
    price_text,
    reset_text,
    scope_text,
    shows_numbers,
    usage_text,
)
from cogs.text.translation import gettext, gettext_noop, ngettext, number

if TYPE_CHECKING:
    from bot.domain.errors import LimitExceeded

_ONLY_THE_OPERATOR_CAN: Final = gettext_noop("Only the people who run this bot can raise it.")
_MEMBER_LIMIT_CAN: Final = gettext_noop(
    "Someone with Manage Server can raise it with `/limits member`, or give you more once with"
    " `/limits grant`."
)
_WHO_CAN_RAISE: Final = {
    LimitScope.CEILING_ALL: _ONLY_THE_OPERATOR_CAN,
    LimitScope.CEILING: _ONLY_THE_OPERATOR_CAN,
    LimitScope.GUILD: gettext_noop("Someone with Manage Server can raise it with `/limits guild`."),
    LimitScope.EVERYONE: _MEMBER_LIMIT_CAN,
    LimitScope.ROLE: gettext_noop(
        "Someone with Manage Server can raise it with `/limits role`, or give you more once with"
        " `/limits grant`."
    ),
    LimitScope.MEMBER: _MEMBER_LIMIT_CAN,
}


def limit_exceeded(error: LimitExceeded) -> str:
    """Return the sentences for a `LimitExceeded`, without the words that nothing was charged."""
    usage, cheaper = error.usage, error.cheaper
    who = gettext(_WHO_CAN_RAISE[LimitScope(usage.scope)])
    instead = ""
    if error.pictures > 1 and shows_numbers(usage):
        sentence = _too_many_for(error)
        instead = "" if cheaper is None else enough_for_text(usage.left_credits, cheaper)
    elif error.pictures > 1 and error.fitting:  # for how many would tell what other servers spend
        sentence = gettext(
            "The bot's own budget for all servers has no room for so many pictures. Please ask for fewer."
        )
    elif shows_numbers(usage):
        sentence = gettext(
            "A picture costs {price}, but {rule} has {left} left ({usage}).",
            price=price_text(ShownPrice(error.cost_credits, error.model_name)),
            rule=scope_text(usage),
            left=number(usage.left_credits),
            usage=usage_text(usage),
        )
        instead = "" if cheaper is None else enough_for_text(usage.left_credits, cheaper)
    elif cheaper is not None:
        sentence = gettext(
            "The bot's own budget for all servers has no room for this picture, but for one of {model}.",
            model=model_text(cheaper.model_name or ""),
        )
    else:
        sentence = gettext("The bot's own budget for all servers is used up.")
    return " ".join(filter(None, (sentence, instead, reset_text(usage), who)))


def _too_many_for(error: LimitExceeded) -> str:
    """Return that several pictures cost more than is left, and how many of them would fit."""
    usage = error.usage
    sentence = ngettext(
        "{n} picture costs {price}, but {rule} has {left} left ({usage}).",
        "{n} pictures cost {price}, but {rule} has {left} left ({usage}).",
        error.pictures,
        price=price_text(ShownPrice(error.cost_credits, error.model_name)),
        rule=scope_text(usage),
        left=number(usage.left_credits),
        usage=usage_text(usage),
    )
    if not error.fitting:
        return sentence
    room = ngettext("There is room for {n} of them.", "There is room for {n} of them.", error.fitting)
    return f"{sentence} {room}"
