"""Find the known words of a prompt: subjects with colour and number, scenery, and the mood of the light."""

from __future__ import annotations

import colorsys
import hashlib
import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

    from sandbox.painter.canvas import Colour

COLOURS: dict[str, Colour] = {
    "red": (200, 48, 40),
    "crimson": (170, 26, 48),
    "scarlet": (220, 50, 36),
    "orange": (232, 128, 36),
    "golden": (226, 172, 54),
    "gold": (226, 172, 54),
    "yellow": (244, 204, 62),
    "green": (74, 140, 70),
    "emerald": (24, 138, 96),
    "turquoise": (52, 176, 172),
    "teal": (32, 128, 130),
    "blue": (52, 98, 178),
    "azure": (72, 150, 214),
    "indigo": (66, 56, 140),
    "violet": (126, 74, 168),
    "purple": (120, 64, 150),
    "pink": (236, 140, 168),
    "rose": (222, 108, 134),
    "brown": (122, 80, 50),
    "black": (48, 46, 54),
    "white": (240, 236, 226),
    "grey": (140, 142, 148),
    "gray": (140, 142, 148),
    "silver": (186, 192, 200),
}

SUBJECTS = {
    "fox": "fox vixen",
    "cat": "cat kitten kitty",
    "dog": "dog puppy hound",
    "wolf": "wolf",
    "bear": "bear",
    "panda": "panda",
    "rabbit": "rabbit bunny hare",
    "tiger": "tiger",
    "lion": "lion",
    "owl": "owl",
    "bird": "bird sparrow robin parrot",
    "fish": "fish goldfish koi",
    "whale": "whale",
    "robot": "robot android",
    "car": "car taxi automobile",
    "house": "house cottage home cabin hut",
    "castle": "castle palace",
    "lighthouse": "lighthouse",
    "tree": "tree oak",
    "flower": "flower rose sunflower tulip daisy",
    "boat": "boat ship sailboat",
    "heart": "heart love",
    "star": "starfish",
    "mushroom": "mushroom toadstool",
    "rocket": "rocket spaceship",
    "balloon": "balloon",
    "cup": "cup tea coffee mug teacup",
    "snowman": "snowman",
}
_MOODS = {
    "night": "night midnight moonlight moonlit moon starry stars",
    "sunset": "sunset dusk evening golden sunrise dawn twilight warm",
    "storm": "storm rain rainy stormy thunder grey-sky foggy fog misty mist",
    "winter": "snow snowy winter ice icy frozen christmas snowman",
    "autumn": "autumn fall october harvest",
    "space": "space galaxy cosmic planet nebula universe rocket spaceship astronaut",
}
_FEATURES = {
    "mountain": "mountain alps peak volcano",
    "forest": "forest wood jungle pine pines",
    "sea": "sea ocean lake river water beach harbour harbor "
    "boat ship sailboat whale fish koi goldfish lighthouse",
    "city": "city town street skyline village",
    "moon": "moon moonlight moonlit",
    "sun": "sun sunset sunrise sunny dawn",
    "stars": "star starry night galaxy space",
    "clouds": "cloud cloudy storm rain sky",
    "rainbow": "rainbow",
    "snowfall": "snow snowy snowman winter",
    "rain": "rain rainy storm",
    "flowers": "meadow garden field spring flowers",
}
_PROPS = {
    "hat": "hat wizard witch",
    "crown": "crown king queen prince princess",
    "scarf": "scarf",
    "glasses": "glasses spectacles reading professor",
}
_NUMBERS = {
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "pair": 2,
    "couple": 2,
    "2": 2,
    "3": 3,
    "4": 4,
    "5": 5,
}
_FLYING = {"bird", "rocket", "balloon", "heart", "star"}
_SWIMMING = {"fish", "whale", "boat"}
_SUBJECT_LIMIT = 5


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing to paint; with `colour` None it has its natural colour."""

    name: str
    colour: Colour | None
    props: frozenset[str]

    @property
    def flies(self) -> bool:
        """Return whether it is drawn in the air."""
        return self.name in _FLYING

    @property
    def swims(self) -> bool:
        """Return whether its shadow lies on water."""
        return self.name in _SWIMMING


@dataclass(frozen=True, slots=True)
class Scene:
    """What to paint."""

    subjects: tuple[Subject, ...]
    mood: str
    features: frozenset[str]
    palette: tuple[Colour, ...]
    """Colours named in the prompt, then one for each of its first words."""
    is_empty: bool
    """Whether no word is known."""
    water: Colour | None
    """The colour named directly before a water word, as in "a turquoise lake"."""


def parse_prompt(prompt: str, dice: random.Random) -> Scene:
    """Parse the prompt; a mood that it does not name is chosen at random."""
    words = re.findall(r"\w+", prompt.lower())
    known = {form for word in words for form in _singulars(word)}
    subjects = _subjects(words)
    moods = [mood for mood, forms in _MOODS.items() if known & set(forms.split())]
    features = frozenset(feature for feature, forms in _FEATURES.items() if known & set(forms.split()))
    return Scene(
        subjects=subjects,
        mood=moods[0] if moods else dice.choice(("day", "day", "sunset")),
        features=features,
        palette=_palette(words),
        is_empty=not (subjects or features or moods),
        water=_water(words),
    )


def _subjects(words: list[str]) -> tuple[Subject, ...]:
    found: list[Subject] = []
    props = frozenset(name for name, forms in _PROPS.items() if set(words) & set(forms.split()))
    colour: Colour | None = None
    count = 1
    for position, word in enumerate(words):
        name = _subject_name(word)
        if name is not None and not _is_colour_before_subject(words, position):
            seen = any(subject.name == name for subject in found)
            found += [Subject(name, colour, props)] * (0 if seen else count)
            colour, count = None, 1
        elif word in COLOURS:
            colour = COLOURS[word]
        elif word in _NUMBERS:
            count = _NUMBERS[word]
        elif word in {"in", "on", "with", "under", "at", "and", "by", "over"}:
            colour, count = None, 1
    return tuple(found[:_SUBJECT_LIMIT])


def _is_colour_before_subject(words: list[str], position: int) -> bool:
    """Return whether the word is a colour here: `rose` is one in "a rose house", and a flower elsewhere."""
    following = words[position + 1] if position + 1 < len(words) else ""
    return words[position] in COLOURS and _subject_name(following) is not None


def _subject_name(word: str) -> str | None:
    forms = _singulars(word)
    return next((name for name, known in SUBJECTS.items() if forms & set(known.split())), None)


def _singulars(word: str) -> set[str]:
    forms = {word, word.removesuffix("s"), word.removesuffix("es")}
    if word.endswith("ves"):
        forms.add(word[:-3] + "f")
    if word.endswith("ies"):
        forms |= {word[:-3] + "y", word[:-1]}
    return forms


def _water(words: list[str]) -> Colour | None:
    for word, following in itertools.pairwise(words):
        if (
            word in COLOURS
            and _singulars(following) & set(_FEATURES["sea"].split())
            and not _subject_name(following)
        ):
            return COLOURS[word]
    return None


def _palette(words: list[str]) -> tuple[Colour, ...]:
    named = [COLOURS[word] for word in words if word in COLOURS]
    return (*named, *(_colour_of(word) for word in words[:6] or [""]))


def _colour_of(word: str) -> Colour:
    """Return a colour that depends on the word alone."""
    digest = hashlib.sha256(word.encode()).digest()
    red, green, blue = colorsys.hls_to_rgb(digest[0] / 255, 0.42 + digest[1] / 1275, 0.55)
    return (int(red * 255), int(green * 255), int(blue * 255))
