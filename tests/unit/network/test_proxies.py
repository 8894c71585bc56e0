"""`HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`."""

from __future__ import annotations

import pytest
from yarl import URL

from bot.domain.errors import OperatorError
from bot.network.proxies import Proxies

VARIABLES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "NO_PROXY", "no_proxy")
RIVYA = "https://rivya.ai/api/v1"
HUSH = "hush"
"""A password, which no message may show."""


def read(monkeypatch: pytest.MonkeyPatch, **environ: str) -> Proxies:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return Proxies.from_environment()


def chosen(proxies: Proxies, url: str) -> str | None:
    proxy = proxies.for_url(URL(url))
    return None if proxy is None else str(proxy)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"HTTPS_PROXY": ""}, None),
        ({"HTTP_PROXY": "http://a:1"}, None),
        ({"HTTPS_PROXY": "http://a:1"}, "http://a:1 (HTTPS_PROXY)"),
        ({"https_proxy": "https://a:1/", "HTTPS_PROXY": "http://b:2"}, "https://a:1 (HTTPS_PROXY)"),
        ({"HTTPS_PROXY": "a.example:3128"}, "http://a.example:3128 (HTTPS_PROXY)"),
        ({"ALL_PROXY": "http://a:1"}, "http://a:1 (ALL_PROXY)"),
        ({"ALL_PROXY": "socks5://b:2", "HTTPS_PROXY": "http://a:1"}, "http://a:1 (HTTPS_PROXY)"),
    ],
)
def test_the_variables_are_read_as_curl_reads_them(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], expected: str | None
) -> None:
    proxies = read(monkeypatch, **environ)
    assert chosen(proxies, RIVYA) == expected
    assert chosen(proxies, "wss://gateway.discord.gg/") == expected


def test_a_password_is_for_the_proxy_alone_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    proxies = read(monkeypatch, HTTPS_PROXY="http://me:hu%40sh@a:1")
    assert proxies.https is not None
    assert proxies.https.headers == {"Proxy-Authorization": "Basic bWU6aHVAc2g="}
    assert str(proxies.https) == "http://a:1 (HTTPS_PROXY)"


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks4", "SOCKS5"])
def test_a_socks_proxy_is_named_as_unsupported(
    monkeypatch: pytest.MonkeyPatch, variable: str, scheme: str
) -> None:
    with pytest.raises(OperatorError, match=f"{variable.upper()}: SOCKS proxies are not supported") as caught:
        read(monkeypatch, **{variable: f"{scheme}://me:{HUSH}@a:1"})
    assert HUSH not in str(caught.value)


@pytest.mark.parametrize(
    "address", ["http://", f"ftp://me:{HUSH}@a", f"http://me:{HUSH}@a:99999", f"http://[{HUSH}", "://"]
)
def test_an_address_that_is_none_is_a_mistake(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    with pytest.raises(OperatorError, match="HTTPS_PROXY: must be the address of a proxy") as caught:
        read(monkeypatch, HTTPS_PROXY=address)
    assert HUSH not in str(caught.value)


@pytest.mark.parametrize(
    ("no_proxy", "url", "bypassed"),
    [
        ("rivya.ai", RIVYA, True),
        (" example.com , Rivya.AI ", RIVYA, True),
        ("example.com rivya.ai:443", RIVYA, True),
        (".rivya.ai", "https://files.rivya.ai/a", True),
        ("*.rivya.ai", "https://files.rivya.ai/a", True),
        ("*", RIVYA, True),
        ("vya.ai", RIVYA, False),
        ("rivya.ai", "https://rivya.ai.example/", False),
        (", ,.", RIVYA, False),
        ("10.0.0.0/8", "https://10.1.2.3/", True),
        ("10.0.0.0/8,fd00::/8", "https://[fd12::1]/", True),
        ("10.0.0.0/8", RIVYA, False),
        (".discord.gg", "wss://gateway.discord.gg/", True),
        ("", "https://localhost/", True),
        ("", "https://127.8.8.8/", True),
        ("", "https://[::1]/", True),
        ("", "http://example.com/", True),
    ],
)
def test_no_proxy_names_hosts_with_those_below_them_and_addresses(
    monkeypatch: pytest.MonkeyPatch, no_proxy: str, url: str, bypassed: bool
) -> None:
    proxies = read(monkeypatch, HTTPS_PROXY="http://a:1", NO_PROXY=no_proxy)
    assert (chosen(proxies, url) is None) == bypassed
