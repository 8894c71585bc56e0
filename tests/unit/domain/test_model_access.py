"""Rules about models: whom they let use which model, and in which channel."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.access import (
    AccessPolicy,
    AccessRule,
    Effect,
    RuleTarget,
    loosens_safety,
    may_use_model,
)
from bot.domain.jobs import RequestContext

ALLOW, DENY = Effect.ALLOW, Effect.DENY
MEMBER = RequestContext(role_ids=(31, 32), channel_ids=(21, 20, 2))
"""With two roles, in the thread 21 of the channel 20 in the category 2."""
MODELS = ("flux", "qwen", "z")


def everybody(model: str, effect: Effect) -> AccessRule:
    return AccessRule(RuleTarget.MODEL, model, effect, model=model)


def role(model: str, effect: Effect, role_id: int) -> AccessRule:
    return AccessRule(RuleTarget.MODEL_ROLE, str(role_id), effect, model=model)


def channel(model: str, effect: Effect, channel_id: int) -> AccessRule:
    return AccessRule(RuleTarget.MODEL_CHANNEL, str(channel_id), effect, model=model)


def usable(*rules: AccessRule, context: RequestContext = MEMBER) -> set[str]:
    return {model for model in MODELS if may_use_model(model, context, AccessPolicy(rules))}


TABLE = {
    "nothing is set": ((), {"flux", "qwen", "z"}),
    "denied to everybody": ((everybody("flux", DENY),), {"qwen", "z"}),
    "allowed to everybody, so that others are not": ((everybody("flux", ALLOW),), {"flux"}),
    "two are allowed": ((everybody("flux", ALLOW), everybody("z", ALLOW)), {"flux", "z"}),
    "denied to a role of theirs": ((role("flux", DENY, 32),), {"qwen", "z"}),
    "denied to another role": ((role("flux", DENY, 33),), {"flux", "qwen", "z"}),
    "allowed to a role of theirs": ((role("flux", ALLOW, 31),), {"flux", "qwen", "z"}),
    "allowed to another role only": ((role("flux", ALLOW, 33),), {"qwen", "z"}),
    "one of two allowed roles is theirs": (
        (role("flux", ALLOW, 33), role("flux", ALLOW, 31)),
        {"flux", "qwen", "z"},
    ),
    "denied beats allowed": ((role("flux", ALLOW, 31), role("flux", DENY, 32)), {"qwen", "z"}),
    "denied to everybody beats an allowed role": (
        (role("flux", ALLOW, 31), everybody("flux", DENY)),
        {"qwen", "z"},
    ),
    "a role is allowed what is not on the list": (
        (everybody("qwen", ALLOW), role("flux", ALLOW, 31)),
        {"flux", "qwen"},
    ),
    "another role is allowed what is not on the list": (
        (everybody("qwen", ALLOW), role("flux", ALLOW, 33)),
        {"qwen"},
    ),
    "allowed to everybody lifts no restriction to a role": (
        (everybody("flux", ALLOW), role("flux", ALLOW, 33)),
        set(),
    ),
    "denied in the thread": ((channel("flux", DENY, 21),), {"qwen", "z"}),
    "denied in the channel over the thread": ((channel("flux", DENY, 20),), {"qwen", "z"}),
    "denied in the category": ((channel("flux", DENY, 2),), {"qwen", "z"}),
    "denied in another channel": ((channel("flux", DENY, 22),), {"flux", "qwen", "z"}),
    "allowed in the category": ((channel("flux", ALLOW, 2),), {"flux", "qwen", "z"}),
    "allowed in another channel only": ((channel("flux", ALLOW, 22),), {"qwen", "z"}),
    "the role is allowed, and another channel": (
        (role("flux", ALLOW, 31), channel("flux", ALLOW, 22)),
        {"qwen", "z"},
    ),
    "a role with a channel's number": ((role("flux", DENY, 20),), {"flux", "qwen", "z"}),
    "rules about painting are not about models": (
        (
            AccessRule(RuleTarget.ROLE, "33", ALLOW),
            AccessRule(RuleTarget.CHANNEL, "20", DENY),
            AccessRule(RuleTarget.WORD, "flux", DENY),
        ),
        {"flux", "qwen", "z"},
    ),
}


@pytest.mark.parametrize(("rules", "expected"), TABLE.values(), ids=TABLE.keys())
def test_rules_say_which_models_a_member_may_use(rules: tuple[AccessRule, ...], expected: set[str]) -> None:
    assert usable(*rules) == expected


RULES = st.builds(
    lambda make, model, effect, subject: make(model, effect, subject),
    st.sampled_from([role, channel, lambda model, effect, _: everybody(model, effect)]),
    st.sampled_from(MODELS),
    st.sampled_from(Effect),
    st.sampled_from([2, 20, 21, 22, 31, 32, 33]),
)


@given(st.lists(RULES, max_size=6), RULES)
def test_a_rule_that_denies_never_allows_more_and_the_order_does_not_matter(
    rules: list[AccessRule], added: AccessRule
) -> None:
    before = usable(*rules)
    assert usable(*reversed(rules)) == before
    after = usable(*rules, added)
    if added.effect is DENY:
        assert after <= before
        assert before - after <= {added.model}


@pytest.mark.parametrize("loose", [False, True])
@pytest.mark.parametrize("restricted", [False, True])
def test_checks_are_loosened_only_by_the_admins_and_only_in_age_restricted_channels(
    loose: bool, restricted: bool
) -> None:
    context = RequestContext(age_restricted=restricted)
    assert loosens_safety(context, AccessPolicy(loose_safety=loose)) is (loose and restricted)
