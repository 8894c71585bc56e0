"""Read and write HTTP bodies as Discord does: JSON and multipart."""

from __future__ import annotations

import json
import re
from typing import Any

from aiohttp import BodyPartReader, web

from tests.e2e.fake_discord.errors import malformed
from tests.e2e.fake_discord.message_rules import Body

BODY = web.RequestKey("body", Body)
_FILE_FIELD = re.compile(r"files\[(\d+)\]")


def json_response(value: object, status: int = 200) -> web.Response:
    """Return JSON with Discord's content type: discord.py takes one with `; charset=utf-8` for text."""
    return web.Response(
        body=json.dumps(value).encode(), status=status, headers={"Content-Type": "application/json"}
    )


async def read_body(request: web.Request) -> Body:
    """Read JSON, or `payload_json` and `files[n]` of a multipart body."""
    if BODY in request:
        return request[BODY]
    if request.content_type == "application/json":
        return Body(await request.json(), {})
    payload: dict[str, Any] = {}
    files: dict[int, tuple[str, bytes]] = {}
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            raise malformed("body: nested multipart")
        data = bytes(await part.read())
        if part.name == "payload_json":
            payload = json.loads(data)
        elif number := _FILE_FIELD.fullmatch(part.name or ""):
            files[int(number[1])] = (part.filename or "", data)
        else:
            raise malformed(f"body: unexpected part {part.name}")
    return Body(payload, files)
