"""The REST half of the loopback Discord: only the routes Kuas uses, and everything else is a surprise."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from tests.e2e.fake_discord.errors import RefusedError
from tests.e2e.fake_discord.faults import Call, Fault, Faults
from tests.e2e.fake_discord.payloads import BODY, document, read
from tests.e2e.fake_discord.read_routes import ReadRoutes
from tests.e2e.fake_discord.state import State
from tests.e2e.fake_discord.write_routes import WriteRoutes

API = "/api/v10"
# Without the token of a bot: https://discord.com/developers/docs/interactions/receiving-and-responding
_OPEN = {"callback", "reply_get", "reply_edit", "reply_delete", "followup"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class CutError(Exception):
    """The connection is gone on purpose; there is no answer."""


class Rest:
    """The routes, what is wrong with them today, and what was called.

    Attributes:
        calls: (route, status) of every call; status 0 where no answer was given.
    """

    def __init__(self, state: State, faults: Faults) -> None:
        self._state = state
        self._faults = faults
        self.calls: list[tuple[str, int]] = []
        self.url = ""

    def add_routes(self, app: web.Application) -> None:
        """Each route has a name, for faults and for `calls`."""
        app.middlewares.append(self._around)
        posting, looking = WriteRoutes(self._state), ReadRoutes(self._state)
        application = f"/applications/{self._state.application_id}"
        reply = f"/webhooks/{self._state.application_id}/{{token}}"
        for method, path, handler, name in (
            ("GET", "/users/@me", self._me, "me"),
            ("GET", "/oauth2/applications/@me", self._application, "application"),
            ("GET", "/gateway/bot", self._gateway, "gateway"),
            ("PUT", f"{application}/commands", self._sync, "sync"),
            ("PUT", f"{application}/guilds/{{guild}}/commands", self._sync, "sync_guild"),
            ("GET", f"{application}/commands", looking.commands, "commands"),
            ("GET", "/guilds/{guild}", looking.guild, "guild"),
            ("GET", "/guilds/{guild}/members/{user}", looking.member, "member"),
            ("GET", "/channels/{channel}", looking.channel, "channel"),
            ("POST", "/interactions/{interaction}/{token}/callback", posting.callback, "callback"),
            ("GET", f"{reply}/messages/@original", posting.reply_get, "reply_get"),
            ("PATCH", f"{reply}/messages/@original", posting.reply_edit, "reply_edit"),
            ("DELETE", f"{reply}/messages/@original", posting.reply_delete, "reply_delete"),
            ("POST", reply, posting.followup, "followup"),
            ("PATCH", "/channels/{channel}/messages/{message}", posting.edit, "edit"),
            ("POST", "/channels/{channel}/messages", posting.post, "post"),
            ("POST", "/users/@me/channels", posting.open_dm, "open_dm"),
        ):
            app.router.add_route(method, API + path, handler, name=name)

    def count(self, route: str, status: int | None = None) -> int:
        """How often a route was called, or answered so."""
        return sum(name == route and status in {None, answered} for name, answered in self.calls)

    @web.middleware
    async def _around(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith("/api/"):
            return await handler(request)
        route = request.match_info.route.name or f"{request.method} {request.path}"
        has_files = request.content_type.startswith("multipart/")
        fault = self._faults.take(Call(route, dict(request.match_info), has_files))
        status = 0
        try:
            response = await self._faulty(request, handler, fault)
            status = response.status
        except CutError:
            if request.transport is not None:
                request.transport.abort()
            response = web.Response()  # nobody is there to read it
        finally:
            self.calls.append((route, status))
            await self._state.announce()
        return response

    async def _faulty(
        self, request: web.Request, handler: Handler, fault: Fault | None
    ) -> web.StreamResponse:
        if fault is None:
            return await self._answer(request, handler)
        if fault.name == "lag":
            if request.can_read_body:
                request[BODY] = await read(request)  # the client may give up, what it has sent stays sent
            await asyncio.sleep(fault.seconds)
            return await self._answer(request, handler)
        if fault.name == "exhausted":
            response = await self._answer(request, handler)
            response.headers["X-RateLimit-Remaining"] = "0"
            response.headers["X-RateLimit-Reset-After"] = str(fault.retry_after)
            return response
        if fault.name == "cut_body":
            await request.content.readany()
            raise CutError
        if fault.name == "cut_after" or fault.processed:
            await self._answer(request, handler)
        else:
            # Read, so that the client is not cut off while it still sends.
            await request.read()
        return _instead(fault)

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            self._authorize(request)
            return await handler(request)
        except RefusedError as error:
            return document(error.document(), error.status)
        except web.HTTPException as error:
            self._state.surprises.append(f"unknown route {request.method} {request.path}")
            return document({"message": error.reason, "code": 0}, error.status)
        except ConnectionError:
            raise CutError from None  # the client has gone while it was still sending
        except Exception as bug:
            self._state.surprises.append(f"the stand-in itself is broken: {bug!r}")
            raise

    def _authorize(self, request: web.Request) -> None:
        if (request.match_info.route.name or "") in _OPEN:
            return
        if request.headers.get("Authorization") != f"Bot {self._state.bot_token}":
            raise RefusedError(0)
        if not request.headers.get("User-Agent", "").startswith("DiscordBot ("):
            raise RefusedError(40333)

    # Who the bot is.

    async def _me(self, _: web.Request) -> web.Response:
        return document(self.user())

    def user(self) -> dict[str, Any]:
        bot_id = str(self._state.application_id)
        return {"id": bot_id, "username": "Kuas", "discriminator": "0001", "avatar": None, "bot": True}

    async def _application(self, _: web.Request) -> web.Response:
        return document(
            {
                "id": str(self._state.application_id),
                "name": "Kuas",
                "icon": None,
                "description": "",
                "bot_public": True,
                "bot_require_code_grant": False,
                "verify_key": "",
                "flags": 0,
                "interactions_endpoint_url": self._state.interactions_endpoint_url,
                "owner": {"id": "1", "username": "owner", "discriminator": "0001", "avatar": None},
            }
        )

    async def _gateway(self, _: web.Request) -> web.Response:
        limit = {"total": 1000, "remaining": 999, "reset_after": 1, "max_concurrency": 1}
        url = self.url.replace("http", "ws", 1) + "/gateway"
        return document({"url": url, "shards": 1, "session_start_limit": limit})

    async def _sync(self, request: web.Request) -> web.Response:
        application = {"application_id": str(self._state.application_id), "version": "1"}
        synced = [
            # Of a menu the description is the empty text: /interactions/application-commands
            {"id": str(self._state.new_id()), "default_member_permissions": None}
            | {"options": [], "description": ""}
            | application
            | command
            for command in await request.json()
        ]
        # The commands of one server come on top of those of all.
        self._state.commands[int(request.match_info.get("guild", 0))] = synced
        return document(synced)


def _instead(fault: Fault) -> web.Response:
    """What is answered instead. Raises CutError."""
    match fault.name:
        case "strike":
            fault.act()
            raise CutError
        case "status":
            return document({"message": "As ordered.", "code": fault.code}, fault.status)
        case "html":
            page = f"<html><head><title>{fault.status}</title></head><body>error code: 1015</body></html>"
            return web.Response(text=page, status=fault.status, content_type="text/html")
        case "rate_limited":
            limited = {"message": "You are being rate limited.", "retry_after": fault.retry_after}
            answer = document(limited | {"global": False}, 429)
            answer.headers.update({"Via": "1.1 google", "Retry-After": str(fault.retry_after)})
            return answer
        case _:
            raise CutError
