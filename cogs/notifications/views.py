"""What admins read when their server's limit is used up so far, and the operator when the wallet is low.

Owns the words of alerts. Never imports anything of ours but alerts, cards, clock, jobs, tongues,
wording.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.clock import DAY_MS
from cogs.text.terms import credits_text, moment, reset_words, usage_words
from cogs.text.translation import noted, say
from cogs.ui.layout import card, small

if TYPE_CHECKING:
    from discord import ui

    from bot.credits.alerts import Alert
    from bot.domain.jobs import Usage

_TITLES: Final = {
    50: noted("### Half of this server's credits are used"),
    80: noted("### 80 percent of this server's credits are used"),
    100: noted("### This server's credits are used up"),
}


def alert_card(alert: Alert, at: int) -> ui.LayoutView:
    """How far the limit is used at the moment `at`, how long it lasts, and who can change it."""
    lines = [_used(alert.usage), _outlook(alert, at)]
    who = say(
        "Someone with Manage Server can raise the limit with `/limits guild`, or give credits once with"
        " `/limits grant`."
    )
    where = small(say("`/limits alerts` changes where this is said."))
    return card(say(_TITLES[alert.percent]), "\n".join(filter(None, lines)), f"{who}\n{where}")


def _used(usage: Usage) -> str:
    if not usage.limit_credits:
        return say("The limit is 0, and what grants gave on top of it is used up.")
    return say("{used}. {reset}", used=usage_words(usage), reset=reset_words(usage))


def _outlook(alert: Alert, at: int) -> str:
    usage, empty_at = alert.usage, alert.empty_at
    if alert.percent == max(_TITLES):
        if usage.resets_at is None or not usage.limit_credits:
            return say("No further picture is painted until somebody allows more.")
        return say("No further picture is painted until {moment}.", moment=moment(usage.resets_at, "f"))
    if empty_at is None:
        return ""
    # Soon, the hour matters more than the date.
    style = "f" if empty_at - at < DAY_MS else "D"
    return say("At this pace it is empty on {moment}.", moment=moment(empty_at, style))


def wallet_card(left_credits: int, alert_credits: int) -> ui.LayoutView:
    """For the operator: every server spends from the one wallet."""
    return card(
        say("### Rivya's wallet is low"),
        say(
            "It holds {credits}, which is less than {limit}."
            " Once it is empty, no server gets a picture. Please add credits at Rivya.",
            credits=credits_text(left_credits),
            limit=alert_credits,
        ),
        small(
            say("This is said once, and again only after it was filled. It is `rivya.wallet_alert_credits`.")
        ),
    )
