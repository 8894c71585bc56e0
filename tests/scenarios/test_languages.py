"""Private messages are in the member's language, public ones in the server's."""

from __future__ import annotations

from typing import Protocol

import pytest
import simcord

from sandbox.fake_rivya import FakeRivya
from sandbox.locales import Locales
from tests.scenarios.bot_server import BotServer, OpenServer
from tests.scenarios.interactions import field, labels
from tests.support.images import make_picture

ENGLISH, INDONESIAN = "en-US", "id"
ESPERANTO = "eo"
"""A language that Discord does not have, as one that it may have later."""


class SetLanguage(Protocol):
    """Set the locale of a member, and of the server."""

    def __call__(self, member: simcord.MemberActor, locale: str, *, guild: str = ENGLISH) -> None: ...


@pytest.fixture
def set_language(server: BotServer) -> SetLanguage:
    locales = Locales(server.env)

    def set_languages(member: simcord.MemberActor, locale: str, *, guild: str = ENGLISH) -> None:
        locales.of_members[member.id] = locale
        server.env.backend.get_guild(server.guild.id).preferred_locale = guild

    return set_languages


async def test_a_private_response_is_in_the_members_language(
    server: BotServer, set_language: SetLanguage
) -> None:
    set_language(server.alice, INDONESIAN)
    assert "Batas server" in server.response_text(await server.alice.slash(server.channel, "credits"))
    assert "limit" in server.response_text(await server.bob.slash(server.channel, "credits"))


async def test_a_language_without_translation_is_answered_in_english(
    server: BotServer, set_language: SetLanguage
) -> None:
    set_language(server.alice, ESPERANTO, guild=ESPERANTO)
    assert "limit" in server.response_text(await server.alice.slash(server.channel, "credits"))


async def test_a_public_picture_has_texts_in_the_servers_language(
    server: BotServer, set_language: SetLanguage
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
    assert labels(server, message) == ["Lagi", "Ubah", "Jadikan acuan", "Buat variasi", "Rincian", "Hapus"]


async def test_a_private_picture_has_texts_in_the_members_language_also_after_a_restart(
    server: BotServer, rivya: FakeRivya, set_language: SetLanguage
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


async def test_a_form_and_a_refusal_are_in_the_members_language(
    server: BotServer, set_language: SetLanguage
) -> None:
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


async def test_a_button_answers_in_the_language_of_who_clicks(
    server: BotServer, set_language: SetLanguage
) -> None:
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


SPAIN, LATIN_AMERICA = "es-ES", "es-419"


async def test_members_in_spain_and_latin_america_use_the_bot_in_spanish(open_server: OpenServer) -> None:
    """From the first picture to the limit, with one catalogue and the numbers of each member's country."""
    server = await open_server(guild_credits=12345)
    locales = Locales(server.env, SPAIN)
    locales.of_members[server.alice.id] = LATIN_AMERICA
    server.env.backend.get_guild(server.guild.id).preferred_locale = SPAIN
    for name, translated in (("imagine", "imaginar"), ("history", "historial"), ("limits", "límites")):
        names = server.find_command(name)["name_localizations"]
        assert (names[SPAIN], names[LATIN_AMERICA]) == (translated, translated)

    await server.alice.slash(server.channel, "imagine", prompt="un zorro rojo")
    (message,) = server.channel.history()
    assert "4 créditos · quedan 12.341 de 12.345 este mes" in server.text_of(message)
    assert labels(server, message) == [
        "Otra vez", "Editar", "Usar como referencia", "Variar", "Detalles", "Eliminar",
    ]  # fmt: skip
    assert "12,341" in server.response_text(await server.alice.slash(server.channel, "credits"))
    assert "12.341" in server.response_text(await server.bob.slash(server.channel, "credits"))
    refused = await server.bob.click(message, label="Eliminar")
    assert "Gestionar mensajes" in server.response_text(refused)
    form = await server.alice.slash(server.channel, "imagine")
    assert form.modal is not None
    assert form.modal["title"] == "Nueva imagen"
    history = server.response_text(await server.alice.slash(server.channel, "history"))
    assert "### Tus imágenes en este servidor" in history
    assert "un zorro rojo" in history

    changed = await server.sari.slash(server.channel, "limits guild", credits=4, period="month")
    change = "El límite de este servidor: de **12.345 créditos al mes** a **4 créditos al mes**."
    assert f"### Se cambió el límite\n{change}" in server.response_text(changed)
    reached = server.private_text(await server.bob.slash(server.channel, "imagine", prompt="un búho"))
    assert "pero el límite de este servidor solo permite 0 más (4 de 4 créditos usados este mes)" in reached
    assert "Alguien con el permiso Gestionar servidor puede subirlo con `/límites servidor`." in reached
    assert "No se cobró nada." in reached
    shown = server.response_text(await server.sari.slash(server.channel, "limits show"))
    assert "### Límites de este servidor\n**4 créditos al mes** para todo el servidor\n" in shown
    log = server.response_text(await server.sari.slash(server.channel, "limits log"))
    assert "El límite de este servidor: de **el valor predeterminado** a **4 créditos al mes**." in log
