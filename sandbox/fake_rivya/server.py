"""The stand-in on the network: routes, keys and scopes, answers, and how they go wrong.

Pages: https://rivya.ai/docs/api-authentication, https://rivya.ai/docs/api-files,
https://rivya.ai/docs/api-generations, https://rivya.ai/docs/api-credits and https://rivya.ai/docs/api-models.
"""

from __future__ import annotations

import asyncio
import hmac
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal

from aiohttp import web

from sandbox.fake_rivya import responses
from sandbox.fake_rivya.backend import Backend, realistic_seconds, store_upload
from sandbox.fake_rivya.errors import ApiError, TooLargeError, envelope
from sandbox.fake_rivya.fault_injection import ConnectionCut, after, before, wait_out
from sandbox.fake_rivya.faults import Fault, Faults
from sandbox.fake_rivya.model_catalog import MODELS
from sandbox.fake_rivya.request_validation import (
    EDGE_LIMIT_BYTES,
    decodes,
    parse_create,
    parse_upload,
    refuse,
)
from sandbox.painter import paint

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Self

    from sandbox.fake_rivya.backend import Painter

ALL_SCOPES = frozenset(
    {
        "models:read",
        "generations:create",
        "generations:read",
        "files:create",
        "files:read",
        "credits:read",
    }
)
_CREATE_LIMIT_BYTES = 1_000_000
_KEY_LIMIT = 255
_LAG = web.RequestKey("lag", Fault)


class FakeRivya(Backend):
    """Rivya on 127.0.0.1: `async with StandIn(painting_seconds=0.05) as rivya: ... rivya.url`.

    See `Studio` for the tasks, the wallet and what can be waited for.

    Attributes:
        url: the base URL, once it is entered.
        api_key: the one key that is accepted.
        scopes: what the key may do; take one away for a 403.
        faults: how it is to misbehave.
        calls: (method, path, status) of every answered call; status 0 where no answer was given.
        spelling: how POST /files spells its answer's keys; both are plausible, the page does not say.
        create_status: what a created task is answered with; any 2xx is plausible, the page does not say.
    """

    def __init__(
        self,
        *,
        api_key: str = "rvya_sk_standin",
        wallet_credits: int = 1000,
        painting_seconds: float | Callable[[], float] | None = None,
        seed: int = 1,
        port: int = 0,
        painter: Painter = paint,
    ) -> None:
        """Make one; nothing listens until it is entered.

        Args:
            api_key: the one key that is accepted.
            wallet_credits: what the wallet holds at first.
            painting_seconds: how long a task takes; by default about 12 seconds, at random.
            seed: of the ids and the painting times.
            port: where to listen; 0 for any free port.
            painter: what paints the pictures; a test that never looks at one may pass something quicker.
        """
        if painting_seconds is None:
            painting_seconds = realistic_seconds(seed)
        elif not callable(painting_seconds):
            painting_seconds = _always(painting_seconds)
        super().__init__(
            wallet_credits=wallet_credits, painting_seconds=painting_seconds, seed=seed, painter=painter
        )
        self.url = ""
        self.api_key = api_key
        self.scopes = set(ALL_SCOPES)
        self.faults = Faults()
        self.calls: list[tuple[str, str, int]] = []
        self.spelling: responses.Spelling = "snake"
        self.create_status: Literal[200, 201, 202] = 201
        self._port = port
        self._closing = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._bugs: list[Exception] = []

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._around], client_max_size=EDGE_LIMIT_BYTES)
        app.router.add_post("/api/v1/files", self._upload, name="files")
        app.router.add_get("/api/v1/files/{id}", self._file)
        app.router.add_post("/api/v1/generations", self._create, name="create")
        app.router.add_get("/api/v1/generations/{id}", self._status, name="status")
        app.router.add_get("/api/v1/credits", self._credits, name="credits")
        app.router.add_get("/api/v1/models", self._models, name="models")
        app.router.add_get("/results/{name}", self._result, name="result")
        app.router.add_get("/uploads/{name}", self._uploaded)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing.set()
        if self._runner is not None:
            await self._runner.cleanup()
        await self.close_studio()
        if self._bugs:
            # A client under test would take the 500 for a bad day of Rivya's, and try again.
            raise ExceptionGroup("the stand-in itself is broken", self._bugs)

    @web.middleware
    async def _around(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        fault = self.faults.take(request.match_info.route.name or "")
        if fault is not None:
            await self.announce()
        status = 0
        try:
            response = await before(fault, request) or await self._answer(request, handler, fault)
            response = await after(fault, request, response, self._closing)
            status = response.status
        except ConnectionCut:
            response = web.Response()  # nobody is there to read it
        finally:
            self.calls.append((request.method, request.path, status))
            await self.announce()
        return response

    async def _answer(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
        fault: Fault | None,
    ) -> web.StreamResponse:
        if fault is not None and fault.name == "lag":
            request[_LAG] = fault
        try:
            return await handler(request)
        except ApiError as error:
            return self._refusal(error)
        except (TooLargeError, web.HTTPRequestEntityTooLarge):
            return responses.edge_page(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        except web.HTTPNotFound:
            return self._refusal(ApiError("not_found", "There is nothing here."))
        except web.HTTPMethodNotAllowed:
            return self._refusal(ApiError("method_not_allowed", "Not with this method."))
        except ConnectionError:
            raise ConnectionCut from None  # whoever asked has gone, in the middle of an upload
        except Exception as bug:
            self._bugs.append(bug)
            raise

    def _refusal(self, error: ApiError) -> web.Response:
        return web.json_response(envelope(error.code, error.message, self.new_id("req")), status=error.status)

    def _authorize(self, request: web.Request, scope: str) -> None:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not key:
            raise ApiError("api_key_missing", "Send the key as a bearer token.")
        if not hmac.compare_digest(key.encode(), self.api_key.encode()):
            raise ApiError("api_key_invalid", "This key is not known.")
        if scope not in self.scopes:
            raise ApiError("api_scope_denied", f"The key lacks {scope}.")

    async def _upload(self, request: web.Request) -> web.Response:
        self._authorize(request, "files:create")
        if request.content_type != "multipart/form-data":
            raise refuse("The body has to be multipart/form-data.")
        if request.content_length is None:
            # Not documented, but many file APIs refuse chunked bodies, and nobody needs to send one.
            return responses.edge_page(HTTPStatus.LENGTH_REQUIRED)
        if request.content_length > EDGE_LIMIT_BYTES:
            raise TooLargeError
        form = await parse_upload(await request.multipart())
        if not await asyncio.to_thread(decodes, form.data):
            raise refuse("file is not a picture that can be read.")
        upload = store_upload(self, form, self.url)
        return web.json_response(responses.public_file(upload, self.spelling), status=201)

    async def _file(self, request: web.Request) -> web.Response:
        self._authorize(request, "files:read")
        upload = self.uploads.get(request.match_info["id"])
        if upload is None:
            raise ApiError("not_found", "There is no such file.")
        return web.json_response(responses.public_file(upload, self.spelling))

    async def _create(self, request: web.Request) -> web.Response:
        self._authorize(request, "generations:create")
        if request.content_type != "application/json":
            raise refuse("The body has to be application/json.")
        body = await request.read()
        if len(body) > _CREATE_LIMIT_BYTES:
            raise TooLargeError
        key = request.headers.get("Idempotency-Key")
        if key is not None and not (1 <= len(key) <= _KEY_LIMIT and key.isascii()):
            raise refuse(f"Idempotency-Key has to be 1 to {_KEY_LIMIT} ASCII characters.")
        task = self.claim(key, body)
        if task is None:
            try:
                await self.announce()
                await wait_out(request.get(_LAG))
                task = self.create(parse_create(body), key)
            finally:
                self.unclaim(key)
        return web.json_response(responses.public_task(task, self.url), status=self.create_status)

    async def _status(self, request: web.Request) -> web.Response:
        self._authorize(request, "generations:read")
        task = self.tasks.get(request.match_info["id"])
        if task is None:
            raise ApiError("not_found", "There is no such generation.")
        task.polls += 1
        return web.json_response(responses.public_task(task, self.url))

    async def _credits(self, request: web.Request) -> web.Response:
        self._authorize(request, "credits:read")
        return web.json_response({"current_credits": self.wallet_credits})

    async def _models(self, _request: web.Request) -> web.Response:
        return web.json_response({"data": [offer.public() for offer in MODELS.values()]})

    async def _result(self, request: web.Request) -> web.Response:
        task_id, _, extension = request.match_info["name"].rpartition(".")
        task = self.tasks.get(task_id)
        if task is None or task.status != "succeeded" or extension != task.output_format:
            raise web.HTTPNotFound
        return web.Response(body=await self.picture(task), content_type=f"image/{task.output_format}")

    async def _uploaded(self, request: web.Request) -> web.Response:
        upload = self.uploads.get(request.match_info["name"].partition(".")[0])
        if upload is None:
            raise web.HTTPNotFound
        return web.Response(body=upload.data, content_type=upload.mime_type)


def _always(seconds: float) -> Callable[[], float]:
    return lambda: seconds
