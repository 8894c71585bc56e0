"""What admins read when much of their server's limit is used, and the operator when the balance is low."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.credits.alerts import USED_UP
from bot.domain.clock import DAY_MS
from bot.domain.limits import LimitScope
from cogs.text.terms import (
    ceiling_text,
    credits_text,
    enough_text,
    model_text,
    reset_text,
    timestamp,
    usage_text,
)
from cogs.text.translation import gettext, number
from cogs.ui.layout import build_view, subtext

if TYPE_CHECKING:
    from collections.abc import Sequence

    from discord import ui

    from bot.credits.alerts import Alert
    from bot.domain.limits import Usage
    from bot.domain.model_catalog import PriceChange
    from bot.domain.prices import PriceList

HALF: Final = 50
"""Percent."""


def alert_view(alert: Alert, at: int, prices: PriceList) -> ui.LayoutView:
    """Show how far the limit is used, how long it lasts as of `at` (epoch ms), and who can change it."""
    enough = enough_text(alert.usage.left_credits, prices) if prices.has_choice else ""
    lines = [_used(alert.usage), enough, _outlook(alert, at)]
    if alert.ceiling is None:
        remedy = gettext(
            "Someone with Manage Server can raise the limit with `/limits guild`, or give credits once with"
            " `/limits grant`."
        )
    else:
        remedy = ceiling_text(alert.ceiling)
    channel = subtext(gettext("`/limits alerts` changes where this is posted."))
    return build_view(_title(alert), "\n".join(filter(None, lines)), f"{remedy}\n{channel}")


def _title(alert: Alert) -> str:
    """Return what the numbers below it say: they may have changed since the threshold was reached."""
    usage = alert.usage
    if alert.percent == USED_UP or not usage.limit_credits:
        if usage.left_credits:
            return gettext("### This server's credits are not enough for another picture")
        return gettext("### This server's credits are used up")
    if alert.used_percent == HALF:
        return gettext("### Half of this server's credits are used")
    percent = number(alert.used_percent)
    if usage.scope is LimitScope.CEILING:
        return gettext("### {percent} percent of what this bot allows this server is used", percent=percent)
    return gettext("### {percent} percent of this server's limit is used", percent=percent)


def _used(usage: Usage) -> str:
    if not usage.limit_credits:
        return gettext("The limit is 0, and what grants gave on top of it is used up.")
    return f"{usage_text(usage)}. {reset_text(usage)}"


def _outlook(alert: Alert, at: int) -> str:
    usage = alert.usage
    if alert.percent == USED_UP:
        if usage.resets_at is None or not usage.limit_credits:
            return gettext("No further picture is painted until somebody allows more.")
        return gettext(
            "No further picture is painted until {moment}.", moment=timestamp(usage.resets_at, "f")
        )
    if alert.exhausted_at is None:
        return ""
    # Within a day the hour matters, later only the date.
    style = "f" if alert.exhausted_at - at < DAY_MS else "D"
    return gettext("At this pace it is used up on {moment}.", moment=timestamp(alert.exhausted_at, style))


def price_changes_view(changes: Sequence[PriceChange]) -> ui.LayoutView:
    """Show the operator which models cost something else than before."""
    lines = [
        gettext(
            "- {model}: {price}, before {before}",
            model=model_text(change.model.name),
            price=credits_text(change.model.cost_credits),
            before=number(change.before_credits),
        )
        for change in changes
    ]
    return build_view(
        gettext("### Rivya has changed prices"),
        "\n".join(lines),
        subtext(gettext("New pictures are priced by it already. Limits stay as they are.")),
    )


def low_balance_view(left_credits: int, alert_credits: int, prices: PriceList) -> ui.LayoutView:
    """Show the operator that the wallet, from which every server's pictures are paid, is low."""
    return build_view(
        gettext("### Rivya's wallet is low"),
        gettext(
            "It holds {credits}, which is less than {limit}."
            " Once it is empty, no server gets a picture. Please add credits at Rivya.",
            credits=credits_text(left_credits),
            limit=number(alert_credits),
        ),
        enough_text(left_credits, prices) if prices.has_choice else "",
        subtext(
            gettext(
                "This is posted once, and again only after the wallet was filled. The setting for it is"
                " `rivya.wallet_alert_credits`."
            )
        ),
    )
