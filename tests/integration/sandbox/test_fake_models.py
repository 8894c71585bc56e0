"""The models of the fake Rivya over real sockets: what they take, what they cost, and how they change."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from sandbox.environment import Timings, open_environment
from sandbox.fake_rivya import FakeRivya
from sandbox.fake_rivya.model_catalog import MODELS
from sandbox.guidance import guidance_of
from sandbox.painter import Manner
from tests.integration.sandbox.test_fake_rivya import Client, paint_plain, refusal_of
from tests.support.images import make_picture

REFUSED = (400, "validation_failed")


@pytest.fixture
async def fake_rivya() -> AsyncIterator[FakeRivya]:
    async with FakeRivya(painting_seconds=0, painter=paint_plain) as fake_rivya:
        yield fake_rivya


@pytest.fixture
async def client(fake_rivya: FakeRivya) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session:
        yield Client(session, fake_rivya)


async def create(client: Client, model: str, prompt: str = "a fox", **params: Any) -> Any:
    return await client.create({"model": model, "prompt": prompt, "params": params}, key=None)


@pytest.mark.parametrize("model_id", MODELS)
async def test_every_model_can_be_asked_with_a_prompt_alone_at_its_base_price(
    client: Client, model_id: str
) -> None:
    status, task = await create(client, model_id)
    assert (status, task["model"]) == (201, model_id)
    assert task["reserved_credits"] == MODELS[model_id].base_credits


@pytest.mark.parametrize(
    ("model", "params"),
    [
        ("z-image", {"image_size": "square"}),  # that of another model
        ("flux-2-pro", {"aspect_ratio": "1:1"}),  # another spelling
        ("z-image", {"aspect_ratio": "3:2"}),
        ("z-image", {"aspect_ratio": ["1:1"]}),
        ("z-image", {"aspect_ratio": None}),
        ("4o-image", {"output_format": "png"}),
        ("qwen2-image", {"seed": "1"}),
        ("qwen2-image", {"seed": -1}),
        ("qwen2-image", {"seed": 1.5}),
        ("qwen2-image", {"seed": True}),
        ("qwen2-image", {"seed": 2**53}),
        ("qwen2-image", {"seed": 10**400}),
        ("qwen2-image", {"seed": float("inf")}),
        ("qwen2-image", {"seed": float("nan")}),
        ("qwen2-image", {"nsfw_checker": True}),
        ("wan-2-7-image", {"seed": 2_147_483_648}),
        ("wan-2-7-image", {"resolution": "4K"}),
        ("wan-2-7-image", {"resolution": "1k"}),
        ("seedream-3-0", {"guidance_scale": 10.1}),
        ("seedream-3-0", {"guidance_scale": 2.55}),
        ("seedream-4-0", {"max_images": 7}),
        ("seedream-4-0", {"max_images": 0}),
        ("flux-kontext-pro", {"safetyTolerance": "2"}),
        ("flux-kontext-pro", {"watermark": True}),
        ("google-imagen4-ultra", {"seed": 1}),
        ("ideogram-v3", {"style": "general"}),
        ("ideogram-v3", {"negative_prompt": 7}),
    ],
)
async def test_what_a_model_does_not_document_is_refused_and_costs_nothing(
    client: Client, model: str, params: dict[str, Any]
) -> None:
    assert refusal_of(await create(client, model, **params)) == REFUSED
    assert (client.fake_rivya.tasks, client.fake_rivya.wallet_credits) == ({}, 1000)


@pytest.mark.parametrize("seed", [0, 7, 2**53 - 1, 3.0])
async def test_a_seed_is_any_whole_number_from_0_on(client: Client, seed: float) -> None:
    status, task = await create(client, "qwen2-image", seed=seed)
    assert (status, client.fake_rivya.tasks[task["id"]].params["seed"]) == (201, seed)


@pytest.mark.parametrize(
    "model_id", [each.model_id for each in MODELS.values() if each.prompt_limit < 99_999]
)
async def test_a_prompt_has_the_length_of_its_model_at_most(client: Client, model_id: str) -> None:
    limit = MODELS[model_id].prompt_limit
    assert refusal_of(await create(client, model_id, "😀" * (limit + 1))) == REFUSED
    assert (await create(client, model_id, "😀" * limit))[0] == 201


@pytest.mark.parametrize("model_id", ["z-image", "qwen-image", "flux-2-pro", "nano-banana-2"])
async def test_as_many_references_are_taken_as_the_model_takes(client: Client, model_id: str) -> None:
    count = MODELS[model_id].reference_count
    _, file = await client.upload()
    item = {"url": file["url"], "kind": "image"}
    too_many = await create(client, model_id, referenceMediaItems=[item] * (count + 1))
    assert refusal_of(too_many) == REFUSED
    if count:
        assert (await create(client, model_id, referenceMediaItems=[item] * count))[0] == 201
    if count > 1:
        unknown = {"url": "https://example.com/a.png", "kind": "image"}
        assert refusal_of(await create(client, model_id, referenceMediaItems=[item, unknown])) == REFUSED


async def test_a_reference_can_be_as_large_as_the_model_takes(client: Client) -> None:
    large = make_picture() + bytes(15_000_000)
    assert refusal_of(await client.upload(large, model="flux-2-pro")) == REFUSED
    _, file = await client.upload(large, model="wan-2-7-image")
    items = [{"url": file["url"], "kind": "image"}]
    assert (await create(client, "wan-2-7-image", referenceMediaItems=items))[0] == 201
    assert refusal_of(await create(client, "flux-2-pro", referenceMediaItems=items)) == REFUSED


@pytest.mark.parametrize(
    ("model", "params", "credits"),
    [
        ("nano-banana-2", {"resolution": "4K"}, 10),
        ("wan-2-7-image", {"resolution": "1K"}, 4),  # 2K is the default
        ("gpt-image-1-5", {"quality": "high"}, 8),
        ("ideogram-v3", {"rendering_speed": "TURBO"}, 4),  # of 7, rounded up
        ("ideogram-v3", {"style": "DESIGN", "seed": 9, "negative_prompt": "fog"}, 7),
        ("grok-imagine", {"enable_pro": "true"}, 8),
        ("seedream-4-0", {"max_images": 3, "image_resolution": "2K"}, 27),
    ],
)
async def test_what_a_task_reserves_depends_on_its_parameters(
    client: Client, model: str, params: dict[str, Any], credits: int
) -> None:
    _, task = await create(client, model, **params)
    assert task["reserved_credits"] == credits
    await client.fake_rivya.ended(task["id"])
    _, ended = await client.call("GET", f"/generations/{task['id']}")
    assert (ended["final_credits"], client.fake_rivya.wallet_credits) == (credits, 1000 - credits)


async def test_a_task_for_several_pictures_has_an_address_for_each(client: Client) -> None:
    _, task = await create(client, "seedream-4-0", max_images=3)
    await client.fake_rivya.ended(task["id"])
    _, ended = await client.call("GET", f"/generations/{task['id']}")
    result = ended["result"]
    assert isinstance(result, dict)
    assert result["urls"][0] == result["primary_url"]
    assert len({*result["urls"]}) == 3
    for url in result["urls"]:
        async with client.session.get(url) as response:
            assert response.status == 200
    for name in ("3.png", "-1.png", "x.y.png"):
        async with client.session.get(f"{client.fake_rivya.url}/results/{task['id']}.{name}") as response:
            assert response.status == 404


class TestModelControl:
    async def prices(self, client: Client) -> dict[str, int]:
        """The prices of the models that the list calls available."""
        _, document = await client.call("GET", "/models", token=None)
        models: Any = document["data"]
        return {model["id"]: model["base_credits"] for model in models if model["api_status"] == "available"}

    async def test_a_price_a_surcharge_and_a_status_change_while_it_runs(self, client: Client) -> None:
        control, changes = client.fake_rivya.model_control, 0

        def changed() -> None:
            nonlocal changes
            changes += 1

        control.on_change = changed
        control.change("z-image", credits=3, surcharge=2)
        assert (await self.prices(client))["z-image"] == 3
        assert (await create(client, "z-image"))[1]["reserved_credits"] == 5
        control.change("z-image", status="coming_soon")
        assert "z-image" not in await self.prices(client)
        assert refusal_of(await create(client, "z-image")) == REFUSED
        control.change("z-image", status="removed")
        assert control.status("z-image") == "removed"
        assert "z-image" not in client.fake_rivya.models
        control.change("z-image", credits=4)
        assert control.status("z-image") == "removed"
        control.change("z-image", surcharge=0, status="available")
        assert (await self.prices(client))["z-image"] == 4
        assert (await create(client, "z-image"))[1]["reserved_credits"] == 4
        assert changes == 5

    @pytest.mark.parametrize("number", [-1, 1001])
    def test_what_makes_no_sense_changes_nothing(self, fake_rivya: FakeRivya, number: int) -> None:
        with pytest.raises(ValueError):
            fake_rivya.model_control.change("z-image", credits=number, status="removed")
        with pytest.raises(KeyError):
            fake_rivya.model_control.change("no-model", credits=1)
        assert fake_rivya.models == dict(MODELS)

    async def submit(self, client: Client, origin: str | None = None, **form: str) -> int:
        usual = {"model": "flux-2-pro", "credits": "6", "surcharge": "0", "status": "available"}
        headers = {} if origin is None else {"Origin": origin}
        async with client.session.post(
            f"{client.fake_rivya.url}/control", data=usual | form, headers=headers, allow_redirects=False
        ) as response:
            return response.status

    async def test_the_page_shows_and_changes_every_model(self, client: Client) -> None:
        assert await self.submit(client, client.fake_rivya.url, status="studio_only") == 303
        assert client.fake_rivya.models["flux-2-pro"].base_credits == 6
        assert await self.submit(client, model="z-image", status="removed") == 303
        async with client.session.get(f"{client.fake_rivya.url}/control") as response:
            page = await response.text()
        assert page.count('<button aria-label="save ') == len(MODELS)
        assert "<option selected>removed</option>" in page
        assert "<option selected>studio_only</option>" in page

    @pytest.mark.parametrize(
        "form",
        [
            {"model": "no-model"},
            {"credits": "many"},
            {"credits": "-1"},
            {"surcharge": ""},
            {"status": "gone"},
        ],
    )
    async def test_a_form_that_makes_no_sense_is_refused(self, client: Client, form: dict[str, str]) -> None:
        assert await self.submit(client, **form) == 400
        assert client.fake_rivya.models == dict(MODELS)

    async def test_no_other_page_can_change_anything(self, client: Client) -> None:
        assert await self.submit(client, "https://example.com") == 403
        assert client.fake_rivya.models == dict(MODELS)


@pytest.mark.parametrize(
    ("models", "named"),
    [
        (("qwen-image",), None),
        (("qwen-image", "z-image", "wan-2-7-image-pro"), "from *Z Image* (1) to *Wan 2.7 Image Pro* (12)"),
    ],
)
async def test_the_guidance_says_what_there_is(models: tuple[str, ...], named: str | None) -> None:
    async with open_environment(Timings(painting_seconds=0), models=models) as environment:
        assert environment.rivya is not None
        guidance = guidance_of(environment)
        assert f"{environment.rivya.url}/control" in guidance
        assert ("`model`" in guidance) == (named is not None)
        assert named is None or named in guidance


async def test_the_same_words_give_another_picture_each_time_unless_a_seed_is_set() -> None:
    seeds: list[str] = []

    def painter(prompt: str, size: str, output_format: str, reference: bytes | None, manner: Manner) -> bytes:
        seeds.append(manner.seed)
        return paint_plain(prompt, size, output_format, reference, manner)

    async with FakeRivya(painting_seconds=0, painter=painter) as rivya, aiohttp.ClientSession() as session:
        client = Client(session, rivya)
        with_seed: dict[str, Any] = {"seed": 3}
        for params in ({}, {}, with_seed, with_seed):
            _, task = await create(client, "qwen2-image", **params)
            await rivya.ended(task["id"])
            _, ended = await client.call("GET", f"/generations/{task['id']}")
            async with session.get(ended["result"]["primary_url"]) as response:  # type: ignore[index]  # of a dict
                assert response.status == 200
    assert seeds[0] != seeds[1]
    assert seeds[2] == seeds[3]
