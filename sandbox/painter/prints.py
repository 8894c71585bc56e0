"""More techniques, as in `techniques`: printed, cut, or built of pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from sandbox.painter.colours import darker, lighter
from sandbox.painter.textures import cells, edges, on_paper, scale_of

if TYPE_CHECKING:
    import random

    from sandbox.painter.colours import Colour, Point

_INK: Colour = (30, 26, 38)
_LINEN: Colour = (232, 224, 206)


def poster(picture: Image.Image, _dice: random.Random, detail: float) -> Image.Image:
    """Print in a few flat colours, with clean shapes."""
    flat = _flat(picture, round(9 * detail), 13)
    lines = edges(flat, 2, 5)
    flat.paste(Image.new("RGB", picture.size, _INK), mask=ImageOps.invert(lines))
    return flat


def comic(picture: Image.Image, _dice: random.Random, detail: float) -> Image.Image:
    """Print as in a comic: flat colours, thick outlines, and dots where it is darker."""
    scale = scale_of(picture)
    page = ImageEnhance.Color(_flat(picture, round(14 * detail), 7)).enhance(1.5)
    draw = ImageDraw.Draw(page)
    side = max(4, round(11 * scale / detail))
    for number, (x, y, colour) in enumerate(cells(picture, side)):
        darkness = 1 - sum(colour) / 765
        shift = side / 2 if (y // side) % 2 else 0
        draw.circle((x + shift, y), side * 0.62 * darkness, fill=darker(colour, 0.4 + 0.1 * (number % 2)))
    lines = edges(picture, 4.2, 13)
    page.paste(Image.new("RGB", picture.size, _INK), mask=ImageOps.invert(lines))
    return page


def risograph(picture: Image.Image, dice: random.Random, detail: float) -> Image.Image:
    """Print with two inks whose plates do not quite meet, in grains."""
    size = (round(picture.width * detail / 2), round(picture.height * detail / 2))
    grey = ImageOps.autocontrast(picture.convert("L"), cutoff=1).resize(size, Image.Resampling.BOX)
    warmth = ImageOps.autocontrast(picture.getchannel("B"), cutoff=1).resize(size, Image.Resampling.BOX)
    sheet = Image.new("RGB", picture.size, (250, 244, 230))
    for plate, ink, shift in (
        (warmth.point([min(255, 40 + value) for value in range(256)]), (255, 92, 92), 5),
        (grey.point([min(255, round(value * 1.35)) for value in range(256)]), (24, 68, 140), 0),
    ):
        grains = plate.convert("1").convert("L").resize(picture.size, Image.Resampling.NEAREST)
        printed = ImageOps.colorize(grains, ink, "white")
        sheet = ImageChops.multiply(sheet, ImageChops.offset(printed, round(shift * scale_of(picture))))
    return on_paper(sheet, dice, 18)


def pixels(picture: Image.Image, _dice: random.Random, detail: float) -> Image.Image:
    """Draw in large pixels of few colours, as for an old console."""
    step = max(2.0, 11 / detail * scale_of(picture))
    small = ImageEnhance.Color(picture).enhance(1.3)
    small = small.resize(
        (max(1, round(picture.width / step)), max(1, round(picture.height / step))), Image.Resampling.BOX
    )
    few = small.quantize(28, dither=Image.Dither.NONE).convert("RGB")
    return few.resize(picture.size, Image.Resampling.NEAREST)


def cross_stitch(picture: Image.Image, dice: random.Random, detail: float) -> Image.Image:
    """Embroider with crosses on linen."""
    scale = scale_of(picture)
    cloth = Image.new("RGB", picture.size, _LINEN)
    draw = ImageDraw.Draw(cloth)
    side = max(5, round(13 * scale / detail))
    few = ImageEnhance.Color(picture).enhance(1.3).quantize(40, dither=Image.Dither.NONE).convert("RGB")
    thick = max(2, round(side * 0.5))
    for x, y, colour in cells(few, side):
        near, far = 1, side - 2
        shade = dice.randint(-10, 10)
        thread = (colour[0] + shade, colour[1] + shade, colour[2] + shade)
        draw.line([(x + near, y + far), (x + far, y + near)], fill=darker(colour, 0.22), width=thick)
        draw.line([(x + near, y + near), (x + far, y + far)], fill=thread, width=thick)
    return on_paper(cloth, dice)


def bricks(picture: Image.Image, _dice: random.Random, detail: float) -> Image.Image:
    """Build with bricks that have a round stud each."""
    side = max(8, round(15 * scale_of(picture) / detail))
    few = ImageEnhance.Color(picture).enhance(1.35).quantize(36, dither=Image.Dither.NONE).convert("RGB")
    wall = Image.new("RGB", picture.size)
    draw = ImageDraw.Draw(wall)
    for x, y, colour in cells(few, side):
        draw.rectangle((x, y, x + side, y + side), fill=darker(colour, 0.4))
        draw.rectangle((x, y, x + side - 2, y + side - 2), fill=colour)
        middle, radius = (x + side / 2, y + side / 2), side * 0.3
        draw.circle((middle[0] + 1, middle[1] + 2), radius, fill=darker(colour, 0.35))
        draw.circle(middle, radius, fill=lighter(colour, 0.18))
    return wall


def low_poly(picture: Image.Image, dice: random.Random, detail: float) -> Image.Image:
    """Build of triangles, each of one colour."""
    return _facets(picture, dice, 46 / detail, lead=0)


def stained_glass(picture: Image.Image, dice: random.Random, detail: float) -> Image.Image:
    """Build of coloured glass between strips of lead, lit from behind."""
    glass = _facets(ImageEnhance.Color(picture).enhance(1.7), dice, 40 / detail, lead=4)
    glow = glass.filter(ImageFilter.GaussianBlur(14))
    return ImageChops.screen(glass, glow.point([value // 3 for value in range(256)] * 3))


def cut_paper(picture: Image.Image, dice: random.Random, detail: float) -> Image.Image:
    """Glue sheets of coloured paper over each other, the lighter ones above, each with its shadow."""
    scale = scale_of(picture)
    few = _flat(picture, round(8 * detail), 15).quantize(round(8 * detail), dither=Image.Dither.NONE)
    palette = few.getpalette() or []
    used = [index for index, count in enumerate(few.histogram()) if count]
    sheets = sorted((sum(palette[3 * index : 3 * index + 3]), index) for index in used)
    page = few.convert("RGB")
    for level in range(1, len(sheets)):
        above = {index for _, index in sheets[level:]}
        sheet = few.point([255 * (value in above) for value in range(256)], "L")
        shadow = ImageChops.offset(sheet, round(5 * scale), round(7 * scale)).filter(
            ImageFilter.GaussianBlur(5 * scale)
        )
        shadow = ImageChops.subtract(shadow, sheet).point([value // 2 for value in range(256)])
        page.paste(Image.new("RGB", picture.size, _INK), mask=shadow)
    return on_paper(page, dice, 44)


def _flat(picture: Image.Image, colours: int, smooth: int) -> Image.Image:
    """Return the picture in so many colours, with borders smoothed over so many pixels."""
    small = picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.BOX)
    flat = small.quantize(max(2, colours), method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    size = max(3, round(smooth * scale_of(picture) / 4) * 2 + 1)
    clean = flat.convert("RGB").filter(ImageFilter.MedianFilter(size))
    return clean.resize(picture.size, Image.Resampling.BICUBIC)


def _facets(picture: Image.Image, dice: random.Random, side: float, *, lead: float) -> Image.Image:
    """Fill a bent grid: with triangles, or with pieces between lines of `lead` pixels."""
    step = max(6.0, side * scale_of(picture))
    columns, rows = round(picture.width / step) + 1, round(picture.height / step) + 1
    bend = step * 0.36
    points: dict[tuple[int, int], Point] = {}
    for row in range(rows + 1):
        for column in range(columns + 1):
            x, y = (column - 0.5) * step, (row - 0.5) * step
            points[row, column] = (x + dice.uniform(-bend, bend), y + dice.uniform(-bend, bend))
    soft = picture.resize((columns * 4, rows * 4), Image.Resampling.BOX)
    built = picture.copy()
    draw = ImageDraw.Draw(built)
    for row in range(rows):
        for column in range(columns):
            a, b = points[row, column], points[row, column + 1]
            c, d = points[row + 1, column + 1], points[row + 1, column]
            pieces = ([a, b, c, d],) if lead else ([a, b, c], [a, c, d])
            for piece in pieces:
                colour = _colour_at(soft, picture.size, piece)
                shade = 1 + dice.uniform(-0.07, 0.07)
                fill = (round(colour[0] * shade), round(colour[1] * shade), round(colour[2] * shade))
                draw.polygon(piece, fill=fill)
                if lead:
                    draw.line([*piece, piece[0]], fill=_INK, width=max(2, round(lead * scale_of(picture))))
    return built


def _colour_at(soft: Image.Image, size: tuple[int, int], piece: list[Point]) -> Colour:
    """Return the colour in the middle of a piece, from a smaller copy of a picture of this size."""
    x = sum(point[0] for point in piece) / len(piece) * soft.width / size[0]
    y = sum(point[1] for point in piece) / len(piece) * soft.height / size[1]
    at = (min(max(0, int(x)), soft.width - 1), min(max(0, int(y)), soft.height - 1))
    found = soft.getpixel(at)
    assert isinstance(found, tuple)
    return (int(found[0]), int(found[1]), int(found[2]))
