"""What admins read about access: all rules and settings, and what they have just changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.access import WORD_LIMIT, AccessRule, Effect, RuleTarget
from cogs.text.escaping import escape
from cogs.text.terms import channel_mention, length_text, mention, model_text, role_mention, timestamp
from cogs.text.translation import gettext, gettext_noop, ngettext, number
from cogs.ui.layout import build_view, fit_lines, subtext, titled_view

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from discord import ui

    from bot.domain.access import AccessPolicy

REASON_UNITS: Final = 200
REASON_EXCERPT_UNITS: Final = 80
WORD_UNITS: Final = 60
LIST_UNITS: Final = 380
"""The length of one list, if there are no more than eight: they, their titles and the settings fit into one
message."""
_MOST_LISTS: Final = 8
ADDED_UNITS: Final = 3000
LEFT_OUT_UNITS: Final = 600

MODES: Final = {
    "allow": gettext_noop("May paint; once one is allowed, all others may not"),
    "deny": gettext_noop("May not paint, even if another rule allows it"),
    "lift": gettext_noop("Remove the rule"),
}
MODEL_MODES: Final = {
    "allow": gettext_noop("May be used; once one is allowed, all others may not"),
    "deny": gettext_noop("May not be used, even if another rule allows it"),
    "lift": gettext_noop("Remove the rule"),
}
SWITCHES: Final = {"on": gettext_noop("On"), "off": gettext_noop("Off")}
BUTTON_OWNERS: Final = {
    "everybody": gettext_noop("Everybody who may paint, at their own cost"),
    "owner": gettext_noop("Only the member whose picture it is"),
}
_TITLES: Final = {
    (RuleTarget.ROLE, Effect.ALLOW): gettext_noop("Roles that may paint"),
    (RuleTarget.ROLE, Effect.DENY): gettext_noop("Roles that may not paint"),
    (RuleTarget.CHANNEL, Effect.ALLOW): gettext_noop("Channels where members may paint"),
    (RuleTarget.CHANNEL, Effect.DENY): gettext_noop("Channels where nobody may paint"),
    (RuleTarget.WORD, Effect.DENY): gettext_noop("Blocked words"),
    (RuleTarget.MEMBER, Effect.DENY): gettext_noop("Blocked members"),
    (RuleTarget.SPOILER_ROLE, Effect.ALLOW): gettext_noop("Roles whose pictures are behind a spoiler"),
    (RuleTarget.SPOILER_CHANNEL, Effect.ALLOW): gettext_noop("Channels where pictures are behind a spoiler"),
    (RuleTarget.MODEL, Effect.ALLOW): gettext_noop("Models that everybody may use"),
    (RuleTarget.MODEL, Effect.DENY): gettext_noop("Models that nobody may use"),
    (RuleTarget.MODEL_ROLE, Effect.ALLOW): gettext_noop("Models for some roles only"),
    (RuleTarget.MODEL_ROLE, Effect.DENY): gettext_noop("Models that some roles may not use"),
    (RuleTarget.MODEL_CHANNEL, Effect.ALLOW): gettext_noop("Models for some channels only"),
    (RuleTarget.MODEL_CHANNEL, Effect.DENY): gettext_noop("Models that may not be used in some channels"),
}
_RULES: Final = {
    (RuleTarget.ROLE, Effect.ALLOW): gettext_noop(
        "Members with {subject} may paint; members without an allowed role may not."
    ),
    (RuleTarget.ROLE, Effect.DENY): gettext_noop("Members with {subject} may not paint."),
    (RuleTarget.CHANNEL, Effect.ALLOW): gettext_noop(
        "Pictures are painted in {subject}, and only in channels that are allowed."
    ),
    (RuleTarget.CHANNEL, Effect.DENY): gettext_noop("Pictures are not painted in {subject}."),
    (RuleTarget.WORD, Effect.DENY): gettext_noop("Prompts with {subject} are refused."),
    (RuleTarget.MEMBER, Effect.DENY): gettext_noop("{subject} may not paint here any more."),
    (RuleTarget.SPOILER_ROLE, Effect.ALLOW): gettext_noop(
        "Pictures of members with {subject} are behind a spoiler."
    ),
    (RuleTarget.SPOILER_CHANNEL, Effect.ALLOW): gettext_noop("Pictures in {subject} are behind a spoiler."),
    (RuleTarget.MODEL, Effect.ALLOW): gettext_noop(
        "{subject} may be used by everybody; models without a rule that allows them may not."
    ),
    (RuleTarget.MODEL, Effect.DENY): gettext_noop("{subject} may be used by nobody."),
    (RuleTarget.MODEL_ROLE, Effect.ALLOW): gettext_noop(
        "{model} may be used by members with {subject}, and only by those with a role that is allowed for it."
    ),
    (RuleTarget.MODEL_ROLE, Effect.DENY): gettext_noop("{model} may not be used by members with {subject}."),
    (RuleTarget.MODEL_CHANNEL, Effect.ALLOW): gettext_noop(
        "{model} may be used in {subject}, and only in channels that are allowed for it."
    ),
    (RuleTarget.MODEL_CHANNEL, Effect.DENY): gettext_noop("{model} may not be used in {subject}."),
}


def policy_view(policy: AccessPolicy) -> ui.LayoutView:
    """Show all access rules and settings of a server."""
    rules = {key: [rule for rule in policy.rules if (rule.kind, rule.effect) == key] for key in _TITLES}
    shown = {key: each for key, each in rules.items() if each}
    units = LIST_UNITS * _MOST_LISTS // max(_MOST_LISTS, len(shown))
    lists = [
        titled_view(gettext(_TITLES[key]), [_line(rule) for rule in each], units)
        for key, each in shown.items()
    ]
    if not lists:
        lists = [gettext("Everybody may paint in every channel, with any words.")]
    return build_view(f"### {gettext('Who may paint here')}", *lists, subtext(" · ".join(_settings(policy))))


def _settings(policy: AccessPolicy) -> list[str]:
    if policy.cooldown_seconds:
        pause = gettext(
            "a pause of {length} between two pictures", length=length_text(policy.cooldown_seconds)
        )
    else:
        pause = gettext("no pause between two pictures")
    if policy.running_limit:
        at_once = ngettext(
            "{n} picture per member at once", "{n} pictures per member at once", policy.running_limit
        )
    else:
        at_once = gettext("as many pictures at once as a member likes")
    per_request = ngettext("{n} picture a request", "up to {n} pictures a request", policy.picture_limit)
    if policy.owner_only:
        buttons = gettext("buttons for a picture's own member")
    else:
        buttons = gettext("buttons for everybody")
    channels = [gettext("in age-restricted channels only")] if policy.age_restricted_only else []
    safety = [gettext("safety checks are loosened in age-restricted channels")] if policy.loose_safety else []
    return [pause, at_once, per_request, *channels, *safety, buttons]


def _line(rule: AccessRule) -> str:
    parts = [f"- {_subject(rule)}"]
    if rule.kind in {RuleTarget.MODEL_ROLE, RuleTarget.MODEL_CHANNEL}:
        parts = [f"- {_model(rule)}: {_subject(rule)}"]
    if rule.expires_at is not None:
        parts.append(gettext("until {when}", when=timestamp(rule.expires_at, "f")))
    if rule.reason:
        parts.append(escape(rule.reason, REASON_EXCERPT_UNITS))
    return " · ".join(parts)


def _subject(rule: AccessRule) -> str:
    match rule.kind:
        case RuleTarget.ROLE | RuleTarget.SPOILER_ROLE | RuleTarget.MODEL_ROLE:
            return role_mention(rule.subject_id)
        case RuleTarget.MODEL:
            return _model(rule)
        case RuleTarget.CHANNEL | RuleTarget.SPOILER_CHANNEL | RuleTarget.MODEL_CHANNEL:
            return channel_mention(rule.subject_id)
        case RuleTarget.MEMBER:
            return mention(rule.subject_id)
        case RuleTarget.WORD:
            return f"“{escape(rule.words or rule.subject, WORD_UNITS)}”"


def _model(rule: AccessRule) -> str:
    """Return the name of a rule's model, which may be gone by now."""
    return f"**{model_text(rule.words or rule.model)}**"


def rules_added_view(rules: Iterable[AccessRule], note: str = "") -> ui.LayoutView:
    """Show rules that were just added, as many as fit, and a note about what was typed beside them."""
    lines = [f"- {added_text(rule)}" for rule in rules]
    return changed_view("\n".join(fit_lines(lines, ADDED_UNITS)), note)


def added_text(rule: AccessRule) -> str:
    """Return what an added rule means, as a sentence."""
    subject = _subject(rule)
    if rule.kind is RuleTarget.MEMBER and rule.expires_at is not None:
        until = timestamp(rule.expires_at, "f")
        return gettext("{subject} may not paint here until {when}.", subject=subject, when=until)
    return gettext(_RULES[rule.kind, rule.effect], subject=subject, model=_model(rule))


def rule_removed_view(rule: AccessRule | None) -> ui.LayoutView:
    """Show a rule that was just removed; None if there was none."""
    if rule is None:
        return build_view(
            gettext("There is no such rule here. `/access show` lists those that are in force.")
        )
    return changed_view(removed_text(rule))


def removed_text(rule: AccessRule) -> str:
    """Return that a rule was removed, as a sentence."""
    if rule.kind in {RuleTarget.MODEL_ROLE, RuleTarget.MODEL_CHANNEL}:
        return gettext(
            "There is no rule about {model} for {subject} any more.",
            model=_model(rule),
            subject=_subject(rule),
        )
    return gettext("There is no rule about {subject} any more.", subject=_subject(rule))


def changed_view(text: str, note: str = "") -> ui.LayoutView:
    """Show under a title what applies from now on, and a note if there is one."""
    return build_view(f"### {gettext('Changed')}", text, note)


def too_many_rules() -> str:
    """Return that a server can have no more rules."""
    return gettext("This server cannot have more rules. Remove some of them first.")


def no_words() -> str:
    """Return that nothing typed can be compared with a prompt."""
    return gettext(
        "Type at least one word with letters, numbers or emoji in it; punctuation alone cannot be blocked."
        " Separate several words with commas. Nothing was changed."
    )


def words_left_out(words: Sequence[str]) -> str:
    """Return that these have nothing in them that could be compared with a prompt."""
    title = gettext("Left out, since punctuation alone cannot be blocked:")
    lines = [f"- “{escape(word, WORD_UNITS)}”" for word in words]
    return "\n".join([title, *fit_lines(lines, LEFT_OUT_UNITS)])


def long_word(word: str) -> str:
    """Return that a word is longer than a rule can hold, so that no prompt would match it."""
    return gettext(
        "“{word}” is too long: a blocked word or phrase has at most {limit} characters. Nothing was changed.",
        word=escape(word, WORD_UNITS),
        limit=number(WORD_LIMIT),
    )


def everybodys_role() -> str:
    """Return that @everyone, which every member has, cannot have a rule."""
    return gettext("Everybody has that role. Choose another one.")


def role_or_channel() -> str:
    """Return that neither a role nor a channel was chosen, or both."""
    return gettext("Choose either a role or a channel.")


def not_both() -> str:
    """Return that a role and a channel were chosen at once."""
    return gettext("Choose either a role or a channel, or neither for everybody. Nothing was changed.")


def unknown_model(typed: str) -> str:
    """Return that no model has this name."""
    return gettext(
        "There is no model “{name}”. Choose one from the list while you type. Nothing was changed.",
        name=model_text(typed),
    )


def safety_text(*, loose: bool) -> str:
    """Return how strictly models check what is asked for, as a sentence."""
    if loose:
        return gettext(
            "In age-restricted channels and their threads, models that have such a setting check what is"
            " asked for as Rivya has them do it by itself; everywhere else as strictly as they can."
        )
    return gettext("Models check what is asked for as strictly as they can, in every channel.")


def cooldown_text(seconds: int) -> str:
    """Return the pause between two pictures of a member, as a sentence; 0 for none."""
    if not seconds:
        return gettext("Members need not wait between two pictures.")
    return gettext("Members wait for {length} between two pictures.", length=length_text(seconds))


def running_limit_text(limit: int) -> str:
    """Return how many pictures a member may have under way, as a sentence; 0 for any number."""
    if not limit:
        return gettext("Members may have as many pictures under way as they like.")
    return ngettext(
        "Each member may have {n} picture under way.", "Each member may have {n} pictures under way.", limit
    )


def picture_limit_text(limit: int) -> str:
    """Return for how many pictures one request may be, as a sentence."""
    return ngettext(
        "Each request is for {n} picture; models cannot be compared.",
        "A request may be for up to {n} pictures, and compare up to {n} models.",
        limit,
    )


def age_restriction_text(*, only: bool) -> str:
    """Return whether only age-restricted channels are painted in, as a sentence."""
    if only:
        return gettext("Pictures are painted in age-restricted channels only.")
    return gettext("Pictures are painted in every channel that is allowed.")


def buttons_text(*, owner_only: bool) -> str:
    """Return who may use the buttons under a picture, as a sentence."""
    if owner_only:
        return gettext("The buttons under a picture are only for the member who asked for it.")
    return gettext("Everybody who may paint may use the buttons under a picture, at their own cost.")
