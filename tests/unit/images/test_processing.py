"""References: what is accepted, how it is normalised, what is refused and why; and checks of results."""

from __future__ import annotations

import io
import os
import random
import resource
import struct
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from bot.domain.errors import ContractViolation, DiskFull, KuasError, MemberError, MemberReason, OperatorError
from bot.domain.jobs import Picture
from bot.images import decoder_process
from bot.images.processing import (
    PIXEL_LIMIT,
    SIDE_LIMIT,
    Normalised,
    check_metadata,
    fit_upload,
    normalise_reference,
    thumbnail,
    verify_picture,
)
from tests.support.picture_files.heic import HEIC, needs_heic
from tests.support.picture_files.model import BLUE, GREEN, RED, SRGB, SWAPPED, exif, saved
from tests.support.picture_files.png import png
from tests.support.small_disk import bounded_files

LIMIT = 10_000_000


@pytest.fixture(autouse=True)
def pass_coverage_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let coverage measure the child that decodes, which is given only the variables it needs."""
    names = [name for name in os.environ if name.startswith("COVERAGE_")]
    monkeypatch.setattr(decoder_process, "_ENVIRONMENT", (*decoder_process._ENVIRONMENT, *names))


@pytest.fixture
def no_heif(monkeypatch: pytest.MonkeyPatch) -> None:
    """As without the `heif` extra."""
    monkeypatch.setitem(sys.modules, "pi_heif", None)


def two_colours(width: int = 24, height: int = 16, mode: str = "RGB") -> Image.Image:
    image = Image.new("RGB", (width, height), RED)
    image.paste(BLUE, (width // 2, 0, width, height))
    return image.convert(mode)


def noise(width: int, height: int, mode: str = "RGB") -> Image.Image:
    return Image.frombytes(mode, (width, height), random.Random(7).randbytes(width * height * len(mode)))


ANIMATED = ("GIF", "PNG", "WEBP", "AVIF")


def animation(kind: str, frames: int) -> bytes:
    """Return a picture of red noise, followed by frames of blue noise."""
    red, blue = (Image.blend(noise(300, 200), Image.new("RGB", (300, 200), c), 0.8) for c in (RED, BLUE))
    return saved(red, kind, save_all=True, append_images=[blue, red] * frames, quality=90)


def normalise(data: bytes, *, limit_bytes: int = LIMIT) -> tuple[Normalised, Image.Image]:
    """Normalise through files, as the engine does; return the result and its loaded image."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "source"), Path(folder, "target")
        source.write_bytes(data)
        normalised = normalise_reference(source, target, limit_bytes=limit_bytes)
        assert {path.name for path in Path(folder).iterdir()} == {"source", "target"}
        assert target.stat().st_size <= limit_bytes
        image = Image.open(io.BytesIO(target.read_bytes()))
        image.load()
    assert normalised.mime_type == Image.MIME[str(image.format)]
    return normalised, image


def normalised_file(data: bytes) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "source"), Path(folder, "target")
        source.write_bytes(data)
        normalise_reference(source, target, limit_bytes=LIMIT)
        return target.read_bytes()


def refusal(data: bytes) -> MemberError:
    with pytest.raises(MemberError) as caught:
        normalise(data)
    return caught.value


def is_near(pixel: object, colour: tuple[int, ...], tolerance: int = 40) -> bool:
    assert isinstance(pixel, tuple)
    return len(pixel) == len(colour) and all(
        abs(a - b) <= tolerance for a, b in zip(pixel, colour, strict=True)
    )


class TestDeclared:
    @pytest.mark.parametrize(
        ("filename", "content_type"),
        [
            ("cat.png", "image/png"),
            ("CAT.JPG", "image/jpeg"),
            ("cat.jfif", None),
            ("cat", "image/webp"),
            ("cat", None),
            ("holiday 3.5.2026", None),
            ("cat.gif", "image/gif"),
            ("cat.avif", "image/avif"),
            ("IMG_1.HEIC", "image/heic"),
            ("cat.txt", "image/png"),
            ("cat.png", "text/plain; charset=utf-8"),
            ("cat", "application/octet-stream"),
        ],
    )
    def test_metadata_of_possible_pictures_is_accepted(self, filename: str, content_type: str | None) -> None:
        check_metadata(filename=filename, content_type=content_type, size_bytes=LIMIT, limit_bytes=LIMIT)

    @pytest.mark.parametrize(
        ("filename", "content_type", "kind"),
        [
            ("notes.txt", "text/plain; charset=utf-8", "TXT"),
            ("notes.txt", None, "TXT"),
            ("paper.PDF", "application/pdf", "PDF"),
            ("clip.mp4", "video/mp4", "MP4"),
            ("logo.svg", "image/svg+xml", "SVG"),
            ("old.bmp", "image/bmp", "BMP"),
            ("clip", "video/mp4", "video/mp4"),
            ("a.**bold**", "video/mp4", "video/mp4"),
        ],
    )
    def test_other_files_are_refused_by_name_and_type(
        self, filename: str, content_type: str | None, kind: str
    ) -> None:
        with pytest.raises(MemberError) as caught:
            check_metadata(filename=filename, content_type=content_type, size_bytes=1, limit_bytes=LIMIT)
        assert (caught.value.reason, caught.value.data) == (MemberReason.REFERENCE_TYPE, {"kind": kind})

    def test_a_picture_of_eleven_megabytes_is_refused(self) -> None:
        with pytest.raises(MemberError) as caught:
            check_metadata(
                filename="a.png", content_type="image/png", size_bytes=11_000_000, limit_bytes=LIMIT
            )
        assert caught.value.reason is MemberReason.REFERENCE_TOO_BIG
        assert caught.value.data == {"size_bytes": 11_000_000, "limit_bytes": LIMIT}

    @pytest.mark.usefixtures("no_heif")
    @pytest.mark.parametrize("content_type", [None, "image/heic", "image/heif"])
    def test_heic_is_refused_by_its_metadata_without_a_reader(self, content_type: str | None) -> None:
        with pytest.raises(MemberError) as caught:
            check_metadata(filename="a.heic", content_type=content_type, size_bytes=1, limit_bytes=LIMIT)
        assert caught.value.reason is MemberReason.REFERENCE_HEIC


class TestFormats:
    @pytest.mark.parametrize(
        ("kind", "mime_type", "filename"),
        [
            ("JPEG", "image/jpeg", "reference.jpg"),
            ("PNG", "image/png", "reference.png"),
            ("WEBP", "image/png", "reference.png"),
            ("GIF", "image/png", "reference.png"),
            ("AVIF", "image/png", "reference.png"),
        ],
    )
    def test_each_format_is_converted_to_one_that_rivya_accepts(
        self, kind: str, mime_type: str, filename: str
    ) -> None:
        normalised, image = normalise(saved(two_colours(), kind))
        assert (normalised.mime_type, normalised.filename) == (mime_type, filename)
        assert image.size == (24, 16)
        assert is_near(image.getpixel((4, 8)), RED)
        assert is_near(image.getpixel((20, 8)), BLUE)

    @needs_heic
    def test_a_heic_becomes_an_upright_jpeg_without_metadata(self) -> None:
        assert b"Fruit Phone" in HEIC
        normalised, image = normalise(HEIC)
        assert normalised.mime_type == "image/jpeg"
        assert image.size == (16, 24)
        assert is_near(image.getpixel((8, 4)), GREEN)
        assert is_near(image.getpixel((8, 20)), BLUE)
        assert not image.getexif()

    @pytest.mark.usefixtures("no_heif")
    def test_a_heic_is_refused_by_its_bytes_without_a_reader(self) -> None:
        assert refusal(HEIC).reason is MemberReason.REFERENCE_HEIC

    @needs_heic
    def test_a_broken_heic_is_unreadable(self) -> None:
        assert refusal(HEIC[:300]).reason is MemberReason.REFERENCE_UNREADABLE

    @pytest.mark.parametrize(
        "data", [pytest.param(HEIC, marks=needs_heic), saved(noise(32, 32), "AVIF")], ids=["HEIC", "AVIF"]
    )
    def test_a_file_of_the_child_that_finds_no_room_is_not_blamed_on_the_member(
        self, tmp_path: Path, data: bytes
    ) -> None:
        (tmp_path / "original").write_bytes(data)
        with bounded_files(tmp_path / "disk") as disk:
            disk.fill()
            with pytest.raises(DiskFull):
                normalise_reference(tmp_path / "original", tmp_path / "ready", limit_bytes=LIMIT)

    def test_an_avif_with_the_brand_mif1_is_read_as_avif(self) -> None:
        data = saved(two_colours(), "AVIF").replace(b"ftypavif", b"ftypmif1", 1)
        normalised, _ = normalise(data)
        assert normalised.mime_type == "image/png"

    @needs_heic
    def test_a_heic_that_crashes_its_reader_is_unreadable(self) -> None:
        # A wrong type of the EXIF item makes pi-heif 1.4.0 crash with a segmentation fault.
        assert (
            refusal(HEIC.replace(b"\0\0Exif", b"\0\0Ex\xd4f", 1)).reason is MemberReason.REFERENCE_UNREADABLE
        )

    @needs_heic
    def test_a_heic_of_900_megapixels_is_refused_by_its_header(self) -> None:
        # Change the stored and the displayed size.
        at = HEIC.index(b"clap") + 4
        shown = HEIC[:at] + struct.pack(">8i", 30_000, 1, 30_000, 1, 0, 1, 0, 1) + HEIC[at + 32 :]
        huge = shown.replace(struct.pack(">III", 0, 64, 64), struct.pack(">III", 0, 30_000, 30_000))
        error = refusal(huge)
        assert error.reason is MemberReason.REFERENCE_TOO_LARGE
        assert (error.data["width"], error.data["height"]) == (30_000, 30_000)

    @needs_heic
    def test_invalid_output_of_the_heic_reader_is_unreadable(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fake_reader = tmp_path / "python"
        fake_reader.write_text("#!/bin/sh\necho 24 by 16\n")
        fake_reader.chmod(0o700)
        monkeypatch.setattr(sys, "executable", str(fake_reader))
        assert refusal(HEIC).reason is MemberReason.REFERENCE_UNREADABLE
        # An AVIF is read by the same process: a small file may take gigabytes.
        assert refusal(saved(two_colours(), "AVIF")).reason is MemberReason.REFERENCE_UNREADABLE

    @needs_heic
    def test_the_process_of_the_heic_reader_gets_no_secrets(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wrapper = tmp_path / "python"
        wrapper.write_text(f'#!/bin/sh\nenv > "{tmp_path}/seen"\nexec "{sys.executable}" "$@"\n')
        wrapper.chmod(0o700)
        monkeypatch.setenv("BOT_RIVYA__API_KEY", "rvya_sk_secret")
        monkeypatch.setattr(sys, "executable", str(wrapper))
        normalise(HEIC)
        assert "PATH=" in (tmp_path / "seen").read_text()
        assert "secret" not in (tmp_path / "seen").read_text()

    def test_a_jpeg_with_a_second_picture_inside_is_one_picture(self) -> None:
        mpo = saved(two_colours(), "MPO", save_all=True, append_images=[Image.new("RGB", (24, 16))])
        assert Image.open(io.BytesIO(mpo)).format == "MPO"
        normalised, image = normalise(mpo)
        assert normalised.mime_type == "image/jpeg"
        assert is_near(image.getpixel((4, 8)), RED)

    def test_cmyk_becomes_rgb(self) -> None:
        _, image = normalise(saved(two_colours(mode="CMYK"), "JPEG"))
        assert image.mode == "RGB"
        assert is_near(image.getpixel((4, 8)), RED, 60)

    def test_sixteen_bits_a_pixel_are_scaled(self) -> None:
        pixels = b"\0" + struct.pack(">HHH", 0, 0x8000, 0xFFFF)
        _, image = normalise(png(3, 1, pixels, depth=16, colour=0))
        assert [image.getpixel((x, 0)) for x in range(3)] == [(0,) * 3, (128,) * 3, (255,) * 3]

    def test_a_palette_with_a_transparent_colour_keeps_it(self) -> None:
        palette = Image.new("P", (4, 4), 0)
        palette.putpalette([*RED, *BLUE])
        palette.putpixel((0, 0), 1)
        _, image = normalise(saved(palette, "PNG", transparency=1))
        assert image.mode == "RGBA"
        assert image.getpixel((0, 0)) == (*BLUE, 0)
        assert image.getpixel((3, 3)) == (*RED, 255)

    @pytest.mark.parametrize("mode", ["1", "L", "P", "I;16"])
    def test_an_opaque_mode_becomes_rgb(self, mode: str) -> None:
        _, image = normalise(saved(Image.new(mode, (8, 8), 0), "PNG"))
        assert (image.mode, image.getpixel((0, 0))) == ("RGB", (0, 0, 0))

    def test_grey_with_alpha_keeps_its_alpha(self) -> None:
        _, image = normalise(saved(Image.new("LA", (8, 8), (90, 120)), "PNG"))
        assert image.getpixel((0, 0)) == (90, 90, 90, 120)

    def test_an_alpha_that_hides_nothing_is_dropped(self) -> None:
        _, image = normalise(saved(Image.new("RGBA", (8, 8), (*RED, 255)), "PNG"))
        assert image.mode == "RGB"


class TestMetadata:
    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
    def test_exif_is_removed_and_its_orientation_applied(self, kind: str) -> None:
        data = saved(two_colours(), kind, exif=exif(6))
        assert b"Fruit Phone" in data
        clean = normalised_file(data)
        image = Image.open(io.BytesIO(clean))
        assert image.size == (16, 24)
        assert is_near(image.getpixel((8, 4)), RED)
        assert is_near(image.getpixel((8, 20)), BLUE)
        assert not image.getexif()
        assert b"Fruit Phone" not in clean
        assert b"Exif" not in clean
        assert b"eXIf" not in clean

    def test_comments_texts_and_xmp_are_removed(self) -> None:
        texts = PngImagePlugin.PngInfo()
        texts.add_text("Author", "Ayu Secret")
        texts.add_itxt("XML:com.adobe.xmp", "<x>Ayu Secret</x>")
        for data in (
            saved(two_colours(), "PNG", pnginfo=texts),
            saved(two_colours(), "JPEG", comment="Ayu Secret", xmp=b"<x>Ayu Secret</x>"),
            saved(two_colours(), "WEBP", xmp=b"<x>Ayu Secret</x>"),
        ):
            assert b"Ayu Secret" in data
            assert b"Ayu" not in normalised_file(data)

    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
    def test_data_after_the_picture_is_removed(self, kind: str) -> None:
        assert b"stowaway" not in normalised_file(saved(two_colours(), kind) + b"PK\3\4 stowaway")

    def test_a_colour_profile_is_applied_and_removed(self) -> None:
        # With a profile that exchanges red and green, stored red is displayed as green.
        _, image = normalise(saved(Image.new("RGB", (8, 8), (255, 0, 0)), "PNG", icc_profile=SWAPPED))
        assert is_near(image.getpixel((0, 0)), (0, 255, 0), 8)
        assert "icc_profile" not in image.info

    @pytest.mark.parametrize("mode", ["RGB", "L", "P", "1", "RGBA", "LA"])
    @pytest.mark.parametrize("profile", ["for colours", "not a profile at all"])
    def test_an_unfitting_profile_changes_nothing(self, mode: str, profile: str) -> None:
        colours = SRGB if profile == "for colours" else profile.encode()
        _, image = normalise(
            saved(Image.new("RGB", (8, 8), (255,) * 3).convert(mode), "PNG", icc_profile=colours)
        )
        assert is_near(image.convert("RGB").getpixel((0, 0)), (255, 255, 255), 3)
        assert "icc_profile" not in image.info

    def test_alpha_survives_a_profile(self) -> None:
        _, image = normalise(saved(Image.new("RGBA", (8, 8), (*RED, 77)), "PNG", icc_profile=SRGB))
        assert is_near(image.getpixel((0, 0)), (*RED, 77), 3)

    def test_unreadable_exif_is_ignored(self) -> None:
        _, image = normalise(saved(two_colours(), "PNG", exif=b"Exif\0\0MM\0\x0b" + bytes(40)))
        assert is_near(image.getpixel((4, 8)), RED)

    def test_the_orientation_of_partly_invalid_exif_is_applied(self) -> None:
        # The tag of the make becomes that of the width, whose value is then a text.
        broken = exif(6).replace(b"\x01\x0f", b"\x01\x00", 1)
        _, image = normalise(saved(two_colours(), "PNG", exif=broken))
        assert image.size == (16, 24)


class TestRefusals:
    @pytest.mark.parametrize(
        ("data", "kind"),
        [
            (b"just a few words, renamed to .png", "text"),
            ("catatan: se\u00f1or".encode() * 60, "text"),
            (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
            (b"<svg onload=alert(1)>", "SVG"),
            (b"<!DOCTYPE html><html></html>", "HTML"),
            (b"%PDF-1.7\n", "PDF"),
            (b"PK\3\4" + bytes(30), "archive"),
            (b"\0\0\0\x20ftypisom" + bytes(30), "video"),
            (b"RIFF\0\0\0\0WAVEfmt ", "audio"),
            (b"\x7fELF" + bytes(30), "program"),
            (saved(two_colours(), "BMP"), "BMP"),
            (saved(two_colours(), "TIFF"), "TIFF"),
            (bytes(range(256)), "unknown"),
        ],
    )
    def test_the_kind_of_a_file_that_is_no_picture_is_named(self, data: bytes, kind: str) -> None:
        error = refusal(data)
        assert (error.reason, error.data) == (MemberReason.REFERENCE_TYPE, {"kind": kind})

    @pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "AVIF"])
    def test_an_animated_picture_is_refused(self, kind: str) -> None:
        frames = [two_colours(), Image.new("RGB", (24, 16), BLUE)]
        data = saved(frames[0], kind, save_all=True, append_images=frames[1:])
        assert refusal(data).reason is MemberReason.REFERENCE_ANIMATED

    def test_a_small_file_of_900_megapixels_is_refused_by_its_header(self) -> None:
        data = png(30_000, 30_000, bytes(30_000), depth=1, colour=0)
        assert len(data) < 20_000
        error = refusal(data)
        assert error.reason is MemberReason.REFERENCE_TOO_LARGE
        assert error.data == {
            "width": 30_000,
            "height": 30_000,
            "side_limit": SIDE_LIMIT,
            "pixel_limit": PIXEL_LIMIT,
        }

    def test_a_gif_with_a_large_frame_allocates_nothing(self) -> None:
        """Pillow would allocate 4 GB for what is to replace the frame, while it opens the file."""
        canvas = struct.pack("<6sHHBBB", b"GIF89a", 8, 8, 0x80, 0, 0) + bytes(6)
        replaced = b"!\xf9\x04" + bytes([2 << 2, 0, 0, 0, 0])
        frame = b"," + struct.pack("<HHHHB", 0, 0, 65_535, 65_535, 0) + b"\x02\x02\x4c\x01\0;"
        before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        error = refusal(canvas + replaced + frame)
        assert (error.reason, error.data["width"]) == (MemberReason.REFERENCE_TOO_LARGE, 65_535)
        with pytest.raises(ContractViolation):
            verify_picture(canvas + replaced + frame)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 100_000

    @pytest.mark.parametrize(("width", "height"), [(SIDE_LIMIT + 1, 1), (1, SIDE_LIMIT + 1), (8000, 5001)])
    def test_a_side_or_an_area_just_over_the_limit_is_refused(self, width: int, height: int) -> None:
        data = png(width, height, b"", depth=1, colour=0)
        assert refusal(data).reason is MemberReason.REFERENCE_TOO_LARGE

    def test_a_picture_with_the_longest_allowed_side_is_accepted(self) -> None:
        _, image = normalise(saved(Image.new("1", (SIDE_LIMIT, 2)), "PNG"))
        assert image.width == SIDE_LIMIT

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "GIF"])
    def test_a_picture_cut_in_half_is_unreadable(self, kind: str) -> None:
        data = saved(noise(64, 64), kind)
        assert refusal(data[: len(data) // 2]).reason is MemberReason.REFERENCE_UNREADABLE

    def test_an_empty_file_is_unreadable(self) -> None:
        assert refusal(b"").reason is MemberReason.REFERENCE_UNREADABLE

    def test_a_jpeg_with_too_many_scans_is_unreadable(self) -> None:
        *head, last = saved(Image.new("L", (512, 512), 9), "JPEG", progressive=True).split(b"\xff\xda")
        data = b"\xff\xda".join([*head, *[last.removesuffix(b"\xff\xd9")] * 600]) + b"\xff\xd9"
        assert refusal(data).reason is MemberReason.REFERENCE_UNREADABLE

    def test_a_file_that_cannot_be_written_is_an_operator_error(self, tmp_path: Path) -> None:
        source = tmp_path / "source"
        source.write_bytes(saved(two_colours(), "PNG"))
        with pytest.raises(OperatorError) as caught:
            normalise_reference(source, tmp_path / "missing" / "target", limit_bytes=LIMIT)
        assert caught.value.code == "disk"


class TestFallbacks:
    def test_a_picture_too_big_as_png_becomes_a_jpeg_of_the_same_size(self) -> None:
        data = saved(noise(300, 200), "PNG")
        normalised, image = normalise(data, limit_bytes=100_000)
        assert (normalised.mime_type, image.size) == ("image/jpeg", (300, 200))

    def test_a_transparent_picture_too_big_as_png_becomes_a_webp(self) -> None:
        data = saved(noise(300, 200, "RGBA"), "PNG")
        normalised, image = normalise(data, limit_bytes=150_000)
        assert (normalised.mime_type, image.mode, image.size) == ("image/webp", "RGBA", (300, 200))

    @pytest.mark.parametrize(("kind", "mode"), [("JPEG", "RGB"), ("PNG", "RGB"), ("PNG", "RGBA")])
    def test_a_picture_too_big_in_every_format_is_made_smaller(self, kind: str, mode: str) -> None:
        _, image = normalise(saved(noise(400, 200, mode), kind), limit_bytes=4096)
        assert image.width < 400
        assert abs(image.width - 2 * image.height) <= 2

    def test_a_limit_too_small_for_every_picture_is_refused(self) -> None:
        with pytest.raises(ValueError, match="2047"):
            normalise(saved(noise(300, 200), "PNG"), limit_bytes=2047)

    def test_even_the_narrowest_picture_fits_the_smallest_limit(self) -> None:
        _, image = normalise(saved(noise(SIDE_LIMIT, 1), "PNG"), limit_bytes=2048)
        assert image.height == 1


class TestResults:
    @pytest.mark.parametrize(
        ("kind", "name"),
        [("PNG", "png"), ("JPEG", "jpeg"), ("WEBP", "webp"), ("GIF", "gif"), ("AVIF", "avif")],
    )
    def test_the_format_of_a_result_is_found_by_its_bytes(self, kind: str, name: str) -> None:
        data = saved(two_colours(), kind)
        picture = verify_picture(data)
        assert picture.data is data
        assert picture.format == name
        assert (picture.width, picture.height) == (24, 16)

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"<html>sign in</html>",
            b"<svg onload=alert(1)>",
            saved(two_colours(), "BMP"),
            saved(two_colours(), "TIFF"),
            HEIC,
            saved(noise(64, 64), "PNG")[:-100],
            saved(noise(64, 64), "JPEG")[:-2000],
            saved(noise(64, 64), "WEBP")[:-500],
            saved(noise(64, 64), "GIF")[:-500],
            saved(noise(64, 64), "AVIF")[:-500],
            png(30_000, 30_000, b"", depth=1, colour=0),
            png(1, 1, b"\0\1\2\3")[:-12],
        ],
        ids=[
            "nothing",
            "HTML",
            "SVG",
            "BMP",
            "TIFF",
            "HEIC",
            "cut PNG",
            "cut JPEG",
            "cut WebP",
            "cut GIF",
            "cut AVIF",
            "900 megapixels",
            "PNG without an end",
        ],
    )
    def test_a_result_that_is_no_picture_is_a_contract_violation(self, data: bytes) -> None:
        with pytest.raises(ContractViolation) as caught:
            verify_picture(data)
        assert caught.value.code == "not_a_picture"

    def test_a_jpeg_with_a_second_picture_inside_is_a_finished_jpeg(self) -> None:
        data = saved(two_colours(), "MPO", save_all=True, append_images=[two_colours()])
        assert verify_picture(data).format == "jpeg"

    @pytest.mark.parametrize("kind", ANIMATED)
    def test_an_animated_result_is_accepted_with_all_its_bytes(self, kind: str) -> None:
        data = animation(kind, 3)
        picture = verify_picture(data)
        assert picture == Picture(data=data, format=kind.lower(), width=300, height=200)
        assert fit_upload(picture, len(data)) == (picture, False)

    @pytest.mark.parametrize("kind", ANIMATED)
    def test_an_animated_result_that_does_not_fit_becomes_a_still_of_its_first_frame(self, kind: str) -> None:
        picture = verify_picture(animation(kind, 3))
        smaller, changed = fit_upload(picture, 4096)
        assert (changed, smaller.format) == (True, "jpeg")
        assert len(smaller.data) <= 4096
        image = Image.open(io.BytesIO(smaller.data))
        assert not getattr(image, "is_animated", False)
        assert is_near(image.resize((1, 1)).getpixel((0, 0)), RED, 40)

    @pytest.mark.parametrize("kind", [*ANIMATED, "JPEG"])
    def test_a_thumbnail_is_a_jpeg_of_the_first_frame(self, kind: str) -> None:
        data = animation(kind, 3) if kind in ANIMATED else saved(noise(300, 200), kind)
        image = Image.open(io.BytesIO(thumbnail(data, 30)))
        assert (image.format, image.size) == ("JPEG", (30, 20))
        if kind in ANIMATED:
            assert is_near(image.resize((1, 1)).getpixel((0, 0)), RED, 40)

    @pytest.mark.parametrize("kind", ANIMATED)
    def test_an_animated_result_cut_in_its_first_frame_is_no_picture(self, kind: str) -> None:
        data = animation(kind, 2)
        with pytest.raises(ContractViolation):
            verify_picture(data[: len(data) // 8])

    def test_frames_after_the_first_are_not_decoded(self) -> None:
        # 20,000 frames of 16 megapixels, which would take many minutes.
        still = saved(Image.new("L", (4000, 4000)), "GIF")
        frame = still[still.index(b",", 13) : -1]
        picture = verify_picture(still[:-1] + (frame[:10] + b"\x02\x02\x4c\x01\0") * 20_000 + b";")
        assert (picture.format, picture.width) == ("gif", 4000)

    def test_a_picture_that_fits_is_uploaded_unchanged(self) -> None:
        picture = verify_picture(saved(two_colours(), "PNG"))
        assert fit_upload(picture, len(picture.data)) == (picture, False)

    def test_a_picture_that_does_not_fit_becomes_a_jpeg_and_says_so(self) -> None:
        picture = verify_picture(saved(noise(300, 200), "PNG"))
        smaller, changed = fit_upload(picture, 100_000)
        assert changed
        assert len(smaller.data) <= 100_000
        assert smaller == verify_picture(smaller.data)
        assert (smaller.format, smaller.width, smaller.height) == ("jpeg", 300, 200)

    def test_a_picture_far_too_big_is_made_smaller(self) -> None:
        picture = verify_picture(saved(noise(300, 200, "RGBA"), "PNG"))
        smaller, changed = fit_upload(picture, 4096)
        assert changed
        assert len(smaller.data) <= 4096
        assert smaller == verify_picture(smaller.data)
        assert smaller.width < 300

    def test_transparency_becomes_white_in_a_jpeg(self) -> None:
        picture = verify_picture(saved(Image.new("RGBA", (64, 64), (0, 0, 0, 0)), "PNG", compress_level=0))
        smaller, _ = fit_upload(picture, 4096)
        assert is_near(Image.open(io.BytesIO(smaller.data)).getpixel((9, 9)), (255, 255, 255), 2)


HEADS = [saved(noise(32, 32), kind) for kind in ("PNG", "JPEG", "WEBP", "GIF", "AVIF")]


@given(
    st.one_of(
        st.binary(max_size=200), st.tuples(st.sampled_from(HEADS), st.binary(max_size=60)).map(b"".join)
    )
)
def test_arbitrary_bytes_raise_nothing_but_our_own_errors(data: bytes) -> None:
    check_errors(data)


@given(st.sampled_from(HEADS), st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), max_size=8))
def test_damaged_pictures_raise_nothing_but_our_own_errors(
    data: bytes, damage: list[tuple[int, int]]
) -> None:
    damaged = bytearray(data)
    for place, value in damage:
        damaged[place % len(damaged)] = value
    check_errors(bytes(damaged))


def check_errors(data: bytes) -> None:
    for attempt in (normalise, verify_picture):
        try:
            attempt(data)
        except KuasError as error:
            assert isinstance(error, MemberError | ContractViolation)  # noqa: PT017  # both outcomes are fine
