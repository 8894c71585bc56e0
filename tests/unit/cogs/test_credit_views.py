"""What members and admins read about prices, credits and alerts: what applies to them, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from discord import ui
from discord.ui import LayoutView

from bot.credits.alerts import Alert
from bot.credits.grants import WHOLE_GUILD, Grant
from bot.domain.jobs import Reference
from bot.domain.limits import MAX_CREDITS, Limit, LimitScope, MemberLimits, Usage
from bot.domain.periods import Period
from bot.domain.prices import PriceList, Quote, ShownPrice
from bot.jobs.requests.submission import NeedsConfirmation
from cogs.credits.balance_views import balance_view
from cogs.imagine.confirm_views import CONFIRM_ID, NO, YES, declined_view, expired_view, price_question_view
from cogs.notifications.views import alert_view, low_balance_view
from cogs.text.escaping import utf16_length
from cogs.text.translation import languages, use_locale
from tests.support.factories import make_request
from tests.support.prices import ONE_MODEL
from tests.support.views import view_text

NOON = 1_750_000_000_000
DAY = 24 * 60 * 60 * 1000
GUILD = Usage(LimitScope.GUILD, 200, 184, 4, Period.MONTH, NOON)
MINE = Usage(LimitScope.MEMBER, 20, 10, 0, Period.DAY, NOON, subject_id=7)
CEILING = Usage(LimitScope.CEILING, 500, 450, 0, Period.MONTH, NOON)
ALL_SERVERS = Usage(LimitScope.CEILING_ALL, 77_777, 66_666, 0, Period.MONTH, NOON)
HUGE = Usage(
    LimitScope.ROLE,
    MAX_CREDITS,
    2**62,
    2**62,
    Period.TOTAL,
    None,
    subject_id=2**63,
    granted_credits=MAX_CREDITS,
)
MARKUP = "@everyone <@&1234567890123456789> `*_~| " * 200


def make_view(member_limits: MemberLimits, *grants: Grant, cost: int = 4) -> LayoutView:
    return balance_view(member_limits, 8, grants, PriceList((ShownPrice(cost),)))


def make_grant(user_id: int = 7, *, reason: str = "a party", expires_at: int | None = NOON) -> Grant:
    return Grant(1, 1, user_id, 50, 30, reason, 9, NOON, expires_at)


def make_alert(percent: int, usage: Usage = GUILD, empty_at: int | None = None) -> Alert:
    return Alert(1, 2, NOON - DAY, percent, NOON, 70, usage, empty_at)


def all_views() -> Iterator[LayoutView]:
    request = replace(
        make_request(prompt=MARKUP), references=(Reference("https://x", MARKUP + ".png", None, 2**63),)
    )
    for member_limits in (MemberLimits(GUILD), MemberLimits(HUGE, (HUGE, ALL_SERVERS), HUGE)):
        yield price_question_view(NeedsConfirmation(2**63, request, Quote(MAX_CREDITS), member_limits), None)
        grants = [make_grant(reason=MARKUP) for _ in range(100)]
        yield balance_view(member_limits, 2**63, grants, ONE_MODEL)
    for percent in (50, 80, 100):
        yield alert_view(make_alert(percent, HUGE, NOON), NOON, ONE_MODEL)
    yield low_balance_view(2**63, MAX_CREDITS, ONE_MODEL)
    yield declined_view()
    yield expired_view(started=True)
    yield expired_view(started=False)


@pytest.mark.parametrize("language", sorted(languages()))
def test_every_view_fits_a_message_and_mentions_nobody(language: str) -> None:
    with use_locale(language):
        views = list(all_views())
    for view in views:
        text = view_text(view)
        assert 0 < utf16_length(text) <= 4000
        assert "@everyone" not in text
        assert "<@&1234567890123456789>" not in text
        assert view.timeout is None


@pytest.mark.parametrize("draft_id", [1, 2**63 - 1])
def test_the_question_has_a_button_for_yes_and_one_for_no(draft_id: int) -> None:
    view = price_question_view(
        NeedsConfirmation(draft_id, make_request(), Quote(4), MemberLimits(GUILD)), None
    )
    custom_ids = [item.custom_id for item in view.walk_children() if isinstance(item, ui.Button)]
    matches = [re.fullmatch(CONFIRM_ID, str(custom_id)) for custom_id in custom_ids]
    assert [match and match.groupdict() for match in matches] == [
        {"answer": answer, "draft_id": str(draft_id)} for answer in (YES, NO)
    ]


@pytest.mark.parametrize(
    "custom_id", ["kuas:ask:maybe:1", "kuas:ask:yes:", "kuas:ask:yes:-1", "kuas:ask:yes:1x"]
)
def test_a_forged_answer_matches_nothing(custom_id: str) -> None:
    assert re.fullmatch(CONFIRM_ID, custom_id) is None


def test_the_question_names_price_prompt_reference_and_what_is_left() -> None:
    request = replace(make_request(prompt="a *red* fox"), references=(Reference("u", "fox.png", None, 1),))
    text = view_text(
        price_question_view(NeedsConfirmation(1, request, Quote(5), MemberLimits(GUILD, (), MINE)), None)
    )
    for part in (
        "costs 5 credits",
        r"> a \*red\* fox",
        "**7 credits** of this server's limit this month",
        "**5 credits** of your own limit today",
        "fox.png",
    ):
        assert part in text


def test_a_ceiling_is_shown_if_it_says_more_than_the_limit_of_the_server() -> None:
    same = replace(GUILD, scope=LimitScope.CEILING)
    for ceiling, shown in ((same, False), (replace(same, limit_credits=GUILD.limit_credits + 1), True)):
        text = view_text(balance_view(MemberLimits(GUILD, (ceiling,)), 4, (), ONE_MODEL))
        assert ("What this bot allows this server" in text) is shown


def test_the_question_has_no_numbers_of_other_servers() -> None:
    text = view_text(
        price_question_view(
            NeedsConfirmation(1, make_request(), Quote(4), MemberLimits(GUILD, (ALL_SERVERS, CEILING))), None
        )
    )
    assert "**46 credits** of what this bot allows this server this month" in text
    for number in ("77", "11107", "11,107", "11111", "11,111"):
        assert number not in text


def test_the_balance_shows_every_limit_with_its_numbers_and_reset() -> None:
    text = view_text(make_view(MemberLimits(GUILD, (CEILING,), MINE)))
    for part in (
        "You: **8 credits** spent or set aside this month",
        "**This server's limit**: 188 of 200 credits used this month, **12 left**",
        "**Your own limit**: 10 of 20 credits used today, **10 left**",
        "450 of 500 credits used this month, **50 left**",
        f"<t:{NOON // 1000}:R>",
        "A picture costs 4 credits: enough for 2 more.",
        "your own limit.",
    ):
        assert part in text


def test_the_balance_shows_of_all_servers_only_whether_there_is_room() -> None:
    text = view_text(make_view(MemberLimits(GUILD, (ALL_SERVERS,))))
    assert "credits are left" in text
    nearly = replace(ALL_SERVERS, spent_credits=77_772)
    assert "enough for 3 more" in view_text(make_view(MemberLimits(GUILD, (nearly,))))
    empty = replace(ALL_SERVERS, spent_credits=77_775)
    closed = view_text(make_view(MemberLimits(GUILD, (empty,))))
    assert "used up" in closed
    assert "not enough is left for one" in closed
    for shown in (text, closed):
        assert not any(number in shown for number in ("77", "66666", "66,666", "11111", "11,111"))


@pytest.mark.parametrize(
    ("left", "pictures"),
    [
        (0, "not enough is left for one"),
        (3, "not enough is left for one"),
        (4, "enough for 1 more"),
        (8, "enough for 2 more"),
        (100, "enough for 25 more"),
    ],
)
def test_the_balance_shows_how_many_pictures_are_left(left: int, pictures: str) -> None:
    usage = replace(GUILD, spent_credits=200 - left, held_credits=0)
    assert f": {pictures}." in view_text(make_view(MemberLimits(usage)))


def test_the_balance_shows_an_exemption() -> None:
    mine = Limit(0, Period.TOTAL, 9, NOON, LimitScope.MEMBER, 7, exempt=True)
    role = replace(mine, scope=LimitScope.ROLE, subject_id=55)
    assert "You are exempt" in view_text(make_view(MemberLimits(GUILD, exempt=mine)))
    assert "<@&55> is exempt" in view_text(make_view(MemberLimits(GUILD, exempt=role)))
    assert "exempt" not in view_text(make_view(MemberLimits(GUILD)))


def test_the_balance_lists_usable_grants() -> None:
    text = view_text(make_view(MemberLimits(GUILD), make_grant(), make_grant(WHOLE_GUILD, expires_at=None)))
    assert f"Granted to you: 30 of 50 credits left, until <t:{NOON // 1000}:f> (a party)" in text
    assert "Granted to this server: 30 of 50 credits left (a party)" in text


def test_of_many_grants_some_are_listed_and_the_others_counted() -> None:
    text = view_text(make_view(MemberLimits(GUILD), *[make_grant() for _ in range(8)]))
    assert text.count("Granted to you") == 5
    assert "and 3 more grants" in text
    text = view_text(make_view(MemberLimits(GUILD), *[make_grant() for _ in range(6)]))
    assert text.splitlines().count("- and 1 more grant") == 1


@pytest.mark.parametrize(
    ("percent", "used", "title"),
    [
        (50, 100, "### Half of this server's credits"),
        (50, 109, "### 54 percent of this server's limit"),
        (80, 160, "### 80 percent of this server's limit"),
        (80, 199, "### 99 percent of this server's limit"),
        (80, 200, "### 100 percent of this server's limit"),
        (80, 250, "### 125 percent of this server's limit"),
        (100, 197, "### This server's credits are not enough for another picture"),
        (100, 200, "### This server's credits are used up"),
    ],
)
def test_an_alert_has_the_percent_the_usage_the_reset_and_the_commands(
    percent: int, used: int, title: str
) -> None:
    text = view_text(alert_view(make_alert(percent, replace(GUILD, spent_credits=used - 4)), NOON, ONE_MODEL))
    for part in (
        title,
        f"{used} of 200 credits used this month",
        f"<t:{NOON // 1000}:",
        "/limits guild",
        "/limits grant",
    ):
        assert part in text


@pytest.mark.parametrize(("after_ms", "style"), [(3 * DAY, "D"), (DAY - 1, "f")])
def test_a_forecast_within_a_day_has_a_time(after_ms: int, style: str) -> None:
    at = NOON + after_ms
    text = view_text(alert_view(make_alert(80, empty_at=at), NOON, ONE_MODEL))
    assert f"At this pace it is used up on <t:{at // 1000}:{style}>." in text
    assert "pace" not in view_text(alert_view(make_alert(80), NOON, ONE_MODEL))


def test_an_alert_of_a_limit_that_never_resets_has_no_reset() -> None:
    usage = replace(GUILD, period=Period.TOTAL, resets_at=None)
    assert "until somebody allows more" in view_text(alert_view(make_alert(100, usage), NOON, ONE_MODEL))


def test_an_alert_of_a_limit_of_zero_is_about_its_grants() -> None:
    text = view_text(alert_view(make_alert(100, replace(GUILD, limit_credits=0)), NOON, ONE_MODEL))
    assert "what grants gave on top of it is used up" in text
    assert "0 of 0" not in text


def test_the_balance_is_in_the_language_of_the_reader() -> None:
    grants = (make_grant(), make_grant(WHOLE_GUILD, expires_at=None), *[make_grant() for _ in range(5)])
    exempt = Limit(0, Period.TOTAL, 9, NOON, LimitScope.ROLE, 55, exempt=True)
    with use_locale("id"):
        text = view_text(make_view(MemberLimits(GUILD, (ALL_SERVERS, CEILING), exempt=exempt), *grants))
    for part in (
        "### Kredit",
        "terpakai atau disisihkan",
        "**tersisa 12**. ",
        "masih ada sisa kredit.",
        "Peranmu <@&55> bebas dari batas untuk anggota.",
        "- Hibah untukmu: tersisa 30 dari 50",
        f", berlaku sampai <t:{NOON // 1000}:f> (a party)",
        "- Hibah untuk server ini: tersisa 30 dari 50",
        "- dan 2 hibah lainnya",
        "cukup untuk 3 gambar lagi.",
        "-# Batas yang menentukan: ",
    ):
        assert part in text


def test_an_empty_balance_is_in_the_language_of_the_reader() -> None:
    empty = replace(ALL_SERVERS, spent_credits=77_775)
    mine = Limit(0, Period.TOTAL, 9, NOON, LimitScope.MEMBER, 7, exempt=True)
    whole = make_grant(WHOLE_GUILD)
    with use_locale("id"):
        text = view_text(
            make_view(MemberLimits(GUILD, (empty,), exempt=mine), whole, make_grant(expires_at=None))
        )
    for part in (
        "sudah habis. ",
        "Kamu bebas dari batas untuk anggota.",
        "sisanya tidak cukup untuk satu gambar pun.",
        "- Hibah untuk server ini: tersisa 30 dari 50",
        "- Hibah untukmu: tersisa 30 dari 50",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("percent", "used", "title"),
    [
        (50, 100, "### Setengah kredit"),
        (80, 188, "### 94 persen batas server ini"),
        (100, 199, "### Kredit server ini tidak cukup"),
        (100, 200, "### Kredit server ini sudah habis"),
    ],
)
def test_an_alert_is_in_the_language_of_the_server(percent: int, used: int, title: str) -> None:
    usage = replace(GUILD, spent_credits=used - 4)
    with use_locale("id"):
        text = view_text(alert_view(make_alert(percent, usage, NOON + DAY), NOON, ONE_MODEL))
    assert title in text
    for part in (
        str(used),
        "200",
        f"<t:{NOON // 1000}:",
        "`/batas server`",
        "`/batas hibah`",
        "`/batas peringatan`",
    ):
        assert part in text
    if percent == 100:
        assert f"Tidak ada gambar lagi yang dilukis sampai <t:{NOON // 1000}:f>." in text
    else:
        assert f"Dengan laju seperti ini, kredit akan habis pada <t:{(NOON + DAY) // 1000}:D>." in text


def test_every_variant_of_an_alert_is_translated() -> None:
    with use_locale("id"):
        for_ever = view_text(
            alert_view(make_alert(100, replace(GUILD, period=Period.TOTAL, resets_at=None)), NOON, ONE_MODEL)
        )
        nothing = view_text(alert_view(make_alert(100, replace(GUILD, limit_credits=0)), NOON, ONE_MODEL))
        balance = view_text(low_balance_view(3, 100, ONE_MODEL))
    assert "sampai ada yang menambah jatahnya." in for_ever
    assert "Batasnya 0, dan tambahan dari hibah sudah habis." in nothing
    for part in ("### Saldo dompet Rivya menipis", "kurang dari 100.", "`rivya.wallet_alert_credits`"):
        assert part in balance
