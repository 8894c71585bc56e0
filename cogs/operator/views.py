"""What the operator reads: the wallet, the guilds, ceilings and pauses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.limits import LimitScope
from cogs.text.escaping import escape, single_line
from cogs.text.terms import credits_text, limit_text, period_noun, reset_text, timestamp, usage_text
from cogs.text.translation import gettext, gettext_noop, ngettext
from cogs.ui.layout import build_view, subtext

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from discord import ui

    from bot.credits.overview import GuildsPage, GuildSpending, HeldSummary
    from bot.domain.limits import Limit, LimitChange, Usage

    NameOf = Callable[[int], str | None]

NAME_UNITS: Final = 60
CHOICE_UNITS: Final = 100
PAUSED_SHOWN: Final = 4

SCOPES: Final = {
    "one": gettext_noop("One server"),
    "each": gettext_noop("Each server without one of its own"),
    "all": gettext_noop("All servers together"),
}

NO_GUILD_ID: Final = gettext_noop(
    "That is not the id of a server, which is a number of 17 to 19 digits. Choose one from the list, or turn"
    " on Developer Mode in Discord and copy it from the server's menu."
)
NO_REASON: Final = gettext_noop("Give a reason in words; it stands on the record.")


def scope_of(scope: str) -> LimitScope:
    """Which rule one of `SCOPES` is."""
    return LimitScope.CEILING_ALL if scope == "all" else LimitScope.CEILING


def ceiling_problem(
    scope: str, guild: str | None, guild_id: int | None, credits: int | None, period: str | None
) -> str:
    """What is wrong with a ceiling as it was typed; empty if nothing is."""
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
    """A guild in a menu."""
    return single_line(f"{single_line(name, NAME_UNITS)} · {guild_id}", CHOICE_UNITS)


def whose(guild_id: int, name_of: NameOf) -> str:
    """A guild, for people: its name as far as we know it, and its id."""
    name = name_of(guild_id)
    return f"**{escape(name, NAME_UNITS)}** (`{guild_id}`)" if name else f"`{guild_id}`"


def wallet_view(left_credits: int, held: HeldSummary, cost_credits: int) -> ui.LayoutView:
    """What Rivya's wallet holds beside what the books have set aside."""
    left = ngettext(
        "At Rivya: **{credits}**, enough for {n} picture.",
        "At Rivya: **{credits}**, enough for {n} pictures.",
        left_credits // cost_credits,
        credits=credits_text(left_credits),
    )
    return build_view(
        gettext("### Wallet"),
        f"{left}\n{_set_aside(held)}",
        _in_doubt(held) if held.doubtful else "",
        subtext(gettext("Rivya takes a picture's credits when it begins to paint.")),
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
        "Of that, {credits} for {n} picture stay set aside in doubt, although nothing more comes.",
        "Of that, {credits} for {n} pictures stay set aside in doubt, although nothing more comes.",
        held.doubtful,
        credits=credits_text(held.doubtful_credits),
    )
    ways = gettext("`/operator reconcile` says why; `/operator close` decides one by hand.")
    return f"{doubt} {ways}"


def guilds_view(page: GuildsPage, name_of: NameOf, row: ui.ActionRow[ui.LayoutView]) -> ui.LayoutView:
    """The guilds that spent the most, with what binds them."""
    together = "" if page.together is None else usage_text(page.together)
    return build_view(
        gettext("### Servers, {period}", period=period_noun(page.period)),
        _spent(page),
        gettext("All servers together: {usage}.", usage=together) if together else "",
        _paused_line(page.paused, name_of),
        "\n".join(_guild_lines(spending, name_of) for spending in page.rows),
        subtext(gettext("Page {page} of {pages}", page=page.page, pages=page.pages)),
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
        whose(guild_id, name_of) if guild_id else gettext("all servers") for guild_id in paused[:PAUSED_SHOWN]
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
    return f"{whose(spending.guild_id, name_of)}\n{subtext(' · '.join(facts))}"


def ceiling_view(rule: LimitScope, guild_id: int, change: LimitChange, name_of: NameOf) -> ui.LayoutView:
    """A ceiling before and after; who is over it already gets no new pictures."""
    if rule is LimitScope.CEILING_ALL:
        scope = gettext("All servers together")
    else:
        scope = whose(guild_id, name_of) if guild_id else gettext("Each server without a ceiling of its own")
    return build_view(
        gettext("### Ceiling"),
        gettext(
            "{scope}: from **{before}** to **{after}**.",
            scope=scope,
            before=_ceiling_words(rule, guild_id, change.before),
            after=_ceiling_words(rule, guild_id, change.after),
        ),
        "" if change.usage is None else _ceiling_used(change.usage),
        subtext(gettext("No admin can raise it. It counts what Rivya charges, in days of UTC.")),
    )


def _ceiling_words(scope: LimitScope, guild_id: int, limit: Limit | None) -> str:
    # The ceiling for each server binds one that has lost its own.
    if limit is None and scope is LimitScope.CEILING and guild_id:
        return gettext("no ceiling of its own")
    return limit_text(limit)


def _ceiling_used(usage: Usage) -> str:
    used = f"{usage_text(usage)}. {reset_text(usage)}"
    if usage.used_credits < usage.limit_credits:
        return used
    over = gettext("No new pictures until then.")
    return f"{used} {over}"


def resume_view(guild_id: int, name_of: NameOf, still: Collection[int]) -> ui.LayoutView:
    """The switch as it stands now; `still` are those that are off yet, 0 being the one over all servers."""
    if not guild_id:
        return build_view(gettext("### Resumed"), _all_resumed(len(still)))
    server = whose(guild_id, name_of)
    if 0 in still:
        closed = gettext(
            "{server}: not paused on its own any more, but all servers are paused. `/operator resume` without"
            " a server lets new pictures in.",
            server=server,
        )
        return build_view(gettext("### Still paused"), closed)
    return build_view(gettext("### Resumed"), gettext("{server}: new pictures are let in.", server=server))


def _all_resumed(still: int) -> str:
    resumed = gettext("All servers: new pictures are let in.")
    if not still:
        return resumed
    others = ngettext(
        "{n} server is paused on its own and stays so.",
        "{n} servers are paused on their own and stay so.",
        still,
    )
    return f"{resumed} {others}"


def pause_view(guild_id: int, name_of: NameOf, sentence: str) -> ui.LayoutView:
    """The switch as it stands now."""
    if guild_id:
        paused = gettext("{server}: no new pictures.", server=whose(guild_id, name_of))
    else:
        paused = gettext("All servers: no new pictures.")
    if sentence:
        told = gettext("Members read: {sentence}", sentence=escape(sentence, 300))
    else:
        told = gettext("Members are told to try again later.")
    return build_view(
        gettext("### Paused"), paused, told, subtext(gettext("What was accepted before is still painted."))
    )
