"""The fake Rivya over real sockets: validation, charges and injected faults."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import re
import signal
import statistics
import subprocess
import sys
import urllib.request
from typing import TYPE_CHECKING

import aiohttp
import pytest
from PIL import Image

from sandbox.fake_rivya import FakeRivya
from sandbox.fake_rivya.backend import realistic_seconds
from sandbox.fake_rivya.faults import FaultName
from sandbox.fake_rivya.results import AddressForm
from tests.support.images import make_picture
from tests.support.paths import ROOT
from tests.support.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

NINE_KEYS = {
    "id",
    "status",
    "model",
    "reserved_credits",
    "final_credits",
    "created_at",
    "updated_at",
    "result",
    "error",
}


def paint_plain(_prompt: str, _size: str, output_format: str, *_: object) -> bytes:
    """A fast painter for tests that do not look at the picture."""
    return make_picture(output_format)


def create_body(prompt: str = "a fox", **params: object) -> dict[str, object]:
    return {"model": "qwen-image", "prompt": prompt, "params": params}


class Client:
    """A minimal client, which shares no code with the bot's."""

    def __init__(self, session: aiohttp.ClientSession, fake_rivya: FakeRivya) -> None:
        self.session = session
        self.fake_rivya = fake_rivya

    async def call(
        self,
        method: str,
        path: str,
        *,
        key: str | None = None,
        token: str | None = "rvya_sk_fake",
        body: dict[str, object] | None = None,
        data: aiohttp.FormData | bytes | None = None,
        content_type: str | None = None,
    ) -> tuple[int, dict[str, object]]:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        if body is not None:
            data, content_type = json.dumps(body).encode(), content_type or "application/json"
        if content_type is not None:
            headers["Content-Type"] = content_type
        url = f"{self.fake_rivya.url}/api/v1{path}"
        async with self.session.request(method, url, headers=headers, data=data) as response:
            return response.status, await response.json()

    async def create(
        self, body: dict[str, object] | None = None, key: str | None = "key"
    ) -> tuple[int, dict[str, object]]:
        return await self.call("POST", "/generations", body=body or create_body(), key=key)

    async def upload(
        self,
        data: bytes | None = None,
        content_type: str | None = "image/png",
        name: str = "reference.png",
        **fields: str,
    ) -> tuple[int, dict[str, object]]:
        form = aiohttp.FormData()
        file = io.BytesIO(make_picture() if data is None else data)
        form.add_field("file", file, filename=name, content_type=content_type)
        for field, value in ({"kind": "image"} | fields).items():
            form.add_field(field, value)
        return await self.call("POST", "/files", data=form)

    async def finished(self, prompt: str = "a fox", **params: object) -> dict[str, object]:
        """Create a task, wait for its end, and return its status."""
        _, task = await self.create(create_body(prompt, **params), key=None)
        await self.fake_rivya.ended(str(task["id"]))
        return (await self.call("GET", f"/generations/{task['id']}"))[1]


def refusal_of(answer: tuple[int, dict[str, object]]) -> tuple[int, object]:
    """Return status and error code of an error response, whose envelope must be complete."""
    status, document = answer
    error = document["error"]
    assert isinstance(error, dict)
    assert set(error) == {"code", "message", "requestId"}
    assert str(error["requestId"]).startswith("req_")
    return status, error["code"]


async def does_not_happen(change: Awaitable[object]) -> bool:
    """Return whether `change` is still pending after ten times as long as a task takes."""
    try:
        await asyncio.wait_for(change, timeout=0.2)
    except TimeoutError:
        return True
    return False


@pytest.fixture
async def fake_rivya() -> AsyncIterator[FakeRivya]:
    async with FakeRivya(painting_seconds=0.02, painter=paint_plain) as fake_rivya:
        yield fake_rivya


@pytest.fixture
async def client(fake_rivya: FakeRivya) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session:
        yield Client(session, fake_rivya)


class TestKeys:
    async def test_a_missing_and_a_wrong_key_have_different_codes(self, client: Client) -> None:
        assert refusal_of(await client.call("GET", "/credits", token=None)) == (401, "api_key_missing")
        assert refusal_of(await client.call("GET", "/credits", token="rvya_sk_other")) == (
            401,
            "api_key_invalid",
        )

    @pytest.mark.parametrize(
        ("scope", "method", "path"),
        [
            ("credits:read", "GET", "/credits"),
            ("files:create", "POST", "/files"),
            ("files:read", "GET", "/files/file_1"),
            ("generations:create", "POST", "/generations"),
            ("generations:read", "GET", "/generations/task_1"),
        ],
    )
    async def test_a_missing_scope_is_denied(
        self, client: Client, scope: str, method: str, path: str
    ) -> None:
        client.fake_rivya.scopes.remove(scope)
        assert refusal_of(await client.call(method, path)) == (403, "api_scope_denied")

    async def test_models_need_no_key(self, client: Client) -> None:
        status, document = await client.call("GET", "/models", token=None)
        assert status == 200
        models = document["data"]
        assert isinstance(models, list)
        prices = {model["id"]: model["base_credits"] for model in models}
        assert (prices["qwen-image"], prices["z-image"], prices["flux-2-flex"]) == (4, 1, 14)
        assert {model["max_prompt_length"] for model in models if model["id"] == "qwen-image"} == {5000}

    async def test_an_unknown_path_or_method_has_the_error_envelope(self, client: Client) -> None:
        assert refusal_of(await client.call("GET", "/nothing")) == (404, "not_found")
        assert refusal_of(await client.call("DELETE", "/credits")) == (405, "method_not_allowed")


class TestFiles:
    @pytest.mark.parametrize("picture_format", ["PNG", "JPEG", "WEBP"])
    async def test_the_type_of_an_upload_is_found_by_its_signature(
        self, client: Client, picture_format: str
    ) -> None:
        data = make_picture(picture_format)
        status, file = await client.upload(data, None, "odd.name", model="qwen-image", client_request_id="c1")
        assert status == 201
        assert file["mime_type"] == f"image/{picture_format.lower()}"
        assert str(file["id"]).startswith("file_")
        assert (await client.call("GET", f"/files/{file['id']}")) == (200, file)
        async with client.session.get(str(file["url"])) as response:
            assert await response.read() == data

    async def test_answers_can_be_spelled_in_camel_case(self, client: Client) -> None:
        client.fake_rivya.spelling = "camel"
        _, file = await client.upload()
        assert "fileId" in file
        assert file["mimeType"] == "image/png"

    @pytest.mark.parametrize(
        ("data", "content_type", "fields"),
        [
            (b"GIF89a not for us", "image/gif", {}),
            (b"", None, {}),
            (make_picture()[:60], "image/png", {}),
            (make_picture(), "image/jpeg", {}),
            (make_picture(), "image/png", {"kind": "video"}),
            (make_picture(), "image/png", {"kind": "picture"}),
            (make_picture(), "image/png", {"model": "no-such-model"}),
            (make_picture(), "image/png", {"model": "z-image"}),
            (make_picture(), "image/png", {"purpose": "vision"}),
            (make_picture(), "image/png", {"client_request_id": "x" * 129}),
            (make_picture() + bytes(10_000_001), "image/png", {}),
            (make_picture(), "image/png", {"client_request_id": "x" * 4096}),
        ],
        ids=[
            "a GIF",
            "nothing",
            "half a picture",
            "another type than declared",
            "as a video",
            "of no known kind",
            "for no known model",
            "for a model without references",
            "with an unknown field",
            "with a long id",
            "above 10 MB",
            "with the longest text that is read",
        ],
    )
    async def test_any_other_upload_is_refused(
        self, client: Client, data: bytes, content_type: str | None, fields: dict[str, str]
    ) -> None:
        assert refusal_of(await client.upload(data, content_type, **fields)) == (400, "validation_failed")
        assert client.fake_rivya.uploads == {}

    async def test_a_body_that_is_no_multipart_is_refused(self, client: Client) -> None:
        answer = await client.call("POST", "/files", data=make_picture(), content_type="image/png")
        assert refusal_of(answer) == (400, "validation_failed")

    @pytest.mark.parametrize(
        "body",
        [b"", b"no boundary", b"--x\r\n\r\n", b"--x\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n"],
    )
    @pytest.mark.parametrize("content_type", ["multipart/form-data", "multipart/form-data; boundary=x"])
    async def test_a_broken_multipart_body_is_refused(
        self, client: Client, body: bytes, content_type: str
    ) -> None:
        answer = await client.call("POST", "/files", data=body, content_type=content_type)
        assert refusal_of(answer) == (400, "validation_failed")

    async def test_a_text_field_of_any_length_is_not_read(self, client: Client) -> None:
        form = aiohttp.FormData(default_to_multipart=True)
        form.add_field("kind", "x" * 4097)
        async with client.session.post(
            f"{client.fake_rivya.url}/api/v1/files",
            data=form,
            headers={"Authorization": f"Bearer {client.fake_rivya.api_key}"},
        ) as response:
            assert (response.status, response.content_type) == (413, "text/html")

    async def test_a_body_of_unknown_length_is_refused_by_the_edge(self, client: Client) -> None:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"--x--"

        async with client.session.post(
            f"{client.fake_rivya.url}/api/v1/files",
            data=chunks(),
            headers={
                "Authorization": f"Bearer {client.fake_rivya.api_key}",
                "Content-Type": "multipart/form-data; boundary=x",
            },
        ) as response:
            assert (response.status, response.content_type) == (411, "text/html")

    async def test_a_client_that_disconnects_during_an_upload_is_no_bug(self, client: Client) -> None:
        port = int(client.fake_rivya.url.rpartition(":")[2])
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            b"POST /api/v1/files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer rvya_sk_fake\r\n"
            b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000\r\n\r\n--x\r\n"
        )
        await writer.drain()
        writer.transport.abort()
        await client.fake_rivya.until(lambda: client.fake_rivya.calls == [("POST", "/api/v1/files", 0)])

    async def test_a_file_without_a_name_or_a_kind_is_refused(self, client: Client) -> None:
        nameless = aiohttp.FormData(default_to_multipart=True)
        nameless.add_field("kind", "image")
        nameless.add_field("file", "text")
        assert refusal_of(await client.call("POST", "/files", data=nameless)) == (400, "validation_failed")
        fileless = aiohttp.FormData(default_to_multipart=True)
        fileless.add_field("kind", "image")
        assert refusal_of(await client.call("POST", "/files", data=fileless)) == (400, "validation_failed")
        kindless = aiohttp.FormData()
        kindless.add_field("file", make_picture(), filename="a.png")
        assert refusal_of(await client.call("POST", "/files", data=kindless)) == (400, "validation_failed")

    async def test_a_far_too_large_body_meets_the_edge_and_its_web_page(self, client: Client) -> None:
        port = int(client.fake_rivya.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            b"POST /api/v1/files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer rvya_sk_fake\r\n"
            b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 40000000\r\n\r\n"
        )
        assert b" 413 " in await reader.readline()
        assert b"Content-Type: text/html" in await reader.readuntil(b"\r\n\r\n")
        writer.close()
        await writer.wait_closed()


class TestCreate:
    async def test_a_task_has_the_nine_keys_and_goes_from_queued_to_succeeded(self, client: Client) -> None:
        client.fake_rivya.hold()
        status, task = await client.create()
        assert status == 201
        assert set(task) == NINE_KEYS
        assert (task["status"], task["reserved_credits"], task["final_credits"]) == ("queued", 4, 0)
        task_id = str(task["id"])
        await client.fake_rivya.until(lambda: client.fake_rivya.tasks[task_id].status == "processing")
        assert await does_not_happen(client.fake_rivya.ended(task_id))
        assert (await client.call("GET", f"/generations/{task_id}"))[1]["status"] == "processing"
        client.fake_rivya.release()
        await client.fake_rivya.ended(task_id)
        _, task = await client.call("GET", f"/generations/{task_id}")
        assert set(task) == NINE_KEYS
        assert (task["status"], task["final_credits"], task["error"]) == ("succeeded", 4, None)
        assert client.fake_rivya.tasks[task_id].polls == 2

    async def test_the_status_of_a_created_task_can_be_any_success(self, client: Client) -> None:
        client.fake_rivya.create_status = 202
        assert (await client.create())[0] == 202

    @pytest.mark.parametrize(
        "body",
        [
            {"prompt": "a fox"},
            {"model": "qwen-image-edit", "prompt": "a fox"},
            {"model": "qwen-image"},
            create_body(" \n"),
            create_body("x" * 5001),
            {**create_body(), "prompt": 7},
            {**create_body(), "files": []},
            {**create_body(), "params": None},
            {**create_body(), "client_request_id": "x" * 129},
            create_body(seed=1),
            create_body(image_size="huge"),
            create_body(image_size=1024),
            create_body(output_format="webp"),
            create_body(referenceMediaItems={}),
            create_body(referenceMediaItems=[{"kind": "image"}]),
            create_body(referenceMediaItems=[{"url": "https://example.com/a.png", "kind": "image"}]),
            {"model": "z-image", "prompt": "a fox", "params": {"referenceMediaItems": []}},
        ],
    )
    async def test_a_body_that_is_not_in_order_is_refused(
        self, client: Client, body: dict[str, object]
    ) -> None:
        assert refusal_of(await client.create(body)) == (400, "validation_failed")
        assert client.fake_rivya.tasks == {}
        assert client.fake_rivya.wallet_credits == 1000

    async def test_the_body_has_to_be_json_and_say_so(self, client: Client) -> None:
        refused = (400, "validation_failed")
        assert (
            refusal_of(
                await client.call("POST", "/generations", body=create_body(), content_type="text/plain")
            )
            == refused
        )
        for data in (b"[]", b"{", b"\xff"):
            answer = await client.call("POST", "/generations", data=data, content_type="application/json")
            assert refusal_of(answer) == refused

    async def test_a_body_above_a_megabyte_is_refused_by_the_edge(self, client: Client) -> None:
        async with client.session.post(
            f"{client.fake_rivya.url}/api/v1/generations",
            json=create_body("x" * 1_000_000),
            headers={"Authorization": f"Bearer {client.fake_rivya.api_key}"},
        ) as response:
            assert (response.status, response.content_type) == (413, "text/html")

    async def test_the_longest_prompt_is_taken(self, client: Client) -> None:
        assert (await client.create(create_body("x" * 5000)))[0] == 201

    async def test_a_reference_has_to_be_an_upload_of_this_kind(self, client: Client) -> None:
        _, file = await client.upload()
        item = {"url": file["url"], "kind": "image", "name": "a.png", "mimeType": "image/png"}
        refused = (400, "validation_failed")
        for wrong in (
            [item, item],
            [{**item, "kind": "video"}],
            [{**item, "mimeType": "image/jpeg"}],
            [{**item, "mime_type": "image/png"}],
            [{**item, "mimeType": "image/gif"}],
            [{**item, "durationSeconds": "3"}],
            [{**item, "name": 3}],
        ):
            assert refusal_of(await client.create(create_body(referenceMediaItems=wrong))) == refused
        _, task = await client.create(create_body(referenceMediaItems=[item]))
        assert client.fake_rivya.tasks[str(task["id"])].reference_id == file["id"]

    async def test_an_unknown_task_is_not_found(self, client: Client) -> None:
        assert refusal_of(await client.call("GET", "/generations/task_none")) == (404, "not_found")
        assert refusal_of(await client.call("GET", "/files/file_none")) == (404, "not_found")

    async def test_waiting_for_tasks_and_the_most_of_them_at_once(self, client: Client) -> None:
        client.fake_rivya.hold()
        async with asyncio.TaskGroup() as group:
            group.create_task(client.fake_rivya.created(3))
            for number in range(3):
                group.create_task(client.create(key=f"key-{number}"))
        assert client.fake_rivya.peak_concurrent == 3


class TestIdempotency:
    @pytest.mark.parametrize("key", ["", "x" * 256, "schlüssel"])
    async def test_a_key_has_1_to_255_ascii_characters(self, client: Client, key: str) -> None:
        assert refusal_of(await client.create(key=key)) == (400, "validation_failed")
        assert (await client.create(key="x" * 255))[0] == 201

    async def test_the_same_key_and_body_is_the_same_task_and_paid_once(self, client: Client) -> None:
        _, first = await client.create()
        status, again = await client.create()
        assert (status, again["id"]) == (201, first["id"])
        assert len(client.fake_rivya.tasks) == 1
        assert client.fake_rivya.charged_credits == 4
        assert client.fake_rivya.creates_without_key == 0

    async def test_the_same_key_with_another_body_conflicts(self, client: Client) -> None:
        await client.create()
        assert refusal_of(await client.create(create_body("a cat"))) == (409, "idempotency_conflict")
        assert len(client.fake_rivya.tasks) == 1

    async def test_the_same_key_while_the_first_is_in_flight_conflicts(self, client: Client) -> None:
        lag = client.fake_rivya.faults.add("lag", "create", seconds=PATIENCE_SECONDS)
        first = asyncio.create_task(client.create())
        await client.fake_rivya.until(lambda: "key" in client.fake_rivya.keys_in_flight)
        assert refusal_of(await client.create()) == (409, "idempotency_conflict")
        lag.over.set()
        assert (await first)[0] == 201
        assert len(client.fake_rivya.tasks) == 1

    async def test_a_refused_request_frees_its_key(self, client: Client) -> None:
        client.fake_rivya.wallet_credits = 3
        assert refusal_of(await client.create()) == (402, "insufficient_credits")
        client.fake_rivya.wallet_credits = 4
        assert (await client.create())[0] == 201

    async def test_without_a_key_each_call_is_a_task_and_is_counted(self, client: Client) -> None:
        await client.create(key=None)
        await client.create(key=None)
        assert len(client.fake_rivya.tasks) == client.fake_rivya.creates_without_key == 2


class TestWallet:
    async def test_what_is_charged_and_what_is_left_add_up(self, client: Client) -> None:
        await client.finished("a fox")
        failed = await client.finished("a forbidden fox")
        assert failed["status"] == "failed"
        assert failed["result"] is None
        assert failed["error"] == {"code": "generation_failed", "message": "The generation failed."}
        assert (failed["reserved_credits"], failed["final_credits"]) == (4, 0)
        client.fake_rivya.hold()
        await client.create(key="running")
        assert client.fake_rivya.charged_credits == 8
        assert await client.call("GET", "/credits") == (200, {"current_credits": 992})

    async def test_the_next_task_can_be_made_to_fail_with_any_code(self, client: Client) -> None:
        client.fake_rivya.fail_next("provider_down")
        failed = await client.finished()
        assert failed["error"] == {
            "code": "provider_down",
            "message": "The generation failed: provider_down.",
        }
        assert (await client.finished())["status"] == "succeeded"

    async def test_too_few_credits_can_come_as_a_failed_task(self, client: Client) -> None:
        client.fake_rivya.wallet_credits, client.fake_rivya.wallet_mode = 3, "failed_task"
        status, task = await client.create()
        assert (status, task["status"], task["final_credits"]) == (201, "failed", 0)
        assert isinstance(task["error"], dict)
        assert task["error"]["code"] == "insufficient_credits"
        assert (client.fake_rivya.wallet_credits, client.fake_rivya.charged_credits) == (3, 0)


class TestResults:
    async def test_a_result_is_the_painted_picture_for_anyone_with_its_address(self) -> None:
        async with FakeRivya(painting_seconds=0) as fake_rivya, aiohttp.ClientSession() as session:
            client = Client(session, fake_rivya)
            _, file = await client.upload()
            items = [{"url": file["url"], "kind": "image"}]
            task = await client.finished(image_size="square", output_format="jpeg", referenceMediaItems=items)
            assert isinstance(task["result"], dict)
            assert task["result"]["urls"] == [task["result"]["primary_url"]]
            async with session.get(task["result"]["primary_url"]) as response:
                assert response.content_type == "image/jpeg"
                data = await response.read()
                assert response.content_length == len(data)
            with Image.open(io.BytesIO(data)) as picture:
                assert (picture.format, picture.size) == ("JPEG", (512, 512))

    async def test_a_bug_of_the_fake_fails_the_test_that_met_it(self) -> None:
        def broken_painter(*_: object) -> bytes:
            raise RuntimeError("no colours")

        async def download_result() -> int:
            async with FakeRivya(painting_seconds=0, painter=broken_painter) as fake_rivya:
                url = await result_url(Client(session, fake_rivya))
                async with session.get(url) as response:
                    return response.status

        async with aiohttp.ClientSession() as session:
            with pytest.raises(ExceptionGroup, match="bugs of the fake Rivya") as caught:
                await download_result()
        assert [str(bug) for bug in caught.value.exceptions] == ["no colours"]

    @pytest.mark.parametrize(
        ("form", "address"),
        [
            ("absolute", r"http://127\.0\.0\.1:\d+/results/\w+\.png"),
            ("relative", r"/results/\w+\.png"),
            ("scheme_relative", r"//127\.0\.0\.1:\d+/results/\w+\.png"),
            ("data", r"data:image/gif;base64,[\w+/=]+"),
        ],
    )
    async def test_the_address_of_a_result_has_the_form_that_was_chosen(
        self, client: Client, form: AddressForm, address: str
    ) -> None:
        client.fake_rivya.result_address = form
        client.fake_rivya.result_format = "gif"
        assert re.fullmatch(address, await result_url(client))
        _, created = await client.create(key="ended")
        await client.fake_rivya.ended(str(created["id"]))
        _, again = await client.create(key="ended")
        assert isinstance(again["result"], dict)
        assert not str(again["result"]["primary_url"]).startswith("data:")

    @pytest.mark.parametrize("animated", [True, False])
    async def test_a_result_can_have_another_format(self, client: Client, animated: bool) -> None:
        client.fake_rivya.result_format, client.fake_rivya.result_animated = "avif", animated
        async with client.session.get(await result_url(client)) as response:
            assert response.content_type == "image/avif"
            with Image.open(io.BytesIO(await response.read())) as picture:
                assert (picture.format, getattr(picture, "is_animated", False)) == ("AVIF", animated)

    async def test_words_for_a_status_can_be_replaced(self, client: Client) -> None:
        client.fake_rivya.status_words = {"succeeded": "done", "failed": "expired"}
        assert (await client.finished("a fox"))["status"] == "done"
        assert (await client.finished("a forbidden fox"))["status"] == "expired"

    async def test_an_endless_task_is_processing_until_it_is_ended(self, client: Client) -> None:
        client.fake_rivya.endless_next()
        _, endless = await client.create(key="endless")
        assert (await client.finished())["status"] == "succeeded"
        task = client.fake_rivya.tasks[str(endless["id"])]
        await client.fake_rivya.until(lambda: task.status == "processing")
        assert await does_not_happen(client.fake_rivya.ended(task.id))
        client.fake_rivya.end_endless()
        await client.fake_rivya.ended(task.id)

    async def test_an_unknown_upload_is_not_found(self, client: Client) -> None:
        async with client.session.get(f"{client.fake_rivya.url}/uploads/file_none.png") as response:
            assert response.status == 404

    async def test_an_unfinished_task_has_no_picture(self, client: Client) -> None:
        client.fake_rivya.hold()
        _, task = await client.create()
        async with client.session.get(f"{client.fake_rivya.url}/results/{task['id']}.png") as response:
            assert response.status == 404


async def test_by_default_a_task_takes_about_twelve_seconds() -> None:
    draw = realistic_seconds(seed=1)
    durations = [draw() for _ in range(1000)]
    assert 11 < statistics.median(durations) < 13
    assert len(set(durations)) == 1000


def test_the_command_serves_until_ctrl_c() -> None:
    command = [sys.executable, "-m", "sandbox.fake_rivya", "--port", "0"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:(\d+)", process.stdout.readline())
        try:
            assert found is not None
            with urllib.request.urlopen(f"{found.group()}/api/v1/models") as response:
                assert response.status == 200
            taken = [sys.executable, "-m", "sandbox.fake_rivya", "--port", found[1]]
            second = subprocess.run(taken, cwd=ROOT, capture_output=True, text=True, check=False)
        finally:
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, errors) == (0, "")
    assert second.returncode == 1
    assert re.fullmatch(rf"cannot listen on port {found[1]}: .*address already in use\n", second.stderr)


async def result_url(client: Client) -> str:
    task = await client.finished()
    assert isinstance(task["result"], dict)
    return str(task["result"]["primary_url"])


class TestFaults:
    async def test_cut_before_makes_no_task(self, client: Client) -> None:
        client.fake_rivya.faults.add("cut_before", "create")
        with pytest.raises(aiohttp.ClientError):
            await client.create()
        assert client.fake_rivya.tasks == {}
        assert client.fake_rivya.calls == [("POST", "/api/v1/generations", 0)]
        assert (await client.create())[0] == 201

    async def test_cut_after_makes_the_task_and_the_repeat_finds_it(self, client: Client) -> None:
        client.fake_rivya.faults.add("cut_after", "create")
        with pytest.raises(aiohttp.ClientError):
            await client.create()
        (task_id,) = client.fake_rivya.tasks
        assert (await client.create())[1]["id"] == task_id
        assert client.fake_rivya.charged_credits == 4

    async def test_half_json_makes_a_task_and_an_unreadable_answer(self, client: Client) -> None:
        fault = client.fake_rivya.faults.add("half_json", "create")
        with pytest.raises(json.JSONDecodeError):
            await client.create()
        assert len(client.fake_rivya.tasks) == fault.hits == 1

    @pytest.mark.parametrize("retry_after", [7, "Wed, 21 Oct 2026 07:28:00 GMT"])
    async def test_a_status_may_say_when_to_come_back(self, client: Client, retry_after: float | str) -> None:
        faults = client.fake_rivya.faults
        faults.add("status", "credits", 2, code=429, error_code="rate_limited", retry_after=retry_after)
        for _ in range(2):
            async with client.session.get(f"{client.fake_rivya.url}/api/v1/credits") as response:
                assert response.headers["Retry-After"] == str(retry_after)
                assert refusal_of((response.status, await response.json())) == (429, "rate_limited")
        assert (await client.call("GET", "/credits"))[0] == 200

    @pytest.mark.parametrize(("processed", "tasks"), [(False, 0), (True, 1)])
    async def test_a_web_page_instead_of_an_answer(self, client: Client, processed: bool, tasks: int) -> None:
        client.fake_rivya.faults.add("html", "create", processed=processed)
        with pytest.raises(aiohttp.ContentTypeError) as caught:
            await client.create()
        assert caught.value.status == 502
        assert len(client.fake_rivya.tasks) == tasks

    async def test_stall_makes_the_task_and_never_answers(self, client: Client) -> None:
        client.fake_rivya.faults.add("stall", "create")
        call = asyncio.create_task(client.create())
        await client.fake_rivya.created(1)
        assert await does_not_happen(call)
        assert call.cancelled()
        await client.fake_rivya.until(lambda: client.fake_rivya.calls == [("POST", "/api/v1/generations", 0)])
        assert client.fake_rivya.charged_credits == 4

    async def test_closing_ends_a_stall(self) -> None:
        async with aiohttp.ClientSession() as session:
            async with FakeRivya(painting_seconds=0.02) as fake_rivya:
                fake_rivya.faults.add("stall", "credits", None)
                call = asyncio.create_task(Client(session, fake_rivya).call("GET", "/credits"))
                await fake_rivya.until(
                    lambda: not fake_rivya.faults.waiting or fake_rivya.faults.waiting[0].hits == 1
                )
            with pytest.raises(aiohttp.ClientError):
                await call

    async def test_a_slow_answer_is_complete(self, client: Client) -> None:
        client.fake_rivya.faults.add("slow", "credits", seconds=0.05)
        assert await client.call("GET", "/credits") == (200, {"current_credits": 1000})

    async def test_a_fault_without_a_number_lasts_until_it_is_cleared(self, client: Client) -> None:
        client.fake_rivya.faults.add("status", "status", None, code=503, error_code="public_api_disabled")
        for _ in range(3):
            assert refusal_of(await client.call("GET", "/generations/x")) == (503, "public_api_disabled")
        client.fake_rivya.faults.clear()
        assert refusal_of(await client.call("GET", "/generations/x")) == (404, "not_found")

    async def test_an_unknown_fault_is_an_error(self, fake_rivya: FakeRivya) -> None:
        with pytest.raises(ValueError):
            fake_rivya.faults.add("explode", "create")  # type: ignore[arg-type]  # wrong on purpose
        with pytest.raises(ValueError):
            fake_rivya.faults.add("redirect", "create")

    async def test_a_result_can_redirect_or_be_no_picture(self, client: Client) -> None:
        url = await result_url(client)
        client.fake_rivya.faults.add("redirect", "result", url="http://127.0.0.1:1/")
        async with client.session.get(url, allow_redirects=False) as response:
            assert (response.status, response.headers["Location"]) == (302, "http://127.0.0.1:1/")
        client.fake_rivya.faults.add("not_a_picture", "result")
        async with client.session.get(url) as response:
            assert response.content_type == "image/png"
            assert (await response.read()).startswith(b"<html>")

    async def test_a_result_can_be_in_gzip_whole_or_cut_and_a_bomb(self, client: Client) -> None:
        url = await result_url(client)

        async def body(name: FaultName, *, declared: bool = True, layers: int = 1) -> bytes:
            client.fake_rivya.faults.add(name, "result", declared=declared, layers=layers)
            async with (
                aiohttp.ClientSession(auto_decompress=False) as session,
                session.get(url) as response,
            ):
                assert response.headers.get("Content-Encoding") == ("gzip" if declared else None)
                return await response.read()

        assert gzip.decompress(await body("gzip")) == make_picture()
        twice = await body("gzip", declared=False, layers=2)
        assert gzip.decompress(gzip.decompress(twice)) == make_picture()
        with pytest.raises(EOFError):
            gzip.decompress(await body("half_gzip"))
        bomb = await body("gzip_bomb")
        assert len(bomb) < 1_000_000
        assert gzip.decompress(bomb) == bytes(100_000_000)

    async def test_a_captive_portal_answers_every_route_with_its_page(self, client: Client) -> None:
        url = await result_url(client)
        client.fake_rivya.faults.add("captive_portal", "result")
        client.fake_rivya.faults.add("captive_portal", "credits")
        for address in (url, f"{client.fake_rivya.url}/api/v1/credits"):
            async with client.session.get(address) as response:
                assert (response.status, response.content_type) == (200, "text/html")

    async def test_a_result_can_be_endless(self, client: Client) -> None:
        url = await result_url(client)
        client.fake_rivya.faults.add("too_big", "result")
        async with client.session.get(url) as response:
            assert response.content_length is None
            assert len(await response.content.readexactly(3_000_000)) == 3_000_000
        await client.fake_rivya.until(
            lambda: client.fake_rivya.calls[-1] == ("GET", url.removeprefix(client.fake_rivya.url), 0)
        )

    async def test_a_result_can_have_a_length_that_is_too_long_or_too_short(self, client: Client) -> None:
        url = await result_url(client)
        client.fake_rivya.faults.add("lying_length", "result")
        async with client.session.get(url) as response:
            with pytest.raises(aiohttp.ClientPayloadError):
                await response.read()
        client.fake_rivya.faults.add("lying_length", "result", claimed_bytes=10)
        async with client.session.get(url) as response:
            assert len(await response.read()) == 10
