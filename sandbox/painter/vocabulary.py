"""The words a prompt is read by, English and Indonesian; the names of emoji come from Unicode's CLDR."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

import emoji

if TYPE_CHECKING:
    from sandbox.painter.colours import Colour


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


_COLOUR_NAMES: dict[Colour, str] = {
    (200, 48, 40): "red merah",
    (170, 26, 48): "crimson",
    (220, 50, 36): "scarlet",
    (232, 128, 36): "orange oranye jingga",
    (226, 172, 54): "golden gold emas keemasan",
    (244, 204, 62): "yellow kuning",
    (74, 140, 70): "green hijau",
    (24, 138, 96): "emerald",
    (52, 176, 172): "turquoise toska",
    (32, 128, 130): "teal",
    (52, 98, 178): "blue biru",
    (72, 150, 214): "azure",
    (66, 56, 140): "indigo nila",
    (126, 74, 168): "violet",
    (120, 64, 150): "purple ungu",
    (236, 140, 168): "pink jambon",
    (222, 108, 134): "rose",
    (122, 80, 50): "brown cokelat coklat",
    (48, 46, 54): "black hitam",
    (240, 236, 226): "white putih",
    (140, 142, 148): "grey gray abu",
    (186, 192, 200): "silver perak",
}
COLOURS = {word: colour for colour, words in _COLOUR_NAMES.items() for word in words.split()}
MOODS = {
    "night": "night midnight moonlight moonlit moon starry stars malam",
    "sunset": "sunset dusk evening golden sunrise dawn twilight warm senja petang sore fajar terbenam terbit",
    "storm": "storm rain rainy stormy thunder fog foggy misty mist badai hujan petir kabut berkabut",
    "winter": "snow snowy winter ice icy frozen christmas salju bersalju dingin natal",
    "autumn": "autumn fall october harvest gugur",
    "space": "space galaxy cosmic planet nebula universe antariksa angkasa galaksi",
}
FEATURES = {
    "mountain": "mountain alps peak volcano gunung pegunungan",
    "forest": "forest wood jungle pine pines hutan rimba",
    "sea": "sea ocean lake river water beach harbour harbor laut samudra danau sungai air pantai pelabuhan",
    "city": "city cityscape town street skyline village kota desa jalan",
    "moon": "moon moonlight moonlit bulan",
    "sun": "sun sunset sunrise sunny dawn matahari",
    "stars": "star starry night galaxy space bintang berbintang malam",
    "clouds": "cloud cloudy storm rain sky awan berawan langit badai hujan",
    "rainbow": "rainbow pelangi",
    "snowfall": "snow snowy winter salju bersalju",
    "rain": "rain rainy storm hujan badai",
    "flowers": "meadow garden field spring flowers padang taman kebun ladang semi",
}
_NUMBER_NAMES = {
    2: "two 2 pair couple dua sepasang",
    3: "three 3 several tiga beberapa banyak",
    4: "four 4 empat",
    5: "five 5 many lima",
}
NUMBERS = {word: number for number, words in _NUMBER_NAMES.items() for word in words.split()}
RIDING = _words(
    "on atop aboard riding rides ride driving drives",
    "atas naik menaiki menunggang menunggangi mengendarai",
)
"""The noun after one of these carries the noun before it."""
BREAKS = RIDING | _words(
    "in with under at and by over near beside behind wearing",
    "di dan dengan pada dalam bawah dekat memakai , . ; :",
)
"""A colour and a number belong to a noun on the same side of these."""

_SYNONYMS = {
    "🦊": "vixen",
    "🐈": "kitten, kitty, anak kucing",
    "🐕": "puppy, hound, anak anjing",
    "🐇": "bunny, hare",
    "🐅": "macan",
    "🐦": "sparrow, robin",
    "🐠": "goldfish, koi",
    "🐋": "paus",
    "🤖": "android",
    "🚗": "car",
    "🏠": "cottage, home, cabin",
    "🏰": "palace, istana",
    "🌳": "tree, oak, pohon",
    "🌺": "flower, bunga",
    "🌼": "daisy",
    "⛵": "boat, perahu",
    "❤": "heart, love, hati, cinta",
    "⭐": "starfish, bintang laut",
    "🍄": "toadstool",
    "🚀": "spaceship",
    "☕": "cup, tea, coffee, mug, teacup, kopi, teh, cangkir",
    "☃": "boneka salju, manusia salju",
    "🎩": "hat, topi",
    "🤴": "king, raja",
    "👸": "queen, ratu",
    "🧙": "wizard, witch, penyihir",
    "👓": "spectacles",
    "🐑": "sheep, lamb, domba",
    "🐎": "pony",
    "🐖": "piglet",
    "🐝": "bee, lebah",
    "🐿": "squirrel",
    "🦢": "angsa",
    "🦏": "rhino",
    "🦛": "hippo",
    "🦕": "dinosaur, dinosaurus",
    "🧑": "people, orang",
    "👧": "gadis",
    "👼": "angel, malaikat",
    "🚲": "bike",
    "🏍": "motorbike, motor, sepeda motor",
    "✈": "plane, aeroplane",
    "🚚": "truck, lorry, truk",
    "🚂": "kereta api",
    "🛸": "ufo",
    "🏢": "building, gedung",
    "🛋": "sofa, couch",
    "🎹": "piano",
    "💻": "computer, komputer",
    "⚔": "sword, pedang",
    "🏮": "lantern, lampion",
    "💡": "lamp, lampu",
    "📖": "book",
    "🎁": "gift, hadiah",
    "🎃": "pumpkin, labu",
    "🍎": "apple, apel",
    "🍊": "jeruk",
    "🍒": "cherry",
    "🎂": "cake",
    "🍨": "es krim",
    "🍁": "leaf, daun",
    "🐚": "seashell, kerang",
}
"""What people call things whose CLDR name is longer, such as "automobile" or "deciduous tree"."""
_NO_NAMES = _words(
    "bank cinema cooking customs dizzy ear eye eyes film fly foot hole kiss leg link locked mate mouth nose",
    "om prohibited restroom selfie tongue unlocked watch wireless zzz",
    "bersin bohong berlari dewasa dilarang hidung keringat lidah lubang marah mekar memasak mual",
    "mulut ngiler nirkabel oke pusing tautan telinga tungkai",
)
"""Names of emoji that a prompt uses for something else."""
_OBJECTS_BELOW_1F300 = frozenset("⌛⏰☂☃☎☕⚓⚔⚖⚙⚽⚾⛄⛪⛲⛴⛵⛷⛸⛺✂✈✉✏❤")
"""The other characters down there are signs."""
_NO_OBJECTS = (range(0x1F32D), range(0x1F3D4, 0x1F3E0), range(0x1F3F3, 0x1F3F5))
"""Signs, weather and moons; landscapes, because the scenery has its own; flags."""
_SKIN_TONES = range(0x1F3FB, 0x1F400)


@functools.cache
def subject_names() -> dict[tuple[str, ...], str]:
    """Return every name of a subject, as its words in lower case, with its emoji."""
    emoji.config.load_language("id")
    scenery = {word for words in (*MOODS.values(), *FEATURES.values()) for word in words.split()}
    names: dict[tuple[str, ...], str] = {}
    for sequence, data in emoji.EMOJI_DATA.items():
        if data["status"] != emoji.STATUS["fully_qualified"] or not _is_subject(sequence):
            continue
        for language in ("en", "id"):
            words = split_words(data.get(language, "").replace("_", " "))
            if words and not {*words} <= scenery | BREAKS | _NO_NAMES:
                names.setdefault(words, sequence.replace("\N{VARIATION SELECTOR-16}", ""))
    for sequence, synonyms in _SYNONYMS.items():
        for name in synonyms.split(", "):
            names[tuple(name.split())] = sequence
    return names


def split_words(text: str) -> tuple[str, ...]:
    """Split a text into its words in lower case and its punctuation; hyphens only separate."""
    return tuple(re.findall(r"\w+|[,.;:]", text.lower().strip(":")))


def singulars(word: str) -> set[str]:
    """Return what a word may be a form of, itself among them."""
    forms = {word, word.removesuffix("s"), word.removesuffix("es"), word.removesuffix("nya")}
    if word.endswith("ves"):
        forms.add(word[:-3] + "f")
    if word.endswith("ies"):
        forms |= {word[:-3] + "y", word[:-1]}
    if word.endswith("men"):
        forms.add(word[:-3] + "man")
    return forms | _IRREGULAR.get(word, set())


_IRREGULAR = {"mice": {"mouse"}, "geese": {"goose"}, "children": {"child"}, "oxen": {"ox"}}


def _is_subject(sequence: str) -> bool:
    codes = [ord(character) for character in sequence]
    if any(code in _SKIN_TONES for code in codes):
        return False
    return sequence[0] in _OBJECTS_BELOW_1F300 or not any(codes[0] in block for block in _NO_OBJECTS)
