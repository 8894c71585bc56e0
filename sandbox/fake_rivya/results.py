"""Other ways to return a picture than the documented one: another format, another form of address."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Literal

from PIL import Image, ImageOps

if TYPE_CHECKING:
    from sandbox.fake_rivya.models import Task

ResultFormat = Literal["png", "jpeg", "webp", "gif", "avif"]
AddressForm = Literal["absolute", "relative", "scheme_relative", "data"]


def convert(picture: bytes, kind: ResultFormat, *, animated: bool) -> bytes:
    """Return the picture in another format; if animated, its colours are inverted in a second frame."""
    data = io.BytesIO()
    with Image.open(io.BytesIO(picture)) as image:
        first = image.convert("RGB")
    if animated:
        first.save(data, kind, save_all=True, append_images=[ImageOps.invert(first)])
    else:
        first.save(data, kind)
    return data.getvalue()


def names(task: Task) -> list[str]:
    """Return the file names of a task's pictures."""
    others = [f"{task.id}.{number}.{task.output_format}" for number in range(1, task.picture_count)]
    return [f"{task.id}.{task.output_format}", *others]


def address(form: AddressForm, base_url: str, path: str) -> str:
    """Return the address of a path on this server; `data` has none, and is absolute."""
    if form == "relative":
        return path
    if form == "scheme_relative":
        return f"//{base_url.partition('://')[2]}{path}"
    return base_url + path


def data_url(picture: bytes, mime_type: str) -> str:
    """Return the picture as a `data:` URL."""
    return f"data:{mime_type};base64,{base64.b64encode(picture).decode()}"
