"""The nouns of access, and the judgement: may this request be painted, as far as a server's rules go?

Pure, so that the rules can be read, and tested, as one table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from bot.domain.errors import MemberError, MemberReason
from bot.domain.text_folding import fold_text

if TYPE_CHECKING:
    from bot.domain.jobs import Request, RequestContext

WORD_LIMIT: Final = 60
"""How long a blocked word or phrase may be, in characters."""
_NO_SPACES: Final = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
"""Thai, Lao, Burmese, Khmer, Japanese and Chinese are written without spaces between words."""


REMOVED: Final = "lifted"
"""Stands in a row in place of an effect: the rule about its subject has ended."""


class RuleTarget(StrEnum):
    """What a rule speaks of."""

    ROLE = "role"
    CHANNEL = "channel"
    """A channel, with its threads, or a category, with its channels."""
    WORD = "word"
    MEMBER = "member"
    SPOILER_ROLE = "spoiler_role"
    SPOILER_CHANNEL = "spoiler_channel"


class Effect(StrEnum):
    """What it does; a rule that was lifted is none."""

    ALLOW = "allow"
    """Only who, or what, is allowed may, once anything of the kind is allowed."""
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class AccessRule:
    """One rule in force. Times are epoch milliseconds, UTC."""

    kind: RuleTarget
    subject: str
    """An id of Discord's, or a word as `folding.fold` makes it."""
    effect: Effect
    words: str = ""
    """A blocked word as the admin typed it."""
    reason: str = ""
    expires_at: int | None = None
    set_by: int = 0
    set_at: int = 0

    @property
    def subject_id(self) -> int:
        """The role, channel or member; of a word there is none."""
        return int(self.subject)


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """Everything that rules in one server: its rules, and the settings that are about access."""

    rules: tuple[AccessRule, ...] = ()
    cooldown_seconds: int = 0
    """Between two requests of a member; 0 for none."""
    running_limit: int = 0
    """Pictures of one member under way at once; 0 for as many as they like."""
    age_restricted_only: bool = False
    owner_only: bool = False
    """Whether the buttons under a picture work for its member alone, and not for everybody who may paint."""

    def subjects(self, kind: RuleTarget, effect: Effect) -> frozenset[int]:
        """The ids that rules of this kind and effect speak of."""
        return frozenset(
            rule.subject_id for rule in self.rules if rule.kind is kind and rule.effect is effect
        )


@dataclass(frozen=True, slots=True)
class RecentActivity:
    """What a member is up to. Times are epoch milliseconds, UTC."""

    running: int = 0
    """Their pictures in this server that are under way."""
    asked_at: int | None = None
    """When their last request here was accepted, if it was not cancelled."""


def check_access(
    request: Request, context: RequestContext, policy: AccessPolicy, recent: RecentActivity, at: int
) -> None:
    """Refuse what a server's rules refuse.

    Raises:
        MemberError: MEMBER_BLOCKED, ROLE_REFUSED, CHANNEL_REFUSED, AGE_RESTRICTED_ONLY, WORD_BLOCKED,
            COOLDOWN or TOO_MANY_RUNNING.
    """
    _check_member(request.destination.user_id, policy)
    _check_listed(RuleTarget.ROLE, context.role_ids, policy, MemberReason.ROLE_REFUSED)
    _check_listed(RuleTarget.CHANNEL, context.channel_ids, policy, MemberReason.CHANNEL_REFUSED)
    if policy.age_restricted_only and not context.age_restricted:
        raise MemberError(MemberReason.AGE_RESTRICTED_ONLY)
    if (word := blocked_word(request.prompt, policy)) is not None:
        raise MemberError(MemberReason.WORD_BLOCKED, word=word)
    if policy.running_limit and recent.running >= policy.running_limit:
        raise MemberError(MemberReason.TOO_MANY_RUNNING, running=recent.running, limit=policy.running_limit)
    if recent.asked_at is not None:
        over_at = recent.asked_at + policy.cooldown_seconds * 1000
        if policy.cooldown_seconds and at < over_at:
            raise MemberError(MemberReason.COOLDOWN, over_at=over_at, seconds=policy.cooldown_seconds)


def requires_spoiler(context: RequestContext, policy: AccessPolicy) -> bool:
    """Whether the server wants pictures asked for by such a member, or there, behind a spoiler."""
    roles = policy.subjects(RuleTarget.SPOILER_ROLE, Effect.ALLOW)
    channels = policy.subjects(RuleTarget.SPOILER_CHANNEL, Effect.ALLOW)
    return not roles.isdisjoint(context.role_ids) or not channels.isdisjoint(context.channel_ids)


def _check_member(user_id: int, policy: AccessPolicy) -> None:
    for rule in policy.rules:
        if rule.kind is RuleTarget.MEMBER and rule.effect is Effect.DENY and rule.subject_id == user_id:
            raise MemberError(MemberReason.MEMBER_BLOCKED, why=rule.reason, expires_at=rule.expires_at)


def _check_listed(kind: RuleTarget, ids: tuple[int, ...], policy: AccessPolicy, reason: MemberReason) -> None:
    """What is denied beats what is allowed: who has a role of each may not."""
    denied, allowed = policy.subjects(kind, Effect.DENY), policy.subjects(kind, Effect.ALLOW)
    if found := denied.intersection(ids):
        raise MemberError(reason, denied=sorted(found), allowed=[])
    if allowed and allowed.isdisjoint(ids):
        raise MemberError(reason, denied=[], allowed=sorted(allowed))


def blocked_word(text: str, policy: AccessPolicy) -> str | None:
    """The first blocked word or phrase in a text, as the admin typed it; None if there is none."""
    blocked = [rule for rule in policy.rules if rule.kind is RuleTarget.WORD and rule.effect is Effect.DENY]
    if not blocked:
        return None
    folded = fold_text(text)
    return next((rule.words or rule.subject for rule in blocked if _contains(folded, rule.subject)), None)


def _contains(folded: str, word: str) -> bool:
    if _NO_SPACES.search(word):
        return word in folded
    return f" {word} " in f" {folded} "
