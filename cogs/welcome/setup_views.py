"""What an admin reads after a form of `/setup`: what was changed, or what is wrong with what was typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import discord
from discord import ui

from bot.domain.limits import MAX_COMMAND_CREDITS, Limit
from bot.domain.periods import Period
from cogs.access.views import added_text, removed_text
from cogs.limits.settings_views import changed_setting_text
from cogs.limits.timezones import DEFAULT_ZONE, time_in, zones, zones_like
from cogs.limits.views import changed_limit_text, used_text
from cogs.text.escaping import escape
from cogs.text.translation import gettext, gettext_noop, number
from cogs.ui.layout import build_view, fit_lines, row, subtext

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bot.credits.guild_setup import SetupOutcome

SHOWN_UNITS: Final = 40
"""How much of a text that was typed wrongly is repeated."""
RULES_UNITS: Final = 1500
FORM_EXPIRED: Final = gettext_noop(
    "This form was opened more than a day ago, so nothing was changed. Use `/setup` to open a new one."
)
_OVERTAKEN: Final = gettext_noop(
    "Somebody else changed some of this while your form was open; `/limits log` shows by whom."
)


def outcome_view(outcome: SetupOutcome, timezone: str | None, note: str, *, overtaken: bool) -> ui.LayoutView:
    """Show what was changed and the time in the server's zone now; `note` says why there are no pictures."""
    # One that this host does not know any more counts as UTC, as for the periods of limits.
    zone = timezone if timezone in zones() else DEFAULT_ZONE
    lines = list(_changes(outcome))
    return build_view(
        gettext("### This server is set up") if lines else gettext("### Nothing was changed"),
        "\n".join(lines),
        "" if outcome.limit is None else used_text(outcome.limit),
        gettext("In this server's time zone, {zone}, it is now {time}.", zone=zone, time=time_in(zone)),
        note,
        subtext(gettext(_OVERTAKEN)) if overtaken else "",
    )


def _changes(outcome: SetupOutcome) -> Iterator[str]:
    if outcome.limit is not None:
        limit = outcome.limit.after or Limit(0, Period.TOTAL)
        yield changed_limit_text(limit, outcome.limit)
    rules = [*map(added_text, outcome.added), *map(removed_text, outcome.removed)]
    yield from fit_lines(rules, RULES_UNITS)
    for name, change in outcome.settings.items():
        yield changed_setting_text(name, change)


def problems_view(problems: Sequence[str], form_id: int) -> ui.LayoutView:
    """Show what is wrong, with a button that shows the form again as it was filled in."""
    again: ui.Button[ui.LayoutView] = ui.Button(
        label=gettext("Edit and try again"),
        style=discord.ButtonStyle.primary,
        custom_id=f"kuas:setup:{form_id}",
    )
    return build_view(gettext("### Nothing was changed"), "\n".join(problems), row(again))


def no_credits(typed: str) -> str:
    """Return that this is no number of credits."""
    return gettext(
        "“{typed}” is not a number of credits. Type a whole number from 0 to {most}, without points or"
        " commas.",
        typed=escape(typed, SHOWN_UNITS),
        most=number(MAX_COMMAND_CREDITS),
    )


def no_zone(typed: str) -> str:
    """Return that there is no such time zone, and those that could be meant."""
    shown = escape(typed, SHOWN_UNITS)
    if similar := zones_like(typed):
        zones = ", ".join(f"`{zone}`" for zone in similar)
        return gettext(
            "There is no time zone “{typed}”. Do you mean one of {zones}?", typed=shown, zones=zones
        )
    return gettext(
        "There is no time zone “{typed}”. Type a continent and a city, such as `Europe/Berlin`.", typed=shown
    )
