"""Access rules of a server, and the check of a request against them. No I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from bot.domain.errors import MemberError, MemberReason
from bot.domain.jobs import MOST_PICTURES
from bot.domain.text_folding import JOINER, fold_text, has_emoji, without_emoji

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bot.domain.jobs import Request, RequestContext

WORD_LIMIT: Final = 60
"""Of a blocked word or phrase, in characters."""
_NO_SPACES: Final = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
"""Thai, Lao, Burmese, Khmer, Japanese and Chinese, which are written without spaces between words."""

REMOVED: Final = "lifted"
"""Value of `access_rules.effect` in a row that removes a rule."""


class RuleTarget(StrEnum):
    """The kind of a rule's subject."""

    ROLE = "role"
    CHANNEL = "channel"
    """A channel with its threads, or a category with its channels."""
    WORD = "word"
    MEMBER = "member"
    SPOILER_ROLE = "spoiler_role"
    """Pictures that are asked for by a member with this role are spoilers."""
    SPOILER_CHANNEL = "spoiler_channel"
    """Pictures that are asked for in this channel or category are spoilers."""
    MODEL = "model"
    """A model, for everybody; the subject is its id."""
    MODEL_ROLE = "model_role"
    """A model, for members with a role."""
    MODEL_CHANNEL = "model_channel"
    """A model, in a channel with its threads, or in a category with its channels."""


class Effect(StrEnum):
    """What a rule does to its subject."""

    ALLOW = "allow"
    """For roles, channels and models: if any is allowed, only allowed ones may be used. For spoiler rules:
    the rule is set."""
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class AccessRule:
    """One rule in force. Times are epoch milliseconds, UTC."""

    kind: RuleTarget
    subject: str
    """An id of Discord's or of a model, or a word as `fold_text` returns it."""
    effect: Effect
    words: str = ""
    """A blocked word as the admin typed it, or the name of the model when the rule was set."""
    model: str = ""
    """The id of the model that the rule is about; empty in a rule of another kind."""
    reason: str = ""
    expires_at: int | None = None
    set_by: int = 0
    set_at: int = 0

    @property
    def subject_id(self) -> int:
        """The id of the role, channel or member.

        Raises:
            ValueError: the subject is a word or a model.
        """
        return int(self.subject)


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """The access rules of one server, and its settings about access."""

    rules: tuple[AccessRule, ...] = ()
    cooldown_seconds: int = 0
    """Between two requests of a member; 0 for no cooldown."""
    running_limit: int = 0
    """Pictures of one member in progress at once; 0 for no limit."""
    picture_limit: int = MOST_PICTURES
    """Pictures of one request."""
    age_restricted_only: bool = False
    owner_only: bool = False
    """Whether only the member who asked for a picture may use its buttons."""
    loose_safety: bool = False
    """Whether models check less strictly in age-restricted channels."""
    preset_words: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    """By the words before and after of a preset: blocked words, folded, that its admin was told are in it.

    `load_policy` leaves it out: it is only needed to check a request with a preset."""

    def subjects(self, kind: RuleTarget, effect: Effect) -> frozenset[int]:
        """Return the ids in rules of this kind and effect."""
        return frozenset(
            rule.subject_id for rule in self.rules if rule.kind is kind and rule.effect is effect
        )


@dataclass(frozen=True, slots=True)
class RecentActivity:
    """A member's other requests in a server. Times are epoch milliseconds, UTC."""

    running: int = 0
    """Pictures in progress."""
    asked_at: int | None = None
    """When the last request that was not cancelled was accepted."""


def check_access(
    request: Request,
    context: RequestContext,
    policy: AccessPolicy,
    recent: RecentActivity,
    at: int,
    *,
    pictures: int = 1,
) -> None:
    """Check a request for so many pictures against a server's access rules.

    Raises:
        MemberError: MEMBER_BLOCKED, ROLE_REFUSED, CHANNEL_REFUSED, AGE_RESTRICTED_ONLY, MODEL_REFUSED,
            WORD_BLOCKED, COOLDOWN or TOO_MANY_RUNNING.
    """
    if policy.rules:  # most servers have none
        require_not_blocked(request.destination.user_id, policy)
        _check_listed(RuleTarget.ROLE, context.role_ids, policy, MemberReason.ROLE_REFUSED)
        _check_listed(RuleTarget.CHANNEL, context.channel_ids, policy, MemberReason.CHANNEL_REFUSED)
    if policy.age_restricted_only and not context.age_restricted:
        raise MemberError(MemberReason.AGE_RESTRICTED_ONLY)
    if policy.rules:
        require_model(request.model, context, policy)
        _check_words(request, policy)
    if policy.running_limit and recent.running + pictures > policy.running_limit:
        raise MemberError(
            MemberReason.TOO_MANY_RUNNING,
            running=recent.running,
            limit=policy.running_limit,
            pictures=pictures,
        )
    if recent.asked_at is not None:
        over_at = recent.asked_at + policy.cooldown_seconds * 1000
        if policy.cooldown_seconds and at < over_at:
            raise MemberError(MemberReason.COOLDOWN, over_at=over_at, seconds=policy.cooldown_seconds)


def requires_spoiler(context: RequestContext, policy: AccessPolicy) -> bool:
    """Return whether a rule makes pictures of these roles, or in this channel, spoilers."""
    if not policy.rules:
        return False
    roles = policy.subjects(RuleTarget.SPOILER_ROLE, Effect.ALLOW)
    channels = policy.subjects(RuleTarget.SPOILER_CHANNEL, Effect.ALLOW)
    return not roles.isdisjoint(context.role_ids) or not channels.isdisjoint(context.channel_ids)


def loosens_safety(context: RequestContext, policy: AccessPolicy) -> bool:
    """Return whether a model checks less strictly in this channel."""
    return policy.loose_safety and context.age_restricted


def require_model(model_id: str, context: RequestContext, policy: AccessPolicy) -> None:
    """Check that the rules let a member use a model here.

    Raises:
        MemberError: MODEL_REFUSED.
    """
    if not may_use_model(model_id, context, policy):
        raise MemberError(MemberReason.MODEL_REFUSED, model=model_id)


def may_use_model(model_id: str, context: RequestContext, policy: AccessPolicy) -> bool:
    """Return whether the rules about models let a member with these roles use a model in this channel.

    A rule that denies wins. Once a role or a channel is allowed for a model, it is only for those; once a
    model is allowed for everybody, every other one needs a rule of its own that allows it.
    """
    rules = [rule for rule in policy.rules if rule.model]
    own = [rule for rule in rules if rule.model == model_id]
    if any(rule.effect is Effect.DENY and _concerns(rule, context) for rule in own):
        return False
    allowing = [rule for rule in own if rule.effect is Effect.ALLOW]
    for kind in (RuleTarget.MODEL_ROLE, RuleTarget.MODEL_CHANNEL):
        of_kind = [rule for rule in allowing if rule.kind is kind]
        if of_kind and not any(_concerns(rule, context) for rule in of_kind):
            return False
    listed = any(rule.kind is RuleTarget.MODEL and rule.effect is Effect.ALLOW for rule in rules)
    return bool(allowing) or not listed


def _concerns(rule: AccessRule, context: RequestContext) -> bool:
    """Return whether a rule about a model is about these roles, or this channel."""
    match rule.kind:
        case RuleTarget.MODEL_ROLE:
            return rule.subject_id in context.role_ids
        case RuleTarget.MODEL_CHANNEL:
            return rule.subject_id in context.channel_ids
        case _:
            return True


def require_not_blocked(user_id: int, policy: AccessPolicy) -> None:
    """Check that no rule blocks the member.

    Raises:
        MemberError: MEMBER_BLOCKED.
    """
    for rule in policy.rules:
        if rule.kind is RuleTarget.MEMBER and rule.effect is Effect.DENY and rule.subject_id == user_id:
            raise MemberError(MemberReason.MEMBER_BLOCKED, why=rule.reason, expires_at=rule.expires_at)


def _check_listed(kind: RuleTarget, ids: tuple[int, ...], policy: AccessPolicy, reason: MemberReason) -> None:
    """Refuse if any id is denied, or if some ids are allowed and none of these is."""
    denied, allowed = policy.subjects(kind, Effect.DENY), policy.subjects(kind, Effect.ALLOW)
    if found := denied.intersection(ids):
        raise MemberError(reason, denied=sorted(found), allowed=[])
    if allowed and allowed.isdisjoint(ids):
        raise MemberError(reason, denied=[], allowed=sorted(allowed))


def _check_words(request: Request, policy: AccessPolicy) -> None:
    """Check the prompt and settings, then the prompt with its preset, since a phrase may be in both."""
    texts = [value for _, value in request.settings if isinstance(value, str)]
    for text in (request.prompt, *texts):
        if word := next(blocked_words(text, policy), None):
            raise MemberError(MemberReason.WORD_BLOCKED, word=word)
    preset = request.preset
    if preset is None:
        return
    known = policy.preset_words.get((preset.before, preset.after), frozenset())
    for word in blocked_words(request.full_prompt, policy):
        if fold_text(word) not in known:
            raise MemberError(MemberReason.WORD_BLOCKED, word=word, preset=preset.name)


def blocked_words(text: str, policy: AccessPolicy) -> Iterator[str]:
    """Yield the blocked words and phrases in a text, as the admin typed them.

    A word without emoji is compared as if the text had none, so that one between two words hides no phrase. A
    joined emoji is compared part by part: to block one that is part of others blocks those, too.
    """
    blocked = [rule for rule in policy.rules if rule.kind is RuleTarget.WORD and rule.effect is Effect.DENY]
    if not blocked:
        return
    folded = fold_text(text)
    words, apart, joined = without_emoji(folded), folded.replace(JOINER, " "), _spaced(folded)
    for rule in blocked:
        subject = rule.subject
        if not has_emoji(subject):
            found = _contains(words, subject)
        elif JOINER in subject:
            found = _contains(joined, _spaced(subject))
        else:
            found = _contains(apart, subject)
        if found:
            yield rule.words or subject


def _spaced(folded: str) -> str:
    return folded.replace(JOINER, f" {JOINER} ")


def _contains(folded: str, word: str) -> bool:
    if _NO_SPACES.search(word):
        return word in folded
    return f" {word} " in f" {folded} "
