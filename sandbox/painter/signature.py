"""Letters the prompt's first words in a corner, as a painter signs."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont

_LENGTH = 34
_BRIGHT_FROM = 120
"""Above this mean brightness the letters are dark."""
_LATIN_END = 0x17F
"""Pillow's own font draws Latin only; the end of Latin Extended-A."""


def sign(picture: Image.Image, prompt: str) -> Image.Image:
    """The picture with its caption; characters the font lacks are left out."""
    text = " ".join(
        "".join(c for c in prompt if c.isspace() or (c.isprintable() and ord(c) <= _LATIN_END)).split()
    )
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
