"""Sitting animals that face the viewer; one body with different ears, tails and markings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sandbox.painter.canvas import Canvas, Colour, Point, darker, lighter, mix

_INK: Colour = (44, 32, 34)
_CREAM: Colour = (248, 236, 212)


@dataclass(frozen=True, slots=True)
class _Looks:
    coat: Colour
    ears: Literal["pointed", "tall", "floppy", "round", "long"]
    tail: Literal["brush", "thin", "wag", "puff", "none"]
    marking: Literal["mask", "stripes", "muzzle", "patches", "mane"]
    eyes: Colour


ANIMALS = {
    "fox": _Looks((218, 104, 38), "tall", "brush", "mask", (86, 54, 22)),
    "cat": _Looks((122, 116, 124), "pointed", "thin", "stripes", (128, 178, 76)),
    "dog": _Looks((190, 138, 84), "floppy", "wag", "muzzle", (78, 50, 34)),
    "wolf": _Looks((124, 128, 142), "tall", "brush", "mask", (216, 172, 70)),
    "bear": _Looks((126, 82, 52), "round", "none", "muzzle", (40, 28, 26)),
    "panda": _Looks((244, 240, 232), "round", "none", "patches", (30, 26, 28)),
    "rabbit": _Looks((206, 186, 166), "long", "puff", "muzzle", (70, 44, 40)),
    "tiger": _Looks((230, 140, 46), "round", "thin", "stripes", (196, 164, 60)),
    "lion": _Looks((222, 170, 88), "round", "thin", "mane", (140, 92, 36)),
}


def draw_animal(canvas: Canvas, name: str, colour: Colour | None) -> None:
    """Draw the animal `name`; `colour` is mixed with its natural coat, None leaves that as it is."""
    looks = ANIMALS[name]
    coat = mix(colour, looks.coat, 0.3) if colour else looks.coat
    dark = (46, 42, 48) if looks.marking == "patches" else darker(coat, 0.4)
    _tail(canvas, looks, coat)
    canvas.composite()
    _body(canvas, looks, coat, dark)
    canvas.composite()
    if looks.marking == "mane":
        _mane(canvas, darker(mix(coat, (150, 70, 30), 0.6), 0.1))
        canvas.composite()
    _ears(canvas, looks, dark if looks.marking == "patches" else coat)
    canvas.composite(0.7)
    _head(canvas, looks, coat, dark)
    canvas.composite()
    _face(canvas, looks)


def _both(points: tuple[Point, ...]) -> tuple[tuple[Point, ...], tuple[Point, ...]]:
    return points, tuple((-x, y) for x, y in points)


def _tail(canvas: Canvas, looks: _Looks, coat: Colour) -> None:
    if looks.tail == "brush":
        canvas.blob(
            coat,
            (0.3, 0.92),
            (0.7, 0.98),
            (1.0, 0.72),
            (1.02, 0.3),
            (0.82, -0.06),
            (0.72, 0.24),
            (0.6, 0.5),
            (0.3, 0.66),
        )
        tip = _CREAM if sum(coat) < 3 * sum(_CREAM) // 4 else darker(coat, 0.3)
        canvas.blob(tip, (1.02, 0.3), (0.82, -0.08), (0.72, 0.24), (0.8, 0.34), (0.86, 0.26), (0.94, 0.38))
    elif looks.tail == "thin":
        canvas.line(
            coat, 0.15, (0.3, 0.88), (0.66, 0.92), (0.86, 0.74), (0.88, 0.46), (0.8, 0.24), (0.84, 0.06)
        )
        canvas.oval(darker(coat, 0.4) if looks.marking != "mane" else (122, 66, 34), 0.84, 0.05, 0.1)
    elif looks.tail == "wag":
        canvas.blob(coat, (0.3, 0.9), (0.62, 0.76), (0.86, 0.38), (0.94, 0.4), (0.84, 0.78), (0.5, 0.98))
    elif looks.tail == "puff":
        canvas.oval(_CREAM, 0.52, 0.78, 0.19)


def _body(canvas: Canvas, looks: _Looks, coat: Colour, dark: Colour) -> None:
    patched = looks.marking == "patches"
    for side in (-1, 1):
        canvas.oval(dark if patched else darker(coat, 0.12), 0.34 * side, 0.78, 0.24, 0.22)
    canvas.blob(
        coat,
        (0, -0.2),
        (0.34, 0.06),
        (0.46, 0.5),
        (0.44, 0.9),
        (0, 1.0),
        (-0.44, 0.9),
        (-0.46, 0.5),
        (-0.34, 0.06),
    )
    if patched:
        canvas.blob(dark, (-0.36, 0.04), (0, 0.14), (0.36, 0.04), (0.44, 0.3), (0, 0.36), (-0.44, 0.3))
    else:
        pale = mix(coat, _CREAM, 0.85 if looks.marking == "mask" else 0.5)
        canvas.blob(pale, (0, -0.1), (0.2, 0.12), (0.17, 0.42), (0, 0.62), (-0.17, 0.42), (-0.2, 0.12))
    if looks.marking == "stripes":
        for y in (0.3, 0.46, 0.62):
            for points in _both(((0.46, y), (0.3, y + 0.05), (0.46, y + 0.09))):
                canvas.shape(dark, *points)
    leg = dark if patched else coat
    foot = darker(coat, 0.55) if looks.marking == "mask" else leg
    for side in (-1, 1):
        x = 0.15 * side
        canvas.blob(leg, (x - 0.1, 0.36), (x + 0.1, 0.36), (x + 0.1, 0.94), (x - 0.1, 0.94))
        canvas.blob(foot, (x - 0.1, 0.76), (x + 0.1, 0.76), (x + 0.13, 0.97), (x, 1.02), (x - 0.13, 0.97))
    canvas.line(darker(leg, 0.5), 0.025, (0, 0.56), (0, 0.98))


def _ears(canvas: Canvas, looks: _Looks, coat: Colour) -> None:
    inner = mix(coat, (236, 170, 150), 0.55)
    outer: tuple[Point, ...]
    inside: tuple[Point, ...]
    if looks.ears == "round":
        for side in (-1, 1):
            canvas.oval(coat, 0.38 * side, -0.72, 0.18)
            canvas.oval(inner, 0.38 * side, -0.71, 0.1)
        return
    if looks.ears == "tall":
        outer, inside = (
            ((0.08, -0.66), (0.42, -1.12), (0.54, -0.46)),
            ((0.18, -0.68), (0.4, -1.0), (0.47, -0.56)),
        )
        inner = darker(coat, 0.6)
    elif looks.ears == "pointed":
        outer, inside = (
            ((0.1, -0.68), (0.44, -1.0), (0.53, -0.44)),
            ((0.2, -0.68), (0.42, -0.9), (0.46, -0.54)),
        )
    elif looks.ears == "long":
        outer = ((0.08, -0.6), (0.06, -1.0), (0.2, -1.26), (0.34, -1.0), (0.3, -0.6))
        inside = ((0.14, -0.66), (0.13, -0.98), (0.2, -1.14), (0.27, -0.98), (0.24, -0.66))
    else:
        outer = ((0.3, -0.74), (0.54, -0.68), (0.64, -0.3), (0.54, -0.02), (0.42, -0.2))
        inside = ()
        coat = darker(coat, 0.3)
    draw = canvas.shape if looks.ears in {"tall", "pointed"} else canvas.blob
    for points in _both(outer):
        draw(coat, *points)
    for points in _both(inside) if inside else ():
        draw(inner, *points)


def _head(canvas: Canvas, looks: _Looks, coat: Colour, dark: Colour) -> None:
    if looks.marking == "mask":
        right = ((0.0, -0.76), (0.34, -0.68), (0.56, -0.34), (0.3, -0.12), (0.1, 0.04))
        canvas.blob(coat, *right, *[(-x, y) for x, y in right[:0:-1]])
        for points in _both(
            ((0.02, -0.1), (0.14, -0.26), (0.34, -0.3), (0.56, -0.34), (0.3, -0.11), (0.08, 0.04))
        ):
            canvas.blob(_CREAM, *points)
        canvas.blob(coat, (0, -0.7), (0.12, -0.4), (0.1, -0.2), (0, -0.1), (-0.1, -0.2), (-0.12, -0.4))
        return
    canvas.blob(
        coat,
        (0, -0.8),
        (0.38, -0.7),
        (0.52, -0.38),
        (0.36, -0.06),
        (0, 0.04),
        (-0.36, -0.06),
        (-0.52, -0.38),
        (-0.38, -0.7),
    )
    if looks.marking == "patches":
        for side in (-1, 1):
            canvas.blob(
                dark, (0.1 * side, -0.44), (0.24 * side, -0.56), (0.36 * side, -0.36), (0.26 * side, -0.22)
            )
    canvas.oval(lighter(coat, 0.6), 0, -0.14, 0.23, 0.16)
    if looks.marking == "stripes":
        for x in (-0.16, 0, 0.16):
            canvas.shape(
                dark, (x - 0.045, -0.8 + abs(x) * 0.3), (x + 0.045, -0.8 + abs(x) * 0.3), (x * 0.7, -0.52)
            )
        for y in (-0.3, -0.18):
            for points in _both(((0.52, y - 0.05), (0.34, y), (0.5, y + 0.04))):
                canvas.shape(dark, *points)


def _mane(canvas: Canvas, colour: Colour) -> None:
    ring = [
        (0.0, -1.06),
        (0.3, -0.92),
        (0.6, -0.86),
        (0.66, -0.56),
        (0.82, -0.3),
        (0.62, -0.06),
        (0.5, 0.22),
        (0.2, 0.2),
    ]
    canvas.blob(colour, *ring, (0.0, 0.34), *[(-x, y) for x, y in ring[:0:-1]])
    inner = [(x * 0.82, -0.34 + (y + 0.34) * 0.84) for x, y in ring]
    canvas.blob(lighter(colour, 0.18), *inner, *[(-x, y) for x, y in inner[:0:-1]])


def _face(canvas: Canvas, looks: _Looks) -> None:
    for side in (-1, 1):
        x = 0.22 * side
        canvas.oval(_INK, x, -0.4, 0.1, 0.105)
        canvas.oval(looks.eyes, x, -0.4, 0.078, 0.085)
        canvas.oval(_INK, x, -0.4, 0.042 if looks.ears != "pointed" else 0.026, 0.066)
        canvas.oval((255, 255, 250), x - 0.03, -0.435, 0.026)
    nose = (206, 110, 110) if looks.ears in {"pointed", "long"} else _INK
    y = -0.06 if looks.marking == "mask" else -0.2
    canvas.blob(nose, (-0.075, y - 0.03), (0.075, y - 0.03), (0, y + 0.055))
    for side in (-1, 1):
        canvas.line(_INK, 0.022, (0, y + 0.04), (0.04 * side, y + 0.1), (0.11 * side, y + 0.085))
        if looks.ears in {"pointed", "long"} or looks.marking == "stripes":
            for k in range(3):
                canvas.line(
                    (250, 246, 236),
                    0.012,
                    (0.2 * side, y + 0.02 + 0.03 * k),
                    (0.6 * side, y - 0.06 + 0.08 * k),
                )
    canvas.composite(0.3)
