"""What admins read about access: every rule and every setting, in either language."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.access import AccessPolicy, AccessRule, Effect, RuleTarget
from cogs.access import views
from cogs.text.translation import use_locale
from tests.support.views import view_text

NOON = 1_750_000_000_000
UNTIL = f"<t:{NOON // 1000}:f>"
RULES = {
    "May paint": AccessRule(RuleTarget.ROLE, "5", Effect.ALLOW),
    "May not": AccessRule(RuleTarget.ROLE, "6", Effect.DENY),
    "Only here": AccessRule(RuleTarget.CHANNEL, "7", Effect.ALLOW),
    "Not here": AccessRule(RuleTarget.CHANNEL, "8", Effect.DENY),
    "A word": AccessRule(RuleTarget.WORD, "bad", Effect.DENY, words="*BAD*"),
    "For good": AccessRule(RuleTarget.MEMBER, "9", Effect.DENY),
    "For a while": AccessRule(RuleTarget.MEMBER, "10", Effect.DENY, reason="too loud", expires_at=NOON),
    "Spoiler of a role": AccessRule(RuleTarget.SPOILER_ROLE, "5", Effect.ALLOW),
    "Spoiler in a channel": AccessRule(RuleTarget.SPOILER_CHANNEL, "7", Effect.ALLOW),
}
MODEL_RULES = {
    f"{effect} {kind}": AccessRule(kind, subject, effect, words="Z *Image*", model="z-image")
    for effect in Effect
    for kind, subject in (
        (RuleTarget.MODEL, "z-image"),
        (RuleTarget.MODEL_ROLE, "5"),
        (RuleTarget.MODEL_CHANNEL, "7"),
    )
}
OPEN = AccessPolicy()
STRICT = AccessPolicy(
    rules=tuple(RULES.values()),
    cooldown_seconds=7200,
    running_limit=1,
    picture_limit=1,
    age_restricted_only=True,
    owner_only=True,
)


@pytest.mark.parametrize("policy", [OPEN, STRICT], ids=["open", "strict"])
def test_a_policy_is_shown_in_either_language(policy: AccessPolicy) -> None:
    english = view_text(views.policy_view(policy)).splitlines()
    with use_locale("id"):
        indonesian = view_text(views.policy_view(policy)).splitlines()
    subjects = {line for line in english if line.startswith("- ")}
    assert len(english) == len(indonesian)
    assert set(english) & set(indonesian) <= subjects


def test_every_rule_and_setting_is_shown() -> None:
    shown = view_text(views.policy_view(STRICT))
    for part in (
        "**Roles that may paint**\n- <@&5>",
        "**Roles that may not paint**\n- <@&6>",
        "**Channels where members may paint**\n- <#7>",
        "**Channels where nobody may paint**\n- <#8>",
        "**Blocked words**\n- “\\*BAD\\*”",
        f"**Blocked members**\n- <@9>\n- <@10> · until {UNTIL} · too loud",
        "**Roles whose pictures are behind a spoiler**\n- <@&5>",
        "**Channels where pictures are behind a spoiler**\n- <#7>",
    ):
        assert part in shown
    assert shown.splitlines()[-1] == (
        "-# a pause of 2 hours between two pictures · 1 picture per member at once · 1 picture a request"
        " · in age-restricted channels only · buttons for a picture's own member"
    )
    shown = view_text(views.policy_view(OPEN))
    assert "-# no pause between two pictures · as many" in shown
    assert " · up to 4 pictures a request · " in shown


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_rule_is_told_in_either_language_when_it_begins_and_when_it_ends(rule: AccessRule) -> None:
    english = [views.added_text(rule), views.removed_text(rule)]
    with use_locale("id"):
        indonesian = [views.added_text(rule), views.removed_text(rule)]
    assert not set(english) & set(indonesian)
    assert len({*english, *indonesian}) == 4
    subject = "\\*BAD\\*" if rule.kind is RuleTarget.WORD else rule.subject
    assert all(subject in sentence for sentence in (*english, *indonesian))
    assert all((UNTIL in added) is (rule.expires_at is not None) for added in (english[0], indonesian[0]))


def test_rules_about_models_are_shown_with_the_name_of_the_model() -> None:
    shown = view_text(views.policy_view(AccessPolicy(tuple(MODEL_RULES.values()), loose_safety=True)))
    for part in (
        "**Models that everybody may use**\n- **Z \\*Image\\***",
        "**Models that nobody may use**\n- **Z \\*Image\\***",
        "**Models for some roles only**\n- **Z \\*Image\\***: <@&5>",
        "**Models that some roles may not use**\n- **Z \\*Image\\***: <@&5>",
        "**Models for some channels only**\n- **Z \\*Image\\***: <#7>",
        "**Models that may not be used in some channels**\n- **Z \\*Image\\***: <#7>",
        "safety checks are loosened in age-restricted channels",
    ):
        assert part in shown


@pytest.mark.parametrize("rule", MODEL_RULES.values(), ids=MODEL_RULES)
def test_a_rule_about_a_model_is_told_in_every_language(rule: AccessRule) -> None:
    sentences = set()
    for locale in ("en-US", "id", "es-ES"):
        with use_locale(locale):
            told = (views.added_text(rule), views.removed_text(rule))
        sentences |= set(told)
        assert all("Z \\*Image\\*" in each for each in told)
        if rule.kind is not RuleTarget.MODEL:
            assert all(f"{rule.subject}>" in each for each in told)
    assert len(sentences) == 6


@pytest.mark.parametrize("locale", ["en-US", "id", "es-ES"])
def test_as_many_rules_as_there_can_be_fit_into_the_answer(locale: str) -> None:
    kinds = [*RULES.values(), *MODEL_RULES.values()]
    rules = [
        replace(kinds[number % len(kinds)], words="*" * 60 if number % 2 else "W" * 100, reason="*" * 200)
        for number in range(500)
    ]
    policy = replace(STRICT, rules=tuple(rules), loose_safety=True)
    with use_locale(locale):
        assert view_text(views.policy_view(policy))  # what Discord would not take raises
        assert view_text(views.rules_added_view(rules))


def test_what_cannot_be_a_rule_is_refused_in_either_language() -> None:
    def sentences() -> list[str]:
        return [
            views.too_many_rules(),
            views.no_words(),
            views.long_word("fox " * 30),
            views.everybodys_role(),
            views.role_or_channel(),
            *(views.cooldown_text(seconds) for seconds in (0, 90)),
            *(views.running_limit_text(limit) for limit in (0, 1, 2)),
            *(views.picture_limit_text(limit) for limit in (1, 2)),
            *(views.age_restriction_text(only=only) for only in (False, True)),
            *(views.buttons_text(owner_only=owner_only) for owner_only in (False, True)),
            *(views.safety_text(loose=loose) for loose in (False, True)),
            views.not_both(),
            views.unknown_model("nothing"),
            view_text(views.rule_removed_view(None)),
        ]

    english = sentences()
    with use_locale("id"):
        indonesian = sentences()
    assert not set(english) & set(indonesian)
    assert len(set(english)) == len(english)
    assert all(sentence.endswith(".") for sentence in (*english, *indonesian))
