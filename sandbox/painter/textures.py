"""What several techniques share: grain, wobbling edges, lines along edges, hatching, a grid of cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from sandbox.painter.colours import Colour

_REFERENCE_SIDE = 1024
_BENDS = 22
"""Cells of the grid along a side that `wobble` moves."""


def scale_of(picture: Image.Image) -> float:
    """Return the factor for lengths that are pixels of a picture whose longer side is 1024 pixels."""
    return max(picture.size) / _REFERENCE_SIDE


def grain(size: tuple[int, int], dice: random.Random, *, cell: int, strength: int) -> Image.Image:
    """Return grey noise of 128 ± `strength`, in spots of `cell` pixels."""
    columns, rows = -(-size[0] // cell), -(-size[1] // cell)
    noise = Image.frombytes("L", (columns, rows), dice.randbytes(columns * rows))
    flat = noise.point([128 + (value - 128) * strength // 128 for value in range(256)])
    return flat.resize((columns * cell, rows * cell), Image.Resampling.BILINEAR).crop((0, 0, *size))


def on_paper(picture: Image.Image, dice: random.Random, strength: int = 26) -> Image.Image:
    """Return the picture with the grain of paper."""
    fine = grain(picture.size, dice, cell=2, strength=strength)
    coarse = grain(picture.size, dice, cell=9, strength=strength // 2)
    paper = ImageChops.overlay(fine, coarse)
    return ImageChops.soft_light(picture, paper.convert("RGB"))


def wobble(picture: Image.Image, dice: random.Random, pixels: float) -> Image.Image:
    """Return the picture with its edges bent at random, by up to `pixels`; the border stays in its place."""
    width, height = picture.size
    reach = pixels * scale_of(picture)
    points = {}
    for row in range(_BENDS + 1):
        for column in range(_BENDS + 1):
            inside = 0 < row < _BENDS and 0 < column < _BENDS
            dx, dy = dice.uniform(-reach, reach) * inside, dice.uniform(-reach, reach) * inside
            points[row, column] = (width * column / _BENDS + dx, height * row / _BENDS + dy)
    mesh = []
    for row in range(_BENDS):
        for column in range(_BENDS):
            box = (
                width * column // _BENDS,
                height * row // _BENDS,
                width * (column + 1) // _BENDS,
                height * (row + 1) // _BENDS,
            )
            corners = [points[row + down, column + right] for down, right in ((0, 0), (1, 0), (1, 1), (0, 1))]
            mesh.append((box, tuple(value for corner in corners for value in corner)))
    return picture.transform(picture.size, Image.Transform.MESH, mesh, Image.Resampling.BILINEAR)


def edges(picture: Image.Image, width: float, gain: float) -> Image.Image:
    """Return dark lines on white along the edges: `width` in pixels, `gain` how dark a faint edge gets."""
    grey = picture.convert("L")
    scale = scale_of(picture)
    near = grey.filter(ImageFilter.GaussianBlur(0.5 * width * scale))
    far = grey.filter(ImageFilter.GaussianBlur(1.6 * width * scale))
    difference = ImageChops.subtract(far, near)
    return difference.point([max(0, 255 - round(gain * max(0, value - 2))) for value in range(256)])


def hatch(grey: Image.Image, *, spacing: float, levels: tuple[int, ...]) -> Image.Image:
    """Return dark lines on white: one direction where it is darker than the first level, more below."""
    scale = scale_of(grey)
    paper = Image.new("L", grey.size, 255)
    for number, level in enumerate(levels):
        lines = Image.new("L", grey.size)
        draw = ImageDraw.Draw(lines)
        lean = (1, -1, 0.35, -0.35)[number % 4] * grey.height
        step = max(3, round(spacing * scale))
        first, last = -grey.height, grey.width + grey.height
        for x in range(first, last, step):
            draw.line([(x, 0), (x + lean, grey.height)], fill=190, width=max(1, round(1.6 * scale)))
        dark = grey.point([255 * (value < level) for value in range(256)])
        paper = ImageChops.subtract(paper, ImageChops.multiply(lines, dark))
    return paper


def vignette(picture: Image.Image, share: float) -> Image.Image:
    """Return the picture with corners that are darker by `share`, 0 to 1."""
    light = ImageOps.invert(Image.radial_gradient("L")).resize(picture.size)
    lit = light.point([255 - round((255 - min(255, value * 2)) * share) for value in range(256)])
    return ImageChops.multiply(picture, lit.convert("RGB"))


def cells(picture: Image.Image, side: int) -> Iterator[tuple[int, int, Colour]]:
    """Yield left, top and mean colour of each square of `side` pixels."""
    columns, rows = -(-picture.width // side), -(-picture.height // side)
    flat = picture.resize((columns, rows), Image.Resampling.BOX).tobytes()
    for number in range(columns * rows):
        row, column = divmod(number, columns)
        red, green, blue = flat[3 * number : 3 * number + 3]
        yield column * side, row * side, (red, green, blue)
