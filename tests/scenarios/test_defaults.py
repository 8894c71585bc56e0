"""`/defaults set`, `/defaults server` and `/defaults show`: models, sizes, formats and privacy."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.fake_rivya import FakeRivya
from sandbox.locales import Locales
from tests.scenarios.bot_server import BotServer, OpenServer
from tests.scenarios.interactions import fill_modal, response_of

MODELS = ("qwen-image", "flux-2-pro", "z-image")


@pytest.fixture
async def server(open_server: OpenServer) -> BotServer:
    return await open_server(models=MODELS)


async def defaults(server: BotServer, member: Any, command: str, **options: Any) -> str:
    answer = await member.slash(server.channel, f"defaults {command}", **options)
    words: str = server.response_text(answer)
    return words


async def imagine(server: BotServer, member: Any = None, **options: Any) -> Any:
    return await (member or server.alice).slash(
        server.channel, "imagine", **({"prompt": "a red fox"} | options)
    )


def models_of(rivya: FakeRivya) -> list[str]:
    return [task.model for task in rivya.tasks.values()]


async def test_a_members_model_is_before_that_of_the_server(server: BotServer, rivya: FakeRivya) -> None:
    shown = await defaults(server, server.sari, "server", model="Flux 2 Pro", size="portrait_16_9")
    assert "Defaults of this server" in shown
    assert "- Model: Flux 2 Pro" in shown
    await imagine(server)
    own = await defaults(server, server.alice, "set", model="z-image")
    assert "- Model: Z Image" in own
    assert "- Size: Portrait 9:16, as this server does it" in own
    await imagine(server)
    await imagine(server, server.bob)
    await imagine(server, model="qwen-image")
    assert models_of(rivya) == ["flux-2-pro", "z-image", "flux-2-pro", "qwen-image"]
    assert [task.size for task in rivya.tasks.values()] == ["9:16", "9:16", "9:16", "portrait_16_9"]
    cleared = await defaults(server, server.alice, "clear")
    assert "- Model: Flux 2 Pro, as this server does it" in cleared


async def test_the_servers_defaults_are_in_the_log_and_can_be_cleared(
    server: BotServer, rivya: FakeRivya
) -> None:
    await defaults(server, server.sari, "server", model="z-image", private=True, format="jpeg")
    await imagine(server)
    assert server.visible_to(server.bob) == []
    log = server.response_text(await server.sari.slash(server.channel, "limits log"))
    for line in ("Default model", "Z Image", "Default kind of file", "Pictures only for their member"):
        assert line in log
    shown = await defaults(server, server.sari, "server", clear=True, size="square")
    assert "- Model: Qwen Image, as this bot does it" in shown
    assert "- Size: Square\n" in shown
    await imagine(server, prompt="a blue fox")
    assert models_of(rivya) == ["z-image", "qwen-image"]
    assert len(server.visible_to(server.bob)) == 1
    assert "- Size: Square\n" in await defaults(server, server.sari, "server")


@pytest.mark.parametrize("whose", ["set", "server"])
async def test_a_default_that_is_gone_gives_the_words_back_and_says_what_to_do(
    server: BotServer, rivya: FakeRivya, whose: str
) -> None:
    await defaults(server, server.sari if whose == "server" else server.alice, whose, model="flux-2-pro")
    server.options["models"] = ("qwen-image", "z-image")
    await server.restart()
    answer = await imagine(server)
    words = server.response_text(answer)
    assert "Flux 2 Pro is not available. The closest to it is Qwen Image" in words
    assert ("`/defaults set` changes it" in words) is (whose == "set")
    assert ("Someone with Manage Server can change it with `/defaults server`" in words) is (
        whose == "server"
    )
    assert "a red fox" in words
    member = server.sari if whose == "server" else server.alice
    assert "Flux 2 Pro (not available now)" in await defaults(server, member, "show")
    shown = await server.alice.click(response_of(answer).message, label="Edit and try again")
    await server.alice.submit_modal(shown, fill_modal(shown))
    assert models_of(rivya) == ["qwen-image"]


async def test_a_default_that_is_denied_says_so_for_the_command_and_the_form(
    server: BotServer, rivya: FakeRivya
) -> None:
    await defaults(server, server.alice, "set", model="flux-2-pro")
    await server.sari.slash(server.channel, "access model", model="flux-2-pro", mode="deny")
    for answer in (await imagine(server), await server.alice.slash(server.channel, "imagine")):
        words = server.response_text(answer)
        assert "do not let you use Flux 2 Pro here. You may use: Qwen Image, Z Image." in words
        assert "It is your default: `/defaults set` changes it" in words
    assert rivya.tasks == {}


async def test_a_default_that_costs_too_much_names_a_cheaper_model_and_where_to_change_it(
    server: BotServer, rivya: FakeRivya
) -> None:
    await defaults(server, server.alice, "set", model="flux-2-pro")
    await server.sari.slash(server.channel, "limits guild", credits=4, period="month")
    await server.sari.slash(server.channel, "access model", model="qwen-image", mode="deny")
    words = server.response_text(await imagine(server))
    assert "costs 5 credits with Flux 2 Pro" in words
    assert "enough for 4 of Z Image" in words
    assert "It is your default" in words
    assert "a red fox" in words
    assert rivya.tasks == {}


async def test_a_preset_brings_its_model_and_settings_for_it(server: BotServer, rivya: FakeRivya) -> None:
    saved = await server.sari.slash(
        server.channel, "presets save", name="Big", model="flux-2-pro", settings="resolution=2K"
    )
    assert "**Big**: *your words* · Flux 2 Pro · " in server.response_text(saved)
    await defaults(server, server.alice, "set", model="z-image")
    await imagine(server, preset="big")
    await imagine(server, prompt="a blue fox")
    assert models_of(rivya) == ["flux-2-pro", "z-image"]
    assert next(iter(rivya.tasks.values())).params["resolution"] == "2K"
    wrong = await server.sari.slash(
        server.channel, "presets save", name="Odd", model="z-image", settings="resolution=2K"
    )
    assert "Z Image has no settings" in server.response_text(wrong)
    await server.sari.slash(server.channel, "access model", model="flux-2-pro", mode="deny")
    words = server.response_text(await imagine(server, preset="big"))
    assert "do not let you use Flux 2 Pro here" in words
    assert "The preset chooses it" in words


async def test_settings_are_completed_for_the_model_of_the_preset_or_the_default(server: BotServer) -> None:
    async def settings(**filled: Any) -> list[str]:
        found = await server.alice.autocomplete(server.channel, "imagine", "settings", "", **filled)
        return [choice["name"] for choice in found]

    assert await settings() == []
    await defaults(server, server.alice, "set", model="flux-2-pro")
    assert await settings() == ["resolution=1K", "resolution=2K"]
    await server.sari.slash(server.channel, "presets save", name="Plain", before="a plain", model="z-image")
    assert await settings(preset="Plain") == []
    assert await settings(preset="Plain", model="flux-2-pro") == ["resolution=1K", "resolution=2K"]


async def test_a_model_that_is_not_offered_cannot_be_a_default(server: BotServer) -> None:
    for member, command in ((server.alice, "set"), (server.sari, "server")):
        answer = await member.slash(server.channel, f"defaults {command}", model="nano-banana")
        assert "Nano Banana is not available" in server.response_text(answer)
    assert server.query("SELECT count(*) FROM member_defaults") == [(0,)]
    assert server.query("SELECT count(*) FROM guild_settings") == [(0,)]


async def test_a_context_menu_takes_the_default_or_the_closest_that_takes_a_reference(
    server: BotServer, rivya: FakeRivya
) -> None:
    await imagine(server, model="flux-2-pro")
    (message,) = server.visible_to(server.alice)
    for model in ("flux-2-pro", "z-image"):
        await defaults(server, server.alice, "set", model=model)
        shown = await server.alice.context_menu(server.channel, "Use as reference", message)
        await server.alice.submit_modal(shown, fill_modal(shown, prompt=f"{model} fox"))
    assert models_of(rivya) == ["flux-2-pro", "flux-2-pro", "qwen-image"]


async def test_what_they_read_is_in_their_language(server: BotServer) -> None:
    Locales(server.env).of_members |= {server.sari.id: "es-419", server.alice.id: "id"}
    assert "Preferencias de este servidor" in await defaults(server, server.sari, "server", model="z-image")
    assert "- Model: Z Image, seperti di server ini" in await defaults(server, server.alice, "show")


async def test_with_one_model_nothing_is_said_of_models(open_server: OpenServer, rivya: FakeRivya) -> None:
    server = await open_server()
    command = server.find_command("defaults")
    options = {each["name"]: [option["name"] for option in each["options"]] for each in command["options"]}
    assert options["set"] == ["size", "format", "private"]
    assert options["server"] == ["size", "format", "private", "clear"]
    await defaults(server, server.sari, "server", size="portrait_4_3")
    assert "Model" not in await defaults(server, server.alice, "show")
    await imagine(server)
    assert [task.size for task in rivya.tasks.values()] == ["portrait_4_3"]
