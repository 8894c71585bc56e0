"""The card about a server that asks for pictures, what became of it, and what a refused server reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import discord
from discord import ui

from bot.config.program_name import program_name
from bot.domain.admission import AdmissionState
from cogs.text.admission_messages import leaving_text, whom_to_ask
from cogs.text.escaping import escape
from cogs.text.terms import limit_text, mention, timestamp
from cogs.text.translation import gettext, gettext_noop, ngettext, number
from cogs.ui.forms import CREDITS_UNITS, build_form, labelled
from cogs.ui.layout import build_view, row, subtext

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.credits.approvals import GuildStanding
    from bot.domain.admission import Admission

AMOUNTS: Final = (50, 200)
"""The credits of the two buttons."""
NAME_UNITS: Final = 100
NO_AMOUNT: Final = gettext_noop(
    "That is not a number of credits. Type a whole number from 1 to {most}, without points or commas."
)


def card_view(standing: GuildStanding) -> ui.LayoutView:
    """Show a server that waits, and the buttons to decide; the custom ids work in any process."""
    guild_id = standing.guild_id
    allow = [
        ui.Button[ui.LayoutView](
            label=gettext("Allow {credits}", credits=number(credits)),
            style=discord.ButtonStyle.success,
            custom_id=f"kuas:admission:allow:{guild_id}:{credits}",
        )
        for credits in AMOUNTS
    ]
    other: ui.Button[ui.LayoutView] = ui.Button(
        label=gettext("Another amount"), custom_id=f"kuas:admission:amount:{guild_id}"
    )
    refuse: ui.Button[ui.LayoutView] = ui.Button(
        label=gettext("Refuse"),
        style=discord.ButtonStyle.danger,
        custom_id=f"kuas:admission:refuse:{guild_id}",
    )
    spending = gettext(
        "It may spend nothing until you decide. What you allow becomes its ceiling, which none of its admins"
        " can pass. As set now, its limit is {limit} and its ceiling {ceiling}.",
        limit=limit_text(standing.limit),
        ceiling=limit_text(standing.ceiling),
    )
    return build_view(
        gettext("### A server asks for pictures"),
        "\n".join(filter(None, (_name(standing), _members(standing.admission)))),
        spending,
        row(*allow, other, refuse),
        subtext(
            gettext(
                "On the command line: `{program} operator allow {guild_id} 50`, or `refuse {guild_id}`.",
                program=program_name(),
                guild_id=guild_id,
            )
        ),
    )


def decided_view(standing: GuildStanding) -> ui.LayoutView:
    """Show what was decided about a server, by whom and when."""
    admission = standing.admission
    if admission is None or not admission.is_decided:
        return card_view(standing)
    title, text, change = (
        _allowed(standing) if admission.state is AdmissionState.ADMITTED else _refused(admission)
    )
    return build_view(title, _name(standing), text, subtext(f"{_decided_by(admission)} {change}"))


def _allowed(standing: GuildStanding) -> tuple[str, str, str]:
    text = gettext("At most {ceiling}. No admin can pass that.", ceiling=limit_text(standing.ceiling))
    if standing.ceiling is not None and standing.ceiling.allows_more_than(standing.limit):
        lower = gettext(
            "Its limit is {limit}; its admins can raise it with `/limits guild`.",
            limit=limit_text(standing.limit),
        )
        text = f"{text} {lower}"
    return gettext("### Allowed"), text, gettext("`/operator ceiling` changes the amount.")


def _refused(admission: Admission) -> tuple[str, str, str]:
    if admission.leave_at is None:
        text = gettext("The bot is not in this server any more.")
    else:
        text = gettext(
            "The server is told, and the bot leaves it {when}.", when=timestamp(admission.leave_at)
        )
    undo = gettext(
        "On the command line, `{program} operator allow {guild_id} 50` takes it back.",
        program=program_name(),
        guild_id=admission.guild_id,
    )
    return gettext("### Refused"), text, undo


def _decided_by(admission: Admission) -> str:
    when = timestamp(admission.decided_at or 0)
    if admission.decided_by:
        return gettext("Decided by {person} {when}.", person=mention(admission.decided_by), when=when)
    return gettext("Decided on the command line {when}.", when=when)


def decided_before_text(standing: GuildStanding) -> str:
    """Return what somebody who clicks too late reads."""
    admission = standing.admission
    if admission is None:
        return gettext("That is being done already.")
    return gettext("This was decided before. {decision}", decision=_decided_by(admission))


def refuse_question_view(standing: GuildStanding, message_id: int) -> ui.LayoutView:
    """Ask once before a server is refused; `message_id` is the card, which shows the answer."""
    yes: ui.Button[ui.LayoutView] = ui.Button(
        label=gettext("Refuse and leave"),
        style=discord.ButtonStyle.danger,
        custom_id=f"kuas:admission:refuse:{standing.guild_id}:{message_id}",
    )
    return build_view(
        gettext("### Refuse this server?"),
        _name(standing),
        gettext(
            "The bot says so in the server and leaves it a day later. What it painted there until then stays."
        ),
        row(yes),
    )


def amount_form(standing: GuildStanding) -> ui.Modal:
    """Make the form for another amount."""
    field: ui.TextInput[ui.Modal] = ui.TextInput(custom_id="credits", max_length=CREDITS_UNITS, required=True)
    hint = gettext("For the same period as now: {ceiling}", ceiling=limit_text(standing.ceiling))
    return build_form(
        gettext("Allow another amount"),
        f"kuas:admission:amount:{standing.guild_id}",
        labelled(gettext("Credits"), field, hint),
    )


def refusal_view(admission: Admission, contacts: Iterable[int], contact: str = "") -> ui.LayoutView:
    """Show a server that it was refused, when the bot leaves, and whom to ask: see `whom_to_ask`."""
    leaves = "" if admission.leave_at is None else leaving_text(admission.leave_at)
    refused = gettext("The people who run this bot do not allow pictures in this server.")
    return build_view(
        gettext("### No pictures in this server"),
        " ".join(filter(None, (refused, leaves, whom_to_ask(list(contacts), contact)))),
    )


def _name(standing: GuildStanding) -> str:
    name = "" if standing.admission is None else standing.admission.name
    shown = escape(name, NAME_UNITS)
    return f"**{shown}** (`{standing.guild_id}`)" if shown else f"`{standing.guild_id}`"


def _members(admission: Admission | None) -> str:
    if admission is None or admission.members is None:
        return ""
    return ngettext("{n} member", "{n} members", admission.members)
