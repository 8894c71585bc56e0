"""Who runs the bot, as the settings say it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cogs.text.escaping import escape_with_links
from cogs.text.translation import gettext

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.config.settings import AboutSettings


def about_lines(about: AboutSettings) -> Iterator[str]:
    """Yield whom to ask and the address of the privacy policy, each if the operator has set it."""
    if about.contact is not None:
        yield gettext("Who runs this bot: {contact}", contact=escape_with_links(about.contact))
    if about.privacy_url is not None:
        yield gettext("Their privacy policy: {address}", address=f"<{about.privacy_url}>")
