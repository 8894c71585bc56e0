"""Finds in a prompt what can be painted: subjects, their colours and number, the place, the hour."""

from __future__ import annotations

import colorsys
import hashlib
import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import emoji

from sandbox.painter.vocabulary import (
    BREAKS,
    COLOURS,
    FEATURES,
    MOODS,
    NUMBERS,
    RIDING,
    singulars,
    split_words,
    subject_names,
)

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from sandbox.painter.colours import Colour

_BOATS = frozenset("⛵🚤🛥⛴🛳🚢🛶")
_BRINGS = {
    "sea": _BOATS | set("🐟🐠🐡🐳🐋🐬🦈🫍🐙🦑🪼🛙"),
    "space": frozenset("🚀🛸🛰🪐"),
    "snow": frozenset("☃⛄🎄🎅"),
}
"""A word of the scenery, and the subjects that bring it along."""
_FLYING = frozenset("🐦🕊🦅🦜🦇🦋🐝🐉✈🛩🚁🚀🛸🛰🎈🪁🪂👼🧚🪽⭐❤💙💚💛💜🧡🤍🖤🤎🩷🩵🩶💖💗💓💕")
_HATS = frozenset("🎩👑👒🧢🎓⛑🪖")
_LONGEST_NAME = 5
"""In words; the longer names of emoji are descriptions."""
_SUBJECT_LIMIT = 5
_HERD = 3
"""How many a doubled Indonesian noun shows, as in "kucing-kucing"."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing to paint; `colour` is None for its own."""

    emoji: str
    colour: Colour | None = None
    riders: tuple[Subject, ...] = ()
    """What is on it: riders, passengers, or the hat it wears."""

    @property
    def flies(self) -> bool:
        """Whether its place is in the air."""
        return self.emoji in _FLYING

    @property
    def swims(self) -> bool:
        """Whether its foot is in the water."""
        return self.emoji in _BRINGS["sea"]

    @property
    def is_boat(self) -> bool:
        """Whether its riders are on its deck, before the sails."""
        return self.emoji in _BOATS

    @property
    def is_hat(self) -> bool:
        """Whether the subject before it wears it."""
        return self.emoji in _HATS


@dataclass(frozen=True, slots=True)
class Scene:
    """What the prompt comes to."""

    subjects: tuple[Subject, ...]
    mood: str
    features: frozenset[str]
    palette: tuple[Colour, ...]
    """Colours of the prompt's words: named ones first, then one for each other word."""
    is_empty: bool
    """True if no word said what or where."""

    water: Colour | None
    """The colour named beside the water, as in "a turquoise lake" or "laut biru"."""


@dataclass(slots=True)
class _Mention:
    """A noun with what the words around it say about it."""

    emoji: str
    count: int
    colour: Colour | None
    is_ridden: bool


def parse_prompt(prompt: str, dice: random.Random) -> Scene:
    """Read the prompt's words; what it leaves open is for the dice to decide."""
    named = emoji.demojize(prompt, delimiters=(" ", " ")).replace("_", " ")
    words = split_words(named.lower().replace("merah muda", "pink"))
    mentions, others = _read(words)
    known = {form for word in others for form in singulars(word)}
    known |= {word for word, brought in _BRINGS.items() if any(one.emoji in brought for one in mentions)}
    moods = [mood for mood, forms in MOODS.items() if known & set(forms.split())]
    features = frozenset(feature for feature, forms in FEATURES.items() if known & set(forms.split()))
    return Scene(
        subjects=_group(mentions)[:_SUBJECT_LIMIT],
        mood=moods[0] if moods else dice.choice(("day", "day", "sunset")),
        features=features,
        palette=_palette(words),
        is_empty=not (mentions or features or moods),
        water=_water(words),
    )


def without(scene: Scene, words: str) -> Scene:
    """Return the scene without what the words name: subjects with their riders, features, the mood."""
    known = {form for word in split_words(words.lower()) for form in singulars(word)}
    mentions, _ = _read(split_words(words.lower()))
    banned = {mention.emoji for mention in mentions}
    mood_words = set(MOODS.get(scene.mood, "").split())
    return replace(
        scene,
        subjects=_spared(scene.subjects, banned),
        mood="day" if known & mood_words else scene.mood,
        features=frozenset(name for name in scene.features if not known & set(FEATURES[name].split())),
    )


def _spared(subjects: tuple[Subject, ...], banned: set[str]) -> tuple[Subject, ...]:
    return tuple(
        replace(each, riders=_spared(each.riders, banned)) for each in subjects if each.emoji not in banned
    )


def _read(words: Sequence[str]) -> tuple[list[_Mention], list[str]]:
    """Return the nouns that have an emoji, and the other words.

    A colour belongs to the noun after it, or to the one before it if no other follows up to the next break.
    """
    mentions: list[_Mention] = []
    others: list[str] = []
    colour: Colour | None = None
    count, is_ridden, clause, at = 1, False, 0, 0
    while at < len(words):
        word, (sequence, length) = words[at], _find_subject(words, at)
        if length and not (length == 1 and word in COLOURS and _find_subject(words, at + 1)[1]):
            if words[at : at + length] == words[at + length : at + 2 * length]:
                count, length = max(count, _HERD), 2 * length
            mentions.append(_Mention(sequence, count, colour, is_ridden))
            colour, count, is_ridden, at = None, 1, False, at + length
            continue
        if word in COLOURS:
            colour = COLOURS[word]
        elif word in BREAKS:
            _colour_last(mentions[clause:], colour)
            colour, count, clause = None, 1, len(mentions)
            is_ridden = bool(mentions) and word in RIDING
        count = NUMBERS.get(word, count)
        others.append(word)
        at += 1
    _colour_last(mentions[clause:], colour)
    return mentions, others


def _colour_last(mentions: list[_Mention], colour: Colour | None) -> None:
    if mentions and mentions[-1].colour is None:
        mentions[-1].colour = colour


def _find_subject(words: Sequence[str], at: int) -> tuple[str, int]:
    """Return the emoji of the longest name that begins here and how many words it has, or `("", 0)`."""
    names = subject_names()
    for length in range(min(_LONGEST_NAME, len(words) - at), 0, -1):
        *first, last = words[at : at + length]
        for form in sorted(singulars(last), reverse=True):
            if (*first, form) in names:
                return names[*first, form], length
    return "", 0


def _group(mentions: list[_Mention]) -> tuple[Subject, ...]:
    """Put riders on what they ride and hats on heads; the others stand beside each other.

    What is named again counts once, unless it has another colour.
    """
    subjects: list[Subject] = []
    seen: set[tuple[str, Colour | None]] = set()
    last = 0
    for mention in mentions:
        if (mention.emoji, mention.colour) in seen:
            continue
        seen |= {(mention.emoji, mention.colour), (mention.emoji, None)}
        subject = Subject(mention.emoji, mention.colour)
        if subjects and subject.is_hat:
            subjects[last:] = [
                replace(wearer, riders=(*wearer.riders, subject)) for wearer in subjects[last:]
            ]
        elif mention.is_ridden:
            subjects[last:] = [replace(subject, riders=tuple(subjects[last:][:_SUBJECT_LIMIT]))]
        else:
            last = len(subjects)
            subjects += [subject] * mention.count
    return tuple(subjects)


def _water(words: Sequence[str]) -> Colour | None:
    for pair in itertools.pairwise(words):
        for colour, noun in (pair, pair[::-1]):
            if colour in COLOURS and singulars(noun) & set(FEATURES["sea"].split()):
                return COLOURS[colour]
    return None


def _palette(words: Sequence[str]) -> tuple[Colour, ...]:
    named = [COLOURS[word] for word in words if word in COLOURS]
    return (*named, *(_colour_of(word) for word in words[:6] or [""]))


def _colour_of(word: str) -> Colour:
    """Every word has its colour, always the same."""
    digest = hashlib.sha256(word.encode()).digest()
    red, green, blue = colorsys.hls_to_rgb(digest[0] / 255, 0.42 + digest[1] / 1275, 0.55)
    return (int(red * 255), int(green * 255), int(blue * 255))
