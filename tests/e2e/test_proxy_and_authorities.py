"""The process behind a proxy that opens https with an authority of its own, as in many companies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from yarl import URL

from tests.e2e.environment import E2EEnvironment
from tests.e2e.test_cli_check import parse_lines
from tests.support.certificates import AUTHORITY_NAME, Authority, make_authority
from tests.support.images import make_picture
from tests.support.tls_proxy import TlsProxy, open_tls_proxy
from tests.support.waiting import until

CDN, GATEWAY, RIVYA = "cdn.discordapp.com", "gateway.discord.gg", "rivya.test"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def proxy(authority: Authority, fresh: E2EEnvironment) -> AsyncIterator[TlsProxy]:
    """The only way to both fakes, which now have names that lead nowhere else."""
    async with open_tls_proxy(authority) as opened:
        discord_port, rivya_port = URL(fresh.discord.url).port or 0, URL(fresh.rivya.url).port or 0
        opened.ports = {CDN: discord_port, GATEWAY: discord_port, RIVYA: rivya_port}
        fresh.discord.url = f"https://{CDN}"
        fresh.discord.rest.url = f"https://{GATEWAY}"
        fresh.discord.gateway.url = f"wss://{GATEWAY}/gateway"
        fresh.rivya.url = f"https://{RIVYA}"
        fresh.bot.settings |= {
            "BOT_NETWORK__ALLOW_LOOPBACK": "false",
            "BOT_NETWORK__CA_FILE": str(authority.certificate),
            "HTTPS_PROXY": opened.url,
        }
        yield opened


@pytest.mark.usefixtures("event_loop_name")
async def test_everything_goes_through_the_proxy(fresh: E2EEnvironment, proxy: TlsProxy) -> None:
    await fresh.bot.start_connected()
    interaction = await fresh.imagine("a fox", reference=make_picture())
    assert await fresh.outcome(interaction) == ("delivered", "reply", "settled", 4)
    fresh.picture_message("a fox")
    assert set(proxy.connects) == {CDN, GATEWAY, RIVYA}
    assert (await fresh.bot.terminate())[0] == 0


@pytest.mark.usefixtures("event_loop_name")
async def test_a_password_and_openssl_s_own_variable(
    fresh: E2EEnvironment, proxy: TlsProxy, authority: Authority
) -> None:
    proxy.authorization = "Basic bWU6aHVzaC1odXNo"
    settings = {
        "BOT_NETWORK__CA_FILE": "",
        "SSL_CERT_FILE": str(authority.certificate),
        "HTTPS_PROXY": proxy.url.replace("//", "//me:hush-hush@"),
        "BOT_LOG__LEVEL": "debug",
    }
    await fresh.bot.start_connected(**settings)
    assert await fresh.outcome(await fresh.imagine("a fox")) == ("delivered", "reply", "settled", 4)
    proxy.authorization = "Basic another"
    fresh.discord.gateway.drop_connection()  # its errors must not show the password either
    code, output = await fresh.bot.run("check", **settings)
    assert (code, "hush-hush" in output) == (1, False)
    assert "hush-hush" not in fresh.bot.log()
    assert "bWU6" not in fresh.bot.log() + output


async def test_check_passes_and_names_the_proxy(fresh: E2EEnvironment, proxy: TlsProxy) -> None:
    fresh.bot.settings["NO_PROXY"] = "intranet.example"
    code, output = await fresh.bot.run("check")
    found = parse_lines(output)
    assert code == 0, output
    assert found["proxy"][1] == f"{proxy.url} (HTTPS_PROXY); without it: intranet.example"
    assert "network.ca_file" in found["certificates"][1]
    assert found["discord files"][1].endswith(f"bytes came from {CDN}")
    assert "not tried" in found["results"][1]


async def test_check_asks_the_host_of_the_latest_result(fresh: E2EEnvironment, proxy: TlsProxy) -> None:
    await fresh.bot.start_connected()
    await fresh.outcome(await fresh.imagine("a fox"))
    assert (await fresh.bot.terminate())[0] == 0
    _, output = await fresh.bot.run("check")
    ok, words = parse_lines(output)["results"]
    assert ok
    assert words.endswith(f"bytes came from {RIVYA}")
    fresh.rivya.tasks.clear()  # the picture has expired there
    _, output = await fresh.bot.run("check")
    ok, words = parse_lines(output)["results"]
    assert ok
    assert words.startswith(f"{RIVYA} answers, and no longer has the latest picture")
    proxy.refused = {RIVYA}
    _, output = await fresh.bot.run("check")
    ok, words = parse_lines(output)["results"]
    assert not ok
    assert f"the proxy (HTTPS_PROXY) answers 403 for {RIVYA}" in words


async def test_check_names_host_and_issuer_of_a_certificate_that_is_not_trusted(
    fresh: E2EEnvironment, proxy: TlsProxy
) -> None:
    code, output = await fresh.bot.run("check", BOT_NETWORK__CA_FILE="")
    found = parse_lines(output)
    assert code == 1
    assert found["certificates"] == (True, "the system's authorities are trusted")
    for name, host in (("discord", CDN), ("rivya model", RIVYA), ("discord files", CDN)):
        ok, words = found[name]
        assert not ok
        assert f"the certificate of {host} is not trusted" in words
        assert "name its authority's in network.ca_file or SSL_CERT_FILE" in words
        assert words.endswith(f"it was issued by '{AUTHORITY_NAME}'")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("gone", "cannot be reached"),
        ("password", "the proxy wants a login"),
        ("refuses", "the proxy (HTTPS_PROXY) answers 403 for"),
    ],
)
async def test_check_names_a_proxy_that_does_not_serve(
    fresh: E2EEnvironment, proxy: TlsProxy, change: str, words: str
) -> None:
    settings = {}
    match change:
        case "gone":
            settings["HTTPS_PROXY"] = "http://127.0.0.1:9"
        case "password":
            proxy.authorization = "Basic x"
        case _:
            proxy.refused = {CDN, RIVYA}
    code, output = await fresh.bot.run("check", **settings)
    found = parse_lines(output)
    assert code == 1
    for name in ("discord", "rivya key and wallet", "discord files"):
        assert not found[name][0]
        assert words in found[name][1]


@pytest.mark.parametrize(
    ("settings", "name", "words"),
    [
        ({"HTTPS_PROXY": "socks5://127.0.0.1:9"}, "proxy", "HTTPS_PROXY: SOCKS proxies are not supported"),
        ({"HTTPS_PROXY": "http://"}, "proxy", "HTTPS_PROXY: must be the address of a proxy"),
        ({"BOT_NETWORK__CA_FILE": "no.pem"}, "certificates", "network.ca_file: no.pem: No such file"),
        ({"BOT_NETWORK__CA_FILE": "bad.pem"}, "certificates", "bad.pem has no certificate in PEM format"),
    ],
)
async def test_a_proxy_or_a_file_that_cannot_be_used_is_one_line(
    fresh: E2EEnvironment, settings: dict[str, str], name: str, words: str
) -> None:
    fresh.bot.folder.mkdir(exist_ok=True)
    (fresh.bot.folder / "bad.pem").write_text("no certificate", "utf-8")
    code, output = await fresh.bot.run("check", **settings)
    found = parse_lines(output)
    assert code == 1
    assert not found[name][0]
    assert words in found[name][1]
    assert [check for check, (ok, _) in found.items() if not ok] == [name]
    code, output = await fresh.bot.run(**settings, BOT_LOG__LEVEL="warning")
    assert (code, len(output.splitlines())) == (1, 1)
    assert words in output


async def test_an_ssl_cert_file_that_is_missing_is_named(fresh: E2EEnvironment, tmp_path: Path) -> None:
    _, output = await fresh.bot.run("check", SSL_CERT_FILE=str(tmp_path / "no.pem"))
    ok, words = parse_lines(output)["certificates"]
    assert not ok
    assert words == f"SSL_CERT_FILE: {tmp_path / 'no.pem'}: No such file or directory"


async def test_a_resolver_with_fake_addresses_is_named(fresh: E2EEnvironment, proxy: TlsProxy) -> None:
    hosts = {"KUAS_E2E_HOSTS": f"{CDN}=198.18.0.7"}
    code, output = await fresh.bot.run("check", **hosts)
    found = parse_lines(output)
    assert code == 1
    assert [name for name, (ok, _) in found.items() if not ok] == ["discord files"]
    assert f"{CDN}: the resolver answers with 198.18.0.0/15" in found["discord files"][1]
    assert "network.allow_fake_ip" in found["discord files"][1]
    code, _ = await fresh.bot.run("check", BOT_NETWORK__ALLOW_FAKE_IP="true", **hosts)
    assert code == 0


async def test_private_addresses_behind_nat64_are_not_asked_of_the_proxy(
    fresh: E2EEnvironment, proxy: TlsProxy
) -> None:
    prefix = "2a00:64::192.0.0.170"
    for address, code in (("2a00:64::8.8.8.8", 0), ("2a00:64::10.0.0.1", 1), ("64:ff9b::10.0.0.1", 1)):
        hosts = f"ipv4only.arpa={prefix},{CDN}={address}"
        assert (await fresh.bot.run("check", KUAS_E2E_HOSTS=hosts))[0] == code


@pytest.mark.usefixtures("event_loop_name")
async def test_a_start_waits_for_the_proxy(fresh: E2EEnvironment, proxy: TlsProxy) -> None:
    proxy.refused = {GATEWAY}  # as a proxy that knows no web sockets
    await fresh.bot.start(HTTPS_PROXY=proxy.url)
    await until(lambda: GATEWAY in proxy.connects)
    proxy.refused.clear()
    await fresh.bot.wait_connected()
