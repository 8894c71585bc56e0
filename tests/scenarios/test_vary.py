"""*Vary* under a picture: its words once more, with itself as the reference."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import discord
import pytest
from PIL import Image, ImageChops
from simcord.components import walk_components

from bot.domain.image_models import QWEN_IMAGE
from bot.guilds.pauses import PauseStore
from sandbox.fake_rivya import FakeRivya
from sandbox.locales import Locales
from tests.scenarios.bot_server import BotServer, OpenServer
from tests.scenarios.interactions import (
    REFUSALS,
    StaleMessage,
    fill_modal,
    labels,
    open_in_history,
    painted,
    response_of,
)
from tests.support.images import make_picture

VARY = "Vary"


def rows_of(server: BotServer, message: Any) -> list[list[str]]:
    """The labels of the buttons of a message, row by row."""
    raw = server.env.backend.get_message(message.channel.id, message.id)
    rows = [part for part in walk_components(raw.components) if part["type"] == 1]
    return [[button["label"] for button in row["components"]] for row in rows]


def varied(rivya: FakeRivya, place: int = -1) -> Any:
    """A task that has one reference: itself and the bytes of that."""
    task = list(rivya.tasks.values())[place]
    (upload_id,) = task.reference_ids
    return task, rivya.uploads[upload_id].data


def is_same_picture(one: bytes, other: bytes) -> bool:
    first, second = (Image.open(io.BytesIO(data)).convert("RGB") for data in (one, other))
    return first.size == second.size and ImageChops.difference(first, second).getbbox() is None


def parents(server: BotServer) -> list[tuple[str, str | None]]:
    return server.query("SELECT job_id, parent_job_id FROM jobs ORDER BY rowid")


def source_jobs(server: BotServer) -> list[Any]:
    """The jobs whose pictures are the references, of each job in turn."""
    found = server.query(
        "SELECT source_job_id FROM job_references r JOIN jobs USING (job_id) ORDER BY jobs.rowid, r.number"
    )
    return [job for (job,) in found]


@pytest.fixture(params=[False, True], ids=["before a restart", "after a restart"])
async def picture(request: pytest.FixtureRequest, server: BotServer) -> Any:
    """A picture of Alice's that was made from a reference of hers."""
    message = await painted(
        server, server.alice, "a noise fox", size="portrait_4_3", reference=("r.png", make_picture())
    )
    if request.param:
        await server.restart()
    return message


@pytest.mark.parametrize("who", ["alice", "bob", "sari"])
async def test_the_words_are_repeated_with_the_picture_itself_as_the_only_reference(
    server: BotServer, rivya: FakeRivya, picture: Any, who: str
) -> None:
    member = getattr(server, who)
    await member.click(picture, label=VARY)
    task, sent = varied(rivya)
    assert (task.prompt, task.size) == ("a noise fox", "portrait_4_3")
    posted = server.pictures()
    assert len(posted) == 2
    assert is_same_picture(sent, posted[0])
    (first, _), (_, parent) = parents(server)
    assert parent == first
    assert source_jobs(server) == [None, first]
    assert [entry["user_id"] for entry in server.ledger_entries()] == [str(server.alice.id), str(member.id)]
    assert server.states() == ["settled", "settled"]
    newest = server.channel.history()[-1]
    assert member.mention in server.text_of(newest)
    words = server.response_text(await member.click(newest, label="Details"))
    assert "It was made from 1 picture; together they cost 8 credits:" in words


async def test_a_variation_can_be_varied(server: BotServer, rivya: FakeRivya) -> None:
    await server.alice.click(await painted(server, server.alice, "a noise fox"), label=VARY)
    await server.alice.click(server.channel.history()[-1], label=VARY)
    assert [parent for _, parent in parents(server)] == [None, *(job for job, _ in parents(server)[:2])]
    assert is_same_picture(varied(rivya)[1], server.pictures()[1])


@pytest.mark.parametrize("at_once", [True, False])
async def test_two_clicks_are_one(server: BotServer, rivya: FakeRivya, picture: Any, at_once: bool) -> None:
    if at_once:
        with server.without_settling():
            await server.alice.click(picture, label=VARY)
            await server.alice.click(picture, label=VARY)
        await server.wait_idle()
    else:
        await server.alice.click(picture, label=VARY)
        await server.alice.click(picture, label=VARY)
    assert any("a moment ago" in server.text_of(seen) for seen in server.visible_to(server.alice))
    assert len(rivya.tasks) == 2
    assert server.states() == ["settled", "settled"]


async def test_two_members_who_click_get_a_picture_each(server: BotServer, rivya: FakeRivya) -> None:
    picture = await painted(server, server.alice)
    await server.alice.click(picture, label=VARY)
    await server.bob.click(picture, label=VARY)
    assert len(rivya.tasks) == 3


async def test_again_and_vary_are_two_requests(server: BotServer, rivya: FakeRivya) -> None:
    picture = await painted(server, server.alice)
    await server.alice.click(picture, label="Again")
    await server.alice.click(picture, label=VARY)
    assert [len(task.reference_ids) for task in rivya.tasks.values()] == [0, 0, 1]


async def test_only_its_owner_varies_a_picture_where_admins_want_that(
    server: BotServer, rivya: FakeRivya
) -> None:
    picture = await painted(server, server.alice)
    await server.sari.slash(server.channel, "access buttons", who="owner")
    for member in (server.bob, server.sari):
        refused = await member.click(picture, label=VARY)
        assert "only for the member who asked" in server.response_text(refused)
    await server.alice.click(picture, label=VARY)
    assert len(rivya.tasks) == 2


@REFUSALS
async def test_what_refuses_a_command_refuses_a_variation(
    server: BotServer, rivya: FakeRivya, command: str, options: dict[str, Any], words: str
) -> None:
    picture = await painted(server, server.alice)
    more = {"member": server.alice} if command == "access block" else {}
    await server.sari.slash(server.channel, command, **options, **more)
    refused = await server.alice.click(picture, label=VARY)
    assert words in server.response_text(refused)
    assert (len(rivya.tasks), rivya.uploads, server.states()) == (1, {}, ["settled"])


async def test_after_credits_were_given_a_refused_variation_is_tried_again(
    server: BotServer, rivya: FakeRivya
) -> None:
    picture = await painted(server, server.alice, "a noise fox")
    await server.sari.slash(server.channel, "limits guild", credits=4, period="day")
    refused = await server.alice.click(picture, label=VARY)
    await server.sari.slash(server.channel, "limits guild", credits=8, period="day")
    form = await server.alice.click(response_of(refused).message, label="Edit and try again")
    await server.alice.submit_modal(form, fill_modal(form))
    task, sent = varied(rivya)
    assert task.prompt == "a noise fox"
    assert is_same_picture(sent, server.pictures()[0])
    assert parents(server)[1][1] == parents(server)[0][0]


async def test_a_variation_counts_among_the_pictures_at_once(server: BotServer, rivya: FakeRivya) -> None:
    picture = await painted(server, server.alice)
    await server.sari.slash(server.channel, "access running", pictures=1)
    rivya.hold()
    await server.start_imagine(server.alice, "a slow fox")
    with server.without_settling():
        await server.alice.click(picture, label=VARY)
    await server.until(
        lambda: any("allows 1 at once" in server.text_of(seen) for seen in server.visible_to(server.alice))
    )
    rivya.release()
    await server.wait_idle()
    assert len(rivya.tasks) == 2


async def test_nothing_is_varied_while_new_pictures_are_paused(server: BotServer, rivya: FakeRivya) -> None:
    picture = await painted(server, server.alice)
    pauses = PauseStore(server.app.ledger._database)
    await pauses.set(0, paused=True, sentence="Back at noon.", set_by=1)
    assert "Back at noon" in server.response_text(await server.alice.click(picture, label=VARY))
    await pauses.set(0, paused=False, set_by=1)
    await server.alice.click(picture, label=VARY)
    assert len(rivya.tasks) == 2


async def test_above_the_threshold_the_price_is_asked_first(server: BotServer, rivya: FakeRivya) -> None:
    picture = await painted(server, server.alice, "a noise fox")
    await server.sari.slash(server.channel, "limits confirm", above=3)
    question = await server.alice.click(picture, label=VARY)
    words = server.response_text(question)
    assert "This picture costs 4 credits" in words
    assert "a noise fox" in words
    assert (len(rivya.tasks), server.states()) == (1, ["settled"])
    await server.restart()
    await server.alice.click(response_of(question).message, label="Paint it")
    await server.alice.click(response_of(question).message, label="Paint it")
    assert is_same_picture(varied(rivya)[1], server.pictures()[0])
    assert server.states() == ["settled", "settled"]
    assert source_jobs(server) == [parents(server)[0][0]]


async def test_a_private_picture_is_varied_in_private_from_what_is_stored(
    server: BotServer, rivya: FakeRivya
) -> None:
    picture = await painted(server, server.alice, "a noise secret", private=True, spoiler=True)
    assert rows_of(server, picture) == [
        ["Again", "Edit", "Use as reference"],
        [VARY, "Details", "Show to everybody", "Delete"],
    ]
    ((sha256,),) = server.query("SELECT sha256 FROM kept_pictures")
    await server.restart()
    await server.alice.click(picture, label=VARY)
    assert server.visible_to(server.bob) == []
    assert varied(rivya)[0].prompt == "a noise secret"
    assert server.query("SELECT url FROM job_references") == [(f"kept:{sha256}",)]
    assert server.query("SELECT private, spoiler FROM jobs") == [(1, 1), (1, 1)]


async def test_a_shared_picture_can_be_varied_by_everybody(server: BotServer, rivya: FakeRivya) -> None:
    picture = await painted(server, server.alice, private=True)
    await server.alice.click(picture, label="Show to everybody")
    (shared,) = server.visible_to(server.bob)
    assert rows_of(server, shared) == [["Again", "Edit", "Use as reference"], [VARY, "Details", "Delete"]]
    await server.bob.click(shared, label=VARY)
    assert len(rivya.tasks) == 2
    assert len([seen for seen in server.visible_to(server.bob) if seen.attachments]) == 2


async def test_a_forged_button_does_not_vary_another_members_private_picture(
    server: BotServer, rivya: FakeRivya
) -> None:
    await painted(server, server.alice, "a secret", private=True)
    ((job_id,),) = server.query("SELECT job_id FROM jobs")
    public = await painted(server, server.bob)
    raw = server.env.backend.get_message(server.channel.id, public.id)
    buttons = [part for part in walk_components(raw.components) if "custom_id" in part]
    buttons[-1]["custom_id"] = f"kuas:picture:vary:{job_id}"
    refused = await server.bob.click(public, custom_id=buttons[-1]["custom_id"])
    assert "no such picture" in server.response_text(refused)
    assert len(rivya.tasks) == 2


async def test_a_picture_in_a_thread_is_varied_there(server: BotServer, rivya: FakeRivya) -> None:
    created = await server.bot_channel(server.channel.id).create_thread(
        name="sketches", type=discord.ChannelType.public_thread
    )
    (thread,) = [each for each in server.channel.threads if each.id == created.id]
    await server.alice.slash(thread, "imagine", prompt="a noise fox")
    await server.bob.click(thread.history()[-1], label=VARY)
    assert len(thread.history()) == 2
    assert all(len(message.attachments) == 1 for message in thread.history())


async def test_in_the_history_a_picture_is_varied_after_its_message_is_fetched(
    server: BotServer, rivya: FakeRivya
) -> None:
    posted = await painted(server, server.alice, "a noise fox")
    message = await open_in_history(server, server.alice)
    assert rows_of(server, message)[-2:] == [[VARY, "Details", "Delete"], ["Back to the pictures"]]
    await server.alice.click(message, label=VARY)
    assert is_same_picture(varied(rivya)[1], server.pictures()[0])
    server.env.backend.delete_message(server.channel.id, posted.id)
    # The card still shows the first picture, whose message is gone.
    refused = await server.alice.click(message, label=VARY)
    assert "its message is gone" in server.response_text(refused)
    assert len(rivya.tasks) == 2


async def test_a_deleted_picture_is_not_varied(server: BotServer, rivya: FakeRivya) -> None:
    picture = await painted(server, server.alice)
    stale = StaleMessage(server, picture)
    question = await server.alice.click(picture, label="Delete")
    await server.alice.click(response_of(question).message, label="Delete it")
    assert "was deleted" in server.response_text(await stale.click(server.alice, VARY))
    assert len(rivya.tasks) == 1


async def test_a_picture_whose_words_were_erased_is_not_varied(server: BotServer, rivya: FakeRivya) -> None:
    picture = await painted(server, server.alice)
    asked = await server.alice.slash(server.channel, "privacy erase")
    await server.alice.click(response_of(asked).message, label="Erase it")
    for member in (server.alice, server.bob):
        assert "was erased" in server.response_text(await member.click(picture, label=VARY))
    assert len(rivya.tasks) == 1


async def test_a_private_picture_whose_file_has_expired_is_varied_from_its_message(
    server: BotServer, rivya: FakeRivya
) -> None:
    picture = await painted(server, server.alice, "a noise fox", private=True)
    data = server.file(picture.attachments[0].url)
    server.query("DELETE FROM kept_pictures")
    await server.alice.click(picture, label=VARY)
    assert is_same_picture(varied(rivya)[1], data)


async def test_a_direct_message_has_no_such_button(server: BotServer, rivya: FakeRivya) -> None:
    rivya.hold()
    await server.start_imagine(server.alice, private=True)
    server.env.inject_error("PATCH", "/webhooks/*/*/messages/@original", status=401, code=50027, times=None)
    rivya.release()
    await server.wait_idle()
    (message,) = server.alice.user.dm_channel.history()
    assert labels(server, message) == ["Details", "Delete"]


async def test_a_seed_is_left_out_and_other_settings_are_kept(
    open_server: OpenServer, rivya: FakeRivya
) -> None:
    server = await open_server(models=("wan-2-7-image", "qwen-image"))
    picture = await painted(server, server.alice, model="wan-2-7-image", settings="resolution=1K, seed=42")
    await server.alice.click(picture, label=VARY)
    first, second = (task.params for task in rivya.tasks.values())
    assert (first["seed"], first["resolution"]) == (42, "1K")
    assert "seed" not in second
    assert second["resolution"] == "1K"
    settings = [json.loads(text) for (text,) in server.query("SELECT settings FROM jobs ORDER BY rowid")]
    assert settings == [[["resolution", "1K"], ["seed", 42]], [["resolution", "1K"]]]


async def test_the_words_of_a_preset_are_kept(server: BotServer, rivya: FakeRivya) -> None:
    await server.sari.slash(server.channel, "presets save", name="Ink", before="ink drawing of")
    picture = await painted(server, server.alice, "a fox", preset="Ink")
    await server.bob.click(picture, label=VARY)
    assert [task.prompt for task in rivya.tasks.values()] == ["ink drawing of a fox"] * 2


async def test_a_model_without_references_has_no_such_button(
    open_server: OpenServer, rivya: FakeRivya
) -> None:
    server = await open_server(models=("qwen-image", "z-image"))
    picture = await painted(server, server.alice, model="z-image")
    assert labels(server, picture) == ["Again", "Edit", "Use as reference", "Details", "Delete"]
    opened = await open_in_history(server, server.alice)
    assert VARY not in labels(server, opened)
    private = await painted(server, server.alice, "a fox", model="z-image", private=True)
    assert VARY not in labels(server, private)
    await server.alice.click(private, label="Show to everybody")
    assert VARY not in labels(server, server.visible_to(server.bob)[-1])


async def test_a_model_that_was_denied_since_is_refused_and_an_allowed_one_is_named(
    open_server: OpenServer, rivya: FakeRivya
) -> None:
    server = await open_server(models=("qwen-image", "flux-2-pro"))
    picture = await painted(server, server.alice, model="flux-2-pro")
    await server.sari.slash(server.channel, "access model", model="flux-2-pro", mode="deny")
    refused = await server.alice.click(picture, label=VARY)
    assert "do not let you use Flux 2 Pro here. You may use: Qwen Image." in server.response_text(refused)
    assert (len(rivya.tasks), rivya.uploads, server.states()) == (1, {}, ["settled"])


async def test_a_model_that_has_lost_its_references_is_refused_and_others_are_named(
    open_server: OpenServer, rivya: FakeRivya
) -> None:
    own = replace(QWEN_IMAGE, model_id="own-model", name="Own Model")
    rivya.models[own.model_id] = replace(rivya.models["qwen-image"], model_id=own.model_id)
    server = await open_server(models=(own.model_id, "z-image", "flux-2-pro"), extra_models=(own,))
    picture = await painted(server, server.alice)
    server.options["extra_models"] = (replace(own, reference_count=0),)
    await server.restart()
    refused = await server.alice.click(picture, label=VARY)
    words = server.response_text(refused)
    assert "Own Model takes no reference." in words
    assert "choose a model that takes one: Flux 2 Pro." in words
    assert (len(rivya.tasks), rivya.uploads, server.states()) == (1, {}, ["settled"])


async def test_for_a_model_that_is_offered_no_more_one_is_named_that_takes_references(
    open_server: OpenServer, rivya: FakeRivya
) -> None:
    server = await open_server(models=("flux-2-pro", "z-image", "qwen-image"))
    picture = await painted(server, server.alice, "a noise fox")
    server.options["models"] = ("z-image", "qwen-image")
    await server.restart()
    refused = await server.alice.click(picture, label=VARY)
    words = server.response_text(refused)
    assert "Flux 2 Pro is not available. The closest to it is Qwen Image" in words
    form = await server.alice.click(response_of(refused).message, label="Edit and try again")
    await server.alice.submit_modal(form, fill_modal(form))
    task, sent = varied(rivya)
    assert task.model == "qwen-image"
    assert is_same_picture(sent, server.pictures()[0])


async def test_an_older_message_keeps_its_buttons_and_they_work(server: BotServer, rivya: FakeRivya) -> None:
    picture = await painted(server, server.alice)
    raw = server.env.backend.get_message(server.channel.id, picture.id)
    (container,) = raw.components
    vary, *others = container["components"].pop()["components"]
    container["components"][-1]["components"] += others
    assert rows_of(server, picture) == [["Again", "Edit", "Use as reference", "Details", "Delete"]]
    await server.alice.click(picture, label="Again")
    forged = StaleMessage(server, picture)
    answer = await forged.send(server.bob, 3, {"custom_id": vary["custom_id"], "component_type": 2})
    assert "no longer available" in server.response_text(answer)
    assert len(rivya.tasks) == 2


async def test_the_button_is_in_the_language_of_its_readers(server: BotServer) -> None:
    locales = Locales(server.env)
    locales.of_members[server.alice.id] = "es-ES"
    server.env.backend.get_guild(server.guild.id).preferred_locale = "id"
    assert rows_of(server, await painted(server, server.alice))[-1][0] == "Buat variasi"
    private = await painted(server, server.alice, "a fox", private=True)
    assert rows_of(server, private)[-1][0] == "Variar"
