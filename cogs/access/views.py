"""What admins read about access: everything that rules, and what they have just changed.

Owns the words about access. Never imports anything of ours but cards, rules, text, tongues, wording.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.access import WORD_LIMIT, Effect, Kind, Rule
from cogs.text.escaping import harmless
from cogs.text.terms import channel_mention, length_text, mention, moment, role_mention
from cogs.text.translation import count, noted, number, say
from cogs.ui.layout import card, small, titled

if TYPE_CHECKING:
    from collections.abc import Iterable

    from discord import ui

    from bot.domain.access import Terms

REASON_UNITS: Final = 200
REASON_SHOWN: Final = 80
WORD_UNITS: Final = 60
LIST_UNITS: Final = 380
"""How much of a card one list may take: eight of them, and the rest, fit a message."""

MODES: Final = {
    "allow": noted("May paint: only who or what is allowed may, once anything is"),
    "deny": noted("May not paint, whatever else is allowed"),
    "lift": noted("No rule any more"),
}
SWITCHES: Final = {"on": noted("On"), "off": noted("Off")}
WHOSE_BUTTONS: Final = {
    "everybody": noted("Everybody who may paint, at their own cost"),
    "owner": noted("The member alone whose picture it is"),
}
_TITLES: Final = {
    (Kind.ROLE, Effect.ALLOW): noted("Roles that may paint"),
    (Kind.ROLE, Effect.DENY): noted("Roles that may not paint"),
    (Kind.CHANNEL, Effect.ALLOW): noted("Channels to paint in"),
    (Kind.CHANNEL, Effect.DENY): noted("Channels not to paint in"),
    (Kind.WORD, Effect.DENY): noted("Blocked words"),
    (Kind.MEMBER, Effect.DENY): noted("Blocked members"),
    (Kind.SPOILER_ROLE, Effect.ALLOW): noted("Roles whose pictures are behind a spoiler"),
    (Kind.SPOILER_CHANNEL, Effect.ALLOW): noted("Channels where pictures are behind a spoiler"),
}
_RULED: Final = {
    (Kind.ROLE, Effect.ALLOW): noted("Members with {subject} may paint; who has no allowed role may not."),
    (Kind.ROLE, Effect.DENY): noted("Members with {subject} may not paint."),
    (Kind.CHANNEL, Effect.ALLOW): noted("Pictures are painted in {subject}, and only where it is allowed."),
    (Kind.CHANNEL, Effect.DENY): noted("Pictures are not painted in {subject}."),
    (Kind.WORD, Effect.DENY): noted("Prompts with {subject} are refused."),
    (Kind.MEMBER, Effect.DENY): noted("{subject} may not paint here any more."),
    (Kind.SPOILER_ROLE, Effect.ALLOW): noted("Pictures of members with {subject} are behind a spoiler."),
    (Kind.SPOILER_CHANNEL, Effect.ALLOW): noted("Pictures in {subject} are behind a spoiler."),
}


def terms_card(terms: Terms) -> ui.LayoutView:
    """Everything that rules here."""
    lists = [
        titled(
            say(title),
            [_line(rule) for rule in terms.rules if (rule.kind, rule.effect) == key],
            LIST_UNITS,
        )
        for key, title in _TITLES.items()
    ]
    if not any(lists):
        lists = [say("Everybody may paint in every channel, with any words.")]
    return card(f"### {say('Who may paint here')}", *lists, small(" · ".join(_settings(terms))))


def _settings(terms: Terms) -> list[str]:
    pause = (
        say("no pause between two pictures")
        if not terms.cooldown_seconds
        else say("a pause of {length} between two pictures", length=length_text(terms.cooldown_seconds))
    )
    at_once = (
        say("as many pictures at once as a member likes")
        if not terms.running_limit
        else count("{n} picture of a member at once", "{n} pictures of a member at once", terms.running_limit)
    )
    where = say("in age-restricted channels only") if terms.age_restricted_only else ""
    buttons = say("buttons for a picture's own member") if terms.owner_only else say("buttons for everybody")
    return list(filter(None, (pause, at_once, where, buttons)))


def _line(rule: Rule) -> str:
    parts = [f"- {subject_words(rule)}"]
    if rule.expires_at is not None:
        parts.append(say("until {when}", when=moment(rule.expires_at, "f")))
    if rule.reason:
        parts.append(harmless(rule.reason, REASON_SHOWN))
    return " · ".join(parts)


def subject_words(rule: Rule) -> str:
    """Of whom or what a rule speaks."""
    match rule.kind:
        case Kind.ROLE | Kind.SPOILER_ROLE:
            return role_mention(rule.subject_id)
        case Kind.CHANNEL | Kind.SPOILER_CHANNEL:
            return channel_mention(rule.subject_id)
        case Kind.MEMBER:
            return mention(rule.subject_id)
        case Kind.WORD:
            return f"“{harmless(rule.words or rule.subject, WORD_UNITS)}”"


def ruled_card(rules: Iterable[Rule]) -> ui.LayoutView:
    """What rules from now on."""
    return card(f"### {say('Changed')}", "\n".join(f"- {ruled_words(rule)}" for rule in rules))


def ruled_words(rule: Rule) -> str:
    """What rules from then on."""
    subject = subject_words(rule)
    if rule.kind is Kind.MEMBER and rule.expires_at is not None:
        until = moment(rule.expires_at, "f")
        return say("{subject} may not paint here until {when}.", subject=subject, when=until)
    return say(_RULED[rule.kind, rule.effect], subject=subject)


def lifted_card(rule: Rule | None) -> ui.LayoutView:
    """A rule ended, or there was none."""
    if rule is None:
        return card(say("There is no such rule here. `/access show` lists those that are in force."))
    return card(f"### {say('Changed')}", lifted_words(rule))


def lifted_words(rule: Rule) -> str:
    """A rule that ended."""
    return say("There is no rule about {subject} any more.", subject=subject_words(rule))


def too_many() -> str:
    """The server has as many rules as there can be."""
    return say("This server has as many rules as there can be. Lift some of them first.")


def no_words() -> str:
    """Nothing that could be compared was typed."""
    return say("Type at least one word with letters or numbers in it; several are parted by commas.")


def long_word(word: str) -> str:
    """One of what was typed would never be found in a prompt, cut as it would have to be."""
    return say(
        "“{word}” is too long: a blocked word or phrase has at most {limit} characters. Nothing was changed.",
        word=harmless(word, WORD_UNITS),
        limit=number(WORD_LIMIT),
    )


def no_role_for_all() -> str:
    """@everyone is nobody in particular."""
    return say("Everybody has that role. Choose another one.")


def role_or_channel() -> str:
    """Neither was chosen, or both."""
    return say("Choose either a role or a channel.")


def switched_card(words: str) -> ui.LayoutView:
    """A setting, as it is from now on."""
    return card(f"### {say('Changed')}", words)


def cooldown_words(seconds: int) -> str:
    """The pause between two pictures."""
    if not seconds:
        return say("Members need not wait between two pictures.")
    return say("Members wait for {length} between two pictures.", length=length_text(seconds))


def running_words(limit: int) -> str:
    """How many at once."""
    if not limit:
        return say("Members may have as many pictures under way as they like.")
    return count(
        "Each member may have {n} picture under way.", "Each member may have {n} pictures under way.", limit
    )


def age_words(*, only: bool) -> str:
    """Where at all."""
    if only:
        return say("Pictures are painted in age-restricted channels only.")
    return say("Pictures are painted in every channel that is allowed.")


def buttons_words(*, owner_only: bool) -> str:
    """Whose buttons."""
    if owner_only:
        return say("The buttons under a picture are for its member alone.")
    return say("Everybody who may paint may use the buttons under a picture, at their own cost.")
