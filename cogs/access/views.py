"""What admins read about access: everything that rules, and what they have just changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.access import WORD_LIMIT, AccessRule, Effect, RuleTarget
from cogs.text.escaping import escape
from cogs.text.terms import channel_mention, length_text, mention, role_mention, timestamp
from cogs.text.translation import gettext, gettext_noop, ngettext, number
from cogs.ui.layout import build_view, subtext, titled_view

if TYPE_CHECKING:
    from collections.abc import Iterable

    from discord import ui

    from bot.domain.access import AccessPolicy

REASON_UNITS: Final = 200
REASON_SHOWN: Final = 80
WORD_UNITS: Final = 60
LIST_UNITS: Final = 380
"""How much of a card one list may take: eight of them, and the rest, fit a message."""

MODES: Final = {
    "allow": gettext_noop("May paint: only who or what is allowed may, once anything is"),
    "deny": gettext_noop("May not paint, whatever else is allowed"),
    "lift": gettext_noop("No rule any more"),
}
SWITCHES: Final = {"on": gettext_noop("On"), "off": gettext_noop("Off")}
WHOSE_BUTTONS: Final = {
    "everybody": gettext_noop("Everybody who may paint, at their own cost"),
    "owner": gettext_noop("The member alone whose picture it is"),
}
_TITLES: Final = {
    (RuleTarget.ROLE, Effect.ALLOW): gettext_noop("Roles that may paint"),
    (RuleTarget.ROLE, Effect.DENY): gettext_noop("Roles that may not paint"),
    (RuleTarget.CHANNEL, Effect.ALLOW): gettext_noop("Channels to paint in"),
    (RuleTarget.CHANNEL, Effect.DENY): gettext_noop("Channels not to paint in"),
    (RuleTarget.WORD, Effect.DENY): gettext_noop("Blocked words"),
    (RuleTarget.MEMBER, Effect.DENY): gettext_noop("Blocked members"),
    (RuleTarget.SPOILER_ROLE, Effect.ALLOW): gettext_noop("Roles whose pictures are behind a spoiler"),
    (RuleTarget.SPOILER_CHANNEL, Effect.ALLOW): gettext_noop("Channels where pictures are behind a spoiler"),
}
_RULED: Final = {
    (RuleTarget.ROLE, Effect.ALLOW): gettext_noop(
        "Members with {subject} may paint; who has no allowed role may not."
    ),
    (RuleTarget.ROLE, Effect.DENY): gettext_noop("Members with {subject} may not paint."),
    (RuleTarget.CHANNEL, Effect.ALLOW): gettext_noop(
        "Pictures are painted in {subject}, and only where it is allowed."
    ),
    (RuleTarget.CHANNEL, Effect.DENY): gettext_noop("Pictures are not painted in {subject}."),
    (RuleTarget.WORD, Effect.DENY): gettext_noop("Prompts with {subject} are refused."),
    (RuleTarget.MEMBER, Effect.DENY): gettext_noop("{subject} may not paint here any more."),
    (RuleTarget.SPOILER_ROLE, Effect.ALLOW): gettext_noop(
        "Pictures of members with {subject} are behind a spoiler."
    ),
    (RuleTarget.SPOILER_CHANNEL, Effect.ALLOW): gettext_noop("Pictures in {subject} are behind a spoiler."),
}


def policy_view(policy: AccessPolicy) -> ui.LayoutView:
    """Everything that rules here."""
    lists = [
        titled_view(
            gettext(title),
            [_line(rule) for rule in policy.rules if (rule.kind, rule.effect) == key],
            LIST_UNITS,
        )
        for key, title in _TITLES.items()
    ]
    if not any(lists):
        lists = [gettext("Everybody may paint in every channel, with any words.")]
    return build_view(f"### {gettext('Who may paint here')}", *lists, subtext(" · ".join(_settings(policy))))


def _settings(policy: AccessPolicy) -> list[str]:
    pause = (
        gettext("no pause between two pictures")
        if not policy.cooldown_seconds
        else gettext("a pause of {length} between two pictures", length=length_text(policy.cooldown_seconds))
    )
    at_once = (
        gettext("as many pictures at once as a member likes")
        if not policy.running_limit
        else ngettext(
            "{n} picture of a member at once", "{n} pictures of a member at once", policy.running_limit
        )
    )
    where = gettext("in age-restricted channels only") if policy.age_restricted_only else ""
    buttons = (
        gettext("buttons for a picture's own member")
        if policy.owner_only
        else gettext("buttons for everybody")
    )
    return list(filter(None, (pause, at_once, where, buttons)))


def _line(rule: AccessRule) -> str:
    parts = [f"- {subject_words(rule)}"]
    if rule.expires_at is not None:
        parts.append(gettext("until {when}", when=timestamp(rule.expires_at, "f")))
    if rule.reason:
        parts.append(escape(rule.reason, REASON_SHOWN))
    return " · ".join(parts)


def subject_words(rule: AccessRule) -> str:
    """Of whom or what a rule speaks."""
    match rule.kind:
        case RuleTarget.ROLE | RuleTarget.SPOILER_ROLE:
            return role_mention(rule.subject_id)
        case RuleTarget.CHANNEL | RuleTarget.SPOILER_CHANNEL:
            return channel_mention(rule.subject_id)
        case RuleTarget.MEMBER:
            return mention(rule.subject_id)
        case RuleTarget.WORD:
            return f"“{escape(rule.words or rule.subject, WORD_UNITS)}”"


def rule_added_view(rules: Iterable[AccessRule]) -> ui.LayoutView:
    """What rules from now on."""
    return build_view(f"### {gettext('Changed')}", "\n".join(f"- {added_words_view(rule)}" for rule in rules))


def added_words_view(rule: AccessRule) -> str:
    """What rules from then on."""
    subject = subject_words(rule)
    if rule.kind is RuleTarget.MEMBER and rule.expires_at is not None:
        until = timestamp(rule.expires_at, "f")
        return gettext("{subject} may not paint here until {when}.", subject=subject, when=until)
    return gettext(_RULED[rule.kind, rule.effect], subject=subject)


def rule_removed_view(rule: AccessRule | None) -> ui.LayoutView:
    """A rule ended, or there was none."""
    if rule is None:
        return build_view(
            gettext("There is no such rule here. `/access show` lists those that are in force.")
        )
    return build_view(f"### {gettext('Changed')}", removed_words_view(rule))


def removed_words_view(rule: AccessRule) -> str:
    """A rule that ended."""
    return gettext("There is no rule about {subject} any more.", subject=subject_words(rule))


def too_many() -> str:
    """The server has as many rules as there can be."""
    return gettext("This server has as many rules as there can be. Lift some of them first.")


def no_words() -> str:
    """Nothing that could be compared was typed."""
    return gettext("Type at least one word with letters or numbers in it; several are parted by commas.")


def long_word(word: str) -> str:
    """One of what was typed would never be found in a prompt, cut as it would have to be."""
    return gettext(
        "“{word}” is too long: a blocked word or phrase has at most {limit} characters. Nothing was changed.",
        word=escape(word, WORD_UNITS),
        limit=number(WORD_LIMIT),
    )


def no_role_for_all() -> str:
    """@everyone is nobody in particular."""
    return gettext("Everybody has that role. Choose another one.")


def role_or_channel() -> str:
    """Neither was chosen, or both."""
    return gettext("Choose either a role or a channel.")


def access_changed_view(words: str) -> ui.LayoutView:
    """A setting, as it is from now on."""
    return build_view(f"### {gettext('Changed')}", words)


def cooldown_words(seconds: int) -> str:
    """The pause between two pictures."""
    if not seconds:
        return gettext("Members need not wait between two pictures.")
    return gettext("Members wait for {length} between two pictures.", length=length_text(seconds))


def running_words(limit: int) -> str:
    """How many at once."""
    if not limit:
        return gettext("Members may have as many pictures under way as they like.")
    return ngettext(
        "Each member may have {n} picture under way.", "Each member may have {n} pictures under way.", limit
    )


def age_words(*, only: bool) -> str:
    """Where at all."""
    if only:
        return gettext("Pictures are painted in age-restricted channels only.")
    return gettext("Pictures are painted in every channel that is allowed.")


def buttons_words(*, owner_only: bool) -> str:
    """Whose buttons."""
    if owner_only:
        return gettext("The buttons under a picture are for its member alone.")
    return gettext("Everybody who may paint may use the buttons under a picture, at their own cost.")
