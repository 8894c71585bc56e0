"""Private messages are in the member's language, public ones in the server's."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.fake_rivya import FakeRivya
from tests.scenarios.bot_server import BotServer
from tests.scenarios.interactions import field, labels
from tests.support.images import make_picture

ENGLISH, INDONESIAN = "en-US", "id"
ESPERANTO = "eo"
"""A language that Discord does not have, as one that it may have later."""


@pytest.fixture
def set_language(server: BotServer, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that sets the language of a member and of the server; both are English in SimCord."""
    emit = server.env.backend.emit
    locales: dict[int, str] = {}
    of_guild = {"locale": ENGLISH}

    def emit_with_locales(name: str, payload: Any) -> Any:
        if name == "INTERACTION_CREATE":
            user = payload.get("member", payload).get("user", {})
            payload = payload | {
                "locale": locales.get(int(user.get("id", 0)), ENGLISH),
                "guild_locale": of_guild["locale"],
            }
        return emit(name, payload)

    monkeypatch.setattr(server.env.backend, "emit", emit_with_locales)

    def set_languages(member: Any, locale: str, *, guild: str = ENGLISH) -> None:
        locales[member.id] = locale
        of_guild["locale"] = guild

    return set_languages


async def test_a_private_response_is_in_the_members_language(server: BotServer, set_language: Any) -> None:
    set_language(server.alice, INDONESIAN)
    assert "Batas server" in server.response_text(await server.alice.slash(server.channel, "credits"))
    assert "limit" in server.response_text(await server.bob.slash(server.channel, "credits"))


async def test_a_language_without_translation_is_answered_in_english(
    server: BotServer, set_language: Any
) -> None:
    set_language(server.alice, ESPERANTO, guild=ESPERANTO)
    assert "limit" in server.response_text(await server.alice.slash(server.channel, "credits"))


async def test_a_public_picture_has_texts_in_the_servers_language(
    server: BotServer, set_language: Any
) -> None:
    set_language(server.alice, INDONESIAN, guild=ENGLISH)
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    (message,) = server.channel.history()
    assert "4 credits" in server.text_of(message)
    assert labels(server, message)[0] == "Again"
    set_language(server.bob, ENGLISH, guild=INDONESIAN)
    await server.bob.slash(server.channel, "imagine", prompt="an owl")
    message = server.channel.history()[-1]
    assert "4 kredit" in server.text_of(message)
    assert labels(server, message) == ["Lagi", "Ubah", "Jadikan acuan", "Rincian", "Hapus"]


async def test_a_private_picture_has_texts_in_the_members_language_also_after_a_restart(
    server: BotServer, rivya: FakeRivya, set_language: Any
) -> None:
    set_language(server.alice, INDONESIAN, guild=ENGLISH)
    rivya.hold()
    await server.start_imagine(server.alice, private=True)
    await server.app.engine.close()
    rivya.release()
    await server.restart()
    message = server.visible_to(server.alice)[-1]
    assert "4 kredit" in server.text_of(message)
    assert "Lagi" in labels(server, message)


async def test_a_form_and_a_refusal_are_in_the_members_language(server: BotServer, set_language: Any) -> None:
    set_language(server.alice, INDONESIAN)
    shown = await server.alice.slash(server.channel, "imagine")
    assert shown.modal is not None
    assert shown.modal["title"] == "Gambar baru"
    assert field(shown, "options")["options"][0]["label"] == "Hanya untuk saya"
    await server.sari.slash(server.channel, "limits guild", credits=0, period="month")
    result = await server.alice.slash(
        server.channel, "imagine", prompt="a fox", reference=("r.png", make_picture())
    )
    assert "kredit" in server.private_text(result)
    assert "credits" not in server.private_text(result)


async def test_a_button_answers_in_the_language_of_who_clicks(server: BotServer, set_language: Any) -> None:
    await server.alice.slash(server.channel, "imagine", prompt="a fox")
    (message,) = server.channel.history()
    set_language(server.bob, INDONESIAN)
    result = await server.bob.click(message, label="Delete")
    assert "Kelola Pesan" in server.response_text(result)


async def test_commands_are_registered_in_the_languages(server: BotServer) -> None:
    imagine = server.find_command("imagine", None)
    assert imagine["name_localizations"][INDONESIAN] == "lukis"
    assert ENGLISH not in imagine["name_localizations"]
    assert "gambar" in imagine["description_localizations"][INDONESIAN]
