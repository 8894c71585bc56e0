"""Who runs the bot, and where their privacy policy is: what the settings say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cogs.text.escaping import escape_with_links
from cogs.text.terms import mention
from cogs.text.translation import gettext

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bot.config.settings import AboutSettings


def operator_lines(about: AboutSettings, owner_ids: Iterable[int] = ()) -> Iterator[str]:
    """Yield the contact and the privacy policy; without a contact in the settings, `owner_ids` are named."""
    owners = ", ".join(mention(user_id) for user_id in owner_ids)
    if contact := owners if about.contact is None else escape_with_links(about.contact):
        yield gettext("Who runs this bot: {contact}", contact=contact)
    if about.privacy_url is not None:
        yield gettext("Their privacy policy: {address}", address=f"<{about.privacy_url}>")
