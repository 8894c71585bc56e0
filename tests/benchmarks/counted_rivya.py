"""A Rivya whose tasks end at their n-th poll, so that whoever runs them makes the same calls.

It validates nothing. `sandbox/fake_rivya` does, but its tasks end after a time, and then the number of polls
depends on when they are sent.
"""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from tests.support.loopback import serving

API_KEY = "rvya_sk_nobody"


class CountedRivya:
    """`async with CountedRivya(picture, polls=3).serving(): ...`; `url` is that of the site.

    Attributes:
        calls: how many calls of each kind were answered.
        answered_at: when the poll that found a task succeeded was answered, by `time.perf_counter`.
    """

    def __init__(self, picture: bytes, *, polls: int) -> None:
        self._picture = picture
        self._polls = polls
        self._numbers = itertools.count(1)
        self._polled: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.answered_at: dict[str, float] = {}
        self.url = ""

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[CountedRivya]:
        app = web.Application()
        app.router.add_post("/api/v1/generations", self._create)
        app.router.add_get("/api/v1/generations/{id}", self._poll)
        app.router.add_get("/api/v1/credits", self._credits)
        app.router.add_get("/results/{id}.png", self._result)
        async with serving(app, shutdown_timeout=1.0) as self.url:
            yield self

    async def _create(self, request: web.Request) -> web.Response:
        await request.read()
        self.calls["create"] += 1
        return web.json_response(self._task(f"task_{next(self._numbers):08}", "queued"))

    async def _poll(self, request: web.Request) -> web.Response:
        task_id = request.match_info["id"]
        self.calls["poll"] += 1
        self._polled[task_id] += 1
        if self._polled[task_id] < self._polls:
            return web.json_response(self._task(task_id, "processing"))
        self.answered_at[task_id] = time.perf_counter()
        return web.json_response(self._task(task_id, "succeeded"))

    async def _credits(self, _: web.Request) -> web.Response:
        return web.json_response({"current_credits": 10**9})

    async def _result(self, _: web.Request) -> web.Response:
        self.calls["result"] += 1
        return web.Response(body=self._picture, content_type="image/png")

    def _task(self, task_id: str, status: str) -> dict[str, object]:
        """Return a task with the documented keys: https://rivya.ai/docs/api-generation-status."""
        done = status == "succeeded"
        return {
            "id": task_id,
            "status": status,
            "model": "qwen-image",
            "reserved_credits": 4,
            "final_credits": 4 if done else 0,
            "created_at": "2026-05-01T12:00:00.000Z",
            "updated_at": "2026-05-01T12:00:02.400Z",
            "result": {"url": f"{self.url}/results/{task_id}.png"} if done else None,
            "error": None,
        }
