"""The greeting of a server that the bot has joined: what it does and costs, what to set up, whom to ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import discord
from discord import ui

from cogs.text.about import about_lines
from cogs.text.terms import limit_text, mention, pictures_text, price_text
from cogs.text.translation import gettext
from cogs.ui.layout import build_view, row, subtext

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from bot.config.settings import AboutSettings
    from bot.credits.approvals import GuildStanding
    from bot.domain.prices import ShownPrice

SETUP_ID: Final = "kuas:setup"
"""The custom id of the button *Set up*, which works for as long as the message stands."""


def greeting_view(
    standing: GuildStanding,
    price: ShownPrice,
    mention_command: Callable[[str], str],
    about: AboutSettings,
    owner_ids: Iterable[int],
) -> ui.LayoutView:
    """Greet a server. Only those with Manage Server can use the button, which all see."""
    set_up: ui.Button[ui.LayoutView] = ui.Button(
        label=gettext("Set up"), style=discord.ButtonStyle.primary, custom_id=SETUP_ID
    )
    return build_view(
        gettext("### Hello! I make pictures"),
        gettext(
            "Use {imagine} and say what you would like to see. You can add a picture to work from.",
            imagine=mention_command("imagine"),
        ),
        _spending(standing, price, mention_command),
        gettext(
            "For admins: {limits} shows what may be spent, {access} who may make pictures and where, {doctor}"
            " what I lack in a channel. The button below opens a form for the first settings.",
            **{group: mention_command(f"{group} show") for group in ("limits", "access")},
            doctor=mention_command("doctor"),
        ),
        row(set_up),
        "\n".join(subtext(line) for line in _contact_lines(about, owner_ids)),
    )


def _contact_lines(about: AboutSettings, owner_ids: Iterable[int]) -> Iterator[str]:
    if about.contact is None and (owners := ", ".join(map(mention, owner_ids))):
        yield gettext("Who runs this bot: {contact}", contact=owners)
    yield from about_lines(about)


def _spending(standing: GuildStanding, price: ShownPrice, mention_command: Callable[[str], str]) -> str:
    """Return what a picture costs, and what this server may spend on pictures: the lower of both limits."""
    limit, ceiling = standing.limit, standing.ceiling
    lower = ceiling if ceiling is not None and limit.allows_more_than(ceiling) else limit
    spending = gettext(
        "A picture costs **{price}**. This server may spend **{limit}**: {pictures}. {credits} shows what is"
        " left.",
        price=price_text(price),
        limit=limit_text(lower),
        pictures=pictures_text(lower.credits // price.credits),
        credits=mention_command("credits"),
    )
    if ceiling is None or lower is ceiling or not ceiling.allows_more_than(limit):
        return spending
    raised = gettext("Its admins can raise that up to {ceiling}.", ceiling=limit_text(ceiling))
    return f"{spending} {raised}"
