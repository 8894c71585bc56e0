"""Draw a subject by its name, with its shadow, hat, crown, scarf or glasses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFilter

from sandbox.painter import objects, other_animals
from sandbox.painter.animals import ANIMALS, draw_animal
from sandbox.painter.canvas import Box, Canvas, Colour, darker, lighter

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from sandbox.painter.prompt_parser import Subject

_DRAWINGS: dict[str, Callable[[Canvas, Colour | None], None]] = {
    "owl": other_animals.owl,
    "bird": other_animals.bird,
    "fish": other_animals.fish,
    "whale": other_animals.whale,
    "robot": other_animals.robot,
    "snowman": other_animals.snowman,
    "car": objects.car,
    "house": objects.house,
    "castle": objects.castle,
    "lighthouse": objects.lighthouse,
    "tree": objects.tree,
    "flower": objects.flower,
    "boat": objects.boat,
    "heart": objects.heart,
    "star": objects.star,
    "mushroom": objects.mushroom,
    "rocket": objects.rocket,
    "balloon": objects.balloon,
    "cup": objects.cup,
}
_HEADS = {**dict.fromkeys(ANIMALS, -0.72), "owl": -0.72, "robot": -0.86, "snowman": -0.84}
"""The y coordinate of the top of the head in the subject's box; subjects without one wear nothing."""
_MIRRORED_SHARE = 0.4
_UPRIGHT = {"house", "castle", "lighthouse", "cup"}


def draw_subject(picture: Image.Image, subject: Subject, box: Box, mood: str, dice: random.Random) -> None:
    """Draw one subject and its shadow into the box."""
    if not subject.flies:
        _ground(picture, box, water=subject.swims, dark=mood in {"night", "space"})
    mirrored = subject.name not in _UPRIGHT and dice.random() < _MIRRORED_SHARE
    canvas = Canvas(picture, box, mirrored=mirrored)
    if subject.name in ANIMALS:
        draw_animal(canvas, subject.name, subject.colour)
    else:
        _DRAWINGS[subject.name](canvas, subject.colour)
    canvas.composite()
    if subject.name in _HEADS:
        for prop in sorted(subject.props):
            _PROPS[prop](canvas, _HEADS[subject.name])
            canvas.composite()


def _ground(picture: Image.Image, box: Box, *, water: bool, dark: bool) -> None:
    """Draw a soft shadow on the ground, a lighter one on water."""
    mask = Image.new("L", picture.size)
    wide, high, y = box.half * 0.95, box.half * 0.13, box.y + box.half * 0.97
    fill = 110 if water else 150
    ImageDraw.Draw(mask).ellipse((box.x - wide, y - high, box.x + wide * 1.15, y + high), fill=fill)
    tone = (12, 16, 40) if dark else (40, 36, 60)
    picture.paste(
        Image.new("RGB", picture.size, tone), mask=mask.filter(ImageFilter.BoxBlur(box.half * 0.05))
    )


def _hat(canvas: Canvas, top: float) -> None:
    colour = (66, 52, 120)
    canvas.shape(
        colour,
        (-0.3, top + 0.06),
        (0.3, top + 0.06),
        (0.1, top - 0.32),
        (0.2, top - 0.56),
        (-0.08, top - 0.36),
    )
    canvas.oval(darker(colour, 0.2), 0, top + 0.06, 0.44, 0.08)
    canvas.shape(
        (232, 184, 70), (-0.29, top + 0.02), (0.29, top + 0.02), (0.24, top - 0.08), (-0.24, top - 0.08)
    )
    canvas.oval((250, 226, 130), 0.02, top - 0.22, 0.045)


def _crown(canvas: Canvas, top: float) -> None:
    gold = (236, 186, 62)
    points = [
        (-0.3, top + 0.1),
        (-0.34, top - 0.24),
        (-0.17, top - 0.06),
        (0.0, top - 0.32),
        (0.17, top - 0.06),
    ]
    canvas.shape(gold, *points, (0.34, top - 0.24), (0.3, top + 0.1))
    for x, y in ((-0.34, -0.24), (0, -0.32), (0.34, -0.24)):
        canvas.oval((214, 64, 72), x, top + y, 0.05)
    canvas.line(lighter(gold), 0.04, (-0.29, top + 0.04), (0.29, top + 0.04))


def _scarf(canvas: Canvas, top: float) -> None:
    colour, y = (204, 60, 58), top + 0.8
    canvas.blob(
        colour,
        (-0.42, y - 0.08),
        (0, y),
        (0.42, y - 0.08),
        (0.44, y + 0.08),
        (0, y + 0.17),
        (-0.44, y + 0.08),
    )
    canvas.shape(darker(colour, 0.15), (0.18, y + 0.08), (0.4, y + 0.06), (0.46, y + 0.5), (0.26, y + 0.54))
    for k in range(3):
        canvas.line(
            (244, 226, 190),
            0.035,
            (0.22 + 0.02 * k, y + 0.2 + 0.1 * k),
            (0.42 + 0.015 * k, y + 0.18 + 0.1 * k),
        )


def _glasses(canvas: Canvas, top: float) -> None:
    y = top + 0.3
    for x in (-0.21, 0.21):
        ring = [(x + 0.17 * u, y + 0.17 * v) for u, v in ((1, 0), (0.7, 0.7), (0, 1), (-0.7, 0.7), (-1, 0))]
        low = [(x + 0.17 * u, y + 0.17 * v) for u, v in ((-1, 0), (-0.7, -0.7), (0, -1), (0.7, -0.7), (1, 0))]
        canvas.line((60, 40, 36), 0.045, *ring, *low)
    canvas.line((60, 40, 36), 0.045, (-0.05, y - 0.02), (0.05, y - 0.02))


_PROPS = {"hat": _hat, "crown": _crown, "scarf": _scarf, "glasses": _glasses}
