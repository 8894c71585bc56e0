"""Write onto the picture: the first words of the prompt in a corner, or a watermark across it."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont

_LENGTH = 34
_BRIGHT_FROM = 120
"""Mean brightness (0 to 255) above which the letters are dark."""
_LATIN_END = 0x17F
"""End of Latin Extended-A: Pillow's built-in font has Latin letters only."""


def sign(picture: Image.Image, prompt: str) -> Image.Image:
    """Write the prompt onto the picture and return it; characters that the font lacks are left out."""
    text = _printable(prompt)
    if len(text) > _LENGTH:
        text = text[: _LENGTH - 1].rsplit(" ", 1)[0].rstrip(",.;:") + " ..."
    if not text:
        return picture
    side = min(picture.size)
    font = ImageFont.load_default(max(11, round(side / 42)))
    at = (picture.width - side * 0.03, picture.height - side * 0.025)
    box = tuple(round(edge) for edge in ImageDraw.Draw(picture).textbbox(at, text, font=font, anchor="rs"))
    (brightness,) = (
        picture.crop((box[0], box[1], box[2], box[3]))
        .convert("L")
        .resize((1, 1), Image.Resampling.BOX)
        .tobytes()
    )
    ink, glow = (
        ((48, 26, 22), (255, 244, 220)) if brightness > _BRIGHT_FROM else ((255, 242, 210), (20, 16, 40))
    )
    letters = Image.new("L", picture.size)
    ImageDraw.Draw(letters).text(at, text, font=font, fill=255, anchor="rs")
    halo = Image.new("L", picture.size)
    ImageDraw.Draw(halo).text(at, text, font=font, fill=140, anchor="rs", stroke_width=2)
    picture.paste(Image.new("RGB", picture.size, glow), mask=halo)
    picture.paste(Image.new("RGB", picture.size, ink), mask=letters.point(lambda v: int(v * 0.9)))
    return picture


def stamp(picture: Image.Image, watermark: str) -> Image.Image:
    """Return the picture with a pale text across its middle; characters that the font lacks are left out."""
    text = _printable(watermark)[:_LENGTH]
    font = ImageFont.load_default(max(14, round(min(picture.size) / 9)))
    mask = Image.new("L", picture.size)
    middle = (picture.width / 2, picture.height / 2)
    ImageDraw.Draw(mask).text(middle, text, font=font, fill=110, anchor="mm")
    mask = mask.rotate(24, Image.Resampling.BICUBIC)
    stamped = picture.copy()
    stamped.paste(Image.new("RGB", picture.size, (255, 255, 255)), mask=mask)
    return stamped


def _printable(text: str) -> str:
    kept = (c for c in text if c.isspace() or (c.isprintable() and ord(c) <= _LATIN_END))
    return " ".join("".join(kept).split())
