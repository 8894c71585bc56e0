"""Houses, boats, trees, hearts and other things."""

from __future__ import annotations

import math

from sandbox.painter.canvas import Canvas, Colour, darker, lighter, mix

_INK: Colour = (44, 36, 44)
_PALE: Colour = (250, 242, 224)
_LAMP: Colour = (255, 220, 128)


def house(canvas: Canvas, colour: Colour | None) -> None:
    """A cottage with a lit window and smoke from its chimney."""
    wall = colour or (232, 206, 166)
    for k in range(4):
        canvas.oval((226, 222, 224), 0.5 + 0.07 * k, -0.98 - 0.08 * k, 0.07 + 0.025 * k)
    canvas.shape((150, 84, 66), (0.38, -0.9), (0.58, -0.9), (0.58, -0.3), (0.38, -0.3))
    canvas.shape(wall, (-0.7, -0.1), (0.7, -0.1), (0.7, 1.0), (-0.7, 1.0))
    canvas.shape(wall, (-0.7, -0.08), (0, -0.74), (0.7, -0.08))
    canvas.composite()
    roof = darker(mix(wall, (176, 64, 48), 0.75), 0.08)
    canvas.shape(roof, (-0.9, 0.04), (0, -0.84), (0.9, 0.04), (0.78, 0.12), (0, -0.62), (-0.78, 0.12))
    canvas.composite()
    canvas.blob((110, 68, 46), (-0.16, 1.0), (-0.16, 0.5), (0, 0.38), (0.16, 0.5), (0.16, 1.0))
    canvas.oval(_LAMP, 0.09, 0.72, 0.03)
    for x in (-0.44, 0.44):
        _window(canvas, x, 0.36, 0.17)
    canvas.oval(darker(wall, 0.5), 0, -0.24, 0.15)
    canvas.oval(_LAMP, 0, -0.24, 0.11)


def castle(canvas: Canvas, colour: Colour | None) -> None:
    """A castle with three towers and flags."""
    stone = colour or (178, 170, 168)
    for x, top, wide in ((-0.7, -0.3, 0.2), (0.7, -0.3, 0.2), (0, -0.6, 0.24)):
        canvas.shape(stone, (x - wide, top), (x + wide, top), (x + wide, 1.0), (x - wide, 1.0))
        roof = mix((108, 76, 150), stone, 0.15)
        canvas.shape(roof, (x - wide * 1.25, top + 0.02), (x + wide * 1.25, top + 0.02), (x, top - 0.5))
        canvas.line(_INK, 0.025, (x, top - 0.48), (x, top - 0.66))
        canvas.shape((222, 70, 66), (x, top - 0.66), (x + 0.2, top - 0.6), (x, top - 0.53))
        canvas.blob(
            _LAMP,
            (x - 0.06, top + 0.36),
            (x - 0.06, top + 0.2),
            (x, top + 0.12),
            (x + 0.06, top + 0.2),
            (x + 0.06, top + 0.36),
        )
        canvas.composite()
    wall = lighter(stone, 0.2)
    canvas.shape(wall, (-0.84, 0.4), (0.84, 0.4), (0.84, 1.0), (-0.84, 1.0))
    for k in range(7):
        x = -0.84 + k * 0.257
        canvas.shape(wall, (x, 0.28), (x + 0.14, 0.28), (x + 0.14, 0.42), (x, 0.42))
    canvas.composite()
    canvas.blob((96, 62, 46), (-0.18, 1.0), (-0.18, 0.72), (0, 0.56), (0.18, 0.72), (0.18, 1.0))


def lighthouse(canvas: Canvas, colour: Colour | None) -> None:
    """A striped tower with its lamp on."""
    stripe = colour or (206, 58, 50)
    canvas.shape((255, 238, 170), (0, -0.76), (-1.2, -1.0), (-1.2, -0.5))
    canvas.shape((255, 238, 170), (0, -0.76), (1.2, -0.96), (1.2, -0.54))
    canvas.composite(0.1)
    canvas.blob((112, 104, 104), (-0.7, 1.0), (-0.4, 0.82), (0.4, 0.8), (0.74, 1.0), (0, 1.06))
    for k in range(6):
        y, low = -0.56 + k * 0.25, -0.56 + (k + 1) * 0.25
        a, b = 0.2 + 0.028 * k, 0.2 + 0.028 * (k + 1)
        canvas.shape(stripe if k % 2 else _PALE, (-a, y), (a, y), (b, low), (-b, low))
    canvas.composite()
    canvas.shape(_INK, (-0.28, -0.56), (0.28, -0.56), (0.28, -0.5), (-0.28, -0.5))
    canvas.shape(_LAMP, (-0.16, -0.9), (0.16, -0.9), (0.16, -0.56), (-0.16, -0.56))
    canvas.shape(stripe, (-0.24, -0.88), (0.24, -0.88), (0, -1.14))
    canvas.blob((96, 62, 46), (-0.09, 0.94), (-0.09, 0.76), (0, 0.68), (0.09, 0.76), (0.09, 0.94))


def tree(canvas: Canvas, colour: Colour | None) -> None:
    """A broad tree."""
    leaves = colour or (78, 138, 66)
    bark = (104, 72, 50)
    canvas.shape(bark, (-0.13, 0.1), (0.13, 0.1), (0.18, 0.86), (0.3, 1.0), (-0.3, 1.0), (-0.18, 0.86))
    for side in (-1, 1):
        canvas.line(bark, 0.09, (0, 0.4), (0.34 * side, 0.02))
    canvas.composite()
    rings = (
        (0.0, -0.5, 0.46),
        (-0.46, -0.2, 0.38),
        (0.46, -0.2, 0.38),
        (-0.22, 0.02, 0.3),
        (0.24, 0.02, 0.3),
    )
    for x, y, r in rings:
        canvas.oval(leaves, x, y, r)
        canvas.composite(0.8)
    for k in range(26):
        angle, far = k * 2.4, 0.13 * math.sqrt(k)
        tone = lighter(leaves, 0.3) if k % 2 else darker(leaves, 0.25)
        canvas.oval(tone, math.cos(angle) * far, -0.28 + math.sin(angle) * far * 0.75, 0.055)
    canvas.composite(0.2)


def flower(canvas: Canvas, colour: Colour | None) -> None:
    """One large flower."""
    petal = colour or (226, 92, 112)
    green = (74, 132, 66)
    canvas.line(green, 0.07, (0.02, -0.2), (0.06, 0.4), (0, 1.0))
    for side in (-1, 1):
        canvas.blob(green, (0.02, 0.74), (0.26 * side, 0.46), (0.56 * side, 0.42), (0.34 * side, 0.68))
    canvas.composite()
    for ring, (far, r) in enumerate(((0.42, 0.24), (0.27, 0.17))):
        for k in range(8):
            angle = (k + ring * 0.5) * math.pi / 4
            canvas.oval(lighter(petal, 0.3 * ring), math.cos(angle) * far, -0.4 + math.sin(angle) * far, r)
            if k % 2:
                canvas.composite(0.6)
    canvas.oval((242, 188, 60), 0, -0.4, 0.19)
    canvas.composite()
    for k in range(14):
        angle, far = k * 2.4, 0.042 * math.sqrt(k)
        canvas.oval((150, 94, 40), math.cos(angle) * far, -0.4 + math.sin(angle) * far, 0.02)


def boat(canvas: Canvas, colour: Colour | None) -> None:
    """A sailing boat."""
    hull = colour or (164, 76, 56)
    canvas.line((96, 66, 48), 0.05, (0, -1.0), (0, 0.6))
    canvas.blob(_PALE, (0.05, -0.94), (0.5, -0.3), (0.74, 0.4), (0.4, 0.42), (0.05, 0.4))
    canvas.shape(mix(_PALE, hull, 0.35), (-0.05, -0.8), (-0.6, 0.36), (-0.05, 0.38))
    canvas.shape((222, 70, 66), (0, -1.0), (-0.24, -0.93), (0, -0.86))
    canvas.composite()
    canvas.blob(hull, (-0.9, 0.52), (0, 0.56), (0.92, 0.46), (0.66, 0.92), (0, 1.0), (-0.62, 0.94))
    canvas.composite()
    canvas.line(_PALE, 0.05, (-0.8, 0.62), (0, 0.66), (0.82, 0.58))
    canvas.blob((214, 232, 236), (-0.9, 1.0), (-0.4, 0.9), (0, 0.96), (0.4, 0.9), (0.9, 1.0), (0, 1.06))


def car(canvas: Canvas, colour: Colour | None) -> None:
    """A round little car."""
    body = colour or (206, 62, 52)
    canvas.blob(body, (-0.52, 0.3), (-0.34, -0.1), (0.06, -0.18), (0.36, -0.02), (0.56, 0.32))
    canvas.blob(
        body, (-0.96, 0.4), (-0.6, 0.24), (0.5, 0.24), (0.92, 0.38), (0.98, 0.74), (0, 0.8), (-0.98, 0.74)
    )
    canvas.composite()
    glass = (186, 222, 232)
    canvas.blob(glass, (-0.38, 0.24), (-0.24, -0.02), (-0.03, -0.06), (-0.03, 0.24))
    canvas.blob(glass, (0.05, 0.24), (0.05, -0.06), (0.26, 0.02), (0.4, 0.24))
    canvas.line(darker(body), 0.025, (0.0, 0.3), (0.0, 0.72))
    canvas.line(lighter(body, 0.5), 0.03, (-0.8, 0.42), (0.8, 0.4))
    canvas.oval(_LAMP, 0.9, 0.5, 0.08)
    canvas.oval((226, 80, 60), -0.92, 0.5, 0.055)
    for x in (-0.56, 0.56):
        canvas.oval(_INK, x, 0.78, 0.23)
        canvas.oval((196, 196, 200), x, 0.78, 0.115)
        canvas.oval(_INK, x, 0.78, 0.04)
    canvas.composite(0.6)


def heart(canvas: Canvas, colour: Colour | None) -> None:
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
    canvas.shape(red, *[(x * 0.9, y * 0.9) for x, y in line])
    canvas.composite(1.2)
    canvas.blob(lighter(red, 0.55), (-0.62, -0.36), (-0.44, -0.6), (-0.26, -0.62), (-0.44, -0.44))


def star(canvas: Canvas, colour: Colour | None) -> None:
    """A star with five points."""
    gold = colour or (246, 198, 72)
    corners = [(0.95 if k % 2 == 0 else 0.4, math.pi * (k / 5 - 0.5)) for k in range(10)]
    canvas.shape(gold, *[(r * math.cos(a), r * math.sin(a)) for r, a in corners])
    canvas.composite(1.2)


def mushroom(canvas: Canvas, colour: Colour | None) -> None:
    """A toadstool."""
    cap = colour or (206, 52, 46)
    canvas.blob(_PALE, (-0.2, 0.0), (0.2, 0.0), (0.26, 0.6), (0.34, 1.0), (-0.34, 1.0), (-0.26, 0.6))
    canvas.composite()
    canvas.blob(mix(_PALE, cap, 0.2), (-0.84, 0.12), (0, -0.02), (0.84, 0.12), (0, 0.26))
    canvas.blob(cap, (-0.9, 0.12), (-0.7, -0.5), (0, -0.86), (0.7, -0.5), (0.9, 0.12), (0, 0.02))
    canvas.composite()
    for x, y, r in (
        (-0.46, -0.26, 0.13),
        (0.06, -0.54, 0.14),
        (0.5, -0.2, 0.12),
        (-0.1, -0.16, 0.09),
        (0.34, -0.5, 0.06),
    ):
        canvas.oval(_PALE, x, y, r, r * 0.8)


def rocket(canvas: Canvas, colour: Colour | None) -> None:
    """A rocket in flight."""
    fin = colour or (212, 64, 56)
    canvas.blob((246, 150, 50), (-0.2, 0.5), (0.2, 0.5), (0.16, 0.8), (0, 1.1), (-0.16, 0.8))
    canvas.blob((255, 232, 130), (-0.1, 0.5), (0.1, 0.5), (0, 0.86))
    for side in (-1, 1):
        canvas.blob(fin, (0.24 * side, 0.1), (0.6 * side, 0.46), (0.56 * side, 0.72), (0.26 * side, 0.5))
    canvas.composite()
    canvas.blob(
        (236, 236, 240),
        (0, -1.0),
        (0.26, -0.6),
        (0.34, 0.0),
        (0.24, 0.54),
        (-0.24, 0.54),
        (-0.34, 0.0),
        (-0.26, -0.6),
    )
    canvas.composite()
    canvas.blob(fin, (0, -1.02), (0.2, -0.72), (0.22, -0.6), (0, -0.56), (-0.22, -0.6), (-0.2, -0.72))
    canvas.oval(darker(fin, 0.2), 0, -0.22, 0.18)
    canvas.oval((150, 214, 236), 0, -0.22, 0.125)


def balloon(canvas: Canvas, colour: Colour | None) -> None:
    """A hot-air balloon."""
    silk = colour or (214, 74, 62)
    for side in (-1, 1):
        canvas.line((110, 82, 60), 0.02, (0.3 * side, 0.34), (0.13 * side, 0.76))
    canvas.oval(silk, 0, -0.36, 0.68, 0.66)
    canvas.shape(silk, (-0.6, -0.06), (0.6, -0.06), (0.22, 0.42), (-0.22, 0.42))
    other = (248, 218, 132)
    canvas.blob(other, (0, -1.02), (0.22, -0.4), (0.1, 0.42), (-0.1, 0.42), (-0.22, -0.4))
    for side in (-1, 1):
        edge = ((0.3, -0.96), (0.66, -0.36), (0.3, 0.32), (0.2, 0.42), (0.46, -0.34))
        canvas.blob(other, *[(x * side, y) for x, y in edge])
    canvas.composite(1.2)
    canvas.shape((150, 104, 62), (-0.16, 0.74), (0.16, 0.74), (0.13, 1.0), (-0.13, 1.0))


def cup(canvas: Canvas, colour: Colour | None) -> None:
    """A steaming cup."""
    china = colour or (92, 142, 176)
    for k in range(3):
        x = -0.3 + 0.3 * k
        canvas.line((244, 240, 236), 0.05, (x, -0.24), (x + 0.1, -0.46), (x - 0.06, -0.66), (x + 0.06, -0.88))
    canvas.oval(lighter(china, 0.3), 0, 0.9, 0.9, 0.12)
    for k in range(9):
        a, b = (-1.3 + (k + d) * 0.29 for d in (0, 1.1))
        ring = [(0.58 + 0.3 * math.cos(t), 0.26 + 0.28 * math.sin(t)) for t in (a, b)]
        canvas.line(china, 0.1, *ring)
    canvas.composite()
    canvas.blob(
        china, (-0.64, -0.08), (0, -0.06), (0.64, -0.08), (0.54, 0.6), (0.2, 0.9), (-0.2, 0.9), (-0.54, 0.6)
    )
    canvas.composite()
    canvas.oval(lighter(china, 0.4), 0, -0.08, 0.64, 0.13)
    canvas.oval((120, 70, 42), 0, -0.06, 0.54, 0.09)


def _window(canvas: Canvas, x: float, y: float, half: float) -> None:
    canvas.shape(
        (104, 72, 54),
        *[(x + u * half * 1.2, y + v * half * 1.2) for u, v in ((-1, -1), (1, -1), (1, 1), (-1, 1))],
    )
    canvas.shape(_LAMP, *[(x + u * half, y + v * half) for u, v in ((-1, -1), (1, -1), (1, 1), (-1, 1))])
    canvas.line((104, 72, 54), 0.03, (x, y - half), (x, y + half))
    canvas.line((104, 72, 54), 0.03, (x - half, y), (x + half, y))
