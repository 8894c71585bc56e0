"""Houses, boats, trees, hearts and other things."""

from __future__ import annotations

import math

from sandbox.painter.canvas import Canvas, Colour, darker, lighter, mix

_INK: Colour = (44, 36, 44)
_PALE: Colour = (250, 242, 224)
_LAMP: Colour = (255, 220, 128)


def house(pen: Canvas, colour: Colour | None) -> None:
    """A cottage with a lit window and smoke from its chimney."""
    wall = colour or (232, 206, 166)
    for k in range(4):
        pen.oval((226, 222, 224), 0.5 + 0.07 * k, -0.98 - 0.08 * k, 0.07 + 0.025 * k)
    pen.shape((150, 84, 66), (0.38, -0.9), (0.58, -0.9), (0.58, -0.3), (0.38, -0.3))
    pen.shape(wall, (-0.7, -0.1), (0.7, -0.1), (0.7, 1.0), (-0.7, 1.0))
    pen.shape(wall, (-0.7, -0.08), (0, -0.74), (0.7, -0.08))
    pen.composite()
    roof = darker(mix(wall, (176, 64, 48), 0.75), 0.08)
    pen.shape(roof, (-0.9, 0.04), (0, -0.84), (0.9, 0.04), (0.78, 0.12), (0, -0.62), (-0.78, 0.12))
    pen.composite()
    pen.blob((110, 68, 46), (-0.16, 1.0), (-0.16, 0.5), (0, 0.38), (0.16, 0.5), (0.16, 1.0))
    pen.oval(_LAMP, 0.09, 0.72, 0.03)
    for x in (-0.44, 0.44):
        _window(pen, x, 0.36, 0.17)
    pen.oval(darker(wall, 0.5), 0, -0.24, 0.15)
    pen.oval(_LAMP, 0, -0.24, 0.11)


def castle(pen: Canvas, colour: Colour | None) -> None:
    """A castle with three towers and flags."""
    stone = colour or (178, 170, 168)
    for x, top, wide in ((-0.7, -0.3, 0.2), (0.7, -0.3, 0.2), (0, -0.6, 0.24)):
        pen.shape(stone, (x - wide, top), (x + wide, top), (x + wide, 1.0), (x - wide, 1.0))
        roof = mix((108, 76, 150), stone, 0.15)
        pen.shape(roof, (x - wide * 1.25, top + 0.02), (x + wide * 1.25, top + 0.02), (x, top - 0.5))
        pen.line(_INK, 0.025, (x, top - 0.48), (x, top - 0.66))
        pen.shape((222, 70, 66), (x, top - 0.66), (x + 0.2, top - 0.6), (x, top - 0.53))
        pen.blob(
            _LAMP,
            (x - 0.06, top + 0.36),
            (x - 0.06, top + 0.2),
            (x, top + 0.12),
            (x + 0.06, top + 0.2),
            (x + 0.06, top + 0.36),
        )
        pen.composite()
    wall = lighter(stone, 0.2)
    pen.shape(wall, (-0.84, 0.4), (0.84, 0.4), (0.84, 1.0), (-0.84, 1.0))
    for k in range(7):
        x = -0.84 + k * 0.257
        pen.shape(wall, (x, 0.28), (x + 0.14, 0.28), (x + 0.14, 0.42), (x, 0.42))
    pen.composite()
    pen.blob((96, 62, 46), (-0.18, 1.0), (-0.18, 0.72), (0, 0.56), (0.18, 0.72), (0.18, 1.0))


def lighthouse(pen: Canvas, colour: Colour | None) -> None:
    """A striped tower, its lamp lit."""
    stripe = colour or (206, 58, 50)
    pen.shape((255, 238, 170), (0, -0.76), (-1.2, -1.0), (-1.2, -0.5))
    pen.shape((255, 238, 170), (0, -0.76), (1.2, -0.96), (1.2, -0.54))
    pen.composite(0.1)
    pen.blob((112, 104, 104), (-0.7, 1.0), (-0.4, 0.82), (0.4, 0.8), (0.74, 1.0), (0, 1.06))
    for k in range(6):
        y, low = -0.56 + k * 0.25, -0.56 + (k + 1) * 0.25
        a, b = 0.2 + 0.028 * k, 0.2 + 0.028 * (k + 1)
        pen.shape(stripe if k % 2 else _PALE, (-a, y), (a, y), (b, low), (-b, low))
    pen.composite()
    pen.shape(_INK, (-0.28, -0.56), (0.28, -0.56), (0.28, -0.5), (-0.28, -0.5))
    pen.shape(_LAMP, (-0.16, -0.9), (0.16, -0.9), (0.16, -0.56), (-0.16, -0.56))
    pen.shape(stripe, (-0.24, -0.88), (0.24, -0.88), (0, -1.14))
    pen.blob((96, 62, 46), (-0.09, 0.94), (-0.09, 0.76), (0, 0.68), (0.09, 0.76), (0.09, 0.94))


def tree(pen: Canvas, colour: Colour | None) -> None:
    """A broad tree."""
    leaves = colour or (78, 138, 66)
    bark = (104, 72, 50)
    pen.shape(bark, (-0.13, 0.1), (0.13, 0.1), (0.18, 0.86), (0.3, 1.0), (-0.3, 1.0), (-0.18, 0.86))
    for side in (-1, 1):
        pen.line(bark, 0.09, (0, 0.4), (0.34 * side, 0.02))
    pen.composite()
    rings = (
        (0.0, -0.5, 0.46),
        (-0.46, -0.2, 0.38),
        (0.46, -0.2, 0.38),
        (-0.22, 0.02, 0.3),
        (0.24, 0.02, 0.3),
    )
    for x, y, r in rings:
        pen.oval(leaves, x, y, r)
        pen.composite(0.8)
    for k in range(26):
        angle, far = k * 2.4, 0.13 * math.sqrt(k)
        tone = lighter(leaves, 0.3) if k % 2 else darker(leaves, 0.25)
        pen.oval(tone, math.cos(angle) * far, -0.28 + math.sin(angle) * far * 0.75, 0.055)
    pen.composite(0.2)


def flower(pen: Canvas, colour: Colour | None) -> None:
    """One large flower."""
    petal = colour or (226, 92, 112)
    green = (74, 132, 66)
    pen.line(green, 0.07, (0.02, -0.2), (0.06, 0.4), (0, 1.0))
    for side in (-1, 1):
        pen.blob(green, (0.02, 0.74), (0.26 * side, 0.46), (0.56 * side, 0.42), (0.34 * side, 0.68))
    pen.composite()
    for ring, (far, r) in enumerate(((0.42, 0.24), (0.27, 0.17))):
        for k in range(8):
            angle = (k + ring * 0.5) * math.pi / 4
            pen.oval(lighter(petal, 0.3 * ring), math.cos(angle) * far, -0.4 + math.sin(angle) * far, r)
            if k % 2:
                pen.composite(0.6)
    pen.oval((242, 188, 60), 0, -0.4, 0.19)
    pen.composite()
    for k in range(14):
        angle, far = k * 2.4, 0.042 * math.sqrt(k)
        pen.oval((150, 94, 40), math.cos(angle) * far, -0.4 + math.sin(angle) * far, 0.02)


def boat(pen: Canvas, colour: Colour | None) -> None:
    """A sailing boat."""
    hull = colour or (164, 76, 56)
    pen.line((96, 66, 48), 0.05, (0, -1.0), (0, 0.6))
    pen.blob(_PALE, (0.05, -0.94), (0.5, -0.3), (0.74, 0.4), (0.4, 0.42), (0.05, 0.4))
    pen.shape(mix(_PALE, hull, 0.35), (-0.05, -0.8), (-0.6, 0.36), (-0.05, 0.38))
    pen.shape((222, 70, 66), (0, -1.0), (-0.24, -0.93), (0, -0.86))
    pen.composite()
    pen.blob(hull, (-0.9, 0.52), (0, 0.56), (0.92, 0.46), (0.66, 0.92), (0, 1.0), (-0.62, 0.94))
    pen.composite()
    pen.line(_PALE, 0.05, (-0.8, 0.62), (0, 0.66), (0.82, 0.58))
    pen.blob((214, 232, 236), (-0.9, 1.0), (-0.4, 0.9), (0, 0.96), (0.4, 0.9), (0.9, 1.0), (0, 1.06))


def car(pen: Canvas, colour: Colour | None) -> None:
    """A round little car."""
    body = colour or (206, 62, 52)
    pen.blob(body, (-0.52, 0.3), (-0.34, -0.1), (0.06, -0.18), (0.36, -0.02), (0.56, 0.32))
    pen.blob(
        body, (-0.96, 0.4), (-0.6, 0.24), (0.5, 0.24), (0.92, 0.38), (0.98, 0.74), (0, 0.8), (-0.98, 0.74)
    )
    pen.composite()
    glass = (186, 222, 232)
    pen.blob(glass, (-0.38, 0.24), (-0.24, -0.02), (-0.03, -0.06), (-0.03, 0.24))
    pen.blob(glass, (0.05, 0.24), (0.05, -0.06), (0.26, 0.02), (0.4, 0.24))
    pen.line(darker(body), 0.025, (0.0, 0.3), (0.0, 0.72))
    pen.line(lighter(body, 0.5), 0.03, (-0.8, 0.42), (0.8, 0.4))
    pen.oval(_LAMP, 0.9, 0.5, 0.08)
    pen.oval((226, 80, 60), -0.92, 0.5, 0.055)
    for x in (-0.56, 0.56):
        pen.oval(_INK, x, 0.78, 0.23)
        pen.oval((196, 196, 200), x, 0.78, 0.115)
        pen.oval(_INK, x, 0.78, 0.04)
    pen.composite(0.6)


def heart(pen: Canvas, colour: Colour | None) -> None:
    """A heart."""
    red = colour or (212, 52, 66)
    turns = [k * math.tau / 60 for k in range(60)]
    line = [
        (
            math.sin(t) ** 3,
            -(13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)) / 16,
        )
        for t in turns
    ]
    pen.shape(red, *[(x * 0.9, y * 0.9) for x, y in line])
    pen.composite(1.2)
    pen.blob(lighter(red, 0.55), (-0.62, -0.36), (-0.44, -0.6), (-0.26, -0.62), (-0.44, -0.44))


def star(pen: Canvas, colour: Colour | None) -> None:
    """A star with five points."""
    gold = colour or (246, 198, 72)
    corners = [(0.95 if k % 2 == 0 else 0.4, math.pi * (k / 5 - 0.5)) for k in range(10)]
    pen.shape(gold, *[(r * math.cos(a), r * math.sin(a)) for r, a in corners])
    pen.composite(1.2)


def mushroom(pen: Canvas, colour: Colour | None) -> None:
    """A toadstool."""
    cap = colour or (206, 52, 46)
    pen.blob(_PALE, (-0.2, 0.0), (0.2, 0.0), (0.26, 0.6), (0.34, 1.0), (-0.34, 1.0), (-0.26, 0.6))
    pen.composite()
    pen.blob(mix(_PALE, cap, 0.2), (-0.84, 0.12), (0, -0.02), (0.84, 0.12), (0, 0.26))
    pen.blob(cap, (-0.9, 0.12), (-0.7, -0.5), (0, -0.86), (0.7, -0.5), (0.9, 0.12), (0, 0.02))
    pen.composite()
    for x, y, r in (
        (-0.46, -0.26, 0.13),
        (0.06, -0.54, 0.14),
        (0.5, -0.2, 0.12),
        (-0.1, -0.16, 0.09),
        (0.34, -0.5, 0.06),
    ):
        pen.oval(_PALE, x, y, r, r * 0.8)


def rocket(pen: Canvas, colour: Colour | None) -> None:
    """A rocket on its fire."""
    fin = colour or (212, 64, 56)
    pen.blob((246, 150, 50), (-0.2, 0.5), (0.2, 0.5), (0.16, 0.8), (0, 1.1), (-0.16, 0.8))
    pen.blob((255, 232, 130), (-0.1, 0.5), (0.1, 0.5), (0, 0.86))
    for side in (-1, 1):
        pen.blob(fin, (0.24 * side, 0.1), (0.6 * side, 0.46), (0.56 * side, 0.72), (0.26 * side, 0.5))
    pen.composite()
    pen.blob(
        (236, 236, 240),
        (0, -1.0),
        (0.26, -0.6),
        (0.34, 0.0),
        (0.24, 0.54),
        (-0.24, 0.54),
        (-0.34, 0.0),
        (-0.26, -0.6),
    )
    pen.composite()
    pen.blob(fin, (0, -1.02), (0.2, -0.72), (0.22, -0.6), (0, -0.56), (-0.22, -0.6), (-0.2, -0.72))
    pen.oval(darker(fin, 0.2), 0, -0.22, 0.18)
    pen.oval((150, 214, 236), 0, -0.22, 0.125)


def balloon(pen: Canvas, colour: Colour | None) -> None:
    """A hot-air balloon."""
    silk = colour or (214, 74, 62)
    for side in (-1, 1):
        pen.line((110, 82, 60), 0.02, (0.3 * side, 0.34), (0.13 * side, 0.76))
    pen.oval(silk, 0, -0.36, 0.68, 0.66)
    pen.shape(silk, (-0.6, -0.06), (0.6, -0.06), (0.22, 0.42), (-0.22, 0.42))
    other = (248, 218, 132)
    pen.blob(other, (0, -1.02), (0.22, -0.4), (0.1, 0.42), (-0.1, 0.42), (-0.22, -0.4))
    for side in (-1, 1):
        edge = ((0.3, -0.96), (0.66, -0.36), (0.3, 0.32), (0.2, 0.42), (0.46, -0.34))
        pen.blob(other, *[(x * side, y) for x, y in edge])
    pen.composite(1.2)
    pen.shape((150, 104, 62), (-0.16, 0.74), (0.16, 0.74), (0.13, 1.0), (-0.13, 1.0))


def cup(pen: Canvas, colour: Colour | None) -> None:
    """A steaming cup."""
    china = colour or (92, 142, 176)
    for k in range(3):
        x = -0.3 + 0.3 * k
        pen.line((244, 240, 236), 0.05, (x, -0.24), (x + 0.1, -0.46), (x - 0.06, -0.66), (x + 0.06, -0.88))
    pen.oval(lighter(china, 0.3), 0, 0.9, 0.9, 0.12)
    for k in range(9):
        a, b = (-1.3 + (k + d) * 0.29 for d in (0, 1.1))
        ring = [(0.58 + 0.3 * math.cos(t), 0.26 + 0.28 * math.sin(t)) for t in (a, b)]
        pen.line(china, 0.1, *ring)
    pen.composite()
    pen.blob(
        china, (-0.64, -0.08), (0, -0.06), (0.64, -0.08), (0.54, 0.6), (0.2, 0.9), (-0.2, 0.9), (-0.54, 0.6)
    )
    pen.composite()
    pen.oval(lighter(china, 0.4), 0, -0.08, 0.64, 0.13)
    pen.oval((120, 70, 42), 0, -0.06, 0.54, 0.09)


def _window(pen: Canvas, x: float, y: float, half: float) -> None:
    pen.shape(
        (104, 72, 54),
        *[(x + u * half * 1.2, y + v * half * 1.2) for u, v in ((-1, -1), (1, -1), (1, 1), (-1, 1))],
    )
    pen.shape(_LAMP, *[(x + u * half, y + v * half) for u, v in ((-1, -1), (1, -1), (1, 1), (-1, 1))])
    pen.line((104, 72, 54), 0.03, (x, y - half), (x, y + half))
    pen.line((104, 72, 54), 0.03, (x - half, y), (x + half, y))
