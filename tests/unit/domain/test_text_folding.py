"""How texts are folded: what is one word, what is no word, and which emoji are the same."""

from __future__ import annotations

import emoji
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.text_folding import fold_text, fold_with_signs, has_emoji, search_terms, without_emoji

MAN, WOMAN, GIRL, FOX, THUMB = "👨", "👩", "👧", "🦊", "👍"
DARK, PALE = "\U0001f3ff", "\U0001f3fb"
JOINER, EMOJI_STYLE, TEXT_STYLE, BOX = "\u200d", "\ufe0f", "\ufe0e", "\u20e3"
FAMILY = JOINER.join((MAN, WOMAN, GIRL))
BLACK_FLAG = "\U0001f3f4"


def tags(place: str) -> str:
    return "".join(chr(0xE0000 + ord(char)) for char in place) + "\U000e007f"


ENGLAND, SCOTLAND = BLACK_FLAG + tags("gbeng"), BLACK_FLAG + tags("gbsct")


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("a🦊b", "a 🦊 b"),
        (FOX * 3, "🦊 🦊 🦊"),
        (f"❤{EMOJI_STYLE}", "❤"),
        (f"❤{TEXT_STYLE}", "❤"),
        (THUMB + DARK, THUMB),
        (f"{THUMB} {DARK}", f"{THUMB} {DARK}"),
        (DARK, DARK),
        (THUMB + DARK + PALE, f"{THUMB} {PALE}"),
        (FAMILY, FAMILY),
        (f"{MAN}{DARK}{JOINER}{JOINER}{WOMAN}", MAN + JOINER + WOMAN),
        (f"{MAN}{JOINER}", MAN),
        (f"{JOINER}{MAN}{JOINER}a", f"{MAN} a"),
        (f"a{JOINER}b", "ab"),
        (f"👩{JOINER}❤{EMOJI_STYLE}{JOINER}👨", f"👩{JOINER}❤{JOINER}👨"),
        ("🇩🇪🇫🇷", "🇩🇪 🇫🇷"),
        ("🇩🇪🇫", "🇩🇪 🇫"),
        (f"{MAN}{JOINER}🇩🇪", f"{MAN} 🇩🇪"),
        (ENGLAND, ENGLAND),
        (BLACK_FLAG + tags("gbxyz"), BLACK_FLAG),
        (f"a{tags('gbeng')}b", "ab"),
        (f"7{EMOJI_STYLE}{BOX}", "7"),
        (f"#{EMOJI_STYLE}{BOX}", f"#{BOX}"),
        (f"*{BOX}!", f"*{BOX}"),
        (f"fo{BOX}x", "fox"),
        ("☭ ★ ✝ ©", "☭ ★ ✝ ©"),
        ("Ⓜ ™ ㊗", "m tm 祝"),
        ("‼⁉ $ € + ═ #*", ""),
        ("<:Pepe:123>", "pepe 123"),
        ("", ""),
        ("\x00\ud800\U0010ffff", ""),
    ],
    ids=ascii,
)
def test_an_emoji_is_a_word_of_its_own(text: str, folded: str) -> None:
    assert fold_text(text) == folded


def test_every_emoji_is_kept_but_those_that_are_punctuation() -> None:
    lost = {each[0] for each in emoji.EMOJI_DATA if not fold_text(each)}
    assert lost == {"‼", "⁉"}
    # Others are letters and digits in another style, as those are folded that are no emoji.
    assert all(len(fold_text(each).split()) == 1 for each in emoji.EMOJI_DATA if each[0] not in lost)
    styled = {each for each in emoji.EMOJI_DATA if fold_text(each) and not has_emoji(fold_text(each))}
    assert all(fold_text(each).isalnum() for each in styled)
    assert len(styled) < 60


ODD = st.text(
    alphabet=st.one_of(
        st.sampled_from(
            [*FAMILY, FOX, THUMB, DARK, PALE, *"🇩🇪🇪🇦", *ENGLAND, EMOJI_STYLE, BOX, *"#*7a狐_'%."]
        ),
        st.sampled_from("\u200b\u0301\u0337\u3164\u202e\xad\ud800\x00 ßſⓂ㊗©❤♀"),
        st.characters(),
    ),
    max_size=12,
)


@given(ODD)
def test_folding_twice_changes_nothing_and_emoji_only_add_words(text: str) -> None:
    folded = fold_text(text)
    assert fold_text(folded) == folded
    assert folded == " ".join(folded.split())
    words = without_emoji(folded)
    assert not has_emoji(words)
    assert fold_text(words) == words
    assert set(words.split()) <= set(folded.split())


@given(ODD)
def test_a_text_is_found_by_itself_and_by_each_of_its_words(text: str) -> None:
    folded = fold_with_signs(text)
    for search in (text, *text.split(), *folded.split()):
        assert all(term in folded for term in search_terms(search)), search


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("50%", ["50", "%"]),
        ("red_fox", ["red", "fox"]),
        ("**bold**", ["bold", "**", "**"]),
        ("\u201cFox\u2019s\u201d", ["fox", "s", '"', '"']),
        ("…", ["..."]),
        (f"a{FOX}!", ["a", FOX, "!"]),
        (f"#{BOX}", [f"#{BOX}"]),
        ("\u200b\u0301", []),
        ("काम", ["काम"]),
    ],
    ids=ascii,
)
def test_what_is_searched_for(text: str, terms: list[str]) -> None:
    assert search_terms(text) == terms
