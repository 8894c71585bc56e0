"""Techniques that turn a flat picture into one that looks drawn, printed or built.

Each takes the picture, dice, and `detail`: 1 is usual, more keeps more of the picture. It returns another
picture of the same size, the same one for the same dice, in less than a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from sandbox.painter.brush_strokes import apply_strokes
from sandbox.painter.textures import cells, edges, grain, hatch, on_paper, scale_of, vignette, wobble

if TYPE_CHECKING:
    import random

    from sandbox.painter.colours import Colour

_PAPER: Colour = (246, 241, 228)
_GRAPHITE: Colour = (58, 58, 66)
_SEAL: Colour = (188, 44, 36)


def oil(picture: Image.Image, dice: random.Random, detail: float) -> Image.Image:
    """Paint in strokes of a brush, with relief."""
    return apply_strokes(picture, dice, loose=detail <= 1)


def pointillism(picture: Image.Image, dice: random.Random, detail: float) -> Image.Image:
    """Set dots of paint, each a little off the colour that is seen from afar."""
    scale = scale_of(picture)
    canvas = ImageEnhance.Brightness(picture.filter(ImageFilter.GaussianBlur(18 * scale))).enhance(0.9)
    draw = ImageDraw.Draw(canvas)
    for radius in (11 / detail, 7 / detail, 4.5 / detail):
        side = max(3, round(radius * 1.5 * scale))
        for x, y, (red, green, blue) in cells(picture, side):
            off = [dice.randint(-34, 34) for _ in range(3)]
            middle = (x + dice.uniform(0, side), y + dice.uniform(0, side))
            draw.circle(middle, radius * scale * 0.8, fill=(red + off[0], green + off[1], blue + off[2]))
    return canvas


def pencil(picture: Image.Image, dice: random.Random, detail: float) -> Image.Image:
    """Draw with graphite: outlines, and hatching where it is dark."""
    grey = ImageOps.autocontrast(picture.convert("L").filter(ImageFilter.GaussianBlur(1.5)))
    drawn = ImageChops.multiply(
        hatch(grey, spacing=9 / detail, levels=(128, 84, 44)), edges(wobble(picture, dice, 1.5), 2.2, 9)
    )
    soft = ImageChops.lighter(drawn, grey.point([150 + value * 105 // 255 for value in range(256)]))
    shown = Image.blend(drawn, soft, 0.35)
    return on_paper(ImageOps.colorize(shown, _GRAPHITE, _PAPER), dice)


def coloured_pencil(picture: Image.Image, dice: random.Random, detail: float) -> Image.Image:
    """Draw with coloured pencils on white paper, as in a book for children."""
    light = Image.blend(
        picture.filter(ImageFilter.GaussianBlur(2)), Image.new("RGB", picture.size, "white"), 0.25
    )
    grey = ImageOps.autocontrast(light.convert("L"))
    shade = hatch(grey, spacing=7 / detail, levels=(190, 120))
    white = ImageOps.invert(shade).point([value // 3 for value in range(256)])
    streaks = grain((picture.width, 64), dice, cell=2, strength=90).resize(picture.size)
    coloured = ImageChops.screen(light, white.convert("RGB"))
    coloured = Image.blend(coloured, ImageChops.soft_light(coloured, streaks.convert("RGB")), 0.6)
    lines = edges(wobble(picture, dice, 1), 2.4, 7)
    coloured.paste(Image.new("RGB", picture.size, (74, 52, 44)), mask=ImageOps.invert(lines))
    return on_paper(coloured, dice, 40)


def watercolour(picture: Image.Image, dice: random.Random, detail: float) -> Image.Image:
    """Paint in thin colours that run into each other, darker at the edge of each patch, on white paper."""
    patches = _patches(wobble(picture, dice, 5 / detail), 9 / detail)
    rims = patches.filter(ImageFilter.FIND_EDGES).convert("L").filter(ImageFilter.GaussianBlur(1.5))
    rims = ImageOps.invert(rims.point([min(120, value * 2) for value in range(256)]))
    thin = ImageChops.multiply(patches, rims.convert("RGB"))
    pools = grain(picture.size, dice, cell=70, strength=70)
    thin = ImageChops.soft_light(thin, pools.convert("RGB"))
    return on_paper(_framed(Image.blend(thin, Image.new("RGB", picture.size, "white"), 0.22), dice), dice, 34)


def pen_and_wash(picture: Image.Image, dice: random.Random, detail: float) -> Image.Image:
    """Draw outlines with a pen over loose watercolours."""
    washed = watercolour(picture, dice, detail * 0.8)
    lines = edges(wobble(picture, dice, 2), 2.6, 14)
    washed.paste(Image.new("RGB", picture.size, (38, 34, 52)), mask=ImageOps.invert(lines))
    return washed


def gouache(picture: Image.Image, dice: random.Random, detail: float) -> Image.Image:
    """Paint in opaque, chalky patches without outlines."""
    patches = _patches(wobble(picture, dice, 3), 12 / detail)
    flat = patches.quantize(round(20 * detail), method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    return on_paper(flat.convert("RGB").filter(ImageFilter.MedianFilter(5)), dice, 58)


def ink_wash(picture: Image.Image, dice: random.Random, detail: float) -> Image.Image:
    """Paint with black ink and water on rice paper, with a red seal."""
    return _ink(picture, dice, detail, colour_share=0.0)


def coloured_ink(picture: Image.Image, dice: random.Random, detail: float) -> Image.Image:
    """Paint as `ink_wash`, with pale colours over it."""
    return _ink(picture, dice, detail, colour_share=0.85)


def photo(picture: Image.Image, _dice: random.Random, detail: float) -> Image.Image:
    """Show it as through a lens: sharp, with glow around what is bright and darker corners."""
    glow = ImageChops.screen(
        picture,
        picture.filter(ImageFilter.GaussianBlur(26)).point([value * 2 // 5 for value in range(256)] * 3),
    )
    sharp = glow.filter(ImageFilter.UnsharpMask(2, round(120 * detail)))
    return vignette(ImageEnhance.Contrast(sharp).enhance(1.12), 0.45)


def cinema(picture: Image.Image, dice: random.Random, detail: float) -> Image.Image:
    """Show it as a frame of a film: teal shadows, orange lights, grain."""
    grey = picture.convert("L")
    toned = ImageOps.colorize(grey, (4, 26, 44), (255, 216, 160), mid=(150, 112, 96))
    graded = Image.blend(photo(picture, dice, detail), toned, 0.5)
    film = grain(picture.size, dice, cell=1, strength=46)
    return vignette(ImageChops.soft_light(graded, film.convert("RGB")), 0.6)


def neon(picture: Image.Image, _dice: random.Random, detail: float) -> Image.Image:
    """Show outlines as glowing tubes in the dark."""
    tubes = picture.filter(ImageFilter.GaussianBlur(1.2 / detail)).filter(ImageFilter.FIND_EDGES)
    tubes = tubes.filter(ImageFilter.MaxFilter(3)).point([min(255, value * 4) for value in range(256)] * 3)
    tubes = ImageEnhance.Color(tubes).enhance(2.2)
    glow = tubes.filter(ImageFilter.GaussianBlur(9)).point([min(255, value * 2) for value in range(256)] * 3)
    dark = ImageChops.multiply(picture, Image.new("RGB", picture.size, (52, 30, 84)))
    return ImageChops.screen(dark, ImageChops.screen(tubes, glow))


def _ink(picture: Image.Image, dice: random.Random, detail: float, *, colour_share: float) -> Image.Image:
    scale = scale_of(picture)
    grey = ImageOps.autocontrast(
        _patches(wobble(picture, dice, 4 / detail), 9 / detail).convert("L"), cutoff=2
    )
    wet = grey.point([round(255 * (0.28 + 0.72 * (value / 255) ** 0.6)) for value in range(256)])
    pools = grain(picture.size, dice, cell=60, strength=60)
    drawn = ImageChops.multiply(ImageChops.soft_light(wet, pools), edges(wobble(picture, dice, 2), 4, 9))
    inked = ImageOps.colorize(drawn, (26, 24, 32), _PAPER)
    if colour_share:
        pale = Image.blend(
            ImageEnhance.Color(picture).enhance(1.6), Image.new("RGB", picture.size, _PAPER), 0.15
        )
        inked = Image.blend(inked, ImageChops.overlay(pale, inked), colour_share)
    side, margin = round(52 * scale), round(34 * scale)
    draw = ImageDraw.Draw(inked)
    draw.rounded_rectangle((margin, margin, margin + side, margin + side), side // 7, fill=_SEAL)
    middle = margin + side / 2
    for x, y in ((-0.22, -0.22), (0.22, 0.05), (-0.18, 0.26)):
        at = (middle + x * side, middle + y * side)
        draw.line([(at[0] - side * 0.16, at[1]), (at[0] + side * 0.16, at[1])], fill=_PAPER, width=side // 12)
    draw.line([(middle, margin + side * 0.16), (middle, margin + side * 0.84)], fill=_PAPER, width=side // 12)
    return on_paper(inked, dice)


def _patches(picture: Image.Image, radius: float) -> Image.Image:
    """Return the picture in smooth patches with clear borders."""
    small = picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.BOX)
    size = max(3, round(radius * scale_of(picture) / 2) * 2 + 1)
    return small.filter(ImageFilter.MedianFilter(size)).resize(picture.size, Image.Resampling.BICUBIC)


def _framed(picture: Image.Image, dice: random.Random) -> Image.Image:
    """Return the picture with an uneven border of bare paper."""
    margin = round(30 * scale_of(picture))
    mask = Image.new("L", picture.size)
    ImageDraw.Draw(mask).rectangle(
        (margin, margin, picture.width - margin, picture.height - margin), fill=255
    )
    mask = mask.filter(ImageFilter.GaussianBlur(margin / 2.5))
    rough = ImageChops.overlay(mask, grain(picture.size, dice, cell=7, strength=110))
    mask = rough.point([min(255, max(0, (value - 96) * 6)) for value in range(256)])
    paper = Image.new("RGB", picture.size, (252, 250, 244))
    paper.paste(picture, mask=mask)
    return paper
