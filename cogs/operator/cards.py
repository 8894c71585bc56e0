"""What the operator reads: the wallet, the guilds, ceilings, pauses, and what a comparison has found.

Owns the words for the operator. Never imports anything of ours but cards, differences, findings, jobs,
overview, reconcile, rules, text, wording.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

from discord import ui

from bot.money.differences import Booking, Closing, Finding, describe
from bot.money.findings import PAGE
from bot.money.rules import Rule
from cogs.ground.cards import card, small
from cogs.ground.text import harmless, plain
from cogs.ground.wording import credits_text, limit_words, moment, period_word, usage_words

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from bot.jobs import Usage
    from bot.money.overview import GuildsPage, GuildSpending, Held
    from bot.money.reconcile import Comparison
    from bot.money.rules import Limit, LimitChange

    NameOf = Callable[[int], str | None]

NAME_UNITS: Final = 60
CHOICE_UNITS: Final = 100
SHOWN: Final = 8
"""Findings on a card; with more there is a file, too."""
LISTED: Final = 25 * PAGE
"""Findings in the file; all others are on the command line."""
NOTE_UNITS: Final = 120
PAUSED_SHOWN: Final = 4
_SHEET: Final = (
    "job_id",
    "guild_id",
    "kind",
    "state",
    "booked_credits",
    "rivya_status",
    "rivya_credits",
    "note",
)

SCOPES: Final = {
    "one": "One server",
    "each": "Each server without one of its own",
    "all": "All servers together",
}

NO_GUILD_ID: Final = (
    "That is not the id of a server, which is a number of 17 to 19 digits. Choose one from the list, or turn"
    " on Developer Mode in Discord and copy it from the server's menu."
)
ONE_NEEDS_GUILD: Final = "Which server? Name it with `guild`, or choose another `scope`."
SCOPE_HAS_NO_GUILD: Final = "This `scope` is about all servers: leave `guild` out."
CREDITS_NEED_PERIOD: Final = "Give both `credits` and `period`, or neither to remove the ceiling."
NO_REASON: Final = "Give a reason in words; it stands on the record."
COMPARING: Final = "A comparison is under way already. Its result comes when it is done."
BOOK_LABEL: Final = "Book these corrections"


def rule_of(scope: str) -> Rule:
    """Which rule one of `SCOPES` is."""
    return Rule.CEILING_ALL if scope == "all" else Rule.CEILING


def ceiling_problem(
    scope: str, guild: str | None, guild_id: int | None, credits: int | None, period: str | None
) -> str:
    """What is wrong with a ceiling as it was typed; empty if nothing is."""
    if guild_id is None:
        return NO_GUILD_ID
    if scope == "one" and guild is None:
        return ONE_NEEDS_GUILD
    if scope != "one" and guild is not None:
        return SCOPE_HAS_NO_GUILD
    return CREDITS_NEED_PERIOD if (credits is None) != (period is None) else ""


def guild_label(name: str, guild_id: int) -> str:
    """A guild in a menu."""
    return plain(f"{plain(name, NAME_UNITS)} · {guild_id}", CHOICE_UNITS)


def whose(guild_id: int, name_of: NameOf) -> str:
    """A guild, for people: its name as far as we know it, and its id."""
    name = name_of(guild_id)
    return f"**{harmless(name, NAME_UNITS)}** (`{guild_id}`)" if name else f"`{guild_id}`"


def wallet_card(left_credits: int, held: Held, cost_credits: int) -> ui.LayoutView:
    """What Rivya's wallet holds beside what the books have set aside."""
    oldest = "" if held.oldest_at is None else f", the oldest {moment(held.oldest_at)}"
    doubt = (
        f"Of that, {credits_text(held.doubtful_credits)} for {_pictures(held.doubtful)} stay set aside in"
        " doubt, although nothing more comes. `/operator reconcile` says why; `/operator close` decides one"
        " by hand."
        if held.doubtful
        else ""
    )
    return card(
        "### Wallet",
        f"At Rivya: **{credits_text(left_credits)}**, enough for {_pictures(left_credits // cost_credits)}.\n"
        f"Set aside: **{credits_text(held.credits)}** for {_pictures(held.reservations)}{oldest}.",
        doubt,
        small("Rivya takes a picture's credits when it begins to paint."),
    )


def _pictures(count: int) -> str:
    return _many(count, "picture")


def _many(count: int, thing: str) -> str:
    return f"1 {thing}" if count == 1 else f"{count} {thing}s"


def guilds_card(page: GuildsPage, name_of: NameOf, row: ui.ActionRow[ui.LayoutView]) -> ui.LayoutView:
    """The guilds that spent the most, with what binds them."""
    resets = "" if page.resets_at is None else f" The period ends {moment(page.resets_at)}."
    lines = [_guild_lines(spending, name_of) for spending in page.rows]
    return card(
        f"### Servers, {period_word(page.period)}",
        f"**{credits_text(page.used_credits)}** spent or set aside in {_many(page.guilds, 'server')}"
        f" (UTC).{resets}",
        "" if page.together is None else f"All servers together: {usage_words(page.together)}.",
        _paused_line(page.paused, name_of),
        "\n".join(lines),
        small(f"Page {page.page} of {page.pages}"),
        row,
    )


def _paused_line(paused: Sequence[int], name_of: NameOf) -> str:
    shown = [whose(guild_id, name_of) if guild_id else "all servers" for guild_id in paused[:PAUSED_SHOWN]]
    more = len(paused) - len(shown)
    return f"Paused: {', '.join(shown)}{f' and {more} more' if more else ''}." if shown else ""


def _guild_lines(spending: GuildSpending, name_of: NameOf) -> str:
    ceiling = "" if spending.ceiling is None else f" · ceiling {limit_words(spending.ceiling)}"
    paused = " · paused" if spending.paused else ""
    facts = f"{credits_text(spending.used_credits)} · limit {limit_words(spending.limit)}{ceiling}{paused}"
    return f"{whose(spending.guild_id, name_of)}\n{small(facts)}"


def ceiling_card(rule: Rule, guild_id: int, change: LimitChange, name_of: NameOf) -> ui.LayoutView:
    """A ceiling before and after; who is over it already gets no new pictures."""
    if rule is Rule.CEILING_ALL:
        scope = "All servers together"
    else:
        scope = whose(guild_id, name_of) if guild_id else "Each server without a ceiling of its own"
    return card(
        "### Ceiling",
        f"{scope}: from **{_ceiling_words(rule, guild_id, change.before)}**"
        f" to **{_ceiling_words(rule, guild_id, change.after)}**.",
        "" if change.usage is None else _ceiling_used(change.usage),
        small("No admin can raise it. It counts what Rivya charges, in days of UTC."),
    )


def _ceiling_words(rule: Rule, guild_id: int, limit: Limit | None) -> str:
    # The ceiling for each server binds one that has lost its own.
    return (
        "no ceiling of its own" if limit is None and rule is Rule.CEILING and guild_id else limit_words(limit)
    )


def _ceiling_used(usage: Usage) -> str:
    over = " No new pictures until then." if usage.used_credits >= usage.limit_credits else ""
    resets = "It never resets." if usage.resets_at is None else f"It resets {moment(usage.resets_at)}."
    return f"{usage_words(usage)}. {resets}{over}"


def resume_card(guild_id: int, name_of: NameOf, still: Collection[int]) -> ui.LayoutView:
    """The switch as it stands now; `still` are those that are off yet, 0 being the one over all servers."""
    if not guild_id:
        stays = (
            " is paused on its own and stays so"
            if len(still) == 1
            else " are paused on their own and stay so"
        )
        others = f" {_many(len(still), 'server')}{stays}." if still else ""
        return card("### Resumed", f"All servers: new pictures are let in.{others}")
    if 0 in still:
        closed = (
            "not paused on its own any more, but all servers are paused. `/operator resume` without a server"
        )
        return card("### Still paused", f"{whose(guild_id, name_of)}: {closed} lets new pictures in.")
    return card("### Resumed", f"{whose(guild_id, name_of)}: new pictures are let in.")


def pause_card(guild_id: int, name_of: NameOf, sentence: str) -> ui.LayoutView:
    """The switch as it stands now."""
    scope = whose(guild_id, name_of) if guild_id else "All servers"
    told = f"Members read: {harmless(sentence, 300)}" if sentence else "Members are told to try again later."
    return card(
        "### Paused", f"{scope}: no new pictures.", told, small("What was accepted before is still painted.")
    )


def closing_card(job_id: str, final_credits: int, closing: Closing) -> ui.LayoutView:
    """What became of a decision by hand."""
    job = f"`{plain(job_id, 40).replace('`', '')}`"
    match closing:
        case Closing.CLOSED:
            done = f"settled with {credits_text(final_credits)}" if final_credits else "released"
            return card("### Closed", f"{job} is {done}, on the record with your reason.")
        case Closing.UNKNOWN:
            return card(f"There is no job {job}. A comparison lists the ids of those that are in doubt.")
        case Closing.WALKING:
            return card(f"{job} is still under way: the bot settles it by itself when it is over.")
        case Closing.NOT_HELD:
            return card(f"{job} is closed already. Only what is held in doubt can be decided by hand.")


def comparing_card(run: Comparison) -> ui.LayoutView:
    """How far a comparison has come."""
    return card(
        "### Comparing with Rivya",
        f"{run.looked_at} of {run.total} looked at, {_many(run.found, 'difference')} so far.",
        small(f"Run `{run.run_id}`"),
    )


def compared_card(
    run: Comparison, found: Sequence[Finding], filename: str, row: ui.ActionRow[ui.LayoutView] | None
) -> ui.LayoutView:
    """What a comparison has found, the first of it in words; nothing has been changed by it."""
    shown = "\n".join(f"- `{item.booked.job_id}`: {_words(item)}" for item in found[:SHOWN])
    more = f"\nand {run.found - SHOWN} more" if run.found > SHOWN else ""
    ended = (
        f"It ended before its end: {harmless(run.stopped, 200)}. Run it again later." if run.stopped else ""
    )
    unsaid = f" Of {_many(run.unsaid, 'task')} Rivya does not say the price." if run.unsaid else ""
    sheet: list[str | ui.Item[ui.LayoutView]] = [ui.File(f"attachment://{filename}")] if filename else []
    buttons: list[str | ui.Item[ui.LayoutView]] = [] if row is None else [row]
    return card(
        "### Compared with Rivya",
        f"{_many(run.looked_at, 'reservation')} looked at, those since {moment(run.since, 'f')} and all that"
        f" are held for longer than a day: {_differences(run.found)}.{unsaid}",
        ended,
        shown + more,
        small(f"Run `{run.run_id}`. Nothing was changed so far."),
        *sheet,
        *buttons,
    )


def _differences(count: int) -> str:
    return {0: "the books and Rivya agree", 1: "one difference"}.get(count, f"{count} differences")


def _words(found: Finding) -> str:
    note = f" ({harmless(found.booked.note, NOTE_UNITS)})" if found.booked.note else ""
    return f"{describe(found)}{note}"


def booking_card(run_id: str, booking: Booking) -> ui.LayoutView:
    """What was booked of a run, and what was not."""
    lines = [
        f"Booked {_many(booking.booked, 'correction')}: the books now hold {_gained(booking)}."
        if booking.booked
        else "There was nothing to book.",
        f"Stood as Rivya says already: {booking.before}." if booking.before else "",
        f"Changed since and left alone: {booking.changed}. Compare again." if booking.changed else "",
        f"Still under way and left to the bot: {booking.walking}." if booking.walking else "",
    ]
    return card("### Corrections", "\n".join(filter(None, lines)), small(f"Run `{run_id}`"))


def _gained(booking: Booking) -> str:
    gained = booking.difference_credits
    return (
        f"{credits_text(abs(gained))} {'more' if gained > 0 else 'less'}"
        if gained
        else "as many credits as before"
    )


def sheet(found: Sequence[Finding]) -> bytes:
    """The findings as CSV, with a header."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(_SHEET)
    for item in found:
        booked = item.booked
        writer.writerow(
            (
                booked.job_id,
                booked.guild_id,
                item.kind,
                booked.state,
                booked.credits,
                item.rivya_status or "",
                "" if item.rivya_credits is None else item.rivya_credits,
                plain(booked.note, 500),
            )
        )
    return text.getvalue().encode("utf-8-sig")
