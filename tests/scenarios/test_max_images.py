"""One task that makes several pictures: how they are shown, shared, deleted, and used as references."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image
from simcord.components import walk_components

from sandbox.fake_rivya import FakeRivya
from tests.scenarios.bot_server import MEDIA_GALLERY, BotServer, OpenServer
from tests.scenarios.interactions import fill_modal, open_in_history, painted, response_of
from tests.support.images import make_picture

THREE = {"model": "seedream-4-0", "settings": "max_images=3"}


def picture(number: int) -> bytes:
    """Return the picture that the fake paints as the one of this number."""
    return make_picture(size=(40 + number, 30))


def paint(*values: Any) -> bytes:
    return picture(int(values[-1].seed.rpartition("/")[2] or 0) + 1)


@pytest.fixture
async def server(open_server: OpenServer, rivya: FakeRivya) -> BotServer:
    rivya._painter = paint
    return await open_server(models=("qwen-image", "seedream-4-0"))


def shown(server: BotServer, message: Any) -> list[bytes]:
    """Return the pictures of a message."""
    return [server.cdn.get(attachment.url) or b"" for attachment in message.attachments]


def names(message: Any) -> list[str]:
    return [attachment.filename for attachment in message.attachments]


def widths(rivya: FakeRivya, task: Any) -> list[int]:
    """Return how wide the references of a task are, which tells which pictures they are."""
    sent = [rivya.uploads[upload_id].data for upload_id in task.reference_ids]
    return [Image.open(io.BytesIO(data)).width for data in sent]


def job_id_of(server: BotServer) -> str:
    ((job_id,),) = server.query("SELECT job_id FROM jobs ORDER BY rowid DESC LIMIT 1")
    return str(job_id)


async def test_all_come_in_one_message_with_one_price(server: BotServer, rivya: FakeRivya) -> None:
    message = await painted(server, server.alice, **THREE)
    assert shown(server, message) == [picture(1), picture(2), picture(3)]
    job_id = job_id_of(server)
    assert names(message) == [f"{job_id}.png", f"{job_id}-2.png", f"{job_id}-3.png"]
    assert server.alt_texts(message) == ["a fox"] * 3
    text = server.text_of(message)
    assert "18 credits" in text
    assert "up to" not in text
    assert "could not be fetched" not in text
    assert rivya.charged_credits == 18
    urls = [url for (url,) in server.query("SELECT landed_url FROM more_pictures ORDER BY number")]
    assert [url.rpartition("/")[2] for url in urls] == names(message)[1:]


@pytest.mark.parametrize("prompt", ["fewer foxes", "a missing fox"])
async def test_fewer_than_asked_are_said(server: BotServer, rivya: FakeRivya, prompt: str) -> None:
    message = await painted(server, server.alice, prompt, **THREE)
    assert len(message.attachments) == 2
    assert "12 credits" in server.text_of(message)
    assert "2 of up to 3 pictures" in server.text_of(message)


async def test_the_price_is_known_after_the_first(server: BotServer, rivya: FakeRivya) -> None:
    first = await painted(server, server.alice, **THREE)
    assert "12 credits more than was known before" in server.text_of(first)
    second = await painted(server, server.alice, "another fox", **THREE)
    assert "more than was known before" not in server.text_of(second)


async def test_more_than_one_message_shows_are_refused_and_cost_nothing(
    server: BotServer, rivya: FakeRivya
) -> None:
    result = await server.alice.slash(
        server.channel, "imagine", prompt="a fox", pictures=3, model="seedream-4-0", settings="max_images=4"
    )
    words = server.private_text(result)
    assert "This could make 12 pictures, and one message shows at most 10." in words
    assert (server.states(), rivya.tasks) == ([], {})


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_private_job_is_shared_with_all_its_pictures_and_deleted_with_all(
    server: BotServer, restarted: bool
) -> None:
    message = await painted(server, server.alice, private=True, **THREE)
    assert len(message.attachments) == 3
    assert server.visible_to(server.bob) == []
    if restarted:
        await server.restart()
    await server.alice.click(message, label="Show to everybody")
    public = server.visible_to(server.bob)[-1]
    assert shown(server, public) == [picture(1), picture(2), picture(3)]
    assert server.alt_texts(public) == ["a fox"] * 3
    assert server.query("SELECT count(landed_url), count(sha256) FROM more_pictures") == [(2, 2)]
    question = response_of(await server.alice.click(public, label="Delete")).message
    assert "Delete all 3 pictures for everybody?" in server.text_of(question)
    await server.alice.click(question, label="Delete it")
    assert server.visible_to(server.bob) == []
    assert server.query("SELECT count(landed_url), count(sha256) FROM more_pictures") == [(0, 0)]
    assert server.query("SELECT count(*) FROM kept_pictures") == [(0,)]


@pytest.mark.parametrize("private", [False, True])
@pytest.mark.parametrize("restarted", [False, True])
async def test_each_of_them_can_be_used_as_a_reference(
    server: BotServer, rivya: FakeRivya, private: bool, restarted: bool
) -> None:
    message = await painted(server, server.alice, private=private, **THREE)
    if restarted:
        await server.restart()
    details = await server.alice.click(message, label="Details")
    assert "Pictures: 3" in server.response_text(details)
    card = response_of(details).message
    raw = server.env.backend.get_message(card.channel.id, card.id)
    (menu,) = [part for part in walk_components(raw.components) if part["type"] == 3]
    assert [option["label"] for option in menu["options"]] == ["Picture 1", "Picture 2", "Picture 3"]
    form = await server.alice.select(card, ["2"], custom_id=menu["custom_id"])
    await server.alice.submit_modal(form, fill_modal(form, prompt="its friend"))
    task = list(rivya.tasks.values())[-1]
    assert widths(rivya, task) == [42]


async def test_use_as_reference_and_vary_take_the_first(server: BotServer, rivya: FakeRivya) -> None:
    message = await painted(server, server.alice, **THREE)
    await server.alice.click(message, label="Vary")
    task = list(rivya.tasks.values())[-1]
    assert widths(rivya, task) == [41]


async def test_a_history_has_them_as_one_entry(server: BotServer) -> None:
    await painted(server, server.alice, **THREE)
    page = response_of(await server.alice.slash(server.channel, "history")).message
    assert "3 pictures" in server.text_of(page)
    opened = await open_in_history(server, server.alice)
    assert "3 pictures" in server.text_of(opened)


async def test_what_cannot_be_fetched_is_left_out_with_a_word(server: BotServer, rivya: FakeRivya) -> None:
    rivya.faults.add("status", "result", None, code=404, path=".1.png")
    message = await painted(server, server.alice, **THREE)
    await server.until(
        lambda: server.states() == ["settled"] and server.visible_to(server.alice)[-1].attachments
    )
    message = server.visible_to(server.alice)[-1]
    assert shown(server, message) == [picture(1), picture(3)]
    assert "2 of up to 3 pictures · 1 picture could not be fetched" in server.text_of(message)


@pytest.mark.parametrize("private", [False, True])
async def test_two_tasks_with_several_pictures_share_one_message(
    server: BotServer, rivya: FakeRivya, private: bool
) -> None:
    await painted(server, server.alice, "fewer foxes", pictures=2, private=private, **THREE)
    await server.until(lambda: server.states() == ["settled"] * 2)
    await server.wait_idle()
    message = server.visible_to(server.alice)[-1]
    first, second = (job_id for (job_id,) in server.query("SELECT job_id FROM jobs ORDER BY number"))
    expected = [f"{first}.png", f"{first}-2.png", f"{second}.png", f"{second}-2.png"]
    raw = server.env.backend.get_message(message.channel.id, message.id)
    (gallery,) = [part for part in walk_components(raw.components) if part["type"] == MEDIA_GALLERY]
    urls = [item["media"]["url"].partition("?")[0] for item in gallery["items"]]
    assert [url.rpartition("/")[2] for url in urls] == expected
    files = dict(zip(names(message), shown(server, message), strict=True))
    # The fake Rivya paints another picture for the second task, which may be that of either job.
    pairs = [[files[name] for name in expected[:2]], [files[name] for name in expected[2:]]]
    assert sorted(pairs) == sorted([[picture(1), picture(2)], [picture(11), picture(12)]])
    assert server.text_of(message).count("done, 2 of up to 3 pictures") == 2
    assert rivya.charged_credits == 24
    stored = server.query("SELECT job_id, number, sha256 IS NOT NULL FROM more_pictures ORDER BY job_id")
    assert sorted(stored) == sorted([(first, 2, int(private)), (second, 2, int(private))])


async def test_in_a_group_what_cannot_be_fetched_is_said_with_its_number(
    server: BotServer, rivya: FakeRivya
) -> None:
    rivya.faults.add("status", "result", None, code=404, path=".2.png")
    await painted(server, server.alice, pictures=2, **THREE)
    await server.until(lambda: len(server.visible_to(server.alice)[-1].attachments) == 4)
    await server.wait_idle()
    text = server.text_of(server.visible_to(server.alice)[-1])
    assert text.count("done, 2 of up to 3 pictures · 1 picture could not be fetched") == 2
