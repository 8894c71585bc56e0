"""Figures that are not sitting animals: owl, bird, fish, whale, robot, snowman."""

from __future__ import annotations

import math

from sandbox.painter.canvas import Canvas, Colour, darker, lighter, mix

_INK: Colour = (40, 32, 38)
_PALE: Colour = (250, 244, 228)


def owl(canvas: Canvas, colour: Colour | None) -> None:
    """A standing owl."""
    coat = colour or (136, 98, 66)
    for side in (-1, 1):
        canvas.shape(coat, (0.1 * side, -0.66), (0.46 * side, -0.98), (0.5 * side, -0.4))
    canvas.blob(
        coat,
        (0, -0.78),
        (0.46, -0.62),
        (0.56, -0.1),
        (0.52, 0.5),
        (0, 0.98),
        (-0.52, 0.5),
        (-0.56, -0.1),
        (-0.46, -0.62),
    )
    canvas.composite()
    canvas.blob(
        mix(coat, _PALE, 0.55), (0, -0.1), (0.3, 0.1), (0.3, 0.6), (0, 0.86), (-0.3, 0.6), (-0.3, 0.1)
    )
    for row in range(4):
        for k in range(4 - row % 2):
            x, y = (k - 1.5 + (row % 2) * 0.5) * 0.14, 0.1 + row * 0.17
            canvas.blob(darker(coat, 0.15), (x - 0.05, y), (x + 0.05, y), (x, y + 0.1))
    for side in (-1, 1):
        canvas.blob(
            darker(coat, 0.3), (0.5 * side, -0.16), (0.62 * side, 0.3), (0.44 * side, 0.8), (0.32 * side, 0.3)
        )
        canvas.oval(lighter(coat, 0.55), 0.23 * side, -0.4, 0.25)
        canvas.line((226, 160, 60), 0.06, (0.16 * side, 0.9), (0.16 * side, 1.0), (0.24 * side, 1.02))
    canvas.composite(0.6)
    for side in (-1, 1):
        canvas.oval((244, 190, 60), 0.22 * side, -0.4, 0.16)
        canvas.oval(_INK, 0.21 * side, -0.4, 0.09)
        canvas.oval(_PALE, 0.18 * side, -0.44, 0.035)
    canvas.shape((232, 164, 60), (-0.08, -0.3), (0.08, -0.3), (0, -0.1))


def bird(canvas: Canvas, colour: Colour | None) -> None:
    """A small bird in flight."""
    coat = colour or (62, 118, 176)
    canvas.shape(darker(coat, 0.3), (-0.5, 0.12), (-1.0, 0.02), (-0.96, 0.2), (-0.86, 0.34))
    canvas.blob(darker(coat, 0.2), (-0.1, 0.0), (0.1, -0.5), (0.34, -0.9), (0.4, -0.5), (0.24, 0.0))
    canvas.composite()
    canvas.blob(
        coat, (-0.6, 0.14), (-0.1, -0.14), (0.4, -0.26), (0.66, -0.1), (0.6, 0.14), (0.2, 0.34), (-0.3, 0.3)
    )
    canvas.blob(
        mix(coat, (246, 190, 130), 0.75), (0.62, 0.0), (0.5, 0.22), (0.1, 0.34), (-0.2, 0.26), (0.2, 0.14)
    )
    canvas.composite()
    canvas.blob(darker(coat, 0.1), (0.16, 0.02), (-0.3, -0.44), (-0.72, -0.82), (-0.52, -0.4), (-0.28, 0.06))
    for k in range(3):
        canvas.line(lighter(coat, 0.4), 0.03, (0.0 - 0.1 * k, -0.04), (-0.36 - 0.1 * k, -0.44 - 0.06 * k))
    canvas.composite()
    canvas.shape((240, 172, 56), (0.64, -0.12), (0.9, -0.04), (0.64, 0.04))
    canvas.oval(_INK, 0.5, -0.1, 0.055)
    canvas.oval(_PALE, 0.485, -0.12, 0.02)


def fish(canvas: Canvas, colour: Colour | None) -> None:
    """A leaping fish."""
    coat = colour or (236, 118, 52)
    fin = lighter(coat, 0.25)
    canvas.blob(fin, (-0.5, 0.1), (-0.86, -0.3), (-1.0, -0.26), (-0.86, 0.14), (-1.0, 0.52), (-0.84, 0.5))
    canvas.blob(fin, (-0.2, -0.3), (0.0, -0.66), (0.34, -0.56), (0.36, -0.26))
    canvas.blob(fin, (0.0, 0.44), (-0.2, 0.76), (0.14, 0.7), (0.24, 0.44))
    canvas.composite()
    canvas.blob(
        coat,
        (0.86, 0.06),
        (0.56, -0.28),
        (0.06, -0.38),
        (-0.56, 0.02),
        (-0.56, 0.2),
        (0.06, 0.54),
        (0.56, 0.42),
    )
    for x in (-0.16, 0.2):
        canvas.blob(
            _PALE,
            (x - 0.06, -0.34),
            (x + 0.08, -0.34),
            (x + 0.16, 0.08),
            (x + 0.06, 0.5),
            (x - 0.06, 0.5),
            (x + 0.02, 0.08),
        )
    canvas.composite()
    canvas.oval(_PALE, 0.6, -0.02, 0.11)
    canvas.oval(_INK, 0.62, -0.02, 0.065)
    canvas.line(darker(coat), 0.03, (0.86, 0.14), (0.74, 0.2))
    canvas.blob(fin, (0.2, 0.16), (-0.04, 0.3), (0.06, 0.42), (0.26, 0.28))


def whale(canvas: Canvas, colour: Colour | None) -> None:
    """A whale that spouts."""
    coat = colour or (62, 98, 146)
    for bend in (-0.24, 0.0, 0.24):
        canvas.line(
            (226, 240, 246), 0.06, (0.34, -0.2), (0.34 + bend * 0.5, -0.6), (0.34 + bend * 1.4, -0.72)
        )
    canvas.blob(
        coat,
        (-0.6, 0.5),
        (-0.86, 0.1),
        (-1.08, -0.16),
        (-0.8, -0.2),
        (-0.66, -0.06),
        (-0.5, -0.26),
        (-0.4, 0.2),
    )
    canvas.blob(
        coat,
        (-0.7, 0.6),
        (-0.3, 0.16),
        (0.3, -0.16),
        (0.84, 0.06),
        (0.98, 0.5),
        (0.7, 0.92),
        (0, 1.0),
        (-0.56, 0.88),
    )
    canvas.composite()
    canvas.blob(
        lighter(coat, 0.65), (0.98, 0.56), (0.7, 0.9), (0.1, 0.98), (-0.3, 0.9), (0.2, 0.76), (0.7, 0.68)
    )
    canvas.oval(_PALE, 0.66, 0.44, 0.075)
    canvas.oval(_INK, 0.67, 0.44, 0.05)
    canvas.line(darker(coat), 0.03, (0.97, 0.56), (0.8, 0.62), (0.66, 0.6))
    canvas.composite(0.4)


def robot(canvas: Canvas, colour: Colour | None) -> None:
    """A tin robot."""
    tin = colour or (142, 166, 178)
    for side in (-1, 1):
        canvas.line(darker(tin, 0.3), 0.13, (0.44 * side, 0.06), (0.7 * side, 0.26), (0.66 * side, 0.52))
        canvas.oval(tin, 0.66 * side, 0.58, 0.12)
        canvas.shape(
            darker(tin, 0.3), (0.12 * side, 0.6), (0.34 * side, 0.6), (0.34 * side, 0.9), (0.12 * side, 0.9)
        )
        canvas.blob(tin, (0.08 * side, 0.86), (0.36 * side, 0.86), (0.44 * side, 1.0), (0.06 * side, 1.0))
    canvas.composite()
    canvas.shape(tin, (-0.46, -0.06), (0.46, -0.06), (0.4, 0.68), (-0.4, 0.68))
    canvas.composite()
    canvas.shape(darker(tin, 0.45), (-0.26, 0.1), (0.26, 0.1), (0.24, 0.44), (-0.24, 0.44))
    for k, light in enumerate(((226, 76, 64), (246, 196, 70), (96, 186, 110))):
        canvas.oval(light, -0.14 + 0.14 * k, 0.2, 0.05)
    canvas.line((120, 226, 230), 0.03, (-0.18, 0.35), (-0.06, 0.35), (0.0, 0.28), (0.06, 0.4), (0.18, 0.35))
    canvas.line(darker(tin, 0.3), 0.04, (0, -0.8), (0, -0.98))
    canvas.oval((228, 72, 60), 0, -1.0, 0.075)
    canvas.composite(0.6)
    canvas.blob(
        tin,
        (-0.42, -0.78),
        (0, -0.84),
        (0.42, -0.78),
        (0.48, -0.44),
        (0.42, -0.12),
        (0, -0.08),
        (-0.42, -0.12),
        (-0.48, -0.44),
    )
    canvas.composite()
    for side in (-1, 1):
        canvas.oval(darker(tin, 0.5), 0.21 * side, -0.48, 0.16)
        canvas.oval((126, 232, 236), 0.21 * side, -0.48, 0.115)
        canvas.oval(_PALE, 0.18 * side - 0.01, -0.52, 0.04)
        canvas.oval(darker(tin, 0.25), 0.5 * side, -0.46, 0.07, 0.13)
    canvas.line(darker(tin, 0.6), 0.04, (-0.16, -0.24), (0, -0.19), (0.16, -0.24))


def snowman(canvas: Canvas, colour: Colour | None) -> None:
    """Three balls of snow."""
    snow = colour or (244, 246, 252)
    for side in (-1, 1):
        canvas.line((104, 70, 46), 0.06, (0.34 * side, 0.06), (0.84 * side, -0.28), (0.96 * side, -0.26))
    for y, r in ((0.56, 0.48), (-0.08, 0.36), (-0.56, 0.27)):
        canvas.oval(snow, 0, y, r)
        canvas.composite()
    for k in range(8):
        canvas.oval(_INK, 0.13 * math.cos(k * 0.45), -0.5 + 0.11 * math.sin(k * 0.45), 0.022)
    for x, y in ((-0.1, -0.64), (0.1, -0.64), (0, -0.2), (0, -0.02), (0, 0.16)):
        canvas.oval(_INK, x, y, 0.042)
    canvas.shape((238, 132, 46), (0, -0.6), (0.34, -0.52), (0, -0.5))
