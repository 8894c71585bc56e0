"""What admins read when much of their server's limit is used, and the operator when the balance is low."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.clock import DAY_MS
from cogs.text.terms import credits_text, reset_text, timestamp, usage_text
from cogs.text.translation import gettext, gettext_noop, number
from cogs.ui.layout import build_view, subtext

if TYPE_CHECKING:
    from discord import ui

    from bot.credits.alerts import Alert
    from bot.domain.limits import Usage

_TITLES: Final = {
    50: gettext_noop("### Half of this server's credits are used"),
    80: gettext_noop("### 80 percent of this server's credits are used"),
    100: gettext_noop("### This server's credits are used up"),
}


def alert_view(alert: Alert, at: int) -> ui.LayoutView:
    """Show how far the limit is used, how long it lasts as of `at` (epoch ms), and who can change it."""
    lines = [_used(alert.usage), _outlook(alert, at)]
    remedy = gettext(
        "Someone with Manage Server can raise the limit with `/limits guild`, or give credits once with"
        " `/limits grant`."
    )
    channel = subtext(gettext("`/limits alerts` changes where this is posted."))
    return build_view(gettext(_TITLES[alert.percent]), "\n".join(filter(None, lines)), f"{remedy}\n{channel}")


def _used(usage: Usage) -> str:
    if not usage.limit_credits:
        return gettext("The limit is 0, and what grants gave on top of it is used up.")
    return f"{usage_text(usage)}. {reset_text(usage)}"


def _outlook(alert: Alert, at: int) -> str:
    usage = alert.usage
    if alert.percent == max(_TITLES):
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


def low_balance_view(left_credits: int, alert_credits: int) -> ui.LayoutView:
    """Show the operator that the wallet, from which every server's pictures are paid, is low."""
    return build_view(
        gettext("### Rivya's wallet is low"),
        gettext(
            "It holds {credits}, which is less than {limit}."
            " Once it is empty, no server gets a picture. Please add credits at Rivya.",
            credits=credits_text(left_credits),
            limit=number(alert_credits),
        ),
        subtext(
            gettext(
                "This is posted once, and again only after the wallet was filled. The setting for it is"
                " `rivya.wallet_alert_credits`."
            )
        ),
    )
