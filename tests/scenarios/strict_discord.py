"""What Discord enforces, and SimCord does not: sizes of requests, the pace of edits, and what it leaves out.

* All new files of a request have at most 25 MiB:
  https://discord.com/developers/docs/resources/message#create-message
* Edits of one channel are answered 429 beyond five in five seconds, as was observed; Discord says no figure.
* A file that a component shows is not listed among the attachments of its message:
  https://github.com/discord/discord-api-docs/issues/8277
* An edit with new files drops every file that it does not list:
  https://discord.com/developers/docs/resources/message#edit-message
* For a nonce that was used a moment ago the message of that is returned, and none is created:
  https://discord.com/developers/docs/resources/message#create-message
* After 15 minutes the token of an interaction is refused with 401 and 50027:
  https://discord.com/developers/docs/interactions/receiving-and-responding
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

import discord
import simcord
from simcord.backend.errors import BackendError
from simcord.http import router

REQUEST_BYTES: Final = 25 * 1024 * 1024
CHANNEL_EDITS: Final = 5
CHANNEL_SECONDS: Final = 5.0
_V2: Final = discord.MessageFlags(components_v2=True).value


class _TooManyRequests(BackendError):
    """The answer 429, with what the bot has to wait."""

    def __init__(self, seconds: float) -> None:
        super().__init__(429, 20028, "The write action you are performing has hit the write rate limit.")
        self.seconds = seconds

    def to_json(self) -> dict[str, Any]:
        return super().to_json() | {"retry_after": self.seconds, "global": False}


class StrictDiscord:
    """Enforces on one simulated Discord. `edit_seconds` is the window of edits; None for no limit."""

    def __init__(self, env: simcord.Env, *, edit_seconds: float | None = None) -> None:
        self._backend = env.backend
        self._edit_seconds = edit_seconds
        self._edits: dict[int, deque[float]] = defaultdict(lambda: deque(maxlen=CHANNEL_EDITS))
        self._dead_tokens: set[str] = set()
        self._by_nonce: dict[str, str] = {}
        self.refused_edits = 0
        """How many edits were too many."""

    @contextmanager
    def enforced(self) -> Iterator[None]:
        """Enforce while the block runs."""
        dispatch, emit = router.dispatch, self._backend.emit

        def strict_dispatch(backend: Any, method: str, path: str, **options: Any) -> Any:
            if backend is not self._backend:
                return dispatch(backend, method, path, **options)
            return self._dispatch(dispatch, method, path, **options)

        def strict_emit(event: str, payload: Mapping[str, Any]) -> None:
            emit(event, self._without_shown_files(payload))

        router.dispatch = strict_dispatch
        self._backend.emit = strict_emit  # type: ignore[method-assign]
        try:
            yield
        finally:
            router.dispatch = dispatch
            del self._backend.emit

    def expire_tokens(self) -> None:
        """Let every token that was issued until now expire."""
        self._dead_tokens |= self._backend.interaction_tokens.keys()

    def edits_of(self, channel_id: int) -> list[float]:
        """Return when the last five edits of a channel were made, by the bot's own clock."""
        return list(self._edits[channel_id])

    def _dispatch(self, dispatch: Callable[..., Any], method: str, path: str, **options: Any) -> Any:
        self._require_token(path)
        files, body = options.get("files") or [], options.get("json")
        if sum(_size(file.fp) for file in files) > REQUEST_BYTES:
            raise BackendError(413, 40005, "Request entity too large")
        if method == "PATCH" and "/messages/" in path:
            self._require_pace(path)
            if files and isinstance(body, dict) and "attachments" not in body:
                body["attachments"] = [{"id": index} for index in range(len(files))]
        if method == "POST" and path.endswith("/messages") and isinstance(body, dict):
            answer = self._posted_once(dispatch, method, path, body, options)
        else:
            answer = dispatch(self._backend, method, path, **options)
        return self._without_shown_files(answer)

    def _posted_once(
        self, dispatch: Callable[..., Any], method: str, path: str, body: Mapping[str, Any], options: Any
    ) -> Any:
        """Create a message, or return the one that was created with the same nonce."""
        nonce = str(body["nonce"]) if body.get("enforce_nonce") else ""
        if nonce in self._by_nonce:
            with suppress(BackendError):  # deleted since
                return dispatch(self._backend, "GET", self._by_nonce[nonce])
        answer = dispatch(self._backend, method, path, **options)
        if nonce:
            self._by_nonce[nonce] = f"{path}/{answer['id']}"
        return answer

    def _require_token(self, path: str) -> None:
        parts = path.strip("/").split("/")
        token = parts[2] if parts[0] == "webhooks" and len(parts) > 2 else ""
        interaction_id = self._backend.interaction_tokens.get(token)
        if interaction_id is None:
            return
        expires_at = self._backend.interactions[interaction_id].expires_at
        if token in self._dead_tokens or (expires_at is not None and self._backend.now_iso() >= expires_at):
            raise BackendError(401, 50027, "Invalid Webhook Token")

    def _require_pace(self, path: str) -> None:
        if self._edit_seconds is None:
            return
        edits, now = self._edits[self._channel_of(path)], time.monotonic()
        if len(edits) == CHANNEL_EDITS and (seconds := edits[0] + self._edit_seconds - now) > 0:
            self.refused_edits += 1
            raise _TooManyRequests(seconds)
        edits.append(now)

    def _channel_of(self, path: str) -> int:
        parts = path.strip("/").split("/")
        if parts[0] == "channels":
            return int(parts[1])
        return self._backend.interactions[self._backend.interaction_tokens[parts[2]]].channel_id

    def _without_shown_files(self, payload: Any) -> Any:
        """Return a payload whose messages do not list the files that their components show."""
        if isinstance(payload, list):
            return [self._without_shown_files(each) for each in payload]
        if not isinstance(payload, Mapping):
            return payload
        found = dict(payload)
        if isinstance(found.get("flags"), int) and found["flags"] & _V2 and "attachments" in found:
            found["attachments"] = []
        for name in ("message", "referenced_message", "resource"):
            if isinstance(found.get(name), Mapping):
                found[name] = self._without_shown_files(found[name])
        return found


def _size(file: Any) -> int:
    place = file.tell()
    size: int = file.seek(0, 2)
    file.seek(place)
    return size
