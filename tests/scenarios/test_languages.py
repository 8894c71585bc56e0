"""Everybody is answered in their own language, and everybody together in the server's."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.fake_rivya import FakeRivya
from tests.scenarios.bot_server import BotServer
from tests.scenarios.interactions import field, labels
from tests.support.images import make_picture

ENGLISH, INDONESIAN, GERMAN = "en-US", "id", "de"


@pytest.fixture
def speak(server: BotServer, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets the language of a member and of the server, which SimCord leaves American."""
    emit = server.env.backend.emit
    spoken: dict[int, str] = {}
    of_guild = {"locale": ENGLISH}

    def emit_in_their_language(name: str, payload: Any) -> Any:
        if name == "INTERACTION_CREATE":
            user = payload.get("member", payload).get("user", {})
            payload = payload | {
                "locale": spoken.get(int(user.get("id", 0)), ENGLISH),
                "guild_locale": of_guild["locale"],
            }
        return emit(name, payload)

    monkeypatch.setattr(server.env.backend, "emit", emit_in_their_language)

    def set_languages(member: Any, locale: str, *, guild: str = ENGLISH) -> None:
        spoken[member.id] = locale
        of_guild["locale"] = guild

    return set_languages


async def test_a_private_answer_is_in_the_member_s_language(server: BotServer, speak: Any) -> None:
    speak(server.alice, INDONESIAN)
    assert "Batas server" in server.answer(await server.alice.slash(server.channel, "credits"))
    assert "limit" in server.answer(await server.bob.slash(server.channel, "credits"))


async def test_a_language_that_nobody_wrote_yet_is_answered_in_english(server: BotServer, speak: Any) -> None:
    speak(server.alice, GERMAN, guild=GERMAN)
    assert "limit" in server.answer(await server.alice.slash(server.channel, "credits"))


async def test_a_public_picture_speaks_the_server_s_language(server: BotServer, speak: Any) -> None:
    speak(server.alice, INDONESIAN, guild=ENGLISH)
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    (message,) = server.channel.history()
    assert "4 credits" in server.text_of(message)
    assert labels(server, message)[0] == "Again"
    speak(server.bob, ENGLISH, guild=INDONESIAN)
    await server.bob.slash(server.channel, "imagine", prompt="an owl")
    message = server.channel.history()[-1]
    assert "4 kredit" in server.text_of(message)
    assert labels(server, message) == ["Lagi", "Ubah", "Jadikan acuan", "Rincian", "Hapus"]


async def test_a_private_picture_speaks_its_member_s_language_also_after_a_restart(
    server: BotServer, rivya: FakeRivya, speak: Any
) -> None:
    speak(server.alice, INDONESIAN, guild=ENGLISH)
    rivya.hold()
    await server.start_imagine(server.alice, private=True)
    await server.app.engine.close()
    rivya.release()
    await server.restart()
    message = server.visible_to(server.alice)[-1]
    assert "4 kredit" in server.text_of(message)
    assert "Lagi" in labels(server, message)


async def test_a_form_and_a_refusal_speak_the_member_s_language(server: BotServer, speak: Any) -> None:
    speak(server.alice, INDONESIAN)
    shown = await server.alice.slash(server.channel, "imagine")
    assert shown.modal is not None
    assert shown.modal["title"] == "Gambar baru"
    assert field(shown, "options")["options"][0]["label"] == "Hanya untuk saya"
    await server.sari.slash(server.channel, "limits guild", credits=0, period="month")
    result = await server.alice.slash(
        server.channel, "imagine", prompt="a fox", reference=("r.png", make_picture())
    )
    assert "kredit" in server.private_reply(result)
    assert "credits" not in server.private_reply(result)


async def test_buttons_of_a_card_in_one_language_answer_in_another(server: BotServer, speak: Any) -> None:
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    (message,) = server.channel.history()
    speak(server.bob, INDONESIAN)
    result = await server.bob.click(message, label="Delete")
    assert "Kelola Pesan" in server.answer(result)


async def test_the_menus_of_discord_have_both_languages(server: BotServer) -> None:
    imagine = server.find_command("imagine", None)
    assert imagine["name_localizations"] == {INDONESIAN: "lukis"}
    assert "gambar" in imagine["description_localizations"][INDONESIAN]
