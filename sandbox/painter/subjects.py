"""Puts the subjects into the picture: in a row, with their shadows, riders above what they ride."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFilter, ImageOps

from sandbox.painter.glyphs import render
from sandbox.painter.sky import DARK

if TYPE_CHECKING:
    import random

    from sandbox.painter.prompt_parser import Scene, Subject

_CENTRED_FROM = 0.5
"""Subjects with a smaller share of the picture than this stand aside."""
_MIRRORED_SHARE = 0.4
_RIDDEN_SHARE = 0.75
"""The side of what is ridden as a share of a lone subject's, so that the rider has room above."""
_SADDLE, _DECK = (0.35, 0.75), (0.85, 0.6)
"""Where riders stand, as a share of the height from the top, and their side as a share of what they ride."""
_HAT_SHARE = 0.42
"""The side of a hat as a share of its wearer's."""
_TIP_SHARE = 0.2
"""An antenna or the tip of an ear takes a smaller share of a glyph's width."""


def draw_subjects(picture: Image.Image, scene: Scene, dice: random.Random, *, share: float) -> None:
    """Stand the subjects on the ground or in the air; a lone small one leaves the middle free.

    Args:
        picture: what is drawn on.
        scene: whose subjects are drawn.
        dice: decides places and directions.
        share: the side of a subject as a share of the picture's height.
    """
    width, height = picture.size
    slot = width / max(1, len(scene.subjects))
    side = min(height * share, slot * 0.92, width * share * 1.1)
    aside = dice.choice((-0.22, 0.22)) if len(scene.subjects) == 1 and share < _CENTRED_FROM else 0.0
    for number, subject in enumerate(scene.subjects):
        x = slot * (number + 0.5 + aside) + dice.uniform(-0.04, 0.04) * slot
        base = height * (0.69 if subject.flies else 0.9) - (number % 2) * side * 0.07
        own = side * (_RIDDEN_SHARE if any(not rider.is_hat for rider in subject.riders) else 1)
        mirrored = dice.random() < _MIRRORED_SHARE
        if not subject.flies:
            glyph = _glyph(subject, own, mirrored=mirrored)
            sole = glyph.crop((0, glyph.height * 7 // 8, *glyph.size)).getbbox() or (0, 0, *glyph.size)
            middle = x + (sole[0] + sole[2] - glyph.width) / 2
            _shade(picture, (middle, base), (sole[2] - sole[0]) * 0.6, scene, water=subject.swims)
        _draw(picture, subject, (x, base), own, mirrored=mirrored)


def _draw(
    picture: Image.Image, subject: Subject, foot: tuple[float, float], side: float, *, mirrored: bool
) -> None:
    """Draw a subject that stands at `foot`, riders behind it, passengers of a boat and hats before it."""
    glyph = _glyph(subject, side, mirrored=mirrored)
    left, top = round(foot[0] - glyph.width / 2), round(foot[1] - glyph.height)
    riders = [rider for rider in subject.riders if not rider.is_hat]
    seat, share = _DECK if subject.is_boat else _SADDLE
    if subject.is_boat:
        picture.paste(glyph, (left, top), glyph)
    for number, rider in enumerate(riders):
        at = (left + glyph.width * (number + 0.5) / len(riders), top + glyph.height * seat)
        _draw(picture, rider, at, side * share / len(riders) ** 0.5, mirrored=mirrored)
    if not subject.is_boat:
        picture.paste(glyph, (left, top), glyph)
    for hat in subject.riders:
        if hat.is_hat:
            x, y = _head(glyph)
            _draw(picture, hat, (left + x, top + y), side * _HAT_SHARE, mirrored=mirrored)


def _glyph(subject: Subject, side: float, *, mirrored: bool) -> Image.Image:
    glyph = render(subject.emoji, round(side), subject.colour)
    return ImageOps.mirror(glyph) if mirrored else glyph


def _head(glyph: Image.Image) -> tuple[float, float]:
    """Return where a hat sits: just below where the glyph gets wider than an antenna or the tip of an ear."""
    alpha = glyph.getchannel("A")
    rows = alpha.resize((1, glyph.height), Image.Resampling.BOX).tobytes()
    y = next((row for row, cover in enumerate(rows) if cover > _TIP_SHARE * 255), 0)
    box = alpha.crop((0, y, glyph.width, y + 1)).getbbox() or (0, 0, glyph.width, 1)
    return (box[0] + box[2]) / 2, y + glyph.height * 0.06


def _shade(
    picture: Image.Image, foot: tuple[float, float], half: float, scene: Scene, *, water: bool
) -> None:
    """Draw a soft shadow, or a gleam on the water, `half` pixels to either side."""
    mask = Image.new("L", picture.size)
    (x, y), high = foot, picture.height * 0.035
    fill = 110 if water else 150
    ImageDraw.Draw(mask).ellipse((x - half, y - high, x + half * 1.15, y + high), fill=fill)
    tone = (12, 16, 40) if scene.mood in DARK else (40, 36, 60)
    picture.paste(Image.new("RGB", picture.size, tone), mask=mask.filter(ImageFilter.BoxBlur(high / 3)))
