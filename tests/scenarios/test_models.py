"""Several models: which are offered, what each costs, and what happens to requests for one that is gone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.image_models import QWEN_IMAGE
from sandbox.fake_rivya import FakeRivya
from tests.scenarios.bot_server import BotServer, OpenServer
from tests.scenarios.interactions import compose, fill_modal
from tests.support.images import make_picture

MODELS = ("qwen-image", "flux-2-pro", "z-image")


def message(server: BotServer) -> Any:
    """The message in the channel, which all see."""
    (found,) = server.visible_to(server.bob)
    return found


@pytest.fixture
async def server(open_server: OpenServer) -> BotServer:
    return await open_server(models=MODELS)


async def choices(server: BotServer, typed: str) -> list[tuple[str, str]]:
    found = await server.alice.autocomplete(server.channel, "imagine", "model", typed)
    return [(choice["name"], choice["value"]) for choice in found]


async def imagine(server: BotServer, **options: Any) -> Any:
    return await server.alice.slash(server.channel, "imagine", prompt="a red fox", **options)


async def test_the_model_that_was_chosen_paints_at_its_price(server: BotServer, rivya: FakeRivya) -> None:
    await imagine(server, model="flux-2-pro", size="landscape_3_2")
    (task,) = rivya.tasks.values()
    assert (task.model, task.size) == ("flux-2-pro", "3:2")
    assert "5 credits" in server.text_of(message(server))
    assert server.states() == ["settled"]


async def test_without_a_choice_the_first_model_paints(server: BotServer, rivya: FakeRivya) -> None:
    await imagine(server)
    assert [task.model for task in rivya.tasks.values()] == ["qwen-image"]


async def test_models_are_completed_with_price_and_references(server: BotServer) -> None:
    assert await choices(server, "") == [
        ("Qwen Image · 4 credits · 1 reference", "qwen-image"),
        ("Flux 2 Pro · 5 credits · 8 references", "flux-2-pro"),
        ("Z Image · 1 credit", "z-image"),
    ]
    assert [value for _, value in await choices(server, "FLUX")] == ["flux-2-pro"]
    assert await choices(server, "nano") == []


@pytest.mark.parametrize(
    "typed", ["FLUX-2-PRO", "flux 2 pro", "Flux 2 Pro · 5 credits · 8 references", " flux-2-pro "]
)
async def test_a_label_or_a_name_in_any_case_is_understood(
    server: BotServer, rivya: FakeRivya, typed: str
) -> None:
    await imagine(server, model=typed)
    assert [task.model for task in rivya.tasks.values()] == ["flux-2-pro"]


@pytest.mark.parametrize("typed", ["nano-banana", "something else"])
async def test_a_model_that_is_not_offered_is_refused_and_nothing_is_charged(
    server: BotServer, rivya: FakeRivya, typed: str
) -> None:
    words = server.response_text(await imagine(server, model=typed))
    assert "is not available. The closest to it is Qwen Image" in words
    assert "a red fox" in words
    assert (server.states(), rivya.tasks) == ([], {})


async def test_a_size_that_the_model_lacks_becomes_the_nearest(server: BotServer, rivya: FakeRivya) -> None:
    await imagine(server, model="z-image", size="landscape_3_2")
    assert [task.size for task in rivya.tasks.values()] == ["4:3"]


async def test_a_reference_for_a_model_without_references_is_refused_with_the_words(
    server: BotServer, rivya: FakeRivya
) -> None:
    answer = await imagine(server, model="z-image", reference=("r.png", make_picture()))
    words = server.response_text(answer)
    assert "Z Image takes no reference" in words
    assert "a red fox" in words
    assert (server.states(), rivya.uploads) == ([], {})


async def test_the_form_is_that_of_the_model(server: BotServer, rivya: FakeRivya) -> None:
    shown = await compose(server, model="z-image")
    assert shown.modal is not None
    assert set(fill_modal(shown)) == {"size"}
    await server.alice.submit_modal(shown, fill_modal(shown, prompt="a red fox", size="portrait_16_9"))
    (task,) = rivya.tasks.values()
    assert (task.model, task.size) == ("z-image", "9:16")


async def test_picture_and_details_name_the_model_where_there_are_several(server: BotServer) -> None:
    await imagine(server, model="flux-2-pro")
    assert "Flux 2 Pro · 5 credits" in server.text_of(message(server))
    answer = await server.alice.click(message(server), label="Details")
    assert "Model: Flux 2 Pro" in server.private_text(answer)


async def test_a_picture_of_a_model_that_is_offered_no_more_can_be_edited_into_another(
    server: BotServer, rivya: FakeRivya
) -> None:
    await imagine(server, model="flux-2-pro", size="landscape_3_2")
    server.options["models"] = ("qwen-image",)
    await server.restart()
    answer = await server.alice.click(message(server), label="Again")
    assert "Flux 2 Pro is not available" in server.private_text(answer)
    assert len(rivya.tasks) == 1
    assert answer.response is not None
    shown = await server.alice.click(answer.response.message, label="Edit and try again")
    assert fill_modal(shown)["size"] == ["landscape_4_3"]
    await server.alice.submit_modal(shown, fill_modal(shown))
    assert [(task.model, task.prompt) for task in rivya.tasks.values()][1:] == [("qwen-image", "a red fox")]
    assert server.states() == ["settled", "settled"]


async def test_a_job_whose_model_left_the_settings_while_it_ran_is_still_delivered(
    server: BotServer, rivya: FakeRivya
) -> None:
    rivya.hold()
    with server.without_settling():
        await imagine(server, model="flux-2-pro")
        await rivya.created(1)
    server.options["models"] = ("qwen-image",)
    rivya.release()
    await server.restart(idle=False)
    await server.wait_idle()
    assert len(server.pictures()) == 1
    assert server.states() == ["settled"]


async def test_a_price_that_rivya_has_changed_is_used_from_the_next_start_on(
    open_server: OpenServer, rivya: FakeRivya
) -> None:
    rivya.models["flux-2-pro"] = replace(rivya.models["flux-2-pro"], base_credits=7)
    server = await open_server(models=MODELS)
    await server.wait_idle()
    assert ("Flux 2 Pro · 7 credits · 8 references", "flux-2-pro") in await choices(server, "")
    await imagine(server, model="flux-2-pro")
    assert "7 credits" in server.text_of(message(server))


async def test_a_model_that_rivya_does_not_have_now_is_not_completed(
    open_server: OpenServer, rivya: FakeRivya
) -> None:
    rivya.models["z-image"] = replace(rivya.models["z-image"], api_status="coming_soon")
    server = await open_server(models=MODELS)
    await server.wait_idle()
    assert "z-image" not in [value for _, value in await choices(server, "")]
    assert "Z Image is not available" in server.response_text(await imagine(server, model="z-image"))


async def test_for_a_name_that_nobody_knows_a_model_is_named_that_rivya_has_now(
    open_server: OpenServer, rivya: FakeRivya
) -> None:
    rivya.models["qwen-image"] = replace(rivya.models["qwen-image"], api_status="coming_soon")
    server = await open_server(models=MODELS)
    await server.wait_idle()
    words = server.response_text(await imagine(server, model="something else"))
    assert "something else is not available. The closest to it is Flux 2 Pro" in words


async def test_with_one_model_the_command_has_no_option_for_it(open_server: OpenServer) -> None:
    server = await open_server()
    command = server.app.client.tree.get_command("imagine")
    assert command is not None
    names = [option["name"] for option in command.to_dict(server.app.client.tree)["options"]]
    assert names == ["prompt", "reference", "size", "pictures", "preset", "format", "private", "spoiler"]


async def test_the_operator_sees_every_model_and_what_it_costs_now(
    open_server: OpenServer, rivya: FakeRivya
) -> None:
    rivya.models["flux-2-pro"] = replace(rivya.models["flux-2-pro"], base_credits=7)
    del rivya.models["z-image"]
    server = await open_server(models=MODELS, operator_guild=77)
    await server.wait_idle()
    answer = await server.operator.slash(server.staff_channel, "operator models")
    offered, others = server.response_text(answer).split("Not offered:")
    assert "- Qwen Image (qwen-image): 4 credits\n" in offered
    assert "- Flux 2 Pro (flux-2-pro): 7 credits · before 5\n" in offered
    assert "- Z Image (z-image): 1 credit · not available now" in offered
    assert "- Nano Banana (nano-banana): 3 credits" in others
    assert "could not be read" not in others


async def test_until_the_list_was_read_the_operator_is_told_so(
    open_server: OpenServer, rivya: FakeRivya
) -> None:
    rivya.faults.add("status", "models", code=400, error_code="odd", times=1000)
    server = await open_server(models=MODELS, operator_guild=77)
    await server.wait_idle()
    answer = await server.operator.slash(server.staff_channel, "operator models")
    assert "list could not be read yet" in server.response_text(answer)


async def test_a_size_that_was_not_taken_as_it_was_asked_for_is_said_on_the_picture(
    server: BotServer,
) -> None:
    await imagine(server, model="z-image", size="landscape_3_2")
    assert "Landscape 4:3, as this model has no Landscape 3:2" in server.text_of(message(server))


async def test_a_square_is_a_square_and_needs_no_note(server: BotServer) -> None:
    await imagine(server, model="z-image", size="square")
    assert "as this model has no" not in server.text_of(message(server))


async def test_the_size_is_said_before_the_price_is_confirmed(server: BotServer, rivya: FakeRivya) -> None:
    await server.sari.slash(server.channel, "limits confirm", above=0)
    question = await imagine(server, model="z-image", size="landscape_3_2")
    words = server.response_text(question)
    assert "This picture costs 1 credit" in words
    assert "Landscape 4:3, as this model has no Landscape 3:2." in words
    await server.alice.click(question.response.message, label="Paint it")
    assert [task.size for task in rivya.tasks.values()] == ["4:3"]


async def test_a_price_that_rose_before_the_yes_is_asked_about_again(
    server: BotServer, rivya: FakeRivya
) -> None:
    await server.sari.slash(server.channel, "limits confirm", above=0)
    question = await imagine(server, model="flux-2-pro")
    assert "This picture costs 5 credits" in server.response_text(question)
    rivya.models["flux-2-pro"] = replace(rivya.models["flux-2-pro"], base_credits=9)
    await server.restart()
    await server.wait_idle()
    again = await server.alice.click(question.response.message, label="Paint it")
    assert again.response is not None
    assert "This picture costs 9 credits" in server.response_text(again)
    assert (server.states(), rivya.tasks) == ([], {})
    await server.alice.click(again.response.message, label="Paint it")
    assert server.states() == ["settled"]
    assert [entry["final_credits"] for entry in server.ledger_entries()] == [9]


async def test_a_price_that_fell_before_the_yes_is_not_asked_about_again(
    server: BotServer, rivya: FakeRivya
) -> None:
    await server.sari.slash(server.channel, "limits confirm", above=0)
    question = await imagine(server, model="flux-2-pro")
    rivya.models["flux-2-pro"] = replace(rivya.models["flux-2-pro"], base_credits=3)
    await server.restart()
    await server.wait_idle()
    await server.alice.click(question.response.message, label="Paint it")
    assert [entry["final_credits"] for entry in server.ledger_entries()] == [3]


async def test_a_job_whose_model_left_the_settings_before_it_began_is_ended_without_a_charge(
    open_server: OpenServer, rivya: FakeRivya
) -> None:
    own = replace(QWEN_IMAGE, model_id="own-model", name="Own Model")
    rivya.models[own.model_id] = replace(rivya.models["qwen-image"], model_id=own.model_id)
    server = await open_server(models=(own.model_id,), extra_models=(own,), max_running=1)
    rivya.hold()
    await server.start_imagine(server.alice)
    await server.start_imagine(server.alice, prompt="a white fox")  # waits for its turn
    assert server.states() == ["held", "held"]
    del server.options["models"], server.options["extra_models"]
    rivya.release()
    await server.restart(idle=False)
    await server.wait_idle()
    answer = server.visible_to(server.alice)[-1]
    assert "have to fix something first" in server.text_of(answer)
    assert (server.states(), len(rivya.tasks)) == (["settled", "released"], 1)
