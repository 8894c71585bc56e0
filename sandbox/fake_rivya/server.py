"""HTTP server of the fake Rivya: routes, API key and scopes, responses and injected faults.

Pages: https://rivya.ai/docs/api-authentication, https://rivya.ai/docs/api-files,
https://rivya.ai/docs/api-generations, https://rivya.ai/docs/api-credits and https://rivya.ai/docs/api-models.
"""

from __future__ import annotations

import asyncio
import hmac
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal

from aiohttp import web

from sandbox.fake_rivya import model_control, responses, results
from sandbox.fake_rivya.backend import Backend, realistic_seconds
from sandbox.fake_rivya.errors import ApiError, TooLargeError, envelope
from sandbox.fake_rivya.fault_injection import after, before, wait_for_lag
from sandbox.fake_rivya.faults import Fault, Faults
from sandbox.fake_rivya.model_catalog import MODELS
from sandbox.fake_rivya.request_validation import (
    EDGE_LIMIT_BYTES,
    decodes,
    invalid,
    parse_create,
    parse_upload,
)
from sandbox.painter import paint

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Self

    from sandbox.fake_rivya.backend import Painter
    from sandbox.fake_rivya.models import Task

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
    """A fake Rivya on 127.0.0.1: `async with FakeRivya(painting_seconds=0.05) as rivya: ... rivya.url`.

    See `Backend` for the tasks, the wallet and how to wait for changes.

    Attributes:
        url: the base URL, once the server is entered.
        api_key: the only API key that is accepted.
        scopes: scopes of the key; remove one for a 403.
        faults: the faults to inject.
        calls: (method, path, status) of every finished call; status 0 where no response was sent.
        spelling: how the file routes spell their keys; the documentation does not say.
        create_status: status of a successful create call; the documentation does not say which 2xx.
        status_words: words to use instead of the documented ones for a status, as other APIs do.
        result_format: the format of every result; None for the one that was asked for.
        result_animated: whether a result in `result_format` has two frames.
        result_address: the form of a result's address; "data" for the status call alone.
        models: by id; replace one to change its price or status, or delete it.
        model_control: does the same, and has a page for it.
    """

    def __init__(
        self,
        *,
        api_key: str = "rvya_sk_fake",
        wallet_credits: int = 1000,
        painting_seconds: float | Callable[[], float] | None = None,
        seed: int = 1,
        port: int = 0,
        painter: Painter = paint,
    ) -> None:
        """Prepare the server; it listens once it is entered.

        Args:
            api_key: the only API key that is accepted.
            wallet_credits: the balance at the start.
            painting_seconds: duration of a task; by default about 12 seconds, at random.
            seed: seed of the ids and of the default durations.
            port: the port to listen on; 0 for any free one.
            painter: makes the pictures; tests that do not look at them can pass a faster one.
        """
        seconds = realistic_seconds(seed) if painting_seconds is None else painting_seconds
        super().__init__(
            wallet_credits=wallet_credits,
            painting_seconds=seconds if callable(seconds) else lambda: seconds,
            seed=seed,
            painter=painter,
        )
        self.url = ""
        self.api_key = api_key
        self.scopes = set(ALL_SCOPES)
        self.faults = Faults()
        self.calls: list[tuple[str, str, int]] = []
        self.spelling: responses.Spelling = "snake"
        self.create_status: Literal[200, 201, 202] = 201
        self.status_words: dict[str, str] = {}
        self.result_format: results.ResultFormat | None = None
        self.result_animated = False
        self.result_address: results.AddressForm = "absolute"
        self.models = dict(MODELS)
        self.model_control = model_control.ModelControl(self.models, self.surcharges)
        self._port = port
        self._closing = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._bugs: list[Exception] = []

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._middleware], client_max_size=EDGE_LIMIT_BYTES)
        app.router.add_post("/api/v1/files", self._upload, name="files")
        app.router.add_get("/api/v1/files/{id}", self._file)
        app.router.add_post("/api/v1/generations", self._create, name="create")
        app.router.add_get("/api/v1/generations/{id}", self._status, name="status")
        app.router.add_get("/api/v1/credits", self._credits, name="credits")
        app.router.add_get("/api/v1/models", self._models, name="models")
        app.router.add_get("/results/{name}", self._result, name="result")
        app.router.add_get("/uploads/{name}", self._uploaded_file)
        app.router.add_get(model_control.PATH, self.model_control.show)
        app.router.add_post(model_control.PATH, self.model_control.submit)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing.set()
        if self._runner is not None:
            await self._runner.cleanup()
        await self.stop_tasks()
        if self._bugs:
            # The client under test takes the 500 for an outage of Rivya and retries, so it would not show.
            raise ExceptionGroup("bugs of the fake Rivya", self._bugs)

    @web.middleware
    async def _middleware(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        fault = self.faults.take(request.match_info.route.name or "", request.path)
        if fault is not None:
            await self.announce()
        status = 0
        try:
            response = await before(fault, request) or await self._answer(request, handler, fault)
            response = await after(fault, request, response, self._closing)
            status = response.status
        except ConnectionError:  # the client disconnected, or a fault cut the connection
            response = web.Response()  # aiohttp needs one
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
            return self._error_response(error)
        except (TooLargeError, web.HTTPRequestEntityTooLarge):
            return responses.edge_page(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        except (web.HTTPSeeOther, web.HTTPBadRequest, web.HTTPForbidden):
            raise  # those of the control page
        except web.HTTPNotFound:
            return self._error_response(ApiError("not_found", "There is nothing here."))
        except web.HTTPMethodNotAllowed:
            return self._error_response(ApiError("method_not_allowed", "This method is not allowed here."))
        except ConnectionError:
            raise  # the client disconnected during an upload
        except Exception as bug:
            self._bugs.append(bug)
            raise

    def _error_response(self, error: ApiError) -> web.Response:
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
            raise invalid("The body has to be multipart/form-data.")
        if request.content_length is None:
            # Not documented, but many file APIs refuse chunked bodies, and no client needs to send one.
            return responses.edge_page(HTTPStatus.LENGTH_REQUIRED)
        if request.content_length > EDGE_LIMIT_BYTES:
            raise TooLargeError
        form = await parse_upload(request, self.models)
        if not await asyncio.to_thread(decodes, form.data):
            raise invalid("file is not a picture that can be read.")
        upload = self.store_upload(form, self.url)
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
            raise invalid("The body has to be application/json.")
        body = await request.read()
        if len(body) > _CREATE_LIMIT_BYTES:
            raise TooLargeError
        key = request.headers.get("Idempotency-Key")
        if key is not None and not (1 <= len(key) <= _KEY_LIMIT and key.isascii()):
            raise invalid(f"Idempotency-Key has to be 1 to {_KEY_LIMIT} ASCII characters.")
        task = self.claim(key, body)
        if task is None:
            try:
                await self.announce()
                await wait_for_lag(request.get(_LAG))
                task = self.create(parse_create(body, self.models), key)
            finally:
                self.unclaim(key)
        document = responses.public_task(task, self._result_urls(task), self.status_words)
        return web.json_response(document, status=self.create_status)

    async def _status(self, request: web.Request) -> web.Response:
        self._authorize(request, "generations:read")
        task = self.tasks.get(request.match_info["id"])
        if task is None:
            raise ApiError("not_found", "There is no such generation.")
        task.polls += 1
        urls = self._result_urls(task)
        if self.result_address == "data" and task.status == "succeeded":
            files = [await self._result_file(task, number) for number in range(len(urls))]
            urls = [results.data_url(*file) for file in files]
        return web.json_response(responses.public_task(task, urls, self.status_words))

    def _result_urls(self, task: Task) -> list[str]:
        names = results.names(task)
        return [results.address(self.result_address, self.url, f"/results/{name}") for name in names]

    async def _credits(self, request: web.Request) -> web.Response:
        self._authorize(request, "credits:read")
        return web.json_response({"current_credits": self.wallet_credits})

    async def _models(self, _request: web.Request) -> web.Response:
        return web.json_response({"data": [model.public() for model in self.models.values()]})

    async def _result(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        task = self.tasks.get(name.partition(".")[0])
        if task is None or task.status != "succeeded" or name not in results.names(task):
            raise web.HTTPNotFound
        picture, mime_type = await self._result_file(task, results.names(task).index(name))
        return web.Response(body=picture, content_type=mime_type)

    async def _result_file(self, task: Task, number: int) -> tuple[bytes, str]:
        """Return a picture of a succeeded task as it is sent, and its MIME type."""
        picture = await self.picture(task, number)
        if self.result_format is None:
            return picture, f"image/{task.output_format}"
        kind, animated = self.result_format, self.result_animated
        return await asyncio.to_thread(results.convert, picture, kind, animated=animated), f"image/{kind}"

    async def _uploaded_file(self, request: web.Request) -> web.Response:
        upload = self.uploads.get(request.match_info["name"].partition(".")[0])
        if upload is None:
            raise web.HTTPNotFound
        return web.Response(body=upload.data, content_type=upload.mime_type)
