"""Several pictures of one request, and several models that are compared: how they are asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import discord
import pytest
from simcord.components import walk_components

from cogs.ui import responses
from sandbox.fake_rivya import FakeRivya
from tests.scenarios.bot_server import BotServer, OpenServer
from tests.scenarios.interactions import StaleMessage, fill_modal, labels, response_of
from tests.support.images import make_picture

MODELS = ("qwen-image", "flux-2-pro", "z-image", "nano-banana", "ideogram-v3")


@pytest.fixture
async def gallery(open_server: OpenServer) -> BotServer:
    """A server with several models, from 1 to 7 credits."""
    return await open_server(models=MODELS)


async def imagine(server: BotServer, member: Any = None, **options: Any) -> Any:
    return await (member or server.alice).slash(
        server.channel, "imagine", **({"prompt": "a red fox"} | options)
    )


async def completed(server: BotServer, typed: str, **filled: Any) -> list[tuple[str, str]]:
    found = await server.alice.autocomplete(server.channel, "imagine", "models", typed, **filled)
    return [(choice["name"], choice["value"]) for choice in found]


def asked(rivya: FakeRivya) -> list[tuple[str, str]]:
    """Return model and prompt of every task."""
    return sorted((task.model, task.prompt) for task in rivya.tasks.values())


async def test_four_pictures_are_four_tasks_behind_one_answer(server: BotServer, rivya: FakeRivya) -> None:
    answer = await imagine(server, pictures=4)
    assert asked(rivya) == [("qwen-image", "a red fox")] * 4
    assert server.states() == ["settled"] * 4
    assert answer.acknowledged
    (message,) = server.visible_to(server.bob)
    rows = server.query("SELECT number, group_size, message_id, stage FROM jobs ORDER BY number")
    assert rows == [(number, 4, message.id, "delivered") for number in (1, 2, 3, 4)]
    assert len(server.alt_texts(message)) == len(server.pictures()) == 4


async def test_private_pictures_and_those_behind_a_spoiler_are_so_all(
    server: BotServer, rivya: FakeRivya
) -> None:
    await imagine(server, pictures=2, private=True)
    assert server.visible_to(server.bob) == []
    (message,) = server.visible_to(server.alice)
    assert len(server.alt_texts(message)) == 2
    await imagine(server, pictures=3, spoiler=True)
    (message,) = server.visible_to(server.bob)
    raw = server.env.backend.get_message(message.channel.id, message.id)
    shown = [item for part in walk_components(raw.components) for item in part.get("items", ())]
    assert [item["spoiler"] for item in shown] == [True] * 3
    assert len(rivya.tasks) == 5


async def test_what_was_accepted_before_a_restart_is_painted_after_it(
    gallery: BotServer, rivya: FakeRivya
) -> None:
    rivya.hold()
    with gallery.without_settling():
        await imagine(gallery, models="z-image, qwen-image, flux-2-pro")
        await rivya.created(3)
    rivya.release()
    await gallery.restart(idle=False)
    await gallery.wait_idle()
    assert gallery.states() == ["settled"] * 3
    assert asked(rivya) == [(model, "a red fox") for model in ("flux-2-pro", "qwen-image", "z-image")]
    (message,) = gallery.visible_to(gallery.bob)
    assert len(gallery.alt_texts(message)) == 3


async def test_one_picture_is_asked_for_as_ever(server: BotServer, rivya: FakeRivya) -> None:
    await imagine(server, pictures=1)
    assert asked(rivya) == [("qwen-image", "a red fox")]
    assert server.query("SELECT count(*) FROM job_groups") == [(0,)]


@pytest.mark.parametrize(
    "typed", ["z-image, Flux 2 Pro", "Z IMAGE、flux-2-pro · 5 credits", "z-image,z-image, flux-2-pro,"]
)
async def test_models_are_compared_by_ids_names_and_labels(
    gallery: BotServer, rivya: FakeRivya, typed: str
) -> None:
    await imagine(gallery, models=typed)
    assert asked(rivya) == [("flux-2-pro", "a red fox"), ("z-image", "a red fox")]
    assert gallery.query("SELECT kind FROM job_groups") == [("compare",)]
    assert gallery.query("SELECT model FROM jobs ORDER BY number") == [("z-image",), ("flux-2-pro",)]
    assert gallery.states() == ["settled"] * 2


async def test_the_option_model_is_one_of_those_compared(gallery: BotServer, rivya: FakeRivya) -> None:
    await imagine(gallery, model="qwen-image", models="z-image, qwen-image")
    assert gallery.query("SELECT model FROM jobs ORDER BY number") == [("qwen-image",), ("z-image",)]


async def test_one_model_twice_is_a_plain_request(gallery: BotServer, rivya: FakeRivya) -> None:
    await imagine(gallery, models="z-image, Z Image", pictures=2)
    assert asked(rivya) == [("z-image", "a red fox")] * 2
    assert gallery.query("SELECT kind FROM job_groups") == [("pictures",)]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"models": ",".join(MODELS)}, "at most 4 pictures. Please compare fewer models."),
        ({"models": "z-image, qwen-image", "pictures": 2}, "Models are compared with one picture each."),
        ({"models": "z-image, qwen-imag"}, "qwen-imag is not available."),
        (
            {"models": "qwen-image, z-image", "reference": ("r.png", make_picture())},
            "Z Image takes no reference.",
        ),
        (
            {
                "models": "qwen-image, flux-2-pro",
                "reference": ("r.png", make_picture()),
                "reference2": ("s.png", make_picture()),
            },
            "Qwen Image takes 1 reference, and this request has 2.",
        ),
        ({"models": "qwen-image, ideogram-v3", "settings": "style=AUTO"}, "Qwen Image has no settings"),
    ],
)
async def test_what_cannot_be_compared_is_refused_as_a_whole(
    gallery: BotServer, rivya: FakeRivya, options: dict[str, Any], words: str
) -> None:
    refused = gallery.response_text(await imagine(gallery, **options))
    assert words in refused
    assert "> a red fox" in refused
    assert (gallery.states(), rivya.tasks, rivya.uploads) == ([], {}, {})
    assert gallery.query("SELECT count(*) FROM jobs") == [(0,)]


async def test_models_are_completed_one_after_another(gallery: BotServer) -> None:
    await gallery.wait_idle()
    first = await completed(gallery, "z")
    assert first == [("Z Image · 1 credit", "z-image")]
    second = await completed(gallery, "Z Image · 1 credit, flux")
    assert second == [("Z Image, Flux 2 Pro · 5 credits · 8 references", "z-image, flux-2-pro")]
    third = await completed(gallery, f"{second[0][0]}, ")
    assert [value for _, value in third] == [
        f"z-image, flux-2-pro, {each}" for each in ("qwen-image", "nano-banana", "ideogram-v3")
    ]
    fourth = await completed(gallery, f"{third[0][0]}, ide")
    assert fourth == [
        ("Z Image, Flux 2 Pro, Qwen Image, Ideogram V3 · 7 credits", f"{third[0][1]}, ideogram-v3")
    ]
    assert await completed(gallery, f"{fourth[0][0]}, ") == []


async def test_a_model_that_is_named_already_is_not_offered_again(gallery: BotServer) -> None:
    assert await completed(gallery, "z-image, z") == []
    assert await completed(gallery, "z", model="Z Image") == []


async def test_models_that_cannot_be_used_are_completed_last_with_the_reason(gallery: BotServer) -> None:
    await gallery.sari.slash(gallery.channel, "access model", model="qwen-image", mode="deny")
    choices = await completed(gallery, "z-image, ")
    assert choices[-1] == ("Z Image, Qwen Image · not allowed for you here", "z-image, qwen-image")


async def test_settings_are_completed_that_all_compared_models_have(open_server: OpenServer) -> None:
    server = await open_server(models=("ideogram-v3", "seedream-3-0", "qwen-image"))

    async def names(**filled: Any) -> list[str]:
        found = await server.alice.autocomplete(server.channel, "imagine", "settings", "", **filled)
        return [choice["value"] for choice in found]

    assert await names(models="ideogram-v3, Seedream 3.0") == ["seed="]
    assert "guidance_scale=" in await names(models="seedream-3-0")
    assert await names(models="ideogram-v3, qwen-image") == []
    assert await names(model="qwen-image", models="ideogram-v3") == []


async def test_an_admin_limits_how_many_pictures_a_request_is_for(
    gallery: BotServer, rivya: FakeRivya
) -> None:
    changed = gallery.response_text(await gallery.sari.slash(gallery.channel, "access pictures", most=2))
    assert "A request may be for up to 2 pictures, and compare up to 2 models." in changed
    assert "at most 2 pictures" in gallery.response_text(await imagine(gallery, pictures=3))
    assert "compare fewer models" in gallery.response_text(
        await imagine(gallery, models="z-image, qwen-image, flux-2-pro")
    )
    assert rivya.tasks == {}
    await gallery.restart()
    await imagine(gallery, pictures=2)
    assert len(rivya.tasks) == 2
    await gallery.sari.slash(gallery.channel, "access pictures", most=1)
    assert "models cannot be compared here" in gallery.response_text(
        await imagine(gallery, models="z-image, qwen-image")
    )
    shown = gallery.response_text(await gallery.sari.slash(gallery.channel, "access show"))
    assert "1 picture a request" in shown
    await gallery.sari.slash(gallery.channel, "access pictures", most=4)
    logged = gallery.response_text(await gallery.sari.slash(gallery.channel, "limits log"))
    assert "Pictures of one request" in logged
    assert "up to four" in logged
    await imagine(gallery, pictures=4)
    assert len(rivya.tasks) == 6


async def test_only_an_admin_limits_how_many_pictures_a_request_is_for(
    server: BotServer, rivya: FakeRivya
) -> None:
    found = server.find_command("access")
    server.guild.set_command_permissions(int(found["id"]), {server.bob: True})
    refused = await server.bob.slash(server.channel, "access pictures", most=1)
    assert "Manage Server" in server.response_text(refused)
    await imagine(server, pictures=2)
    assert len(rivya.tasks) == 2


async def test_the_question_is_about_the_total(server: BotServer, rivya: FakeRivya) -> None:
    await server.sari.slash(server.channel, "limits confirm", above=15)
    await imagine(server, pictures=3)
    assert len(rivya.tasks) == 3
    question = response_of(await imagine(server, pictures=4)).message
    words = server.text_of(question)
    assert "These 4 pictures cost 4 × 4 = 16 credits\n" in words  # noqa: RUF001  # the sign for products
    assert "**172 credits** of this server's limit this month" in words
    assert labels(server, question) == ["Paint them", "Not now"]
    stale = StaleMessage(server, question)
    for _ in range(2):
        await stale.click(server.alice, "Paint them")
    assert "these 4 pictures are on their way" in server.text_of(question)
    assert len(rivya.tasks) == 7
    assert server.states() == ["settled"] * 7


async def test_two_confirms_at_once_paint_once(server: BotServer, rivya: FakeRivya) -> None:
    await server.sari.slash(server.channel, "limits confirm", above=0)
    stale = StaleMessage(server, response_of(await imagine(server, pictures=3)).message)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server.env, "settle", do_not_settle)
        clicks = [await stale.click(server.alice, "Paint them") for _ in range(2)]
    await server.env.settle()
    assert all(click.acknowledged for click in clicks)
    assert len(rivya.tasks) == 3
    assert server.states() == ["settled"] * 3


async def do_not_settle() -> None:
    """Do not wait: the next click comes while the first one is handled."""


async def test_the_question_about_compared_models_names_the_price_of_each(
    gallery: BotServer, rivya: FakeRivya
) -> None:
    await gallery.sari.slash(gallery.channel, "limits confirm", above=0)
    question = response_of(
        await imagine(gallery, models="flux-2-pro, qwen-image, z-image", size="landscape_3_2")
    ).message
    words = gallery.text_of(question)
    assert "These 3 pictures cost 5 + 4 + 1 = 10 credits\n" in words
    for line in (
        "- 5 credits with Flux 2 Pro\n",
        "- 4 credits with Qwen Image · Landscape 4:3, as this model has no Landscape 3:2\n",
        "- 1 credit with Z Image · ",
        "**190 credits** of this server's limit",
    ):
        assert line in words
    await gallery.alice.click(question, label="Not now")
    assert "nothing was charged" in gallery.text_of(question)
    assert rivya.tasks == {}


async def test_a_total_that_rose_meanwhile_is_asked_about_again(gallery: BotServer, rivya: FakeRivya) -> None:
    await gallery.sari.slash(gallery.channel, "limits confirm", above=0)
    question = response_of(await imagine(gallery, models="flux-2-pro, z-image")).message
    rivya.models["z-image"] = replace(rivya.models["z-image"], base_credits=3)
    await gallery.restart()
    await gallery.wait_idle()
    again = response_of(await gallery.alice.click(question, label="Paint them")).message
    assert "These 2 pictures cost 5 + 3 = 8 credits\n" in gallery.text_of(again)
    assert rivya.tasks == {}
    await gallery.alice.click(again, label="Paint them")
    assert asked(rivya) == [("flux-2-pro", "a red fox"), ("z-image", "a red fox")]
    await gallery.alice.click(question, label="Paint them")
    assert "Nothing was charged for it." in gallery.text_of(question)
    assert len(rivya.tasks) == 2


async def test_an_answer_that_comes_too_late_cancels_all_pictures(
    server: BotServer, rivya: FakeRivya
) -> None:
    server.env.inject_error("POST", "/interactions/*", status=404, code=10062)
    await imagine(server, pictures=4)
    assert server.states() == ["released"] * 4
    assert server.query("SELECT DISTINCT stage FROM jobs") == [("cancelled",)]
    await server.restart()
    assert rivya.tasks == {}
    await imagine(server, pictures=4)
    assert len(rivya.tasks) == 4


async def test_an_interaction_that_comes_twice_paints_once(server: BotServer, rivya: FakeRivya) -> None:
    await imagine(server, pictures=2)
    (event,) = [
        event
        for _, name, event in server.env.backend.transcript
        if name == "INTERACTION_CREATE" and event["data"]["name"] == "imagine"
    ]
    server.env.backend.emit("INTERACTION_CREATE", event)
    await server.wait_idle()
    assert len(rivya.tasks) == 2
    assert server.states() == ["settled"] * 2


@pytest.mark.parametrize("arrived", [True, False])
async def test_an_unclear_answer_is_looked_for_before_anything_is_spent(
    server: BotServer, rivya: FakeRivya, monkeypatch: pytest.MonkeyPatch, arrived: bool
) -> None:
    sent = responses.defer

    async def defer(interaction: discord.Interaction, *, private: bool) -> responses.DeferResult:
        if arrived:
            await sent(interaction, private=private)
        return responses.DeferResult(responses.DeferOutcome.UNCLEAR)

    monkeypatch.setattr("cogs.imagine.submission.defer", defer)
    await imagine(server, pictures=3)
    assert server.states() == (["settled"] if arrived else ["released"]) * 3
    assert len(rivya.tasks) == (3 if arrived else 0)


async def test_a_form_for_more_than_is_allowed_is_refused_at_once(server: BotServer) -> None:
    await server.sari.slash(server.channel, "access pictures", most=2)
    refused = await server.alice.slash(server.channel, "imagine", pictures=3)
    assert "at most 2 pictures" in server.response_text(refused)
    assert labels(server, response_of(refused).message) == ["Edit and try again"]
    form = await server.alice.click(response_of(refused).message, label="Edit and try again")
    assert fill_modal(form)["pictures"] == ["2"]
