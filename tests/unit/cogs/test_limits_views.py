"""The views of limits, grants, settings and the audit log: within Discord's limits, in each language."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
import time_machine
from discord import ui
from hypothesis import given
from hypothesis import strategies as st

from bot.credits.admin import ActiveLimits, Refund
from bot.credits.audit_log import (
    PAGE_ENTRIES,
    AuditEntry,
    AuditPage,
    Cursor,
    GrantIssued,
    GrantRevoked,
    LimitChanged,
    PauseChanged,
    RefundIssued,
    SettingChanged,
)
from bot.credits.grants import WHOLE_GUILD, Grant
from bot.credits.refundable import RefundablePicture
from bot.domain.limits import MAX_CREDITS, Limit, LimitChange, LimitScope, MemberLimits, Usage
from bot.domain.periods import Period
from bot.domain.pictures import picture_filename
from bot.guilds.settings import GuildSetting, SettingChange
from cogs.limits import audit_log_views, grants_views, settings_views, show_views, timezones, views
from cogs.limits import choices as limit_choices
from cogs.limits.audit_log import PageDirection, page_button
from cogs.text.escaping import utf16_length
from cogs.text.translation import languages, use_locale
from cogs.ui.context import not_a_member
from cogs.ui.discord_limits import autocomplete_choices
from tests.support.prices import ONE_MODEL

NOON = 1_750_000_000_000
MEMBER, ROLE, OTHER_ROLE, ADMIN = 2**63 - 1, 2**63 - 2, 2**63 - 3, 2**63 - 4
JOB_ID = "0b0e7c62-6d7c-4c5e-9f3e-2f6f3c1c8a11"
MARKUP = "*@everyone* <@1> `_~|[]#>" * 40
DEFAULT = Limit(200, Period.MONTH)


def usage(rule: LimitScope, used: int = 4, limit: int = 200, subject_id: int = 0, **more: int) -> Usage:
    return Usage(rule, limit, used, 0, Period.MONTH, NOON, subject_id, **more)


def limit(rule: LimitScope, subject_id: int = 0, *, exempt: bool = False, reason: str = "") -> Limit:
    return Limit(20, Period.WEEK, ADMIN, NOON, rule, subject_id, exempt, reason, 5)


def grant(
    user_id: int = MEMBER, grant_id: int = 3, expires_at: int | None = None, reason: str = "a prize"
) -> Grant:
    return Grant(grant_id, 1, user_id, 50, 30, reason, ADMIN, NOON, expires_at)


def text_of(view: ui.LayoutView) -> str:
    """Return the text of a view, which must be within Discord's limits."""
    parts = list(view.walk_children())
    texts = [part.content for part in parts if isinstance(part, ui.TextDisplay)]
    assert sum(map(utf16_length, texts)) <= 4000
    assert len(parts) <= 40
    assert all(texts)
    assert "@everyone" not in "".join(texts)
    return "\n".join(texts)


def limits_text(
    active: ActiveLimits, member_limits: MemberLimits | None = None, roles: set[int] | None = None
) -> str:
    settings = {
        GuildSetting.TIMEZONE: "Asia/Jakarta",
        GuildSetting.ALERT_CHANNEL: "77",
        GuildSetting.CONFIRM_ABOVE: None,
    }
    member_limits = member_limits or MemberLimits(usage(LimitScope.GUILD))
    return text_of(show_views.limits_view(active, member_limits, settings, roles or set(), ONE_MODEL))


def explain_lines(member_limits: MemberLimits, *exemptions: Limit, is_member: bool = True) -> list[str]:
    view = show_views.explain_view(MEMBER, member_limits, exemptions, prices=ONE_MODEL, is_member=is_member)
    return text_of(view).splitlines()


# Changes


@pytest.mark.parametrize("rule", [LimitScope.GUILD, LimitScope.EVERYONE, LimitScope.MEMBER, LimitScope.ROLE])
def test_a_change_shows_the_limits_before_and_after_and_the_reason(rule: LimitScope) -> None:
    after = limit(rule, MEMBER if rule in {LimitScope.MEMBER, LimitScope.ROLE} else 0, reason="more *fun*")
    text = text_of(views.limit_changed_view(after, LimitChange(DEFAULT, after, usage(rule, 4, 20))))
    assert "from **200 credits a month** to **20 credits a week**" in text
    assert "Why: more \\*fun\\*" in text
    assert "4 of 20 credits used" in text
    assert "More than that" not in text


def test_a_limit_below_its_usage_has_a_warning() -> None:
    change = LimitChange(DEFAULT, limit(LimitScope.GUILD), usage(LimitScope.GUILD, 21, 20))
    text = text_of(views.limit_changed_view(limit(LimitScope.GUILD), change))
    assert "More than that is used already: no new pictures until it resets" in text
    helped = LimitChange(DEFAULT, limit(LimitScope.GUILD), usage(LimitScope.GUILD, 21, 20, granted_credits=8))
    assert "already: only grants pay until" in text_of(
        views.limit_changed_view(limit(LimitScope.GUILD), helped)
    )


def test_a_limit_above_the_operators_ceiling_says_so() -> None:
    high = limit(LimitScope.GUILD)
    change = LimitChange(DEFAULT, high, usage(LimitScope.GUILD, 4, 20), Limit(8, Period.DAY))
    text = text_of(views.limit_changed_view(high, change))
    assert "allow this server 8 credits a day: that is all it can spend" in text


def test_the_warning_of_a_limit_that_never_resets_mentions_no_reset() -> None:
    total = Usage(LimitScope.GUILD, 20, 21, 0, Period.TOTAL, None)
    text = text_of(
        views.limit_changed_view(
            limit(LimitScope.GUILD), LimitChange(DEFAULT, limit(LimitScope.GUILD), total)
        )
    )
    assert "no new pictures until it is raised." in text
    assert "until it resets" not in text


def test_an_exemption_says_that_the_servers_limit_still_applies() -> None:
    exempt = limit(LimitScope.ROLE, ROLE, exempt=True)
    text = text_of(views.limit_changed_view(exempt, LimitChange(None, exempt, None)))
    assert f"The limit of <@&{ROLE}>: from **no limit** to **exempt**" in text
    assert "This server's limit still does" in text


def test_a_removed_server_limit_becomes_the_default() -> None:
    before = limit(LimitScope.GUILD)
    text = text_of(
        views.limit_removed_view(before, LimitChange(before, DEFAULT, usage(LimitScope.GUILD)), MARKUP)
    )
    assert "default of this bot" in text
    gone = limit(LimitScope.MEMBER, MEMBER)
    text = text_of(views.limit_removed_view(gone, LimitChange(gone, None, None), ""))
    assert "to **no limit**" in text
    assert "default" not in text


@pytest.mark.parametrize(
    ("credits", "period", "exempt", "wrong"),
    [
        (5, "day", False, False),
        (0, "total", False, False),
        (None, None, True, False),
        (None, None, False, True),
        (5, None, False, True),
        (None, "day", False, True),
        (5, "day", True, True),
        (None, "day", True, True),
    ],
)
def test_terms_are_credits_and_a_period_or_an_exemption(
    credits: int | None, period: str | None, exempt: bool, wrong: bool
) -> None:
    assert bool(views.validate_terms(credits, period, exempt=exempt)) == wrong


def test_a_revoked_grant_shows_what_was_left() -> None:
    text = text_of(views.revoked_view(Grant(3, 1, MEMBER, 50, 1, "a prize", ADMIN, NOON, None), "over"))
    assert f"1 credit of 50 for <@{MEMBER}> was left. What the grant has paid stays paid.\nWhy: over" in text
    assert "30 credits of 50 for the whole server were left." in text_of(
        views.revoked_view(grant(WHOLE_GUILD), "")
    )


# Removal

ACTIVE = ActiveLimits(
    limit(LimitScope.GUILD),
    (
        limit(LimitScope.EVERYONE),
        limit(LimitScope.MEMBER, MEMBER, reason="a friend"),
        limit(LimitScope.ROLE, ROLE),
    ),
    (grant(), grant(WHOLE_GUILD, 4)),
)


def test_every_active_limit_and_grant_is_a_choice_and_found_by_it() -> None:
    choices = limit_choices.choices(ACTIVE, "", {ROLE: "Painters"})
    assert [choice.value for choice in choices] == [
        "guild",
        "everyone",
        f"member:{MEMBER}",
        f"role:{ROLE}",
        "grant:3",
        "grant:4",
    ]
    assert choices[3].name == "Role Painters: 20 credits a week"
    found = [limit_choices.find(ACTIVE, choice.value) for choice in choices]
    assert found == [ACTIVE.guild, *ACTIVE.limits, *ACTIVE.grants]


def test_the_default_cannot_be_removed() -> None:
    assert limit_choices.choices(ActiveLimits(DEFAULT, (), ()), "", {}) == []
    assert limit_choices.find(ActiveLimits(DEFAULT, (), ()), "guild") is None


@pytest.mark.parametrize(
    ("typed", "values"),
    [
        ("painters", [f"role:{ROLE}"]),
        (" A Friend ", [f"member:{MEMBER}"]),
        (f"<@{MEMBER}>", [f"member:{MEMBER}", "grant:3"]),
        (f"<@&{ROLE}>", [f"role:{ROLE}"]),
        ("grant", ["grant:3", "grant:4"]),
        ("nothing", []),
    ],
)
def test_choices_are_filtered_by_what_is_typed(typed: str, values: list[str]) -> None:
    offered = limit_choices.choices(ACTIVE, typed, {ROLE: "Painters"})
    assert [choice.value for choice in offered] == values


def test_a_mention_finds_the_limit_of_its_member_or_role() -> None:
    assert limit_choices.find(ACTIVE, f"<@{MEMBER}> ") == ACTIVE.limits[1]
    assert limit_choices.find(ACTIVE, f"<@&{ROLE}>") == ACTIVE.limits[2]


@given(st.text(max_size=40))
def test_without_limits_nothing_is_found(typed: str) -> None:
    assert limit_choices.find(ActiveLimits(DEFAULT, (), ()), typed) is None
    assert limit_choices.choices(ActiveLimits(DEFAULT, (), ()), typed, {}) == []


def test_choices_are_within_discords_limits() -> None:
    many = ActiveLimits(
        limit(LimitScope.GUILD),
        tuple(limit(LimitScope.MEMBER, MEMBER - n, reason=MARKUP) for n in range(60)),
        (grant(reason=MARKUP),),
    )
    choices = limit_choices.choices(many, "", {})
    assert len(choices) == 25
    assert all(0 < utf16_length(text) <= 100 for choice in choices for text in (choice.name, choice.value))


# Show


def test_show_has_every_limit_grant_and_setting() -> None:
    text = limits_text(ACTIVE, roles={ROLE})
    for part in (
        "**20 credits a week** for the whole server",
        f"by <@{ADMIN}>",
        "4 of 200 credits used this month",
        "Every member: **20 credits a week**",
        f"<@{MEMBER}>: **20 credits a week**",
        "a friend",
        f"<@&{ROLE}>: **20 credits a week**",
        "the whole server: **30 of 50 credits** left",
        "Time zone: Asia/Jakarta",
        "Alerts: in <#77>",
        "Ask before spending: never",
    ):
        assert part in text


def test_a_missing_role_is_called_deleted() -> None:
    assert f"A deleted role ({ROLE})" in limits_text(ACTIVE, roles={OTHER_ROLE})
    assert "deleted" not in limits_text(ACTIVE)  # the roles of the server are unknown


def test_many_limits_and_grants_fit_and_the_omitted_ones_are_counted() -> None:
    limits = [
        limit(rule, MEMBER - n, reason=MARKUP)
        for rule in (LimitScope.MEMBER, LimitScope.ROLE)
        for n in range(300)
    ]
    grants = [grant(MEMBER - n, n, NOON, MARKUP) for n in range(300)]
    guild = Limit(MAX_CREDITS, Period.TOTAL, ADMIN, NOON, reason=MARKUP, limit_id=1)
    ceiling = usage(LimitScope.CEILING, MAX_CREDITS, MAX_CREDITS, granted_credits=MAX_CREDITS)
    text = limits_text(
        ActiveLimits(guild, tuple(limits), tuple(grants)), MemberLimits(usage(LimitScope.GUILD), (ceiling,))
    )
    assert text.count(" more") >= 3
    assert "Time zone" in text


def test_the_servers_ceiling_is_shown_but_not_that_of_all_servers() -> None:
    everywhere = usage(LimitScope.CEILING_ALL, 98765, 98765)
    text = limits_text(
        ACTIVE, MemberLimits(usage(LimitScope.GUILD), (everywhere, usage(LimitScope.CEILING, 7, 77)))
    )
    assert "7 of 77 credits used this month" in text
    assert "98765" not in text
    assert "98,765" not in text


# Explain


def test_only_the_limit_that_leaves_the_least_is_marked() -> None:
    personal = usage(LimitScope.MEMBER, 18, 20, MEMBER)
    lines = explain_lines(
        MemberLimits(usage(LimitScope.GUILD, 190), (usage(LimitScope.CEILING, 4, 900),), personal)
    )
    (marked,) = [line for line in lines if "This one decides" in line]
    assert marked.startswith(f"- **➜ The limit of <@{MEMBER}>: 18 of 20")
    assert sum("➜" in line for line in lines) == 1
    assert any("190 of 200" in line for line in lines)
    assert any("4 of 900" in line for line in lines)


def test_of_equal_limits_the_narrowest_is_marked() -> None:
    lines = explain_lines(
        MemberLimits(usage(LimitScope.GUILD, 190), personal=usage(LimitScope.EVERYONE, 10, 20))
    )
    assert "The limit for each member" in next(line for line in lines if "➜" in line)


@pytest.mark.parametrize(
    ("used", "marked"),
    [(90_000, "This server's limit"), (99_997, "The bot's own budget for all servers is used up")],
)
def test_the_ceiling_of_all_servers_is_shown_only_when_used_up(used: int, marked: str) -> None:
    lines = explain_lines(
        MemberLimits(usage(LimitScope.GUILD, 190), (usage(LimitScope.CEILING_ALL, used, 100_000),))
    )
    assert marked in next(line for line in lines if "➜" in line)
    for number in ("90000", "99997", "100000", "10000"):
        assert number not in "".join(lines)


@pytest.mark.parametrize(
    ("counts", "passed", "why"),
    [
        (
            usage(LimitScope.MEMBER, 0, 20, MEMBER),
            usage(LimitScope.ROLE, 0, 30, ROLE),
            "what is set for them by name does",
        ),
        (
            usage(LimitScope.MEMBER, 0, 20, MEMBER),
            usage(LimitScope.EVERYONE),
            "what is set for them by name does",
        ),
        (usage(LimitScope.ROLE, 0, 20, ROLE), usage(LimitScope.EVERYONE), "one of their roles does"),
        (
            usage(LimitScope.ROLE, 0, 20, ROLE),
            usage(LimitScope.ROLE, 0, 10, OTHER_ROLE),
            "another role leaves more",
        ),
    ],
)
def test_a_superseded_limit_has_its_reason(counts: Usage, passed: Usage, why: str) -> None:
    lines = explain_lines(MemberLimits(usage(LimitScope.GUILD), (), counts, (passed,)))
    (line,) = [line for line in lines if "does not count" in line]
    assert why in line
    assert f"of {passed.limit_credits}" in line


def test_an_exemption_is_shown_with_the_limits_it_supersedes() -> None:
    exempt = limit(LimitScope.ROLE, ROLE, exempt=True)
    member_limits = MemberLimits(
        usage(LimitScope.GUILD), (), None, (usage(LimitScope.ROLE, 0, 10, OTHER_ROLE),), exempt
    )
    text = "\n".join(explain_lines(member_limits, exempt))
    assert f"Exempt through <@&{ROLE}>" in text
    assert "another role exempts them" in text
    assert text.count(f"<@&{ROLE}>") == 1


def test_a_superseded_exemption_has_its_reason() -> None:
    member_limits = MemberLimits(usage(LimitScope.GUILD), personal=usage(LimitScope.MEMBER, 0, 20, MEMBER))
    lines = explain_lines(
        member_limits, limit(LimitScope.ROLE, ROLE, exempt=True), limit(LimitScope.EVERYONE, exempt=True)
    )
    assert f"- The exemption of <@&{ROLE}> does not count, since what is set for them by name does." in lines
    assert any(line.startswith("- The exemption of every member does not count") for line in lines)


def test_of_many_superseded_limits_some_are_listed_in_full_and_the_others_counted() -> None:
    roles = tuple(usage(LimitScope.ROLE, 0, 10, ROLE - number) for number in range(250))
    free = [limit(LimitScope.ROLE, ROLE - number, exempt=True) for number in range(250)]
    lines = explain_lines(
        MemberLimits(usage(LimitScope.GUILD), (), usage(LimitScope.MEMBER, 0, 20, MEMBER), roles), *free
    )
    listed = sum("does not count" in line for line in lines)
    assert listed > 10
    assert f"- and {500 - listed} more that do not count" in lines
    assert lines[-1] == "-# A picture costs 4 credits: enough for 5 more."
    assert "\u2026" not in "".join(lines)


def test_the_view_says_if_a_user_left_or_has_no_limit() -> None:
    text = "\n".join(explain_lines(MemberLimits(usage(LimitScope.GUILD)), is_member=False))
    assert "Not a member of this server (any more)" in text
    assert "No limit for members applies to them" in text
    assert "enough for 49 more" in text


# Audit log

EVENTS = [
    LimitChanged(LimitScope.ROLE, ROLE, None, Limit(5, Period.DAY), MARKUP),
    LimitChanged(LimitScope.GUILD, 0, None, Limit(5, Period.DAY), ""),
    LimitChanged(LimitScope.CEILING, 0, Limit(5, Period.DAY), None, MARKUP),
    GrantIssued(MEMBER, MAX_CREDITS, MARKUP, NOON),
    GrantIssued(WHOLE_GUILD, 5, "a feast", None),
    GrantRevoked(MEMBER, MAX_CREDITS, MAX_CREDITS - 1, MARKUP),
    RefundIssued(JOB_ID, MEMBER, MAX_CREDITS, MARKUP),
    SettingChanged(GuildSetting.TIMEZONE, None, "America/Argentina/ComodRivadavia"),
    SettingChanged(GuildSetting.ALERT_CHANNEL, None, "77"),
    PauseChanged(paused=True, sentence=MARKUP),
]


@pytest.mark.parametrize("language", sorted(languages()))
@pytest.mark.parametrize("event", EVENTS)
def test_a_full_page_of_any_entry_fits(event: object, language: str) -> None:
    entries = tuple(AuditEntry(Cursor(NOON, 1, str(n)), ADMIN, event) for n in range(PAGE_ENTRIES))  # type: ignore[arg-type]
    with use_locale(language):
        text = text_of(audit_log_views.audit_log_view(AuditPage(entries, None, None), []))
    assert text.count(f"<t:{NOON // 1000}:f>") >= PAGE_ENTRIES


def audit_log_text(event: object, by: int = ADMIN) -> str:
    page = AuditPage((AuditEntry(Cursor(NOON, 1, "1"), by, event),), None, None)  # type: ignore[arg-type]
    return text_of(audit_log_views.audit_log_view(page, []))


def test_an_entry_has_who_when_before_after_and_reason() -> None:
    text = audit_log_text(LimitChanged(LimitScope.ROLE, ROLE, None, Limit(5, Period.DAY), "more fun"))
    for part in (
        f"<@{ADMIN}>",
        f"<t:{NOON // 1000}:f>",
        f"<@&{ROLE}>",
        "from **no limit** to **5 credits a day**",
    ):
        assert part in text
    assert "Why: more fun" in text
    assert "from **the default**" in audit_log_text(
        LimitChanged(LimitScope.GUILD, 0, None, Limit(5, Period.DAY), "")
    )
    assert "to **no limit of its own**" in audit_log_text(
        LimitChanged(LimitScope.CEILING, 0, Limit(5, Period.DAY), None, "")
    )


@pytest.mark.parametrize("event", [EVENTS[2], EVENTS[-1]])
def test_the_operator_is_not_named(event: object) -> None:
    assert "the people who run this bot" in audit_log_text(event)
    assert str(ADMIN) not in audit_log_text(event)


def test_an_erased_member_is_not_mentioned() -> None:
    text = audit_log_text(RefundIssued(JOB_ID, 0, 4, "blurry"), by=0)
    assert "<@0>" not in text
    assert text.count("somebody whose name was erased") == 2


@pytest.mark.parametrize(
    "event",
    [
        LimitChanged(LimitScope.MEMBER, -5, None, Limit(5, Period.DAY), ""),
        GrantIssued(-5, 4, "", None),
        GrantRevoked(-5, 4, 4, ""),
    ],
)
def test_the_number_of_an_anonymized_member_is_not_shown(event: object) -> None:
    assert "-5" not in audit_log_text(event)
    assert "somebody whose name was erased" in audit_log_text(event)


def test_a_grant_to_an_anonymized_member_has_no_number() -> None:
    erased = grant(-5)
    assert "-5" not in limits_text(ActiveLimits(DEFAULT, (), (erased,)))
    (choice,) = limit_choices.choices(ActiveLimits(DEFAULT, (), (erased,)), "", {})
    assert choice.name.startswith("Grant to somebody whose name was erased: ")


def test_an_empty_log_says_so() -> None:
    assert "Nothing was changed" in text_of(audit_log_views.audit_log_view(AuditPage((), None, None), []))


# Grants and refunds


def test_a_grant_shows_its_member_amount_expiry_and_what_it_does_not_do() -> None:
    text = text_of(grants_views.grant_view(grant(expires_at=NOON), needed=True))
    for part in (
        "**50 credits**",
        f"<@{MEMBER}>",
        f"<t:{NOON // 1000}:R>",
        "a prize",
        "This server's limit still applies",
    ):
        assert part in text
    assert "waits until one does" in text_of(grants_views.grant_view(grant(), needed=False))
    whole = text_of(grants_views.grant_view(grant(WHOLE_GUILD, reason=MARKUP), needed=False))
    assert "the whole server" in whole
    assert "does not expire" in whole


def test_a_refund_shows_its_member_and_that_rivya_was_paid() -> None:
    text = text_of(grants_views.refund_view(Refund(JOB_ID, MEMBER, 4), "blurry"))
    for part in ("4 credits", f"<@{MEMBER}> no longer count against", "blurry", JOB_ID, "still paid"):
        assert part in text
    one = text_of(grants_views.refund_view(Refund(JOB_ID, MEMBER, 1), "blurry"))
    assert f"**1 credit** of <@{MEMBER}> no longer counts against" in one


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        (JOB_ID, JOB_ID),
        (f" {JOB_ID.upper()} ", JOB_ID),
        (f"{JOB_ID}.png", JOB_ID),
        (f"{JOB_ID}.jpg", JOB_ID),
        (picture_filename(JOB_ID, "png", 2), JOB_ID),
        ("0b0e", "0b0e"),
        ("", None),
        ("a red fox", None),
        ("%", None),
        ("0b0e'; --", None),
        (JOB_ID + "0", None),
        ("-", None),
    ],
)
def test_a_job_is_named_by_its_id_the_beginning_of_it_or_its_file_name(typed: str, found: str | None) -> None:
    assert grants_views.job_beginning(typed) == found


@pytest.mark.parametrize("prompt", ["a red fox", "", MARKUP, "🎨" * 200, "a\nfox"])
def test_a_picture_to_refund_is_one_line_with_its_date_and_price(prompt: str) -> None:
    picture = RefundablePicture(JOB_ID, 4, datetime(2026, 6, 1, 14, 3, tzinfo=UTC), prompt)
    (choice,) = autocomplete_choices([(grants_views.picture_label(picture), JOB_ID)])
    label = choice.name
    assert label.startswith("2026-06-01 14:03 · 4 credits · ")
    assert utf16_length(label) <= 100
    assert "\n" not in label
    assert (JOB_ID[:8] in label) is (prompt == "")


def test_pictures_of_one_request_say_which_and_all_of_them_how_many() -> None:
    second = RefundablePicture(JOB_ID, 4, datetime(2026, 6, 1, tzinfo=UTC), "a fox", number=2, group_size=4)
    assert grants_views.picture_label(second) == "2026-06-01 00:00 · 4 credits · picture 2 of 4 · a fox"
    assert grants_views.picture_value(second) == JOB_ID
    every = replace(second, credits=12, pictures=3)
    assert grants_views.picture_label(every) == "2026-06-01 00:00 · 12 credits · 3 pictures · a fox"
    value = grants_views.picture_value(every)
    assert (grants_views.job_beginning(value), grants_views.means_all(value)) == (JOB_ID, True)
    assert (grants_views.job_beginning(JOB_ID), grants_views.means_all(JOB_ID)) == (JOB_ID, False)
    text = text_of(
        grants_views.refund_view(Refund(JOB_ID, MEMBER, 12, pictures=3, left_out=1), "six fingers")
    )
    assert_contains(text, "### 3 pictures were refunded", "**12 credits**", "1 other picture of the request")
    assert "other" not in text_of(grants_views.refund_view(Refund(JOB_ID, MEMBER, 4), "six fingers"))


# Settings


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("", "UTC"),
        ("utc", "UTC"),
        ("berl", "Europe/Berlin"),
        ("NEW YORK", "America/New_York"),
        ("europe/ber", "Europe/Berlin"),
        ("jakarta", "Asia/Jakarta"),
    ],
)
def test_the_best_match_of_a_time_zone_comes_first(typed: str, first: str) -> None:
    choices = timezones.zone_choices(typed)
    assert choices[0].value == first
    assert len(choices) <= 25
    assert all(utf16_length(choice.name) <= 100 for choice in choices)


def test_a_time_zone_has_its_offset_at_that_time() -> None:
    for zone, month, label in (
        ("berlin", 7, "Europe/Berlin (UTC+02:00)"),
        ("berlin", 1, "Europe/Berlin (UTC+01:00)"),
        ("st_johns", 1, "America/St_Johns (UTC-03:30)"),
    ):
        with time_machine.travel(datetime(2026, month, 1, tzinfo=UTC)):
            assert timezones.zone_choices(zone)[0].name == label


def test_a_time_zone_is_found_however_it_is_typed() -> None:
    assert timezones.zone_named(" europe/berlin ") == "Europe/Berlin"
    assert timezones.zone_named("america/new york") == "America/New_York"
    assert timezones.zone_named("Middle Earth") is None
    assert timezones.zone_named("../../etc/passwd") is None


@given(st.text(max_size=30))
def test_only_existing_time_zones_are_suggested(typed: str) -> None:
    assert {choice.value for choice in timezones.zone_choices(typed)} <= set(timezones.zones())


@pytest.mark.parametrize(
    ("name", "before", "after", "text"),
    [
        (GuildSetting.TIMEZONE, None, "Asia/Jakarta", "From **UTC** to **Asia/Jakarta**"),
        (GuildSetting.ALERT_CHANNEL, "77", None, "From **in <#77>** to **off**"),
        (GuildSetting.CONFIRM_ABOVE, None, "3", "From **never** to **above 3 credits**"),
        (GuildSetting.COOLDOWN_SECONDS, None, "7200", "From **none** to **2 hours**"),
        (GuildSetting.RUNNING_LIMIT, "3", None, "From **3** to **as many as they like**"),
        (GuildSetting.PICTURE_LIMIT, None, "2", "From **up to four** to **2**"),
        (GuildSetting.AGE_RESTRICTED_ONLY, None, "on", "From **off** to **on**"),
        (GuildSetting.OWNER_ONLY, "on", None, "From **on** to **off**"),
    ],
)
def test_a_setting_shows_its_values_before_and_after(
    name: GuildSetting, before: str | None, after: str | None, text: str
) -> None:
    assert text in text_of(settings_views.changed_view(name, SettingChange(before, after), "A note."))


def test_a_closed_channel_names_the_missing_permissions() -> None:
    assert "View Channel, Send Messages" in settings_views.unusable_channel(
        7, ("view_channel", "send_messages")
    )


# Indonesian


def assert_contains(text: str, *parts: str) -> None:
    assert [part for part in parts if part not in text] == []


@pytest.mark.parametrize(
    ("rule", "after"),
    [
        (LimitScope.GUILD, "termasuk yang dikecualikan"),
        (LimitScope.EVERYONE, "kecuali yang punya batas sendiri"),
        (LimitScope.ROLE, "peran dengan sisa terbanyak"),
        (LimitScope.MEMBER, "menggantikan batas perannya"),
    ],
)
@pytest.mark.parametrize(
    ("granted", "resets_at", "until"),
    [
        (0, NOON, "tidak ada gambar baru sampai batasnya direset atau dinaikkan"),
        (0, None, "tidak ada gambar baru sampai batasnya dinaikkan"),
        (8, NOON, "hanya hibah yang membayar sampai batasnya direset atau dinaikkan"),
        (8, None, "hanya hibah yang membayar sampai batasnya dinaikkan"),
    ],
)
def test_a_change_is_translated(
    rule: LimitScope, after: str, granted: int, resets_at: int | None, until: str
) -> None:
    subject = MEMBER if rule in {LimitScope.MEMBER, LimitScope.ROLE} else 0
    new = limit(rule, subject, reason="hemat")
    used = Usage(rule, 20, 21, 0, Period.MONTH, resets_at, subject, granted_credits=granted)
    with use_locale("id"):
        text = text_of(views.limit_changed_view(new, LimitChange(DEFAULT, new, used)))
    assert_contains(text, "### Batas diubah", "dari **200", "menjadi **20", "Alasan: hemat", until, after)
    assert (str(MEMBER) in text) is bool(subject)


def test_removals_are_translated() -> None:
    before = limit(LimitScope.GUILD)
    with use_locale("id"):
        removed = text_of(views.limit_removed_view(before, LimitChange(before, DEFAULT, None), "lama"))
        revoked = text_of(views.revoked_view(grant(), "selesai"))
        exempt = limit(LimitScope.ROLE, ROLE, exempt=True)
        freed = text_of(views.limit_changed_view(exempt, LimitChange(None, exempt, None)))
        wrong = views.validate_terms(5, None, exempt=False)
    assert_contains(
        removed, "### Batas dicabut", "dari **20", "menjadi **200", "Alasan: lama", "-# Itu pengaturan bawaan"
    )
    assert_contains(
        revoked, "### Hibah ditarik kembali", f"Tersisa 30 dari 50 kredit untuk <@{MEMBER}>.", "selesai"
    )
    assert_contains(freed, "Sekarang tidak ada batas anggota yang berlaku baginya", str(ROLE))
    assert_contains(wrong, "Isi kredit", "`bebas: True`")


def test_choices_are_translated() -> None:
    with use_locale("id"):
        choices = [choice.name for choice in limit_choices.choices(ACTIVE, "", {ROLE: "Pelukis"})]
        (gone,) = limit_choices.choices(ACTIVE, f"<@&{ROLE}>", {})
    starts = (
        "Server ini: 20",
        "Setiap anggota: 20",
        f"Anggota {MEMBER}: 20",
        "Peran Pelukis: 20",
        f"Hibah untuk anggota {MEMBER}: tersisa 30 dari 50",
        "Hibah untuk server ini: tersisa 30 dari 50",
    )
    assert [name for name, start in zip(choices, starts, strict=True) if not name.startswith(start)] == []
    assert gone.name.startswith(f"Peran {ROLE} (sudah dihapus): 20")


def test_show_is_translated() -> None:
    many = tuple(limit(LimitScope.MEMBER, MEMBER - n, reason=MARKUP) for n in range(60))
    grants = (*ACTIVE.grants, grant(expires_at=NOON, reason="lomba"))
    ceiling = MemberLimits(usage(LimitScope.GUILD), (usage(LimitScope.CEILING, 7, 77),))
    with use_locale("id"):
        text = limits_text(ActiveLimits(ACTIVE.guild, ACTIVE.limits, grants), ceiling, {OTHER_ROLE})
        full = limits_text(ActiveLimits(DEFAULT, many, ()))
    day, end = f"<t:{NOON // 1000}:d>", f"<t:{NOON // 1000}:f>"
    assert_contains(
        text,
        "### Batas server ini",
        "** untuk seluruh server",
        f"Ditetapkan oleh <@{ADMIN}>, {day}.",
        "Pengelola bot ini mengizinkan server ini paling banyak **77",
        "**Anggota**\n- Setiap anggota: **20",
        f"**, ditetapkan oleh <@{ADMIN}>, {day}: a friend",
        f"**Peran**\n- Peran yang sudah dihapus ({ROLE}): **20",
        f"**Hibah**\n- <@{MEMBER}>: tersisa **30 dari 50",
        "- seluruh server: tersisa **30 dari 50",
        f"**, berlaku sampai {end}, diberikan oleh <@{ADMIN}>, {day}: lomba",
        "Zona waktu: Asia/Jakarta",
        "Peringatan: di <#77>",
        "Tanya dulu sebelum memakai kredit: tidak pernah",
    )
    assert_contains(
        full, "Pengaturan bawaan bot ini; belum ada yang mengubahnya di sini.", " lainnya", "Zona waktu: "
    )


def test_explain_is_translated() -> None:
    personal = usage(LimitScope.MEMBER, 18, 20, MEMBER)
    with use_locale("id"):
        bound = explain_lines(
            MemberLimits(
                usage(LimitScope.GUILD, 190),
                (usage(LimitScope.CEILING_ALL, 99_999, 100_000),),
                personal,
                (usage(LimitScope.ROLE, 1, 10, ROLE),),
            ),
            limit(LimitScope.EVERYONE, exempt=True),
            is_member=False,
        )
        left = explain_lines(MemberLimits(usage(LimitScope.GUILD, 160)))
    assert_contains(
        "\n".join(bound),
        f"### Batas yang berlaku bagi <@{MEMBER}>",
        "Bukan (atau bukan lagi) anggota server ini",
        " sudah habis. ",
        "** Ini yang menentukan.",
        " dilewati, karena yang dipakai adalah aturan khusus untuknya: 1",
        "- Pengecualian untuk semua anggota dilewati, karena yang dipakai adalah aturan khusus untuknya.",
        "-# Satu gambar seharga 4",
        ": sisanya tidak cukup untuk satu gambar pun.",
    )
    assert_contains(
        "\n".join(left), "- Tidak ada batas anggota yang berlaku baginya.", ": cukup untuk 10 gambar lagi."
    )


@pytest.mark.parametrize(
    ("rule", "by"),
    [
        (LimitScope.EVERYONE, "seperti semua anggota"),
        (LimitScope.ROLE, f"melalui <@&{ROLE}>"),
        (LimitScope.MEMBER, "secara khusus"),
    ],
)
def test_an_exemption_is_translated(rule: LimitScope, by: str) -> None:
    exempt = limit(rule, ROLE, exempt=True)
    roles = tuple(usage(LimitScope.ROLE, 0, 10, OTHER_ROLE - n) for n in range(100))
    with use_locale("id"):
        text = "\n".join(
            explain_lines(MemberLimits(usage(LimitScope.GUILD), (), None, roles, exempt), exempt)
        )
    assert text.endswith(": cukup untuk 49 gambar lagi.")
    assert_contains(text, f"{by}: tidak ada batas anggota", " lainnya yang tidak dipakai")
    assert ("peran lain memberinya pengecualian" in text) == (rule is LimitScope.ROLE)


def test_the_reasons_of_superseded_limits_are_translated() -> None:
    role, passed = (
        usage(LimitScope.ROLE, 0, 20, ROLE),
        (usage(LimitScope.EVERYONE), usage(LimitScope.ROLE, 0, 9, OTHER_ROLE)),
    )
    with use_locale("id"):
        text = "\n".join(explain_lines(MemberLimits(usage(LimitScope.GUILD), (), role, passed)))
    assert_contains(
        text, "yang dipakai adalah aturan salah satu perannya: 4", "peran lain menyisakan lebih banyak: 0"
    )


@pytest.mark.parametrize(
    ("event", "parts"),
    [
        (EVENTS[0], ("dari **", f"{ROLE}", "menjadi **5", "Alasan: ")),
        (EVENTS[1], ("dari **pengaturan bawaan** menjadi **5",)),
        (EVENTS[2], ("oleh pengelola bot ini", "menjadi **tanpa batas sendiri**")),
        (EVENTS[3], ("Memberikan **", f"kepada <@{MEMBER}>, berlaku sampai <t:")),
        (EVENTS[4], ("Memberikan **5", "kepada seluruh server. Alasan: a feast")),
        (EVENTS[5], ("Menarik kembali **", f"yang diberikan kepada <@{MEMBER}>. Alasan: ")),
        (EVENTS[6], ("Mengembalikan **", f"milik <@{MEMBER}>, `{JOB_ID}`. Alasan: ")),
        (EVENTS[7], ("Zona waktu: dari **UTC** menjadi **America/Argentina/ComodRivadavia**.",)),
        (EVENTS[8], ("Peringatan: dari **nonaktif** menjadi **di <#77>**.",)),
        (EVENTS[9], ("oleh pengelola bot ini", "Gambar baru dijeda. Alasan: ")),
        (PauseChanged(paused=False, sentence=""), ("Gambar baru diterima lagi.",)),
    ],
)
def test_the_audit_log_is_translated(event: object, parts: tuple[str, ...]) -> None:
    with use_locale("id"):
        text = audit_log_text(event)
    assert_contains(text, "### Catatan, yang terbaru di atas", f"<t:{NOON // 1000}:f>, oleh ", *parts)


def test_an_empty_log_and_the_page_buttons_are_translated() -> None:
    with use_locale("id"):
        text = text_of(audit_log_views.audit_log_view(AuditPage((), None, None), []))
        labels = [page_button(way, Cursor(NOON, 1, "1")).label for way in PageDirection]
    assert_contains(text, "### Catatan\nBelum ada yang diubah di sini")
    assert labels == ["Sebelumnya", "Berikutnya"]


def test_grants_and_refunds_are_translated() -> None:
    with use_locale("id"):
        needed = text_of(grants_views.grant_view(grant(expires_at=NOON, reason="lomba"), needed=True))
        waiting = text_of(grants_views.grant_view(grant(), needed=False))
        whole = text_of(grants_views.grant_view(grant(WHOLE_GUILD), needed=False))
        refunded = text_of(grants_views.refund_view(Refund(JOB_ID, MEMBER, 4), "buram"))
        label = grants_views.picture_label(RefundablePicture(JOB_ID, 4, datetime(2026, 6, 1, tzinfo=UTC), ""))
    assert_contains(
        needed, "### Kredit diberikan\n**50", f"** di luar batas untuk <@{MEMBER}>.", "Alasan: lomba"
    )
    assert_contains(
        needed, f"Hibah ini kedaluwarsa <t:{NOON // 1000}:R>.", "-# Hibah ini menutup biaya", "batasnya."
    )
    assert_contains(waiting, "Hibah ini tidak kedaluwarsa.", "hibah ini menunggu sampai ada")
    assert_contains(whole, "untuk seluruh server.", "yang melebihi batas server ini,")
    assert_contains(
        refunded, "### Kredit gambar dikembalikan", f"**4 kredit** milik <@{MEMBER}>", "Alasan: buram"
    )
    assert_contains(refunded, f"-# `{JOB_ID}`. Yang ditagih Rivya tetap dibayar oleh pengelola bot ini.")
    assert label.startswith("2026-06-01 00:00 · 4 ")
    assert label.endswith(" · 0b0e7c62, prompt tidak ditampilkan")


def test_settings_are_translated() -> None:
    change = SettingChange(None, "3")
    with use_locale("id"):
        note = settings_views.zone_note(usage(LimitScope.GUILD))
        text = text_of(settings_views.changed_view(GuildSetting.CONFIRM_ABOVE, change, note))
        unknown = settings_views.unknown_zone("Bandung")
        closed = settings_views.unusable_channel(7, ("view_channel",))
    assert_contains(
        text, "### Tanya dulu sebelum memakai kredit", "Dari **tidak pernah** menjadi **di atas 3 "
    )
    assert_contains(text, "dimulai tengah malam di sana. Saat ini: 4")
    assert_contains(unknown, 'Tidak ada zona waktu "Bandung".', "`Europe/Berlin`")
    assert_contains(closed, "Saya tidak bisa mengirim pesan di <#7>: ")


def test_refused_members_are_translated() -> None:
    bot, stranger = (SimpleNamespace(id=MEMBER, bot=is_bot) for is_bot in (True, False))
    with use_locale("id"):
        text = [not_a_member(bot), not_a_member(stranger)]  # type: ignore[arg-type]
    assert text == [
        f"<@{MEMBER}> adalah bot, dan bot tidak meminta gambar. Pilih anggota.",
        f"<@{MEMBER}> bukan (atau bukan lagi) anggota server ini. Pilih anggota.",
    ]
