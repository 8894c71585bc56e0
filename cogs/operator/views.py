"""What the operator reads about the wallet, the guilds, ceilings and pauses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.ids import ALL_GUILDS
from bot.domain.limits import LimitScope
from cogs.limits.views import changed_text
from cogs.text.escaping import escape, single_line
from cogs.text.terms import (
    credits_text,
    enough_text,
    limit_text,
    period_noun,
    reset_text,
    timestamp,
    usage_text,
)
from cogs.text.translation import gettext, gettext_noop, ngettext, number
from cogs.ui.layout import build_view, subtext

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from discord import ui

    from bot.credits.overview import GuildsPage, GuildSpending, HeldSummary
    from bot.domain.limits import Limit, LimitChange, Usage
    from bot.domain.prices import PriceList

    NameOf = Callable[[int], str | None]

NAME_UNITS: Final = 60
PAUSED_SHOWN: Final = 4
SENTENCE_UNITS: Final = 200
"""The longest sentence that can be typed for members to read during a pause."""

SCOPES: Final = {
    "one": gettext_noop("One server"),
    "each": gettext_noop("Each server without a ceiling of its own"),
    "all": gettext_noop("All servers together"),
}

NO_GUILD_ID: Final = gettext_noop(
    "That is not the id of a server, which is a number of 17 to 19 digits. Choose one from the list, or turn"
    " on Developer Mode in Discord and copy it from the server's menu."
)
NO_REASON: Final = gettext_noop("Give a reason in words; it is kept with the correction.")


def limit_scope_of(scope: str) -> LimitScope:
    """Return the limit's scope for a key of `SCOPES`."""
    return LimitScope.CEILING_ALL if scope == "all" else LimitScope.CEILING


def ceiling_problem(
    scope: str, guild: str | None, guild_id: int | None, credits: int | None, period: str | None
) -> str:
    """Return what is wrong with a ceiling as it was typed; empty if nothing is."""
    if guild_id is None:
        return gettext(NO_GUILD_ID)
    if scope == "one" and guild is None:
        return gettext("Which server? Name it with `guild`, or choose another `scope`.")
    if scope != "one" and guild is not None:
        return gettext("This `scope` is about all servers: leave `guild` out.")
    if (credits is None) != (period is None):
        return gettext("Give both `credits` and `period`, or neither to remove the ceiling.")
    return ""


def guild_label(name: str, guild_id: int) -> str:
    """Return a guild's choice in a menu; its name is cut, so that its id can be seen."""
    return f"{single_line(name, NAME_UNITS)} · {guild_id}"


def guild_text(guild_id: int, name_of: NameOf) -> str:
    """Return a guild's name, if the bot is in it, and its id."""
    name = name_of(guild_id)
    return f"**{escape(name, NAME_UNITS)}** (`{guild_id}`)" if name else f"`{guild_id}`"


def wallet_view(left_credits: int, held: HeldSummary, prices: PriceList) -> ui.LayoutView:
    """Show the balance at Rivya, how many pictures it is enough for, and what is set aside."""
    return build_view(
        gettext("### Wallet"),
        f"{_at_rivya(left_credits, prices)}\n{_set_aside(held)}",
        _in_doubt(held) if held.doubtful else "",
        subtext(gettext("Rivya takes a picture's credits when it begins to paint.")),
    )


def _at_rivya(left_credits: int, prices: PriceList) -> str:
    credits = credits_text(left_credits)
    if prices.has_choice:
        left = gettext("At Rivya: **{credits}**.", credits=credits)
        return f"{left} {enough_text(left_credits, prices)}"
    return ngettext(
        "At Rivya: **{credits}**, enough for {n} picture.",
        "At Rivya: **{credits}**, enough for {n} pictures.",
        left_credits // prices.default.credits,
        credits=credits,
    )


def _set_aside(held: HeldSummary) -> str:
    credits = credits_text(held.credits)
    if held.oldest_at is None:
        return ngettext(
            "Set aside: **{credits}** for {n} picture.",
            "Set aside: **{credits}** for {n} pictures.",
            held.reservations,
            credits=credits,
        )
    return ngettext(
        "Set aside: **{credits}** for {n} picture, the oldest {when}.",
        "Set aside: **{credits}** for {n} pictures, the oldest {when}.",
        held.reservations,
        credits=credits,
        when=timestamp(held.oldest_at),
    )


def _in_doubt(held: HeldSummary) -> str:
    doubt = ngettext(
        "Of that, {credits} for {n} picture are in doubt: it is over, but Rivya's charge is not known.",
        "Of that, {credits} for {n} pictures are in doubt: they are over, but Rivya's charge is not known.",
        held.doubtful,
        credits=credits_text(held.doubtful_credits),
    )
    remedy = gettext("`/operator reconcile` says why; `/operator close` decides one by hand.")
    return f"{doubt} {remedy}"


def guilds_view(page: GuildsPage, name_of: NameOf, row: ui.ActionRow[ui.LayoutView]) -> ui.LayoutView:
    """Show one page of the guilds that spent anything, with their limits, ceilings and pauses."""
    together = "" if page.together is None else usage_text(page.together)
    return build_view(
        gettext("### Servers, {period}", period=period_noun(page.period)),
        _spent(page),
        gettext("All servers together: {usage}.", usage=together) if together else "",
        _paused_line(page.paused, name_of),
        "\n".join(_guild_lines(spending, name_of) for spending in page.rows),
        subtext(gettext("Page {page} of {pages}", page=number(page.page), pages=number(page.pages))),
        row,
    )


def _spent(page: GuildsPage) -> str:
    spent = ngettext(
        "**{credits}** spent or set aside in {n} server (UTC).",
        "**{credits}** spent or set aside in {n} servers (UTC).",
        page.guilds,
        credits=credits_text(page.used_credits),
    )
    if page.resets_at is None:
        return spent
    ends = gettext("The period ends {when}.", when=timestamp(page.resets_at))
    return f"{spent} {ends}"


def _paused_line(paused: Sequence[int], name_of: NameOf) -> str:
    if not paused:
        return ""
    shown = ", ".join(
        guild_text(guild_id, name_of) if guild_id else gettext("all servers")
        for guild_id in paused[:PAUSED_SHOWN]
    )
    more = len(paused) - PAUSED_SHOWN
    if more <= 0:
        return gettext("Paused: {servers}.", servers=shown)
    return ngettext("Paused: {servers} and {n} more.", "Paused: {servers} and {n} more.", more, servers=shown)


def _guild_lines(spending: GuildSpending, name_of: NameOf) -> str:
    facts = [credits_text(spending.used_credits), gettext("limit {limit}", limit=limit_text(spending.limit))]
    if spending.ceiling is not None:
        facts.append(gettext("ceiling {limit}", limit=limit_text(spending.ceiling)))
    if spending.paused:
        facts.append(gettext("paused"))
    return f"{guild_text(spending.guild_id, name_of)}\n{subtext(' · '.join(facts))}"


def ceiling_view(scope: LimitScope, guild_id: int, change: LimitChange, name_of: NameOf) -> ui.LayoutView:
    """Show a ceiling before and after, and how far it is used."""
    if scope is LimitScope.CEILING_ALL:
        servers = gettext("All servers together")
    elif guild_id:
        servers = guild_text(guild_id, name_of)
    else:
        servers = gettext("Each server without a ceiling of its own")
    before, after = (_ceiling_text(scope, guild_id, limit) for limit in (change.before, change.after))
    return build_view(
        gettext("### Ceiling"),
        changed_text(servers, before, after),
        "" if change.usage is None else _ceiling_used(change.usage),
        subtext(gettext("No admin can raise it. It counts what Rivya charges, in UTC days.")),
    )


def _ceiling_text(scope: LimitScope, guild_id: int, limit: Limit | None) -> str:
    if scope is LimitScope.CEILING:
        # A server without its own ceiling still has the one of each server.
        if limit is None and guild_id:
            return gettext("no ceiling of its own")
        if limit is not None and not limit.limit_id:
            return gettext("{limit}, as `limits.guild_ceiling` says", limit=limit_text(limit))
    return limit_text(limit)


def _ceiling_used(usage: Usage) -> str:
    used = f"{usage_text(usage)}. {reset_text(usage)}"
    if usage.used_credits < usage.limit_credits:
        return used
    if usage.resets_at is None:
        return f"{used} {gettext('No new pictures until it is raised.')}"
    return f"{used} {gettext('No new pictures until then.')}"


def resume_view(guild_id: int, name_of: NameOf, still_paused: Collection[int]) -> ui.LayoutView:
    """Show that a pause ended; `still_paused` has `ALL_GUILDS` if that of all servers did not end."""
    if guild_id == ALL_GUILDS:
        return build_view(gettext("### Resumed"), _all_resumed(len(still_paused)))
    server = guild_text(guild_id, name_of)
    if ALL_GUILDS in still_paused:
        paused = gettext(
            "{server}: not paused on its own any more, but all servers are paused. To accept new pictures,"
            " use `/operator resume` without a server.",
            server=server,
        )
        return build_view(gettext("### Still paused"), paused)
    return build_view(
        gettext("### Resumed"), gettext("{server}: new pictures are accepted again.", server=server)
    )


def _all_resumed(still_paused: int) -> str:
    resumed = gettext("All servers: new pictures are accepted again.")
    if not still_paused:
        return resumed
    others = ngettext(
        "{n} server is paused on its own and stays so.",
        "{n} servers are paused on their own and stay so.",
        still_paused,
    )
    return f"{resumed} {others}"


def pause_view(guild_id: int, name_of: NameOf, sentence: str) -> ui.LayoutView:
    """Show a pause that began, and what members read about it."""
    if guild_id == ALL_GUILDS:
        paused = gettext("All servers: no new pictures.")
    else:
        paused = gettext("{server}: no new pictures.", server=guild_text(guild_id, name_of))
    if sentence:
        reply = gettext("Members read: {sentence}", sentence=escape(sentence, SENTENCE_UNITS))
    else:
        reply = gettext("Members are told to try again later.")
    return build_view(
        gettext("### Paused"), paused, reply, subtext(gettext("What was accepted before is still painted."))
    )
