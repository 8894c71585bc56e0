"""Access rules: what they refuse, how they are stored, and fifty concurrent requests."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from bot.credits.ledger import Ledger
from bot.domain.access import (
    AccessPolicy,
    AccessRule,
    Effect,
    RecentActivity,
    RuleTarget,
    blocked_words,
    check_access,
    requires_spoiler,
)
from bot.domain.clock import now_ms
from bot.domain.errors import MemberError, MemberReason
from bot.domain.jobs import Job, Preset, Reference, RequestContext, Stage
from bot.domain.text_folding import fold_text
from bot.guilds import access_rules as store_module
from bot.guilds.access_rules import DOUBLE_CLICK_MS, AccessRuleStore
from bot.guilds.settings import GuildSetting, GuildSettingsStore
from bot.jobs.store import JobStore
from bot.storage.database import Database
from tests.support.factories import NO_CONTEXT, accept, make_job, make_request

ADMIN = 99
MEMBER = 7
AT = 1_790_000_000_000
THREAD = RequestContext(channel_ids=(21, 20, 2))
"""The thread 21 of the channel 20 in the category 2."""


@pytest.fixture
def access_rules(database: Database) -> AccessRuleStore:
    return AccessRuleStore(database)


@pytest.fixture
def guilds(database: Database) -> GuildSettingsStore:
    return GuildSettingsStore(database)


def allow(kind: RuleTarget, subject: int) -> AccessRule:
    return AccessRule(kind, str(subject), Effect.ALLOW, set_by=ADMIN)


def deny(kind: RuleTarget, subject: int) -> AccessRule:
    return AccessRule(kind, str(subject), Effect.DENY, set_by=ADMIN)


def block_word(typed: str) -> AccessRule:
    return AccessRule(RuleTarget.WORD, fold_text(typed), Effect.DENY, words=typed, set_by=ADMIN)


def blocked_word(text: str, policy: AccessPolicy) -> str | None:
    return next(blocked_words(text, policy), None)


def make_policy(*rules: AccessRule, **settings: int) -> AccessPolicy:
    return AccessPolicy(rules=rules, **settings)  # type: ignore[arg-type]  # numbers and booleans, by their names


def refusal(
    policy: AccessPolicy,
    context: RequestContext = NO_CONTEXT,
    recent: RecentActivity | None = None,
    prompt: str = "a red fox",
) -> MemberError | None:
    try:
        check_access(
            make_request(user_id=MEMBER, prompt=prompt), context, policy, recent or RecentActivity(), AT
        )
    except MemberError as error:
        return error
    return None


ROLES = RequestContext(role_ids=(31, 32))
ROLE, CHANNEL = MemberReason.ROLE_REFUSED, MemberReason.CHANNEL_REFUSED
TABLE = {
    "nothing is set": (make_policy(), NO_CONTEXT, None),
    "this member is blocked": (
        make_policy(deny(RuleTarget.MEMBER, 7)),
        NO_CONTEXT,
        MemberReason.MEMBER_BLOCKED,
    ),
    "another member is blocked": (make_policy(deny(RuleTarget.MEMBER, 8)), NO_CONTEXT, None),
    "a role of theirs is denied": (make_policy(deny(RuleTarget.ROLE, 32)), ROLES, ROLE),
    "another role is denied": (make_policy(deny(RuleTarget.ROLE, 33)), ROLES, None),
    "a role is denied, and they have none": (make_policy(deny(RuleTarget.ROLE, 33)), NO_CONTEXT, None),
    "a role of theirs is allowed": (make_policy(allow(RuleTarget.ROLE, 31)), ROLES, None),
    "another role is allowed": (make_policy(allow(RuleTarget.ROLE, 33)), ROLES, ROLE),
    "a role is allowed, and they have none": (make_policy(allow(RuleTarget.ROLE, 31)), NO_CONTEXT, ROLE),
    "one of two allowed roles is theirs": (
        make_policy(allow(RuleTarget.ROLE, 33), allow(RuleTarget.ROLE, 31)),
        ROLES,
        None,
    ),
    "denied beats allowed": (make_policy(allow(RuleTarget.ROLE, 31), deny(RuleTarget.ROLE, 32)), ROLES, ROLE),
    "denied beats allowed, set first": (
        make_policy(deny(RuleTarget.ROLE, 32), allow(RuleTarget.ROLE, 31)),
        ROLES,
        ROLE,
    ),
    "the thread is denied": (make_policy(deny(RuleTarget.CHANNEL, 21)), THREAD, CHANNEL),
    "the channel over the thread is denied": (make_policy(deny(RuleTarget.CHANNEL, 20)), THREAD, CHANNEL),
    "the category is denied": (make_policy(deny(RuleTarget.CHANNEL, 2)), THREAD, CHANNEL),
    "a channel beside it is denied": (make_policy(deny(RuleTarget.CHANNEL, 22)), THREAD, None),
    "the category is allowed": (make_policy(allow(RuleTarget.CHANNEL, 2)), THREAD, None),
    "the channel over the thread is allowed": (make_policy(allow(RuleTarget.CHANNEL, 20)), THREAD, None),
    "a channel beside it is allowed": (make_policy(allow(RuleTarget.CHANNEL, 22)), THREAD, CHANNEL),
    "its category is allowed, and it denied": (
        make_policy(allow(RuleTarget.CHANNEL, 2), deny(RuleTarget.CHANNEL, 20)),
        THREAD,
        CHANNEL,
    ),
    "a role with a channel's number is denied": (make_policy(deny(RuleTarget.ROLE, 20)), THREAD, None),
    "only age-restricted channels, and this is none": (
        make_policy(age_restricted_only=True),
        THREAD,
        MemberReason.AGE_RESTRICTED_ONLY,
    ),
    "only age-restricted channels, and this is one": (
        make_policy(age_restricted_only=True),
        RequestContext(age_restricted=True),
        None,
    ),
    "a word is blocked": (make_policy(block_word("Fox")), NO_CONTEXT, MemberReason.WORD_BLOCKED),
    "another word is blocked": (make_policy(block_word("vixen")), NO_CONTEXT, None),
    "spoilers refuse nobody": (
        make_policy(allow(RuleTarget.SPOILER_ROLE, 31), allow(RuleTarget.SPOILER_CHANNEL, 20)),
        replace(THREAD, role_ids=(31,)),
        None,
    ),
    "the buttons are their owner's": (make_policy(owner_only=True), NO_CONTEXT, None),
}


@pytest.mark.parametrize(("policy", "context", "reason"), TABLE.values(), ids=TABLE.keys())
def test_rules_allow_or_refuse_a_member_in_a_channel(
    policy: AccessPolicy, context: RequestContext, reason: MemberReason | None
) -> None:
    refused = refusal(policy, context)
    assert (None if refused is None else refused.reason) is reason


@pytest.mark.parametrize(
    ("policy", "recent", "reason"),
    [
        (make_policy(running_limit=2), RecentActivity(running=1), None),
        (make_policy(running_limit=2), RecentActivity(running=2), MemberReason.TOO_MANY_RUNNING),
        (make_policy(running_limit=2), RecentActivity(running=3), MemberReason.TOO_MANY_RUNNING),
        (make_policy(), RecentActivity(running=50), None),
        (make_policy(cooldown_seconds=60), RecentActivity(), None),
        (make_policy(cooldown_seconds=60), RecentActivity(asked_at=AT - 59_999), MemberReason.COOLDOWN),
        (make_policy(cooldown_seconds=60), RecentActivity(asked_at=AT - 60_000), None),
        # The clock was set back.
        (
            make_policy(cooldown_seconds=60),
            RecentActivity(asked_at=AT + 5),
            MemberReason.COOLDOWN,
        ),
        (make_policy(), RecentActivity(asked_at=AT), None),
        (
            make_policy(cooldown_seconds=60, running_limit=1),
            RecentActivity(1, AT),
            MemberReason.TOO_MANY_RUNNING,
        ),
    ],
)
def test_limits_on_running_jobs_and_cooldowns_refuse_or_allow(
    policy: AccessPolicy, recent: RecentActivity, reason: MemberReason | None
) -> None:
    refused = refusal(policy, recent=recent)
    assert (None if refused is None else refused.reason) is reason


def test_a_refusal_has_the_data_of_its_message() -> None:
    blocked = replace(deny(RuleTarget.MEMBER, MEMBER), reason="spam", expires_at=AT + 5)
    found = {
        "member": refusal(make_policy(blocked)),
        "denied": refusal(
            make_policy(deny(RuleTarget.ROLE, 32), deny(RuleTarget.ROLE, 31), allow(RuleTarget.ROLE, 31)),
            ROLES,
        ),
        "allowed": refusal(make_policy(allow(RuleTarget.CHANNEL, 40), allow(RuleTarget.CHANNEL, 30)), THREAD),
        "word": refusal(make_policy(block_word("Red  FOX!"))),
        "running": refusal(make_policy(running_limit=2), recent=RecentActivity(running=3)),
        "cooldown": refusal(make_policy(cooldown_seconds=60), recent=RecentActivity(asked_at=AT - 1000)),
    }
    assert {name: error.data for name, error in found.items() if error is not None} == {
        "member": {"why": "spam", "expires_at": AT + 5},
        "denied": {"denied": [31, 32], "allowed": []},
        "allowed": {"denied": [], "allowed": [30, 40]},
        "word": {"word": "Red  FOX!"},
        "running": {"running": 3, "limit": 2, "pictures": 1},
        "cooldown": {"over_at": AT + 59_000, "seconds": 60},
    }


LISTED = st.lists(st.sampled_from(range(30, 36)), max_size=4, unique=True)


@given(denied=LISTED, allowed=LISTED, ids=LISTED)
def test_denied_beats_allowed_and_a_list_of_allowed_excludes_others(
    denied: list[int], allowed: list[int], ids: list[int]
) -> None:
    for kind, context in (
        (RuleTarget.ROLE, RequestContext(role_ids=tuple(ids))),
        (RuleTarget.CHANNEL, RequestContext(channel_ids=tuple(ids))),
    ):
        policy = make_policy(*(deny(kind, each) for each in denied), *(allow(kind, each) for each in allowed))
        allowed_here = not set(denied) & set(ids) and (not allowed or bool(set(allowed) & set(ids)))
        assert (refusal(policy, context) is None) is allowed_here


@given(roles=LISTED, channels=LISTED, of_role=LISTED, of_channel=LISTED)
def test_a_spoiler_is_required_by_a_role_or_by_the_channel_or_its_parents(
    roles: list[int], channels: list[int], of_role: list[int], of_channel: list[int]
) -> None:
    policy = make_policy(
        *(allow(RuleTarget.SPOILER_ROLE, each) for each in of_role),
        *(allow(RuleTarget.SPOILER_CHANNEL, each) for each in of_channel),
    )
    wanted = bool(set(roles) & set(of_role)) or bool(set(channels) & set(of_channel))
    assert requires_spoiler(RequestContext(tuple(roles), tuple(channels)), policy) is wanted


# Blocked words.


@pytest.mark.parametrize(
    ("blocked", "prompt"),
    [
        ("fox", "a FOX."),
        ("fox", "a fóx"),
        ("fox", "a fo\u0308x"),
        ("fox", "a \uff46\uff4f\uff58"),
        ("fox", "a \U0001d41f\U0001d428\U0001d431 and \U0001d4bb\u2134\U0001d4cd"),
        ("fox", "a f\u200bo\u200dx\ufeff"),
        ("fox", "a f\u00ado\u2060x"),
        ("fox", "a \u202efox\u202c"),
        ("fox", "(fox)"),
        ("fox", "red-fox"),
        ("fox", "_fox_"),
        ("fox", "red_fox"),
        ("fox", "fox\nhen"),
        ("FÖX", "fox"),
        ("red fox", "a red, fox"),
        ("red fox", "a red_fox"),
        ("red fox", "red\n\n  fox"),
        ("red fox", "red \u2013 fox"),
        ("straße", "STRASSE"),
        ("fish", "a ﬁsh"),
        ("λόγος", "ΛΟΓΟΣ"),
        ("ёлка", "ЕЛКА"),
        ("狐", "赤い狐の絵"),
        ("きつね", "赤いきつねの絵"),
        ("キツネ", "赤いｷﾂﾈの絵"),
        ("สุนัข", "วาดสุนัขสีแดง"),
        ("여우", "빨간 여우"),
        ("كتاب", "كِتاب"),
        ("हिन्दी", "हिन्दी में"),
        ("ไม่", "ไม่เอา"),
        ("7", "seven 7"),
    ],
)
def test_a_blocked_word_is_found_however_it_is_written(blocked: str, prompt: str) -> None:
    assert blocked_word(prompt, make_policy(block_word(blocked))) == blocked


@pytest.mark.parametrize(
    ("blocked", "prompt"),
    [
        ("fox", "a foxtrot"),
        ("fox", "an outfox"),
        ("fox", "a f o x"),
        ("fox", ""),
        ("red fox", "a fox that is red"),
        ("red fox", "red hen, fox"),
        ("red fox", "a redfox"),
        ("여우", "여우비"),
        ("狐", "a fox"),
    ],
)
def test_other_words_are_not_blocked(blocked: str, prompt: str) -> None:
    assert blocked_word(prompt, make_policy(block_word(blocked))) is None


@pytest.mark.parametrize(
    "character", ["\ufe0f", "\u180b", "\u3164", "\u115f", "\U000e0101", "\u20e3", "\u0336"]
)
def test_an_invisible_character_does_not_hide_a_blocked_word(character: str) -> None:
    assert blocked_word(f"a fo{character}x", make_policy(block_word("fox"))) == "fox"


MAN, FAMILY = "\U0001f468", "\U0001f468\u200d\U0001f469\u200d\U0001f467"
RUNNER, RUNNING_WOMAN = "\U0001f3c3", "\U0001f3c3\u200d\u2640\ufe0f"
PRIDE, RAINBOW = "\U0001f3f3\ufe0f\u200d\U0001f308", "\U0001f308"
THUMB, DARK_THUMB, PALE_THUMB = "\U0001f44d", "\U0001f44d\U0001f3ff", "\U0001f44d\U0001f3fb"
BLACK_FLAG = "\U0001f3f4"
ENGLAND = BLACK_FLAG + "".join(chr(0xE0000 + ord(char)) for char in "gbeng") + "\U000e007f"


@pytest.mark.parametrize(
    ("blocked", "prompt"),
    [
        ("🦊", "a🦊b"),
        ("🦊", "🐔🦊🐔"),
        ("🦊", "🐔\u200d🦊"),  # shown as two
        ("🦊", "🦊\ufe0f\u200b"),
        ("❤", "❤\ufe0f"),
        ("❤\ufe0f", "❤"),
        (THUMB, DARK_THUMB),
        (DARK_THUMB, PALE_THUMB),
        (MAN, FAMILY),
        (FAMILY, f"the{FAMILY}s"),
        (RUNNER, RUNNING_WOMAN),
        (RUNNING_WOMAN, RUNNING_WOMAN.replace("\ufe0f", "")),
        (RAINBOW, PRIDE),
        (PRIDE, f"{PRIDE}\u200d🔥"),
        ("🇩🇪", "🇫🇷🇩🇪"),
        ("🇩🇪", f"{MAN}\u200d🇩🇪"),
        (ENGLAND, f"to {ENGLAND}!"),
        ("7\ufe0f\u20e3", "7"),
        ("7", "7\ufe0f\u20e3"),
        ("#\ufe0f\u20e3", "#\u20e3"),
        ("red fox", "red 🦊 fox"),  # an emoji between them hides no phrase
        ("fox", "🦊fox🦊"),
        ("狐", "🦊狐🦊"),
        ("🦊 fox", "a 🦊 Fox"),
        ("🔪👶", "🔪 👶"),
        ("🔪👶", "🔪\u200d👶"),
        ("☭", "a ☭ flag"),
        ("<:fox:123>", "say <:fox:123>!"),
        ("<:fox:123>", "say <a:fox:123>"),
        ("fox", "<:fox:123>"),
    ],
    ids=ascii,
)
def test_a_blocked_emoji_is_found(blocked: str, prompt: str) -> None:
    assert blocked_word(prompt, make_policy(block_word(blocked))) == blocked


@pytest.mark.parametrize(
    ("blocked", "prompt"),
    [
        ("🦊", "a fox 🐺"),
        ("fox", "🦊"),
        (FAMILY, "\U0001f468\U0001f469\U0001f467"),
        (FAMILY, MAN),
        (PRIDE, RAINBOW),
        (RUNNING_WOMAN, RUNNER),
        ("🇪🇫", "🇩🇪🇫🇷"),
        ("🇩", "🇩🇪"),
        (BLACK_FLAG, ENGLAND),
        ("#\ufe0f\u20e3", "#1"),
        ("🦊 fox", "a fox"),
        ("🔪👶", "👶🔪"),
        ("<:fox:123>", "<:fox:124>"),
        ("<:fox:123>", "a fox"),
    ],
    ids=ascii,
)
def test_other_emoji_are_not_blocked(blocked: str, prompt: str) -> None:
    assert blocked_word(prompt, make_policy(block_word(blocked))) is None


def in_preset(before: str, after: str, policy: AccessPolicy, prompt: str = "a hen") -> MemberError | None:
    request = replace(make_request(prompt=prompt), preset=Preset("Oil", before, after))
    try:
        check_access(request, NO_CONTEXT, policy, RecentActivity(), AT)
    except MemberError as error:
        return error
    return None


@pytest.mark.parametrize(
    ("before", "after", "prompt"),
    [
        ("a FÓX and", "", "a hen"),
        ("", "beside 🦊", "a hen"),
        ("a red", "", "fox"),  # the phrase is in both together
        ("", "fox", "red"),
    ],
)
def test_words_that_a_preset_adds_are_judged_like_the_members_own(
    before: str, after: str, prompt: str
) -> None:
    policy = make_policy(block_word("fox"), block_word("🦊"), block_word("red fox"))
    if prompt != "a hen":
        policy = make_policy(block_word("red fox"))
    refused = in_preset(before, after, policy, prompt)
    assert refused is not None
    assert refused.reason is MemberReason.WORD_BLOCKED
    assert refused.data["preset"] == "Oil"


def test_the_members_own_word_is_named_as_such_in_any_preset() -> None:
    policy = replace(make_policy(block_word("fox")), preset_words={("a fox", ""): frozenset({"fox"})})
    own = in_preset("a fox", "", policy, "one more fox")
    assert own is not None
    assert own.data == {"word": "fox"}


def test_a_word_that_its_admin_was_told_of_is_allowed_in_that_preset_only() -> None:
    policy = replace(
        make_policy(block_word("Fóx"), block_word("owl")), preset_words={("a fox", ""): frozenset({"fox"})}
    )
    assert in_preset("a fox", "", policy) is None
    for before, after in (("", "a fox"), ("a fox", "and an owl"), ("a fox and", ""), ("an owl", "")):
        refused = in_preset(before, after, policy)
        assert refused is not None, (before, after)
    assert in_preset("a fox", "", policy, "an owl") is not None


@pytest.mark.parametrize(("blocked", "prompt"), [("काम", "कि मी"), ("दिन", "दान")])
def test_a_different_vowel_sign_makes_a_different_word(blocked: str, prompt: str) -> None:
    assert blocked_word(prompt, make_policy(block_word(blocked))) is None


def test_the_first_blocked_word_is_named_as_its_admin_typed_it() -> None:
    policy = make_policy(block_word("hen"), block_word("Fóx"), block_word("red"))
    assert blocked_word("a red fox", policy) == "Fóx"
    allowed_rules = tuple(replace(rule, effect=Effect.ALLOW) for rule in policy.rules)
    assert blocked_word("a red fox", AccessPolicy(rules=allowed_rules)) is None


@given(st.text(max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_a_word_is_found_between_any_others(typed: str, before: str, after: str) -> None:
    if not fold_text(typed):
        return
    assert blocked_word(f"{before} {typed} {after}", make_policy(block_word(typed))) == typed


@given(st.text(max_size=60))
def test_folded_text_has_single_spaces_and_none_at_its_ends(text: str) -> None:
    folded = fold_text(text)
    assert folded == " ".join(folded.split())
    assert folded == fold_text(folded), "folding twice must change nothing"


@given(st.text(alphabet="abcxyz019", min_size=2, max_size=8), st.data())
def test_invisible_characters_between_letters_do_not_hide_a_word(plain: str, data: st.DataObject) -> None:
    hidden = data.draw(
        st.lists(
            st.sampled_from(
                ["", "\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u202e", "\u034f"]
            ),
            min_size=len(plain),
            max_size=len(plain),
        )
    )
    written = "".join(character + between for character, between in zip(plain, hidden, strict=True))
    assert blocked_word(f"a {written}, please", make_policy(block_word(plain))) == plain


# Stored rules.


async def test_a_refused_request_is_not_stored_and_holds_no_credits(
    access_rules: AccessRuleStore, store: JobStore, ledger: Ledger
) -> None:
    await access_rules.set(1, [deny(RuleTarget.MEMBER, MEMBER)], interaction_id=1)
    job = make_job(make_request(user_id=MEMBER))
    with pytest.raises(MemberError) as refused:
        await accept(store, job, NO_CONTEXT)
    assert refused.value.reason is MemberReason.MEMBER_BLOCKED
    assert await store.find(job.job_id) is None
    assert (await ledger.usage(1)).used_credits == 0
    assert await accept(store, make_job(make_request(user_id=MEMBER, guild_id=2)), NO_CONTEXT)
    assert await accept(store, make_job(make_request(user_id=8)), NO_CONTEXT)


async def test_a_job_has_a_spoiler_where_the_server_requires_one(
    access_rules: AccessRuleStore, store: JobStore
) -> None:
    await access_rules.set(1, [allow(RuleTarget.SPOILER_CHANNEL, 2)], interaction_id=1)
    hidden = await accept(store, make_job(), THREAD)
    open_ = await accept(store, make_job(), NO_CONTEXT)
    own = await accept(store, make_job(replace(make_request(), spoiler=True)), NO_CONTEXT)
    assert hidden is not None
    assert open_ is not None
    assert own is not None
    assert [job.request.spoiler for job in (hidden, open_, own)] == [True, False, True]
    found = await store.find(hidden.job_id)
    assert found == hidden


async def test_the_newest_rule_about_a_subject_applies_until_it_is_removed(
    access_rules: AccessRuleStore,
) -> None:
    await access_rules.set(1, [deny(RuleTarget.ROLE, 31), deny(RuleTarget.ROLE, 32)], interaction_id=1)
    await access_rules.set(1, [allow(RuleTarget.ROLE, 31)], interaction_id=2)
    rules = (await access_rules.policy(1)).rules
    assert [(rule.subject_id, rule.effect) for rule in rules] == [(32, Effect.DENY), (31, Effect.ALLOW)]
    ended = await access_rules.remove(1, RuleTarget.ROLE, "31", removed_by=ADMIN, interaction_id=3)
    assert ended is not None
    assert ended.effect is Effect.ALLOW
    assert await access_rules.remove(1, RuleTarget.ROLE, "31", removed_by=ADMIN, interaction_id=4) is None
    assert [rule.subject_id for rule in (await access_rules.policy(1)).rules] == [32]
    assert (await access_rules.policy(2)).rules == ()
    await access_rules.set(1, [deny(RuleTarget.ROLE, 31)], interaction_id=5)
    assert [rule.subject_id for rule in (await access_rules.policy(1)).rules] == [32, 31]


async def test_a_rule_ends_at_its_expiry(access_rules: AccessRuleStore, store: JobStore) -> None:
    with time_machine.travel(AT / 1000, tick=False) as clock:
        await access_rules.set(
            1, [replace(deny(RuleTarget.MEMBER, MEMBER), expires_at=AT + 5000)], interaction_id=1
        )
        clock.shift(4.999)
        with pytest.raises(MemberError):
            await accept(store, make_job(make_request(user_id=MEMBER)), NO_CONTEXT)
        clock.shift(0.001)
        assert await accept(store, make_job(make_request(user_id=MEMBER)), NO_CONTEXT)
        assert (await access_rules.policy(1)).rules == ()
        # The rule that it replaced is not in force again after its end.
        await access_rules.set(1, [deny(RuleTarget.MEMBER, MEMBER)], interaction_id=2)
        await access_rules.set(
            1, [replace(deny(RuleTarget.MEMBER, MEMBER), expires_at=now_ms() + 10)], interaction_id=3
        )
        clock.shift(1)
        assert (await access_rules.policy(1)).rules == ()


async def test_a_repeated_interaction_sets_and_removes_once(
    access_rules: AccessRuleStore, database: Database
) -> None:
    rules = [deny(RuleTarget.ROLE, 31), deny(RuleTarget.ROLE, 32), block_word("fox")]
    for _ in range(2):
        assert await access_rules.set(1, rules, interaction_id=1)
    await access_rules.remove(1, RuleTarget.ROLE, "31", removed_by=ADMIN, interaction_id=2)
    assert await access_rules.set(1, rules, interaction_id=1)  # delivered again later
    assert {rule.subject for rule in (await access_rules.policy(1)).rules} == {"32", "fox"}
    written = await database.run(lambda tx: tx.execute("SELECT count(*) FROM access_rules").fetchone()[0])
    assert written == 4


async def test_no_more_rules_than_the_maximum_can_be_set(
    access_rules: AccessRuleStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "MAX_RULES", 3)
    assert await access_rules.set(1, [block_word("one"), block_word("two")], interaction_id=1)
    assert not await access_rules.set(1, [block_word("three"), block_word("four")], interaction_id=2)
    assert {rule.subject for rule in (await access_rules.policy(1)).rules} == {"one", "two"}
    # One exists already.
    assert await access_rules.set(1, [block_word("three"), block_word("Two!")], interaction_id=3)
    assert not await access_rules.set(1, [block_word("four")], interaction_id=4)
    await access_rules.remove(1, RuleTarget.WORD, "one", removed_by=ADMIN, interaction_id=5)
    assert await access_rules.set(1, [block_word("four")], interaction_id=6)
    assert await access_rules.set(2, [block_word("one")], interaction_id=7)


# Concurrent requests.


async def accept_all(store: JobStore, jobs: list[Job]) -> tuple[list[Job], list[MemberError]]:
    ended = await asyncio.gather(*(accept(store, job, NO_CONTEXT) for job in jobs), return_exceptions=True)
    errors = [each for each in ended if isinstance(each, MemberError)]
    taken = [each for each in ended if isinstance(each, Job)]
    assert len(errors) + len(taken) == len(jobs), ended
    return taken, errors


async def test_of_fifty_requests_at_once_as_many_as_may_run_are_accepted(
    store: JobStore, guilds: GuildSettingsStore, ledger: Ledger
) -> None:
    await guilds.change(1, GuildSetting.RUNNING_LIMIT, "3", set_by=ADMIN)
    taken, refused = await accept_all(store, [make_job(make_request(user_id=MEMBER)) for _ in range(50)])
    assert len(taken) == 3
    assert {error.reason for error in refused} == {MemberReason.TOO_MANY_RUNNING}
    assert (await ledger.usage(1)).used_credits == 12
    # Jobs of others, in other servers, or that are over are not counted.
    assert len((await accept_all(store, [make_job(make_request(user_id=8)) for _ in range(5)]))[0]) == 3
    assert len((await accept_all(store, [make_job(make_request(user_id=MEMBER, guild_id=2))] * 1))[0]) == 1
    await store.cancelled(taken[0].job_id)
    assert len((await accept_all(store, [make_job(make_request(user_id=MEMBER)) for _ in range(50)]))[0]) == 1


async def test_of_fifty_requests_at_once_one_is_accepted_within_a_cooldown(
    store: JobStore, guilds: GuildSettingsStore, ledger: Ledger
) -> None:
    await guilds.change(1, GuildSetting.COOLDOWN_SECONDS, "60", set_by=ADMIN)
    with time_machine.travel(AT / 1000, tick=False) as clock:
        taken, refused = await accept_all(store, [make_job(make_request(user_id=MEMBER)) for _ in range(50)])
        assert len(taken) == 1
        assert {error.reason for error in refused} == {MemberReason.COOLDOWN}
        clock.shift(59.999)
        assert (await accept_all(store, [make_job(make_request(user_id=MEMBER))]))[0] == []
        clock.shift(0.001)
        assert (
            len((await accept_all(store, [make_job(make_request(user_id=MEMBER)) for _ in range(50)]))[0])
            == 1
        )
        assert (await ledger.usage(1)).used_credits == 8


async def test_a_cancelled_job_starts_no_cooldown(store: JobStore, guilds: GuildSettingsStore) -> None:
    await guilds.change(1, GuildSetting.COOLDOWN_SECONDS, "60", set_by=ADMIN)
    first = await accept(store, make_job(make_request(user_id=MEMBER)), NO_CONTEXT)
    assert first is not None
    await store.cancelled(first.job_id)
    assert await accept(store, make_job(make_request(user_id=MEMBER)), NO_CONTEXT)


async def test_a_repeated_interaction_is_not_refused_because_of_its_own_job(
    store: JobStore, guilds: GuildSettingsStore
) -> None:
    await guilds.change(1, GuildSetting.COOLDOWN_SECONDS, "60", set_by=ADMIN)
    await guilds.change(1, GuildSetting.RUNNING_LIMIT, "1", set_by=ADMIN)
    request = make_request(user_id=MEMBER)
    assert await accept(store, make_job(request), NO_CONTEXT)
    assert await accept(store, make_job(request), NO_CONTEXT) is None


# Double clicks.


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(AT / 1000, tick=False) as traveller:
        yield traveller


async def add_job(store: JobStore) -> Job:
    job = await accept(store, make_job(), NO_CONTEXT)
    assert job is not None
    return job


async def test_a_double_click_makes_one_job(
    store: JobStore, ledger: Ledger, clock: time_machine.Traveller
) -> None:
    parent = await add_job(store)

    def click(**changes: object) -> Job:
        request = replace(make_request(user_id=MEMBER), model="nano-banana", parent_job_id=parent.job_id)
        return make_job(replace(request, **changes))  # type: ignore[arg-type]  # of a request

    first, *more = [click() for _ in range(5)]
    assert await accept(store, first, NO_CONTEXT)
    clock.shift((DOUBLE_CLICK_MS - 1) / 1000)
    taken, refused = await accept_all(store, [replace(job, accepted_at=now_ms()) for job in more])
    assert taken == []
    assert {error.reason for error in refused} == {MemberReason.ALREADY_ASKED}
    # A request that differs in anything is another one.
    reference = Reference("kept:" + "a" * 64, "fox.png", "image/png", 0)
    other = replace(reference, url="kept:" + "b" * 64)
    for changes in (
        {"prompt": "a blue fox"},
        {"size": "portrait_16_9"},
        {"format": "jpeg"},
        {"references": (reference,)},
        {"references": (reference, other)},
        {"references": (other, reference)},
    ):
        assert await accept(store, replace(click(**changes), accepted_at=now_ms()), NO_CONTEXT)
    with pytest.raises(MemberError):
        await accept(store, replace(click(references=(reference, other)), accepted_at=now_ms()), NO_CONTEXT)
    clock.shift(0.001)
    assert await accept(store, replace(click(), accepted_at=now_ms()), NO_CONTEXT)
    assert (await ledger.usage(1)).used_credits == 4 * 9


async def test_a_signature_that_discord_has_renewed_makes_no_other_request(
    store: JobStore, clock: time_machine.Traveller
) -> None:
    parent = await add_job(store)

    def click(*urls: str) -> Job:
        references = tuple(Reference(url, "fox.png", "image/png", 0) for url in urls)
        request = make_request(user_id=MEMBER, references=references)
        return make_job(replace(request, model="nano-banana", parent_job_id=parent.job_id))

    fox, cat = "https://cdn.example/1/fox.png", "https://cdn.example/1/cat.png"
    assert await accept(store, click(f"{fox}?ex=1&hm=a", cat), NO_CONTEXT)
    for signed in ((f"{fox}?ex=2&hm=b", f"{cat}?ex=2"), (fox, cat)):
        with pytest.raises(MemberError) as refused:
            await accept(store, click(*signed), NO_CONTEXT)
        assert refused.value.reason is MemberReason.ALREADY_ASKED
    assert await accept(store, click(f"{cat}?ex=1", fox), NO_CONTEXT)


async def test_clicks_of_two_members_or_after_a_cancellation_make_two_jobs(
    store: JobStore, clock: time_machine.Traveller
) -> None:
    parent = await add_job(store)

    def click(user_id: int) -> Job:
        return make_job(replace(make_request(user_id=user_id), parent_job_id=parent.job_id))

    mine = click(7)
    assert await accept(store, mine, NO_CONTEXT)
    assert await accept(store, click(8), NO_CONTEXT)
    await store.cancelled(mine.job_id)
    again = click(7)
    assert await accept(store, again, NO_CONTEXT)
    assert await accept(store, again, NO_CONTEXT) is None
    found = await store.find(again.job_id)
    assert found is not None
    assert found.stage is Stage.ACCEPTED


async def test_the_same_prompt_typed_twice_makes_two_jobs(
    store: JobStore, clock: time_machine.Traveller
) -> None:
    assert await accept(store, make_job(make_request(prompt="a fox")), NO_CONTEXT)
    assert await accept(store, make_job(make_request(prompt="a fox")), NO_CONTEXT)
