"""The REST API of the fake Discord: the routes that Kuas uses; any other is recorded as a violation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from tests.e2e.fake_discord.errors import RefusedError
from tests.e2e.fake_discord.faults import Call, Fault, Faults
from tests.e2e.fake_discord.payloads import BODY, json_response, read_body
from tests.e2e.fake_discord.read_routes import ReadRoutes
from tests.e2e.fake_discord.state import State
from tests.e2e.fake_discord.write_routes import WriteRoutes

API = "/api/v10"
# They need no bot token: https://discord.com/developers/docs/interactions/receiving-and-responding
_UNAUTHENTICATED = {"callback", "reply_get", "reply_edit", "reply_delete", "followup"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class CutError(Exception):
    """The connection is to be closed without a response."""


class Rest:
    """The routes with their faults, and a record of the calls.

    Attributes:
        calls: (route, status) of every call; status 0 where no response was sent.
    """

    def __init__(self, state: State, faults: Faults) -> None:
        self._state = state
        self._faults = faults
        self.calls: list[tuple[str, int]] = []
        self.url = ""

    def add_routes(self, app: web.Application) -> None:
        """Add the routes, each under the name that faults and `calls` use."""
        app.middlewares.append(self._middleware)
        write, read = WriteRoutes(self._state), ReadRoutes(self._state)
        application = f"/applications/{self._state.application_id}"
        reply = f"/webhooks/{self._state.application_id}/{{token}}"
        for method, path, handler, name in (
            ("GET", "/users/@me", self._me, "me"),
            ("GET", "/oauth2/applications/@me", self._application, "application"),
            ("GET", "/gateway/bot", self._gateway, "gateway"),
            ("PUT", f"{application}/commands", self._sync, "sync"),
            ("PUT", f"{application}/guilds/{{guild}}/commands", self._sync, "sync_guild"),
            ("GET", f"{application}/commands", read.commands, "commands"),
            ("GET", "/guilds/{guild}", read.guild, "guild"),
            ("GET", "/guilds/{guild}/members/{user}", read.member, "member"),
            ("GET", "/channels/{channel}", read.channel, "channel"),
            ("POST", "/interactions/{interaction}/{token}/callback", write.callback, "callback"),
            ("GET", f"{reply}/messages/@original", write.reply_get, "reply_get"),
            ("PATCH", f"{reply}/messages/@original", write.reply_edit, "reply_edit"),
            ("DELETE", f"{reply}/messages/@original", write.reply_delete, "reply_delete"),
            ("POST", reply, write.followup, "followup"),
            ("PATCH", "/channels/{channel}/messages/{message}", write.edit, "edit"),
            ("POST", "/channels/{channel}/messages", write.post, "post"),
            ("POST", "/users/@me/channels", write.open_dm, "open_dm"),
        ):
            app.router.add_route(method, API + path, handler, name=name)

    def count(self, route: str, status: int | None = None) -> int:
        """Count the calls of a route, or only those that were answered with `status`."""
        return sum(name == route and status in {None, answer} for name, answer in self.calls)

    @web.middleware
    async def _middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith("/api/"):
            return await handler(request)
        route = request.match_info.route.name or f"{request.method} {request.path}"
        has_files = request.content_type.startswith("multipart/")
        fault = self._faults.take(Call(route, dict(request.match_info), has_files))
        status = 0
        try:
            response = await self._answer_with_fault(request, handler, fault)
            status = response.status
        except CutError:
            if request.transport is not None:
                request.transport.abort()
            response = web.Response()  # aiohttp needs one; the connection is closed
        finally:
            self.calls.append((route, status))
            await self._state.announce()
        return response

    async def _answer_with_fault(
        self, request: web.Request, handler: Handler, fault: Fault | None
    ) -> web.StreamResponse:
        if fault is None:
            return await self._answer(request, handler)
        if fault.name == "lag":
            if request.can_read_body:
                request[BODY] = await read_body(request)  # the request counts even if the client gives up now
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
            # Otherwise the connection would be closed while the client still sends.
            await request.read()
        return _replacement(fault)

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            self._authorize(request)
            return await handler(request)
        except RefusedError as error:
            return json_response(error.body(), error.status)
        except web.HTTPException as error:
            self._state.violations.append(f"unknown route {request.method} {request.path}")
            return json_response({"message": error.reason, "code": 0}, error.status)
        except ConnectionError:
            raise CutError from None  # the client disconnected while it was sending
        except Exception as bug:
            self._state.violations.append(f"bug of the fake Discord: {bug!r}")
            raise

    def _authorize(self, request: web.Request) -> None:
        if (request.match_info.route.name or "") in _UNAUTHENTICATED:
            return
        if request.headers.get("Authorization") != f"Bot {self._state.bot_token}":
            raise RefusedError(0)
        if not request.headers.get("User-Agent", "").startswith("DiscordBot ("):
            raise RefusedError(40333)

    # The bot itself.

    async def _me(self, _: web.Request) -> web.Response:
        return json_response(self._state.bot_user())

    async def _application(self, _: web.Request) -> web.Response:
        return json_response(
            {
                "id": str(self._state.application_id),
                "name": "Kuas",
                "icon": None,
                "description": "",
                "bot_public": self._state.bot_public,
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
        return json_response({"url": url, "shards": 1, "session_start_limit": limit})

    async def _sync(self, request: web.Request) -> web.Response:
        application = {"application_id": str(self._state.application_id), "version": "1"}
        synced = [
            # `description` is empty for context menus: /interactions/application-commands
            {"id": str(self._state.new_id()), "default_member_permissions": None}
            | {"options": [], "description": ""}
            | application
            | command
            for command in await request.json()
        ]
        # Key 0 has the global commands; those of a server are added to them.
        self._state.commands[int(request.match_info.get("guild", 0))] = synced
        return json_response(synced)


def _replacement(fault: Fault) -> web.Response:
    """Return the response of a fault.

    Raises:
        CutError: the fault closes the connection.
    """
    match fault.name:
        case "hook":
            fault.act()
            raise CutError
        case "status":
            return json_response({"message": "Injected fault.", "code": fault.code}, fault.status)
        case "html":
            page = f"<html><head><title>{fault.status}</title></head><body>error code: 1015</body></html>"
            return web.Response(
                text=page, status=fault.status, content_type="text/html", headers=fault.headers
            )
        case "rate_limited":
            wait = fault.retry_after
            body = {"message": "You are being rate limited.", "retry_after": wait, "global": False}
            response = json_response(body, 429)
            response.headers.update({"Via": "1.1 google", "Retry-After": str(wait)})
            return response
        case _:
            raise CutError
