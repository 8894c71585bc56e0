"""A PNG that is called sound without decoding it is one that Pillow decodes, to the same size."""

from __future__ import annotations

import io
import random
import struct
import zlib
from typing import Final

import pytest
from PIL import Image

from bot.images.plain_png import size_if_sound
from bot.images.processing import PIXEL_LIMIT, SIDE_LIMIT, verify_picture
from tests.support.picture_files import picture_files

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
WIDTH, HEIGHT = 5, 3
ROWS: Final = b"".join(bytes([number]) + bytes(range(WIDTH * 3)) for number in range(HEIGHT))


def judge(data: bytes) -> tuple[int, int] | None:
    return size_if_sound(data, side_limit=SIDE_LIMIT, pixel_limit=PIXEL_LIMIT)


def chunk(name: bytes, body: bytes = b"", *, wrong: int = 0) -> bytes:
    checksum = zlib.crc32(name + body) ^ wrong
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", checksum)


def header(
    width: int = WIDTH, height: int = HEIGHT, depth: int = 8, colours: int = 2, interlacing: int = 0
) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, interlacing))


def png(*chunks: bytes) -> bytes:
    return SIGNATURE + b"".join(chunks)


def pixels(rows: bytes = ROWS) -> bytes:
    return chunk(b"IDAT", zlib.compress(rows))


END: Final = chunk(b"IEND")
HALF: Final = len(zlib.compress(ROWS)) // 2
SOUND: Final = {
    "plain": png(header(), pixels(), END),
    "two chunks": png(
        header(),
        chunk(b"IDAT", zlib.compress(ROWS)[:HALF]),
        chunk(b"IDAT", zlib.compress(ROWS)[HALF:]),
        END,
    ),
    "usual chunks": png(
        header(), chunk(b"sRGB", b"\0"), chunk(b"tEXt", b"a\0b"), pixels(), chunk(b"tIME", b"1234567"), END
    ),
}
UNJUDGED: Final = {
    "nothing": b"",
    "only a signature": SIGNATURE,
    "no header": png(pixels(), END),
    "a short header": png(chunk(b"IHDR", b"123"), pixels(), END),
    "no pixels": png(header(), END),
    "no end": png(header(), pixels()),
    "an end with a body": png(header(), pixels(), chunk(b"IEND", b"x")),
    "something behind the end": png(header(), pixels(), END) + b"more",
    "a chunk behind the end": png(header(), pixels(), END, chunk(b"tEXt", b"a\0b")),
    "pixels behind the end": png(header(), END, pixels(), END),
    "pixels and a chunk behind the end": png(header(), END, chunk(b"tEXt", b"a\0b"), pixels(), END),
    "two ends": png(header(), pixels(), END, chunk(b"tEXt", b"a\0b"), END),
    "a wrong checksum": png(header(), chunk(b"IDAT", zlib.compress(ROWS), wrong=1), END),
    "cut": png(header(), pixels(), END)[:-20],
    "too few rows": png(header(), pixels(ROWS[:-1]), END),
    "too many rows": png(header(), pixels(ROWS + b"\0"), END),
    "an unknown filter": png(header(), pixels(b"\x05" + ROWS[1:]), END),
    "an unknown filter in the last row": png(
        header(), pixels(ROWS[: -1 - WIDTH * 3] + b"\x05" + bytes(WIDTH * 3)), END
    ),
    "data that does not inflate": png(header(), chunk(b"IDAT", b"x\x9cno zlib at all"), END),
    "data behind the pixels": png(header(), chunk(b"IDAT", zlib.compress(ROWS) + b"more"), END),
    "a chunk behind the pixels' end": png(header(), pixels(), chunk(b"IDAT", b"more"), END),
    "a wrong sum of the pixels": png(header(), chunk(b"IDAT", zlib.compress(ROWS)[:-4] + b"1234"), END),
    "pixels in two places": png(
        header(),
        chunk(b"IDAT", zlib.compress(ROWS)[:HALF]),
        chunk(b"tIME", b"1234567"),
        chunk(b"IDAT", zlib.compress(ROWS)[HALF:]),
        END,
    ),
    "interlaced": png(header(interlacing=1), pixels(), END),
    "a palette": png(header(colours=3), chunk(b"PLTE", b"123"), pixels(), END),
    "16 bits": png(header(depth=16), pixels(ROWS), END),
    "an unknown chunk": png(header(), chunk(b"abCd"), pixels(), END),
    "an animation": png(header(), chunk(b"acTL", bytes(8)), pixels(), END),
    "an odd length": png(header(), chunk(b"sRGB", b"12"), pixels(), END),
    "no width": png(header(width=0), pixels(b"\0" * HEIGHT), END),
    "too wide": png(header(width=SIDE_LIMIT + 1), pixels(), END),
    "too many pixels": png(header(width=SIDE_LIMIT, height=SIDE_LIMIT), pixels(), END),
}


@pytest.mark.parametrize("name", SOUND)
def test_a_plain_png_is_sound(name: str) -> None:
    data = SOUND[name]
    assert judge(data) == (WIDTH, HEIGHT)
    Image.open(io.BytesIO(data)).load()
    picture = verify_picture(data)
    assert (picture.data, picture.format, picture.width, picture.height) == (data, "png", WIDTH, HEIGHT)


@pytest.mark.parametrize("name", UNJUDGED)
def test_anything_else_is_left_to_the_decoder(name: str) -> None:
    assert judge(UNJUDGED[name]) is None


def test_what_is_called_sound_is_decoded_by_pillow_to_the_same_size() -> None:
    sound = 0
    for file in picture_files():
        size = judge(file.data)
        if size is not None:
            sound += 1
            with Image.open(io.BytesIO(file.data)) as image:
                image.load()
                assert (image.format, image.size) == ("PNG", size), file.name
    assert sound >= 3


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_pictures_of_pillow_are_sound_whatever_their_rows_and_chunks(mode: str) -> None:
    for side in (1, 7, 300, 700):
        file = io.BytesIO()
        Image.effect_noise((side, side), 90).convert(mode).save(file, "PNG")
        assert judge(file.getvalue()) == (side, side)


def test_a_damaged_file_is_never_called_sound() -> None:
    file = io.BytesIO()
    Image.effect_noise((40, 40), 90).convert("RGB").save(file, "PNG")
    whole, rng = file.getvalue(), random.Random(1)
    for _ in range(2000):
        damaged = bytearray(whole)
        damaged[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        assert judge(bytes(damaged)) is None
        assert judge(whole[: rng.randrange(len(whole))]) is None


def test_damaged_pixels_with_right_checksums_are_sound_only_if_pillow_decodes_them() -> None:
    rng, sound = random.Random(2), 0
    for _ in range(3000):
        packed = bytearray(zlib.compress(ROWS, rng.choice([0, 9])))
        for _ in range(rng.randrange(1, 3)):
            packed[rng.randrange(len(packed))] = rng.randrange(256)
        data = png(header(), chunk(b"IDAT", bytes(packed)), END)
        if judge(data) is not None:
            sound += 1
            Image.open(io.BytesIO(data)).load()
    assert sound < 3000


def test_a_bomb_is_left_after_what_the_header_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    inflated: list[int] = []
    decompressobj = zlib.decompressobj

    class Counting:
        def __init__(self) -> None:
            self._inner = decompressobj()

        def __getattr__(self, name: str) -> object:
            return getattr(self._inner, name)

        def decompress(self, packed: bytes, most: int) -> bytes:
            unpacked = self._inner.decompress(packed, most)
            inflated.append(len(unpacked))
            return unpacked

    monkeypatch.setattr(zlib, "decompressobj", Counting)
    assert judge(png(header(), pixels(bytes(50_000_000)), END)) is None
    assert sum(inflated) <= 1 << 20
