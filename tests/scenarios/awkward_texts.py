"""Texts that people and programs really send, each with what is right for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PAINTED: Final = "painted"
EMPTY: Final = "The prompt is empty"
HALF: Final = "half a character"
"""What the answer says to a prompt that is not painted."""


@dataclass(frozen=True)
class Awkward:
    text: str
    line: str | None = None
    """The text on one line, as it is stored where one line is wanted; None if it is that already."""
    shown: str | None = None
    """How the log shows it, with escaped markup, in at most 120 units; None if it is the line."""
    prompt: str = PAINTED
    blocked: str | None = None
    """How it is listed as a blocked word; empty if it is left out, None if it is the line."""
    too_long: bool = False
    """Whether it is too long for a blocked word."""
    nameless: bool = False
    """Whether a preset cannot have it as its name."""
    found: bool = True
    """Whether a search for it finds a prompt of it."""

    @property
    def one_line(self) -> str:
        return self.text if self.line is None else self.line

    @property
    def why(self) -> str:
        return self.one_line if self.shown is None else self.shown


ZALGO: Final = "z\u0351\u0346\u0327a\u0313\u0341\u0320l\u0334\u0321g\u0358\u0353o\u030a\u0329"
FAMILY: Final = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
BLANK: Final = {"prompt": EMPTY, "blocked": "", "nameless": True, "found": False}

TEXTS: Final = {
    "one letter": Awkward("x"),
    "zalgo": Awkward(ZALGO),
    "a mountain of zalgo": Awkward("z" + "\u0351" * 4999, shown="z" + "\u0351" * 118 + "…", too_long=True),
    "joiners in a word": Awkward("w\u200da\u200dl\u200cr\u2060us"),
    "a joined emoji": Awkward(FAMILY),
    "joiners alone": Awkward("\u200d\u200d", **BLANK),  # type: ignore[arg-type]  # columns of the table
    "a skin tone": Awkward("\U0001f44d\U0001f3ff"),
    "a flag cut in half": Awkward("\U0001f1e9\U0001f1ea\U0001f1eb"),
    "right to left": Awkward("\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627"),
    "an override": Awkward("\u202egnp.exe\u202c", line="gnp.exe"),
    "isolates": Awkward("\u2066a\u2069 \u2067b\u2069", line="a b"),
    "the first half of a character": Awkward("fox \ud83e", line="fox", prompt=HALF),
    "the second half of a character": Awkward("\udd8a fox", line="fox", prompt=HALF),
    "halves in the wrong order": Awkward("a\udd8a\ud83eb", line="ab", prompt=HALF),
    "half a character alone": Awkward("\ud83e", line="", **(BLANK | {"prompt": HALF})),  # type: ignore[arg-type]
    "nul": Awkward("a\x00b", line="a b"),
    "nul alone": Awkward("\x00", line="", **BLANK),  # type: ignore[arg-type]
    "control characters": Awkward("\x1b[31mred\x07\x7f", line="[31mred", shown="\\[31mred"),
    "lines": Awkward("a\n\n\tb\r\nc\u2028d\x85e", line="a b c d e"),
    "spaces": Awkward("\u3000\u2003 \xa0", line="", **BLANK),  # type: ignore[arg-type]
    "letters that are blank": Awkward("\u3164\u115f", **BLANK),  # type: ignore[arg-type]
    "an accent without a letter": Awkward("\u0301", **BLANK),  # type: ignore[arg-type]
    "a byte order mark": Awkward("\ufefffox"),
    "no characters": Awkward("\uffff\U0010ffff \ue000fox"),
    "five thousand emoji": Awkward("🦊" * 5000, shown="🦊" * 59 + "…", too_long=True),
    "a very long word": Awkward("w" * 5000, shown="w" * 119 + "…", too_long=True),
    "emoji at a cut": Awkward("w" * 118 + "🦊🦊", shown="w" * 118 + "…", too_long=True),
    "a code fence": Awkward(
        "```py\nprint(1)\n```", line="```py print(1) ```", shown="\\`\\`\\`py print(1) \\`\\`\\`"
    ),
    "an open code fence": Awkward("```a", shown="\\`\\`\\`a"),
    "markdown": Awkward(
        "**b** __u__ ~~s~~ ||h|| [l](https://x.y)",
        shown="\\*\\*b\\*\\* \\_\\_u\\_\\_ \\~\\~s\\~\\~ \\|\\|h\\|\\| \\[l\\](https://x.y)",
    ),
    "a heading": Awkward("# a", shown="\\# a"),
    "a quote and a list": Awkward("> a\n- b", line="> a - b", shown="\\> a - b"),
    "a list": Awkward("- a", shown="\\- a"),
    "a number with a dot": Awkward("1. a", shown="1\\. a"),
    "mentions": Awkward("@everyone @here <@1>", shown="@\u200beveryone @\u200bhere \\<@1\\>"),
    "a time": Awkward("<t:0:R>", shown="\\<t:0:R\\>"),
    "an emoji of discord": Awkward("<a:fox:123456789012345678>", shown="\\<a:fox:123456789012345678\\>"),
    "a backslash": Awkward("a\\", shown="a\\\\"),
    "only punctuation": Awkward("%_'\"!", shown="%\\_'\"!", blocked="", nameless=True),
    "sql": Awkward("'; DROP TABLE jobs; --"),
    "a template": Awkward("{member} {0} %s %(x)s ${x}"),
    "commas": Awkward(",a,,", blocked="a"),
}
